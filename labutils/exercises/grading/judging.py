"""What the process in the sandbox has written is judged, in words, answer by answer.

The lines come from foreign code. They are data of limited size; whatever else they may be, the result is
about the one notebook that they come from.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labutils.exercises.checking.exercise_types import Exercise, Verdict
from labutils.exercises.grading.graded_notebook import RIGHT, Answer, GradedNotebook, State
from labutils.exercises.grading.sandbox import TOO_LONG
from labutils.exercises.grading.submissions import Submission
from labutils.exercises.registry import all_exercises, exercises_of, notebook_numbers

_LONGEST_LINE = 2_000_000  # letters
_MOST_READ = 20_000_000  # bytes
_LONGEST_TEXT = 2_000
_MOST_REMARKS = 5
_CALL = re.compile(r'\bexercise\(\s*(?:number\s*=\s*)?[\'"]\s*0?(\d+)\.(\d+)\s*[\'"]\s*\)')
_QUESTION = re.compile(r"\*\*Exercise (\d+)\.(\d+) ")


@dataclass
class Results:
    """What was written while a notebook ran.

    Attributes
    ----------
    given : of each exercise, what the answer gave when it was last looked at.
    checked_in : the code cell in which that was, None at the end.
    errors, details : by cell, the type of an error; its message and its line, in words.
    begun : the last cell that began.
    remarks : what a teacher may want to know.
    left_out : how many cells were not run.
    complete : whether it came to its end.
    """

    given: dict[str, Any] = field(default_factory=dict)
    checked_in: dict[str, int | None] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    details: dict[int, str] = field(default_factory=dict)
    begun: int | None = None
    remarks: list[str] = field(default_factory=list)
    left_out: int = 0
    complete: bool = False


def read_results(path: Path) -> Results:
    """Return what is in a file of results, as far as it is what `runner` writes."""
    results, known = Results(), {exercise.number for exercise in all_exercises()}
    for text in _beginning(path).split(b"\n"):
        line: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            line = json.loads(text) if len(text) <= _LONGEST_LINE else None
        if not isinstance(line, dict):
            continue
        cell, number = line.get("cell"), line.get("exercise")
        cell = cell if type(cell) is int else None
        if isinstance(number, str) and number in known and isinstance(line.get("given"), dict):
            results.given[number], results.checked_in[number] = line["given"], cell
        elif isinstance(line.get("error"), str) and cell is not None:
            if cell not in results.errors:
                results.errors[cell], results.details[cell] = _words(line["error"]), _details(line)
        elif isinstance(line.get("remark"), str) and len(results.remarks) < _MOST_REMARKS:
            results.remarks.append(_words(line["remark"]))
        elif line.get("begun") is True and cell is not None:
            results.begun = cell
        results.complete |= line.get("end") is True
    return results


def _details(line: dict[str, Any]) -> str:
    """Return the message and the line of an error, in words; "" where nothing is known."""
    message, source = (
        line.get(part) if isinstance(line.get(part), str) else "" for part in ("message", "line")
    )
    if line["error"] == "EOFError":
        message = "it asks with input(), and nobody answers here: write the answer into the cell"
    said = f" ({_words(message)})" if message else ""
    return f"{said}, in the line “{_words(source)}”" if source else said


def _beginning(path: Path) -> bytes:
    """Return the beginning of a file, if it is still a plain file: the notebook may have replaced it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            return file.read(_MOST_READ) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""


def without_answers(submission: Submission, state: State, reason: str) -> GradedNotebook:
    """Return a file without answers as graded: what state it is in and why."""
    sender = submission.student, submission.identifier
    return GradedNotebook(submission.name, state, submission.digest, *sender, reason=reason)


