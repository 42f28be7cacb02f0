"""Lines: curves over time or over a setting, and estimates with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from labutils.palette import BLACK, GREY, PALETTE
from labutils.plots.style import Picture, canvas, check_equally_many, styled

_MARKERS = "osD^vP"


@styled
def curves(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    xlabel: str,
    ylabel: str,
    title: str,
    *,
    references: Mapping[str, float] | None = None,
    style: Mapping[str, str] | None = None,
    markers: bool = False,
    first_colour: int = 0,
    figsize: tuple[float, float] = (9, 3.8),
    **axes_settings: object,
) -> Picture:
    """Draw lines on common axes, each with its own colour; return a `Picture`.

    Parameters
    ----------
    lines : name → (x, y). Where y is (seeds, points), each seed is drawn thin and the mean thick.
    xlabel, ylabel : names of the axes, units included.
    title : a few words that name the picture.
    references : name → height of a dotted line.
    style : name → line style, as in pandas: "--" for a thin black dashed line (theory, truth), "." for
        dots without a line.
    markers : True marks each point, with one marker for each line.
    first_colour : index in the palette, so that a thing keeps its colour from figure to figure.
    figsize : inches.
    **axes_settings : passed to matplotlib's ``Axes.set``, such as ``ylim=(0, 1), xscale="log"``.

    Raises
    ------
    ValueError
        Where there is no line, or one has no point or not one y for each x.
    """
    if not lines:
        raise ValueError("there are no lines to draw: give at least one, name → (x, y)")
    figure, (axes,) = canvas(width=figsize[0], height=figsize[1])
    alt_parts, means, colours, style = [], [], islice(cycle(PALETTE), first_colour, None), style or {}
    for (name, (x, y)), marker in zip(lines.items(), cycle(_MARKERS)):
        x, seeds = np.asarray(x, dtype=float), np.atleast_2d(np.asarray(y, dtype=float))
        check_equally_many(name, {"positions on the x-axis": len(x), "values": seeds.shape[1]})
        means.append(seeds.mean(axis=0))
        dashed = style.get(name) == "--"
        colour = BLACK if dashed else next(colours)
        if len(seeds) > 1:
            axes.plot(x, seeds.T, color=colour, linewidth=0.8, alpha=0.45)
        (line,) = axes.plot(x, means[-1], style.get(name, "-"), label=name, color=colour)
        if dashed:
            line.set_linewidth(1.3)
        elif style.get(name) == ".":
            line.set_markersize(5)
        elif markers:
            line.set(marker=marker, markersize=6)
        alt_parts.append(f"{name} {_points_in_words(x, means[-1])}")
    axes.set(xlabel=xlabel, ylabel=ylabel, **axes_settings)
    _set_x_ticks(axes, np.unique(np.concatenate([np.asarray(x, dtype=float) for x, _ in lines.values()])))
    for name, height in (references or {}).items():
        _draw_reference(axes, name, height, np.array([[mean[0], mean[-1]] for mean in means]))
        alt_parts.append(f"{name}: {height:.3g}")
    if len(lines) > 1:
        fit_in_a_row = max(1, min(len(lines), int(10 * figsize[0] / (max(map(len, lines)) + 8))))
        figure.legend(loc="outside upper center", ncols=fit_in_a_row)
    scale = " (logarithmic)" if axes.get_yscale() == "log" else ""
    return Picture(figure, title, f"Lines: {ylabel}{scale} against {xlabel}. {'; '.join(alt_parts)}.")


@styled
def estimates(
    points: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    xlabel: str,
    ylabel: str,
    title: str,
    *,
    references: Mapping[str, float] | None = None,
    figsize: tuple[float, float] = (9, 3.8),
    **axes_settings: object,
) -> Picture:
    """Draw estimates with their intervals as bars, joined by lines; return a `Picture`.

    Parameters
    ----------
    points : name → (x, estimate, half-width of its interval), each as long as the others.
    xlabel, ylabel : names of the axes, units included.
    title : a few words that name the picture.
    references : name → height of a dotted line.
    figsize : inches.
    **axes_settings : passed to matplotlib's ``Axes.set``.

    Raises
    ------
    ValueError
        Where there is nothing to draw, or a name has not one estimate and one half-width for each position.
    """
    if not points:
        raise ValueError("there are no estimates to draw: give at least one, name → (x, y, half-width)")
    figure, (axes,) = canvas(width=figsize[0], height=figsize[1])
    alt_parts, ends, xs = [], [], []
    for (name, values), colour, marker in zip(points.items(), cycle(PALETTE), cycle(_MARKERS)):
        x, y, half = (np.asarray(part, dtype=float) for part in values)
        check_equally_many(name, {"positions": len(x), "estimates": len(y), "half-widths": len(half)})
        axes.errorbar(x, y, half, color=colour, marker=marker, markersize=6, capsize=3, label=name)
        ends.append([y[0], y[-1]])
        xs.append(x)
        alt_parts.append(
            f"{name} {_points_in_words(x, y)}, half-widths {np.nanmin(half):.2g} to {np.nanmax(half):.2g}"
        )
    axes.set(xlabel=xlabel, ylabel=ylabel, **axes_settings)
    _set_x_ticks(axes, np.unique(np.concatenate(xs)))
    for name, height in (references or {}).items():
        _draw_reference(axes, name, height, np.array(ends))
        alt_parts.append(f"{name}: {height:.3g}")
    if len(points) > 1:
        figure.legend(loc="outside upper center", ncols=min(4, len(points)))
    alt = f"Estimates with intervals: {ylabel} against {xlabel}. {'; '.join(alt_parts)}."
    return Picture(figure, title, alt)


def _set_x_ticks(axes: Axes, positions: np.ndarray) -> None:
    if axes.get_xscale() == "log":
        if len(positions) <= 8:
            axes.set_xticks(positions, [f"{x:g}" for x in positions])
            axes.set_xticks([], minor=True)
    elif np.equal(np.mod(positions, 1), 0).all():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _draw_reference(axes: Axes, name: str, height: float, ends: np.ndarray) -> None:
    """Draw a dotted line, named at the end that is farther from the ends (lines, 2) of the other lines."""
    axes.axhline(height, color=GREY, linestyle=":", linewidth=1.5)
    distances = np.log(ends / height) if axes.get_yscale() == "log" else ends - height
    left, right = np.abs(distances).min(axis=0)
    x, offset, side = (1, -3, "right") if right >= left else (0, 3, "left")
    at = axes.get_yaxis_transform()
    axes.annotate(name, (x, height), (offset, 3), at, "offset points", fontsize=9, ha=side)


def _points_in_words(x: np.ndarray, y: np.ndarray) -> str:
    """Name four of the points, from the first to the last."""
    chosen = np.unique(np.linspace(0, len(x) - 1, 4).round().astype(int))
    return ", ".join(f"{y[i]:.3g} at {x[i]:.3g}" for i in chosen).replace("nan", "undefined")
