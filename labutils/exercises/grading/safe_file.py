"""A file that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class SafeFile:
    """A file that is written whole or not at all, and under another name where it is locked or gone.

    Parameters
    ----------
    path : where it should be; then where it is.
    write : writes a content to a path.
    warn : is told once, in words, that it is elsewhere.
    """

    def __init__(self, path: Path, write: Callable[[Any, Path], Any], warn: Callable[[str], None]) -> None:
        self.path, self._write, self._warn = path, write, warn

    def save(self, content: Any) -> Any:
        """Write the content, and return what `write` returns; OSError where no place at all is left."""
        try:
            return self._save(content, self.path)
        except OSError as error:
            problem = error
        for place in self._elsewhere():
            with contextlib.suppress(OSError):
                returned = self._save(content, place)
                self._warn(f"{self.path} cannot be written ({problem}); from now on it is {place}")
                self.path = place
                return returned
        raise problem

    def _elsewhere(self) -> Iterator[Path]:
        for folder in (self.path.absolute().parent, Path.cwd(), Path.home()):
            names = (folder / f"{self.path.stem}-{number}{self.path.suffix}" for number in range(2, 10))
            yield from (path for path in names if not path.exists())

    def _save(self, content: Any, path: Path) -> Any:
        part = path.with_name(f".{path.name}.part")
        try:
            returned = self._write(content, part)
            os.replace(part, path)
            return returned
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
