"""Train what a notebook has built, and keep what came of it as a `Run`."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labutils import backend
from labutils.training import architectures
from labutils.training import compiled as small

if TYPE_CHECKING:
    import keras

EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Run:
    """One training and what came of it.

    settings : what was asked for (epochs, batch_size, …) and the number of ``parameters``.
    history : one list of numbers for each quantity, one number for each epoch, named as Keras
        names them ("loss", "val_loss", "accuracy", "val_accuracy", …).
    seconds : wall time of the training, validation included, test not.
    best_epoch : counted from 1: the epoch of lowest validation loss, or of lowest training loss
        where there was no validation; kept_epoch : the epoch whose weights the model now has.
    scores : what the model reaches on the test data, empty when none were given.
    ended : why the training came to its end, in words.
    """

    name: str
    settings: dict[str, Any]
    history: dict[str, list[float]]
    seconds: float
    best_epoch: int
    kept_epoch: int
    scores: dict[str, float] = field(default_factory=dict)
    ended: str = "all epochs done"

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.history["loss"])

    @property
    def parameters(self) -> int:
        return self.settings["parameters"]

    @property
    def test_loss(self) -> float:
        return self._score("loss")

    @property
    def test_accuracy(self) -> float:
        return self._score("accuracy")

    def at_kept_epoch(self, quantity: str) -> float:
        """Return e.g. the "val_accuracy" of the epoch whose weights were kept."""
        if quantity not in self.history:
            raise KeyError(f"{self.name} has no {quantity!r}, only {', '.join(self.history)}")
        if not self.kept_epoch:
            raise ValueError(f"{self.name} was stopped before its first epoch was done")
        return self.history[quantity][self.kept_epoch - 1]

    def _score(self, quantity: str) -> float:
        if quantity not in self.scores:
            raise ValueError(
                f"{self.name} has no test {quantity}: give fit(..., test=(x, y)), and "
                f"compile the model with that metric"
            )
        return self.scores[quantity]

    def __str__(self) -> str:
        parts = [f"{self.name}: {_count(self.epochs, 'epoch')} in {self.seconds:.1f} s"]
        if self.ended == "stopped on request":
            parts.append(self.ended)
        if self.epochs:
            best = "best" if "val_loss" in self.history else "lowest loss in"
            parts.append(f"{best} epoch {self.best_epoch}")
        if self.kept_epoch not in (self.epochs,):
            parts.append(f"weights of epoch {self.kept_epoch} kept")
        if "val_accuracy" in self.history and self.kept_epoch:
            parts.append(f"validation accuracy {self.at_kept_epoch('val_accuracy'):.3f}")
        parts += [
            f"test {name} {value:.4g}" if name == "loss" else f"test {name} {value:.3f}"
            for name, value in self.scores.items()
        ]
        return ", ".join(parts)


def fit(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    *,
    name: str,
    epochs: int,
    batch_size: int = 64,
    validation_split: float = 0.0,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    test: tuple[np.ndarray, np.ndarray] | None = None,
    patience: int | None = None,
    seed: int | None = None,
    whole_epochs: bool = False,
    keep_compiled: bool = False,
    stop: Callable[[], bool] | None = None,
    watch: Callable[[int, dict[str, float]], None] | None = None,
    advance: Callable[[float], None] | None = None,
    look: Callable[[keras.Model], None] | None = None,
    verbose: bool = True,
) -> Run:
    """Train a compiled Keras model quietly and return the `Run`.

    x, y : (n, …) and (n,) or (n, …) arrays. validation_split : share of the *last* rows kept out
    for validation, as in Keras; or give `validation` = (x, y) itself. test : (x, y), evaluated once
    after training and used for nothing else. patience : stop once the validation loss has not
    fallen for so many epochs, and go back to the weights of the best one. seed : set before
    training (the order of the batches, dropout); seed before *building* as well, since that is
    when weights are drawn. whole_epochs : compile whole epochs instead of single batches, five to ten
    times as fast for a small network on little data (see `labutils.whole_epochs`). keep_compiled :
    compile each architecture once and use it for later models (see `labutils.architectures`), which
    saves time and memory where many are trained; whole epochs do so by themselves. stop : asked again
    and again during the training, which ends when it answers True; what the unfinished epoch has
    learned stays in the weights. watch : called after each epoch with its number, from 1, and its
    losses and metrics. advance : called after each batch with the epochs done so far, 1.5 in the middle
    of the second (whole epochs have no batches to tell of). look : called after each epoch, before `watch`,
    with the network as it then is: with what is trained, which need not be `model` itself but may be one
    that was compiled before. verbose : print the epochs as they end.

    Same batches, same order and same numbers as ``model.fit``. Only the batches of the validation
    differ in size, which changes no result and spares a compilation (dropout inside a recurrent layer
    then draws other random numbers).
    Raises ValueError, before anything is trained, for arguments that cannot work.
    """
    _check_count("epochs", epochs)
    _check_count("batch_size", batch_size)
    _check_pair("the training data", x, y)
    if not getattr(model, "compiled", False):
        raise ValueError("the model is not compiled: call model.compile(...) before fit")
    if validation is None:
        x, y, validation = _split(x, y, validation_split)
    elif validation_split:
        raise ValueError("give validation_split or validation, not both")
    else:
        _check_pair("the validation data", *validation)
    if test is not None:
        _check_pair("the test data", *test)
    if whole_epochs and (reason := small.reason_against(model)):
        raise ValueError(f"whole_epochs does not work for this model: {reason}. Leave whole_epochs out")
    keras = backend.load_keras()
    companion = _companion(
        keras,
        stop or (lambda: False),
        watch or (lambda epoch, logs: None),
        advance or (lambda epochs: None),
        look or (lambda network: None),
    )
    lent = keep_compiled and not whole_epochs
    callbacks = [companion]
    if verbose:
        callbacks.append(_progress(keras, name, epochs, patience))
    if patience is not None:
        _check_count("patience", patience)
        if validation is None:
            raise ValueError("early stopping needs validation data: give validation_split or validation")
        callbacks.append(
            keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
        )
    if seed is not None:
        backend.set_seed(seed)
    with architectures.borrowed(model, x, y) if lent else contextlib.nullcontext(model) as trained:
        started = time.perf_counter()
        try:
            if whole_epochs:
                small.fit(
                    model,
                    (x, y),
                    validation,
                    epochs=epochs,
                    batch_size=batch_size,
                    callbacks=callbacks,
                    stop=companion.asked,
                )
            else:
                trained.fit(
                    x,
                    y,
                    epochs=epochs,
                    batch_size=batch_size,
                    validation_data=validation,
                    validation_batch_size=validation and even_batch(len(validation[0])),
                    callbacks=callbacks,
                    verbose=0,
                )
        except _Stopped:
            trained._eval_epoch_iterator = None  # which Keras keeps, and would validate with the next time
        seconds = time.perf_counter() - started
        if test is None:
            scores = {}
        elif whole_epochs:
            scores = {"loss": small.loss(model, *test, min(batch_size, len(x)))}
        else:
            scores = evaluate(trained, *test)
    history, done = companion.history, companion.epochs_done
    best = _best_epoch(history)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "patience": patience,
        "seed": seed,
        "parameters": model.count_params(),
        "training_rows": len(x),
    }
    kept = best if patience is not None else done
    ended = "all epochs done" if done == epochs else "early stopping"
    if companion.stopped:
        ended = "stopped on request"
    return Run(name, settings, history, seconds, best, kept, scores, ended)


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return the model's loss and metrics on (x, y), by name."""
    _check_pair("the data", x, y)
    return {
        name: float(value)
        for name, value in model.evaluate(
            x, y, batch_size=even_batch(len(x)), verbose=0, return_dict=True
        ).items()
    }


