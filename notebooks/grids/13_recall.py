"""Train every cell of notebook 13 on the recall tasks and store 13_recall.csv.

    python notebooks/grids/13_recall.py

About 40 minutes on two cores; broken off, it goes on where it was. Each training has 5,000 updates at the
most and ends once the task is solved: `updates` says when. The initial biases are those of an LSTM's input
gate ("write") and of the gate that keeps the memory, an LSTM's forget gate or a GRU's update gate; Keras
takes 1 for the forget gate, 0 for the others.
"""

from pathlib import Path

import numpy as np

from labutils import recall, training
from labutils.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell

UPDATES, SEEDS = 5000, range(10)
CELLS = {"SimpleRNN": SimpleRNNCell, "GRU": GRUCell, "LSTM": LSTMCell}
LONGEST = 80  # memory that is expected in chrono initialisation (Tallec and Ollivier 2018)
# cell, units, bias of the gate that keeps, bias of the gate that writes; None as in Keras
NETWORKS = {
    "SimpleRNN": ("SimpleRNN", 16, None, None),
    "SimpleRNN, 36 units": ("SimpleRNN", 36, None, None),  # as many parameters as the LSTM
    "GRU": ("GRU", 16, None, None),
    "GRU open": ("GRU", 16, 4, None),
    "LSTM": ("LSTM", 16, None, None),
    "LSTM open": ("LSTM", 16, 4, None),
    "LSTM open, input closed": ("LSTM", 16, 4, -4),
    "LSTM chrono": ("LSTM", 16, "chrono", "chrono"),
}
# gap, probability of a new letter at each step (then the latest is to be named), learning rate
TASKS = {
    "gap 10": (10, 0.0, 0.01),
    "gap 20": (20, 0.0, 0.01),
    "gap 40": (40, 0.0, 0.01),
    "gap 80": (80, 0.0, 0.01),
    "gap 40, rate 0.003": (40, 0.0, 0.003),
    "gap 40, rate 0.001": (40, 0.0, 0.001),
    "latest of 60": (60, 0.03, 0.01),
}


OTHER_GAPS = (20, 39, 41, 60)  # what the networks that were trained on a gap of 40 are asked as well


def initialised(network: str, seed: int) -> Cell:
    """Return a cell with Keras' initialisation, apart from the biases of its gates."""
    kind, units, keep, write = NETWORKS[network]
    rng = np.random.default_rng(seed)
    cell = CELLS[kind].initialized(len(recall.SYMBOLS), units, rng)
    if keep == "chrono":
        keep = np.log(rng.uniform(1, LONGEST - 1, units))
        write = -keep
    if keep is not None and kind == "GRU":
        cell.bias[0, :units] = keep
    elif keep is not None:
        cell.bias[units : 2 * units] = keep
    if write is not None:
        cell.bias[:units] = write
    return cell


def train(network: str, task: str, seed: int) -> dict:
    gap, renewal, rate = TASKS[task]
    net = recall.train(
        initialised(network, seed), gap, seed=seed, updates=UPDATES, renewal=renewal, learning_rate=rate
    )
    at_other_gaps = {f"at_gap_{other}": net.accuracy(other) for other in OTHER_GAPS if gap == 40}
    return {"accuracy": net.accuracy(gap, renewal=renewal), "updates": len(net.losses)} | at_other_gaps


def main() -> None:
    grid = {"network": [*NETWORKS], "task": [*TASKS]}
    table = training.sweep(train, grid, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table.drop(columns=["seconds", "failed"]).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
