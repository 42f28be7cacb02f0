"""Is everything here: each question, what is found, and the remedy in words."""

import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
from notebook_helpers import PATHS, sources

from labutils import backend
from labutils.data import packaged_files as packaged
from labutils.upkeep import installation


def refused(words):
    return pytest.raises(installation.SetupError, match=f"(?s){words}")


def test_here_everything_is_as_it_should_be(capsys, monkeypatch):
    monkeypatch.setattr(installation, "memory", lambda: (3 * 2**30, 8 * 2**30))
    results = installation.everything(each_package=True)
    installation.require(results)
    assert capsys.readouterr().out == "Everything that was looked at is as it should be.\n"
    assert set(installation.table(results)["verdict"]) == {"fine"}
    together = [result.question for result in installation.everything()]
    assert "packages" in together and len(together) < len(results)


def test_too_little_memory_is_said_with_the_way_out(monkeypatch):
    monkeypatch.setattr(installation, "memory", lambda: (2**30, 8 * 2**30))
    with refused("1. free memory: the notebooks need up to 2 GiB"):
        installation.require(installation.check_machine())


def test_an_old_python_is_told_where_to_find_a_newer_one(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with refused("kernel is Python 3.14.0.*needs 3.11 to 3.13.*README.md"):
        installation.require(installation.check_python())


def test_missing_and_outdated_packages_are_named_with_the_command_that_installs_them(tmp_path):
    wanted = tmp_path / "requirements.txt"
    lines = [
        "# a comment",
        "-e .",
        "numpy<1  # old",
        "no-such-package>=2",
        "pandas",
        "absent ; os_name == 'x'",
    ]
    wanted.write_text("\n".join(lines))
    results = installation.check_packages(wanted)
    assert [result.ok for result in results] == [False, False, True]
    with refused(
        "1. numpy: numpy<1 is wanted, found 2.*2. no-such-package: .* is wanted, found nothing"
    ) as error:
        installation.require(results)
    assert shlex.join([sys.executable, "-m", "pip", "install", "-r", str(wanted)]) in str(error.value)


POSIX, SPACED = "/opt/py/bin/python", "/home of all/py/bin/python"
WINDOWS, IN_PROGRAMS = "C:\\py\\python.exe", "C:\\Program Files\\py\\python.exe"


@pytest.mark.parametrize(
    "system, prompt, python, said",
    [
        ("posix", False, POSIX, f"{POSIX} -m pip"),
        ("posix", False, SPACED, f"'{SPACED}' -m pip"),
        ("nt", False, WINDOWS, f"{WINDOWS} -m pip"),
        ("nt", True, IN_PROGRAMS, f'"{IN_PROGRAMS}" -m pip'),
        ("nt", False, IN_PROGRAMS, f'& "{IN_PROGRAMS}" -m pip'),
    ],
)
def test_a_remedy_can_be_pasted_into_the_shell_at_hand(system, prompt, python, said, monkeypatch):
    monkeypatch.setattr(
        installation, "os", SimpleNamespace(name=system, environ={"PROMPT": "$P$G"} if prompt else {})
    )
    monkeypatch.setattr(sys, "executable", python)
    assert installation.in_shell(python, "-m", "pip") == said

    def missing():
        raise ImportError(f"Install what is missing with: {python} -m pip install")

    monkeypatch.setattr(backend, "load_keras", missing)
    assert installation.check_keras()[0].remedy == f"Install what is missing with: {said} install"


V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = ("memory.max", "memory.current", "inactive_file")


@pytest.mark.parametrize(
    "names, line, folder, limit, available, total",
    [
        (V2, "0::/", ".", "1000000000", 400_000_000, 1_000_000_000),
        (V2, "0::/user/lab", "user", "1000000000", 400_000_000, 1_000_000_000),
        (V2, "0::/user/lab", "user/lab", "max", None, None),
        (V2, "0::/elsewhere", "user", "1000000000", None, None),
        (
            V1,
            "5:cpu:/\n4:memory,hugetlb:/docker/0a1b",
            "memory/docker/0a1b",
            "800000000",
            200_000_000,
            800_000_000,
        ),
        (V1, "4:memory:/docker/0a1b", "memory", "800000000", 200_000_000, 800_000_000),
        (V1, "4:memory:/", "memory", str(2**63 - 4096), None, None),
        (V2, "0::/", ".", "500000000", 0, 500_000_000),
    ],
)
def test_the_memory_limit_of_a_container_counts(names, line, folder, limit, available, total, tmp_path):
    own, group = tmp_path / "cgroup", tmp_path / "cgroups" / folder
    group.mkdir(parents=True)
    own.write_text(f"{line}\n")
    for name, text in zip(names, [limit, "700000000", ""]):
        (group / name).write_text(text) if text else None
    (group / "memory.stat").write_text(f"anon 600000000\n{names[2]} 100000000\n")
    machine = psutil.virtual_memory()
    found = installation.memory(tmp_path / "cgroups", own)
    assert found[1] == (total or machine.total)
    assert (
        found[0] == pytest.approx(machine.available, rel=0.2) if available is None else found[0] == available
    )


def test_without_requirements_txt_the_way_out_is_said(tmp_path):
    with refused("requirements.txt is missing: install labutils with"):
        installation.check_packages(tmp_path / "requirements.txt")


@pytest.mark.parametrize("what", ["reviews", "digits"])
def test_changed_and_missing_data_are_told_apart(what, tmp_path, monkeypatch):
    changed, path = tmp_path / "data.csv", packaged.PackagedFile.path
    changed.write_text("something else")

    def path_of(file):
        return changed if file.what == f"the {what}" else path(file)

    def missing(file):
        raise packaged.DataError(f"{file.what} are missing")

    monkeypatch.setattr(packaged.PackagedFile, "path", path_of)
    with refused("1. .*not the one.*pip install --force-reinstall") as error:
        installation.require(installation.check_data())
    assert "2." not in str(error.value)
    monkeypatch.setattr(packaged.PackagedFile, "path", missing)
    with refused(f"the {what} are missing"):
        installation.require(installation.check_data())


def test_keras_that_does_not_start_is_a_result_not_a_crash(monkeypatch):
    def fails():
        raise ImportError("Keras could not be started")

    monkeypatch.setattr(backend, "load_keras", fails)
    expected = installation.CheckResult("Keras", "does not start", False, "Keras could not be started")
    assert installation.check_keras() == [expected]


def test_the_plan_scales_the_promised_minutes_with_the_speed(tmp_path):
    here = installation.plan(installation.REFERENCE_MS_PER_STEP)
    slow = installation.plan(3 * installation.REFERENCE_MS_PER_STEP)
    assert isinstance(here, pd.DataFrame) and here.index[0] == "00_start_here"
    assert list(slow["minutes to run here"]) == pytest.approx(list(3 * here["minutes to run here"]), abs=0.11)
    with refused("there are no notebooks in"):
        installation.plan(20.0, tmp_path)


def test_the_speed_test_gives_the_median_time_of_a_step(monkeypatch):
    clock = iter([0.0, 0.010, 1.0, 1.030, 2.0, 2.012, 3.0])  # before and after each step
    monkeypatch.setattr(installation, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert installation.ms_per_step(seconds=0.05) == pytest.approx(12)


def test_the_report_names_no_folder():
    assert not re.search(r"[/\\](?:home|Users|root|tmp|work)", installation.report())
    assert "numpy: " in installation.report()


@pytest.mark.parametrize("package", ["labutils", "statsmodels", "psutil", "numpy"])
def test_notebook_00_in_a_wrong_kernel_says_what_to_do(package):
    # None in sys.modules makes an import fail, as in a kernel where the package was never installed
    code = f"import sys; sys.modules['{package}'] = None\n{sources(PATHS[0])[0]}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert ("The series is not installed there: close" in result.stderr) == (package == "labutils")
    assert ("Something is missing there: in the folder" in result.stderr) == (package != "labutils")
    assert f"{sys.executable} -m pip install -r requirements.txt" in result.stderr
