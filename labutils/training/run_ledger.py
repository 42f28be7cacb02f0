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
    tried : key → how often it was.
    waiting : the keys of those to begin, in order.
    done : how many have a result, or have failed too often.
    """

    def __init__(self, wanted: Mapping[str, dict[str, Any]], runs: RunStore, retries: int) -> None:
        self.wanted, self.runs, self.retries = wanted, runs, retries
        self.tried: Counter[str] = Counter()
        self.waiting = deque(key for key in wanted if not self._is_done(key))
        self.done = len(wanted) - len(self.waiting)
        self._known = len(runs.records())
        self._held: list[Record] = []
        self._any_result = any(not record.get("failed") for record in runs.records().values())

    def _is_done(self, key: str) -> bool:
        record = self.runs.records().get(key)
        if record is None:
            return False
        self.tried[key] = max(self.tried[key], record.get("attempts", 1))
        return not record.get("failed") or self.tried[key] > self.retries

    def next_key(self) -> str | None:
        """Return the key of a run to begin, None if there is none.

        Where another program has written to the store meanwhile, the rest is shuffled, or both would train
        the same runs side by side.
        """
        if len(self.runs.records()) > self._known:
            self._known = len(self.runs.records())
            random.Random(f"{platform.node()} {os.getpid()} {threading.get_ident()}").shuffle(self.waiting)
        while self.waiting:
            key = self.waiting.popleft()
            if not self._is_done(key):
                return key
            self.done += 1
        return None

    def write_down(self, key: str, answer: Record) -> Record:
        """Write down and return the record of a run that has ended; what may be retried waits again."""
        if "unreadable" in answer:
            raise TypeError(f"train cannot be read in another process: {answer['unreadable']}")
        self.tried[key] += 1
        record = {"key": key, "settings": self.wanted[key], "attempts": self.tried[key], **answer}
        self._keep(record)
        if answer.get("failed") and self.tried[key] <= self.retries:
            self.waiting.append(key)
        else:
            self.done += 1
        return record

    def _keep(self, record: Record) -> None:
        """Append to the store; failures with which a sweep begins are held back until a run succeeds.

        Where nothing comes but one and the same failure, `train` is wrong, and that should not cost a night.
        """
        if not record.get("failed"):
            self._any_result = True
        self._held.append(record)
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

    def write_held(self) -> None:
        """Write down what was held back."""
        for record in self._held:
            self._known += record["key"] not in self.runs.records()
            self.runs.append(record)
        self._held = []
