"""Charts as SVG text: drawn in a millisecond, sharp at every size, in the colours of the reader's theme."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.image import imsave

WIDTH, HEIGHT = 660, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 14, 34, 50
_LETTER = 7  # the width of an average letter at font size 13
_MARKERS_UP_TO = 30  # points on a line; more of them would hide it
# JupyterLab's own variables, so that a chart follows the dark theme; the fallback serves everywhere else
INK, FAINT = "var(--jp-ui-font-color1, #1a1a1a)", "var(--jp-border-color2, #cccccc)"
PAPER = "var(--jp-layout-color0, #ffffff)"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8A5A83", "#6B6B00")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2")
FALLS, RISES = (230, 159, 0), (86, 180, 233)  # orange, blue


@dataclass(frozen=True)
class Line:
    """A named line: x and y of equal length, a colour and a dash by number, "circle" or "square" marks."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    dash: int = 0
    marker: str = ""


def line_chart(
    lines: Sequence[Line],
    xlabel: str,
    ylabel: str,
    *,
    references: Mapping[str, float] | None = None,
    logy: bool = False,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    whole_x: bool = False,
    room: int = 0,
    note: str = "",
    alt: str = "",
) -> str:
    """Return an SVG chart of named lines.

    references : name → y, fixed lines with their names at the right. logy : a logarithmic y-axis. xlim,
    ylim : the ranges of the axes, widened to what is drawn. whole_x : x is counted, so it has no ticks
    between whole numbers. room : letters to leave room for at the right, so that charts with other
    references line up. note : written across the middle.
    Values that are not finite, or not above zero on a logarithmic axis, leave a gap in their line.
    Raises ValueError when nothing gives the axes a range.
    """
    references = {n: float(y) for n, y in (references or {}).items() if drawable(float(y), logy)}
    points = [(x, y) for line in lines for run in _runs(line.x, line.y, logy) for x, y in run]
    xs = [x for x, _ in points] + list(xlim or ())
    ys = [y for _, y in points] + list(references.values()) + list(ylim or ())
    if not xs or not ys:
        raise ValueError("there is nothing to draw: no value is a finite number that the axis can show")
    x_low, x_high = _stretched(min(xs), max(xs))
    y_low, y_high = _stretched(*((math.log10(f(ys)) if logy else f(ys)) for f in (min, max)))
    letters = max([room, *map(len, references)])
    right = _RIGHT + (_LETTER * letters + 8 if letters else 0)
    rows = _legend_rows([line.name for line in lines], WIDTH - _LEFT - _RIGHT)
    top = _TOP + 20 * max(0, len(rows) - 1)
    bottom = HEIGHT - _BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low)
        up = ((math.log10(y) if logy else y) - y_low) / (y_high - y_low)
        return _LEFT + across * (WIDTH - _LEFT - right), bottom - up * (bottom - top)

    parts = []
    for tick, label in _log_ticks(y_low, y_high) if logy else _plain_ticks(y_low, y_high):
        y = place(x_low, tick)[1]
        parts.append(_line(_LEFT, y, WIDTH - right, y, FAINT) + _text(_LEFT - 8, y + 4, label, "end"))
    for tick, label in _plain_ticks(x_low, x_high, finest=1 if whole_x else 0):
        parts.append(_text(place(tick, ys[0])[0], bottom + 18, label, "middle"))
    longest = max((len(line.x) for line in lines), default=0)
    heights = {name: place(x_low, y)[1] for name, y in references.items()}
    for name, label_y in _apart(heights, top, bottom).items():
        y, edge = heights[name], WIDTH - right
        parts.append(
            f'<polyline points="{_LEFT},{y:.1f} {edge},{y:.1f} {edge + 6},{label_y:.1f}" fill="none" '
            f'stroke="{INK}" stroke-dasharray="2 3"/>' + _text(edge + 9, label_y + 4, name)
        )
    for line, (left, row) in zip(lines, (spot for spots in rows for spot in spots)):
        dash = DASHES[line.dash % len(DASHES)]
        style = f'fill="none" stroke="{_colour(line)}" stroke-width="2" stroke-dasharray="{dash}"'
        y = 14 + 20 * row
        parts.append(f'<line x1="{left}" y1="{y}" x2="{left + 28}" y2="{y}" {style}/>')
        parts.append(_mark(line, left + 14, y) + _text(left + 34, y + 4, line.name))
        for run in _runs(line.x, line.y, logy):
            path = [place(*point) for point in run]
            told = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
            parts.append(f'<polyline points="{told}" {style}/>')
            if longest <= _MARKERS_UP_TO:
                parts += [_mark(line, x, y) for x, y in path]
    if note:
        parts.append(_text((_LEFT + WIDTH - right) / 2, (top + bottom) / 2, note, "middle", halo=True))
    parts.append(_text((_LEFT + WIDTH - right) / 2, HEIGHT - 10, xlabel, "middle"))
    middle = (top + bottom) / 2
    parts.append(f'<g transform="rotate(-90 16 {middle})">{_text(16, middle, ylabel, "middle")}</g>')
    return wrapped("".join(parts), WIDTH, HEIGHT, alt)


