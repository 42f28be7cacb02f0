"""Checks of arguments that many modules share."""

from __future__ import annotations

from numbers import Integral


def whole_number(name: str, value: object, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an int if it is a whole number from `low` to `high` (no limit if None).

    Raises
    ------
    ValueError
        For anything else, True and False included; the message begins with `name`.
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        number = int(value)
        if number >= low and (high is None or number <= high):
            return number
    wanted = f"{low:,} or more" if high is None else f"from {low:,} to {high:,}"
    raise ValueError(f"{name} must be a whole number, {wanted}, got {value!r}")
