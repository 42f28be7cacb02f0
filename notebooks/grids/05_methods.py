"""Tune and judge one-step forecasters of the noisy sine, for notebook 05, and store 05_methods.csv.

    python notebooks/grids/05_methods.py

About ten minutes on two cores; broken off, it goes on where it was. Each method is fitted to the values
before the last 198 and forecasts these one step ahead. Every combination of its settings is scored on ten
series kept for choosing, with noise of the seeds 100 to 109, each a tenth of a period further on the wave;
the one of lowest mean ratio is judged on the ten of the notebook (seeds 0 to 9, the rows with choosing =
False), and on twenty more like them (seeds 10 to 29). "LSTM, whole wave" and "ridge regression, whole wave"
have the same settings and are given as many earlier values as there are in a window; they are fitted to as
many windows as before, drawn from all of them. ratio: mean squared error over the mean square of the noise of
the same values; first_76, others: of the first 76 values of the test part, whose phase no window of 250
values before it has as its target, and of the others. parameters: how many numbers are estimated from the
series (of trees: their nodes). seconds: to fit the method and to forecast.
"""

import itertools
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from labutils import backend, training
from labutils.data import series

TEST, CHOOSING, JUDGING = 198, range(100, 110), range(30)
PENALTIES = np.logspace(-2, 3, 11)
BATCH_SIZE, STEPS = 32, 10  # a longer window is read in ten blocks


def windows_of(values, lags):
    """Return the windows and targets before the test part, and the windows of the test part."""
    x, y = series.sliding_windows(values, lags)
    return x[:-TEST, :, 0], y[:-TEST, 0], x[-TEST:, :, 0]


def mean_of_last(sine, last):
    return windows_of(sine.values, last)[2].mean(axis=1), 0


def line_through_last(sine, last):
    windows = windows_of(sine.values, last)[2]
    start, slope = np.polynomial.polynomial.polyfit(np.arange(last), windows.T, 1)
    return start + slope * last, 0


def exponential_smoothing(sine, trend):
    def model(values):
        return ExponentialSmoothing(values, trend="add" if trend else None, damped_trend=trend == "damped")

    fitted = model(sine.values[:-TEST]).fit()
    names = ["smoothing_level", *(["smoothing_trend"] if trend else [])]
    names += ["damping_trend"] if trend == "damped" else []
    known = {name: fitted.params[name] for name in names}
    forecasts = model(sine.values).fit(**known, optimized=False).fittedvalues
    return forecasts[-TEST:], len(known) + 1 + bool(trend)


def regression(sine, lags, penalised, seed=0, whole=False):
    x, y, new = windows_of(sine.values, lags)
    if whole:
        x, y = whole_wave(sine, lags, seed)
    model = RidgeCV(alphas=PENALTIES) if penalised else LinearRegression()
    return model.fit(x, y).predict(new), lags + 1


def gradient_boosting(sine, lags, learning_rate, trees, change):
    x, y, new = windows_of(sine.values, lags)
    model = HistGradientBoostingRegressor(learning_rate=learning_rate, max_iter=trees, random_state=0)
    base, new_base = (x[:, -1], new[:, -1]) if change else (0, 0)  # forecast the change since the last value
    forecast = new_base + model.fit(x, y - base).predict(new)
    return forecast, sum(len(tree[0].nodes) for tree in model._predictors)


def sinusoid(sine):
    def curve(t, a, b, c, omega):
        return a * np.sin(omega * t) + b * np.cos(omega * t) + c

    known = sine.time[:-TEST], sine.values[:-TEST]
    fits = [curve_fit(curve, *known, p0=(1, 1, 0, omega), maxfev=5000)[0] for omega in (0.3, 0.6, 1.2, 2.4)]
    best = min(fits, key=lambda fit: np.sum((curve(known[0], *fit) - known[1]) ** 2))
    return curve(sine.time[-TEST:], *best), 4


def whole_wave(sine, lags, seed):
    """Return as many windows and targets as there are before the test part, with `lags` earlier values."""
    step = sine.time[1] - sine.time[0]
    earlier = series.noisy_sine(1000 + seed, samples=lags, begin=-lags * step, end=-step)
    x, y, _ = windows_of(np.concatenate([earlier.values, sine.values]), lags)
    rows = np.random.default_rng(seed).permutation(len(x))[: len(x) - lags]
    return x[rows], y[rows]


