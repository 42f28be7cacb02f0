"""Keras starts without noise, and every kind of network of the series trains on every backend."""

import errno
import importlib.util
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from training_helpers import network

from labutils import backend


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS_BACKEND"))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=clean | environment
    )


@pytest.mark.slow
def test_keras_starts_and_compiles_without_a_line_of_noise():
    result = run_python("""
        from labutils import backend
        keras = backend.load_keras()
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse", **backend.xla_settings())
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
    result = run_python("from labutils import backend; backend.load_keras()", PYTHONPATH=str(tmp_path))
    assert result.returncode != 0
    assert "a line from C++" in result.stderr
    assert "ImportError: Keras could not be started with the backend 'tensorflow'" in result.stderr
    assert "library too old" in result.stderr and "pip install -r requirements.txt" in result.stderr


@pytest.mark.parametrize(
    "error, words",
    [
        (ModuleNotFoundError("No module named 'torch'"), "KERAS_BACKEND asks for it: remove it"),
        (MemoryError(), "too little memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory"),
    ],
)
def test_the_remedy_fits_the_error(monkeypatch, error, words):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert words in backend._remedy(error)


@pytest.mark.slow
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


def test_xla_settings_are_empty_where_the_compiler_fails(keras, monkeypatch):
    assert backend.xla_settings() in ({"jit_compile": True, "steps_per_execution": 25}, {})

    def fails(*_):
        raise RuntimeError("no XLA here")

    monkeypatch.setattr(keras.Sequential, "predict_on_batch", fails)
    assert backend.xla_settings() == {}


@pytest.mark.slow
def test_xla_settings_train_the_published_gru_to_the_same_numbers():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 500, (640, 30)), random.integers(0, 2, 640)

    def losses(**settings):
        model = network(
            lambda k: [k.Embedding(500, 32), k.GRU(32), k.Dense(1, "sigmoid")],
            "binary_crossentropy",
            **settings,
        )
        return model.fit(x, y, batch_size=64, epochs=2, verbose=0).history["loss"]

    assert losses(**backend.xla_settings()) == pytest.approx(losses(), rel=1e-4)


EACH_KIND = """
    import json
    import numpy as np
    from labutils import backend, training
    keras = backend.load_keras()
    layers, random = keras.layers, np.random.default_rng(0)
    tokens, labels = random.integers(0, 50, (64, 12)), random.integers(0, 2, 64)
    windows, values = random.normal(size=(64, 10, 1)), random.normal(size=64)
    images = random.uniform(size=(64, 28, 28))

    def classifier(*middle, mask_zero=True):
        embedding = [layers.Input((12,)), layers.Embedding(50, 8, mask_zero=mask_zero)]
        return [*embedding, *middle, layers.Dense(1, activation="sigmoid")], tokens, labels

    both_directions = layers.Bidirectional(layers.GRU(4, return_sequences=True))
    kinds = {
        "SimpleRNN classifier": classifier(layers.SimpleRNN(4, dropout=0.2)),
        "GRU classifier": classifier(layers.GRU(4), mask_zero=False),
        "bidirectional, pooled": classifier(both_directions, layers.GlobalMaxPooling1D(), mask_zero=False),
        "no recurrence": classifier(layers.GlobalAveragePooling1D()),
        "LSTM forecaster": ([layers.Input((10, 1)), layers.LSTM(5), layers.Dense(1)], windows, values),
        "autoencoder": ([layers.Input((28, 28)), layers.Flatten(), layers.Dense(8, "relu"),
                         layers.Dense(784, "sigmoid"), layers.Reshape((28, 28))], images, images),
        "GRU autoencoder": ([layers.Input((28, 28)), layers.GRU(8), layers.RepeatVector(28),
                             layers.GRU(8, return_sequences=True), layers.Dense(28)], images, images),
    }
    results = {}
    for name, (parts, x, y) in kinds.items():
        is_classifier = y is labels
        model = keras.Sequential(parts)
        settings = backend.xla_settings() if name == "GRU classifier" else {}
        model.compile("adam", "binary_crossentropy" if is_classifier else "mse",
                      metrics=["accuracy"] if is_classifier else [], **settings)
        stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        run = training.fit(model, x, y, name=name, epochs=1, batch_size=16, validation=0.25, test=(x, y),
                           callbacks=[stop], fast=True)
        total = float(np.sum(model.predict(x, verbose=0)))
        results[name] = [run.trained_by, run.epochs, run.test_loss, total]
    print(json.dumps(results))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_each_kind_of_network_trains_on_each_backend_that_is_installed(name):
    if not importlib.util.find_spec(name):
        pytest.skip(f"{name} is not installed")
    done = run_python(EACH_KIND, KERAS_BACKEND=name)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    *lines, results = done.stdout.splitlines()
    results = json.loads(results)
    assert len(results) == 7 and all(epochs == 1 for _, epochs, _, _ in results.values())
    assert all(np.isfinite([loss, total]).all() for _, _, loss, total in results.values())
    compiled = {kind for kind, (trained_by, *_) in results.items() if trained_by == "compiled epochs"}
    assert compiled == (
        {"LSTM forecaster", "autoencoder", "GRU autoencoder"} if name == "tensorflow" else set()
    )
    reasons = [line for line in lines if "Keras' own fit, since" in line]
    assert len(reasons) == 7 - len(compiled)


def test_freeing_memory_starts_the_names_of_layers_anew_and_leaves_networks_usable(keras):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    backend.free_memory()
    assert keras.layers.Dense(1).name == "dense"
    assert model.predict(np.ones((3, 2)), verbose=0).shape == (3, 1)
