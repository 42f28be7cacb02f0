"""The maintainer's command: runs in place, twice the same, notices what is stale and what does not hold."""

import ast
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_helpers import PATHS, ROOT, code_cells, read

from labutils.upkeep import site, stored_notebooks
from labutils.upkeep.__main__ import main

FIRST = "# 98 · A test\n\nYou will see.\n\nAbout 2.5 minutes to read, 1 to run.\n"
FAILS = new_code_cell("claim('the earth is flat', False, radius=6371)\nprint('goes on')")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "98_test.ipynb"
    cells = [new_code_cell("from labutils.claims import claim"), new_code_cell("print(6 * 7)")]
    nbformat.write(new_notebook(cells=[new_markdown_cell(FIRST), *cells]), path)
    return path


def append(path, cell):
    notebook = read(path)
    notebook.cells.append(cell)
    nbformat.write(notebook, path)
    return path.read_bytes()


def test_a_stale_notebook_is_run_and_stored_and_then_left_alone_until_it_is_forced(path, capsys, monkeypatch):
    monkeypatch.setenv("LABUTILS_CLAIMS", "raise")
    append(path, new_code_cell("import os\nprint(os.environ.get('LABUTILS_CLAIMS'))"))
    assert stored_notebooks.is_stale(read(path))
    assert main(["--folder", str(path.parent)]) == 0
    assert [cell.outputs[0].text for cell in code_cells(path)[1:]] == ["42\n", "None\n"]
    stored = path.read_bytes()
    assert main(["98", "--folder", str(path.parent)]) == 0
    assert "98_test.ipynb: up to date" in capsys.readouterr().out
    assert main(["98", "--force", "--folder", str(path.parent)]) == 0
    assert path.read_bytes() == stored


def test_a_corrected_sentence_is_stored_without_a_run_unless_cells_were_run_out_of_order(path, capsys):
    assert main(["98", "--force", "--folder", str(path.parent)]) == 0
    notebook = read(path)
    notebook.cells.insert(0, new_markdown_cell("A better sentence.", id="new"))
    notebook.metadata["widgets"] = {"state": {}}  # as JupyterLab may add it
    nbformat.write(notebook, path)
    capsys.readouterr()
    assert main(["98", "--folder", str(path.parent)]) == 0
    assert "outputs are up to date, stored" in capsys.readouterr().out
    stored = path.read_text("utf-8")
    assert "A better sentence." in stored and "widgets" not in stored and '"id": "new"' not in stored
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[0].execution_count = 17
    nbformat.write(notebook, path)
    assert main(["98", "--folder", str(path.parent)]) == 0
    assert "98_test.ipynb: running" in capsys.readouterr().out and path.read_text("utf-8") == stored


MAGICS = [
    "%matplotlib inline\nx = 1",
    "%%time\nx = 1",
    "x = !pwd",
    "x, y = !echo 1 && echo 2",
    "!ls\nx = 1",
    "x?",
    "??x",
    "%%bash\nls -l",
]


@pytest.mark.parametrize(
    "cell", [*MAGICS, "for i in range(2):\n    !echo {i}\n    %time x = i", "x = %timeit -o 1"]
)
def test_magics_are_no_python_and_hide_no_import(cell, path, monkeypatch):
    append(path, new_code_cell(cell))
    append(path, new_code_cell("%%time\nfrom labutils import recall\nfiles = !ls"))
    assert stored_notebooks.is_stale(read(path)) and changed_by(monkeypatch, read(path), "recall")
    assert not changed_by(monkeypatch, read(path), "data.series")
    ast.parse(stored_notebooks.without_magics(cell))
    assert ("x = 1" in cell) is ("x = 1" in stored_notebooks.without_magics(cell))


@pytest.mark.slow
def test_a_notebook_with_magics_is_stored(path, capfd):
    for cell in MAGICS:
        append(path, new_code_cell(cell))
    assert main(["--folder", str(path.parent)]) == 0
    assert not stored_notebooks.is_stale(read(path))


def test_a_cell_that_is_no_python_stops_the_command_at_its_notebook(path, capsys):
    before = append(path, new_code_cell("x = = 1"))
    with pytest.raises(Exception, match="SyntaxError"):
        main(["98", "98", "--folder", str(path.parent)])
    assert capsys.readouterr().out == "98_test.ipynb: running …\n"
    assert path.read_bytes() == before