def judged(
    submission: Submission,
    notebook: NotebookNode,
    results: Results,
    stopped: str,
    seed: int,
    only: int | None = None,
) -> GradedNotebook:
    """Return a notebook that was run as graded.

    Parameters
    ----------
    stopped : why it was stopped, as `sandbox.run` returned it.
    seed : drew the inputs that the answers were tried with.
    only : the exercises of this notebook alone are judged; None: of all.
    """
    called = exercises_called(notebook)
    checked = {number for number, cell in results.checked_in.items() if cell is not None}
    numbers = sorted({int(number.split(".")[0]) for number in [*called, *checked]})
    numbers = [number for number in numbers if only in (None, number)]
    if not numbers:
        of_which = "the series" if only is None else f"notebook {only:02d}"
        return without_answers(submission, State.NO_EXERCISES, f"no exercise of {of_which} is in it")
    exercises = [exercise for number in numbers for exercise in exercises_of(number)]
    answers = {e.number: _answer(e, called.get(e.number), results, seed) for e in exercises}
    return replace(
        without_answers(submission, *_state(results, stopped)).with_answers(answers),
        notebook=" ".join(f"{number:02d}" for number in numbers),
        remark="; ".join(dict.fromkeys(results.remarks)),
        claimed=_stored_as_right(notebook),
        of=sum(exercise.points for exercise in exercises),
    )


def _answer(exercise: Exercise, cells: Sequence[int] | None, results: Results, seed: int) -> Answer:
    """Return what is said to an answer; `cells` call the exercise, None where it is not even asked."""
    number, details = exercise.number, ""
    if number in results.given:
        verdict = _verdict(exercise, results.given[number], seed)
        # what an answer gave may have any words in it
        wrong = "wrong" if verdict.reason in ("", RIGHT) else verdict.reason
        word = RIGHT if verdict.status == "right" else wrong
        return Answer(word, round(exercise.points * verdict.fraction, 2), verdict.text)
    if cells is None:
        word = "missing"
    elif cell := next((cell for cell in cells if cell in results.errors), None):
        word, details = f"stopped: {results.errors[cell]} in code cell {cell}", results.details[cell]
    else:
        word = "not checked" if results.complete else "not reached"
    return Answer(word, feedback=f"Exercise {number}: {word}{details}.")


def exercises_called(notebook: NotebookNode) -> dict[str, list[int]]:
    """Return of each exercise that a notebook asks or calls the code cells that call it, counted from 1."""
    known = notebook_numbers()
    called: dict[str, list[int]] = {}
    place = 0
    for cell in notebook.cells:
        place += cell.cell_type == "code"
        pattern = _CALL if cell.cell_type == "code" else _QUESTION
        for first, second in pattern.findall(cell.source):
            if int(first) in known:
                of_it = called.setdefault(f"{int(first)}.{int(second)}", [])
                of_it += [place] if cell.cell_type == "code" else []
    return called


def _state(results: Results, stopped: str) -> tuple[State, str]:
    if results.complete:
        failed = min(results.errors, default=0)
        if not failed:
            return State.GRADED, ""
        error = f"{results.errors[failed]}{results.details[failed]}"
        return State.GRADED, f"code cell {failed} stops with {error}"
    where = f", in code cell {results.begun}" if results.begun else ""
    if stopped.startswith(TOO_LONG):
        return State.HUNG, f"{stopped}{where}"
    return State.CRASHED, f"{stopped or 'it ended Python, or the memory was full'}{where}"


def _verdict(exercise: Exercise, given: dict[str, Any], seed: int) -> Verdict:
    try:
        with warnings.catch_warnings(action="ignore"):
            return exercise.judge(_trimmed(given), seed)
    except Exception:  # made up by the notebook: no answer looks like this
        text = f"Exercise {exercise.number}: what was checked cannot be judged."
        return Verdict("not yet", text, "stopped: what was checked cannot be judged")


def _trimmed(value: Any) -> Any:
    """Return what was given with every text in it cut to a length at which nothing takes long."""
    if isinstance(value, dict):
        return {key[:100]: _trimmed(part) for key, part in value.items()}
    if isinstance(value, list):
        return value if not _holds_texts(value) else [_trimmed(part) for part in value]
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def _holds_texts(values: Sequence[Any]) -> bool:
    return any(isinstance(value, (str, dict, list)) for value in values)


def _stored_as_right(notebook: NotebookNode) -> tuple[str, ...]:
    """Return which exercises are stored as right in the file."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = "\n".join(output.get("text", "") for output in outputs)
    stored = re.findall(r"^Exercise (\d+\.\d+): right\b", texts, re.M)
    return tuple(dict.fromkeys(stored))


def _words(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
