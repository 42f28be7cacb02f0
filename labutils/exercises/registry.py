"""Find an exercise by its number. The exercises are loaded when they are asked for.

A notebook imports this module alone, so that a better hint does not make its stored outputs stale. (What
is stored of an exercise is one line, "not started"; a test compares it with what the exercise says now.)
"""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from labutils.exercises.subjects import QUESTIONS

if TYPE_CHECKING:
    from labutils.exercises.checking.exercise_types import Exercise


def exercise(number: str) -> Exercise:
    """Return the exercise with this number, such as "1.2": the second of notebook 01.

    Parameters
    ----------
    number : in quotes.

    Raises
    ------
    ValueError
        Where there is none; the message says which there are.
    """
    if not isinstance(number, str) or not re.fullmatch(r"\d+\.\d+", number.strip()):
        raise ValueError(f'an exercise is called by its number in quotes, exercise("1.2"), not {number!r}')
    notebook, position = map(int, number.split("."))
    if notebook not in QUESTIONS:
        known = ", ".join(f"{n:02d}" for n in notebook_numbers())
        raise ValueError(f"there is no exercise {number}: the notebooks with exercises are {known}")
    exercises = exercises_of(notebook)
    if not 1 <= position <= len(exercises):
        known = ", ".join(exercise.number for exercise in exercises)
        raise ValueError(f"there is no exercise {number}: notebook {notebook:02d} has {known}")
    return exercises[position - 1]


def exercises_of(notebook: int) -> tuple[Exercise, ...]:
    """Return the exercises of one notebook in their order, numbered."""
    module = importlib.import_module(f"labutils.exercises.questions.{QUESTIONS[notebook]}")
    return tuple(
        replace(exercise, number=f"{notebook}.{position}")
        for position, exercise in enumerate(module.EXERCISES, start=1)
    )


def notebook_numbers() -> list[int]:
    """Return the numbers of the notebooks that have exercises."""
    return sorted(QUESTIONS)


def all_exercises() -> list[Exercise]:
    """Return every exercise of the series, in order."""
    return [exercise for notebook in notebook_numbers() for exercise in exercises_of(notebook)]
