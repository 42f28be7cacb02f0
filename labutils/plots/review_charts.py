"""Charts of a set of reviews: their lengths, what is read of them, and how well they are classified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter
from statsmodels.stats.proportion import proportion_confint

from labutils.palette import BLACK, BLUE, GREY, LIGHT, PALETTE, SKY, WHITE
from labutils.plots.style import Numbers, Picture, canvas, check_equally_many, styled


@styled
def review_lengths(lengths: Numbers, marks: Sequence[int] = (100, 200, 400)) -> Picture:
    """Draw a histogram of reviews' lengths, with the share that fits into each mark; return a `Picture`.

    Parameters
    ----------
    lengths : (n,) int, tokens of each review.
    marks : lengths at which a line stands.

    Raises
    ------
    ValueError
        Where there is no length.
    """
    lengths = np.asarray(lengths)
    if not lengths.size:
        raise ValueError("there are no lengths to draw: give the number of tokens of at least one review")
    figure, (axes,) = canvas()
    top = int(np.percentile(lengths, 99))
    axes.hist(np.minimum(lengths, top), bins=range(0, top + 20, 20), color=SKY, edgecolor=WHITE)
    shares = {mark: float(np.mean(lengths <= mark)) for mark in marks}
    at = axes.get_xaxis_transform()
    for mark, share in shares.items():
        axes.axvline(mark, color=BLACK, linestyle="--", linewidth=1.2)
        text = f"{mark}: {share:.0%}\nfit whole"
        axes.text(mark, 1.01, text, transform=at, ha="center", va="bottom", fontsize=10)
    axes.set_xlabel(f"length of a review (tokens; the longest 1 % drawn at {top:,})")
    axes.set_ylabel("reviews per 20 tokens")
    fits = ", ".join(f"{share:.0%} have at most {mark} tokens" for mark, share in shares.items())
    return Picture(
        figure,
        "lengths of the reviews",
        f"Histogram of review lengths: median {np.median(lengths):.0f} tokens, with a long tail to "
        f"{lengths.max():,}; {fits}.",
    )


@styled
def shared_names(distances: Numbers, shares: Numbers) -> Picture:
    """Draw how many pairs of reviews share a rare name, against their distance; return a `Picture`.

    Parameters
    ----------
    distances : (n,) int, positions in the file from one review of a pair to the other.
    shares : (n,), from 0 to 1.

    Raises
    ------
    ValueError
        Where there is not one share for each distance, or none.
    """
    check_equally_many("shared names", {"distances": len(distances), "shares": len(shares)})
    figure, (axes,) = canvas(width=7)
    axes.semilogx(distances, shares, color=BLUE, marker="o")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylim(0, 1.1 * max(shares))
    axes.set_xlabel("distance of two reviews in the file (positions, logarithmic)")
    axes.set_ylabel("pairs that share a rare name")
    points = ", ".join(f"{share:.1%} at distance {k:,}" for k, share in zip(distances, shares))
    alt = f"Falling line: pairs that share a rare name: {points}."
    return Picture(figure, "rare names shared by neighbours", alt)


@styled
def padding(
    sequences: Sequence[np.ndarray], maxlen: int, padding: str = "pre", truncating: str = "pre"
) -> Picture:
    """Draw a few reviews to scale: what is cut off, read by the network, padding; return a `Picture`.

    Parameters
    ----------
    sequences : of each review its tokens.
    maxlen, padding, truncating : as in ``keras.utils.pad_sequences``.

    Raises
    ------
    ValueError
        Where there is no review.
    """
    if not len(sequences):
        raise ValueError("there are no reviews to draw: give at least one sequence of tokens")
    figure, (axes,) = canvas(height=0.9 + 0.38 * len(sequences))
    from_end = truncating == padding == "pre"
    colours = {"cut off, never seen": LIGHT, "read by the network": BLUE, "padding (zeros)": WHITE}
    hatches = ("", "", "////")
    lengths, descriptions = [len(sequence) for sequence in sequences], []
    for row, n in enumerate(lengths):
        read, cut, padded = min(n, maxlen), max(n - maxlen, 0), max(maxlen - n, 0)
        starts = [0, cut] if truncating == "pre" else [maxlen, 0]
        starts.append(n if padding == "post" else n - maxlen)
        for colour, hatch, start, width in zip(colours.values(), hatches, starts, (cut, read, padded)):
            if width:
                left = start - n if from_end else start
                (bar,) = axes.barh(row, width, 0.62, left, facecolor=colour, edgecolor=GREY, hatch=hatch)
                bar.set_linewidth(0.6)
        descriptions.append(f"a review of {n:,} tokens, {read} read, {cut:,} cut, {padded} padding")
    axes.set_yticks(range(len(lengths)), [f"{n:,} tokens" for n in lengths])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    widest = 1.02 * max(*lengths, maxlen)
    first = min(-5, 1.02 * axes.dataLim.x0)  # padding stands before the start where the end is cut off
    axes.set_xlim((-widest, 5) if from_end else (first, widest))
    axes.set_xlabel(f"position counted from the {'end' if from_end else 'start'} of the review (tokens)")
    handles = [
        Patch(facecolor=colour, edgecolor=GREY, hatch=hatch, label=label)
        for (label, colour), hatch in zip(colours.items(), hatches)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    title = f"what is read of a review cut to {maxlen} tokens"
    return Picture(figure, title, f"Bars to scale: {'; '.join(descriptions)}.")


@styled
def accuracy_by(
    numbers: Numbers,
    correct: Mapping[str, Numbers],
    edges: Sequence[int],
    what: str = "review length (tokens)",
) -> Picture:
    """Draw the accuracy of each model in groups of reviews; return a `Picture`.

    The bars are 95 % confidence intervals (Wilson).

    Parameters
    ----------
    numbers : (n,) int, by which the reviews are grouped.
    correct : model → (n,) bool, whether each review is classified correctly.
    edges : where a group begins; the last one only ends. A group without reviews is left out.
    what : the numbers are, with their unit.

    Raises
    ------
    ValueError
        Where there is no model, one has not one answer for each review, or no review is in a group.
    """
    if not len(correct):
        raise ValueError("there is nothing to draw: give at least one model, name → (n,) bool")
    for name, hits in correct.items():
        check_equally_many(name, {"reviews": len(numbers), "answers": len(hits)})
    names = [f"{a}–{b - 1}" if b - a > 1 else f"{a}" for a, b in zip(edges[:-1], edges[1:])]
    groups = pd.DataFrame(correct).groupby(pd.cut(numbers, edges, right=False, labels=names), observed=True)
    totals, alt_parts = groups.size(), []
    if not len(totals):
        raise ValueError(f"there is no review to draw: none has a {what} from {edges[0]} to {edges[-1] - 1}")
    figure, (axes,) = canvas(height=3.9)
    for i, ((name, hits), marker) in enumerate(zip(groups.sum().items(), cycle("osD^"))):
        low, high = proportion_confint(hits, totals, method="wilson")
        accuracy = hits / totals
        x = np.arange(len(totals)) + 0.14 * (i - (len(correct) - 1) / 2)
        colour, half_widths = PALETTE[i % len(PALETTE)], [accuracy - low, high - accuracy]
        axes.errorbar(
            x, accuracy, half_widths, label=name, color=colour, marker=marker, capsize=3, linewidth=1.5
        )
        alt_parts.append(f"{name} " + ", ".join(f"{a:.2f}" for a in accuracy))
    axes.set_xticks(range(len(totals)), [f"{name}\n({total:,})" for name, total in totals.items()])
    axes.set(xlabel=f"{what}; in brackets how many test reviews", ylabel="accuracy")
    figure.legend(loc="outside upper center", ncols=3)
    alt = f"Accuracy by {what}, in groups from low to high: {'; '.join(alt_parts)}."
    return Picture(figure, f"accuracy by {what}", alt)


@styled
def calibration(labels: Numbers, probabilities: Mapping[str, Numbers]) -> Picture:
    """Draw how often a review is positive against how probable the model called it; return a `Picture`.

    Parameters
    ----------
    labels : (n,) int, 1 = positive.
    probabilities : model → (n,), from 0 to 1, of a positive review.

    Raises
    ------
    ValueError
        Where there is no model, or not one probability from 0 to 1 for each label.
    """
    from sklearn.calibration import calibration_curve

    if not len(probabilities):
        raise ValueError("there are no probabilities to draw: give at least one model, name → (n,)")
    for name, predicted in probabilities.items():
        check_equally_many(name, {"labels": len(labels), "probabilities": len(predicted)})
    figure, (axes,) = canvas(width=6.5, height=4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
    alt_parts = []
    for (name, predicted), colour, marker in zip(probabilities.items(), cycle(PALETTE), cycle("osD^")):
        positive, mean = calibration_curve(labels, predicted, n_bins=10)
        axes.plot(mean, positive, color=colour, marker=marker, label=name)
        alt_parts.append(
            f"{name}: where it predicts {mean[0]:.2f} the fraction is {positive[0]:.2f}, "
            f"where it predicts {mean[-1]:.2f} it is {positive[-1]:.2f}"
        )
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set(xlabel="predicted probability of a positive review", ylabel="fraction of positives")
    figure.legend(loc="outside upper center", ncols=2)
    return Picture(figure, "calibration", f"Reliability curves. {'; '.join(alt_parts)}.")
