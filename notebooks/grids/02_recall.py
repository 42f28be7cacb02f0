"""Train every cell of notebook 02, section 6, on the recall task and store 02_recall.csv.

    python notebooks/grids/02_recall.py

About a quarter of an hour on two cores. gate_bias is the starting bias of the gate that keeps the memory:
an LSTM's forget gate, a GRU's update gate (a simple RNN has none). Without another number, a cell starts
as Keras starts it: 1 for the LSTM, 0 for the GRU.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from labutils import recall
from labutils.cells import GRUCell, LSTMCell, SimpleRNNCell

UNITS, UPDATES, SEEDS, GAPS = 16, 500, range(5), (5, 10, 20, 40, 80)
CELLS = {"SimpleRNN": SimpleRNNCell, "GRU": GRUCell, "LSTM": LSTMCell}
AS_KERAS, OPEN = {"SimpleRNN": 0, "GRU": 0, "LSTM": 1}, 4
BIASES = (-2, 0, 1, 2, 4, 6)


def one(kind: str, gate_bias: float, gap: int, seed: int) -> dict:
    cell = CELLS[kind].drawn(len(recall.SYMBOLS), UNITS, np.random.default_rng(seed))
    if kind == "LSTM":
        cell.bias[UNITS : 2 * UNITS] = gate_bias
    if kind == "GRU":
        cell.bias[0, :UNITS] = gate_bias
    net = recall.train(cell, gap, seed=seed, updates=UPDATES)
    settings = {"cell": kind, "gate_bias": gate_bias, "gap": gap, "seed": seed}
    return settings | {"accuracy": net.accuracy(gap), "updates": len(net.losses)}


def main() -> None:
    starts = [*AS_KERAS.items(), ("GRU", OPEN), ("LSTM", OPEN)]
    jobs = [(kind, bias, gap, seed) for kind, bias in starts for gap in GAPS for seed in SEEDS]
    jobs += [(kind, bias, 40, seed) for kind in ("GRU", "LSTM") for bias in BIASES for seed in SEEDS]
    jobs = list(dict.fromkeys(jobs))
    rows = Parallel(n_jobs=2, verbose=5)(delayed(one)(*job) for job in jobs)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
