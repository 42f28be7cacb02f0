"""Choose a forecaster for notebook 05 on draws of the noise that are never tested, and test the choice.

    python notebooks/grids/05_choice.py

About ten minutes on two cores. Stores 05_choice.csv (every candidate on five draws kept for choosing),
05_chosen.csv (the best candidate on the ten draws of the notebook, three seeds each) and
05_ingredients.csv (window, training and penalty in all combinations, on the five draws). ratio: mean square
error on the last 198 values over the mean square of their noise. per_step: how many values of the window
the LSTM reads at each step. longer_training: 60 epochs on all windows with a sinking learning rate instead
of 20 epochs with a fifth of the windows held back, as published.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from labutils import backend, training
from labutils.data import series

TEST, CHOOSING, TESTING, SEEDS = 198, range(100, 105), range(10), range(3)
EPOCHS, BATCH = 60, 32
CANDIDATES = [
    {"length": length, "per_step": length // 10, "input_noise": 0.0, "penalty": penalty}
    for length in (50, 100, 150, 200)
    for penalty in (0.0, 0.001, 0.01, 0.03, 0.1)
] + [
    {"length": 10, "per_step": 1, "input_noise": 0.0, "penalty": 0.0},
    {"length": 100, "per_step": 1, "input_noise": 0.0, "penalty": 0.0},
    {"length": 100, "per_step": 1, "input_noise": 0.0, "penalty": 0.01},
    {"length": 150, "per_step": 15, "input_noise": 0.2, "penalty": 0.0},
    {"length": 150, "per_step": 15, "input_noise": 0.2, "penalty": 0.01},
]

INGREDIENTS = [
    {
        "length": length,
        "per_step": per_step,
        "input_noise": 0.0,
        "penalty": penalty,
        "longer_training": longer_training,
    }
    for length, per_step in ((10, 1), (150, 15))
    for longer_training in (False, True)
    for penalty in (0.0, 0.01)
]


def ratio(
    draw: int,
    seed: int,
    length: int,
    per_step: int,
    input_noise: float,
    penalty: float,
    longer_training: bool = True,
) -> float:
    """Return the test error of one forecaster over that of the noise."""
    keras = backend.load_keras()
    sine = series.noisy_sine(draw)
    (x, y), test = series.split_in_time(*series.sliding_windows(sine.values, length), TEST)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.Input((length, 1)),
            keras.layers.GaussianNoise(input_noise),
            keras.layers.Reshape((length // per_step, per_step)),
            keras.layers.LSTM(50, kernel_regularizer=keras.regularizers.L2(penalty)),
            keras.layers.Dense(1),
        ]
    )
    updates = EPOCHS * -(-len(x) // BATCH)
    sinking = keras.optimizers.schedules.CosineDecay(0.003, updates)
    model.compile(keras.optimizers.Adam(sinking if longer_training else 0.001), "mse")
    training.fit(
        model,
        x,
        y,
        epochs=EPOCHS if longer_training else 20,
        validation=None if longer_training else 0.2,
        batch_size=BATCH,
        fast=True,
    )
    error = np.mean((model.predict_on_batch(test[0]) - test[1]) ** 2)  # without the penalty of the loss
    return float(error / np.mean(sine.noise[-TEST:] ** 2))


def ratios(draws: range, seeds: range, candidate: dict) -> list[dict]:
    return [
        candidate | {"draw": draw, "seed": seed, "ratio": ratio(draw, seed, **candidate)}
        for draw in draws
        for seed in seeds
    ]


def main() -> None:
    groups = Parallel(n_jobs=2, verbose=5)(delayed(ratios)(CHOOSING, range(1), c) for c in CANDIDATES)
    tried = pd.DataFrame([row for group in groups for row in group])
    tried.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    best = CANDIDATES[int(np.argmin([np.mean([row["ratio"] for row in group]) for group in groups]))]
    groups = Parallel(n_jobs=2)(delayed(ratios)(TESTING[i::2], SEEDS, best) for i in range(2))
    tested = pd.DataFrame([row for group in groups for row in group])
    tested.to_csv(Path(__file__).with_name("05_chosen.csv"), index=False)
    groups = Parallel(n_jobs=2)(delayed(ratios)(CHOOSING, range(1), c) for c in INGREDIENTS)
    combined = pd.DataFrame([row for group in groups for row in group])
    combined.to_csv(Path(__file__).with_name("05_ingredients.csv"), index=False)


if __name__ == "__main__":
    main()
