"""What is made of graded submissions: the table, files that learning platforms import, texts for students.

A row is a dictionary: file, student, identifier, notebook, state, reason, remark, right, points, of, digest,
and for each exercise what was said under its number ("right", "wrong: forgotten bias"), its points under
"1.2 points" and, until it is written to a file, the text for the student under "1.2 feedback".
"""

from __future__ import annotations

import contextlib
import csv
import html
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from labutils.exercises.grading.submissions import printable
from labutils.exercises.registry import all_exercises

Row = dict[str, Any]

_COLUMNS = ["file", "student", "identifier", "notebook", "state", "reason", "remark", "right", "points", "of"]
_NOT_TRIED = ("", "missing", "not started", "not checked", "not reached")
_MOODLE_COLUMNS = [
    "Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments",
]  # fmt: skip
_CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
_RESERVED_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def table_of_rows(rows: Sequence[Row]) -> pd.DataFrame:
    """Return rows as a table, in the order of the files, the exercises in theirs, each beside its points."""
    table = pd.DataFrame(sorted(rows, key=lambda row: str(row["file"])), columns=None if rows else _COLUMNS)
    both = [name for exercise in all_exercises() for name in (exercise.number, f"{exercise.number} points")]
    columns = [*_COLUMNS, *(name for name in both if name in table.columns), "digest"]
    return table.reindex(columns=columns).astype(object).fillna("")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table that a spreadsheet shows as it is: accents in letters, no cell taken for a formula."""
    text = table.map(_harmless).to_csv(index=False, lineterminator="\r\n")
    path.write_bytes(text.encode("utf-8-sig", "replace"))


def _harmless(value: object) -> object:
    if isinstance(value, float):
        return _rounded(value)
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if _like_a_formula(text) else text


def _rounded(points: float) -> str:
    return f"{round(points, 2):.10g}"


def _like_a_formula(text: str) -> bool:
    return unicodedata.normalize("NFKC", text.lstrip()[:1]) in ("=", "+", "-", "@")


def read_csv(path: Path) -> list[Row]:
    """Return the rows of a table that `write_csv` wrote, even if a spreadsheet has stored it again.

    A row that the spreadsheet has spoiled is left out.

    Raises
    ------
    ValueError
        Where it is no such table.
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
    read = []
    for row in lines:
        with contextlib.suppress(ValueError):  # a number that has become a date
            read.append(_read_row(row))
    # without the columns of its exercises a row says too little
    return [row for row in read if _asked(row) or not row.get("of")]


def write_texts(rows: Sequence[Row], path: Path) -> None:
    """Write what is said to the students, which a table has no room for."""
    texts = {row["file"]: {name: row[name] for name in row if name.endswith(" feedback")} for row in rows}
    path.write_text(json.dumps(texts), encoding="utf-8")


def add_texts(rows: Sequence[Row], path: Path) -> None:
    """Give rows that `read_csv` returned what `write_texts` has kept; nothing where that is lost."""
    texts: Any = {}
    with contextlib.suppress(OSError, ValueError):
        texts = json.loads(path.read_text("utf-8"))
    for row in rows:
        kept = texts.get(row["file"]) if isinstance(texts, dict) else None
        for name, text in kept.items() if isinstance(kept, dict) else ():
            if name.removesuffix(" feedback") in row and isinstance(text, str):
                row[name] = text


def _read_row(row: dict[str | None, Any]) -> Row:
    read: Row = {}
    for name, value in row.items():
        text = value if isinstance(value, str) else ""
        if name in ("right", "points", "of") or str(name).endswith(" points"):
            number = float(text.replace(",", ".") or 0)
            read[str(name)] = int(number) if name == "right" else number
        elif name and text:  # an empty cell is an exercise of another notebook
            read[name] = text[1:] if text.startswith("'") and _like_a_formula(text[1:]) else text
        elif name in (*_COLUMNS, "digest"):
            read[name] = ""
    # a spreadsheet makes 1 of 01
    read["notebook"] = " ".join(number.zfill(2) for number in read.get("notebook", "").split())
    return {name: value for name, value in read.items() if not name.endswith(" points") or name[:-7] in read}


