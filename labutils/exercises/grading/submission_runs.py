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
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from labutils.exercises.grading import judging, runner, sandbox
from labutils.exercises.grading.graded_submission import GradedSubmission, State
from labutils.exercises.grading.judging import Results
from labutils.exercises.grading.needed_cells import cells_left_out
from labutils.exercises.grading.submissions import Submission, UnreadableError, read_notebook


@dataclass(frozen=True)
class GradingOptions:
    """How submissions are run and judged.

    Attributes
    ----------
    minutes : for one submission.
    exercises : the numbers of those that are judged alone; None: all.
    jobs : how many submissions run at the same time.
    locked_in : with bubblewrap.
    all_cells : also those that no exercise needs.
    beside : folders that the notebooks expect beside them.
    hidden : folders that they must not see.
    """

    minutes: float = 10.0
    exercises: tuple[str, ...] | None = None
    jobs: int = 1
    locked_in: bool = True
    all_cells: bool = False
    beside: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """A run of a submission: which cells.

    Attributes
    ----------
    all_cells : also those that no exercise needs.
    without : the number of a code cell that is not run.
    first : what a first run of the same submission has given; None where this is the first.
    """

    submission: Submission
    all_cells: bool
    without: int | None = None
    first: GradedSubmission | None = None


@dataclass(frozen=True)
class _FinishedRun:
    """A notebook that was run.

    Attributes
    ----------
    results : what it has written.
    stop : why it was stopped, if it was.
    left_out : how many of its cells were not run.
    """

    notebook: NotebookNode
    results: Results
    stop: sandbox.Stop | None = None
    left_out: int = 0


def grade_submissions(
    submissions: Sequence[Submission], options: GradingOptions
) -> Generator[GradedSubmission]:
    """Yield each submission as it is graded; close the generator to end those that still run.

    Inputs are drawn anew each time, the same for all submissions, so that a memorised answer does not pass. A
    submission is run a second time with all its cells where one stops for want of those that were left out,
    and without the cell in which it did not come to its end: what stands below is judged all the same.
    """
    seed, stop = secrets.randbelow(2**31), threading.Event()
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
                # in this thread: judging redirects what is printed, and only a main thread can be interrupted
                graded, second = _judge(plan, future, options, seed)
                if plan.first is not None:
                    yield _better(plan.first, graded)
                elif second is not None:
                    running[begin(second)] = second
                else:
                    yield graded
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _better(first: GradedSubmission, second: GradedSubmission) -> GradedSubmission:
    """Return what counts of two runs of a submission.

    A first run that was stopped keeps its state and reason, and takes over each answer that only the second,
    without the cell that stopped it, has reached or given more points. A first run that came to its end was
    repeated with all cells: so the second counts, unless it alone was stopped, as where all cells take too
    long and some were enough.
    """
    if first.was_stopped:
        return first.with_better_answers(second)
    return first if first.state == State.GRADED and second.state != State.GRADED else second


def _run(plan: _Plan, options: GradingOptions, seed: int, stop: threading.Event) -> _FinishedRun:
    """Run the notebook of a submission; raise UnreadableError where it holds none."""
    notebook = read_notebook(plan.submission.content)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    numbers = {int(number.split(".")[0]) for number in judging.exercises_called(notebook)}
    left_out = set() if plan.all_cells else set().union(*map(cells_left_out, numbers))
    cells = [
        (place, source)
        for place, source in enumerate(sources, start=1)
        if source not in left_out and place != plan.without
    ]
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
        (folder / "results.jsonl").touch()
        command = [
            sys.executable,
            "-m",
            runner.__name__,
            str(folder.resolve()),
            str(seed),
            *map(str, numbers),
        ]
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
    return _FinishedRun(notebook, results, stopped, len(sources) - len(cells))


def _judge(
    plan: _Plan, future: Future[_FinishedRun], options: GradingOptions, seed: int
) -> tuple[GradedSubmission, _Plan | None]:
    """Judge a submission that was run; return it as graded, and how to run it again, if at all."""
    try:
        run = future.result()
    except UnreadableError as error:
        return judging.without_answers(plan.submission, State.UNREADABLE, str(error)), None
    except Exception as error:
        reason = f"it could not be examined ({type(error).__name__}: {error})"
        return judging.without_answers(plan.submission, State.CRASHED, reason), None
    graded = judging.judge(plan.submission, run.notebook, run.results, run.stop, seed, options.exercises)
    if graded.was_stopped and run.results.begun:
        return graded, replace(plan, without=run.results.begun, first=graded)
    if not graded.was_stopped and run.results.name_error and run.left_out:
        return graded, replace(plan, all_cells=True, first=graded)
    return graded, None
