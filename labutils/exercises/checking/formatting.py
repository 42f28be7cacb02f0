"""Numbers and arrays in words: are they the same, how do they differ, and how to print them."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

WIDTH = 96
_MOST_SHOWN = 30


def paragraph(text: str) -> str:
    """Return running text in lines of a readable length; line breaks that are there stay."""
    return "\n".join(textwrap.fill(line, WIDTH, break_long_words=False) for line in text.split("\n"))


def same(
    ours: tuple[np.ndarray, ...] | None, theirs: tuple[np.ndarray, ...] | None, tolerance: float
) -> bool:
    """True where there are as many arrays, of the same shapes, with the same numbers up to the tolerance."""
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    return all(
        (one.shape == other.shape or {one.shape, other.shape} == {(), (1,)})
        and np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
        for one, other in zip(ours, theirs)
    )


def difference(
    ours: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...], names: Sequence[str], tolerance: float
) -> str:
    """Return in words how the first array that is not as expected differs, and which others do."""
    wrong = [
        place for place in range(len(expected)) if not same((ours[place],), (expected[place],), tolerance)
    ]
    for order in itertools.permutations(range(len(expected))) if 1 < len(expected) <= 4 else ():
        if same(tuple(ours[place] for place in order), expected, tolerance):
            return f"Your results are right, but in another order. Asked for are {', '.join(names)}."
    one, right = ours[wrong[0]], expected[wrong[0]]
    said = "Your result" if len(expected) == 1 else f"Your {names[wrong[0]]}"
    if one.shape != right.shape:
        text = _other_shape(said, one, right, tolerance)
    elif not np.isfinite(one).all():
        text = f"{said} contains nan or infinity (None, a division by zero, the logarithm of zero?)."
    else:
        text = _other_numbers(said, one, right, tolerance)
    also = [names[place] for place in wrong[1:]]
    return text + (f" Not right either: {', '.join(also)}." if also else "")


def listed(values: Mapping[str, Any]) -> str:
    """Return names and values below each other, indented; of what is long only a part."""
    return "\n".join(
        textwrap.indent(_with_name(name, value, max(map(len, values))), "  ")
        for name, value in values.items()
    )


def _other_shape(name: str, one: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    said = f"{name} has the shape {one.shape}, {right.shape} was expected"
    if one.ndim == right.ndim + 1 and right.size and one.shape[:-1] == right.shape and one.shape[-1] > 1:
        return f"{said}: should something be summed, averaged, or the largest taken?"
    if one.ndim == 2 and same((one.T,), (right,), tolerance):
        return f"{said}: it is the transpose of what is right."
    if one.size == right.size and np.allclose(one.ravel(), right.ravel(), tolerance, tolerance):
        return f"{said}. The numbers are right, only the shape is not."
    return f"{said}."


def _other_numbers(name: str, one: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    wrong = ~np.isclose(one, right, rtol=tolerance, atol=tolerance)
    if one.ndim == 2 and one.shape[0] == one.shape[1] and same((one.T,), (right,), tolerance):
        return f"{name} is the transpose of what is right."
    if right.size > 1 and (right != 0).all():
        factor = one.flat[0] / right.flat[0]
        if factor and np.allclose(one, factor * right, rtol=tolerance, atol=tolerance):
            return (
                f"{name} has the right numbers with the wrong sign."
                if np.isclose(factor, -1)
                else f"{name} is {factor:.4g} times what is right, in all its numbers."
            )
    digits = 4 if (np.round(one[wrong], 4) != np.round(right[wrong], 4)).all() else 8
    if right.ndim == 0:
        return f"{name} is {one:.{digits}g} instead of {right:.{digits}g}."
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = ", ".join(map(str, first))
    return (
        f"{name} differs in {wrong.sum()} of {right.size} numbers, first at [{where}]: "
        f"{one[first]:.{digits}g} instead of {right[first]:.{digits}g}."
    )


def _with_name(name: str, value: Any, width: int) -> str:
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, np.ndarray) for one in value):
        parts = {f"{name}[{place}]": one for place, one in enumerate(value)}
        return "\n".join(_with_name(part, one, max(map(len, parts))) for part, one in parts.items())
    if callable(value):
        return f"{name:<{width}} = {(value.__doc__ or 'a function').strip().splitlines()[0]}"
    array = np.asarray(value)
    lines = _numbers(array).split("\n")
    shape = f"   {array.shape}" if array.ndim else ""
    first = f"{name:<{width}} = {lines[0]}{shape if len(lines) == 1 else ''}"
    rest = [f"{'':<{width}}   {line}" for line in lines[1:]]
    if rest:
        rest[-1] += shape
    return "\n".join([first, *rest])


def _numbers(array: np.ndarray) -> str:
    if array.dtype.kind not in "biuf":
        return str(array)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return np.array2string(array, precision=4, threshold=_MOST_SHOWN, edgeitems=2, separator=", ")
    if array.dtype.kind == "f" and (array == np.round(array)).all() and (np.abs(array) < 1e6).all():
        array = array.astype(int)
    return np.array2string(
        array, precision=4, suppress_small=True, threshold=_MOST_SHOWN, edgeitems=2, separator=", ",
        max_line_width=WIDTH - 20,
    )  # fmt: skip
