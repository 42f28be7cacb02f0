"""Ask networks of notebook 03 what their states hold: 03_readers.csv.

    python notebooks/grids/03_readers.py

About ten minutes on two cores, after 03_candidates.py; broken off, it goes on where it was. Four kinds of
network that read from left to right, five seeds each: the published one before any training, the same and one
with a mask after two epochs, and the candidate that drops words, trained as in 03_candidates.py. Each is kept
at its epoch of lowest validation loss. No test label chooses anything.

empty: the probability of a review of nothing but padding. short_accuracy: test accuracy on reviews of fewer
than 100 tokens. component_share: of the variance of the states after each word of 200 test reviews, the
fraction along the first principal component, second_share: along the second; correlation: of the position on
the first with the logit.
shuffled_same: fraction of test reviews with the same verdict when their words are shuffled;
shuffled_accuracy: test accuracy then.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from labutils import backend, training
from labutils.data import reviews

HERE, SEEDS = Path(__file__).parent, range(5)
KINDS = {  # tokens, mask, epochs
    "published, untrained": (100, False, 0),
    "published, 2 epochs": (100, False, 2),
    "mask, 2 epochs": (100, True, 2),
    "words dropped, 6 epochs": (200, True, 6),
}


def build(network):
    keras = backend.load_keras()
    layers = keras.layers
    tokens, mask, _ = KINDS[network]
    regularised = network.startswith("words dropped")
    inputs = layers.Input((tokens,))
    x = layers.Embedding(10_000, 32, mask_zero=mask)(inputs)
    if regularised:
        x = layers.Dropout(0.3, noise_shape=(None, tokens, 1))(x)
        x = layers.Dropout(0.5)(x)
    states = layers.GRU(32, return_sequences=True)(x)
    last = states[:, -1]
    if regularised:
        last = layers.Dropout(0.5)(last)
    dense = layers.Dense(1, activation="sigmoid")
    return keras.Model(inputs, dense(last)), keras.Model(inputs, states), dense


def train(network, rate, seed):
    keras = backend.load_keras()
    data = reviews.load(num_words=10_000)
    tokens, _, epochs = KINDS[network]
    x, x_test = (keras.utils.pad_sequences(part.sequences, maxlen=tokens) for part in (data.train, data.test))
    y, y_test = np.asarray(data.train.labels), np.asarray(data.test.labels)
    fitted = int(len(x) * 0.8)
    keras.utils.set_random_seed(seed)
    model, reader, dense = build(network)
    batch_size = 128 if network.startswith("words dropped") else 64
    if network.startswith("words dropped"):
        rate = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-fitted // batch_size))
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", jit_compile=False)
    best = keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)
    model.fit(
        x[:fitted],
        y[:fitted],
        validation_data=(x[fitted:], y[fitted:]),
        epochs=epochs,
        batch_size=batch_size,
        callbacks=[best],
        verbose=0,
    )

    def probability(rows):
        return model.predict(rows, batch_size=500, verbose=0)[:, 0]

    says, shuffled = probability(x_test) > 0.5, probability(reviews.shuffled(x_test)) > 0.5
    short = data.test.lengths < 100
    some = x_test[:200]
    points = reader.predict(some, batch_size=200, verbose=0)[some > 0]
    centred = points - points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    weights, bias = dense.get_weights()
    logits = (points @ weights + bias)[:, 0]
    return {
        "empty": probability(np.zeros((1, tokens), "int32"))[0],
        "short_accuracy": np.mean((says == y_test)[short]),
        "accuracy": np.mean(says == y_test),
        "component_share": sizes[0] ** 2 / np.sum(sizes**2),
        "second_share": sizes[1] ** 2 / np.sum(sizes**2),
        "correlation": abs(np.corrcoef(centred @ directions[0], logits)[0, 1]),
        "shuffled_same": np.mean(says == shuffled),
        "shuffled_accuracy": np.mean(shuffled == y_test),
    }


def main():
    candidates = pd.read_csv(HERE / "03_candidates.csv")
    rate = candidates[candidates.chosen & (candidates.candidate == "+ words dropped")].rate.iloc[0]
    grid = [{"network": kind, "rate": rate if "words" in kind else 0.001} for kind in KINDS]
    table = training.sweep(train, grid, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["rate", "seconds", "failed"])
    table.to_csv(HERE / "03_readers.csv", index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
