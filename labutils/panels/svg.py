"""Charts as SVG text: drawn in a millisecond, sharp at every size, in the colours of the reader's theme."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 660, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 14, 34, 50
# JupyterLab's own variables, so that a chart follows the dark theme; the fallback serves everywhere else
INK, FAINT = "var(--jp-ui-font-color1, #1a1a1a)", "var(--jp-border-color2, #cccccc)"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8A5A83", "#6B6B00")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2")


def line_chart(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    xlabel: str,
    ylabel: str,
    *,
    logy: bool = False,
    alt: str = "",
) -> str:
    """Return an SVG chart of named lines, name → (x, y), each with a colour and a dash of its own.

    Values that are not finite, or not above zero on a logarithmic axis, leave a gap in their line.
    """
    points = [
        (float(x), float(y)) for xs, ys in lines.values() for x, y in zip(xs, ys) if _drawable(float(y), logy)
    ]
    if not points:
        raise ValueError("there is nothing to draw: no value is a finite number that the axis can show")
    x_low, x_high = _stretched(min(x for x, _ in points), max(x for x, _ in points))
    ys = [math.log10(y) if logy else y for _, y in points]
    y_low, y_high = _stretched(min(ys), max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low)
        up = ((math.log10(y) if logy else y) - y_low) / (y_high - y_low)
        return (
            _LEFT + across * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM),
        )

    parts = []
    for tick, label in _log_ticks(y_low, y_high) if logy else _plain_ticks(y_low, y_high):
        y = place(x_low, tick)[1]
        parts.append(_line(_LEFT, y, WIDTH - _RIGHT, y, FAINT) + _text(_LEFT - 8, y + 4, label, "end"))
    for tick, label in _plain_ticks(x_low, x_high):
        x = place(tick, points[0][1])[0]
        parts.append(_text(x, HEIGHT - _BOTTOM + 18, label, "middle"))
    left = _LEFT
    for i, (name, (xs, ys)) in enumerate(lines.items()):
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        for run in _runs(xs, ys, logy):
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in run))
            parts.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-dasharray="{dash}"/>'
            )
        parts.append(
            f'<line x1="{left}" y1="14" x2="{left + 26}" y2="14" stroke="{colour}" stroke-width="2.5" '
            f'stroke-dasharray="{dash}"/>' + _text(left + 32, 18, name)
        )
        left += 48 + 7 * len(name)
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, xlabel, "middle"))
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
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


def wrapped(inside: str, width: float, height: float, alt: str) -> str:
    """Return a whole SVG that a screen reader announces as one image with this text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(alt)}" font-family="sans-serif" font-size="13" '
        f'style="width:100%;max-width:{width}px;min-width:480px">{inside}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{html.escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _drawable(value: float, logy: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not logy)


def _runs(xs: Sequence[float], ys: Sequence[float], logy: bool) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys):
        if _drawable(float(y), logy):
            runs[-1].append((float(x), float(y)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _stretched(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _plain_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return four to eight round numbers from low to high, in steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 6
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
