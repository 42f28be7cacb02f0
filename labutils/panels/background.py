"""Train in the background, one training at a time, and know how far it is."""

from __future__ import annotations

import contextvars
import gc
import queue
import re
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

Train = Callable[..., Any]
SECONDS_BEFORE_TIDYING = 1.0
LONGEST_ERROR = 300  # letters; the rest is in the details
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Progress:
    """A training as it stands.

    state : "idle", "building" (nothing to show yet), "training" or "stopping". epochs : how many were
    asked for. history : one list for each quantity, one number for each epoch that is done.
    epoch_seconds : how long each epoch took. within : the share of the present epoch that is done, where
    the training tells it; since : the seconds that it has taken. result : what the training returned,
    None while it runs and when it failed. error : why it failed, shortened; details : the traceback.
    """

    state: str = "idle"
    epochs: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    epoch_seconds: tuple[float, ...] = ()
    within: float = 0.0
    since: float = 0.0
    result: Any = None
    error: str = ""
    details: str = ""

    @property
    def epochs_done(self) -> int:
        return len(self.epoch_seconds)

    @property
    def share_done(self) -> float:
        """How much of the whole training is done, 0 to 1."""
        return min(1.0, (self.epochs_done + self.within) / self.epochs) if self.epochs else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take if it is like what is past, None if that cannot be told.

        The first epoch, in which the network is compiled, counts only while there is no other.
        """
        if self.state not in ("training", "stopping"):
            return None
        if self.epoch_seconds:
            an_epoch = median(self.epoch_seconds[1:] or self.epoch_seconds)
        elif self.within > 0.2:
            an_epoch = self.since / self.within
        else:
            return None
        return max(0.0, an_epoch * (self.epochs - self.epochs_done - self.within))


class Runner:
    """Runs one training at a time, all of them in one thread.

    (Memory that a thread has given back is used again in that thread, but seldom in another.)

    told : called after every change, from the thread that made it; what it raises is kept out of the
    training. clock : seconds, for tests.
    """

    def __init__(
        self,
        told: Callable[[Progress], None] = lambda progress: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._told, self._clock = told, clock
        self._lock, self._stop, self._idle = threading.Lock(), threading.Event(), threading.Event()
        self._idle.set()
        self._progress = Progress()
        self._trainings: queue.SimpleQueue[tuple[contextvars.Context, Train]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def progress(self) -> Progress:
        return self._progress

    @property
    def is_busy(self) -> bool:
        return self._progress.state != "idle"

    def start(self, train: Train, epochs: int) -> bool:
        """Begin ``train(stop=…, watch=…, advance=…)``, as `training.fit` takes them; False if one runs.

        Build the model inside `train`: Keras' state belongs to the thread.
        """
        with self._lock:
            if self.is_busy:
                return False
            self._progress = Progress("building", epochs)
            self._stop.clear()
            self._idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
        self._tell()
        self._trainings.put((contextvars.copy_context(), train))
        return True

    def stop(self) -> bool:
        """Ask the training to end; False if none is running."""
        with self._lock:
            if not self.is_busy:
                return False
            self._stop.set()
            self._progress = replace(self._progress, state="stopping")
        self._tell()
        return True

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is running; False if that took longer than `seconds`."""
        return self._idle.wait(seconds)

    def _work(self) -> None:
        while True:
            context, train = self._next_training()
            context.run(self._run, train)
            del context, train  # what they hold must not wait for the next training
            with self._lock:
                if not self.is_busy:
                    self._idle.set()

    def _next_training(self) -> tuple[contextvars.Context, Train]:
        """Wait for the next training, and free the networks of past ones once nothing is going on.

        Their parts refer to each other, and to find that out holds everything up for tenths of a second.
        """
        try:
            return self._trainings.get(timeout=SECONDS_BEFORE_TIDYING)
        except queue.Empty:
            gc.collect()
            return self._trainings.get()

    def _run(self, train: Train) -> None:
        began = self._clock()

        def watch(epoch: int, logs: dict[str, float]) -> None:
            nonlocal began
            now = self._clock()
            with self._lock:
                past = self._progress
                history = {name: [*past.history.get(name, []), value] for name, value in logs.items()}
                self._progress = replace(
                    past,
                    state="stopping" if self._stop.is_set() else "training",
                    history=history,
                    epoch_seconds=(*past.epoch_seconds, now - began),
                    within=0.0,
                    since=0.0,
                )
            began = now
            self._tell()

        def advance(epochs_done: float) -> None:
            with self._lock:
                self._progress = replace(
                    self._progress,
                    state="stopping" if self._stop.is_set() else "training",
                    within=min(1.0, max(0.0, epochs_done - self._progress.epochs_done)),
                    since=self._clock() - began,
                )
            self._tell()

        outcome: dict[str, Any] = {}
        try:
            outcome["result"] = train(stop=self._stop.is_set, watch=watch, advance=advance)
        except BaseException as error:  # this thread serves the next training, too
            outcome["error"], outcome["details"] = _told_error(error)
        with self._lock:
            self._progress = replace(self._progress, state="idle", **outcome)
        self._tell()

    def _tell(self) -> None:
        try:
            self._told(self._progress)
        except Exception:
            traceback.print_exc()


def _told_error(error: BaseException) -> tuple[str, str]:
    """Return an error in a line or two, without the colours of a terminal, and its traceback."""
    try:
        text = _COLOURS.sub("", str(error)).strip()
        details = _COLOURS.sub("", traceback.format_exc())
    except Exception:
        text = details = "(it cannot say what it is)"
    text = " ".join(text.split())
    if len(text) > LONGEST_ERROR:
        text = text[:LONGEST_ERROR] + " …"
    return f"{type(error).__name__}: {text}", details
