"""Train forecasters of all sizes, at five rates, with twenty seeds, for notebook 10: 10_forecasters.csv.

    python notebooks/grids/10_forecasters.py

A quarter of an hour on two cores. The noisy sine of notebook 05, windows of 20 values, one LSTM, batches of
32, Adam at a constant rate, 40 epochs. A seed determines the noise and the network, so the networks of one
seed have the same series. The last 200 windows test, a fifth of the others validates. mse_N: mean squared
error on the validation windows after epoch N; test_mse: on the test windows after the last epoch; noise: mean
square of the noise in the values that are forecast, below which no method comes on average. Nothing is chosen
here.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training
from labutils.data import series

GRID = {"units": [1, 2, 4, 8, 16, 32, 64, 128], "rate": [0.0003, 0.001, 0.003, 0.01, 0.03]}
SEEDS, EPOCHS, TEST = range(20), 40, 200


def train(units, rate, seed):
    """Return the validation error after each epoch, and the test error at the end."""
    keras = backend.load_keras()
    sine = series.noisy_sine(seed)
    (x, y), test = series.split_in_time(*series.sliding_windows(sine.values, 20), TEST)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((20, 1)), keras.layers.LSTM(units), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse")
    run = training.fit(model, x, y, epochs=EPOCHS, batch_size=32, validation=0.2, test=test, fast=True)
    curve = {f"mse_{epoch}": value for epoch, value in enumerate(run.history["val_loss"], start=1)}
    noise = np.mean(sine.noise[-TEST:] ** 2)
    return {"parameters": run.parameters, "noise": noise, "test_mse": run.test_loss} | curve


def main():
    table = training.sweep(train, GRID, seeds=SEEDS, **training.sweep_options(__file__))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
