"""Figures of trained models: their curves, their scores, their mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from labutils.palette import BLACK, BLUE, GREY, ORANGE, PALETTE
from labutils.plots.style import Picture, canvas, styled
from labutils.training import Run


@styled
def training_curves(runs: Run | Iterable[Run], baselines: Mapping[str, float] | None = None) -> Picture:
    """Accuracy and loss side by side against the epoch, of one run or several.

    Solid with dots: validation; dashed with squares: training; a ring marks the best epoch. Runs
    with the same name (several seeds) share a colour. baselines : name → accuracy, drawn as lines.
    """
    runs = [runs] if isinstance(runs, Run) else list(runs)
    quantities = [q for q in ("accuracy", "loss") if all(q in run.history for run in runs)]
    if not runs or not quantities:
        raise ValueError("there is nothing to draw: give at least one run with a history")
    names = list(dict.fromkeys(run.name for run in runs))
    colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}
    figure, all_axes = canvas(len(quantities), height=3.9)
    for axes, quantity in zip(all_axes, quantities):
        for run in runs:
            _draw_history(axes, run, quantity, colours[run.name])
        axes.set_title({"accuracy": "Accuracy", "loss": "Loss"}[quantity])
        axes.set(xlabel="epoch", ylabel={"accuracy": "share of reviews right", "loss": "loss"}[quantity])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.05)
        if quantity == "accuracy":
            for name, value in (baselines or {}).items():
                axes.axhline(value, color=BLACK, linestyle=":", linewidth=1.5)
                place = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
                axes.annotate(name, (1, value), (-2, 3), **place, fontsize=9, ha="right")
    handles = _history_legend(runs, names, colours)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))
    return Picture(figure, "training curves of " + ", ".join(names), _curves_in_words(runs, quantities))


def _draw_history(axes: Axes, run: Run, quantity: str, colour: str) -> None:
    epochs = np.arange(1, run.epochs + 1)
    axes.plot(
        epochs, run.history[quantity], color=colour, linestyle="--", marker="s", markersize=4, alpha=0.7
    )
    validation = run.history.get(f"val_{quantity}")
    if validation is not None:
        axes.plot(epochs, validation, color=colour, marker="o", markersize=5)
        axes.plot(
            run.best_epoch,
            validation[run.best_epoch - 1],
            "o",
            markersize=12,
            markerfacecolor="none",
            markeredgecolor=colour,
            markeredgewidth=1.5,
        )


def _history_legend(runs: Sequence[Run], names: Sequence[str], colours: Mapping[str, str]) -> list:
    single = len(names) == 1
    base = colours[names[0]] if single else BLACK
    handles = [
        Line2D([], [], color=base, linestyle="--", marker="s", markersize=4, alpha=0.7, label="training")
    ]
    if any(f"val_{q}" in run.history for run in runs for q in ("accuracy", "loss")):
        handles += [
            Line2D([], [], color=base, marker="o", markersize=5, label="validation"),
            Line2D(
                [],
                [],
                color=base,
                linestyle="",
                marker="o",
                markersize=12,
                markerfacecolor="none",
                label="lowest validation loss",
            ),
        ]
    if not single:
        handles += [Line2D([], [], color=colours[name], linewidth=4, label=name) for name in names]
    return handles


def _curves_in_words(runs: Sequence[Run], quantities: Sequence[str]) -> str:
    sentences = []
    for run in runs:
        for quantity in quantities:
            kinds = [("training", quantity), ("validation", f"val_{quantity}")]
            told = [
                f"{kind} {quantity} from {run.history[key][0]:.3f} to {run.history[key][-1]:.3f}"
                for kind, key in kinds
                if key in run.history
            ]
            sentences.append(f"{run.name}: {', '.join(told)} over {run.epochs} epochs")
        sentences[-1] += f"; best epoch {run.best_epoch}"
    return "Accuracy and loss by epoch. " + ". ".join(sentences) + "."


@styled
def scores(
    values: Mapping[str, Sequence[float]],
    xlabel: str,
    published: Mapping[str, float] | None = None,
    each: str = "one seed",
) -> Picture:
    """One row for each method: a dot for each measurement, a bar at the mean, a diamond where published.

    values : method → its measurements. each : what one dot is. published : method → printed number.
    """
    published = published or {}
    rows = {name: np.atleast_1d(numbers) for name, numbers in values.items()}
    told = {name: _mean_and_spread(numbers) for name, numbers in rows.items()}
    figure, (axes,) = canvas(height=1.1 + 0.42 * len(rows))
    for row, (name, numbers) in enumerate(rows.items()):
        axes.plot(numbers, np.full(len(numbers), row), "o", color=BLUE, alpha=0.65, markersize=8)
        if len(numbers) > 1:
            axes.plot([numbers.mean()] * 2, [row - 0.28, row + 0.28], color=BLACK, linewidth=2)
        axes.text(1.02, row, told[name], transform=axes.get_yaxis_transform(), va="center")
        if name in published:
            axes.plot(published[name], row, "D", color=ORANGE, markersize=8, markeredgecolor=BLACK)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.4, -0.6))
    axes.margins(x=0.08)
    several = any(len(numbers) > 1 for numbers in rows.values())
    handles = [Line2D([], [], marker="o", linestyle="", color=BLUE, alpha=0.65, markersize=8, label=each)]
    if several:
        mean = "mean (at the right: mean ± sd)"
        handles += [Line2D([], [], marker="|", ls="", color=BLACK, ms=14, mew=2, label=mean)]
    if published:
        handles += [Line2D([], [], marker="D", ls="", color=ORANGE, mec=BLACK, ms=8, label="published")]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    in_words = "; ".join(f"{name} {text}" for name, text in told.items())
    in_words += "".join(f"; published for {name}: {number:.3f}" for name, number in published.items())
    return Picture(figure, f"{xlabel} of each method", f"Dots in rows, {xlabel}: {in_words}.")


def _mean_and_spread(numbers: np.ndarray) -> str:
    if len(numbers) == 1:
        return f"{numbers[0]:.3f}"
    return f"{numbers.mean():.3f} ± {numbers.std(ddof=1):.3f}"


@styled
def confusion(labels: Sequence[int], predicted: Sequence[int], names: Sequence[str]) -> Picture:
    """Confusion matrix with counts and the share of each true class."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, predicted)
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, (axes,) = canvas(width=5, height=3.6)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true label")
    for row, column in np.ndindex(counts.shape):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}\n{shares[row, column]:.0%} of the row",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.6 else "black",
        )
    told = "; ".join(
        f"of the {names[i]} reviews {shares[i, i]:.0%} are recognised ({counts[i, i]:,})"
        for i in range(len(names))
    )
    return Picture(figure, "confusion matrix", f"Confusion matrix: {told}.")


@styled
def calibration(
    labels: Sequence[int], probabilities: Mapping[str, Sequence[float]], bins: int = 10
) -> Picture:
    """Reliability: how often a review is positive against how probable the model called it."""
    from sklearn.calibration import calibration_curve

    figure, (axes,) = canvas(width=6.5, height=4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
    told = []
    for (name, predicted), colour, marker in zip(probabilities.items(), PALETTE, "osD^"):
        share, mean = calibration_curve(labels, predicted, n_bins=bins)
        axes.plot(mean, share, color=colour, marker=marker, label=name)
        told.append(
            f"{name}: where it says {mean[0]:.2f} the share is {share[0]:.2f}, "
            f"where it says {mean[-1]:.2f} it is {share[-1]:.2f}"
        )
    axes.set(
        xlabel="predicted probability of a positive review",
        ylabel="share that is positive",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return Picture(figure, "calibration", "Reliability curves. " + "; ".join(told) + ".")
