"""The training panel: settings in, live curves out, and every run kept for comparison."""

from __future__ import annotations

import functools
import html
import inspect
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from labutils import backend, training
from labutils.panels import base, run_table, svg
from labutils.panels.background import Progress, Runner
from labutils.panels.fields import Field, Input, spelled
from labutils.panels.preview import Pictures, Preview

if TYPE_CHECKING:
    import keras

SECONDS_BETWEEN_DRAWINGS = 0.25
NEWEST, NONE = "the newest run", "no other run"


@dataclass(frozen=True)
class Chart:
    """What one chart of a panel draws.

    quantity : as Keras names it, "loss" or a metric; its validation is drawn as well. label : of the
    y-axis. references : name → value, fixed lines such as a baseline or the noise floor. logy : a
    logarithmic axis. ylim : the least range of the axis.
    """

    quantity: str
    label: str
    references: Mapping[str, float] = field(default_factory=dict)
    logy: bool = False
    ylim: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, value in {**self.references, **dict(zip(("ylim", "ylim "), self.ylim or ()))}.items():
            if not svg.drawable(float(value), self.logy):
                kind = "logarithmic axis" if self.logy else "axis"
                raise ValueError(f"{name.strip()} of the chart {self.quantity!r}: no {kind} can show {value}")


class Session:
    """What outlives a panel when its cell is run again: the runs so far, and the one that goes on.

    entries : the finished runs, oldest first. model : the network of the latest of them. pictures : what
    the network that is being trained made of the preview, when it was last asked.
    """

    def __init__(self) -> None:
        self.entries: list[run_table.Entry] = []
        self.model: keras.Model | None = None
        self.settings: dict[str, float] = {}
        self.pictures: Pictures | None = None
        self.panel: TrainingPanel | None = None
        self.runner = Runner(self._told)

    @property
    def number(self) -> int:
        """The number of the run that goes on or comes next."""
        return len(self.entries) + 1

    def show_in(self, panel: TrainingPanel) -> None:
        """Follow the training in this panel from now on, and in no other."""
        if self.panel is not None:
            self.panel.retire()
        self.panel = panel

    def _told(self, progress: Progress) -> None:
        if self.panel is not None:
            self.panel.follow()


@functools.cache
def session(title: str) -> Session:
    """Return the one session of the panels with this title."""
    return Session()


