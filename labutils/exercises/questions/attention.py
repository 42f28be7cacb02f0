"""Exercises on attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import layers_of

DATES_TO_CHECK, LARGEST, ACCURACY = 500, 60_000, 0.95


def _softmax(scores, axis=-1):
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def my_weights(scores, mask):
    """Attention weights (queries, keys), from scores of that shape and a mask (keys,), False for padding."""
    scores = np.where(mask, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _scores(rng: np.random.Generator) -> list[Case]:
    cases = []
    for queries, keys, padding in [(1, 3, 1), (2, 4, 2), (3, 6, 3)]:
        mask = np.arange(keys) < keys - padding
        cases.append({"scores": rng.normal(0, 2, (queries, keys)).round(1), "mask": mask})
    cases[-1]["mask"] = cases[-1]["mask"][::-1].copy()  # padding in front
    # large scores: the largest at a padded place, and rows far from each other
    padded_largest = np.array([[1.0, 2.0, 950.0], [800.0, 801.0, 0.0]])
    far_apart = np.array([[800.0, 801.0, 0.0], [-2000.0, -2001.0, -3000.0]])
    return cases + [{"scores": scores, "mask": np.arange(3) < 2} for scores in (padded_largest, far_apart)]


def _exp_shares(scores, mask, largest=0.0):
    """A softmax that subtracts `largest` from every score."""
    e = np.exp(np.where(mask, scores, -np.inf) - largest)
    return e / e.sum(axis=1, keepdims=True)


def my_causal(queries, keys, values):
    """Outputs (steps, p): each query attends to the keys up to its own step. All are (steps, …)."""
    scores = queries @ keys.T / np.sqrt(keys.shape[1])
    steps = np.arange(len(keys))
    scores = np.where(steps <= steps[:, None], scores, -np.inf)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) @ values


def _steps(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "queries": rng.normal(0, 1.5, (steps, size)).round(1),
            "keys": rng.normal(0, 1.5, (steps, size)).round(1),
            "values": rng.normal(0, 1, (steps, columns)).round(1),
        }
        for steps, size, columns in [(2, 3, 1), (3, 4, 2), (5, 3, 4)]
    ]


def _causal(q, k, v, *, scale=None, seen=None, axis=1, after=False, values=None, unseen=-1e30):
    """Variants of `my_causal`, each with one mistake."""
    steps = np.arange(len(k))
    scale = np.sqrt(k.shape[1]) if scale is None else scale
    seen = (steps <= steps[:, None]) if seen is None else seen(steps)
    scores = q @ k.T / scale
    weights = _softmax(scores, axis) * seen if after else _softmax(np.where(seen, scores, unseen), axis)
    return weights @ (v if values is None else values)


def my_gradient(values, u, weights, gradient):
    """Gradient of the loss with respect to the values, (n, d), where the scores are values @ u.

    weights (n,): softmax(values @ u). gradient (d,): of the loss with respect to weights @ values.
    """
    d_weights = values @ gradient
    d_scores = weights * (d_weights - weights @ d_weights)
    return np.outer(weights, gradient) + np.outer(d_scores, u)


def _pooled(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, d in [(2, 2), (3, 2), (4, 3), (6, 4)]:
        values, u = rng.normal(0, 1, (n, d)).round(1), rng.normal(0, 1, d).round(1) + 0.05
        cases.append(
            {
                "values": values,
                "u": u,
                "weights": _softmax(values @ u),
                "gradient": rng.normal(0, 1, d).round(1),
            }
        )
    return cases


def _scores_gradient(v, u, w, g):
    return w * (v @ g - w @ (v @ g))


def my_alignment(weights, length):
    """For each output the input of largest weight, and the effective number of inputs: (outputs,) each.

    weights (outputs, inputs). Only the first `length` inputs are characters, the others are padding.
    """
    weights = weights[:, :length] / weights[:, :length].sum(axis=1, keepdims=True)
    entropy = -(weights * np.log(np.maximum(weights, 1e-300))).sum(axis=1)
    return weights.argmax(axis=1), np.exp(entropy)


def _maps(rng: np.random.Generator) -> list[Case]:
    cases = []
    for outputs, inputs, length in [(2, 4, 3), (3, 5, 3), (4, 7, 5)]:
        is_tied = True
        while is_tied:  # of two largest weights, either could be named
            weights = rng.dirichlet(np.full(inputs, 0.6), outputs).round(3) + 0.004
            if outputs < 4:
                weights[0, -1] += 1  # the padding gets most, as it can where nothing is masked
            weights = (weights / weights.sum(axis=1, keepdims=True)).round(4)
            second, largest = np.sort(weights[:, :length])[:, -2:].T
            is_tied = (second == largest).any()
        cases.append({"weights": weights, "length": length})
    certain = np.array([[0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.5, 0.0]])
    return [*cases, {"weights": certain, "length": 3}]


def _aligned(weights, length, *, cut=True, renormalised=True, axis=1, of=np.exp):
    w = weights[:, :length] if cut else weights
    w = w / w.sum(axis=1, keepdims=True) if renormalised else w
    entropy = -(w * np.log(np.maximum(w, 1e-300))).sum(axis=1)
    return w.argmax(axis=axis), of(entropy)


_ATTENTION = {"Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention"}


def _attends(model: Any) -> bool:
    """True where a layer is one of attention or derived from one, also within a layer of one's own."""
    # of the layers that another layer keeps Keras has no public list
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else layers_of(model)
    return any(kind.__name__ in _ATTENTION for layer in layers for kind in type(layer).__mro__)


