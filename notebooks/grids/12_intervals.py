"""Count how often prediction intervals hold what they promise, for notebook 12, and store 12_intervals.csv.

    python notebooks/grids/12_intervals.py

About ten minutes on two cores; broken off, it goes on where it was. Twenty noise realisations (seeds 0 to 19)
of a sine of 3,000 samples, t from 0 to 30: the last 629 values, a whole period, are the test, the 700 before
them may be kept for calibration. The models read 150 values and forecast the next 30; the intervals promise
90 %. "nearest windows" forecasts the mean of what followed the three most similar windows of the training.

    fitted residuals    fitted to all windows before the test; half width: the 0.9 quantile of the
                        absolute residuals of the same windows, for each horizon
    split conformal     fitted without the calibration windows; half width: the ⌈0.9 (n + 1)⌉-th smallest
                        absolute residual of the n calibration windows
    quantile loss       (LSTM) fitted to all windows before the test; outputs: the quantiles 0.05 and 0.95
    conformal, path     as split conformal, for the largest absolute residual of the thirty

inside: share of the test values inside; path_inside: share of the test windows with all 30 values inside;
width: mean width of the interval.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor

from labutils import backend, training
from labutils.data import series

LENGTH, AHEAD, TEST, CALIBRATION, SHARE = 150, 30, 629, 700, 0.9
EPOCHS, BATCH_SIZE, REALISATIONS = 30, 32, range(20)


def lstm(x, y, outputs, loss, seed):
    keras = backend.load_keras()
    keras.utils.set_random_seed(seed)
    rate = keras.optimizers.schedules.CosineDecay(0.003, EPOCHS * -(-len(x) // BATCH_SIZE))
    model = keras.Sequential([
        keras.layers.Input((LENGTH, 1)),
        keras.layers.Reshape((10, LENGTH // 10)),
        keras.layers.LSTM(50, kernel_regularizer=keras.regularizers.L2(0.01)),
        keras.layers.Dense(outputs),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(rate), loss)
    training.fit(model, x[..., None], y, epochs=EPOCHS, batch_size=BATCH_SIZE, fast=loss == "mse")
    return lambda new: model.predict_on_batch(new[..., None])


def quantile_loss(levels):
    """Return the loss whose minimum are the quantiles of these levels, one block of outputs each."""
    keras = backend.load_keras()

    def loss(y_true, y_pred):
        losses = []
        for level, forecast in zip(levels, keras.ops.split(y_pred, len(levels), axis=1)):
            error = y_true - forecast
            losses.append(keras.ops.maximum(level * error, (level - 1) * error))
        return keras.ops.mean(sum(losses))

    return loss


def ridge(x, y):
    return RidgeCV(alphas=np.logspace(-2, 3, 11)).fit(x, y).predict


def nearest_windows(x, y):
    return KNeighborsRegressor(3).fit(x, y).predict


def conformal_width(errors):
    """Return the half width for each column: of n absolute errors the ⌈0.9 (n + 1)⌉-th smallest."""
    rank = int(np.ceil(SHARE * (len(errors) + 1)))
    return np.sort(np.abs(errors), axis=0)[rank - 1]


def intervals(sine, seed):
    """Yield (model, method, lower, upper), each (windows, 30), and the targets of the test."""
    x, y = series.sliding_windows(sine.values, LENGTH, AHEAD)
    x = x[:, :, 0]
    known, (new, actual) = series.split_in_time(x, y, TEST - AHEAD + 1)
    fitted, calibration = series.split_in_time(*known, CALIBRATION)
    models = {"ridge regression": ridge, "nearest windows": nearest_windows}
    for name, fit in (models | {"LSTM": lambda x, y: lstm(x, y, AHEAD, "mse", seed)}).items():
        predict = fit(*known)
        middle, half = predict(new), np.quantile(np.abs(predict(known[0]) - known[1]), SHARE, axis=0)
        yield name, "fitted residuals", middle - half, middle + half, actual
        predict = fit(*fitted)
        middle, errors = predict(new), np.abs(predict(calibration[0]) - calibration[1])
        half = conformal_width(errors)
        yield name, "split conformal", middle - half, middle + half, actual
        half = conformal_width(errors.max(axis=1))
        yield name, "conformal, path", middle - half, middle + half, actual
    predict = lstm(*known, 2 * AHEAD, quantile_loss((0.05, 0.95)), seed)
    yield "LSTM", "quantile loss", *np.split(predict(new), 2, axis=1), actual


def train(seed):
    """Return the coverages and widths of all models and methods, as lists."""
    sine = series.noisy_sine(seed, samples=3000, end=30)
    rows = []
    for model, method, lower, upper, actual in intervals(sine, seed):
        inside = (lower <= actual) & (actual <= upper)
        shares = {"inside": inside.mean(), "path_inside": inside.all(axis=1).mean()}
        rows.append({"model": model, "method": method} | shares | {"width": (upper - lower).mean()})
    return pd.DataFrame(rows).to_dict("list")


def main():
    table = training.sweep(train, {}, seeds=REALISATIONS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    columns = ["model", "method", "inside", "path_inside", "width"]
    table = table.explode(columns).infer_objects()[["seed", *columns]]
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
