"""Which files a command sees in bubblewrap: what Python and labutils need, and nothing else.

What is not named here is not there, wherever a teacher keeps tables and submissions. A path may lead over
symbolic links, as in virtual environments, pyenv, uv and where /lib lies in /usr: they are made anew, and
where they lead to is mounted, once.
"""

from __future__ import annotations

import functools
import os
import site
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import labutils

PACKAGE = Path(labutils.__file__).resolve().parent
# programs, libraries (also those of Nix and Guix), and what tells how many cores and how much memory there is
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    *("/sys/devices/system", "/sys/fs/cgroup"),
)
# how libraries are found, the names of users and hosts, the time zone, fonts, Python's settings in Debian
_ETC = (
    *("alternatives", "fonts", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias"),
    *("locale.conf", "localtime", "matplotlibrc", "mime.types", "nsswitch.conf", "os-release", "passwd"),
    *("protocols", "python3*", "services", "timezone"),
)
# not the whole folder: a virtual environment may have been made in that of the project
_OF_PYTHON = ("bin", "etc", "include", "lib", "lib32", "lib64", "libexec", "pyvenv.cfg", "share", "ssl")
_NOTEBOOKS = "[0-9][0-9]_*.ipynb"


def site_packages() -> list[Path]:
    """Return the folders in which packages are installed."""
    return [Path(path) for path in (*site.getsitepackages(), site.getusersitepackages())]


def cannot_be_hidden(folder: Path) -> bool:
    """Return whether what lies in a folder is seen, since Python or labutils are in the same."""
    return folder.resolve() in _with_links(_always())[0]


def mounts(hidden: Iterable[Path] = ()) -> tuple[dict[Path, list[str]], list[Path]]:
    """Return how bubblewrap mounts each path, and which of them are empty folders.

    Parameters
    ----------
    hidden : folders that are empty even where they lie within one that is seen.
    """
    folders = {path.resolve() for path in (*hidden, Path.home())}
    shown, links = _with_links([*_always(), *_unless_hidden(folders)])
    visible: dict[Path, bool] = {}
    found: dict[Path, list[str]] = {}
    # the outer ones first: what lies within another lies on top of it
    for path in sorted({*shown, *links, *folders}, key=lambda path: len(path.parts)):
        seen = next((visible[parent] for parent in path.parents if parent in visible), False)
        if path in shown and not seen:
            found[path], visible[path] = ["--ro-bind", str(path), str(path)], True
        elif path in links and not seen:
            found[path] = ["--symlink", links[path], str(path)]
        elif path in folders and path not in shown and seen and path.is_dir():
            found[path], visible[path] = ["--tmpfs", str(path)], False
    return found, [path for path, seen in visible.items() if not seen]


def _always() -> list[Path]:
    """Return the system's folders, Python's and labutils, as they are called."""
    etc = [path for name in _ETC for path in Path("/etc").glob(name)]
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    python = [Path(prefix, part) for prefix in sorted(prefixes) for part in _OF_PYTHON]
    return [*map(Path, _SYSTEM), *etc, *python, *site_packages(), Path(sys.executable), PACKAGE]


def _unless_hidden(folders: Iterable[Path]) -> list[Path]:
    """Return what else is read, if nothing that is hidden lies in it.

    Packages may be installed as editable, that is, in folders of their own; 00 looks at the requirements and
    the notebooks. The project as a whole, which may hold a table of grades, is not needed.
    """
    project = PACKAGE.parent
    editable = [path.resolve() for path in _search_path() if path.resolve() != project]
    wanted = [path for path in editable if not any(folder.is_relative_to(path) for folder in folders)]
    if project / "notebooks" not in folders:
        wanted += (project / "notebooks").glob(_NOTEBOOKS)
    return [*wanted, project / "requirements.txt"]


@functools.cache
def _search_path() -> tuple[Path, ...]:
    """Return where a new Python looks for modules: without PYTHONPATH and the folder of what runs now."""
    command = [sys.executable, "-EPc", "import sys; print(*sys.path, sep='\\0', end='')"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="surrogateescape")
    return tuple(Path(path) for path in done.stdout.split("\0") if path)


def _with_links(paths: Iterable[Path]) -> tuple[set[Path], dict[Path, str]]:
    """Return where paths that exist lead to, and the links on the way there with what they hold."""
    ends: set[Path] = set()
    links: dict[Path, str] = {}
    for path in filter(os.path.exists, paths):
        place, parts = Path("/"), [*path.absolute().parts[1:]]
        while parts:
            step = Path(os.path.normpath(place / parts.pop(0)))  # place holds no link, so .. is the one above
            if step.is_symlink():
                links[step] = os.readlink(step)
                parts = [*Path(links[step]).parts, *parts]  # an absolute one begins with /, and leads there
            else:
                place = step
        ends.add(place)
    return ends, links
