"""Train autoencoders of several kinds, code lengths, widths and amounts of data; store 06_sizes.csv.

    python notebooks/grids/06_sizes.py

About half an hour on two cores; broken off, it goes on where it was. 6,000 steps with batches of 64 (120
epochs of 3,200 digits; with fewer digits so many more epochs); the weights kept are those of the epoch with
the lowest validation loss. hidden: units of each hidden layer (0: none). validation, test: mean squared error
with the kept weights, reconstructions clipped to 0–1. auc_turned, auc_letters: area under the ROC curve when
the squared error of the reconstruction is to tell the test digits from test digits 3, 4 and 7 turned by 180
degrees, and from printed letters that are no digits.
"""

from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, SEEDS = 3200, 120, range(5)
CODES, AMOUNTS, LETTERS = (2, 4, 8, 16, 32, 64, 128), (200, 800), "ACEFHKMNRUVWXY"
NETWORKS = [
    (kind, hidden, code, FITTED) for kind, hidden in [("linear", 0), ("one layer", 0)] for code in CODES
]
NETWORKS += [("deep", 128, code, FITTED) for code in CODES]
NETWORKS += [("deep", 128, code, amount) for code in (8, 32) for amount in AMOUNTS]
NETWORKS += [("convolutional", 0, code, FITTED) for code in (2, 8, 32, 128)]
NETWORKS += [("deep", hidden, code, FITTED) for hidden in (32, 512) for code in (8, 32, 128)]


def build(kind: str, hidden: int, code: int):
    keras = backend.load_keras()
    layers = keras.layers
    if kind == "convolutional":
        inside = [
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(code),
            layers.Dense(7 * 7 * 32, activation="relu"),
            layers.Reshape((7, 7, 32)),
            layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
        ]
    else:
        widths = [hidden] if hidden else []
        inside = [
            layers.Flatten(),
            *(layers.Dense(units, activation="relu") for units in widths),
            layers.Dense(code),
            *(layers.Dense(units, activation="relu") for units in widths),
            layers.Dense(784, activation=None if kind == "linear" else "sigmoid"),
        ]
    model = keras.Sequential([layers.Input((28, 28)), *inside, layers.Reshape((28, 28))])
    model.compile("adam", "mse")
    return model


def train(kind: str, hidden: int, code: int, amount: int, seed: int) -> dict:
    keras = backend.load_keras()
    data = digits.load(source="embedded")
    fitted, validation, test = data.train.images[:amount], data.train.images[FITTED:], data.test.images
    epochs = EPOCHS * FITTED // amount
    keras.utils.set_random_seed(seed)
    model = build(kind, hidden, code)
    run = training.fit(
        model,
        fitted,
        fitted,
        epochs=epochs,
        batch_size=64,
        validation=(validation, validation),
        callbacks=[keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)],
        fast=True,
    )

    def errors(images):
        clipped = np.clip(model.predict(images, batch_size=500, verbose=0), 0, 1)
        return np.mean((clipped - images) ** 2, axis=(1, 2))

    letters, names = digits.letters()
    turned = np.roll(test[np.isin(data.test.labels, (3, 4, 7)), ::-1, ::-1], 1, axis=(1, 2))  # centred again
    ordinary, letters = errors(test), letters[np.isin(names, list(LETTERS))]

    def auc(anomalies):
        scores = errors(anomalies)
        return roc_auc_score(np.repeat([0, 1], [len(test), len(scores)]), np.concatenate([ordinary, scores]))

    return {
        "parameters": run.parameters,
        "kept_epoch": run.kept_epoch,
        "validation": errors(validation).mean(),
        "test": ordinary.mean(),
        "auc_turned": auc(turned),
        "auc_letters": auc(letters),
    }


def main() -> None:
    settings = [dict(zip(("kind", "hidden", "code", "amount"), network)) for network in NETWORKS]
    table = training.sweep(train, settings, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.rename(columns={"amount": "digits"}).drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
