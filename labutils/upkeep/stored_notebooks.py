"""Keep the stored notebooks true: run them again in place, and tell which are stale.

The maintainer's command, from the root of the project::

    python -m labutils.upkeep              # run every stale notebook again and store it
    python -m labutils.upkeep 04 --force   # run this one, stale or not

A stored notebook carries a fingerprint of its code cells and of the `labutils` modules behind them.
When either changes, its outputs are those of older code: it is stale.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_PACKAGE_FOLDER = Path(__file__).parents[1]
_CELL_SECONDS = 1200


def notebook_paths(folder: Path) -> list[Path]:
    """Return the series' notebooks in reading order: files named like 04_gru_sentiment.ipynb."""
    return sorted(path for path in folder.glob("*.ipynb") if re.match(r"\d\d_", path.name))


def minutes_to_read_and_run(path: Path) -> tuple[float, float]:
    """Return the two numbers of minutes that a notebook's first cell promises.

    Raises ValueError when the cell has no line like "About 20 minutes to read, 4 to run."
    """
    first = nbformat.read(path, as_version=4).cells[0].source
    found = re.search(r"About ([\d.]+) minutes? to read, ([\d.]+) to run", first)
    if not found:
        raise ValueError(f'{path.name}: the first cell must say "About N minutes to read, M to run"')
    return float(found[1]), float(found[2])


def fingerprint(notebook: NotebookNode) -> str:
    """Return a SHA-256 of the code that made the outputs: cells and the labutils modules they use.

    What such a module imports from labutils counts as well.
    """
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    digest = hashlib.sha256()
    for source in cells:
        digest.update(source.encode() + b"\0")
    for module in sorted(_modules_behind(cells)):
        digest.update(_source(module).encode() + b"\0")
    return digest.hexdigest()


def is_stale(notebook: NotebookNode) -> bool:
    """True when the stored outputs were made by other code than the notebook and labutils hold."""
    return notebook.metadata.get("labutils", {}).get("fingerprint") != fingerprint(notebook)


def normalised(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without what differs from run to run: timings, widget state, kernel details."""
    result = nbformat.from_dict(notebook)
    kept = {"fingerprint": notebook.metadata.get("labutils", {}).get("fingerprint", "")}
    result.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "labutils": kept, "language_info": {"name": "python"}}
    )
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

    Raises nbclient's CellExecutionError when a cell fails; the file is not touched.
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
    ).execute()
    notebook.metadata["labutils"] = {"fingerprint": fingerprint(notebook)}
    return normalised(notebook)


def write(path: Path, notebook: NotebookNode) -> None:
    """Store a notebook with one spelling: sorted keys, one space of indent, a last line break."""
    path.write_text(nbformat.writes(notebook, version=4).rstrip("\n") + "\n", encoding="utf-8", newline="\n")


def _modules_behind(sources: Iterable[str]) -> set[str]:
    """Return the modules that the sources use, and those that these use, such as "plots.style"."""
    found: set[str] = set()
    waiting = list(_used("\n".join(sources)))
    while waiting:
        module = waiting.pop()
        if module not in found and _file(module).is_file():
            found.add(module)
            waiting += _used(_source(module))
    return found


def _file(module: str) -> Path:
    return _PACKAGE_FOLDER / (module.replace(".", "/") + ".py")


def _source(module: str) -> str:
    return _file(module).read_text("utf-8")


def _used(source: str) -> Iterator[str]:
    """Yield the modules of labutils that a source imports; of a package, those behind the names it uses.

    What is imported for annotations alone, ``if TYPE_CHECKING:``, makes no output and does not count.
    """
    nodes = list(ast.walk(_WithoutAnnotationImports().visit(ast.parse(source))))
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "labutils":
            for alias in node.names:
                yield alias.name
                exports, name = _exports(alias.name), alias.asname or alias.name
                yield from (exports[n.attr] for n in nodes if _is_attribute(n, name) and n.attr in exports)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labutils."):
            module = node.module.removeprefix("labutils.")
            yield module
            exports = _exports(module)
            yield from (exports.get(alias.name, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name.removeprefix("labutils.") for name in names if name.startswith("labutils."))


class _WithoutAnnotationImports(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        is_for_annotations = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_for_annotations else self.generic_visit(node)


def _is_attribute(node: ast.AST, of: str) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == of


def _exports(package: str) -> dict[str, str]:
    """Return name → module for what a package such as labutils.plots offers; of a module, nothing."""
    front = _file(f"{package}.__init__")
    if not front.is_file():
        return {}
    imports = [node for node in ast.parse(front.read_text("utf-8")).body if isinstance(node, ast.ImportFrom)]
    return {a.name: node.module.removeprefix("labutils.") for node in imports for a in node.names}


def main(arguments: list[str] | None = None) -> int:
    """Run the stale (or, with --force, all the chosen) notebooks again; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labutils.upkeep", description=main.__doc__)
    parser.add_argument("numbers", nargs="*", help="which notebooks, such as 04; none means all")
    parser.add_argument("--force", action="store_true", help="run them even where they are not stale")
    parser.add_argument("--folder", type=Path, default=Path("notebooks"))
    chosen = parser.parse_args(arguments)
    paths = [
        path
        for path in notebook_paths(chosen.folder)
        if not chosen.numbers or any(path.name.startswith(n) for n in chosen.numbers)
    ]
    if not paths:
        print(f"no such notebook in {chosen.folder}/: run this from the root of the project", file=sys.stderr)
        return 2
    for path in paths:
        if not chosen.force and not is_stale(nbformat.read(path, as_version=4)):
            print(f"{path.name}: up to date")
            continue
        print(f"{path.name}: running …", flush=True)
        write(path, run(path))
        print(f"{path.name}: stored")
    return 0


if __name__ == "__main__":
    sys.exit(main())
