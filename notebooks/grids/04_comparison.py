"""Compare classifiers with equal budgets, for notebook 04.

    python notebooks/grids/04_comparison.py

About forty minutes on two cores; broken off, it goes on where it was. Test labels choose nothing. Two files:

04_comparison.csv, one row for each training, kept at the epoch of its lowest validation loss. Every model
has an embedding of 32, three words in ten dropped, dropout of one half before and after, gradients clipped at
norm 1, eight epochs with a cosine decay, batches of 128; two seeds of three rates and of further ones, until
the rate of highest mean validation accuracy ("chosen") lies between two others; three seeds more of that. The
bag of words of the same 200 tokens has six values of C (under "rate").

04_right.csv: for each test review, how many of the five seeds of each compared model are right about it.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from labutils import backend, training
from labutils.data import reviews

HERE = Path(__file__).parent
WORDS, TOKENS, UNITS, EPOCHS, BATCH_SIZE = 10_000, 200, 32, 8, 128
RATES, SEEDS, MORE_SEEDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1), (0, 1), (2, 3, 4)
MODELS = {
    "SimpleRNN": ("SimpleRNN", {}),
    "SimpleRNN, identity": ("SimpleRNN", {"recurrent_initializer": "identity"}),
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {}),
    "mean of embeddings": (None, {}),
}


def arrays():
    keras, data = backend.load_keras(), reviews.load(num_words=WORDS)
    x, x_test = (keras.utils.pad_sequences(part.sequences, maxlen=TOKENS) for part in (data.train, data.test))
    return x, np.asarray(data.train.labels), x_test, data.test.labels


def build(kind, settings):
    keras = backend.load_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((TOKENS,)),
            layers.Embedding(WORDS, UNITS, mask_zero=True),
            layers.Dropout(0.3, noise_shape=(None, TOKENS, 1)),  # whole words
            layers.Dropout(0.5),
            getattr(layers, kind)(UNITS, **settings) if kind else layers.GlobalAveragePooling1D(),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def log_loss(p, y):
    return float(-np.mean(np.log(np.clip(np.where(y == 1, p, 1 - p), 1e-7, 1))))


def train(name, rate, seed):
    """Return the row of the kept epoch, and whether each test review is classified correctly."""
    keras = backend.load_keras()
    x, y, x_test, y_test = arrays()
    n = int(len(x) * 0.8)
    keras.utils.set_random_seed(seed)
    model = build(*MODELS[name])
    schedule = keras.optimizers.schedules.CosineDecay(rate, EPOCHS * -(-n // BATCH_SIZE))
    adam = keras.optimizers.Adam(schedule, global_clipnorm=1.0)
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    best = keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)
    started = time.perf_counter()
    history = model.fit(
        x[:n], y[:n], validation_data=(x[n:], y[n:]), epochs=EPOCHS, batch_size=BATCH_SIZE,
        callbacks=[best], verbose=0, validation_batch_size=500,
    ).history  # fmt: skip

    def probability(rows):
        return model.predict(rows, batch_size=500, verbose=0)[:, 0]

    validation, right = probability(x[n:]), (probability(x_test) > 0.5) == y_test
    return {
        "parameters": model.count_params(),
        "training_seconds": round(time.perf_counter() - started),
        "kept_epoch": int(np.argmin(history["val_loss"])) + 1,
        "last_accuracy": history["val_accuracy"][-1],
        "validation_accuracy": np.mean((validation > 0.5) == y[n:]),
        "validation_loss": log_loss(validation, y[n:]),
        "test_accuracy": right.mean(),
        "test_shuffled_accuracy": np.mean((probability(reviews.shuffled(x_test)) > 0.5) == y_test),
        "right": right.astype(int),
    }


def bag_of_words():
    """Return such a row for each C."""
    x, y, x_test, y_test = arrays()
    n, texts = int(len(x) * 0.8), reviews.load(num_words=WORDS).vocabulary.texts
    tfidf, rows = TfidfVectorizer(), []
    fit = tfidf.fit_transform(texts(x[:n]))
    validation, test = (tfidf.transform(texts(some)) for some in (x[n:], x_test))
    for C in (0.1, 0.3, 1, 3, 10, 30):
        model = LogisticRegression(C=C, max_iter=2000).fit(fit, y[:n])
        right = model.predict(test) == y_test
        row = {"name": "bag of words", "rate": C, "seed": 0, "test_accuracy": right.mean()}
        row["validation_accuracy"] = model.score(validation, y[n:])
        row["validation_loss"] = log_loss(model.predict_proba(validation)[:, 1], y[n:])
        rows.append(row | {"right": right.astype(int)})
    return rows


def table_of(tables):
    """Return all rows as a table, and the chosen rate of each model."""
    table = pd.concat(tables)
    means = table[table.seed.isin(SEEDS)].groupby(["name", "rate"]).validation_accuracy.mean()
    chosen = {name: means[name].idxmax() for name in table.name.unique()}
    table["chosen"] = table.rate == table.name.map(chosen)
    return table.sort_values(["name", "rate", "seed"]), chosen


def main():
    options, tables = training.sweep_options(__file__), [pd.DataFrame(bag_of_words())]

    def run(pairs, seeds):
        grid = [{"name": name, "rate": rate} for name, rate in pairs]
        table = training.sweep(train, grid, seeds=seeds, **options)
        assert not table.failed.any(), table.failed.unique()
        table = table.drop(columns=["seconds", "failed"])
        tables.append(table.rename(columns={"training_seconds": "seconds"}))

    tried = {name: list(RATES[2:5]) for name in MODELS}
    new = [(name, rate) for name in MODELS for rate in tried[name]]
    while new:  # until the best rate of each model has a worse one on either side
        run(new, SEEDS)
        chosen, new = table_of(tables)[1], []
        for name, rates in tried.items():
            lowest, highest = RATES.index(min(rates)), RATES.index(max(rates))
            if chosen[name] == min(rates) and lowest > 0:
                new.append((name, RATES[lowest - 1]))
            if chosen[name] == max(rates) and highest < len(RATES) - 1:
                new.append((name, RATES[highest + 1]))
        for name, rate in new:
            tried[name].append(rate)
    run([(name, chosen[name]) for name in MODELS], MORE_SEEDS)
    table, _ = table_of(tables)
    of_chosen = table[table.chosen].groupby("name").right
    right = {name: np.sum([*of_chosen.get_group(name)], axis=0) for name in ("bag of words", *MODELS)}
    pd.DataFrame(right).to_csv(HERE / "04_right.csv", index=False)
    table.drop(columns="right").to_csv(HERE / "04_comparison.csv", index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
