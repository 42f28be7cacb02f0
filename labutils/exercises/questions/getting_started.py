"""The exercise with which one tries out how exercises answer."""

from __future__ import annotations

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Coding, Mistake


def my_means(table):
    """The mean of each row (rows,), of a table (rows, columns), a NumPy array."""
    return table.mean(axis=1)


def _tables(rng: np.random.Generator) -> list[Case]:
    return [{"table": rng.integers(0, 10, size=shape)} for shape in [(2, 3), (3, 3), (4, 2)]]


EXERCISES = (
    Coding(
        title="A mean for each row",
        question="A function that takes a table of numbers and returns the mean of each of its rows.",
        idea="how exercises answer",
        minutes=2,
        solve=my_means,
        cases=_tables,
        mistakes=(
            Mistake(
                "over the wrong axis",
                lambda table: table.mean(axis=0),
                "You took the mean of each column. For rows the mean goes along axis 1.",
            ),
            Mistake(
                "one mean for all",
                lambda table: table.mean(),
                "That is one mean of all numbers. Each row is to have its own: axis=1.",
            ),
            Mistake(
                "sum, not mean",
                lambda table: table.sum(axis=1),
                "Those are the sums of the rows. A mean divides by how many numbers there are.",
            ),
        ),
        hints=(
            "NumPy's arrays have a method: table.mean().",
            "It takes an argument axis: 0 goes down the columns, 1 goes along the rows.",
        ),
        afterwards="That is how every exercise works: write, run, read the answer.",
    ),
)
