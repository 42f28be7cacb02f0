"""One handed-in notebook: look whether it is what was handed out, run it, judge its answers.

Runs as a process of its own and prints the report as JSON. The code that was handed in runs in a further
process, the notebook's kernel, and is never imported here: what comes back from there is data, and what it is
compared with was loaded before.
"""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labutils.exercises.checking.exercise_types import Exercise
from labutils.exercises.registry import exercises_of, notebook_numbers

LARGEST_FILE = 100_000_000
_MOST_OUTPUT = 2_000_000
_SECONDS_TO_COLLECT = 120
_CALL = re.compile(r'\bexercise\(\s*(?:number\s*=\s*)?[\'"]0?(\d+)\.(\d+)[\'"]\s*\)')


@dataclass
class SubmissionReport:
    """What is found about one notebook."""

    state: str  # "graded", "tampered" (graded as well), or why not: "unreadable", "crashed", "hung"
    reason: str = ""  # in words
    notebook: int | None = None  # the number of the notebook it was made of, None if unknown
    # number of an exercise → "right", "not started", "missing", "wrong: …", "stopped: …", …
    answers: dict[str, str] = field(default_factory=dict)


def examine(path: Path, seconds: float, seed: int, beside: Path | None = None) -> SubmissionReport:
    """Return what is found about the notebook in this file.

    Parameters
    ----------
    seconds : for the whole run.
    seed : draws the inputs that the answers are tried with.
    beside : a folder whose contents the notebook expects beside it (such as ``grids``); it works on a copy.
    """
    try:
        notebook = _read(path)
    except Exception as error:
        return SubmissionReport("unreadable", _one_line(error))
    number = _which(notebook)
    if number is None:
        return SubmissionReport("tampered", "no exercise of the series is checked in it")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if beside is not None and beside.is_dir():
            shutil.copytree(beside, Path(folder) / beside.name)
        report = _run_and_judge(notebook, number, Path(folder), seconds, seed)
    signs = signs_of_tampering(notebook)
    if signs and report.state == "graded":
        report.state = "tampered"
    report.reason = "; ".join(reason for reason in (signs, report.reason) if reason)
    return report


def _read(path: Path) -> NotebookNode:
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"larger than {LARGEST_FILE // 1_000_000} MB")
    content = json.loads(path.read_text("utf-8-sig"))
    # what other programs leave out or number otherwise
    for cell in content.get("cells", []):
        cell.pop("id", None)
        cell.setdefault("metadata", {})
        if cell.get("cell_type") == "code":
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)
    if content.get("nbformat") == 4:
        content["nbformat_minor"] = 4
    return nbformat.reads(json.dumps(content), as_version=4)


