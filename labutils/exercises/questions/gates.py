"""Exercises on gates: LSTM and GRU."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils import cash_register
from labutils.cells import LSTMCell
from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import (
    facts_of_pair,
    few_parameters,
    recurrent,
    square_error,
    trained_on,
)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def my_share_left(f):
    """The share that arrives (steps, units), from the forget gates f (steps, units), first step first."""
    steps = f[::-1]  # the last step first
    left = np.cumprod(steps, axis=0)
    return left[::-1]


_REGISTER_TASKS = cash_register.TASKS[1:]


def _forget_gates(rng: np.random.Generator) -> list[Case]:
    drawn = [{"f": rng.uniform(0.3, 1, (steps, units)).round(2)} for steps, units in [(2, 1), (3, 2), (6, 3)]]
    return [*drawn, {"f": np.array([[0.9, 0.5], [0.0, 0.8], [0.7, 1.0]])}]


def my_gru_step(x, h, W, U, b):
    """The next state (rows, units); W (features, 3 units), U (units, 3 units), b (3 units,): z, r, g."""
    W_z, W_r, W_g = np.split(W, 3, axis=1)
    U_z, U_r, U_g = np.split(U, 3, axis=1)
    b_z, b_r, b_g = np.split(b, 3)
    z = sigmoid(x @ W_z + h @ U_z + b_z)
    r = sigmoid(x @ W_r + h @ U_r + b_r)
    g = np.tanh(x @ W_g + (r * h) @ U_g + b_g)  # the reset gate comes first
    return z * h + (1 - z) * g


def _gru_steps(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "x": rng.normal(size=(rows, features)),
            "h": rng.uniform(-1, 1, (rows, units)),
            "W": rng.normal(size=(features, 3 * units)),
            "U": rng.normal(size=(units, 3 * units)),
            "b": rng.normal(size=3 * units),
        }
        for rows, features, units in [(1, 1, 2), (3, 4, 2), (2, 3, 4)]
    ]


def _gru(x, h, W, U, b, *, reset="state", exchanged=False, order=(0, 1, 2), squeeze=np.tanh):
    """A GRU step. reset : what its gate multiplies: "state", "product", "product and bias" or "nothing"."""
    (W_z, W_r, W_g), (U_z, U_r, U_g), (b_z, b_r, b_g) = (
        [np.split(part, 3, axis=-1)[place] for place in order] for part in (W, U, b)
    )
    z, r = sigmoid(x @ W_z + h @ U_z + b_z), sigmoid(x @ W_r + h @ U_r + b_r)
    from_state = {
        "state": (r * h) @ U_g + b_g,
        "product": r * (h @ U_g) + b_g,
        "product and bias": r * (h @ U_g + b_g),
        "nothing": h @ U_g + b_g,
    }
    g = squeeze(x @ W_g + from_state[reset])
    return (1 - z) * h + z * g if exchanged else z * h + (1 - z) * g


def _gru_of_the_notebook(x, h, W, U, b):
    x_z, x_r, x_g = np.split(x @ W + b[0], 3, axis=1)
    h_z, h_r, h_g = np.split(h @ U + b[1], 3, axis=1)
    z = sigmoid(x_z + h_z)
    return z * h + (1 - z) * np.tanh(x_g + sigmoid(x_r + h_r) * h_g)


def _real_numbers(values: Any) -> np.ndarray:
    """Return real numbers as an array; TypeError for texts, complex numbers and masked arrays."""
    if np.asarray(values).dtype.kind not in "biuf" or isinstance(values, np.ma.MaskedArray):
        raise TypeError("these are no real numbers")
    return np.asarray(values, dtype=float)


def _facts_of_register(weights: Any) -> dict[str, Any]:
    """The error of one LSTM unit without recurrent weights on three tasks, over streams of 300 steps."""
    try:
        W, b, v = (_real_numbers(part) for part in weights)
        v = v.squeeze()  # (1, 1), as the readout of the notebook, is one number, too
    except (TypeError, ValueError):
        raise TypeError(
            "This needs three things, W, b, v: 16 numbers in four rows, 4 numbers, one number."
        ) from None
    for name, values, shape in (("W", W, (4, 4)), ("b", b, (4,)), ("v", v, ())):
        if values.shape != shape:
            raise TypeError(f"{name} must have the shape {shape}, and has {values.shape}.")
        if not np.isfinite(values).all():
            raise TypeError(f"{name} holds a number that is not finite.")
    cell = LSTMCell(W, np.zeros((1, 4)), b)
    return {task: cash_register.error(cell, np.full((1, 1), v), 0.0, task, 300) for task in _REGISTER_TASKS}


def _register_goal(task: str, words: str, advice: str) -> Goal:
    return Goal(
        f"{words}: error below 0.02 on '{task}'",
        lambda facts: facts[task] < 0.02,
        lambda facts: f"{facts[task]:.3g}",
        advice,
    )


EXERCISES = (
    Experiment(
        title="Set by hand",
        question="Build the cash register without any training: one LSTM unit, no recurrent weights, $d = "
        "0$. Choose `W` (rows: amount, enter, new customer, total; columns: i, f, g, o), the four biases "
        "`b` and the readout `v`, so that the error over 300 steps is below 0.02 in all three tasks with "
        "keys. The cell after it draws your gates, to compare with the trained ones above.",
        idea="what each gate has to do",
        minutes=12,
        answer_name="my_register",
        answer_note="W, b, v",
        facts=_facts_of_register,
        goals=(
            _register_goal(
                "entered only",
                "entered amounts are added, others are not",
                "The input gate must be near 1 with the enter key and near 0 without it, and the "
                "candidate must be proportional to the amount: how small must its weight be, so that the "
                "tanh is nearly a straight line?",
            ),
            _register_goal(
                "new customers",
                "a new customer begins at zero",
                "The forget gate must be near 0 with that key and near 1 without it. A gate of 0.9 keeps "
                "0.9 to the power of the steps.",
            ),
            _register_goal(
                "when asked",
                "the total is shown when asked for, and only then",
                "The output gate must be near 1 with the key for the total and near 0 without it.",
            ),
        ),
        hints=(
            "A gate that follows one key: weight 20, bias -10 gives sigmoid(-10) without the key and "
            "sigmoid(10) with it. The forget gate wants the opposite signs.",
            "Let the candidate be small, a tenth of the amount or less: then both tanh are nearly "
            "straight lines, and v makes up for it.",
        ),
        code="""
