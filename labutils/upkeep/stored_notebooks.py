"""The stored notebooks: which there are, which are stale, which claims failed; run one and store it.

A stored notebook carries a fingerprint of its code cells, of the `labutils` modules behind them and of the
files in `grids/` that it reads. When one of them changes, its outputs are those of older code: it is stale.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_PACKAGE_FOLDER = Path(__file__).parents[1]
_CELL_SECONDS = 1200
# Imported by what every notebook imports, and yet no output depends on it: a new notebook adds a line here.
_NOT_COUNTED = frozenset({"exercises.subjects"})
_USERS_CHOICES = ("KERAS_BACKEND", "LABUTILS_CLAIMS", "LABUTILS_DIGITS", "LABUTILS_REVIEWS")


def notebook_paths(folder: Path = ROOT / "notebooks") -> list[Path]:
    """Return the series' notebooks in reading order: files named like 03_gru_sentiment.ipynb."""
    return sorted(path for path in folder.glob("*.ipynb") if re.match(r"\d\d_", path.name))


def minutes_to_read_and_run(path: Path) -> tuple[float, float]:
    """Return the two numbers of minutes that a notebook's first cell promises.

    Raises
    ------
    ValueError
        When the cell has no line like "About 20 minutes to read, 4 to run."
    """
    first = nbformat.read(path, as_version=4).cells[0].source
    found = re.search(r"About ([\d.]+) minutes? to read, ([\d.]+) to run", first)
    if not found:
        raise ValueError(f'{path.name}: the first cell must say "About N minutes to read, M to run"')
    return float(found[1]), float(found[2])


def fingerprint(notebook: NotebookNode) -> str:
    """Return a SHA-256 of what made the outputs: cells, labutils modules and stored results that they use.

    What such modules import from labutils counts, but for `_NOT_COUNTED`; docstrings and comments do not. A
    missing file is empty.
    """
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = "\n".join(map(without_magics, cells))
    sources = [*cells, *(_without_docstrings(_source(module)) for module in sorted(_modules_behind(code)))]
    names = sorted(set(re.findall(r"grids/[\w.-]+\.(?:csv|npz)", code)))
    grids = [ROOT / "notebooks" / name for name in names]
    parts = [*map(str.encode, sources), *(grid.read_bytes() if grid.is_file() else b"" for grid in grids)]
    return hashlib.sha256(b"".join(part + b"\0" for part in parts)).hexdigest()


def without_magics(cell: str) -> str:
    """Return a cell's code without magics, shell commands and questions; nothing where that is no Python."""
    magic, question = r"[%!].*", r"\??[\w.*]+\?{1,2}\s*$|\?{1,2}\w.*"
    code = re.sub(rf"^(\s*(?:[\w., ]+=\s*)?)(?:{magic}|{question})", r"\1None", cell, flags=re.M)
    try:
        ast.parse(code)
    except SyntaxError:  # such as what follows %%bash; it can import nothing
        return ""
    return code


def is_stale(notebook: NotebookNode) -> bool:
    """Return whether the stored outputs were made by other code than the notebook and labutils hold."""
    return notebook.metadata.get("labutils", {}).get("fingerprint") != fingerprint(notebook)


def was_run_in_order(notebook: NotebookNode) -> bool:
    """Return whether each code cell was run once, from the first to the last."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def failed_claims(notebook: NotebookNode) -> list[str]:
    """Return the lines ``✗ …`` that its claims have printed."""
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    return [line for text in printed for line in text.splitlines() if line.startswith("✗ ")]


def normalised(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without what differs from run to run: timings, widget state, kernel details."""
    result = nbformat.from_dict(notebook)
    kept = {"fingerprint": notebook.metadata.get("labutils", {}).get("fingerprint", "")}
    metadata = {"kernelspec": KERNELSPEC, "labutils": kept, "language_info": {"name": "python"}}
    result.metadata = nbformat.from_dict(metadata)
    result.nbformat, result.nbformat_minor = 4, 5
    for number, cell in enumerate(result.cells):
        cell.id = f"cell-{number:03d}"
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": sorted(tags)} if tags else {})
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    return result


def run(path: Path) -> NotebookNode:
    """Run a notebook top to bottom in a new kernel, in its own folder, and return it normalised.

    What a user may choose by environment variables (backend, data) is as if nobody had chosen.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell fails. The file is not touched.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute(env={name: value for name, value in os.environ.items() if name not in _USERS_CHOICES})
    notebook.metadata["labutils"] = {"fingerprint": fingerprint(notebook)}
    return normalised(notebook)


def as_text(notebook: NotebookNode) -> str:
    """Return the text of a notebook's file: sorted keys, one space of indent, one line break at the end."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write(path: Path, notebook: NotebookNode) -> None:
    """Store a notebook as `as_text` has it."""
    path.write_text(as_text(notebook), encoding="utf-8", newline="\n")


def imported_modules(source: str) -> Iterator[str]:
    """Yield the modules of labutils that Python code imports, such as "plots.style", lazily or not.

    Of a package that is imported as a whole, these are the modules behind the attributes that are used.
    What is imported for annotations alone, ``if TYPE_CHECKING:``, makes no output and does not count.
    """
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not ast.unparse(node).startswith("if TYPE_CHECKING:")]
    nodes = list(ast.walk(tree))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    used = {(ast.unparse(node.value), node.attr) for node in attributes}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("labutils."):
                    module, name = alias.name.removeprefix("labutils."), alias.asname or alias.name
                    yield module
                    yield from (behind for offer, behind in _exports(module).items() if (name, offer) in used)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "labutils":
            package = node.module.removeprefix("labutils").removeprefix(".")
            yield package
            if node.names[0].name == "*":
                yield from _exports(package).values()
            for alias in node.names:
                module, name = f"{package}.{alias.name}".removeprefix("."), alias.asname or alias.name
                yield _exports(package).get(alias.name, module)
                yield from (behind for offer, behind in _exports(module).items() if (name, offer) in used)


def _exports(package: str) -> dict[str, str]:
    """Return name → module for what a package such as labutils.plots offers; of a module, nothing."""
    front = _PACKAGE_FOLDER.joinpath(*package.split("."), "__init__.py")
    if not front.is_file():
        return {}
    return {
        alias.name: node.module.removeprefix("labutils.")
        for node in ast.parse(front.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _modules_behind(source: str, found: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the modules that a source uses, and those that these use, such as "plots.style"."""
    for module in imported_modules(source):
        if module not in found | _NOT_COUNTED and _file(module).is_file():
            found = _modules_behind(_source(module), found | {module})
    return found


def _without_docstrings(source: str) -> str:
    """Return code without docstrings, lines of comments and empty lines, the same with every Python."""
    lines = dict(enumerate(source.splitlines(), start=1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            first = node.body[0]
            for number in range(first.lineno, (first.end_lineno or first.lineno) + 1):
                lines.pop(number, None)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            lines.pop(token.start[0], None)
    return "\n".join(line for line in lines.values() if line.strip())


def _file(module: str) -> Path:
    return _PACKAGE_FOLDER / (module.replace(".", "/") + ".py")


def _source(module: str) -> str:
    return _file(module).read_text("utf-8")
