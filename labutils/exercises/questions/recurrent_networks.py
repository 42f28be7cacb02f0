"""Exercises on recurrent networks from first principles."""

from __future__ import annotations

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import (
    facts_of_pair,
    few_parameters,
    recurrent,
    square_error,
    trained_on,
)


def my_step(x_t, h_before, W, U, b):
    """The states after this step (rows, units), from x_t (rows, features) and h_before (rows, units)."""
    return np.tanh(x_t @ W + h_before @ U + b)


def _steps(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "x_t": rng.normal(size=(rows, features)),
            "h_before": rng.uniform(-1, 1, (rows, units)),
            "W": rng.normal(size=(features, units)),
            "U": rng.normal(size=(units, units)),
            "b": rng.normal(size=units),
        }
        for rows, features, units in [(1, 1, 1), (1, 2, 2), (3, 4, 2), (2, 3, 5)]
    ]


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def my_windows(values, length):
    """All windows (pairs, length) in a row of values, and the value after each (pairs,), as arrays."""
    x = [values[start : start + length] for start in range(len(values) - length)]
    y = [values[start + length] for start in range(len(values) - length)]
    return np.array(x), np.array(y)


def _series(rng: np.random.Generator) -> list[Case]:
    return [
        {"values": rng.normal(size=count).round(2), "length": length}
        for count, length in [(5, 2), (8, 3), (13, 4), (11, 1)]
    ]


def _windows(values, length, first_target, count, step=1):
    starts = range(0, count, step)
    return (
        np.array([values[start : start + length] for start in starts]),
        np.array([values[start + first_target] for start in starts]),
    )


def my_step_back(delta, h, h_before, x_t, U):
    """grad_W, grad_U, grad_b of this step, and delta before it; delta (rows, units), x_t (rows, features)."""
    alpha = delta * (1 - h**2)  # back through the tanh
    grad_W = x_t.T @ alpha  # the product also sums over the rows
    grad_U = h_before.T @ alpha
    grad_b = alpha.sum(axis=0)
    delta_before = alpha @ U.T
    return grad_W, grad_U, grad_b, delta_before


def _steps_back(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "delta": rng.normal(size=(rows, units)),
            "h": rng.uniform(-1, 1, (rows, units)),
            "h_before": rng.uniform(-1, 1, (rows, units)),
            "x_t": rng.normal(size=(rows, features)),
            "U": rng.normal(size=(units, units)),
        }
        for rows, features, units in [(1, 1, 1), (2, 1, 2), (3, 2, 3), (5, 4, 3)]
    ]


def _back(delta, h, h_before, x_t, U, *, slope=None, state=None, total=np.sum, way=None):
    alpha = delta * (1 - h**2 if slope is None else slope)
    return (
        x_t.T @ alpha,
        (h_before if state is None else state).T @ alpha,
        total(alpha, axis=0),
        alpha @ (U.T if way is None else way),
    )


def my_clip(gradients, limit):
    """The list of gradients, shortened together to the length limit where they are longer."""
    length = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if length <= limit:
        return gradients
    return [g * limit / length for g in gradients]


def _length(gradients):
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def _shortened(gradients, limit, length):
    return [g * limit / length for g in gradients] if length > limit else gradients


def _gradients(rng: np.random.Generator) -> list[Case]:
    long, short = rng.normal(size=(2, 2)), rng.normal(size=3)
    return [
        {"gradients": [np.array([3.0, 4.0])], "limit": 1.0},
        {"gradients": [np.array([0.3, -0.4])], "limit": 1.0},
        {"gradients": [np.zeros(2), np.zeros((1, 2))], "limit": 1.0},
        {"gradients": [np.array([0.0, 1.5]), np.array([-1.6])], "limit": 1.8},  # each is short, both are not
        {"gradients": [np.array([1.5]), np.array([0.0, 0.8])], "limit": 2.0},
        {"gradients": [10 * long / np.linalg.norm(long), 0.5 * short / np.linalg.norm(short)], "limit": 2.0},
        {"gradients": [rng.normal(size=(3, 2)), rng.normal(size=(2, 2)), rng.normal(size=2)], "limit": 0.5},
    ]


