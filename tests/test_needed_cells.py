"""The cells that the checks of a notebook need: none too few, and few enough to be worth it."""

import random
import textwrap
from types import SimpleNamespace

import pytest
from notebook_helpers import PATHS, sources

from labutils.exercises.grading.needed_cells import cells_behind, needed_cells
from labutils.exercises.registry import exercises_of

CHECK = 'from labutils.exercises import exercise\nexercise("1.3").check(x)'


@pytest.mark.parametrize(
    "cells, needed",
    [
        (["x = 1", "y = 2", CHECK], [0, 2]),
        (["x = 1", "x = 2", CHECK], [1, 2]),
        (["x = 1", CHECK, "x = 2"], [0, 1]),
        (["x = 1", CHECK, "x = 2", "x += 1", CHECK, "x = 3"], [0, 1, 2, 3, 4]),
        (["x = [1]", "x.append(2)", "y = x[0]", CHECK], [0, 1, 3]),
        (["x = {}", "x[1] = 2", CHECK], [0, 1, 2]),
        (["x = [[]]", "y = x[0]", "y.append(1)", "z = 1", CHECK], [0, 1, 2, 4]),
        (["x = f()", "x.a = 2", CHECK], [0, 1, 2]),
        (["x = 1", "del x", CHECK], [0, 1, 2]),
        (["x = 1", "if f:\n    x = 2", CHECK], [0, 1, 2]),
        (["x = 1", "for i in []:\n    x = i", CHECK], [0, 1, 2]),
        (["x = 1", "try:\n    x = f()\nexcept ValueError:\n    pass", CHECK], [0, 1, 2]),
        (["def f():\n    return g", "g = 1", "g = 2", "h = 3", "x = f()", CHECK], [0, 2, 4, 5]),
        (["def f(n):\n    n.append(1)", "x = []", "f(x)", "f([])", CHECK], [0, 1, 2, 4]),
        (["x = 1", "def f():\n    global x\n    x = 2", "f()", CHECK], [1, 2, 3]),
        (["x = lambda: y", "y = 1", "z = 2", CHECK], [0, 1, 3]),
        (["f = [lambda: y]", "y = 1", "z = 2", "x = f[0]()", CHECK], [0, 1, 3, 4]),
        (["class A:\n    def m(self):\n        return y", "y = 1", "z = 2", "x = A().m()", CHECK], [0, 1,
            3, 4]),
        (["y = [1]", "x = (i for i in y)", "next(x)", "z = 1", CHECK], [0, 1, 2, 4]),
        (["x = (", "x = 1", CHECK], [1, 2]),
        (["%matplotlib inline\nx = 1", "%%time\nx = 2", "%time x = 3", "%%timeit\nx = 4", CHECK], [2, 3, 4]),
        (["%%capture out\nx = 1", "x?", CHECK], [0, 2]),
        (["import numpy as np", "from labutils import plots", "import os\nos.getcwd()"], [0, 1]),
        (["answer_1_3 = 600", "answer_1_3 = 620", "z = 1"], [1]),
        (["def my_step():\n    return y", "y = 1", "y = 2"], [0, 2]),
        (["def mine(e):\n    e.check(1)", "x = 1", "mine(exercise('1.3'))"], [2, 0][::-1]),
        (["look = exercise('1.3').check", "y = 1"], [0]),
    ],
)  # fmt: skip
def test_what_is_used_is_needed_as_it_was_then(cells, needed):
    assert needed_cells(cells) == needed


NUMPY = "import numpy as np"
KERAS = "from labutils import backend, training\nkeras = backend.load_keras()"


