import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from labutils import backend


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS_"))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=clean | environment
    )


def test_keras_starts_and_compiles_without_a_line_of_noise():
    result = run_python("""
        from labutils import backend
        keras = backend.load_keras()
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse", **backend.fast_settings())
        import numpy
        for _ in range(8):  # many new models used to bring "retracing" warnings
            m = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
            m.compile("sgd", "mse")
            m.predict(numpy.zeros((2, 1)), verbose=0)
        model.fit(numpy.zeros((2, 1)), numpy.zeros(2), verbose=0)
        print(keras.backend.backend())
    """)
    assert (result.returncode, result.stdout, result.stderr) == (0, "tensorflow\n", "")


def test_a_backend_that_fails_is_explained_and_what_it_printed_is_shown(tmp_path):
    broken = tmp_path / "tensorflow"
    broken.mkdir()
    (broken / "__init__.py").write_text(
        "import os\nos.write(2, b'a line from C++\\n')\nraise OSError('library too old')\n"
    )
    result = run_python(
        "from labutils import backend; backend.load_keras()",
        PYTHONPATH=str(tmp_path),
    )
    assert result.returncode != 0
    assert "a line from C++" in result.stderr
    assert "ImportError: Keras could not be started with the backend 'tensorflow'" in result.stderr
    assert "library too old" in result.stderr and "pip install -r requirements.txt" in result.stderr


def test_keras_json_cannot_choose_another_backend(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    result = run_python(
        "from labutils import backend; print(backend.load_keras().backend.backend())",
        KERAS_HOME=str(tmp_path),
    )
    assert result.stdout == "tensorflow\n", result.stderr


def test_stderr_is_held_back_only_while_nothing_fails(capfd):
    with backend.quiet_stderr():
        os.write(2, b"from a library\n")
        print("from python", file=sys.stderr)
    assert capfd.readouterr().err == ""
    with pytest.raises(KeyError), backend.quiet_stderr():
        os.write(2, b"the reason\n")
        print("the other reason", file=sys.stderr)
        raise KeyError
    assert capfd.readouterr().err == "the reason\nthe other reason\n"
    os.write(2, b"and now it works again\n")
    assert capfd.readouterr().err == "and now it works again\n"


def test_same_seed_same_weights_other_seed_other_weights(keras):
    def weights(seed):
        backend.set_seed(seed)
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4)])
        return model.get_weights()[0]

    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", None, True])
def test_a_bad_seed_is_refused_in_words(seed):
    with pytest.raises(ValueError, match="whole number from 0 to 4,294,967,295"):
        backend.set_seed(seed)


def test_fast_settings_are_empty_where_the_compiler_fails(keras, monkeypatch):
    assert backend.fast_settings() in ({"jit_compile": True, "steps_per_execution": 25}, {})

    def fails(*_):
        raise RuntimeError("no XLA here")

    monkeypatch.setattr(keras.Sequential, "predict_on_batch", fails)
    assert backend.fast_settings() == {}


def test_fast_settings_train_the_published_gru_to_the_same_numbers(keras):
    random = np.random.default_rng(0)
    x, y = random.integers(0, 500, (640, 30)), random.integers(0, 2, 640)

    def losses(**settings):
        backend.set_seed(0)
        embedding, gru = keras.layers.Embedding(500, 32), keras.layers.GRU(32)
        model = keras.Sequential([embedding, gru, keras.layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", **settings)
        return model.fit(x, y, batch_size=64, epochs=2, verbose=0).history["loss"]

    assert losses(**backend.fast_settings()) == pytest.approx(losses(), rel=1e-4)