class TrainingPanel(base.Panel):
    """Fields for the settings, Train and Stop, live curves, and a table of the runs so far.

    build : returns a compiled model; data : returns a tuple (x, y), whose last fifth is kept for
    validation, or ((x, y), (x_validation, y_validation)). Each is called with those fields that it has
    an argument for. fields : one must be "epochs"; one named "seed" is set before the network is built.
    charts : what is drawn. score : what the table compares the runs by. preview : images that the network
    is given during the training, to show what it makes of them. settings : more arguments for
    `training.fit`, such as ``batch_size=32`` or ``whole_epochs=True``.

    Running the cell again keeps the runs and a training that goes on: they belong to the title.
    Raises ValueError for fields, charts and settings that do not fit together.
    """

    def __init__(
        self,
        build: Callable[..., keras.Model],
        data: Callable[..., tuple],
        fields: Sequence[Field],
        charts: Sequence[Chart],
        score: run_table.Score,
        *,
        title: str,
        preview: Preview | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(title)
        _check_arguments(build, data, fields)
        _check_settings(settings)
        run_table.refuse_labels(fields, score)
        if not charts:
            raise ValueError("a training panel needs at least one chart, such as Chart('loss', 'loss')")
        self._build, self._data, self._fields = build, data, tuple(fields)
        self._charts, self._score, self._settings = tuple(charts), score, settings
        self._preview = preview
        self._drawing, self._drawn_at, self._drawn = threading.RLock(), 0.0, None
        self._looked_at = 0.0
        self.inputs = [Input(field, lambda: None) for field in fields]
        self.train_button = base.button("Train", self._train_clicked)
        self.stop_button = base.button("Stop", self._stop_clicked)
        self.head, self.live, self.table_of_runs = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.drawn_run = _choice("Show", [NEWEST], self._choice_made)
        self.other_run = _choice("and lay over it", [NONE], self._choice_made)
        self._asked = [entry.box for entry in self.inputs]
        self._asked += [self.train_button, self.stop_button, self.drawn_run, self.other_run]
        for entry in self.inputs:
            entry.box.observe(lambda change: base.answer_where_asked(*self._asked), "value")
        self._choices = base.row(*map(_field, (self.drawn_run, self.other_run)))
        self.fill(
            [
                base.row(*(entry.widget for entry in self.inputs)),
                base.row(self.train_button, self.stop_button),
                self.said,
                self.head,
                self.live,
                self._choices,
                self.table_of_runs,
            ]
        )
        self.session = session(title)
        self.picture()  # what cannot be drawn is refused before another panel gives way
        self.session.show_in(self)
        self.follow()

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
        return run_table.frame(self.session.entries, self._fields, self._score)

    @property
    def _usual_epochs(self) -> int:
        return int(next(field.value for field in self._fields if field.name == "epochs"))

    def follow(self) -> None:
        """Show the training as it stands, at most four times a second unless its state has changed."""
        with self._drawing:
            if self.session.panel is not self:
                return
            progress = self.session.runner.progress
            past, self._drawn = self._drawn, progress
            has_news = past is None or progress.state != past.state
            first_point = past is not None and progress.epochs_done > 0 == past.epochs_done
            early = time.monotonic() - self._drawn_at < SECONDS_BETWEEN_DRAWINGS
            if early and not (has_news or first_point):
                return
            busy = progress.state != "idle"
            if has_news:
                # the buttons are answered from the training's thread; their clicks must not overtake
                # what is typed into the fields of a panel that was made while it trains
                base.answer_where_asked(*self._asked)
            self.train_button.disabled, self.stop_button.disabled = busy, not busy
            if has_news:
                self._tell_news(progress)
            if not busy:
                self._list_runs()
            self._draw(progress)
            self._drawn_at = time.monotonic()

    def retire(self) -> None:
        """Give way to a new panel of the same title."""
        with self._drawing:
            for widget in self._asked:
                widget.disabled = True
            self.say("This panel was made anew elsewhere; use the new one. Your runs are there.")
            self.close_all_but_said()
            self._build = self._data = None

    def picture(self) -> str:
        shown = [(entry.field.asks, spelled(entry.field.value)) for entry in self.inputs]
        charts = [self._chart(chart, [], self._usual_epochs) for chart in self._charts]
        return svg.below([svg.form(shown, ["Train", "Stop"]), *charts, *self._images({})])

    def _train_clicked(self, button: widgets.Button) -> None:
        base.answer_where_asked(*self._asked)
        wrong = [entry.field.label for entry in self.inputs if not entry.is_valid]
        if wrong:
            self.complain(f"Nothing was started. Please mend: {', '.join(wrong)}.")
            return
        values = {entry.field.name: entry.number for entry in self.inputs}
        if not self.session.runner.is_busy:
            self.session.settings, self.session.pictures = values, None
            self.drawn_run.value = NEWEST
        train = functools.partial(self._train, self._build, self._data, values)
        if not self.session.runner.start(train, int(values["epochs"])):
            self.say("A training is going on: stop it first, or wait for its end.")

    def _stop_clicked(self, button: widgets.Button) -> None:
        base.answer_where_asked(*self._asked)
        if not self.session.runner.stop():
            self.say("There is no training to stop.")

    def _choice_made(self, change: dict) -> None:
        base.answer_where_asked(*self._asked)
        with self._drawing:
            if self.session.panel is self:
                self._draw(self.session.runner.progress)

    def _train(
        self, build: Callable, data: Callable, values: dict[str, float], **told: Callable
    ) -> training.Run:
        """Build, train and record one network; everything in the one thread that Keras wants."""
        backend.set_seed(int(values.get("seed", 0)))
        model = _a_model(build(**_wanted_by(build, values)))
        x, y, validation = _parts(data(**_wanted_by(data, values)))
        usual = {"validation_split": 0.2} if validation is None else {"validation": validation}
        settings = {"keep_compiled": True} | usual | self._settings
        name = f"run {self.session.number}"
        epochs = int(values["epochs"])
        if self._preview is not None:
            told["look"] = self._look
        run = training.fit(model, x, y, name=name, epochs=epochs, verbose=False, **told, **settings)
        network = " → ".join(type(layer).__name__ for layer in model.layers)
        pictures = self._preview and self._preview.of(model)
        self.session.entries.append(run_table.Entry(self.session.number, values, network, run, pictures))
        self.session.model = model
        return run

    def _look(self, network: keras.Model) -> None:
        """See what the network makes of the preview, as often as it can be drawn."""
        now = time.monotonic()
        if self.session.pictures is None or now - self._looked_at >= SECONDS_BETWEEN_DRAWINGS:
            self.session.pictures, self._looked_at = self._preview.of(network), now

    def _tell_news(self, progress: Progress) -> None:
        name = f"Run {self.session.number}"
        if progress.state == "building":
            self.say(f"{name} has started: {self._spelled(self.session.settings)}.")
        elif progress.state == "stopping":
            self.say("Stopping …")
        elif progress.error:
            self.complain(
                f"{name} has failed and is not in the table. {progress.error}", details=progress.details
            )
        elif progress.state == "idle" and self.session.entries:
            self.say(self._spelled_end(self.session.entries[-1]))
        elif progress.state == "idle":
            self.say("Choose settings and press Train.")

    def _spelled(self, values: Mapping[str, float]) -> str:
        return ", ".join(f"{f.label.lower()} {values[f.name]:g}" for f in self._fields if f.name in values)

    def _spelled_end(self, entry: run_table.Entry) -> str:
        text = f"Run {entry.number} ({self._spelled(entry.settings)}) has ended: {entry.run.ended}"
        if not entry.run.epochs:
            return f"{text} before its first epoch was done."
        score, reason = run_table.scored(self._score, entry.run)
        text += f", {entry.run.seconds:.1f} seconds"
        if reason:
            return f"{text}, but it has no {self._score.name} ({reason})."
        best = entry is run_table.best_of(self.session.entries, self._score) and len(self.session.entries) > 1
        return f"{text}, {self._score.name} {score:.4g}{', the best so far' if best else ''}."

    def _list_runs(self) -> None:
        entries = self.session.entries
        self.table_of_runs.value = run_table.table(entries, self._fields, self._score, self.title)
        names = [entry.name for entry in reversed(entries)]
        for choice, first in ((self.drawn_run, NEWEST), (self.other_run, NONE)):
            chosen = choice.value
            choice.options = [first, *names]
            choice.value = chosen if chosen in choice.options else first
        self._choices.layout.display = None if len(entries) > 1 else "none"

    def _draw(self, progress: Progress) -> None:
        """Draw the run that goes on, or the one that was chosen, and the other over it.

        While a network is built the last curves stay, and the browser has less to do.
        """
        entries = {entry.name: entry for entry in self.session.entries}
        if progress.state != "idle" or not entries:
            head = _progress_in_words(f"Run {self.session.number}", progress)
            first = (f"run {self.session.number}", progress.history)
            epochs = progress.epochs or self._usual_epochs
            made = {first[0]: self.session.pictures}
        else:
            chosen = entries.get(self.drawn_run.value, self.session.entries[-1])
            head = f"<p>Shown: {html.escape(self._named(chosen))}</p>"
            first = (chosen.name, chosen.run.history)
            epochs = int(chosen.settings["epochs"])
            made = {first[0]: chosen.pictures}
        curves, other = [first], entries.get(self.other_run.value)
        if other and other.name != first[0]:
            curves.append((other.name, other.run.history))
            made[other.name] = other.pictures
            head += f"<p>Laid over it: {html.escape(self._named(other))}</p>"
            epochs = max(epochs, int(other.settings["epochs"]))
        self.head.value = head
        if progress.state == "building" and entries:
            return
        charts = "".join(self._chart(chart, curves, epochs) for chart in self._charts)
        images = "".join(self._images(made))
        self.live.value = f'<div class="lab-charts">{charts}{images}</div>'

    def _named(self, entry: run_table.Entry) -> str:
        return f"run {entry.number} ({self._spelled(entry.settings)})"

    def _images(self, made: Mapping[str, Pictures | None]) -> list[str]:
        """Return the SVG of the preview, below it what each of these runs made of it; [] without one."""
        preview = self._preview
        if preview is None:
            return []
        below = {name: preview.row(pictures) for name, pictures in made.items()}
        rows = {preview.names[0]: preview.images}
        told = [f"{len(preview.images)} images: {preview.names[0]}"]
        for name, images in below.items():
            if images is not None:
                kind = preview.names[1] if len(made) == 1 else name
                rows[kind] = images
                error = float(np.mean((images - preview.images) ** 2))
                told.append(f"{name}, {preview.names[1]}, mean square difference {error:.3g}")
        reasons = [f"{n}: {p.reason}" for n, p in made.items() if p is not None and p.reason]
        note = "; ".join(reasons)[:100]
        return [svg.image_rows(rows, note=note, alt="; ".join([*told, *reasons]) + ".")]

    def _chart(self, chart: Chart, curves: Sequence[tuple[str, Mapping[str, list]]], epochs: int) -> str:
        kinds = (
            ("training", chart.quantity, 1, "square"),
            ("validation", f"val_{chart.quantity}", 0, "circle"),
        )
        lines, told = [], []
        for colour, (name, history) in enumerate(curves):
            for kind, key, dash, marker in kinds:
                values = history.get(key, [])
                if values:
                    label = kind if len(curves) == 1 else f"{name}, {kind}"
                    lines.append(svg.Line(label, range(1, len(values) + 1), values, colour, dash, marker))
                    told.append(f"{label} from {values[0]:.4g} to {values[-1]:.4g}")
        has_points = any(svg.drawable(value, chart.logy) for line in lines for value in line.y)
        note = "" if has_points else "the curves appear here"
        if lines and not has_points:
            note = "no value that this axis can show"
        elif not lines and any(values for _, history in curves for values in history.values()):
            note = f"this network does not report {chart.quantity}"
        told += [f"{name} {value:.4g}" for name, value in chart.references.items()]
        return svg.line_chart(
            lines,
            "epoch",
            chart.label,
            references=chart.references,
            logy=chart.logy,
            xlim=(1, max(2, epochs)),
            ylim=chart.ylim or (None if chart.references or has_points else (0.1, 1)),
            whole_x=True,
            note=note,
            room=max(len(name) for chart in self._charts for name in ["", *chart.references]),
            alt=f"{chart.label} by epoch: {'; '.join([*told, note]).strip('; ')}.",
        )


def _check_arguments(build: Callable, data: Callable, fields: Sequence[Field]) -> None:
    names = [field.name for field in fields]
    if "epochs" not in names:
        raise ValueError('one of the fields must be named "epochs"')
    if len(set(names)) < len(names):
        raise ValueError(f"two fields have the same name: {', '.join(names)}")
    for asked in fields:
        if asked.name in ("epochs", "seed") and not asked.whole:
            raise ValueError(f"the field {asked.name!r} must start with a whole number, not {asked.value}")
    taken = {"epochs", "seed"}
    for function, name in ((build, "build"), (data, "data")):
        name = getattr(function, "__name__", name)
        for parameter in _named(function):
            if parameter.default is parameter.empty and parameter.name not in names:
                raise ValueError(
                    f"{name} wants the argument {parameter.name!r}, but no field has that name: "
                    f"there are {', '.join(names)}. Give it a default, or add a field"
                )
            taken.add(parameter.name)
    for name in names:
        if name not in taken:
            raise ValueError(
                f"neither build nor data has an argument {name!r}: the field of that name would change "
                f"nothing"
            )


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name in settings:
        if name not in _SETTINGS:
            raise ValueError(f"a panel has no setting {name!r} for training.fit, only {', '.join(_SETTINGS)}")


_SETTINGS = tuple(
    name
    for name in inspect.signature(training.fit).parameters
    if name not in "model x y name epochs validation stop watch advance look verbose".split()
)


def _named(function: Callable) -> list[inspect.Parameter]:
    some = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in inspect.signature(function).parameters.values() if p.kind not in some]


