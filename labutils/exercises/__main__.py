"""For authors and teachers: the cells of an exercise, the table of all, the grading of handed-in notebooks.

python -m labutils.exercises stub 1.2
python -m labutils.exercises table
python -m labutils.exercises grade FOLDER_OR_ZIP
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from labutils.exercises.grading import (
    feedback,
    grade_table,
    platforms,
    sandbox,
    submission_runs,
    visible_files,
)
from labutils.exercises.grading.chosen_exercises import described, exercises_named
from labutils.exercises.grading.graded_submission import GradedSubmission
from labutils.exercises.grading.safe_file import SafeFile
from labutils.exercises.grading.submission_runs import GradingOptions
from labutils.exercises.grading.submissions import find_submissions
from labutils.exercises.registry import all_exercises, exercise, exercises_of, notebook_numbers

_GRIDS = Path(__file__).parents[2] / "notebooks" / "grids"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 2 where nothing was done, 130 after Ctrl-C."""
    if hasattr(sys.stdout, "reconfigure"):  # names of files may hold anything, terminals may know ASCII only
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command == "table":
        _say(table_of_exercises())
    elif args.command == "stub":
        try:
            asked = exercise(args.number)
        except ValueError as error:
            parser.error(str(error))
        _say(f"--- Markdown cell ---\n{asked.question_cell()}\n")
        _say(f"--- code cell ---\n{asked.answer_cell()}")
    else:
        try:
            options = _grading_options(args)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 2
        return _grade_and_report(args, options)
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
    stub_parser = commands.add_parser(
        "stub", help="print the two cells of an exercise, to paste into a notebook"
    )
    stub_parser.add_argument("number", help="such as 1.2")
    commands.add_parser("table", help="print all exercises: idea, kind, minutes")
    grade_parser = commands.add_parser(
        "grade",
        help="run handed-in notebooks, a folder or a zip, and write who solved what",
        description="Run handed-in notebooks, locked in by bubblewrap, and write a table of the answers.",
    )
    default_jobs = min(os.cpu_count() or 1, 4)
    grade_parser.add_argument("folder", type=Path, metavar="FOLDER_OR_ZIP")
    grade_parser.add_argument(
        "--out", type=Path, default=Path("grades.csv"), help="the table to write (%(default)s)"
    )
    grade_parser.add_argument(
        "--resume", action="store_true", help="keep the rows in it; grade what is missing or has changed"
    )
    grade_parser.add_argument(
        "--format", choices=["csv", "moodle", "canvas"], default="csv", help="also points to import there"
    )
    grade_parser.add_argument(
        "--feedback", type=Path, metavar="FOLDER", help="write a text for each student into this folder"
    )
    grade_parser.add_argument(
        "--isolate", choices=["auto", "bwrap", "none"], default="auto", help="none: with access to all files"
    )
    grade_parser.add_argument("--minutes", type=float, default=10, help="for one notebook (%(default)s)")
    grade_parser.add_argument(
        "--jobs", type=int, default=default_jobs, help="notebooks at the same time (%(default)s)"
    )
    part_of_all = grade_parser.add_mutually_exclusive_group()
    part_of_all.add_argument(
        "--notebook", type=int, metavar="N", help="judge the exercises of this notebook alone"
    )
    part_of_all.add_argument(
        "--exercises", metavar="NUMBERS", help="judge these exercises alone, such as 1.1-1.4,1.6"
    )
    grade_parser.add_argument(
        "--all-cells", action="store_true", help="run also the cells that no checked answer needs"
    )
    grade_parser.add_argument(
        "--beside", type=Path, help=f"what notebooks need beside them ({_GRIDS.parent.name}/{_GRIDS.name})"
    )
    return parser


