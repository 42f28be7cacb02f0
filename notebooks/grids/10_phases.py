"""Judge the forecasters of 10_forecasters.py on other noise, for notebook 10: 10_phases.csv.

    python notebooks/grids/10_phases.py

Ten minutes on two cores; wants 10_forecasters.csv. The same trainings, ten seeds of the settings whose
validation error is below 1.5 times the variance of the noise, on average; each network then forecasts
further series, the same sine with other noise (seeds 1000 to 1019, none of which any training has seen),
in three stretches: where the validation windows lie, where the test windows lie, and over the whole
series.

validation, test: mean squared error on the series of the training (as in 10_forecasters.csv);
other_validation, other_test, other_whole: mean over the twenty further series, in the three stretches;
once_whole: over the whole of one further series (noise 2000 + seed). Nothing is chosen here.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from labutils import backend, training
from labutils.data import series

SEEDS, EPOCHS, TEST, LIMIT = range(10), 40, 200, 1.5 * 0.1**2


def settings() -> list[dict]:
    """Return those whose mean validation error is below LIMIT."""
    runs = pd.read_csv(Path(__file__).with_name("10_forecasters.csv"))
    error = runs.groupby(["units", "rate"]).mse_40.mean()
    return [{"units": units, "rate": rate} for units, rate in error.index[error < LIMIT]]


def train(units, rate, seed):
    """Return the errors of one forecaster on its own series and on others."""
    keras = backend.load_keras()
    (x, y), test = series.split_in_time(*series.sliding_windows(series.noisy_sine(seed).values, 20), TEST)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((20, 1)), keras.layers.LSTM(units), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse")
    run = training.fit(model, x, y, epochs=EPOCHS, batch_size=32, validation=0.2, test=test, fast=True)
    stretches = {
        "validation": slice(int(0.8 * len(x)), len(x)),
        "test": slice(len(x), None),
        "whole": slice(None),
    }

    def squared_errors(noise):
        windows, targets = series.sliding_windows(series.noisy_sine(noise).values, 20)
        return (model.predict_on_batch(windows) - targets) ** 2

    others = [squared_errors(noise) for noise in range(1000, 1020)]
    judged = {f"other_{name}": np.mean([squares[part].mean() for squares in others])
              for name, part in stretches.items()}  # fmt: skip
    own = {"validation": run.history["val_loss"][-1], "test": run.test_loss}
    return own | judged | {"once_whole": squared_errors(2000 + seed).mean()}


def main():
    table = training.sweep(train, settings(), seeds=SEEDS, **training.sweep_options(__file__))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