def _wanted_by(function: Callable, values: Mapping[str, float]) -> dict[str, float]:
    names = [parameter.name for parameter in _named(function)]
    return {name: value for name, value in values.items() if name in names}


def _a_model(built: Any) -> keras.Model:
    if isinstance(built, type) or not hasattr(built, "layers"):
        raise TypeError(f"build gave {type(built).__name__}, not a model: does it end with “return model”?")
    return built


def _parts(data: Any) -> tuple[Any, Any, tuple | None]:
    """Return x, y and the validation data or None; TypeError says what `data` should have given."""
    if _is_pair(data) and all(map(_is_array, data)):
        return (*data, None)
    if _is_pair(data) and all(_is_pair(part) and all(map(_is_array, part)) for part in data):
        return (*data[0], tuple(data[1]))
    raise TypeError(
        f"data must give a tuple of arrays (x, y), or ((x, y), (x_validation, y_validation)); "
        f"it gave {type(data).__name__}{f' of {len(data)}' if hasattr(data, '__len__') else ''}"
    )


def _is_pair(part: Any) -> bool:
    return isinstance(part, tuple | list) and len(part) == 2


def _is_array(part: Any) -> bool:
    return hasattr(part, "shape") and hasattr(part, "__len__")


def _progress_in_words(name: str, progress: Progress) -> str:
    if progress.state == "idle":
        return ""
    percent = round(100 * progress.share_done)
    if progress.state == "building" and not progress.epochs_done:
        text = f"{name}: building the network (the first epoch takes longest)"
    else:
        text = f"{name}: {progress.epochs_done} of {progress.epochs} epochs done"
        last = [(n, v[-1]) for n, v in progress.history.items() if v]
        text += "".join(f", {_spelled_quantity(n)} {v:.4g}" for n, v in last)
        if progress.seconds_left is not None:
            text += f", about {_spelled_seconds(progress.seconds_left)} left"
    return (
        f"<p>{html.escape(text)}</p>"
        f'<div class="lab-bar" role="progressbar" aria-label="{name}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div style="width:{percent}%"></div></div>'
    )


def _spelled_quantity(name: str) -> str:
    return f"validation {name[4:]}" if name.startswith("val_") else f"training {name}"


def _spelled_seconds(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes"


def _choice(label: str, options: Sequence[str], made: Callable[[dict], None]) -> widgets.Dropdown:
    choice = widgets.Dropdown(
        options=options, description=label, tooltip=label, style={"description_width": "initial"}
    )
    choice.observe(made, "value")
    return choice


def _field(widget: widgets.Widget) -> widgets.Box:
    box = widgets.VBox([widget])
    box.add_class("lab-field")
    return box
