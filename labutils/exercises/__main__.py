"""For teachers: the table of all exercises, and the grading of handed-in notebooks.

python -m labutils.exercises table
python -m labutils.exercises grade FOLDER
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from labutils.exercises.grading import gradebook


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labutils.exercises", description="For teachers.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("table", help="print all exercises: idea, kind, minutes")
    of_grade = commands.add_parser(
        "grade",
        help="run a folder of handed-in notebooks and write who solved what",
        description="Handed-in notebooks are foreign code: run this in a container without a network.",
    )
    of_grade.add_argument("folder", type=Path)
    of_grade.add_argument("--minutes", type=float, default=20, help="for one notebook (20)")
    of_grade.add_argument("--jobs", type=int, default=1, help="notebooks at the same time (1)")
    of_grade.add_argument(
        "--out", type=Path, default=Path("grades.csv"), help="the table to write (grades.csv)"
    )
    of_grade.add_argument(
        "--beside", type=Path, default=Path("notebooks/grids"), help="what notebooks need beside them"
    )
    chosen = parser.parse_args(arguments)
    if chosen.command == "table":
        print(gradebook.table_of_exercises())
        return 0
    if not chosen.minutes > 0 or chosen.jobs < 1:
        parser.error("--minutes must be above 0 and --jobs 1 or more")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold anything
    print("Handed-in notebooks are foreign code. Run this where there is nothing to lose: in a container.")
    mistakes = chosen.out.with_name(f"{chosen.out.stem}_wrong_answers.csv")
    rows: list[dict[str, object]] = []
    try:
        for row in gradebook.grade(chosen.folder, chosen.minutes, chosen.jobs, chosen.beside):
            rows.append(row)
            print(gradebook.line_of(row), flush=True)
            table = gradebook.table_of_rows(rows)
            gradebook.write_csv(table, chosen.out)  # after each: what is graded is not lost
            gradebook.write_csv(gradebook.common_mistakes(table), mistakes)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    print("", *gradebook.summary(table), f"\nwritten: {chosen.out} and {mistakes}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
