"""Exercises on autoencoders."""

from __future__ import annotations

import functools

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import facts_of_pair, few_parameters, square_error, trained_on


def my_share_lost(images, copies, mean_digit):
    """The share lost, one number; images and copies (images, height, width), mean_digit (height, width)."""
    return np.sum((images - copies) ** 2) / np.sum((images - mean_digit) ** 2)


def _copied(rng: np.random.Generator) -> list[Case]:
    cases = []
    for count, side in [(2, 2), (3, 3), (6, 4)]:
        images = rng.random((count, side, side)).round(2)
        cases.append(
            {
                "images": images,
                "copies": np.clip(images + 0.2 * rng.normal(size=images.shape), 0, 1).round(2),
                "mean_digit": rng.random((side, side)).round(2),
            }
        )
    return cases


def my_copies(x, mean, components):
    """The copies (images, pixels) of x (images, pixels); mean (pixels,), components (k, pixels)."""
    codes = (x - mean) @ components.T
    return np.clip(codes @ components + mean, 0, 1)


def _components(rng: np.random.Generator) -> list[Case]:
    cases = [
        {
            "x": np.array([[1.0, 1.0], [0.0, 0.0]]),  # one sum is cut off above, one below
            "mean": np.array([0.9, 0.1]),
            "components": np.array([[0.8, 0.6]]),
        }
    ]
    for rows, numbers, size in [(2, 4, 2), (4, 6, 3)]:
        directions, _ = np.linalg.qr(rng.normal(size=(numbers, numbers)))
        cases.append(
            {
                # every other number is near 0 or 1, so that some sums fall outside
                "x": np.where(
                    np.arange(numbers) % 2, rng.random((rows, numbers)), rng.random((rows, numbers)) > 0.5
                )
                .astype(float)
                .round(2),
                "mean": rng.uniform(0.05, 0.6, numbers).round(2),
                "components": directions[:size],
            }
        )
    return cases


def my_walk(first, last, steps):
    """The codes on the way (steps, numbers), from first (numbers,) to last (numbers,)."""
    along = np.linspace(0, 1, steps)[:, None]
    return (1 - along) * first + along * last


def _ends(rng: np.random.Generator) -> list[Case]:
    return [
        {"first": rng.normal(size=size).round(2), "last": rng.normal(size=size).round(2), "steps": steps}
        for size, steps in [(1, 3), (2, 5), (8, 11)]
    ]


def _walk(first, last, along):
    return (1 - along[:, None]) * first + along[:, None] * last


def my_called_odd(known_errors, new_errors, share):
    """True for each new image that is called odd (new,), from errors (known,), (new,) and a share."""
    threshold = np.quantile(known_errors, share)
    return new_errors > threshold


def _two_sets(rng: np.random.Generator) -> list[Case]:
    decisive = {
        "known_errors": np.array([0.05, 0.01, 0.03, 0.02, 0.04]),
        "new_errors": np.array([0.03, 0.025, 0.055, 0.031]),
        "share": 0.5,
    }
    drawn = [
        {
            "known_errors": rng.exponential(0.03, known).round(3),
            "new_errors": (rng.exponential(0.03, new) * np.where(np.arange(new) % 2, 1, 5)).round(3),
            "share": share,
        }
        for known, new, share in [(10, 5, 0.8), (40, 12, 0.95), (60, 30, 0.9), (20, 20, 0.7)]
    ]
    return [decisive, *drawn]


@functools.cache
def _lost_by_pca() -> float:
    """The mean square error of PCA with 8 numbers, cut off, on the validation digits."""
    from sklearn.decomposition import PCA

    from labutils.data import digits

    images = digits.load(source="embedded").train.images.reshape(-1, 784)
    fitted, validation = np.split(images, [3200])
    pca = PCA(8, svd_solver="covariance_eigh").fit(fitted)
    copies = np.clip(pca.inverse_transform(pca.transform(validation)), 0, 1)
    return float(np.mean((validation - copies) ** 2))


