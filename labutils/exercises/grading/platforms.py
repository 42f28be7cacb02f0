"""Files with points that learning platforms import: Moodle and Canvas."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from labutils.exercises.grading.chosen_exercises import described
from labutils.exercises.grading.feedback import text_for
from labutils.exercises.grading.grade_table import two_digits, write_csv
from labutils.exercises.grading.graded_submission import GradedSubmission, best_answers, by_file
from labutils.exercises.grading.submissions import printable
from labutils.exercises.registry import all_exercises

_MOODLE_COLUMNS = [
    "Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments",
]  # fmt: skip
_CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]


def write_moodle(
    submissions: Sequence[GradedSubmission], path: Path, only: Collection[str] | None = None
) -> list[str]:
    """Write the grading worksheet of a Moodle assignment; return what is to be known before its upload.

    The maximum grade is that of the exercises `only` (None: of all notebooks that were handed in).

    The importer finds a student by the number of the participant, which stands in the names of the files
    that Moodle offers for download (Full Name_123456_assignsubmission_file_). It asks for the columns
    Identifier, Grade and Last modified (grade), and leaves a grade as it is where none is given.

    Sources: https://docs.moodle.org/en/Assignment_settings (Offline grading worksheet), and what reads it,
    https://github.com/moodle/moodle/blob/main/mod/assign/feedback/offline/importgradeslib.php
    """
    students, notices = _students(submissions, "Full Name_123456_assignsubmission_file_")
    max_points = _max_points(submissions, only)
    table = [
        {
            "Identifier": f"Participant {identifier}",
            "Full name": attempts[-1].student,
            "Grade": _total(attempts),
            "Maximum Grade": max_points,
            "Last modified (grade)": "",
            "Feedback comments": _html(text_for(attempts)),
        }
        for identifier, attempts in students.items()
    ]
    write_csv(pd.DataFrame(table, columns=_MOODLE_COLUMNS), path)
    return [
        *notices,
        "before you upload it in Moodle: switch on 'Offline grading worksheet' and 'Feedback comments' under "
        f"the feedback types of the assignment; set its maximum grade to {max_points:g} (more is ignored) "
        "and your language to English; tick 'Allow updating records' to replace what is there",
    ]


def write_canvas(
    submissions: Sequence[GradedSubmission], path: Path, only: Collection[str] | None = None
) -> list[str]:
    """Write grades for the gradebook of Canvas; return what is to be known before their import.

    The points possible are those of the exercises `only` (None: of all notebooks that were handed in).

    Canvas finds a student by the ID, which stands in the names of the files that it offers for download, the
    first number in lastnamefirstname_12345_67890_01.ipynb. A student without a grade is left out, because an
    empty cell would delete what is there.

    Sources: https://teaching.resources.osu.edu/toolsets/carmencanvas/guides/calculating-final-grades/import-csv-file-carmen-grades
    and what reads it, https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb
    """
    students, notices = _students(submissions, "lastnamefirstname_12345_67890_")
    named = f"notebook {two_digits(_notebook_numbers(submissions))}" if only is None else described(only)
    title = named.capitalize()
    table = [{"Student": "    Points Possible", title: _max_points(submissions, only)}]
    for identifier, attempts in students.items():
        if (total := _total(attempts)) != "":
            table.append({"Student": attempts[-1].student, "ID": identifier, title: total})
    write_csv(pd.DataFrame(table, columns=[*_CANVAS_COLUMNS, title], dtype=object).fillna(""), path)
    return [
        *notices,
        f"before you import it in Canvas: put for '{title}' what stands above your assignment in an "
        "export of the gradebook, such as 'Lab 1 (4711)'; otherwise Canvas makes a new assignment",
    ]


def _students(
    submissions: Sequence[GradedSubmission], pattern: str
) -> tuple[dict[str, list[GradedSubmission]], list[str]]:
    """Return the submissions of each student by identifier, and notices on those without it, or a grade."""
    students: dict[str, list[GradedSubmission]] = {}
    unknown = []
    for submission in by_file(submissions):
        if submission.identifier:
            students.setdefault(submission.identifier, []).append(submission)
        else:
            unknown.append(submission.file)
    several = [attempts[0].student for attempts in students.values() if len(attempts) > 1]
    without = [attempts[0].student for attempts in students.values() if _total(attempts) == ""]
    stopped = [submission.file for submission in submissions if submission.was_stopped]
    notices = {
        f"left out, because neither file nor folder begins with a student as in {pattern}": unknown,
        "several files of one student: of each exercise the best answer counts": several,
        "no grade, because no answer could be judged": without,
        "not run to the end: what could be judged without the cell that stopped it counts": stopped,
    }
    return students, [f"{what}: {_listed(who)} ({len(who)} in all)" for what, who in notices.items() if who]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(printable(name) for name in names[:5]) + more


def _total(attempts: Sequence[GradedSubmission]) -> float | str:
    best = best_answers(attempts)
    return float(sum(answer.points for answer in best.values())) if best else ""


def _notebook_numbers(submissions: Sequence[GradedSubmission]) -> list[int]:
    return sorted({number for submission in submissions for number in submission.notebook_numbers})


def _max_points(submissions: Sequence[GradedSubmission], only: Collection[str] | None) -> float:
    """Return the points of the exercises `only`, or of all of all notebooks that somebody has handed in."""
    notebooks = _notebook_numbers(submissions)
    handed_in = [e for e in all_exercises() if int(e.number.split(".")[0]) in notebooks]
    counted = handed_in if only is None else [e for e in all_exercises() if e.number in only]
    return float(sum(exercise.points for exercise in counted))


def _html(text: str) -> str:
    return "<pre>" + html.escape(text, quote=False).replace("\n", "<br>") + "</pre>"
