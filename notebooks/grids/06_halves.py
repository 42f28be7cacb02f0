"""Train autoencoders with a deep encoder, a deep decoder, or both, and store 06_halves.csv.

    python notebooks/grids/06_halves.py

About five minutes on two cores; broken off, it goes on where it was. The encoder is PCA (fitted to the
training digits, not trained any further), one layer or deep, the decoder one layer or deep; deep: a hidden
layer of relu units. From PCA to one layer Adam's rate is .01 instead of .001, with which it would be far from
its end. 120 epochs of 3,200 digits in batches of 64, the weights of the epoch with the lowest validation
loss, five seeds. train, validation, test: mean squared error with these weights. The rows "PCA" to "PCA" are
PCA itself, clipped to 0–1.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, SEEDS, CODES = 3200, 120, range(5), (8, 32, 128)
PAIRS = [("one layer", "one layer"), ("one layer", "deep"), ("deep", "one layer"), ("deep", "deep")]
PAIRS += [("PCA", "one layer"), ("PCA", "deep")]
NETWORKS = [(*pair, 128, code) for pair in PAIRS for code in CODES]
NETWORKS += [("deep", "deep", 512, 128)]


def build(encoder: str, decoder: str, hidden: int, code: int):
    keras = backend.load_keras()
    layers = keras.layers
    inside = [layers.Flatten()]
    if encoder == "deep":
        inside.append(layers.Dense(hidden, activation="relu"))
    if encoder != "PCA":
        inside.append(layers.Dense(code))
    if decoder == "deep":
        inside.append(layers.Dense(hidden, activation="relu"))
    inside += [layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28))]
    shape = (code,) if encoder == "PCA" else (28, 28)
    model = keras.Sequential([layers.Input(shape), *inside])
    rate = 0.01 if (encoder, decoder) == ("PCA", "one layer") else 0.001
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


def parts_of(encoder: str, code: int) -> dict:
    """Return the inputs and targets of each part, by name; the inputs are PCA's codes where it encodes."""
    data = digits.load(source="embedded")
    images = dict(zip(("train", "validation"), np.split(data.train.images, [FITTED])))
    images["test"] = data.test.images
    if encoder != "PCA":
        return {name: (part, part) for name, part in images.items()}
    pca = PCA(code, svd_solver="covariance_eigh").fit(images["train"].reshape(FITTED, -1))
    codes = {name: pca.transform(part.reshape(len(part), -1)) for name, part in images.items()}
    scale = codes["train"].std()
    return {name: (codes[name] / scale, part) for name, part in images.items()}


def train(encoder: str, decoder: str, hidden: int, code: int, seed: int) -> dict:
    keras = backend.load_keras()
    parts = parts_of(encoder, code)
    keras.utils.set_random_seed(seed)
    model = build(encoder, decoder, hidden, code)
    run = training.fit(
        model,
        *parts["train"],
        epochs=EPOCHS,
        batch_size=64,
        validation=parts["validation"],
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
        fast=True,
    )
    errors = {
        name: np.mean((model.predict(x, batch_size=500, verbose=0) - y) ** 2)
        for name, (x, y) in parts.items()
    }
    return {"kept_epoch": run.kept_epoch} | errors


def by_pca(code: int) -> dict:
    data = digits.load(source="embedded")
    parts = dict(zip(("train", "validation"), np.split(data.train.images.reshape(-1, 784), [FITTED])))
    parts["test"] = data.test.images.reshape(-1, 784)
    pca = PCA(code, svd_solver="covariance_eigh").fit(parts["train"])
    made = {name: np.clip(pca.inverse_transform(pca.transform(part)), 0, 1) for name, part in parts.items()}
    row = {"encoder": "PCA", "decoder": "PCA", "hidden": 0, "code": code, "seed": 0, "kept_epoch": 0}
    return row | {name: np.mean((made[name] - part) ** 2) for name, part in parts.items()}


def main() -> None:
    settings = [dict(zip(("encoder", "decoder", "hidden", "code"), network)) for network in NETWORKS]
    table = training.sweep(train, settings, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = pd.concat([table.drop(columns=["seconds", "failed"]), pd.DataFrame(map(by_pca, CODES))])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