W = np.zeros((4, 4))
W[1, 0], W[2, 1], W[3, 3] = 20, -20, 20  # enter opens i, new customer closes f, total opens o
W[0, 2] = 0.1  # the candidate: a tenth of the amount
my_register = W, np.array([-10, 10, 0, -10]), 10
""",
        afterwards="Three gates, one key each, and a candidate small enough for its tanh to be a straight "
        "line. No state flows back, and none is needed here.",
    ),
    Number(
        title="Half-life",
        question="A gate keeps 90% at each step. After how many steps is, for the first time, less than "
        "half left? (With a calculator, or in a cell of your own.)",
        idea="a gate multiplies, step after step",
        minutes=3,
        right=7,
        tolerance=0.005,
        wrong={
            6.579: "That is where exactly half would be left, between two steps. Steps are whole: after 6 "
            "it is more than half, so it is the next one.",
            6.6: "Steps are whole: after 6 it is more than half, so it is the next one.",
            5: "That takes a tenth of the first value away at each step. The gate takes a tenth of what is "
            "left, which becomes less and less.",
            6: "Close: after 6 steps 0.53 is left. After which step is it less than half?",
            10: "After 10 steps 0.35 is left. (Ten is the rule of thumb 1/(1 - f): that long lasts the "
            "memory until only about 1/e of it is left.)",
        },
        hints=(
            "After k steps there is 0.9 to the power of k left.",
            "0.9 to the power of 6 is 0.53.",
        ),
        afterwards="0.9 to the power of 7 is 0.48. A gate that keeps nine tenths forgets half within seven "
        "steps.",
    ),
    Coding(
        title="What is left of a gradient",
        question="Along the cell state alone, the gradient at $c_T$, after the last step, is multiplied "
        "by $f_T$ to give that at $c_{T-1}$, then by $f_{T-1}$, and so on. Given all gates, which share "
        "of it is left before each step? (Row $t$ of the answer, for $c_{t-1}$, is $f_t\\, f_{t+1} "
        "\\cdots f_T$.)",
        idea="the gradient goes back through the forget gates",
        minutes=8,
        solve=my_share_left,
        cases=_forget_gates,
        mistakes=(
            Mistake(
                "forward instead of back",
                lambda f: np.cumprod(f, axis=0),
                "You multiplied from the first step on. The gradient comes from the end: it has to pass "
                "the gates of this step and of all *later* ones.",
            ),
            Mistake(
                "own gate left out",
                lambda f: np.vstack([np.cumprod(f[::-1], axis=0)[::-1][1:], np.ones((1, f.shape[1]))]),
                "The gate of the step itself is missing. To arrive before step t, the gradient must pass "
                "that gate as well.",
            ),
            Mistake(
                "counted back from the end",
                lambda f: np.cumprod(f[::-1], axis=0),
                "The numbers are right but in the wrong order: row 0 belongs to the first step, which is "
                "the furthest from the end.",
            ),
            Mistake(
                "each gate alone",
                lambda f: f,
                "Those are the gates themselves. On its way the gradient is multiplied by each of them in "
                "turn.",
            ),
            Mistake(
                "what is forgotten",
                lambda f: np.cumprod(1 - f[::-1], axis=0)[::-1],
                "You multiplied 1 - f. In spite of its name, a forget gate of 1 keeps everything: the "
                "factor is f itself.",
            ),
            Mistake(
                "all numbers in a row",
                lambda f: np.cumprod(f[::-1])[::-1],
                "Without an axis np.cumprod makes one long row of all units. Each unit has a memory of its "
                "own: axis=0.",
            ),
            Mistake(
                "product over the units",
                lambda f: np.cumprod(f[:, ::-1], axis=1)[:, ::-1],
                "You multiplied along the units. Each unit has a memory of its own; the product goes along "
                "the time steps, axis 0.",
            ),
        ),
        hints=(
            "The last row is the last gate, the row before it the product of the last two, and so on.",
            "np.cumprod multiplies up along an axis, from the start. f[::-1] turns the time around.",
            "np.cumprod(f[::-1], axis=0), and turn the result around again.",
        ),
        afterwards="Along the cell state there is nothing but this product. If every gate is 0.98, four "
        "tenths of the gradient are left after 46 steps; at 0.73, less than a millionth.",
    ),
    Coding(
        title="The GRU of the paper",
        question="Write the GRU as in the paper (which leaves out the biases): the reset gate multiplies "
        "$h_{t-1}$ *before* the product, $g_t = \\tanh(x_t W_g + (r_t \\odot h_{t-1})\\, U_g + b_g)$, all "
        "else as in the table, with $z$ for what is kept. Then one bias is enough: `b` holds $b_z$, $b_r$ "
        "and $b_g$ side by side.",
        idea="the reset gate before the product",
        minutes=10,
        solve=my_gru_step,
        cases=_gru_steps,
        mistakes=(
            Mistake(
                "reset after the product",
                lambda x, h, W, U, b: _gru(x, h, W, U, b, reset="product"),
                "This is Keras' form: your reset gate multiplies h @ U_g. In the paper it multiplies h, "
                "and the product comes afterwards.",
            ),
            Mistake(
                "z and 1 - z exchanged",
                lambda x, h, W, U, b: _gru(x, h, W, U, b, exchanged=True),
                "z and 1 - z have changed places. Many texts write it so; in this notebook (and in Keras) "
                "z keeps the old state.",
            ),
            Mistake(
                "bias inside the reset",
                lambda x, h, W, U, b: _gru(x, h, W, U, b, reset="product and bias"),
                "That is the table's formula: the reset gate multiplies the product and its bias. In the "
                "paper it multiplies h alone, before the product.",
            ),
            Mistake(
                "gru_step as it is",
                _gru_of_the_notebook,
                "This is gru_step of the notebook. There b has two rows; here b[0] and b[1] are two single "
                "numbers. And the reset gate multiplies h before the product.",
            ),
            Mistake(
                "bias of the candidate forgotten",
                lambda x, h, W, U, b: _gru(x, h, W, U, b * np.repeat([1.0, 1.0, 0.0], h.shape[1])),
                "The gates have their biases, the candidate has not: add b_g inside the tanh.",
            ),
            Mistake(
                "reset and update exchanged",
                lambda x, h, W, U, b: _gru(x, h, W, U, b, order=(1, 0, 2)),
                "The update gate and the reset gate have changed places: the blocks come in the order z, "
                "r, g.",
            ),
            Mistake(
                "forgotten bias",
                lambda x, h, W, U, b: _gru(x, h, W, U, 0 * b),
                "The bias is missing. z, r and g have a third of b each.",
            ),
            Mistake(
                "candidate through a sigmoid",
                lambda x, h, W, U, b: _gru(x, h, W, U, b, squeeze=sigmoid),
                "The candidate went through a sigmoid. Gates do; the candidate goes through a tanh, so "
                "that a state can become negative.",
            ),
            Mistake(
                "reset forgotten",
                lambda x, h, W, U, b: _gru(x, h, W, U, b, reset="nothing"),
                "The reset gate has no effect: the candidate sees the whole old state.",
            ),
        ),
        hints=(
            "np.split(W, 3, axis=1) gives the three blocks z, r, g. Here h @ U cannot be computed at once "
            "for all three, since the candidate needs another state than the gates.",
            "Gates first: z and r from x and h as they are. Then the candidate looks at r * h instead of h.",
            "g = np.tanh(x @ W_g + (r * h) @ U_g + b_g), and then z * h + (1 - z) * g.",
        ),
        afterwards="With the reset gate first, h @ U must be computed in two parts, one before and one "
        "after r is known. That is why fast code prefers the other form. In Keras this one is GRU(units, "
        "reset_after=False).",
    ),
    Number(
        title="Count a GRU",
        question="How many parameters has Keras' GRU (the one with two biases) of 20 units on 10 features?",
        idea="three blocks, two biases",
        minutes=3,
        right=1920,
        wrong={
            640: "That is one block with its two biases. A GRU has three of them: z, r and g.",
            2560: "That is four blocks. A GRU has three (z, r and g); it is the LSTM that has four.",
            1860: "That is three blocks with one bias each. Keras' GRU has two biases, one beside each "
            "product.",
            2480: "That is an LSTM: four blocks. A GRU has three (z, r and g) and two biases.",
            620: "That is a simple recurrent network. A GRU has three such blocks.",
            1800: "Those are the three W and the three U. There are biases as well, two for each unit and "
            "block.",
            960: "You have exchanged features and units: 10 features, 20 units.",
        },
        hints=(
            "One block: W has features times units numbers, U units times units.",
            "Each block has two biases of 20 numbers.",
            "3 times 20 times (10 + 20 + 2).",
        ),
        afterwards="3 n (m + n + 2) with m features and n units. In an LSTM it would be 4 n (m + n + 1), "
        "2,480.",
    ),
    Experiment(
        title="A cash register in Keras",
        question="Build a recurrent network in Keras that learns *when asked*, and train it on\n\n"
        '`x, y = cash_register.streams("when asked", 4000, 30, np.random.default_rng(0))`\n\n'
        "with at most 60 parameters and a loss at every step, to a mean squared error below 0.0002 on the "
        "last "
        "fifth of the streams. `my_run = training.fit(my_model, x, y, epochs=…, batch_size=32, "
        "validation=0.2, "
        "fast=True)` trains a compiled model and returns a `Run`; your answer is `my_model, my_run`. With "
        "`layers.Input((None, 4))` the network takes streams of any length, and the cell after it can try it "
        "on 300 steps.",
        idea="the cell from the inside, and now from Keras",
        minutes=12,
        facts=facts_of_pair,
        goals=(
            recurrent(),
            few_parameters(
                60,
                "",
                "Too many parameters. An LSTM layer of n units on 4 features has 4 n (n + 5) of them, and "
                "the "
                "dense layer n + 1. How many units does a cash register need?",
            ),
            square_error(),
            trained_on(lambda facts: 3200, "validation=0.2, which keeps the last 800 of the 4,000 streams"),
            Goal(
                "a validation loss below 0.0002",
                lambda facts: facts["kept"].get("val_loss", np.inf) < 0.0002,
                lambda facts: f"{facts['kept'].get('val_loss', np.inf):.5f}",
                "Always to show the mean has 0.015. Which cell has the three gates that this task needs? "
                "Then "
                "it is a matter of epochs and of the learning rate: try Adam(0.01).",
            ),
        ),
        hints=(
            "One LSTM unit was enough in section 2. Mind return_sequences=True: a total is asked for at "
            "any step.",
            "Adam(0.01) and forty epochs take half a minute at most with fast=True.",
        ),
        code="""
x, y = cash_register.streams("when asked", 4000, 30, np.random.default_rng(0))
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((None, 4)), layers.LSTM(2, return_sequences=True), layers.Dense(1)])
my_model.compile(keras.optimizers.Adam(0.01), "mse")
my_run = training.fit(my_model, x, y, epochs=40, batch_size=32, validation=0.2, fast=True)
my_answer = my_model, my_run
""",
        afterwards="A single LSTM unit does it, with 26 parameters. Two GRU units, with 51, stay above "
        "0.003 in as "
        "many epochs: they have no gate for what to show.",
    ),
)
