"""The experiments of the exercises: each solution, run in its notebook, reaches its goals."""

import dataclasses
from types import SimpleNamespace

import nbformat
import pytest
from conftest import ROOT

from labutils.exercises import exercise
from labutils.exercises.checking.goals import facts_of_pair, facts_of_run, recurrent, square_error
from labutils.upkeep import stored_notebooks

PATHS = {path.stem[:2]: path for path in stored_notebooks.notebook_paths(ROOT / "notebooks")}

# the cells that a solution needs, by a text in each, and code in place of cells that would take long
NEEDED = {
    "1.7": (["import numpy as np\n", "def rule(value", "WINDOW = 10\n"],
            "from labutils import backend\nkeras = backend.load_keras()\nkeras.config.set_floatx('float64')"),
    "2.7": (["import numpy as np\n", "KINDS = {", "def new(name, units"], ""),
    "3.6": (["import numpy as np\n", "TOKENS = 200\n"], ""),
    "4.8": (["import numpy as np\n", "data = reviews.load(", "n_fit = int("],
            "x_200 = reviews.pad(train.sequences, 200)"),
    "5.7": (["import numpy as np\n", "TEST = 198\n", "def noise_floor(", "def last_windows(",
             "def line_ahead(", "def regression_ratio(", "practice = series"], ""),
    "6.7": (["import numpy as np\n", "data = digits.load(", "mean_digit =", "def build(code=32"], ""),
}  # fmt: skip


@pytest.fixture(scope="module", params=NEEDED)
def solved(request, keras):
    """Number of an experiment, and the variables of its notebook after its solution was run as printed."""
    before = keras.config.floatx()
    anchors, instead = NEEDED[request.param]
    path = PATHS[f"0{request.param[0]}"]
    sources = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    names: dict = {}
    for anchor in anchors:
        exec(compile(next(source for source in sources if anchor in source), path.name, "exec"), names)
    exec(instead, names)
    exec(exercise(request.param).solution_text(), names)
    yield request.param, names
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(before)


def test_the_solution_reaches_every_goal(solved, capsys):
    number, names = solved
    one = exercise(number)
    capsys.readouterr()
    one.check(names[one.answer_name])
    shown = capsys.readouterr().out
    assert shown.startswith(f"Exercise {number}: right.") and "not yet" not in shown, shown
    assert shown.count("reached: ") == len(one.goals)


def pair(parameters, rows, layers="GRU", loss="mse", steps=100, sizes=(8,), losses=(), **kept):
    """A network and a Run as they would be, without a training."""
    names = [type(layers, (), {"output": SimpleNamespace(shape=(None, size))})() for size in sizes]
    model = SimpleNamespace(
        layers=names, input_shape=(None, steps), loss=loss, losses=losses, count_params=lambda: parameters
    )
    history = {name: [value] for name, value in kept.items()}
    run = SimpleNamespace(
        parameters=parameters,
        epochs=1,
        settings={"training_rows": rows},
        history=history,
        at_kept_epoch=lambda name: history[name][0],
    )
    return model, run


GOOD = {"val_loss": 0.4, "val_accuracy": 0.85}


