"""What runs in the kernel of a handed-in notebook: remember what was checked, write down what it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labutils.exercises.checking.exercise_types import Exercise
from labutils.exercises.registry import exercise


def remember_checks() -> dict[str, Any]:
    """Return a dictionary that will hold, for each exercise, the answer that was checked last."""
    checked: dict[str, Any] = {}
    check = Exercise.check

    def remembering(self: Exercise, answer: object) -> None:
        checked[self.number] = answer
        check(self, answer)

    Exercise.check = remembering
    return checked


def write_answers(
    path: str, names: Mapping[str, str], seed: int, checked: Mapping[str, Any], notebook: Mapping[str, Any]
) -> None:
    """Write to a file, for each exercise, what its answer is or gives when it is called.

    names : number of an exercise → name of its answer, which counts where nothing was checked. checked : as
    `remember_checks` returned it. notebook : the variables of the notebook. What is right is not known here:
    the file is judged elsewhere. An answer that cannot be collected is an "unusable" one and does not stop
    the others.
    """
    collected: dict[str, Any] = {}
    for number, name in names.items():
        try:
            if number in checked or name in notebook:
                answer = checked[number] if number in checked else notebook[name]
                collected[number] = exercise(number).collect(answer, seed)
        except Exception as error:
            collected[number] = {"unusable": f"it cannot be tried: {type(error).__name__}"}
    Path(path).write_text(json.dumps(collected), encoding="utf-8")
