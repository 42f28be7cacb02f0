"""The writing panel: a beginning goes in, a network writes on, and can be trained on."""

from __future__ import annotations

import functools
import html
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from labutils import backend
from labutils.data.review_text import cleaned
from labutils.panels import base
from labutils.panels.background import Progress, progress_callback
from labutils.panels.fields import Field, Input
from labutils.panels.sessions import PanelSession, SessionPanel
from labutils.panels.training_charts import Chart, training_progress

if TYPE_CHECKING:
    import keras

    Build = Callable[[int], keras.Model]
    Train = Callable[[keras.Model, int, list[keras.callbacks.Callback]], Any]
    Write = Callable[[keras.Model, str, float, int, int], Iterable[str]]

WRITING, TRAINING = "writing", "training"


class WritingSession(PanelSession):
    """The network, its curve, and what it has written."""

    def __init__(self) -> None:
        super().__init__()
        self.model: keras.Model | None = None
        self.is_new = False  # whether it was trained in the panel, and is not just the notebook's
        self.units = 0
        self.bits: dict[str, list[float]] = {}  # training and validation, after each epoch of this network
        self.bits_before: dict[str, list[float]] = {}  # the training that goes on, or the latest
        self.prompt, self.text, self.message = "", "", "Type a beginning and press Write."
        self.activity = ""  # WRITING or TRAINING while something goes on


@functools.cache
def writing_session(title: str) -> WritingSession:
    """Return the one session of the writing panels with this title."""
    return WritingSession()