EXERCISES = (
    Coding(
        title="Share lost",
        question="Write the share lost.",
        idea="an error needs something to be compared with",
        minutes=5,
        solve=my_share_lost,
        cases=_copied,
        mistakes=(
            Mistake(
                "mean of the ratios",
                lambda x, c, m: np.mean(((x - c) ** 2).sum(axis=(1, 2)) / ((x - m) ** 2).sum(axis=(1, 2))),
                "You made a ratio for each image and took their mean. The definition sums first, above and "
                "below, over all images; otherwise an image near the mean digit would count too much.",
            ),
            Mistake(
                "own mean",
                lambda x, c, m: np.sum((x - c) ** 2) / np.sum((x - x.mean(axis=0)) ** 2),
                "You compare with the mean of these images. The mean digit is given: it is that of the "
                "*fitted* digits, and new digits have no say in it.",
            ),
            Mistake(
                "variance of all pixels",
                lambda x, c, m: np.mean((x - c) ** 2) / np.var(x),
                "You divide by the variance of all pixels, which takes one grey for the whole image. "
                "Compare with the mean digit.",
            ),
            Mistake(
                "roots",
                lambda x, c, m: np.sqrt(np.sum((x - c) ** 2) / np.sum((x - m) ** 2)),
                "That is the root of the share. The squares stay squares.",
            ),
            Mistake(
                "absolute differences",
                lambda x, c, m: np.sum(np.abs(x - c)) / np.sum(np.abs(x - m)),
                "You took absolute differences. The share is one of squares.",
            ),
            Mistake(
                "square of the image below",
                lambda x, c, m: np.sum((x - c) ** 2) / np.sum(x**2),
                "Below the line stands the distance of the images from the mean digit. The mean digit is "
                "missing.",
            ),
            Mistake(
                "upside down",
                lambda x, c, m: np.sum((x - m) ** 2) / np.sum((x - c) ** 2),
                "The ratio is upside down: the error of the copies stands above.",
            ),
            Mistake(
                "share kept",
                lambda x, c, m: 1 - np.sum((x - c) ** 2) / np.sum((x - m) ** 2),
                "That is the share that is kept. A perfect copy has lost 0.",
            ),
            Mistake(
                "mean digit against copies",
                lambda x, c, m: np.sum((x - c) ** 2) / np.sum((c - m) ** 2),
                "Below the line stand the images and the mean digit, not the copies and the mean digit.",
            ),
        ),
        hints=(
            "Above: the sum of (images - copies) squared. Below: the same for copies that are always the "
            "mean digit.",
            "images - mean_digit works as it is: NumPy takes the mean digit away from every image.",
        ),
        afterwards="Means instead of sums give the same, as there are as many numbers above as below.",
    ),
    Coding(
        title="Copies by PCA",
        question="The components are found by a library. Given them, write the way from images to codes "
        "and back: copies, cut off at 0 and 1.",
        idea="code and copy of a linear method",
        minutes=8,
        solve=my_copies,
        cases=_components,
        mistakes=(
            Mistake(
                "mean not taken away",
                lambda x, m, v: np.clip(x @ v.T @ v + m, 0, 1),
                "The mean was added at the end but not taken away at the start: the code is that of x "
                "minus the mean.",
            ),
            Mistake(
                "mean of these images",
                lambda x, m, v: np.clip((x - x.mean(axis=0)) @ v.T @ v + x.mean(axis=0), 0, 1),
                "You took the mean of these images. The mean is given: it is that of the fitted ones.",
            ),
            Mistake(
                "cut off at one end",
                lambda x, m, v: np.maximum(0, (x - m) @ v.T @ v + m),
                "Only what falls below 0 is cut off. What rises above 1 is to be cut off as well: np.clip.",
            ),
            Mistake(
                "cut off at the other end",
                lambda x, m, v: np.minimum(1, (x - m) @ v.T @ v + m),
                "Only what rises above 1 is cut off. What falls below 0 is to be cut off as well: np.clip.",
            ),
            Mistake(
                "mean left out",
                lambda x, m, v: np.clip(x @ v.T @ v, 0, 1),
                "There is no mean in it. PCA describes how x departs from the mean: take it away first, "
                "add it again at the end.",
            ),
            Mistake(
                "mean not added",
                lambda x, m, v: np.clip((x - m) @ v.T @ v, 0, 1),
                "The mean is taken away, but not added again at the end.",
            ),
            Mistake(
                "not cut off",
                lambda x, m, v: (x - m) @ v.T @ v + m,
                "All that is missing is to cut off below 0 and above 1: np.clip.",
            ),
            Mistake(
                "cut off before the mean is added",
                lambda x, m, v: np.clip((x - m) @ v.T @ v, 0, 1) + m,
                "You cut off before the mean is added. Departures from the mean may well be negative; cut "
                "off last.",
            ),
            Mistake(
                "codes",
                lambda x, m, v: (x - m) @ v.T,
                "Those are the codes. The copies are made of them: codes @ components, and the mean.",
            ),
        ),
        hints=(
            "The codes: (x - mean) @ components.T, one number for each component.",
            "The copies: codes @ components + mean.",
            "And np.clip(…, 0, 1) around the whole.",
        ),
        afterwards="Components are rows of length 1 at right angles, so their transpose leads back. An "
        "encoder and a decoder, with one matrix for both.",
    ),
    Choice(
        title="Linear against PCA",
        question="Trained on the same digits, the linear autoencoder with a code of 8 numbers loses, on "
        "these digits,\n\n"
        "* `a`: less than PCA with 8 components: it may choose any matrices,\n"
        "* `b`: as much as PCA at best, and nearly so if it is trained long enough,\n"
        "* `c`: clearly more: gradient descent does not get there.",
        idea="PCA is the best linear code",
        minutes=2,
        right="b",
        wrong={
            "a": "It may choose any matrices, but whatever it chooses is a linear code, and section 1 "
            "quotes a theorem about those: none loses less than PCA on the digits it was fitted to.",
            "c": "Gradient descent has no closed formula, but it can come as near as you like; the loss "
            "has no other minimum to be stuck in.",
        },
        hints=(
            "What is a network of two layers without activation? Multiply its two matrices.",
            "What does section 1 say about all linear codes?",
        ),
        afterwards="No linear code loses less on the digits it was fitted to, and gradient descent gets "
        "within a percent of it. The next cells measure both.",
    ),
    Number(
        title="Count an autoencoder",
        question="How many parameters has this linear autoencoder with its code of 8 numbers?",
        idea="where an autoencoder has its parameters",
        minutes=4,
        right=13_336,
        wrong={
            12_544: "Those are the two matrices. A Dense layer has a bias for each of its outputs as well.",
            6_280: "That is the encoder. The decoder goes from 8 to 784.",
            7_056: "That is the decoder. The encoder goes from 784 to 8.",
            12_552: "Only the code has a bias there. Each of the 784 outputs has one, too.",
            13_328: "Only the output has a bias there. Each of the 8 numbers of the code has one, too.",
            7_064: "The decoder does not share the encoder's matrix: it has one of its own.",
        },
        hints=(
            "Dense(n) with m inputs has m times n weights and n biases.",
            "Encoder: 784 times 8, and 8. Decoder: 8 times 784, and 784.",
        ),
        afterwards="6,280 and 7,056. Flatten and Reshape have none.",
    ),
    Coding(
        title="A walk between two codes",
        question="Write the straight line between two codes: `steps` codes at equal distances, the first "
        "is where it starts, the last where it ends.",
        idea="in between, in the space of codes",
        minutes=5,
        solve=my_walk,
        cases=_ends,
        mistakes=(
            Mistake(
                "end left out",
                lambda a, b, n: _walk(a, b, np.arange(n) / n),
                "The walk stops one step before its end. The first row is `first`, the last row `last`: n "
                "points have n - 1 steps between them.",
            ),
            Mistake(
                "both ends left out",
                lambda a, b, n: _walk(a, b, np.arange(1, n + 1) / (n + 1)),
                "Both ends are missing. The first row is `first` itself, the last row `last`.",
            ),
            Mistake(
                "start left out",
                lambda a, b, n: _walk(a, b, np.arange(1, n + 1) / n),
                "The walk begins one step after its start: the first row should be `first` itself.",
            ),
            Mistake(
                "added, not mixed",
                lambda a, b, n: a + np.linspace(0, 1, n)[:, None] * b,
                "You add more and more of `last`, but keep all of `first`. On the way as much of `first` "
                "goes as of `last` comes: (1 - s) and s.",
            ),
            Mistake(
                "backwards",
                lambda a, b, n: _walk(b, a, np.linspace(0, 1, n)),
                "The walk goes the other way, from `last` to `first`.",
            ),
            Mistake(
                "codes in columns",
                lambda a, b, n: _walk(a, b, np.linspace(0, 1, n)).T,
                "The codes stand in columns. Each row is to be one code: (steps, numbers).",
            ),
            Mistake(
                "one step too many",
                lambda a, b, n: _walk(a, b, np.linspace(0, 1, n + 1)),
                "There is one row too many. With both ends there are to be `steps` rows.",
            ),
        ),
        hints=(
            "A point between two: (1 - s) * first + s * last, with s from 0 to 1.",
            "np.linspace(0, 1, steps) holds both ends. As a column, [:, None], it makes a row for each s.",
        ),
        afterwards="(steps, 1) times (numbers,) gives (steps, numbers): one code in each row, ready for "
        "the decoder.",
    ),
    Coding(
        title="Call it odd",
        question="Write the rule: given errors of known images and of new ones, which of the new are odd? "
        "The threshold is what `share` of the known errors stay below, as `np.quantile` finds it; odd is "
        "what lies above.",
        idea="a threshold that has seen no odd one",
        minutes=6,
        solve=my_called_odd,
        cases=_two_sets,
        mistakes=(
            Mistake(
                "threshold from the new ones",
                lambda known, new, share: new > np.quantile(new, share),
                "Your threshold was found among the new images. Then the same share of them is called odd "
                "whatever they are. It has to come from the known ones.",
            ),
            Mistake(
                "threshold from both",
                lambda known, new, share: new > np.quantile(np.concatenate([known, new]), share),
                "The new images have a say in your threshold. It has to come from the known ones alone.",
            ),
            *(
                Mistake(
                    "the wrong side",
                    lambda known, new, share, compare=compare: compare(new, np.quantile(known, share)),
                    "It is the other way round: odd is what is copied *badly*, with an error above the "
                    "threshold.",
                )
                for compare in (np.less_equal, np.less)
            ),
            Mistake(
                "at the threshold as well",
                lambda known, new, share: new >= np.quantile(known, share),
                "Nearly: an error that is exactly at the threshold is not above it. Take > instead of >=.",
            ),
            Mistake(
                "one minus the share",
                lambda known, new, share: new > np.quantile(known, 1 - share),
                "Your threshold has only 1 - share of the known errors below it, so most known images "
                "would be called odd.",
            ),
            Mistake(
                "percentile without percent",
                lambda known, new, share: new > np.percentile(known, share),
                "np.percentile counts from 0 to 100: a share of 0.95 is 95 there. np.quantile takes the "
                "share as it is.",
            ),
            Mistake(
                "numbers of the odd ones",
                lambda known, new, share: np.flatnonzero(new > np.quantile(known, share)),
                "Those are the numbers of the odd ones, and the right ones. Asked for is True or False for "
                "each new image.",
            ),
            Mistake(
                "always 0.95",
                lambda known, new, share: new > np.quantile(known, 0.95),
                "Your share is always 0.95. It is an argument: use `share`.",
            ),
            Mistake(
                "above all known",
                lambda known, new, share: new > known.max(),
                "You call odd what is above every known error. Asked for is the error that the given share "
                "stays below.",
            ),
            Mistake(
                "mean and two deviations",
                lambda known, new, share: new > known.mean() + 2 * known.std(),
                "A mean and two standard deviations suppose a bell curve. Errors are skewed; take the "
                "quantile.",
            ),
        ),
        hints=(
            "The threshold is the error that the share of the known images stays below: np.quantile.",
            "new_errors > threshold gives one True or False for each new image.",
        ),
        afterwards="So about 1 - share of the ordinary images will be called odd by mistake: a promise "
        "that can be checked, and the notebook checks it.",
    ),
    Experiment(
        title="Small and better than PCA",
        question="A linear code of 8 numbers has 13,336 parameters. Build a network with a code of 8 "
        "numbers and at most 25,000 parameters that loses less than PCA with 8 numbers, cut off, on the "
        'validation digits. `my_answer` is the pair of the network (compiled with `"mse"`) and the '
        "`Run` that `training.fit(…, validation=(validation, validation))` returns; with "
        "`callbacks=[keep_best(epochs)]`, as in section 2, it is the best epoch that counts.",
        idea="what bends are worth when parameters are few",
        minutes=20,
        facts=facts_of_pair,
        goals=(
            Goal(
                "nowhere narrower than 8 numbers, and in one place as narrow as that",
                lambda facts: facts["narrowest"] == 8,
                lambda facts: f"{facts['narrowest']} at the narrowest",
                "The comparison is about a code of 8 numbers: some layer must have 8 outputs, and none "
                "fewer.",
            ),
            few_parameters(
                25_000,
                "",
                "Too many parameters. Hidden layers of n units on either side take about 1,600 n of them.",
            ),
            square_error(),
            trained_on(lambda facts: 3200, "the fitted digits, and validation=(validation, validation)"),
            Goal(
                "a validation loss below that of PCA with 8 numbers, cut off",
                lambda facts: facts["kept"].get("val_loss", np.inf) < _lost_by_pca(),
                lambda facts: f"{facts['kept'].get('val_loss', np.inf):.4f}, PCA {_lost_by_pca():.4f}",
                "Small enough, but PCA is better. Has it finished learning? Give it a hundred epochs, or a "
                "learning rate of 0.002.",
            ),
        ),
        hints=(
            "`build` of section 2 with 12 to 14 hidden units is within the budget.",
            "A hundred epochs with Adam(0.002), validation=(validation, validation), and "
            "keras.callbacks.EarlyStopping(patience=100, restore_best_weights=True) among the callbacks to "
            "go back to the best epoch.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = build(code=8, hidden=12)
my_model.compile(keras.optimizers.Adam(0.002), "mse")
my_run = training.fit(my_model, fitted, fitted, epochs=100, validation=(validation, validation), fast=True,
                      callbacks=[keras.callbacks.EarlyStopping(patience=100, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="So few parameters are enough to beat the best linear code of the same length. (A "
        "linear network has 13,336 and cannot: see *Linear against PCA*.)",
    ),
)