def bar_rows(
    rows: Mapping[str, Sequence[float]], labels: Sequence[str], *, chosen: int | None = None, alt: str = ""
) -> str:
    """Return an SVG with one row of bars for each name, one bar for each label.

    A row reaches from -1 to 1, or as far as its values do. chosen : the place of a bar to be framed in
    every row.
    """
    row_height, left = 74, 118
    width = WIDTH - left - _RIGHT
    step = width / max(len(labels), 1)
    height = row_height * len(rows) + 34
    parts = []
    for i, (name, values) in enumerate(rows.items()):
        middle, scale = row_height * i + 40, 27
        parts.append(
            _line(left, middle, WIDTH - _RIGHT, middle, FAINT) + _text(left - 38, middle + 4, name, "end")
        )
        finite = [float(value) if math.isfinite(value) else 0.0 for value in values]
        top = max(1.0, *map(abs, finite))
        for sign in (1, -1):
            parts.append(_text(left - 8, middle - sign * scale + 4, f"{sign * top:.2g}", "end"))
        for t, value in enumerate(finite):
            x, tall = left + t * step + 0.15 * step, abs(value) / top * scale
            y = middle - tall if value > 0 else middle
            colour = COLOURS[0] if value > 0 else COLOURS[1]
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{0.7 * step:.1f}" height="{max(tall, 0.5):.1f}" '
                f'fill="{colour}"/>'
            )
        if chosen is not None:
            parts.append(
                f'<rect x="{left + chosen * step:.1f}" y="{middle - 32}" width="{step:.1f}" height="64" '
                f'fill="none" stroke="{INK}" stroke-width="1.5"/>'
            )
    every = max(1, len(labels) // 40)
    for t in range(0, len(labels), every):
        parts.append(_text(left + (t + 0.5) * step, height - 8, labels[t], "middle"))
    return wrapped("".join(parts), WIDTH, height, alt)


def heat_map(values: Sequence[Sequence[float]], xlabel: str, ylabel: str, *, alt: str = "") -> str:
    """Return an SVG of coloured cells, one row for each row of `values`.

    Orange is below zero, white zero, blue above; the full colours stand for the largest size there is.
    """
    if not len(values) or not len(values[0]):
        raise ValueError("there is nothing to draw: the map has no cells")
    largest = max((abs(value) for line in values for value in line if math.isfinite(value)), default=0) or 1
    left, top, height = 60, 30, 8 * len(values)
    wide, tall = (WIDTH - left - _RIGHT) / len(values[0]), 8
    cells: dict[str, list[str]] = {}
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            path = f"M{left + column * wide:.2f} {top + row * tall}h{wide:.2f}v{tall}h-{wide:.2f}z"
            share = value / largest if math.isfinite(value) else 0
            cells.setdefault(shade(round(share * 10) / 10), []).append(path)
    crisp = 'shape-rendering="crispEdges"'  # or hairlines show between the cells
    parts = [f'<path d="{"".join(paths)}" fill="{colour}" {crisp}/>' for colour, paths in cells.items()]
    for i, share in enumerate((-1, -0.5, 0, 0.5, 1)):
        parts.append(
            f'<rect x="{left + 76 * i}" y="6" width="14" height="14" fill="{shade(share)}" stroke="{FAINT}"/>'
        )
        parts.append(_text(left + 76 * i + 18, 18, f"{share * largest:.2g}"))
    for column, label in _plain_ticks(1, max(2, len(values[0])), finest=1):
        parts.append(_text(left + (column - 0.5) * wide, top + height + 16, label, "middle"))
    parts.append(_text((left + WIDTH - _RIGHT) / 2, top + height + 36, xlabel, "middle"))
    middle = top + height / 2
    parts.append(f'<g transform="rotate(-90 30 {middle})">{_text(30, middle, ylabel, "middle")}</g>')
    return wrapped("".join(parts), WIDTH, top + height + 46, alt)


def image_rows(rows: Mapping[str, np.ndarray], *, note: str = "", alt: str = "") -> str:
    """Return an SVG with one row of images for each name, in black ink on white paper.

    rows : name → (n, height, width), 0 = paper, 1 = ink, what lies beyond is cut off. note : below them.
    """
    n, tall, wide = max((np.shape(images) for images in rows.values()), default=(0, 0, 0))
    if not n * tall * wide:
        raise ValueError("there is nothing to draw: give at least one row of images")
    left, gap, top = 118, 4, 6.0
    step = min(72.0, (WIDTH - left - _RIGHT) / n)
    height = (step - gap) * tall / wide
    parts = []
    for name, images in rows.items():
        parts.append(_text(left - 10, top + height / 2 + 4, name, "end"))
        for i, image in enumerate(images):
            parts.append(
                f'<image x="{left + i * step:.1f}" y="{top:.1f}" width="{step - gap:.1f}" '
                f'height="{height:.1f}" preserveAspectRatio="none" style="image-rendering:pixelated" '
                f'href="data:image/png;base64,{_png(image)}"/>'
            )
        top += height + gap
    if note:
        parts.append(_text(left, top + 14, note))
        top += 20
    return wrapped("".join(parts), WIDTH, round(top + 6), alt)


def _png(image: np.ndarray) -> str:
    file = io.BytesIO()
    imsave(file, np.clip(image, 0, 1), cmap="gray_r", vmin=0, vmax=1, format="png")
    return base64.b64encode(file.getvalue()).decode()


def form(fields: Sequence[tuple[str, str]], buttons: Sequence[str]) -> str:
    """Return an SVG that looks like labelled fields, (label, what stands in it), over a row of buttons."""
    parts, left, top = [], 6, 6
    for label, text in fields:
        wide = max(160, _LETTER * len(label) + 16)
        if left + wide > WIDTH and left > 6:
            left, top = 6, top + 54
        parts.append(
            _text(left, top + 12, label)
            + _box(left, top + 18, 150, "#ffffff")
            + _text(left + 8, top + 35, text)
        )
        left += wide
    top += 56
    for i, text in enumerate(buttons):
        left = 6 + 112 * i
        parts.append(_box(left, top, 100, "#00558b"))
        parts.append(_text(left + 50, top + 17, text, "middle").replace(INK, "#ffffff"))
    return wrapped("".join(parts), WIDTH, top + 38, "")


def below(pictures: Sequence[str]) -> str:
    """Return one SVG with pictures of this module below each other."""
    parts, top = [], 0.0
    for picture in pictures:
        height = float(re.match(r'<svg [^>]*viewBox="0 0 [\d.]+ ([\d.]+)"', picture)[1])
        parts.append(picture.replace("<svg ", f'<svg y="{top}" width="{WIDTH}" height="{height}" ', 1))
        top += height
    return wrapped("".join(parts), WIDTH, top, "")


def shade(value: float) -> str:
    """Return the colour of a change: orange for -1, white for 0, blue for 1."""
    strength = min(abs(value), 1.0)
    end = RISES if value > 0 else FALLS
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02x}" for part in end)