def even_batch(rows: int, largest: int = EVALUATION_BATCH) -> int:
    """Return the largest batch size up to `largest` that leaves no smaller last batch.

    A last batch of another size would be compiled anew. Where only tiny sizes divide `rows`
    (a prime number, say), a remainder is cheaper: then it is `largest` itself.
    """
    _check_count("rows", rows)
    if rows <= largest:
        return rows
    best = max(size for size in range(1, largest + 1) if rows % size == 0)
    return best if best >= largest // 8 else largest


def table(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row for each run: parameters, epochs, seconds, validation and test scores."""
    rows = []
    for run in _listed(runs):
        row = {
            "run": run.name,
            "parameters": run.parameters,
            "epochs": run.epochs,
            "best epoch": run.best_epoch,
            "seconds": run.seconds,
        }
        row |= {
            f"validation {q}": run.at_kept_epoch(f"val_{q}")
            for q in ("accuracy", "loss")
            if f"val_{q}" in run.history and run.kept_epoch
        }
        rows.append(row | {f"test {name}": value for name, value in run.scores.items()})
    return pd.DataFrame(rows).set_index("run")


def mean_and_sd(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each name: how many runs, and "mean ± sd" of what was measured.

    sd is the sample standard deviation; it is left out where there is one run.
    """
    measured = table(runs).drop(columns="best epoch")
    rows = {}
    for name, group in measured.groupby(level=0, sort=False):
        row = {"runs": str(len(group)), "parameters": f"{group.pop('parameters').iloc[0]:,}"}
        rows[name] = row | {column: _mean_and_sd(group[column]) for column in group}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")


def _mean_and_sd(values: pd.Series) -> str:
    values = values.dropna()
    digits = 1 if values.name in ("seconds", "epochs") else 3
    mean = f"{values.mean():.{digits}f}" if len(values) else ""
    return mean if len(values) < 2 else f"{mean} ± {values.std(ddof=1):.{digits}f}"


def _split(
    x: np.ndarray, y: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    if not isinstance(share, (int, float)) or not 0 <= share < 1:
        raise ValueError(f"validation_split must lie from 0 up to, not including, 1, got {share!r}")
    if share == 0:
        return x, y, None
    cut = math.floor(len(x) * (1 - share))
    if cut in (0, len(x)):
        raise ValueError(f"validation_split={share} leaves no rows on one side of {len(x)}")
    return x[:cut], y[:cut], (x[cut:], y[cut:])


def _best_epoch(history: dict[str, list[float]]) -> int:
    losses = np.array(history.get("val_loss", history["loss"]), dtype=float)
    if not len(losses):
        return 0
    return 1 if np.isnan(losses).all() else int(np.nanargmin(losses)) + 1


class _Stopped(Exception):
    """Leaves Keras' `fit` where it would go on to prepare something that nobody waits for."""


def _companion(
    keras: Any,
    stop: Callable[[], bool],
    watch: Callable[[int, dict[str, float]], None],
    advance: Callable[[float], None],
    look: Callable[[keras.Model], None],
) -> keras.callbacks.Callback:
    """Ask whether to stop, end the training if so, and tell of batches and epochs that were finished."""

    class Companion(keras.callbacks.Callback):
        stopped = False
        epochs_done = 0
        epoch = 0

        def __init__(self) -> None:
            super().__init__()
            self.history: dict[str, list[float]] = {"loss": []}

        def asked(self) -> bool:
            self.stopped = self.stopped or bool(stop())
            return self.stopped

        def on_train_begin(self, logs=None):
            if self.asked():
                raise _Stopped

        def on_test_begin(self, logs=None):
            if self.asked():
                raise _Stopped

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if self.asked():
                self.model.stop_training = True
            advance(self.epoch + (batch + 1) / self.params["steps"])

        def on_test_batch_end(self, batch, logs=None):
            if self.asked():
                self.model.stop_evaluating = self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            if not self.stopped:
                self.epochs_done = epoch + 1
                measured = {name: float(value) for name, value in (logs or {}).items()}
                for name, value in measured.items():
                    self.history.setdefault(name, []).append(value)
                look(self.model)
                watch(epoch + 1, measured)

    return Companion()


def _progress(keras: Any, name: str, epochs: int, patience: int | None) -> keras.callbacks.Callback:
    """Print the epochs as they end, in words that are the same on every machine."""

    def write(text: str) -> None:
        print(text, end="", flush=True)

    if patience is not None:
        return keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: write(f"{name}: at most {_count(epochs, 'epoch')} …"),
            on_train_end=lambda logs: write(" done\n"),
        )
    return keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: write(f"{name}: epoch"),
        on_epoch_end=lambda epoch, logs: write(f" {epoch + 1}"),
        on_train_end=lambda logs: write(f" of {epochs}\n"),
    )


def _check_pair(what: str, x: np.ndarray, y: np.ndarray) -> None:
    if len(x) != len(y):
        raise ValueError(f"{what} have {len(x):,} inputs but {len(y):,} targets: they must be as many")
    if len(x) == 0:
        raise ValueError(f"{what} are empty")


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, got {value!r}")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _listed(runs: Iterable[Run]) -> list[Run]:
    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise ValueError("there are no runs to show: train at least one")
    return runs
