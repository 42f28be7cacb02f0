"""The cells that a panel needs, without the rest of its notebook: minutes of training are not the test."""

import symtable

import nbformat


def slice_for(notebook: nbformat.NotebookNode, panel: str) -> nbformat.NotebookNode:
    """Return the notebook cut down to the cell that calls `panel` and those that define what it uses.

    Cells are followed by the names they assign, so a cell that only trains a network which another cell
    has built is left out.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = max(i for i, cell in enumerate(cells) if f"{panel}(" in cell.source)
    kept, wanted = [cells[last]], names(cells[last].source)[1]
    for cell in reversed(cells[:last]):
        defined, used = names(cell.source)
        if defined & wanted:
            kept.append(cell)
            wanted = (wanted - defined) | used
    result = nbformat.v4.new_notebook(metadata=notebook.metadata)
    result.cells = [nbformat.v4.new_code_cell(cell.source) for cell in reversed(kept)]
    return result


def names(source: str) -> tuple[set[str], set[str]]:
    """Return the names of the notebook that a cell defines, and those that it or a function in it uses."""
    scopes = [cell := symtable.symtable(source, "cell", "exec")]
    for scope in scopes:  # which grows by the scopes within
        scopes += scope.get_children()
    defined = {
        symbol.get_name() for symbol in cell.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    }
    used = {
        symbol.get_name()
        for scope in scopes
        for symbol in scope.get_symbols()
        if symbol.is_referenced() and (scope is cell or symbol.is_global())
    }
    return defined, used
