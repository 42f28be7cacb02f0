"""Train flat autoencoders of several kinds, code sizes and amounts of data; store 06_sizes.csv.

    python notebooks/grids/06_sizes.py

About fifteen minutes on two cores. 120 epochs of 3,200 digits in batches of 64; with fewer digits so many
more epochs. The weights kept are those of the epoch with the lowest validation loss. validation, test: mean
square error with these; early: on the validation digits, after 50 of the 120 epochs.
"""

import os
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, SEEDS = 3200, 120, (0, 1, 2)
KINDS = {"linear": (), "one layer": (), "deep": (128,), "deep, 24 hidden units": (24,)}
CODES, AMOUNTS = (2, 4, 8, 16, 32, 64, 128), (200, 400, 800, 1600)
JOBS = [("linear", code, FITTED) for code in (2, 8, 32, 128)]
JOBS += [(kind, code, FITTED) for kind in ("one layer", "deep") for code in CODES]
JOBS += [("deep, 24 hidden units", code, FITTED) for code in (8, 32)]
JOBS += [("deep", code, amount) for code in (8, 32) for amount in AMOUNTS]


def build(kind: str, code: int):
    keras = backend.load_keras()
    layers = keras.layers
    hidden = KINDS[kind]
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            *(layers.Dense(units, activation="relu") for units in hidden),
            layers.Dense(code),
            *(layers.Dense(units, activation="relu") for units in reversed(hidden)),
            layers.Dense(784, activation=None if kind == "linear" else "sigmoid"),
            layers.Reshape((28, 28)),
        ]
    )
    model.compile("adam", "mse")
    return model


def train_and_measure(kind: str, code: int, amount: int, seed: int) -> dict:
    keras = backend.load_keras()
    data = digits.load(source="embedded")
    x, validation = data.train.images[:amount], data.train.images[FITTED:]
    epochs = EPOCHS * FITTED // amount
    keras.utils.set_random_seed(seed)
    run = training.fit(
        build(kind, code),
        x,
        x,
        epochs=epochs,
        batch_size=64,
        validation=(validation, validation),
        test=(data.test.images, data.test.images),
        callbacks=[keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)],
        fast=True,
    )
    return {
        "kind": kind,
        "code": code,
        "digits": amount,
        "seed": seed,
        "parameters": run.parameters,
        "early": run.history["val_loss"][50 * FITTED // amount - 1],
        "kept_epoch": run.kept_epoch,
        "validation": run.at_kept_epoch("val_loss"),
        "test": run.test_loss,
    }


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
