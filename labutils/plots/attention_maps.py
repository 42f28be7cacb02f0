"""Figures of attention: which input each output depends on, and which words of a text have which weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from labutils.palette import ORANGE, SKY
from labutils.plots.style import Picture, canvas, styled

_ROUNDING = 1e-5  # by which weights of 32-bit floats may lie outside of 0 to 1
_SIGNED = LinearSegmentedColormap.from_list("negative, positive", [ORANGE, "#FFFFFF", SKY])
_PER_LINE, _LONGEST_WORD = 88, 30  # characters; of a longer word the rest is not shown


@styled
def alignment(
    maps: Mapping[str, tuple[np.ndarray, Sequence[str], Sequence[str]]],
    title: str,
    *,
    xlabel: str = "read",
    ylabel: str = "written",
) -> Picture:
    """Attention weights as maps beside each other: a row for each output, a column for each input.

    Parameters
    ----------
    maps : name → (weights, inputs, outputs): weights (outputs, inputs) from 0 to 1, a short label for each
        (its first 30 characters are shown).
    title : a few words that name the picture.
    xlabel, ylabel : name the axes.

    Raises
    ------
    ValueError
        Where there is no map, or its weights have not one row for each output and one column for each input,
        or are not numbers from 0 to 1.
    """
    if not maps:
        raise ValueError(
            "there are no weights to draw: give at least one map, name → (weights, inputs, outputs)"
        )
    checked = {name: _checked_map(name, *parts) for name, parts in maps.items()}
    tallest = max(len(outputs) for _, _, outputs in checked.values())
    figure, all_axes = canvas(len(maps), height=1.1 + 0.27 * tallest)
    alt_parts = []
    for axes, (name, (weights, inputs, outputs)) in zip(all_axes, checked.items()):
        image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.grid(False)
        axes.set_xticks(range(len(inputs)), [_literal(text) for text in inputs])
        axes.set_yticks(range(len(outputs)), [_literal(text) for text in outputs])
        axes.set(title=_literal(name), xlabel=xlabel, ylabel=ylabel)
        largest = ", ".join(f"{out} on {inputs[int(row.argmax())]}" for out, row in zip(outputs, weights))
        alt_parts.append(f"{name}: largest weights of {largest}")
    figure.colorbar(image, ax=all_axes, label="attention weight", pad=0.02)
    return Picture(figure, title, f"Maps of attention weights. {'; '.join(alt_parts)}.")


@styled
def word_values(words: Sequence[str], rows: Mapping[str, Sequence[float]], title: str) -> Picture:
    """A text once for each row of values, each word on a colour: blue for positive, orange for negative.

    The colour is deepest at the largest absolute value of the row.

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
    words = list(map(_short, words))
    positions, line, column = [], 0, 0
    for word in words:
        if column and column + len(word) > _PER_LINE:
            line, column = line + 1, 0
        positions.append((line, column))
        column += len(word) + 1
    lines = line + 1
    line_height, heading = 0.24, 0.34
    block = heading + lines * line_height + 0.1
    figure = Figure(figsize=(9, block * len(rows)))
    FigureCanvasAgg(figure)
    alt_parts = []
    for number, (name, values) in enumerate(rows.items()):
        values = np.asarray(values, float)
        if values.shape != (len(words),):
            number = f"{len(words):,} word{'s' * (len(words) != 1)}"
            raise ValueError(f"{name}: {number}, but values of the shape {values.shape}")
        if not np.isfinite(values).all():
            word = words[int(np.argmin(np.isfinite(values)))]
            raise ValueError(f"{name}: the value of “{word}” is no finite number")
        bottom = 1 - ((number + 1) * block - 0.1) / (block * len(rows))
        axes = figure.add_axes((0.01, bottom, 0.98, lines * line_height / (block * len(rows))))
        axes.set(xlim=(0, _PER_LINE + 1), ylim=(lines, 0))
        axes.axis("off")
        axes.set_title(_literal(name))
        largest = max(float(np.abs(values).max()), 1e-9)
        centred = {"family": "monospace", "fontsize": 10, "ha": "center", "va": "center"}
        for word, (line, column), value in zip(words, positions, values):
            corner, width = (column - 0.3, line + 0.08), len(word) + 0.6
            colour = _SIGNED(0.5 + 0.5 * value / largest)
            axes.add_patch(Rectangle(corner, width, 0.84, facecolor=colour, edgecolor="none"))
            axes.text(column + len(word) / 2, line + 0.5, _literal(word), **centred)
        top = np.argsort(-np.abs(values), kind="stable")[:6]
        alt_parts.append(f"{name}: largest at {', '.join(f'“{words[i]}” {values[i]:.2f}' for i in top)}")
    return Picture(figure, title, f"A coloured text. {'; '.join(alt_parts)}. Text: {' '.join(words)}")


def _checked_map(
    name: str, weights: np.ndarray, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[np.ndarray, list[str], list[str]]:
    """Return weights as floats and shortened labels; ValueError says what is wrong with them."""
    weights = np.asarray(weights, float)
    if not len(inputs) or not len(outputs):
        raise ValueError(
            f"{name}: {len(outputs)} outputs and {len(inputs)} inputs: there must be at least one of each"
        )
    if weights.shape != (len(outputs), len(inputs)):
        raise ValueError(
            f"{name}: {len(outputs)} outputs and {len(inputs)} inputs, but weights {weights.shape}"
        )
    wrong = ~((weights >= -_ROUNDING) & (weights <= 1 + _ROUNDING))  # also nan
    if wrong.any():
        raise ValueError(
            f"{name}: weights must be numbers from 0 to 1, as a softmax gives them, got "
            f"{weights[wrong][0]:g} ({wrong.sum()} of {wrong.size} are outside)"
        )
    return weights, list(map(_short, inputs)), list(map(_short, outputs))


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…"


def _literal(text: str) -> str:
    """Keep matplotlib from reading a text with dollar signs as a formula."""
    return text.replace("$", r"\$")
