"""Drawings of recurrent networks: wirings, the unrolled network, and the cells of LSTM and GRU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from labutils.palette import BLACK, BOX, FRAME, GREY, RED, WHITE
from labutils.plots.style import Picture, canvas, styled

Point = tuple[float, float]


@styled
def wirings() -> Picture:
    """Draw the four ways to wire a recurrent network to its inputs and outputs; return a `Picture`."""
    figure, all_axes = canvas(4, width=9, height=2.7)
    examples = [
        ("one to many", [0], [0, 1, 2], 3, "a picture → its caption"),
        ("many to one", [0, 1, 2], [2], 3, "a review → its verdict"),
        ("many to many,\nstep by step", [0, 1, 2], [0, 1, 2], 3, "each value → the next"),
        ("many to many,\nread, then write", [0, 1], [2, 3], 4, "a sentence → its translation"),
    ]
    for axes, (name, inputs, outputs, steps, example) in zip(all_axes, examples):
        _blank(axes, ((steps - 5) / 2, (steps + 3) / 2), (-1.1, 3.2))
        for t in range(steps):
            _box(axes, (t, 1), "h", 0.5, 0.5)
            if t:
                _arrow(axes, [(t - 0.75, 1), (t - 0.25, 1)])
            if t in inputs:
                _round(axes, (t, 0), "x", 0.22)
                _arrow(axes, [(t, 0.22), (t, 0.75)])
            if t in outputs:
                _round(axes, (t, 2), "y", 0.22)
                _arrow(axes, [(t, 1.25), (t, 1.78)])
        axes.text((steps - 1) / 2, 3.2, name, ha="center", va="top", fontsize=10, weight="bold")
        axes.text((steps - 1) / 2, -0.75, example, ha="center", va="center", fontsize=9)
    return Picture(
        figure,
        "four wirings",
        "Four drawings of inputs x, states h and outputs y. One to many: one x, three h in a row, a y above "
        "each. Many to one: an x below each of three h, one y above the last. Many to many, step by step: "
        "an x below and a y above each h. Many to many, read then write: x below the first two of four h, "
        "y above the last two.",
    )


@styled
def unrolled(steps: int = 4, backward: bool = False) -> Picture:
    """Draw a recurrent network as a loop, and unrolled in time; return a `Picture`.

    Parameters
    ----------
    steps : in time.
    backward : True draws the path of the gradient as well.
    """
    figure, (axes,) = canvas(width=9, height=3.9 if backward else 3.4)
    _blank(axes, (-0.9, 2.4 * steps + 2.6), (-0.1, 5.1 if backward else 4.4))
    _box(axes, (0.3, 2), "$\\tanh$", 1.0, 0.8)
    _round(axes, (0.3, 0.3), "$x_t$", 0.32)
    _arrow(axes, [(0.3, 0.62), (0.3, 1.6)], "$W$")
    _arrow(axes, [(0.8, 2), (1.25, 2), (1.25, 3.05), (-0.55, 3.05), (-0.55, 2), (-0.2, 2)])
    axes.text(0.35, 3.15, "$U$, one step later", ha="center", va="bottom", fontsize=10)
    axes.text(1.75, 2, "=", fontsize=18, ha="center", va="center")
    first = 3.3
    _round(axes, (first - 0.85, 2), "$h_0$", 0.32)
    for t in range(1, steps + 1):
        x = first + 2.4 * (t - 1) + 0.6
        _round(axes, (x, 0.3), f"$x_{t}$", 0.32)
        _box(axes, (x, 2), "$\\tanh$", 1.0, 0.8)
        _arrow(axes, [(x, 0.62), (x, 1.6)], "$W$")
        _arrow(axes, [(x - (1.13 if t == 1 else 1.9), 2), (x - 0.5, 2)])
        axes.text(x - 0.84 if t == 1 else x - 1.2, 2.12, "$U$", ha="center", va="bottom", fontsize=10)
        if t < steps:
            axes.text(x + 0.72, 1.88, f"$h_{t}$", ha="center", va="top")
        if backward:
            _arrow(axes, [(x, 2.4), (x, 3.75)])
            _round(axes, (x, 4.1), f"$\\hat y_{t}$", 0.34)
            _arrow(axes, [(x + 0.42, 3.85), (x + 0.42, 2.95)], colour=RED)
            _arrow(axes, [(x + 0.42, 2.75), (x - (1.2 if t == 1 else 1.9), 2.75)], colour=RED)
    if backward:
        text = (
            "the gradient: from every output, and a factor $U^{\\top}$ and a slope of tanh for each step back"
        )
        axes.text(first - 0.9, 4.62, text, color=RED, fontsize=10, va="bottom")
    else:
        end = first + 2.4 * (steps - 1) + 0.6
        _arrow(axes, [(end, 2.4), (end, 3.55)], f"$h_{steps}$")
        _round(axes, (end, 3.95), "$\\hat y$", 0.36)
    title = "a recurrent network, unrolled"
    alt = "Left, a box tanh with an input x and an arrow from its output back to itself, U. Right, the same "
    alt += f"unrolled: {steps} boxes in a row, each with its own input below, all with the same W and U, "
    if backward:
        title += ", with the backward pass"
        alt += "and an output above each. Red arrows run from every output down, and back through all boxes "
        alt += "to the first."
    else:
        alt += "and an output above the last."
    return Picture(figure, title, alt)


@styled
def lstm() -> Picture:
    """Draw one step of an LSTM: cell state along the top, three gates, candidate; return a `Picture`."""
    figure, axes = _cell_canvas("c", {2.6: "×", 4.8: "+"})
    _round(axes, (0.4, 0.95), "$h_{t-1}$", 0.36)
    _line(axes, [(0.76, 0.95), (7.0, 0.95)])
    _gate(axes, 2.6, "$\\sigma$", "forget $f_t$")
    _gate(axes, 4.0, "$\\sigma$", "input $i_t$")
    _gate(axes, 5.6, "tanh", "candidate $g_t$")
    _gate(axes, 7.0, "$\\sigma$", "output $o_t$")
    _operation(axes, (4.8, 3.2), "×")
    _operation(axes, (8.3, 2.6), "×")
    _arrow(axes, [(2.6, 2.1), (2.6, 4.15)])
    _arrow(axes, [(4.0, 2.1), (4.0, 3.2), (4.55, 3.2)])
    _arrow(axes, [(5.6, 2.1), (5.6, 3.2), (5.05, 3.2)])
    _arrow(axes, [(4.8, 3.45), (4.8, 4.15)])
    _arrow(axes, [(7.0, 2.1), (7.0, 2.6), (8.05, 2.6)])
    _arrow(axes, [(8.3, 4.4), (8.3, 3.85)])
    _box(axes, (8.3, 3.55), "tanh", 0.8, 0.5, rounded=True)
    _arrow(axes, [(8.3, 3.3), (8.3, 2.85)])
    _arrow(axes, [(8.55, 2.6), (9.75, 2.6)])
    _round(axes, (10.1, 2.6), "$h_t$", 0.36)
    axes.text(6.9, 4.55, "the cell state: times $f_t$, plus something new", ha="center", fontsize=9)
    return Picture(
        figure,
        "one step of an LSTM",
        "The cell state runs along the top from c before to c after; on its way it is multiplied by the "
        "forget gate f, then the product of input gate i and candidate g is added. Below, the state h before "
        "and the input x feed the three gates (sigmoid) and the candidate (tanh). At the right, tanh of the "
        "new cell state times the output gate o gives the new state h.",
    )


@styled
def gru() -> Picture:
    """Draw one step of a GRU: state along the top, update gate, reset gate below; return a `Picture`."""
    figure, axes = _cell_canvas("h", {2.9: "×", 8.1: "+"})
    _line(axes, [(1.45, 4.4), (1.45, 0.95), (6.6, 0.95)])
    _gate(axes, 2.9, "$\\sigma$", "update $z_t$")
    _gate(axes, 4.7, "$\\sigma$", "reset $r_t$")
    _gate(axes, 6.6, "tanh", "candidate $g_t$", (0.5, 1.45))
    _operation(axes, (8.1, 3.4), "×")
    _arrow(axes, [(2.9, 2.1), (2.9, 4.15)])
    _arrow(axes, [(2.9, 3.4), (4.6, 3.4)])
    _box(axes, (5.0, 3.4), "$1 - z_t$", 0.8, 0.5, rounded=True)
    _arrow(axes, [(5.4, 3.4), (7.85, 3.4)])
    _arrow(axes, [(8.1, 3.65), (8.1, 4.15)])
    _arrow(axes, [(4.7, 2.1), (4.7, 2.65), (6.6, 2.65), (6.6, 2.1)])
    axes.text(4.8, 2.73, "what $g_t$ sees of $h_{t-1}$", fontsize=9, va="bottom")
    _arrow(axes, [(7.0, 1.8), (8.1, 1.8), (8.1, 3.15)])
    text = "the state: a share $z_t$ of the old, a share $1 - z_t$ of the new"
    axes.text(5.5, 4.55, text, ha="center", fontsize=9)
    return Picture(
        figure,
        "one step of a GRU",
        "The state runs along the top from h before to h after; it is multiplied by the update gate z, then "
        "the candidate g times one minus z is added. Below, the state h before and the input x feed the "
        "update gate, the reset gate (both sigmoid) and the candidate (tanh); an arrow from the reset gate "
        "to the candidate says how much of the old state the candidate may see.",
    )


def _blank(axes: Axes, x: Point, y: Point) -> None:
    axes.set(xlim=x, ylim=y, aspect="equal")
    axes.set_axis_off()


def _cell_canvas(state: str, operations: Mapping[float, str]) -> tuple[Figure, Axes]:
    """A cell with its input below, and at the top what it keeps, with the operations on it (x → sign)."""
    figure, (axes,) = canvas(width=9, height=4.5)
    _blank(axes, (-0.1, 10.6), (-0.4, 5.2))
    shape = "round,pad=0,rounding_size=0.25"
    frame = FancyBboxPatch((1.2, 0.45), 7.9, 4.6, shape, facecolor=FRAME, edgecolor=GREY, linewidth=1)
    axes.add_patch(frame)
    _round(axes, (0.4, 4.4), f"${state}_{{t-1}}$", 0.36)
    _round(axes, (10.1, 4.4), f"${state}_t$", 0.36)
    _round(axes, (1.75, -0.05), "$x_t$", 0.26)
    _line(axes, [(1.75, 0.21), (1.75, 0.95)])
    left = 0.76
    for x, sign in operations.items():
        _arrow(axes, [(left, 4.4), (x - 0.25, 4.4)])
        _operation(axes, (x, 4.4), sign)
        left = x + 0.25
    _arrow(axes, [(left, 4.4), (9.75, 4.4)])
    return figure, axes


def _gate(axes: Axes, x: float, text: str, name: str, name_at: Point = (0.09, 2.18)) -> None:
    """A box fed from below, with its name at a distance to the right and a height."""
    _arrow(axes, [(x, 0.95), (x, 1.5)])
    _box(axes, (x, 1.8), text, 0.8, 0.6)
    axes.text(x + name_at[0], name_at[1], name, ha="left", va="bottom", fontsize=9)


def _box(axes: Axes, centre: Point, text: str, width: float, height: float, rounded: bool = False) -> None:
    corner = (centre[0] - width / 2, centre[1] - height / 2)
    shape = f"round,pad=0,rounding_size={height / 2 if rounded else 0.08}"
    colour = WHITE if rounded else BOX
    box = FancyBboxPatch(corner, width, height, shape, facecolor=colour, edgecolor=BLACK, linewidth=1.2)
    axes.add_patch(box).set_zorder(3)
    axes.text(*centre, text, ha="center", va="center", zorder=4)


def _round(axes: Axes, centre: Point, text: str, radius: float, fontsize: float | None = None) -> None:
    axes.add_patch(Circle(centre, radius, facecolor=WHITE, edgecolor=BLACK, linewidth=1.2, zorder=3))
    axes.text(*centre, text, ha="center", va="center", zorder=4, fontsize=fontsize)


def _operation(axes: Axes, centre: Point, sign: str) -> None:
    _round(axes, centre, sign, 0.25, fontsize=14)


def _line(axes: Axes, points: Sequence[Point], colour: str = BLACK) -> None:
    axes.plot(*zip(*points), color=colour, linewidth=1.2, solid_joinstyle="round", zorder=2)


def _arrow(axes: Axes, points: Sequence[Point], label: str = "", colour: str = BLACK) -> None:
    """A line through the points with a head at the last one; a label beside its first piece."""
    if len(points) > 2:
        _line(axes, points[:-1], colour)
    start, end = points[-2:]
    arrow = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0)
    arrow.set(color=colour, linewidth=1.2, zorder=2)
    axes.add_patch(arrow)
    if label:
        (x0, y0), (x1, y1) = points[0], points[1]
        axes.text((x0 + x1) / 2 + 0.1, (y0 + y1) / 2, label, va="center", ha="left", fontsize=10)
