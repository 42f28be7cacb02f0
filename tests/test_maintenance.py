"""The maintainer's command: runs in place, twice the same, notices what is stale."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labutils.upkeep import stored_notebooks

FIRST = "# 98 · A test\n\nYou will see.\n\nAbout 2.5 minutes to read, 1 to run.\n"


@pytest.fixture
def folder(tmp_path):
    cells = [
        new_markdown_cell(FIRST),
        new_code_cell("from labutils.claims import claim"),
        new_code_cell("print(6 * 7)"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "98_test.ipynb")
    return tmp_path


def outputs(path):
    return [
        cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
    ]


def test_a_stale_notebook_is_run_and_stored_and_then_left_alone(folder, capsys):
    path = folder / "98_test.ipynb"
    assert stored_notebooks.is_stale(nbformat.read(path, as_version=4))
    assert stored_notebooks.main(["--folder", str(folder)]) == 0
    assert outputs(path)[1][0]["text"] == "42\n"
    stored = path.read_bytes()
    assert stored_notebooks.main(["--folder", str(folder)]) == 0
    assert "98_test.ipynb: up to date" in capsys.readouterr().out
    assert path.read_bytes() == stored


def test_running_it_again_gives_the_same_bytes(folder):
    path = folder / "98_test.ipynb"
    stored_notebooks.main(["98", "--folder", str(folder)])
    stored = path.read_bytes()
    stored_notebooks.main(["98", "--force", "--folder", str(folder)])
    assert path.read_bytes() == stored


def test_a_cell_that_fails_leaves_the_file_as_it_was(folder):
    path = folder / "98_test.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_code_cell("1 / 0"))
    nbformat.write(notebook, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        stored_notebooks.main(["--folder", str(folder)])
    assert path.read_bytes() == before


def test_a_change_of_a_cell_or_of_a_helper_makes_it_stale(monkeypatch):
    cells = [new_code_cell("from labutils import plots\nplots.scores({})"), new_code_cell("1 + 1")]
    notebook = new_notebook(cells=cells)
    before = stored_notebooks.fingerprint(notebook)
    assert stored_notebooks.fingerprint(new_notebook(cells=[*cells, new_markdown_cell("words")])) == before
    notebook.cells[1].source = "1 + 2"
    assert stored_notebooks.fingerprint(notebook) != before
    notebook.cells[1].source = "1 + 1"
    real = stored_notebooks._source
    behind = {"plots.histories": True, "plots.style": True, "training.fitting": True, "backend": True}
    others = {"plots.classification": False, "data.reviews": False, "cells": False}
    for module, counts in (behind | others).items():
        monkeypatch.setattr(
            stored_notebooks, "_source", lambda m, module=module: real(m) + "\nx = 1" * (m == module)
        )
        assert (stored_notebooks.fingerprint(notebook) != before) == counts, module


def test_a_name_imported_from_a_package_brings_the_modules_behind_it():
    behind = stored_notebooks._modules_behind(
        ["from labutils.panels import StepExplorer", "StepExplorer({}, '', '')"]
    )
    assert behind == {"panels.explorers", "panels.fields", "panels.base", "panels.svg"}
    assert stored_notebooks._modules_behind(["from labutils import plots as p", "p.lstm()"]) == {
        "plots.diagrams",
        "plots.style",
    }
    assert stored_notebooks._modules_behind(["import labutils.cells", "import numpy"]) == {"cells"}


def test_what_differs_from_run_to_run_is_dropped():
    cell = new_code_cell("x", metadata={"tags": ["b", "a"], "execution": {"iopub": "time"}, "scrolled": True})
    view = {stored_notebooks.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "Button()"}
    cell.outputs = [nbformat.v4.new_output("display_data", data=view)]
    kernel = {"display_name": "my env", "language": "python", "name": "my-env"}
    notebook = new_notebook(cells=[cell], metadata={"kernelspec": kernel, "widgets": {"state": 1}})
    result = stored_notebooks.normalised(notebook)
    assert result.metadata.kernelspec == stored_notebooks.KERNELSPEC and "widgets" not in result.metadata
    assert result.cells[0].metadata == {"tags": ["a", "b"]}
    assert result.cells[0].outputs[0].data == {"text/plain": "Button()"}
    assert (
        notebook.metadata.kernelspec == kernel
        and stored_notebooks.WIDGET_VIEW in notebook.cells[0].outputs[0].data
    )


def test_minutes_are_read_off_the_first_cell(folder):
    assert stored_notebooks.minutes_to_read_and_run(folder / "98_test.ipynb") == (2.5, 1.0)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 97 · No promise")]), folder / "97_no.ipynb")
    with pytest.raises(ValueError, match='97_no.ipynb: the first cell must say "About N minutes'):
        stored_notebooks.minutes_to_read_and_run(folder / "97_no.ipynb")


def test_a_wrong_folder_is_explained(tmp_path, capsys):
    assert stored_notebooks.main(["--folder", str(tmp_path)]) == 2
    assert "run this from the root of the project" in capsys.readouterr().err


def test_an_exercise_may_change_without_making_its_notebook_stale(monkeypatch):
    notebook = new_notebook(cells=[new_code_cell("from labutils.exercises import exercise")])
    before, real = stored_notebooks.fingerprint(notebook), stored_notebooks._source
    for module, counts in {
        "exercises.registry": True,
        "exercises.checking.exercise_types": False,
        "exercises.questions.recurrent_networks": False,
    }.items():
        monkeypatch.setattr(
            stored_notebooks, "_source", lambda m, module=module: real(m) + "\n" * (m == module)
        )
        assert (stored_notebooks.fingerprint(notebook) != before) is counts, module
