"""Exercises on a SimpleRNN that unlearns, and on fair comparison."""

from __future__ import annotations

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Mistake
from labutils.exercises.checking.goals import accurate, facts_of_pair, few_parameters, recurrent, trained_on


def my_spectral_radius(U):
    """The spectral radius, one number, of a square matrix U (units, units)."""
    return np.abs(np.linalg.eigvals(U)).max()


def _kernels(rng: np.random.Generator) -> list[Case]:
    turn = 0.9 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    return [
        {"U": np.array([[0.5, 2.0], [0.0, -0.8]])},
        {"U": turn.round(4)},
        {"U": np.array([[0, -1.2, 0, 0], [1.2, 0, 0, 0], [0, 0, 0.6, 0], [0, 0, 0, -0.6]])},
        {"U": rng.normal(size=(3, 3)).round(2)},
        {"U": rng.normal(size=(6, 6))},
    ]


def my_largest_fall(accuracies):
    """The largest fall of each seed (seeds,), from accuracies (seeds, epochs)."""
    steps = np.diff(accuracies, axis=1)  # what each epoch added
    return np.maximum(0, -steps.min(axis=1))


def _curves(rng: np.random.Generator) -> list[Case]:
    climbing = 0.6 + rng.uniform(0.01, 0.06, 5).cumsum().round(3)
    return [
        {"accuracies": np.array([[0.70, 0.85, 0.80, 0.72]])},
        {"accuracies": np.array([[0.60, 0.82, 0.79, 0.85, 0.84], climbing])},
        {"accuracies": rng.uniform(0.5, 0.9, (4, 5)).round(3)},
        {"accuracies": rng.uniform(0.5, 0.9, (5, 5)).round(3)},
    ]


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


