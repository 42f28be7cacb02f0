"""What the wrong results of a function have in common, and so what kind of error it is.

A diagnosis is given only where it holds in every case that is wrong. It rests on how the results are related
to the right ones, on whether they are the right ones for other arguments, on which of them are wrong, and on
how they change when an argument becomes zero or twice as large.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

Arrays = tuple[np.ndarray, ...]
_Case = dict[str, Any]
_Change = Callable[[np.ndarray], Any]
_Comparison = Callable[[Any, Any], bool]


class Diagnosis(NamedTuple):
    """The kind of error, for a table, and what to say to whoever made it."""

    kind: str
    says: str


class Probe(NamedTuple):
    """How a further case is made of one: the argument that changes, and what becomes of it."""

    argument: str
    change: str


class Trial(NamedTuple):
    """The arguments of one call, the right results, and those that were given, if any were."""

    case: _Case
    right: Arrays
    ours: Arrays | None


class _Pair(NamedTuple):
    case: _Case
    right: np.ndarray
    ours: np.ndarray


class _Relation(NamedTuple):
    """A diagnosis that holds where `of_ours` makes of our result what `of_pair` makes of the pair."""

    kind: str
    says: str
    of_ours: _Change
    of_pair: Callable[[_Pair], Any]


def diagnose(
    tried: Sequence[Trial],
    probed: Sequence[Mapping[Probe, Trial]],
    solve: Callable[[_Case], Arrays],
    names: Sequence[str],
    tolerance: float,
) -> Diagnosis | None:
    """Return the kind of error and a sentence on it, or None where nothing holds in every wrong case.

    Parameters
    ----------
    tried : all calls, right and wrong ones.
    probed : what the further cases gave that `probes` made of each case that is wrong.
    solve : the right function.
    names : of the results.
    tolerance : how far a number may be off, absolutely and relatively.
    """
    close = partial(_close, tolerance=tolerance)
    if any(trial.ours is None for trial in tried):
        return None
    if _reordered(tried, close):
        says = f"Your results are right, but in another order. Asked for are {', '.join(names)}."
        return Diagnosis("results in another order", says)
    for number in range(max(len(trial.right) for trial in tried)):
        pairs = _pairs(tried, number)
        wrong = [pair for pair in pairs if not close(pair.ours, pair.right)]
        further = [{probe: p for probe, t in of.items() for p in _pairs([t], number)} for of in probed]
        with np.errstate(all="ignore"):
            found = wrong and (
                _first(_relations(wrong), wrong, close)
                or _first(_for_other_arguments(list(wrong[0].case), solve, number), pairs, close)
                or _in_part(wrong, tolerance)
                or _where_one(pairs, wrong)
                or _answering(further, close)
                or _first(_shapes(wrong), wrong, close)
            )
        if found:
            name = names[number] if 1 < len(names) > number else "result"
            how_often = f" ({len(wrong)} of {len(pairs)} inputs go wrong.)" if len(wrong) < len(pairs) else ""
            return Diagnosis(found.kind, f"Your {name} {found.says}{how_often}")
    return None


def _reordered(tried: Sequence[Trial], close: _Comparison) -> bool:
    return all(
        trial.ours is not None
        and len(trial.right) == len(trial.ours) <= 4
        and any(all(map(close, order, trial.right)) for order in itertools.permutations(trial.ours))
        for trial in tried
    )


def _relations(wrong: Sequence[_Pair]) -> Iterator[_Relation]:
    yield from _not_finite(wrong)
    yield from _rearranged()
    yield from _rescaled(wrong)
    yield from _reduced()
    yield from _with_arguments(wrong)


def _pairs(tried: Sequence[Trial], number: int) -> list[_Pair]:
    """Return one of the results of each trial that has it; one number may be an array of one number."""
    pairs = []
    for case, rights, all_ours in tried:
        if all_ours is not None and number < min(len(rights), len(all_ours)):
            right, ours = rights[number], all_ours[number]
            one = {right.shape, ours.shape} == {(), (1,)}
            pairs.append(_Pair(case, right, ours.reshape(right.shape) if one else ours))
    return pairs


def _close(ours: Any, right: Any, tolerance: float) -> bool:
    return np.shape(ours) == np.shape(right) and bool(np.all(_each_close(ours, right, tolerance)))


def _each_close(ours: Any, right: Any, tolerance: float) -> np.ndarray:
    return np.isclose(ours, right, rtol=tolerance, atol=tolerance, equal_nan=True)


def _first(relations: Iterator[_Relation], pairs: Sequence[_Pair], close: _Comparison) -> Diagnosis | None:
    """Return the first relation that holds in all pairs."""
    for relation in relations:
        try:
            if all(close(relation.of_ours(pair.ours), relation.of_pair(pair)) for pair in pairs):
                return Diagnosis(relation.kind, relation.says)
        except Exception:  # an axis that is not there, an argument that the solution was not made for
            continue
    return None


def _same(ours: np.ndarray) -> np.ndarray:
    return ours


def _of_right(change: _Change) -> Callable[[_Pair], Any]:
    return lambda pair: change(pair.right)


def _not_finite(wrong: Sequence[_Pair]) -> Iterator[_Relation]:
    finite = [np.isfinite(pair.ours).all() for pair in wrong if np.isfinite(pair.right).all()]
    if not all(finite):
        where = " for some inputs" if any(finite) else ""
        says = f"contains nan or infinity{where} (None, a division by zero, the logarithm of zero?)."
        yield _Relation("nan or infinity", says, lambda ours: 0, lambda pair: 0)


# --- the same numbers: changed one by one, or elsewhere -----------------------------------------------------

_FUNCTIONS: dict[str, _Change] = {
    "square": np.square,
    "square root": np.sqrt,
    "exponential": np.exp,
    "logarithm": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "absolute value": np.abs,
    "reciprocal": lambda a: 1 / a,
    "nearest whole number": np.round,
    "whole part": np.trunc,
}


def _rescaled(wrong: Sequence[_Pair]) -> Iterator[_Relation]:
    """Yield relations number by number, where shapes are the same and there is more than one number."""
    if any(pair.ours.shape != pair.right.shape for pair in wrong):
        return
    rights = np.concatenate([np.ravel(pair.right) for pair in wrong])
    ours = np.concatenate([np.ravel(pair.ours) for pair in wrong])
    opposite = _of_right(lambda a: 1 - a)
    if set(np.unique([rights, ours])) <= {0, 1}:
        yield _Relation("the other way round", "is True for False, and False for True.", _same, opposite)
        return
    if len(np.unique(rights)) < 2:
        return
    if not np.ptp(ours):
        yield _Relation(
            f"always {ours[0]:.4g}", f"is {ours[0]:.4g} throughout.", _same, lambda pair: pair.ours
        )
    yield _Relation("sign", "has the right numbers with the wrong sign.", np.negative, _of_right(_same))
    yield _Relation("1 minus", "is 1 minus what is right.", _same, opposite)
    shift, factor = (ours - rights)[0], (ours / rights)[rights != 0][0]
    says = f"is {abs(shift):.4g} too {'large' if shift > 0 else 'small'} throughout."
    yield _Relation("a constant", says, _same, _of_right(lambda a: a + shift))
    says = f"is {factor:.4g} times what is right throughout."
    yield _Relation("a factor", says, _same, _of_right(lambda a: factor * a))
    if (rights != np.round(rights)).any():
        for name, function in _FUNCTIONS.items():
            yield _Relation(name, f"is the {name} of what is right.", _same, _of_right(function))
        for name, function in _FUNCTIONS.items():
            yield _Relation(
                f"{name} missing", f"is not right, but its {name} would be.", function, _of_right(_same)
            )


def _rearranged() -> Iterator[_Relation]:
    for one, other in [(0, 1), (1, 2), (0, 2)]:
        swap, says = partial(np.swapaxes, axis1=one, axis2=other), f"exchange the axes {one} and {other}."
        yield _Relation("transposed", f"is right but transposed: {says}", swap, _of_right(_same))
    says = "has the right numbers, only the shape is not right."
    yield _Relation("the shape alone", says, np.ravel, _of_right(np.ravel))
    for axis in range(3):
        flip, along, (late, early) = partial(np.flip, axis=axis), f"along axis {axis}", _without(axis)
        yield _Relation("turned round", f"is right, but turned round {along}.", flip, _of_right(_same))
        yield _Relation("one late", f"is right, but comes one too late {along}.", late, _of_right(early))
        yield _Relation("one early", f"is right, but comes one too early {along}.", early, _of_right(late))
        for part, of in (("first", late), ("last", early)):
            yield _Relation(
                f"{part} missing", f"is right, but the {part} {along} is missing.", _same, _of_right(of)
            )
            says = f"is right, but for one too many: the {part} {along}."
            yield _Relation(f"{part} too many", says, of, _of_right(_same))
    order = partial(np.sort, axis=None)
    yield _Relation("another order", "has the right numbers, but in another order.", order, _of_right(order))


def _without(axis: int) -> tuple[_Change, _Change]:
    """Return what leaves out the first, and the last, along an axis; one at least has to be left."""

    def left(part: slice, array: np.ndarray) -> np.ndarray:
        found = np.moveaxis(array, axis, 0)[part]
        if not len(found):
            raise ValueError("nothing is left")
        return np.moveaxis(found, 0, axis)

    return partial(left, slice(1, None)), partial(left, slice(-1))


def _reduced() -> Iterator[_Relation]:
    """Yield what holds where a sum, mean, maximum or minimum is missing, or taken once too often."""
    reductions: dict[str, Callable[..., object]] = {
        "sum": np.sum,
        "mean": np.mean,
        "largest": np.max,
        "smallest": np.min,
    }
    for (name, reduce), axis in itertools.product(reductions.items(), (0, 1, 2, None)):
        what, change = (
            f"{name} over {'all numbers' if axis is None else f'axis {axis}'}",
            partial(reduce, axis=axis),
        )
        yield _Relation(
            f"{name} missing", f"is not right, but the {what} of it would be.", change, _of_right(_same)
        )
        yield _Relation(f"{name} too much", f"is the {what} of what is right.", _same, _of_right(change))


# --- related to the arguments -------------------------------------------------------------------------------

_POWERS = {"times": 1.0, "times the root of": 0.5, "divided by": -1.0, "divided by the root of": -0.5}


def _with_arguments(wrong: Sequence[_Pair]) -> Iterator[_Relation]:
    for name in wrong[0].case:
        yield _Relation(f"{name} itself", f"is {name} as it was given.", _same, partial(_argument, name=name))
    for name, (words, power) in itertools.product(_quantities(wrong[0].case), _POWERS.items()):
        if len({_quantities(pair.case).get(name) for pair in wrong}) > 1:
            says = f"is what is right {words} {name}."
            yield _Relation(f"{words} {name}", says, _same, partial(_multiplied, quantity=name, power=power))
    for axis in (None, 0, 1, 2):
        if any(len(np.unique(pair.right)) > 1 for pair in wrong):
            of = "in each case" if axis is None else f"along axis {axis}"
            says = f"is right up to a factor, {'another one' if axis is None else 'the same'} {of}."
            yield _Relation(f"a factor {of}", says, _same, partial(_scaled, axis=axis))


def _argument(pair: _Pair, name: str) -> np.ndarray:
    return np.asarray(pair.case[name], dtype=float)


def _multiplied(pair: _Pair, quantity: str, power: float) -> np.ndarray:
    return pair.right * _quantities(pair.case)[quantity] ** power


def _scaled(pair: _Pair, axis: int | None) -> np.ndarray:
    """Return what is right, times the factor (for each line along an axis) that is nearest to ours."""
    ours, right = pair.ours, pair.right
    factor = (ours * right).sum(axis, keepdims=True) / (right * right).sum(axis, keepdims=True)
    if right.shape != ours.shape or not factor.all() or axis is not None and right.shape[axis] < 2:
        raise ValueError("a factor says nothing")
    return factor * right if right.ndim else (factor * right).reshape(())


def _quantities(case: _Case) -> dict[str, float]:
    """Return the single numbers among the arguments, and how long the arrays and lists are."""
    found: dict[str, float] = {}
    for name, value in case.items():
        if isinstance(value, (int, float)):
            found[name] = value
        elif isinstance(value, (np.ndarray, list)):
            shape = value.shape if isinstance(value, np.ndarray) else (len(value),)
            found |= {f"the length of {name} along axis {axis}": n for axis, n in enumerate(shape)}
            found[f"the number of numbers in {name}"] = float(np.prod(shape))
    return found


_CHANGES: dict[str, _Change] = {
    "were 0": lambda a: 0 * a,
    "had the other sign": lambda a: -a,
    "were 1": lambda a: 0 * a + 1,
    "were transposed": lambda a: a.T,
    "were turned round": lambda a: a[::-1],
    "were 1 larger": lambda a: a + 1,
    "were 1 smaller": lambda a: a - 1,
    "were twice as large": lambda a: 2 * a,
    "were squared": np.square,
    "were 1 minus what it is": lambda a: 1 - a,
    "were its absolute value": np.abs,
    "lacked its first": lambda a: a[1:],
    "lacked its last": lambda a: a[:-1],
}


def _for_other_arguments(
    names: Sequence[str], solve: Callable[[_Case], Arrays], number: int
) -> Iterator[_Relation]:
    changes: dict[str, Callable[[_Case], dict[str, Any]]] = {}
    for name, (words, change) in itertools.product(names, _CHANGES.items()):
        changes[f"{name} {words}"] = partial(_changed, names=[name], change=change)
    for one, other in itertools.permutations(names, 2):
        changes[f"{other} stood in place of {one}"] = partial(_exchanged, sources={one: other})
        both = f"{min(one, other)} and {max(one, other)} changed places"
        changes[both] = partial(_exchanged, sources={one: other, other: one})

    def solved(pair: _Pair, change: Callable[[_Case], dict[str, Any]]) -> np.ndarray:
        return solve(change(pair.case))[number]

    for words, new_case in changes.items():
        of_pair = partial(solved, change=new_case)
        yield _Relation(f"as if {words}", f"is what comes out if {words}.", _same, of_pair)


def _exchanged(case: _Case, sources: Mapping[str, str]) -> dict[str, Any]:
    """Return a case in which some arguments, by name, have the values of others."""
    return {**case, **{name: case[source] for name, source in sources.items()}}


def _changed(case: _Case, names: Sequence[str], change: _Change) -> dict[str, Any]:
    new = {}
    for name in names:
        value = case[name]
        if isinstance(value, list) and isinstance(value[0], np.ndarray):
            new[name] = [change(part) for part in value]
        else:
            changed = change(np.asarray(value))
            new[name] = changed if isinstance(value, np.ndarray) else changed.tolist()
    return {**case, **new}


# --- which of them are wrong --------------------------------------------------------------------------------


def _in_part(wrong: Sequence[_Pair], tolerance: float) -> Diagnosis | None:
    """Say along which axis, or by which number, the wrong numbers differ from the others."""
    if any(pair.ours.shape != pair.right.shape or not pair.right.ndim for pair in wrong):
        return None
    places = [~_each_close(pair.ours, pair.right, tolerance) for pair in wrong]
    for axis in range(min(place.ndim for place in places)):
        if all(place.shape[axis] >= 2 for place in places):
            found = _at_one_end(places, axis) or _the_same_all_along(wrong, axis)
            if found:
                return found
    return _one_number_where_wrong(wrong, places)


def _at_one_end(places: Sequence[np.ndarray], axis: int) -> Diagnosis | None:
    along = f"along axis {axis}"
    lines = [np.moveaxis(place, axis, 0).reshape(place.shape[axis], -1).sum(axis=1) > 0 for place in places]
    for words, part in [("first", 0), ("last", -1)]:
        if all(line[part] and line.sum() == 1 for line in lines):
            return Diagnosis(f"only the {words}", f"is wrong only in what stands {words} {along}.")
        if all(not line[part] and line.sum() == len(line) - 1 for line in lines):
            return Diagnosis(f"all but the {words}", f"is right only in what stands {words} {along}.")
    return None


def _the_same_all_along(wrong: Sequence[_Pair], axis: int) -> Diagnosis | None:
    if all(np.ptp(pair.right, axis).any() and not np.ptp(pair.ours, axis).any() for pair in wrong):
        says = f"is the same all along axis {axis}, and should not be."
        return Diagnosis("the same along an axis", says)
    return None


def _one_number_where_wrong(wrong: Sequence[_Pair], places: Sequence[np.ndarray]) -> Diagnosis | None:
    ours = np.concatenate([pair.ours[place] for pair, place in zip(wrong, places)])
    right = np.concatenate([pair.right[place] for pair, place in zip(wrong, places)])
    logical = set(np.unique([ours, right])) <= {0, 1}
    for words, numbers in (("is", ours), ("should be", right)):
        if len(ours) > 2 and not np.ptp(numbers):
            value = str(bool(numbers[0])) if logical else f"{numbers[0]:.4g}"
            return Diagnosis(f"{words} {value} where it is wrong", f"{words} {value} wherever it is wrong.")
    return None


def _where_one(pairs: Sequence[_Pair], wrong: Sequence[_Pair]) -> Diagnosis | None:
    """Say of which length or number it is that the result is right exactly where it is 1."""
    are_wrong = [any(pair is other for other in wrong) for pair in pairs]
    for name in _quantities(pairs[0].case):
        more = [_quantities(pair.case).get(name, 0) > 1 for pair in pairs]
        if more == are_wrong and not all(more):
            says = f"is right where {name} is 1, and wrong where it is more."
            return Diagnosis(f"right where {name} is 1", says)
    return None


# --- how they answer to a change of the arguments -----------------------------------------------------------


_AS_IT_IS = Probe("", "")


def probes(case: _Case) -> dict[Probe, dict[str, Any]]:
    """Return cases in which an argument is 0, 1 or doubled, or all are doubled, by argument and change.

    The case itself is the first of them. Whole numbers are no measurements, so they are not doubled, and
    a single one is a length or a count that cannot be 0.
    """
    kinds = {name: _kind(value) for name, value in case.items()}
    reals = [name for name, kind in kinds.items() if kind == "real"]
    found = {_AS_IT_IS: dict(case)}
    for name, kind in kinds.items():
        for change in {"real": ("0", "1"), "whole": ("0", "1"), "count": ("1",)}.get(kind, ()):
            found[Probe(name, change)] = _changed(case, [name], partial(_constant, number=int(change)))
    for names in [[name] for name in reals] + ([reals] if len(reals) > 1 else []):
        found[Probe(" and ".join(names), "doubled")] = _changed(case, names, _CHANGES["were twice as large"])
    return found


def _constant(array: np.ndarray, number: int) -> np.ndarray:
    return 0 * array + number


def _kind(value: Any) -> str:
    if callable(value):
        return ""
    if isinstance(value, list) and isinstance(value[0], np.ndarray) or np.asarray(value).dtype.kind == "f":
        return "real"
    return "whole" if np.ndim(value) else "count"


def _answering(probed: Sequence[Mapping[Probe, _Pair]], close: _Comparison) -> Diagnosis | None:
    """Say which change of an argument the result does not follow, or with which it is right."""
    wrong = [of for of in probed if _AS_IT_IS in of and not close(of[_AS_IT_IS].ours, of[_AS_IT_IS].right)]
    common = [probe for probe in wrong[0] if all(probe in of for of in wrong)] if wrong else []
    doubled = [probe for probe in common if probe.change == "doubled"]
    growths = (_growing_otherwise(wrong, probe, close) for probe in doubled)
    return next(filter(None, growths), None) or _right_with_0_or_1(wrong, common, close)


def _growing_otherwise(
    wrong: Sequence[Mapping[Probe, _Pair]], probe: Probe, close: _Comparison
) -> Diagnosis | None:
    """Say that it should grow by a power of the root of 2, always the same, when an argument is doubled."""
    pairs = [(of[_AS_IT_IS], of[probe]) for of in wrong]
    right = {_growth(before.right, after.right, close) for before, after in pairs}
    ours = {_growth(before.ours, after.ours, close) for before, after in pairs}
    factor = right.pop()
    if right or factor <= 0 or np.log2(factor) % 0.5 or factor in ours:
        return None
    does = "it does" if factor == 1 else "it does not"
    if len(ours) == 1 and 0 not in ours:
        does = "it does not change" if ours == {1} else f"it becomes {ours.pop():.4g} times as large"
    should = "should not change" if factor == 1 else f"should become {factor:.4g} times as large"
    doubled = f"{probe.argument} {'are' if ' and ' in probe.argument else 'is'} doubled"
    return Diagnosis(f"growth with {probe.argument}", f"{should} when {doubled}, but {does}.")


def _right_with_0_or_1(
    wrong: Sequence[Mapping[Probe, _Pair]], common: Sequence[Probe], close: _Comparison
) -> Diagnosis | None:
    for number in ("0", "1"):
        fine = [
            probe.argument
            for probe in common
            if probe.change == number
            and all(close(of[probe].ours, of[probe].right) for of in wrong)
            and any(_tells(of[probe].right) for of in wrong)
        ]
        if fine:
            names = " or ".join(fine)
            says = f"is right as soon as {names} is {number}: look at what {names} contributes."
            return Diagnosis(f"right where {names} is {number}", says)
    return None


def _tells(right: np.ndarray) -> bool:
    return bool(np.isfinite(right).all() and right.any() and (right.size == 1 or np.ptp(right)))


def _growth(before: np.ndarray, after: np.ndarray, close: _Comparison) -> float:
    """Return by which factor all numbers have grown, 0 where there is none."""
    if not before.size or before.shape != after.shape:
        return 0.0
    place = np.unravel_index(np.abs(before).argmax(), before.shape)
    factor = after[place] / before[place]
    return float(np.round(factor, 9)) if np.isfinite(factor) and close(after, factor * before) else 0.0


# --- of another shape, with other numbers -------------------------------------------------------------------


def _shapes(wrong: Sequence[_Pair]) -> Iterator[_Relation]:
    if any(pair.ours.shape == pair.right.shape for pair in wrong):
        return
    yield _Relation("a single number", "is a single number.", np.shape, lambda pair: ())
    for axis in range(3):
        less = partial(_shape_without, axis=axis)
        says = f"has an axis too many, axis {axis}: is a sum, a mean or a largest one asked for?"
        yield _Relation("an axis too many", says, less, _of_right(np.shape))
        says = f"lacks axis {axis}: was something summed, averaged or left out?"
        yield _Relation("an axis too few", says, np.shape, _of_right(less))
        for words, by in (("one too many", 1), ("one too few", -1)):
            changed = partial(_shape_with, axis=axis, by=by)
            yield _Relation(words, f"has {words} along axis {axis}.", np.shape, _of_right(changed))
    for name in wrong[0].case:
        of_pair = partial(_shape_of, name=name)
        yield _Relation(f"the shape of {name}", f"has the shape of {name}.", np.shape, of_pair)


def _shape_of(pair: _Pair, name: str) -> tuple[int, ...]:
    return np.shape(pair.case[name])


def _shape_without(array: np.ndarray, axis: int) -> np.ndarray:
    return np.delete(array.shape, range(array.ndim)[axis])


def _shape_with(array: np.ndarray, axis: int, by: int) -> np.ndarray:
    return np.add(array.shape, by * (np.arange(array.ndim) == axis))
