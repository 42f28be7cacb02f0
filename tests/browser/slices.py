"""The cells that a panel needs, without the rest of its notebook: minutes of training are not the test."""

import dis
from types import CodeType

import nbformat


def slice_for(notebook: nbformat.NotebookNode, panel: str) -> nbformat.NotebookNode:
    """Return the notebook cut down to the cell that calls `panel` and those that define what it uses.

    Cells are followed by the names they assign, so a cell that only trains a network which another cell
    has built is left out.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = max(i for i, cell in enumerate(cells) if f"{panel}(" in cell.source)
    kept, wanted = [cells[last]], _used(cells[last].source)
    for cell in reversed(cells[:last]):
        defined = _defined(cell.source)
        if defined & wanted:
            kept.append(cell)
            wanted = (wanted - defined) | _used(cell.source)
    result = nbformat.v4.new_notebook(metadata=notebook.metadata)
    result.cells = [nbformat.v4.new_code_cell(cell.source) for cell in reversed(kept)]
    return result


def _used(source: str) -> set[str]:
    return _names(source, "LOAD_NAME", "LOAD_GLOBAL")


def _defined(source: str) -> set[str]:
    return _names(source, "STORE_NAME")


def _names(source: str, *operations: str) -> set[str]:
    """Return the notebook's own names, not those inside functions, that these operations touch."""
    found, waiting = set(), [compile(source, "cell", "exec")]
    while waiting:
        code = waiting.pop()
        found |= {step.argval for step in dis.get_instructions(code) if step.opname in operations}
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return found