@pytest.mark.parametrize(
    "number, given, missed, advice",
    [
        ("1.7", pair(305, 640, val_loss=0.001), "at most 60 parameters", "How many units"),
        ("1.7", pair(41, 640, val_loss=0.02), "a validation loss below 0.0156", "more epochs"),
        ("1.7", pair(41, 768, accuracy=0.5), "validated on the other", "validation_split=1/6"),
        ("1.7", pair(41, 752, val_loss=0.001), "validated on the other", "validation_split=1/6"),
        ("1.7", pair(41, 640, loss="mae", val_loss=0.01), "mean square error", "another scale"),
        ("1.7", pair(41, 640, "Dense", val_loss=0.01), "a recurrent network", "no recurrent layer"),
        ("3.6", pair(322_113, 16_000, **GOOD), "161,000", "layer by layer"),
        ("3.6", pair(160_000, 16_000, val_loss=0.4, val_accuracy=0.80), "of 0.83", "identity start"),
        ("3.6", pair(160_000, 20_000, accuracy=0.9), "validated on the other", "validation_split=0.2"),
        ("3.6", pair(160_000, 16_000, "GlobalAveragePooling1D", **GOOD), "a recurrent", "baseline"),
        ("4.8", pair(326_369, 16_000, **GOOD), "at most 81,592", "98 in 100"),
        ("4.8", pair(80_000, 16_000, val_loss=0.4, val_accuracy=0.82), "of 0.832", "200 tokens"),
        ("4.8", pair(80_000, 16_000, val_loss=0.4), "of 0.832", 'compile with metrics=["accuracy"]'),
        ("4.8", pair(80_000, 19_980, **GOOD), "validated on the other", "validation_split=0.2"),
        ("5.7", pair(10_451, 702, val_loss=0.0101), "at most 2,612", "4 n (m + n + 1)"),
        ("5.7", pair(1_000, 702, val_loss=0.02), "at most 1.2", "the window"),
        ("5.7", pair(1_000, 702, losses=[0.01], val_loss=0.01), "no penalty", "leave that out"),
        ("5.7", pair(1_000, 702, val_loss=0.002), "not below 0.9", "Too good to be true"),
        ("5.7", pair(1_000, 562, val_loss=0.0101), "validated on the other", "all of it"),
        ("6.7", pair(20_000, 3_200, sizes=(784, 8), val_loss=0.06), "below that of PCA", "hundred epochs"),
        ("6.7", pair(20_000, 3_200, sizes=(784, 15), val_loss=0.02), "as narrow as that", "8 outputs"),
        ("6.7", pair(30_000, 3_200, val_loss=0.02), "at most 25,000", "1,600 n"),
        ("6.7", pair(20_000, 3_200, loss="huber", val_loss=0.02), "mean square error", "another scale"),
    ],
)  # fmt: skip
def test_a_goal_that_is_missed_is_named_with_what_was_measured_and_advice(number, given, missed, advice):
    verdict = exercise(number).verdict(given)
    assert verdict.status == "not yet" and missed in verdict.mistake
    assert f"not yet: {verdict.mistake}" in verdict.text and "(yours: " in verdict.text
    assert advice in " ".join(verdict.text.split())


def test_a_recaller_that_guesses_is_told_which_goal_it_misses():
    class Guesses:
        cell = SimpleNamespace(units=16)
        losses = [1.4] * 500

        def accuracy(self, gap, seed):
            return 0.25

    verdict = exercise("2.7").verdict(Guesses())
    assert (
        verdict.mistake == "95% of the letters recalled over 100 steps" and "(yours: 25.0%)" in verdict.text
    )


def test_a_run_of_another_network_is_refused():
    model, _ = pair(41, 640, val_loss=0.001)
    _, run = pair(305, 640, val_loss=0.001)
    text = " ".join(exercise("1.7").verdict((model, run)).text.split())
    assert "The Run is of another network: that had 305 parameters, this one has 41" in text


def test_the_facts_of_a_network_are_those_of_keras(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((28, 28)), layers.GRU(16), layers.Dense(8), layers.Dense(784)])
    model.compile("adam", keras.losses.MeanSquaredError())
    _, run = pair(model.count_params(), 3_200, val_loss=0.02)
    facts = facts_of_pair((model, run))
    assert facts["layers"] == ["GRU", "Dense", "Dense"] and facts["narrowest"] == 8 and facts["steps"] == 28
    assert square_error().reached(facts) and recurrent().reached(facts)
    penalty = keras.regularizers.L2(0.01)
    model = keras.Sequential(
        [layers.Input((5, 1)), layers.LSTM(2, kernel_regularizer=penalty), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    _, run = pair(model.count_params(), 3_200, val_loss=0.02)
    assert not square_error().reached(facts_of_pair((model, run)))


@pytest.mark.parametrize("number", NEEDED)
@pytest.mark.parametrize("nonsense", [3, "done", [1, 2], (1, 2), {"parameters": 3}])
def test_what_is_no_run_is_refused_in_words(number, nonsense):
    verdict = exercise(number).verdict(nonsense)
    assert verdict.status == "not yet" and "This needs" in verdict.text and "You gave" in verdict.text


def test_the_network_alone_and_the_history_of_keras_are_refused_in_words():
    model, _ = pair(41, 640, val_loss=0.001)
    assert "my_model, my_run" in exercise("1.7").verdict(model).text
    assert "The second is no Run" in " ".join(exercise("1.7").verdict((model, {"loss": [1]})).text.split())
    assert "The first is no Keras network" in " ".join(exercise("1.7").verdict((3, 4)).text.split())


def test_the_facts_of_a_run_are_those_of_the_epoch_that_was_kept():
    from labutils.training import Run

    kept_first = Run(
        "r", {"parameters": 7, "training_rows": 9}, {"loss": [3.0, 1.0], "val_loss": [2.0, 4.0]}, 1.0, 1, 1
    )
    assert facts_of_run(kept_first)["kept"] == {"loss": 3.0, "val_loss": 2.0}
    assert facts_of_run(dataclasses.replace(kept_first, kept_epoch=2))["kept"]["val_loss"] == 4.0
