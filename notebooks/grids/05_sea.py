"""Backtest forecasts of the sea-surface temperature from a rolling origin: 05_sea.csv, 05_sea_settings.csv.

    python notebooks/grids/05_sea.py

About six minutes on two cores. The years 1980 to 2009 are forecast in six stretches of five years. Before
each, everything is fitted anew to the months before it: the climatology, which is the mean of each calendar
month, and the models, all of which read anomalies (temperature minus climatology) and forecast those of the
next twelve months, from every month of the stretch; with change = True, how they differ from the last one.
Settings are chosen once, by the mean squared error over all twelve horizons in 1972 to 1979 after fitting
to the months before 1972 (05_sea_settings.csv has all that were tried; the LSTM's are means of three
seeds). 05_sea.csv: one row for each first month and horizon, with the temperature measured and the
forecasts (°C), the LSTMs' with five seeds.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor

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


def boosting(trees, rate, seed):
    return MultiOutputRegressor(
        HistGradientBoostingRegressor(max_iter=trees, learning_rate=rate, random_state=seed)
    )


NETWORKS = {"lags": [6, 12, 24], "units": [8, 32], "rate": [0.001, 0.003], "epochs": [20, 60, 150]}
METHODS = {
    "damped persistence": (lambda seed: DampedPersistence(), {"lags": [1]}),
    "ridge regression": (
        lambda penalty, seed: Ridge(alpha=penalty),
        {"lags": [3, 6, 12, 24, 36], "penalty": [1, 10, 100, 1000], "change": [False, True]},
    ),
    "gradient boosting": (
        boosting,
        {"lags": [3, 12, 24], "trees": [20, 60, 150], "rate": [0.03, 0.1], "change": [False, True]},
    ),
    "LSTM": (Network, NETWORKS | {"change": [False]}),
    "LSTM of changes": (Network, NETWORKS | {"change": [True]}),
}


def forecasts(name, setting, first_year, end_year, seed):
    """Return the first months (n,) of the stretch, and the forecast and actual temperatures (n, 12)."""
    sea, months = series.el_nino(), np.arange(len(series.el_nino())) % 12
    begin, end = (12 * (year - 1950) for year in (first_year, end_year))
    climatology = np.array([sea.values[:begin][months[:begin] == month].mean() for month in range(12)])
    anomalies = sea.values - climatology[months]
    others = setting.copy()
    lags, change = others.pop("lags"), others.pop("change", False)
    x, y = series.sliding_windows(anomalies[:begin], lags, HORIZON)
    x = x[:, :, 0]
    model = METHODS[name][0](**others, seed=seed).fit(x, y - change * x[:, -1:])
    first_months = np.arange(begin, min(end, len(sea) - HORIZON + 1))
    windows = np.stack([anomalies[first - lags : first] for first in first_months])
    ahead = first_months[:, None] + np.arange(HORIZON)
    forecast = model.predict(windows) + change * windows[:, -1:] + climatology[months[ahead]]
    return first_months, forecast, sea.values[ahead]


def tried(name, setting):
    errors = []
    for seed in SEEDS["choosing"] if "LSTM" in name else (0,):
        _, forecast, actual = forecasts(name, setting, *CHOOSING, seed)
        errors.append(np.mean((forecast - actual) ** 2))
    shown = ", ".join(f"{key} {value}" for key, value in setting.items())
    return {"method": name, "setting": shown, "mean_squared_error": np.mean(errors)}


def judged(name, setting, year, seed):
    first_months, forecast, actual = forecasts(name, setting, year, year + YEARS, seed)
    label = f"{name}, seed {seed}" if "LSTM" in name else name
    return [
        {
            "month": month,
            "horizon": i + 1,
            "actual": actual[row, i],
            "label": label,
            "forecast": forecast[row, i],
        }
        for row, month in enumerate(first_months)
        for i in range(HORIZON)
    ]


def main():
    choices, jobs = [], []
    for name, (_, options) in METHODS.items():
        settings = [dict(zip(options, values)) for values in itertools.product(*options.values())]
        results = Parallel(n_jobs=2)(delayed(tried)(name, setting) for setting in settings)
        best = int(np.argmin([row["mean_squared_error"] for row in results]))
        choices += [row | {"chosen": i == best} for i, row in enumerate(results)]
        seeds = SEEDS["judging"] if "LSTM" in name else (0,)
        jobs += [(name, settings[best], year, seed) for year in STRETCHES for seed in seeds]
        print(name, settings[best], results[best]["mean_squared_error"], flush=True)
    pd.DataFrame(choices).to_csv(HERE / "05_sea_settings.csv", index=False, float_format="%.4f")
    rows = sum(Parallel(n_jobs=2)(delayed(judged)(*job) for job in jobs), [])
    table = pd.DataFrame(rows).pivot(index=["month", "horizon", "actual"], columns="label", values="forecast")
    table.reset_index().to_csv(HERE / "05_sea.csv", index=False, float_format="%.3f")


if __name__ == "__main__":
    main()
