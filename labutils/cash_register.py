"""The cash register of notebook 02: four tasks for a memory of one number, one key more in each."""

from __future__ import annotations

import numpy as np

from labutils.cells import Cell
from labutils.validation import whole_number

TASKS = ("every amount", "entered only", "new customers", "when asked")
FEATURES = ("amount", "enter", "new customer", "total")
LARGEST_AMOUNT = 0.3
_HOW_OFTEN = {"enter": 0.3, "new customer": 0.08, "total": 0.2}


def streams(task: str, count: int, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return what is typed into a cash register and what its display has to show after each step.

    Parameters
    ----------
    task : "every amount": all amounts are added; "entered only": those with the enter key; "new
        customers": and the total begins at zero with that key; "when asked": and 0 is shown without the key
        for the total.
    count, steps : 1 or more.
    rng : draws amounts and keys.

    Returns
    -------
    typed : (count, steps, 4), the amount, from -0.3 to 0.3, and three keys, 1 where one is down. The keys
        that a task does not use are held: enter and total down, new customer up.
    shown : (count, steps, 1).

    Raises
    ------
    ValueError
        For another task, and for a count or steps below 1.
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(map(repr, TASKS))}, got {task!r}")
    count, steps = whole_number("count", count), whole_number("steps", steps)
    level, shape = TASKS.index(task), (count, steps)
    amount = rng.uniform(-LARGEST_AMOUNT, LARGEST_AMOUNT, shape)
    enter, new, ask = (rng.random(shape) < probability for probability in _HOW_OFTEN.values())
    enter, new, ask = enter | (level < 1), new & (level > 1), ask | (level < 3)
    total, shown = np.zeros(count), np.zeros(shape)
    for t in range(steps):
        total = np.where(new[:, t], 0, total) + enter[:, t] * amount[:, t]
        shown[:, t] = total * ask[:, t]
    return np.stack([amount, enter, new, ask], axis=2), shown[:, :, None]


def error(
    cell: Cell, v: np.ndarray, d: float | np.ndarray, task: str, steps: int = 30, seed: int = 2
) -> float:
    """Return the mean squared error of ``h @ v + d`` on 1,000 new streams, as a fraction of the variance.

    Over the second half of the steps: 0 is perfect, 1 as bad as always showing the mean.

    Parameters
    ----------
    cell : of 4 features.
    v, d : the readout, (units, 1) and one number.
    task : as in `streams`.
    steps : of each stream.
    seed : of the streams.

    Raises
    ------
    ValueError
        For another task, and where `v` has another shape.
    """
    if np.shape(v) != (cell.units, 1):
        raise ValueError(
            f"v must have the shape ({cell.units}, 1), one weight for each unit, got {np.shape(v)}"
        )
    typed, shown = streams(task, 1000, steps, np.random.default_rng(seed))
    wrong = (cell.forward(typed) @ v + d - shown)[:, steps // 2 :]
    return float(np.mean(wrong**2) / np.var(shown[:, steps // 2 :]))
