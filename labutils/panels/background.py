"""Train in the background, one training at a time, and know how far it is."""

from __future__ import annotations

import contextvars
import functools
import gc
import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from labutils.panels import base
from labutils.training import recorder_class

if TYPE_CHECKING:
    import keras

    Train = Callable[[keras.callbacks.Callback], Any]
    OnEpoch = Callable[[keras.Model], None]

SECONDS_BEFORE_TIDYING = 1.0


@dataclass(frozen=True)
class Progress:
    """A training as it stands."""

    state: str = "idle"  # or "building" (no batch is done yet), "training", "stopping"
    epochs: int = 0  # as many as were asked for
    history: dict[str, list[float]] = field(default_factory=dict)  # quantity → value after each whole epoch
    epoch_seconds: tuple[float, ...] = ()  # one for each whole epoch
    fraction: float = 0.0  # of the present epoch that is done, 0 to 1
    elapsed: float = 0.0  # seconds since the present epoch began, of the first one since the start
    result: Any = None  # what the training returned, None while it runs and when it failed
    error: str = ""  # why it failed, shortened
    details: str = ""  # the traceback

    @property
    def epochs_done(self) -> int:
        """How many whole epochs are done."""
        return len(self.epoch_seconds)

    @property
    def fraction_done(self) -> float:
        """How much of the whole training is done, 0 to 1."""
        return min(1.0, (self.epochs_done + self.fraction) / self.epochs) if self.epochs else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes if it is like the past, None where that is unknown.

        The first epoch, in which the network is compiled, counts only while there is no other.
        """
        if self.state not in ("training", "stopping"):
            return None
        if self.epoch_seconds:
            per_epoch = median(self.epoch_seconds[1:] or self.epoch_seconds)
        elif self.fraction > 0.2:
            per_epoch = self.elapsed / self.fraction
        else:
            return None
        return max(0.0, per_epoch * (self.epochs - self.epochs_done - self.fraction))


class Runner:
    """Runs one training at a time, all in one thread, which uses again the memory of those before.

    Parameters
    ----------
    on_change : called after every change of `progress`, from the thread that made it; what it raises is kept
        out of the training.
    """

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self.progress = Progress()
        self._on_change = on_change
        self._lock, self._stop, self._idle = threading.Lock(), threading.Event(), threading.Event()
        self._idle.set()
        self._trainings: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a training goes on."""
        return self.progress.state != "idle"

    @property
    def stop_requested(self) -> bool:
        """Whether the training was asked to end."""
        return self._stop.is_set()

    def start(self, train: Train, epochs: int, on_epoch: OnEpoch = lambda model: None) -> bool:
        """Begin a training; False if one is going on.

        Parameters
        ----------
        train : trains with the Keras callback that it is given, ``training.fit(…, callbacks=[callback])``,
            and builds the model, too, since Keras' state belongs to the thread.
        epochs : how many `train` was asked for.
        on_epoch : called with the network after each whole epoch, before `progress` has that epoch.
        """
        # in a context, by which ipykernel knows what belongs together
        training = functools.partial(contextvars.copy_context().run, self._run, train, on_epoch)
        with self._lock:
            if self.is_busy:
                return False
            if self._thread is None:
                thread = threading.Thread(target=self._work, daemon=True)
                thread.start()  # which a full machine refuses: then nothing has begun
                self._thread = thread
            self.progress = Progress("building", epochs)
            self._stop.clear()
            self._idle.clear()
        try:
            self._change(state="building")
        finally:  # after a KeyboardInterrupt, too: what is busy has a training that ends
            self._trainings.put(training)
        return True

    def stop(self) -> bool:
        """Ask the training to end; False if none is running."""
        with self._lock:
            if not self.is_busy:
                return False
            self._stop.set()
        self._change()
        return True

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is running; False if that took longer than `seconds`."""
        return self._idle.wait(seconds)

    def _work(self) -> None:
        while True:
            try:
                training = self._trainings.get(timeout=SECONDS_BEFORE_TIDYING)
            except queue.Empty:
                # past networks, whose parts refer to each other: to find them takes tenths of a second
                gc.collect()
                training = self._trainings.get()
            try:
                training()
            except BaseException:  # from a listener, at its end: this thread serves the next training, too
                traceback.print_exc()
            del training  # what it holds must not wait for the next one
            with self._lock:
                if not self.is_busy:
                    self._idle.set()

    def _run(self, train: Train, on_epoch: OnEpoch) -> None:
        outcome: dict[str, Any] = {}
        try:
            outcome["result"] = train(_callback(self, on_epoch))
        except BaseException as error:  # this thread serves the next training, too
            outcome["error"], outcome["details"] = base.describe_error(error)
        self._change(state="idle", **outcome)

    def _change(self, **changes: Any) -> None:
        """Change the progress of a training; without a `state` it is "stopping" or "training"."""
        with self._lock:
            if self.is_busy:
                state = "stopping" if self.stop_requested else "training"
                self.progress = replace(self.progress, **{"state": state} | changes)
        try:
            self._on_change()
        except Exception:
            traceback.print_exc()


def _callback(runner: Runner, on_epoch: OnEpoch) -> keras.callbacks.Callback:
    """Return the callback that ends a training where that was asked for, and reports how far it is."""

    class RunnerCallback(recorder_class()):
        def __init__(self) -> None:
            super().__init__()
            self.began = time.monotonic()

        def stop_if_requested(self) -> bool:
            if runner.stop_requested:
                self.model.stop_training = True
            return runner.stop_requested

        def on_train_begin(self, logs=None):
            super().on_train_begin(logs)
            self.stop_if_requested()

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.stop_if_requested()
            done = (batch + 1) / self.params["steps"]
            runner._change(fraction=min(1.0, done), elapsed=time.monotonic() - self.began)

        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = self.stop_if_requested()

        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if self.epochs > runner.progress.epochs_done:
                on_epoch(self.model)
                now, history = time.monotonic(), {name: [*v] for name, v in self.history.items()}
                seconds = (*runner.progress.epoch_seconds, now - self.began)
                runner._change(history=history, epoch_seconds=seconds, fraction=0.0, elapsed=0.0)
                self.began = now
            self.stop_if_requested()  # a validation in one compiled call has no batches after which to ask

    return RunnerCallback()
