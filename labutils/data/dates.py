"""Dates in words and the same dates as numbers: pairs of sequences, made on the spot.

A small task of translation with a known answer: "the 3rd of march, 1987" is 1987-03-03. What is written first
is read last.
"""

from __future__ import annotations

import datetime
import reprlib
from collections.abc import Iterable

import numpy as np

from labutils.validation import whole_number

MONTHS = "january february march april may june july august september october november december".split()
PAD, START = 0, 1
ALPHABET = "·<" + " ,-0123456789abcdefghijklmnopqrstuvwxyz"  # the number of each is its place
SOURCE_LENGTH, TARGET_LENGTH = 27, 10
_FIRST, _LAST = datetime.date(1900, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()


def pairs(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Return n dates from 1900 to 2099 in words, in one of four ways of writing them, and as YYYY-MM-DD.

    Parameters
    ----------
    n : how many.
    seed : of the dates and of how they are written.
    """
    whole_number("n", n)
    rng = np.random.default_rng(seed)
    days = [datetime.date.fromordinal(int(day)) for day in rng.integers(_FIRST, _LAST + 1, n)]
    words = [_in_words(day, int(style)) for day, style in zip(days, rng.integers(0, 4, n))]
    return words, [day.isoformat() for day in days]


def padded_char_ids(texts: Iterable[str], length: int) -> np.ndarray:
    """Return texts as the number of each character in `ALPHABET`, (texts, length) int32, with 0 behind each.

    Parameters
    ----------
    texts : a list of strings.
    length : of each row, at least the characters of the longest text.

    Raises
    ------
    ValueError
        For a character that is not in ALPHABET, a text that is longer, and a single text without a list.

    Examples
    --------
    >>> padded_char_ids(["may", "1 may"], 6)
    array([[27, 15, 39,  0,  0,  0],
           [ 6,  2, 27, 15, 39,  0]], dtype=int32)
    """
    whole_number("length", length)
    if isinstance(texts, str):
        call = f"padded_char_ids([{texts[:40]!r}], {length})"
        raise ValueError(f"padded_char_ids takes a list of texts, got one: write {call}")
    rows = []
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"each text must be a string, got {reprlib.repr(text)}")
        if unknown := sorted(set(text) - set(ALPHABET[2:])):
            raise ValueError(
                f"{text!r} holds {unknown[0]!r}: only small letters, digits, blank, comma and - are known"
            )
        if len(text) > length:
            raise ValueError(f"{text!r} has {len(text)} characters, more than {length}")
        rows.append([ALPHABET.index(character) for character in text] + [PAD] * (length - len(text)))
    return np.array(rows, dtype="int32").reshape(-1, length)


def decoded(numbers: Iterable[int]) -> str:
    """Return the text of a row of numbers, without padding and start.

    Parameters
    ----------
    numbers : (characters,), as from `padded_char_ids`.

    Raises
    ------
    ValueError
        For what is not one row of whole numbers from 0 to 40.

    Examples
    --------
    >>> decoded(padded_char_ids(["1 may 1987"], 12)[0])
    '1 may 1987'
    """
    numbers = np.asarray(numbers)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ValueError(
            f"decoded takes one row of whole numbers, got {numbers.dtype} {numbers.shape}: of several rows, "
            "decode each"
        )
    outside = (numbers < 0) | (numbers >= len(ALPHABET))
    if outside.any():
        raise ValueError(
            f"{numbers[outside][0]} is the number of no character: they go from 0 to {len(ALPHABET) - 1}"
        )
    return "".join(ALPHABET[number] for number in numbers if number > START)


def arrays(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what an encoder and a decoder need of n dates, as the numbers of characters, int32.

    Parameters
    ----------
    n, seed : as in `pairs`.

    Returns
    -------
    source : (n, 27), the dates in words.
    previous : (n, 10), `START` and then the target without its last character: what the decoder is given in
        training.
    target : (n, 10), the dates in numbers.

    Raises
    ------
    ValueError
        For an `n` below 1.

    Examples
    --------
    >>> [array.shape for array in arrays(3, seed=0)]
    [(3, 27), (3, 10), (3, 10)]
    """
    words, numbers = pairs(n, seed)
    source, target = padded_char_ids(words, SOURCE_LENGTH), padded_char_ids(numbers, TARGET_LENGTH)
    start = np.full((n, 1), START, "int32")
    return source, np.concatenate([start, target[:, :-1]], axis=1), target


def _in_words(day: datetime.date, style: int) -> str:
    month = MONTHS[day.month - 1]
    ending = "th" if 11 <= day.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return (
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"the {day.day}{ending} of {month}, {day.year}",
        f"{month[:3]} {day.day} {day.year}",
    )[style]
