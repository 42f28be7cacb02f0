"""Train a Keras model by Keras' own fit or by compiled epochs, and keep the result as a `Run`."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from labutils import backend
from labutils.training import input_checks, network_cache
from labutils.training.keras_trainer import KerasTrainer, Pair
from labutils.training.recording import EpochHistory, ending_line_of_epochs, with_recording
from labutils.training.run import ALL_EPOCHS, EARLY_STOPPING, ON_REQUEST, Run

if TYPE_CHECKING:
    import keras
    from numpy.typing import ArrayLike

    from labutils.training.keras_trainer import Callbacks


def fit(
    model: keras.Model,
    x: ArrayLike,
    y: ArrayLike,
    *,
    epochs: int,
    name: str | None = None,
    batch_size: int = 64,
    validation: float | Pair | None = None,
    test: Pair | None = None,
    callbacks: keras.callbacks.Callback | Iterable[keras.callbacks.Callback] | None = (),
    fast: bool = False,
) -> Run:
    """Train a compiled Keras model as ``model.fit`` does, and return the `Run`.

    The model has one input and one output. For sample or class weights, generators, ``tf.data`` and several
    inputs or outputs there is ``model.fit``.

    Parameters
    ----------
    model : compiled Keras model. Seed (``keras.utils.set_random_seed``) before *building* it.
    x, y : (n, …) inputs and (n,) or (n, …) targets: arrays, lists of numbers or tensors.
    epochs : as in Keras.
    name : printed with the epochs as they end, and kept in the Run. Without it nothing is printed, but for
        a loss that becomes NaN or infinite.
    batch_size : as in Keras, but 64 rows where nothing is said.
    validation : the fraction of the *last* rows, as Keras' ``validation_split``, or a pair (x, y).
    test : a pair (x, y), evaluated once after the training and used for nothing else.
    callbacks : Keras callbacks. After ``EarlyStopping(restore_best_weights=True)`` the best epoch is kept.
    fast : True compiles whole epochs, which makes small models on little data several times as fast
        (measured: docs/results.md). Callbacks' methods for batches are called for the first and the last of
        every 50. Where this cannot serve, as with any ``metrics=[…]``, Keras' own fit trains, and with a name
        a line says why. In both cases, with metrics too, what is trained is a copy, which stays compiled for
        later models of the same architecture. `model` gets its weights and history at the end: until then, a
        callback that uses the variable ``model`` sees untrained weights and cannot stop the training. Use
        ``self.model`` in callbacks: it has the names of `model`, and saves as `model` does. (`model` itself
        is trained where no copy can be made, with run_eagerly=True, where a callback such as BackupAndRestore
        needs it, and while another training goes on.)

    Returns
    -------
    Run
        An epoch within which a callback stops the training is not validated, and left out of the history.
        A training loss that becomes NaN or infinite ends the training, with its epoch in the history; the
        line that says so is kept as ``ended``. The history holds the losses and metrics alone: it is gathered
        before your callbacks are called, so what they report (LearningRateScheduler: its rate) is not in it.

    Raises
    ------
    ValueError
        Before anything is trained, for data and arguments that cannot work; the message says what to do.
    """
    input_checks.check_settings(model, epochs, batch_size)
    x, y, validation, test = _checked_data(model, x, y, validation, test)
    callbacks = callback_list(callbacks)
    early_stopping = _early_stopping(callbacks, validation is not None)
    _build_and_check_rows(model, x, validation=validation, test=test)
    epoch_history = EpochHistory()
    with _chosen_trainer(model, x, y, batch_size, callbacks, fast) as trainer:
        if name is not None and trainer.fallback_reason:
            print(f"{name}: Keras' own fit, since {trainer.fallback_reason}")
        used_callbacks = with_recording(callbacks, epoch_history, name, epochs, bool(early_stopping))
        started = time.perf_counter()
        with ending_line_of_epochs(name):
            trainer.fit(x, y, validation, epochs, used_callbacks)
        seconds = time.perf_counter() - started
        scores = {} if test is None else trainer.evaluate(*test)
    if epoch_history.problem:
        print(epoch_history.problem)
    ended, kept_epoch = _ending(epoch_history, early_stopping, epochs)
    history = epoch_history.padded("loss" if validation is None else "val_loss")
    return Run(
        name=model.name if name is None else name,
        parameters=model.count_params(),
        training_rows=len(x),
        batch_size=batch_size,
        max_epochs=epochs,
        trained_by=trainer.trained_by,
        history=history,
        seconds=seconds,
        best_epoch=_best_epoch(history),
        kept_epoch=kept_epoch,
        scores=scores,
        ended=ended,
    )


def evaluate(model: keras.Model, x: ArrayLike, y: ArrayLike) -> dict[str, float]:
    """Return the model's loss and metrics on (x, y), by name."""
    x, y = input_checks.checked(model, "the data", x, y)
    return KerasTrainer(model).evaluate(x, y)


