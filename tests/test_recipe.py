"""The recipe of CONTRIBUTING.md: its template runs and keeps every rule, its exercise works."""

import inspect
import re

import numpy as np
import pytest
import test_notebooks
from notebook_helpers import PATHS, ROOT, outputs, read

from labutils.exercises import exercise, questions, registry
from labutils.upkeep import __main__ as upkeep
from labutils.upkeep import stored_notebooks

TEMPLATE = ROOT / "docs" / "template.ipynb"
RULES = [
    rule for name, rule in vars(test_notebooks).items()
    if name.startswith("test_") and list(inspect.signature(rule).parameters) == ["path"]
]  # fmt: skip


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The template as a notebook of the series: copied, numbered and stored."""
    folder = tmp_path_factory.mktemp("notebooks")
    for path in PATHS.values():
        (folder / path.name).touch()  # its links lead to them
    path = folder / "99_template.ipynb"
    path.write_text(TEMPLATE.read_text("utf-8"), encoding="utf-8")
    assert upkeep.main(["99", "--folder", str(folder)]) == 0
    return path


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_copy_of_the_template_keeps_the_rules_of_the_series(lesson, rule):
    rule(lesson)


def test_there_are_rules():
    assert len(RULES) >= 15


def test_the_template_is_stored_without_outputs_and_runs_an_exercise_that_exists():
    notebook = read(TEMPLATE)
    assert outputs(TEMPLATE) == [] and notebook == stored_notebooks.normalised(notebook)
    source = "\n".join(cell.source for cell in notebook.cells)
    assert exercise("0.1").question_cell() in source and exercise("0.1").answer_cell() in source


def test_the_exercise_of_the_recipe_is_one(tmp_path, monkeypatch):
    recipe = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (tmp_path / "ranges.py").write_text(re.search(r"```python\n(.*?)```", recipe, re.S)[1], encoding="utf-8")
    monkeypatch.setattr(questions, "__path__", [*questions.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "QUESTIONS", {7: "ranges"})
    example = exercise("7.1")
    names: dict = {"np": np, "exercise": exercise}
    exec(example.answer_cell(), names)
    assert example.verdict(names["my_ranges"]).status == "not started"
    exec(example.solution_text(), names)
    assert example.verdict(names["my_ranges"]).status == "right"
    assert [example.verdict(m.does).mistake for m in example.mistakes] == [m.name for m in example.mistakes]
