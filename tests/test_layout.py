"""The layout of labutils: imports go one way, names are unique, what is public is described."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections import Counter

import pytest
from notebook_helpers import ROOT

# Each may import those before it, and what stands in its own line.
LAYERS = [
    ("palette", "validation", "claims", "backend"), ("data",), ("cells",), ("recall", "cash_register"),
    ("training",), ("plots",), ("panels",), ("exercises.checking",), ("exercises.subjects",),
    ("exercises.registry",), ("exercises.questions",), ("exercises.grading",), ("exercises",), ("upkeep",),
]  # fmt: skip
PACKAGE = ROOT / "labutils"
TREES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
NODES = [(name, node) for name, tree in TREES.items() for node in ast.walk(tree)]


def layer(module):
    """The number of the layer of a module such as "plots.style"."""
    for number, names in enumerate(LAYERS):
        if any(f"{module}.".startswith(f"{name}.") for name in names):
            return number
    pytest.fail(f"{module} has no layer: add it to LAYERS")


def test_no_module_imports_upwards_at_the_top_lazily_or_for_annotations():
    found = []
    for name, node in NODES:
        if isinstance(node, ast.Import):
            found += [(name, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports without labutils in front"
            found += [(name, f"{node.module}.{alias.name}") for alias in node.names]
    own = [(name, other.removeprefix("labutils.")) for name, other in found if other.startswith("labutils.")]
    assert len(own) > 100
    upwards = [pair for pair in own if layer(pair[1]) > layer(pair[0].removesuffix(".__init__"))]
    assert not upwards, upwards


def test_no_two_modules_and_no_two_classes_have_one_name():
    names = [*TREES, *(name.removesuffix(".__init__") for name in TREES if name.endswith(".__init__"))]
    modules = [last for name in names if not (last := name.split(".")[-1]).startswith("__")]
    classes = [node.name for _, node in NODES if isinstance(node, ast.ClassDef)]
    twice = [name for name, times in Counter(modules + classes).items() if times > 1]
    assert not twice, twice
    # named by its subject, a module of questions keeps its name when its notebook is renumbered
    assert not any(name.startswith("notebook") for name in modules)


def test_functions_take_at_most_ten_arguments():
    too_many = []
    for module, node in NODES:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)]
            too_many += [(module, node.name)] if len(set(arguments) - {"self", "cls"}) > 10 else []
    assert not too_many, too_many


def test_what_is_public_is_described():
    undescribed = []
    for name in TREES:
        module = importlib.import_module(f"labutils.{name}".removesuffix(".__init__"))
        undescribed += [] if module.__doc__ else [name]
        if ".questions." in name:
            continue  # the solutions of exercises are printed as they stand
        for what, thing in public(vars(module), module):
            members = public(vars(thing), module) if inspect.isclass(thing) else []
            # what a method inherits describes it as well
            things = {what: thing} | {f"{what}.{member}": getattr(thing, member) for member, _ in members}
            undescribed += [f"{name}.{what}" for what, thing in things.items() if not inspect.getdoc(thing)]
    assert not undescribed, "\n".join(undescribed)


def public(names, module):
    """The names, and what they stand for, of functions, classes and properties that this module defines."""
    for name, thing in names.items():
        code = getattr(thing, "fget", getattr(thing, "func", thing))  # a property, a cached property
        if not name.startswith("_") and callable(code) and code.__module__ == module.__name__:
            yield name, thing


def test_there_is_one_palette():
    texts = {path.name: path.read_text("utf-8").lower() for path in PACKAGE.rglob("*.py")}
    colours = {name: set(re.findall("#[0-9a-f]{6}", text)) for name, text in texts.items()}
    palette = colours.pop("palette.py")
    assert {name: repeated for name, used in colours.items() if (repeated := used & palette)} == {}


def test_the_theory_does_without_tensorflow():
    code = (
        "import sys; from labutils import cells, claims, panels, plots, recall; "
        "from labutils.data import digits, reviews, series; "
        "from labutils.exercises.registry import all_exercises; all_exercises(); "
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cells_can_be_read_in_class():
    source = (PACKAGE / "cells.py").read_text("utf-8")
    assert len(source.splitlines()) <= 275
    assert re.findall(r"^(?:from|import) (\S+)", source, re.M) == ["__future__", "dataclasses", "numpy"]
