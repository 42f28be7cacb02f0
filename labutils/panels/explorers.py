"""Explorers: numbers typed into fields, a chart that follows at once, and a sentence that says it."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from labutils.panels import svg
from labutils.panels.fields import Field, Input

_CSS = """<style>
.lab-panel { padding: 8px 10px; border: 1px solid var(--jp-border-color2, #ccc); overflow-x: auto; }
.lab-panel .widget-label { color: var(--jp-ui-font-color1, #1a1a1a); }
.lab-panel .lab-wrong input { border: 2px solid #b00020 !important; }
.lab-alert { color: #b00020; font-weight: 600; line-height: 1.4; }
body[data-jp-theme-light="false"] .lab-alert { color: #ff8a80; }
.lab-status { color: var(--jp-ui-font-color1, #1a1a1a); line-height: 1.5; max-width: 640px; }
.lab-lost { display: none; }
.jupyter-widgets-disconnected .lab-lost { display: block; }
</style>
<div class="lab-lost lab-alert">This panel has lost its kernel. Choose Run, Run All Cells.</div>"""


class Explorer:
    """Fields above a chart; every valid entry draws it anew, a wrong one is answered beside its field.

    draw : called with one argument for each field; returns the chart as SVG text and a sentence.
    title : names the panel. A ValueError that `draw` raises is shown as the answer.
    """

    def __init__(self, draw: Callable[..., tuple[str, str]], fields: Sequence[Field], title: str) -> None:
        self._draw, self.title = draw, title
        self.inputs = [Input(field, self.update) for field in fields]
        self.chart, self.status = widgets.HTML(), widgets.HTML()
        heading = widgets.HTML(f"{_CSS}<b>{html.escape(title)}</b>")
        self.widget = widgets.VBox([heading, *(i.widget for i in self.inputs), self.chart, self.status])
        self.widget.add_class("lab-panel")
        self.update()

    def update(self) -> None:
        """Draw the chart for the numbers that stand in the fields."""
        if not all(entry.is_valid for entry in self.inputs):
            return
        try:
            chart, sentence = self._draw(**{entry.field.name: entry.number for entry in self.inputs})
        except ValueError as error:
            self.status.value = f'<div class="lab-alert" role="alert">{html.escape(str(error))}</div>'
            return
        self.chart.value = chart
        self.status.value = f'<div class="lab-status" role="status">{html.escape(sentence)}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """Return the live panel, and for a reader without a kernel its first chart with a sentence."""
        live = self.widget._repr_mimebundle_() or {}
        picture = base64.b64encode(self.chart.value.encode()).decode()
        static = (
            f"<p>{html.escape(self.title)}: run this notebook to type other numbers.</p>"
            f'<img alt="{html.escape(self.title)}" src="data:image/svg+xml;base64,{picture}" width="660">'
        )
        return {**live, "text/plain": f"<Panel: {self.title}>", "text/html": static}


class CurveExplorer(Explorer):
    """Curves that a function of the notebook computes from the numbers in the fields.

    curves : called with one argument for each field; returns the lines, name → (x, y). logy : a
    logarithmic y-axis. The sentence gives each line's first and last value.
    """

    def __init__(
        self,
        curves: Callable[..., Mapping[str, tuple[Sequence[float], Sequence[float]]]],
        fields: Sequence[Field],
        title: str,
        xlabel: str,
        ylabel: str,
        logy: bool = False,
    ) -> None:
        def draw(**numbers: float) -> tuple[str, str]:
            lines = curves(**numbers)
            told = "; ".join(
                f"{n}: {y[0]:.3g} at {x[0]:g}, {y[-1]:.3g} at {x[-1]:g}" for n, (x, y) in lines.items()
            )
            asked = ", ".join(f"{f.label.lower()} {numbers[f.name]:g}" for f in fields)
            sentence = f"{ylabel[:1].upper()}{ylabel[1:]} for {asked}. {told}."
            return svg.line_chart(lines, xlabel, ylabel, logy=logy, alt=sentence), sentence

        super().__init__(draw, fields, title)


class StepExplorer(Explorer):
    """Walk through a sequence, one unit at a time, and see its gates and states change.

    trace : name → (time, units), as a cell keeps it for one sequence.
    steps : what is read at each time step, a letter or two.
    """

    def __init__(self, trace: Mapping[str, np.ndarray], steps: Sequence[str], title: str) -> None:
        time, units = next(iter(trace.values())).shape
        if any(values.shape != (time, units) for values in trace.values()) or len(steps) != time:
            raise ValueError(f"every part of the trace must have the shape ({len(steps)}, units)")

        def draw(step: int, unit: int) -> tuple[str, str]:
            rows = {name: values[:, unit - 1] for name, values in trace.items()}
            now = ", ".join(f"{name} {values[step - 1, unit - 1]:.2f}" for name, values in trace.items())
            sentence = f"Step {step} of {time} reads {steps[step - 1]}. Unit {unit}: {now}."
            return svg.bar_rows(rows, steps, chosen=step - 1, alt=sentence), sentence

        fields = [Field("step", "Time step", 1, 1, time), Field("unit", "Unit", 1, 1, units)]
        super().__init__(draw, fields, title)
