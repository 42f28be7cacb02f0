"""Exercises on a SimpleRNN that unlearns, and on fair comparison."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Goal, Mistake
from labutils.exercises.checking.goals import accurate, facts_of_pair, layers_of, trained_on


def my_largest_fall(accuracies):
    """The largest fall of each seed (seeds,), from accuracies (seeds, epochs)."""
    best_so_far = np.maximum.accumulate(accuracies, axis=1)  # (seeds, epochs)
    return (best_so_far - accuracies).max(axis=1)


def _curves(rng: np.random.Generator) -> list[Case]:
    climbing = 0.6 + rng.uniform(0.01, 0.06, 5).cumsum().round(3)
    return [
        {"accuracies": np.array([[0.70, 0.85, 0.80, 0.72]])},
        {"accuracies": np.array([[0.60, 0.82, 0.79, 0.77, 0.85], climbing])},
        {"accuracies": np.array([[0.70, 0.84, 0.76, 0.78, 0.71], [0.61, 0.66, 0.72, 0.81, 0.74]])},
        {"accuracies": rng.uniform(0.5, 0.9, (4, 5)).round(3)},
        {"accuracies": rng.uniform(0.5, 0.9, (5, 5)).round(3)},
    ]


def _longest_descent(row):
    """Return the largest sum of falls in a row."""
    largest = run = 0.0
    for fall in -np.diff(row):
        run = max(0.0, run + fall) if fall > 0 else 0.0
        largest = max(largest, run)
    return largest


def my_adam_steps(gradients, rate, threshold):
    """What Adam adds to the parameters, (steps, parameters), for gradients (steps, parameters), clipped."""
    m = v = np.zeros(gradients.shape[1])
    steps = []
    for t, g in enumerate(gradients, start=1):
        norm = np.sqrt(np.sum(g**2))
        g = g * min(1, threshold / norm)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        steps.append(-rate * m_hat / (np.sqrt(v_hat) + 1e-7))
    return np.array(steps)


def _gradients(rng: np.random.Generator) -> list[Case]:
    def drawn(steps: int, parameters: int) -> np.ndarray:
        return (rng.choice([-1, 1], (steps, parameters)) * rng.uniform(0.2, 0.9, (steps, parameters))).round(
            2
        )

    calm = drawn(6, 2)
    calm[3] *= 100  # a batch that explodes
    return [
        {"gradients": np.array([[0.6, -0.8], [3.0, 4.0], [0.3, 0.4]]), "rate": 0.1, "threshold": 1.0},
        {"gradients": drawn(3, 4), "rate": 0.1, "threshold": 100.0},
        {"gradients": calm, "rate": 0.1, "threshold": 1.5},
        {"gradients": drawn(8, 3) * 3, "rate": 0.01, "threshold": 2.0},
    ]


def _to_norm(g, threshold):
    return g * min(1, threshold / np.linalg.norm(g))


def _adam(
    gradients,
    rate,
    threshold,
    *,
    clip=_to_norm,
    momentum=True,
    scaled=True,
    corrected=True,
    root=True,
    late=0,
    clipped="gradient",
):
    """Return the steps; clipped: what is clipped, the gradient, the gradient in m alone, or the mean."""
    m = v = np.zeros(gradients.shape[1])
    steps = []
    for t, g in enumerate(gradients, start=1 - late):
        squared, g = g, g if clipped == "mean" else clip(g, threshold)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * (squared if clipped == "in m" else g) ** 2
        first = m / (1 - 0.9**t) if corrected else m
        if clipped == "mean":
            first = first * min(1, threshold / np.linalg.norm(first))
        second = v / (1 - 0.999**t) if corrected else v
        over = (np.sqrt(second) if root else second) + 1e-7 if scaled else 1
        steps.append(-rate * (first if momentum else g) / over)
    return np.array(steps)


def my_masked_mean(vectors, tokens):
    """The mean vector of each row (rows, numbers); vectors (rows, time, numbers), tokens (rows, time)."""
    real = tokens > 0  # (rows, time)
    sums = (vectors * real[:, :, None]).sum(axis=1)
    return sums / real.sum(axis=1, keepdims=True)


def _padded(rng: np.random.Generator) -> list[Case]:
    cases = []
    for rows, time, numbers in [(1, 3, 2), (2, 4, 3), (4, 6, 5), (5, 7, 3)]:
        tokens = rng.integers(1, 100, (rows, time))
        tokens[1::2, 0] = tokens[::2, -1] = 1  # the mark of the start is a word as well
        for row, zeros in enumerate(rng.integers(0, time, rows)):
            if row % 2:  # some rows are padded at the back
                tokens[row, time - zeros :] = 0
            else:
                tokens[row, :zeros] = 0
        tokens[0, 0] = 0
        cases.append({"vectors": rng.normal(size=(rows, time, numbers)), "tokens": tokens})
    return cases


def my_sign_flip(differences):
    """The two-sided P value, one number, of the mean of paired differences (seeds,)."""
    from itertools import product

    signs = np.array(list(product([1, -1], repeat=len(differences))))  # (2 ** seeds, seeds)
    means = (signs * differences).mean(axis=1)
    return np.mean(np.abs(means) >= abs(differences.mean()) - 1e-12)  # equal, but for rounding


def _paired(rng: np.random.Generator) -> list[Case]:
    """In points, as multiples of one eighth: their sums are exact, so equal means are equal."""
    cases = [{"differences": np.array([2.5, 1.0, 3.5])}, {"differences": np.array([1.5, -0.5, 2.0, 0.25])}]
    for count in (5, 6, 8):
        drawn = rng.integers(1, 40, count) * rng.choice([1, 1, 1, -1], count) / 8
        drawn[:2] = [-2.25, 3.125]
        cases.append({"differences": drawn})
    cases.append({"differences": np.array([-1.0, -2.5, 0.5, -3.25, -1.75])})
    return cases


def _flipped(
    differences,
    sides=2,
    equal=True,
    count=False,
    signs=(1, -1),
    statistic=np.mean,
    absolute=False,
    signed=False,
):
    differences = np.asarray(differences)
    drawn = np.array(list(product(signs, repeat=len(differences)))) * differences
    seen = statistic(differences)
    others = np.array([statistic(row) for row in drawn])
    if sides == 2:
        others = np.abs(others)
    if (sides == 2 or absolute) and not signed:
        seen = abs(seen)
    more = others >= seen if equal else others > seen
    return more.sum() if count else more.mean()


def _facts(pair: Any) -> dict[str, Any]:
    facts = facts_of_pair(pair)
    curve = np.array(facts["history"].get("val_accuracy", [0.0]))
    simple = [layer for layer in layers_of(pair[0]) if type(layer).__name__ == "SimpleRNN"]
    return facts | {
        "epochs": len(curve),
        "fall": float(my_largest_fall(curve[None])[0]),
        "units": max((int(layer.units) for layer in simple), default=0),
        "initializers": sorted({type(layer.cell.recurrent_initializer).__name__ for layer in simple}),
    }


def _epochs(facts: Mapping[str, Any]) -> str:
    return f"{facts['epochs']}" if "val_accuracy" in facts["history"] else "no validation accuracy"


EXERCISES = (
    Coding(
        title="The largest fall",
        question="Compute it for several seeds at once.",
        idea="a definition before a cause: what a curve loses from an epoch to a later one",
        minutes=6,
        solve=my_largest_fall,
        cases=_curves,
        mistakes=(
            Mistake(
                "from the best to the last",
                lambda a: a.max(axis=1) - a[:, -1],
                "That is the distance from the best epoch to the last one. A curve that falls and recovers "
                "has fallen, too.",
            ),
            Mistake(
                "to the next epoch only",
                lambda a: np.maximum(0, -np.diff(a, axis=1).min(axis=1)),
                "You compare each epoch with the *next* one. What is lost over several epochs adds up: "
                "compare with all later ones.",
            ),
            Mistake(
                "to the next epoch only, rises as negative falls",
                lambda a: -np.diff(a, axis=1).min(axis=1),
                "You compare each epoch with the *next* one. What is lost over several epochs adds up: "
                "compare with all later ones. And a curve that only rises has a fall of 0.",
            ),
            Mistake(
                "negative where nothing falls",
                lambda a: np.array(
                    [max(row[i] - row[j] for j in range(1, len(row)) for i in range(j)) for row in a]
                ),
                "Right where a curve falls. A curve that only rises has a fall of 0, and you give a "
                "negative one.",
            ),
            Mistake(
                "from the first to the last",
                lambda a: a[:, 0] - a[:, -1],
                "You compare the first epoch with the last. A curve may rise and fall in between: compare "
                "each epoch with all later ones.",
            ),
            Mistake(
                "from the first to the last, at least 0",
                lambda a: np.maximum(0, a[:, 0] - a[:, -1]),
                "You compare the first epoch with the last. A curve may rise and fall in between: compare "
                "each epoch with all later ones.",
            ),
            Mistake(
                "falls in a row",
                lambda a: np.array([_longest_descent(row) for row in a]),
                "You add up falls in a row. A small rise in between does not undo a fall: compare with "
                "*all* later epochs.",
            ),
            Mistake(
                "from the best to the worst",
                lambda a: a.max(axis=1) - a.min(axis=1),
                "That is the distance of the best epoch to the worst, also where the worst came *first*. "
                "A curve that only rises has a fall of 0.",
            ),
            Mistake(
                "after the best only",
                lambda a: np.array([row.max() - row[row.argmax() :].min() for row in a]),
                "You look at what comes after the best epoch of all. A curve may fall, and then rise to "
                "its best.",
            ),
            Mistake(
                "with its sign",
                lambda a: (a - np.maximum.accumulate(a, axis=1)).min(axis=1),
                "The right falls, with a minus sign. A fall of three points is 0.03 here.",
            ),
            Mistake(
                "all falls added up",
                lambda a: np.maximum(0, -np.diff(a, axis=1)).sum(axis=1),
                "You added up all falls of a curve. Asked for is the largest single one.",
            ),
            Mistake(
                "largest rise",
                lambda a: (a - np.minimum.accumulate(a, axis=1)).max(axis=1),
                "That is the largest rise. Compare each accuracy with the *highest* before it.",
            ),
            Mistake(
                "along the seeds",
                lambda a: (np.maximum.accumulate(a, axis=0) - a).max(axis=1),
                "The best so far goes down the seeds with you. The epochs are axis 1.",
            ),
            Mistake(
                "one for all seeds",
                lambda a: (np.maximum.accumulate(a, axis=1) - a).max(),
                "That is one number for all seeds together. Each row has a largest fall of its own.",
            ),
        ),
        hints=(
            "For one seed: from which earlier epoch is the fall to epoch j largest? From the best so far.",
            "np.maximum.accumulate(accuracies, axis=1) is the best so far, for each epoch.",
            "Subtract the accuracies, and take the largest difference of each row: axis=1.",
        ),
        afterwards="The epoch itself is among those it is compared with, so a curve that never falls has "
        "a fall of 0 without a special case.",
    ),
    Choice(
        title="A thousand times the gradient",
        question="For a thousand batches the gradient of some parameter was 1. In the next one it is "
        "1,000. How large is Adam's step in that batch, without clipping?\n\n"
        "* `a`: about a thousand learning rates,\n"
        "* `b`: between two and three learning rates,\n"
        "* `c`: one learning rate, as always.",
        idea="Adam bounds a step, and is slow to forget",
        minutes=4,
        right="b",
        wrong={
            "a": "Gradient descent would do that. Adam divides by the root of v, and the new gradient is in "
            "v as well: put the numbers in.",
            "c": "Only if all gradients are alike. The new gradient enters m with a weight of .1, and v with "
            "one of .001: put the numbers in.",
        },
        hints=(
            "Before that batch both corrected means are 1: v itself has only reached 63 % of that after a "
            "thousand batches, and the correction divides it by .63.",
            "The corrected m becomes .9 · 1 + .1 · 1000 ≈ 101. The corrected v becomes about "
            "1 + .001 · 1000² / .63 ≈ 1,580. Divide the one by the root of the other.",
        ),
        afterwards="About 2.5. But m forgets only a tenth with each batch, so the next twenty steps or so "
        "still go in that direction, 25 learning rates in all. And v forgets a thousandth with each: a "
        "hundred batches later the steps for ordinary gradients are 37 times shorter than before, nine "
        "hundred later 22 times. Clipping spares Adam both.",
    ),
    Coding(
        title="Flip the signs",
        question="Compute it for the differences of a few seeds. Go through all $2^n$ choices.",
        idea="a paired test that assumes next to nothing",
        minutes=8,
        solve=my_sign_flip,
        cases=_paired,
        mistakes=(
            Mistake(
                "one-sided",
                lambda d: _flipped(d, sides=1),
                "That counts the choices whose mean is at least as *high*. Two-sided: at least as far from "
                "zero, on either side.",
            ),
            Mistake(
                "one-sided, from the absolute value",
                lambda d: _flipped(d, sides=1, absolute=True),
                "You count the choices whose mean is at least as *high* as the absolute value of yours. "
                "Those as far below zero count as well: two-sided.",
            ),
            Mistake(
                "one-sided, the other way",
                lambda d: _flipped(-np.asarray(d), sides=1),
                "That counts the choices whose mean is at least as *low*. Two-sided: at least as far from "
                "zero, on either side.",
            ),
            Mistake(
                "the observed mean with its sign",
                lambda d: _flipped(d, signed=True),
                "You compare the absolute means with the observed mean *itself*. Where that is negative "
                "every choice is larger: take its absolute value, too.",
            ),
            Mistake(
                "the observed choice left out",
                lambda d: (_flipped(d, count=True) - 1) / (2 ** len(d) - 1),
                "You leave the observed signs out. They are one of the 2ⁿ choices, and count.",
            ),
            Mistake(
                "one added",
                lambda d: (_flipped(d, count=True) + 1) / (2 ** len(d) + 1),
                "Adding one is for *random* choices of signs. Here all 2ⁿ are gone through, and the "
                "observed one is among them.",
            ),
            Mistake(
                "only the larger ones",
                lambda d: _flipped(d, equal=False),
                "At least as far: the signs as they were observed are one of the choices, and count.",
            ),
            Mistake(
                "counted, not divided",
                lambda d: _flipped(d, count=True),
                "That is the number of choices. Divide by how many there are, 2ⁿ.",
            ),
            Mistake(
                "signs only",
                lambda d: _flipped(np.sign(d)),
                "You count the signs and forget how large the differences are (that is the sign test). "
                "Compare the means.",
            ),
            Mistake(
                "left out instead of flipped",
                lambda d: _flipped(d, signs=(1, 0)),
                "You leave differences out. If the models are alike, each difference could as well have had "
                "the *opposite* sign.",
            ),
            Mistake(
                "the mean itself",
                lambda d: abs(np.mean(d)),
                "That is the observed mean. How many of all choices of signs give one as far from zero?",
            ),
        ),
        hints=(
            "itertools.product([1, -1], repeat=n) goes through all choices of n signs.",
            "np.array(list(product(…))) * differences has one choice in each row; take the mean of each.",
            "np.mean(np.abs(means) >= abs(differences.mean()) - 1e-12): two sums of the same numbers in "
            "another order may differ in the last digit, and must count as equal.",
        ),
        afterwards="(Did you allow for rounding? .03 − .03 + .03 and .03 + .03 − .03 need not be the same "
        "float, so compare with ≥ and a tolerance.) With five seeds the smallest possible P is 2/32 = "
        ".0625: five seeds never reach .05 in this test, however clear the difference. With six it is .031, "
        "with ten .002.",
    ),
    Coding(
        title="A mean without the padding",
        question="The mean of the embeddings, as a network has to compute it: the rows are padded, at the "
        "front or at the back, and where the token is 0 there is no word; every other token, the mark of "
        "the start among them, is one. (Each row has at least one word.)",
        idea="a mask keeps the padding out",
        minutes=8,
        solve=my_masked_mean,
        cases=_padded,
        mistakes=(
            Mistake(
                "padding counted",
                lambda v, t: v.mean(axis=1),
                "The padding is in the mean. Where the token is 0 there is no word; its vector must not "
                "count.",
            ),
            Mistake(
                "divided by all steps",
                lambda v, t: (v * (t > 0)[:, :, None]).mean(axis=1),
                "The sum leaves the padding out, but you divide by the number of all steps. Divide by the "
                "number of words that are there.",
            ),
            Mistake(
                "sum, not mean",
                lambda v, t: (v * (t > 0)[:, :, None]).sum(axis=1),
                "That is the sum of the words' vectors. A long review would count for more than a short "
                "one; divide by the number of its words.",
            ),
            Mistake(
                "the start mark left out",
                lambda v, t: (v * (t > 1)[:, :, None]).sum(axis=1) / np.maximum(1, (t > 1).sum(1))[:, None],
                "You leave token 1 out, too. Only 0 is padding; the mark of the start counts as a word here.",
            ),
            Mistake(
                "padding at the front only",
                lambda v, t: np.array([row[np.argmax(real > 0) :].mean(axis=0) for row, real in zip(v, t)]),
                "You take the padding off at the front. Some rows are padded at the back: look at every "
                "place.",
            ),
            Mistake(
                "the first ones",
                lambda v, t: np.array([row[: (real > 0).sum()].mean(axis=0) for row, real in zip(v, t)]),
                "You take as many vectors as there are words, but the *first* ones. In a row that is padded "
                "at the front the words stand at the end: look at every place.",
            ),
            Mistake(
                "mean over the rows",
                lambda v, t: v.mean(axis=0),
                "You took the mean over the reviews. It goes over the words of each review, axis 1.",
            ),
            Mistake(
                "mean over the numbers",
                lambda v, t: v.mean(axis=2),
                "You took the mean over the numbers of each vector. It goes over the words, axis 1.",
            ),
            Mistake(
                "mask turned round",
                lambda v, t: (v * (t == 0)[:, :, None]).sum(axis=1) / np.maximum(1, (t == 0).sum(1))[:, None],
                "The mask is the wrong way round: this is the mean of the padding.",
            ),
        ),
        hints=(
            "real = tokens > 0 says for each place whether a word stands there: shape (rows, time).",
            "To multiply vectors by it, it needs a third axis: real[:, :, None].",
            "Divide the sum over axis 1 by real.sum(axis=1, keepdims=True).",
        ),
        afterwards="This is what GlobalAveragePooling1D does with the mask of Embedding(…, "
        "mask_zero=True): the whole network without recurrence is this mean and a dense layer.",
    ),
    Coding(
        title="Adam, clipped",
        question="Write Adam with $\\beta_1 = .9$, $\\beta_2 = .999$, $\\varepsilon = 10^{-7}$. Each row of "
        "`gradients` is the gradient of one batch; before anything else each is clipped by its own norm. "
        "Returned is what is *added* to the parameters in each step.",
        idea="the optimizer of this notebook, in ten lines",
        minutes=12,
        solve=my_adam_steps,
        cases=_gradients,
        mistakes=(
            Mistake(
                "not clipped",
                lambda g, r, c: _adam(g, r, c, clip=lambda g, c: g),
                "As if nothing were clipped. Scale each row whose norm is above the threshold, before m and "
                "v see it. (Adam does not notice if *all* gradients are scaled alike, and its steps are "
                "short.)",
            ),
            Mistake(
                "the mean clipped",
                lambda g, r, c: _adam(g, r, c, clipped="mean"),
                "You clip the mean of the gradients. Clip each gradient, before m and v see it.",
            ),
            Mistake(
                "v of gradients that are not clipped",
                lambda g, r, c: _adam(g, r, c, clipped="in m"),
                "v sees the gradient as it was. Both means are made of the *clipped* gradient.",
            ),
            Mistake(
                "clipped by value",
                lambda g, r, c: _adam(g, r, c, clip=lambda g, c: np.clip(g, -c, c)),
                "You clip each component for itself, which changes the direction. Scale the whole gradient.",
            ),
            Mistake(
                "every gradient scaled",
                lambda g, r, c: _adam(g, r, c, clip=lambda g, c: g * c / np.linalg.norm(g)),
                "You scale every gradient to the threshold, short ones as well. Those stay as they are.",
            ),
            Mistake(
                "opposite sign",
                lambda g, r, c: -_adam(g, r, c),
                "Right but for the sign: the loss falls *against* the gradient.",
            ),
            Mistake(
                "corrections missing",
                lambda g, r, c: _adam(g, r, c, corrected=False),
                "m and v start at zero, so the first ones are too small. Divide by 1 − β₁ᵗ and 1 − β₂ᵗ.",
            ),
            Mistake(
                "counted from 0",
                lambda g, r, c: _adam(g, r, c, late=1),
                "The first step is t = 1. With t = 0 the corrections divide by 1 − 1 = 0.",
            ),
            Mistake(
                "no mean of the gradients",
                lambda g, r, c: _adam(g, r, c, momentum=False),
                "You divide the gradient itself by the root of v. Adam takes the mean m (RMSprop does not).",
            ),
            Mistake(
                "not divided",
                lambda g, r, c: _adam(g, r, c, scaled=False),
                "That is gradient descent with momentum. Divide by the root of the mean square v.",
            ),
            Mistake(
                "root forgotten",
                lambda g, r, c: _adam(g, r, c, root=False),
                "You divide by v. It is the mean of *squares*: take its root.",
            ),
            Mistake(
                "added up",
                lambda g, r, c: np.cumsum(_adam(g, r, c), axis=0),
                "You add up the steps. Asked for is each step by itself.",
            ),
        ),
        hints=(
            "Start with m and v, two arrays of zeros, np.zeros(gradients.shape[1]) each, and go through the "
            "gradients, t = 1, 2, …",
            "Clip first, g = g * min(1, threshold / norm), so that m and v only ever see clipped gradients.",
            "The step is -rate * m_hat / (np.sqrt(v_hat) + 1e-7).",
        ),
        afterwards="The order matters: clipping comes before m and v, so a gradient that explodes neither "
        "pushes the next twenty steps nor shortens the next thousand.",
    ),
    Experiment(
        title="As published, but stable",
        question="Keep what the handout had, a SimpleRNN of 128 units with Keras' initialisation of $U$ "
        "(orthogonal) and 200 tokens. Change whatever else you like, and train it for five epochs or more "
        "without a fall of more than two points, to a validation accuracy of .865, a point below the bag of "
        "words. Your answer is the pair of the network and the `Run` that `training.fit(…, "
        "validation=0.2)` returns. (`EarlyStopping` may keep the best epoch, but its patience should let "
        "five epochs pass.)",
        idea="give the early words a short way to the loss",
        minutes=25,
        facts=_facts,
        goals=(
            Goal(
                "a layer SimpleRNN of 128 units, its recurrent kernel initialised orthogonal",
                lambda facts: facts["units"] >= 128 and facts["initializers"] == ["Orthogonal"],
                lambda facts: (
                    f"{facts['units']} units, {', '.join(facts['initializers'])}"
                    if facts["units"]
                    else "no layer of this type among " + ", ".join(facts["layers"])
                ),
                "layers.SimpleRNN(128, …) without recurrent_initializer is what the handout had.",
            ),
            Goal(
                "200 tokens of each review",
                lambda facts: facts["steps"] == 200,
                lambda facts: f"{facts['steps']}" if facts["steps"] else "any number",
                "Let the network begin with layers.Input((TOKENS,)), and give it the x of section 1.",
            ),
            trained_on(lambda facts: 20_000, "validation=0.2"),
            Goal(
                "five epochs or more",
                lambda facts: facts["epochs"] >= 5 and "val_accuracy" in facts["history"],
                _epochs,
                'Train for five epochs, compiled with metrics=["accuracy"], so that there is a curve that '
                "could fall.",
            ),
            Goal(
                "no fall of more than .02",
                lambda facts: facts["fall"] <= 0.02 + 1e-6,
                lambda facts: f"{facts['fall']:.3f}",
                "Still unstable. Section 4 says which setting prevents falls.",
            ),
            accurate(
                0.865,
                "",
                "Stable, but poor. What keeps the early words of a review from being learned (section 6)? "
                "What could shorten their way to the loss, other than the identity?",
            ),
        ),
        hints=(
            "Clipping at norm 1 and a rate that falls to zero (keras.optimizers.schedules.CosineDecay) make "
            "it stable; a mask and dropout of one half after the embedding help on new reviews.",
            "With return_sequences=True the recurrent layer returns all its states. Their mean gives every "
            "word a short way to the loss: GlobalAveragePooling1D.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((TOKENS,)),
    layers.Embedding(10_000, 32, mask_zero=True),
    layers.Dropout(0.5),
    layers.SimpleRNN(128, return_sequences=True),
    layers.GlobalAveragePooling1D(),
    layers.Dropout(0.5),
    layers.Dense(1, activation="sigmoid"),
])
rate = keras.optimizers.schedules.CosineDecay(0.001, 5 * 157)  # to zero in as many batches
adam = keras.optimizers.Adam(rate, global_clipnorm=1.0)
my_model.compile(adam, "binary_crossentropy", metrics=["accuracy"])
my_run = training.fit(my_model, x, y, name="pooled", epochs=5, batch_size=128, validation=0.2)
my_answer = my_model, my_run
""",
        afterwards="With a mean over all states a word is one or two steps away from the loss, wherever it "
        "stands. The next idea in that direction is to let the network choose the weights of that mean: "
        "attention.",
    ),
)
