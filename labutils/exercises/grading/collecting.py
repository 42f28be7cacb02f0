"""What runs in the kernel of a handed-in notebook: remember what was checked, write down what it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labutils.exercises.checking.exercise_types import Exercise
from labutils.exercises.registry import exercises_of


def remember_checks() -> dict[str, Any]:
    """Return a dictionary that will hold, for each exercise, the answer that was checked last."""
    checked: dict[str, Any] = {}
    Exercise.on_check.append(lambda exercise, answer: checked.update({exercise.number: answer}))
    return checked


def write_answers(
    path: str, number: int, seed: int, checked: Mapping[str, Any], variables: Mapping[str, Any]
) -> None:
    """Write to a file, for each exercise of a notebook, what its answer is or gives when it is called.

    What is right is not known here: the file is judged elsewhere. An answer that cannot be collected is an
    "unusable" one and does not stop the others.

    Parameters
    ----------
    number : of the notebook.
    seed : draws the inputs that the answers are tried with.
    checked : as `remember_checks` returned it.
    variables : of the notebook, whose names count where nothing was checked.
    """
    collected: dict[str, Any] = {}
    for exercise in exercises_of(number):
        try:
            if exercise.number in checked or exercise.answer_name in variables:
                answer = checked.get(exercise.number, variables.get(exercise.answer_name))
                collected[exercise.number] = exercise.collect(answer, seed)
        except Exception as error:
            collected[exercise.number] = {"unusable": f"it cannot be tried: {type(error).__name__}"}
    Path(path).write_text(json.dumps(collected), encoding="utf-8")