def lstm(sine, lags, epochs, penalty, seed, whole=False):
    x, y, new = windows_of(sine.values, lags)
    if whole:
        x, y = whole_wave(sine, lags, seed)
    keras = backend.load_keras()
    keras.utils.set_random_seed(seed)
    updates = epochs * -(-len(x) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(0.003, updates)
    model = keras.Sequential([
        keras.layers.Input((lags, 1)),
        keras.layers.Reshape((STEPS, lags // STEPS)),
        keras.layers.LSTM(50, kernel_regularizer=keras.regularizers.L2(penalty)),
        keras.layers.Dense(1),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(rate), "mse")
    training.fit(model, x[..., None], y[:, None], epochs=epochs, batch_size=BATCH_SIZE, fast=True)
    return model.predict_on_batch(new[..., None])[:, 0], model.count_params()


METHODS = {
    "repeat the last value": (mean_of_last, {"last": [1]}),
    "mean of the last values": (mean_of_last, {"last": [2, 3, 5, 7, 10, 15]}),
    "line through the last values": (line_through_last, {"last": [10, 20, 30, 40, 50, 70, 100]}),
    "exponential smoothing": (exponential_smoothing, {"trend": ["", "add", "damped"]}),
    "linear regression": (regression, {"lags": [10, 20, 30, 50, 100, 200], "penalised": [False]}),
    "ridge regression": (
        regression,
        {"lags": [10, 30, 50, 100, 150, 200, 250, 300, 350], "penalised": [True]},
    ),
    "gradient boosting": (
        gradient_boosting,
        {
            "lags": [10, 50, 150],
            "learning_rate": [0.03, 0.1],
            "trees": [50, 150, 400],
            "change": [False, True],
        },
    ),
    "LSTM": (lstm, {"lags": [10, 50, 150, 250], "epochs": [20, 60], "penalty": [0.0, 0.01, 0.1]}),
    "fitted sinusoid": (sinusoid, {}),
}


WHOLE = ", whole wave"


def series_of(seed):
    begin = 2 * np.pi / len(CHOOSING) * (seed - CHOOSING[0]) if seed in CHOOSING else 0
    return series.noisy_sine(seed, begin=begin, end=begin + 10)


def train(method, seed, **setting):
    """Return how a method with these settings does on one noise realisation."""
    sine = series_of(seed)
    more = {"whole": True} if method.endswith(WHOLE) else {}
    more |= {"seed": seed} if more or method == "LSTM" else {}
    started = time.perf_counter()
    forecast, parameters = METHODS[method.removesuffix(WHOLE)][0](sine, **setting, **more)
    squares = np.stack([(forecast - sine.values[-TEST:]) ** 2, sine.noise[-TEST:] ** 2])
    ratio, first, others = (
        np.divide(*squares[:, part].mean(axis=1)) for part in (slice(None), slice(76), slice(76, None))
    )
    return {
        "setting": ", ".join(f"{key} {value}" for key, value in setting.items()),
        "choosing": seed in CHOOSING,
        "ratio": ratio,
        "first_76": first,
        "others": others,
        "parameters": parameters,
        "method_seconds": time.perf_counter() - started,
    }


def swept(settings, seeds):
    """Return the results of these runs."""
    table = training.sweep(train, settings, seeds=seeds, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    return table


def main():
    settings = [
        {"method": name} | dict(zip(options, values))
        for name, (_, options) in METHODS.items()
        for values in itertools.product(*options.values())
    ]
    tried = swept(settings, CHOOSING)
    means = tried.groupby(["method", "setting"], sort=False, as_index=False).ratio.mean()  # as in settings
    best = means.groupby("method", sort=False).ratio.idxmin()
    whole = [settings[best[name]] | {"method": name + WHOLE} for name in ("LSTM", "ridge regression")]
    judged = swept([settings[i] for i in best] + whole, JUDGING)
    names = [*METHODS, *(setting["method"] for setting in whole)]
    table = pd.concat([part[part.method == name] for name in names for part in (tried, judged)])
    columns = ["method", "setting", "seed", "choosing", "ratio", "first_76", "others", "parameters"]
    table = table[[*columns, "method_seconds"]]
    table = table.rename(columns={"method_seconds": "seconds"})
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5g")
    print(table[~table.choosing].groupby(["method", "setting"], sort=False).ratio.mean().round(4))


if __name__ == "__main__":
    main()
