"""The table of graded submissions: written for spreadsheets, read again, summed up in words."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labutils.exercises.grading.graded_submission import Answer, AnswerState, GradedSubmission, State, by_file
from labutils.exercises.grading.submissions import printable
from labutils.exercises.registry import all_exercises

_TEXTS = ["file", "student", "identifier", "notebook", "state", "reason", "remark"]
_COLUMNS = [*_TEXTS, "right", "points", "of"]


class _TooManyPointsError(ValueError):
    """Somebody has written more points into the table than an exercise has; the message says where."""


def table_of(submissions: Sequence[GradedSubmission]) -> pd.DataFrame:
    """Return a row for each file, in their order, the exercises in theirs, each beside its points."""
    rows = [row_of(submission) for submission in by_file(submissions)]
    table = pd.DataFrame(rows, columns=None if rows else _COLUMNS)
    columns = [*_COLUMNS, *(name for name in _columns_of_exercises() if name in table.columns), "digest"]
    return table.reindex(columns=columns).astype(object).fillna("")


def row_of(submission: GradedSubmission) -> dict[str, Any]:
    """Return column → value of a graded submission; the points of 1.2 stand under "1.2 points"."""
    row = {name: getattr(submission, name) for name in ("file", "student", "identifier", "state", "reason")}
    row |= {"notebook": two_digits(submission.notebook_numbers), "remark": submission.full_remark}
    row |= {
        "right": submission.right,
        "points": submission.points,
        "of": submission.max_points,
        "digest": submission.digest,
    }
    for number, answer in submission.answers.items():
        row |= {number: answer.label, f"{number} points": answer.points}
    return row


def two_digits(numbers: Sequence[int]) -> str:
    """Return the numbers of notebooks as the names of their files have them, such as "01 02"."""
    return " ".join(f"{number:02d}" for number in numbers)


def _columns_of_exercises() -> list[str]:
    return [name for exercise in all_exercises() for name in (exercise.number, f"{exercise.number} points")]


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table that a spreadsheet shows as it is: accents in letters, no cell taken for a formula."""
    text = table.map(_harmless).to_csv(index=False, lineterminator="\r\n")
    path.write_bytes(text.encode("utf-8-sig", "replace"))


def _harmless(value: object) -> object:
    if isinstance(value, float):
        return rounded(value)
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if _like_a_formula(text) else text


def rounded(points: float) -> str:
    """Return points with two decimals at most."""
    return f"{round(points, 2):.10g}"


def _like_a_formula(text: str) -> bool:
    return unicodedata.normalize("NFKC", text.lstrip()[:1]) in ("=", "+", "-", "@")


def read_csv(path: Path) -> list[GradedSubmission]:
    """Return what stands in a table that `write_csv` wrote, even if a spreadsheet has stored it again.

    A row that the spreadsheet has spoiled is left out. Right answers and points are counted anew, since
    somebody may have changed the points of an exercise.

    Raises
    ------
    ValueError
        Where it is no such table, has a column that is not of it, or more points than an exercise has.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # what some spreadsheets make of it
        text = content.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        lacking = {"file", "state", "digest"}.difference(lines.fieldnames or [])
    except csv.Error:  # no text at all
        lacking = {"digest"}
    if lacking:
        raise ValueError(f"{path} is no table of grades: it has no column {', '.join(sorted(lacking))}")
    known = {*_COLUMNS, *_columns_of_exercises(), "digest", ""}
    if unknown := [name for name in lines.fieldnames or [] if name not in known]:
        raise ValueError(
            f"{path} has columns that are not of such a table: {', '.join(unknown[:5])}. Where a spreadsheet "
            "has changed the name of an exercise (1.6 into a date), write it back; columns of your own "
            "belong into a copy"
        )
    read = []
    for row in lines:
        try:
            read.append(_read_row(row))
        except _TooManyPointsError as error:
            raise ValueError(f"{path}: {error}") from None
        except ValueError:  # a number that has become a date
            continue
    # without the columns of its exercises a row says too little
    return [submission for submission in read if submission.answers or not submission.max_points]


def _read_row(row: dict[str | None, Any]) -> GradedSubmission:
    cells = {str(name): value if isinstance(value, str) else "" for name, value in row.items()}
    numbers = {
        name: float(value.replace(",", ".") or 0)
        for name, value in cells.items()
        if name in ("right", "points", "of") or name.endswith(" points")
    }
    texts = {
        name: value[1:] if value.startswith("'") and _like_a_formula(value[1:]) else value
        for name, value in cells.items()
        if name not in numbers
    }
    answers = {
        name: Answer.from_label(text, numbers.get(f"{name} points", 0.0))
        for name, text in texts.items()
        if text and re.fullmatch(r"\d+\.\d+", name)  # an empty cell is an exercise of another notebook
    }
    most = {exercise.number: exercise.points for exercise in all_exercises()}
    for number, answer in answers.items():
        if not 0 <= answer.points <= most.get(number, np.inf):
            raise _TooManyPointsError(
                f"{texts.get('file')}: {number} has {answer.points:g} points, and its most are {most[number]}"
            )
    fields = {name: texts.get(name, "") for name in (*_TEXTS, "digest")}
    return GradedSubmission(
        file=fields["file"],
        state=fields["state"],
        digest=fields["digest"],
        student=fields["student"],
        identifier=fields["identifier"],
        notebook_numbers=tuple(int(number) for number in fields["notebook"].split() if number.isdecimal()),
        reason=fields["reason"],
        remark=fields["remark"],
        max_points=numbers.get("of", 0.0),
        answers=answers,
    )


def line_of(submission: GradedSubmission) -> str:
    """Return a line of text on a graded submission."""
    result = submission.state
    if submission.answers:
        result = f"{submission.right} of {len(submission.answers)} right, "
        result += f"{rounded(submission.points)} of {submission.max_points:g} points"
        result += "" if submission.state == State.GRADED else f", {submission.state}"
    said = "; ".join(printable(text) for text in (submission.reason, submission.full_remark) if text)
    return f"{printable(submission.file)}: {result}" + (f" ({said})" if said else "")


def summary(submissions: Sequence[GradedSubmission]) -> list[str]:
    """Return lines of text: how many of each state, and the most frequent wrong answers."""
    states = Counter(submission.state for submission in by_file(submissions))
    lines = [f"{count} {state}" for state, count in states.most_common()]
    worst = common_mistakes(submissions).sort_values("notebooks", ascending=False, kind="stable").head(10)
    return lines + [
        f"{r.notebooks} × {r.exercise} ({r.title}): {printable(r.answer)}" for r in worst.itertuples()
    ]


def common_mistakes(submissions: Sequence[GradedSubmission]) -> pd.DataFrame:
    """Return how often each wrong answer was given, exercise by exercise, the most frequent of each first."""
    titles = {exercise.number: exercise.title for exercise in all_exercises()}
    labels: dict[str, Counter[str]] = {number: Counter() for number in titles}
    for submission in by_file(submissions):
        for number, answer in submission.answers.items():
            if number in titles and answer.state is AnswerState.WRONG:
                labels[number][answer.label] += 1
    rows = [
        {"exercise": number, "title": titles[number], "answer": label, "notebooks": count}
        for number, counted in labels.items()
        for label, count in counted.most_common()
    ]
    return pd.DataFrame(rows, columns=["exercise", "title", "answer", "notebooks"])
