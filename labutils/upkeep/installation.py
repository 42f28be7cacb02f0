"""Is everything here? The questions that `00_start_here` asks of a machine, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from labutils import backend
from labutils.data import digits, reviews
from labutils.data.packaged_files import DataError, PackagedFile, sha256_of
from labutils.upkeep.stored_notebooks import ROOT, minutes_to_read_and_run, notebook_paths

SUPPORTED_PYTHON = SpecifierSet(">=3.11,<3.14")
# The speed test on the machine on which the notebooks' minutes were measured (two shared cores).
REFERENCE_MS_PER_STEP = 22.0


class SetupError(RuntimeError):
    """Something that the series needs is missing; the message says what to do."""


@dataclass(frozen=True)
class CheckResult:
    """What came out of one check.

    Attributes
    ----------
    question : what was looked at.
    found : what is there, in words.
    ok : whether that will do.
    remedy : what to do if it will not.
    """

    question: str
    found: str
    ok: bool
    remedy: str = ""


def check_python() -> list[CheckResult]:
    """Check whether this kernel's Python is one the series runs on."""
    version = ".".join(map(str, sys.version_info[:3]))
    remedy = (
        f"this notebook's kernel is Python {version} ({sys.executable}); the series needs 3.11 to 3.13. "
        "Start JupyterLab with the command in README.md, or choose Kernel, Change Kernel"
    )
    return [CheckResult("Python", version, version in SUPPORTED_PYTHON, remedy)]


