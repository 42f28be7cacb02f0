"""Which exercises are graded: a part of a notebook, or of several, as a teacher names it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from labutils.exercises.registry import all_exercises, exercise, exercises_of

_PART = re.compile(r"\s*(\d+\.\d+)\s*(?:[-–]\s*(\d+\.\d+)\s*)?")


def exercises_named(text: str) -> tuple[str, ...]:
    """Return the numbers of the exercises that a text such as "1.1-1.4,1.6" names, in their order.

    Raises
    ------
    ValueError
        Where a part names none, or the end of a range stands before its beginning.
    """
    numbers = [exercise.number for exercise in all_exercises()]
    named: set[str] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if not found:
            raise ValueError(
                f"--exercises names exercises and ranges, such as 1.1-1.4,1.6, and not {part.strip()!r}"
            )
        try:
            first, last = (numbers.index(exercise(end).number) for end in (found[1], found[2] or found[1]))
        except ValueError as error:
            raise ValueError(f"--exercises: {error}") from None
        if first > last:
            raise ValueError(
                f"--exercises: in {part.strip()!r} the second exercise stands before the first: exchange them"
            )
        named.update(numbers[first : last + 1])
    return tuple(number for number in numbers if number in named)


def described(numbers: Collection[str]) -> str:
    """Return in words which exercises these are: "notebook 03", or "exercises 1.1-1.4,1.6"."""
    notebooks = sorted({int(number.split(".")[0]) for number in numbers})
    if set(numbers) == {exercise.number for notebook in notebooks for exercise in exercises_of(notebook)}:
        return f"notebook {' '.join(f'{notebook:02d}' for notebook in notebooks)}"
    return f"exercises {','.join(_ranges(numbers))}"


def _ranges(numbers: Collection[str]) -> Iterator[str]:
    run: list[str] = []
    for number in [*(known.number for known in all_exercises()), ""]:  # "" ends the last range
        goes_on = number in numbers
        if run and not (goes_on and number.split(".")[0] == run[0].split(".")[0]):
            yield run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}"
            run = []
        if goes_on:
            run.append(number)
