"""Statements of a notebook, shown with their measured numbers and checked where they stand.

A claim prints ``✓ statement (name ≈ 0.831)`` where it holds and ``✗ statement (…)`` where it does not, and
the notebook goes on. CI compares mark and sentence with what is stored; what follows a ``≈`` is measured, may
differ between processors, and is left out of the comparison (tests/nbval_sanitize.cfg). With the environment
variable ``LABUTILS_CLAIMS=raise`` a claim that fails raises `ClaimError`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from numbers import Real

import numpy as np


class ClaimError(AssertionError):
    """A statement does not hold here; the message is the line that would have been printed."""


class _Claims:
    """The object ``claim``: call it with a statement and its truth, or use one of its methods."""

    def __call__(self, statement: str, holds: bool, *, stored: bool = False, **measured: object) -> None:
        """Claim that a statement holds.

        Parameters
        ----------
        statement : what is claimed, in words.
        holds : one True or False, from a comparison.
        stored : True where the numbers come out of a stored file: the line then says so, because it cites
            a result and does not prove it again.
        **measured : the numbers that the statement speaks of, such as ``gru=0.82, bag_of_words=0.88``.

        Raises
        ------
        TypeError, ValueError
            For a statement that is no text or holds ≈, and for `holds` that is neither True nor False.
        ClaimError
            Where it does not hold and ``LABUTILS_CLAIMS=raise`` is set.

        Examples
        --------
        >>> gru, bag = 0.82, 0.88
        >>> claim("the GRU is better", gru > bag, gru=gru, bag=bag)
        ✗ the GRU is better (gru ≈ 0.82, bag ≈ 0.88)
        """
        if not isinstance(statement, str) or not statement.strip():
            raise TypeError(f"say in words what is claimed, got {statement!r}")
        if "≈" in statement:
            raise ValueError(
                "≈ stands before a measured number alone: in the statement, nothing would check it"
            )
        if not isinstance(holds, (bool, np.bool_)):
            raise TypeError(
                f"a claim needs one True or False from a comparison, got {holds!r}; for "
                "arrays say .all() or .any()"
            )
        if not isinstance(stored, bool):  # a number of that name, say
            raise TypeError(
                f"stored must be True or False, got {stored!r}: give a measured number another name"
            )
        line = f"{'✓' if holds else '✗'} {'stored: ' if stored else ''}{' '.join(statement.split())}"
        line += _in_brackets(measured)
        if not holds and os.environ.get("LABUTILS_CLAIMS") == "raise":
            raise ClaimError(line)
        print(line)

    def between(self, name: str, value: float, low: float, high: float, *, stored: bool = False) -> None:
        """Claim that ``low <= value <= high``.

        Parameters
        ----------
        name : of what was measured, in words.
        value : one number, as it was measured.
        low, high : the bounds; both count as between.
        stored : as in a call.

        Raises
        ------
        TypeError, ValueError, ClaimError
            As a call does; also for ``low > high``.

        Examples
        --------
        >>> claim.between("accuracy", 0.87, 0.8, 0.9)
        ✓ accuracy is between 0.8 and 0.9 (measured ≈ 0.87)
        """
        value, low, high = _number("value", value), _number("low", low), _number("high", high)
        if not low <= high:
            raise ValueError(f"low must not lie above high, got {low} and {high}")
        statement = f"{name} is between {low:.10g} and {high:.10g}"
        self(statement, low <= value <= high, stored=stored, measured=value)

    def close(
        self, name: str, value: float, expected: float, tolerance: float, *, stored: bool = False
    ) -> None:
        """Claim that a value lies within an absolute tolerance of the expected one.

        Parameters
        ----------
        name : of what was measured, in words.
        value : one number, as it was measured.
        expected, tolerance : the value may lie so far from what is expected, on both sides.
        stored : as in a call.

        Raises
        ------
        TypeError, ValueError, ClaimError
            As a call does; also for a negative tolerance.

        Examples
        --------
        >>> claim.close("mean", 0.501, 0.5, 0.01)
        ✓ mean is 0.5 ± 0.01 (measured ≈ 0.501)
        """
        value, expected = _number("value", value), _number("expected", expected)
        tolerance = _number("tolerance", tolerance)
        if not tolerance >= 0:
            raise ValueError(f"a tolerance cannot be negative, got {tolerance}")
        near = abs(value - expected) <= tolerance
        self(f"{name} is {expected:.10g} ± {tolerance:.10g}", near, stored=stored, measured=value)


claim = _Claims()


def _in_brackets(measured: Mapping[str, object]) -> str:
    parts = [f"{name.replace('_', ' ')} ≈ {_shown(value)}" for name, value in measured.items()]
    return f" ({', '.join(parts)})" if parts else ""


def _number(name: str, value: object) -> float:
    number = value.item() if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0 else value
    if not isinstance(number, Real) or isinstance(number, bool):
        raise TypeError(f"{name} must be one number, got {value!r}")
    if math.isnan(number) and name != "value":
        raise ValueError(f"{name} must be a number, got nan")
    return number if isinstance(number, int) else float(number)


def _shown(value: object) -> str:
    """Return a measured value without a comma or a bracket, which end it where nbval compares."""
    if isinstance(value, (bool, np.bool_, str)):
        return " ".join(str(value).replace(",", ";").replace("(", "[").replace(")", "]").split())
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf":
        return _shown(str(value))
    return " ".join(f"{number:.4g}" if numbers.dtype.kind == "f" else str(number) for number in numbers.flat)
