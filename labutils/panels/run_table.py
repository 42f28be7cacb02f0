"""The runs of a training panel: a table, the best of them, and all of them as CSV."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from labutils.panels import base
from labutils.panels.fields import ChoiceField, Field, field_text
from labutils.panels.preview import PreviewOutput
from labutils.training import Run

_MEASURED = ("epochs done", "seconds", "how it ended", "parameters", "network")


@dataclass(frozen=True)
class Score:
    """What the runs of a panel are compared by.

    Parameters
    ----------
    name : the head of its column.
    of : returns the score of a run; a choice may rest on it, so it must not come from test data.
    best : `min` or `max`.
    """

    name: str
    of: Callable[[Run], float]
    best: Callable[..., float] = min


@dataclass(frozen=True)
class RunEntry:
    """One finished run of a panel."""

    number: int  # from 1
    values: dict[str, float | str]  # of the fields
    network: str  # its layers, such as "LSTM → Dense"
    run: Run
    preview: PreviewOutput | None = None  # what the network made of the panel's preview, if it has one


class RunTable:
    """The entries of a panel, oldest first, as a table.

    Raises ValueError where two columns would have the same name.
    """

    def __init__(
        self, entries: Sequence[RunEntry], fields: Sequence[Field | ChoiceField], score: Score
    ) -> None:
        self._entries, self._fields, self._score = entries, fields, score
        names = [score.name, *(field.label.lower() for field in fields), *_MEASURED, "best"]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two columns of the table would be named {name!r}: choose another label")

    def settings_in_words(self, values: Mapping[str, float | str]) -> str:
        """Return the values of the fields in words."""
        return ", ".join(
            f"{f.label.lower()} {field_text(values[f.name])}" for f in self._fields if f.name in values
        )

    def outcome_in_words(self, entry: RunEntry) -> str:
        """Return in a sentence how a run has ended."""
        text = f"Run {entry.number} ({self.settings_in_words(entry.values)}) has ended: {entry.run.ended}"
        if not entry.run.epochs:
            return f"{text} before its first epoch was done."
        score, reason = self._score_or_reason(entry.run)
        text += f", {entry.run.seconds:.1f} seconds"
        if reason:
            return f"{text}, but it has no {self._score.name} ({reason})."
        is_best = entry is self._best() and len(self._entries) > 1
        return f"{text}, {self._score.name} {score:.4g}{', the best so far' if is_best else ''}."

    def frame(self) -> pd.DataFrame:
        """Return one row for each run, newest first."""
        best = self._best()
        rows = {
            entry.number: {
                self._score.name: self._score_or_reason(entry.run)[0],
                "best": entry is best,
                **{field.label.lower(): entry.values.get(field.name, math.nan) for field in self._fields},
                "epochs done": entry.run.epochs,
                "seconds": entry.run.seconds,
                "how it ended": entry.run.ended,
                "parameters": entry.run.parameters,
                "network": entry.network,
            }
            for entry in reversed(self._entries)
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")

    def html(self, title: str) -> str:
        """Return the table as HTML with a link that saves it as CSV; nothing while there are no runs."""
        if not self._entries:
            return ""
        runs, best = self.frame(), self._best()
        csv = base64.b64encode(runs.to_csv().encode()).decode()
        file = "".join(c if c.isascii() and c.isalnum() else "_" for c in title.lower()) + ".csv"
        shown, marked = runs.drop(columns="best"), best.number if best and len(runs) > 1 else None
        formats = {"seconds": "{:.1f}".format, "parameters": "{:,}".format, self._score.name: "{:.4g}".format}
        rows = []
        for number, *values in shown.itertuples(name=None):
            cells = [_cell(value, formats.get(name, field_text)) for name, value in zip(shown, values)]
            cells[0] += " (best)" * (number == marked)
            rows.append([str(number), *cells])
        best_row = [*shown.index].index(marked) if marked else None
        table = base.html_table("Your runs", ["run", *shown], rows, row_heads=True, best=best_row)
        link = f'<a download="{file}" href="data:text/csv;base64,{csv}">Save the table as CSV</a>'
        return f"{table}<p>{link}</p>"

    def _score_or_reason(self, run: Run) -> tuple[float, str]:
        """Return the score of a run, or NaN and the reason why it has none."""
        if not run.epochs:
            return math.nan, "not one epoch was finished"
        try:
            score = float(self._score.of(run))
            return score, "" if math.isfinite(score) else f"it is {score}"
        except Exception as error:  # the function is the notebook's
            return math.nan, f"{type(error).__name__}: {error}"

    def _best(self) -> RunEntry | None:
        """Return the entry with the best score, the earlier one of equals; None where none has a score."""
        scores = [self._score_or_reason(entry.run)[0] for entry in self._entries]
        best = self._score.best(filter(math.isfinite, scores), default=math.nan)
        return next((entry for entry, score in zip(self._entries, scores) if score == best), None)


def _cell(value: float | str, in_words: Callable[[float], str]) -> str:
    """Return what stands in a cell of the table: a dash for NaN."""
    if isinstance(value, str):
        return value
    return "–" if math.isnan(value) else in_words(value)
