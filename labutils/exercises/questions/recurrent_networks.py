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


def my_masked_step(x_t, h_before, is_real, W, U, b):
    """The states after this step (rows, units); is_real (rows,) is False where a row has ended."""
    h = np.tanh(x_t @ W + h_before @ U + b)
    return np.where(is_real[:, None], h, h_before)


def _masked_steps(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "x_t": rng.normal(size=(len(is_real), features)),
            "h_before": rng.uniform(-1, 1, (len(is_real), units)),
            "is_real": np.array(is_real),
            "W": rng.normal(size=(features, units)),
            "U": rng.normal(size=(units, units)),
            "b": rng.normal(size=units),
        }
        for is_real, features, units in [
            ([True, False], 1, 1),
            ([True, False, True], 2, 3),
            ([False, True, True, False], 3, 2),
            ([False, True, False], 2, 3),
        ]
    ]


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


def my_clip(gradients, threshold):
    """The list of gradients, scaled down together where their global norm is above the threshold."""
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if norm <= threshold:
        return gradients
    return [g * threshold / norm for g in gradients]


def _norm(gradients):
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def _scaled(gradients, threshold, norm):
    return [g * threshold / norm for g in gradients] if norm > threshold else gradients


def _gradients(rng: np.random.Generator) -> list[Case]:
    long, short = rng.normal(size=(2, 2)), rng.normal(size=3)
    return [
        {"gradients": [np.array([3.0, 4.0])], "threshold": 1.0},
        {"gradients": [np.array([0.3, -0.4])], "threshold": 1.0},
        {"gradients": [np.zeros(2), np.zeros((1, 2))], "threshold": 1.0},
        {
            "gradients": [np.array([0.0, 1.5]), np.array([-1.6])],
            "threshold": 1.8,
        },  # each is below, together they are not
        {"gradients": [np.array([1.5]), np.array([0.0, 0.8])], "threshold": 2.0},
        {
            "gradients": [10 * long / np.linalg.norm(long), 0.5 * short / np.linalg.norm(short)],
            "threshold": 2.0,
        },
        {
            "gradients": [rng.normal(size=(3, 2)), rng.normal(size=(2, 2)), rng.normal(size=2)],
            "threshold": 0.5,
        },
    ]


