"""Texts whose words are coloured: by what they change in a prediction, or by any value of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from labutils.palette import BLUE, GREY, ORANGE, SKY, WHITE
from labutils.plots.style import Numbers, Picture, literal, shorten, styled

_SIGNED = LinearSegmentedColormap.from_list("negative, positive", [ORANGE, WHITE, SKY])
_PER_LINE, _PER_LINE_BELOW_CURVE = 88, 84  # characters


@styled
def reading(words: Sequence[str], probabilities: Numbers, title: str = "") -> Picture:
    """Draw the probability after each word, and the words coloured by what they changed; return a `Picture`.

    Parameters
    ----------
    words : of the review; of each its first 30 characters are shown.
    probabilities : (words,), from 0 to 1, of a positive review.
    title : stands above the curve.

    Raises
    ------
    ValueError
        Where there is no word, or not one finite probability for each.
    """
    if not len(words):
        raise ValueError("there is nothing to draw: give at least one word and its probability")
    probabilities = _value_of_each(words, probabilities, "probabilities")
    shown, change = list(map(shorten, words)), np.diff(probabilities, prepend=0.5)
    text_height = 0.24 * (_wrap(shown, _PER_LINE_BELOW_CURVE)[-1][0] + 1) + 0.15
    height = 2.7 + text_height
    figure = Figure(figsize=(9, height))
    FigureCanvasAgg(figure)
    curve = figure.add_axes((0.13, (text_height + 0.75) / height, 0.85, 1.6 / height))
    text = figure.add_axes((0.02, 0.05 / height, 0.96, text_height / height))
    curve.set_yticks([0, 0.5, 1], ["0 negative", "0.5", "1 positive"])
    curve.axhline(0.5, color=GREY, linestyle=":")
    size = 4 if len(words) < 50 else 2.5
    curve.plot(np.arange(1, len(words) + 1), probabilities, color=BLUE, marker="o", markersize=size)
    curve.set(ylim=(-0.03, 1.03), xlim=(0.5, len(words) + 0.5), ylabel="probability")
    curve.set_xlabel("word of the review (counted from the first that is read)")
    curve.xaxis.set_major_locator(MaxNLocator(integer=True))
    curve.set_title(title)
    largest = int(np.argmax(np.abs(change)))
    _draw_words(text, shown, _PER_LINE_BELOW_CURVE, change, largest=max(float(np.abs(change[largest])), 0.05))
    return Picture(
        figure,
        "the probability after each word",
        f"Curve over {len(words)} words: after the first word {probabilities[0]:.2f}, at the end "
        f"{probabilities[-1]:.2f}; the largest change, {change[largest]:+.2f}, comes with "
        f"“{words[largest]}”. Text: {' '.join(words)}",
    )


@styled
def word_values(words: Sequence[str], rows: Mapping[str, Numbers], title: str) -> Picture:
    """Draw a text once for each row of values, each word on a colour; return a `Picture`.

    Blue is positive, orange negative; the colour is deepest at the largest absolute value of the row.

    Parameters
    ----------
    words : of the text; of each its first 30 characters are shown.
    rows : name → (words,).
    title : a few words that name the picture.

    Raises
    ------
    ValueError
        Where there is no word or no row, or a row has not one finite value for each word.
    """
    if not rows or not len(words):
        raise ValueError("there is nothing to draw: give words, and at least one row of values")
    words = list(map(shorten, words))
    lines = _wrap(words, _PER_LINE)[-1][0] + 1
    line_height, heading = 0.24, 0.34
    block = heading + lines * line_height + 0.1
    figure = Figure(figsize=(9, block * len(rows)))
    FigureCanvasAgg(figure)
    alt_parts = []
    for number, (name, values) in enumerate(rows.items()):
        values = _value_of_each(words, values, name)
        bottom = 1 - ((number + 1) * block - 0.1) / (block * len(rows))
        axes = figure.add_axes((0.01, bottom, 0.98, lines * line_height / (block * len(rows))))
        axes.set_title(literal(name))
        _draw_words(axes, words, _PER_LINE, values, largest=max(float(np.abs(values).max()), 1e-9))
        top = np.argsort(-np.abs(values), kind="stable")[:6]
        alt_parts.append(f"{name}: largest at {', '.join(f'“{words[i]}” {values[i]:.2f}' for i in top)}")
    return Picture(figure, title, f"A coloured text. {'; '.join(alt_parts)}. Text: {' '.join(words)}")


def _wrap(words: Sequence[str], per_line: int) -> list[tuple[int, int]]:
    """Break words into lines of at most `per_line` characters: (line, column) of each."""
    positions, line, column = [], 0, 0
    for word in words:
        if column and column + len(word) > per_line:
            line, column = line + 1, 0
        positions.append((line, column))
        column += len(word) + 1
    return positions


def _value_of_each(words: Sequence[str], values: Numbers, name: str) -> np.ndarray:
    """Return the values as floats (words,); ValueError where they are not one finite number for each word."""
    values = np.asarray(values, float)
    if values.shape != (len(words),):
        number = f"{len(words):,} word{'s' * (len(words) != 1)}"
        raise ValueError(f"{name}: {number}, but values of the shape {values.shape}")
    if not np.isfinite(values).all():
        word = shorten(words[int(np.argmin(np.isfinite(values)))])
        raise ValueError(f"{name}: the value of “{word}” is no finite number")
    return values


def _draw_words(axes: Axes, words: Sequence[str], per_line: int, values: np.ndarray, largest: float) -> None:
    """Draw words as `_wrap` places them: on orange where the value is negative, on blue where positive.

    Parameters
    ----------
    axes : to draw in; a line is 1 high, a character 1 wide.
    words, values : (words,).
    largest : the absolute value at which the colour is deepest.
    """
    positions = _wrap(words, per_line)
    axes.set(xlim=(0, per_line + 1), ylim=(positions[-1][0] + 1, 0))
    axes.axis("off")
    for word, (line, column), value in zip(words, positions, values):
        corner, width = (column - 0.3, line + 0.08), len(word) + 0.6
        colour = _SIGNED(0.5 + 0.5 * value / largest)
        axes.add_patch(Rectangle(corner, width, 0.84, facecolor=colour, edgecolor="none"))
        text = axes.text(column + len(word) / 2, line + 0.5, literal(word), ha="center", va="center")
        text.set(family="monospace", fontsize=10)
