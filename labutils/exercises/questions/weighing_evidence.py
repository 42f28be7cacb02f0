"""Exercises on a network that weighs the evidence of a bag of words."""

from __future__ import annotations

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import binary_cross_entropy, facts_of_pair, few_parameters, trained_on

MOST_PARAMETERS, LOSS_TO_REACH = 100, 0.240


def my_ratios(x, y):
    """The log-ratio of each feature, (features,).

    x (reviews, features): 1 where a review has the feature, else 0. y (reviews,): 1 positive, 0 negative.
    """
    positive, negative = 1 + x[y == 1].sum(axis=0), 1 + x[y == 0].sum(axis=0)
    return np.log(positive / positive.sum()) - np.log(negative / negative.sum())


def _counted(rng: np.random.Generator) -> list[Case]:
    cases = []
    for reviews, features in [(4, 2), (7, 3), (12, 5)]:
        x = (rng.random((reviews, features)) < 0.5).astype(float)
        x[0], x[-1, 0] = 1, 0  # no empty side, and no feature that stands everywhere
        y = np.arange(reviews) % 3 == 0  # two negative reviews for a positive one
        x[y, 0], x[~y, 0] = 1, 0  # the first on one side alone
        cases.append({"x": x, "y": y.astype(int)})
    return cases


def _ratios(x, y, *, a=1.0, by=lambda counts, n: counts.sum(), base=np.log):
    positive, negative = a + x[y == 1].sum(axis=0), a + x[y == 0].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return base(positive / by(positive, (y == 1).sum())) - base(negative / by(negative, (y == 0).sum()))


def my_rates(word, label, fold):
    """For each row the rate of positive labels of its word in the *other* folds, smoothed: (rows,).

    word, label, fold: (rows,) whole numbers. The rate is (positive + 1) / (rows + 2), counted over the rows
    with the same word in other folds.
    """
    rates = np.empty(len(word))
    for row in range(len(word)):
        others = (word == word[row]) & (fold != fold[row])
        rates[row] = (label[others].sum() + 1) / (others.sum() + 2)
    return rates


def _rows(rng: np.random.Generator) -> list[Case]:
    cases = []
    for rows, words, folds in [(5, 2, 2), (8, 3, 2), (14, 4, 3)]:
        label = rng.integers(0, 2, rows)
        label[:2] = 0, 1
        fold = rng.permutation(np.arange(rows) % folds)
        cases.append({"word": rng.integers(0, words, rows), "label": label, "fold": fold})
    return cases


def _rates(word, label, fold, *, counted=lambda w, f, row: (w == w[row]) & (f != f[row]), a=1, b=2):
    rates = []
    for row in range(len(word)):
        others = counted(word, fold, row)
        rates.append((label[others].sum() + a) / max(others.sum() + b, 1e-9))
    return np.array(rates)


