"""Train autoencoders that read and write digits row by row, and store 11_rows.csv.

    python notebooks/grids/11_rows.py

About fifty minutes on two cores; broken off, it goes on where it was. read, write: the row that the encoder
reads, and that the decoder writes, first. Adam's rate is chosen for each kind of layer from the same five, by
the lowest mean validation loss of two trainings (choosing = True); the others have seeds of their own and the
chosen rate, and those of the GRU with a code of 32 are repeated with the SimpleRNN's (best_rate = False). 60
epochs of 3,200 digits in batches of 32, gradients clipped at a global norm of 1, the weights of the epoch
with the lowest validation loss. validation, test, row_0 … row_27: mean squared error with these weights, on
the validation digits, on the test digits, and on each row of the test digits, counted from the top. The GRU
with a code of 32 was also measured on the way, with the weights that it had after 10, 20 and 30 epochs
(`epochs`).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, UNITS, CODE = 3200, 60, 64, 32
ON_THE_WAY = (10, 20, 30)
KINDS, RATES, SEEDS = ("SimpleRNN", "GRU"), (0.0005, 0.001, 0.002, 0.005, 0.01), range(5)
CHOOSING = (100,)
ORDERS = {"top": slice(None), "bottom": slice(None, None, -1)}


def build(kind: str, code: int, rate: float):
    keras = backend.load_keras()
    layers = keras.layers
    recurrent = getattr(layers, kind)
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            recurrent(UNITS),
            layers.Dense(code),
            layers.RepeatVector(28),
            recurrent(UNITS, return_sequences=True),
            layers.Dense(28, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), "mse")
    return model


def errors_of_rows(model, images: np.ndarray, reading: slice, writing: slice) -> np.ndarray:
    """Return the mean squared error of each row, counted from the top."""
    written = model.predict(images[:, reading], batch_size=500, verbose=0)[:, writing]
    return np.mean((written - images) ** 2, axis=(0, 2))


def train(kind, code, read, write, rate, seed) -> dict:
    keras = backend.load_keras()
    data = digits.load(source="embedded")
    (fitted, validation), test = np.split(data.train.images, [FITTED]), data.test.images
    reading, writing = ORDERS[read], ORDERS[write]
    keras.utils.set_random_seed(seed)
    model = build(kind, code, rate)
    run = training.fit(
        model,
        fitted[:, reading],
        fitted[:, writing],
        epochs=EPOCHS,
        batch_size=32,
        validation=(validation[:, reading], validation[:, writing]),
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
        fast=True,
    )
    rows = errors_of_rows(model, test, reading, writing)
    result = {"epochs": EPOCHS, "choosing": seed in CHOOSING}
    result |= {"parameters": run.parameters, "kept_epoch": run.kept_epoch}
    result |= {"validation": run.at_kept_epoch("val_loss"), "test": rows.mean()}
    return result | {f"row_{n}": error for n, error in enumerate(rows)}


def train_on_the_way(kind, code, read, write, rate, seed) -> dict:
    """Return what `train` returns, as lists: after each of these numbers of epochs."""
    keras = backend.load_keras()
    data = digits.load(source="embedded")
    (fitted, validation), test = np.split(data.train.images, [FITTED]), data.test.images
    reading, writing = ORDERS[read], ORDERS[write]
    keras.utils.set_random_seed(seed)
    model, results, before = build(kind, code, rate), [], 0
    for epochs in ON_THE_WAY:
        run = training.fit(
            model, fitted[:, reading], fitted[:, writing], epochs=epochs - before, batch_size=32, fast=True
        )
        before = epochs
        rows = errors_of_rows(model, test, reading, writing)
        of_validation = errors_of_rows(model, validation, reading, writing).mean()
        result = {"epochs": epochs, "choosing": False, "parameters": run.parameters, "kept_epoch": epochs}
        result |= {"validation": of_validation, "test": rows.mean()}
        results.append(result | {f"row_{n}": error for n, error in enumerate(rows)})
    return pd.DataFrame(results).to_dict("list")


def swept(settings, seeds, train=train, part=""):
    """Return the results of these runs."""
    table = training.sweep(train, settings, seeds=seeds, **training.sweep_options(__file__, part))
    assert not table.failed.any(), table.failed.unique()
    return table


def main() -> None:
    names = ("kind", "code", "read", "write")
    kinds = [(kind, CODE, "top", write) for kind in KINDS for write in ORDERS]
    tried = swept([dict(zip(names, of)) | {"rate": rate} for of in kinds for rate in RATES], CHOOSING)
    means = tried.groupby(["kind", "rate"]).validation.mean()
    best = {kind: means[kind].idxmin() for kind in KINDS}
    kinds = [(kind, CODE, read, write) for kind in KINDS for read in ORDERS for write in ORDERS]
    kinds += [("GRU", 8, "top", "top")]
    others = swept([dict(zip(names, of)) | {"rate": best[of[0]]} for of in kinds], SEEDS)
    again = [dict(zip(names, of)) | {"rate": best["SimpleRNN"]} for of in kinds if of[:2] == ("GRU", CODE)]
    gru = [dict(zip(names, of)) | {"rate": best["GRU"]} for of in kinds if of[:2] == ("GRU", CODE)]
    on_the_way = swept(gru, SEEDS, train_on_the_way, "on_the_way")
    lists = [name for name in others.columns if name not in (*names, "rate", "seed", "seconds", "failed")]
    on_the_way = on_the_way.explode(lists).infer_objects()
    table = pd.concat([tried, others, swept(again, SEEDS), on_the_way])
    table = table.drop(columns=["seconds", "failed"])
    table.insert(6, "best_rate", table.rate == table.kind.map(best))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