def callback_list(
    given: keras.callbacks.Callback | Iterable[keras.callbacks.Callback] | None,
) -> list[keras.callbacks.Callback]:
    """Return callbacks (one, any number of them, or None) as a list; ValueError for what is no callback."""
    base_class = backend.load_keras().callbacks.Callback
    callbacks = list(given or ()) if isinstance(given, Iterable) or given is None else [given]
    for callback in callbacks:
        if isinstance(callback, type) and issubclass(callback, base_class):
            raise ValueError(f"callbacks holds the class {callback.__name__}: write {callback.__name__}(…)")
        if not isinstance(callback, base_class):
            raise ValueError(f"callbacks must be Keras callbacks, got {callback!r}")
    return callbacks


def _checked_data(
    model: keras.Model, x: ArrayLike, y: ArrayLike, validation: float | Pair | None, test: Pair | None
) -> tuple[np.ndarray, np.ndarray, Pair | None, Pair | None]:
    """Return x and y for the training, the pair that validates and the one that tests, all as arrays."""
    x, y = input_checks.checked(model, "the training data", x, y)
    if validation is None or isinstance(validation, Real):
        x, y, validation = _split(x, y, 0.0 if validation is None else validation)
    else:
        validation = input_checks.checked_pair(model, "the validation data", validation)
    if test is not None:
        test = input_checks.checked_pair(model, "the test data", test)
    return x, y, validation, test


def _early_stopping(
    callbacks: list[keras.callbacks.Callback], validated: bool
) -> list[keras.callbacks.EarlyStopping]:
    """Return those callbacks that stop early; ValueError where they would have nothing to go by."""
    stopper = backend.load_keras().callbacks.EarlyStopping
    early_stopping = [callback for callback in callbacks if isinstance(callback, stopper)]
    if not validated and any(callback.monitor.startswith("val_") for callback in early_stopping):
        raise ValueError("early stopping needs validation data: give validation=0.2, or validation=(x, y)")
    return early_stopping


def _build_and_check_rows(model: keras.Model, x: np.ndarray, **pairs: Pair | None) -> None:
    """Build a model without shapes, which the checks and the cache need; check the rows of the other data."""
    if isinstance(model, backend.load_keras().Sequential) and model.layers and not model.built:
        model.build((None, *x.shape[1:]))
    for name, pair in pairs.items():
        if pair is not None:
            input_checks.check_rows(model, f"the {name} data", pair[0], x)


def _chosen_trainer(
    model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int, callbacks: Callbacks, fast: bool
) -> contextlib.AbstractContextManager[network_cache.Trainer]:
    """Return the context in which a cached copy is trained by compiled epochs, or the model by Keras' fit."""
    rows = min(batch_size, len(x))
    if fast:
        return network_cache.trainer_for(model, x, y, rows, callbacks)
    return contextlib.nullcontext(KerasTrainer(model, rows))


def _split(x: np.ndarray, y: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray, Pair | None]:
    if not 0 <= fraction < 1:
        raise ValueError(f"validation must be a fraction below 1, or a pair (x, y), got {fraction!r}")
    if fraction == 0:
        return x, y, None
    cut = math.floor(len(x) * (1 - fraction))  # as Keras rounds it
    if cut in (0, len(x)):
        raise ValueError(f"validation={fraction} leaves no rows on one side of {len(x)}")
    return x[:cut], y[:cut], (x[cut:], y[cut:])


def _ending(
    history: EpochHistory, early_stopping: list[keras.callbacks.EarlyStopping], epochs: int
) -> tuple[str, int]:
    """Return why the training ended, in words, and the epoch whose weights the model has."""
    kept_epoch = history.epochs
    if history.problem:
        ended = history.problem
    elif any(0 < callback.stopped_epoch < history.epochs for callback in early_stopping):
        ended = EARLY_STOPPING
    else:
        ended = ALL_EPOCHS if history.epochs == epochs else ON_REQUEST
    for callback in early_stopping:  # the last one that restores weights has the last word
        if callback.restore_best_weights and callback.best_weights is not None:
            # it also sees an epoch that is broken off
            kept_epoch = min(callback.best_epoch + 1, history.epochs)
    return ended, kept_epoch


def _best_epoch(history: dict[str, list[float]]) -> int:
    losses = np.array(history.get("val_loss", history["loss"]), dtype=float)
    return 1 + int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
