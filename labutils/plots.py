"""Every figure of the series, each with axis labels, a colour-blind-safe palette and alternative text.

A function here returns a `Picture`; as the last line of a cell it shows itself. No pyplot: nothing
is kept between cells, and no backend has to be chosen.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from labutils.training import Run

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), in the order the series uses it.
BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#000000",
)
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
GREY = "#767676"
LIGHT = "#D9D9D9"
_FALLS_OR_RISES = LinearSegmentedColormap.from_list("falls or rises", ["#E69F00", "#FFFFFF", "#56B4E9"])
_STYLE = {
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.facecolor": "white",
}
_SCREEN_DPI, _FILE_DPI = 96, 144
_styled = matplotlib.rc_context(_STYLE)


@dataclass(frozen=True, repr=False)
class Picture:
    """A finished figure that shows itself in a notebook with its alternative text.

    figure : the matplotlib figure, to change or save. title : a few words that stay the same on
    every machine. alt : what the figure shows, for a reader who cannot see it.
    """

    figure: Figure
    title: str
    alt: str

    def __repr__(self) -> str:
        return f"<Picture: {self.title}>"

    @cached_property
    def png(self) -> bytes:
        """The figure as the bytes of a PNG file."""
        file = io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            self.figure.savefig(file, format="png", dpi=_FILE_DPI)
        return file.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        """Return the figure as HTML, as PNG and as text.

        JupyterLab shows the HTML, because it ignores the ``alt`` of an image output's metadata; other
        readers of notebooks take the PNG and its metadata.
        """
        width = round(self.figure.get_size_inches()[0] * _SCREEN_DPI)
        source = "data:image/png;base64," + base64.b64encode(self.png).decode()
        page = f'<img alt="{html.escape(self.alt)}" src="{source}" width="{width}">'
        return (
            {"text/plain": repr(self), "text/html": page, "image/png": self.png},
            {"image/png": {"alt": self.alt, "width": width}},
        )


@_styled
def canvas(columns: int = 1, width: float = 9.0, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """Return an empty figure in the style of the series (inches) and its axes, left to right."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


@_styled
def review_lengths(lengths: Sequence[int], marks: Sequence[int] = (100, 200, 400)) -> Picture:
    """Histogram of the reviews' lengths in tokens, with the share that fits into each mark."""
    lengths = np.asarray(lengths)
    figure, (axes,) = canvas()
    top = int(np.percentile(lengths, 99))
    axes.hist(np.minimum(lengths, top), bins=np.arange(0, top + 20, 20), color=SKY, edgecolor="white")
    shares = [float(np.mean(lengths <= mark)) for mark in marks]
    for mark, share in zip(marks, shares):
        axes.axvline(mark, color=BLACK, linestyle="--", linewidth=1.2)
        axes.text(
            mark,
            1.01,
            f"{mark}: {share:.0%}\nfit whole",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=10,
        )
    axes.set(
        xlabel=f"length of a review (tokens; the longest 1 % drawn at {top:,})",
        ylabel="reviews per 20 tokens",
    )
    fits = ", ".join(f"{share:.0%} have at most {mark} tokens" for mark, share in zip(marks, shares))
    return Picture(
        figure,
        "lengths of the reviews",
        f"Histogram of review lengths: median "
        f"{np.median(lengths):.0f} tokens, with a long tail to {lengths.max():,}; {fits}.",
    )


