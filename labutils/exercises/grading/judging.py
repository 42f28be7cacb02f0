"""What the process in the sandbox has written becomes a row of the table: each answer judged, in words.

The lines come from foreign code. They are data of limited size; whatever else they may be, the row is
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labutils.exercises.checking.exercise_types import Exercise, Verdict
from labutils.exercises.grading.reports import Row
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
    """What was written while a notebook ran: of each exercise what it gave last, errors by cell, remarks.

    An error is its type; its message and its line, in words, are among the details. `begun` is the last cell.
    """

    given: dict[str, Any] = field(default_factory=dict)
    checked_in: dict[str, int | None] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    details: dict[int, str] = field(default_factory=dict)
    begun: int | None = None
    remarks: list[str] = field(default_factory=list)
    left_out: int = 0  # cells that were not run
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


def row_of(submission: Submission, state: str, reason: str) -> Row:
    """Return the row of a file without answers: what state it is in and why."""
    who = {name: getattr(submission, name) for name in ("student", "identifier")}
    counts = {"right": 0, "points": 0.0, "of": 0, "digest": submission.digest}
    return {
        "file": submission.name,
        **who,
        "notebook": "",
        "state": state,
        "reason": reason,
        "remark": "",
        **counts,
    }


def judged(submission: Submission, notebook: NotebookNode, results: Results, stopped: str, seed: int) -> Row:
    """Return the row of a notebook that was run.

    Parameters
    ----------
    stopped : why it was stopped, as `sandbox.run` returned it.
    seed : drew the inputs that the answers were tried with.
    """
    called = exercises_called(notebook)
    checked = {number for number, cell in results.checked_in.items() if cell is not None}
    numbers = sorted({int(number.split(".")[0]) for number in [*called, *checked]})
    if not numbers:
        return row_of(submission, "no exercises", "no exercise of the series is in it")
    state, reason = _state(results, stopped)
    row = row_of(submission, state, reason) | {"notebook": " ".join(f"{number:02d}" for number in numbers)}
    for exercise in [exercise for number in numbers for exercise in exercises_of(number)]:
        number, verdict, details = exercise.number, None, ""
        if number in results.given:
            verdict = _verdict(exercise, results.given[number], seed)
            # what an answer gave may have any words in it
            reason = "wrong" if verdict.reason in ("", "right") else verdict.reason
            word = "right" if verdict.status == "right" else reason
        elif number not in called:
            word = "missing"
        elif cell := next((cell for cell in called[number] if cell in results.errors), None):
            word, details = f"stopped: {results.errors[cell]} in code cell {cell}", results.details[cell]
        else:
            word = "not checked" if results.complete else "not reached"
        points = round(exercise.points * verdict.fraction, 2) if verdict else 0.0
        row |= {number: word, f"{number} points": points}
        row[f"{number} feedback"] = verdict.text if verdict else f"Exercise {number}: {word}{details}."
        row["right"] += word == "right"
        row["points"] = round(row["points"] + points, 2)
        row["of"] += exercise.points
    stored = _stored_otherwise(notebook, row)
    row["remark"] = "; ".join(dict.fromkeys([*results.remarks, *stored]))
    return row


def with_the_better_answers(row: Row, other: Row) -> Row:
    """Return a row with those answers of another run of the same notebook that have more points."""
    merged = dict(row)
    for exercise in all_exercises():
        number = exercise.number
        if other.get(f"{number} points", 0) > row.get(f"{number} points", 0):
            merged |= {name: other[name] for name in (number, f"{number} points", f"{number} feedback")}
    numbers = [exercise.number for exercise in all_exercises() if exercise.number in merged]
    merged["right"] = sum(merged[number] == "right" for number in numbers)
    merged["points"] = round(sum(merged[f"{number} points"] for number in numbers), 2)
    return merged


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


def _state(results: Results, stopped: str) -> tuple[str, str]:
    if results.complete:
        failed = min(results.errors, default=0)
        if not failed:
            return "graded", ""
        return "graded", f"code cell {failed} stops with {results.errors[failed]}{results.details[failed]}"
    where = f", in code cell {results.begun}" if results.begun else ""
    if stopped.startswith(TOO_LONG):
        return "hung", f"{stopped}{where}"
    return "crashed", f"{stopped or 'it ended Python, or the memory was full'}{where}"


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


def _stored_otherwise(notebook: NotebookNode, row: Row) -> list[str]:
    """Return in words which exercises are stored as right in the file, and are not."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    stored = set(
        re.findall(r"^Exercise (\d+\.\d+): right\b", "\n".join(o.get("text", "") for o in outputs), re.M)
    )
    claimed = [number for number in row if number in stored and row[number] != "right"]
    return [f"stored as right but is not when it is run: {', '.join(claimed)}"] if claimed else []


def _words(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
