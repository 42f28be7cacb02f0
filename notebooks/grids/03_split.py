"""Hold out fifths of the reviews at random and in blocks, for notebook 03, and store 03_split.csv.

    python notebooks/grids/03_split.py

About five minutes on two cores; broken off, it goes on where it was. "random": fifths drawn at random.
"blocks": fifths of each label in the order of the file, so that the reviews of a film and of one label stay
together. Nothing is chosen: both models have fixed settings, the GRU three epochs in which the learning rate
falls to zero (with a constant rate its accuracy depended on the seed by two points). The number of the fold
is the GRU's seed.
"""

from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from labutils import backend, training
from labutils.data import reviews

WORDS, TOKENS, EPOCHS, BATCH_SIZE, RATE = 10_000, 200, 3, 128, 0.003
SPLITS, FOLDS = ("random", "blocks"), range(5)


def in_file_order():
    """Return the texts, the rows of numbers and the labels as they stand in the file."""
    data = reviews.load(num_words=WORDS)
    order = np.argsort(data.rows)
    texts = np.array(data.train.texts + data.test.texts, dtype=object)[order]
    sequences = np.array([*data.train.sequences, *data.test.sequences], dtype=object)[order]
    return texts, sequences, np.concatenate([data.train.labels, data.test.labels])[order]


def rows_of(split, fold, n):
    """Return the rows to fit and to test."""
    if split == "random":
        held_out = np.sort(np.random.default_rng(0).permutation(n)[fold::5])
        return np.setdiff1d(np.arange(n), held_out), held_out
    block = np.tile(np.repeat(np.arange(5), n // 10), 2)
    return np.flatnonzero(block != fold), np.flatnonzero(block == fold)


def bag_of_words(texts, labels, fit, test):
    tfidf = TfidfVectorizer(max_features=WORDS)
    model = LogisticRegression(max_iter=1000).fit(tfidf.fit_transform(texts[fit]), labels[fit])
    return model.score(tfidf.transform(texts[test]), labels[test])


def gru(sequences, labels, fit, test, seed):
    keras = backend.load_keras()
    layers = keras.layers
    x = keras.utils.pad_sequences(sequences, maxlen=TOKENS)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            layers.Input((TOKENS,)),
            layers.Embedding(WORDS, 32, mask_zero=True),
            layers.Dropout(0.3, noise_shape=(None, TOKENS, 1)),
            layers.Dropout(0.5),
            layers.GRU(32),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-len(fit) // BATCH_SIZE))
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", jit_compile=False)
    model.fit(x[fit], labels[fit], epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
    says = model.predict(x[test], batch_size=500, verbose=0)[:, 0] > 0.5
    return np.mean(says == labels[test])


def train(split, seed):
    """Return the accuracy of both models; the seed is the number of the fold too."""
    texts, sequences, labels = in_file_order()
    fit, test = rows_of(split, seed, len(labels))
    return {
        "bag of words": bag_of_words(texts, labels, fit, test),
        "GRU": gru(sequences, labels, fit, test, seed),
    }


def main():
    table = training.sweep(train, {"split": SPLITS}, seeds=FOLDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"]).rename(columns={"seed": "fold"})
    table = table.sort_values(["split", "fold"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
