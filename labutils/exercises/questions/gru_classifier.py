"""Exercises on a GRU that reads film reviews."""

from __future__ import annotations

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Mistake
from labutils.exercises.checking.goals import accurate, facts_of_pair, few_parameters, recurrent, trained_on


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


def my_probability(h, w, b):
    """The probability of each review (reviews,), from states h (reviews, units), w (units,) and b."""
    return 1 / (1 + np.exp(-(h @ w + b)))


def _last_states(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "h": rng.uniform(-1, 1, (rows, units)),
            "w": rng.normal(size=units),
            "b": round(rng.normal(), 2),
        }
        for rows, units in [(1, 2), (3, 2), (4, 5)]
    ]


def _softmax(a):
    return np.exp(a - a.max()) / np.exp(a - a.max()).sum()


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


EXERCISES = (
    Choice(
        title="A hundred words",
        question="The 100 most frequent words cover about\n\n"
        "* `a`: 5 % of all the words in the reviews,\n"
        "* `b`: 20 %,\n"
        "* `c`: 50 %,\n"
        "* `d`: 90 %.",
        idea="a few words make up most of a text",
        minutes=2,
        right="c",
        wrong={
            "a": "Far more. Count the words the, a, of, and, to, is in any paragraph of this page.",
            "b": "More. The ten most frequent words alone make up about a quarter.",
            "d": "Not quite: nine tenths take some thousands of words. Small words are frequent, but a "
            "text is not made of them alone.",
        },
        hints=(
            "Which words are the most frequent? Count them in the paragraph above.",
            "Of ten words in a row, how many are among the, a, and, of, to, is, it, in, this, that, was, …?",
        ),
        afterwards="About half, and 10,000 words cover nearly all. It is Zipf's law.",
    ),
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
        title="From a state to a probability",
        question="The dense layer at the end, for several reviews at once: `h` has the last state of each "
        "in a row.",
        idea="the sigmoid at the end",
        minutes=6,
        solve=my_probability,
        cases=_last_states,
        mistakes=(
            Mistake(
                "softmax over the reviews",
                lambda h, w, b: _softmax(h @ w + b),
                "Your probabilities add up to 1 over the reviews: that is a softmax. It is for several "
                "classes of which one is right. Each review has a probability of its own here: a sigmoid.",
            ),
            Mistake(
                "no sigmoid",
                lambda h, w, b: h @ w + b,
                "That is the weighted sum, which may be any number. The sigmoid makes a probability of it.",
            ),
            Mistake(
                "forgotten bias",
                lambda h, w, b: 1 / (1 + np.exp(-(h @ w))),
                "The bias b is missing: it is added before the sigmoid.",
            ),
            Mistake(
                "sign of the exponent",
                lambda h, w, b: 1 / (1 + np.exp(h @ w + b)),
                "That is one minus the probability. There is a minus in the exponent of the sigmoid.",
            ),
            Mistake(
                "minus for one term only",
                lambda h, w, b: 1 / (1 + np.exp(-h @ w + b)),
                "The minus in the exponent reaches only the first term: -h @ w + b. It belongs before the "
                "whole sum, -(h @ w + b).",
            ),
            Mistake(
                "brackets of the fraction",
                lambda h, w, b: 1 / 1 + np.exp(-(h @ w + b)),
                "Look at the brackets: 1 / 1 + exp(…) divides before it adds. It should be 1 / (1 + exp(…)).",
            ),
            Mistake(
                "sigmoid twice",
                lambda h, w, b: 1 / (1 + np.exp(-1 / (1 + np.exp(-(h @ w + b))))),
                "The sum went through the sigmoid twice.",
            ),
            Mistake(
                "not summed",
                lambda h, w, b: 1 / (1 + np.exp(-(h * w + b))),
                "h * w multiplies number by number and leaves a row for each review. A weighted *sum* is "
                "asked for: h @ w.",
            ),
            Mistake(
                "tanh",
                lambda h, w, b: np.tanh(h @ w + b),
                "The sum went through a tanh, which ends between -1 and 1. A probability lies between 0 "
                "and 1.",
            ),
            Mistake(
                "a verdict",
                lambda h, w, b: (h @ w + b > 0).astype(float),
                "You give verdicts, 0 or 1. Asked for is the probability before it is rounded.",
            ),
            Mistake(
                "bias after the sigmoid",
                lambda h, w, b: 1 / (1 + np.exp(-(h @ w))) + b,
                "The bias was added after the sigmoid. It belongs inside, with the weighted sum.",
            ),
        ),
        hints=(
            "A weighted sum for each review: h @ w, plus b.",
            "The sigmoid of a is 1 / (1 + exp(-a)).",
        ),
        afterwards="One number for each review, between 0 and 1, above one half where the weighted sum is "
        "positive.",
    ),
    Coding(
        title="The loss",
        question="The loss of a batch: the mean of these losses over its reviews.",
        idea="binary cross-entropy punishes wrong sureness",
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
        afterwards="Being surely wrong (p = 0.01 for a positive review) costs 4.6, nearly seven "
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
    Choice(
        title="An empty page",
        question="What they should say is one thing. What do three such networks, which differ in their "
        "seed alone, say of nothing but padding?\n\n"
        "* `a`: all say about one half,\n"
        "* `b`: all lean to the same side, the one that training favours,\n"
        "* `c`: each takes a side, and which one is chance.",
        idea="what training did not show is left to chance",
        minutes=2,
        right="c",
        wrong={
            "a": "That would be sensible. But who would have taught them? A review of padding alone was "
            "never among the training reviews, and few have much of it.",
            "b": "Half of the training reviews are positive, so there is nothing that would pull all of "
            "them to one side.",
        },
        hints=(
            "Nine training reviews in ten have no padding at all. What does the loss say about padding, "
            "then?",
            "What nothing in the loss decides, is decided by the starting weights.",
        ),
        afterwards="What a hundred zeros do to the state was hardly ever trained, so it is what the seed "
        "made it. The next cell asks the three networks.",
    ),
    Experiment(
        title="A quarter of the parameters",
        question="The published GRU has 326,369 parameters and reached 0.832. Reach that on the "
        "*validation* reviews, with a recurrent network of at most a quarter of the parameters, 81,592: "
        "change the embedding, the number of tokens, the layers (`x_200` holds 200 tokens of each "
        "review). Your answer is the pair of the network and the `Run` that `training.fit(…, "
        "validation=0.2)` returns. What counts is the epoch whose weights are kept: the last one, or with "
        "`callbacks=[early_stopping(patience=5)]` that of the lowest validation loss. (A patience of 5 "
        "never stops a training of five epochs, and still goes back to the best.) Batches of 256 save "
        "time, as in section 6.",
        idea="spend parameters where they help",
        minutes=25,
        facts=facts_of_pair,
        goals=(
            recurrent(),
            few_parameters(
                81_592,
                ", a quarter of the published GRU's",
                "Too many parameters. 98 in 100 of the published network's are the embedding: give each "
                "word fewer numbers, or use fewer words.",
            ),
            trained_on(lambda facts: 16_000, "validation=0.2"),
            accurate(
                0.832,
                ", as the published test accuracy",
                "Small enough, but not good enough yet. The first thing that helped in section 6 was to "
                "read 200 tokens instead of 100. A mask and dropout cost no parameters.",
            ),
        ),
        hints=(
            "Embeddings of 8 numbers are 80,000 parameters; that leaves 1,592 for the rest.",
            "x_200 is there already. With GRU(8), a mask and some dropout the best of five epochs is good "
            "enough.",
            "Adam(0.005), batches of 256, and EarlyStopping(patience=5, restore_best_weights=True) to go "
            "back to the best epoch.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((200,)),
    layers.Embedding(10_000, 8, mask_zero=True),
    layers.Dropout(0.3),
    layers.GRU(8),
    layers.Dense(1, activation="sigmoid"),
])
my_model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy",
                 metrics=["accuracy"])
my_run = training.fit(my_model, x_200, y_train, name="a quarter", epochs=5, batch_size=256,
                      validation=0.2, callbacks=[
                          keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="A quarter of the parameters is enough for what the published network could do. (The "
        "best epoch was chosen by the same validation reviews, so it flatters a little. And try "
        "GlobalAveragePooling1D in place of the GRU, no recurrence at all: the notebook on the "
        "SimpleRNN that unlearns says what to expect.)",
    ),
)