@pytest.mark.parametrize(
    "cells, needed",
    [
        ([NUMPY, "np.random.seed(0)", "a = 1", "b = np.random.rand()", "x = np.random.rand()", CHECK],
         [0, 1, 3, 4, 5]),
        ([NUMPY, "b = np.random.rand()", "np.random.seed(0)", "x = np.random.rand()", CHECK], [0, 2, 3, 4]),
        ([NUMPY, "rng = np.random.default_rng(0)", "a = rng.normal()", "b = np.ones(3)", "x = rng.normal()",
          CHECK], [0, 1, 2, 4, 5]),
        ([NUMPY, "x = np.ones(3)", "y = x[:2]", "y[:] = 5", "z = x + 1", "z[:] = 6", CHECK], [0, 1, 2, 3, 6]),
        ([NUMPY, "x = np.ones(3)", "np.random.shuffle(x)", "print(np.mean(x))", CHECK], [0, 1, 2, 4]),
        ([KERAS, "x = keras.Sequential([])", "history = x.fit(a, b)", "x.predict(a)", CHECK], [0, 1, 2, 4]),
        ([KERAS, "x = keras.Sequential([])", "y = keras.Sequential([])", "run = training.fit(x, a, b)",
          "y.fit(a, b)", CHECK], [0, 1, 2, 3, 5]),  # y draws from the same random numbers
        ([KERAS, "y.fit(a)", "keras.utils.set_random_seed(0)", "x = keras.Sequential([])", CHECK],
         [0, 2, 3, 4]),
        ([KERAS, "keras.config.set_floatx('float64')", "x = keras.Sequential([])", CHECK], [0, 1, 2, 3]),
        ([NUMPY, "np.save('a.npy', [1])", "y = 1", "x = np.load('a.npy')", CHECK], [0, 1, 3, 4]),
        ([NUMPY, "open('a', 'w').write('1')", "y = 1", "x = open('a').read()", CHECK], [0, 1, 3, 4]),
        (["import os", "os.chdir('..')", "y = 1", "x = open('a').read()", CHECK], [0, 1, 3, 4]),
        (["import matplotlib.pyplot as plt", "plt.rcParams['a'] = 1", "y = 1", "x = plt.figure()", CHECK],
         [0, 1, 3, 4]),
        (["import warnings", "warnings.filterwarnings('error')", "y = 1", "x = 1", CHECK], [0, 1, 3, 4]),
        (["from mine import f", "x = [1]", "f(x)", "y = 1", CHECK], [0, 1, 2, 4]),
    ],
)  # fmt: skip
def test_what_no_variable_holds_counts_too(cells, needed):
    cells = [
        cell.replace("keras.Sequential([])", "keras.Sequential([keras.layers.Input((3,))])") for cell in cells
    ]
    assert needed_cells(cells) == needed


@pytest.mark.parametrize(
    "unknown",
    ["exec('x = 2')", "eval('f()')", "globals()['x'] = 2", "getattr(e, name)(1)", "%run other.py",
    "%reset -f",
     "from mine import *", "%%bash\nls", "files = !ls", "!rm a", "get_ipython().user_ns",
     "f.__globals__['x'] = 2",
     "import numpy as np\nnp.mean = len", "import threading\nthreading.Thread()", "y = _",
     "y = Out[3]", "exit()"],
)  # fmt: skip
def test_where_nothing_can_be_known_all_cells_are_needed(unknown):
    assert needed_cells(["x = 1", "y = 2", unknown, CHECK]) == [0, 1, 2, 3]


def solved(number):
    """The sources of a notebook, with every solution in the place of its stub."""
    cells = sources(PATHS[number])
    for exercise in exercises_of(number):
        stub = exercise.answer_cell().partition("\nexercise(")[0].strip()
        cells = [cell.replace(stub, exercise.solution_text().strip()) for cell in cells]
    return cells


@pytest.mark.parametrize("number, most", [(0, 2), (1, 15), (2, 12), (3, 8), (4, 15)])
def test_of_the_notebooks_few_cells_are_needed(number, most):
    cells = solved(number)
    needed = needed_cells(cells)
    assert all(place in needed for place, cell in enumerate(cells) if ".check(" in cell)
    assert len(needed) <= most
    if number:  # 00 trains nothing
        trained = [cells[place] for place in needed if "training.fit" in cells[place]]
        assert all(".check(" in cell or "def " in cell for cell in trained)


