"""Rows of small images, and two-dimensional codes as a map."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from labutils.palette import BLACK, GREY, INK_COLOURS, PALETTE, SIGNED_COLOURS, WHITE
from labutils.plots.style import Numbers, Picture, canvas, check_equally_many, check_names, styled

_HALF = 0.47  # of an image's width; what is left to 0.5 is the gap
_INCHES = 0.68  # from one image to the next
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


@styled
def images(
    rows: Mapping[str, np.ndarray],
    title: str,
    *,
    columns: Sequence[str] = (),
    signed: Collection[str] = (),
) -> Picture:
    """Draw a row of images for each name, in black ink on white paper; return a `Picture`.

    Parameters
    ----------
    rows : name → (n, height, width), 0 = paper, 1 = ink; values beyond are clipped.
    title : a few words that name the picture.
    columns : what stands above each.
    signed : names of rows with negative values: orange below zero, white at zero, purple above, each
        image to its own scale.

    Raises
    ------
    ValueError
        Where there is no image, `columns` has not one name for each image of the longest row, or `signed`
        names what is not among the rows.
    """
    most = max(map(len, rows.values()), default=0)
    if not most:
        raise ValueError("there is nothing to draw: give at least one row of images")
    if columns and len(columns) != most:
        raise ValueError(f"{len(columns)} names for {most} columns of images")
    check_names("signed", signed, rows, "rows")
    width = _INCHES * most + 0.085 * max(map(len, rows)) + 0.4  # of the images, and of the longest name
    figure, (axes,) = canvas(width=width, height=_INCHES * len(rows) + 0.25 + 0.2 * bool(columns))
    figure.set_layout_engine("compressed")  # which knows that the images keep their shape
    for down, (name, row) in enumerate(rows.items()):
        for across, image in enumerate(row):
            top = (np.abs(image).max() or 1) if name in signed else 1
            low, cmap = (-top, SIGNED_COLOURS) if name in signed else (0, INK_COLOURS)
            extent = (across - _HALF, across + _HALF, down + _HALF, down - _HALF)
            axes.imshow(np.asarray(image, dtype=float), cmap=cmap, vmin=low, vmax=top, extent=extent)
    axes.set(xlim=(-0.5, most - 0.5), ylim=(len(rows) - 0.5, -0.5), aspect="equal")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xticks(range(len(columns)), columns)
    axes.grid(False)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    above = f" Above the columns: {', '.join(columns)}." if columns else ""
    counts = "; ".join(f"{name}, {len(row)} of them" for name, row in rows.items())
    return Picture(figure, title, f"Rows of small images, {title}. From top to bottom: {counts}.{above}")


@styled
def code_map(codes: np.ndarray, labels: Numbers, decoded: np.ndarray, title: str) -> Picture:
    """Draw two-dimensional codes as points, and what codes among them decode to; return a `Picture`.

    Beside the points stands what a grid of codes over the same area decodes to.

    Parameters
    ----------
    codes : (n, 2).
    labels : (n,), give colour and marker, and stand at the median of their points.
    decoded : (rows, columns, height, width), the first row highest, the middle of each image at its code.
    title : a few words that name the picture.

    Raises
    ------
    ValueError
        Where there is no code, or not one label for each.
    """
    labels, alt_parts = np.asarray(labels), []
    check_equally_many(title, {"codes": len(codes), "labels": len(labels)})
    figure, (left, right) = canvas(2, width=10.5, height=5.4)
    box = {"boxstyle": "round,pad=0.15", "facecolor": WHITE, "edgecolor": BLACK, "linewidth": 0.6}
    for i, label in enumerate(np.unique(labels)):
        points = codes[labels == label]
        colour, marker = (PALETTE + (BLACK, GREY))[i % 8], _MARKERS[i % len(_MARKERS)]
        left.scatter(points[:, 0], points[:, 1], s=13, linewidth=0, alpha=0.65, color=colour, marker=marker)
        x, y = np.median(points, axis=0)
        left.text(x, y, f"{label}", ha="center", va="center", fontweight="bold", bbox=box)
        alt_parts.append(f"{label} around ({x:.0f}, {y:.0f})")
    (x_low, y_low), (x_high, y_high) = codes.min(axis=0), codes.max(axis=0)
    rows, columns, *_ = decoded.shape
    across, up = (x_high - x_low) / columns, (y_high - y_low) / rows
    for axes in (left, right):
        axes.set(xlabel="first component of the code", xlim=(x_low, x_high), ylim=(y_low, y_high))
    left.set(title="codes of digits", ylabel="second component of the code")
    right.set(title="what the decoder makes of each code")
    whole = np.vstack([np.hstack(list(row)) for row in decoded])
    right.imshow(
        whole, cmap=INK_COLOURS, vmin=0, vmax=1, extent=(x_low, x_high, y_low, y_high), aspect="auto"
    )
    right.grid(False)
    return Picture(
        figure,
        title,
        f"Two panels over the same plane. Left, {len(codes)} codes as points: {', '.join(alt_parts)}. Right, "
        f"{rows} times {columns} images, decoded from codes {across:.1f} apart across and {up:.1f} up.",
    )
