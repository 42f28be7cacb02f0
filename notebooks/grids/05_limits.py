"""Change one setting of the published forecaster at a time, for notebook 05, and store 05_limits.csv.

    python notebooks/grids/05_limits.py

Thirteen minutes on two cores; broken off, it goes on where it was. Ten noise realisations (seeds 100 to 109,
of the network, too), none of which judges anything later. ratio: mean squared error of the LSTM on the last
198 values over the mean square of their noise; regression_ratio: that of linear regression on the same
windows. training_windows: the last ones before the test part (spread: so many, at equal distances over all of
them), a fifth of them held out for validation as published, with so many epochs that there are as many
updates.
"""

from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression

from labutils import backend, training
from labutils.data import series

PUBLISHED = {
    "length": 10,
    "units": 50,
    "epochs": 20,
    "training_windows": 792,
    "noise": 0.1,
    "spread": False,
}
CHANGES = {
    "length": (5, 10, 20, 50, 100),
    "units": (5, 20, 50, 100, 200),
    "epochs": (2, 5, 20, 60, 200),
    "training_windows": (200, 400, 792, 1600, 3200),
    "noise": (0.02, 0.05, 0.1, 0.2, 0.4),
}
FEWER = [{"training_windows": windows, "spread": True} for windows in (200, 400)]
CARRIED_ON = [{"length": 100, "epochs": 200}]
CARRIED_ON += [{"units": units, "epochs": 200} for units in (5, 20, 200)]  # other units, trained to the end
TEST, SEEDS = 198, range(100, 110)


def train(length, units, epochs, training_windows, noise, spread, seed):
    """Return the test errors of the LSTM and of linear regression, over that of the noise."""
    keras = backend.load_keras()
    samples = max(1000, training_windows + length + TEST)
    sine = series.noisy_sine(seed, samples=samples, begin=10 - (samples - 1) * 10 / 999, noise=noise)
    (x, y), test = series.split_in_time(*series.sliding_windows(sine.values, length), TEST)
    if spread:
        rows = np.linspace(0, len(x) - 1, training_windows).astype(int)
        x, y = x[rows], y[rows]
    x, y = x[-training_windows:], y[-training_windows:]
    epochs = round(epochs * PUBLISHED["training_windows"] / training_windows)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.layers.Input((length, 1)), keras.layers.LSTM(units), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    run = training.fit(model, x, y, epochs=epochs, batch_size=32, validation=0.2, test=test, fast=True)
    n_fit = int(len(x) * 0.8)
    line = LinearRegression().fit(x[:n_fit, :, 0], y[:n_fit, 0]).predict(test[0][:, :, 0])
    floor = np.mean(sine.noise[-TEST:] ** 2)
    return {"ratio": run.test_loss / floor, "regression_ratio": np.mean((line - test[1][:, 0]) ** 2) / floor}


def main():
    settings = [PUBLISHED | {name: value} for name, values in CHANGES.items() for value in values]
    settings += [PUBLISHED | change for change in FEWER + CARRIED_ON]
    settings = [dict(items) for items in dict.fromkeys(tuple(s.items()) for s in settings)]
    table = training.sweep(train, settings, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
