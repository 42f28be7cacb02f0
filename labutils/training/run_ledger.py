"""What is done of a sweep, what waits, and how often each run was tried."""

from __future__ import annotations

import os
import platform
import random
import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from labutils.training.run_store import Record, RunStore

_HOPELESS = 3  # runs that fail alike before one succeeds


class RunLedger:
    """The bookkeeping of one sweep, which writes every result into its store.

    Attributes
    ----------
    wanted : key → settings, of all runs that were asked for.
    retries : how many times a run that fails is tried again.
    waiting : the keys of those to begin, in order.
    done : how many have a result, or have failed too often.
    """

    def __init__(self, wanted: Mapping[str, dict[str, Any]], store: RunStore, retries: int) -> None:
        self.wanted, self.store, self.retries = wanted, store, retries
        self._failures: Counter[str] = Counter()  # of this sweep
        self._losses: Counter[str] = Counter()  # how often the process of a run was lost
        self._suspects: deque[str] = deque()  # runs that were lost too often to be tried beside others
        self.waiting = deque(key for key in wanted if not self._is_done(key))
        self.done = len(wanted) - len(self.waiting)
        self._known = len(store.records())
        self._held: list[Record] = []
        self._any_result = any(not record.get("failed") for record in store.records().values())

    def next_key(self, alone: bool) -> str | None:
        """Return the key of a run to begin, None if there is none.

        Where another program has written to the store meanwhile, the rest is shuffled, or both would train
        the same runs side by side.

        Parameters
        ----------
        alone : whether no other run is going on.
        """
        if len(self.store.records()) > self._known:
            self._known = len(self.store.records())
            random.Random(f"{platform.node()} {os.getpid()} {threading.get_ident()}").shuffle(self.waiting)
        while self.waiting:
            key = self.waiting.popleft()
            if not self._is_done(key):
                return key
            self.done += 1
        return self._suspects.popleft() if alone and self._suspects else None

    def write_down(self, key: str, outcome: Record) -> Record:
        """Write down and return the record of a run that has ended; what may be retried waits again."""
        attempts = self._attempts(key) + 1
        record = {"key": key, "settings": self.wanted[key], "attempts": attempts, **outcome}
        self._failures[key] += bool(outcome.get("failed"))
        self._append(record)
        if outcome.get("failed") and attempts <= self.retries:
            self.waiting.append(key)
        else:
            self.done += 1
        return record

    def write_down_loss(self, key: str) -> Record | None:
        """Take note that a run was lost with its process; return its record where that makes it fail.

        A process that is killed may take the runs beside it with it, and nobody knows whose fault it was. So
        they are all tried again; one that is lost more often than `retries` is tried alone, and fails for
        good if it is lost then.
        """
        self._losses[key] += 1
        if self._losses[key] > self.retries + 1:
            self._failures[key] = self.retries
            return self.write_down(key, {"failed": "its process was killed, alone: was there enough memory?"})
        (self._suspects if self._losses[key] > self.retries else self.waiting).append(key)
        return None

    def write_held(self) -> None:
        """Write down what was held back."""
        for record in self._held:
            self._known += record["key"] not in self.store.records()
            self.store.append(record)
        self._held = []

    def _append(self, record: Record) -> None:
        """Append to the store; failures with which a sweep begins are held back until a run succeeds.

        Where nothing comes but one and the same failure, `train` is wrong, and that should not cost a night.
        """
        self._held.append(record)
        self._any_result |= not record.get("failed")
        if self._any_result:
            self.write_held()
            return
        reasons = {held["key"]: held["failed"] for held in self._held}
        if len(reasons) == _HOPELESS and len(set(reasons.values())) == 1:
            raise RuntimeError(
                f"the first {_HOPELESS} runs have all failed, so no other was begun: {record['failed']}\n"
                f"{record.get('details', '')}\nCorrect train, or put settings first with which it works, "
                "and call sweep again"
            )

    def _is_done(self, key: str) -> bool:
        record = self.store.records().get(key)
        return record is not None and (not record.get("failed") or self._attempts(key) > self.retries)

    def _attempts(self, key: str) -> int:
        """Return how often a run was tried, in this sweep and those before it."""
        record = self.store.records().get(key)
        return max(self._failures[key], 0 if record is None else record.get("attempts", 1))
