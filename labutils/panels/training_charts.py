"""What a panel shows of a training that goes on: how far it is, and the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labutils.panels import base, svg
from labutils.panels.background import Progress

History = Mapping[str, Sequence[float]]
# the name of each, what stands before the quantity in a history, and the looks of the line
_CURVES = (("training", "", 1, "square"), ("validation", "val_", 0, "circle"))


@dataclass(frozen=True)
class Chart:
    """What one chart of a panel draws.

    Parameters
    ----------
    quantity : as Keras names it, "loss" or a metric; its validation is drawn as well.
    label : of the y-axis.
    references : name → value, fixed lines such as a baseline or the noise floor.
    logy : True for a logarithmic axis.
    """

    quantity: str
    label: str
    references: Mapping[str, float] = field(default_factory=dict)
    logy: bool = False

    def __post_init__(self) -> None:
        for name, value in self.references.items():
            if not svg.drawable(float(value), self.logy):
                kind = "logarithmic axis" if self.logy else "axis"
                raise ValueError(f"{name} of the chart {self.quantity!r}: no {kind} can show {value}")

    def draw(self, histories: Mapping[str, History], epochs: int, letters_at_right: int) -> str:
        """Return an SVG of the curves of some runs.

        Parameters
        ----------
        histories : name of a run → its history.
        epochs : to which the axis goes at least.
        letters_at_right : as in `svg.line_chart`.
        """
        lines, alt = [], []
        for colour, (name, history) in enumerate(histories.items()):
            for kind, prefix, dash, marker in _CURVES:
                values = history.get(prefix + self.quantity, [])
                if values:
                    label = kind if len(histories) == 1 else f"{name}, {kind}"
                    lines.append(svg.Line(label, range(1, len(values) + 1), values, colour, dash, marker))
                    alt.append(f"{label} from {values[0]:.4g} to {values[-1]:.4g}")
        has_points = any(svg.drawable(value, self.logy) for line in lines for value in line.y)
        note = "the curves appear here"
        if lines:
            note = "" if has_points else "no value that this axis can show"
        elif any(any(history.values()) for history in histories.values()):
            note = f"this network does not report {self.quantity}"
        alt += [f"{name} {value:.4g}" for name, value in self.references.items()]
        return svg.line_chart(
            lines,
            "epoch",
            self.label,
            references=self.references,
            logy=self.logy,
            xlim=(1, max(2, epochs)),
            ylim=None if self.references or has_points else (0.1, 1),
            note=note,
            letters_at_right=letters_at_right,
            alt=f"{self.label} by epoch: {'; '.join([*alt, note]).strip('; ')}.",
        )


def training_progress(name: str, progress: Progress) -> str:
    """Return as HTML how far a training is, "" where none is going on."""
    if not progress.is_busy:
        return ""
    if progress.state == "starting":
        text = f"{name}: building the network (the first epoch takes longest)"
    else:
        text = f"{name}: {progress.epochs_done} of {progress.total} epochs done"
        for quantity, values in progress.history.items():
            kind = "validation" if quantity.startswith("val_") else "training"
            text += f", {kind} {quantity.removeprefix('val_')} {values[-1]:.4g}"
        if progress.seconds_left is not None:
            text += f", about {duration_in_words(progress.seconds_left)} left"
    return base.progress_bar(text, progress.fraction_done, name)


def duration_in_words(seconds: float) -> str:
    """Return a duration in seconds, or in minutes where it is long."""
    if seconds < 1:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
