"""For authors and teachers: the cells of an exercise, the table of all, the grading of handed-in notebooks.

python -m labutils.exercises stub 1.2
python -m labutils.exercises table
python -m labutils.exercises grade FOLDER
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from labutils.exercises.grading import gradebook
from labutils.exercises.registry import exercise


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labutils.exercises", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of_stub = commands.add_parser("stub", help="print the two cells of an exercise, to paste into a notebook")
    of_stub.add_argument("number", help="such as 1.2")
    commands.add_parser("table", help="print all exercises: idea, kind, minutes")
    of_grade = commands.add_parser(
        "grade",
        help="run a folder of handed-in notebooks and write who solved what",
        description="Handed-in notebooks are foreign code: run this in a container without a network.",
    )
    of_grade.add_argument("folder", type=Path)
    option = of_grade.add_argument
    option("--minutes", type=float, default=20, help="for one notebook (20)")
    option("--jobs", type=int, default=1, help="notebooks at the same time (1)")
    option("--out", type=Path, default=Path("grades.csv"), help="the table to write (grades.csv)")
    option("--beside", type=Path, default=Path("notebooks/grids"), help="what notebooks need beside them")
    chosen = parser.parse_args(arguments)
    if chosen.command == "table":
        print(gradebook.table_of_exercises())
    elif chosen.command == "stub":
        try:
            printed = exercise(chosen.number)
        except ValueError as error:
            parser.error(str(error))
        print(f"--- Markdown cell ---\n{printed.question_cell()}\n")
        print(f"--- code cell ---\n{printed.answer_cell()}")
    elif not (chosen.minutes > 0 and chosen.jobs >= 1):
        parser.error("--minutes must be above 0 and --jobs 1 or more")
    else:
        try:
            grade(chosen.folder, chosen.minutes, chosen.jobs, chosen.beside, chosen.out)
        except FileNotFoundError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


def grade(folder: Path, minutes: float, jobs: int, beside: Path, out: Path) -> None:
    """Grade a folder and write two tables: who solved what, and the wrong answers of all."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold anything
    print("Handed-in notebooks are foreign code. Run this where there is nothing to lose: in a container.")
    mistakes = out.with_name(f"{out.stem}_wrong_answers.csv")
    rows: list[dict[str, object]] = []
    for row in gradebook.grade(folder, minutes, jobs, beside):
        rows.append(row)
        print(gradebook.line_of(row), flush=True)
        table = gradebook.table_of_rows(rows)
        gradebook.write_csv(table, out)  # after each: what is graded is not lost
        gradebook.write_csv(gradebook.common_mistakes(table), mistakes)
    print("", *gradebook.summary(table), f"\nwritten: {out} and {mistakes}", sep="\n")


if __name__ == "__main__":
    sys.exit(main())