EXERCISES = (
    Coding(
        title="What a word is worth",
        question="Write this log-ratio for each feature.",
        idea="the weights of naive Bayes",
        minutes=6,
        solve=my_ratios,
        cases=_counted,
        mistakes=(
            Mistake(
                "turned round",
                lambda x, y: -_ratios(x, y),
                "The signs are turned: what is more frequent in positive reviews should be above zero.",
            ),
            Mistake(
                "not smoothed",
                lambda x, y: _ratios(x, y, a=0),
                "A feature that one side lacks is worth infinitely much: add 1 to every count.",
            ),
            Mistake(
                "sums without the ones",
                lambda x, y: _ratios(x, y, by=lambda counts, n: counts.sum() - len(counts)),
                "The sums run over the counts *with* the 1 added to each.",
            ),
            Mistake(
                "not divided",
                lambda x, y: _ratios(x, y, by=lambda counts, n: 1.0),
                "There are more negative reviews than positive ones here: divide the counts of each side by "
                "their sum.",
            ),
            Mistake(
                "divided by the reviews",
                lambda x, y: _ratios(x, y, by=lambda counts, n: n),
                "You divide by the number of reviews of each side. The formula has the sum of its counts, "
                "over all features.",
            ),
            Mistake(
                "no logarithm",
                lambda x, y: np.exp(_ratios(x, y)),
                "That is the ratio. Evidence adds up, so take its logarithm.",
            ),
            Mistake(
                "difference of the shares",
                lambda x, y: _ratios(x, y, base=lambda shares: shares),
                "That is the difference of the two shares. Take that of their logarithms.",
            ),
            Mistake(
                "base two",
                lambda x, y: _ratios(x, y, base=np.log2),
                "Right, in bits. Log-odds take the natural logarithm: np.log.",
            ),
            Mistake(
                "positive reviews alone",
                lambda x, y: np.log((1 + x[y == 1].sum(axis=0)) / (1 + x[y == 1].sum(axis=0)).sum()),
                "That is how often a feature stands in positive reviews. Compare it with the negative ones.",
            ),
        ),
        hints=(
            "x[y == 1].sum(axis=0) counts the positive reviews that contain each feature.",
            "With positive = 1 + these counts, the logarithm of positive / positive.sum() is one half of it.",
        ),
        afterwards="On a sparse matrix, as below, x.T @ y counts the same.",
    ),
    Number(
        title="Weighed",
        question="A review has the evidence +.43 (*great*) and −.26 (*embarrassment*), and the bag's "
        "intercept is .05. The gate of *great* is .5, that of *embarrassment* 1.4, and the head "
        "says −.10. What are the log-odds?",
        idea="what a gate does to evidence",
        minutes=3,
        right=-0.199,
        tolerance=0.004,
        wrong={
            0.22: "That is the bag, with all gates at 1.",
            0.12: "The head is in it, the gates are not: multiply each piece of evidence by its gate.",
            -0.099: "The gates are in it, the head is not.",
            -0.249: "The bag's intercept is missing.",
            0.529: "*embarrassment* speaks against the film: its evidence is negative.",
            0.450: "That is the probability, σ(−.199). The log-odds are asked for.",
            0.422: "You exchanged the two gates.",
        },
        hints=("Multiply each piece of evidence by its gate, and add everything up.",),
        afterwards="The bag alone says +.22, *positive*; weighed, it is negative.",
    ),
    Coding(
        title="Rates from other folds",
        question="Replace each word by how often reviews with it are positive; but a row must not see its "
        "own label. So count only rows of *other* folds with the same word, and smooth: (positive + 1) / "
        "(rows + 2).",
        idea="out-of-fold features",
        minutes=10,
        solve=my_rates,
        cases=_rows,
        mistakes=(
            Mistake(
                "in-fold",
                lambda w, y, f: _rates(w, y, f, counted=lambda w, f, row: w == w[row]),
                "Each row counts itself: its label has leaked into its own feature. Leave its fold out.",
            ),
            Mistake(
                "own fold alone",
                lambda w, y, f: _rates(w, y, f, counted=lambda w, f, row: (w == w[row]) & (f == f[row])),
                "You count the rows of the *same* fold, its own label among them. Take the other folds.",
            ),
            Mistake(
                "leave one out",
                lambda w, y, f: _rates(
                    w, y, f, counted=lambda w, f, row: (w == w[row]) & (np.arange(len(w)) != row)
                ),
                "You left out the row alone. Reviews of its fold may be about the same film, so the whole "
                "fold stays out.",
            ),
            Mistake(
                "not smoothed",
                lambda w, y, f: _rates(w, y, f, a=0, b=0),
                "Not smoothed: a word that occurs in no other fold has 0/0. (positive + 1) / (rows + 2).",
            ),
            Mistake(
                "smoothed by one",
                lambda w, y, f: _rates(w, y, f, b=1),
                "In the denominator it is + 2: one more positive row and one more negative.",
            ),
            Mistake(
                "numerator not smoothed",
                lambda w, y, f: _rates(w, y, f, a=0),
                "In the numerator it is + 1: a word that was never seen should get .5.",
            ),
            Mistake(
                "word left out",
                lambda w, y, f: _rates(w, y, f, counted=lambda w, f, row: f != f[row]),
                "You count all rows of the other folds. Only those with the same word are asked for.",
            ),
            Mistake(
                "negative",
                lambda w, y, f: 1 - my_rates(w, y, f),
                "That is the rate of *negative* reviews.",
            ),
            Mistake(
                "counts",
                lambda w, y, f: (
                    my_rates(w, y, f)
                    * np.array([((w == w[i]) & (f != f[i])).sum() + 2 for i in range(len(w))])
                ),
                "That is the number of positive rows (plus 1). Divide by the number of rows plus 2.",
            ),
        ),
        hints=(
            "(word == word[row]) & (fold != fold[row]) is True for the rows that count.",
            "Of those, label[others].sum() are positive, and others.sum() is their number.",
        ),
        afterwards="This is *target encoding*. In-fold it is one of the most frequent ways in which "
        "labels leak.",
    ),
    Choice(
        title="Another scale",
        question="Somebody multiplies the log-odds that a classifier gives to every review by .7. What can "
        "that change?\n\n* `a`: its accuracy, and not its loss (the mean cross-entropy),\n* `b`: "
        "its loss, and not its accuracy,\n* `c`: both,\n* `d`: neither, since it has learned "
        "nothing new.",
        idea="what calibration can change",
        minutes=2,
        right="b",
        wrong={
            "a": "The other way round. A review is called positive where its log-odds are above 0, and a "
            "factor of .7 carries none of them over 0; but the loss reads how large they are.",
            "c": "The loss, yes. But a review is called positive where its log-odds are above 0: which of "
            "them does a factor of .7 carry over 0?",
            "d": "Take a review on which it is wrong, with log-odds of 5: it pays 5.007. And with 3.5?",
        },
        hints=(
            "Where do log-odds change their sign?",
            "What does a mistake cost, with log-odds of 5, of 3.5?",
        ),
        afterwards="Only an intercept, or a factor that depends on the review, can turn a verdict round.",
    ),
    Experiment(
        title="Weigh with less",
        question="The network has 485,252 parameters. `evidence_of` puts what the bag adds up for a review "
        "into one array: first $b$ and the evidence before the last 400 words, then the evidence "
        "of each word, bigram and trigram. Its sum is what the bag says, with a loss of .251 on "
        "the validation reviews. Build a network of at most 100 parameters that takes this array "
        "and has a validation loss below .240. Your answer is the pair of the network (compiled "
        "with `keras.losses.BinaryCrossentropy(from_logits=True)`) and the `Run` that "
        "`training.fit(…, validation=(x_validation, y[n_fit:]))` returns; with "
        "`EarlyStopping(patience=5, restore_best_weights=True)` it is the best epoch that counts.",
        idea="a small model that rescales evidence",
        minutes=25,
        facts=facts_of_pair,
        goals=(
            trained_on(lambda facts: 16_000, "validation=(x_validation, y[n_fit:])"),
            binary_cross_entropy("keras.losses.BinaryCrossentropy(from_logits=True)"),
            few_parameters(
                MOST_PARAMETERS,
                "",
                "A layer of n outputs on m inputs has n · m weights. Which numbers does it need to see?",
            ),
            Goal(
                f"a validation loss below {LOSS_TO_REACH:.3f} in the epoch that is kept",
                lambda facts: facts["kept"].get("val_loss", 1) < LOSS_TO_REACH,
                lambda facts: f"{facts['kept'].get('val_loss', float('nan')):.4f}",
                "One scale for everything reaches about .243. Section 5 says on what a better one depends: "
                "give the network the sums of each column, and a measure of the length.",
            ),
        ),
        hints=(
            "With words = given[:, 1:], ops.sum(words, axis=1) gives three sums; so few numbers can be "
            "weighed by one Dense(1).",
            "A word without evidence has a zero in the first column: how many are not zero says how long the "
            "review is. Take its logarithm, and give the network sums * length as well.",
            "So few weights bear a high learning rate: Adam(0.01), ten epochs.",
        ),
        code="""
keras.utils.set_random_seed(0)
given = layers.Input((401, 3))
words = given[:, 1:]
sums = ops.sum(words, axis=1)
with_evidence_of_their_own = ops.cast(ops.not_equal(words[..., :1], 0), "float32")
length = ops.log(1 + ops.sum(with_evidence_of_their_own, axis=1)) - 4
features = ops.concatenate([given[:, 0, :1], sums, sums * length, length], axis=1)
my_model = keras.Model(given, layers.Dense(1)(features))
my_model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
my_run = training.fit(my_model, x_fit, y[:n_fit], name="rescaled", epochs=10, batch_size=64,
                      validation=(x_validation, y[n_fit:]), callbacks=[
                          keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="Nine parameters reach .235, where the network of section 2 has .232. What the other half "
        "million are for is a question worth asking.",
    ),
)
