"""The project's own files agree with each other: requirements, environment, constraints, README, CI."""

import re
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from notebook_helpers import PATHS, ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from labutils.exercises import __main__ as command
from labutils.exercises import exercise
from labutils.upkeep import installation, stored_notebooks

README = (ROOT / "README.md").read_text("utf-8")
ABOUT_EXERCISES = (ROOT / "docs" / "exercises.md").read_text("utf-8")


def wanted_lines(file):
    lines = [line.split("#")[0] for line in (ROOT / file).read_text("utf-8").splitlines()]
    return [" ".join(line.split()) for line in lines if line.strip()]


def test_environment_yml_installs_what_requirements_txt_lists():
    text = (ROOT / "environment.yml").read_text("utf-8")
    lines = [line.strip() for line in text.split("- pip:")[1].splitlines()]
    assert [line.removeprefix("- ").strip("'") for line in lines if line] == wanted_lines("requirements.txt")


def test_constraints_pin_everything_wanted_and_name_no_host():
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert not re.search(r"https?:|file:|@ ", text)
    pins = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    for_students, for_checks = wanted_lines("requirements.txt"), wanted_lines("tests/requirements.txt")
    assert for_checks[0] == "-r ../requirements.txt" and not set(for_students) & set(for_checks)
    for line in for_students + for_checks:
        if not line.startswith("-"):
            wanted = Requirement(line)
            versions = [str(pin.specifier)[2:] for pin in pins if pin.name == wanted.name]
            assert versions and all(wanted.specifier.contains(version) for version in versions), line


def test_python_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert SpecifierSet(project["requires-python"]) == installation.SUPPORTED_PYTHON
    assert f"python{project['requires-python']}" in (ROOT / "environment.yml").read_text("utf-8")


def test_readme_maps_exactly_the_notebooks_that_exist_with_their_minutes():
    row = r"^\| \[(\d\d_\w+)\]\(notebooks/\1\.ipynb\) \|.*\| ([\d.]+) \| ([\d.]+) \|$"
    mapped = [(name, float(read), float(run)) for name, read, run in re.findall(row, README, re.M)]
    assert mapped == [(p.stem, *stored_notebooks.minutes_to_read_and_run(p)) for p in PATHS.values()]


def test_what_runs_for_a_minute_is_in_the_lists_that_contributing_names():
    runs = {p.stem: stored_notebooks.minutes_to_read_and_run(p)[1] for p in PATHS.values()}
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for file, name in {"conftest.py": "LONGEST_FIRST", "tests/benchmarks/measure.py": "LIMITS"}.items():
        table = re.search(rf"^{name} = .*?^[)}}]", (ROOT / file).read_text("utf-8"), re.M | re.S)[0]
        listed = set(re.findall(r'"(\d\d_\w+)(?:\.ipynb)?"', table))
        assert {stem for stem, minutes in runs.items() if minutes >= 1} <= listed <= set(runs), file
        assert f"`{name}` in `{file}`" in contributing


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_ci_runs_the_command_that_readme_gives():
    command = re.search(r"^python3 .* -m pytest --nbval -n 2$", README, re.M)[0]
    assert command.startswith("python3 -m venv .venv && ") and "-c constraints.txt" in command
    on_ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "grep -m1 -E '^python3 .* -m pytest --nbval -n 2$' README.md" in on_ci


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_no_file_names_a_place_on_somebodys_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    personal = re.compile(r"/(?:home|Users|root)/\w|[A-Z]:\\\\?Users|file:/{3}|127\.0\.0\.1:\d")
    for path in map(ROOT.joinpath, listed.stdout.splitlines()):
        if path.suffix not in (".gif", ".png", ".npz") and path.is_file():
            found = personal.search(path.read_text("utf-8"))
            assert not found, f"{path}: {found[0]}"


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_code_is_in_order(command):
    ruff = [sys.executable, "-m", "ruff", *command, str(ROOT)]
    result = subprocess.run(ruff, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_page_of_exercises_has_the_table_of_all():
    assert command.table_of_exercises() in ABOUT_EXERCISES


def test_the_page_of_exercises_shows_an_answer_as_the_exercise_gives_it():
    names: dict = {"np": np}
    exec(re.search(r"```python\n(def my_step.*?)\n\n+exercise\(", ABOUT_EXERCISES, re.S)[1], names)
    said = exercise("1.2").verdict(names["my_step"]).text
    shown = re.search(r"```\n(Exercise 1\.2: not yet.*?)\n  …", ABOUT_EXERCISES, re.S)[1]
    assert said.startswith(shown)
