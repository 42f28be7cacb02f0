"""Find the notebooks in what was handed in, a folder or a zip, whatever they are called, and read them.

What a student sends is only read, never unpacked onto the disk, and no zip may grow without limit in memory.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from nbformat import NotebookNode, v4

LARGEST_FILE = 100_000_000
_LARGEST_ZIP = 20 * LARGEST_FILE  # what is taken of one zip, unpacked
_MOST_IN_A_STUDENTS_ZIP = 50  # notebooks
_NOTEBOOK_NAME = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)
_PERHAPS_A_NOTEBOOK = re.compile(r"\.ipynb[^/]*$|\.(json|txt|zip)$|(^|/)[^./]+$", re.IGNORECASE)
_START_OF_A_NOTEBOOK = re.compile(
    rb'[\s\xef\xbb\xbf]*\{\s*"(cells|metadata|nbformat|nbformat_minor|worksheets)"'
)
_ARCHIVE = re.compile(r"\.(rar|7z|tar|t?gz|xz|bz2)$", re.IGNORECASE)
_LEFT_BY_PROGRAMS = {
    "__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "__pycache__", ".git",
}  # fmt: skip
# How a file or its folder begins in what Moodle, Canvas and again Moodle offer for download: the number is
# the participant's in Moodle, the user's in Canvas.
_PLATFORMS = [
    re.compile(r"(?P<student>[^_]+)_(?P<identifier>\d+)_assignsubmission_"),
    re.compile(r"(?P<student>.+?)_(?:LATE_)?(?P<identifier>\d+)_\d{3,}_"),
    re.compile(r"(?P<student>[^_]+\s[^_]+)_(?P<identifier>\d+)(\.zip)?$", re.IGNORECASE),
]


@dataclass(frozen=True)
class Submission:
    """A notebook as it was handed in.

    Attributes
    ----------
    name : its path in the folder, with / between; a zip counts as a folder.
    student, identifier : as the learning platform wrote them into the path, "" where it did not.
    """

    name: str
    content: bytes = field(repr=False)
    student: str = ""
    identifier: str = ""

    @property
    def digest(self) -> str:
        """Return what tells one content from another."""
        return hashlib.sha256(self.content).hexdigest()[:16]


class UnreadableError(ValueError):
    """A file holds no notebook; the message says why, in words that can be sent to the student."""


def printable(text: str) -> str:
    """Return a text, such as the name of a file, without what a terminal or a spreadsheet would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text))