def line_of(row: Row) -> str:
    """Return a row as a line of text."""
    asked = _asked(row)
    result = row["state"]
    if asked:
        result = f"{row['right']} of {len(asked)} right, {_rounded(row['points'])} of {row['of']:g} points"
        result += "" if row["state"] == "graded" else f", {row['state']}"
    said = "; ".join(printable(row[name]) for name in ("reason", "remark") if row.get(name))
    return f"{printable(row['file'])}: {result}" + (f" ({said})" if said else "")


def summary(table: pd.DataFrame) -> list[str]:
    """Return lines of text: how many of each state, and the most frequent wrong answers."""
    lines = [f"{count} {state}" for state, count in table.state.value_counts().items()]
    worst = common_mistakes(table).sort_values("notebooks", ascending=False, kind="stable").head(10)
    return lines + [
        f"{r.notebooks} × {r.exercise} ({r.title}): {printable(r.answer)}" for r in worst.itertuples()
    ]


def common_mistakes(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often each wrong answer was given, exercise by exercise, the most frequent of each first."""
    titles = {exercise.number: exercise.title for exercise in all_exercises()}
    rows = [
        {"exercise": number, "title": titles[number], "answer": said, "notebooks": count}
        for number in titles
        if number in table.columns
        for said, count in Counter(table[number]).most_common()
        if said not in (*_NOT_TRIED, "right")
    ]
    return pd.DataFrame(rows, columns=["exercise", "title", "answer", "notebooks"])


def write_moodle(rows: Sequence[Row], path: Path) -> list[str]:
    """Write the grading worksheet of a Moodle assignment; return what is to be known before its upload.

    The importer finds a student by the number of the participant, which stands in the names of the files
    that Moodle offers for download (Full Name_123456_assignsubmission_file_). It asks for the columns
    Identifier, Grade and Last modified (grade), and leaves a grade as it is where none is given.

    Sources: https://docs.moodle.org/en/Assignment_settings (Offline grading worksheet), and what reads it,
    https://github.com/moodle/moodle/blob/main/mod/assign/feedback/offline/importgradeslib.php
    """
    students, notices = _students(rows, "Full Name_123456_assignsubmission_file_")
    highest = _highest(rows)
    table = [
        {
            "Identifier": f"Participant {identifier}",
            "Full name": attempts[-1]["student"],
            "Grade": _total(attempts),
            "Maximum Grade": highest,
            "Last modified (grade)": "",
            "Feedback comments": _html(_text_for(attempts)),
        }
        for identifier, attempts in students.items()
    ]
    write_csv(pd.DataFrame(table, columns=_MOODLE_COLUMNS), path)
    return [
        *notices,
        f"before you upload it in Moodle: set the maximum grade of the assignment to {highest:g} (more "
        "is ignored) and your language to English; tick 'Allow updating records' to replace what is there",
    ]


def write_canvas(rows: Sequence[Row], path: Path) -> list[str]:
    """Write grades for the gradebook of Canvas; return what is to be known before their import.

    Canvas finds a student by the ID, which stands in the names of the files that it offers for download, the
    first number in lastnamefirstname_12345_67890_01.ipynb. A student without a grade is left out, because an
    empty cell would delete what is there.

    Sources: https://teaching.resources.osu.edu/toolsets/carmencanvas/guides/calculating-final-grades/import-csv-file-carmen-grades
    and what reads it, https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb
    """
    students, notices = _students(rows, "lastnamefirstname_12345_67890_")
    title = f"Notebook {' '.join(_notebooks(rows))}"
    table = [{"Student": "    Points Possible", title: _highest(rows)}]
    for identifier, attempts in students.items():
        if (total := _total(attempts)) != "":
            table.append({"Student": attempts[-1]["student"], "ID": identifier, title: total})
    write_csv(pd.DataFrame(table, columns=[*_CANVAS_COLUMNS, title], dtype=object).fillna(""), path)
    return [
        *notices,
        f"before you import it in Canvas: put for '{title}' what stands above your assignment in an "
        "export of the gradebook, such as 'Lab 1 (4711)'; otherwise Canvas makes a new assignment",
    ]


def write_feedback(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write for each student a file NAME.md, with what was said to each answer; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: str(row["file"])):
        key = (row["student"], row["identifier"]) if row.get("identifier") else ("", "", row["file"])
        groups.setdefault(key, []).append(row)
    for (student, identifier, *_), attempts in groups.items():
        name = _file_name(f"{student}_{identifier}" if identifier else attempts[0]["file"])
        taken = {path.name.casefold() for path in written}
        numbered = (f"{name}{suffix}.md" for suffix in ["", *(f"_{n}" for n in range(2, len(rows) + 2))])
        written.append(folder / next(path for path in numbered if path.casefold() not in taken))
        title = _markdown(student or attempts[0]["file"])
        written[-1].write_bytes(f"# {title}\n\n{_fenced(_text_for(attempts))}\n".encode("utf-8", "replace"))
    return written


def _students(rows: Sequence[Row], pattern: str) -> tuple[dict[str, list[Row]], list[str]]:
    """Return the rows of each student by identifier, and notices on those that have none, or no grade."""
    students: dict[str, list[Row]] = {}
    unknown = []
    for row in sorted(rows, key=lambda row: str(row["file"])):
        if row.get("identifier"):
            students.setdefault(row["identifier"], []).append(row)
        else:
            unknown.append(row["file"])
    several = [attempts[0]["student"] for attempts in students.values() if len(attempts) > 1]
    without = [attempts[0]["student"] for attempts in students.values() if _total(attempts) == ""]
    stopped = [row["file"] for row in rows if row["state"] in ("hung", "crashed")]
    notices = {
        f"left out, because neither file nor folder begins with a student as in {pattern}": unknown,
        "several files of one student: of each exercise the best answer counts": several,
        "no grade, because no answer could be judged": without,
        "not run to the end: what was checked before counts": stopped,
    }
    return students, [f"{what}: {_listed(who)} ({len(who)} in all)" for what, who in notices.items() if who]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(printable(name) for name in names[:5]) + more


def _asked(row: Row) -> list[str]:
    return [name for name in row if re.fullmatch(r"\d+\.\d+", name)]


def _points(row: Row, number: str) -> float:
    return float(row.get(f"{number} points") or 0)


def _best(attempts: Sequence[Row]) -> dict[str, Row]:
    """Return for each exercise, in order, the row that has most points for it."""
    best: dict[str, Row] = {}
    for exercise in all_exercises():
        number = exercise.number
        tried = [row for row in attempts if row.get(number)]
        if tried:
            best[number] = max(tried, key=lambda row: (_points(row, number), row[number] not in _NOT_TRIED))
    return best


def _total(attempts: Sequence[Row]) -> float | str:
    best = _best(attempts)
    return float(sum(_points(row, number) for number, row in best.items())) if best else ""


def _notebooks(rows: Iterable[Row]) -> list[str]:
    return sorted({number for row in rows for number in row["notebook"].split()})


def _highest(rows: Sequence[Row]) -> float:
    """Return the points of all exercises of all notebooks that were handed in."""
    numbers = _notebooks(rows)
    return float(sum(e.points for e in all_exercises() if e.number.split(".")[0].zfill(2) in numbers))


def _text_for(attempts: Sequence[Row]) -> str:
    """Return what a student is told: points, what stopped the grading, what was said to each answer."""
    best = _best(attempts)
    exercises = {exercise.number: exercise for exercise in all_exercises()}
    earned = sum(_points(row, number) for number, row in best.items())
    of = sum(exercises[number].points for number in best)
    blocks = [f"{_rounded(earned)} of {of} points."] if best else []
    for row in attempts:
        if row.get("reason"):
            counts = " What could be checked without it was judged." if _asked(row) else ""
            blocks.append(f"{row['file'].rpartition('/')[2]}: {row['reason']}.{counts}")
    for number, row in best.items():
        exercise, said = exercises[number], row.get(f"{number} feedback", "").strip()
        said = f", {row[number]}" if row[number] in (*_NOT_TRIED, "right") or not said else f"\n{said}"
        points = f"{_rounded(_points(row, number))} of {exercise.points} points"
        blocks.append(f"Exercise {number} ({exercise.title}): {points}{said}")
    return "\n".join(printable(line) for block in blocks for line in [*block.split("\n"), ""]).strip()


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]#|~!])", r"\\\1", html.escape(printable(text), quote=False))


def _html(text: str) -> str:
    return "<pre>" + html.escape(text, quote=False).replace("\n", "<br>") + "</pre>"


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
