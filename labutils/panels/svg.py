"""Charts as SVG text: drawn in a millisecond, sharp at every size, in the colours of the reader's theme."""

from __future__ import annotations

import base64
import html
import io
import itertools
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imsave
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from labutils import palette

WIDTH, HEIGHT = 660, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 14, 34, 50
_LETTER = 7  # the width of an average letter at font size 13
_MOST_MARKERS = 30  # points on a line; more of them would hide it
# JupyterLab's own variables, so that a chart follows the dark theme; the fallback serves everywhere else
INK, FAINT = "var(--jp-ui-font-color1, #1a1a1a)", "var(--jp-border-color2, #cccccc)"
PAPER = "var(--jp-layout-color0, #ffffff)"
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Numbers = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Line:
    """A named line through points."""

    name: str
    x: Numbers
    y: Numbers  # as many
    colour: int = 0  # by number, of palette.LINES
    dash: int = 0  # by number, of DASHES
    marker: str = ""  # or "circle", "square"
    half_widths: Numbers = ()  # of an interval around each y, NaN for none


def line_chart(
    lines: Sequence[Line],
    xlabel: str,
    ylabel: str,
    *,
    references: Mapping[str, float] | None = None,
    logy: bool = False,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    letters_at_right: int = 0,
    note: str = "",
    alt: str = "",
) -> str:
    """Return an SVG chart of named lines; ValueError where nothing gives the axes a range.

    A value that is not finite, or not above 0 where `logy` asks for a logarithmic axis, leaves a gap; an
    x-axis of whole numbers has no ticks between them.

    Parameters
    ----------
    lines : on common axes.
    xlabel, ylabel : names of the axes.
    references : name → y, fixed lines named at the right.
    logy : True for a logarithmic y-axis.
    xlim, ylim : least ranges.
    letters_at_right : of the longest name for which there is room at the right, so that charts with other
        references line up.
    note : what is written across the middle.
    alt : the chart in words.
    """
    references = {n: float(y) for n, y in (references or {}).items() if drawable(float(y), logy)}
    segments = [_segments(line, logy) for line in lines]
    points = list(itertools.chain(*itertools.chain(*segments)))
    xs = [x for x, _ in points] + list(xlim or ())
    intervals = [*itertools.chain(*(_intervals(line, logy) for line in lines))]
    ys = (
        [y for _, y in points]
        + [end for _, *ends in intervals for end in ends]
        + list(references.values())
        + [y for y in ylim or () if drawable(y, logy)]
    )
    if not xs or not ys:
        raise ValueError("there is nothing to draw: no value is a finite number that the axis can show")
    scale = math.log10 if logy else float
    x_ends, y_ends = _widened(min(xs), max(xs)), _widened(scale(min(ys)), scale(max(ys)))
    legend, top = _legend(lines)
    letters, bottom = max([letters_at_right, *map(len, references)]), HEIGHT - _BOTTOM
    edge = WIDTH - _RIGHT - (_LETTER * letters + 8 if letters else 0)
    across, up = _between(x_ends, _LEFT, edge), _between(y_ends, bottom, top, scale)
    parts = []
    for tick, label in (_log_ticks if logy else _ticks)(*y_ends):
        parts.append(_line(_LEFT, up(tick), edge, up(tick), stroke=FAINT))
        parts.append(_text(_LEFT - 8, up(tick) + 4, label, "end"))
    for tick, label in _ticks(*x_ends, whole=all(float(x).is_integer() for x in xs)):
        parts.append(_text(across(tick), bottom + 18, label, "middle"))
    parts += _reference_lines({name: up(y) for name, y in references.items()}, edge, top, bottom)
    has_markers = all(len(line.x) <= _MOST_MARKERS for line in lines)
    for line, entry, pieces in zip(lines, legend, segments):
        parts.append(entry)
        for piece in pieces:
            path = [(across(x), up(y)) for x, y in piece]
            parts.append(_path(path, **_stroke(line)))
            parts += [_marker(line, *place) for place in path if has_markers]
        for x, low, high in _intervals(line, logy):
            parts.append(
                _line(across(x), up(low), across(x), up(high), **_stroke(line) | {"stroke_width": 1.5})
            )
    middle, centre = (top + bottom) / 2, (_LEFT + edge) / 2
    halo = dict(paint_order="stroke", stroke=PAPER, stroke_width=8)
    parts += [_text(centre, middle, note, "middle", **halo)] if note else []
    parts += _axis_labels(xlabel, centre, HEIGHT - 10, ylabel, 16, middle)
    return _svg(parts, HEIGHT, alt)


