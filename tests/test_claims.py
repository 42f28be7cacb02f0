"""Claims: one line with mark, sentence and measured numbers, and what nbval compares of it."""

import re
import subprocess
import sys
import tomllib
from decimal import Decimal
from math import nan

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_helpers import ROOT

from labutils.claims import ClaimError, claim

PRINTED = {
    "claim('the GRU\\n  wins', True, gru=0.87654321, bag_of_words=0.86)":
        "✓ the GRU wins (gru ≈ 0.8765, bag of words ≈ 0.86)",
    "claim('a', np.float32(2) > 1, stored=True, b=0.5)": "✓ stored: a (b ≈ 0.5)",
    "claim('a', np.array([1, 2]).any(), b=5_967_842, c=np.int64(12))": "✓ a (b ≈ 5967842, c ≈ 12)",
    "claim('a', False)": "✗ a",
    "claim('a', np.False_, b=np.float32(0.82))": "✗ a (b ≈ 0.82)",
    # nothing in a number may end it for nbval
    "claim('a', True, b=np.array([1, 2]), c=[0.5, 1 / 3], d=1)": "✓ a (b ≈ 1 2, c ≈ 0.5 0.3333, d ≈ 1)",
    "claim('a', True, b=nan, c=None, d=np.True_)": "✓ a (b ≈ nan, c ≈ None, d ≈ True)",
    "claim('a', True, b='f(x), (y)', c={'d': (1, 2)})": "✓ a (b ≈ f[x]; [y], c ≈ {'d': [1; 2]})",
    "claim.between('a', np.array(0.8), 0.8, 0.9)": "✓ a is between 0.8 and 0.9 (measured ≈ 0.8)",
    "claim.between('a', 3, 3, np.int64(3))": "✓ a is between 3 and 3 (measured ≈ 3)",
    "claim.between('a', np.inf, 3, np.inf, stored=True)": "✓ stored: a is between 3 and inf (measured ≈ inf)",
    "claim.between('a', 0.91, 0.8, 0.9)": "✗ a is between 0.8 and 0.9 (measured ≈ 0.91)",
    "claim.between('a', nan, 0.8, 0.9)": "✗ a is between 0.8 and 0.9 (measured ≈ nan)",
    "claim.close('a', np.float32(0.75), 0.5, 0.25)": "✓ a is 0.5 ± 0.25 (measured ≈ 0.75)",
    "claim.close('a', 0.25, 0.5, 0.25)": "✓ a is 0.5 ± 0.25 (measured ≈ 0.25)",
    "claim.close('a', 5_967_842, 5_967_841, 0)": "✗ a is 5967841 ± 0 (measured ≈ 5967842)",
    "claim.close('a', 0.76, 0.5, 0.25, stored=True)": "✗ stored: a is 0.5 ± 0.25 (measured ≈ 0.76)",
    "claim.close('a', nan, 0.5, np.inf)": "✗ a is 0.5 ± inf (measured ≈ nan)",
}  # fmt: skip


@pytest.mark.parametrize("code", PRINTED)
def test_a_claim_is_one_line_and_stops_nothing(code, capsys):
    assert eval(code) is None
    assert capsys.readouterr() == (PRINTED[code] + "\n", "")


def test_what_nbval_would_leave_out_is_no_statement():
    with pytest.raises(ValueError, match="≈ stands before a measured number alone"):
        claim("a ≈ 1 always", True)


@pytest.mark.parametrize("code", PRINTED)
def test_on_request_a_claim_that_fails_raises(code, monkeypatch, capsys):
    monkeypatch.setenv("LABUTILS_CLAIMS", "raise")
    if PRINTED[code].startswith("✓"):
        eval(code)
        assert capsys.readouterr().out == PRINTED[code] + "\n"
    else:
        with pytest.raises(AssertionError, match=f"^{re.escape(PRINTED[code])}$") as raised:
            eval(code)
        assert raised.type is ClaimError and capsys.readouterr().out == ""


NO_NUMBERS = [None, "0.8", b"0.8", True, np.True_, [1], np.array([1]), np.array(True), 0.8j, Decimal("1")]
MISUSED = [
    (r"one True or False .*\.all\(\) or \.any\(\)", claim, [
        ("a", holds) for holds in (None, 1, 1.0, "True", [True], np.array(True), nan)]),
    ("say in words", claim, [(statement, True) for statement in ("", " \n", None, 5, b"a")]),
    ("value must be one number, got", claim.close, [("a", value, 1, 1) for value in NO_NUMBERS]),
    ("expected must be one number, got", claim.close, [("a", 1, value, 1) for value in NO_NUMBERS]),
    ("tolerance must be one number, got", claim.close, [("a", 1, 1, value) for value in NO_NUMBERS]),
    ("value must be one number, got", claim.between, [("a", value, 1, 1) for value in NO_NUMBERS]),
    ("low must be one number, got", claim.between, [("a", 1, value, 1) for value in NO_NUMBERS]),
    ("high must be one number, got", claim.between, [("a", 1, 1, value) for value in NO_NUMBERS]),
    ("(low|high) must be a number, got nan", claim.between, [("a", 0.5, nan, 1), ("a", 0.5, 0, nan)]),
    ("(expected|tolerance) must be a number, got nan", claim.close, [("a", 1, nan, 1), ("a", 1, 0, nan)]),
    ("low must not lie above high, got 0.9 and 0.8", claim.between, [("a", 0.85, 0.9, 0.8)]),
    ("tolerance cannot be negative, got -0.1", claim.close, [("a", 0.5, 0.5, -0.1)]),
]  # fmt: skip


@pytest.mark.parametrize("message, method, calls", MISUSED)
def test_misuse_is_answered(message, method, calls, capsys):
    for arguments in calls:
        with pytest.raises((TypeError, ValueError), match=message):
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


@pytest.mark.slow
def test_nbval_notices_mark_and_sentence_and_lets_another_number_pass(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("from math import nan\nfrom labutils.claims import claim")])
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