def wrapped(inside: str, width: float, height: float, alt: str) -> str:
    """Return a whole SVG that a screen reader announces as one image with this text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{_escaped(alt)}" font-family="sans-serif" font-size="13" '
        f'style="width:100%;max-width:{width}px;min-width:480px">{inside}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", halo: bool = False) -> str:
    around = f' paint-order="stroke" stroke-width="8" stroke="{PAPER}"' if halo else ""
    placed = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {placed} fill="{INK}"{around}>{_escaped(text)}</text>'


def _box(x: float, y: float, width: float, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="26" fill="{fill}" stroke="#767676"/>'


def _escaped(text: str) -> str:
    """Return a text for XML, which has no place for control characters."""
    return html.escape("".join(c if c.isprintable() or c in "\n\t" else " " for c in text))


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _colour(line: Line) -> str:
    return COLOURS[line.colour % len(COLOURS)]


def _mark(line: Line, x: float, y: float) -> str:
    if line.marker == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_colour(line)}"/>'
    if line.marker == "square":
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{_colour(line)}"/>'
    return ""


def _legend_rows(names: Sequence[str], width: float) -> list[list[tuple[int, int]]]:
    """Return for each row of the legend where its entries begin: (x, row)."""
    rows, left = [[]], _LEFT
    for name in names:
        wide = 50 + _LETTER * len(name)
        if rows[-1] and left + wide > _LEFT + width:
            rows.append([])
            left = _LEFT
        rows[-1].append((left, len(rows) - 1))
        left += wide
    return rows


def _apart(heights: Mapping[str, float], top: float, bottom: float) -> dict[str, float]:
    """Return heights for labels, in the same order on the page, that leave room for a line of text each."""
    line, spread, last = 15, {}, -math.inf
    for name in sorted(heights, key=heights.get):
        last = spread[name] = max(heights[name], last + line, top)
    limit = bottom
    for name in reversed(spread):
        spread[name] = min(spread[name], limit)
        limit = spread[name] - line
    return spread


def drawable(value: float, logy: bool) -> bool:
    """Whether an axis can show this value."""
    return math.isfinite(value) and (value > 0 or not logy)


def _runs(xs: Sequence[float], ys: Sequence[float], logy: bool) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys):
        if drawable(float(y), logy):
            runs[-1].append((float(x), float(y)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _stretched(low: float, high: float) -> tuple[float, float]:
    around = max(0.5, 1e-3 * abs(low))
    return (low, high) if high > low else (low - around, high + around)


def _plain_ticks(low: float, high: float, finest: float = 0) -> list[tuple[float, str]]:
    """Return up to eight round numbers from low to high, in steps of 1, 2 or 5 times a power of ten."""
    rough = max((high - low) / 6, finest)
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(i * step, f"{i * step:.4g}") for i in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return powers of ten between two exponents; 1, 2 and 5 times them where there are few."""
    exponents = range(math.floor(low), math.ceil(high) + 1)
    if high - low < 2.5:
        values = [m * 10.0**e for e in exponents for m in (1, 2, 5)]
        return [(v, f"{v:g}") for v in values if low <= math.log10(v) + 1e-9 and math.log10(v) <= high + 1e-9]
    every = math.ceil((high - low) / 7)
    inside = [e for e in exponents if low - 1e-9 <= e <= high + 1e-9 and e % every == 0]
    return [(10.0**e, f"10{_raised(e)}") for e in inside]


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
