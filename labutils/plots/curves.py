"""Curves over time or over a setting, maps of gates, and sequences of four kinds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from labutils.palette import BLACK, BLUE, GREY, PALETTE
from labutils.plots.style import Picture, canvas, styled

MARKERS = "osD^vP"
_ALT_POINTS = 4


@styled
def curves(
    lines: Mapping[str, tuple[Sequence[float], Sequence]],
    xlabel: str,
    ylabel: str,
    title: str,
    *,
    references: Mapping[str, float] | None = None,
    dashed: Collection[str] = (),
    dots: Collection[str] = (),
    logx: bool = False,
    logy: bool = False,
    ylim: tuple[float, float] | None = None,
    markers: bool = False,
    first_colour: int = 0,
    width: float = 9.0,
    height: float = 3.8,
) -> Picture:
    """Lines on common axes, each with its own colour (and, with few points, its own marker).

    lines : name → (x, y). Where y has two axes, (seeds, points), each seed is drawn thin and the
    mean thick. references : name → height of a dotted line. dashed : names drawn dashed (theory,
    truth); dots : names drawn as dots, without a line. first_colour : place in the
    palette, so that a thing keeps its colour from figure to figure. title : a few words that name the
    picture.
    """
    figure, (axes,) = canvas(width=width, height=height)
    told, colours = [], iter((PALETTE * 3)[first_colour:])
    for (name, (x, y)), marker in zip(lines.items(), MARKERS * 3):
        x, y = np.asarray(x, dtype=float), np.atleast_2d(np.asarray(y, dtype=float))
        if y.shape[1] != len(x):
            raise ValueError(f"{name}: {len(x)} places on the x-axis but {y.shape[1]} values")
        look = {"color": BLACK if name in dashed else next(colours)}
        look |= {"linestyle": "--", "linewidth": 1.3} if name in dashed else {}
        if len(y) > 1:
            axes.plot(x, y.T, color=look["color"], linewidth=0.8, alpha=0.45)
        if markers and name not in dashed:
            look |= {"marker": marker, "markersize": 6}
        if name in dots:
            look |= {"linestyle": "", "marker": "o", "markersize": 2.5}
        axes.plot(x, y.mean(axis=0), label=name, **look)
        told.append(f"{name} {_told_points(x, y.mean(axis=0))}")
    places = np.unique(np.concatenate([np.asarray(x, dtype=float) for x, _ in lines.values()]))
    if logx:
        axes.set_xscale("log")
    if logx and len(places) <= 8:
        axes.set_xticks(places, [f"{x:g}" for x in places])
        axes.minorticks_off()
    elif not logx and np.equal(np.mod(places, 1), 0).all():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if logy:
        axes.set_yscale("log")
    for name, value in (references or {}).items():
        axes.axhline(value, color=GREY, linestyle=":", linewidth=1.5)
        right = _distance_at_end(lines, value, -1, logy) >= _distance_at_end(lines, value, 0, logy)
        axes.annotate(
            name,
            (1 if right else 0, value),
            (-3 if right else 3, 3),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=9,
        )
        told.append(f"{name}: {value:.3g}")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if ylim:
        axes.set_ylim(ylim)
    if len(lines) > 1:
        handles = axes.get_legend_handles_labels()
        fit_in_a_row = int(10 * width / (max(map(len, lines)) + 8))
        figure.legend(*handles, loc="outside upper center", ncols=max(1, min(len(lines), fit_in_a_row)))
    scale = " (logarithmic)" if logy else ""
    return Picture(figure, title, f"Lines: {ylabel}{scale} against {xlabel}. {'; '.join(told)}.")


def _distance_at_end(lines: Mapping[str, tuple], height: float, end: int, logy: bool) -> float:
    """Return how near any line comes to this height at its first (0) or last (-1) point."""
    ends = np.array([np.asarray(y, dtype=float)[..., end].mean() for _, y in lines.values()])
    apart = np.log(ends / height) if logy else ends - height
    return float(np.abs(apart).min())


def _told_points(x: np.ndarray, y: np.ndarray) -> str:
    chosen = sorted({round(i) for i in np.linspace(0, len(x) - 1, _ALT_POINTS)})
    return ", ".join(f"{_number(y[i])} at {_number(x[i])}" for i in chosen)


def _number(value: float) -> str:
    return "undefined" if not np.isfinite(value) else f"{value:.3g}"


@styled
def gates(
    maps: Mapping[str, np.ndarray],
    steps: Sequence[str],
    title: str,
    *,
    columns: int = 2,
    xlabel: str = "time step, and what is read there",
) -> Picture:
    """Heat maps over time, one row for each unit: gates from 0 to 1, states from -1 to 1.

    maps : name → (time, units); a map with a negative number in it is taken for a state. steps : a
    label for each time step.
    """
    rows = -(-len(maps) // columns)
    figure, all_axes = canvas(columns, height=0.6 + 2.1 * rows, rows=rows)
    told = []
    for axes, (name, values) in zip(all_axes, maps.items()):
        values = np.asarray(values).T
        signed = values.min() < 0
        shown = axes.imshow(
            values,
            aspect="auto",
            interpolation="nearest",
            cmap="PuOr" if signed else "Greys",
            vmin=-max(1, np.abs(values).max()) if signed else 0,
            vmax=max(1, np.abs(values).max()) if signed else 1,
        )
        figure.colorbar(shown, ax=axes, pad=0.02)
        axes.grid(False)
        axes.set_title(name)
        _label_steps(axes, steps)
        axes.set(xlabel=xlabel, ylabel="unit")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        told.append(
            f"{name}: mean at the first step {values[:, 0].mean():.2f}, later {values[:, 1:].mean():.2f}"
        )
    for axes in all_axes[len(maps) :]:
        axes.set_axis_off()
    return Picture(
        figure, title, f"Heat maps of {len(maps)} quantities over {len(steps)} steps. {'; '.join(told)}."
    )


def _label_steps(axes: Axes, steps: Sequence[str]) -> None:
    every = max(1, len(steps) // 12)
    places = range(0, len(steps), every)
    axes.set_xticks(places, [steps[i] for i in places])


@styled
def sequences(
    years: tuple[Sequence[float], Sequence[float]],
    wave: tuple[Sequence[float], Sequence[float]],
    words: tuple[Sequence[str], Sequence[int]],
    letters: str,
) -> Picture:
    """Four sequences as a network gets them: numbers by year, a sound wave, words, and DNA letters.

    years, wave : (x, y). words : the words and the numbers that stand for them. letters : out of
    A, C, G, T, drawn as one-hot columns.
    """
    figure, (top_left, top_right, low_left, low_right) = canvas(2, height=5.2, rows=2)
    top_left.plot(*years, color=BLUE, linewidth=1.3)
    top_left.set(title="Numbers in time", xlabel="year", ylabel="sunspot number (index)")
    top_right.plot(1000 * np.asarray(wave[0]), wave[1], color=BLUE, linewidth=1.3)
    top_right.set(title="A sound wave", xlabel="time (milliseconds)", ylabel="air pressure (relative)")
    low_left.set(title="Text", xlim=(-0.5, 1.5), ylim=(len(words[0]) - 0.4, -0.6))
    for row, (word, token) in enumerate(zip(*words)):
        low_left.text(0, row, word, ha="center", va="center", family="monospace")
        low_left.text(1, row, f"{token:,}", ha="center", va="center", family="monospace")
    low_left.set_xticks([0, 1], ["word", "its number"])
    low_left.set_yticks(range(len(words[0])), range(1, len(words[0]) + 1))
    low_left.set(xlabel="what the network gets is the column on the right", ylabel="place in the text")
    low_left.grid(False)
    for column, letter in enumerate(letters):
        low_right.add_patch(Rectangle((column - 0.5, "ACGT".index(letter) - 0.5), 1, 1, color=BLUE))
    low_right.set(title="DNA, one-hot", xlim=(-0.5, len(letters) - 0.5), ylim=(3.5, -0.5))
    low_right.set_yticks(range(4), list("ACGT"))
    low_right.set_xticks(range(len(letters)), list(letters), fontsize=8)
    low_right.set(xlabel="letter of the gene, in order", ylabel="base")
    low_right.grid(False)
    told = ", ".join(f"{word} {token}" for word, token in zip(*words))
    return Picture(
        figure,
        "four kinds of sequences",
        f"Four panels. Sunspots by year from {min(years[0]):.0f} to {max(years[0]):.0f}, rising and falling "
        f"in cycles of about eleven years; a sound wave of {1000 * max(wave[0]):.0f} milliseconds that "
        f"repeats; words with their numbers: {told}; the DNA letters {letters}, each a column with "
        "one of four fields filled.",
    )
