"""Figures of attention: which input each output depends on, and which words of a text have which weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from labutils.palette import WEIGHT_COLOURS
from labutils.plots.style import Picture, canvas, styled
from labutils.plots.texts import draw_words, literal, shorten, value_of_each, wrap

_ROUNDING = 1e-5  # by which weights of 32-bit floats may lie outside of 0 to 1
_PER_LINE = 88  # characters


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
        shown = {"cmap": WEIGHT_COLOURS, "vmin": 0, "vmax": 1}
        image = axes.imshow(weights, **shown, aspect="auto", interpolation="nearest")
        axes.grid(False)
        axes.set_xticks(range(len(inputs)), [literal(text) for text in inputs])
        axes.set_yticks(range(len(outputs)), [literal(text) for text in outputs])
        axes.set(title=literal(name), xlabel=xlabel, ylabel=ylabel)
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
    words = list(map(shorten, words))
    lines = wrap(words, _PER_LINE)[-1][0] + 1
    line_height, heading = 0.24, 0.34
    block = heading + lines * line_height + 0.1
    figure = Figure(figsize=(9, block * len(rows)))
    FigureCanvasAgg(figure)
    alt_parts = []
    for number, (name, values) in enumerate(rows.items()):
        values = value_of_each(words, values, name)
        bottom = 1 - ((number + 1) * block - 0.1) / (block * len(rows))
        axes = figure.add_axes((0.01, bottom, 0.98, lines * line_height / (block * len(rows))))
        axes.set_title(literal(name))
        draw_words(axes, words, _PER_LINE, values, largest=max(float(np.abs(values).max()), 1e-9))
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
    return weights, list(map(shorten, inputs)), list(map(shorten, outputs))
