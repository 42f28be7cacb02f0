"""The experiments of the exercises: each solution, run in its notebook, reaches its goals."""

import dataclasses
from types import SimpleNamespace

import nbformat
import pytest
from conftest import ROOT

from labutils import notebooks
from labutils.exercises import exercise
from labutils.exercises.kinds import facts_of_run

PATHS = {path.stem[:2]: path for path in notebooks.notebook_paths(ROOT / "notebooks")}

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


def run(parameters, rows, **kept):
    history = {name: [value] for name, value in kept.items()}
    return SimpleNamespace(
        parameters=parameters,
        epochs=1,
        settings={"training_rows": rows},
        history=history,
        at_kept_epoch=lambda name: history[name][0],
    )


@pytest.mark.parametrize(
    "number, given, missed, advice",
    [
        ("1.7", run(305, 640, loss=0.1, val_loss=0.001), "at most 60 parameters", "How many units"),
        ("1.7", run(41, 640, loss=0.1, val_loss=0.02), "a validation loss below 0.0156", "more epochs"),
        ("1.7", run(41, 768, loss=0.001), "trained on 640 rows", "validation_split=1/6"),
        ("1.7", run(41, 752, loss=0.1, val_loss=0.001), "trained on 640 rows", "validation_split=1/6"),
        ("3.6", run(322_113, 16_000, val_loss=0.4, val_accuracy=0.85), "161,000", "Count the embedding"),
        ("3.6", run(160_000, 16_000, val_loss=0.4, val_accuracy=0.80), "of 0.83", "identity start"),
        ("3.6", run(160_000, 20_000, accuracy=0.9), "trained on 16,000 rows", "validation_split=0.2"),
        ("4.8", run(326_369, 16_000, val_loss=0.4, val_accuracy=0.85), "at most 81,592", "98 in 100"),
        ("4.8", run(80_000, 16_000, val_loss=0.4, val_accuracy=0.82), "of 0.832", "200 tokens"),
        ("4.8", run(80_000, 19_980, val_loss=0.4, val_accuracy=0.9), "trained on 16,000", "split=0.2"),
        ("5.7", run(10_451, 642, val_loss=0.0101), "at most 2,612", "4 n (m + n + 1)"),
        ("5.7", run(1_000, 642, val_loss=0.02), "at most 1.2", "the window"),
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
    assert verdict.mistake == "95% of the letters recalled over 100 steps" and "(yours: 25%)" in verdict.text


def test_an_autoencoder_with_a_wide_code_does_not_count(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((28, 28)), layers.Flatten(), layers.Dense(15), layers.Dense(784)])
    verdict = exercise("6.7").verdict((model, run(24_319, 3_200, val_loss=0.02)))
    assert "as narrow as that" in verdict.mistake and "15 at the narrowest" in verdict.text


@pytest.mark.parametrize("number", NEEDED)
@pytest.mark.parametrize("nonsense", [3, "done", [1, 2], (1, 2), {"parameters": 3}])
def test_what_is_no_run_is_refused_in_words(number, nonsense):
    verdict = exercise(number).verdict(nonsense)
    assert verdict.status == "not yet" and "This needs" in verdict.text and "You gave" in verdict.text


def test_the_facts_of_a_run_are_those_of_the_epoch_that_was_kept():
    from labutils.training import Run

    kept_first = Run(
        "r", {"parameters": 7, "training_rows": 9}, {"loss": [3.0, 1.0], "val_loss": [2.0, 4.0]}, 1.0, 1, 1
    )
    assert facts_of_run(kept_first)["kept"] == {"loss": 3.0, "val_loss": 2.0}
    assert facts_of_run(dataclasses.replace(kept_first, kept_epoch=2))["kept"]["val_loss"] == 4.0
