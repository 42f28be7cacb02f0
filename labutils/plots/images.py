"""Rows of small images, codes of two numbers as a map, and histograms in rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from labutils.palette import BLACK, GREY, PALETTE
from labutils.plots.style import Picture, canvas, styled

_GAP = 0.06  # between images, of the width of one
_INCHES = 0.68
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


@styled
def images(
    rows: Mapping[str, np.ndarray],
    title: str,
    *,
    columns: Sequence[str] = (),
    signed: Collection[str] = (),
) -> Picture:
    """One row of images for each name, in black ink on white paper.

    rows : name → (n, height, width), 0 = paper, 1 = ink; what lies beyond is cut off. columns : what
    stands above each. signed : names of rows that may be below zero: orange below zero, white at zero,
    purple above, each image to its own scale.
    """
    most = max(map(len, rows.values()), default=0)
    if not most:
        raise ValueError("there is nothing to draw: give at least one row of images")
    if columns and len(columns) != most:
        raise ValueError(f"{len(columns)} names for {most} columns of images")
    longest = max(map(len, rows))
    figure, (axes,) = canvas(
        width=_INCHES * most + 0.085 * longest + 0.4,
        height=_INCHES * len(rows) + 0.25 + 0.2 * bool(columns),
    )
    figure.set_layout_engine("compressed")  # which knows that the images keep their shape
    for down, (name, row) in enumerate(rows.items()):
        for across, image in enumerate(row):
            _draw_image(axes, image, (across, down), name in signed)
    axes.set(xlim=(-0.5, most - 0.5), ylim=(len(rows) - 0.5, -0.5), aspect="equal")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xticks(range(len(columns)), columns)
    _bare(axes)
    above = f" Above the columns: {', '.join(columns)}." if columns else ""
    told = "; ".join(f"{name}, {len(row)} of them" for name, row in rows.items())
    return Picture(figure, title, f"Rows of small images, {title}. From top to bottom: {told}.{above}")


def _draw_image(axes: Axes, image: np.ndarray, centre: tuple[float, float], signed: bool = False) -> None:
    half = 0.5 - _GAP / 2
    x, y = centre
    top = (np.abs(image).max() or 1) if signed else 1
    axes.imshow(
        np.asarray(image, dtype=float),
        cmap="PuOr" if signed else "gray_r",
        vmin=-top if signed else 0,
        vmax=top,
        extent=(x - half, x + half, y + half, y - half),
    )


def _bare(axes: Axes) -> None:
    axes.grid(False)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


@styled
def code_map(
    codes: np.ndarray,
    labels: Sequence[int],
    decoded: np.ndarray,
    title: str,
    *,
    marked: np.ndarray | None = None,
) -> Picture:
    """Codes of two numbers as points, and beside them what a grid of codes over the same area decodes to.

    codes : (n, 2). labels : (n,) what each is a code of; it gives the colour and the mark, and stands at
    the middle of its points. decoded : (rows, columns, height, width), the first row highest, the
    middle of each image at its code. marked : (m, 2) codes to ring, joined by a line.
    """
    figure, (left, right) = canvas(2, width=10.5, height=5.4)
    labels = np.asarray(labels)
    kinds = np.unique(labels)
    for place, kind in enumerate(kinds):
        points = codes[labels == kind]
        look = {"color": (PALETTE + (BLACK, GREY))[place % 8], "marker": _MARKS[place % len(_MARKS)]}
        left.scatter(*points.T, s=13, linewidth=0, alpha=0.65, **look)
    for kind in kinds:
        middle = np.median(codes[labels == kind], axis=0)
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": BLACK, "linewidth": 0.6}
        left.text(*middle, f"{kind}", ha="center", va="center", fontweight="bold", bbox=box)
    (x_low, y_low), (x_high, y_high) = codes.min(axis=0), codes.max(axis=0)
    rows, columns, *_ = decoded.shape
    across, up = (x_high - x_low) / columns, (y_high - y_low) / rows
    for axes in (left, right):
        axes.set(xlabel="first number of the code", xlim=(x_low, x_high), ylim=(y_low, y_high))
        if marked is not None:
            axes.plot(*marked.T, "o-", color=BLACK, markerfacecolor="none", markersize=9, linewidth=1.2)
    left.set(title="codes of digits", ylabel="second number of the code")
    right.set(title="what the decoder makes of each place")
    whole = np.vstack([np.hstack(list(row)) for row in decoded])
    right.imshow(whole, cmap="gray_r", vmin=0, vmax=1, extent=(x_low, x_high, y_low, y_high), aspect="auto")
    right.grid(False)
    told = ", ".join(
        f"{kind} around ({x:.0f}, {y:.0f})"
        for kind, (x, y) in ((k, np.median(codes[labels == k], axis=0)) for k in kinds)
    )
    return Picture(
        figure,
        title,
        f"Two panels over the same plane. Left, {len(codes)} codes as points: {told}. Right, {rows} times "
        f"{columns} images, decoded from places {across:.1f} apart across and {up:.1f} up.",
    )


@styled
def histograms(
    values: Mapping[str, Sequence[float]], xlabel: str, title: str, *, threshold: float, name: str
) -> Picture:
    """One histogram for each kind, in rows over one axis, with a line at a threshold.

    values : kind → its scores. name : of the threshold. At the right: the share of each that lies above.
    """
    figure, (axes,) = canvas(height=1.0 + 0.75 * len(values))
    low = min(np.min(scores) for scores in values.values())
    high = max(np.quantile(scores, 0.995) for scores in values.values())
    bins, told = np.linspace(low, high, 60), []
    for row, (kind, scores) in enumerate(values.items()):
        counts, _ = np.histogram(scores, bins)
        foot = len(values) - 1 - row
        tops = foot + 0.85 * counts / max(counts.max(), 1)
        axes.stairs(tops, bins, baseline=foot, fill=True, color=(PALETTE * 3)[row])
        above = np.mean(np.asarray(scores) > threshold)
        axes.text(1.01, foot + 0.3, f"{above:.0%} above", transform=axes.get_yaxis_transform(), va="center")
        told.append(f"{kind}: median {np.median(scores):.3g}, {above:.0%} above the threshold")
    axes.axvline(threshold, color=BLACK, linestyle="--", linewidth=1.3, label=name)
    axes.set_yticks(np.arange(len(values))[::-1] + 0.3, list(values))
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set(xlabel=xlabel, xlim=(low, high), ylim=(0, len(values)))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center")
    return Picture(
        figure, title, f"Histograms of {xlabel} in rows. Dashed: {name}, {threshold:.3g}. {'; '.join(told)}."
    )