def _grading_options(args: argparse.Namespace) -> GradingOptions:
    """Return how to grade; OSError or ValueError, in words, where that cannot go well."""
    if not (args.minutes > 0 and args.jobs >= 1):
        raise ValueError("--minutes must be above 0 and --jobs 1 or more")
    if args.notebook is not None and args.notebook not in notebook_numbers():
        raise ValueError(f"there is no notebook {args.notebook}: --notebook names one of the series")
    chosen = None if args.exercises is None else exercises_named(args.exercises)
    if args.notebook is not None:
        chosen = tuple(exercise.number for exercise in exercises_of(args.notebook))
    if args.beside and not args.beside.is_dir():
        raise ValueError(f"there is no folder {args.beside}: --beside names what notebooks need beside them")
    _refuse_unwritable(args.out, args.resume)
    if args.feedback and (args.feedback.is_file() or not args.feedback.absolute().parent.is_dir()):
        raise ValueError(
            f"--feedback must name a folder, or a new one in one that exists, not {args.feedback}"
        )
    locked_in = args.isolate != "none"
    if locked_in and (problem := sandbox.bubblewrap_problem()):
        raise ValueError(
            f"Handed-in notebooks are foreign code, and cannot be locked in here: {problem}.\nRun this in a "
            "container, or where there is nothing to lose, with --isolate none: then they can read and "
            "change all your files."
        )
    handed_in = args.folder if args.folder.is_dir() else args.folder.absolute().parent
    beside = args.beside or (_GRIDS if _GRIDS.is_dir() else None)
    hidden = {"what was handed in": handed_in, "--out": args.out.absolute().parent}
    hidden |= {"--feedback": args.feedback.absolute()} if args.feedback else {}
    for name, folder in hidden.items():
        is_beside = beside is not None and folder.resolve().is_relative_to(beside.resolve())
        if locked_in and (is_beside or visible_files.cannot_be_hidden(folder)):
            raise ValueError(f"{name} lies in {folder}, which every notebook reads: name another folder")
    return GradingOptions(
        minutes=args.minutes,
        jobs=args.jobs,
        locked_in=locked_in,
        all_cells=args.all_cells,
        exercises=chosen,
        beside=(beside,) if beside else (),
        hidden=tuple(hidden.values()),
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


def _grade_and_report(args: argparse.Namespace, options: GradingOptions) -> int:
    """Grade what was handed in, writing the table after each submission.

    Parameters
    ----------
    args : of the command ``grade``.
    options : how submissions are run, made of `args`.

    Returns
    -------
    int
        The exit status.
    """
    try:
        submissions, notices = find_submissions(args.folder)
        known = grade_table.read_csv(args.out) if args.out.exists() else []
        known = feedback.with_texts(known, _beside(args.out, "texts.json"))
        _refuse_other_exercises(args.out, known, options.exercises)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not options.locked_in:
        notices.append("without isolation: what was handed in can read and change all your files")
    for notice in notices:
        _say(f"Note: {notice}.")
    digests = {submission.name: submission.digest for submission in submissions}
    done = [graded for graded in known if digests.get(graded.file) == graded.digest]
    files = {graded.file for graded in done}
    todo = [submission for submission in submissions if submission.name not in files]
    table, status = SafeFile(args.out, _write_table, _warn), 0
    texts = SafeFile(_beside(args.out, "texts.json"), feedback.write_texts, _warn)
    progress = tqdm(total=len(submissions), initial=len(done), unit="notebook", smoothing=0, disable=None)
    try:
        with progress, contextlib.closing(submission_runs.grade_submissions(todo, options)) as being_graded:
            for graded in being_graded:
                done.append(graded)
                table.save(done)  # after each: what is graded is not lost
                texts.save(done)
                _say(grade_table.line_of(graded))
                progress.update()
    except KeyboardInterrupt:
        status = 130
        print(f"Stopped: {len(done)} of {len(submissions)} are graded. Go on with --resume.", file=sys.stderr)
    try:
        if done:
            _report(args, options, done, table)
    except KeyboardInterrupt:
        status = 130
        print(f"Stopped: the {len(done)} rows are in {table.path}, its summary is not.", file=sys.stderr)
    return status


def _refuse_other_exercises(out: Path, known: list[GradedSubmission], chosen: tuple[str, ...] | None) -> None:
    """Refuse to go on with a table of other exercises: its rows would be sums of something else."""
    graded = {number for submission in known for number in submission.answers}
    notebooks = {number for submission in known for number in submission.notebook_numbers}
    wanted = {e.number for notebook in notebooks for e in exercises_of(notebook)}
    wanted &= wanted if chosen is None else set(chosen)
    if graded and graded != wanted:
        asked_for = "all exercises" if chosen is None else described(chosen)
        raise ValueError(
            f"{out} holds {described(graded)}, not {asked_for}: name the same exercises again, or another "
            "table with --out"
        )


def _report(
    args: argparse.Namespace,
    options: GradingOptions,
    submissions: list[GradedSubmission],
    table: SafeFile,
) -> None:
    """Write what is made of all submissions, and print the summary."""
    table.save(submissions)
    mistakes = SafeFile(_beside(args.out, "wrong_answers.csv"), grade_table.write_csv, _warn)
    mistakes.save(grade_table.common_mistakes(submissions))
    written = [table, mistakes]
    _say("\n".join(["", *grade_table.summary(submissions)]))
    if args.format != "csv":
        write = platforms.write_moodle if args.format == "moodle" else platforms.write_canvas
        write = functools.partial(write, only=options.exercises)
        written.append(SafeFile(_beside(args.out, f"{args.format}.csv"), write, _warn))
        _say("\n".join(["", *written[-1].save(submissions)]))
    _say(f"\nwritten: {', '.join(str(file.path) for file in written)}")
    if args.feedback:
        files = feedback.write_feedback(submissions, args.feedback)
        _say(f"feedback: {len(files)} files in {args.feedback}")


def _beside(out: Path, name: str) -> Path:
    """Return the path of a file beside the table: for grades.csv and texts.json grades_texts.json."""
    return out.with_name(f"{out.stem}_{name}")


def _write_table(submissions: list[GradedSubmission], path: Path) -> None:
    grade_table.write_csv(grade_table.table_of(submissions), path)


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
