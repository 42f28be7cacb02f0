"""Train the readers of notebooks 08 and 09 on a fixed budget: 08_readers.csv, 08_log_odds.csv.

    python notebooks/grids/08_readers.py                       # all
    python notebooks/grids/08_readers.py "weighs evidence"     # one, with its variants
    python notebooks/grids/08_readers.py "no names"   # these variants alone
    python notebooks/grids/08_readers.py bags                  # the bags alone, five minutes

About seventy minutes on two cores with KERAS_BACKEND=jax, as the stored files were made; TensorFlow takes two
to three times as long. Each reader has the same budget: three rates with two seeds, four epochs with a cosine
decay, in batches of 64 reviews of similar length, at most the last 400 tokens of each. Each network is kept
at the epoch of its lowest validation loss, and each reader at the rate whose networks have the lowest mean
loss, which is then trained with three seeds more. The variants of a reader (VARIANTS) take its rate. Test
labels choose nothing. The bags of words are fitted once; their C is chosen by validation accuracy, as in
notebook 03, out of .03, .1, .3 and 1 (for TF-IDF out of 1, 3, 10 and 30).

stacked: a logistic regression on two numbers, the log-odds of the bag and of the reader with attention,
fitted to the validation reviews. bag, rescaled: such a regression on the sums of the bag alone.
08_log_odds.csv holds the log-odds of each test review, by the bag, as it is and rescaled, and by the networks
that weigh its evidence.
"""

import functools
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from labutils import backend, training
from labutils.data import reviews
from labutils.data.ngrams import NGramFinder

HERE = Path(__file__).parent
WORDS, TOKENS, LENGTHS, EPOCHS, BATCH_SIZE, FOLDS = 15_000, 400, (128, 256, 400), 4, 64, 5
RATES, SEEDS, MORE_SEEDS = (0.001, 0.003, 0.01), (0, 1), (2, 3, 4)
READERS = {
    "embeddings, mean": {"layer": None, "pooling": "mean"},
    "embeddings, attention": {"layer": None, "pooling": "attention"},
    "BiGRU, mean": {"layer": "gru", "pooling": "mean"},
    "BiGRU, max": {"layer": "gru", "pooling": "max"},
    "BiGRU, attention": {"layer": "gru", "pooling": "attention"},
    "transformer": {"layer": "transformer", "pooling": "mean"},
    "weighs evidence": {},
}
VARIANTS = {
    "gates fixed at 1": ("weighs evidence", {"gates": False}),
    "no head": ("weighs evidence", {"head": False}),
    "no embeddings": ("weighs evidence", {"embeddings": False}),
    "shuffled words": ("weighs evidence", {"order": "shuffled"}),
    "in-fold weights": ("weighs evidence", {"folds": 0}),
    "no context": ("weighs evidence", {"context": False}),
    "bigrams": ("weighs evidence", {"longest": 2}),
    "no names": ("weighs evidence", {"names": False}),
}
SHOWN = ("weighs evidence", "no names")


# ---------------------------------------------------------------- the bag of n-grams, weighed by naive Bayes


def naive_bayes_ratios(x, y):
    """Return for each feature (features,) how much more frequent it is among positive reviews (log-ratio)."""
    positive, negative = (1 + np.asarray(x[y == label].sum(axis=0)).ravel() for label in (1, 0))
    return np.log(positive / positive.sum()) - np.log(negative / negative.sum())


def evidence_weights(x, y, C, kept=slice(None)):
    """Return what each feature adds to the log-odds (features,), 0 if it is not kept, and the intercept."""
    ratios = naive_bayes_ratios(x, y).astype("float32")
    scaled = x.copy()
    scaled.data *= ratios[scaled.indices]
    weights = np.zeros(x.shape[1])
    model = LogisticRegression(C=C, max_iter=300).fit(scaled[:, kept], y)
    weights[kept] = model.coef_[0] * ratios[kept]
    return weights, model.intercept_[0]


def name_tokens():
    """Return for each token (words,) whether it is a name.

    A name is written within a sentence with a capital more than three times as often as without, in the
    fitted texts. No label is used.
    """
    data, (fitted, *_) = encoded(), parts()
    capital, small = Counter(), Counter()
    for text in data.train.texts[:fitted]:
        for word in re.findall(r"(?<=[a-z,;] )[A-Za-z][a-z']+", text):
            (capital if word[0].isupper() else small)[word.lower()] += 1
    words = [word for word in capital if len(word) > 2 and not word.startswith("i'")]  # I'm, I've
    is_name = np.zeros(data.num_words, bool)
    for word in words:
        number = data.vocabulary.number(word)
        if capital[word] > 3 * small[word] and reviews.UNKNOWN < number < data.num_words:
            is_name[number] = True
    return is_name


