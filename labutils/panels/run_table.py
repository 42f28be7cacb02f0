"""The runs of a training panel: a table, the best of them, and all of them as CSV."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from labutils.panels.fields import Field
from labutils.panels.preview import Pictures
from labutils.training import Run


@dataclass(frozen=True)
class Score:
    """What the runs of a panel are compared by.

    name : the head of its column. of : the number of one run; a choice may rest on it, so it must not
    come from test data. best : `min` or `max`.
    """

    name: str
    of: Callable[[Run], float]
    best: Callable[..., float] = min


@dataclass(frozen=True)
class Entry:
    """One run of a panel: its number, from 1, what stood in the fields, its layers, what came of it.

    pictures : what the network made of the panel's preview, if it has one.
    """

    number: int
    settings: dict[str, float]
    network: str
    run: Run
    pictures: Pictures | None = None

    @property
    def name(self) -> str:
        return f"run {self.number}"


def scored(score: Score, run: Run) -> tuple[float, str]:
    """Return the score of a run, or NaN and the reason why it has none."""
    if not run.epochs:
        return math.nan, "not one epoch was finished"
    try:
        return float(score.of(run)), ""
    except Exception as error:  # the function is the notebook's
        return math.nan, f"{type(error).__name__}: {error}"


def best_of(entries: Sequence[Entry], score: Score) -> Entry | None:
    """Return the entry with the best score, the earlier one of equals; None where none has a score."""
    scores = {entry.number: scored(score, entry.run)[0] for entry in entries}
    finished = [entry for entry in entries if math.isfinite(scores[entry.number])]
    return score.best(finished, key=lambda entry: scores[entry.number]) if finished else None


def refuse_labels(fields: Sequence[Field], score: Score) -> None:
    """Raise ValueError where two columns of the table would have the same name."""
    names = [score.name, *(field.label.lower() for field in fields), *_MEASURED, "best"]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two columns of the table would be named {name!r}: choose another label")


_MEASURED = ("epochs done", "seconds", "how it ended", "parameters", "network")


def frame(entries: Sequence[Entry], fields: Sequence[Field], score: Score) -> pd.DataFrame:
    """Return one row for each run, newest first, as it stands in the table and in the CSV."""
    best = best_of(entries, score)
    rows = {
        entry.number: {
            score.name: scored(score, entry.run)[0],
            "best": entry is best,
            **{field.label.lower(): entry.settings.get(field.name, math.nan) for field in fields},
            "epochs done": entry.run.epochs,
            "seconds": entry.run.seconds,
            "how it ended": entry.run.ended,
            "parameters": entry.run.parameters,
            "network": entry.network,
        }
        for entry in reversed(entries)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")


def table(entries: Sequence[Entry], fields: Sequence[Field], score: Score, title: str) -> str:
    """Return the runs as an HTML table with a link that saves them as CSV; nothing while there are none."""
    if not entries:
        return ""
    runs = frame(entries, fields, score)
    shown = runs.drop(columns="best")
    spelled = {score.name: _short, "seconds": "{:.1f}".format, "parameters": "{:,}".format}
    heads = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in ["run", *shown.columns])
    lines = []
    for number, row in shown.iterrows():
        is_best = runs.loc[number, "best"] and len(runs) > 1
        cells = [html.escape(spelled.get(name, _plain)(value)) for name, value in row.items()]
        cells[0] += " (best)" if is_best else ""
        told = f'<th scope="row">{number}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f"<tr{_BOLD if is_best else ''}>{told}</tr>")
    csv = base64.b64encode(runs.to_csv().encode()).decode()
    file = "".join(c if c.isascii() and c.isalnum() else "_" for c in title.lower()) + ".csv"
    return (
        f'<div class="lab-scroll"><table><caption>Your runs</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        f'<p><a download="{file}" href="data:text/csv;base64,{csv}">Save the table as CSV</a></p>'
    )


_BOLD = ' style="font-weight: 700"'


def _short(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
