"""The project's own files agree with each other: requirements, environment, constraints, README, CI."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from packaging.requirements import Requirement

from labutils.exercises import exercise
from labutils.exercises.grading import gradebook
from labutils.upkeep import installation, stored_notebooks


def wanted_lines(root) -> list[str]:
    lines = [
        line.split("#")[0].strip() for line in (root / "requirements.txt").read_text("utf-8").splitlines()
    ]
    return [" ".join(line.split()) for line in lines if line]


def test_environment_yml_installs_what_requirements_txt_lists(root):
    text = (root / "environment.yml").read_text("utf-8")
    listed = [
        line.strip().removeprefix("- ") for line in text.split("- pip:")[1].splitlines() if line.strip()
    ]
    assert [line.strip("'") for line in listed] == wanted_lines(root)
    assert "python>=3.11,<3.14" in text


def test_constraints_pin_everything_wanted_and_name_no_host(root):
    text = (root / "constraints.txt").read_text("utf-8")
    assert not re.search(r"https?:|file:|@ ", text)
    pins = [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    for line in wanted_lines(root):
        if line.startswith("-e"):
            continue
        wanted = Requirement(line)
        versions = [str(pin.specifier)[2:] for pin in pins if pin.name == wanted.name]
        assert versions and all(wanted.specifier.contains(version) for version in versions), line


def test_python_versions_agree(root):
    project = (root / "pyproject.toml").read_text("utf-8")
    assert (
        f'requires-python = "{installation.PYTHONS}"' in project
        or 'requires-python = ">=3.11,<3.14"' in project
    )
    assert sorted(str(installation.PYTHONS).split(",")) == ["<3.14", ">=3.11"]


def test_readme_maps_exactly_the_notebooks_that_exist_with_their_minutes(root):
    readme = (root / "README.md").read_text("utf-8")
    mapped = re.findall(
        r"^\| \[(\d\d_\w+)\]\(notebooks/\1\.ipynb\) \|.*\| ([\d.]+) \| ([\d.]+) \|$", readme, re.M
    )
    there = stored_notebooks.notebook_paths(root / "notebooks")
    promised = [(path.stem, *stored_notebooks.minutes_to_read_and_run(path)) for path in there]
    assert [(name, float(read), float(run)) for name, read, run in mapped] == promised


def test_readme_links_lead_somewhere(root):
    readme = (root / "README.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", readme):
        if not target.startswith("https://"):
            assert (root / target).exists(), target


def test_ci_runs_the_command_that_readme_gives(root):
    command = subprocess.run(
        ["grep", "-m1", "-E", "^python3 .* -m pytest --nbval$", str(root / "README.md")],
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert command.startswith("python3 -m venv .venv && ") and "-c constraints.txt" in command
    assert "grep -m1 -E '^python3 .* -m pytest --nbval$' README.md" in (root / ".ci" / "run").read_text(
        "utf-8"
    )


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_no_file_names_a_place_on_somebodys_machine(root):
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    personal = re.compile(r"/(?:home|Users|root)/\w|[A-Z]:\\\\?Users|file:///|127\.0\.0\.1:\d")
    for name in listed.stdout.splitlines():
        path = root / name
        if path.suffix in {".png"} or not path.is_file() or path.name == "test_house.py":
            continue
        found = personal.search(path.read_text("utf-8"))
        assert not found, f"{name}: {found[0]}"


def test_code_is_in_order(root):
    for command in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(root)], capture_output=True, text=True, cwd=root
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_theory_does_without_tensorflow():
    code = (
        "import sys; from labutils import cells, claims, panels, plots, recall, reviews; "
        "from labutils.exercises.registry import all_exercises; all_exercises(); "
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cells_can_be_read_in_class(root):
    source = (root / "labutils" / "cells.py").read_text("utf-8")
    assert len(source.splitlines()) <= 275
    assert re.findall(r"^(?:from|import) (\S+)", source, re.M) == ["__future__", "dataclasses", "numpy"]


def test_readme_has_the_table_of_all_exercises(root):
    assert gradebook.table_of_exercises() in (root / "README.md").read_text("utf-8")


def test_readme_shows_an_answer_as_the_exercise_gives_it(root):
    readme = (root / "README.md").read_text("utf-8")
    names: dict = {"np": np}
    exec(re.search(r"```python\n(def my_step.*?)\n\n+exercise\(", readme, re.S)[1], names)
    said = exercise("1.2").verdict(names["my_step"]).text
    shown = re.search(r"```\n(Exercise 1\.2: not yet.*?)\n  …", readme, re.S)[1]
    assert said.startswith(shown)
