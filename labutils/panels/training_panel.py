"""The training panel: settings in, live curves out, and every run kept for comparison."""

from __future__ import annotations

import dataclasses
import functools
import html
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from labutils import backend, training
from labutils.panels import base
from labutils.panels.background import Progress, progress_callback
from labutils.panels.fields import ChoiceField, Field, input_of
from labutils.panels.preview import Preview, PreviewOutput
from labutils.panels.run_table import RunEntry, RunTable, Score
from labutils.panels.sessions import PanelSession, SessionPanel
from labutils.panels.training_charts import Chart, History, training_progress
from labutils.training.fitting import callback_list

if TYPE_CHECKING:
    import keras

NEWEST, NONE = "the newest run", "no other run"


class TrainingSession(PanelSession):
    """The runs so far, and the one that goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[RunEntry] = []  # the finished runs, oldest first
        self.model: keras.Model | None = None  # of the latest of them
        self.values: dict[str, float | str] = {}  # of the fields in the latest training
        self.preview: PreviewOutput | None = None  # by the network that is being trained

    @property
    def next_number(self) -> int:
        """The number of the run that goes on or comes next."""
        return len(self.entries) + 1


@functools.cache
def training_session(title: str) -> TrainingSession:
    """Return the one session of the training panels with this title."""
    return TrainingSession()


class TrainingPanel(SessionPanel[TrainingSession]):
    """Fields for the settings, Train and Stop, live curves, and a table of the runs so far.

    Running the cell again keeps the runs and a training that goes on: they belong to the title.

    Parameters
    ----------
    build : returns a compiled model. It and `data` are called with those fields that they have arguments for.
    data : returns arrays (x, y), of which the last fifth of the rows validates and the others train; or two
        such pairs, of which the first trains and the second validates.
    fields : one must be named "epochs"; one named "seed" is set before the network is built.
    charts : what is drawn.
    score : what the table compares the runs by.
    title : names the panel, its runs and the file of its table.
    preview : images that the network is given during the training, to show what it makes of them.
    **settings : arguments of `training.fit`: batch_size, callbacks, test and fast (here True by default).

    Raises
    ------
    ValueError, TypeError
        For fields, charts and settings that do not fit together.
    """

    def __init__(
        self,
        build: Callable[..., keras.Model],
        data: Callable[..., tuple],
        fields: Sequence[Field | ChoiceField],
        charts: Sequence[Chart],
        score: Score,
        *,
        title: str,
        preview: Preview | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(training_session(title), title)
        _check(build, data, fields)
        if not charts:
            raise ValueError("a training panel needs at least one chart, such as Chart('loss', 'loss')")
        if reserved := settings.keys() & {"epochs", "model", "name", "validation", "x", "y"}:
            raise TypeError(
                f"the panel sets {', '.join(sorted(reserved))} itself; `data` gives what validates"
            )
        settings["callbacks"] = callback_list(settings.get("callbacks"))
        self._fit_settings = {"fast": True} | settings
        inspect.signature(training.fit).bind_partial(**self._fit_settings)  # TypeError for what is unknown
        self._build = build
        self._data = data
        self._charts = tuple(charts)
        self._preview = preview
        self._previewed_at = 0.0
        self._runs = RunTable(self.session.entries, tuple(fields), score)
        self.inputs = [input_of(field) for field in fields]
        self.train_button = base.button("Train", self._train_clicked)
        self.start_buttons = [self.train_button]
        self.head = widgets.HTML()
        self.live = widgets.HTML()
        self.table_of_runs = widgets.HTML()
        self.drawn_run = self._choice("Show", NEWEST)
        self.other_run = self._choice("and lay over it", NONE)
        self.choices = base.row(base.labelled(self.drawn_run), base.labelled(self.other_run))
        inputs = base.row(*(entry.widget for entry in self.inputs))
        buttons = base.row(self.train_button, self.stop_button)
        self.fill(inputs, buttons, self.status, self.head, self.live, self.choices, self.table_of_runs)
        self.take_over()

    @property
    def runs(self) -> list[training.Run]:
        """The runs so far, oldest first, as `training.fit` returned them."""
        return [entry.run for entry in self.session.entries]

    @property
    def model(self) -> keras.Model:
        """The network of the latest run."""
        if self.session.model is None:
            raise ValueError("this panel has not trained a network yet: press Train first")
        return self.session.model

    def table(self) -> pd.DataFrame:
        """Return the runs so far, newest first: settings, score, seconds and how each ended."""
        return self._runs.frame()

    def retire(self) -> None:
        """Give way to a new panel, and let go of the functions of its notebook."""
        super().retire()
        del self._build, self._data

    def pictures(self) -> list[str]:
        """Return the charts as they are before the first run, empty."""
        return self._drawings({}, {}, self._usual_epochs)

    @property
    def _usual_epochs(self) -> int:
        return next(int(entry.field.value) for entry in self.inputs if entry.field.name == "epochs")

    def _choice(self, label: str, first: str) -> widgets.Dropdown:
        choice = base.control(widgets.Dropdown, label, options=[first])
        choice.observe(self._choice_made, "value")
        return choice

    def _train_clicked(self, button: widgets.Button) -> None:
        values = self.values_of(self.inputs)
        if values is not None and not self.refused_as_busy():
            self.session.values, self.session.preview = values, None
            self.drawn_run.value = NEWEST
            train = functools.partial(self._train, self._build, self._data, values)
            self.session.runner.start(train, values["epochs"])

    def _choice_made(self, change: dict) -> None:
        with self._drawing:
            if self.session.panel is self:
                self.draw(self.session.runner.progress)

    def _train(self, build: Callable, data: Callable, values: dict[str, float | str]) -> training.Run:
        """Build, train and record one network; everything in the one thread that Keras wants."""
        backend.load_keras().utils.set_random_seed(values.get("seed", 0))
        model = _checked_model(build(**_arguments(build, values)))
        x, y, validation = _x_y_and_validation(data(**_arguments(data, values)))
        callback = progress_callback(self.session.runner, self._update_preview)
        callbacks = [callback, *self._fit_settings["callbacks"]]
        settings = self._fit_settings | {"validation": validation, "callbacks": callbacks}
        number = self.session.next_number
        run = training.fit(model, x, y, epochs=int(values["epochs"]), **settings)
        run = dataclasses.replace(run, name=f"run {number}")
        layers = " → ".join(type(layer).__name__ for layer in model.layers)
        preview = None if self._preview is None else self._preview.output_of(model)
        self.session.entries.append(RunEntry(number, values, layers, run, preview))
        self.session.model = model
        return run

    def _update_preview(self, network: keras.Model) -> None:
        """See what the network makes of the preview, as often as it can be drawn."""
        is_due = time.monotonic() - self._previewed_at >= self.seconds_between_drawings
        if self._preview is not None and (is_due or self.session.preview is None):
            self.session.preview, self._previewed_at = self._preview.output_of(network), time.monotonic()

    def announce(self, progress: Progress) -> None:
        """Say which run has started or ended, and how."""
        name = f"Run {self.session.next_number}"
        if progress.state == "starting":
            self.say(f"{name} has started: {self._runs.settings_in_words(self.session.values)}.")
        elif progress.error:
            self.complain(f"{name} has failed and is not in the table. {progress.error}", progress.details)
        elif progress.state == "idle" and self.session.entries:
            self.say(self._runs.outcome_in_words(self.session.entries[-1]))
        elif progress.state == "idle":
            self.say("Choose settings and press Train.")
        if not progress.is_busy:
            self._list_runs()

    def _list_runs(self) -> None:
        self.table_of_runs.value = self._runs.html(self.title)
        names = [entry.run.name for entry in reversed(self.session.entries)]
        for choice, first in ((self.drawn_run, NEWEST), (self.other_run, NONE)):
            chosen = choice.value
            choice.options = [first, *names]
            choice.value = chosen if chosen in choice.options else first
        self.choices.layout.display = None if len(names) > 1 else "none"

    def draw(self, progress: Progress) -> None:
        """Draw the run that goes on, or the one that was chosen, and the other over it.

        While a network is built the last curves stay, and the browser has less to do.
        """
        entries = {entry.run.name: entry for entry in self.session.entries}
        if entries and not progress.is_busy:
            shown = {"Shown": entries.get(self.drawn_run.value, self.session.entries[-1])}
            head, histories, previews, epochs = "", {}, {}, 0
        else:
            shown, name = {}, f"run {self.session.next_number}"
            head = training_progress(name.capitalize(), progress)
            histories, previews = {name: progress.history}, {name: self.session.preview}
            epochs = progress.total or self._usual_epochs
        other = entries.get(self.other_run.value)
        if other and other not in shown.values():
            shown["Laid over it"] = other
        for how, entry in shown.items():
            name = entry.run.name
            head += f"<p>{how}: {html.escape(f'{name} ({self._runs.settings_in_words(entry.values)})')}</p>"
            histories[name], previews[name] = entry.run.history, entry.preview
            epochs = max(epochs, int(entry.values["epochs"]))
        self.head.value = head
        if progress.state == "starting" and entries:
            return
        drawings = "".join(self._drawings(histories, previews, epochs))
        self.live.value = f'<div class="lab-charts">{drawings}</div>'

    def _drawings(
        self, histories: Mapping[str, History], previews: Mapping[str, PreviewOutput | None], epochs: int
    ) -> list[str]:
        """Return the charts and the preview of some runs, by name, as SVG."""
        longest = max(len(name) for chart in self._charts for name in ["", *chart.references])
        charts = [chart.draw(histories, epochs, longest) for chart in self._charts]
        return charts if self._preview is None else [*charts, self._preview.draw(previews)]


def _check(build: Callable, data: Callable, fields: Sequence[Field | ChoiceField]) -> None:
    """Raise ValueError for fields that do not fit the two functions."""
    names, parameters = [field.name for field in fields], [*_parameters(build), *_parameters(data)]
    if "epochs" not in names:
        raise ValueError('one of the fields must be named "epochs"')
    if len(set(names)) < len(names):
        raise ValueError(f"two fields have the same name: {', '.join(names)}")
    for field in fields:
        if field.name in ("epochs", "seed") and not field.is_whole:
            raise ValueError(f"the field {field.name!r} must start at a whole number, not at {field.value}")
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.name not in names:
            raise ValueError(
                f"build or data wants the argument {parameter.name!r}, but no field has that name: there are "
                f"{', '.join(names)}. Give it a default, or add a field"
            )
    for name in set(names) - {"epochs", "seed", *(parameter.name for parameter in parameters)}:
        raise ValueError(f"neither build nor data has an argument {name!r}: the field would change nothing")


def _parameters(function: Callable) -> list[inspect.Parameter]:
    parameters = inspect.signature(function).parameters.values()
    return [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _arguments(function: Callable, values: Mapping[str, float | str]) -> dict[str, float | str]:
    return {p.name: values[p.name] for p in _parameters(function) if p.name in values}


def _checked_model(built: Any) -> keras.Model:
    if isinstance(built, type) or not hasattr(built, "layers"):
        raise TypeError(f"build gave {type(built).__name__}, not a model: does it end with “return model”?")
    return built


def _x_y_and_validation(data: Any) -> tuple[Any, Any, Any]:
    """Return x, y and the validation for `training.fit`; TypeError says what `data` should have given."""
    parts = data if isinstance(data, tuple) and isinstance(data[0] if data else None, tuple) else (data,)
    if len(parts) > 2 or any(not isinstance(part, tuple) or len(part) != 2 for part in parts):
        raise TypeError(
            "data must give a tuple (x, y), or ((x, y), (x_validation, y_validation)); it gave "
            f"{type(data).__name__}{f' of {len(data)}' if hasattr(data, '__len__') else ''}"
        )
    return (*parts[0], parts[1] if len(parts) > 1 else 0.2)
