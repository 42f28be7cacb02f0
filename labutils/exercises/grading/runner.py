"""The process in the sandbox: run the cells of a handed-in notebook, write down what each answer gives.

python -m labutils.exercises.grading.runner FOLDER SEED NUMBER …

reads FOLDER/cells.json, pairs of the number of a code cell and its source, runs them, and appends to
FOLDER/results.jsonl a line for every cell that begins, for every answer, when it is checked, and for every
cell that stops with an error. What is right is not known here: the lines are judged elsewhere. At the end,
answers to the exercises of the notebooks with these numbers are looked for by their names where they were
never checked, or where the check saw the untouched stub or missed a name: they may stand further down.
IPython runs the cells without a kernel, and shows nothing.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell

from labutils.exercises import registry
from labutils.exercises.checking.exercise_types import Exercise

_LONGEST_LINE = 1_000_000  # letters; numbers beyond were not asked for
_exit = os._exit  # a cell may replace it


class SilentFormatter(DisplayFormatter):
    """Of what is displayed, nothing is drawn or written."""

    def format(self, obj: object, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """Return no representation at all."""
        return {}, {}


class SilentShell(InteractiveShell):
    """IPython that shows nothing, asks nothing and has neither windows nor a terminal."""

    system = InteractiveShell.system_raw

    def init_display_formatter(self) -> None:
        """Display nothing."""
        self.display_formatter = SilentFormatter(parent=self)

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: there are no windows."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[None, str]:
        """Do nothing: what is drawn is not looked at."""
        return None, "agg"

    def ask_exit(self) -> None:
        """Do nothing: the cells after ``quit()`` are run as well."""

    def showtraceback(self, *args: object, **kwargs: object) -> None:
        """Do nothing: the error is found in the result."""

    def showsyntaxerror(self, *args: object, **kwargs: object) -> None:
        """Do nothing: the error is found in the result."""


class NotebookRun:
    """One notebook: runs its cells in order, and holds what is known about its answers.

    Parameters
    ----------
    results : the file that lines are appended to.
    seed : draws the inputs that the answers are tried with.
    """

    def __init__(self, results: Path, seed: int) -> None:
        self.results, self.seed = results, seed
        self.cell: int | None = None
        self.checked: set[str] = set()
        self.unfinished: set[str] = set()
        self.remarked: set[str] = set()
        self.process = os.getpid()
        self.loop: asyncio.AbstractEventLoop | None = None
        guarded: list[tuple[ModuleType | type, str]] = [
            (sys.modules["labutils.exercises"], "exercise"),
            (registry, "exercise"),
        ]
        guarded += [(Exercise, name) for name in ("on_check", "check", "verdict", "collect", "judge")]
        self.guarded = [(owner, name, getattr(owner, name)) for owner, name in guarded]

    def write(self, **line: object) -> None:
        """Append a line; opened anew each time, so that closing every file does no harm."""
        text = json.dumps({"cell": self.cell, **line})
        if os.getpid() == self.process:  # and not one that a cell has forked
            with open(self.results, "a", encoding="utf-8") as file:
                file.write(text + "\n")

    def collect(self, exercise: Exercise, answer: object) -> None:
        """Write what an answer gives now."""
        self.checked.add(exercise.number)
        if str(getattr(answer, "__module__", "")).startswith("labutils.exercises"):
            self.remark(f"the answer to {exercise.number} is a function of labutils.exercises")
        try:
            given = exercise.collect(answer, self.seed)
            if len(json.dumps(given)) > _LONGEST_LINE:
                given.pop("probed", None)  # tells what kind of error it is, and is not needed
            if len(json.dumps(given)) > _LONGEST_LINE:
                given = {"unusable": "far more than was asked for"}
        except BaseException as error:  # whatever an answer does, the others are judged
            given = {"unusable": f"something that cannot be tried ({type(error).__name__})"}
        errors = {outcome["error_type"] for outcome in given.get("outcomes", ())}
        missed_a_name = NameError.__name__ in errors
        self.unfinished.discard(exercise.number)
        if given.get("stub") or missed_a_name:
            self.unfinished.add(exercise.number)
        self.write(exercise=exercise.number, given=given, name_error=missed_a_name)

    def remark(self, text: str) -> None:
        """Write a fact that a teacher may want to know, once."""
        if text not in self.remarked:
            self.remarked.add(text)
            self.write(remark=text)

    def run(self, cells: list[tuple[int, str]], numbers: set[int]) -> None:
        """Run the cells, then collect answers to exercises of these notebooks that were never checked.

        Parameters
        ----------
        cells : numbers of code cells, and their sources.
        numbers : of the notebooks; those whose exercises a cell has checked count as well.
        """
        Exercise.on_check.append(self.collect)  # until the process ends, which has no other purpose
        shell = SilentShell.instance()
        if shell.history_manager:
            shell.history_manager.enabled = False
        for self.cell, source in cells:
            self.write(begun=True)
            while error := self._error_of(shell, source):
                number, line = _line_of(error, source, shell.user_ns)
                self.write(error=type(error).__name__[:100], message=_message(error), line=line[:200])
                rest = _after_import(source, number) if isinstance(error, ModuleNotFoundError) else ""
                if not rest.strip():
                    break
                source = rest
            if os.getpid() != self.process:
                _exit(0)
            for text in self._put_back(shell.user_ns):
                self.remark(text)
        self.cell = None
        numbers = numbers | {int(number.split(".")[0]) for number in self.checked}
        for exercise in [exercise for number in numbers for exercise in registry.exercises_of(number)]:
            looked_for = exercise.number not in self.checked or exercise.number in self.unfinished
            if looked_for and exercise.answer_name in shell.user_ns:
                self.collect(exercise, shell.user_ns[exercise.answer_name])
        self.write(end=True)

    def _error_of(self, shell: SilentShell, source: str) -> BaseException | None:
        """Run a cell as Jupyter does, within a running event loop; return what stopped it."""

        async def running() -> BaseException | None:
            transformed, wrong = source, None
            try:
                transformed = shell.transform_cell(source)
            except Exception:
                wrong = sys.exc_info()
            done = await shell.run_cell_async(
                source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=wrong
            )
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", done)
            await asyncio.sleep(0)  # what was started in the background gets its turn
            return done.error_before_exec or done.error_in_exec

        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(running())
        except BaseException as error:
            self.loop = None  # a cell has stopped or closed it
            return error
        finally:
            if "matplotlib.pyplot" in sys.modules:  # as notebooks do after each cell
                sys.modules["matplotlib.pyplot"].close("all")

    def _put_back(self, variables: dict[str, Any]) -> Iterator[str]:
        """Put back what is no longer as labutils made it; yield it in words."""
        for owner, name, original in self.guarded:
            if getattr(owner, name, None) is not original:
                setattr(owner, name, original)
                yield f"{owner.__name__}.{name} was replaced in code cell {self.cell}"
        if self.collect not in Exercise.on_check:
            Exercise.on_check.append(self.collect)
            yield f"Exercise.on_check was emptied in code cell {self.cell}"
        if variables.get("exercise", registry.exercise) is not registry.exercise:
            if "exercise" not in self.remarked:
                self.remarked.add("exercise")
                yield f"the name exercise stands for something else after code cell {self.cell}"


def _message(error: BaseException) -> str:
    try:
        # a SyntaxError's own words, without the name of a file that nobody has
        text = error.msg if isinstance(error, SyntaxError) and error.msg else str(error)
        return " ".join(text.split())[:300]
    except BaseException:
        return ""


def _line_of(error: BaseException, source: str, variables: dict[str, Any]) -> tuple[int, str]:
    """Return in which line of a cell it stopped, from 1, and that line; 0 where that is not known."""
    number, trace = getattr(error, "lineno", None), error.__traceback__
    while trace is not None and not isinstance(error, SyntaxError):
        if trace.tb_frame.f_globals is variables:  # the first frame of the notebook's own code
            number = trace.tb_lineno
            break
        trace = trace.tb_next
    lines = source.splitlines()
    if isinstance(number, int) and 0 < number <= len(lines):
        return number, lines[number - 1].strip()
    return 0, ""


def _after_import(source: str, line: int) -> str:
    """Return what follows an import, at the top of a cell, of something that is not installed."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a cell with magics
        return ""
    for statement in statements:
        if statement.lineno <= line <= (statement.end_lineno or 0) and isinstance(
            statement, (ast.Import, ast.ImportFrom)
        ):
            return "\n".join(source.splitlines()[statement.end_lineno :])
    return ""


def main(folder: str, seed: str, *numbers: str) -> None:
    """Run the cells of a folder, and end at once: whatever they have left behind cannot delay it."""
    cells = json.loads(Path(folder, "cells.json").read_text("utf-8"))
    run = NotebookRun(Path(folder, "results.jsonl"), int(seed))
    try:
        run.run(cells, set(map(int, numbers)))
    finally:
        _exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
