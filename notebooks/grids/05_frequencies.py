"""Forecast sines of frequencies and phases that the training has or has not shown: 05_frequencies.csv.

    python notebooks/grids/05_frequencies.py

About twenty minutes on two cores; broken off, it goes on where it was. Every window has 150 values of a
sine of amplitude 1, sampled every 0.01, with normal noise of standard deviation 0.1; the target is the next
value. Each window has its own noise, a phase of its own and a frequency (radians per unit of time).
trained_on:

    one frequency       1 in every window
    on the way down     1 in every window, and every target lies where the sine falls
    many frequencies    0.5 to 8, uniform on a logarithmic scale

The settings of the LSTM, of a dense network (two layers of 50 units, tanh), of gradient boosting and of
kernel ridge regression (radial basis functions of eight principal components, with at most 2,000 of them by
Nyström's method) are those of eight that have the lowest error on windows like those of the training, mean of
two seeds that are used for nothing else; the penalty of ridge regression is chosen by cross-validation among
the training windows. "sinusoid fitted to the window" is not trained: for each window it tries 400 frequencies
and takes the sine of least squares. "LSTM, 3750 updates" and "dense network, 25000 updates" have the penalty
that was chosen, and each the other's number of updates. "dense network, without constants" has 25,000 updates
as well; for "LSTM, signs turned" all signs of every other training window and of its target are turned. One
row for each of five seeds and each test; target: where the targets of the test lie. ratio: mean squared error
over the mean square of the noise of the same values.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline

from labutils import backend, training

LENGTH, PER_STEP, NOISE, STEP, BATCH_SIZE, TEST = 150, 15, 0.1, 0.01, 32, 2000
FREQUENCIES = (0.25, 0.35, 0.5, 0.71, 1, 1.41, 2, 2.83, 4, 5.66, 8, 11.3)
PHASES = {
    "anywhere": (0, 2 * np.pi),
    "falling": (np.pi / 2, 3 * np.pi / 2),
    "rising": (-np.pi / 2, np.pi / 2),
}
SIZES = {"one frequency": (4000,), "on the way down": (4000,), "many frequencies": (1000, 4000, 16000)}
CHANGED = [
    ("LSTM", "3750 updates", 3750),
    ("LSTM", "signs turned", 25000),
    ("dense network", "25000 updates", 25000),
    ("dense network", "without constants", 25000),
]
SEEDS, CHOOSING, SINUSOID = range(5), (100, 101), "sinusoid fitted to the window"
SETTINGS = {
    "LSTM": [
        {"updates": updates, "penalty": penalty}
        for updates in (1250, 3750, 12500, 25000)
        for penalty in (0, 0.01)
    ],
    "dense network": [
        {"updates": updates, "penalty": penalty}
        for updates in (1250, 3750, 12500, 25000)
        for penalty in (0, 0.001)
    ],
    "gradient boosting": [
        {"trees": trees, "rate": rate} for trees in (50, 150, 400, 1000) for rate in (0.03, 0.1)
    ],
    "kernel ridge regression": [
        {"gamma": gamma, "alpha": alpha} for gamma in (0.003, 0.01, 0.03, 0.1) for alpha in (0.01, 0.1)
    ],
    "ridge regression": [{}],
}


def windows_of(frequencies, rng, target="anywhere"):
    """Return one window (150,) for each frequency, its target and the target's noise."""
    phase = rng.uniform(*PHASES[target], (len(frequencies), 1))
    clean = np.sin(phase + np.outer(frequencies, STEP * np.arange(-LENGTH, 1)))
    noise = NOISE * rng.normal(size=clean.shape)
    return (clean + noise)[:, :-1], (clean + noise)[:, -1], noise[:, -1]


def training_windows(trained_on, count, rng):
    if trained_on == "many frequencies":
        return windows_of(np.exp(rng.uniform(np.log(0.5), np.log(8), count)), rng)
    return windows_of(np.ones(count), rng, "falling" if trained_on == "on the way down" else "anywhere")


