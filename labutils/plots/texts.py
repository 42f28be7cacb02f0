"""Texts in figures: words on colours, and words that look like formulas and are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from labutils.palette import ORANGE, SKY, WHITE

_SIGNED = LinearSegmentedColormap.from_list("negative, positive", [ORANGE, WHITE, SKY])
_LONGEST_WORD = 30  # characters


def literal(text: str) -> str:
    """Keep matplotlib from reading a text with dollar signs as a formula."""
    return text.replace("$", r"\$")


def shorten(word: str) -> str:
    """Return the first 30 characters of a word; where there are more, an ellipsis is the last of them."""
    return word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…"


def wrap(words: Sequence[str], per_line: int) -> list[tuple[int, int]]:
    """Break words into lines of at most `per_line` characters: (line, column) of each."""
    positions, line, column = [], 0, 0
    for word in words:
        if column and column + len(word) > per_line:
            line, column = line + 1, 0
        positions.append((line, column))
        column += len(word) + 1
    return positions


def value_of_each(words: Sequence[str], values: Sequence[float], name: str) -> np.ndarray:
    """Return the values as floats (words,); ValueError where they are not one finite number for each word."""
    values = np.asarray(values, float)
    if values.shape != (len(words),):
        number = f"{len(words):,} word{'s' * (len(words) != 1)}"
        raise ValueError(f"{name}: {number}, but values of the shape {values.shape}")
    if not np.isfinite(values).all():
        word = shorten(words[int(np.argmin(np.isfinite(values)))])
        raise ValueError(f"{name}: the value of “{word}” is no finite number")
    return values


def draw_words(axes: Axes, words: Sequence[str], per_line: int, values: np.ndarray, largest: float) -> None:
    """Draw words as `wrap` places them: on orange where the value is negative, on blue where positive.

    Parameters
    ----------
    axes : to draw in; a line is 1 high, a character 1 wide.
    words, values : (words,).
    largest : the absolute value at which the colour is deepest.
    """
    positions = wrap(words, per_line)
    axes.set(xlim=(0, per_line + 1), ylim=(positions[-1][0] + 1, 0))
    axes.axis("off")
    centred = {"family": "monospace", "fontsize": 10, "ha": "center", "va": "center"}
    for word, (line, column), value in zip(words, positions, values):
        corner, width = (column - 0.3, line + 0.08), len(word) + 0.6
        colour = _SIGNED(0.5 + 0.5 * value / largest)
        axes.add_patch(Rectangle(corner, width, 0.84, facecolor=colour, edgecolor="none"))
        axes.text(column + len(word) / 2, line + 0.5, literal(word), **centred)