def _code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _called(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Return of each exercise that is called in it the number of its notebook and its own."""
    calls = [call for source in _code(notebook) for call in _CALL.findall(source)]
    return [(int(first), f"{int(first)}.{second}") for first, second in calls]


def _which(notebook: NotebookNode) -> int | None:
    """Return the number of the notebook that it was made of: the one with most of its exercises."""
    known = [number for number, _ in _called(notebook) if number in notebook_numbers()]
    return statistics.mode(known) if known else None


def signs_of_tampering(notebook: NotebookNode) -> str:
    """Return in words the first cell that replaces `exercise` or reaches into it, or ""."""
    for place, source in enumerate(_code(notebook), start=1):
        # magics are no Python
        lines = ["" if line.lstrip()[:1] in ("%", "!", "?") else line for line in source.split("\n")]
        try:
            tree = ast.parse("\n".join(lines))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if what := _tampers(node):
                return f"code cell {place} {what}"
    return ""


def _tampers(node: ast.AST) -> str:
    """Return in words whether a node binds the name exercise or reaches behind it, or "".

    Only ``from labutils.exercises import exercise`` may do either.
    """
    bound, reached = [], []
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            bound = [node.name]
        case ast.Name(ctx=ast.Store() | ast.Del()):
            bound = [node.id]
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Call(func=ast.Name("setattr" | "delattr")):
            bound = [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
        case ast.Import() | ast.ImportFrom():
            package = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            own = ("labutils.exercises.", "exercise")
            imports = [alias for alias in node.names if (package, alias.name) != own]
            bound = [alias.asname or alias.name for alias in imports]
            reached = [package + alias.name for alias in imports]
    if isinstance(node, ast.Attribute):
        reached = [ast.unparse(node)]
    if "exercise" in bound:
        return "gives the name exercise to something else"
    reaches = any(f"{name}.".startswith("labutils.exercises.") for name in reached)
    return "reaches into labutils.exercises" if reaches else ""


def _run_and_judge(
    notebook: NotebookNode, number: int, folder: Path, seconds: float, seed: int
) -> SubmissionReport:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    answers_file = folder / f"answers-{secrets.token_hex(8)}.json"
    try:
        failed = _run(notebook, folder, seconds, _collecting(answers_file, number, seed))
    except (CellTimeoutError, TimeoutError):
        return SubmissionReport("hung", f"it ran longer than {seconds / 60:.3g} minutes", number)
    except DeadKernelError:
        return SubmissionReport("crashed", "its kernel died: it ended Python, or the memory was full", number)
    except Exception as error:
        return SubmissionReport("crashed", _one_line(error), number)
    in_it = {exercise for _, exercise in _called(notebook)}
    try:
        collected = json.loads(answers_file.read_text("utf-8"))
        answers = {e.number: _judged(e, collected, in_it, seed) for e in exercises_of(number)}
    except FileNotFoundError:
        return SubmissionReport("tampered", "its answers could not be collected", number)
    except Exception as error:  # made up by the notebook: no answer looks like this
        return SubmissionReport("tampered", f"its answers are none: {_one_line(error)}", number)
    reasons = [failed, _stored_otherwise(notebook, answers)]
    return SubmissionReport("graded", "; ".join(reason for reason in reasons if reason), number, answers)


def _collecting(path: Path, number: int, seed: int) -> tuple[str, str]:
    """Return the code of two cells: the one before the notebook, and the one after it."""
    secret = f"_checked_{secrets.token_hex(4)}"
    return (
        "from labutils.exercises.grading.collecting import remember_checks as _remember\n"
        f"{secret} = _remember()\ndel _remember",
        "from labutils.exercises.grading.collecting import write_answers as _write\n"
        f"_write({str(path)!r}, {number}, {seed}, {secret}, globals())",
    )


def _run(notebook: NotebookNode, folder: Path, seconds: float, before_and_after: tuple[str, str]) -> str:
    """Run every cell between two others; return in words which was the first to fail, if any."""
    from nbclient import NotebookClient

    class Client(NotebookClient):
        """One that does not keep more output than anybody reads."""

        kept = 0

        def output(self, outs: list, msg: dict, display_id: str, cell_index: int) -> Any:
            self.kept += len(str(msg.get("content", "")))
            return super().output(outs, msg, display_id, cell_index) if self.kept < _MOST_OUTPUT else None

    before, after = map(nbformat.v4.new_code_cell, before_and_after)
    copy = nbformat.from_dict(notebook)
    handed_in = [cell for cell in copy.cells if cell.cell_type == "code"]
    copy.cells = [before, *handed_in, after]
    failed = ""
    where = {"metadata": {"path": str(folder)}}
    client = Client(copy, kernel_name="python3", allow_errors=True, resources=where)
    with client.setup_kernel():
        end = time.monotonic() + seconds
        for place, cell in enumerate(copy.cells):
            left = end - time.monotonic()
            if left <= 0 and cell is not after:
                raise TimeoutError
            client.timeout = _SECONDS_TO_COLLECT if cell is after else max(1, round(left))
            cell.outputs = []
            done = client.execute_cell(cell, place)
            errors = [output.ename for output in done.outputs if output.output_type == "error"]
            if errors and not failed and 0 < place <= len(handed_in):
                failed = f"code cell {place} stops with {errors[0]}"
    return failed


def _judged(exercise: Exercise, collected: dict[str, Any], in_it: set[str], seed: int) -> str:
    if exercise.number not in collected:
        return "stopped: its answer is not defined" if exercise.number in in_it else "missing"
    verdict = exercise.judge(collected[exercise.number], seed)
    return "right" if verdict.status == "right" else verdict.reason


def _stored_otherwise(notebook: NotebookNode, answers: dict[str, str]) -> str:
    """Return in words which exercises are stored as right in the file, and are not."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    stored = " ".join(str(output.get("text", "")) for output in outputs)
    claimed = [n for n in answers if f"Exercise {n}: right" in stored and answers[n] != "right"]
    return f"stored as right but is not when it is run: {', '.join(claimed)}" if claimed else ""


def _one_line(error: BaseException) -> str:
    first, *_ = str(error).strip().split("\n")
    return f"{type(error).__name__}: {first}"[:200]


def main(path: str, seconds: str, seed: str, beside: str = "") -> None:
    """Examine one notebook and print the `SubmissionReport` as JSON; the arguments are those of `examine`."""
    own_output = os.dup(1)  # no kernel inherits it; the standard output leads nowhere
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    report = examine(Path(path), float(seconds), int(seed), Path(beside) if beside else None)
    with os.fdopen(own_output, "w", encoding="utf-8") as out:
        out.write(json.dumps(asdict(report)))


if __name__ == "__main__":
    main(*sys.argv[1:])