def fitted(model, x, y, seed, **setting):
    """Return a function that forecasts, fitted to these windows."""
    if model == SINUSOID:
        return fitted_sinusoid
    if model == "ridge regression":
        return RidgeCV(alphas=np.logspace(-2, 3, 11)).fit(x, y).predict
    if model == "gradient boosting":
        trees = HistGradientBoostingRegressor(
            learning_rate=setting["rate"], max_iter=setting["trees"], random_state=seed
        )
        return trees.fit(x, y).predict
    if model == "kernel ridge regression":
        kernel = Nystroem(gamma=setting["gamma"], n_components=min(2000, len(x)), random_state=seed)
        return make_pipeline(PCA(8, random_state=seed), kernel, Ridge(setting["alpha"])).fit(x, y).predict
    keras = backend.load_keras()
    keras.utils.set_random_seed(seed)
    layers, penalty = keras.layers, keras.regularizers.L2(setting["penalty"])
    has_constants = not model.endswith("without constants")
    if model.endswith("signs turned"):
        signs = np.where(np.arange(len(x)) % 2, -1, 1)
        x, y = x * signs[:, None], y * signs
    if model.startswith("LSTM"):
        inner = [layers.Reshape((LENGTH // PER_STEP, PER_STEP)), layers.LSTM(50, kernel_regularizer=penalty)]
    else:
        inner = [
            layers.Flatten(),
            layers.Dense(50, activation="tanh", use_bias=has_constants, kernel_regularizer=penalty),
            layers.Dense(50, activation="tanh", use_bias=has_constants),
        ]
    network = keras.Sequential([layers.Input((LENGTH, 1)), *inner, layers.Dense(1, use_bias=has_constants)])
    epochs = max(1, round(setting["updates"] * BATCH_SIZE / len(x)))
    rate = keras.optimizers.schedules.CosineDecay(0.003, epochs * -(-len(x) // BATCH_SIZE))
    network.compile(keras.optimizers.Adam(rate), "mse")
    training.fit(network, x[..., None], y[:, None], epochs=epochs, batch_size=BATCH_SIZE, fast=True)
    return lambda new: network.predict_on_batch(new[..., None])[:, 0]


def fitted_sinusoid(windows):
    """Forecast each window by the sine of least squares among 400 frequencies."""
    steps = STEP * np.arange(-LENGTH, 0)
    best, forecasts = np.full(len(windows), np.inf), np.zeros(len(windows))
    for frequency in np.geomspace(0.2, 14, 400):
        waves = np.column_stack([np.sin(frequency * steps), np.cos(frequency * steps)])
        factors = np.linalg.lstsq(waves, windows.T, rcond=None)[0]
        error = np.sum((windows.T - waves @ factors) ** 2, axis=0)
        better = error < best
        best[better], forecasts[better] = error[better], factors[1, better]  # the cosine is 1 at the target
    return forecasts


def tests(seed):
    """Yield (frequency, where the targets lie, windows, targets, noise), the same for every model."""
    rng = np.random.default_rng(1000 + seed)
    for frequency in FREQUENCIES:
        yield frequency, "anywhere", *windows_of(np.full(TEST, frequency), rng)
    for target in ("falling", "rising"):
        yield 1, target, *windows_of(np.ones(TEST), rng, target)


def described(setting):
    return ", ".join(f"{key} {value}" for key, value in setting.items())


def train(model, trained_on, windows, seed, **setting):
    """Return the error on windows like those of the training, or the ratio of each test."""
    rng = np.random.default_rng(seed)
    x, y, _ = training_windows(trained_on, windows, rng)
    predict = fitted(model, x, y, seed, **setting)
    if seed in CHOOSING:
        new, target, _ = training_windows(trained_on, TEST, rng)
        return {"setting": described(setting), "error": np.mean((predict(new) - target) ** 2)}
    rows = []
    for frequency, target, new, y, noise in tests(seed):
        ratio = np.mean((predict(new) - y) ** 2) / np.mean(noise**2)
        rows.append({"frequency": frequency, "target": target, "ratio": ratio})
    return {"setting": described(setting)} | pd.DataFrame(rows).to_dict("list")


def swept(settings, seeds):
    """Return the results of these runs."""
    table = training.sweep(train, settings, seeds=seeds, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    return table


def main():
    conditions = [
        {"model": model, "trained_on": name, "windows": size}
        for model in SETTINGS
        for name, sizes in SIZES.items()
        for size in sizes
    ]
    options = [SETTINGS[condition["model"]] for condition in conditions]
    several = [(of, settings) for of, settings in zip(conditions, options) if len(settings) > 1]
    tried = swept([of | setting for of, settings in several for setting in settings], CHOOSING)
    errors = tried.groupby([*conditions[0], "setting"]).error.sum()
    jobs = [
        of | min(settings, key=lambda setting: errors.get((*of.values(), described(setting)), 0))
        for of, settings in zip(conditions, options)
    ]
    for name, change, updates in CHANGED:
        job = next(job for job in jobs if (job["model"], job["trained_on"]) == (name, "on the way down"))
        jobs.append(job | {"model": f"{name}, {change}", "updates": updates})
    jobs.append({"model": SINUSOID, "trained_on": "", "windows": 0})
    table = swept(jobs, SEEDS).explode(["frequency", "target", "ratio"]).infer_objects()
    columns = ["model", "trained_on", "windows", "seed", "setting", "frequency", "target", "ratio"]
    table[columns].to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
