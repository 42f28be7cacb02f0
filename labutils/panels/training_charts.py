"""What a training panel draws while it trains: the line of progress and the curves."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labutils.panels import svg
from labutils.panels.background import Progress

History = Mapping[str, Sequence[float]]


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

    def draw(self, histories: Mapping[str, History], epochs: int, room: int) -> str:
        """Return an SVG of the curves of some runs, by name; `room` as in `svg.line_chart`."""
        lines, alt = [], []
        for colour, (name, history) in enumerate(histories.items()):
            for kind, prefix, *style in (("training", "", 1, "square"), ("validation", "val_", 0, "circle")):
                values = history.get(prefix + self.quantity, [])
                if values:
                    label = kind if len(histories) == 1 else f"{name}, {kind}"
                    lines.append(svg.Line(label, range(1, len(values) + 1), values, colour, *style))
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
            room=room,
            alt=f"{self.label} by epoch: {'; '.join([*alt, note]).strip('; ')}.",
        )


def progress_bar(name: str, progress: Progress) -> str:
    """Return as HTML how far a training is, "" where none is going on."""
    if not progress.is_busy:
        return ""
    percent = round(100 * progress.fraction_done)
    if progress.state == "starting":
        text = f"{name}: building the network (the first epoch takes longest)"
    else:
        text = f"{name}: {progress.epochs_done} of {progress.total} epochs done"
        for quantity, values in progress.history.items():
            kind = "validation" if quantity.startswith("val_") else "training"
            text += f", {kind} {quantity.removeprefix('val_')} {values[-1]:.4g}"
        if progress.seconds_left is not None:
            text += f", about {duration(progress.seconds_left)} left"
    return (
        f"<p>{html.escape(text)}</p>"
        f'<div class="lab-bar" role="progressbar" aria-label="{name}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div style="width:{percent}%"></div></div>'
    )


def duration(seconds: float) -> str:
    """Return in words how long that is."""
    if seconds < 1:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