def find_submissions(path: Path) -> tuple[list[Submission], list[str]]:
    """Return the notebooks in a folder or a zip, in order, and in words what else there is and is not graded.

    Raises
    ------
    FileNotFoundError
        Where there is no such folder or zip, or no notebook in it.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no folder or zip {path}")
    search = _Search()
    if path.is_file():
        search.look_at(path.name, partial(_opened, path), inside="")
    for file in sorted(path.rglob("*")) if path.is_dir() else []:
        if file.is_file() and file.resolve().is_relative_to(path.resolve()):
            search.look_at(file.relative_to(path).as_posix(), partial(_opened, file))
        elif file.is_symlink():
            search.others.append(_cleaned(file.relative_to(path).as_posix()))
    notices = search.notices + search.about_others()
    if not search.found:
        raise FileNotFoundError("; ".join([f"there is no notebook (*.ipynb) in {path}", *notices]))
    names: Counter[str] = Counter()
    submissions = []
    for name, content in sorted(search.found, key=lambda pair: pair[0]):
        names[name] += 1
        unique = name if names[name] == 1 else f"{name} ({names[name]})"
        submissions.append(Submission(unique, content, **_sender(name)))
    return submissions, notices


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


@dataclass
class _Search:
    found: list[tuple[str, bytes]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def look_at(
        self, name: str, opened: Callable[[], IO[bytes]], depth: int = 0, inside: str | None = None
    ) -> None:
        """Keep a file if it is a notebook, or the notebooks in it if it is a zip, under the path `inside`."""
        name = _cleaned(name)
        if _LEFT_BY_PROGRAMS.intersection(name.split("/")) or name.split("/")[-1].startswith("._"):
            return
        try:
            if name.lower().endswith(".zip"):
                with opened() as stream:
                    # a zip in a zip cannot be read in any order
                    whole = io.BytesIO(stream.read(LARGEST_FILE + 1)) if depth else stream
                    prefix = f"{name}/" if inside is None else inside
                    self._look_into(zipfile.ZipFile(whole), name, prefix, depth)
            elif _NOTEBOOK_NAME.search(name) or _holds_a_notebook(name, opened):
                with opened() as stream:
                    self.found.append((name, stream.read(LARGEST_FILE + 1)))
            else:
                self.others.append(name)
        except Exception as error:  # a damaged zip raises all kinds
            reason = printable(str(error) or type(error).__name__)
            self.notices.append(f"{name} cannot be read: {reason[:100]}")

    def _look_into(self, archive: zipfile.ZipFile, name: str, inside: str, depth: int) -> None:
        if depth == 2:
            self.notices.append(f"{name} is a zip in a zip in a zip: it is not opened")
            return
        refused = []
        most, left = (_MOST_IN_A_STUDENTS_ZIP, LARGEST_FILE) if depth else (math.inf, _LARGEST_ZIP)
        for info in archive.infolist():
            of_member = _name_in_zip(info)
            why = _refusal(info, most, left) if _PERHAPS_A_NOTEBOOK.search(of_member) else ""
            if why and not info.is_dir():
                refused.append(f"{printable(of_member)} ({why})")
            elif not info.is_dir():
                before = len(self.found)
                self.look_at(inside + of_member, partial(archive.open, info), depth + 1)
                most -= len(self.found) - before
                left -= info.file_size if len(self.found) > before else 0
        if refused:
            self.notices.append(f"{name}: {_some(refused)} cannot be taken out")

    def about_others(self) -> list[str]:
        """Return one notice on the files that are no notebooks, or none."""
        if not self.others:
            return []
        # what may hold a notebook comes first
        names = sorted(self.others, key=lambda name: not (".ipynb" in name.lower() or _ARCHIVE.search(name)))
        files = "1 other file is" if len(names) == 1 else f"{len(names)} other files are"
        return [f"{files} not graded: {_some(names)}"]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _cleaned(name: str) -> str:
    """Return a path without what leads out of the folder: it is a name, nothing is opened by it."""
    parts = [printable(part) for part in re.split(r"[\\/]+", name) if part not in ("", ".", "..")]
    return "/".join(parts)


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    if not info.flag_bits & 0x800:  # not marked as UTF-8, but macOS writes it nevertheless
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def _refusal(info: zipfile.ZipInfo, most: float, left: int) -> str:
    if info.flag_bits & 1:
        return "it needs a password"
    if info.file_size > LARGEST_FILE:
        return f"larger than {LARGEST_FILE // 1_000_000} MB"
    if info.file_size > 100 * info.compress_size + 1_000_000:
        return "it grows more than a hundredfold when it is unpacked"
    return "the zip holds too much" if most <= 0 or info.file_size > left else ""


def _holds_a_notebook(name: str, opened: Callable[[], IO[bytes]]) -> bool:
    if not _PERHAPS_A_NOTEBOOK.search(name):
        return False
    try:
        with opened() as stream:
            start = stream.read(2000)
            begins = _START_OF_A_NOTEBOOK.match(start)
            return bool(begins) and b'"nbformat"' in start + stream.read(LARGEST_FILE)
    except Exception:
        return False


def _sender(name: str) -> dict[str, str]:
    for pattern in _PLATFORMS:
        for part in name.split("/"):
            if match := pattern.match(part):
                return {"student": match["student"].strip(), "identifier": match["identifier"]}
    return {}


def read_notebook(content: bytes) -> NotebookNode:
    """Return a notebook of format 4 with the source of each cell and what it has printed, nothing else.

    What other programs leave out, write otherwise or spoil is repaired where the cells can still be told.

    Raises
    ------
    UnreadableError
        Where they cannot.
    """
    document = _document(content)
    if not isinstance(document, dict):
        what = {list: "a list", str: "a text", type(None): "nothing"}.get(type(document), "a number")
        raise UnreadableError(f"the file holds {what}, {_THE_FILE_ITSELF}")
    cells = document.get("cells")
    if not isinstance(cells, list):  # up to format 3 they stood in worksheets
        sheets = [sheet["cells"] for sheet in _dicts(document.get("worksheets")) if "cells" in sheet]
        cells = [cell for sheet in sheets for cell in _dicts(sheet)] if sheets else None
    if cells is None:
        raise UnreadableError(f"the file has no list of cells, {_THE_FILE_ITSELF}")
    return v4.new_notebook(cells=[_cell(cell) for cell in _dicts(cells)])


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _cell(cell: dict[str, Any]) -> NotebookNode:
    source = _text(cell.get("source", cell.get("input")))
    if cell.get("cell_type") in ("markdown", "raw", "heading"):
        return v4.new_markdown_cell(source)
    outputs = [output for output in _dicts(cell.get("outputs")) if output.get("output_type") == "stream"]
    printed = [v4.new_output("stream", text=_text(output.get("text"))) for output in outputs]
    return v4.new_code_cell(source, outputs=printed)


def _text(value: object) -> str:
    if isinstance(value, list):
        lines = [line for line in value if isinstance(line, str)]
        value = ("" if any(line.endswith("\n") for line in lines[:-1]) else "\n").join(lines)
    text = value if isinstance(value, str) else ""
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")  # half of a pair is no text


_AGAIN = "save the notebook and hand it in again"
_THE_FILE_ITSELF = "not a notebook: hand in the .ipynb file itself"


def _document(content: bytes) -> Any:
    """Return what the file holds as JSON."""
    if len(content) > LARGEST_FILE:
        clear = "clear its outputs (Edit, Clear Outputs of All Cells)"
        raise UnreadableError(f"the file is larger than {LARGEST_FILE // 1_000_000} MB: {clear}, {_AGAIN}")
    text = content.decode(json.detect_encoding(content), "replace").strip("\ufeff\0 \t\r\n")
    if not text:
        raise UnreadableError(f"the file is empty: {_AGAIN}")
    for start, what in {"PK\3\4": "a zip or Office document", "%PDF": "a PDF", "<": "a web page"}.items():
        if text.startswith(start) and not text.startswith("<<"):
            raise UnreadableError(f"the file is {what}, {_THE_FILE_ITSELF}")
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        if re.search(r"^(<<<<<<<|>>>>>>>) ", text, re.MULTILINE):
            raise UnreadableError(
                "the file holds the marks of an unfinished merge (<<<<<<<): finish it"
            ) from None
        if error.msg.startswith("Unterminated") or error.pos >= len(text) - 5:
            where = f"after {len(text):,} characters"
            raise UnreadableError(f"the file is cut off in the middle, {where}: {_AGAIN}") from None
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise UnreadableError(f"the file is damaged, or {_THE_FILE_ITSELF} ({where})") from None
    except RecursionError:
        raise UnreadableError(f"the file is nested too deeply: {_AGAIN}") from None
    except ValueError:
        raise UnreadableError(f"the file holds a number of thousands of digits: {_AGAIN}") from None
