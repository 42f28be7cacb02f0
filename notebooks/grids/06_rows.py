"""Train autoencoders that read digits row by row, and flat ones beside them, and store 06_rows.csv.

    python notebooks/grids/06_rows.py

About fifty minutes on two cores. order: the row that is read first, "all at once" for the flat networks;
the rows are always written from the top. One line for each training, all of them with as many steps:
validation loss after every tenth epoch; then, with the weights of the best epoch, the mean square error on
the validation and the test digits, and for each of the 28 rows of the test digits, counted from the top.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, SEEDS = 3200, 60, (0, 1, 2)
ORDERS = {"top first": slice(None), "bottom first": slice(None, None, -1)}
FLAT = {"flat": (128,), "flat, 24 hidden units": (24,), "flat, one layer": ()}
JOBS = [("GRU", 32, order) for order in ORDERS] + [("LSTM", 32, order) for order in ORDERS]
JOBS += [("GRU", 8, "top first")] + [("SimpleRNN", 32, order) for order in ORDERS]
JOBS += [(kind, code, "all at once") for kind in FLAT for code in (8, 32)]


def build(kind: str, code: int):
    keras = backend.load_keras()
    layers = keras.layers
    if kind in FLAT:
        widths = FLAT[kind]
        inside = [
            layers.Flatten(),
            *(layers.Dense(units, activation="relu") for units in widths),
            layers.Dense(code),
            *(layers.Dense(units, activation="relu") for units in widths),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ]
        adam = "adam"
    else:
        recurrent = getattr(layers, kind)
        inside = [
            recurrent(64),
            layers.Dense(code),
            layers.RepeatVector(28),
            recurrent(64, return_sequences=True),
            layers.Dense(28, activation="sigmoid"),
        ]
        adam = keras.optimizers.Adam(0.005, global_clipnorm=1.0)
    model = keras.Sequential([layers.Input((28, 28)), *inside])
    model.compile(adam, "mse")
    return model


def train_and_measure(kind: str, code: int, order: str, seed: int) -> dict:
    keras = backend.load_keras()
    data = digits.load(source="embedded")
    read = ORDERS.get(order, slice(None))
    (x, validation), test = np.split(data.train.images, [FITTED]), data.test.images
    keras.utils.set_random_seed(seed)
    model = build(kind, code)
    run = training.fit(
        model,
        x[:, read],
        x,
        epochs=EPOCHS,
        batch_size=32,
        validation=(validation[:, read], validation),
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
        fast=True,
    )
    errors = (model.predict(test[:, read], batch_size=500, verbose=0) - test) ** 2
    result = {"kind": kind, "code": code, "order": order, "seed": seed, "parameters": run.parameters}
    result |= {f"epoch_{n}": run.history["val_loss"][n - 1] for n in range(10, EPOCHS + 1, 10)}
    result |= {
        "kept_epoch": run.kept_epoch,
        "validation": run.at_kept_epoch("val_loss"),
        "test": errors.mean(),
    }
    return result | {f"row_{n}": error for n, error in enumerate(errors.mean(axis=(0, 2)))}


def main() -> None:
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # two trainings at a time
    done = Parallel(n_jobs=2, verbose=5, return_as="generator")(
        delayed(train_and_measure)(*job, seed) for job in JOBS for seed in SEEDS
    )
    rows = []
    for row in done:
        rows.append(row)
        pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
