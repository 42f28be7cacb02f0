"""The cells that a panel needs, without the rest of its notebook: minutes of training are not the test."""

import nbformat

from labutils.exercises.grading.needed_cells import cells_behind


def slice_for(notebook: nbformat.NotebookNode, panel: str) -> nbformat.NotebookNode:
    """Return the notebook cut down to the cell that calls `panel` and those that make what it uses.

    A cell that only trains a network which another cell has built is left out.
    """
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    last = max(place for place, source in enumerate(sources) if f"{panel}(" in source)
    result = nbformat.v4.new_notebook(metadata=notebook.metadata)
    result.cells = [nbformat.v4.new_code_cell(sources[place]) for place in cells_behind(sources, last)]
    return result
