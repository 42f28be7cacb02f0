"""Claims: one line with mark, sentence and measured numbers, and what nbval compares of it."""

import re
import subprocess
import sys
import tomllib
from decimal import Decimal

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_helpers import ROOT

from labutils.claims import ClaimError, claim

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def printed(capsys):
    """A function that returns what was printed since, which is one line."""

    def one_line():
        (line,) = capsys.readouterr().out.splitlines()
        return line

    return one_line


@pytest.mark.parametrize("holds", [True, np.True_, np.float32(2) > 1, np.array([1, 2]).all()])
def test_what_holds_is_shown_with_its_numbers(printed, holds):
    assert claim("the GRU\n    wins", holds, gru=0.87654321, bag_of_words=0.86) is None
    assert printed() == "✓ the GRU wins (gru ≈ 0.8765, bag of words ≈ 0.86)"


@pytest.mark.parametrize("holds", [False, np.False_])
def test_what_does_not_hold_is_marked_and_stops_nothing(printed, holds):
    claim("the GRU wins", holds)
    assert printed() == "✗ the GRU wins"


def test_a_citation_says_so(printed):
    claim("the GRU wins", True, stored=True, gru=0.5)
    assert printed() == "✓ stored: the GRU wins (gru ≈ 0.5)"
    claim.close("a", 0.7, 0.5, 0.1, stored=True)
    assert printed() == "✗ stored: a is 0.5 ± 0.1 (measured ≈ 0.7)"
    claim.between("a", 0.7, 0.5, 0.75, stored=True)
    assert printed() == "✓ stored: a is between 0.5 and 0.75 (measured ≈ 0.7)"


MEASURED = [
    (np.float32(0.82), "0.82"), (5_967_842, "5967842"), (np.int64(5_967_842), "5967842"),
    (np.array([1, 2]), "1 2"), ([0.5, 1 / 3], "0.5 0.3333"), (NAN, "nan"), (None, "None"), (np.True_, "True"),
    ("f(x), (y)", "f[x]; [y]"), ({"a": (1, 2)}, "{'a': [1; 2]}"),
]  # fmt: skip


@pytest.mark.parametrize("value, shown", MEASURED, ids=repr)
def test_measured_values_hold_nothing_that_ends_them_for_nbval(printed, value, shown):
    claim("x", True, first=value, second=1)
    assert printed() == f"✓ x (first ≈ {shown}, second ≈ 1)"


LINES = [
    (claim.between, (np.array(0.8), 0.8, 0.9), "✓ a is between 0.8 and 0.9 (measured ≈ 0.8)"),
    (claim.between, (3, 3, np.int64(3)), "✓ a is between 3 and 3 (measured ≈ 3)"),
    (claim.between, (INF, 3, INF), "✓ a is between 3 and inf (measured ≈ inf)"),
    (claim.between, (0.91, 0.8, 0.9), "✗ a is between 0.8 and 0.9 (measured ≈ 0.91)"),
    (claim.between, (NAN, 0.8, 0.9), "✗ a is between 0.8 and 0.9 (measured ≈ nan)"),
    (claim.close, (np.float32(0.75), 0.5, 0.25), "✓ a is 0.5 ± 0.25 (measured ≈ 0.75)"),
    (claim.close, (5_967_842, 5_967_841, 0), "✗ a is 5967841 ± 0 (measured ≈ 5967842)"),
    (claim.close, (0.76, 0.5, 0.25), "✗ a is 0.5 ± 0.25 (measured ≈ 0.76)"),
    (claim.close, (NAN, 0.5, INF), "✗ a is 0.5 ± inf (measured ≈ nan)"),
]


@pytest.mark.parametrize("method, numbers, line", LINES)
def test_between_and_close(printed, method, numbers, line):
    method("a", *numbers)
    assert printed() == line


def test_on_request_a_claim_that_fails_raises(printed, monkeypatch, capsys):
    monkeypatch.setenv("LABUTILS_CLAIMS", "raise")
    claim("the GRU wins", True)
    assert printed() == "✓ the GRU wins"
    with pytest.raises(AssertionError, match=r"^✗ the GRU wins \(gru ≈ 0.5\)$") as raised:
        claim("the GRU wins", False, gru=0.5)
    assert raised.type is ClaimError and capsys.readouterr().out == ""


