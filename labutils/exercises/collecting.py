"""What runs beside a handed-in notebook, in its kernel: write down what its answers are or give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labutils.exercises.book import exercise


def write_answers(path: str, names: Mapping[str, str], seed: int, notebook: Mapping[str, Any]) -> None:
    """Write to a file, for each exercise, what the variable of this name is or gives when it is called.

    names : number of an exercise → name of its answer. notebook : the variables of the notebook. What is
    right is not known here: the file is judged elsewhere. An answer that cannot be collected is an
    "unusable" one and does not stop the others.
    """
    collected: dict[str, Any] = {}
    for number, name in names.items():
        try:
            if name in notebook:
                collected[number] = exercise(number).collect(notebook[name], seed)
        except Exception as error:
            collected[number] = {"unusable": f"it cannot be tried: {type(error).__name__}"}
    Path(path).write_text(json.dumps(collected), encoding="utf-8")
