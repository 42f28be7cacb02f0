"""Readers of the stored notebooks, for the tests that look into them."""

import symtable
from pathlib import Path

import nbformat
import pytest

from labutils.exercises.registry import all_exercises
from labutils.upkeep.stored_notebooks import notebook_paths, without_magics

ROOT = Path(__file__).parents[1]
PATHS = {int(path.stem[:2]): path for path in notebook_paths(ROOT / "notebooks")}
EVERY_NOTEBOOK = pytest.mark.parametrize("path", PATHS.values(), ids=lambda path: path.stem)


def exercise_named(name):
    """The one exercise with this answer name, or this title: its number may change."""
    (found,) = [e for e in all_exercises() if name in (e.answer_name, e.title)]
    return found


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def sources(path):
    """The source of each code cell."""
    return [cell.source for cell in code_cells(path)]


def code(path):
    """The code of a notebook without its magics, such as ast.parse takes it."""
    return "\n".join(map(without_magics, sources(path)))


def outputs(path):
    return [output for cell in code_cells(path) for output in cell.get("outputs", [])]


def names(source):
    """The names that code defines at its top, and those that it, or a function in it, takes from there."""
    scopes = [top := symtable.symtable(source, "cell", "exec")]
    for scope in scopes:  # which grows by the scopes within
        scopes += scope.get_children()
    defined = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    return defined, {
        symbol.get_name()
        for scope in scopes
        for symbol in scope.get_symbols()
        if symbol.is_referenced() and (scope is top or symbol.is_global())
    }
