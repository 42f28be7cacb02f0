"""Grade handed-in notebooks: a process and a row of the table for each.

A handed-in notebook is foreign code, and to grade it means to run it. It runs in the `sandbox`; here only
the data that it has written is looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labutils.exercises.grading import judging, runner, sandbox
from labutils.exercises.grading.judging import Results
from labutils.exercises.grading.needed_cells import cells_left_out
from labutils.exercises.grading.reports import Row
from labutils.exercises.grading.submissions import Submission, read_notebook
from labutils.exercises.registry import all_exercises

_ALL_CELLS = 0  # no number of a cell


@dataclass(frozen=True)
class HowToGrade:
    """How notebooks are run.

    Parameters
    ----------
    minutes : for one notebook.
    jobs : how many run at the same time.
    locked_in : with bubblewrap.
    all_cells : also those that no exercise needs.
    beside : folders that the notebooks expect beside them.
    hidden : folders that they must not see.
    """

    minutes: float = 10.0
    jobs: int = 1
    locked_in: bool = True
    all_cells: bool = False
    beside: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()


def grade(submissions: Sequence[Submission], how: HowToGrade) -> Iterator[Row]:
    """Yield a row for each notebook as it is done; close the generator to end those that still run.

    Inputs are drawn anew each time, the same for all notebooks, so that a memorised answer does not pass. A
    notebook is run a second time with all its cells where one stops for want of those that were left out, and
    without the cell in which it did not come to its end: what stands below is judged all the same.
    """
    seed, stop = secrets.randbelow(2**31), threading.Event()
    first: dict[Submission, Row] = {}  # of those that are run again
    pool = ThreadPoolExecutor(how.jobs)

    def begin(submission: Submission, all_cells: bool, without: int | None = None) -> Future:
        return pool.submit(_ran, submission, how, all_cells, seed, stop, without)

    try:
        running = {begin(submission, how.all_cells): submission for submission in submissions}
        while running:
            # with a timeout, or Windows does not notice Ctrl-C
            for future in wait(running, 0.5, FIRST_COMPLETED).done:
                submission = running.pop(future)
                row, again = _row_of(submission, future, seed)
                if again is not None and submission not in first:
                    first[submission] = row
                    all_cells = how.all_cells or again == _ALL_CELLS
                    running[begin(submission, all_cells, again or None)] = submission
                    continue
                before = first.pop(submission, row)
                if before["state"] in ("hung", "crashed"):
                    row = judging.with_the_better_answers(before, row)
                # all cells may take too long where some were enough
                yield before if before["state"] == "graded" != row["state"] else row
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _ran(
    submission: Submission,
    how: HowToGrade,
    all_cells: bool,
    seed: int,
    stop: threading.Event,
    without: int | None,
) -> tuple[NotebookNode, Results, str] | str:
    """Run a notebook; return it, what it has written, why it was stopped.

    Where it cannot be read, return why, in words.
    """
    try:
        notebook = read_notebook(submission.content)
    except ValueError as error:
        return str(error)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        numbers = {number.split(".")[0] for number in judging.exercises_called(notebook)}
        left_out = set() if all_cells else set().union(*(cells_left_out(int(number)) for number in numbers))
        cells = [
            (place, source)
            for place, source in enumerate(sources, start=1)
            if source not in left_out and place != without
        ]
        (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
        (folder / "results.jsonl").touch()
        command = [sys.executable, "-m", runner.__name__, str(folder.resolve()), str(seed), *numbers]
        stopped = sandbox.run(
            command,
            folder,
            sandbox.Limits(60 * how.minutes),
            stop,
            locked_in=how.locked_in,
            hidden=how.hidden,
            readable=how.beside,
        )
        results = judging.read_results(folder / "results.jsonl")
        results.left_out = len(sources) - len(cells)
    return notebook, results, stopped


def _row_of(submission: Submission, future: Future, seed: int) -> tuple[Row, int | None]:
    """Return the row of a notebook that was run, and how to run it again.

    None is not at all, `_ALL_CELLS` with all its cells, a number without this cell.
    """
    try:
        ran = future.result()
    except Exception as error:
        reason = f"it could not be examined ({type(error).__name__}: {error})"
        return judging.row_of(submission, "crashed", reason), None
    if isinstance(ran, str):
        return judging.row_of(submission, "unreadable", ran), None
    notebook, results, stopped = ran
    row = judging.judged(submission, notebook, results, stopped, seed)
    answers = [str(row.get(exercise.number, "")) for exercise in all_exercises()]
    if row["state"] in ("hung", "crashed"):
        return row, results.begun
    lacks_a_name = any("NameError" in text for text in [*results.errors.values(), *answers])
    return row, _ALL_CELLS if lacks_a_name and results.left_out > 0 else None


class SafeFile:
    """A file that is written whole or not at all, and under another name where it is locked or gone.

    Parameters
    ----------
    path : where it should be; then where it is.
    write : writes a content to a path.
    warn : is told once, in words, that it is elsewhere.
    """

    def __init__(self, path: Path, write: Callable[[Any, Path], Any], warn: Callable[[str], None]) -> None:
        self.path, self._write, self._warn = path, write, warn

    def save(self, content: Any) -> Any:
        """Write the content, and return what `write` returns; OSError where no place at all is left."""
        try:
            return self._save(content, self.path)
        except OSError as error:
            problem = error
        for place in self._elsewhere():
            with contextlib.suppress(OSError):
                returned = self._save(content, place)
                self._warn(f"{self.path} cannot be written ({problem}); from now on it is {place}")
                self.path = place
                return returned
        raise problem

    def _elsewhere(self) -> Iterator[Path]:
        for folder in (self.path.absolute().parent, Path.cwd(), Path.home()):
            names = (folder / f"{self.path.stem}-{number}{self.path.suffix}" for number in range(2, 10))
            yield from (path for path in names if not path.exists())

    def _save(self, content: Any, path: Path) -> Any:
        part = path.with_name(f".{path.name}.part")
        try:
            returned = self._write(content, part)
            os.replace(part, path)
            return returned
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
