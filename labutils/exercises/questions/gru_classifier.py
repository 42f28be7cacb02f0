"""Exercises on a GRU that reads film reviews."""

from __future__ import annotations

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Goal, Mistake
from labutils.exercises.checking.goals import (
    accurate,
    binary_cross_entropy,
    facts_of_pair,
    recurrent,
    trained_on,
)


def my_pad(sequence, length):
    """The tokens of a review (a list of integers) as a list of exactly so many."""
    kept = list(sequence)[-length:]  # the end of a long review
    return [0] * (length - len(kept)) + kept  # zeros in front of a short one


def _reviews(rng: np.random.Generator) -> list[Case]:
    return [
        {"sequence": [1, *rng.integers(3, 999, count - 1).tolist()], "length": length}
        for count, length in [(3, 5), (6, 4), (4, 4), (12, 7), (2, 9)]
    ]


def my_test_rows(labels, share):
    """True for the rows that are for testing, (rows,), from labels 0 and 1, (rows,)."""
    is_test = np.zeros(len(labels), dtype=bool)
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        is_test[rows[len(rows) - int(len(rows) * share) :]] = True
    return is_test


def _labels(rng: np.random.Generator) -> list[Case]:
    return [
        {"labels": np.repeat([0, 1], [5, 5]), "share": 0.2},
        {"labels": np.repeat([1, 0], [8, 4]), "share": 0.25},
        {"labels": np.repeat([0, 1], [7, 3]), "share": 0.25},
        {"labels": rng.permutation(np.repeat([0, 1], [9, 5])), "share": 0.25},
        {"labels": rng.permutation(np.repeat([0, 1], [10, 20])), "share": 0.1},
        {"labels": rng.permutation(np.repeat([0, 1], [8, 12])), "share": 0.5},
    ]


def _rows(labels, share, last=True, count=None):
    is_test = np.zeros(len(labels), dtype=bool)
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        chosen = int(len(rows) * share) if count is None else count(len(rows))
        is_test[rows[len(rows) - chosen :] if last else rows[:chosen]] = True
    return is_test


def my_loss(p, y):
    """The mean binary cross-entropy, one number, of probabilities p (reviews,) and labels y (reviews,)."""
    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))


def _probabilities(rng: np.random.Generator) -> list[Case]:
    return [
        {"p": np.array([0.9, 0.2]), "y": np.array([1, 0])},
        {"p": np.array([0.0002, 0.7, 0.9996]), "y": np.array([1, 1, 0])},
        *(
            {"p": rng.uniform(0.02, 0.98, count).round(2), "y": rng.permutation(np.arange(count) % 2)}
            for count in (3, 6, 20)
        ),
    ]


def my_early_stop(val_losses, patience):
    """How many epochs are trained, and which one's weights are kept: two numbers."""
    best, kept = np.inf, 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < best:
            best, kept = loss, epoch
        elif epoch - kept >= patience:
            return epoch, kept
    return len(val_losses), kept


def _losses(rng: np.random.Generator) -> list[Case]:
    return [
        {"val_losses": [0.50, 0.40, 0.45, 0.30], "patience": 1},
        {"val_losses": [0.50, 0.40, 0.45, 0.42, 0.41, 0.30], "patience": 2},
        {"val_losses": [0.60, 0.50, 0.45], "patience": 1},
        {"val_losses": [0.50], "patience": 1},
        {"val_losses": [0.50, 0.40, 0.45, 0.42], "patience": 3},
        {"val_losses": [1.40, 1.20, 1.30, 1.25, 1.10], "patience": 2},
        {"val_losses": [0.50, 0.40, 0.40, 0.40, 0.30], "patience": 2},
        {"val_losses": [0.60, 0.40, 0.55, 0.39, 0.50, 0.45, 0.48, 0.42, 0.20], "patience": 3},
        *(
            {"val_losses": rng.uniform(0.3, 0.6, 9).round(2).tolist(), "patience": patience}
            for patience in (1, 2, 3)
        ),
    ]


