"""Exercises on networks that write."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import facts_of_pair, few_parameters, recurrent

BITS_OF_4_GRAM = 2.388  # Kneser-Ney, D = .75, fitted to five million characters, on these 200,000


def my_bits(logits, targets):
    """Bits per character, one number, from logits (characters, 97) and the right next ones (characters,)."""
    logits = logits - logits.max(axis=1, keepdims=True)
    log_probability = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -np.mean(log_probability[np.arange(len(targets)), targets]) / np.log(2)


def _logits(rng: np.random.Generator) -> list[Case]:
    drawn = [
        {"logits": rng.normal(0, 2, (length, size)).round(1), "targets": rng.integers(0, size, length)}
        for length, size in [(2, 3), (5, 4), (12, 7)]
    ]
    overflowing = np.array([[900.0, 902.0, -900.0], [1.0, -1.0, 0.5]])
    return [*drawn, {"logits": overflowing, "targets": np.array([0, 2])}]


def _softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _of_targets(logits, targets):
    return _softmax(logits)[np.arange(len(targets)), targets]


def my_smoothed(counts, discount, lower):
    """Probabilities of all characters after a context: counts and lower (characters,) each, one discount."""
    kept = np.maximum(counts - discount, 0)
    given = discount * np.count_nonzero(counts)
    return (kept + given * lower) / counts.sum()


def _counts(rng: np.random.Generator) -> list[Case]:
    cases = []
    for size, seen in [(3, 2), (4, 2), (6, 4), (9, 5)]:
        counts = np.zeros(size, int)
        counts[rng.permutation(size)[:seen]] = rng.integers(1, 9, seen)
        lower = rng.dirichlet(np.full(size, 5.0)).round(2)
        lower[0] += 1 - lower.sum()
        cases.append(
            {"counts": counts, "discount": float(rng.choice([0.5, 0.75, 0.9])), "lower": lower.round(2)}
        )
    return cases


def my_windows(text, length):
    """Inputs and targets, (windows, length) each, from the numbers of a text (characters,)."""
    count = (len(text) - 1) // length
    x = text[: count * length].reshape(count, length)
    y = text[1 : count * length + 1].reshape(count, length)
    return x, y


def _texts(rng: np.random.Generator) -> list[Case]:
    # a text that fills its windows exactly has no target for its last character
    return [
        {"text": rng.permutation(90)[:length] + 1, "length": window}
        for length, window in [(7, 3), (6, 3), (16, 5), (27, 6)]
    ]


def my_distribution(logits, temperature, k):
    """The probabilities (characters,) to draw from: temperature, then the k most probable alone."""
    scaled = logits / temperature
    probabilities = np.exp(scaled - scaled.max())
    probabilities[np.argsort(probabilities)[:-k]] = 0
    return probabilities / probabilities.sum()


def _distributions(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "logits": rng.permutation(np.linspace(-3, 3, size)).round(2) + 0.3,
            "temperature": temperature,
            "k": k,
        }
        for size, temperature, k in [(3, 0.5, 2), (4, 2.0, 3), (6, 0.7, 3), (6, 1.4, 5)]
    ]


def _tempered(logits, temperature):
    scaled = logits / temperature
    e = np.exp(scaled - scaled.max())
    return e / e.sum()


def _kept(logits, k):
    """The logits of the k most probable characters, -inf for the others."""
    return np.where(logits >= np.sort(logits)[-k], logits, -np.inf) if k else np.full_like(logits, -np.inf)


def _without(probabilities, which):
    probabilities = probabilities.copy()
    probabilities[which] = 0
    return probabilities / probabilities.sum()


def _only(probabilities, k):
    return np.where(probabilities >= np.sort(probabilities)[-k], probabilities, 0)


def my_continuation(prompt, embedding, recurrent, dense, length):
    """The next `length` characters (length,): the network reads the prompt, then what it has written."""
    state, written = np.zeros(len(recurrent)), []
    for position in range(len(prompt) + length - 1):
        character = prompt[position] if position < len(prompt) else written[-1]
        state = np.tanh(embedding[character] + state @ recurrent)
        if position >= len(prompt) - 1:
            written.append(np.argmax(state @ dense))
    return np.array(written)


def _vanilla(rng: np.random.Generator) -> list[Case]:
    cases = []
    for read, length, size, units in [(2, 3, 4, 3), (3, 5, 5, 4), (5, 8, 6, 6), (4, 10, 8, 8)]:
        cases.append(
            {
                "prompt": rng.integers(0, size, read),
                "embedding": rng.normal(0, 1, (size, units)).round(2),
                "recurrent": (1.5 * np.linalg.qr(rng.normal(size=(units, units)))[0]).round(2),
                "dense": rng.normal(0, 2, (units, size)).round(2),
                "length": length,
            }
        )
    return cases


def _written(
    prompt, embedding, recurrent, dense, length, *, carried=True, read=None, choose=np.argmax, own=True
):
    """Variants of `my_continuation`, each with one mistake."""
    prompt = list(prompt) if read is None else list(prompt)[read]
    state, given, written = np.zeros(len(recurrent)), list(prompt), []
    for position in range(len(prompt) + length - 1):
        before = state if carried else np.zeros_like(state)
        state = np.tanh(embedding[given[position]] + before @ recurrent)
        if position >= len(prompt) - 1:
            written.append(choose(state @ dense))
            given.append(written[-1] if own else prompt[-1])
    return np.array(written)


def _reset_after_the_prompt(prompt, embedding, recurrent, dense, length):
    first = my_continuation(prompt, embedding, recurrent, dense, 1)
    rest = my_continuation(first, embedding, recurrent, dense, length - 1) if length > 1 else []
    return np.array([*first, *rest])


def _last_read_twice(prompt, embedding, recurrent, dense, length):
    return my_continuation([*prompt, prompt[-1]], embedding, recurrent, dense, length)


def _facts_of_writer(pair: Any) -> dict[str, Any]:
    """Return the facts of a network and its Run, with its bits per character on validation reviews.

    Raises
    ------
    TypeError
        For what is no such pair, and where the network does not give 97 logits for each character.
    """
    from labutils.data import review_text

    facts = facts_of_pair(pair)
    model, run = pair
    part = review_text.load(train=1, validation=200_000, test=1).validation
    x, y = review_text.windows(part, model.input_shape[1] or 500)
    batch = model.input_shape[0] or 1
    x, y = (a[: len(a) // batch * batch] for a in (x, y))
    other = x[: max(batch, 2)].copy()
    other[:, other.shape[1] // 2 :] = 5  # later characters must not change what was said before them
    try:
        logits, again = (
            np.asarray(model.predict(rows, batch_size=model.input_shape[0] or 64, verbose=0), "float64")
            for rows in (x, other)
        )
    except Exception:
        raise TypeError("The network does not take windows of characters, numbers from 0 to 96.") from None
    if logits.shape != (*x.shape, len(review_text.ALPHABET)):
        raise TypeError(
            f"For each character of a window 97 numbers should come out; here it is {logits.shape[1:]} for "
            f"{x.shape[1]} characters. Has the recurrent layer return_sequences=True?"
        )
    if logits.min() >= 0 and np.allclose(logits.sum(axis=-1), 1, atol=1e-3):
        raise TypeError("The network gives probabilities. It should give logits: leave the softmax out.")
    half = other.shape[1] // 2
    ahead = np.abs(again[0, :half] - logits[0, :half]).max(initial=0) > 1e-3
    bits = my_bits(logits.reshape(-1, logits.shape[-1]), y.ravel())
    return facts | {"bits": float(bits), "seconds": float(run.seconds), "ahead": bool(ahead)}


EXERCISES = (
    Coding(
        title="Bits per character",
        question="From the logits of a model (`logits[t]` has one number for each character that may come "
        "next) and the characters that did come, compute the bits per character. The probabilities are their "
        "*softmax*, $p_i = e^{z_i} / \\sum_j e^{z_j}$. Keep `np.exp` from overflowing: subtract the largest "
        "logit of each row.",
        idea="the loss of a language model",
        minutes=8,
        solve=my_bits,
        cases=_logits,
        mistakes=(
            Mistake(
                "nats",
                lambda z, t: -np.mean(np.log(_of_targets(z, t))),
                "That is the cross-entropy in nats, as Keras reports it. Divide by ln 2 (or use np.log2).",
            ),
            Mistake(
                "overflow",
                lambda z, t: (
                    -np.mean(np.log2(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))[np.arange(len(t)), t])
                ),
                "Right, but not for large logits: np.exp(900) overflows, and with one maximum for all "
                "rows the small rows become 0. Subtract from each row its own largest logit; the "
                "probabilities stay the same.",
            ),
            Mistake(
                "multiplied by ln 2",
                lambda z, t: -np.mean(np.log(_of_targets(z, t))) * np.log(2),
                "One bit is ln 2 = 0.69 nats, so the number in bits is the *larger* one: divide by ln 2.",
            ),
            Mistake(
                "sum",
                lambda z, t: -np.sum(np.log2(_of_targets(z, t))),
                "That is the number of bits of the whole text. Per character: take the mean.",
            ),
            Mistake(
                "logarithm of the mean",
                lambda z, t: -np.log2(np.mean(_of_targets(z, t))),
                "You took the logarithm of the mean probability. Probabilities of successive characters are "
                "multiplied, so their logarithms are added: the mean of the logarithms.",
            ),
            Mistake(
                "perplexity",
                lambda z, t: np.exp(-np.mean(np.log(_of_targets(z, t)))),
                "That is the perplexity, two to the power of what is asked for.",
            ),
            Mistake(
                "sign",
                lambda z, t: np.mean(np.log2(_of_targets(z, t))),
                "The sign: logarithms of probabilities are negative, bits are not.",
            ),
            Mistake(
                "no softmax",
                lambda z, t: -np.mean(z[np.arange(len(t)), t]) / np.log(2),
                "Logits are not logarithms of probabilities yet: the logarithm of the sum of "
                "np.exp(logits) has to be subtracted first.",
            ),
            Mistake(
                "best guess",
                lambda z, t: -np.mean(np.log2(_softmax(z).max(axis=1))),
                "You took the probability of the most probable character. What counts is the probability of "
                "the one that came.",
            ),
            Mistake(
                "entropy",
                lambda z, t: -np.mean(np.sum(_softmax(z) * np.log2(_softmax(z)), axis=1)),
                "That is the entropy, what the model *expects* to need. The targets decide what it does "
                "need.",
            ),
            Mistake(
                "softmax over time",
                lambda z, t: -np.mean(np.log2(_softmax(z.T).T[np.arange(len(t)), t])),
                "Your softmax adds up to 1 over time. It has to add up to 1 over the characters: axis=1.",
            ),
            Mistake(
                "softmax over everything",
                lambda z, t: (
                    -np.mean(np.log2(np.exp(z - z.max()) / np.exp(z - z.max()).sum())[np.arange(len(t)), t])
                ),
                "You divide by the sum over all rows. Each row is a distribution of its own: axis=1, "
                "keepdims=True.",
            ),
            Mistake(
                "mean over all characters",
                lambda z, t: -np.mean(np.log2(_softmax(z))),
                "You took the mean over all characters that might have come. Pick the one that came in each "
                "row.",
            ),
            Mistake(
                "divided by the alphabet",
                lambda z, t: -np.sum(np.log2(_of_targets(z, t))) / z.shape[1],
                "Divide by how many characters the text has, not by the size of the alphabet.",
            ),
        ),
        hints=(
            "Softmax turns the logits of a row into probabilities that add up to 1.",
            "probabilities[np.arange(len(targets)), targets] picks one from each row.",
            "Then -np.log2, and the mean.",
        ),
        afterwards="Keras computes the same in nats, by SparseCategoricalCrossentropy(from_logits=True).",
    ),
    Number(
        title="Perplexity of a word",
        question="A model needs 2 bits per character on a text whose words have 5.5 characters on average, "
        "the space included. How large is its perplexity *per word*: among how many equally probable words "
        "does it choose, so to speak?",
        idea="bits add, perplexities multiply",
        minutes=3,
        right=2048,
        tolerance=0.5,
        wrong={
            11: "That is the number of bits per word. The perplexity is 2 to this power.",
            4: "That is the perplexity per character.",
            22: "You multiplied the perplexity per character by 5.5. Perplexities of successive characters "
            "are multiplied with each other: 4 to the power of 5.5.",
            30.25: "You took 5.5 to the power of 2.",
            45.25: "You took the bits as the perplexity per character. 2 bits are a perplexity of 4.",
            9.5: "Bits of successive characters are added up.",
        },
        hints=(
            "How many bits does a word take?",
            "The perplexity is 2 to the power of the bits.",
        ),
        afterwards="Published perplexities are per word, per token or per character, and cannot be compared "
        "with each other. Bits of a whole text can.",
    ),
    Coding(
        title="Smoothing by absolute discounting",
        question="`counts` says how often each character came after one context in the training text. Lower "
        "every count by the discount (none below 0), and give what was taken away altogether to all "
        "characters in the proportions of `lower`, the distribution of the order below. Return the "
        "probabilities.",
        idea="smoothing: give to the unseen what is taken from the seen",
        minutes=6,
        solve=my_smoothed,
        cases=_counts,
        mistakes=(
            Mistake(
                "below zero",
                lambda c, d, p: (c - d + d * np.count_nonzero(c) * p) / c.sum(),
                "A count of 0 became negative. Nothing can be taken from what was never seen: "
                "np.maximum(…, 0).",
            ),
            Mistake(
                "taken away once",
                lambda c, d, p: (np.maximum(c - d, 0) + d * p) / c.sum(),
                "The discount was taken from each character that occurred, so that many times as much is "
                "to be given away. As it is, the probabilities do not add up to 1.",
            ),
            Mistake(
                "nothing given",
                lambda c, d, p: np.maximum(c - d, 0) / c.sum(),
                "You take from the seen and give nobody anything: the probabilities do not add up to 1.",
            ),
            Mistake(
                "unseen only",
                lambda c, d, p: np.where(c > 0, c - d, d * np.count_nonzero(c) * p) / c.sum(),
                "That gives to the unseen alone (*back-off*; it needs another weight to add up to 1). "
                "Interpolation adds the part of the lower order for every character.",
            ),
            Mistake(
                "shared out among the unseen",
                lambda c, d, p: (
                    np.where(c > 0, c - d, d * np.count_nonzero(c) * p / p[c == 0].sum()) / c.sum()
                ),
                "That is *back-off*, which gives to the unseen alone. Interpolation adds the part of the "
                "lower order for every character.",
            ),
            Mistake(
                "discount left out",
                lambda c, d, p: (c + d * np.count_nonzero(c) * p) / c.sum(),
                "You give without taking: subtract the discount from the counts.",
            ),
            Mistake(
                "discount for every character",
                lambda c, d, p: (np.maximum(c - d, 0) + d * len(c) * p) / c.sum(),
                "The discount was taken only from characters that occurred: count those with "
                "np.count_nonzero.",
            ),
            Mistake(
                "number of characters given",
                lambda c, d, p: (np.maximum(c - d, 0) + np.count_nonzero(c) * p) / c.sum(),
                "What is given away altogether is the discount times the number of characters that occurred.",
            ),
            Mistake(
                "second part not divided",
                lambda c, d, p: np.maximum(c - d, 0) / c.sum() + d * np.count_nonzero(c) * p,
                "Both parts are to be divided by the sum of the counts.",
            ),
            Mistake(
                "shared out evenly",
                lambda c, d, p: (np.maximum(c - d, 0) + d * np.count_nonzero(c) / len(c)) / c.sum(),
                "What is given away is shared out as the lower order says: times `lower`, not evenly.",
            ),
            Mistake(
                "lower order not used",
                lambda c, d, p: (np.maximum(c - d, 0) + d * np.count_nonzero(c)) / c.sum(),
                "What is given away is shared out as the lower order says: times `lower`.",
            ),
            Mistake(
                "linear interpolation",
                lambda c, d, p: (1 - d) * c / c.sum() + d * p,
                "You mixed the relative frequencies with `lower` in fixed proportions (linear "
                "interpolation). Here a discount is taken from each *count*.",
            ),
            Mistake(
                "normalised afterwards",
                lambda c, d, p: (np.maximum(c - d, 0) + d * p) / (np.maximum(c - d, 0) + d * p).sum(),
                "You gave the discount once and divided by the new sum. Give as much as was taken: one "
                "discount for each character that occurred; then the sum of the counts is right.",
            ),
            Mistake(
                "relative frequencies",
                lambda c, d, p: c / c.sum(),
                "Those are the relative frequencies: 0 for what has not been seen, and one such character "
                "makes a whole text impossible.",
            ),
            Mistake(
                "counts returned",
                lambda c, d, p: np.maximum(c - d, 0) + d * np.count_nonzero(c) * p,
                "Those are smoothed counts. Divide by the sum of the counts.",
            ),
        ),
        hints=(
            "How much is taken away in all? One discount from each character that occurred.",
            "(np.maximum(counts - discount, 0) + …) / counts.sum()",
            "What is given away is discount * np.count_nonzero(counts) * lower.",
        ),
        afterwards="They add up to 1: the counts keep what was not taken, and `lower`, which adds up to 1, "
        "shares out the rest.",
    ),
    Coding(
        title="Inputs and targets",
        question="Cut a text into windows that stand one after the other, with the target of each "
        "character: the one that comes next, also for the last character of a window. Make as many "
        "windows as there are; leave out one whose last character has no successor.",
        idea="teacher forcing: a target at every step",
        minutes=6,
        solve=my_windows,
        cases=_texts,
        results=("x", "y"),
        mistakes=(
            Mistake(
                "no shift",
                lambda t, n: (my_windows(t, n)[0], my_windows(t, n)[0]),
                "Your targets are the inputs. A network learns to copy within a minute, and the loss "
                "falls to 0. The target is the *next* character.",
            ),
            Mistake(
                "shifted the wrong way",
                lambda t, n: my_windows(t, n)[::-1],
                "The network would have to predict the character *before*. The targets come one later.",
            ),
            Mistake(
                "turned round within the window",
                lambda t, n: (my_windows(t, n)[0], np.roll(my_windows(t, n)[0], -1, axis=1)),
                "np.roll puts the first character of a window behind its last. The target of the last one "
                "is the first of the *next* window.",
            ),
            Mistake(
                "rolled the whole text",
                lambda t, n: tuple(a[: len(t) // n * n].reshape(-1, n) for a in (t, np.roll(t, -1))),
                "At the end of the text np.roll brings its first character back. The last window may be used "
                "only if the text goes on by one more.",
            ),
            Mistake(
                "overlapping windows",
                lambda t, n: tuple(
                    np.array([t[i + shift : i + shift + n] for i in range(len(t) - n)]) for shift in (0, 1)
                ),
                "Your windows overlap, so every character is learned many times over. Let each begin "
                "where the one before ends.",
            ),
            Mistake(
                "last character as the target",
                lambda t, n: (my_windows(t, n)[0], my_windows(t, n)[1][:, -1]),
                "One target for each window, as a classifier has. Here every character has one.",
            ),
            Mistake(
                "one window too few",
                lambda t, n: tuple(a[:-1] for a in my_windows(t, n)),
                "There is room for one more window.",
            ),
            Mistake(
                "two later",
                lambda t, n: (
                    my_windows(t, n)[0],
                    np.append(t, t[:1])[2 : my_windows(t, n)[0].size + 2].reshape(-1, n),
                ),
                "The targets come two later; one is right.",
            ),
        ),
        hints=(
            "How many windows are there? The last target is one character behind the last input.",
            "count = (len(text) - 1) // length",
            "y is made like x, from text[1:].",
        ),
        afterwards="`review_text.windows` does the same.",
    ),
    Coding(
        title="Temperature and top-k",
        question="Return the probabilities from which the next character is drawn: divide the logits by the "
        "temperature, keep the `k` most probable characters, give all others 0.",
        idea="sampling: between the most probable and everything",
        minutes=6,
        solve=my_distribution,
        cases=_distributions,
        mistakes=(
            Mistake(
                "multiplied",
                lambda z, t, k: _tempered(_kept(z, k), 1 / t),
                "You multiplied by the temperature. A high temperature makes the distribution flatter: "
                "divide.",
            ),
            Mistake(
                "temperature left out",
                lambda z, t, k: _tempered(_kept(z, k), 1.0),
                "The temperature changes nothing. It is left out, or it divides the *probabilities*, and "
                "then normalising undoes it: divide the logits, before np.exp.",
            ),
            Mistake(
                "not normalised",
                lambda z, t, k: _only(_tempered(z, t), k),
                "After the others were set to 0 the probabilities do not add up to 1: divide by their sum.",
            ),
            Mistake(
                "the least probable kept",
                lambda z, t, k: _tempered(np.where(z <= np.sort(z)[k - 1], z, -np.inf), t),
                "You kept the k *least* probable. np.argsort sorts upwards, so the most probable come last.",
            ),
            Mistake(
                "k set to 0",
                lambda z, t, k: _without(_tempered(z, t), np.argsort(z)[:k]),
                "You set the k least probable to 0. Keep k of them: all *but* the last k of np.argsort go.",
            ),
            Mistake(
                "the most probable set to 0",
                lambda z, t, k: _without(_tempered(z, t), np.argsort(z)[-k:]),
                "You set the k most probable to 0. They are the ones to keep.",
            ),
            Mistake(
                "softmax twice",
                lambda z, t, k: _tempered(_kept(_tempered(z, 1.0), k), t),
                "You divided probabilities and took the softmax of them. Softmax comes once, after the "
                "division of the logits.",
            ),
            Mistake(
                "top-k left out",
                lambda z, t, k: _tempered(z, t),
                "All characters are still there. Keep k of them.",
            ),
            Mistake(
                "logits set to 0",
                lambda z, t, k: _tempered(np.where(z >= np.sort(z)[-k], z, 0), t),
                "You set the other *logits* to 0, but exp(0) = 1 is no probability of 0. Set the "
                "probabilities to 0, or the logits to -np.inf.",
            ),
            Mistake(
                "one too few",
                lambda z, t, k: _tempered(_kept(z, k - 1), t),
                "One too few are kept.",
            ),
            Mistake(
                "one too many",
                lambda z, t, k: _tempered(_kept(z, k + 1), t),
                "One too many are kept.",
            ),
        ),
        hints=(
            "scaled = logits / temperature, then softmax.",
            "np.argsort(probabilities)[:-k] are the positions of all but the k most probable.",
            "Set those to 0, then divide by the sum.",
        ),
        afterwards="A temperature towards 0, or k = 1, leaves the most probable character alone.",
    ),
    Coding(
        title="Carry the state on",
        question="A small vanilla RNN continues a prompt, given as numbers of characters: "
        "$h_t = \\tanh(E_{c_t} + h_{t-1} U)$ with $E_{c_t}$ the row of the embedding for character $c_t$ and "
        "$h_0 = 0$; the logits are $h_t D$. It reads the prompt, then always the character that it has just "
        "written, the one with the largest logit. Return the `length` characters it writes.",
        idea="to write is to read on one's own words, with one state",
        minutes=10,
        solve=my_continuation,
        cases=_vanilla,
        mistakes=(
            Mistake(
                "state not carried",
                lambda *a: _written(*a, carried=False),
                "Your state starts from zeros at each character, so the network knows the last one alone.",
            ),
            Mistake(
                "state reset after the prompt",
                _reset_after_the_prompt,
                "The state of the prompt is lost when the writing begins. Go on with it.",
            ),
            Mistake(
                "last character of the prompt alone",
                lambda *a: _written(*a, read=slice(-1, None)),
                "You read only the last character of the prompt. Its state should hold all of it.",
            ),
            Mistake(
                "last character of the prompt read twice",
                _last_read_twice,
                "The last character of the prompt is read twice: once with the prompt, and once more "
                "before the first new one. Its state gives the first logits already.",
            ),
            Mistake(
                "first character left out",
                lambda p, e, u, d, n: my_continuation(p, e, u, d, n + 1)[1:],
                "Your first character is the second one: the state after the prompt gives one already.",
            ),
            Mistake(
                "least probable",
                lambda *a: _written(*a, choose=np.argmin),
                "You take the smallest logit.",
            ),
            Mistake(
                "never its own words",
                lambda *a: _written(*a, own=False),
                "The network goes on reading the end of the prompt. Give it what it has written.",
            ),
            Mistake(
                "prompt returned",
                lambda p, *a: np.array([*p, *my_continuation(p, *a)]),
                "Return what is written alone, without the prompt.",
            ),
            Mistake(
                "prompt counted",
                lambda p, e, u, d, n: np.array([*p, *my_continuation(p, e, u, d, n)])[:n],
                "You return the prompt and count its characters. Return `length` new ones, without it.",
            ),
            Mistake(
                "prompt left unread",
                lambda p, *a: my_continuation(p[:1], *a),
                "You read only the first character of the prompt.",
            ),
            Mistake(
                "prompt backwards",
                lambda p, *a: my_continuation(p[::-1], *a),
                "The prompt is read backwards.",
            ),
        ),
        hints=(
            "First a loop over the prompt, which only updates the state.",
            "Then `length` times: the largest logit of the state is the next character; append it; update "
            "the state with it.",
        ),
        afterwards="One multiplication of the state with U for each character, however long the text is.",
    ),
    Experiment(
        title="Beat the 4-gram",
        question="Build a recurrent network with at most 150,000 parameters and train it, for three "
        "minutes at most, so that it needs fewer bits per character on 200,000 characters of validation "
        "reviews than the 4-gram model (Kneser-Ney, fitted to five million characters: 2.388). Cut your "
        "own windows, `x, y = review_text.windows(train, 64)`, and let `my_run = training.fit(my_model, "
        "x, y, epochs=1, batch_size=64)` train it. `my_answer` is the pair `my_model, my_run`.",
        idea="a language model of your own",
        minutes=20,
        facts=_facts_of_writer,
        goals=(
            recurrent(),
            few_parameters(150_000, "", "Too many parameters. A GRU of 128 units has some 60,000."),
            Goal(
                "no look ahead: what is said after a character does not depend on later ones",
                lambda facts: not facts["ahead"],
                lambda facts: "looks ahead" if facts["ahead"] else "none",
                "A network that reads backwards as well (Bidirectional) has seen the character that it is to "
                "predict.",
            ),
            Goal(
                "at most three minutes of training",
                lambda facts: facts["seconds"] <= 180,
                lambda facts: f"{facts['seconds']:.0f} s",
                "That took too long. Fewer units, or fewer batches.",
            ),
            Goal(
                f"fewer than {BITS_OF_4_GRAM} bits per character on validation reviews",
                lambda facts: facts["bits"] < BITS_OF_4_GRAM,
                lambda facts: f"{facts['bits']:.3f}",
                "The 4-gram is still ahead. Has the loss stopped falling? A learning rate of 0.01 with "
                "clipnorm=1 that falls to zero learns faster than 0.001; more batches help, too.",
            ),
        ),
        hints=(
            "Embedding, a GRU with return_sequences=True, Dense(97). Not stateful: training.fit shuffles.",
            "SparseCategoricalCrossentropy(from_logits=True), Adam(CosineDecay(0.01, steps), clipnorm=1.0).",
            "A GRU of 128 units, batches of 64 windows of 64 characters, all five million characters once.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([layers.Input((64,), dtype="int32"), layers.Embedding(97, 32),
                             layers.GRU(128, return_sequences=True), layers.Dense(97)])
x, y = review_text.windows(train, 64)
rate = keras.optimizers.schedules.CosineDecay(0.01, len(x) // 64)
my_model.compile(keras.optimizers.Adam(rate, clipnorm=1.0),
                 keras.losses.SparseCategoricalCrossentropy(from_logits=True), **backend.xla_settings())
my_run = training.fit(my_model, x, y, epochs=1, batch_size=64)
my_answer = my_model, my_run
""",
        afterwards="A 4-gram model is a table of some 170,000 n-grams; your network has learned more from "
        "the same text and keeps it in fewer numbers.",
    ),
)
