"""The callbacks of `fit`: gather the history of whole epochs, end what has failed, print how far it is."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from labutils import backend

if TYPE_CHECKING:
    import keras


@functools.cache
def recorder_class() -> type[keras.callbacks.Callback]:
    """Return the class of the callback that gathers the history of `fit`; `progress_callback` extends it."""
    keras = backend.load_keras()

    class Recorder(keras.callbacks.Callback):
        """Gathers the history of whole epochs and ends a training that has failed.

        Attributes
        ----------
        history : quantity → its value after each epoch.
        problem : what is wrong with the loss, or "".
        """

        def __init__(self) -> None:
            super().__init__()
            self.history: dict[str, list[float]] = {"loss": []}
            self.problem = ""

        @property
        def epochs(self) -> int:
            """How many whole epochs are done."""
            return len(self.history["loss"])

        def on_train_begin(self, logs=None):
            self.model.stop_evaluating = False  # Keras resets it in a validation alone

        def on_train_batch_end(self, batch, logs=None):
            loss = (logs or {}).get("loss", 0.0)
            if not math.isfinite(loss) and not self.problem:
                self.problem = (
                    f"the loss became {loss} in epoch {self.epochs + 1}: "
                    "try a smaller learning rate, or clipnorm=1 in the optimizer"
                )
                self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            if self.problem or not self.model.stop_training:  # else it was broken off
                for quantity, value in (logs or {}).items():
                    self.history.setdefault(quantity, []).append(float(value))

        def padded_history(self, *quantities: str) -> dict[str, list[float]]:
            """Return the history with these quantities at least; NaN where an epoch was not validated."""
            nothing: dict[str, list[float]] = {name: [] for name in ("loss", *quantities)}
            return {q: v + [math.nan] * (self.epochs - len(v)) for q, v in (nothing | self.history).items()}

    return Recorder


def new_recorder() -> keras.callbacks.Callback:
    """Return a `Recorder` for one training."""
    return recorder_class()()


def progress_line(
    recorder: keras.callbacks.Callback, name: str, epochs: int, may_stop_early: bool
) -> keras.callbacks.Callback:
    """Return a callback that prints the epochs as they are recorded, the same line on every machine.

    Parameters
    ----------
    recorder : the `Recorder` of the training, called before this callback.
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
        on_epoch_end=lambda epoch, logs: write(f" {epoch + 1}" * (recorder.epochs > epoch)),
        on_train_end=lambda logs: write(f" of {epochs}\n"),
    )
