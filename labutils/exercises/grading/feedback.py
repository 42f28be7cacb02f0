"""What is said to students: kept for ``--resume``, and written into a file for each."""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from labutils.exercises.grading.grade_table import rounded
from labutils.exercises.grading.graded_notebook import NOT_TRIED, RIGHT, GradedNotebook, best_answers
from labutils.exercises.grading.submissions import printable
from labutils.exercises.registry import all_exercises

_RESERVED_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def write_texts(notebooks: Sequence[GradedNotebook], path: Path) -> None:
    """Write what is said to the students, which a table has no room for."""
    texts = {
        notebook.file: {
            f"{number} feedback": a.feedback for number, a in notebook.answers.items() if a.feedback
        }
        for notebook in notebooks
    }
    path.write_text(json.dumps(texts), encoding="utf-8")


def with_texts(notebooks: Sequence[GradedNotebook], path: Path) -> list[GradedNotebook]:
    """Return notebooks with what `write_texts` has kept of them; nothing where that is lost."""
    texts: Any = {}
    with contextlib.suppress(OSError, ValueError):
        texts = json.loads(path.read_text("utf-8"))
    found = []
    for notebook in notebooks:
        kept = texts.get(notebook.file) if isinstance(texts, dict) else None
        answers = dict(notebook.answers)
        for number, answer in notebook.answers.items():
            text = kept.get(f"{number} feedback") if isinstance(kept, dict) else None
            answers[number] = replace(answer, feedback=text) if isinstance(text, str) else answer
        found.append(replace(notebook, answers=answers))
    return found


def write_feedback(notebooks: Sequence[GradedNotebook], folder: Path) -> list[Path]:
    """Write for each student a file NAME.md, with what was said to each answer; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    groups: dict[tuple[str, ...], list[GradedNotebook]] = {}
    for notebook in sorted(notebooks, key=lambda notebook: notebook.file):
        sender = (notebook.student, notebook.identifier)
        groups.setdefault(sender if notebook.identifier else ("", "", notebook.file), []).append(notebook)
    for (student, identifier, *_), attempts in groups.items():
        name = _file_name(f"{student}_{identifier}" if identifier else attempts[0].file)
        taken = {path.name.casefold() for path in written}
        numbered = (f"{name}{suffix}.md" for suffix in ["", *(f"_{n}" for n in range(2, len(notebooks) + 2))])
        written.append(folder / next(path for path in numbered if path.casefold() not in taken))
        title = _markdown(student or attempts[0].file)
        written[-1].write_bytes(f"# {title}\n\n{_fenced(text_for(attempts))}\n".encode("utf-8", "replace"))
    return written


def text_for(attempts: Sequence[GradedNotebook]) -> str:
    """Return what a student is told: points, what stopped the grading, what was said to each answer."""
    best = best_answers(attempts)
    exercises = {exercise.number: exercise for exercise in all_exercises()}
    of = sum(exercises[number].points for number in best)
    blocks = [f"{rounded(sum(answer.points for answer in best.values()))} of {of} points."] if best else []
    for attempt in attempts:
        if attempt.reason:
            counts = " What could be judged without it, was judged." if attempt.answers else ""
            blocks.append(f"{attempt.file.rpartition('/')[2]}: {attempt.reason}.{counts}")
    for number, answer in best.items():
        exercise, said = exercises[number], answer.feedback.strip()
        said = f", {answer.word}" if answer.word in (*NOT_TRIED, RIGHT) or not said else f"\n{said}"
        if answer.word != RIGHT and answer.points == exercise.points:  # written into the table
            said = ", given by your teacher"
        points = f"{rounded(answer.points)} of {exercise.points} points"
        blocks.append(f"Exercise {number} ({exercise.title}): {points}{said}")
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
