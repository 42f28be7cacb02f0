"""Train the deep autoencoder with a code of 128 five times as long as 06_sizes.py does; store 06_longer.csv.

    python notebooks/grids/06_longer.py

Ten minutes on two cores. 600 epochs of 3,200 digits, the last fifth at a fifth of the learning rate; the last
weights count. training, test: fraction of variance unexplained, reconstructions clipped to 0–1.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training
from labutils.data import digits

FITTED, SEEDS = 3200, range(5)
EPOCHS = {0.001: 480, 0.0002: 120}  # learning rate → epochs


def train(hidden: int, code: int, seed: int) -> dict:
    keras = backend.load_keras()
    layers = keras.layers
    data = digits.load(source="embedded")
    fitted, test = data.train.images[:FITTED], data.test.images
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(code),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ]
    )
    model.compile("adam", "mse")
    for rate, epochs in EPOCHS.items():
        model.optimizer.learning_rate = rate
        training.fit(model, fitted, fitted, epochs=epochs, batch_size=64, fast=True)

    def unexplained(images):
        clipped = np.clip(model.predict(images, batch_size=500, verbose=0), 0, 1)
        return np.mean((clipped - images) ** 2) / np.mean((images - fitted.mean(axis=0)) ** 2)

    return {"training": unexplained(fitted), "test": unexplained(test)}


def main() -> None:
    settings = [{"hidden": 128, "code": 128}]
    table = training.sweep(train, settings, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