EXERCISES = (
    Choice(
        title="Through a rotation",
        question="In the median review, how much of the gradient gets back over 100 words? (Embeddings "
        "start as small numbers, between −0.05 and 0.05, and so do the states.)\n\n"
        "* `a`: nearly all of it, before and after the training, since a rotation keeps lengths,\n"
        "* `b`: a tenth or so before the training, and less after it, in some networks next to nothing,\n"
        "* `c`: next to nothing before and after, since every step passes a tanh.",
        idea="tanh and recurrent kernel together decide what gets back",
        minutes=3,
        right="b",
        wrong={
            "a": "A rotation alone would do that. But at each step the gradient also passes the slopes of "
            "the tanh, all a little below 1, and nothing keeps U a rotation once training begins.",
            "c": "The slopes of the tanh are below 1, but before the training the states are small, and "
            "near zero the tanh hardly bends: its slopes are nearly 1.",
        },
        hints=(
            "Back in time the gradient is multiplied by two things at each step. What does each do to its "
            "length?",
            "Before the training embeddings lie between -0.05 and 0.05, so states are small. What is the "
            "slope of the tanh there? And after the training?",
        ),
        afterwards="Before the training both factors are nearly 1, and a fair part gets through a hundred "
        "steps. Training changes both: U is no rotation any more, and the states move to where the tanh is "
        "flat.",
    ),
    Coding(
        title="Spectral radius",
        question="Write the first of the two: the largest absolute value of the eigenvalues. (It stands "
        "in `listen` above; do it without looking.)",
        idea="how much a matrix stretches when it is applied again and again",
        minutes=6,
        solve=my_spectral_radius,
        cases=_kernels,
        mistakes=(
            Mistake(
                "largest singular value",
                lambda U: np.linalg.svd(U, compute_uv=False).max(),
                "That is the largest singular value: how much U can stretch a vector in *one* step. "
                "Applied again and again, the largest absolute eigenvalue decides.",
            ),
            Mistake(
                "without the absolute value",
                lambda U: np.linalg.eigvals(U).real.max(),
                "Eigenvalues may be negative or complex (a rotation has no real ones). What counts is "
                "their distance from zero, the absolute value.",
            ),
            Mistake(
                "largest eigenvalue as it is",
                lambda U: np.linalg.eigvals(U).max(),
                "Eigenvalues may be negative or complex (a rotation has no real ones), and the largest in "
                "NumPy's order need not be the longest. What counts is their distance from zero: take "
                "np.abs first, then the largest.",
            ),
            Mistake(
                "absolute value of the largest",
                lambda U: np.abs(np.linalg.eigvals(U).max()),
                "You took the absolute value last. NumPy's largest eigenvalue need not be the longest: "
                "take np.abs of all of them first, then the largest.",
            ),
            Mistake(
                "real parts only",
                lambda U: np.abs(np.linalg.eigvals(U).real).max(),
                "The imaginary parts are lost. The absolute value of a complex number has both in it: take "
                "np.abs of the eigenvalues as they are.",
            ),
            Mistake(
                "ends of the order",
                lambda U: max(abs(np.linalg.eigvals(U).max()), abs(np.linalg.eigvals(U).min())),
                "The first and the last eigenvalue in NumPy's order need not be the longest: complex ones "
                "may stand in between. Take np.abs of all of them first, then the largest.",
            ),
            Mistake(
                "largest number",
                lambda U: np.abs(U).max(),
                "That is the largest number in U. What U does to a vector is told by its eigenvalues.",
            ),
            Mistake(
                "length of U",
                lambda U: np.linalg.norm(U),
                "That is the length of U as one long vector. It says nothing about what happens step after "
                "step.",
            ),
            Mistake(
                "mean of the eigenvalues",
                lambda U: np.abs(np.linalg.eigvals(U)).mean(),
                "You took the mean of the absolute eigenvalues. In the long run the largest one outgrows "
                "the others.",
            ),
        ),
        hints=(
            "np.linalg.eigvals returns the eigenvalues, complex ones among them.",
            "The absolute value of a complex number is its distance from zero; np.abs knows that.",
            "np.abs(np.linalg.eigvals(U)).max()",
        ),
        afterwards="Above 1, some direction grows without end when U is applied again and again, unless "
        "something (here the tanh) holds it back.",
    ),
    Coding(
        title="The largest fall",
        question="How deep do the curves fall? For each seed, the largest loss of accuracy from one epoch "
        "to the next; 0 for a curve that never falls.",
        idea="what a curve loses from one epoch to the next",
        minutes=6,
        solve=my_largest_fall,
        cases=_curves,
        mistakes=(
            Mistake(
                "from the best to the last",
                lambda a: a.max(axis=1) - a[:, -1],
                "That is the distance from the best epoch to the last one. Asked for is the largest fall "
                "from one epoch to the *next*.",
            ),
            Mistake(
                "from the highest to any later",
                lambda a: (np.maximum.accumulate(a, axis=1) - a).max(axis=1),
                "That adds up what is lost over several epochs. Asked for is the largest fall from one "
                "epoch to the *next*.",
            ),
            Mistake(
                "rises counted",
                lambda a: np.abs(np.diff(a, axis=1)).max(axis=1),
                "You counted rises as well. With the absolute value, a leap upwards looks like a fall.",
            ),
            Mistake(
                "negative where nothing falls",
                lambda a: -np.diff(a, axis=1).min(axis=1),
                "For a curve that always rises you get a negative fall. Where nothing falls, the answer is "
                "0.",
            ),
            Mistake(
                "with its sign",
                lambda a: np.minimum(0, np.diff(a, axis=1).min(axis=1)),
                "The right falls, with a minus sign. A fall of three points is 0.03 here.",
            ),
            Mistake(
                "all falls added up",
                lambda a: np.maximum(0, -np.diff(a, axis=1)).sum(axis=1),
                "You added up all falls of a curve. Asked for is the largest single one.",
            ),
            Mistake(
                "largest rise",
                lambda a: np.maximum(0, np.diff(a, axis=1).max(axis=1)),
                "That is the largest rise. np.diff is what an epoch added; a fall is a negative number "
                "there.",
            ),
            Mistake(
                "one for all seeds",
                lambda a: np.maximum(0, -np.diff(a, axis=1).min()),
                "That is one number for all seeds together. Each row has a largest fall of its own.",
            ),
            Mistake(
                "along the seeds",
                lambda a: np.maximum(0, -np.diff(a, axis=0).min(axis=0)) if len(a) > 1 else 1 / 0,
                "You compared seeds with each other. The epochs go along axis 1.",
            ),
        ),
        hints=(
            "np.diff(accuracies, axis=1) is what each epoch added; falls are its negative numbers.",
            "The largest fall is minus the smallest of these numbers, for each row: axis=1.",
            "And where even the smallest is positive: np.maximum(0, …).",
        ),
        afterwards="It looks at neighbouring epochs only, so it finds a sudden fall and overlooks a slow "
        "decline. Which of the two one fears decides what to measure.",
    ),
    Coding(
        title="A mean without the padding",
        question="The mean of the embeddings, as a network has to compute it: the rows are padded, at the "
        "front or at the back, and where the token is 0 there is no word. (Each row has at least one "
        "word.)",
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
    Choice(
        title="A bag and the twins",
        question="How often is a bag of words right about the test texts, half of which are positive?\n\n"
        "* `a`: nearly always: *good*, *bad* and *not* are among its words,\n"
        "* `b`: in about three quarters of the cases,\n"
        "* `c`: in half of them, exactly.",
        idea="what cannot be told without the order",
        minutes=2,
        right="c",
        wrong={
            "a": "Look at a text and its twin: they hold the same words. What can a method tell apart that "
            "sees only how often each word occurs?",
            "b": "Words of praise are in both twins, words of blame as well, and so is the *not*. A bag "
            "has the same counts before it twice, so it gives the same answer twice.",
        },
        hints=(
            "Each text has a twin with the same words and the opposite answer.",
            "A bag of words gives both the same answer. Of how many is it right, then?",
        ),
        afterwards="It gives twins the same answer, and is right about exactly one of the two: one half, "
        "whatever it has learned and however much data there are.",
    ),
    Experiment(
        title="Half of the parameters",
        question="The mended network has 322,113 parameters. Build a recurrent network with at most half "
        "of them, 161,000, that still reaches a validation accuracy of 0.83 in the epoch whose weights "
        "are kept (with `EarlyStopping`, that of the lowest validation loss). Your answer is the pair of "
        "the network and the `Run` that `training.fit(my_model, x, y, …, validation=0.2, "
        "callbacks=[early_stopping(5)])` returns. Count before you train: where are the parameters?",
        idea="where a network for text keeps its parameters",
        minutes=20,
        facts=facts_of_pair,
        goals=(
            recurrent(),
            few_parameters(
                161_000,
                ", half of the mended network's",
                "Too many parameters. Count them layer by layer (my_model.summary() does it): where are "
                "most of them?",
            ),
            trained_on(lambda facts: 16_000, "validation=0.2"),
            accurate(
                0.83,
                "",
                "Small enough, but not good enough yet. Keep the mask, the dropout, the identity start and "
                "the clipping of section 4, go back to the best epoch (EarlyStopping with "
                "restore_best_weights=True), and try another learning rate.",
            ),
        ),
        hints=(
            "10,000 words with 32 numbers each are 320,000 parameters. The recurrent layer has two thousand.",
            "Embeddings of 16 numbers and 16 units are within the budget, with the recipe of section 4 "
            "otherwise.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((TOKENS,)),
    layers.Embedding(10_000, 16, mask_zero=True),
    layers.Dropout(0.5),
    layers.SimpleRNN(16, recurrent_initializer="identity"),
    layers.Dense(1, activation="sigmoid"),
])
my_model.compile(keras.optimizers.Adam(0.002, global_clipnorm=1.0), "binary_crossentropy",
                 metrics=["accuracy"])
my_run = training.fit(my_model, x, y, name="half", epochs=5, batch_size=256,
                      validation=0.2, callbacks=[
                          keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="With half of the parameters it reaches about what the mended network reached. Nearly "
        "all of them were the embedding, and it had more than 16,000 reviews could fill.",
    ),
)
