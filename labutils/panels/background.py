"""Work in the background, one job at a time, and know how far it is: a training, a sweep, a text."""

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

from labutils import backend
from labutils.panels import base
from labutils.training.recording import EpochHistory

if TYPE_CHECKING:
    import keras

    OnEpoch = Callable[[keras.Model], None]

SECONDS_BEFORE_TIDYING = 1.0


@dataclass(frozen=True)
class Progress:
    """A job as it stands."""

    state: str = "idle"  # or "starting" (nothing was reported yet), "running", "stopping"
    total: int = 0  # how many epochs or runs were asked for, 0 where none are counted
    history: dict[str, list[float]] = field(default_factory=dict)  # quantity → value after each whole epoch
    epoch_seconds: tuple[float, ...] = ()  # one for each whole epoch
    fraction: float = 0.0  # of the present epoch that is done, 0 to 1
    elapsed: float = 0.0  # seconds since the present epoch began, of the first one since the start
    result: Any = None  # what the job returned, None while it runs and when it failed
    error: str = ""  # why it failed, shortened
    details: str = ""  # the traceback

    @property
    def is_busy(self) -> bool:
        """Whether the job goes on."""
        return self.state != "idle"

    @property
    def epochs_done(self) -> int:
        """How many whole epochs are done."""
        return len(self.epoch_seconds)

    @property
    def fraction_done(self) -> float:
        """How much of a whole training is done, 0 to 1."""
        return min(1.0, (self.epochs_done + self.fraction) / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest of a training takes if it is like the past, None where that is unknown.

        The first epoch, in which the network is compiled, counts only while there is no other.
        """
        if self.state not in ("running", "stopping"):
            return None
        if self.epoch_seconds:
            per_epoch = median(self.epoch_seconds[1:] or self.epoch_seconds)
        elif self.fraction > 0.2:
            per_epoch = self.elapsed / self.fraction
        else:
            return None
        return max(0.0, per_epoch * (self.total - self.epochs_done - self.fraction))


class Runner:
    """Runs one job at a time, all in one thread, which uses again the memory of those before.

    Parameters
    ----------
    on_change : called after every change of `progress`, from the thread that made it; what it raises is kept
        out of the job.
    """

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self.progress = Progress()
        self._on_change = on_change
        self._lock, self._stop, self._idle = threading.Lock(), threading.Event(), threading.Event()
        self._idle.set()
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job goes on."""
        return self.progress.is_busy

    @property
    def stop_requested(self) -> bool:
        """Whether the job was asked to end."""
        return self._stop.is_set()

    def start(self, job: Callable[[], Any], total: int = 0) -> bool:
        """Begin a job; False if one is going on.

        Parameters
        ----------
        job : ends soon after `stop_requested`, and may `report` how far it is; a training does both by a
            `progress_callback`. It builds its model, too, since Keras' state belongs to the thread.
        total : how many epochs or runs it was asked for.
        """
        # in a context, by which ipykernel knows what belongs together
        in_context = functools.partial(contextvars.copy_context().run, self._run, job)
        with self._lock:
            if self.is_busy:
                return False
            if self._thread is None:
                thread = threading.Thread(target=self._work, daemon=True)
                thread.start()  # which a full machine refuses: then nothing has begun
                self._thread = thread
            self.progress = Progress("starting", total)
            self._stop.clear()
            self._idle.clear()
        try:
            self.report(state="starting")
        finally:  # after a KeyboardInterrupt, too: what is busy has a job that ends
            self._jobs.put(in_context)
        return True

    def stop(self) -> bool:
        """Ask the job to end; False if none is running."""
        with self._lock:
            if not self.is_busy:
                return False
            self._stop.set()
        self.report()
        return True

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is running; False if that took longer than `seconds`."""
        return self._idle.wait(seconds)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=SECONDS_BEFORE_TIDYING)
            except queue.Empty:
                # past networks, whose parts refer to each other: to find them takes tenths of a second
                gc.collect()
                job = self._jobs.get()
            try:
                job()
            except BaseException:  # from a listener, at its end: this thread serves the next job, too
                traceback.print_exc()
            del job  # what it holds must not wait for the next one
            with self._lock:
                if not self.is_busy:
                    self._idle.set()

    def _run(self, job: Callable[[], Any]) -> None:
        outcome: dict[str, Any] = {}
        try:
            outcome["result"] = job()
        except BaseException as error:  # this thread serves the next job, too
            outcome["error"], outcome["details"] = base.describe_error(error)
        self.report(state="idle", **outcome)

    def report(self, **changes: Any) -> None:
        """Change the progress of the job; without a `state` it is "stopping" or "running"."""
        with self._lock:
            if self.is_busy:
                state = "stopping" if self.stop_requested else "running"
                self.progress = replace(self.progress, **{"state": state} | changes)
        try:
            self._on_change()
        except Exception:
            traceback.print_exc()


def progress_callback(runner: Runner, on_epoch: OnEpoch = lambda model: None) -> keras.callbacks.Callback:
    """Return the callback by which a training in `runner` reports how far it is, and ends when it should.

    Parameters
    ----------
    runner : in whose job the training runs.
    on_epoch : called with the network after each whole epoch, before the progress has that epoch.
    """
    epoch_history = EpochHistory()

    class ProgressCallback(backend.load_keras().callbacks.Callback):  # type: ignore[misc]  # loaded at run time
        def __init__(self) -> None:
            super().__init__()
            self.began = time.monotonic()

        def stop_if_requested(self) -> bool:
            if runner.stop_requested:
                self.model.stop_training = True
            return runner.stop_requested

        def on_train_begin(self, logs=None):
            self.model.stop_evaluating = False  # Keras resets it in a validation alone
            self.stop_if_requested()

        def on_train_batch_end(self, batch, logs=None):
            epoch_history.check_batch(self.model, logs)
            self.stop_if_requested()
            done = (batch + 1) / self.params["steps"]
            runner.report(fraction=min(1.0, done), elapsed=time.monotonic() - self.began)

        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = self.stop_if_requested()

        def on_epoch_end(self, epoch, logs=None):
            epoch_history.add_epoch(self.model, logs)
            if epoch_history.epochs > runner.progress.epochs_done:
                on_epoch(self.model)
                now, history = time.monotonic(), {name: [*v] for name, v in epoch_history.values.items()}
                seconds = (*runner.progress.epoch_seconds, now - self.began)
                runner.report(history=history, epoch_seconds=seconds, fraction=0.0, elapsed=0.0)
                self.began = now
            self.stop_if_requested()  # a validation in one compiled call has no batches after which to ask

    return ProgressCallback()
