"""Exercises on what autoencoders are used for: order, noise, anomalies."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import facts_of_pair, few_parameters, square_error, trained_on
from labutils.exercises.questions.autoencoders import variance_of_validation_digits

MOST_PARAMETERS, FVU_TO_REACH = 20_000, 0.21


def my_advantage(from_top, from_bottom):
    """The advantage of what is read last, one number, from the errors of 20 rows (seeds, 20) of each.

    Of each network take ln(sum of its first ten errors / sum of its last ten); then the means over the seeds.
    """
    tilts = [np.log(e[:, :10].sum(axis=1) / e[:, 10:].sum(axis=1)) for e in (from_top, from_bottom)]
    return tilts[0].mean() - tilts[1].mean()


def _errors_of_rows(rng: np.random.Generator) -> list[Case]:
    slope = np.linspace(1.5, 0.5, 20)  # read from the top: the last rows have the smaller errors
    cases = []
    for seeds, steep in [(1, 1.0), (3, 1.0), (4, -0.6)]:
        of = {}
        for name, order in (("from_top", 1), ("from_bottom", -1)):
            errors = 1 + order * steep * (slope - 1) + rng.uniform(-0.25, 0.25, (seeds, 20))
            of[name] = (0.3 * rng.uniform(0.6, 1.6, (seeds, 1)) * errors).round(3)
        cases.append(of)
    return cases


def _advantage(top, bottom, *, log=np.log, mean=True):
    tilts = [log(e[:, :10].sum(axis=1) / e[:, 10:].sum(axis=1)) for e in (top, bottom)]
    return tilts[0].mean() - tilts[1].mean() if mean else tilts[0].sum() - tilts[1].sum()


def my_expected_error(W, x, sigma):
    """The mean of |W (x + n) - x|² over the noise n, one number; W (pixels, pixels), x (pixels,)."""
    return np.sum((W @ x - x) ** 2) + sigma**2 * np.sum(W**2)


def _maps(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "W": rng.normal(0, 0.6, (pixels, pixels)).round(1),
            "x": rng.random(pixels).round(1) + 0.1,
            "sigma": sigma,
        }
        for pixels, sigma in [(2, 0.5), (3, 2.0), (5, 0.3)]
    ]


def _error(W, x, sigma, *, power=2, of_weights=lambda W: np.sum(W**2), fit=True):
    return (np.sum((W @ x - x) ** 2) if fit else 0.0) + sigma**power * of_weights(W)


def my_auc(ordinary, anomalous):
    """The area under the ROC curve, one number, from the scores (n,) of each; anomalies should be higher."""
    higher = anomalous[:, None] > ordinary[None, :]
    equal = anomalous[:, None] == ordinary[None, :]
    return np.mean(higher + 0.5 * equal)


def _scores(rng: np.random.Generator) -> list[Case]:
    decisive = {"ordinary": np.array([0.1, 0.2, 0.3, 0.4]), "anomalous": np.array([0.3, 0.5])}  # one tie
    drawn = [
        {"ordinary": rng.exponential(1, n).round(1), "anomalous": (rng.exponential(2, m) + 0.2).round(1)}
        for n, m in [(5, 3), (12, 7), (30, 10)]
    ]
    swapped = {"ordinary": decisive["anomalous"], "anomalous": decisive["ordinary"]}
    return [decisive, swapped, *drawn]


def _facts_of_denoiser(pair: Any) -> dict[str, Any]:
    """Return the facts of a network and its Run, and its error on noisy validation digits.

    The noise is not that of the notebook, so that nobody can fit it.
    """
    from labutils.data import digits

    facts, model = facts_of_pair(pair), pair[0]
    validation = digits.load(source="embedded").train.images[3200:]
    noise = np.random.default_rng(987).normal(size=validation.shape)
    try:
        given = (validation + 0.5 * noise).astype("float32").reshape(len(validation), *model.input_shape[1:])
        made = np.asarray(model.predict(given, batch_size=100, verbose=0))
    except Exception:
        raise TypeError(
            "The network does not take images of shape (28, 28): layers.Input((28, 28))."
        ) from None
    same = made.size == validation.size
    return facts | {
        "error": float(np.mean((made.reshape(validation.shape) - validation) ** 2)) if same else np.inf
    }


EXERCISES = (
    Coding(
        title="What noise costs",
        question="Finish it, without drawing any noise: the expected squared error of one image.",
        idea="noise in the input is a penalty on the weights",
        minutes=6,
        solve=my_expected_error,
        cases=_maps,
        mistakes=(
            Mistake(
                "no noise",
                lambda W, x, s: np.sum((W @ x - x) ** 2),
                "That is the error without noise. |W n|² is not zero on average.",
            ),
            Mistake(
                "noise alone",
                lambda W, x, s: _error(W, x, s, fit=False),
                "That is what the noise adds. The error of the clean image is missing.",
            ),
            Mistake(
                "sigma not squared",
                lambda W, x, s: _error(W, x, s, power=1),
                "The variance of the noise is sigma².",
            ),
            Mistake(
                "norm not squared",
                lambda W, x, s: _error(W, x, s, of_weights=np.linalg.norm),
                "np.linalg.norm is the root of the sum of the squared weights. Leave the root out.",
            ),
            Mistake(
                "largest singular value",
                lambda W, x, s: _error(W, x, s, of_weights=lambda W: np.linalg.norm(W, 2) ** 2),
                "You took the largest singular value. On average every direction gets noise: all squared "
                "weights count.",
            ),
            Mistake(
                "sum of the weights",
                lambda W, x, s: _error(W, x, s, of_weights=np.sum),
                "Weights of either sign carry noise: add their squares.",
            ),
            Mistake(
                "noise that is kept",
                lambda W, x, s: _error(W, x, s, of_weights=lambda W: np.sum((W - np.eye(len(W))) ** 2)),
                "You compare with x + n. The target is the *clean* image.",
            ),
            Mistake(
                "pixels instead of weights",
                lambda W, x, s: _error(W, x, s, of_weights=len),
                "That would be the noise as it comes in. W lets some of it through and multiplies some of "
                "it.",
            ),
            Mistake(
                "mean of the pixels",
                lambda W, x, s: _error(W, x, s) / len(x),
                "That is the mean over the pixels. The squared norm is their sum.",
            ),
        ),
        hints=(
            "The component i of W n is the sum of W[i, j] n[j]: a sum of independent noises.",
            "Its variance is sigma² times the sum of W[i, j]² over j. Add the components up.",
        ),
        afterwards="Draw the noise a thousand times, and the mean comes near it.",
    ),
    Coding(
        title="First or last?",
        question="Write this advantage, from the errors of networks that read from the top and of networks "
        "that read from the bottom.",
        idea="a question turned into one number",
        minutes=6,
        solve=my_advantage,
        cases=_errors_of_rows,
        mistakes=(
            Mistake(
                "turned round",
                lambda top, bottom: -_advantage(top, bottom),
                "The sign is turned: yours is above 0 where what is read *first* comes back better. Read "
                "from the top, the upper rows are read first, and their errors stand above the fraction bar.",
            ),
            Mistake(
                "no logarithm",
                lambda top, bottom: _advantage(top, bottom, log=lambda ratio: ratio),
                "That is a difference of ratios. Take the logarithm of each, so that twice and half as much "
                "count alike.",
            ),
            Mistake(
                "top alone",
                lambda top, bottom: np.log(top[:, :10].sum(axis=1) / top[:, 10:].sum(axis=1)).mean(),
                "That is the tilt of those that read from the top. Rows differ in how hard they are, so it "
                "has to be compared with those that read from the bottom.",
            ),
            Mistake(
                "added",
                lambda top, bottom: sum(
                    np.log(e[:, :10].sum(axis=1) / e[:, 10:].sum(axis=1)).mean() for e in (top, bottom)
                ),
                "You add the two tilts. What rows have in common by themselves falls out of their "
                "*difference*.",
            ),
            Mistake(
                "seeds pooled",
                lambda top, bottom: (
                    np.log(top[:, :10].sum() / top[:, 10:].sum())
                    - np.log(bottom[:, :10].sum() / bottom[:, 10:].sum())
                ),
                "You add the errors of all seeds first, so a bad network counts more. Take the tilt of each "
                "network, then the mean.",
            ),
            Mistake(
                "sum over the seeds",
                lambda top, bottom: _advantage(top, bottom, mean=False),
                "You add the tilts of the seeds. Take their mean.",
            ),
            Mistake(
                "logarithms of rows",
                lambda top, bottom: (
                    (np.log(top[:, :10]).mean(axis=1) - np.log(top[:, 10:]).mean(axis=1)).mean()
                    - (np.log(bottom[:, :10]).mean(axis=1) - np.log(bottom[:, 10:]).mean(axis=1)).mean()
                ),
                "You take the logarithm of every row. Sum the rows of a half first.",
            ),
        ),
        hints=(
            "errors[:, :10].sum(axis=1) is the error of the upper ten rows of each network.",
            "np.log(upper / lower) is the tilt of each; the answer is a mean minus a mean.",
        ),
        afterwards="Which rows are easy falls out: it is the same for both orders.",
    ),
    Coding(
        title="Area under the ROC curve",
        question="The area under the ROC curve is the probability that a random anomaly has a higher score "
        "than a random ordinary image; ties count one half. Compute it from all pairs.",
        idea="a detector judged without a threshold",
        minutes=6,
        solve=my_auc,
        cases=_scores,
        mistakes=(
            Mistake(
                "ties left out",
                lambda o, a: np.mean(a[:, None] > o[None, :]),
                "Pairs with equal scores count one half each; yours count nothing.",
            ),
            Mistake(
                "ties in full",
                lambda o, a: np.mean(a[:, None] >= o[None, :]),
                "Pairs with equal scores count one half each; yours count in full.",
            ),
            Mistake(
                "the other way round",
                lambda o, a: np.mean((a[:, None] < o[None, :]) + 0.5 * (a[:, None] == o[None, :])),
                "You count the pairs in which the *ordinary* image has the higher score.",
            ),
            Mistake(
                "the other way round, ties left out",
                lambda o, a: np.mean(a[:, None] < o[None, :]),
                "You count the pairs in which the *ordinary* image has the higher score.",
            ),
            Mistake(
                "the other way round, ties in full",
                lambda o, a: np.mean(a[:, None] <= o[None, :]),
                "You count the pairs in which the *ordinary* image has the higher score.",
            ),
            Mistake(
                "never below one half",
                lambda o, a: max(my_auc(o, a), 1 - my_auc(o, a)),
                "A detector may be worse than guessing, and then its area is below .5. Do not turn it round.",
            ),
            Mistake(
                "from -1 to 1",
                lambda o, a: 2 * my_auc(o, a) - 1,
                "That is 2 AUC - 1 (the Gini coefficient), 0 for guessing. Count wins alone, and ties one "
                "half.",
            ),
            Mistake(
                "number of pairs",
                lambda o, a: np.sum((a[:, None] > o[None, :]) + 0.5 * (a[:, None] == o[None, :])),
                "That is a number of pairs. Divide it by the number of all pairs.",
            ),
            Mistake(
                "against the mean",
                lambda o, a: np.mean((a > o.mean()) + 0.5 * (a == o.mean())),
                "You compare every anomaly with the mean of the ordinary scores. Compare it with each of "
                "them.",
            ),
            Mistake(
                "against the median",
                lambda o, a: np.mean((a > np.median(o)) + 0.5 * (a == np.median(o))),
                "You compare every anomaly with the median of the ordinary scores. Compare it with each of "
                "them.",
            ),
        ),
        hints=(
            "Compare every anomaly with every ordinary image: a table with a row for each anomaly.",
            "anomalous[:, None] > ordinary[None, :] is that table.",
            "Add 0.5 * (anomalous[:, None] == ordinary[None, :]), and take the mean of all pairs.",
        ),
        afterwards=".5 is guessing, 1 is perfect. No threshold and no share of anomalies enters; both matter "
        "once the detector is used, and the notebook comes to that.",
    ),
    Number(
        title="One in a hundred",
        question="A detector finds 30% of the anomalies and flags 5% of the ordinary images by mistake. One "
        "image in a hundred is an anomaly. What fraction of the flagged images are anomalies?",
        idea="precision where anomalies are rare",
        minutes=3,
        right=0.0571,
        tolerance=0.0012,
        wrong={
            0.3: "That is how many of the anomalies are flagged (recall). Here the flagged are asked about.",
            0.857: "As if half of all images were anomalies: .30/(.30 + .05). Here it is one in a hundred.",
            0.95: "That is how many of the ordinary images are *not* flagged.",
            0.0606: "Those are the odds, anomalies to ordinary ones among the flagged. Divide by all that "
            "are flagged.",
            0.943: "That is the fraction of false alarms.",
            0.0525: "That is how many of all images are flagged.",
            0.003: "So many of all images are anomalies *and* flagged. Divide by all that are flagged.",
        },
        hints=(
            "Take 10,000 images: how many anomalies are there, and how many of them are found?",
            "Of 9,900 ordinary ones 5% are flagged as well.",
        ),
        afterwards="More than nine in ten alarms are false.",
    ),
    Experiment(
        title="Clean with less",
        question="The denoiser of section 2 has 804,112 parameters. Build one with at most a fortieth of "
        "them, 20,000, whose FVU on noisy validation digits is below .21. `my_answer` is the pair "
        "of the network "
        '(compiled with `"mse"`) and the `Run` that `training.fit(…, validation=(noisy_validation, '
        "validation))` returns; with `callbacks=[keep_best(epochs)]` it is the best epoch that counts.",
        idea="filters that are shared over the image remove noise",
        minutes=20,
        facts=_facts_of_denoiser,
        goals=(
            few_parameters(
                MOST_PARAMETERS,
                "",
                "Too many. A dense layer has weights of its own for each of 784 pixels. Which layers "
                "share them?",
            ),
            square_error(),
            trained_on(
                lambda facts: 3200, "the training digits, and validation=(noisy_validation, validation)"
            ),
            Goal(
                f"an FVU of less than {FVU_TO_REACH:g} on noisy validation digits".replace("0.", "."),
                lambda facts: facts["error"] < FVU_TO_REACH * variance_of_validation_digits(),
                lambda facts: f"{facts['error'] / variance_of_validation_digits():.3f}",
                "Has it fresh noise in training (GaussianNoise), and has it finished learning? A pixel can "
                "only be judged by what lies around it, and strides or a second layer let a filter see "
                "farther.",
            ),
        ),
        hints=(
            "layers.GaussianNoise(NOISE) first, as in `build_denoiser`. Clean digits are inputs and targets.",
            "Two convolutions with strides=2, and two Conv2DTranspose back, with 16 and 32 filters, have "
            "10,000 parameters.",
            "Forty epochs, validation=(noisy_validation, validation), and callbacks=[keep_best(40)].",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((28, 28)),
    layers.GaussianNoise(0.5),
    layers.Reshape((28, 28, 1)),
    layers.Conv2D(16, 5, strides=2, padding="same", activation="relu"),
    layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
    layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
    layers.Conv2DTranspose(1, 5, strides=2, padding="same", activation="sigmoid"),
    layers.Reshape((28, 28)),
])
my_model.compile("adam", "mse")
my_run = training.fit(my_model, train_images, train_images, epochs=40, batch_size=64, fast=True,
                      validation=(noisy_validation, validation),
                      callbacks=[keras.callbacks.EarlyStopping(patience=40, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="An eightieth of the parameters, and less error than the dense layer of 512 units has "
        "after as many epochs (.215): what is noise and what a stroke can be seen from the "
        "neighbouring pixels.",
    ),
)
