"""Claims: one stable line when they hold, the measured values when they do not."""

import inspect
from decimal import Decimal

import numpy as np
import pytest

from labutils.claims import ClaimError, claim

NAN, INF = float("nan"), float("inf")
NOT_ONE_NUMBER = {
    "None": None,
    "string": "0.8",
    "bytes": b"0.8",
    "bool": True,
    "NumPy bool": np.True_,
    "list": [0.8],
    "ragged list": [[0.8], [0.8, 0.8]],
    "array": np.array([0.8, 0.9]),
    "array of one": np.array([0.8]),
    "0-d array of bool": np.array(True),
    "0-d array of text": np.array("0.8"),
    "NumPy string": np.str_("0.8"),
    "complex": 0.8 + 0j,
    "NumPy complex": np.complex128(0.8),
    "decimal": Decimal("0.8"),
}
not_a_statement = pytest.mark.parametrize("statement", ["", "  \n", None, 5, True, ["x"], b"the GRU wins"])


def line(capsys):
    """What was printed: exactly one line."""
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.endswith("\n") and printed.out.count("\n") == 1
    return printed.out[:-1]


# claim(statement, holds)


@pytest.mark.parametrize("holds", [True, np.True_, np.float32(2) > 1, np.array([1, 2]).all()])
def test_holds(capsys, holds):
    assert claim("the GRU wins", holds, gru=0.87654321) is None
    assert line(capsys) == "holds: the GRU wins"


def test_statement_of_two_lines_prints_one(capsys):
    claim("the GRU wins\n    against the bag of words", True)
    line(capsys)


@pytest.mark.parametrize("holds", [False, np.False_])
def test_does_not_hold(capsys, holds):
    with pytest.raises(ClaimError) as failed:
        claim("the GRU wins", holds, gru=np.float32(0.82), bag=0.88, epochs=3, best="bag")
    assert str(failed.value) == "does not hold: the GRU wins (gru = 0.82, bag = 0.88, epochs = 3, best = bag)"
    assert capsys.readouterr().out == ""


def test_does_not_hold_without_values():
    with pytest.raises(ClaimError, match="^does not hold: the GRU wins$"):
        claim("the GRU wins", False)


def test_failed_claim_is_a_failed_assertion():
    assert issubclass(ClaimError, AssertionError)


def test_measured_values_of_all_kinds():
    with pytest.raises(ClaimError) as failed:
        claim("x", False, a=np.array([1, 2]), b=None, c=NAN, d=np.int64(3), e=[0.5], f=np.array(0.5))
    assert str(failed.value) == "does not hold: x (a = [1 2], b = None, c = nan, d = 3, e = [0.5], f = 0.5)"


@pytest.mark.parametrize("count", [5_967_842, np.int64(5_967_842)])
def test_measured_count_is_shown_in_full(count):
    with pytest.raises(ClaimError) as failed:
        claim("there are 5,967,841 tokens", False, tokens=count)
    assert "5967842" in str(failed.value).replace(",", "").replace("_", "")


@pytest.mark.parametrize(
    "holds", [None, 1, 0, 1.0, "True", [True], np.array(True), np.array([True, True]), NAN], ids=repr
)
def test_holds_must_be_one_bool(capsys, holds):
    with pytest.raises(TypeError, match=r"one True or False .*\.all\(\) or \.any\(\)"):
        claim("the GRU wins", holds)
    assert capsys.readouterr().out == ""


@not_a_statement
def test_statement_must_be_words(capsys, statement):
    for call in (
        lambda: claim(statement, True),
        lambda: claim.between(statement, 1, 0, 2),
        lambda: claim.close(statement, 1, 1, 0),
    ):
        with pytest.raises(TypeError, match="say in words"):
            call()
    assert capsys.readouterr().out == ""


# claim.between


@pytest.mark.parametrize(
    "value", [0.8, 0.85, 0.9, np.float64(0.85), np.array(0.85), np.float16(0.85)], ids=repr
)
def test_between_holds(capsys, value):
    claim.between("accuracy", value, 0.8, 0.9)
    assert line(capsys) == "holds: accuracy is between 0.8 and 0.9"


