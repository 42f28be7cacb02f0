"""Train a Keras model by Keras' own fit or by compiled epochs, and keep the result as a `Run`."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labutils import backend
from labutils.training import compiled, input_checks
from labutils.training.run import ALL_EPOCHS, EARLY_STOPPING, ON_REQUEST, Run
from labutils.validation import whole_number

if TYPE_CHECKING:
    import keras

    from labutils.training.compiled import Pair


def fit(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int,
    name: str | None = None,
    batch_size: int = 64,
    validation: float | Pair | None = None,
    test: Pair | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    fast: bool = False,
) -> Run:
    """Train a compiled Keras model as ``model.fit`` does, and return the `Run`.

    Parameters
    ----------
    model : compiled Keras model. Seed (``keras.utils.set_random_seed``) before *building* it.
    x, y : (n, …) inputs and (n,) or (n, …) targets.
    epochs, batch_size : as in Keras.
    name : printed with the epochs as they end, and kept in the Run. Without it nothing is printed.
    validation : the fraction of the *last* rows, as Keras' ``validation_split``, or a pair (x, y).
    test : a pair (x, y), evaluated once after the training and used for nothing else.
    callbacks : Keras callbacks. After ``EarlyStopping(restore_best_weights=True)`` the best epoch is kept.
    fast : True compiles whole epochs and keeps the compiled network for later models of the same architecture:
        at least three times as fast for a small network on little data. Callbacks then see that network as
        their model. Where this cannot serve, Keras' own fit trains, and a line says why.

    Returns
    -------
    Run
        An epoch within which a callback stops the training is not validated, and left out of the history.
        A loss that becomes NaN or infinite ends the training; the line that says so is kept as ``ended``.

    Raises
    ------
    ValueError
        Before anything is trained, for data and arguments that cannot work; the message says what to do.
    """
    whole_number("epochs", epochs)
    whole_number("batch_size", batch_size)
    if not getattr(model, "compiled", False):
        raise ValueError("the model is not compiled: call model.compile(...) before fit")
    x, y = input_checks.checked(model, "the training data", x, y)
    if isinstance(validation, (tuple, list)):
        validation = input_checks.checked(model, "the validation data", *validation)
    else:
        x, y, validation = _split(x, y, validation or 0.0)
    if test is not None:
        test = input_checks.checked(model, "the test data", *test)
    keras = backend.load_keras()
    early_stopping = [c for c in callbacks if isinstance(c, keras.callbacks.EarlyStopping)]
    if any(c.monitor.startswith("val_") for c in early_stopping) and validation is None:
        raise ValueError("early stopping needs validation data: give validation=0.2, or validation=(x, y)")
    recorder = _recorder(keras, validation is not None)
    used_callbacks = [recorder, *callbacks]
    way = (
        compiled.kept_network(model, x, y, min(batch_size, len(x)))
        if fast
        else contextlib.nullcontext(compiled.KeptNetwork(model, None, ""))
    )
    with way as network:
        if name is not None:
            if network.reason:
                print(f"{name}: Keras' own fit, since {network.reason}")
            used_callbacks.append(_progress_line(keras, recorder, name, epochs, bool(early_stopping)))
        started = time.perf_counter()
        if network.epochs:
            network.epochs.fit(x, y, validation, epochs, used_callbacks)
        else:
            network.model.fit(
                x,
                y,
                epochs=epochs,
                batch_size=batch_size,
                validation_data=validation,
                validation_batch_size=validation and even_batch(len(validation[0])),
                validation_freq=_UnlessStopped(network.model),
                callbacks=used_callbacks,
                verbose=0,
            )
        seconds = time.perf_counter() - started
        scores = {}
        if test is not None:
            scores = network.epochs.evaluate(*test) if network.epochs else evaluate(network.model, *test)
    if recorder.problem:
        print(recorder.problem)
    history, done = recorder.history, len(recorder.history["loss"])
    ended = recorder.problem or (ALL_EPOCHS if done == epochs else ON_REQUEST)
    if not recorder.problem and any(c.stopped_epoch for c in early_stopping):
        ended = EARLY_STOPPING
    restored = any(c.restore_best_weights and c.best_weights is not None for c in early_stopping)
    best = _best_epoch(history)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "parameters": model.count_params(),
        "training_rows": len(x),
        "trained_by": "compiled epochs" if network.epochs else "Keras' own fit",
    }
    return Run(
        model.name if name is None else name, settings, history, seconds, best, best if restored else done,
        scores, ended,
    )  # fmt: skip


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return the model's loss and metrics on (x, y), by name."""
    x, y = input_checks.checked(model, "the data", x, y)
    scores = model.evaluate(x, y, batch_size=even_batch(len(x)), verbose=0, return_dict=True)
    return {name: float(value) for name, value in scores.items()}


def even_batch(rows: int, largest: int = compiled.EVALUATION_BATCH) -> int:
    """Return the largest batch size up to `largest` that leaves no smaller last batch.

    A last batch of another size would be compiled anew. Where only tiny sizes divide `rows`
    (a prime number, say), a remainder is cheaper: then it is `largest` itself.
    """
    whole_number("rows", rows)
    if rows <= largest:
        return rows
    best = max(size for size in range(1, largest + 1) if rows % size == 0)
    return best if best >= largest // 8 else largest


def _split(x: np.ndarray, y: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray, Pair | None]:
    if not isinstance(fraction, (int, float)) or not 0 <= fraction < 1:
        raise ValueError(
            f"validation must be a fraction (0 to 1, without 1) or a pair (x, y), got {fraction!r}"
        )
    if fraction == 0:
        return x, y, None
    cut = math.floor(len(x) * (1 - fraction))  # as Keras rounds it
    if cut in (0, len(x)):
        raise ValueError(f"validation={fraction} leaves no rows on one side of {len(x)}")
    return x[:cut], y[:cut], (x[cut:], y[cut:])


def _best_epoch(history: dict[str, list[float]]) -> int:
    losses = np.array(history.get("val_loss", history["loss"]), dtype=float)
    if not len(losses):
        return 0
    return 1 if np.isnan(losses).all() else int(np.nanargmin(losses)) + 1


class _UnlessStopped(list):
    """Keras' ``validation_freq``: after every epoch, but not after one that was broken off.

    Keras would compile the validation first (seconds, in the first epoch), and Stop would wait for it.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.model = model

    def __contains__(self, epoch: object) -> bool:
        return not self.model.stop_training


def _recorder(keras, validated: bool) -> keras.callbacks.Callback:
    """Return the callback that gathers the history of whole epochs and ends a training that has failed."""

    class Recorder(keras.callbacks.Callback):
        """history : quantity → its value after each epoch. problem : what is wrong with the loss, or ""."""

        def __init__(self) -> None:
            super().__init__()
            self.history: dict[str, list[float]] = {"loss": []}
            self.problem, self.steps_done = "", 0

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


def _progress_line(keras, recorder, name: str, epochs: int, may_stop_early: bool) -> keras.callbacks.Callback:
    """Return a callback that prints the epochs as they are recorded, the same line on every machine."""

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
