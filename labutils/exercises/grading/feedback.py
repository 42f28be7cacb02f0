"""What is said to students: kept for ``--resume``, and written into a file for each."""

from __future__ import annotations

import contextlib
import html
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from labutils.exercises.grading.grade_table import rounded
from labutils.exercises.grading.graded_submission import AnswerState, GradedSubmission, best_answers, by_file
from labutils.exercises.grading.submissions import printable
from labutils.exercises.registry import all_exercises

_RESERVED_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def write_texts(submissions: Sequence[GradedSubmission], path: Path) -> None:
    """Write what is said to the students, which a table has no room for."""
    texts = {
        submission.file: {
            f"{number} feedback": a.feedback for number, a in submission.answers.items() if a.feedback
        }
        for submission in submissions
    }
    path.write_text(json.dumps(texts), encoding="utf-8")


def with_texts(submissions: Sequence[GradedSubmission], path: Path) -> list[GradedSubmission]:
    """Return submissions with the feedback that `write_texts` has kept; without where that is lost."""
    texts: Any = {}
    with contextlib.suppress(OSError, ValueError):
        texts = json.loads(path.read_text("utf-8"))
    found = []
    for submission in submissions:
        kept = texts.get(submission.file) if isinstance(texts, dict) else None
        answers = dict(submission.answers)
        for number, answer in submission.answers.items():
            text = kept.get(f"{number} feedback") if isinstance(kept, dict) else None
            answers[number] = replace(answer, feedback=text) if isinstance(text, str) else answer
        found.append(replace(submission, answers=answers))
    return found


def write_feedback(submissions: Sequence[GradedSubmission], folder: Path) -> list[Path]:
    """Write for each student a file NAME.md, with what was said to each answer; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    by_sender: dict[tuple[str, str, str], list[GradedSubmission]] = {}
    for submission in by_file(submissions):
        known = (submission.student, submission.identifier, "")
        sender = known if submission.identifier else ("", "", submission.file)
        by_sender.setdefault(sender, []).append(submission)
    for (student, identifier, file), attempts in by_sender.items():
        name = _file_name(file or f"{student}_{identifier}")
        taken = {path.name.casefold() for path in written}
        numbered = (f"{name}_{number}.md" for number in itertools.count(2))
        names = itertools.chain([f"{name}.md"], numbered)
        written.append(folder / next(name for name in names if name.casefold() not in taken))
        title = _markdown(student or attempts[0].file)
        written[-1].write_bytes(f"# {title}\n\n{_fenced(text_for(attempts))}\n".encode("utf-8", "replace"))
    return written


def text_for(attempts: Sequence[GradedSubmission]) -> str:
    """Return what a student is told: points, what stopped the grading, what was said to each answer."""
    best = best_answers(attempts)
    exercises = {exercise.number: exercise for exercise in all_exercises()}
    points = sum(answer.points for answer in best.values())
    max_points = sum(exercises[number].points for number in best)
    blocks = [f"{rounded(points)} of {max_points} points."] if best else []
    for attempt in attempts:
        if attempt.reason:
            counts = " What could be judged without it, was judged." if attempt.answers else ""
            blocks.append(f"{attempt.file.rpartition('/')[2]}: {attempt.reason}.{counts}")
    for number, answer in best.items():
        exercise, said = exercises[number], f", {answer.label}"
        if answer.state is not AnswerState.RIGHT and answer.points == exercise.points:
            said = ", given by your teacher"  # who has written it into the table
        elif answer.state is AnswerState.WRONG and answer.feedback.strip():
            said = f"\n{answer.feedback.strip()}"
        earned = f"{rounded(answer.points)} of {exercise.points} points"
        blocks.append(f"Exercise {number} ({exercise.title}): {earned}{said}")
    return "\n".join(printable(line) for block in blocks for line in [*block.split("\n"), ""]).strip()


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]#|~!])", r"\\\1", html.escape(printable(text), quote=False))


def _fenced(text: str) -> str:
    """Return a text as Markdown that is shown as it is, whatever stands in it."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}text\n{text}\n{fence}"


def _file_name(text: str) -> str:
    """Return a name that every system accepts and that leads nowhere else."""
    stem = re.sub(r"\.(ipynb|txt|json)\b", "", text, flags=re.IGNORECASE)
    name = re.sub(r"[^\w\- .]+", "_", printable(stem)).strip(" ._").encode()[:150].decode("utf-8", "ignore")
    name = name.rstrip(" .") or "submission"
    return f"_{name}" if _RESERVED_BY_WINDOWS.match(name) else name
