"""Train cells of one unit, with and without gates, on the cash register of notebook 02: 02_register.csv.

    python notebooks/grids/02_register.py

About 35 minutes on two cores; broken off, it goes on where it was. Of three learning rates that with the
lowest median error on validation streams is `chosen` for each network and task; `error` and `error_300` (of
300 steps) come from other streams.
The last columns say, for an LSTM that is trained on all keys, by how much each gate is further open where its
key is down. A vanilla network of five units has twice as many parameters as an LSTM of one.
"""

from pathlib import Path

import numpy as np

from labutils import cash_register, training
from labutils.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from labutils.recall import Adam, clipped

STEPS, UPDATES, SEEDS, RATES = 30, 1500, range(10), (0.01, 0.02, 0.04)
CELLS = {"SimpleRNN": SimpleRNNCell, "GRU": GRUCell, "LSTM": LSTMCell}
# cell, units, the gates of an LSTM that are trained (the others are held at 1), updates, tasks
NETWORKS = {
    "vanilla": ("SimpleRNN", 1, "", UPDATES, cash_register.TASKS),
    "vanilla, 5 units": ("SimpleRNN", 5, "", UPDATES, cash_register.TASKS),
    "vanilla, 5 units, 7,500 updates": ("SimpleRNN", 5, "", 5 * UPDATES, cash_register.TASKS),
    "additive memory": ("LSTM", 1, "", UPDATES, cash_register.TASKS),
    "+ input gate": ("LSTM", 1, "i", UPDATES, cash_register.TASKS),
    "+ forget gate": ("LSTM", 1, "if", UPDATES, cash_register.TASKS),
    "+ output gate (LSTM)": ("LSTM", 1, "ifo", UPDATES, cash_register.TASKS),
    "LSTM without input gate": ("LSTM", 1, "fo", UPDATES, ("entered only",)),
    "LSTM without forget gate": ("LSTM", 1, "io", UPDATES, ("new customers",)),
    "GRU": ("GRU", 1, "", UPDATES, cash_register.TASKS),
}


def cell_and_mask(kind: str, units: int, learns: str, seed: int) -> tuple[Cell, np.ndarray]:
    """Return a cell, its gates held at 1 but for those that learn, and 1 for each column that is trained."""
    cell = CELLS[kind].initialized(4, units, np.random.default_rng(seed))
    mask = np.ones(cell.kernel.shape[1])
    if kind == "LSTM":
        mask = np.repeat([float(gate in learns + "g") for gate in "ifgo"], units)
        cell.kernel *= mask
        cell.recurrent_kernel *= mask
        cell.bias[mask == 0] = 30  # sigmoid(30) is 1 to 13 digits
    return cell, mask


def gates_by_key(cell: Cell) -> dict[str, float]:
    """Return the mean of each gate where its key is down, minus that where it is up."""
    typed, _ = cash_register.streams("when asked", 500, STEPS, np.random.default_rng(3))
    cell.forward(typed)
    gates = {name: cell.trace[name][:, :, 0] for name in "ifo"}
    down = {name: typed[:, :, key] == 1 for key, name in enumerate("ifo", start=1)}
    return {f"{g}_by_key": gates[g][down[g]].mean() - gates[g][~down[g]].mean() for g in "ifo"}


def train(network: str, task: str, rate: float, seed: int) -> dict:
    kind, units, learns, updates, _ = NETWORKS[network]
    cell, mask = cell_and_mask(kind, units, learns, seed)
    rng = np.random.default_rng([seed, 1])
    v, d = np.ones((units, 1)), np.zeros(1)
    adam = Adam([cell.kernel, cell.recurrent_kernel, cell.bias, v, d])
    for update in range(updates):
        x, y = cash_register.streams(task, 32, STEPS, rng)
        h = cell.forward(x)
        grad_y = 2 * (h @ v + d - y) / y.size
        of_cell = cell.backward(grad_y @ v.T)
        gradients = [of_cell.kernel * mask, of_cell.recurrent_kernel * mask, of_cell.bias * mask]
        gradients += [np.tensordot(h, grad_y, ([0, 1], [0, 1])), grad_y.sum(axis=(0, 1))]
        adam.learning_rate = rate * (1 - update / updates)
        adam.update(clipped(gradients, 1.0))
    validation, test, long = (
        cash_register.error(cell, v, d, task, steps, seed=number)
        for number, steps in ((1, STEPS), (2, STEPS), (2, 300))
    )
    row = {"validation_error": validation, "error": test, "error_300": long}
    return row | (gates_by_key(cell) if learns == "ifo" and task == "when asked" else {})


def main() -> None:
    grid = [
        {"network": name, "task": task, "rate": rate}
        for name, (*_, tasks) in NETWORKS.items()
        for task in tasks
        for rate in RATES
    ]
    table = training.sweep(train, grid, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"])
    median = table.groupby(["network", "task", "rate"])["validation_error"].transform("median")
    table["chosen"] = median == median.groupby([table["network"], table["task"]]).transform("min")
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
