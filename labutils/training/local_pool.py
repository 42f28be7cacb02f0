"""The runs of a sweep in processes of this machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor

from labutils.training.run_store import Record
from labutils.training.sweep_worker import ONE_THREAD, outcome


class LocalPool:
    """Some processes of this machine, each with one thread for TensorFlow; `close` ends them.

    Parameters
    ----------
    train : the function that is called with the settings of a run, by cloudpickle.
    number : of processes.
    """

    def __init__(self, train: bytes, number: int) -> None:
        self.going_on: dict[Future, str] = {}
        self._train, self._number = train, number
        self._executor = self._new_executor()

    def room(self) -> int:
        """Return how many more runs can begin now."""
        return self._number - len(self.going_on)

    def submit(self, key: str, settings: Mapping[str, Any]) -> None:
        """Begin a run."""
        try:
            future = self._executor.submit(outcome, self._train, settings)
        except BrokenExecutor:  # a process was killed that had nothing to do
            self._replace_executor()
            future = self._executor.submit(outcome, self._train, settings)
        self.going_on[future] = key

    def ended(self, seconds: float) -> Iterator[tuple[str, Record | None]]:
        """Wait for a run to end, and yield key and outcome of those that have, None where one was lost.

        When a process is killed, all runs that are going on are lost.
        """
        ended, _ = wait(self.going_on, seconds, return_when=FIRST_COMPLETED)
        if any(_was_lost(future) for future in ended):
            ended, _ = wait(self.going_on)  # a broken executor ends them all
            self._replace_executor()
        for future in ended:
            yield self.going_on.pop(future), None if _was_lost(future) else future.result()

    def close(self) -> None:
        """Kill the processes, and what goes on in them."""
        self._executor.shutdown(wait=False, kill_workers=True)

    def _new_executor(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._number, timeout=600, env=ONE_THREAD, initializer=_end_with_parent)

    def _replace_executor(self) -> None:
        self.close()
        self._executor = self._new_executor()


@contextlib.contextmanager
def local_pool(train: bytes, number: int) -> Iterator[LocalPool]:
    """Yield a `LocalPool` that is closed at the end of the block."""
    with warnings.catch_warnings(), contextlib.closing(LocalPool(train, number)) as pool:
        # loky replaces a process whose memory has grown, after which nothing is amiss
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        yield pool


def _was_lost(future: Future) -> bool:
    """Whether the process of a run has ended without an outcome."""
    error = future.exception()
    if error is not None and not isinstance(error, BrokenExecutor):
        raise error
    return error is not None


def _end_with_parent() -> None:
    """Let this process end within a second when the program that started it is killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
