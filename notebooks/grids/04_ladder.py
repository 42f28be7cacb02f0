"""Stabilise the published SimpleRNN step by step, for notebook 04, and store 04_ladder.csv.

    python notebooks/grids/04_ladder.py

About half an hour on two cores; broken off, it goes on where it was. The reviews are those of notebook 03,
in blocks; test labels choose nothing. Each step is added to those before it: rate .0003 and clipping at norm
1; a mask, and dropout of one half before and after the recurrent layer; 32 units and embeddings of 32; the
identity. Five epochs, batches of 64, five seeds, the weights of the epoch of lowest validation loss. fall: of
the validation accuracy, largest decrease from an epoch to a later one. effect_k: for 200 validation reviews
without padding, mean absolute difference of the probability with "excellent" and with "awful" in place of the
k-th word from the end.
"""

import time
from pathlib import Path

import numpy as np

from labutils import backend, training
from labutils.data import reviews

WORDS, TOKENS, SEEDS, POSITIONS = 10_000, 200, range(5), (1, 2, 5, 10, 20, 50, 100, 200)
STEPS = {  # units, initialisation, with a mask and dropout, rate, clipping
    "as published": (128, "orthogonal", False, 0.001, None),
    "smaller rate, clipped": (128, "orthogonal", False, 0.0003, 1.0),
    "mask and dropout": (128, "orthogonal", True, 0.0003, 1.0),
    "32 units": (32, "orthogonal", True, 0.0003, 1.0),
    "identity": (32, "identity", True, 0.0003, 1.0),
}


def build(units, initialisation, regularised, rate, clip):
    keras = backend.load_keras()
    layers = keras.layers
    if regularised:
        inner = [
            layers.Embedding(WORDS, units, mask_zero=True),
            layers.Dropout(0.5),
            layers.SimpleRNN(units, recurrent_initializer=initialisation),
            layers.Dropout(0.5),
        ]
    else:
        inner = [layers.Embedding(WORDS, units), layers.SimpleRNN(units, dropout=0.2)]
    model = keras.Sequential([layers.Input((TOKENS,)), *inner, layers.Dense(1, activation="sigmoid")])
    adam = keras.optimizers.Adam(rate, global_clipnorm=clip)
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def effects(probability, rows, vocabulary):
    """Return the mean absolute difference of the probabilities for each position."""
    said = []
    for word in ("excellent", "awful"):
        changed = np.repeat(rows[None], len(POSITIONS), axis=0)
        for of_position, k in zip(changed, POSITIONS):
            of_position[:, -k] = vocabulary.number(word)
        said.append(probability(changed.reshape(-1, TOKENS)).reshape(len(POSITIONS), -1))
    return np.abs(said[0] - said[1]).mean(axis=1)


def train(step, seed):
    keras, data = backend.load_keras(), reviews.load(num_words=WORDS)
    x, x_test = (keras.utils.pad_sequences(part.sequences, maxlen=TOKENS) for part in (data.train, data.test))
    y, n = np.asarray(data.train.labels), int(len(x) * 0.8)
    keras.utils.set_random_seed(seed)
    model = build(*STEPS[step])
    best = keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True)
    started = time.perf_counter()
    history = model.fit(
        x[:n], y[:n], validation_data=(x[n:], y[n:]), epochs=5, batch_size=64, callbacks=[best], verbose=0,
        validation_batch_size=500,
    ).history  # fmt: skip

    def probability(rows):
        return model.predict(rows, batch_size=500, verbose=0)[:, 0]

    validation, curve = probability(x[n:]), np.array(history["val_accuracy"])
    long_ones = x[n:][(x[n:] > 0).all(axis=1)][:200]
    return {
        "kept_epoch": int(np.argmin(history["val_loss"])) + 1,
        "fall": (np.maximum.accumulate(curve) - curve).max(),
        "validation_accuracy": np.mean((validation > 0.5) == y[n:]),
        "validation_loss": min(history["val_loss"]),
        "test_accuracy": np.mean((probability(x_test) > 0.5) == data.test.labels),
        "training_seconds": round(time.perf_counter() - started),
    } | {f"effect_{k}": e for k, e in zip(POSITIONS, effects(probability, long_ones, data.vocabulary))}


def main():
    table = training.sweep(train, {"step": [*STEPS]}, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"]).rename(columns={"training_seconds": "seconds"})
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