def bar_rows(rows: Mapping[str, Numbers], labels: Sequence[str], chosen: int, alt: str = "") -> str:
    """Return an SVG with one row of bars for each name, from -1 to 1, or as far as its values go.

    Parameters
    ----------
    rows : name → its values.
    labels : what stands below each value, words upright.
    chosen : the index of the bar that is framed.
    alt : the chart in words.
    """
    row_height, left, size, longest = 74, 118, 27, max(map(len, labels), default=0)
    step = (WIDTH - left - _RIGHT) / max(len(labels), 1)
    words, bottom = longest > 3, row_height * len(rows)
    wide = any(unicodedata.east_asian_width(letter) in "WF" for label in labels for letter in label)
    height = bottom + (16 + (10 if wide else 6) * longest if words else 34)
    parts = []
    for i, (name, values) in enumerate(rows.items()):
        middle = row_height * i + 40
        parts.append(_line(left, middle, WIDTH - _RIGHT, middle, stroke=FAINT))
        parts.append(_text(left - 38, middle + 4, name, "end"))
        values = np.nan_to_num(np.asarray(values, float), posinf=0, neginf=0)
        top = max(1.0, *abs(values))
        for sign in (1, -1):
            parts.append(_text(left - 8, middle - sign * size + 4, f"{sign * top:.2g}", "end"))
        for t, value in enumerate(values):
            tall = abs(value) / top * size
            y, colour = (middle - tall, palette.BLUE) if value > 0 else (middle, palette.RED)
            parts.append(_box(left + (t + 0.15) * step, y, 0.7 * step, max(tall, 0.5), fill=colour))
        frame = dict(fill="none", stroke=INK, stroke_width=1.5)
        parts.append(_box(left + chosen * step, middle - 32, step, 64, **frame))
    for t in range(0, len(labels), max(1, -(-len(labels) // (60 if words else 40)))):
        x = left + (t + 0.5) * step
        if words:
            turned = f"rotate(-90 {x + 3:.1f} {bottom + 10})"
            parts.append(_text(x + 3, bottom + 10, labels[t], "end", transform=turned, font_size=10))
        else:
            parts.append(_text(x, height - 8, labels[t], "middle"))
    return _svg(parts, height, alt)


def heat_map(values: ArrayLike, xlabel: str, ylabel: str, *, alt: str = "") -> str:
    """Return an SVG of coloured cells, one row for each row of `values`, (rows, columns).

    Orange is below zero, white zero, blue above; the full colours stand for the largest size there is.

    Parameters
    ----------
    values : (rows, columns).
    xlabel, ylabel : names of the axes.
    alt : the map in words.
    """
    table = np.nan_to_num(np.asarray(values, float), posinf=0, neginf=0)
    if not table.size:
        raise ValueError("there is nothing to draw: the map has no cells")
    largest = abs(table).max() or 1
    left, top, tall, height = 60, 30, 8, 8 * len(table)
    wide = (WIDTH - left - _RIGHT) / table.shape[1]
    levels, parts = np.round(table / largest, 1), []
    for level in np.unique(levels):
        cells = "".join(
            f"M{left + column * wide:.2f} {top + row * tall}h{wide:.2f}v{tall}h-{wide:.2f}z"
            for row, column in np.argwhere(levels == level)
        )  # crisp edges, or hairlines show between the cells
        parts.append(_element("path", d=cells, fill=shade(level), shape_rendering="crispEdges"))
    for i, share in enumerate((-1, -0.5, 0, 0.5, 1)):
        parts.append(_box(left + 76 * i, 6, 14, 14, fill=shade(share), stroke=FAINT))
        parts.append(_text(left + 76 * i + 18, 18, f"{share * largest:.2g}"))
    for column, label in _ticks(1, max(2, table.shape[1]), whole=True):
        parts.append(_text(left + (column - 0.5) * wide, top + height + 16, label, "middle"))
    bottom = top + height + 36
    parts += _axis_labels(xlabel, (left + WIDTH - _RIGHT) / 2, bottom, ylabel, 30, top + height / 2)
    return _svg(parts, bottom + 10, alt)


def image_rows(rows: Mapping[str, np.ndarray], *, note: str = "", alt: str = "") -> str:
    """Return an SVG with one row of images for each name, in black ink on white paper.

    Parameters
    ----------
    rows : name → (n, height, width), 0 = paper, 1 = ink, what lies beyond is clipped.
    note : what is written below them.
    alt : what they show, in words.
    """
    n, tall, wide = max((np.shape(images) for images in rows.values()), default=(0, 0, 0))
    if not n * tall * wide:
        raise ValueError("there is nothing to draw: give at least one row of images")
    left, gap, top = 118, 4, 6.0
    step = min(72.0, (WIDTH - left - _RIGHT) / n)
    size = {"width": step - gap, "height": (step - gap) * tall / wide}
    style = {"preserveAspectRatio": "none", "style": "image-rendering:pixelated"}
    parts = []
    for name, images in rows.items():
        parts.append(_text(left - 10, top + size["height"] / 2 + 4, name, "end"))
        for i, image in enumerate(images):
            source = f"data:image/png;base64,{_png(image)}"
            parts.append(_element("image", x=left + i * step, y=top, **size, **style, href=source))
        top += size["height"] + gap
    if note:
        parts.append(_text(left, top + 14, note))
        top += 20
    return _svg(parts, round(top + 6), alt)


def shade(value: float) -> str:
    """Return the colour of a change: orange for -1, white for 0, blue for 1."""
    end = np.array(to_rgb(palette.SKY if value > 0 else palette.ORANGE))
    red, green, blue = 1 + (end - 1) * min(abs(value), 1.0)
    return to_hex((red, green, blue))


def drawable(value: float, logy: bool = False) -> bool:
    """Whether an axis can show this value."""
    return math.isfinite(value) and (value > 0 or not logy)


def _svg(parts: Sequence[str], height: float, alt: str) -> str:
    """Return a whole SVG that a screen reader announces as one image with this text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{_escaped(alt)}" font-family="sans-serif" font-size="13" '
        f'style="width:100%;max-width:{WIDTH}px;min-width:480px">{"".join(parts)}</svg>'
    )


def _element(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an element; the attribute stroke-width is given as `stroke_width`, a float is rounded."""
    pairs = (
        f'{key.replace("_", "-")}="{f"{value:.1f}" if isinstance(value, float) else value}"'
        for key, value in attributes.items()
    )
    return f"<{name} {' '.join(pairs)}>{content}</{name}>"


def _text(x: float, y: float, text: str, anchor: str = "start", **style: object) -> str:
    return _element("text", _escaped(text), x=x, y=y, text_anchor=anchor, **{"fill": INK} | style)


def _box(x: float, y: float, width: float, height: float, **style: object) -> str:
    return _element("rect", x=x, y=y, width=width, height=height, **style)


def _line(x1: float, y1: float, x2: float, y2: float, **style: object) -> str:
    return _element("line", x1=x1, y1=y1, x2=x2, y2=y2, **style)


def _path(points: Sequence[tuple[float, float]], **style: object) -> str:
    return _element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), fill="none", **style)


def _stroke(line: Line) -> dict[str, object]:
    colour, dash = palette.LINES[line.colour % len(palette.LINES)], DASHES[line.dash % len(DASHES)]
    return dict(stroke=colour, stroke_width=2, stroke_dasharray=dash)


def _marker(line: Line, x: float, y: float) -> str:
    colour = _stroke(line)["stroke"]
    if line.marker == "circle":
        return _element("circle", cx=x, cy=y, r=3.5, fill=colour)
    return _box(x - 3, y - 3, 6, 6, fill=colour) if line.marker == "square" else ""


def _between(ends: Sequence[float], first: float, last: float, scale: Callable = float) -> Callable:
    """Return what places a value on the page, by its scale: one end at `first`, the other at `last`."""
    low, high = ends
    return lambda value: first + (scale(value) - low) / (high - low) * (last - first)


def _legend(lines: Sequence[Line]) -> tuple[list[str], int]:
    """Return what names each line above a chart, and where the chart may begin."""
    entry = max([50 + _LETTER * len(line.name) for line in lines], default=WIDTH)
    columns, entries = max(1, (WIDTH - _LEFT - _RIGHT) // entry), []
    for i, line in enumerate(lines):
        left, y = _LEFT + entry * (i % columns), 14 + 20 * (i // columns)
        sample = _line(left, y, left + 28, y, **_stroke(line)) + _marker(line, left + 14, y)
        entries.append(sample + _text(left + 34, y + 4, line.name))
    return entries, _TOP + 20 * max(0, math.ceil(len(lines) / columns) - 1)


def _reference_lines(heights: Mapping[str, float], edge: float, top: float, bottom: float) -> Iterator[str]:
    for name, label_y in _spread(heights, top, bottom).items():
        corners = [(_LEFT, heights[name]), (edge, heights[name]), (edge + 6, label_y)]
        yield _path(corners, stroke=INK, stroke_dasharray="2 3")
        yield _text(edge + 9, label_y + 4, name)


def _axis_labels(xlabel: str, x: float, below: float, ylabel: str, left: float, y: float) -> Iterator[str]:
    yield _text(x, below, xlabel, "middle")
    yield _element("g", _text(left, y, ylabel, "middle"), transform=f"rotate(-90 {left} {y})")


def _escaped(text: str) -> str:
    """Return a text for XML, which has no place for control characters."""
    return html.escape("".join(c if c.isprintable() or c in "\n\t" else " " for c in text))


def _png(image: np.ndarray) -> str:
    file = io.BytesIO()
    imsave(file, np.clip(image, 0, 1), cmap="gray_r", vmin=0, vmax=1, format="png")
    return base64.b64encode(file.getvalue()).decode()


def _spread(heights: Mapping[str, float], top: float, bottom: float) -> dict[str, float]:
    """Return heights for labels, in the same order on the page, that leave room for a line of text each."""
    line, spread, last = 15, {}, -math.inf
    for name in sorted(heights, key=heights.__getitem__):
        last = spread[name] = max(heights[name], last + line, top)
    limit = bottom
    for name in reversed(spread):
        spread[name] = min(spread[name], limit)
        limit = spread[name] - line
    return spread


def _segments(line: Line, logy: bool) -> list[list[tuple[float, float]]]:
    """Return the points of a line, cut where a value cannot be drawn."""
    points = ((float(x), float(y)) for x, y in zip(line.x, line.y))
    groups = itertools.groupby(points, key=lambda point: drawable(point[0]) and drawable(point[1], logy))
    return [list(group) for can_be_drawn, group in groups if can_be_drawn]


def _intervals(line: Line, logy: bool) -> Iterator[tuple[float, float, float]]:
    """Yield x and both ends of each interval that can be drawn."""
    for x, y, half in zip(line.x, line.y, line.half_widths):
        ends = float(y - half), float(y + half)
        if all(drawable(end, logy) for end in ends):
            yield float(x), *ends


def _widened(low: float, high: float) -> tuple[float, float]:
    around = max(0.5, 1e-3 * abs(low))
    return (low, high) if high > low else (low - around, high + around)


def _ticks(low: float, high: float, whole: bool = False) -> list[tuple[float, str]]:
    """Return up to seven round numbers from low to high with labels; if `whole`, whole numbers alone."""
    locator = MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=1)
    beyond = 1e-9 * (high - low)
    ticks = [float(t) + 0.0 for t in locator.tick_values(low, high) if low - beyond <= t <= high + beyond]
    return [(t, f"{t:.4g}") for t in ticks]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return ticks between two exponents: powers of ten, 1, 2 and 5 times them, or any round numbers."""
    if high - low >= 2.5:
        return [(10.0**e, f"10{str(round(e)).translate(_SUPERSCRIPTS)}") for e, _ in _ticks(low, high, True)]
    if high - low < 0.7:
        return _ticks(10**low, 10**high)
    values = [m * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    return [(v, f"{v:g}") for v in values if low - 1e-9 <= math.log10(v) <= high + 1e-9]