def without_names(grams, sequences):
    """Return the features (numbers) of which no word is a name."""
    is_name = name_tokens()[np.concatenate(sequences)]
    in_gram, has_name = is_name.copy(), np.zeros(grams.n_features, bool)
    begins = np.cumsum([0, *map(len, sequences[:-1])])
    for length in range(grams.ids.shape[1]):
        if length:
            before = np.concatenate([np.zeros(length, bool), is_name[:-length]])
            for start in begins:  # nothing from the review before
                before[start : start + length] = False
            in_gram = in_gram | before
        ids = grams.ids[:, length]
        has_name[ids[in_gram & (ids >= 0)]] = True
    return np.flatnonzero(~has_name)


def blocks(y, rows_in_file, folds):
    """Return for each review a fold: blocks of each label, where reviews of a film stand together."""
    fold = np.empty(len(y), int)
    for label in (0, 1):
        rows = np.flatnonzero(y == label)
        rows = rows[np.argsort(rows_in_file[rows])]
        fold[rows] = np.arange(len(rows)) * folds // len(rows)
    return fold


def log_loss(logits, y):
    return float(np.mean(np.logaddexp(0, np.where(y == 1, -logits, logits))))


@functools.cache
def encoded():
    return reviews.load(num_words=70_000)


def parts():
    """Return how many training reviews are fitted, and the labels: training, test."""
    data = encoded()
    return int(len(data.train) * 0.8), np.asarray(data.train.labels), np.asarray(data.test.labels)


@functools.cache
def bag(longest, names=True):
    """Return n-grams of training and test, those that count, the best C, and its log-odds of validation and
    test reviews."""
    data, (fitted, y, _) = encoded(), parts()
    finder = NGramFinder(longest, min_reviews=2).fit(data.train.sequences[:fitted])
    grams = [finder.transform(part.sequences) for part in (data.train, data.test)]
    x, x_test = (g.matrix() for g in grams)
    kept, found = slice(None) if names else without_names(grams[0], data.train.sequences), []
    for C in (0.03, 0.1, 0.3, 1):
        weights, bias = evidence_weights(x[:fitted], y[:fitted], C, kept)
        validation = x[fitted:] @ weights + bias
        right = np.mean((validation > 0) == y[fitted:])
        found.append((right, C, validation, x_test @ weights + bias))
    return grams, kept, *max(found, key=lambda entry: entry[0])[1:]


@functools.cache
def evidence(longest, folds, names=True):
    """Return the evidence at each token, training and test: lists of (tokens, longest), and the intercepts.

    The weights of a fitted review come from the other folds; with 0 folds from all fitted reviews.
    """
    (grams, grams_test), kept, C, *_ = bag(longest, names)
    fitted, y, _ = parts()
    x = grams.matrix()
    weights, bias = evidence_weights(x[:fitted], y[:fitted], C, kept)
    values, intercepts = grams.at_tokens(weights), np.full(len(y), bias)
    fold = blocks(y[:fitted], encoded().rows[:fitted], folds) if folds else np.zeros(0)
    for k in range(folds):
        theirs, here = (
            evidence_weights(x[:fitted][fold != k], y[:fitted][fold != k], C, kept),
            np.zeros(len(y), bool),
        )
        here[:fitted] = fold == k
        values[here[grams.review]] = grams.at_tokens(theirs[0])[here[grams.review]]
        intercepts[here] = theirs[1]
    out = []
    for g, v, b in ((grams, values, intercepts), (grams_test, grams_test.at_tokens(weights), None)):
        cuts = np.cumsum(np.bincount(g.review, minlength=g.n_reviews))[:-1]
        out += [np.split(v, cuts), np.full(g.n_reviews, bias) if b is None else b]
    return out


# ---------------------------------------------------------------- what the networks are given


def inputs(sequences, values=None, intercepts=None, order=None):
    """Return the last tokens of each review, padded in front; with values those as well, and what is left.

    order="shuffled" puts the tokens of each review, with their evidence, into random order.
    """
    rng = np.random.default_rng(0)
    tokens = np.zeros((len(sequences), TOKENS), "int32")
    at = np.zeros((len(sequences), TOKENS, values[0].shape[1]), "float32") if values else None
    for i, sequence in enumerate(sequences):
        read = np.arange(len(sequence))[-TOKENS:]
        if order == "shuffled":
            read = rng.permutation(read)
        tokens[i, TOKENS - len(read) :] = np.where(sequence[read] < WORDS, sequence[read], reviews.UNKNOWN)
        if values:
            at[i, TOKENS - len(read) :] = values[i][read]
    if values is None:
        return (tokens,)
    whole = np.array([value.sum() for value in values]) + intercepts
    return tokens, at, (whole - at.sum(axis=(1, 2)))[:, None].astype("float32")


