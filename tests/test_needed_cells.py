"""The cells of a notebook that need not run when it is graded, and that the others give the same without."""

import random
from types import SimpleNamespace

import pytest
from notebook_helpers import PATHS, sources

from labutils.exercises.grading.needed_cells import cells_left_out, needed_cells

CHECK = 'exercise("1.3").check(x)'


@pytest.mark.parametrize(
    "cells, needed",
    [
        (["x = 1", "y = 2", CHECK], {0, 2}),
        (["x = 1", CHECK, "x = 2"], {0, 1, 2}),  # a student's cell below may ask for it
        (["for i in y: x = i", "y = 1", "z = 2\nfor i in z: i.fit()", CHECK], {0, 1, 3}),  # i belongs to each
        (["x = [1]", "x.append(2)", "y = x[0]", CHECK], {0, 1, 3}),
        (["x = {}", "x[1] = 2", "x |= y", "y = {}", "z = {}", CHECK], {0, 1, 2, 3, 5}),
        (["x = f()", "x.a = 2", "x.compile(1)\nx.summary()", "z = x.predict(y)", CHECK], {0, 1, 2, 4}),
        (["def x():\n    return y", "y = 1", "z = 3", CHECK], {0, 1, 3}),
        (["x = lambda: [y for y in z]", "y = 1", "z = 2", CHECK], {0, 2, 3}),
        (["from labutils import training", "x = build()", "run = training.fit(x, y)", "plot(run)", CHECK],
         {0, 1, 2, 4}),
        (["import numpy as np", "np.random.seed(0)", "x = np.ones(3)", "np.random.shuffle(x)", CHECK],
         {0, 2, 4}),
        (["if y:\n    x = 1", "for z in w:\n    x = z", "a = 1", CHECK], {0, 1, 3}),
    ],
)  # fmt: skip
def test_what_an_exercise_or_a_needed_cell_uses_is_needed(cells, needed):
    assert needed_cells(cells) == needed


CELLS = [
    "{new} = [{n}]", "{new}, {other} = [{n}], [1]", "{new} = {old} + [{n}]", "{new} = [i for i in {old}]",
    "{old}.append({n})", "{old}[0] = {n}", "{old} += [{n}]", "if sum({old}) % 2:\n    {other}.append({n})",
    "for i in {old}:\n    {new} = [i + {n}]", "def f():\n    return [{n}] + {old}", "{new} = f()",
    "exercise('1.1').check({old})",
]  # fmt: skip


def made_up(draw):
    """The cells of a notebook that makes lists of each other, and checks some of them."""
    cells, known = ["a = [0]\ndef f():\n    return [1]", "exercise('1.1').check(a)"], ["a"]
    for _ in range(12):
        new, old, other = draw.choice("abcxyz"), draw.choice(known), draw.choice(known)
        cells.append(draw.choice(CELLS).format(new=new, old=old, other=other, n=draw.randrange(9)))
        known += [new] if cells[-1].startswith(new) else []
    return [*cells, f"show([{', '.join(known)}])"]  # so no name is used by the cells alone that assign it


def values(cells):
    """What is checked when these cells run, and the lists that they leave behind, by name."""
    checked = []
    recorder = SimpleNamespace(check=lambda answer: checked.append(list(answer)))
    names = {"exercise": lambda number: recorder, "show": str}
    for cell in cells:
        exec(cell, names)
    return checked, {name: value for name, value in names.items() if isinstance(value, list)}


def test_what_is_checked_and_what_a_name_holds_is_the_same_as_when_all_cells_run():
    left_out = 0
    for seed in range(300):
        cells = made_up(random.Random(seed))
        kept = sorted(needed_cells(cells))
        checked, names = values(cells)
        checked_without, names_without = values([cells[place] for place in kept])
        assert checked_without == checked, cells
        assert names_without == {name: names[name] for name in names_without}, cells
        left_out += len(cells) - len(kept)
    assert left_out > 300


@pytest.mark.parametrize("number", PATHS)
def test_no_cell_with_a_check_is_left_out_and_none_that_it_needs(number):
    cells, left_out = sources(PATHS[number]), cells_left_out(number)
    assert left_out < set(cells) and not any(".check(" in cell for cell in left_out)
    assert not any("import exercise" in cell for cell in left_out)
    kept = {place for place, cell in enumerate(cells) if cell not in left_out}
    assert needed_cells(cells) <= kept


@pytest.mark.parametrize("number, most", [(3, 11), (4, 8), (5, 14), (6, 10)])
def test_the_long_notebooks_are_graded_without_their_trainings(number, most):
    kept = [cell for cell in sources(PATHS[number]) if cell not in cells_left_out(number)]
    assert len(kept) <= most
    assert all("def " in cell for cell in kept if "training.fit(" in cell)


def test_a_notebook_that_is_not_there_runs_whole():
    assert cells_left_out(99) == frozenset()
