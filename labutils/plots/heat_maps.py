"""Heat maps: of attention weights, inputs against outputs, and of gates and states over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from labutils.palette import GATE_COLOURS, SIGNED_COLOURS, WEIGHT_COLOURS
from labutils.plots.style import Picture, canvas, check_names, literal, shorten, styled

_ROUNDING = 1e-5  # by which weights of 32-bit floats may lie outside of 0 to 1


@styled
def alignment(
    maps: Mapping[str, tuple[np.ndarray, Sequence[str], Sequence[str]]],
    title: str,
    *,
    xlabel: str = "read",
    ylabel: str = "written",
) -> Picture:
    """Draw attention weights as maps beside each other; return a `Picture`.

    A map has a row for each output and a column for each input.

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
    checked = {name: _checked_weights(name, *parts) for name, parts in maps.items()}
    tallest = max(len(outputs) for _, _, outputs in checked.values())
    figure, all_axes = canvas(len(maps), height=1.1 + 0.27 * tallest)
    alt_parts = []
    for axes, (name, (weights, inputs, outputs)) in zip(all_axes, checked.items()):
        image = axes.imshow(
            weights, cmap=WEIGHT_COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="nearest"
        )
        axes.grid(False)
        axes.set_xticks(range(len(inputs)), [literal(text) for text in inputs])
        axes.set_yticks(range(len(outputs)), [literal(text) for text in outputs])
        axes.set(title=literal(name), xlabel=xlabel, ylabel=ylabel)
        largest = ", ".join(f"{out} on {inputs[int(row.argmax())]}" for out, row in zip(outputs, weights))
        alt_parts.append(f"{name}: largest weights of {largest}")
    figure.colorbar(image, ax=all_axes, label="attention weight", pad=0.02)
    return Picture(figure, title, f"Maps of attention weights. {'; '.join(alt_parts)}.")


def _checked_weights(
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


@styled
def gates(
    maps: Mapping[str, np.ndarray],
    steps: Sequence[str],
    title: str,
    row_names: Mapping[str, Sequence[str]] | None = None,
    signed: Collection[str] | None = None,
) -> Picture:
    """Draw gates and states over time as heat maps, one row for each unit; return a `Picture`.

    The colours of gates go from 0 to 1, those of states from -1 to 1.

    Parameters
    ----------
    maps : name → (time, units).
    steps : a label for each time step: a character, or a word, which is written upright.
    title : a few words that name the picture.
    row_names : name of a map → a name for each of its rows, instead of the number of the unit.
    signed : names of the maps that are states; None takes each map with a negative number in it for one.

    Raises
    ------
    ValueError
        Where there is no map or no step, a map has not one row of finite numbers for each step, `row_names`
        not one name for each unit, or it or `signed` names what is not among the maps.
    """
    row_names, words = row_names or {}, max(map(len, steps), default=0) > 3
    _check_gates(maps, len(steps), row_names)
    check_names("signed", signed or (), maps, "maps")
    columns = 1 if words else min(2, len(maps))
    rows = -(-len(maps) // columns)
    figure, all_axes = canvas(columns, height=0.6 + 2.1 * rows + 0.7 * words, rows=rows)
    room_for_labels = 60 // columns if words or max(map(len, steps)) == 1 else 12
    alt_parts = []
    for axes, (name, values) in zip(all_axes, maps.items()):
        values = np.asarray(values).T
        top = max(1, np.abs(values).max())
        is_state = values.min() < 0 if signed is None else name in signed
        low, cmap = (-top, SIGNED_COLOURS) if is_state else (0, GATE_COLOURS)
        image = axes.imshow(values, cmap=cmap, vmin=low, vmax=top, aspect="auto", interpolation="nearest")
        figure.colorbar(image, ax=axes, pad=0.02)
        axes.grid(False)
        ticks = range(0, len(steps), -(-len(steps) // room_for_labels))
        axes.set_xticks(ticks, [literal(steps[i]) for i in ticks], rotation=90 if words else 0)
        numbered = all(step.isdigit() for step in steps)
        axes.set(title=name, xlabel="time step" if numbered else "time step, and what is read there")
        if name in row_names:
            axes.set_yticks(range(len(values)), map(literal, row_names[name]))
        else:
            axes.set_ylabel("unit")
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        later = f", later {values[:, 1:].mean():.2f}" if values.shape[1] > 1 else ""
        alt_parts.append(f"{name}: mean at the first step {values[:, 0].mean():.2f}{later}")
    for axes in all_axes[len(maps) :]:
        axes.set_axis_off()
    alt = f"Heat maps of {len(maps)} quantities over {len(steps)} steps. {'; '.join(alt_parts)}."
    return Picture(figure, title, alt)


def _check_gates(maps: Mapping[str, np.ndarray], steps: int, row_names: Mapping[str, Sequence[str]]) -> None:
    if not maps:
        raise ValueError("there are no gates to draw: give at least one map, name → (time, units)")
    if not steps:
        raise ValueError("there are no time steps to draw: give a label for each")
    check_names("row_names", row_names, maps, "maps")
    for name, values in maps.items():
        shape = np.shape(values)
        if len(shape) != 2 or shape[0] != steps or not shape[1]:
            raise ValueError(f"{name} must be (time, units) with {steps} time steps, got shape {shape}")
        if len(row_names.get(name, range(shape[1]))) != shape[1]:
            raise ValueError(f"{name} has {shape[1]} rows but {len(row_names[name])} row_names")
        values = np.asarray(values, float)
        if len(wrong := np.argwhere(~np.isfinite(values))):
            step, unit = wrong[0]
            raise ValueError(
                f"{name} must be finite numbers, but {name}[{step}, {unit}] is {values[step, unit]}"
            )
