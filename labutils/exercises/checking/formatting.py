"""Numbers and arrays in words: are they the same, how do they differ, and how to print them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

WIDTH = 96
_MOST_SHOWN = 30

Arrays = tuple[np.ndarray, ...]


def paragraph(text: str) -> str:
    """Return running text in lines of a readable length; line breaks that are there stay."""
    return "\n".join(textwrap.fill(line, WIDTH, break_long_words=False) for line in text.split("\n"))


def same(ours: Arrays | None, theirs: Arrays | None, tolerance: float) -> bool:
    """True where there are as many arrays, of the same shapes, with the same numbers up to the tolerance."""
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    return all(
        (a.shape == b.shape or {a.shape, b.shape} == {(), (1,)})
        and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
        for a, b in zip(ours, theirs)
    )


def difference(ours: Arrays, by_name: Mapping[str, np.ndarray], tolerance: float) -> str:
    """Return in words how the first array that is not as expected differs, and which others do."""
    names, expected = list(by_name), tuple(by_name.values())
    wrong = [n for n in range(len(expected)) if not same((ours[n],), (expected[n],), tolerance)]
    array, right = ours[wrong[0]], expected[wrong[0]]
    name = "Your result" if len(expected) == 1 else f"Your {names[wrong[0]]}"
    if array.shape != right.shape:
        text = f"{name} has the shape {array.shape}, {right.shape} was expected."
    else:
        text = _other_numbers(name, array, right, tolerance)
    also = ", ".join(names[n] for n in wrong[1:])
    return text + (f" Not right either: {also}." if also else "")


def listed(values: Mapping[str, Any]) -> str:
    """Return names and values below each other, indented; of what is long only a part."""
    width = max(map(len, values))
    return "\n".join(textwrap.indent(_with_name(name, values[name], width), "  ") for name in values)


def _other_numbers(name: str, array: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    wrong = ~np.isclose(array, right, rtol=tolerance, atol=tolerance)
    digits = 4 if (np.round(array[wrong], 4) != np.round(right[wrong], 4)).all() else 8
    if right.ndim == 0:
        return f"{name} is {array:.{digits}g} instead of {right:.{digits}g}."
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{name} differs in {wrong.sum()} of {right.size} numbers, first at [{', '.join(map(str, first))}]: "
        f"{array[first]:.{digits}g} instead of {right[first]:.{digits}g}."
    )


def _with_name(name: str, value: Any, width: int) -> str:
    if isinstance(value, (list, tuple)) and value and all(isinstance(part, np.ndarray) for part in value):
        parts = {f"{name}[{position}]": part for position, part in enumerate(value)}
        return "\n".join(_with_name(key, part, max(map(len, parts))) for key, part in parts.items())
    if callable(value):
        return f"{name:<{width}} = {(value.__doc__ or 'a function').strip().splitlines()[0]}"
    array = np.asarray(value)
    text = _numbers(array).replace("\n", f"\n{'':<{width}}   ")
    return f"{name:<{width}} = {text}" + (f"   {array.shape}" if array.ndim else "")


def _numbers(array: np.ndarray) -> str:
    if array.dtype.kind not in "biuf":
        return str(array)
    in_words = partial(np.array2string, precision=4, threshold=_MOST_SHOWN, edgeitems=2, separator=", ")
    if not np.isfinite(array).all():
        return in_words(array)
    if array.dtype.kind == "f" and (array == np.round(array)).all() and (np.abs(array) < 1e6).all():
        array = array.astype(int)
    return in_words(array, suppress_small=True, max_line_width=WIDTH - 20)
