"""The cells of the series' notebooks that no exercise needs: they need not run when one is graded.

Only a cell that a student has left as it was handed out is ever left out, so nothing is guessed about a
student's code. For the cells that are handed out a rule decides: all that assign or change a name which an
exercise, or another cell that runs, uses or assigns do run as well. So in a student's cell a name has the
value that it has when all cells run, or none at all; then the cell stops, and `submission_runs` runs all of
them. Not followed are objects with two names, files, random numbers that no seed fixes, and names that every
cell which uses them assigns itself, such as those of loops.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import symtable
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labutils.exercises.registry import exercises_of

_NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


@functools.cache
def cells_left_out(number: int) -> frozenset[str]:
    """Return the cells of the notebook with this number that need not run; none where it is not there."""
    path = next(_NOTEBOOKS.glob(f"{number:02d}_*.ipynb"), None)
    if path is None:
        return frozenset()
    cells = json.loads(path.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    solved = {exercise.number: exercise.solution_text() for exercise in exercises_of(number)}
    needed = needed_cells([_with_solution(source, solved) for source in sources])
    return frozenset(sources) - {sources[place] for place in needed}


def needed_cells(sources: Sequence[str]) -> set[int]:
    """Return the positions of the cells that check an exercise, and of all that they need.

    A name that every cell which uses it assigns itself, such as that of a loop, is not followed.
    """
    modules = set().union(*map(_modules, sources))
    names = [_names(source) for source in sources]
    shared = set().union(*(used - assigned for used, assigned, _ in names)) - modules
    needed = {place for place, source in enumerate(sources) if ".check(" in source}
    while True:
        concerned = set().union(*(names[place][0] | names[place][1] for place in needed))
        more = {
            place
            for place, (_, assigned, changed) in enumerate(names)
            if assigned & concerned & (shared | modules) or changed & concerned & shared
        }
        if more <= needed:
            return needed
        needed |= more


def _with_solution(source: str, solved: Mapping[str, str]) -> str:
    answers = [solution for number, solution in solved.items() if f'exercise("{number}")' in source]
    return "\n".join([source, *answers])


def _names(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell uses, those that it assigns, and those whose objects it may change."""
    cell = symtable.symtable(source, "cell", "exec")
    scopes = [cell]
    for scope in scopes:  # which grows by the scopes within
        scopes += scope.get_children()
    symbols = [
        (scope is cell or symbol.is_global(), symbol) for scope in scopes for symbol in scope.get_symbols()
    ]
    used = {s.get_name() for is_of_notebook, s in symbols if is_of_notebook and s.is_referenced()}
    own = {s.get_name() for s in cell.get_symbols() if s.is_assigned() or s.is_imported()}
    return used, own, set(_changed(ast.parse(source)))


def _modules(source: str) -> set[str]:
    """Return the names that a cell gives to modules and what is in them: no cell changes those."""
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    named = re.findall(r"^(\w+) = (?:backend\.load_keras\(\)|keras\.[a-z.]+)$", source, re.M)
    return {*named, *((a.asname or a.name).split(".")[0] for node in imports for a in node.names)}


def _changed(tree: ast.Module) -> Iterator[str]:
    """Yield the names whose objects are stored into, fitted, or whose methods are called for what they do."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                yield _root(node)
            case ast.AugAssign(target=target):
                yield _root(target)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                yield _root(method)
            case ast.Call(func=ast.Attribute(attr="fit", value=ast.Name(id="training")), args=[model, *_]):
                yield _root(model)
            case ast.Call(func=ast.Attribute(attr="fit") as method):
                yield _root(method)


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.Starred)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
