"""Figures of reviews: their lengths, their words, what is read of them and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from labutils.palette import BLACK, BLUE, GREY, LIGHT, PALETTE, SKY
from labutils.plots.style import Picture, canvas, styled

_FALLS_OR_RISES = LinearSegmentedColormap.from_list("falls or rises", ["#E69F00", "#FFFFFF", "#56B4E9"])


@styled
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


@styled
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


@styled
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


@styled
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


@styled
def accuracy_by(
    numbers: Sequence[int],
    correct: Mapping[str, Sequence[bool]],
    edges: Sequence[int],
    what: str = "review length (tokens)",
) -> Picture:
    """Accuracy in groups of reviews, with 95 % intervals (Wilson), for each model.

    numbers : what the reviews are grouped by, one whole number each, and `what` says what it is.
    correct : model → one truth for each review. edges : where a group begins; the last one only ends.
    """
    from scipy.stats import binomtest

    numbers = np.asarray(numbers)
    groups = [(low, high, (numbers >= low) & (numbers < high)) for low, high in zip(edges[:-1], edges[1:])]
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
        range(len(groups)),
        [
            f"{low}–{high - 1}\n({inside.sum():,})" if high - low > 1 else f"{low}\n({inside.sum():,})"
            for low, high, inside in groups
        ],
    )
    axes.set(xlabel=f"{what}; in brackets how many test reviews", ylabel="accuracy")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return Picture(
        figure,
        f"accuracy by {what}",
        f"Accuracy by {what}, in groups from low to high: " + "; ".join(told) + ".",
    )


@styled
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