def _facts_of_translator(model: Any) -> dict[str, Any]:
    """Return the layers and parameters of a network, and how many dates of 500 new ones it writes right.

    Raises
    ------
    TypeError
        For what is no network that takes dates and what was written before, and gives logits.
    """
    from labutils.data import dates

    if not hasattr(model, "predict_on_batch") or not getattr(model, "layers", None):
        raise TypeError("This needs the trained network: my_answer = my_model.")
    source, previous, target = dates.arrays(DATES_TO_CHECK, seed=987_654)
    written = np.zeros_like(target)
    given = np.full_like(previous, dates.START)
    for step in range(dates.TARGET_LENGTH):
        try:
            logits = model.predict_on_batch([source, given])
        except Exception:
            raise TypeError(
                "The network does not take [source, previous], one list of two arrays of whole numbers, "
                "(dates, 27) and (dates, 10)."
            ) from None
        wanted = f"logits (dates, 10, {len(dates.ALPHABET)})"
        if isinstance(logits, (list, tuple, dict)):
            raise TypeError(
                f"The network should give {wanted} as one array; it gives a {type(logits).__name__} of "
                f"{len(logits)}."
            )
        logits = np.asarray(logits)
        if logits.shape != (*target.shape, len(dates.ALPHABET)):
            raise TypeError(f"The network should give {wanted}; here the shape is {logits.shape}.")
        written[:, step] = logits[:, step].argmax(axis=-1)
        if step + 1 < dates.TARGET_LENGTH:
            given[:, step + 1] = written[:, step]
    right = (written == target).all(axis=1)
    wrong = int(np.argmin(right))
    example = f"{dates.decoded(source[wrong])}: {dates.decoded(written[wrong])}" if not right.all() else ""
    names = [type(layer).__name__ for layer in layers_of(model)]
    return {
        "layers": names,
        "attends": _attends(model),
        "parameters": int(model.count_params()),
        "accuracy": float(right.mean()),
        "example": example,
    }