def _stop(
    val_losses,
    patience,
    *,
    first=1,
    late=0,
    keep_last=False,
    against_last=False,
    tie=0.0,
    reset=True,
    best=np.inf,
):
    kept, waited, ended = 0, 0, len(val_losses)
    for epoch, loss in enumerate(val_losses, start=1):
        reference = val_losses[epoch - 2] if against_last and epoch > 1 else best
        waited = (0 if reset else waited) if loss < reference + tie else waited + 1
        if loss < best + tie:
            best, kept = loss, epoch
        if waited >= patience + late:
            ended = epoch
            break
    return ended - 1 + first, (ended if keep_last else kept) - 1 + first


def my_paired_difference(p, q, y):
    """The difference of the accuracies of p and q (reviews,), and half of its 95 % interval."""
    d = ((p > 0.5) == y).astype(float) - ((q > 0.5) == y)
    return d.mean(), 1.96 * d.std() / np.sqrt(len(d))


def _two_classifiers(rng: np.random.Generator) -> list[Case]:
    cases: list[Case] = [
        {
            "p": np.array([0.9, 0.2, 0.7, 0.6]),
            "q": np.array([0.8, 0.6, 0.4, 0.1]),
            "y": np.array([1, 0, 1, 0]),
        },
        {
            "p": np.array([0.8, 0.6, 0.4]),
            "q": np.array([0.9, 0.2, 0.7]),
            "y": np.array([1, 0, 1]),
        },
    ]
    for count in (9, 40, 200):
        y = rng.integers(0, 2, count)
        right = 0.5 + 0.4 * (y - 0.5) + rng.normal(0, 0.2, count)  # what both know
        p, q = (np.clip(right + rng.normal(0, sd, count), 0.01, 0.99) for sd in (0.05, 0.25))
        p, q = ((2 * np.floor(500 * guess) + 1) / 1000 for guess in (p, q))  # never exactly one half
        cases.append({"p": p, "q": q, "y": y})
    return cases


def _differences(p, q, y):
    return ((p > 0.5) == y).astype(float) - ((q > 0.5) == y)


def _interval(p, q, y, *, factor=1.96, ddof=0, root=True, sign=1):
    d = sign * _differences(p, q, y)
    return d.mean(), factor * d.std(ddof=ddof) / (np.sqrt(len(d)) if root else 1)


def _unpaired(p, q, y):
    a, b = (((guess > 0.5) == y).mean() for guess in (p, q))
    return a - b, 1.96 * np.sqrt((a * (1 - a) + b * (1 - b)) / len(y))


def my_calibration_error(p, y):
    """The ECE with ten bins, one number, of probabilities p (reviews,) and labels y (reviews,)."""
    which = np.minimum((10 * p).astype(int), 9)
    error = 0.0
    for k in range(10):
        if (inside := which == k).any():
            error += inside.mean() * abs(p[inside].mean() - y[inside].mean())
    return error


def _said_and_true(rng: np.random.Generator) -> list[Case]:
    cases: list[Case] = [
        {"p": np.array([0.92, 0.98, 0.93, 0.15]), "y": np.array([1, 1, 0, 0])},
        {"p": np.array([0.5, 0.42, 0.58]), "y": np.array([1, 0, 0])},
        {"p": np.array([1.0, 0.97, 0.03, 0.0, 0.55]), "y": np.array([0, 1, 0, 1, 1])},
    ]
    for count in (12, 50, 300):
        said = (2 * rng.integers(0, 500, count) + 1) / 1000  # never on the border of two bins
        cases.append({"p": said, "y": (rng.random(count) < 0.25 + 0.5 * said).astype(int)})
    return cases


def _calibration(p, y, *, weighted=True, error=abs, keeps_1=True, which=None, bins=10):
    if which is None:
        which = (10 * p).astype(int)
        which = np.minimum(which, 9) if keeps_1 else which
    shares, errors = [], []
    for k in range(bins):
        if (inside := which == k).any():
            shares.append(inside.mean())
            errors.append(error(p[inside].mean() - y[inside].mean()))
    return float(np.dot(shares, errors) if weighted else np.sum(errors) / max(len(errors), 1))


