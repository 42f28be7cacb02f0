"""Grade a folder of handed-in notebooks: one process and one row for each, and what went wrong most often.

A handed-in notebook is foreign code, and grading it means to run it. Do that in a container or on a
machine that has nothing to lose, without a network: neither the processes nor the time limit here keep
code from reading your files.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pandas as pd
import psutil

from labutils.exercises.grading import submission
from labutils.exercises.grading.submission import SubmissionReport
from labutils.exercises.registry import all_exercises

_GRACE = 240.0  # seconds beyond the limit, to start, to collect the answers, to end and to judge
_MARK = "LABUTILS_GRADING"
_PACKAGE = Path(__file__).parents[1]
_COLUMNS = ["file", "notebook", "state", "reason", "right"]  # and then one for each exercise


def handed_in(folder: Path) -> list[Path]:
    """Return the notebooks in a folder and below it, in order; FileNotFoundError where there is none."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not found:
        raise FileNotFoundError(f"there is no notebook (*.ipynb) in {folder}")
    return found


def grade(
    folder: Path, minutes: float = 20, jobs: int = 1, beside: Path | None = None
) -> Iterator[dict[str, object]]:
    """Yield a row for each notebook as it is done: file, notebook, state, reason, right, and each exercise.

    Inputs are drawn anew each time, the same for all notebooks, so that a memorised answer does not pass.

    Parameters
    ----------
    minutes : for one notebook.
    jobs : how many run at the same time.
    beside : a folder that the notebooks expect beside them.
    """
    paths, seed, sources = handed_in(folder), secrets.randbelow(2**31), _sources(_PACKAGE)
    running: set[Path] = set()
    suspects: set[Path] = set()

    def row(path: Path) -> dict[str, object]:
        running.add(path)
        try:
            report = _in_a_process(path, 60 * minutes, seed, beside)
        except Exception as error:
            report = SubmissionReport("crashed", f"it could not be examined: {type(error).__name__}")
        if _restored(sources):
            suspects.update(running)
        if path in suspects:
            alone = "it ran" if jobs == 1 else "it, or another beside it, ran: grade it again with --jobs 1"
            report.state, report.reason = "tampered", f"labutils.exercises was changed while {alone}"
        running.discard(path)
        number = "" if report.notebook is None else f"{report.notebook:02d}"
        right = list(report.answers.values()).count("right")
        fixed = [path.relative_to(folder).as_posix(), number, report.state, report.reason, right]
        return dict(zip(_COLUMNS, fixed)) | report.answers

    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(row, path) for path in paths]):
            yield done.result()


def table_of_rows(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Return rows by `grade` as a table, in the order of the files, the exercises in theirs."""
    table = pd.DataFrame(sorted(rows, key=lambda row: str(row["file"])))
    numbers = [exercise.number for exercise in all_exercises() if exercise.number in table.columns]
    return table[[*_COLUMNS, *numbers]].fillna("")


def line_of(row: dict[str, object]) -> str:
    """Return a row by `grade` as a line of text."""
    asked = len(row) - len(_COLUMNS)
    result = f"{row['right']} of {asked} right" if asked else row["state"]
    return f"{row['file']}: {result}" + (f" ({row['reason']})" if row["reason"] else "")


def common_mistakes(table: pd.DataFrame) -> pd.DataFrame:
    """Return of a table by `grade` how often each wrong answer was given, the most frequent of each first."""
    titles = {exercise.number: exercise.title for exercise in all_exercises()}
    rows = [
        {"exercise": number, "title": titles[number], "answer": said, "notebooks": count}
        for number in table.columns.intersection(list(titles))
        for said, count in Counter(table[number]).most_common()
        if said not in ("", "right", "not started", "missing")
    ]
    return pd.DataFrame(rows, columns=["exercise", "title", "answer", "notebooks"])


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table so that a spreadsheet shows every cell as text: none is taken for a formula."""
    table.map(_harmless).to_csv(path, index=False, encoding="utf-8")


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = "".join(letter if letter.isprintable() else " " for letter in value)
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@") else text


def _in_a_process(path: Path, seconds: float, seed: int, beside: Path | None) -> SubmissionReport:
    """Examine a notebook in a new process, and end whatever it has started."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own_bytecode:
        # bytecode that an earlier notebook may have left is not trusted
        command = [sys.executable, "-X", f"pycache_prefix={own_bytecode}", "-m", submission.__name__]
        command += [str(path.resolve()), str(seconds), str(seed), str(beside.resolve()) if beside else ""]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        limit, marked = seconds + _GRACE, os.environ | {_MARK: token}
        try:
            done = subprocess.run(command, env=marked, timeout=limit, check=True, **pipes)
            return SubmissionReport(**json.loads(done.stdout))
        except subprocess.TimeoutExpired:
            reason = f"it ran longer than {seconds / 60:.3g} minutes and could not be stopped"
            return SubmissionReport("hung", reason)
        except (subprocess.CalledProcessError, ValueError, TypeError):  # no report looks like this
            reason = "the process that examined it ended before it had an answer"
            return SubmissionReport("crashed", reason)
        finally:
            _end_marked(token)


def _end_marked(token: str) -> None:
    """End every process that carries this mark: all that a notebook has started and left."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == token:
                process.kill()


def _sources(package: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in package.rglob("*.py")}


def _restored(sources: dict[Path, bytes]) -> bool:
    """Put back every source file that is not as it was; return whether there was one."""
    spoiled = [path for path, text in sources.items() if not path.is_file() or path.read_bytes() != text]
    for path in spoiled:
        path.write_bytes(sources[path])
    return bool(spoiled)


def table_of_exercises() -> str:
    """Return all exercises as a table in Markdown: number, title, idea, kind, minutes."""
    head = "| exercise | title | idea | kind | minutes |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {e.number} | {e.title} | {e.idea} | {e.kind} | {e.minutes} |" for e in all_exercises()
    )


def summary(table: pd.DataFrame) -> Sequence[str]:
    """Return lines of text: how many of each state, and the most frequent wrong answers."""
    lines = [f"{count} {state}" for state, count in table.state.value_counts().items()]
    worst = common_mistakes(table).sort_values("notebooks", ascending=False, kind="stable").head(10)
    return lines + [f"{r.notebooks} times {r.exercise} ({r.title}): {r.answer}" for r in worst.itertuples()]
