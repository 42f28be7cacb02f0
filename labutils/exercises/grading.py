"""Grade a folder of handed-in notebooks: one process and one row for each, and what went wrong most often.

A handed-in notebook is foreign code, and grading it means to run it. Do that in a container or on a
machine that has nothing to lose, without a network: neither the processes nor the time limit here keep
code from reading your files.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import psutil

from labutils.exercises.book import all_exercises
from labutils.exercises.submission import Finding

_GRACE = 60.0  # seconds beyond the limit, to start, to end and to judge


def handed_in(folder: Path) -> list[Path]:
    """Return the notebooks in a folder and the folders in it, in order.

    Raises FileNotFoundError, in words, where there is no such folder or no notebook in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not found:
        raise FileNotFoundError(f"there is no notebook (*.ipynb) in {folder}")
    return found


def grade(
    folder: Path,
    minutes: float = 20,
    jobs: int = 1,
    beside: Path | None = None,
    told: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Return one row for each notebook: file, notebook, state, reason, right (how many), and each exercise.

    minutes : for one notebook. jobs : how many run at the same time. beside : a folder that the notebooks
    expect beside them. told : is handed a line as each one is done. Inputs are drawn anew each time, the same
    for all notebooks, so that an answer learned by heart does not pass.
    """
    paths, seed, sources = handed_in(folder), secrets.randbelow(2**31), _sources(Path(__file__).parent)

    def examined(path: Path) -> dict[str, object]:
        finding = _in_a_process(path, 60 * minutes, seed, beside)
        if _restored(sources):
            finding = Finding("tampered", "the files of labutils.exercises were changed while it ran")
        right = sum(said == "right" for said in finding.answers.values())
        of = f"{right} of {len(finding.answers)} right" if finding.answers else finding.state
        name = path.relative_to(folder).as_posix()
        told(f"{name}: {of}" + (f" ({finding.reason})" if finding.reason else ""))
        return {
            "file": name,
            "notebook": f"{finding.notebook:02d}" if finding.notebook else "",
            "state": finding.state,
            "reason": finding.reason,
            "right": right,
            **finding.answers,
        }

    with ThreadPoolExecutor(jobs) as pool:
        table = pd.DataFrame(list(pool.map(examined, paths)))
    numbers = [one.number for one in all_exercises() if one.number in table.columns]
    return table[["file", "notebook", "state", "reason", "right", *numbers]].fillna("")


def common_mistakes(table: pd.DataFrame) -> pd.DataFrame:
    """Return of a table by `grade` how often each wrong answer was given, the most frequent of each first."""
    titles = {one.number: one.title for one in all_exercises()}
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


def _in_a_process(path: Path, seconds: float, seed: int, beside: Path | None) -> Finding:
    command = [sys.executable, "-m", "labutils.exercises.submission", str(path.resolve())]
    command += ["--seconds", str(seconds), "--seed", str(seed)]
    command += ["--beside", str(beside.resolve())] if beside is not None else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        printed, _ = process.communicate(timeout=seconds + _GRACE)
        return Finding(**json.loads(printed.strip().splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Finding("hung", f"it ran longer than {seconds / 60:.3g} minutes and could not be stopped")
    except (ValueError, IndexError, TypeError):
        return Finding("crashed", "the process that examined it ended without an answer")
    finally:
        _end(process)


def _sources(package: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in package.glob("*.py")}


def _restored(sources: dict[Path, bytes]) -> bool:
    """Put back every source file that is not as it was; return whether there was one."""
    spoiled = [path for path, text in sources.items() if not path.is_file() or path.read_bytes() != text]
    for path in spoiled:
        path.write_bytes(sources[path])
    return bool(spoiled)


def _end(process: subprocess.Popen) -> None:
    """End a process and all that it has started."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        family = []
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            pass
    process.wait()


def table_of_exercises() -> str:
    """Return all exercises as a table in Markdown: number, title, idea, kind, minutes."""
    kinds = {"Coding": "code", "Choice": "predict", "Number": "predict", "Experiment": "experiment"}
    rows = [
        f"| {one.number} | {one.title} | {one.idea} | {kinds[type(one).__name__]} | {one.minutes} |"
        for one in all_exercises()
    ]
    head = ["| exercise | title | idea | kind | minutes |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def summary(table: pd.DataFrame) -> Sequence[str]:
    """Return lines of text: how many of each state, and the most frequent wrong answers."""
    lines = [f"{count} {state}" for state, count in table.state.value_counts().items()]
    worst = common_mistakes(table).sort_values("notebooks", ascending=False, kind="stable").head(10)
    lines += [
        f"{row.notebooks} times {row.exercise} ({row.title}): {row.answer}" for row in worst.itertuples()
    ]
    return lines