NUMBERS = {"value": 0.8, "low": 0, "high": 1}, {"value": 0.8, "expected": 0.8, "tolerance": 1}
NO_NUMBERS = [None, "0.8", b"0.8", True, np.True_, [1], np.array([1]), np.array(True), 0.8j, Decimal("1")]


@pytest.mark.parametrize("wrong", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("method, numbers", [*zip((claim.between, claim.close), NUMBERS)])
def test_what_must_be_one_number(method, numbers, wrong):
    for name in numbers:
        with pytest.raises(TypeError, match=f"{name} must be one number, got"):
            method("a", **(numbers | {name: wrong}))


MISUSED = [
    *((TypeError, r"one True or False .*\.all\(\) or \.any\(\)", claim, ("a", holds))
      for holds in (None, 1, 1.0, "True", [True], np.array(True), NAN)),
    *((TypeError, "say in words", claim, (statement, True)) for statement in ("", " \n", None, 5, b"a")),
    (ValueError, "low must be a number, got nan", claim.between, ("a", 0.5, NAN, 1)),
    (ValueError, "high must be a number, got nan", claim.between, ("a", 0.5, 0, NAN)),
    (ValueError, "expected must be a number, got nan", claim.close, ("a", 0.5, NAN, 1)),
    (ValueError, "tolerance must be a number, got nan", claim.close, ("a", 0.5, 0, NAN)),
    (ValueError, "low must not lie above high, got 0.9 and 0.8", claim.between, ("a", 0.85, 0.9, 0.8)),
    (ValueError, "tolerance cannot be negative, got -0.1", claim.close, ("a", 0.5, 0.5, -0.1)),
]  # fmt: skip


@pytest.mark.parametrize("error, message, method, arguments", MISUSED)
def test_misuse_is_answered(error, message, method, arguments, capsys):
    with pytest.raises(error, match=message):
        method(*arguments)
    assert capsys.readouterr().out == ""


def test_a_number_named_stored_is_refused():
    with pytest.raises(TypeError, match="stored must be True or False, got 0.24: give .* another name"):
        claim("the network is where the stored ones were", True, stored=0.24)


# what is stored, what the code prints when nbval runs it, and whether nbval lets it pass
COMPARED = [
    ("✓ GRU (a ≈ 0.83, b ≈ 2)", "claim('GRU', True, a=0.91, b=3)", True),
    ("✓ GRU (a ≈ 0.83 0.84, b ≈ 2)", "claim('GRU', True, a=[nan, -1e-9], b='(x, y)')", True),
    ("✓ GRU is between 0 and 1 (measured ≈ 0.5)", "claim.between('GRU', 0.7, 0, 1)", True),
    ("✓ stored: GRU (a ≈ 0.83)", "claim('GRU', True, stored=True, a=0.91)", True),
    ("✓ GRU (a ≈ 0.83, b ≈ 2)", "claim('GRU', False, a=0.83, b=2)", False),
    ("✓ GRU is between 0 and 1 (measured ≈ 0.5)", "claim.between('GRU', 1.7, 0, 1)", False),
    ("✓ GRU is between 0 and 1 (measured ≈ 0.5)", "claim.between('GRU', 0.5, 0, 2)", False),
    ("✓ GRU wins (a ≈ 0.83)", "claim('GRU ties', True, a=0.83)", False),
    ("✓ GRU (a ≈ 0.83)", "claim('GRU', True, b=0.83)", False),
    ("✓ GRU (a ≈ 0.83)", "claim('GRU', True, a=0.83, b=2)", False),
    ("✓ stored: GRU (a ≈ 0.83)", "claim('GRU', True, a=0.83)", False),
]


def test_nbval_notices_mark_and_sentence_and_lets_another_number_pass(tmp_path):
    setup = new_code_cell("from math import nan\nfrom labutils.claims import claim")
    notebook = new_notebook(cells=[setup])
    for line, code, _ in COMPARED:
        stored = [new_output("stream", text=f"{line}\n")]
        notebook.cells.append(new_code_cell(code, outputs=stored, execution_count=1))
    nbformat.write(notebook, tmp_path / "claims.ipynb")
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *options["addopts"].split()]
    done = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, encoding="utf-8")
    by_cell = {int(n): state for state, n in re.findall(r"^(\w+) .*::Cell (\d+)", done.stdout, re.M)}
    expected = ["PASSED"] + ["PASSED" if passes else "FAILED" for *_, passes in COMPARED]
    assert [by_cell[n] for n in sorted(by_cell)] == expected, done.stdout + done.stderr
