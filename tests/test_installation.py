"""Is everything here: each question, what is found, and the remedy in words."""

import re
import subprocess
import sys

import pandas as pd
import pytest
from notebook_helpers import PATHS, sources

from labutils import backend
from labutils.data import packaged_files as packaged
from labutils.upkeep import installation


def refused(words):
    return pytest.raises(installation.SetupError, match=f"(?s){words}")


def test_here_everything_is_as_it_should_be(capsys):
    questions = ("python", "packages", "data", "machine", "keras")
    findings = [finding for question in questions for finding in getattr(installation, question)()]
    installation.require(findings)
    assert capsys.readouterr().out == "Everything that was looked at is as it should be.\n"
    assert set(installation.table(findings)["verdict"]) == {"fine"}


def test_an_old_python_is_told_where_to_find_a_newer_one(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with refused("kernel is Python 3.14.0.*needs 3.11 to 3.13.*README.md"):
        installation.require(installation.python())


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
    findings = installation.packages(wanted)
    assert [finding.fine for finding in findings] == [False, False, True]
    with refused(
        "1. numpy: numpy<1 is wanted, found 2.*2. no-such-package: .* is wanted, found nothing"
    ) as error:
        installation.require(findings)
    assert f'{sys.executable} -m pip install -r "{wanted}"' in str(error.value)


def test_without_requirements_txt_the_way_out_is_said(tmp_path):
    with refused("requirements.txt is missing: install labutils with"):
        installation.packages(tmp_path / "requirements.txt")


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
        installation.require(installation.data())
    assert "2." not in str(error.value)
    monkeypatch.setattr(packaged.PackagedFile, "path", missing)
    with refused(f"the {what} are missing"):
        installation.require(installation.data())


def test_keras_that_does_not_start_is_a_finding_not_a_crash(monkeypatch):
    def fails():
        raise ImportError("Keras could not be started")

    monkeypatch.setattr(backend, "load_keras", fails)
    expected = installation.Finding("Keras", "does not start", False, "Keras could not be started")
    assert installation.keras() == [expected]


def test_the_plan_scales_the_promised_minutes_with_the_speed(tmp_path):
    here = installation.plan(installation.REFERENCE_MS_PER_STEP)
    slow = installation.plan(3 * installation.REFERENCE_MS_PER_STEP)
    assert isinstance(here, pd.DataFrame) and here.index[0] == "00_start_here"
    assert list(slow["minutes to run here"]) == pytest.approx(list(3 * here["minutes to run here"]), abs=0.11)
    with refused("there are no notebooks in"):
        installation.plan(20.0, tmp_path)


def test_the_speed_test_measures_something():
    assert 0.1 < installation.ms_per_step(seconds=0.2) < 5000


def test_the_report_names_no_folder():
    assert not re.search(r"[/\\](?:home|Users|root|tmp|work)", installation.report())
    assert "numpy: " in installation.report()


def test_notebook_00_in_a_wrong_kernel_says_what_to_do():
    # None in sys.modules makes an import fail, as in a kernel where the package was never installed
    code = f"import sys; sys.modules['labutils'] = None\n{sources(PATHS[0])[0]}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert "the series is not installed there" in result.stderr
    assert f"{sys.executable} -m pip install -r requirements.txt" in result.stderr