@pytest.mark.parametrize("folder", ["notebooks", "tests"])
@pytest.mark.slow
def test_pytest_finds_its_settings_from_any_folder(folder):
    notebook = os.path.relpath(PATHS[0], ROOT / folder)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{notebook}::Cell 0"]
    done = subprocess.run(command, cwd=ROOT / folder, capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_notebook_asked_for_twice_is_run_once(path, capsys):
    assert main(["98", "98", "--folder", str(path.parent)]) == 0
    assert capsys.readouterr().out.count("running") == 1


@pytest.mark.parametrize("wrong", [["four"], ["4.5"], ["--forced"], ["4", "--folder"]])
def test_what_is_no_argument_is_refused_with_status_2(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert "usage: python -m labutils.upkeep" in capsys.readouterr().err


def test_a_cell_that_fails_leaves_the_file_as_it_was(path):
    before = append(path, new_code_cell("1 / 0"))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        main(["--folder", str(path.parent)])
    assert path.read_bytes() == before


def test_a_claim_that_does_not_hold_is_named_and_leaves_the_file_as_it_was(path, capsys):
    before = append(path, FAILS)
    assert main(["--folder", str(path.parent)]) == 1
    said = capsys.readouterr().err
    assert said == "98_test.ipynb: not stored, since it claims:\n✗ the earth is flat (radius ≈ 6371)\n"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "numbers, missing", [(["98", "12", "3"], "03, 12"), (["9"], "09"), ([], "with a number")]
)
def test_a_notebook_that_does_not_exist_stops_the_command_before_any_work(path, numbers, missing, capsys):
    folder = path.parent if numbers else path.parent / "elsewhere"
    assert main([*numbers, "--folder", str(folder)]) == 2
    assert capsys.readouterr().err == f"there is no notebook {missing} in {folder}\n"


def changed_by(monkeypatch, notebook, module, change="\nx = 1"):
    """Whether another line in a module of labutils makes the notebook stale."""
    before, real = stored_notebooks.fingerprint(notebook), stored_notebooks._source
    with monkeypatch.context() as patch:
        patch.setattr(stored_notebooks, "_source", lambda m: real(m) + change * (m == module))
        return stored_notebooks.fingerprint(notebook) != before


@pytest.mark.parametrize(
    "change, counts",
    [
        ("\n\n# a comment\n", False),
        ('\n\ndef f():\n    """Say it\n\n    in words."""\n', True),
        ("\nx = '# 1'", True),
    ],
)
def test_code_behind_it_makes_a_notebook_stale_and_words_about_it_do_not(monkeypatch, change, counts):
    notebook = new_notebook(cells=[new_code_cell("from labutils import cells")])
    assert changed_by(monkeypatch, notebook, "cells", change) == counts
    one, other = (
        f'"""{words}"""\n\n\ndef f():\n    """{words}"""\n    return 1\n' for words in ("a", "b\n\nc")
    )
    assert stored_notebooks._without_docstrings(one) == stored_notebooks._without_docstrings(other)


def test_a_change_of_a_cell_or_of_a_helper_makes_it_stale(monkeypatch):
    sources = ["%%time\nfrom labutils import plots", "plots.scores({})\nfolder = !pwd", "1 + 1"]
    notebook = new_notebook(cells=[*map(new_code_cell, sources), new_markdown_cell("words")])
    before = stored_notebooks.fingerprint(notebook)
    for cell, counts in {3: False, 2: True}.items():
        notebook.cells[cell].source += " + 2"
        assert (stored_notebooks.fingerprint(notebook) != before) is counts
    for module in ("plots.histories", "plots.style", "palette", "training.run"):
        assert changed_by(monkeypatch, notebook, module), module
    for module in ("plots.review_charts", "data.reviews", "cells"):
        assert not changed_by(monkeypatch, notebook, module), module


def test_a_change_of_a_stored_grid_makes_it_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_notebooks, "ROOT", tmp_path)
    (folder := tmp_path / "notebooks" / "grids").mkdir(parents=True)
    notebook, prints = new_notebook(cells=[new_code_cell('x = open("grids/1_a.csv").read()')]), []
    for name, text in [("1_b.csv", "not named"), ("1_a.csv", ""), ("1_a.csv", "x\n1"), ("1_a.csv", "x\n2")]:
        (folder / name).write_text(text)
        prints.append(stored_notebooks.fingerprint(notebook))
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_an_exercise_may_change_without_making_its_notebook_stale(monkeypatch):
    notebook = new_notebook(cells=[new_code_cell("from labutils.exercises import exercise")])
    assert changed_by(monkeypatch, notebook, "exercises.registry")
    behind = set(stored_notebooks.imported_modules(stored_notebooks._source("exercises.registry")))
    assert behind == {"exercises.subjects", "exercises.subjects.QUESTIONS"}, "no import is hidden"
    for module in ("checking.exercise_types", "questions.recurrent_networks", "subjects"):
        assert not changed_by(monkeypatch, notebook, f"exercises.{module}")


@pytest.mark.parametrize(
    "source, modules",
    [
        ("from labutils.panels import StepExplorer\nStepExplorer()", {"panels.explorers", "panels.fields"}),
        ("from labutils import plots as p\np.lstm()", {"plots.diagrams"}),
        ("import numpy, labutils.cells", {"cells"}),
        ("import labutils.plots as p\np.lstm()", {"plots.diagrams"}),
        ("import labutils.plots\nlabutils.plots.lstm()", {"plots.diagrams"}),
        ("from labutils.training import *", {"training.fitting", "training.run"}),
        ("def f():\n    from labutils.data import reviews", {"data.reviews"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from labutils import recall", set()),
    ],
)
def test_an_import_brings_the_modules_behind_the_names_that_are_used(source, modules):
    behind = stored_notebooks._modules_behind(source)
    assert modules <= behind and bool(modules) == bool(behind)
    assert not {"recall", "plots.histories", "panels.training_panel", "data.series"} & behind


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
    assert notebook.metadata.kernelspec == kernel and cell.outputs[0].data == view


def test_minutes_are_read_off_the_first_cell(path):
    assert stored_notebooks.minutes_to_read_and_run(path) == (2.5, 1.0)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 97 · No promise")]), path)
    with pytest.raises(ValueError, match='98_test.ipynb: the first cell must say "About N minutes'):
        stored_notebooks.minutes_to_read_and_run(path)


def test_a_site_replaces_nothing_that_is_no_site(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("two years of work")
    assert main(["site", "--out", str(tmp_path)]) == 2
    assert "holds something else than a site" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "two years of work"


def test_a_site_without_sphinx_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(site, "find_spec", lambda name: None if name == "myst_nb" else object())
    assert main(["site", "--out", str(tmp_path / "site")]) == 2
    assert "myst_nb is not installed" in capsys.readouterr().err
