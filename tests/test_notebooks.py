"""Hygiene of the stored notebooks: what a reader opens is whole, true, and the same on every machine."""

import html
import json
import re
import statistics

import nbformat
import pytest
from conftest import ROOT

from labutils.upkeep import stored_notebooks

PATHS = stored_notebooks.notebook_paths(ROOT / "notebooks")
EVERY = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
LESSONS = pytest.mark.parametrize("path", PATHS[1:], ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def outputs(path):
    return [output for cell in code_cells(path) for output in cell.outputs]


def headings(path):
    found = []
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S)
            found += [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", text, re.M)]
    return found


def test_the_series_starts_with_00_and_skips_no_file_name():
    assert PATHS[0].stem == "00_start_here"
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in PATHS)
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} == {path.name for path in PATHS}


@EVERY
def test_every_cell_was_run_once_in_order(path):
    assert [cell.execution_count for cell in code_cells(path)] == list(range(1, len(code_cells(path)) + 1))


@EVERY
def test_no_cell_is_empty(path):
    assert all(cell.source.strip() for cell in read(path).cells)


@EVERY
def test_the_outputs_are_those_of_the_code(path):
    assert not stored_notebooks.is_stale(read(path)), (
        f"{path.name} is stale: its code, or labutils, has changed since it was run. "
        f"Run: python -m labutils.upkeep {path.stem[:2]}"
    )


@EVERY
def test_the_file_is_spelled_as_the_maintainers_command_spells_it(path):
    notebook = stored_notebooks.normalised(read(path))
    assert json.loads(path.read_text("utf-8")) == json.loads(nbformat.writes(notebook)), (
        f"{path.name} carries what differs from run to run. "
        f"Run: python -m labutils.upkeep {path.stem[:2]} --force"
    )


@EVERY
def test_no_error_and_no_stderr_is_stored(path):
    for output in outputs(path):
        assert output.output_type != "error", output
        assert output.get("name") != "stderr", output


@EVERY
def test_no_widget_state_is_stored(path):
    notebook = read(path)
    assert "widgets" not in notebook.metadata
    assert all(stored_notebooks.WIDGET_VIEW not in output.get("data", {}) for output in outputs(path))
    assert notebook.metadata.kernelspec.name == "python3"


@EVERY
def test_a_panel_leaves_a_picture_for_readers_without_a_kernel(path):
    panels = sum(len(re.findall(r"\b\w+(?:Panel|Explorer)\(", cell.source)) for cell in code_cells(path))
    shown = [o.data for o in outputs(path) if o.get("data", {}).get("text/plain", "").startswith("<Panel: ")]
    assert len(shown) == panels
    for data in shown:
        assert re.search(r'run this notebook.*<img alt="[^"]+" src="data:image/svg', data["text/html"], re.S)


@EVERY
def test_at_most_a_quarter_of_the_cells_go_unchecked(path):
    ignored = [cell for cell in code_cells(path) if is_ignored(cell)]
    assert len(ignored) <= len(code_cells(path)) / 4


def is_ignored(cell):
    tags = set(cell.metadata.get("tags", []))
    by_comment = re.search(r"#\s*(NBVAL_|PYTEST_)", cell.source)
    return bool(
        tags & {"nbval-ignore-output", "nbval-skip", "nbval-raises-exception", "raises-exception"}
        or by_comment
    )


@EVERY
def test_nbval_skips_no_cell(path):
    for cell in code_cells(path):
        assert set(cell.metadata.get("tags", [])) <= {"nbval-ignore-output"}, cell.source
        assert not re.search(r"#\s*(NBVAL_|PYTEST_)", cell.source), cell.source


@EVERY
def test_every_figure_has_alternative_text(path):
    for output in outputs(path):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) > 40, output.data.get("text/plain")
            # what JupyterLab shows: it does not read the metadata
            assert output.data["text/html"].startswith(f'<img alt="{html.escape(alt)}" ')


@EVERY
def test_headings_are_in_order(path):
    levels = [level for level, _ in headings(path)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert headings(path)[0][1].startswith(f"{path.stem[:2]} · ")
    numbers = [int(n) for level, title in headings(path) if level == 2 for n in re.findall(r"^(\d+) ", title)]
    assert numbers == list(range(1, len(numbers) + 1))


@LESSONS
def test_a_lesson_ends_with_results_exercises_and_the_way_on(path):
    assert [title for level, title in headings(path) if level == 2][-3:] == [
        "Results and discussion",
        "Your turn",
        "Where next",
    ]


@LESSONS
def test_a_lesson_claims_what_it_says(path):
    claiming = [cell for cell in code_cells(path) if re.search(r"\bclaim[.(]", cell.source)]
    assert len(claiming) >= 5
    assert not any(is_ignored(cell) for cell in claiming)


@EVERY
def test_cells_are_short(path):
    lines = [len(cell.source.splitlines()) for cell in code_cells(path)]
    assert max(lines) <= 18 and statistics.median(lines) <= 8


@EVERY
def test_the_first_cell_says_how_long_it_takes(path):
    read_minutes, run_minutes = stored_notebooks.minutes_to_read_and_run(path)
    assert 0 < read_minutes < 120 and 0 < run_minutes <= 8


@EVERY
def test_nothing_personal_and_no_machine_is_named(path):
    text = path.read_text("utf-8")
    text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", text)
    assert not re.search(r"/(?:home|Users|root|tmp|work)/|[A-Z]:\\\\|site-packages|127\.0\.0\.1", text)


@EVERY
def test_links_lead_somewhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)\s#]+)", cell.source):
                assert target.startswith("https://") or (path.parent / target).exists(), target


@EVERY
def test_the_code_keeps_to_the_rules_of_the_series(path):
    code = "\n".join(cell.source for cell in code_cells(path))
    for forbidden in (
        r"\btf\.",
        r"import tensorflow",
        r"%matplotlib",
        r"warnings\.",
        r"pip install --upgrade",
        r"^!",
    ):
        assert not re.search(forbidden, code, re.M), forbidden