EXERCISES = (
    Choice(
        title="Pairs in another place",
        question="On rows with the pair in the *second* half, the feed-forward network is right in about\n\n"
        "* `a`: all of them: a pair is a pair,\n"
        "* `b`: three quarters of them: it has learned half of what it needs,\n"
        "* `c`: half of them: it guesses.\n\n"
        "Write the letter in quotes.",
        idea="a feed-forward network learns each place for itself",
        minutes=2,
        right="c",
        wrong={
            "a": "A pair is a pair to you, wherever it stands. But to the feed-forward network flip 13 is "
            "another input than flip 3, with weights of its own. Which weights has it learned, when the "
            "pairs of the training rows all stood in the first half?",
            "b": "Half of the way would need something that carries over from the first places to the "
            "later ones. Each flip has its own weights: what is learned at flip 3 changes nothing at flip "
            "13.",
        },
        hints=(
            "Each of the 20 flips is an input with weights of its own.",
            "In the training rows, what does the network see at flips 12 to 20 in rows with a pair, and "
            "what in rows without?",
        ),
        afterwards="It has learned what pairs look like at flips 2 to 10 and has never been told anything "
        "about pairs further on, so there it can only guess. The next cell measures it.",
    ),
    Coding(
        title="One step",
        question="The formula again, now with several features, units and rows at once: a *batch* of "
        "sequences, one in each row. Write one step.",
        idea="the recurrence",
        minutes=6,
        solve=my_step,
        cases=_steps,
        mistakes=(
            Mistake(
                "forgotten bias",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W + h @ U),
                "Your states are those of a network without a bias. Each unit adds its own b before the "
                "tanh.",
            ),
            Mistake(
                "W and U swapped",
                lambda x_t, h, W, U, b: np.tanh(x_t @ U + h @ W + b),
                "W and U have changed places: W belongs to the input, U to the state. (That your function "
                "runs at all for some shapes is because there are as many features as units.)",
            ),
            Mistake(
                "no tanh",
                lambda x_t, h, W, U, b: x_t @ W + h @ U + b,
                "The sum is right, but it has not gone through the tanh. Without it a state may grow "
                "without bound.",
            ),
            Mistake(
                "state forgotten",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W + b),
                "The state before has no say in your result. A network without it remembers nothing: "
                "h_before @ U is missing.",
            ),
            Mistake(
                "input forgotten",
                lambda x_t, h, W, U, b: np.tanh(h @ U + b),
                "The input has no say in your result: x_t @ W is missing.",
            ),
            Mistake(
                "state not weighted",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W + h + b),
                "The state goes in without its weights: h_before @ U.",
            ),
            Mistake(
                "tanh of the input alone",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W) + h @ U + b,
                "Only the first term has gone through the tanh; look where the brackets close. All three "
                "terms belong inside.",
            ),
            Mistake(
                "tanh of a part",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W + b) + h @ U,
                "Only a part of the sum has gone through the tanh; look where the brackets close. All "
                "three terms belong inside.",
            ),
            Mistake(
                "tanh term by term",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W) + np.tanh(h @ U) + np.tanh(b),
                "Each term has a tanh of its own here. It is the tanh of the sum, not the sum of tanhs.",
            ),
            Mistake(
                "U transposed",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W + h @ U.T + b),
                "U is transposed. States are rows here, so they stand on the left: h_before @ U.",
            ),
            Mistake(
                "sigmoid",
                lambda x_t, h, W, U, b: _sigmoid(x_t @ W + h @ U + b),
                "The sum went through a sigmoid, which ends between 0 and 1. Here it is the tanh, between "
                "-1 and 1.",
            ),
            Mistake(
                "number by number",
                lambda x_t, h, W, U, b: np.tanh(x_t @ W + h * np.diag(U) + b),
                "Each unit hears only itself here. With @ every unit hears all units of the state before.",
            ),
        ),
        hints=(
            "The formula is the code, word for word. Rows stand on the left of a matrix: x_t @ W.",
            "Three terms are added, and then np.tanh is taken of the whole sum. NumPy adds b to every row "
            "by itself.",
            "return np.tanh(… @ W + … @ U + …)",
        ),
        afterwards="Rows on the left, so no transpose is needed; b has one number for each unit and is "
        "added to every row. Called again and again, with its own result as h_before, this function is a "
        "whole network.",
    ),
    Number(
        title="Count the parameters",
        question="A recurrent network takes 10 features and has 20 units. How many parameters has it, "
        "$W$, $U$ and $b$ together, if the sequences are 10 steps long?",
        idea="the same weights at every step",
        minutes=3,
        right=620,
        wrong={
            600: "Nearly: that is W and U. Each of the 20 units has a bias as well.",
            220: "That is W and b. The state acts on the state, too: U has units times units numbers.",
            420: "That is U and b. The input has weights as well: W has features times units numbers.",
            640: "Each unit has one bias, not two: W, U and b have 200, 400 and 20 numbers.",
            200: "That is W alone. There are U and b as well.",
            6200: "That would be the case if each of 10 steps had weights of its own. They share them.",
            310: "You have exchanged features and units: 10 features, 20 units.",
        },
        hints=(
            "W is features by units, U is units by units, b has one number for each unit.",
            "The length of the sequence does not come into it.",
            "20 times (10 + 20 + 1).",
        ),
        afterwards="Units times (features + units + 1): 20 times 31, for any number of steps.",
    ),
    Coding(
        title="Windows and targets",
        question="Cut a series into windows of some length, each with the value that follows it as its "
        "target. (Try it with five values and windows of two on paper first. How many pairs are there?)",
        idea="windows: what is read, and what is to be predicted",
        minutes=8,
        solve=my_windows,
        cases=_series,
        results=("x", "y"),
        mistakes=(
            Mistake(
                "target in its window",
                lambda v, n: _windows(v, n, n - 1, len(v) - n),
                "Each target is the last value of its own window. A network would only have to copy it: a "
                "perfect forecast of the present. The target is the value after the window.",
            ),
            Mistake(
                "target in its window",
                lambda v, n: _windows(v, n, n - 1, len(v) - n + 1),
                "Each target is the last value of its own window. A network would only have to copy it: a "
                "perfect forecast of the present. The target is the value after the window.",
            ),
            Mistake(
                "target one too far",
                lambda v, n: _windows(v, n, n + 1, len(v) - n - 1),
                "The targets come one step too late: between a window and its target one value is left out.",
            ),
            Mistake(
                "last window lost",
                lambda v, n: _windows(v, n, n, len(v) - n - 1),
                "Windows and targets are right, but the last pair is missing. The last target is the last "
                "value of the series: with 5 values and windows of 2 there are 3 pairs.",
            ),
            Mistake(
                "one pair too many",
                lambda v, n: [(v[i : i + n], v[i + n]) for i in range(len(v) - n + 1)],
                "One pair too many: the last window has no value after it, so it has no target.",
            ),
            Mistake(
                "list of pairs",
                lambda v, n: [(v[i : i + n], v[i + n]) for i in range(len(v) - n)],
                "You return a list of pairs. Asked for are two arrays: all windows first, then all targets.",
            ),
            Mistake(
                "windows do not overlap",
                lambda v, n: _windows(v, n, n, len(v) - n, step=n),
                "Your windows stand one after the other. They overlap: each begins one step after the one "
                "before.",
            ),
        ),
        hints=(
            "Write down the pairs for the values 1 2 3 4 5 and windows of 2: the first is (1 2) and 3.",
            "The window that begins at place i is values[i : i + length]. Which place has the value after "
            "it, and what is the last i for which there is one?",
            "i goes over range(len(values) - length), and the target of window i is values[i + length].",
        ),
        afterwards="There are as many pairs as values, less the length. The cell below does it with NumPy's "
        "sliding_window_view, and gives both arrays one axis more, as the network wants them.",
    ),
    Coding(
        title="One step back",
        question="One step of the way back, steps 2 to 4 of the derivation, for a batch of rows. (`h` is "
        "the state that this step made, `h_before` the one that it started from.)",
        idea="back-propagation through time",
        minutes=12,
        solve=my_step_back,
        cases=_steps_back,
        results=("grad_W", "grad_U", "grad_b", "delta_before"),
        mistakes=(
            Mistake(
                "slope forgotten",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, slope=1.0),
                "The slope of the tanh is missing: step 2 of the derivation multiplies delta by 1 - h**2.",
            ),
            Mistake(
                "slope of the state before",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, slope=1 - h_before**2),
                "You took the slope at h_before. The tanh that is passed on the way back is the one that "
                "made h.",
            ),
            Mistake(
                "U not transposed",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, way=U),
                "The three gradients are right, delta_before is not: forward it was h_before @ U, so the "
                "way back goes through U transposed (step 4).",
            ),
            Mistake(
                "new state for old",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, state=h),
                "The gradient of U has h in it. What was multiplied by U on the way forward was h_before.",
            ),
            Mistake(
                "mean for sum",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, total=np.mean),
                "The gradient of b is a mean over the rows. It is a sum: delta already holds the 1/N of "
                "the loss.",
            ),
            Mistake(
                "tanh once more",
                lambda delta, h, h_before, x_t, U: _back(
                    delta, h, h_before, x_t, U, slope=1 - np.tanh(h) ** 2
                ),
                "You took the tanh of h once more. h is what came out of the tanh, so its slope there is 1 "
                "- h**2.",
            ),
            Mistake(
                "h not squared",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, slope=1 - h),
                "The slope of the tanh is 1 - h**2; the square is missing.",
            ),
            Mistake(
                "brackets around the slope",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, slope=1 - h**2 / delta),
                "Look at the brackets: delta * 1 - h**2 is delta minus h squared. It should be delta * (1 "
                "- h**2).",
            ),
            Mistake(
                "rows not summed",
                lambda delta, h, h_before, x_t, U: _back(
                    delta, h, h_before, x_t, U, total=lambda alpha, axis: alpha
                ),
                "grad_b still has a row for each sequence. The same b served all of them: sum over the "
                "rows, axis 0.",
            ),
            Mistake(
                "everything summed",
                lambda delta, h, h_before, x_t, U: _back(
                    delta, h, h_before, x_t, U, total=lambda alpha, axis: alpha.sum()
                ),
                "grad_b is a single number. Each unit has a bias of its own: sum over the rows alone, axis "
                "0.",
            ),
            Mistake(
                "units summed",
                lambda delta, h, h_before, x_t, U: _back(
                    delta, h, h_before, x_t, U, total=lambda alpha, axis: alpha.sum(axis=1)
                ),
                "grad_b was summed over the units. It goes over the rows, axis 0: one number for each unit "
                "is left.",
            ),
            Mistake(
                "alpha handed on",
                lambda delta, h, h_before, x_t, U: (
                    *_back(delta, h, h_before, x_t, U)[:3],
                    delta * (1 - h**2),
                ),
                "The three gradients are right, but what you hand on is alpha. On the way to h_before it "
                "goes through U: alpha @ U.T.",
            ),
            Mistake(
                "delta for alpha at U",
                lambda delta, h, h_before, x_t, U: (
                    _back(delta, h, h_before, x_t, U)[0],
                    h_before.T @ delta,
                    *_back(delta, h, h_before, x_t, U)[2:],
                ),
                "The gradient of U was made of delta. All three gradients are made of alpha, behind the "
                "tanh.",
            ),
            Mistake(
                "slope after the way on",
                lambda delta, h, h_before, x_t, U: (
                    *_back(delta, h, h_before, x_t, U)[:3],
                    (delta @ U.T) * (1 - h**2),
                ),
                "delta_before was multiplied by the slope after it had gone through U. The order is: first "
                "back through the tanh, then through U.",
            ),
            Mistake(
                "gradients transposed",
                lambda delta, h, h_before, x_t, U: (
                    *(grad.T for grad in _back(delta, h, h_before, x_t, U)[:2]),
                    *_back(delta, h, h_before, x_t, U)[2:],
                ),
                "The gradients of W and U are transposed. A gradient has the shape of its weights: x_t.T @ "
                "alpha is features by units, as W is.",
            ),
            Mistake(
                "no slope on the way on",
                lambda delta, h, h_before, x_t, U: (*_back(delta, h, h_before, x_t, U)[:3], delta @ U.T),
                "The three gradients are right, but delta_before was made of delta: the way on goes "
                "through the tanh as well, so it starts from alpha.",
            ),
        ),
        hints=(
            "First go back through the tanh: alpha = delta * (1 - h**2), number by number.",
            "All four results are made of alpha. Their shapes tell how: W is features by units, and x_t is "
            "rows by features, so x_t.T @ alpha fits. For U it is h_before instead of x_t.",
            "grad_b sums alpha over the rows, and delta_before = alpha @ U.T.",
        ),
        afterwards="The products x_t.T @ alpha and h_before.T @ alpha sum over the rows by themselves. A "
        "whole gradient is this step, walked from the end to the start, with the three gradients added up.",
    ),
    Coding(
        title="Clip a gradient",
        question="A network has several arrays of weights, and so its gradient is a list of arrays. "
        "Together they are one long vector. If that is longer than `limit`, shorten it to `limit` and "
        "keep its direction; otherwise leave it as it is.",
        idea="clipping keeps the direction",
        minutes=8,
        solve=my_clip,
        cases=_gradients,
        results=("clipped",),
        mistakes=(
            Mistake(
                "number by number",
                lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients],
                "You cut off each number by itself. That changes the direction of the gradient. All its "
                "numbers are to be shortened by the same factor.",
            ),
            Mistake(
                "each array by itself",
                lambda gradients, limit: [g * min(1, limit / np.linalg.norm(g)) for g in gradients],
                "Each array is measured by itself. Together they are one gradient, one long vector with "
                "one length.",
            ),
            Mistake(
                "short ones stretched",
                lambda gradients, limit: [
                    g * limit / np.sqrt(sum(np.sum(one**2) for one in gradients)) for g in gradients
                ],
                "A gradient that is shorter than the limit comes out longer than it was. It should stay as "
                "it is.",
            ),
            Mistake(
                "the wrong way round",
                lambda gradients, limit: (
                    gradients
                    if _length(gradients) > limit
                    else [g * limit / _length(gradients) for g in gradients]
                ),
                "It is the wrong way round: long gradients stay as they are, and short ones are stretched. "
                "Look at the comparison, or at min and max.",
            ),
            Mistake(
                "not divided by the length",
                lambda gradients, limit: (
                    [g * limit for g in gradients] if _length(gradients) > limit else gradients
                ),
                "You multiply by the limit. The factor is limit / length, so that the new length is the "
                "limit.",
            ),
            Mistake(
                "unchanged",
                lambda gradients, limit: gradients,
                "The gradient comes back as it was, also where it is longer than the limit. (If you "
                "compute new arrays in a loop: are they the ones that you return?)",
            ),
            Mistake(
                "lengths added up",
                lambda gradients, limit: _shortened(gradients, limit, sum(map(np.linalg.norm, gradients))),
                "You added up the lengths of the arrays. Lengths add up by Pythagoras: the root of the sum "
                "of all squares.",
            ),
            Mistake(
                "longest array only",
                lambda gradients, limit: _shortened(gradients, limit, max(map(np.linalg.norm, gradients))),
                "You measured the longest array only. Together the arrays are one vector, which is longer.",
            ),
            Mistake(
                "sum of absolute values",
                lambda gradients, limit: _shortened(
                    gradients, limit, sum(np.abs(g).sum() for g in gradients)
                ),
                "You measured with absolute values. The length of a vector is the root of the sum of its "
                "squares.",
            ),
            Mistake(
                "shortened to 1",
                lambda gradients, limit: (
                    [g / limit for g in my_clip(gradients, limit)]
                    if my_clip(gradients, limit) is not gradients
                    else gradients
                ),
                "Your gradients end with the length 1. They should end with the length `limit`.",
            ),
            Mistake(
                "length without the root",
                lambda gradients, limit: _shortened(gradients, limit, sum(np.sum(g**2) for g in gradients)),
                "You divide by the sum of the squares. The length is the square root of it.",
            ),
        ),
        hints=(
            "The length of a vector is the root of the sum of the squares of its numbers, here of the "
            "numbers in all arrays together.",
            "If the length is above the limit, multiply every array by limit / length; otherwise change "
            "nothing.",
            "length = np.sqrt(sum(np.sum(g**2) for g in gradients))",
        ),
        afterwards="One factor for all numbers: the direction stays, only the length changes. Keras calls "
        "this global_clipnorm; its clipnorm measures each array by itself, its clipvalue cuts number by "
        "number.",
    ),
    Experiment(
        title="A smaller network",
        question="The network of section 4 has 305 parameters. Find a smaller recurrent network in Keras, "
        "built and compiled like the judge of section 4: at most 60 parameters, and on the last sixth of "
        "the training windows (`validation=1/6`) a mean square error below 0.0156, a fifth of what a "
        "curve of the last value reaches on the test windows. `training.fit` trains a compiled model and "
        "returns a `Run`: `my_run = training.fit(my_model, x_train, y_train, epochs=…, batch_size=32, "
        "validation=1/6, fast=True)`. (`fast=True` compiles whole epochs; `keras` is there once the cells "
        "of *The judge* were run.) The last epoch counts, or, with "
        "`callbacks=[keras.callbacks.EarlyStopping(patience=…, restore_best_weights=True)]`, the one of "
        "the lowest validation loss, whose weights are kept. Your answer is the pair of both, `my_model, "
        "my_run`. The test windows have no say in what you choose.",
        idea="train a recurrent network in Keras and judge it",
        minutes=15,
        facts=facts_of_pair,
        goals=(
            recurrent(),
            few_parameters(
                60,
                "",
                "Too many parameters. A recurrent layer with n units and one feature has n (n + 2) of "
                "them, and the dense layer n + 1. How many units can you afford?",
            ),
            square_error(),
            trained_on(lambda facts: 640, "validation=1/6, which keeps the last 128 of the 768 windows"),
            Goal(
                "a validation loss below 0.0156, a fifth of what a curve of the last value reaches",
                lambda facts: facts["kept"].get("val_loss", np.inf) < 0.0156,
                lambda facts: f"{facts['kept'].get('val_loss', np.inf):.4f}",
                "Small enough, but not good enough yet. Is the training loss still falling? Give it more "
                "epochs, or try a learning rate of 0.01.",
            ),
        ),
        hints=(
            "Five or six units are within the budget. Which is a matter of trying.",
            "Adam(0.01) learns much faster here than Keras' own 0.001, and a hundred epochs take "
            "seconds with fast=True.",
        ),
        code="""
from labutils import training

keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    keras.layers.Input((WINDOW, 1)), keras.layers.SimpleRNN(5), keras.layers.Dense(1)])
my_model.compile(keras.optimizers.Adam(0.01), "mse")
my_run = training.fit(my_model, x_train, y_train, epochs=100, batch_size=32, validation=1/6, fast=True)
my_answer = my_model, my_run
""",
        afterwards="Five or six units are enough for the rule of Hénon, though not every seed "
        "gets equally far. Two values have to be kept in mind, and one has to be squared.",
    ),
)
