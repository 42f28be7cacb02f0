"""Explorers: numbers typed into fields, a chart that follows at once, and a sentence that says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from labutils.panels import base, svg
from labutils.panels.fields import Field, Input

Curves = Callable[..., Mapping[str, tuple[svg.Numbers, svg.Numbers]]]


class Explorer(base.Panel):
    """Fields above a chart; every valid entry draws it anew, a wrong one is answered beside its field.

    Parameters
    ----------
    draw : called with one argument for each field; returns the chart as SVG and a sentence. What it raises is
        shown as the answer, except for the first numbers.
    fields : of the numbers.
    title : names the panel.
    """

    def __init__(self, draw: Callable[..., tuple[str, str]], fields: Sequence[Field], title: str) -> None:
        super().__init__(title)
        self._draw = draw
        self.inputs = [Input(field, self.update) for field in fields]
        self.chart = widgets.HTML()
        self.fill(base.row(*(entry.widget for entry in self.inputs)), self.chart, self.status)
        self._show()

    def update(self) -> None:
        """Draw the chart for the numbers that stand in the fields, or say why that cannot be done."""
        if not all(entry.is_valid for entry in self.inputs):
            return
        try:
            self._show()
        except ValueError as error:
            self.complain(str(error))
        except Exception as error:  # whatever the notebook's function raises belongs to its reader
            self.complain_of(error)

    def pictures(self) -> list[str]:
        """Return the chart that is shown now."""
        return [self.chart.value]

    def _show(self) -> None:
        chart, sentence = self._draw(**{entry.field.name: entry.value for entry in self.inputs})
        self.chart.value = chart
        self.say(sentence)


class CurveExplorer(Explorer):
    """Curves that a function of the notebook computes from the numbers in the fields.

    Parameters
    ----------
    curves : called with one argument for each field; returns the lines, name → (x, y).
    fields, title : as in `Explorer`.
    xlabel, ylabel : names of the axes.
    logy : True for a logarithmic y-axis.
    """

    def __init__(
        self,
        curves: Curves,
        fields: Sequence[Field],
        title: str,
        xlabel: str,
        ylabel: str,
        logy: bool = False,
    ) -> None:
        def draw(**numbers: float) -> tuple[str, str]:
            curve_of = curves(**numbers)
            ends = "; ".join(
                f"{n}: {y[0]:.3g} at {x[0]:g}, {y[-1]:.3g} at {x[-1]:g}" for n, (x, y) in curve_of.items()
            )
            settings = ", ".join(f"{f.label.lower()} {numbers[f.name]:g}" for f in fields)
            sentence = f"{ylabel[:1].upper()}{ylabel[1:]} for {settings}. {ends}."
            lines = [svg.Line(name, x, y, i, i) for i, (name, (x, y)) in enumerate(curve_of.items())]
            return svg.line_chart(lines, xlabel, ylabel, logy=logy, alt=sentence), sentence

        super().__init__(draw, fields, title)


class StepExplorer(Explorer):
    """Walk through a sequence, one unit at a time, and see its gates and states change.

    Parameters
    ----------
    trace : name → (time, units), as a cell of `labutils.cells` keeps it for one sequence.
    steps : what is read at each time step, a letter or two.
    title : as in `Explorer`.
    """

    def __init__(self, trace: Mapping[str, np.ndarray], steps: Sequence[str], title: str) -> None:
        if any(np.ndim(values) == 3 for values in trace.values()):
            raise ValueError("the trace has a batch axis: of each part give [0], that of the first sequence")
        time, units = next(iter(trace.values())).shape
        if any(values.shape != (time, units) for values in trace.values()) or len(steps) != time:
            raise ValueError(f"every part of the trace must have the shape ({len(steps)}, units)")

        def draw(step: int, unit: int) -> tuple[str, str]:
            rows = {name: values[:, unit - 1] for name, values in trace.items()}
            now = ", ".join(f"{name} {values[step - 1]:.2f}" for name, values in rows.items())
            sentence = f"Step {step} of {time} reads {steps[step - 1]}. Unit {unit}: {now}."
            return svg.bar_rows(rows, steps, chosen=step - 1, alt=sentence), sentence

        fields = [Field("step", "Time step", 1, 1, time), Field("unit", "Unit", 1, 1, units)]
        super().__init__(draw, fields, title)