def test_cells_behind_a_panel_do_not_train():
    cells = ["m = build()", "m.fit(x)", "n = 1", "Panel(m)", "m = 2"]
    assert cells_behind(cells, 3) == [0, 3]


STATEMENTS = [
    "{a} = {n}", "{a} = [{n}]", "{a} = {b}", "{a} = [{b}, {c}]", "{a} = list({b}) if {b} else []",
    "{a} = {b} + {b}",
    "{a}.append({n})", "{a} += [{n}]", "{a}[0:1] = [{n}]", "{f}({a})", "{a} = {f}({b})", "del {a}[:1]",
    "if {n} > 4:\n    {a} = [{n}]", "for i in {b}:\n    {a} = [i]",
    "for i in range({n} % 3):\n    {a}.append(i)",
    "def {f}(v):\n    v.append({n})\n    return {a}", "def {f}(v):\n    return [{n}, len({a}), v]",
    "def {f}(v):\n    global {a}\n    {a} = [{n}]\n    return v", "{f} = lambda v: {a}", "{f} = {g}",
    "{a} = [v for v in {b} if v]", "{a} = dict(k={b})['k']",
    "try:\n    {a} = {b}[{n}]\nexcept Exception:\n    {a} = []",
    "class {f}:\n    def __init__(self, v):\n        {a}.append({n})\n    def append(self, v):\n        pass",
    "{a}, {b} = {b}, {a}", "{a} = sorted({b}, key=str)[::-1]",
    "while len({a}) < {n} % 4:\n    {a}.append({b})",
    "with open_list({a}) as {b}:\n    {b}.append({n})", "({a} if {n} > 4 else {b}).append({n})",
]  # fmt: skip


def program(seed):
    """Cells of some statements each, about three variables and two functions, with checks among them."""
    draw = random.Random(seed)
    cells = ["a, b, c = [1], [2], [3]", "def f(v):\n    return v", "def g(v):\n    return [v]"]
    for _ in range(14):
        lines = []
        for _ in range(draw.choice([1, 1, 2])):
            names = dict(zip("abc", draw.sample("abc", 3))) | dict(zip("fg", draw.sample("fg", 2)))
            lines.append(draw.choice(STATEMENTS).format(n=draw.randrange(10), **names))
        if draw.random() < 0.2:
            lines.append(f"exercise('1.3').check({draw.choice('abc')})")
        cells.append("\n".join(lines))
    return [*cells, f"exercise('1.3').check({draw.choice('abc')})"]


def given(cells, chosen):
    """What the checks are given when the chosen cells run, and which of these cells fail."""
    checked, failed = [], []
    names = {
        "exercise": lambda number: SimpleNamespace(check=lambda answer: checked.append(shown(answer))),
        "open_list": SimpleNamespace,
    }
    exec(textwrap.dedent(OPEN_LIST), names)
    for place in chosen:
        try:
            exec(compile(cells[place], "cell", "exec"), names)
        except Exception as error:
            failed.append((place, type(error).__name__))
    return checked, failed


OPEN_LIST = """
    import contextlib
    @contextlib.contextmanager
    def open_list(v):
        yield v
"""


def shown(value, depth=0):
    if isinstance(value, list):
        return [shown(part, depth + 1) for part in value] if depth < 6 else "…"
    return value if isinstance(value, (int, str)) else type(value).__name__


@pytest.mark.parametrize("part", range(8))
def test_at_the_checks_the_slice_gives_what_all_cells_give(part):
    tried = saved = 0
    for seed in range(part * 100, part * 100 + 100):
        cells = program(seed)
        needed = needed_cells(cells)
        checked, failed = given(cells, range(len(cells)))
        of_slice, failed_in_slice = given(cells, needed)
        if failed_in_slice:
            continue  # then a teacher's run goes on with all cells
        tried += 1
        saved += len(cells) - len(needed)
        assert of_slice == checked, f"seed {seed}: {needed}\n" + "\n".join(
            f"--- {place}\n{cell}" for place, cell in enumerate(cells)
        )
    assert tried > 20 and saved > tried
