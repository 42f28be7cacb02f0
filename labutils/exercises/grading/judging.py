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
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labutils.exercises.checking.exercise_types import Exercise, Status, Verdict
from labutils.exercises.grading.chosen_exercises import described
from labutils.exercises.grading.graded_submission import Answer, AnswerState, GradedSubmission, State
from labutils.exercises.grading.sandbox import Stop, StopCause
from labutils.exercises.grading.submissions import Submission
from labutils.exercises.registry import all_exercises, exercises_of, notebook_numbers

_LONGEST_LINE = 2_000_000  # letters
_MOST_READ = 20_000_000  # bytes
_LONGEST_TEXT = 2_000
_MOST_REMARKS = 5
_STATES = {
    Status.RIGHT: AnswerState.RIGHT,
    Status.NOT_YET: AnswerState.WRONG,
    Status.NOT_STARTED: AnswerState.NOT_STARTED,
}
_CALL = re.compile(r'\bexercise\(\s*(?:number\s*=\s*)?[\'"]\s*0?(\d+)\.(\d+)\s*[\'"]\s*\)')
_QUESTION = re.compile(r"\*\*Exercise (\d+)\.(\d+) ")


@dataclass(frozen=True)
class CollectedAnswer:
    """What an answer gave when it was last looked at.

    Attributes
    ----------
    given : as `Exercise.collect` returned it.
    cell : the code cell in which that was, None at the end.
    name_error : whether it was a function that missed a name.
    """

    given: dict[str, Any]
    cell: int | None = None
    name_error: bool = False


@dataclass(frozen=True)
class CellError:
    """The class, the message and the line of the error that stopped a code cell; "" for what is not known."""

    type: str
    message: str = ""
    line: str = ""

    @property
    def details(self) -> str:
        """Return message and line, in words that go on from the type."""
        message = f" ({self.message})" if self.message else ""
        return f"{message}, in the line “{self.line}”" if self.line else message


@dataclass
class Results:
    """What was written while a notebook ran.

    Attributes
    ----------
    answers : by the number of the exercise.
    errors : by the number of the code cell.
    begun : the last cell that began.
    remarks : what a teacher may want to know.
    complete : whether it came to its end.
    """

    answers: dict[str, CollectedAnswer] = field(default_factory=dict)
    errors: dict[int, CellError] = field(default_factory=dict)
    begun: int | None = None
    remarks: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def name_error(self) -> bool:
        """Return whether a cell or an answer missed a name."""
        in_cells = any(error.type == NameError.__name__ for error in self.errors.values())
        return in_cells or any(answer.name_error for answer in self.answers.values())


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
            results.answers[number] = CollectedAnswer(line["given"], cell, line.get("name_error") is True)
        elif isinstance(line.get("error"), str) and cell is not None:
            results.errors.setdefault(cell, _cell_error(line))
        elif isinstance(line.get("remark"), str) and len(results.remarks) < _MOST_REMARKS:
            results.remarks.append(_words(line["remark"]))
        elif line.get("begun") is True and cell is not None:
            results.begun = cell
        results.complete |= line.get("end") is True
    return results


def _cell_error(line: dict[str, Any]) -> CellError:
    parts = {part: _words(line[part]) for part in ("message", "line") if isinstance(line.get(part), str)}
    if line["error"] == EOFError.__name__:
        parts["message"] = "it asks with input(), and nobody answers here: write the answer into the cell"
    return CellError(_words(line["error"]), **parts)