# ---------------------------------------------------------------- the networks


def pooled(states, mask, how):
    """Return one vector for each review, (reviews, features), from its states (reviews, tokens, features)."""
    keras = backend.load_keras()
    ops, layers, mask = keras.ops, keras.layers, mask[..., None]
    if how == "mean":
        return ops.sum(ops.where(mask, states, 0.0), axis=1) / ops.sum(ops.cast(mask, "float32"), axis=1)
    if how == "max":
        return ops.max(ops.where(mask, states, -1e9), axis=1)
    scores = layers.Dense(1, use_bias=False)(layers.Dense(16, activation="tanh")(states))
    weights = ops.softmax(ops.where(mask, scores, -1e9), axis=1)
    return ops.sum(weights * states, axis=1)


def sinusoids(mask, size):
    """Return the position encoding of Vaswani et al. (2017): (reviews, tokens, size)."""
    ops = backend.load_keras().ops
    position = ops.cumsum(ops.cast(mask, "float32"), axis=1)[..., None]
    angles = position / 10_000 ** (np.arange(0, size, 2, dtype="float32") / size)
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


def transformer_block(x, mask):
    """One block of an encoder: self-attention, then a layer for each token; residual, normalised before."""
    layers = backend.load_keras().layers
    normal = layers.LayerNormalization()(x)
    heads = layers.MultiHeadAttention(2, key_dim=16)
    x = x + heads(normal, normal, attention_mask=mask[:, None, :])
    inner = layers.Dense(64, activation="relu")(layers.LayerNormalization()(x))
    return layers.LayerNormalization()(x + layers.Dropout(0.1)(layers.Dense(32)(inner)))


def build_reader(layer, pooling):
    keras = backend.load_keras()
    layers = keras.layers
    tokens = layers.Input((None,), dtype="int32")
    mask = keras.ops.not_equal(tokens, 0)
    x = layers.Embedding(WORDS, 32)(tokens)
    x = layers.Dropout(0.3, noise_shape=(None, None, 1))(x)
    if layer == "gru":
        x = layers.Bidirectional(layers.GRU(16, return_sequences=True))(x)
    if layer == "transformer":
        # the embeddings begin with entries of about .03: scaled up, as in Vaswani et al.
        x = x * np.sqrt(32) + sinusoids(mask, 32)
        x = transformer_block(x, mask)
    x = layers.Dropout(0.5)(pooled(x, mask, pooling))
    return keras.Model(tokens, layers.Dense(1)(x))


def build_weigher(longest=3, gates=True, head=True, embeddings=True, context=True):
    keras = backend.load_keras()
    layers, ops = keras.layers, keras.ops
    tokens, rest = layers.Input((None,), dtype="int32"), layers.Input((1,))
    given = layers.Input((None, longest))
    mask, x = ops.not_equal(tokens, 0), given
    if embeddings:
        x = layers.Concatenate()([layers.Dropout(0.2)(layers.Embedding(WORDS, 32)(tokens)), given])
    if context:
        states = layers.Bidirectional(layers.GRU(16, return_sequences=True))(x)
    else:  # each word is seen alone
        states = layers.Dense(32, activation="tanh")(x)
    states = layers.Dropout(0.3)(states)
    weighed = given
    if gates:
        weighed = 2 * layers.Dense(longest, activation="sigmoid", kernel_initializer="zeros")(states) * given
    logit = rest + ops.sum(weighed, axis=(1, 2))[:, None]
    if head:
        both = layers.Concatenate()([pooled(states, mask, "mean"), pooled(states, mask, "max")])
        logit = logit + layers.Dense(1, kernel_initializer="zeros")(layers.Dropout(0.3)(both))
    return keras.Model([tokens, given, rest], logit)


@functools.cache
def arrays_for(longest, folds, order, names):
    """Return the inputs of training and test: tokens alone where longest is 0."""
    data = encoded()
    if not longest:
        return inputs(data.train.sequences), inputs(data.test.sequences)
    values, intercepts, values_test, intercepts_test = evidence(longest, folds, names)
    return (
        inputs(data.train.sequences, values, intercepts, order),
        inputs(data.test.sequences, values_test, intercepts_test, order),
    )


