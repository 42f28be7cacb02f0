"""The runs of a sweep in processes of this machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor

from labutils.training.run_ledger import RunLedger
from labutils.training.run_store import Record
from labutils.training.sweep_worker import ONE_THREAD, outcome

_SECONDS_BETWEEN_QUESTIONS = 0.2  # whether to stop


def records_by_processes(
    train: bytes,
    ledger: RunLedger,
    should_stop: Callable[[], bool],
    workers: int | None,
    stack: contextlib.ExitStack,
) -> Iterator[Record]:
    """Yield the record of each run as it ends; of one that fails each time that it fails.

    When a process is killed, all runs that are going on are lost, and nobody knows whose fault it was.
    They are tried again; one that was lost more often than `retries` is tried alone, and fails if it is
    lost then.
    """
    number = min(workers or cpu_count(), len(ledger.waiting))
    stack.enter_context(warnings.catch_warnings())
    # loky replaces a process whose memory has grown, after which nothing is amiss
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
    executors = [stack.enter_context(_processes(number))]
    going_on: dict[Future, str] = {}
    alone, lost = deque(), Counter()

    def begin(key: str) -> None:
        arguments = (outcome, train, ledger.wanted[key])
        try:
            going_on[executors[-1].submit(*arguments)] = key
        except BrokenExecutor:  # a process was killed that had nothing to do
            executors.append(stack.enter_context(_processes(number)))
            going_on[executors[-1].submit(*arguments)] = key

    while not should_stop():
        while len(going_on) < number and (key := ledger.next_key()):
            begin(key)
        if alone and not going_on:
            begin(alone.popleft())
        if not going_on:
            return
        ended, _ = wait(going_on, _SECONDS_BETWEEN_QUESTIONS, return_when=FIRST_COMPLETED)
        if any(_was_lost(future) for future in ended):
            was_alone = len(going_on) == 1 and not ledger.waiting
            ended, _ = wait(going_on)  # a broken pool ends them all
            executors.append(stack.enter_context(_processes(number)))
        for future in ended:
            key = going_on.pop(future)
            if not _was_lost(future):
                yield ledger.write_down(key, future.result())
                continue
            lost[key] += 1
            if was_alone and lost[key] > ledger.retries + 1:
                reason = "its process was killed, alone: was there enough memory?"
                ledger.tried[key] = ledger.retries
                yield ledger.write_down(key, {"failed": reason})
            else:
                (alone if lost[key] > ledger.retries else ledger.waiting).append(key)


def _was_lost(future: Future) -> bool:
    """Whether the process of a run has ended without an answer."""
    error = future.exception()
    if error is not None and not isinstance(error, BrokenExecutor):
        raise error
    return error is not None


@contextlib.contextmanager
def _processes(number: int) -> Iterator[Executor]:
    executor = ProcessPoolExecutor(number, timeout=600, env=ONE_THREAD, initializer=_end_with_parent)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, kill_workers=True)


def _end_with_parent() -> None:
    """Let this process end within a second when the program that started it is killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
