"""The history of a training, as `fit` keeps it, and the callbacks that gather it and print how far it is."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from labutils import backend

if TYPE_CHECKING:
    import keras


class EpochHistory:
    """The losses and metrics of the whole epochs of one training.

    Attributes
    ----------
    values : quantity as Keras names it → its value after each epoch; "loss" is always there.
    problem : what is wrong with the loss, or "".
    """

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {"loss": []}
        self.problem = ""

    @property
    def epochs(self) -> int:
        """How many whole epochs are done."""
        return len(self.values["loss"])

    def padded(self, *quantities: str) -> dict[str, list[float]]:
        """Return the values, of these quantities at least; NaN where an epoch was not validated."""
        nothing: dict[str, list[float]] = {name: [] for name in ("loss", *quantities)}
        return {q: v + [math.nan] * (self.epochs - len(v)) for q, v in (nothing | self.values).items()}

    def check_batch(self, model: keras.Model, logs: Mapping[str, float] | None) -> None:
        """Stop the training where the loss, the mean over the epoch so far, is NaN or infinite."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss) and not self.problem:
            self.problem = (
                f"the loss became {loss} in epoch {self.epochs + 1}: "
                "try a smaller learning rate, or clipnorm=1 in the optimizer"
            )
            model.stop_training = True

    def add_epoch(self, model: keras.Model, logs: Mapping[str, float] | None) -> None:
        """Add the values of an epoch, unless a callback has broken it off."""
        if self.problem or not model.stop_training:
            for quantity, value in (logs or {}).items():
                self.values.setdefault(quantity, []).append(float(value))


def with_recording(
    callbacks: Sequence[keras.callbacks.Callback],
    history: EpochHistory,
    name: str | None,
    epochs: int,
    may_stop_early: bool,
) -> list[keras.callbacks.Callback]:
    """Return callbacks between one that records, which has to come first, and one that prints.

    The first must see whether an epoch was broken off before another, such as early stopping, stops the
    training at its end. The other prints what was recorded; without a `name` there is none.
    """
    printing = [] if name is None else [_printing_callback(history, name, epochs, may_stop_early)]
    return [_recording_callback(history), *callbacks, *printing]


@contextlib.contextmanager
def ending_line_of_epochs(name: str | None) -> Iterator[None]:
    """End the line that is printed with a `name` where an exception breaks the training off."""
    try:
        yield
    except BaseException:
        if name is not None:
            print()
        raise


def _recording_callback(history: EpochHistory) -> keras.callbacks.Callback:
    """Return the callback that fills `history`, and ends a training whose loss is no number any more."""

    class RecordingCallback(backend.load_keras().callbacks.Callback):  # type: ignore[misc]  # loaded at run time
        def on_train_begin(self, logs=None):
            self.model.stop_evaluating = False  # Keras resets it in a validation alone

        def on_train_batch_end(self, batch, logs=None):
            history.check_batch(self.model, logs)

        def on_epoch_end(self, epoch, logs=None):
            history.add_epoch(self.model, logs)

    return RecordingCallback()


def _printing_callback(
    history: EpochHistory, name: str, epochs: int, may_stop_early: bool
) -> keras.callbacks.Callback:
    """Return a callback that prints the epochs as they are recorded, the same line on every machine.

    Parameters
    ----------
    history : of the training, filled before this callback is called.
    name, epochs : what the line begins with, and how many epochs were asked for.
    may_stop_early : True prints no epochs, since their number may differ between machines.
    """
    keras = backend.load_keras()

    def write(text: str) -> None:
        print(text, end="", flush=True)

    if may_stop_early:
        return keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: write(f"{name}: at most {epochs} epoch{'s' * (epochs != 1)} …"),
            on_train_end=lambda logs: write(" done\n"),
        )
    return keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: write(f"{name}: epoch"),
        on_epoch_end=lambda epoch, logs: write(f" {epoch + 1}" * (history.epochs > epoch)),
        on_train_end=lambda logs: write(f" of {epochs}\n"),
    )