def test_between_of_whole_numbers(capsys):
    claim.between("epochs", 3, 3, np.int64(3))
    assert line(capsys) == "holds: epochs is between 3 and 3"


def test_between_open_above(capsys):
    claim.between("epochs", INF, 3, INF)
    assert line(capsys) == "holds: epochs is between 3 and inf"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.79999, "0.79999"), (0.91, "0.91"), (-INF, "-inf"), (NAN, "nan"), (np.float32(NAN), "nan")],
)
def test_between_does_not_hold(capsys, value, shown):
    with pytest.raises(ClaimError) as failed:
        claim.between("accuracy", value, 0.8, 0.9)
    assert str(failed.value) == f"does not hold: accuracy is between 0.8 and 0.9 (measured: {shown})"
    assert capsys.readouterr().out == ""


def test_between_swapped_bounds():
    with pytest.raises(ValueError, match="low must not lie above high, got 0.9 and 0.8"):
        claim.between("accuracy", 0.85, 0.9, 0.8)


@pytest.mark.parametrize(("low", "high", "name"), [(NAN, 1, "low"), (0, NAN, "high")])
def test_between_bound_is_nan(low, high, name):
    with pytest.raises(ValueError, match=f"{name} must be a number, got nan"):
        claim.between("accuracy", 0.5, low, high)


# claim.close


@pytest.mark.parametrize("value", [0.5, 0.75, 0.25, np.float32(0.5), np.array(0.5)], ids=repr)
def test_close_holds(capsys, value):
    claim.close("share", value, 0.5, 0.25)
    assert line(capsys) == "holds: share is 0.5, give or take 0.25"


def test_close_without_tolerance(capsys):
    claim.close("epochs", 3, 3, 0)
    assert line(capsys) == "holds: epochs is 3, give or take 0"
    with pytest.raises(ClaimError):
        claim.close("epochs", 4, 3, 0)


@pytest.mark.parametrize(("value", "shown"), [(0.76, "0.76"), (-0.5, "-0.5"), (INF, "inf"), (NAN, "nan")])
def test_close_does_not_hold(capsys, value, shown):
    with pytest.raises(ClaimError) as failed:
        claim.close("share", value, 0.5, 0.25)
    assert str(failed.value) == f"does not hold: share is 0.5, give or take 0.25 (measured: {shown})"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("value", "expected"), [(5_967_842, 5_967_841), (0.12345678, 0.12345679)])
def test_message_tells_measured_from_expected(value, expected):
    with pytest.raises(ClaimError) as failed:
        claim.close("it", value, expected, 0)
    statement, measured = str(failed.value).split("(measured: ")
    assert f"it is {measured[:-1]}," not in statement


def test_close_negative_tolerance():
    with pytest.raises(ValueError, match="tolerance cannot be negative, got -0.1"):
        claim.close("share", 0.5, 0.5, -0.1)


@pytest.mark.parametrize(("expected", "tolerance", "name"), [(NAN, 1, "expected"), (0, NAN, "tolerance")])
def test_close_expected_nan(expected, tolerance, name):
    with pytest.raises(ValueError, match=f"{name} must be a number, got nan"):
        claim.close("share", 0.5, expected, tolerance)


# All methods


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", NOT_ONE_NUMBER.values(), ids=NOT_ONE_NUMBER)
def test_value_must_be_one_number(capsys, value):
    with pytest.raises(TypeError, match="value must be one number, got"):
        claim.between("accuracy", value, 0, 1)
    with pytest.raises(TypeError, match="value must be one number, got"):
        claim.close("accuracy", value, 0.8, 1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", [None, "0.8", True, [0.8], np.array([0.8])], ids=repr)
def test_limits_must_be_numbers(capsys, value):
    for method, numbers in (
        (claim.between, {"low": 0, "high": 1}),
        (claim.close, {"expected": 0, "tolerance": 1}),
    ):
        for name in numbers:
            with pytest.raises(TypeError, match=f"{name} must be one number, got"):
                method("accuracy", 0.8, **{**numbers, name: value})
    assert capsys.readouterr().out == ""


def test_every_method_has_a_test_here():
    methods = [name for name, _ in inspect.getmembers(claim, inspect.ismethod) if name[0] != "_"]
    assert methods == ["between", "close"]
