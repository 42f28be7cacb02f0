"""The film reviews as one long text, for a network that writes them character by character.

Every review whole, with capitals and line breaks, as the numbers of its characters (`ALPHABET` holds 97), and
windows of it to train on. Short labelled excerpts, for a network that reads, are `characters`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from labutils.data import reviews
from labutils.validation import whole_number

END = "∎"
"""The character that ends each review."""
ALPHABET = END + "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))
"""The 97 characters: the end mark, the line break, and the 95 printable ones of ASCII."""
_NUMBERS = {character: number for number, character in enumerate(ALPHABET)}
_CODE_POINTS = np.frombuffer(ALPHABET.replace(END, "\0").encode("ascii"), "uint8")
_LINE_BREAKS = re.compile(r"\s*(<br\s*/?>\s*|\n\s*)+")
_SPACES = re.compile(r"[^\S\n]+")
_PLAIN = str.maketrans(dict.fromkeys("‘’‛ʼ´", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("–—", "-"))


@dataclass(frozen=True, eq=False)
class ReviewText:
    """Three parts of the reviews: whole reviews, each followed by `END`, one after the other.

    Attributes
    ----------
    train, validation, test : (characters,) uint8, the number of each character in `ALPHABET`.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def __repr__(self) -> str:
        sizes = (f"{name} {len(part):,}" for name, part in vars(self).items())
        return f"<ReviewText, characters: {', '.join(sizes)}>"


def load(train: int | None = None, validation: int | None = None, test: int | None = None) -> ReviewText:
    """Return the embedded reviews as text; no review, and no film of one label, stands in two parts.

    Parameters
    ----------
    train, validation, test : take whole reviews, from the first on, until there are so many characters;
        None takes all: 20.9 million of 16,000 reviews, 5.2 million of 4,000, 6.4 million of 5,000.

    Raises
    ------
    ValueError
        For a number of characters below 1, or larger than the part.
    labutils.data.packaged_files.DataError
        When the reviews are missing or changed.
    """
    known, unknown = reviews.texts()
    fitting = len(known) - reviews.VALIDATION_REVIEWS
    parts = known[:fitting], known[fitting:], unknown
    wanted = {"train": train, "validation": validation, "test": test}
    return ReviewText(*(_joined(name, part, wanted[name]) for name, part in zip(wanted, parts)))


def cleaned(text: str) -> str:
    """Return a text in the characters of `ALPHABET`.

    Any run of ``<br />`` and line breaks becomes one line break, any run of spaces one space;
    typographic quotes and dashes become plain ones, letters lose their accents; what is left outside the
    alphabet is dropped.
    """
    text = _SPACES.sub(" ", _LINE_BREAKS.sub("\n", text)).translate(_PLAIN)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return "".join(filter(_NUMBERS.__contains__, text.replace(END, "")))


def encoded(text: str) -> np.ndarray:
    """Return the number of each character in `ALPHABET`, (characters,) uint8.

    Parameters
    ----------
    text : of these characters alone.

    Raises
    ------
    TypeError
        When it is not a string.
    ValueError
        For a character outside the alphabet, which `cleaned` would replace or drop.

    Examples
    --------
    >>> encoded("Bad.")
    array([36, 67, 70, 16], dtype=uint8)
    """
    if not isinstance(text, str):
        raise TypeError(f"a text must be a string, not {type(text).__name__}: put it in quotes")
    if outside := sorted(set(text) - set(ALPHABET)):
        shown = ", ".join(map(repr, outside[:5]))
        raise ValueError(
            f"the network does not know {shown}{' …' if len(outside) > 5 else ''}: use English letters, "
            "digits and punctuation, or cleaned(text)"
        )
    return np.array([_NUMBERS[character] for character in text], dtype="uint8")


