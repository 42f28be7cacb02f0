"""Train every cell of notebook 02, sections 6 to 8, on the recall tasks and store 02_recall.csv.

    python notebooks/grids/02_recall.py

About a quarter of an hour on two cores. renewal: 0 where the first letter is to be named, otherwise the
probability of a new letter at each step, and the latest is to be named. gate_bias: the initial bias of the
gate that keeps the memory, an LSTM's forget gate or a GRU's update gate (a simple RNN has none); Keras
initialises it to 1 for the LSTM and to 0 for the GRU.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from labutils import recall
from labutils.cells import GRUCell, LSTMCell, SimpleRNNCell

UPDATES, SEEDS, GAPS, BIASES = 500, range(5), (5, 10, 20, 40, 80), (-2, 0, 1, 2, 4, 6)
CELLS = {"SimpleRNN": SimpleRNNCell, "GRU": GRUCell, "LSTM": LSTMCell}
# cell, units, gate_bias; 36 units give a SimpleRNN as many parameters as 16 give an LSTM
KINDS = [
    ("SimpleRNN", 16, 0),
    ("SimpleRNN", 36, 0),
    ("GRU", 16, 0),
    ("LSTM", 16, 1),
    ("GRU", 16, 4),
    ("LSTM", 16, 4),
]
LATEST = {"gap": 60, "renewal": 0.03}


def train_cell(kind: str, units: int, gate_bias: float, gap: int, renewal: float, seed: int) -> dict:
    cell = CELLS[kind].initialized(len(recall.SYMBOLS), units, np.random.default_rng(seed))
    if kind == "LSTM":
        cell.bias[units : 2 * units] = gate_bias
    if kind == "GRU":
        cell.bias[0, :units] = gate_bias
    net = recall.train(cell, gap, seed=seed, updates=UPDATES, renewal=renewal)
    settings = {"cell": kind, "units": units, "gate_bias": gate_bias, "gap": gap, "renewal": renewal}
    return settings | {
        "seed": seed,
        "accuracy": net.accuracy(gap, renewal=renewal),
        "updates": len(net.losses),
    }


def main() -> None:
    jobs = [(*kind, gap, 0.0) for kind in KINDS for gap in GAPS]
    jobs += [(kind, 16, bias, 40, 0.0) for kind in ("GRU", "LSTM") for bias in BIASES]
    jobs += [(*kind, *LATEST.values()) for kind in KINDS]
    jobs = [(*job, seed) for job in dict.fromkeys(jobs) for seed in SEEDS]
    rows = Parallel(n_jobs=2, verbose=5)(delayed(train_cell)(*job) for job in jobs)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
