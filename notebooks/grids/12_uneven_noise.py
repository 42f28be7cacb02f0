"""Give a sine noise that grows with its height, and count where intervals hold: 12_uneven_noise.csv.

    python notebooks/grids/12_uneven_noise.py

About five minutes on two cores; broken off, it goes on where it was. The noise has the standard deviation
0.1 (1 + 0.8 sin t): 0.02 in the troughs, 0.18 on the crests. Windows, parts and the LSTM are those of
12_intervals.py (150 values, 30 ahead, a whole period to test), all fitted without the calibration windows:

    split conformal           half width: for each horizon the ⌈0.9 (n + 1)⌉-th smallest absolute residual of
                              the n calibration windows
    quantile loss             (LSTM) outputs: the quantiles 0.05 and 0.95
    quantile loss, calibrated both ends moved outwards by the ⌈0.9 (n + 1)⌉-th smallest of the distances by
                              which the calibration targets lie outside (negative: inside)

inside, width: share of the test values inside, mean width of the interval; of all, of those where the clean
value is above 0.5 (crest) and of those where it is below -0.5 (trough).
"""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd

from labutils import training
from labutils.data import series

of_intervals = importlib.import_module("12_intervals")  # the script beside this one
REALISATIONS = range(10)


def uneven_sine(seed):
    """Return values and clean values (3000,) of the sine whose noise grows with its height."""
    even = series.noisy_sine(seed, samples=3000, end=30)
    return even.clean + even.noise * (1 + 0.8 * even.clean), even.clean


def intervals(values, seed):
    """Yield (model, method, lower, upper), each (windows, 30), for the test windows."""
    x, y = series.sliding_windows(values, of_intervals.LENGTH, of_intervals.AHEAD)
    known, (new, _) = series.split_in_time(x[:, :, 0], y, of_intervals.TEST - of_intervals.AHEAD + 1)
    fitted, (x_calibration, y_calibration) = series.split_in_time(*known, of_intervals.CALIBRATION)
    for name, predict in {
        "nearest windows": of_intervals.nearest_windows(*fitted),
        "LSTM": of_intervals.lstm(*fitted, of_intervals.AHEAD, "mse", seed),
    }.items():
        half = of_intervals.conformal_width(predict(x_calibration) - y_calibration)
        yield name, "split conformal", predict(new) - half, predict(new) + half
    loss = of_intervals.quantile_loss((0.05, 0.95))
    predict = of_intervals.lstm(*fitted, 2 * of_intervals.AHEAD, loss, seed)
    lower, upper = np.split(predict(new), 2, axis=1)
    yield "LSTM", "quantile loss", lower, upper
    low, high = np.split(predict(x_calibration), 2, axis=1)
    rank = int(np.ceil(of_intervals.SHARE * (len(low) + 1)))
    margin = np.sort(np.maximum(low - y_calibration, y_calibration - high), axis=0)[rank - 1]
    yield "LSTM", "quantile loss, calibrated", lower - margin, upper + margin


def train(seed):
    """Return the coverages and widths of all models and methods, as lists."""
    values, clean = uneven_sine(seed)
    windows = of_intervals.TEST - of_intervals.AHEAD + 1
    actual, level = (
        series.sliding_windows(of, of_intervals.LENGTH, of_intervals.AHEAD)[1][-windows:]
        for of in (values, clean)
    )
    parts = {"": level > -2, "_crest": level > 0.5, "_trough": level < -0.5}
    rows = []
    for model, method, lower, upper in intervals(values, seed):
        inside, width = (lower <= actual) & (actual <= upper), upper - lower
        row = {"model": model, "method": method}
        row |= {f"inside{part}": inside[where].mean() for part, where in parts.items()}
        rows.append(row | {f"width{part}": width[where].mean() for part, where in parts.items()})
    return pd.DataFrame(rows).to_dict("list")


def main():
    table = training.sweep(train, {}, seeds=REALISATIONS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    kinds = [f"{of}{part}" for of in ("inside", "width") for part in ("", "_crest", "_trough")]
    columns = ["model", "method", *kinds]
    table = table.explode(columns).infer_objects()[["seed", *columns]]
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