def check_packages(requirements: Path = ROOT / "requirements.txt") -> list[CheckResult]:
    """Check, for each line of requirements.txt that applies here, the version installed.

    Raises
    ------
    SetupError
        Where there is no such file, because labutils was installed without the project's folder.
    """
    if not requirements.is_file():
        raise SetupError(
            f"{requirements} is missing: install labutils with pip install -r requirements.txt from "
            "the project's own folder, see README.md"
        )
    lines = [line.split("#")[0].strip() for line in requirements.read_text("utf-8").splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return [_check_package(r, requirements) for r in wanted if r.marker is None or r.marker.evaluate()]


def _check_package(requirement: Requirement, requirements: Path) -> CheckResult:
    version = next((d.version for d in importlib.metadata.distributions(name=requirement.name)), "")
    ok = bool(version) and requirement.specifier.contains(version, prereleases=True)
    install = in_shell(sys.executable, "-m", "pip", "install", "-r", str(requirements))
    remedy = f"{requirement} is wanted, found {version or 'nothing'}. Run: {install}"
    return CheckResult(requirement.name, version or "not installed", ok, remedy)


def in_shell(*words: str) -> str:
    """Return a command so that it can be pasted: into sh, PowerShell or cmd (which alone sets PROMPT)."""
    if os.name != "nt":
        return shlex.join(words)
    command = subprocess.list2cmdline(words)
    return f"& {command}" if command.startswith('"') and "PROMPT" not in os.environ else command


def _to_paste(message: str) -> str:
    """Return a message with the path of Python quoted where it stands at the start of a command."""
    return message.replace(f"{sys.executable} -m", f"{in_shell(sys.executable)} -m")


def check_data() -> list[CheckResult]:
    """Check whether reviews and digits are installed and unchanged."""
    return [_check_packaged("reviews", reviews.EMBEDDED), _check_packaged("digits", digits.EMBEDDED)]


def _check_packaged(question: str, file: PackagedFile) -> CheckResult:
    try:
        path = file.path()
    except DataError as error:
        return CheckResult(question, "missing", False, _to_paste(str(error)))
    found = sha256_of(path)
    remedy = _to_paste(file.remedy)
    changed = f"the file {path} is not the one the series was checked with. {remedy}"
    return CheckResult(f"{question}: SHA-256", found[:16] + "…", found == file.sha256, changed)


def check_machine() -> list[CheckResult]:
    """Check the processor cores this kernel may use and the memory that is free."""
    available, total = memory()
    gib = 2**30
    free = f"{available / gib:.1f} of {total / gib:.1f} GiB"
    remedy = (
        "the notebooks need up to 2 GiB: close other programs and kernels "
        "(the round icon with a square at the left edge of JupyterLab lists them)"
    )
    return [
        CheckResult("processor cores", str(joblib.cpu_count()), True),
        CheckResult("free memory", free, available > 2 * gib, remedy),
    ]


def memory(cgroups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> tuple[int, int]:
    """Return the bytes that are free and those there are; in a container, within its limit.

    Parameters
    ----------
    cgroups, own : where Linux tells the limits, and which of them are those of this process.
    """
    whole = psutil.virtual_memory()
    available, total = whole.available, whole.total
    for limit, used in _limits(cgroups, own):
        available = max(0, min(available, limit - used))
        total = min(total, limit)
    return available, total


def _limits(cgroups: Path, own: Path) -> Iterator[tuple[int, int]]:
    """Yield the limit of each group that this process is in, and what of it is used and cannot be freed."""
    v1 = cgroups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "
    v2 = cgroups, "memory.max", "memory.current", "inactive_file "
    for line in own.read_text("utf-8").splitlines() if own.is_file() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base, limit, used, freeable = v1 if controllers else v2
        folder = base / path.lstrip("/")
        for group in (folder, *folder.parents):
            if not group.is_relative_to(base):
                break
            try:
                lines = (group / "memory.stat").read_text("utf-8").splitlines()
                free = sum(int(line.split()[1]) for line in lines if line.startswith(freeable))
                yield int((group / limit).read_text("utf-8")), int((group / used).read_text("utf-8")) - free
            except (OSError, ValueError):  # no such group here, or its limit is "max"
                continue


def check_keras() -> list[CheckResult]:
    """Check whether Keras starts, with which backend, and whether the fast settings work."""
    try:
        module = backend.load_keras()
    except ImportError as error:
        return [CheckResult("Keras", "does not start", False, _to_paste(str(error)))]
    fast = "with XLA" if backend.xla_settings() else "without XLA (slower, nothing is wrong)"
    return [CheckResult("Keras", f"{module.__version__} on {module.backend.backend()}, {fast}", True)]


def everything(each_package: bool = False) -> list[CheckResult]:
    """Make every check; return what came out of each.

    Parameters
    ----------
    each_package : True gives a result for each package; False one for all of them, where all are in the
        versions wanted.
    """
    packages = check_packages()
    if not each_package and all(result.ok for result in packages):
        packages = [CheckResult("packages", f"all {len(packages)} in the versions wanted", True)]
    return [*check_python(), *packages, *check_data(), *check_machine(), *check_keras()]


def table(results: Iterable[CheckResult]) -> pd.DataFrame:
    """Return the results as a table: what, found, verdict."""
    rows = [(result.question, result.found, "fine" if result.ok else "NOT RIGHT") for result in results]
    return pd.DataFrame(rows, columns=["what", "found", "verdict"]).set_index("what")


def require(results: Iterable[CheckResult]) -> None:
    """Print one line when all is well.

    Parameters
    ----------
    results : of the checks, as from `everything`.

    Raises
    ------
    SetupError
        With every remedy, where something is not well.
    """
    remedies = [f"{result.question}: {result.remedy}" for result in results if not result.ok]
    if remedies:
        lines = [f"  {number}. {remedy}" for number, remedy in enumerate(remedies, 1)]
        raise SetupError("\n".join(["not everything is ready yet:", *lines]))
    print("Everything that was looked at is as it should be.")


def ms_per_step(seconds: float = 6.0) -> float:
    """Train the published GRU on random numbers; return the median milliseconds per batch of 64.

    Building and compiling (a few seconds) are not counted.

    Parameters
    ----------
    seconds : how long to train.
    """
    module = backend.load_keras()
    layers = module.layers
    network = [layers.Input((100,)), layers.Embedding(10_000, 32), layers.GRU(32), layers.Dense(1, "sigmoid")]
    model = module.Sequential(network)
    one_step_a_call = backend.xla_settings() | {"steps_per_execution": 1}
    model.compile("adam", "binary_crossentropy", **one_step_a_call)
    random = np.random.default_rng(0)
    x, y = random.integers(0, 10_000, (64, 100)), random.integers(0, 2, 64)
    for _ in range(3):
        model.train_on_batch(x, y)
    times: list[float] = []
    while sum(times) < seconds:
        started = time.perf_counter()
        model.train_on_batch(x, y)
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def plan(ms: float, folder: Path = ROOT / "notebooks") -> pd.DataFrame:
    """Return for each notebook the minutes to read it, and to run it on a machine of this speed.

    Parameters
    ----------
    ms : milliseconds from `ms_per_step`, by which the minutes that first cells promise are scaled.
    folder : where the notebooks are.

    Raises
    ------
    SetupError
        Where there are no notebooks in the folder.
    """
    minutes = {path.stem: minutes_to_read_and_run(path) for path in notebook_paths(folder)}
    if not minutes:
        raise SetupError(f"there are no notebooks in {folder}: get the whole project again, see README.md")
    columns = ["minutes to read", "minutes to run here"]
    promised = pd.DataFrame.from_dict(minutes, orient="index", columns=columns).rename_axis("notebook")
    return (promised * [1, ms / REFERENCE_MS_PER_STEP]).round(1)


def report() -> str:
    """Return what to put into a question: versions and machine, no names and no folders."""
    checks = everything(each_package=True)
    lines = [f"{check.question}: {check.found}{'' if check.ok else '  (NOT RIGHT)'}" for check in checks]
    return "\n".join([f"system: {sys.platform}", *lines])
