"""For authors and teachers: the cells of an exercise, the table of all, the grading of handed-in notebooks.

python -m labutils.exercises stub 1.2
python -m labutils.exercises table
python -m labutils.exercises grade FOLDER_OR_ZIP
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from labutils.exercises.grading import feedback, grade_table, gradebook, platforms, sandbox
from labutils.exercises.grading.gradebook import GradingOptions
from labutils.exercises.grading.graded_notebook import GradedNotebook
from labutils.exercises.grading.safe_file import SafeFile
from labutils.exercises.grading.submissions import find_submissions
from labutils.exercises.registry import all_exercises, exercise, notebook_numbers

_GRIDS = Path(__file__).parents[2] / "notebooks" / "grids"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 2 where nothing was done, 130 after Ctrl-C."""
    if hasattr(sys.stdout, "reconfigure"):  # names of files may hold anything, terminals may know ASCII only
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command == "table":
        _say(table_of_exercises())
    elif chosen.command == "stub":
        try:
            printed = exercise(chosen.number)
        except ValueError as error:
            parser.error(str(error))
        _say(f"--- Markdown cell ---\n{printed.question_cell()}\n")
        _say(f"--- code cell ---\n{printed.answer_cell()}")
    else:
        try:
            options = _grading_options(chosen)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 2
        return grade(chosen, options)
    return 0


def table_of_exercises() -> str:
    """Return all exercises as a table in Markdown: number, title, idea, kind, minutes."""
    head = "| exercise | title | idea | kind | minutes |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {e.number} | {e.title} | {e.idea} | {e.kind} | {e.minutes} |" for e in all_exercises()
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labutils.exercises", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of_stub = commands.add_parser("stub", help="print the two cells of an exercise, to paste into a notebook")
    of_stub.add_argument("number", help="such as 1.2")
    commands.add_parser("table", help="print all exercises: idea, kind, minutes")
    of_grade = commands.add_parser(
        "grade",
        help="run handed-in notebooks, a folder or a zip, and write who solved what",
        description="Run handed-in notebooks, locked in by bubblewrap, and write a table of the answers.",
    )
    option, jobs = of_grade.add_argument, min(os.cpu_count() or 1, 4)
    option("folder", type=Path, metavar="FOLDER_OR_ZIP")
    option("--out", type=Path, default=Path("grades.csv"), help="the table to write (grades.csv)")
    option("--resume", action="store_true", help="keep the rows in it; grade what is missing or has changed")
    option("--format", choices=["csv", "moodle", "canvas"], default="csv", help="also points to import there")
    option("--feedback", type=Path, metavar="FOLDER", help="write a text for each student into this folder")
    option(
        "--isolate", choices=["auto", "bwrap", "none"], default="auto", help="none: with access to all files"
    )
    option("--minutes", type=float, default=10, help="for one notebook (10)")
    option("--jobs", type=int, default=jobs, help=f"notebooks at the same time ({jobs})")
    option("--notebook", type=int, metavar="N", help="judge the exercises of this notebook alone")
    option("--all-cells", action="store_true", help="run also the cells that no checked answer needs")
    option(
        "--beside", type=Path, help=f"what notebooks need beside them ({_GRIDS.parent.name}/{_GRIDS.name})"
    )
    return parser


def _grading_options(chosen: argparse.Namespace) -> GradingOptions:
    """Return how to grade; OSError or ValueError, in words, where that cannot go well."""
    if not (chosen.minutes > 0 and chosen.jobs >= 1):
        raise ValueError("--minutes must be above 0 and --jobs 1 or more")
    if chosen.notebook is not None and chosen.notebook not in notebook_numbers():
        raise ValueError(f"there is no notebook {chosen.notebook}: --notebook names one of the series")
    if chosen.beside and not chosen.beside.is_dir():
        raise ValueError(
            f"there is no folder {chosen.beside}: --beside names what notebooks need beside them"
        )
    _refuse_unwritable(chosen.out, chosen.resume)
    if chosen.feedback and (chosen.feedback.is_file() or not chosen.feedback.absolute().parent.is_dir()):
        raise ValueError(
            f"--feedback must name a folder, or a new one in one that exists, not {chosen.feedback}"
        )
    problem = "" if chosen.isolate == "none" else sandbox.bubblewrap_problem()
    if problem:
        raise ValueError(
            f"Handed-in notebooks are foreign code, and cannot be locked in here: {problem}.\nRun this in a "
            "container, or where there is nothing to lose, with --isolate none: then they can read and "
            "change all your files."
        )
    handed_in = chosen.folder if chosen.folder.is_dir() else chosen.folder.absolute().parent
    beside = chosen.beside or (_GRIDS if _GRIDS.is_dir() else None)
    return GradingOptions(
        minutes=chosen.minutes,
        jobs=chosen.jobs,
        locked_in=chosen.isolate != "none",
        all_cells=chosen.all_cells,
        notebook=chosen.notebook,
        beside=(beside,) if beside else (),
        hidden=(handed_in,),
    )


