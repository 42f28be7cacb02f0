"""Figures of trained models: their training curves and their scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from labutils.palette import BLACK, BLUE, ORANGE, PALETTE
from labutils.plots.style import Numbers, Picture, canvas, check_names, styled
from labutils.training import Run

_training_line = partial(Line2D, linestyle="--", marker="s", markersize=4, alpha=0.7)
_validation_line = partial(Line2D, marker="o", markersize=5)
_best_ring = partial(
    Line2D, linestyle="", marker="o", markersize=12, markerfacecolor="none", markeredgewidth=1.5
)


@styled
def training_curves(runs: Run | Iterable[Run], baselines: Mapping[str, float] | None = None) -> Picture:
    """Draw accuracy and loss against the epoch, of one run or several; return a `Picture`.

    Solid with dots: validation; dashed with squares: training; a ring marks the best epoch. Runs
    with the same name (several seeds) share a colour; one that ended before its first epoch is named only.

    Parameters
    ----------
    runs : a run, or several, of `labutils.training`.
    baselines : name → accuracy, drawn as dotted lines.

    Raises
    ------
    ValueError
        Where no run has an epoch to draw.
    """
    runs = [runs] if isinstance(runs, Run) else list(runs)
    stopped = dict.fromkeys(f"{run.name}: ended before its first epoch" for run in runs if not run.epochs)
    runs = [run for run in runs if run.epochs]
    quantities = [q for q in ("accuracy", "loss") if all(q in run.history for run in runs)]
    if not runs or not quantities:
        why = "; ".join(stopped) or "give at least one run with a history"
        raise ValueError(f"there is nothing to draw: {why}")
    names = list(dict.fromkeys(run.name for run in runs))
    colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}
    figure, all_axes = canvas(len(quantities), height=3.9)
    for axes, quantity in zip(all_axes, quantities):
        for run in runs:
            _draw_history(axes, run, quantity, colours[run.name])
        axes.set(title=quantity.capitalize(), xlabel="epoch", ylabel=quantity)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if quantities[0] == "accuracy":
        axes = all_axes[0]
        at = axes.get_yaxis_transform()
        for name, value in (baselines or {}).items():
            axes.axhline(value, color=BLACK, linestyle=":", linewidth=1.5)
            axes.annotate(name, (1, value), (-2, 3), at, "offset points", fontsize=9, ha="right")
    colour = colours[names[0]] if len(names) == 1 else BLACK
    handles = [_training_line([], [], color=colour, label="training")]
    if any(f"val_{q}" in run.history for run in runs for q in quantities):
        handles.append(_validation_line([], [], color=colour, label="validation"))
    if any(f"val_{q}" in run.history and run.best_epoch for run in runs for q in quantities):
        handles.append(_best_ring([], [], color=colour, label="lowest validation loss"))
    if len(names) > 1:
        handles += [Line2D([], [], color=colours[name], linewidth=4, label=name) for name in names]
    handles += [Line2D([], [], linestyle="", label=sentence) for sentence in stopped]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))
    alt_parts = [*(_curves_in_words(run, quantities) for run in runs), *stopped]
    alt = f"{' and '.join(quantities).capitalize()} by epoch. {'. '.join(alt_parts)}."
    return Picture(figure, "training curves of " + ", ".join(names), alt)


def _draw_history(axes: Axes, run: Run, quantity: str, colour: str) -> None:
    epochs = range(1, run.epochs + 1)
    axes.add_line(_training_line(epochs, run.history[quantity], color=colour))
    validation = run.history.get(f"val_{quantity}")
    if validation is not None:
        axes.add_line(_validation_line(epochs, validation, color=colour))
        if run.best_epoch:
            axes.add_line(_best_ring([run.best_epoch], [validation[run.best_epoch - 1]], color=colour))
    axes.autoscale_view()


def _curves_in_words(run: Run, quantities: Sequence[str]) -> str:
    changes = [
        f"{part} {quantity} from {run.history[key][0]:.3f} to {run.history[key][-1]:.3f}"
        for quantity in quantities
        for part, key in (("training", quantity), ("validation", f"val_{quantity}"))
        if key in run.history
    ]
    best = f"best epoch {run.best_epoch}" if run.best_epoch else "no best epoch"
    return f"{run.name}: {', '.join(changes)} over {run.epochs} epochs; {best}"


@styled
def scores(
    values: Mapping[str, Numbers],
    xlabel: str,
    published: Mapping[str, float] | None = None,
    each: str = "one seed",
) -> Picture:
    """Draw the measurements of several methods, a row for each; return a `Picture`.

    A dot is a measurement, a bar the mean, a diamond the published number.

    Parameters
    ----------
    values : method → its measurements.
    xlabel : names what was measured, its unit included.
    published : method → printed number.
    each : what a dot is.

    Raises
    ------
    ValueError
        Where there is no method, one has no measurement, or a published one is not among them.
    """
    table, published = pd.Series(values).explode().astype(float), published or {}
    statistics = table.groupby(level=0, sort=False).agg(["mean", "std", "size"])
    names = statistics.index
    if not len(names):
        raise ValueError("there is nothing to draw: give at least one method, name → its measurements")
    if statistics["mean"].isna().any():
        raise ValueError(f"{statistics['mean'].isna().idxmax()} has no measurement: give at least one number")
    check_names("published", published, names, "methods")
    figure, (axes,) = canvas(height=1.1 + 0.42 * len(names))
    handles = axes.plot(
        table, names.get_indexer(table.index), "o", color=BLUE, alpha=0.65, markersize=8, label=each
    )
    alt_parts = []
    for row, (name, mean, sd, n) in enumerate(statistics.itertuples()):
        if n > 1:
            axes.plot([mean, mean], [row - 0.28, row + 0.28], color=BLACK, linewidth=2)
        text = f"{mean:.3f} ± {sd:.3f}" if n > 1 else f"{mean:.3f}"
        axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center")
        alt_parts.append(f"{name} {text}")
    if len(table) > len(names):
        label = "mean (at the right: mean ± sd)"
        handles += [Line2D([], [], marker="|", ls="", color=BLACK, ms=14, mew=2, label=label)]
    if published:
        numbers, rows = list(published.values()), names.get_indexer(list(published))
        handles += axes.plot(
            numbers, rows, "D", color=ORANGE, markersize=8, markeredgecolor=BLACK, label="published"
        )
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=xlabel, ylim=(len(names) - 0.4, -0.6))
    axes.margins(x=0.08)
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    alt_parts += [f"published for {name}: {number:.3f}" for name, number in published.items()]
    return Picture(figure, f"{xlabel} of each method", f"Dots in rows, {xlabel}: {'; '.join(alt_parts)}.")
