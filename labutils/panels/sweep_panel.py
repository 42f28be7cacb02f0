"""The sweep panel: lists of settings go in, every run appears as it comes in, with means over the seeds."""

from __future__ import annotations

import functools
import html
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from joblib import cpu_count
from scipy import stats

from labutils import training
from labutils.panels import base, svg
from labutils.panels.background import Progress
from labutils.panels.fields import Field, Input, ListField, ListInput, TypedInput, field_text
from labutils.panels.sessions import PanelSession, SessionPanel
from labutils.panels.training_charts import duration_in_words

MOST_RUNS = 500


class SweepSession(PanelSession):
    """The sweep that goes on, and what it has so far."""

    def __init__(self) -> None:
        super().__init__()
        self.table = pd.DataFrame()  # of the runs asked for, as `training.sweep` returns it
        self.names: list[str] = []  # of the settings
        self.message = "Choose values and press Start."
        self.done, self.began = 0, 0.0  # how many runs are done, and when the sweep began
        self.done_before = 0


@functools.cache
def sweep_session(title: str) -> SweepSession:
    """Return the one session of the sweep panels with this title."""
    return SweepSession()


class SweepPanel(SessionPanel[SweepSession]):
    """Lists of values for the settings, seeds and workers; Start and Stop; each run as it comes in.

    Running the cell again keeps a sweep that goes on; what was trained once is in the store.

    Parameters
    ----------
    train : as `training.sweep` wants it: called with a value of each field and a seed.
    fields : the settings. The first with several values is the x-axis.
    score : the name of what `train` returns that is drawn and averaged.
    label : of the score, with its unit.
    store : the file of the runs.
    title : names the panel.
    seeds : how many, at first.
    references : name → score, lines in the chart.
    client : a ``dask.distributed.Client``, instead of the processes of this machine.

    Raises
    ------
    ValueError
        For fields that do not fit together, and a store that is none.
    """

    seconds_between_drawings = 0.5
    busy_text = "A sweep is going on: stop it first, or wait for its end."
    idle_text = "There is no sweep to stop."
    kept_text = "The runs are there."

    def __init__(
        self,
        train: Callable[..., Any],
        fields: Sequence[ListField],
        score: str,
        *,
        label: str,
        store: str | os.PathLike,
        title: str,
        seeds: int = 3,
        references: Mapping[str, float] | None = None,
        client: Any = None,
    ) -> None:
        super().__init__(sweep_session(title), title)
        if not fields or len({field.name for field in fields}) < len(fields):
            raise ValueError("a sweep panel needs fields with different names, one at least")
        self._train, self._score, self._label, self._store = train, score, label, store
        self._references, self._client = dict(references or {}), client
        self.inputs = [ListInput(field) for field in fields]
        self.seeds = Input(Field("seeds", "Seeds", seeds, 1, 50))
        self.workers = Input(Field("workers", "Processes", min(2, cpu_count()), 1, cpu_count()))
        self.start_button = base.button("Start", self._start_clicked)
        self.start_buttons = [self.start_button]
        self.head, self.live, self.runs = widgets.HTML(), widgets.HTML(), widgets.HTML()
        entries: list[TypedInput] = [*self.inputs, self.seeds, *([] if client else [self.workers])]
        self.fill(
            base.row(*(entry.widget for entry in entries)),
            base.row(self.start_button, self.stop_button),
            self.status,
            *([widgets.HTML(_dashboard(client))] if client else []),
            self.head,
            self.live,
            self.runs,
        )
        if not self.session.runner.is_busy:
            self._keep_table(training.stored_runs(**self._runs_asked_for()))  # what the store holds already
        self.take_over()

    def table(self) -> pd.DataFrame:
        """Return a row for each run that was asked for: settings, seed, results, seconds and failures."""
        return self.session.table.copy()

    def means(self) -> pd.DataFrame:
        """Return a row for each setting: "runs" that are done, the "mean" score, and its "half_width".

        That is of the 95 % interval over the seeds (Student's t; NaN for a single run).
        """
        session, runs = self.session, self.session.table
        if self._score not in runs:
            return pd.DataFrame()
        groups = runs[runs.failed == ""].groupby(session.names, sort=False)[self._score]
        means = groups.agg(runs="count", mean="mean", sd="std")
        t = stats.t.ppf(0.975, np.maximum(means.runs - 1, 1))
        means["half_width"] = t * means.sd / np.sqrt(means.runs)
        return means.drop(columns="sd")

    def announce(self, progress: Progress) -> None:
        """Say how the sweep is going, or why it has failed."""
        if progress.error:
            self.complain(f"The sweep has failed. {progress.error}", progress.details)
        else:
            self.say(self.session.message)

    def draw(self, progress: Progress) -> None:
        """Draw the progress bar, the chart of the means, and the table of the runs."""
        self.head.value = self._progress_bar(progress.total) if progress.is_busy else ""
        self.live.value = f'<div class="lab-charts">{self.pictures()[0]}</div>'
        self.runs.value = self._runs_html()

    def pictures(self) -> list[str]:
        """Return the chart of the means over the seeds."""
        x_name, lines = self._lines_of_means()
        has_points = any(svg.drawable(y) for line in lines for y in line.y)
        ends = "; ".join(f"{line.name} from {line.y[0]:.4g} to {line.y[-1]:.4g}" for line in lines)
        what = f"{self._label} by {self._label_of(x_name)}, means over the seeds with 95 % intervals"
        chart = svg.line_chart(
            lines,
            self._label_of(x_name),
            self._label,
            references=self._references,
            xlim=None if has_points else (0, 1),
            ylim=None if has_points else (0, 1),
            note="" if has_points else "the runs appear here",
            alt=f"{what}: {ends or 'no run yet'}",
        )
        return [chart]

    def _lines_of_means(self) -> tuple[str, list[svg.Line]]:
        """Return the name of the setting on the x-axis, and a line for each value of the others."""
        means, names = self.means(), self.session.names
        if means.empty:
            return self.inputs[0].field.name, []
        levels = means.reset_index()
        x_name, *others = [name for name in names if levels[name].nunique() > 1] or names[:1]
        parts, lines = levels.groupby(others, sort=False) if others else [((), levels)], []
        for number, (values, part) in enumerate(parts):
            name = ", ".join(f"{self._label_of(n)} {field_text(v)}" for n, v in zip(others, values))
            part = part.sort_values(x_name)
            line = svg.Line(
                name or "mean over the seeds",
                part[x_name].to_numpy(),
                part["mean"].to_numpy(),
                colour=number,
                dash=number // 6,
                marker="circle",
                half_widths=part.half_width.to_numpy(),
            )
            lines.append(line)
        return x_name, lines

    def _start_clicked(self, button: widgets.Button) -> None:
        if self.values_of([*self.inputs, self.seeds, self.workers]) is None:
            return
        number = math.prod(len(entry.value) for entry in self.inputs) * int(self.seeds.value)
        if number > MOST_RUNS:
            self.complain(
                f"Nothing was started: these are {number:,} runs. The panel makes at most {MOST_RUNS}; for "
                "more, call training.sweep in a cell or a script."
            )
            return
        if self.refused_as_busy():
            return
        session, wanted = self.session, self._runs_asked_for()
        self._keep_table(training.stored_runs(**wanted))
        session.done_before, session.began = session.done, time.monotonic()
        session.message = f"{number} runs were asked for, {session.done} of them are in the store."
        workers = None if self._client else int(self.workers.value)
        session.runner.start(functools.partial(self._sweep, number, wanted, workers), number)

    def _sweep(self, number: int, wanted: Mapping[str, Any], workers: int | None) -> None:
        """Train what is missing of the runs that were wanted at the click, in the background."""
        session = self.session

        def on_result(record: Mapping[str, Any], done: int, total: int) -> None:
            table = session.table.copy()  # which another thread may be drawing
            is_run = table[[*session.names, "seed"]].eq(pd.Series(record["settings"])).all(axis=1)
            if self._score not in table:
                table[self._score] = math.nan
            table.loc[is_run, self._score] = record.get("result", {}).get(self._score, math.nan)
            table.loc[is_run, "failed"] = record.get("failed", "")
            session.table, session.done = table, done
            session.runner.report()

        table = training.sweep(
            **wanted,
            workers=workers,
            client=self._client,
            on_result=on_result,
            should_stop=lambda: session.runner.stop_requested,
        )
        self._keep_table(table)
        failed = int((session.table.failed != "").sum())
        if failed < len(session.table) and not pd.api.types.is_numeric_dtype(session.table.get(self._score)):
            raise ValueError(f"train returns no number that is named {self._score!r}")
        if session.runner.stop_requested:
            session.message = (
                f"Stopped: {session.done} of {number} runs are done and kept. Start goes on from there."
            )
        else:
            session.message = (
                f"All {number} runs are done in {duration_in_words(time.monotonic() - session.began)}"
            )
            session.message += f", {failed} of them failed: see the table." if failed else "."

    def _runs_asked_for(self) -> dict[str, Any]:
        """Return the runs that are asked for, as `training.sweep` and `training.stored_runs` take them."""
        grid = {entry.field.name: list(entry.value) for entry in self.inputs}
        seeds = range(int(self.seeds.value))
        return {"train": self._train, "grid": grid, "seeds": seeds, "store": self._store}

    def _keep_table(self, table: pd.DataFrame) -> None:
        session = self.session
        session.table, session.names = table, [entry.field.name for entry in self.inputs]
        session.done = int((table.failed != training.NOT_TRAINED).sum())

    def _progress_bar(self, number: int) -> str:
        session = self.session
        text = f"{session.done} of {number} runs done"
        if session.done > session.done_before:
            each = (time.monotonic() - session.began) / (session.done - session.done_before)
            text += f", about {duration_in_words(each * (number - session.done))} left"
        else:
            text += ": the processes start, which takes some seconds"
        return base.progress_bar(text, session.done / number, "runs")

    def _runs_html(self) -> str:
        """Return the means as a table, and why runs failed."""
        session, rows = self.session, []
        for values, row in self.means().iterrows() if len(self.means()) else ():
            values = values if isinstance(values, tuple) else (values,)
            half = f" ± {row.half_width:.3g}" if math.isfinite(row.half_width) else ""
            rows.append([*map(field_text, values), f"{row.runs:.0f}", f"{row['mean']:.4g}{half}"])
        heads = [*map(self._label_of, session.names), "runs", f"{self._label}, mean ± 95 % interval"]
        table = base.html_table("Means over the seeds", heads, rows) if rows else ""
        reasons = session.table.failed[~session.table.failed.isin(["", training.NOT_TRAINED])].value_counts()
        failures = [f"{count} failed: {reason}" for reason, count in reasons.items()]
        return table + "".join(f"<p>{html.escape(text)}</p>" for text in failures)

    def _label_of(self, name: str) -> str:
        return next((e.field.label.lower() for e in self.inputs if e.field.name == name), name)


def _dashboard(client: Any) -> str:
    """Return a link to the dashboard of a cluster, "" where it has none."""
    link = client.dashboard_link or ""
    return (
        f'<p><a href="{html.escape(link, quote=True)}" target="_blank">Dashboard of the cluster</a></p>'
        * bool(link)
    )
