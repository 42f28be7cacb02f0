"""One handed-in notebook: look whether it is what was handed out, run it, judge its answers.

Runs as a process of its own, ``python -m labutils.exercises.submission NOTEBOOK``, and prints its findings
as JSON. The code that was handed in runs in a further process, the notebook's kernel, and is never imported
here: what comes back from there is data.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labutils.exercises.book import exercise, exercises_of, notebook_numbers

LARGEST_FILE = 100_000_000
_MOST_OUTPUT = 2_000_000
_CALL = re.compile(r'\bexercise\(\s*[\'"](\d+)\.(\d+)[\'"]\s*\)\s*\.\s*check\(')


@dataclass
class Finding:
    """What is found about one notebook.

    state : "graded", or why not: "unreadable", "tampered", "crashed", "hung". reason : in words.
    answers : number of an exercise → "right", "not started", "missing", "wrong: …", "stops: …", …
    notebook : the number of the notebook it was made of, 0 if unknown.
    """

    state: str
    reason: str = ""
    notebook: int = 0
    answers: dict[str, str] = field(default_factory=dict)


class Tampered(Exception):
    """The notebook is not one that was handed out and filled in."""


def examine(path: Path, seconds: float, seed: int, beside: Path | None = None) -> Finding:
    """Return what is found about the notebook in this file.

    seconds : for the whole run. seed : draws the inputs that the answers are tried with. beside : a folder
    whose contents the notebook expects beside it (such as ``grids``); it works on a copy.
    """
    try:
        notebook = _read(path)
    except Exception as error:
        return Finding("unreadable", _one_line(error))
    try:
        number = _which(notebook)
        _look_for_tampering(notebook)
    except Tampered as error:
        return Finding("tampered", str(error))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if beside is not None and beside.is_dir():
            shutil.copytree(beside, Path(folder) / beside.name)
        return _run_and_judge(notebook, number, Path(folder), seconds, seed)


def _read(path: Path) -> NotebookNode:
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"larger than {LARGEST_FILE // 1_000_000} MB")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def _code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _which(notebook: NotebookNode) -> int:
    """Return the number of the notebook that it was made of, told by its exercises."""
    found = [int(first) for source in _code(notebook) for first, _ in _CALL.findall(source)]
    known = [number for number in found if number in notebook_numbers()]
    if not known:
        raise Tampered("no exercise of the series is checked in it")
    return max(set(known), key=known.count)


def _look_for_tampering(notebook: NotebookNode) -> None:
    for place, source in enumerate(_code(notebook), start=1):
        # magics and half-written cells are no Python; they fail when they are run, or not
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if what := _tampers(node):
                raise Tampered(f"code cell {place} {what}")


def _tampers(node: ast.AST) -> str:
    bound = {"exercise"} & set(_names_bound(node))
    if bound and not (isinstance(node, ast.ImportFrom) and node.module == "labutils.exercises"):
        return "gives the name exercise to something else"
    if _reaches_in(node):
        return "reaches into labutils.exercises"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "labutils.exercises" in node.value:
        return "names labutils.exercises in a text"
    return ""


def _reaches_in(node: ast.AST) -> bool:
    """True for whatever gets at labutils.exercises but ``from labutils.exercises import exercise``."""
    if isinstance(node, ast.Import):
        return any(alias.name.startswith("labutils.exercises") for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module == "labutils":
        return any(alias.name == "exercises" for alias in node.names)
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labutils.exercises"):
        return node.module != "labutils.exercises" or [one.name for one in node.names] != ["exercise"]
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "labutils.exercises"


def _names_bound(node: ast.AST) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
        return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in node.names]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("setattr", "delattr")
    ):
        return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return []


def _run_and_judge(notebook: NotebookNode, number: int, folder: Path, seconds: float, seed: int) -> Finding:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    checked = {f"{first}.{second}" for source in _code(notebook) for first, second in _CALL.findall(source)}
    wanted = exercises_of(number)
    names = {one.number: one.answer_name for one in wanted if one.number in checked}
    answers_file = folder / f"answers-{secrets.token_hex(8)}.json"
    try:
        failed = _run(notebook, folder, seconds, _collecting(answers_file, names, seed))
    except CellTimeoutError:
        return Finding("hung", f"it ran longer than {seconds / 60:.3g} minutes", number)
    except DeadKernelError:
        return Finding("crashed", "its kernel died: it ended Python, or the memory was full", number)
    except Exception as error:
        return Finding("crashed", _one_line(error), number)
    try:
        collected = json.loads(answers_file.read_text("utf-8"))
        answers = {one.number: _judged(one.number, collected, names, seed) for one in wanted}
    except FileNotFoundError:
        return Finding("tampered", "its answers could not be collected", number)
    except Exception as error:  # made up by the notebook: no answer looks like this
        return Finding("tampered", f"its answers are none: {_one_line(error)}", number)
    reasons = [failed, _stored_otherwise(notebook, answers)]
    return Finding("graded", "; ".join(reason for reason in reasons if reason), number, answers)


def _collecting(path: Path, names: dict[str, str], seed: int) -> str:
    return (
        "from labutils.exercises.collecting import write_answers as _write_answers\n"
        f"_write_answers({str(path)!r}, {names!r}, {seed}, globals())"
    )


def _run(notebook: NotebookNode, folder: Path, seconds: float, last: str) -> str:
    """Run every cell, and `last` at the end; return in words which cell was the first to fail, if any.

    Raises CellTimeoutError when the time is over, and DeadKernelError when the kernel dies.
    """
    from nbclient import NotebookClient

    class Client(NotebookClient):
        """One that does not keep more output than anybody reads."""

        kept = 0

        def output(self, outs: list, msg: dict, display_id: str, cell_index: int) -> Any:
            self.kept += len(str(msg.get("content", "")))
            return super().output(outs, msg, display_id, cell_index) if self.kept < _MOST_OUTPUT else None

    copy = nbformat.from_dict(notebook)
    copy.cells = [cell for cell in copy.cells if cell.cell_type == "code"]
    handed_in = len(copy.cells)
    copy.cells.append(nbformat.v4.new_code_cell(last))
    end, failed = time.monotonic() + seconds, ""
    client = Client(
        copy, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    with client.setup_kernel():
        for place, cell in enumerate(copy.cells):
            client.timeout = max(1, int(end - time.monotonic()))
            cell.outputs = []
            done = client.execute_cell(cell, place)
            errors = [one.ename for one in done.outputs if one.output_type == "error"]
            if errors and not failed and place < handed_in:
                failed = f"code cell {place + 1} stops with {errors[0]}"
    return failed


def _judged(number: str, collected: dict[str, Any], names: dict[str, str], seed: int) -> str:
    if number not in names:
        return "missing"
    if number not in collected:
        return f"stops: {names[number]} is not defined"
    verdict = exercise(number).judge(collected[number], seed)
    return "right" if verdict.status == "right" else verdict.reason


def _stored_otherwise(notebook: NotebookNode, answers: dict[str, str]) -> str:
    """Return in words which exercises are stored as right in the file, and are not."""
    stored = " ".join(
        str(output.get("text", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.get("outputs", [])
    )
    claimed = [
        number
        for number, said in answers.items()
        if f"Exercise {number}: right" in stored and said != "right"
    ]
    return f"stored as right but is not when it is run: {', '.join(claimed)}" if claimed else ""


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1]}"[:200]


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine one notebook and print the `Finding` as JSON."""
    parser = argparse.ArgumentParser(prog="python -m labutils.exercises.submission")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--beside", type=Path)
    chosen = parser.parse_args(arguments)
    print(json.dumps(asdict(examine(chosen.notebook, chosen.seconds, chosen.seed, chosen.beside))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
