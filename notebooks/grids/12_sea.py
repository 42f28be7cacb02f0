"""Backtest forecasts of the sea-surface temperature from a rolling origin: 12_sea.csv, 12_sea_settings.csv.

    python notebooks/grids/12_sea.py

About six minutes on two cores; broken off, it goes on where it was. The years 1980 to 2009 are forecast in
six stretches of five years. Before each, everything is fitted anew to the months before it: the climatology,
which is the mean of each calendar month, and the models, all of which read anomalies (temperature minus
climatology) and forecast those of the next twelve months, from every month of the stretch; with change =
True, how they differ from the last one. Settings are chosen once, by the mean squared error over all twelve
horizons in 1972 to 1979 after fitting to the months before 1972 (12_sea_settings.csv has all that were tried;
the LSTM's are means of three seeds, and one_month_ahead is the error at the first horizon alone).
12_sea.csv: one row for each first month and horizon, with the temperature measured and the forecasts (°C),
the LSTMs' with five seeds.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, Ridge

from labutils import backend, training
from labutils.data import series

HORIZON, STRETCHES, YEARS, CHOOSING = 12, range(1980, 2010, 5), 5, (1972, 1979)
SEEDS = {"choosing": range(100, 103), "judging": range(5)}
HERE = Path(__file__).parent


class DampedPersistence:
    """For each horizon, a share of the last anomaly, fitted by least squares."""

    def fit(self, x, y):
        self.line = LinearRegression(fit_intercept=False).fit(x[:, -1:], y)
        return self

    def predict(self, x):
        return self.line.predict(x[:, -1:])


class Network:
    """An LSTM of one layer with dropout and weight decay, twelve outputs."""

    def __init__(self, units, rate, epochs, seed):
        self.units, self.rate, self.epochs, self.seed = units, rate, epochs, seed

    def fit(self, x, y):
        keras = backend.load_keras()
        keras.utils.set_random_seed(self.seed)
        self.scale = x.std()
        self.model = keras.Sequential([
            keras.layers.Input((x.shape[1], 1)),
            keras.layers.LSTM(self.units),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(HORIZON),
        ])  # fmt: skip
        rate = keras.optimizers.schedules.CosineDecay(self.rate, self.epochs * -(-len(x) // 32))
        self.model.compile(keras.optimizers.Adam(rate, weight_decay=0.01), "mse")
        x, y = x[..., None] / self.scale, y / self.scale
        training.fit(self.model, x, y, epochs=self.epochs, batch_size=32, fast=True)
        return self

    def predict(self, x):
        return self.model.predict_on_batch(x[..., None] / self.scale) * self.scale


NETWORKS = {"lags": [6, 12, 24], "units": [8, 32], "rate": [0.001, 0.003], "epochs": [20, 60, 150]}
METHODS = {
    "damped persistence": (lambda seed: DampedPersistence(), {"lags": [1]}),
    "ridge regression": (
        lambda penalty, seed: Ridge(alpha=penalty),
        {"lags": [3, 6, 12, 24, 36], "penalty": [1, 10, 100, 1000], "change": [False, True]},
    ),
    "LSTM": (Network, NETWORKS | {"change": [False]}),
    "LSTM of changes": (Network, NETWORKS | {"change": [True]}),
}


def forecasts(method, setting, first_year, end_year, seed):
    """Return the first months (n,) of the stretch, and the forecast and actual temperatures (n, 12)."""
    sea, months = series.el_nino(), np.arange(len(series.el_nino())) % 12
    begin, end = (12 * (year - 1950) for year in (first_year, end_year))
    climatology = np.array([sea.values[:begin][months[:begin] == month].mean() for month in range(12)])
    anomalies = sea.values - climatology[months]
    others = setting.copy()
    lags, change = others.pop("lags"), others.pop("change", False)
    x, y = series.sliding_windows(anomalies[:begin], lags, HORIZON)
    x = x[:, :, 0]
    model = METHODS[method][0](**others, seed=seed).fit(x, y - change * x[:, -1:])
    first_months = np.arange(begin, min(end, len(sea) - HORIZON + 1))
    windows = np.stack([anomalies[first - lags : first] for first in first_months])
    ahead = first_months[:, None] + np.arange(HORIZON)
    forecast = model.predict(windows) + change * windows[:, -1:] + climatology[months[ahead]]
    return first_months, forecast, sea.values[ahead]


def train(method, first_year, end_year, seed, **setting):
    """Return the error in the years for choosing; of other years all forecasts, as lists."""
    first_months, forecast, actual = forecasts(method, setting, first_year, end_year, seed)
    if (first_year, end_year) == CHOOSING:
        shown = ", ".join(f"{key} {value}" for key, value in setting.items())
        errors = np.mean((forecast - actual) ** 2, axis=0)
        return {"setting": shown, "mean_squared_error": errors.mean(), "one_month_ahead": errors[0]}
    return {
        "label": f"{method}, seed {seed}" if "LSTM" in method else method,
        "month": np.repeat(first_months, HORIZON),
        "horizon": np.tile(np.arange(1, HORIZON + 1), len(first_months)),
        "actual": actual.ravel(),
        "forecast": forecast.ravel(),
    }


def swept(settings, stretches, seeds):
    """Return the results for all settings and stretches; these are the seeds of the LSTMs."""
    runs = [
        setting | {"first_year": first, "end_year": end} for setting in settings for first, end in stretches
    ]
    others = [run for run in runs if "LSTM" not in run["method"]]
    networks = [run for run in runs if "LSTM" in run["method"]]
    options = training.sweep_options(__file__)
    parts = [
        training.sweep(train, others, seeds=(0,), **options),
        training.sweep(train, networks, seeds=seeds, **options),
    ]
    table = pd.concat(parts, ignore_index=True)
    assert not table.failed.any(), table.failed.unique()
    return table


def main():
    settings = [
        {"method": name} | dict(zip(options, values))
        for name, (_, options) in METHODS.items()
        for values in itertools.product(*options.values())
    ]
    tried = swept(settings, [CHOOSING], SEEDS["choosing"])
    errors = ["mean_squared_error", "one_month_ahead"]
    choices = tried.groupby(["method", "setting"], sort=False, as_index=False)[errors].mean()
    best = choices.groupby("method", sort=False).mean_squared_error.idxmin()
    choices["chosen"] = choices.index.isin(best)
    choices.to_csv(HERE / "12_sea_settings.csv", index=False, float_format="%.4f")
    print(choices[choices.chosen].to_string())
    stretches = [(year, year + YEARS) for year in STRETCHES]
    table = swept([settings[i] for i in best], stretches, SEEDS["judging"])
    table = table.explode(["month", "horizon", "actual", "forecast"]).infer_objects()
    table = table.pivot(index=["month", "horizon", "actual"], columns="label", values="forecast")
    table.reset_index().to_csv(HERE / "12_sea.csv", index=False, float_format="%.3f")


if __name__ == "__main__":
    main()