def _refuse_unwritable(out: Path, resume: bool) -> None:
    folder = out.absolute().parent
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder}: --out names the table to write, in a folder that exists"
        )
    if out.is_dir():
        raise ValueError(f"{out} is a folder: --out names the table to write, such as {out / 'grades.csv'}")
    if out.suffix.lower() != ".csv":
        raise ValueError(f"--out names the table to write, a CSV file such as {out.with_suffix('.csv')}")
    if not os.access(folder, os.W_OK) or (out.exists() and not os.access(out, os.W_OK)):
        raise ValueError(f"{out} cannot be written: name another file with --out")
    if out.exists() and not resume:
        raise ValueError(f"{out} exists: go on with it by --resume, or name another file with --out")


def grade(chosen: argparse.Namespace, options: GradingOptions) -> int:
    """Grade what was handed in, writing the table after each; return the exit status."""
    try:
        submissions, notices = find_submissions(chosen.folder)
        known = grade_table.read_csv(chosen.out) if chosen.out.exists() else []
        known = feedback.with_texts(known, _texts_beside(chosen.out))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not options.locked_in:
        notices.append("without isolation: what was handed in can read and change all your files")
    for notice in notices:
        _say(f"Note: {notice}.")
    digests = {submission.name: submission.digest for submission in submissions}
    done = [notebook for notebook in known if digests.get(notebook.file) == notebook.digest]
    names = {notebook.file for notebook in done}
    todo = [submission for submission in submissions if submission.name not in names]
    out, status = SafeFile(chosen.out, _write_table, _warn), 0
    texts = SafeFile(_texts_beside(chosen.out), feedback.write_texts, _warn)
    progress = tqdm(total=len(submissions), initial=len(done), unit="notebook", smoothing=0, disable=None)
    try:
        with progress, contextlib.closing(gradebook.grade(todo, options)) as graded:
            for notebook in graded:
                done.append(notebook)
                out.save(done)  # after each: what is graded is not lost
                texts.save(done)
                _say(grade_table.line_of(notebook))
                progress.update()
    except KeyboardInterrupt:
        status = 130
        print(f"Stopped: {len(done)} of {len(submissions)} are graded. Go on with --resume.", file=sys.stderr)
    try:
        if done:
            _report(chosen, done, out)
    except KeyboardInterrupt:
        status = 130
        print(f"Stopped: the {len(done)} rows are in {out.path}, its summary is not.", file=sys.stderr)
    return status


def _report(chosen: argparse.Namespace, notebooks: list[GradedNotebook], out: SafeFile) -> None:
    """Write what is made of all notebooks, and print the summary."""
    out.save(notebooks)
    table, written = grade_table.table_of(notebooks), [out]

    def save(what: str, write: Callable[[Any, Path], Any], content: object) -> Any:
        written.append(SafeFile(chosen.out.with_name(f"{chosen.out.stem}_{what}.csv"), write, _warn))
        return written[-1].save(content)

    save("wrong_answers", grade_table.write_csv, grade_table.common_mistakes(table))
    _say("\n".join(["", *grade_table.summary(table)]))
    if chosen.format != "csv":
        write = platforms.write_moodle if chosen.format == "moodle" else platforms.write_canvas
        _say("\n".join(["", *save(chosen.format, write, notebooks)]))
    _say(f"\nwritten: {', '.join(str(file.path) for file in written)}")
    if chosen.feedback:
        files = feedback.write_feedback(notebooks, chosen.feedback)
        _say(f"feedback: {len(files)} files in {chosen.feedback}")


def _texts_beside(out: Path) -> Path:
    """Return the file that keeps for --resume what is said to students."""
    return out.with_name(f"{out.stem}_texts.json")


def _write_table(notebooks: list[GradedNotebook], path: Path) -> None:
    grade_table.write_csv(grade_table.table_of(notebooks), path)


def _say(text: str) -> None:
    """Print a line above the progress bar; where nobody reads on (``| head``), grade on in silence."""
    if sys.stdout is None:  # closed, as by ``>&-``
        return
    try:
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()
    except OSError:  # a pipe without a reader, a full disk
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads on: no reason to lose a table
        tqdm.write(f"Warning: {text}.", file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before the first notebook
        print("Stopped: nothing is graded.", file=sys.stderr)
        sys.exit(130)
