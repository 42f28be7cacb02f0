"""Figures of forecasts: windows on a series, forecasts beside it, and what limits a score."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes

from labutils.data.series import Series
from labutils.palette import BLACK, BLUE, GREY, ORANGE, PALETTE, RED
from labutils.plots.style import Numbers, Picture, canvas, check_equally_many, check_names, styled
from labutils.validation import whole_number


@styled
def windows(series: Series, length: int, parts: Mapping[str, int], shown: int = 3) -> Picture:
    """Draw a series with its split, and below the first windows and targets; return a `Picture`.

    Parameters
    ----------
    series : the values, with the labels of the axes.
    length : samples in a window.
    parts : name → how many windows, in order of time, all of them.
    shown : how many of the first windows to draw.

    Raises
    ------
    ValueError
        Where the parts have, or `shown` is, more than there are windows.
    """
    targets, wanted = len(series) - length, sum(parts.values())
    whole_number("shown", shown, 0, targets)
    if wanted > targets:
        raise ValueError(f"the parts have {wanted} windows of {length}, but {series.name} has only {targets}")
    figure, (above, below) = canvas(height=5.4, rows=2)
    above.plot(series.time, series.values, ".", markersize=2.5, color=GREY)
    first, alt_parts = length, []
    for colour, (name, size) in zip(cycle(PALETTE), parts.items()):
        begin, end = series.time[first], series.time[first + size - 1]
        _span(above, f"{name}\n{size} targets", begin, end, colour)
        alt_parts.append(f"{name} {size} targets from {begin:.2f} to {end:.2f}")
        first += size
    above.set(xlabel=series.time_label, ylabel=series.value_label)
    first_values = series.values[: length + shown + 2]
    below.plot(first_values, "o-", color=GREY, markersize=4, linewidth=1)
    top, span = first_values.max(), np.ptp(first_values)
    for i, colour in zip(range(shown), cycle(PALETTE)):
        height = top + span * 0.25 * (shown - i)
        below.plot([i, i + length - 1], [height, height], color=colour, linewidth=4, solid_capstyle="butt")
        for target in (height, series.values[i + length]):
            below.plot(i + length, target, "o", markersize=10, color=colour, fillstyle="none")
        below.annotate(f"window {i + 1}", (i, height), (0, 4), textcoords="offset points", fontsize=10)
    below.set_ylim(top=top + span * 0.25 * (shown + 0.9))
    below.set(xlabel="sample, counted from 0 (ring: the target of a window)", ylabel=series.value_label)
    return Picture(
        figure,
        "a series, its split and its windows",
        f"Above, {series.name} against {series.time_label}, split in time: {'; '.join(alt_parts)}. Below, "
        f"its first samples with {shown} windows of {length}, each one sample later than the one before, and "
        "the target of each: the sample right after it.",
    )


def _span(axes: Axes, name: str, begin: float, end: float, colour: str) -> None:
    axes.axvspan(begin, end, color=colour, alpha=0.15, linewidth=0)
    at = axes.get_xaxis_transform()
    axes.text((begin + end) / 2, 1.02, name, fontsize=10, transform=at, ha="center")


@styled
def forecast(
    time: Numbers,
    actual: Numbers,
    predicted: Mapping[str, Numbers],
    xlabel: str,
    ylabel: str,
    title: str,
    *,
    clean: Numbers | None = None,
    interval: tuple[Numbers, Numbers] | None = None,
    interval_name: str = "",
    spans: Mapping[str, tuple[float, float]] | None = None,
) -> Picture:
    """Draw actual values as dots and forecasts as lines; return a `Picture`.

    Actual values outside the interval are crosses; the values without noise are dashed.

    Parameters
    ----------
    time, actual : (n,).
    predicted : name → (n,), nan where there is none.
    xlabel, ylabel : names of the axes, units included.
    title : a few words that name the picture.
    clean : (n,), the values without noise.
    interval : lower and upper edge of a prediction interval, each (n,), shaded. The legend says how many
        actual values lie outside.
    interval_name : says in the legend what is shaded.
    spans : name → (begin, end) of a stretch of time, shaded and named.

    Raises
    ------
    ValueError
        Where there is no time, or not one actual value and one forecast for each.
    """
    actual = np.asarray(actual)
    check_equally_many("actual", {"times": len(time), "values": len(actual)})
    for name, values in predicted.items():
        check_equally_many(name, {"times": len(time), "forecasts": len(values)})
    figure, (axes,) = canvas(height=3.9)
    spans = spans or {}
    for name, ends in spans.items():
        _span(axes, name, *ends, PALETTE[-1])
    size = 3.5 if len(actual) < 400 else 2
    lower, upper = map(np.asarray, interval) if interval is not None else (-np.inf, np.inf)
    outside = (actual < lower) | (actual > upper)
    axes.plot(time, np.where(outside, np.nan, actual), "o", markersize=size, color=GREY, label="actual")
    if interval is not None:
        axes.fill_between(time, lower, upper, color=BLUE, alpha=0.18, linewidth=0, label=interval_name)
        count = f"outside: {outside.sum()} of {len(actual)}"
        axes.plot(time, np.where(outside, actual, np.nan), "x", markersize=size + 2, color=RED, label=count)
    alt_parts = []
    for colour, (name, values) in zip(cycle(PALETTE), predicted.items()):
        axes.plot(time, values, color=colour, linewidth=1.8, label=name)
        rmse = np.sqrt(np.nanmean((np.asarray(values) - actual) ** 2))
        alt_parts.append(f"{name} with a root mean square error of {rmse:.3g}")
    if clean is not None:
        axes.plot(time, clean, "--", color=BLACK, linewidth=1.3, label="without noise")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    figure.legend(loc="outside upper center", ncols=5)
    alt = f"{ylabel} against {xlabel}: {len(actual)} actual values from {actual.min():.3g} to "
    alt += f"{actual.max():.3g} as dots"
    alt += f", and forecasts as lines: {'; '.join(alt_parts)}." if alt_parts else "."
    if interval is not None:
        alt += f" A shaded prediction interval: {interval_name}. "
        alt += f"{outside.sum()} of the values lie outside, as crosses."
    alt += "".join(f" {name}: from {b:.2f} to {e:.2f}." for name, (b, e) in spans.items())
    return Picture(figure, title, alt)


@styled
def limits(
    panels: Mapping[str, tuple[Numbers, Numbers, Numbers]],
    ylabel: str,
    title: str,
    *,
    published: Mapping[str, float],
    references: Mapping[str, float],
    top: float,
) -> Picture:
    """Draw a score for each setting that is changed alone; return a `Picture`.

    A small panel for each setting, with mean and standard deviation of the score at each of its values.

    Parameters
    ----------
    panels : name of the setting → (its values, means, standard deviations).
    ylabel : names the score.
    title : a few words that name the picture.
    published : name of the setting → the value it had, ringed.
    references : name → height of a dotted line through all panels.
    top : of the axes, which begin at 0.95; what lies higher is written there.

    Raises
    ------
    ValueError
        Where there is no panel, a panel has not one mean and one standard deviation for each value, or what
        was published is not among its values.
    """
    if not panels:
        raise ValueError("there are no panels to draw: give at least one, name → (values, means, deviations)")
    check_names("panels", panels, published, "published settings")
    rows = -(-(len(panels) + 1) // 3)
    figure, all_axes = canvas(3, height=2.7 * rows, rows=rows)
    alt_parts = []
    for axes, (name, (values, means, deviations)) in zip(all_axes, panels.items()):
        counts = {"values": len(values), "means": len(means), "standard deviations": len(deviations)}
        check_equally_many(name, counts)
        if published[name] not in list(values):
            known = ", ".join(f"{value:g}" for value in values)
            raise ValueError(f"{name}: the published {published[name]:g} is not among its values: {known}")
        axes.errorbar(range(len(values)), means, deviations, marker="o", color=BLUE, capsize=3, linewidth=1.6)
        ringed = list(values).index(published[name])
        axes.plot(
            ringed, means[ringed], "o", markersize=12, color=ORANGE, fillstyle="none", markeredgewidth=2
        )
        for height in references.values():
            axes.axhline(height, color=GREY, linestyle=":", linewidth=1.5)
        axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        for i, mean in enumerate(means):
            if mean > top:
                axes.annotate(f"{mean:.1f} ↑", (i, top), (6, -9), textcoords="offset points")
        axes.set(xlabel=name, ylim=(0.95, top))
        alt_parts.append(f"{name}: " + ", ".join(f"{m:.2f} at {v:g}" for v, m in zip(values, means)))
    for axes in all_axes[len(panels) :]:
        axes.set_axis_off()
    for axes in all_axes[::3]:
        axes.set_ylabel(ylabel)
    lines = ", ".join(f"{name}: {height:.3g}" for name, height in references.items())
    key = f"ring: as published\nbar: ± standard deviation\ndotted: {lines}"
    all_axes[len(panels)].text(0, 0.5, key, va="center", fontsize=11)
    alt = f"{ylabel}, one setting changed at a time. {'; '.join(alt_parts)}. {lines}."
    return Picture(figure, title, alt)