def train(name, rate, seed):
    """Return a row of the table, and the log-odds of validation and test reviews at the kept epoch."""
    keras = backend.load_keras()
    kind, changes = VARIANTS.get(name, (name, {}))
    settings = READERS[kind] | changes
    weighs = kind == "weighs evidence"
    order, folds = settings.pop("order", None), settings.pop("folds", FOLDS)
    names = settings.pop("names", True)
    longest = settings.get("longest", 3) if weighs else 0
    arrays, test_arrays = arrays_for(longest, folds, order, names)
    fitted, y, y_test = parts()
    fit_on, validate_on = ([a[rows] for a in arrays] for rows in (slice(fitted), slice(fitted, None)))
    keras.utils.set_random_seed(seed)
    model = (build_weigher if weighs else build_reader)(**settings)
    labels = y[:fitted].astype("float32")
    batches = training.batches_by_length(fit_on, labels, LENGTHS, batch_size=BATCH_SIZE, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(rate, EPOCHS * len(batches))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0),
        loss,
    )

    def says(some):
        return model.predict(some if len(some) > 1 else some[0], batch_size=200, verbose=0)[:, 0]

    lowest, kept, seconds = np.inf, None, 0.0
    for epoch in range(1, EPOCHS + 1):
        started = time.perf_counter()
        model.fit(batches, verbose=0)
        seconds += time.perf_counter() - started
        validation = says(validate_on)
        if log_loss(validation, y[fitted:]) < lowest:
            lowest, kept = log_loss(validation, y[fitted:]), (epoch, validation, says(test_arrays))
    epoch, validation, test = kept
    row = {"reader": name, "rate": rate, "seed": seed, "parameters": model.count_params()}
    row |= {"seconds": round(seconds), "kept_epoch": epoch}
    return row | measured(validation, test), validation, test


def measured(validation, test):
    fitted, y, y_test = parts()
    return {
        "validation_loss": log_loss(validation, y[fitted:]),
        "validation_accuracy": np.mean((validation > 0) == y[fitted:]),
        "test_loss": log_loss(test, y_test),
        "test_accuracy": np.mean((test > 0) == y_test),
    }


# ---------------------------------------------------------------- all of it


def bags():
    """Return rows for bags of words and n-grams, and the log-odds of the largest: validation and test."""
    data, (fitted, y, _), rows = encoded(), parts(), []
    for name, most, longest in (("TF-IDF, words", 10_000, 1), ("TF-IDF, words and bigrams", 30_000, 2)):
        found = []
        for C in (1, 3, 10, 30):
            weighting = TfidfVectorizer(max_features=most, ngram_range=(1, longest))
            model = make_pipeline(weighting, LogisticRegression(C=C, max_iter=1000))
            model.fit(data.train.texts[:fitted], y[:fitted])
            validation = model.decision_function(data.train.texts[fitted:])
            found.append((np.mean((validation > 0) == y[fitted:]), C, validation, model))
        _, C, validation, model = max(found, key=lambda entry: entry[0])
        says = validation, model.decision_function(data.test.texts)
        rows.append({"reader": name, "rate": C, "seed": 0, "parameters": most + 1, **measured(*says)})
    for longest, name in ((1, "words"), (2, "up to bigrams"), (3, "up to trigrams")):
        grams, _, C, *says = bag(longest)
        size = grams[0].n_features + 1
        rows.append(
            {"reader": f"naive Bayes, {name}", "rate": C, "seed": 0, "parameters": size, **measured(*says)}
        )
    _, kept, C, *nameless = bag(3, False)
    row = {"reader": "naive Bayes, no names", "rate": C, "seed": 0, "parameters": len(kept) + 1}
    rows.append(row | measured(*nameless))
    return rows, says, nameless[1]


RESCALED = ("bag, rescaled", "bag, rescaled by lengths")


def recalibrated(names=True):
    """Return log-odds, validation and test, of the largest bag after a logistic regression on its own sums.

    It is fitted to the validation reviews: one scale, or a scale for each length of n-grams that depends on
    the length of the review (7 numbers), and an intercept.
    """
    data, (fitted, y, _) = encoded(), parts()
    values, intercepts, values_test, intercepts_test = evidence(3, FOLDS, names)
    says = {}
    inputs_of = {name: [] for name in RESCALED}
    for part, v, b in (
        (data.train.sequences[fitted:], values[fitted:], intercepts[fitted:]),
        (data.test.sequences, values_test, intercepts_test),
    ):
        sums = np.array([of_review.sum(axis=0) for of_review in v])
        length = np.log([len(sequence) / 200 for sequence in part])[:, None]
        inputs_of[RESCALED[0]].append(sums.sum(axis=1, keepdims=True) + b[:, None])
        inputs_of[RESCALED[1]].append(np.hstack([sums, sums * length, length]))
    for name, (validation, test) in inputs_of.items():
        model = LogisticRegression(C=1e6, max_iter=1000).fit(validation, y[fitted:])
        says[name if names else name.replace("bag", "no names")] = (
            model.decision_function(validation),
            model.decision_function(test),
        )
    return says