EXERCISES = (
    Choice(
        title="Longer than ever seen",
        question="Trained on rows of 16 steps, which of these networks will say after *200* steps whether "
        "the lamp is on?\n\n"
        "* `a`: the convolution and the recurrent network, since both use the same weights at every step,\n"
        "* `b`: none, since nobody has shown them more than 16 steps,\n"
        "* `c`: the recurrent network alone.\n\n"
        "Write the letter in quotes.",
        idea="a state carries a memory without end, a window does not",
        minutes=2,
        right="c",
        wrong={
            "a": "Both use the same weights at every step, that is true. But what does the convolution know "
            "of the first press when it looks at the last five steps? And the lamp depends on every press.",
            "b": "That would be so for a network with weights of its own for every step. But think of a rule "
            "that needs no more than the lamp as it was and the next press: does it ever end?",
        },
        hints=(
            "To know the lamp after a step, what must you know of all the steps before?",
            "One bit: was it on? Which of the networks can carry a bit from step to step?",
        ),
        afterwards="The lamp as it was and the next press give the lamp as it is: one bit, carried on. A "
        "window of five steps cannot carry it. The next cells measure it.",
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
                "Each unit depends on itself alone here. With @ every unit depends on all units of the state "
                "before.",
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
        question="A recurrent network takes 10 features and has 20 units. How many parameters does it have, "
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
        title="A step with a mask",
        question="One step again, for a batch in which some rows have ended: the state of those stays as it "
        "was.",
        idea="padding must not be read",
        minutes=6,
        solve=my_masked_step,
        cases=_masked_steps,
        mistakes=(
            Mistake(
                "mask ignored",
                lambda x_t, h, is_real, W, U, b: np.tanh(x_t @ W + h @ U + b),
                "Every row makes the step, also those that have ended: is_real has no influence.",
            ),
            Mistake(
                "state set to zero",
                lambda x_t, h, is_real, W, U, b: is_real[:, None] * np.tanh(x_t @ W + h @ U + b),
                "Rows that have ended get a state of zeros. They should keep the state that they had: what "
                "they have read must not be lost.",
            ),
            Mistake(
                "mask the wrong way round",
                lambda x_t, h, is_real, W, U, b: np.where(is_real[:, None], h, np.tanh(x_t @ W + h @ U + b)),
                "It is the wrong way round: rows that have ended make the step, and the others keep their "
                "state.",
            ),
            Mistake(
                "input masked alone",
                lambda x_t, h, is_real, W, U, b: np.tanh((is_real[:, None] * x_t) @ W + h @ U + b),
                "You mask the input alone. An input of zeros is a step all the same: U and b go on changing "
                "the state.",
            ),
            Mistake(
                "new state added",
                lambda x_t, h, is_real, W, U, b: h + is_real[:, None] * np.tanh(x_t @ W + h @ U + b),
                "Rows that have ended are right. The others get the old state *and* the new one: their new "
                "state takes the place of the old one.",
            ),
            Mistake(
                "state of ended rows forgotten",
                lambda x_t, h, is_real, W, U, b: np.tanh(x_t @ W + (is_real[:, None] * h) @ U + b),
                "You mask the state that goes in, so a row that has ended begins anew. It should come out "
                "with the state it had.",
            ),
        ),
        hints=(
            "Make the step for all rows as before. Then choose, row by row, between the new state and the "
            "old one.",
            "np.where(condition, a, b) takes a where the condition holds and b elsewhere. The condition has "
            "the shape (rows,), the states (rows, units): is_real[:, None] has the shape (rows, 1).",
            "np.where(is_real[:, None], the new state, h_before)",
        ),
        afterwards="Computed for all rows, kept for those that are real: in a batch nothing is saved by "
        "skipping rows. A recurrent layer of Keras does the same with its mask.",
    ),
    Coding(
        title="One step back",
        question="One step of the backward pass for a batch of rows, given $\\delta_t$. (`h` is the state "
        "that this step made, `h_before` the one that it started from; `delta_before` is what this step "
        "hands on to $\\delta_{t-1}$.)",
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
                "You took the slope at h_before. The backward pass goes through the tanh that made h.",
            ),
            Mistake(
                "U not transposed",
                lambda delta, h, h_before, x_t, U: _back(delta, h, h_before, x_t, U, way=U),
                "The three gradients are right, delta_before is not: forward it was h_before @ U, so "
                "backward it goes through U transposed.",
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
        "Together they are one long vector. If its norm is above `threshold`, scale it down to the norm "
        "`threshold` and keep its direction; otherwise leave it as it is.",
        idea="clipping keeps the direction",
        minutes=8,
        solve=my_clip,
        cases=_gradients,
        results=("clipped",),
        mistakes=(
            Mistake(
                "number by number",
                lambda gradients, threshold: [np.clip(g, -threshold, threshold) for g in gradients],
                "You clip each component by itself. That changes the direction of the gradient. All its "
                "components are to be scaled by the same factor.",
            ),
            Mistake(
                "each array by itself",
                lambda gradients, threshold: [g * min(1, threshold / np.linalg.norm(g)) for g in gradients],
                "You take the norm of each array by itself. Together they are one gradient, one long vector "
                "with one norm.",
            ),
            Mistake(
                "small ones scaled up",
                lambda gradients, threshold: [
                    g * threshold / np.sqrt(sum(np.sum(one**2) for one in gradients)) for g in gradients
                ],
                "A gradient with a norm below the threshold comes out larger than it was. It should stay as "
                "it is.",
            ),
            Mistake(
                "the wrong way round",
                lambda gradients, threshold: (
                    gradients
                    if _norm(gradients) > threshold
                    else [g * threshold / _norm(gradients) for g in gradients]
                ),
                "It is the wrong way round: large gradients stay as they are, and small ones are scaled up. "
                "Look at the comparison, or at min and max.",
            ),
            Mistake(
                "not divided by the norm",
                lambda gradients, threshold: (
                    [g * threshold for g in gradients] if _norm(gradients) > threshold else gradients
                ),
                "You multiply by the threshold. The factor is threshold / norm, so that the new norm is the "
                "threshold.",
            ),
            Mistake(
                "unchanged",
                lambda gradients, threshold: gradients,
                "The gradient comes back as it was, also where its norm is above the threshold. (If you "
                "compute new arrays in a loop: are they the ones that you return?)",
            ),
            Mistake(
                "norms added up",
                lambda gradients, threshold: _scaled(
                    gradients, threshold, sum(map(np.linalg.norm, gradients))
                ),
                "You added up the norms of the arrays. Norms add up by Pythagoras: the root of the sum "
                "of all squares.",
            ),
            Mistake(
                "largest array only",
                lambda gradients, threshold: _scaled(
                    gradients, threshold, max(map(np.linalg.norm, gradients))
                ),
                "You took the norm of the largest array only. Together the arrays are one vector.",
            ),
            Mistake(
                "sum of absolute values",
                lambda gradients, threshold: _scaled(
                    gradients, threshold, sum(np.abs(g).sum() for g in gradients)
                ),
                "You summed absolute values. The (Euclidean) norm of a vector is the root of the sum of its "
                "squares.",
            ),
            Mistake(
                "scaled to 1",
                lambda gradients, threshold: (
                    [g / threshold for g in my_clip(gradients, threshold)]
                    if my_clip(gradients, threshold) is not gradients
                    else gradients
                ),
                "Your gradients end with the norm 1. They should end with the norm `threshold`.",
            ),
            Mistake(
                "norm without the root",
                lambda gradients, threshold: _scaled(
                    gradients, threshold, sum(np.sum(g**2) for g in gradients)
                ),
                "You divide by the sum of the squares. The norm is the square root of it.",
            ),
        ),
        hints=(
            "The norm of a vector is the root of the sum of the squares of its components, here of the "
            "components of all arrays together.",
            "If the norm is above the threshold, multiply every array by threshold / norm; otherwise change "
            "nothing.",
            "norm = np.sqrt(sum(np.sum(g**2) for g in gradients))",
        ),
        afterwards="One factor for all components: the direction stays, only the norm changes. Keras calls "
        "this global_clipnorm; its clipnorm takes each array by itself, its clipvalue each component.",
    ),
    Experiment(
        title="A smaller network",
        question="The network for the ball has 305 parameters. Build and train a smaller one in Keras, with "
        "a loss at every step like the judge's:\n\n"
        "* at most 60 parameters;\n"
        "* on the last fifth of the rows, a mean squared error below 0.012 (over all steps, the first ones "
        "included, where nobody can know the direction).\n\n"
        "`my_run = training.fit(my_model, x, y, epochs=…, batch_size=32, validation=0.2, fast=True)` trains "
        "a compiled model and returns a `Run`. The last epoch counts, or with Keras' "
        "`EarlyStopping(patience=…, restore_best_weights=True)` among the `callbacks` the best. Your answer "
        "is `my_model, my_run`. The cell after it lets your network run free beside ours. The test rows have "
        "no say in what you choose.",
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
            trained_on(lambda facts: 768, "validation=0.2, which keeps the last 192 of the 960 rows"),
            Goal(
                "a validation loss below 0.012",
                lambda facts: facts["kept"].get("val_loss", np.inf) < 0.012,
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
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((20, 1)), layers.SimpleRNN(5, return_sequences=True), layers.Dense(1)])
my_model.compile(keras.optimizers.Adam(0.01), "mse")
my_run = training.fit(my_model, x, y, epochs=100, batch_size=32, validation=0.2, fast=True)
my_answer = my_model, my_run
""",
        afterwards="Five or six units are enough for a ball between two walls: a position, a speed, and "
        "where the walls are. Not every seed gets equally far.",
    ),
)
