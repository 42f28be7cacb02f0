"""The callbacks of `fit`: gather the history of whole epochs, end what has failed, print how far it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labutils import backend

if TYPE_CHECKING:
    import keras


def recorder(validated: bool) -> keras.callbacks.Callback:
    """Return the callback that gathers the history of whole epochs and ends a training that has failed."""
    keras = backend.load_keras()

    class Recorder(keras.callbacks.Callback):
        """history : quantity → its value after each epoch. problem : what is wrong with the loss, or ""."""

        def __init__(self) -> None:
            super().__init__()
            self.history: dict[str, list[float]] = {"loss": []} | ({"val_loss": []} if validated else {})
            self.problem, self.steps_done = "", 0

        def on_train_begin(self, logs=None):
            self.model.stop_evaluating = False  # Keras resets it in a validation alone

        def on_train_batch_end(self, batch, logs=None):
            self.steps_done = batch + 1
            loss = (logs or {}).get("loss", 0.0)
            if not math.isfinite(loss) and not self.problem:
                self.problem = (
                    f"the loss became {loss} in epoch {len(self.history['loss']) + 1}: "
                    "try a smaller learning rate, or clipnorm=1 in the optimizer"
                )
                self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            whole = self.steps_done >= self.params["steps"] and validated == ("val_loss" in (logs or {}))
            if self.problem or (whole and not getattr(self.model, "stop_evaluating", False)):
                for quantity, value in (logs or {}).items():
                    self.history.setdefault(quantity, []).append(float(value))
                for values in self.history.values():  # a loss that is not finite was not validated
                    values += [math.nan] * (len(self.history["loss"]) - len(values))

    return Recorder()


def progress_line(recorder, name: str, epochs: int, may_stop_early: bool) -> keras.callbacks.Callback:
    """Return a callback that prints the epochs as they are recorded, the same line on every machine."""
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
        on_epoch_end=lambda epoch, logs: write(f" {epoch + 1}" * (len(recorder.history["loss"]) > epoch)),
        on_train_end=lambda logs: write(f" of {epochs}\n"),
    )