def _beginning(path: Path) -> bytes:
    """Return the beginning of a file, if it is still a plain file: the notebook may have replaced it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            return file.read(_MOST_READ) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""


def without_answers(submission: Submission, state: State, reason: str) -> GradedSubmission:
    """Return a file without answers as graded: what state it is in and why."""
    sender = submission.student, submission.identifier
    return GradedSubmission(submission.name, state, submission.digest, *sender, reason=reason)


def judge(
    submission: Submission,
    notebook: NotebookNode,
    results: Results,
    stop: Stop | None,
    seed: int,
    only: Collection[str] | None = None,
) -> GradedSubmission:
    """Judge a submission whose notebook was run; return it as graded.

    Parameters
    ----------
    submission : as it was handed in.
    notebook : what is in it.
    results : what was written while it ran.
    stop : why it was stopped, if it was.
    seed : drew the inputs that the answers were tried with.
    only : the numbers of the exercises that are judged alone; None: all.
    """
    called = exercises_called(notebook)
    checked = {number for number, answer in results.answers.items() if answer.cell is not None}
    notebooks = {int(number.split(".")[0]) for number in [*called, *checked]}
    exercises = [exercise for number in sorted(notebooks) for exercise in exercises_of(number)]
    if only is not None:
        exercises = [exercise for exercise in exercises if exercise.number in only]
    if not exercises:
        which = "exercise of the series" if only is None else f"part of {described(only)}"
        return without_answers(submission, State.NO_EXERCISES, f"no {which} is in it")
    return replace(
        without_answers(submission, *_state(results, stop)),
        answers={e.number: _answer(e, called.get(e.number), results, seed) for e in exercises},
        notebook_numbers=tuple(dict.fromkeys(int(e.number.split(".")[0]) for e in exercises)),
        remark="; ".join(dict.fromkeys(results.remarks)),
        stored_as_right=_stored_as_right(notebook),
        max_points=sum(exercise.points for exercise in exercises),
    )


def _answer(exercise: Exercise, cells: Sequence[int] | None, results: Results, seed: int) -> Answer:
    """Return what is said to an answer; `cells` call the exercise, None where it is not even asked."""
    if collected := results.answers.get(exercise.number):
        verdict = _verdict(exercise, collected.given, seed)
        points = round(exercise.points * verdict.fraction, 2)
        return Answer(_STATES[verdict.status], points, verdict.label, verdict.text)
    details = ""
    if cells is None:
        answer = Answer(AnswerState.MISSING)
    elif cell := next((cell for cell in cells if cell in results.errors), None):
        error = results.errors[cell]
        answer = Answer(AnswerState.WRONG, mistake=f"stopped: {error.type} in code cell {cell}")
        details = error.details
    else:
        answer = Answer(AnswerState.NOT_CHECKED if results.complete else AnswerState.NOT_REACHED)
    return replace(answer, feedback=f"Exercise {exercise.number}: {answer.label}{details}.")


def exercises_called(notebook: NotebookNode) -> dict[str, list[int]]:
    """Return of each exercise that a notebook asks or calls the code cells that call it, counted from 1."""
    known = notebook_numbers()
    called: dict[str, list[int]] = {}
    code_cells = 0
    for cell in notebook.cells:
        is_code = cell.cell_type == "code"
        code_cells += 1 if is_code else 0
        for number, position in (_CALL if is_code else _QUESTION).findall(cell.source):
            if int(number) in known:
                calls = called.setdefault(f"{int(number)}.{int(position)}", [])
                calls.extend([code_cells] if is_code else [])
    return called


def _state(results: Results, stop: Stop | None) -> tuple[State, str]:
    """Return what became of a notebook that was run, and why, in words."""
    if results.complete and not results.errors:
        return State.GRADED, ""
    if results.complete:
        cell, error = min(results.errors.items(), key=lambda pair: pair[0])
        return State.GRADED, f"code cell {cell} stops with {error.type}{error.details}"
    state = State.HUNG if stop and stop.cause is StopCause.TIME else State.CRASHED
    why = stop.words if stop else "it ended Python, or the memory was full"
    return state, why + (f", in code cell {results.begun}" if results.begun else "")


def _verdict(exercise: Exercise, given: dict[str, Any], seed: int) -> Verdict:
    try:
        with warnings.catch_warnings(action="ignore"):
            return exercise.judge(_trimmed(given), seed)
    except Exception:  # made up by the notebook: no answer looks like this
        text = f"Exercise {exercise.number}: what was checked cannot be judged."
        return Verdict(Status.NOT_YET, text, "stopped: what was checked cannot be judged")


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