class WritingPanel(SessionPanel[WritingSession]):
    """Type a beginning and see a network write on; train it on, or a new one, and let that write.

    Running the cell again keeps the network, its curve and its text: they belong to the title.

    Parameters
    ----------
    build : returns a compiled network of so many units, whose loss is a cross-entropy in nats.
    train : called with a network, epochs and Keras callbacks: trains the network on.
    write : called with a network, prompt, temperature, length and seed: yields the characters, one by one.
    model : writes until another has been trained.
    title : names the panel.
    prompt : stands in the panel at first.
    epochs : what stands in the field at first.
    references : name → bits per character, lines in the chart.
    """

    seconds_between_drawings = 0.1
    busy_text = "The network is busy: stop it first, or wait for its end."
    idle_text = "There is nothing to stop."
    kept_text = "The network is there."

    def __init__(
        self,
        build: Build,
        train: Train,
        write: Write,
        model: keras.Model,
        *,
        title: str,
        prompt: str = "",
        epochs: int = 10,
        references: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(writing_session(title), title)
        self._build, self._train, self._write = build, train, write
        self._chart = Chart("bits", "bits per character", references or {})
        if not (self.session.is_new or self.session.runner.is_busy):
            self.session.model = model
        self.prompt = base.control(
            widgets.Textarea, "Beginning (may be empty)", value=prompt, continuous_update=False, rows=2
        )
        self.prompt.add_class("lab-text")
        for_writing = [
            Field("temperature", "Temperature", 0.7, 0.0, 3.0),
            Field("length", "Characters", 400, 1, 5_000),
            Field("seed", "Seed", 0, 0, 999_999),
        ]
        for_training = [Field("units", "Units", 128, 8, 512), Field("epochs", "Epochs", epochs, 1, 200)]
        self.writing_inputs, self.training_inputs = (
            [Input(field) for field in fields] for fields in (for_writing, for_training)
        )
        self.write_button = base.button("Write", self._write_clicked)
        self.train_on_button = base.button("Train on", functools.partial(self._train_clicked, new=False))
        self.new_button = base.button("Train a new one", functools.partial(self._train_clicked, new=True))
        self.start_buttons = [self.write_button, self.train_on_button, self.new_button]
        self.head, self.text, self.curve = widgets.HTML(), widgets.HTML(), widgets.HTML()
        of_writing, of_training = (
            [entry.widget for entry in inputs] for inputs in (self.writing_inputs, self.training_inputs)
        )
        self.fill(
            self.prompt,
            base.row(*of_writing),
            base.row(self.write_button, self.stop_button),
            self.status,
            self.text,
            base.row(*of_training, self.train_on_button, self.new_button),
            self.head,
            self.curve,
        )
        self.take_over()

    @property
    def model(self) -> keras.Model:
        """The network that writes."""
        return self.session.model

    def retire(self) -> None:
        """Give way to a new panel, and let go of the functions of its notebook."""
        super().retire()
        del self._build, self._train, self._write

    def announce(self, progress: Progress) -> None:
        """Say whether the network trains or writes, or why that has failed."""
        session = self.session
        if progress.error:
            self.complain(f"{session.activity.capitalize()} has failed. {progress.error}", progress.details)
        else:
            self.say(session.message)

    def draw(self, progress: Progress) -> None:
        """Draw the progress of the training, the text written so far, and the curve."""
        session = self.session
        self.head.value = training_progress("Training", progress) if session.activity == TRAINING else ""
        prompt, text = html.escape(session.prompt), html.escape(session.text)
        self.text.value = f'<div class="lab-written"><b>{prompt}</b>{text}</div>' if prompt + text else ""
        self.curve.value = f'<div class="lab-charts">{self.pictures()[0]}</div>'

    def pictures(self) -> list[str]:
        """Return the curve of bits per character over the epochs."""
        progress, bits, still_to_come = self.session.runner.progress, self.session.bits, 0
        if progress.is_busy and self.session.activity == TRAINING:
            bits = _joined(self.session.bits_before, progress.history)
            still_to_come = progress.total - progress.epochs_done
        epochs = len(bits.get("bits", ())) + still_to_come
        name = f"{self.session.units} units"
        longest = max(len(name) for name in ["", *self._chart.references])
        return [self._chart.draw({name: bits}, max(epochs, 10), longest)]

    def _write_clicked(self, button: widgets.Button) -> None:
        numbers = self.values_of(self.writing_inputs, "Nothing was written")
        if numbers is None:
            return
        typed = self.prompt.value
        if unknown := [character for character in typed if not (character.isspace() or cleaned(character))]:
            shown = ", ".join(dict.fromkeys(unknown[:5]))
            self.complain(
                f"Nothing was written: the network does not know {shown}. Use English letters, digits and "
                "punctuation."
            )
            return
        arguments = (cleaned(typed), *numbers.values())
        if not self.refused_as_busy():
            self.session.prompt, self.session.text = arguments[0], ""
            self._start(WRITING, functools.partial(self._go_on_writing, self._write, arguments))

    def _train_clicked(self, button: widgets.Button, *, new: bool) -> None:
        inputs = self.training_inputs if new else self.training_inputs[1:]
        numbers = self.values_of(inputs)
        if numbers is not None and not self.refused_as_busy():
            self.session.bits_before = {} if new else self.session.bits
            job = functools.partial(self._go_on_training, self._build, self._train, numbers, new)
            self._start(TRAINING, job, numbers["epochs"])

    def _start(self, activity: str, job: Callable, total: int = 0) -> None:
        self.session.activity = activity
        self.session.message = "Writing …" if activity == WRITING else "Training …"
        try:
            self.session.runner.start(job, total)
        except BaseException:  # a full machine starts no thread
            self.session.message = "Nothing was started."
            raise

    def _go_on_writing(self, write: Write, arguments: tuple) -> None:
        """Write, in the background, until the end, a stop, or so many characters."""
        session, stopped = self.session, ""
        for piece in write(session.model, *arguments):
            if session.runner.stop_requested:
                stopped = ", stopped on request"
                break
            session.text += piece
            session.runner.report()
        session.message = f"{len(session.text):,} characters written{stopped}."

    def _go_on_training(self, build: Build, train: Train, numbers: dict[str, float], new: bool) -> None:
        """Train, in the background, the network there is, or a new one that replaces it after an epoch."""
        session, model, units = self.session, self.session.model, self.session.units
        if new:
            backend.load_keras().utils.set_random_seed(0)
            units = int(numbers["units"])
            model = build(units)
        else:
            session.is_new = True  # half an epoch changes the weights, too
        try:
            if not session.runner.stop_requested:
                train(model, int(numbers["epochs"]), [progress_callback(session.runner)])
        finally:
            done = session.runner.progress.epochs_done
            if done or not new:
                session.model, session.units, session.is_new = model, units, True
                session.bits = _joined(session.bits_before, session.runner.progress.history)
        stopped = ", stopped on request" if session.runner.stop_requested else ""
        session.message = f"{'1 epoch' if done == 1 else f'{done} epochs'} trained{stopped}. "
        stays = "The network that was there has stayed." if new and not done else ""
        session.message += stays or "Press Write to see what it writes."


def _joined(bits: Mapping[str, list[float]], history: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Return the curve so far with the losses (nats) of a training that went on from there, in bits."""
    more = {"bits": history.get("loss", []), "val_bits": history.get("val_loss", [])}
    return {name: [*bits.get(name, []), *(loss / math.log(2) for loss in more[name])] for name in more}
