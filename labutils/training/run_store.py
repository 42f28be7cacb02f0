"""The results of many trainings in a file: one line of JSON for each, written as soon as it is there."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_FORMAT = "labutils runs, version 1"
Record = dict[str, Any]


class RunStore:
    """A JSON-lines file that only grows: a head, and a line for each run that is done.

    Several processes may use one file; where two begin it at once, each writes a head. A line is written at
    once, by a single call of the operating system that appends; a line that was cut off (a full disk, a power
    cut) is left out, with a warning, when the file is read, and does no harm to the next one.

    Parameters
    ----------
    path : of the file; it and its folder are made when the first line is written.
    name : of the function whose runs these are. A file with the runs of another is refused.

    Raises
    ------
    ValueError
        Where there is a file at the path that is no such store; nothing is written to it then.
    """

    def __init__(self, path: str | os.PathLike, name: str) -> None:
        self.path, self.name = Path(path), name
        self._read = 0  # how many bytes
        self._found: dict[str, Record] = {}  # the records in them
        if self.path.is_dir():
            raise ValueError(f"{self.path} is a folder: give the name of a file in it, such as runs.jsonl")
        self.records()

    def records(self) -> dict[str, Record]:
        """Return key → record of all runs in the file.

        Of several with one key it is the first that has not failed, or else the last. Only what was added
        since the last call is read.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self._read:  # somebody has begun the file anew
            self._read, self._found = 0, {}
        if size == self._read:
            return self._found
        with self.path.open("rb") as file:
            file.seek(self._read)
            news = file.read()
        *lines, last = news.split(b"\n")
        if isinstance(_parsed(last), dict):  # whole, only the end of the line is missing
            lines, last = [*lines, last], b""
        if not self._read:
            self._check(_parsed((lines or [last])[0]))
        records = [_parsed(line) for line in lines if line.strip()]
        for head in filter(_is_head, records):
            self._check(head)
        self._read += len(news) - len(last)  # the rest of the last may come yet
        found, unreadable = self._found, 0
        for record in itertools.filterfalse(_is_head, records):
            if not isinstance(record, dict) or not isinstance(record.get("key"), str):
                unreadable += 1
            elif record["key"] not in found or found[record["key"]].get("failed"):
                found[record["key"]] = record
        if unreadable:
            warnings.warn(
                f"{unreadable} of the lines of {self.path} cannot be read and were left out: those runs are "
                "trained again",
                stacklevel=2,
            )
        return found

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record down."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record) + "\n"
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        try:
            size = os.fstat(file).st_size
            if not size:
                text = json.dumps({"format": _FORMAT, "function": self.name}) + "\n" + text
            elif not self._ends_a_line(size):
                text = "\n" + text
            line = text.encode("utf-8")
            if os.write(file, line) < len(line):
                raise OSError(f"{self.path} could not be written to its end: is the disk full?")
            os.fsync(file)
        finally:
            os.close(file)

    def _ends_a_line(self, size: int) -> bool:
        with self.path.open("rb") as file:
            file.seek(size - 1)
            return file.read(1) == b"\n"

    def _check(self, head: Any) -> None:
        if not _is_head(head):
            raise ValueError(
                f"{self.path} is no store of runs: its first line should say {_FORMAT!r}. Nothing was "
                "written to it; give another name"
            )
        if head.get("function") != self.name:
            raise ValueError(
                f"{self.path} holds the runs of another function, {head.get('function')!r}, not of "
                f"{self.name!r}: give another name"
            )


def key_of(settings: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that only depend on the settings.

    Raises
    ------
    TypeError
        For a setting that is no number, text, truth value, None, or a list of those.
    """
    text = json.dumps(plain(dict(settings), "a setting"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def plain(value: Any, what: str) -> Any:
    """Return a value as JSON can hold it: NumPy's numbers and arrays, and tuples, turned into plain ones.

    Raises
    ------
    TypeError
        For anything else; `what` begins the message.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return plain(value.tolist() if value.ndim else _number(value), what)
    if isinstance(value, (list, tuple)):
        return [plain(part, what) for part in value]
    if isinstance(value, Mapping):
        return {str(name): plain(part, what) for name, part in value.items()}
    raise TypeError(
        f"{what} is a {type(value).__name__}, which cannot be written down: give numbers, texts or lists"
    )


def _number(value: np.generic | np.ndarray) -> Any:
    number = value.item()
    return float(number) if isinstance(number, np.floating) else number  # a longdouble stays one


def _is_head(line: Any) -> bool:
    return isinstance(line, dict) and line.get("format") == _FORMAT


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