EXERCISES = (
    Coding(
        title="Softmax with a mask",
        question="Sequences in a batch are padded to one length, and nobody should attend to padding. Turn "
        "scores into weights that add up to 1 in each row, and are exactly 0 where the mask is False. Scores "
        "may be large: subtract the largest of each row before `np.exp`.",
        idea="attention weights without padding",
        minutes=8,
        solve=my_weights,
        cases=_scores,
        mistakes=(
            Mistake(
                "no mask",
                lambda s, m: _softmax(s),
                "The padding gets weights as well: the mask is not used.",
            ),
            Mistake(
                "masked afterwards",
                lambda s, m: _softmax(s) * m,
                "You set weights to 0 after the softmax, so a row no longer adds up to 1. Take the "
                "padding out *before*: a score of -inf gets the weight 0.",
            ),
            Mistake(
                "score of zero",
                lambda s, m: _softmax(s * m),
                "A score of 0 is no missing score: e⁰ = 1. A score of -inf gets the weight 0.",
            ),
            Mistake(
                "mask the wrong way round",
                lambda s, m: _softmax(np.where(m, -1e30, s)),
                "You kept the padding and left the words out. The mask is True for words.",
            ),
            Mistake(
                "overflow",
                lambda s, m: np.exp(s) * m / (np.exp(s) * m).sum(axis=1, keepdims=True),
                "Right, but not for large scores: np.exp(800) overflows. Subtract from each row its largest "
                "score first; the weights stay the same.",
            ),
            Mistake(
                "overflow with -inf",
                _exp_shares,
                "Right, but not for large scores: np.exp(800) overflows. Subtract from each row its largest "
                "score first; the weights stay the same.",
            ),
            Mistake(
                "one maximum for all rows",
                lambda s, m: _exp_shares(s, m, np.where(m, s, -np.inf).max()),
                "You subtract one maximum from all rows. In a row far below it every np.exp becomes 0, and "
                "0/0 is no number: take the maximum of each row (axis=1, keepdims=True).",
            ),
            Mistake(
                "maximum of the padding",
                lambda s, m: (
                    np.exp(s - s.max(axis=1, keepdims=True))
                    * m
                    / (np.exp(s - s.max(axis=1, keepdims=True)) * m).sum(axis=1, keepdims=True)
                ),
                "You subtract the maximum of the whole row. Where that is a padded score, far above the "
                "others, all of the others become 0, and 0/0 is no number: take the maximum after the "
                "mask.",
            ),
            Mistake(
                "softmax over the queries",
                lambda s, m: _softmax(np.where(m, s, -1e30), axis=0),
                "Your columns add up to 1. Each *query* shares out its attention: axis=1.",
            ),
            Mistake(
                "softmax over everything",
                lambda s, m: np.exp(s - s[:, m].max()) * m / (np.exp(s - s[:, m].max()) * m).sum(),
                "All weights together add up to 1. Each row should: axis=1, keepdims=True.",
            ),
            Mistake(
                "added the mask",
                lambda s, m: _softmax(s + m),
                "Adding True adds 1. To add a mask to scores, it has to be 0 for words and -inf for padding.",
            ),
        ),
        hints=(
            "np.where(mask, scores, -np.inf) takes the padding out of every row.",
            "Then subtract the largest of each row, np.exp, and divide by the sum of each row.",
        ),
        afterwards="Keras does the same with a very large negative number instead of -inf.",
    ),
    Coding(
        title="No look into the future",
        question="A network that writes must not look at what is not written yet. Let the query of each step "
        "attend to the keys up to and including its own step (*causal* attention), with scores divided by "
        r"$\sqrt d$. Return the outputs.",
        idea="causal scaled dot-product attention",
        minutes=10,
        solve=my_causal,
        cases=_steps,
        mistakes=(
            Mistake(
                "not causal",
                lambda q, k, v: _causal(q, k, v, seen=lambda s: np.ones((len(s), len(s)), bool)),
                "Every query sees every key, also those of later steps.",
            ),
            Mistake(
                "past left out",
                lambda q, k, v: _causal(q, k, v, seen=lambda s: s >= s[:, None]),
                "Your queries see the future and not the past: turn the mask round (np.tril, not np.triu).",
            ),
            Mistake(
                "own step left out",
                lambda q, k, v: _causal(q, k, v, seen=lambda s: s < s[:, None]),
                "A step may attend to itself, too: up to *and including* its own. (The first query would "
                "have nothing to attend to.)",
            ),
            Mistake(
                "own step left out with -inf",
                lambda q, k, v: _causal(q, k, v, seen=lambda s: s < s[:, None], unseen=-np.inf),
                "A step may attend to itself, too: up to *and including* its own. Your first query has "
                "nothing to attend to, which gives nan.",
            ),
            Mistake(
                "not scaled",
                lambda q, k, v: _causal(q, k, v, scale=1.0),
                "The scores are not divided by the square root of d, the number of columns of the keys.",
            ),
            Mistake(
                "divided by d",
                lambda q, k, v: _causal(q, k, v, scale=k.shape[1]),
                "You divided by d. The standard deviation of a sum of d independent terms grows with its "
                "square root.",
            ),
            Mistake(
                "divided by the root of the steps",
                lambda q, k, v: _causal(q, k, v, scale=np.sqrt(len(k))),
                "d is the number of columns of the keys, not how many keys there are.",
            ),
            Mistake(
                "masked afterwards",
                lambda q, k, v: _causal(q, k, v, after=True),
                "You set weights to 0 after the softmax: the rows no longer add up to 1, and later steps "
                "still decide how much is left for earlier ones.",
            ),
            Mistake(
                "score of zero",
                lambda q, k, v: _softmax(np.tril(q @ k.T / np.sqrt(k.shape[1]))) @ v,
                "np.tril makes later scores 0, and e⁰ = 1: they still get weight. They have to be -inf.",
            ),
            Mistake(
                "softmax over the queries",
                lambda q, k, v: _causal(q, k, v, axis=0),
                "Your softmax adds up to 1 over the queries. Each query shares out its attention over the "
                "keys: axis=1.",
            ),
            Mistake(
                "softmax over everything",
                lambda q, k, v: _causal(q, k, v, axis=None),
                "All weights together add up to 1. Those of each query should: axis=1, keepdims=True.",
            ),
            Mistake(
                "queries and keys exchanged",
                lambda q, k, v: _causal(k, q, v),
                "The scores are the other way round: row i belongs to query i, so queries @ keys.T.",
            ),
            Mistake(
                "no softmax",
                lambda q, k, v: np.tril(q @ k.T / np.sqrt(k.shape[1])) @ v,
                "The scores are not weights yet: a softmax is missing.",
            ),
        ),
        hints=(
            "np.tril(np.ones((n, n), dtype=bool)) is True on and below the diagonal.",
            "np.where(mask, scores, -np.inf), then the softmax of each row, then @ values.",
        ),
        afterwards="With this mask a transformer can predict the next character at all steps of a text at "
        "once.",
    ),
    Coding(
        title="The gradient of attention pooling",
        question=r"Attention pooling takes its scores from the values themselves: $s_i = v_i^\top u$, "
        r"$w = \mathrm{softmax}(s)$, and gives $c = \sum_i w_i v_i$. Each $v_i$ acts in two ways: directly, "
        "and through its score. Given the gradient of the loss with respect to $c$, return that with respect "
        "to the values.",
        idea="back-propagation through a weighted sum",
        minutes=12,
        solve=my_gradient,
        cases=_pooled,
        mistakes=(
            Mistake(
                "direct way alone",
                lambda v, u, w, g: np.outer(w, g),
                "That is the direct way. The values act through the scores as well: add that part.",
            ),
            Mistake(
                "scores alone",
                lambda v, u, w, g: np.outer(_scores_gradient(v, u, w, g), u),
                "That is the way through the scores. The direct one is missing: the weights times the "
                "gradient.",
            ),
            Mistake(
                "softmax left out",
                lambda v, u, w, g: np.outer(w, g) + np.outer(v @ g, u),
                "v @ gradient is the gradient with respect to the *weights*. The softmax lies between "
                "them and the scores.",
            ),
            Mistake(
                "diagonal alone",
                lambda v, u, w, g: np.outer(w, g) + np.outer(w * (1 - w) * (v @ g), u),
                "w(1 − w) is how a weight changes with its *own* score. It changes with the other scores, "
                "too: subtract the weighted mean of the gradients instead.",
            ),
            Mistake(
                "mean not subtracted",
                lambda v, u, w, g: np.outer(w, g) + np.outer(w * (v @ g), u),
                "The weights add up to 1: if one grows, others shrink. Subtract the weighted mean of the "
                "gradients with respect to the weights.",
            ),
            Mistake(
                "plain mean subtracted",
                lambda v, u, w, g: np.outer(w, g) + np.outer(w * (v @ g - (v @ g).mean()), u),
                "Subtract the *weighted* mean, weights @ d_weights, not the plain one.",
            ),
            Mistake(
                "sign",
                lambda v, u, w, g: np.outer(w, g) - np.outer(_scores_gradient(v, u, w, g), u),
                "The sign of the way through the scores.",
            ),
            Mistake(
                "gradient in place of u",
                lambda v, u, w, g: np.outer(w, g) + np.outer(_scores_gradient(v, u, w, g), g),
                "A score is v @ u, so a score passes its gradient on along u.",
            ),
            Mistake(
                "u in the direct way",
                lambda v, u, w, g: np.outer(w, u) + np.outer(_scores_gradient(v, u, w, g), u),
                "On the direct way each value gets its weight times `gradient`, not times u.",
            ),
        ),
        hints=(
            "The direct way gives np.outer(weights, gradient).",
            "The gradient with respect to the weights is values @ gradient; the softmax makes of it "
            "d_scores, as in the text.",
            "Then np.outer(d_scores, u).",
        ),
        afterwards="Such two ways are the rule: in self-attention a word is query, key and value at once.",
    ),
    Coding(
        title="Read an alignment",
        question="From a map of attention weights, say for each output which input has the largest "
        "weight, and among how many inputs the attention is spread: the *effective number* $e^H$, with "
        "the entropy "
        r"$H = -\sum_i w_i \ln w_i$ (0 ln 0 counts as 0). Leave the padding out, and let the weights of the "
        "others add up to 1 again.",
        idea="reading attention weights",
        minutes=8,
        solve=my_alignment,
        results=("largest", "effective"),
        cases=_maps,
        mistakes=(
            Mistake(
                "padding read",
                lambda w, n: _aligned(w, n, cut=False),
                "Your map still has the columns of the padding: weights[:, :length].",
            ),
            Mistake(
                "largest among the padding",
                lambda w, n: (w.argmax(axis=1), my_alignment(w, n)[1]),
                "The effective number is right, but you look for the largest weight among the padding "
                "as well: weights[:, :length] before the argmax.",
            ),
            Mistake(
                "not renormalised",
                lambda w, n: _aligned(w, n, renormalised=False),
                "Without the padding the rows no longer add up to 1: divide by their sums.",
            ),
            Mistake(
                "entropy",
                lambda w, n: _aligned(w, n, of=lambda h: h),
                "That is the entropy. The effective number is e to this power: 1 for a weight of 1, n for n "
                "equal weights.",
            ),
            Mistake(
                "two to the power",
                lambda w, n: _aligned(w, n, of=np.exp2),
                "2 to the power of an entropy in nats. Take e, or logarithms to base 2.",
            ),
            Mistake(
                "in bits",
                lambda w, n: _aligned(w, n, of=lambda h: np.exp(h / np.log(2))),
                "e to the power of an entropy in bits. Take 2, or natural logarithms.",
            ),
            Mistake(
                "negative entropy",
                lambda w, n: _aligned(w, n, of=lambda h: np.exp(-h)),
                "The sign of the entropy: logarithms of weights are negative, so a minus stands before "
                "the sum.",
            ),
            Mistake(
                "columns",
                lambda w, n: _aligned(w, n, axis=0),
                "You took the largest weight of each column, the output that depends most on an input. "
                "Here it is the other way round: axis=1.",
            ),
            Mistake(
                "one over the largest",
                lambda w, n: (
                    (w[:, :n]).argmax(axis=1),
                    w[:, :n].sum(axis=1) / w[:, :n].max(axis=1),
                ),
                "1 over the largest weight is another such number. Asked for is e to the power of the "
                "entropy.",
            ),
            Mistake(
                "logarithm of zero",
                lambda w, n: (
                    (w[:, :n]).argmax(axis=1),
                    np.exp(
                        -(
                            (p := w[:, :n] / w[:, :n].sum(axis=1, keepdims=True))
                            * np.where(p > 0, np.log(np.where(p > 0, p, 1)), np.nan)
                        ).sum(axis=1)
                    ),
                ),
                "0 times ln 0 is nan in NumPy. Let it count as 0, for instance with np.where, or np.log of "
                "np.maximum(w, 1e-300).",
            ),
        ),
        hints=(
            "w = weights[:, :length]; divide by w.sum(axis=1, keepdims=True).",
            "w.argmax(axis=1) says where the largest is.",
            "np.exp(-(w * np.log(np.maximum(w, 1e-300))).sum(axis=1))",
        ),
        afterwards="An effective number near 1 says that the map is a pointer; near the number of inputs, "
        "that it is a mean.",
    ),
    Number(
        title="How many weights?",
        question="A batch has 16 reviews of 400 tokens. How many attention weights does a block with 2 heads "
        "compute for it, none of them masked?",
        idea="what self-attention costs",
        minutes=3,
        right=5_120_000,
        tolerance=1,
        wrong={
            2_560_000: "That is one head. There are two.",
            12_800: "Each token attends to *every* token of its review: 400 × 400 for a review and a head.",
            6_400: "Each token attends to *every* token of its review: 400 × 400 for a review and a head.",
            320_000: "That is one review. A batch has 16.",
            160_000: "That is one review and one head. A batch has 16 reviews, and there are two heads.",
            5_107_200: "A token attends to itself, too.",
            2_566_400: "You let each token see only itself and earlier ones. Here it sees all.",
        },
        hints=(
            "How many for one review and one head?",
            "Each of 400 queries has a weight for each of 400 keys.",
        ),
        afterwards="20 MB as 32-bit floats; with 4,000 tokens it would be 2 GB. A GRU keeps 16 × 400 states.",
    ),
    Experiment(
        title="Dates",
        question="`dates.arrays(n, seed)` makes dates in words and in numbers: *the 3rd of march, 1987* is "
        "1987-03-03. Build an encoder and a decoder with one of Keras' attention layers, of at most "
        f"{LARGEST:,} parameters, and train them so that 95 % of 500 newly drawn dates are written right, "
        "every character of them. The network takes `[source, previous]` and gives logits, (dates, 10, 41). "
        "A minute should do.",
        idea="an encoder-decoder of your own",
        minutes=25,
        facts=_facts_of_translator,
        answer_note="my_model",
        goals=(
            Goal(
                "with a layer of attention",
                lambda facts: facts["attends"],
                lambda facts: ", ".join(facts["layers"]),
                "There is none of Keras' attention layers in it: layers.Attention, AdditiveAttention or "
                "MultiHeadAttention.",
            ),
            Goal(
                f"at most {LARGEST:,} parameters",
                lambda facts: facts["parameters"] <= LARGEST,
                lambda facts: f"{facts['parameters']:,}",
                "Too many parameters. 48 units will do.",
            ),
            Goal(
                "95 % of new dates written right",
                lambda facts: facts["accuracy"] >= ACCURACY,
                lambda facts: (
                    f"{facts['accuracy']:.1%}"
                    + (f", not for instance {facts['example']}" if facts["example"] else "")
                ),
                "Is the loss still falling? More epochs help, or a larger learning rate (0.01 with "
                "clipnorm=1). Is `previous` what was written *before* each step?",
            ),
        ),
        hints=(
            "build(attention=True) of the first section needs two changes: 41 characters, and a mask for "
            "source.",
            "Both GRUs with 48 units and embeddings of 16; Adam(0.01, clipnorm=1.0); 20,000 dates, some "
            "epochs.",
        ),
        code="""
from labutils.data import dates

source, previous, target = dates.arrays(20_000, seed=0)
keras.utils.set_random_seed(0)
x, before = layers.Input((27,), dtype="int32"), layers.Input((10,), dtype="int32")
mask = ops.not_equal(x, dates.PAD)
encoder = layers.GRU(48, return_sequences=True, return_state=True)
states, last = encoder(layers.Embedding(41, 16)(x), mask=mask)
written = layers.GRU(48, return_sequences=True)(layers.Embedding(41, 16)(before), initial_state=last)
context = layers.Attention()([layers.Dense(48)(written), states], mask=[None, mask])
my_model = keras.Model([x, before], layers.Dense(41)(layers.Concatenate()([written, context])))
my_model.compile(keras.optimizers.Adam(0.01, clipnorm=1.0),
                 keras.losses.SparseCategoricalCrossentropy(from_logits=True))
my_model.fit([source, previous], target, batch_size=64, epochs=3, verbose=0)
my_answer = my_model
""",
        afterwards="Draw its alignment with plots.alignment: for the month it looks at the first letters "
        "of the name, for the day far to the left or to the right, as the date is written.",
    ),
)