@_styled
def vocabulary_coverage(num_words: Sequence[int], shares: Sequence[float], chosen: int) -> Picture:
    """Share of all word occurrences that the most frequent words cover (log axis)."""
    figure, (axes,) = canvas(width=7)
    axes.semilogx(num_words, shares, color=BLUE, marker="o")
    share = dict(zip(num_words, shares))[chosen]
    axes.annotate(
        f"{chosen:,} words cover {share:.1%}",
        (chosen, share),
        (0.97, 0.25),
        textcoords="axes fraction",
        ha="right",
        arrowprops={"arrowstyle": "-", "color": GREY},
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(
        xlabel="vocabulary size (most frequent words, logarithmic)",
        ylabel="share of words known",
        ylim=(0, 1.03),
    )
    return Picture(
        figure,
        "what a vocabulary covers",
        "Line: the share of word occurrences known rises "
        "steeply, then flattens: "
        + ", ".join(f"{n:,} words {s:.0%}" for n, s in zip(num_words, shares))
        + ".",
    )


@_styled
def shared_names(distances: Sequence[int], shares: Sequence[float]) -> Picture:
    """Share of pairs of reviews with a rare name in common, against their distance in the file."""
    figure, (axes,) = canvas(width=7)
    axes.semilogx(distances, shares, color=BLUE, marker="o")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(
        xlabel="distance of two reviews in the file (places, logarithmic)",
        ylabel="pairs that share a rare name",
        ylim=(0, 1.1 * max(shares)),
    )
    told = ", ".join(f"{share:.1%} at distance {k:,}" for k, share in zip(distances, shares))
    return Picture(
        figure, "rare names shared by neighbours", f"Falling line: pairs that share a rare name: {told}."
    )


@_styled
def padding(
    sequences: Sequence[np.ndarray], maxlen: int, padding: str = "pre", truncating: str = "pre"
) -> Picture:
    """A few reviews drawn to scale: what is cut off, what the network reads, what is padding."""
    figure, (axes,) = canvas(height=0.9 + 0.38 * len(sequences))
    widest = max(len(sequence) for sequence in sequences)
    for row, sequence in enumerate(sequences):
        n = len(sequence)
        read, cut, filled = min(n, maxlen), max(n - maxlen, 0), max(maxlen - n, 0)
        start = 0 if truncating == "post" else cut
        fill_start = n if padding == "post" else n - maxlen
        pieces = [
            ((start, read), BLUE, None),
            ((fill_start, filled), "white", "////"),
            ((0 if truncating == "pre" else maxlen, cut), LIGHT, None),
        ]
        for (left, width), colour, hatch in pieces:
            if width:
                # right-aligned where the end of the review is what is kept
                shift = -n if truncating == "pre" and padding == "pre" else 0
                axes.barh(
                    row,
                    width,
                    left=left + shift,
                    height=0.62,
                    color=colour,
                    hatch=hatch,
                    edgecolor=GREY,
                    linewidth=0.6,
                )
    labels = [f"{len(sequence):,} tokens" for sequence in sequences]
    axes.set_yticks(range(len(sequences)), labels)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    if truncating == "pre" and padding == "pre":
        axes.set(
            xlabel="position counted from the end of the review (tokens)",
            xlim=(-1.02 * max(widest, maxlen), 5),
        )
    else:
        axes.set(
            xlabel="position counted from the start of the review (tokens)",
            xlim=(-5, 1.02 * max(widest, maxlen)),
        )
    figure.legend(
        handles=[
            Patch(facecolor=LIGHT, edgecolor=GREY, label="cut off, never seen"),
            Patch(facecolor=BLUE, edgecolor=GREY, label="read by the network"),
            Patch(facecolor="white", edgecolor=GREY, hatch="////", label="padding (zeros)"),
        ],
        loc="outside upper center",
        ncols=3,
    )
    return Picture(
        figure,
        f"what is read of a review cut to {maxlen} tokens",
        "Bars to scale: "
        + "; ".join(
            f"a review of {len(s):,} tokens, {min(len(s), maxlen)} read, {max(len(s) - maxlen, 0):,} cut, "
            f"{max(maxlen - len(s), 0)} padding"
            for s in sequences
        )
        + ".",
    )


@_styled
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


@_styled
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


@_styled
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


@_styled
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


@_styled
def accuracy_by_length(
    lengths: Sequence[int],
    correct: Mapping[str, Sequence[bool]],
    edges: Sequence[int],
    mark: int | None = None,
) -> Picture:
    """Accuracy in groups of review length, with 95 % intervals (Wilson), for each model."""
    from scipy.stats import binomtest

    lengths = np.asarray(lengths)
    groups = [(low, high, (lengths >= low) & (lengths < high)) for low, high in zip(edges[:-1], edges[1:])]
    figure, (axes,) = canvas(height=3.9)
    told = []
    for i, ((name, right), marker) in enumerate(zip(correct.items(), "osD^")):
        right = np.asarray(right, dtype=bool)
        hits = np.array([right[inside].sum() for *_, inside in groups])
        totals = np.array([inside.sum() for *_, inside in groups])
        intervals = [binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(hits, totals)]
        low, high = np.transpose(intervals)
        share = hits / totals
        place = np.arange(len(groups)) + 0.14 * (i - (len(correct) - 1) / 2)
        axes.errorbar(
            place,
            share,
            [share - low, high - share],
            color=PALETTE[i],
            marker=marker,
            capsize=3,
            linewidth=1.5,
            label=name,
        )
        told.append(f"{name} " + ", ".join(f"{s:.2f}" for s in share))
    axes.set_xticks(
        range(len(groups)), [f"{low}–{high - 1}\n({inside.sum():,})" for low, high, inside in groups]
    )
    axes.set(xlabel="length of the review (tokens; in brackets how many test reviews)", ylabel="accuracy")
    if mark is not None:
        axes.axvline(np.searchsorted(edges, mark) - 0.5, color=GREY, linestyle="--")
        axes.text(
            np.searchsorted(edges, mark) - 0.45,
            0.02,
            f"longer than {mark}: the start is cut off",
            transform=axes.get_xaxis_transform(),
            color="#4D4D4D",
        )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return Picture(
        figure,
        "accuracy against review length",
        "Accuracy by length group, short to long: " + "; ".join(told) + ".",
    )


@_styled
def reading(
    words: Sequence[str], probabilities: Sequence[float], title: str = "", before: float = 0.5
) -> Picture:
    """The probability after each word: a curve, and below it the words, coloured by what they changed.

    words, probabilities : of equal length. before : the probability before the first word.
    """
    words, probabilities = list(words), np.asarray(probabilities, dtype=float)
    if len(words) != len(probabilities) or not words:
        raise ValueError(
            f"there must be one probability for each word, got {len(words)} words and "
            f"{len(probabilities)} probabilities"
        )
    change = np.diff(probabilities, prepend=before)
    lines = _flow(words, per_line=84)
    text_height = 0.24 * len(lines) + 0.15
    height = 2.7 + text_height
    figure = Figure(figsize=(9, height))
    FigureCanvasAgg(figure)
    curve = figure.add_axes((0.13, (text_height + 0.75) / height, 0.85, 1.6 / height))
    text = figure.add_axes((0.02, 0.05 / height, 0.96, text_height / height))
    place = np.arange(1, len(words) + 1)
    curve.set_yticks([0, 0.5, 1], ["0 negative", "0.5", "1 positive"])
    curve.axhline(0.5, color=GREY, linestyle=":")
    curve.plot(place, probabilities, color=BLUE, marker="o", markersize=4 if len(words) < 50 else 2.5)
    curve.set(
        ylim=(-0.03, 1.03),
        xlim=(0.5, len(words) + 0.5),
        xlabel="word of the review (counted from the first that is read)",
        ylabel="probability",
    )
    curve.xaxis.set_major_locator(MaxNLocator(integer=True))
    if title:
        curve.set_title(title)
    _colour_words(text, lines, change)
    most = int(np.argmax(np.abs(change)))
    return Picture(
        figure,
        "the probability after each word",
        (
            f"Curve over {len(words)} words: after the first word {probabilities[0]:.2f}, at the end "
            f"{probabilities[-1]:.2f}; the largest change, {change[most]:+.2f}, comes with "
            f"“{words[most]}”. Text: {' '.join(words)}"
        ),
    )


def _flow(words: Sequence[str], per_line: int) -> list[list[tuple[int, int, str]]]:
    """Break words into lines of at most `per_line` characters: (column, index, word) for each."""
    lines, column = [[]], 0
    for index, word in enumerate(words):
        word = word if len(word) <= 30 else word[:29] + "…"
        if column and column + len(word) > per_line:
            lines.append([])
            column = 0
        lines[-1].append((column, index, word))
        column += len(word) + 1
    return lines


def _colour_words(axes: Axes, lines: list[list[tuple[int, int, str]]], change: np.ndarray) -> None:
    strongest = max(float(np.abs(change).max()), 0.05)
    axes.set(xlim=(0, 85), ylim=(len(lines), 0))
    axes.axis("off")
    for row, line in enumerate(lines):
        for column, index, word in line:
            colour = _FALLS_OR_RISES(0.5 + 0.5 * change[index] / strongest)
            axes.add_patch(
                Rectangle(
                    (column - 0.3, row + 0.08), len(word) + 0.6, 0.84, facecolor=colour, edgecolor="none"
                )
            )
            axes.text(
                column + len(word) / 2,
                row + 0.5,
                word.replace("$", r"\$"),
                family="monospace",
                fontsize=10,
                ha="center",
                va="center",
            )
