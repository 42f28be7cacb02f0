"""Change one setting of the published forecaster at a time, for notebook 05, and store 05_limits.csv.

    python notebooks/grids/05_limits.py

About ten minutes on two cores. Ten draws of the noise for every setting. ratio: mean square error on the
last 198 values over the mean square of their noise. training_windows: those before the test part, a fifth
of them kept out for validation as published, with epochs so many that there are as many updates.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from labutils import backend, training
from labutils.data import series

PUBLISHED = {"length": 10, "units": 50, "epochs": 20, "training_windows": 792, "noise": 0.1}
CHANGES = {
    "length": (5, 10, 20, 50, 100),
    "units": (5, 20, 50, 100, 200),
    "epochs": (2, 5, 20, 60, 200),
    "training_windows": (200, 400, 792, 1600, 3200),
    "noise": (0.02, 0.05, 0.1, 0.2, 0.4),
}
TEST, DRAWS = 198, range(10)


def ratio(draw: int, length: int, units: int, epochs: int, training_windows: int, noise: float) -> float:
    """Return the test error of one forecaster over that of the noise."""
    keras = backend.load_keras()
    samples = max(1000, training_windows + length + TEST)
    sine = series.noisy_sine(draw, samples=samples, begin=10 - (samples - 1) * 10 / 999, noise=noise)
    data = series.split_in_time(*series.sliding_windows(sine.values, length), TEST)
    (x, y), test = data
    x, y = x[-training_windows:], y[-training_windows:]
    epochs = round(epochs * PUBLISHED["training_windows"] / training_windows)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((length, 1)), keras.layers.LSTM(units), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    run = training.fit(
        model,
        x,
        y,
        epochs=epochs,
        batch_size=32,
        validation=0.2,
        test=test,
        fast=True,
    )
    return run.test_loss / float(np.mean(sine.noise[-TEST:] ** 2))


def over_draws(setting: dict) -> list[dict]:
    return [setting | {"draw": draw, "ratio": ratio(draw, **setting)} for draw in DRAWS]


def main() -> None:
    settings = [PUBLISHED | {name: value} for name, values in CHANGES.items() for value in values]
    settings = [dict(items) for items in dict.fromkeys(tuple(s.items()) for s in settings)]
    groups = Parallel(n_jobs=2, verbose=5)(delayed(over_draws)(setting) for setting in settings)
    rows = [row for group in groups for row in group]
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
