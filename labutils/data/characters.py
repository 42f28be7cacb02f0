"""Excerpts of the film reviews around a bracket, for a network that tells where the text is inside one.

A task for a small network: the lower-case characters of each excerpt, one-hot (`ALPHABET` holds the 53 most
frequent), and a label for each. The reviews as one long text, for a network that writes, are `review_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from labutils.validation import whole_number

ALPHABET = " etaiosnrhldcmufgybwpv.,k'/><-\"jx)(!zq01?:92*;3&85476"
"""The most frequent characters of the reviews in small letters; all others share one number more."""
CHARACTERS = len(ALPHABET) + 1
_NUMBERS = {character: number for number, character in enumerate(ALPHABET)}


def char_ids(text: str) -> np.ndarray:
    """Return the number of each character, (characters,) int, 0 to 53; capitals count as small letters."""
    return np.array([_NUMBERS.get(character.lower(), len(ALPHABET)) for character in text])


def in_brackets(text: str) -> np.ndarray:
    """Return 1 from an opening bracket on and 0 from a closing one on, (characters,) float32."""
    inside = np.zeros(len(text), "float32")
    for match in re.finditer(r"\([^)]*", text):
        inside[match.start() : match.end()] = 1
    return inside


def bracket_excerpts(
    texts: Iterable[str], length: int, rng: np.random.Generator
) -> tuple[list[str], np.ndarray]:
    """Return excerpts of `length` characters that hold a bracket, and where they are inside one.

    Parameters
    ----------
    texts : reviews, say.
    length : characters in each excerpt.
    rng : draws how many of them, fewer than half, stand before the first bracket.

    Returns
    -------
    excerpts : list of texts.
    inside : (excerpts, length) float32, 1 inside brackets.

    Raises
    ------
    ValueError
        For a length below 10, and where no text holds a bracket.
    """
    whole_number("length", length, low=10)
    excerpts = []
    for text in texts:
        for match in re.finditer(r"\([^()]{3,}\)", text):
            start = match.start() - int(rng.integers(2, length // 2))
            excerpt = text[max(start, 0) : start + length]
            before = excerpt[: match.start() - start]
            if start >= 0 and len(excerpt) == length and not set(before) & set("()"):
                excerpts.append(excerpt)
    if not excerpts:
        raise ValueError(f"no text has a bracket with {length} characters around it")
    return excerpts, np.stack([in_brackets(excerpt) for excerpt in excerpts])


def one_hot(texts: Sequence[str]) -> np.ndarray:
    """Return texts of one length as (texts, characters, 54) float32, with a 1 for each character.

    Parameters
    ----------
    texts : one or more, all as long.

    Raises
    ------
    ValueError
        For texts of several lengths, and where there are none.

    Examples
    --------
    >>> one_hot(["tea", "eta"]).argmax(axis=2)
    array([[2, 1, 3],
           [1, 2, 3]])
    """
    lengths = {len(text) for text in texts}
    if len(lengths) != 1:
        raise ValueError(f"the texts must be of one length, got {sorted(lengths)[:5]}")
    return np.eye(CHARACTERS, dtype="float32")[np.stack([char_ids(text) for text in texts])]