def decoded(numbers: Iterable[int]) -> str:
    """Return the characters of some numbers as a text; ValueError for a number that stands for none.

    Parameters
    ----------
    numbers : as from `encoded`.

    Examples
    --------
    >>> decoded([36, 67, 70, 16])
    'Bad.'
    """
    numbers = np.asarray(numbers if isinstance(numbers, np.ndarray) else list(numbers))
    if numbers.size and (
        numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= len(ALPHABET)
    ):
        raise ValueError(f"the numbers of characters are whole, from 0 to {len(ALPHABET) - 1}, got {numbers}")
    if not numbers.size:
        return ""
    return _CODE_POINTS[numbers.ravel()].tobytes().decode("ascii").replace("\0", END)


def windows(numbers: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into windows that stand one after the other, each with its targets.

    Parameters
    ----------
    numbers : (characters,) the text.
    length : characters in each window. What is left at the end of the text is not used.

    Returns
    -------
    x, y : (windows, length), of the text's type. The target of a character is the one after it: y[:, t] is
        x[:, t + 1], and the last target of a window is the first character of the next.

    Raises
    ------
    ValueError
        For a length below 1, and a text too short for one window and its last target.

    Examples
    --------
    >>> x, y = windows(encoded("A good film"), 5)
    >>> [decoded(row) for row in x], [decoded(row) for row in y]
    (['A goo', 'd fil'], [' good', ' film'])
    """
    numbers, count = _windows_in(numbers, length, 1)
    x, y = (numbers[start : start + count * length].reshape(count, length) for start in (0, 1))
    return x, y


def stateful_batches(numbers: np.ndarray, batch_size: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into windows in the order in which a stateful network must be given them.

    The text is cut into `batch_size` strips. Row i of each batch goes on where row i of the batch before
    ended, so a state that is carried on belongs to the same strip. Train with ``shuffle=False``.

    Parameters
    ----------
    numbers : (characters,) the text.
    batch_size : strips.
    length : characters in each window. What is left at the end of a strip is not used.

    Returns
    -------
    x, y : (batches · batch_size, length), of the text's type, one batch after the other; targets as in
        `windows`.

    Raises
    ------
    ValueError
        For numbers below 1, and a text too short for one batch.
    """
    whole_number("batch_size", batch_size)
    numbers, count = _windows_in(numbers, length, batch_size)
    strip = (len(numbers) - 1) // batch_size
    starts = np.arange(batch_size) * strip + np.arange(count)[:, None] * length  # (batches, strips)
    at = starts.reshape(-1, 1) + np.arange(length)
    return numbers[at], numbers[at + 1]


def _windows_in(numbers: np.ndarray, length: int, strips: int) -> tuple[np.ndarray, int]:
    """Return the text as an array, and how many windows each of its strips has."""
    whole_number("length", length)
    numbers = np.asarray(numbers)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        given = f"{numbers.dtype} {numbers.shape}"
        raise ValueError(f"a text is a row of whole numbers, as from encoded(text), got {given}")
    count = (len(numbers) - 1) // strips // length
    if count < 1:
        raise ValueError(
            f"{len(numbers):,} characters are too few for {strips} windows of {length} and the target after "
            f"each: that takes {strips * length + 1:,}"
        )
    return numbers, count


def _joined(name: str, texts: Sequence[str], characters: int | None) -> np.ndarray:
    """Return reviews as numbers, the first of them with at least so many characters."""
    if characters is not None:
        whole_number(name, characters)
    used, length = [], 0
    for text in texts:
        if characters is not None and length >= characters:
            break
        used.append(cleaned(text).strip() + END)
        length += len(used[-1])
    if characters is not None and length < characters:
        raise ValueError(f"{name} has {length:,} characters, fewer than {characters:,}")
    numbers = np.zeros(128, "uint8")
    numbers[_CODE_POINTS] = np.arange(len(ALPHABET))
    return numbers[np.frombuffer("".join(used).replace(END, "\0").encode("ascii"), "uint8")]
