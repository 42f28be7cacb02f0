"""Grade handed-in notebooks, each in a process of its own.

A handed-in notebook is foreign code, and to grade it means to run it. It runs in the `sandbox`; here only
the data that it has written is looked at.
"""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from labutils.exercises.grading import judging, runner, sandbox
from labutils.exercises.grading.graded_notebook import GradedNotebook, State
from labutils.exercises.grading.judging import Results
from labutils.exercises.grading.needed_cells import cells_left_out
from labutils.exercises.grading.submissions import Submission, read_notebook


@dataclass(frozen=True)
class GradingOptions:
    """How notebooks are run.

    Attributes
    ----------
    minutes : for one notebook.
    notebook : the exercises of this one alone are judged; None: of all.
    jobs : how many run at the same time.
    locked_in : with bubblewrap.
    all_cells : also those that no exercise needs.
    beside : folders that the notebooks expect beside them.
    hidden : folders that they must not see.
    """

    minutes: float = 10.0
    notebook: int | None = None
    jobs: int = 1
    locked_in: bool = True
    all_cells: bool = False
    beside: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """Which cells of a notebook are run.

    Attributes
    ----------
    all_cells : also those that no exercise needs.
    without : the number of a code cell that is not run.
    """

    submission: Submission
    all_cells: bool
    without: int | None = None


@dataclass(frozen=True)
class _FinishedRun:
    """A notebook that was run, what it has written, and why it was stopped, or ""."""

    notebook: NotebookNode
    results: Results
    stopped: str


class _UnreadableError(Exception):
    """A file holds no notebook; the message says why."""


def grade(submissions: Sequence[Submission], options: GradingOptions) -> Iterator[GradedNotebook]:
    """Yield each notebook as it is graded; close the generator to end those that still run.

    Inputs are drawn anew each time, the same for all notebooks, so that a memorised answer does not pass. A
    notebook is run a second time with all its cells where one stops for want of those that were left out, and
    without the cell in which it did not come to its end: what stands below is judged all the same.
    """
    seed, stop = secrets.randbelow(2**31), threading.Event()
    first: dict[Submission, GradedNotebook] = {}  # of those that are run again
    pool = ThreadPoolExecutor(options.jobs)

    def begin(plan: _Plan) -> Future[_FinishedRun]:
        return pool.submit(_run, plan, options, seed, stop)

    try:
        plans = [_Plan(submission, options.all_cells) for submission in submissions]
        running = {begin(plan): plan for plan in plans}
        while running:
            # with a timeout, or Windows does not notice Ctrl-C
            for future in wait(running, 0.5, FIRST_COMPLETED).done:
                plan = running.pop(future)
                graded, second = _judged(plan, future, options, seed)
                if second and plan.submission not in first:
                    first[plan.submission] = graded
                    running[begin(second)] = second
                    continue
                before = first.pop(plan.submission, graded)
                if before.was_stopped:
                    graded = before.with_better_answers(graded)
                # all cells may take too long where some were enough
                yield before if before.state == State.GRADED != graded.state else graded
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _run(plan: _Plan, options: GradingOptions, seed: int, stop: threading.Event) -> _FinishedRun:
    """Run a notebook; raise _UnreadableError, in words, where it is none."""
    try:
        notebook = read_notebook(plan.submission.content)
    except ValueError as error:
        raise _UnreadableError(str(error)) from None
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        numbers = {number.split(".")[0] for number in judging.exercises_called(notebook)}
        left_out = (
            set() if plan.all_cells else set().union(*(cells_left_out(int(number)) for number in numbers))
        )
        cells = [
            (place, source)
            for place, source in enumerate(sources, start=1)
            if source not in left_out and place != plan.without
        ]
        (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
        (folder / "results.jsonl").touch()
        command = [sys.executable, "-m", runner.__name__, str(folder.resolve()), str(seed), *numbers]
        stopped = sandbox.run(
            command,
            folder,
            sandbox.Limits(60 * options.minutes),
            stop,
            locked_in=options.locked_in,
            hidden=options.hidden,
            readable=options.beside,
        )
        results = judging.read_results(folder / "results.jsonl")
        results.left_out = len(sources) - len(cells)
    return _FinishedRun(notebook, results, stopped)


def _judged(
    plan: _Plan, future: Future[_FinishedRun], options: GradingOptions, seed: int
) -> tuple[GradedNotebook, _Plan | None]:
    """Return a notebook that was run as graded, and how it should be run again, if at all."""
    try:
        done = future.result()
    except _UnreadableError as error:
        return judging.without_answers(plan.submission, State.UNREADABLE, str(error)), None
    except Exception as error:
        reason = f"it could not be examined ({type(error).__name__}: {error})"
        return judging.without_answers(plan.submission, State.CRASHED, reason), None
    results = done.results
    graded = judging.judged(plan.submission, done.notebook, results, done.stopped, seed, options.notebook)
    if graded.was_stopped:
        return graded, replace(plan, without=results.begun) if results.begun else None
    words = [*results.errors.values(), *(answer.word for answer in graded.answers.values())]
    lacks_a_name = any("NameError" in word for word in words)
    return graded, replace(plan, all_cells=True) if lacks_a_name and results.left_out > 0 else None
