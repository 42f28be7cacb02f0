"""Checks that a notebook makes of its own statements.

A measured number differs from processor to processor; a statement about it must not. So a notebook
shows the number, and claims the statement: a claim that holds prints one line that is the same on
every machine, a claim that fails raises `ClaimError` with the measured values.
"""

from __future__ import annotations

import math
from numbers import Real

import numpy as np


class ClaimError(AssertionError):
    """A statement of the notebook does not hold here; the message gives the measured values."""


class _Claims:
    """The object ``claim``: call it with a statement and its truth, or use one of its methods."""

    def __call__(self, statement: str, holds: bool, **measured: object) -> None:
        """Claim that a statement holds.

        holds : True or False, from a comparison. measured : numbers to show when it fails, such as
        ``gru=0.82, bag_of_words=0.88``.
        """
        _check_statement(statement)
        if not isinstance(holds, (bool, np.bool_)):
            raise TypeError(
                f"a claim needs one True or False from a comparison, got {holds!r}; for "
                "arrays say .all() or .any()"
            )
        if not holds:
            values = ", ".join(f"{name} = {_shown(value)}" for name, value in measured.items())
            raise ClaimError(f"does not hold: {statement}" + (f" ({values})" if values else ""))
        _hold(statement)

    def between(self, name: str, value: float, low: float, high: float) -> None:
        """Claim that ``low <= value <= high``."""
        _check_statement(name)
        low, high = _number("low", low), _number("high", high)
        if low > high:
            raise ValueError(f"low must not lie above high, got {low} and {high}")
        if not low <= _number("value", value) <= high:
            raise ClaimError(
                f"does not hold: {name} is between {low:.10g} and {high:.10g} (measured: {_shown(value)})"
            )
        _hold(f"{name} is between {low:.10g} and {high:.10g}")

    def close(self, name: str, value: float, expected: float, tolerance: float) -> None:
        """Claim that a value lies within an absolute `tolerance` of the expected one."""
        tolerance = _number("tolerance", tolerance)
        if tolerance < 0:
            raise ValueError(f"a tolerance cannot be negative, got {tolerance}")
        expected = _number("expected", expected)
        _check_statement(name)
        if not abs(_number("value", value) - expected) <= tolerance:
            raise ClaimError(
                f"does not hold: {name} is {expected:.10g}, give or take {tolerance:.10g} "
                f"(measured: {_shown(value)})"
            )
        _hold(f"{name} is {expected:.10g}, give or take {tolerance:.10g}")


claim = _Claims()


def _hold(statement: str) -> None:
    print(f"holds: {' '.join(statement.split())}")


def _check_statement(statement: str) -> None:
    if not isinstance(statement, str) or not statement.strip():
        raise TypeError(f"say in words what is claimed, got {statement!r}")


def _number(name: str, value: float) -> float:
    if isinstance(value, (np.ndarray, np.generic)):
        fine = value.ndim == 0 and value.dtype.kind in "iuf"
    else:
        fine = isinstance(value, Real) and not isinstance(value, bool)
    if not fine:
        raise TypeError(f"{name} must be one number, got {value!r}")
    value = float(value)
    if math.isnan(value) and name != "value":
        raise ValueError(f"{name} must be a number, got nan")
    return value


def _shown(value: object) -> str:
    # by way of str, so that a float32 0.82 shows as 0.82 and not as 0.8199999928
    return f"{float(str(value)):.10g}" if isinstance(value, (float, np.floating)) else str(value)
