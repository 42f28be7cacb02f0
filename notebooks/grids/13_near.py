"""Where must a letter stand, so that an LSTM learns to remember it? Notebook 13 asks; stores 13_near.csv.

    python notebooks/grids/13_near.py

About a quarter of an hour on two cores; broken off, it goes on where it was. An LSTM of 16 units, initialised
as Keras does it, reads 61 symbols and names the (latest) letter at the end.
letters : where letters stand, as LETTERS says.
updates : done until the mean loss of 20 of them was below 0.01, at most 2,000.
accuracy : on 500 new sequences of the same kind.
at_gap_40 : on 500 sequences with one letter, 40 steps before the end.
"""

from pathlib import Path

import numpy as np

from labutils import recall, training
from labutils.cells import LSTMCell

STEPS, UPDATES, ROWS, SEEDS = 60, 2000, 32, range(10)
# a new letter at each step with a probability of 0.03, but for so many last steps; or a single letter
LETTERS = {
    "latest": 0,
    "latest, none in the last 10 steps": 10,
    "latest, none in the last 30 steps": 30,
    "one, at a random step": None,
    "one, at the first step": STEPS,
}


def sequences(letters: str, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences (rows, 61, 8) of this kind, and the letter to name in each (rows,)."""
    without = LETTERS[letters]
    if without is None:
        before, _ = recall.sequences(rows, STEPS, rng)
        back = rng.integers(0, STEPS + 1, rows)  # the fillers before the letter, taken from behind it
        x = np.stack([np.roll(row, int(steps), axis=0) for row, steps in zip(before, back, strict=True)])
        return x, x[:, :, : len(recall.TO_RECALL)].sum(axis=1).argmax(axis=1)
    if without == STEPS:
        return recall.sequences(rows, STEPS, rng)
    x, named = recall.sequences(rows, STEPS - without, rng, renewal=0.03)
    fillers = len(recall.TO_RECALL) + rng.integers(len(recall.FILLERS), size=(rows, without))
    return np.concatenate([x, np.eye(len(recall.SYMBOLS))[fillers]], axis=1), named


def train(letters: str, seed: int) -> dict:
    rng = np.random.default_rng([seed, 1])
    cell = LSTMCell.initialized(len(recall.SYMBOLS), 16, np.random.default_rng(seed))
    kernel = rng.uniform(-0.5, 0.5, (cell.units, len(recall.TO_RECALL)))
    net = recall.Recaller(cell, kernel, np.zeros(len(recall.TO_RECALL)), [])
    adam = recall.Adam([cell.kernel, cell.recurrent_kernel, cell.bias, net.kernel, net.bias], 0.01)
    for _ in range(UPDATES):
        loss, gradients = recall.loss_and_gradients(net, *sequences(letters, ROWS, rng))
        net.losses.append(loss)
        adam.update(recall.clipped(gradients, 1.0))
        if len(net.losses) >= 40 and np.mean(net.losses[-20:]) < 0.01:
            break
    x, named = sequences(letters, 500, np.random.default_rng([seed, 2]))
    accuracy = np.mean(net.probabilities(x).argmax(axis=1) == named)
    return {"updates": len(net.losses), "accuracy": float(accuracy), "at_gap_40": net.accuracy(40)}


def main() -> None:
    table = training.sweep(train, {"letters": [*LETTERS]}, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table.drop(columns=["seconds", "failed"]).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
