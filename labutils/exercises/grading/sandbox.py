"""Run a command on foreign code: in a folder of its own, within limits, and locked in where bubblewrap works.

With bubblewrap (https://github.com/containers/bubblewrap) the command sees its own folder, what is among
`visible_files`, which it can only read, and no network; it dies with this process. Without, it is kept from
none of that: the limits hold, and what it has started is ended.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import psutil

from labutils.exercises.grading import visible_files, within_limits
from labutils.exercises.grading.visible_files import PACKAGE

_MARK = "LABUTILS_GRADING"
_KEPT = ("PATH", "LANG", "LC_ALL", "KERAS_BACKEND", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT")
_SECONDS_BETWEEN_LOOKS = 0.5
_TRIAL = "import labutils.exercises.grading.runner"  # with libraries that may lie in unusual places


@dataclass(frozen=True)
class Limits:
    """What a command and all that it starts may take.

    Attributes
    ----------
    seconds : of wall time.
    memory : bytes, of each process and of all together.
    processes : at one time.
    file_size : bytes of one file; with bubblewrap also of all files together.
    """

    seconds: float
    memory: int = 8_000_000_000
    processes: int = 200
    file_size: int = 500_000_000

    def as_argument(self) -> str:
        """Return the limits as `within_limits` takes them."""
        threads = 4096  # where all of a user's threads are counted, and TensorFlow starts many
        kinds = {"RLIMIT_DATA": self.memory, "RLIMIT_FSIZE": self.file_size, "RLIMIT_NPROC": threads}
        return ",".join(f"{kind}={limit}" for kind, limit in (kinds | {"RLIMIT_CORE": 0}).items())


class StopCause(Enum):
    """Why a command was ended before it came to its end."""

    TIME = auto()
    PROCESSES = auto()
    MEMORY = auto()
    REQUEST = auto()


@dataclass(frozen=True)
class Stop:
    """That a command was ended, why, and that in words."""

    cause: StopCause
    words: str


@functools.cache
def bubblewrap_problem() -> str:
    """Return "" where bubblewrap works, or why it does not, in words."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap exists for Linux only"
    if shutil.which("bwrap") is None:
        return "bubblewrap (the command bwrap) is not installed"
    with tempfile.TemporaryDirectory() as folder:
        command = _locked_in([sys.executable, "-c", _TRIAL], Path(folder), (), 1_000_000)
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"bubblewrap does not start ({error})"
    last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
    return f"bubblewrap does not work here ({last})" if done.returncode else ""


def run(
    command: Sequence[str],
    folder: Path,
    limits: Limits,
    stop: threading.Event,
    *,
    locked_in: bool,
    hidden: Iterable[Path] = (),
    readable: Iterable[Path] = (),
) -> Stop | None:
    """Run a command in a folder, and end whatever it has started.

    Parameters
    ----------
    command : its first word is the path of a program.
    folder : where it runs. With bubblewrap it may change the files in it; new ones vanish with it.
    limits : what it may take.
    stop : once it is set, the command is ended within a second.
    locked_in : with bubblewrap.
    hidden : folders that it does not see, with bubblewrap, though they may lie in one that it sees.
    readable : folders that it finds beside its files, read-only with bubblewrap, copied without.

    Returns
    -------
    Stop or None
        Why it was ended; None where it ended by itself.
    """
    token, folder = secrets.token_hex(16), folder.resolve()
    if hasattr(os, "fork"):
        command = [sys.executable, "-IS", within_limits.__file__, limits.as_argument(), *command]
    if locked_in:
        command = _locked_in(command, folder, hidden, limits.file_size, readable)
    else:
        for path in readable:
            shutil.copytree(path, folder / path.name)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(folder) | {_MARK: token},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return _watched(process, limits, stop)
    finally:
        started = _started_by(process) if process.poll() is None else []
        process.kill()
        process.wait()
        _end(started, token)


def _watched(process: subprocess.Popen, limits: Limits, stop: threading.Event) -> Stop | None:
    """Wait for the end of a process; return why it has to be ended before, if it has."""
    end = time.monotonic() + limits.seconds
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_BETWEEN_LOOKS)
            return None
        if stop.is_set():
            return Stop(StopCause.REQUEST, "stopped")
        started = _started_by(process)
        if len(started) > limits.processes:
            return Stop(StopCause.PROCESSES, f"it started more than {limits.processes} processes")
        if sum(map(_memory, started)) > limits.memory:
            return Stop(StopCause.MEMORY, f"it used more than {limits.memory / 1e9:.3g} GB of memory")
    minutes = f"{limits.seconds / 60:.3g}"
    unit = "minute" if minutes == "1" else "minutes"
    return Stop(StopCause.TIME, f"it ran longer than {minutes} {unit}")


def _started_by(process: subprocess.Popen) -> list[psutil.Process]:
    """Return a process and all that it has started, as far as they can be seen."""
    with contextlib.suppress(psutil.Error, OSError):
        itself = psutil.Process(process.pid)
        return [itself, *itself.children(recursive=True)]
    return []


def _memory(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error, OSError):
        return process.memory_info().rss
    return 0


def _end(started: Iterable[psutil.Process], token: str) -> None:
    """End processes and all others that carry this mark, until none is left.

    With bubblewrap they end with its first process, but some are still ending when that has ended.
    """
    for _ in range(40):
        left = [process for process in started if process.is_running()]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                left += [process] if process.environ().get(_MARK) == token else []
        for process in left:
            with contextlib.suppress(psutil.Error, OSError):
                process.kill()
        if not left:
            return
        time.sleep(0.05)


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of the command: nothing of the teacher's but what Python needs."""
    path = str(folder)
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "HOME": path,
        "USERPROFILE": path,
        "TMPDIR": path,
        "TEMP": path,
        "IPYTHONDIR": f"{path}/.ipython",
        "MPLBACKEND": "agg",
        "PIP_RETRIES": "0",
        "PYTHONPATH": str(PACKAGE.parent) if not _installed(PACKAGE) else "",
        "PYTHONUTF8": "1",
    }


def _installed(package: Path) -> bool:
    return package.parent in [path.resolve() for path in visible_files.site_packages()]


def _locked_in(
    command: Sequence[str], folder: Path, hidden: Iterable[Path], size: int, readable: Iterable[Path] = ()
) -> list[str]:
    """Return the command that runs another one in bubblewrap."""
    folder = folder.resolve()
    mounts, empty = visible_files.mounts(hidden)
    for path in (Path("/tmp"), folder):
        mounts[path] = ["--size", str(size), "--tmpfs", str(path)]
    for path in folder.iterdir():
        mounts[path] = ["--bind", str(path), str(path)]
    for path in readable:
        mounts[folder / path.name] = ["--ro-bind", str(path.resolve()), str(folder / path.name)]
    in_order = [word for path in sorted(mounts, key=lambda path: len(path.parts)) for word in mounts[path]]
    # at last, since in them the folders are made on which others are mounted
    read_only = [word for path in (Path("/"), *empty) for word in ("--remount-ro", str(path))]
    return [
        *(shutil.which("bwrap") or "bwrap", "--unshare-all", "--die-with-parent", "--new-session"),
        *(*in_order, "--proc", "/proc", "--dev", "/dev", *read_only),
        *("--chdir", str(folder), "--", *command),
    ]