def _of_the_answer(p, y):
    sure = np.maximum(p, 1 - p)
    return _calibration(sure, ((p > 0.5) == y).astype(int))


def _of_centres(p, y):
    which = np.minimum((10 * p).astype(int), 9)
    return float(
        sum(
            (which == k).mean() * abs((k + 0.5) / 10 - y[which == k].mean())
            for k in range(10)
            if (which == k).any()
        )
    )


EXERCISES = (
    Coding(
        title="Pad and truncate",
        question="Do it for one review: a list of `length` tokens, zeros in front of a short one, and of "
        "a long one the end.",
        idea="both happen at the front",
        minutes=6,
        solve=my_pad,
        cases=_reviews,
        mistakes=(
            Mistake(
                "padded at the back",
                lambda s, n: s[-n:] + [0] * (n - len(s)),
                "The zeros stand behind the review. They belong in front of it, so that the last token is "
                "a word of the review.",
            ),
            Mistake(
                "beginning kept",
                lambda s, n: [0] * (n - len(s)) + s[:n],
                "Of a long review you keep the beginning. Here its end is kept.",
            ),
            Mistake(
                "padded at the back, beginning kept",
                lambda s, n: s[:n] + [0] * (n - len(s)),
                "Both sides are exchanged: zeros belong in front of a short review, and of a long one the "
                "end is kept.",
            ),
            Mistake(
                "not cut",
                lambda s, n: [0] * (n - len(s)) + s,
                "A review that is too long stays too long. An array needs rows of one length: keep its "
                "last tokens.",
            ),
            Mistake(
                "too short stays short",
                lambda s, n: s[-n:],
                "A short review stays short. Fill it up with zeros in front.",
            ),
        ),
        hints=(
            "sequence[-length:] keeps the last tokens, and leaves a short sequence as it is.",
            "[0] * 3 is a list of three zeros, and lists are joined with +.",
            "[0] * (length - len(kept)) + kept",
        ),
        afterwards="Keras' pad_sequences does the same to a whole list of reviews; padding='post' and "
        "truncating='post' are the other sides.",
    ),
    Coding(
        title="A split in blocks",
        question="Split in this way: of the rows of each label, in their order, the last `share` are for "
        "testing. (Labels may be mixed in any order. Round the number of test rows down.)",
        idea="neighbours stay on one side",
        minutes=8,
        solve=my_test_rows,
        cases=_labels,
        mistakes=(
            Mistake(
                "last rows of all",
                lambda labels, share: np.arange(len(labels)) >= len(labels) - int(len(labels) * share),
                "Those are the last rows of the whole file, whatever their label. In a file that is sorted "
                "by label the test would have one label only. Take the last rows of *each* label.",
            ),
            Mistake(
                "first of each label",
                lambda labels, share: _rows(labels, share, last=False),
                "You take the first rows of each label. Asked for are the last ones.",
            ),
            Mistake(
                "training rows",
                lambda labels, share: ~_rows(labels, share),
                "It is the other way round: True stands where a row is for training.",
            ),
            Mistake(
                "every n-th row",
                lambda labels, share: np.arange(len(labels)) % round(1 / share) == round(1 / share) - 1,
                "You take every n-th row. Then neighbours, which speak of one film, land on both "
                "sides again.",
            ),
            Mistake(
                "rounded up",
                lambda labels, share: _rows(labels, share, count=lambda n: int(np.ceil(round(n * share, 9)))),
                "You round the number of test rows up (or that of training rows down, which comes to the "
                "same). Of 7 rows a share of 0.25 is 1.75: one row, rounded down.",
            ),
            Mistake(
                "rounded",
                lambda labels, share: _rows(labels, share, count=lambda n: round(n * share)),
                "You round to the nearest number of rows. Of 7 rows a share of 0.25 is 1.75: one row, "
                "rounded down.",
            ),
            Mistake(
                "all rows where there are none",
                lambda labels, share: _rows(labels, share, count=lambda n: int(n * share) or n),
                "Where no row is for testing, you take all: rows[-0:] is the whole array. Count from the "
                "front instead, rows[len(rows) - n :].",
            ),
            Mistake(
                "numbers of the rows",
                lambda labels, share: np.flatnonzero(_rows(labels, share)),
                "Those are the numbers of the rows, and the right ones. Asked for is True or False for "
                "each row.",
            ),
            Mistake(
                "numbers of the rows by label",
                lambda labels, share: np.concatenate(
                    [np.flatnonzero(_rows(labels, share) & (labels == label)) for label in (0, 1)]
                ),
                "Those are the numbers of the rows, label by label. Asked for is True or False for each "
                "row: set an array of False to True at these places.",
            ),
            Mistake(
                "labels one after the other",
                lambda labels, share: np.concatenate(
                    [_rows(labels, share)[labels == label] for label in (0, 1)]
                ),
                "You lay the rows of label 0 and then those of label 1 side by side. The labels may come "
                "in any order; the answer must stand where the row stands.",
            ),
            Mistake(
                "label 1 only",
                lambda labels, share: _rows(labels, share) & (labels == 1),
                "Only rows of label 1 are in your test. It needs the last rows of label 0 as well.",
            ),
            Mistake(
                "label 0 only",
                lambda labels, share: _rows(labels, share) & (labels == 0),
                "Only rows of label 0 are in your test. It needs the last rows of label 1 as well.",
            ),
        ),
        hints=(
            "np.flatnonzero(labels == 1) gives the places of the rows with label 1, in their order.",
            "Of these places the last int(len(places) * share) are for the test.",
            "Start with an array of False, and set the chosen places of each label to True.",
        ),
        afterwards="A block inside each label: reviews of one film stay together, and both labels are in "
        "the test in their proportion.",
    ),
    Coding(
        title="The loss",
        question="The loss of a batch: the mean of these losses over its reviews.",
        idea="binary cross-entropy punishes confident mistakes",
        minutes=6,
        solve=my_loss,
        cases=_probabilities,
        tolerance=1e-3,  # an added 1e-7 against ln 0 passes
        mistakes=(
            Mistake(
                "positive reviews only",
                lambda p, y: np.mean(-y * np.log(p)),
                "Only positive reviews cost anything here. Where y is 0 the second half of the formula "
                "counts.",
            ),
            Mistake(
                "sum, not mean",
                lambda p, y: np.sum(-y * np.log(p) - (1 - y) * np.log(1 - p)),
                "That is the sum over the reviews. The loss of a batch is the mean.",
            ),
            Mistake(
                "logarithm to base 2",
                lambda p, y: np.mean(-y * np.log2(p) - (1 - y) * np.log2(1 - p)),
                "You took the logarithm to base 2. It is the natural one, np.log.",
            ),
            Mistake(
                "logarithm to base 10",
                lambda p, y: np.mean(-y * np.log10(p) - (1 - y) * np.log10(1 - p)),
                "You took the logarithm to base 10. It is the natural one, np.log.",
            ),
            Mistake(
                "forgotten minus",
                lambda p, y: np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)),
                "The sign is wrong: logarithms of probabilities are negative, and a loss is positive.",
            ),
            Mistake(
                "labels exchanged",
                lambda p, y: np.mean(-(1 - y) * np.log(p) - y * np.log(1 - p)),
                "The two halves have changed places: being rightly sure costs most.",
            ),
            Mistake(
                "one sign wrong",
                lambda p, y: np.mean(-y * np.log(p) + (1 - y) * np.log(1 - p)),
                "The second half has the wrong sign: both logarithms are taken away, - y ln p - (1 - y) "
                "ln(1 - p).",
            ),
            Mistake(
                "the same logarithm twice",
                lambda p, y: np.mean(-y * np.log(p) - (1 - y) * np.log(p)),
                "Both halves have ln p. Where y is 0 it is 1 - p that should be large: ln(1 - p).",
            ),
            Mistake(
                "p and y exchanged",
                lambda p, y: np.mean(-p * np.log(y) - (1 - p) * np.log(1 - y)),
                "You take the logarithm of labels, and ln 0 is minus infinity. p and y have changed places.",
            ),
            Mistake(
                "accuracy",
                lambda p, y: np.mean((p > 0.5) == y),
                "That is the accuracy. The loss asks how sure the answer was, not only whether it was right.",
            ),
            Mistake(
                "square error",
                lambda p, y: np.mean((p - y) ** 2),
                "That is the mean square error (the Brier score of section 7). The loss here has logarithms.",
            ),
            Mistake(
                "one for each review",
                lambda p, y: -y * np.log(p) - (1 - y) * np.log(1 - p),
                "That is the loss of each review. The loss of a batch is their mean, one number.",
            ),
        ),
        hints=(
            "The formula stands above: -y ln p - (1 - y) ln(1 - p), for each review.",
            "np.log is the natural logarithm, and it works on whole arrays.",
            "Then take the mean over the reviews.",
        ),
        afterwards="Being confidently wrong (p = 0.01 for a positive review) costs 4.6, nearly seven "
        "times as much as a shrug (0.69).",
    ),
    Coding(
        title="Stop in time",
        question="Write the rule. It gets the validation losses in their order, as a training would "
        "produce them, and stops when the lowest loss so far is `patience` epochs old, or after the last "
        "one. A loss equal to the lowest is no new lowest. Epochs are counted from 1. (With losses .50, "
        ".40, .45, .30 and `patience=1` it trains 3 epochs and keeps the second. That the fourth would "
        "have been better, it never learns.)",
        idea="early stopping and patience",
        minutes=12,
        solve=my_early_stop,
        cases=_losses,
        results=("epochs", "kept"),
        mistakes=(
            Mistake(
                "counted from 0",
                lambda losses, patience: _stop(losses, patience, first=0),
                "You count epochs from 0. The first epoch is epoch 1.",
            ),
            Mistake(
                "last epoch kept",
                lambda losses, patience: _stop(losses, patience, keep_last=True),
                "It stops at the right moment, but keeps the weights of the last epoch. The best epoch is "
                "the one with the lowest validation loss.",
            ),
            Mistake(
                "one epoch late",
                lambda losses, patience: _stop(losses, patience, late=1),
                "It stops one epoch too late: with patience 1 a single epoch without a new lowest loss is "
                "enough.",
            ),
            Mistake(
                "compared with the epoch before",
                lambda losses, patience: _stop(losses, patience, against_last=True),
                "You compare each loss with the one before. Compare it with the lowest so far: after .40 "
                "and .45, a .42 is no success.",
            ),
            Mistake(
                "a tie counted as better",
                lambda losses, patience: _stop(losses, patience, tie=1e-9),
                "A loss that is the same as the lowest counts as better with you. It has not fallen, so "
                "patience runs on.",
            ),
            Mistake(
                "best of all epochs kept",
                lambda losses, patience: (_stop(losses, patience)[0], int(np.argmin(losses)) + 1),
                "It stops at the right moment, but keeps the best of all epochs, also of those that would "
                "come later. They are never trained.",
            ),
            Mistake(
                "counter never reset",
                lambda losses, patience: _stop(losses, patience, reset=False),
                "You count all epochs without a new lowest loss. The count begins anew whenever there is "
                "one.",
            ),
            Mistake(
                "kept epoch counted from 0",
                lambda losses, patience: (_stop(losses, patience)[0], _stop(losses, patience)[1] - 1),
                "It stops at the right moment, but the epoch that is kept is counted from 0. The first "
                "epoch is epoch 1.",
            ),
            Mistake(
                "lowest loss for its epoch",
                lambda losses, patience: (_stop(losses, patience)[0], losses[_stop(losses, patience)[1] - 1]),
                "You return the lowest loss. Asked for is its epoch.",
            ),
            Mistake(
                "losses above 1 forgotten",
                lambda losses, patience: _stop(losses, patience, best=1.0),
                "You begin with 1 as the lowest loss so far. A loss may be larger than that: begin with "
                "np.inf.",
            ),
            Mistake(
                "patience ignored",
                lambda losses, patience: _stop(losses, 1),
                "It stops at the first epoch without a new lowest loss, whatever the patience.",
            ),
            Mistake(
                "never stops",
                lambda losses, patience: (len(losses), int(np.argmin(losses)) + 1),
                "The best of all epochs is easily found afterwards. Stop while the training goes on, when "
                "patience has run out; what would come later is not known.",
            ),
        ),
        hints=(
            "Go through the losses and remember the lowest so far and the epoch in which it was.",
            "How many epochs ago was the lowest loss? Stop when it is `patience` epochs ago.",
            "for epoch, loss in enumerate(val_losses, start=1): if loss < best, remember both; elif epoch "
            "- kept >= patience, return epoch, kept. What is returned when the loop comes to its end?",
        ),
        afterwards="This is what keras.callbacks.EarlyStopping(patience=…, restore_best_weights=True) "
        "does. It never knows what a later epoch would have brought.",
    ),
    Coding(
        title="A paired difference",
        question="Compute it for two models whose probabilities `p` and `q` are given (positive where "
        "above one half). Take `np.std` for $s$.",
        idea="the difference review by review, and how sure it is",
        minutes=10,
        solve=my_paired_difference,
        cases=_two_classifiers,
        results=("difference", "half_width"),
        mistakes=(
            Mistake(
                "q minus p",
                lambda p, q, y: _interval(p, q, y, sign=-1),
                "The sign is the other way round: it is the accuracy of p minus that of q.",
            ),
            Mistake(
                "not paired",
                _unpaired,
                "The difference is right. Your interval adds the variances of two accuracies, as if each "
                "model had been asked about reviews of its own. Take the standard deviation of the d_i.",
            ),
            Mistake(
                "standard deviation, not error",
                lambda p, q, y: _interval(p, q, y, root=False),
                "That is 1.96 times the standard deviation of single differences. The mean of n of them is "
                "surer: divide by the square root of n.",
            ),
            Mistake(
                "one standard error",
                lambda p, q, y: _interval(p, q, y, factor=1),
                "That is one standard error. For 95 % it takes 1.96 of them.",
            ),
            Mistake(
                "whole width",
                lambda p, q, y: _interval(p, q, y, factor=3.92),
                "That is the whole width of the interval. Asked for is half of it, what stands after the ±.",
            ),
            Mistake(
                "divided by n - 1",
                lambda p, q, y: _interval(p, q, y, ddof=1),
                "You divide by n - 1 (ddof=1), which is as good, and the same for 5,000 reviews. So that "
                "the numbers can be compared, take np.std as it is.",
            ),
            Mistake(
                "divided by n",
                lambda p, q, y: (_differences(p, q, y).mean(), 1.96 * _differences(p, q, y).std() / len(y)),
                "You divide by n. It is the square root of n: four times as many reviews halve the interval.",
            ),
            Mistake(
                "differences of probabilities",
                lambda p, q, y: (np.mean(p - q), 1.96 * np.std(p - q) / np.sqrt(len(y))),
                "You compare the probabilities. Say first which reviews each model gets right: (p > 0.5) "
                "== y.",
            ),
            Mistake(
                "ends of the interval",
                lambda p, q, y: (_interval(p, q, y)[0] - _interval(p, q, y)[1], sum(_interval(p, q, y))),
                "Those are the two ends of the interval. Asked for are its middle, the difference, and half "
                "of its width.",
            ),
            Mistake(
                "answers compared",
                lambda p, q, y: (
                    np.mean((p > 0.5) * 1.0 - (q > 0.5)),
                    1.96 * np.std((p > 0.5) * 1.0 - (q > 0.5)) / np.sqrt(len(y)),
                ),
                "You compare what the models answer, without the labels. Right is (p > 0.5) == y.",
            ),
        ),
        hints=(
            "(p > 0.5) == y says for each review whether p is right. The same for q.",
            "Two arrays of True and False cannot be subtracted: turn one into numbers with .astype(float).",
            "d.mean() and 1.96 * d.std() / np.sqrt(len(d))",
        ),
        afterwards="It is the normal approximation of McNemar's test: only reviews on which the two models "
        "differ widen it.",
    ),
    Choice(
        title="Fifty more of five thousand",
        question="One model gets 50 of the 5,000 test reviews more right than another: one point of "
        "accuracy. Is the difference clear, beyond what the choice of reviews explains?\n\n* `a`: yes, 50 "
        "reviews are far too many for chance,\n* `b`: no, one point never is with 5,000 reviews,\n* `c`: "
        "it is if the two disagree about 100 reviews, and is not if they disagree about 1,500.",
        idea="what two models agree about says nothing about who is better",
        minutes=4,
        right="c",
        wrong={
            "a": "Let them disagree about 1,500 reviews: 775 go to the one and 725 to the other. Would you "
            "bet on the same winner with other reviews?",
            "b": "Let them disagree about 100 reviews only: 75 go to the one and 25 to the other. Would a "
            "fair coin do that?",
        },
        hints=(
            "Reviews that both get right, or both wrong, have d = 0. How large is the standard deviation "
            "of the d_i, then?",
            "With m disagreements among n reviews, s is about the square root of m / n. Compare 1.96 s / "
            "√n with .01 for m = 100 and for m = 1,500.",
        ),
        afterwards="With 100 disagreements the interval is .01 ± .004, with 1,500 it is .01 ± .015.",
    ),
    Coding(
        title="Expected calibration error",
        question="Write it. Bin $k$, from 0 to 9, holds $k / 10 \\le p < (k + 1) / 10$, and the last one "
        "holds $p = 1$, too. A bin without reviews adds nothing.",
        idea="how far the probabilities are from what happens",
        minutes=12,
        solve=my_calibration_error,
        cases=_said_and_true,
        mistakes=(
            Mistake(
                "bins not weighted",
                lambda p, y: _calibration(p, y, weighted=False),
                "Every bin counts the same with you. Weight it by its share of the reviews, n_k / n.",
            ),
            Mistake(
                "squares",
                lambda p, y: _calibration(p, y, error=np.square),
                "You square the differences. The ECE takes their absolute values.",
            ),
            Mistake(
                "no absolute value",
                lambda p, y: _calibration(p, y, error=float),
                "Too high in one bin and too low in another cancel with you. Take absolute values, bin by "
                "bin.",
            ),
            Mistake(
                "centres of the bins",
                _of_centres,
                "You compare with the centre of each bin. Take the mean of the probabilities in it.",
            ),
            Mistake(
                "probability 1 lost",
                lambda p, y: _calibration(p, y, keeps_1=False),
                "A probability of 1 falls out: int(10 * 1.0) is 10, and there is no such bin. It belongs to "
                "the last one.",
            ),
            Mistake(
                "an eleventh bin",
                lambda p, y: _calibration(p, y, which=(10 * p).astype(int), bins=11),
                "A probability of 1 has a bin of its own with you, the eleventh. It belongs to the last of "
                "ten, with 0.9 ≤ p < 1.",
            ),
            Mistake(
                "bins closed above",
                lambda p, y: _calibration(p, y, which=np.ceil(np.round(10 * p, 9)).astype(int) - 1),
                "Your bins hold their upper border and not their lower one, so a probability of 0 is in "
                "none of them. Bin k holds k / 10 ≤ p < (k + 1) / 10.",
            ),
            Mistake(
                "Brier score",
                lambda p, y: np.mean((p - y) ** 2),
                "That is the Brier score, review by review. The ECE compares *means*: of the probabilities "
                "and of the labels in each bin.",
            ),
            Mistake(
                "mean distance",
                lambda p, y: np.mean(np.abs(p - y)),
                "That compares each probability with its own label, 0 or 1. The ECE compares the means of "
                "both in each bin.",
            ),
            Mistake(
                "root of the mean square",
                lambda p, y: np.sqrt(_calibration(p, y, error=np.square)),
                "You square the differences and take the root at the end. The ECE takes their absolute "
                "values.",
            ),
            Mistake(
                "confidence of the answer",
                _of_the_answer,
                "You compare how sure the answer is, max(p, 1 - p), with how often it is right. That is the "
                "ECE for several classes. Here it is the probability of *positive*, from 0 to 1.",
            ),
            Mistake(
                "one bin",
                lambda p, y: abs(np.mean(p) - np.mean(y)),
                "That is the difference over all reviews at once. Sort them into ten bins first.",
            ),
        ),
        hints=(
            "np.minimum((10 * p).astype(int), 9) is the bin of each review.",
            "For one bin: inside = which == k; then p[inside].mean(), y[inside].mean(), inside.mean().",
            "Leave out bins where inside.any() is False: the mean of nothing is nan.",
        ),
        afterwards="A warning: with few reviews in a bin, chance alone moves the fraction of positives, "
        "so even a perfectly calibrated model has an ECE above 0, about .01 with 5,000 reviews.",
    ),
    Experiment(
        title="Beat the bag of 100 tokens",
        question="With the last 100 tokens the published network was no better than the bag of the same "
        "tokens, which reaches an accuracy of .832 (C = 1) and a loss of .374 (C = 3) on the "
        "*validation* reviews. Build and train a recurrent network that reads 100 tokens (`x_100`) and "
        "beats it: accuracy .832 or more, and a loss below .374. Your answer is the pair of the network "
        "and the `Run` that `training.fit(…, validation=0.2)` returns. What counts is the epoch whose "
        "weights are kept: the last one, or with `EarlyStopping(patience=5, restore_best_weights=True)` "
        "that of the lowest validation loss.",
        idea="what helps a network that reads",
        minutes=25,
        facts=facts_of_pair,
        goals=(
            recurrent(),
            trained_on(lambda facts: 16_000, "validation=0.2"),
            binary_cross_entropy('"binary_crossentropy"'),
            Goal(
                "at most 100 tokens",
                lambda facts: 0 < facts["steps"] <= 100,
                lambda facts: f"{facts['steps']}",
                "More tokens help, and are not the point here: give it x_100, and layers.Input((100,)).",
            ),
            accurate(
                0.832,
                ", as the bag",
                "Which of the remedies of section 6 cost no tokens? And does the validation loss rise after "
                "two epochs?",
            ),
            Goal(
                "a validation loss below 0.374 in the epoch that is kept",
                lambda facts: facts["kept"].get("val_loss", 1) < 0.374,
                lambda facts: f"{facts['kept'].get('val_loss', float('nan')):.4f}",
                "Accurate, but overconfident: stop earlier, or give it more dropout.",
            ),
        ),
        hints=(
            "Start from the improved network of section 6, with 100 tokens.",
            "Adam(0.003), batches of 128 and four epochs take half a minute; "
            "EarlyStopping(patience=5, restore_best_weights=True) goes back to the best of them.",
            "If it just misses, try another seed or rate, and ask yourself afterwards what you have chosen "
            "with the validation reviews.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((100,)),
    layers.Embedding(10_000, 32, mask_zero=True),
    layers.Dropout(0.3, noise_shape=(None, 100, 1)),
    layers.Dropout(0.5),
    layers.GRU(32),
    layers.Dropout(0.5),
    layers.Dense(1, activation="sigmoid"),
])
my_model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
my_run = training.fit(my_model, x_100, y_train, name="my reader", epochs=4, batch_size=128,
                      validation=0.2, callbacks=[
                          keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="The next cell asks the test reviews about it, and compares it with the bag of the same "
        "tokens, review by review. (Its epoch and its settings were chosen with the validation reviews, so "
        "their accuracy flatters a little.)",
    ),
)
