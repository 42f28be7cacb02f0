"""What Shift+Tab shows of the functions that notebooks call is complete, and its examples are right."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from functools import cached_property

import numpy as np
import pytest
from notebook_helpers import PATHS, ROOT, code
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

# A docstring, each parameter in its order with its kind or shape, what is returned or yielded. The other
# codes of numpydoc ask for another style: a type by itself, capital letters, See Also, an example for all.
CODES = {"GL08", "PR01", "PR02", "PR03", "PR04", "RT01", "YD01"}
MODULES = [
    importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for path in sorted((ROOT / "labutils").rglob("*.py"))
    if path.name != "__init__.py"
]
CLASSES = {  # no two have one name, see test_layout.py
    name: thing
    for module in MODULES
    for name, thing in vars(module).items()
    if inspect.isclass(thing) and thing.__module__ == module.__name__
}


def is_ours(thing):
    return str(getattr(thing, "__module__", "")).startswith("labutils")


def imported(tree):
    """What code imports from labutils, by the names it has there; other modules as None."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: None for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            ours = node.module.split(".")[0] == "labutils"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names[alias.asname or alias.name] = pkgutil.resolve_name(full) if ours else None
    return names


def attributes(tree, names):
    """What code takes from labutils, and the attributes that it reads and calls of things in no module."""
    things, read, called = list(names.values()), set(), set()
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            base = node.value.id if isinstance(node.value, ast.Name) else None
            if inspect.ismodule(names.get(base)):
                things.append(getattr(names[base], node.attr))
            elif base not in names or names[base] is not None:
                (called if id(node) in calls else read).add(node.attr)
    return things, read, called


def classes_in(annotations):
    """The classes of labutils that annotations name."""
    words = re.findall(r"\w+", " ".join(map(str, annotations)))
    return [CLASSES[word] for word in words if word in CLASSES]


def members(kind, read, called):
    """The methods of a class that are called, and the properties that are read."""
    ours = {name for base in kind.__mro__ if is_ours(base) for name in vars(base)}
    for name in sorted((read | called) & ours):
        own = [vars(base)[name] for base in kind.__mro__ if name in vars(base)]
        own = [getattr(member, "__func__", member) for member in own]  # of a class method or a static one
        member = next((member for member in own if member.__doc__), own[0])  # a method inherits its docstring
        if isinstance(member, (property, cached_property)) or inspect.isfunction(member) and name in called:
            yield member


def getter(thing):
    """The function of a property."""
    return getattr(thing, "fget", getattr(thing, "func", thing))


def what_is_called(tree):
    """Functions, classes, methods and properties of labutils in one notebook, by their full names.

    An attribute is taken for that of every class which the notebook calls, or gets from what it calls.
    """
    queue, read, called = attributes(tree, imported(tree))
    named = {id(thing) for thing in queue}
    seen, found = set(), []
    for thing in queue:  # which grows by the classes that come back
        if id(thing) in seen or not is_ours(thing):
            continue
        seen.add(id(thing))
        if inspect.isclass(thing):
            found += [thing] if id(thing) in named else []
            new = list(members(thing, read, called))
            queue += classes_in(getattr(thing, "__annotations__", {}).values())
        elif hasattr(thing, "__qualname__"):
            new = [inspect.unwrap(thing)]
        else:  # an object, such as claim
            new = list(members(type(thing), read, called | {"__call__"}))
        found += new
        for function in map(getter, new):
            queue += classes_in([function.__annotations__.get("return")])
    return {f"{getter(thing).__module__}.{getter(thing).__qualname__}": thing for thing in found}


CALLED = {}
for path in PATHS.values():
    CALLED |= what_is_called(ast.parse(code(path)))


def says_it_in_a_line(function):
    """Whether one line tells what is returned, and names each of at most two parameters."""
    line, names = inspect.getdoc(function), [*inspect.signature(function).parameters]
    names = [name for name in names if name not in ("self", "cls")]
    named = all(re.search(rf"\b{name}\b", line) for name in names)
    return "\n" not in line and len(names) <= 2 and named and summary_says_what_is_returned(function)


def summary_says_what_is_returned(function):
    """Whether it does: "Return …" or "…; return …", one thing, and in brackets the shape of an array."""
    summary = inspect.getdoc(function).split("\n\n")[0]
    returned = str(function.__annotations__.get("return"))
    shaped = "ndarray" not in returned or "(" in summary
    return re.search(r"\b[Rr]eturn ", summary) and not returned.startswith("tuple") and shaped


def errors_in(thing):
    """What numpydoc finds missing, but for what the first line of a function says."""
    errors = dict(validate(get_doc_object(thing))["errors"])
    if "GL08" not in errors and inspect.isfunction(thing):
        if says_it_in_a_line(thing):
            errors.pop("PR01", None)
        if summary_says_what_is_returned(thing):
            errors.pop("RT01", None)
    return {error: text for error, text in errors.items() if error in CODES}


def test_many_things_are_called_by_notebooks():
    some = {"training.fitting.fit", "claims._Claims.between", "cells.GRUCell", "data.reviews.Reviews.rows"}
    assert {f"labutils.{name}" for name in some} <= set(CALLED)
    assert len(CALLED) > 90


def total(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """To be replaced in the test."""
    return x + y


SECTION = "\n\nParameters\n----------\nx : (n,).\n"


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        (None, {"GL08"}),
        ("Return x + y, (n,).", set()),
        ("Return x + y.", {"PR01", "RT01"}),  # of which shape?
        ("Return the sum, (n,).", {"PR01"}),
        ("The sum x + y, (n,).", {"PR01", "RT01"}),
        (f"Return the sum, (n,).{SECTION}", {"PR01"}),
        (f"Return the sum, (n,).{SECTION}y : (n,).\n", set()),
        (f"Return the sum, (n,).{SECTION}y\n", {"PR04"}),
        (f"Return the sum, (n,).{SECTION}z : (n,).\n", {"PR01", "PR02"}),
        (f"Add two arrays.{SECTION}y : (n,).\n", {"RT01"}),
        (f"Add two arrays.{SECTION}y : (n,).\n\nReturns\n-------\nsum : (n,).\n", set()),
    ],
)
def test_what_is_missing_in_a_docstring_is_found(monkeypatch, docstring, expected):
    monkeypatch.setattr(total, "__doc__", docstring)
    assert set(errors_in(total)) == expected


@pytest.mark.parametrize("name", sorted(CALLED))
def test_what_notebooks_call_is_described_completely(name):
    errors = errors_in(CALLED[name])
    assert not errors, "\n".join(f"{error}: {text}" for error, text in errors.items())


def test_examples_in_docstrings_are_right():
    finder, counts = doctest.DocTestFinder(), {}
    for module in MODULES:
        for test in finder.find(module):
            shown = []
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            failed, tried = runner.run(test, out=shown.append)
            assert not failed, "".join(shown)
            counts |= {test.name: tried} if tried else {}
    assert len(counts) >= 10, counts
