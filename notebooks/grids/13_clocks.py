"""How do vanilla networks keep a letter over 40 steps? Looks into notebook 13's and stores 13_clocks.csv.

    python notebooks/grids/13_clocks.py

About ten minutes on two cores; broken off, it goes on where it was. The networks are the SimpleRNNs of
13_recall.py, trained on a gap of 40 at a rate of 0.01 with the same seeds. Of those that solve it:
in_plane : share of the variance of the mean states after each letter, 20 to 60 steps after it, in the plane
    of their first two principal components.
turn : by how many degrees they turn in this plane at each step, from 0 to 180, whichever way; mean.
turn_sd : its standard deviation over letters and steps: small where all turn alike.
cycle, cycle_distance : the number of steps, up to 60, after which the mean states of steps 100 to 200 come
    nearest to where they were, and how near, as a fraction of their distance from their mean.
gradient, gradient_before : norm of the gradient at the state 40 steps back, relative to that at the last
    state, after and before the training (random directions, mean of 50 sequences).
"""

from pathlib import Path

import numpy as np

from labutils import recall, training
from labutils.cells import Cell, SimpleRNNCell

UPDATES, SEEDS, GAP = 5000, range(10), 40
UNITS = (16, 36)


def gradient_left(cell: Cell) -> float:
    x, _ = recall.sequences(50, 100, np.random.default_rng(5))
    at_end = np.zeros_like(cell.forward(x))
    at_end[:, -1] = np.random.default_rng(3).normal(size=at_end[:, -1].shape)
    norms = np.linalg.norm(cell.backward(at_end).hidden, axis=2).mean(axis=0)
    return float(norms[-1 - GAP] / norms[-1])


def turning(cell: Cell) -> dict[str, float]:
    x, letters = recall.sequences(400, 200, np.random.default_rng(0))
    states = cell.forward(x)
    means = np.array([states[letters == k].mean(axis=0) for k in range(len(recall.TO_RECALL))])
    late = means[:, 100:]
    scale = np.sqrt(np.mean(np.sum((late - late.mean(axis=(0, 1))) ** 2, axis=2)))
    lags = range(1, 61)
    distances = [np.linalg.norm(late[:, lag:] - late[:, :-lag], axis=2).mean() / scale for lag in lags]
    means = means[:, 20:61] - means[:, 20:61].mean(axis=(0, 1))
    _, sizes, directions = np.linalg.svd(means.reshape(-1, cell.units), full_matrices=False)
    first, second = np.moveaxis(means @ directions[:2].T, 2, 0)
    turns = np.diff(np.arctan2(second, first), axis=1)  # letters × steps
    turns = np.abs((turns + np.pi) % (2 * np.pi) - np.pi)
    return {
        "in_plane": float(np.sum(sizes[:2] ** 2) / np.sum(sizes**2)),
        "turn": float(np.degrees(turns.mean())),
        "cycle": lags[int(np.argmin(distances))],
        "cycle_distance": float(min(distances)),
        "turn_sd": float(np.degrees(turns.std())),
    }


def train(units: int, seed: int) -> dict:
    cell = SimpleRNNCell.initialized(len(recall.SYMBOLS), units, np.random.default_rng(seed))
    before = gradient_left(cell)
    net = recall.train(cell, GAP, seed=seed, updates=UPDATES)
    facts = {"accuracy": net.accuracy(GAP), "updates": len(net.losses), "gradient_before": before}
    return facts | {"gradient": gradient_left(cell)} | turning(cell)


def main() -> None:
    table = training.sweep(train, {"units": [*UNITS]}, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table[table.accuracy > 0.95].drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