def stacked(bag_says, reader_says):
    """Return the log-odds of a logistic regression on those of two models, fitted to validation reviews."""
    fitted, y, _ = parts()
    validation, test = (np.stack(pair, axis=1) for pair in zip(bag_says, reader_says))
    model = LogisticRegression(C=1e6).fit(validation, y[fitted:])
    return model.decision_function(validation), model.decision_function(test)


def main(names):
    """Train the named readers with their variants, or all; what the file holds of others stays.

    "bags" alone fits the bags and trains nothing.
    """
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # for JAX
    names = [] if names == ["bags"] else names or list(READERS)
    variants = [name for name, (kind, _) in VARIANTS.items() if kind in names or name in names]
    names = [name for name in names if name in READERS]
    # a new interpreter for each process, which imports this file: what is cached cannot be sent
    pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
    bag_rows, bag_says, nameless = bags()
    log_odds = {"bag": bag_says[1], "bag, no names": nameless}
    rescaled = recalibrated() | recalibrated(names=False)
    for (name, says), parameters in zip(rescaled.items(), (2, 8) * 2):
        bag_rows.append(
            {"reader": name, "rate": np.nan, "seed": 0, "parameters": parameters, **measured(*says)}
        )
        log_odds[name] = says[1]
    kept, done = [], []
    if set(names) < set(READERS):
        kept = pd.read_csv(HERE / "08_readers.csv")
        kept = kept[~kept.reader.isin([*names, *variants, *(row["reader"] for row in bag_rows)])]
        kept = kept.to_dict("records")

    def rates():
        frame = pd.DataFrame([row for row, *_ in done])
        frame = pd.concat([frame, pd.DataFrame(kept)])
        frame = frame[frame.reader.isin([*READERS, *VARIANTS])]
        means = frame[frame.seed.isin(SEEDS)].groupby(["reader", "rate"]).validation_loss.mean()
        return {name: means[name].idxmin() for name in frame.reader.unique()}

    def save():
        chosen = rates()
        rows = kept + [row | {"chosen": row["rate"] == chosen[row["reader"]]} for row, *_ in done]
        rows += [row | {"chosen": True} for row in bag_rows]
        for row, validation, test in done:
            if row["reader"] == "BiGRU, attention" and row["rate"] == chosen[row["reader"]]:
                scores = measured(*stacked(bag_says, (validation, test)))
                rows.append(
                    {"reader": "stacked", "rate": row["rate"], "seed": row["seed"], "chosen": True} | scores
                )
            if row["reader"] in SHOWN and row["rate"] == chosen[row["reader"]]:
                log_odds[f"{row['reader']}, seed {row['seed']}"] = test
        frame, order = pd.DataFrame(rows), [*READERS, *VARIANTS, "stacked"]
        place = frame.reader.map({name: i for i, name in enumerate(order)}).fillna(-1)
        frame = frame.assign(place=place).sort_values(["place", "rate", "seed"], kind="stable")
        frame.drop(columns="place").to_csv(HERE / "08_readers.csv", index=False, float_format="%.4f")
        if (HERE / "08_log_odds.csv").exists():
            before = pd.read_csv(HERE / "08_log_odds.csv").to_dict("list")
            log_odds.update({name: before[name] for name in before.keys() - log_odds.keys()})
        frame = pd.DataFrame(dict(sorted(log_odds.items())))
        frame.to_csv(HERE / "08_log_odds.csv", index=False, float_format="%.3f")

    def run(jobs):
        for future in as_completed([pool.submit(train, *job) for job in jobs]):
            result = future.result()
            print({k: round(v, 4) if isinstance(v, float) else v for k, v in result[0].items()}, flush=True)
            done.append(result)
            save()

    if not names + variants:
        return save()
    run([(name, rate, seed) for seed in SEEDS for name in reversed(names) for rate in RATES])
    chosen = rates()
    run([(name, chosen[name], seed) for seed in MORE_SEEDS for name in reversed(names)])
    run([(name, chosen[VARIANTS[name][0]], seed) for seed in SEEDS + MORE_SEEDS for name in variants])


if __name__ == "__main__":
    main(sys.argv[1:])
