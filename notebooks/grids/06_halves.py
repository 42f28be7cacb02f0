"""Train autoencoders with a deep encoder, a deep decoder, or both, and store 06_halves.csv.

    python notebooks/grids/06_halves.py

About ten minutes on two cores; broken off, it goes on where it was. The encoder is PCA (fitted to the
training digits, not trained any further), one layer or deep, the decoder one layer (with a sigmoid),
"clipped" (one layer that begins as PCA's and is clipped to 0–1 while it is trained and after) or deep; deep:
a hidden layer of relu units. From PCA to one layer Adam's rate is .01 instead of .001, with which it would be
far from its end. 120 epochs of 3,200 digits in batches of 64, the weights of the epoch with the lowest
validation loss, five seeds. train, validation, test: mean squared error with these weights. test_searched,
for codes of 8 that are not PCA's: the same where the code of each test digit, beginning with that of the
encoder, is itself improved by 700 steps of gradient descent, the decoder as it is. The rows "PCA" to "PCA"
are PCA itself, clipped to 0–1.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, SEEDS, CODES = 3200, 120, range(5), (8, 32, 128)
PAIRS = [("one layer", "one layer"), ("one layer", "deep"), ("deep", "one layer"), ("deep", "deep")]
PAIRS += [("PCA", "one layer"), ("PCA", "deep"), ("PCA", "clipped")]
SEARCH = {0.05: 500, 0.01: 200}  # step in standard deviations of a code → steps
NETWORKS = [(*pair, 128, code) for pair in PAIRS for code in CODES]
NETWORKS += [("deep", "deep", 512, 128)]


def build(encoder: str, decoder: str, hidden: int, code: int):
    keras = backend.load_keras()
    layers, ops = keras.layers, keras.ops
    inside = [layers.Flatten()]
    if encoder == "deep":
        inside.append(layers.Dense(hidden, activation="relu"))
    if encoder != "PCA":
        inside.append(layers.Dense(code))
    if decoder == "deep":
        inside.append(layers.Dense(hidden, activation="relu"))
    activation = (lambda x: ops.clip(x, 0, 1)) if decoder == "clipped" else "sigmoid"
    inside += [layers.Dense(784, activation=activation), layers.Reshape((28, 28))]
    shape = (code,) if encoder == "PCA" else (28, 28)
    model = keras.Sequential([layers.Input(shape), *inside])
    rate = 0.01 if (encoder, decoder) == ("PCA", "one layer") else 0.001
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


def parts_of(encoder: str, code: int) -> tuple[dict, list[np.ndarray]]:
    """Return the inputs and targets of each part, by name, and the weights with which PCA decodes.

    The inputs are PCA's codes where it encodes; otherwise there are no weights.
    """
    data = digits.load(source="embedded")
    images = dict(zip(("train", "validation"), np.split(data.train.images, [FITTED])))
    images["test"] = data.test.images
    if encoder != "PCA":
        return {name: (part, part) for name, part in images.items()}, []
    pca = PCA(code, svd_solver="covariance_eigh").fit(images["train"].reshape(FITTED, -1))
    codes = {name: pca.transform(part.reshape(len(part), -1)) for name, part in images.items()}
    scale = codes["train"].std()
    parts = {name: (codes[name] / scale, part) for name, part in images.items()}
    return parts, [scale * pca.components_, pca.mean_]


def error_with_searched_codes(model, encoder: str, inputs: np.ndarray, images: np.ndarray) -> float:
    """Return the mean squared error with the best code that gradient descent finds for each image."""
    keras = backend.load_keras()
    layers, parts = keras.layers, {"PCA": 1, "one layer": 2, "deep": 3}[encoder]
    encode = keras.Sequential([layers.Input(inputs.shape[1:]), *model.layers[:parts]])
    codes = encode.predict(inputs, batch_size=500, verbose=0)
    one_each = layers.Embedding(*codes.shape)
    decode = keras.Sequential([layers.Input(codes.shape[1:]), *model.layers[parts:]])
    decode.trainable = False
    search = keras.Sequential([layers.Input(()), one_each, decode])
    one_each.set_weights([codes])
    which = np.arange(len(codes))
    for step, steps in SEARCH.items():
        search.compile(keras.optimizers.Adam(step * float(codes.std())), "mse")
        search.fit(which, images, batch_size=len(which), epochs=steps, shuffle=False, verbose=0)
    return search.evaluate(which, images, batch_size=len(which), verbose=0)


def train(encoder: str, decoder: str, hidden: int, code: int, seed: int) -> dict:
    keras = backend.load_keras()
    parts, weights_of_pca = parts_of(encoder, code)
    keras.utils.set_random_seed(seed)
    model = build(encoder, decoder, hidden, code)
    if decoder == "clipped":
        model.set_weights(weights_of_pca)
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
    if code == 8 and encoder != "PCA":
        errors["test_searched"] = error_with_searched_codes(model, encoder, *parts["test"])
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
