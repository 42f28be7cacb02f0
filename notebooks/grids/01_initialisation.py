"""Train a recurrent network with six initialisations on the recall task: 01_initialisation.csv.

    python notebooks/grids/01_initialisation.py

About eight minutes on two cores; broken off, it goes on where it was. A Gaussian and an orthogonal recurrent
kernel, each scaled to a spectral radius of 0.8, 1 and 1.2: so the effects of radius and orthogonality can be
separated.
"""

from pathlib import Path

import numpy as np

from labutils import recall, training
from labutils.cells import SimpleRNNCell

UPDATES, UNITS, SEEDS, GAPS, RADII = 2000, 16, range(20), (5, 10, 20, 40), (0.8, 1.0, 1.2)
GRID = [
    {"kind": kind, "radius": radius, "gap": gap}
    for gap in GAPS
    for kind in ("Gaussian", "orthogonal")
    for radius in RADII
]


def initialised(kind: str, radius: float, seed: int) -> SimpleRNNCell:
    """Return a cell whose recurrent kernel is "Gaussian" or "orthogonal", of this spectral radius."""
    cell = SimpleRNNCell.initialized(len(recall.SYMBOLS), UNITS, np.random.default_rng(seed))
    if kind == "Gaussian":
        cell.recurrent_kernel[:] = np.random.default_rng([seed, 1]).normal(size=(UNITS, UNITS))
    cell.recurrent_kernel *= radius / np.abs(np.linalg.eigvals(cell.recurrent_kernel)).max()
    return cell


def train(kind: str, radius: float, gap: int, seed: int) -> dict:
    net = recall.train(initialised(kind, radius, seed), gap, seed=seed, updates=UPDATES)
    return {"accuracy": net.accuracy(gap), "updates": len(net.losses)}


def main() -> None:
    table = training.sweep(train, GRID, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table.drop(columns=["seconds", "failed"]).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
