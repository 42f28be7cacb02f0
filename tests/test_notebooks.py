"""Hygiene of the stored notebooks: what a reader opens is whole, true, and the same on every machine."""

import ast
import html
import json
import re
import statistics

import nbformat
import pytest
from notebook_helpers import EVERY_NOTEBOOK, PATHS, ROOT, code, code_cells, names, outputs, read, sources

from labutils.upkeep import slides, stored_notebooks

LESSONS = pytest.mark.parametrize("path", [p for n, p in PATHS.items() if n], ids=lambda path: path.stem)


def headings(path):
    found = []
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S)
            found += [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", text, re.M)]
    return found


def test_the_stored_table_of_the_check_up_has_every_notebook_with_its_minutes_to_read():
    stored = "".join(output.get("data", {}).get("text/plain", "") for output in outputs(PATHS[0]))
    shown = dict(re.findall(r"^(\d\d_\w+) +([\d.]+) ", stored, re.M))
    promised = {path.stem: stored_notebooks.minutes_to_read_and_run(path)[0] for path in PATHS.values()}
    remedy = "a notebook or its minutes have changed. Run: python -m labutils.upkeep 00 --force"
    assert {name: float(minutes) for name, minutes in shown.items()} == promised, remedy


def test_the_series_starts_with_00_and_skips_no_file_name():
    assert PATHS[0].stem == "00_start_here"
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in PATHS.values())
    assert set((ROOT / "notebooks").glob("*.ipynb")) == set(PATHS.values())


@EVERY_NOTEBOOK
def test_every_cell_was_run_once_in_order(path):
    assert [cell.execution_count for cell in code_cells(path)] == list(range(1, len(code_cells(path)) + 1))


@EVERY_NOTEBOOK
def test_the_outputs_are_those_of_the_code(path):
    remedy = (
        f"its code, or labutils, has changed since it was run. Run: python -m labutils.upkeep {path.stem[:2]}"
    )
    assert not stored_notebooks.is_stale(read(path)), f"{path.name} is stale: {remedy}"


@EVERY_NOTEBOOK
def test_the_file_is_spelled_as_the_maintainers_command_spells_it(path):
    notebook = stored_notebooks.normalised(read(path))
    remedy = (
        f"{path.name} carries what differs from run to run. Run: python -m labutils.upkeep {path.stem[:2]}"
    )
    assert json.loads(path.read_text("utf-8")) == json.loads(nbformat.writes(notebook)), f"{remedy} --force"


@EVERY_NOTEBOOK
def test_no_error_no_stderr_and_no_widget_state_is_stored(path):
    for output in outputs(path):
        assert output.output_type != "error" and output.get("name") != "stderr", output
        assert stored_notebooks.WIDGET_VIEW not in output.get("data", {})
    assert "widgets" not in read(path).metadata


@EVERY_NOTEBOOK
def test_a_panel_leaves_a_picture_for_readers_without_a_kernel(path):
    panels = sum(len(re.findall(r"\b\w+(?:Panel|Explorer)\(", source)) for source in sources(path))
    shown = [o.data for o in outputs(path) if o.get("data", {}).get("text/plain", "").startswith("<Panel: ")]
    assert len(shown) == panels
    for data in shown:
        assert re.search(r'run this notebook.*<img alt="[^"]+" src="data:image/svg', data["text/html"], re.S)


@EVERY_NOTEBOOK
def test_at_most_a_quarter_of_the_cells_go_unchecked_and_none_is_skipped(path):
    tags = [set(cell.metadata.get("tags", [])) for cell in code_cells(path)]
    assert sum("nbval-ignore-output" in cell for cell in tags) <= len(tags) / 4
    assert set.union(*tags) <= {"nbval-ignore-output", *slides.SLIDE_TYPES}
    assert not re.search(r"#\s*(NBVAL_|PYTEST_)", "\n".join(sources(path)))


@EVERY_NOTEBOOK
def test_every_figure_has_alternative_text(path):
    for output in outputs(path):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            said = "a figure has no alternative text: draw it with labutils.plots, or return a plots.Picture"
            assert len(alt) > 40, said
            # what JupyterLab shows: it does not read the metadata
            assert output.data["text/html"].startswith(f'<img alt="{html.escape(alt)}" ')


@EVERY_NOTEBOOK
def test_headings_are_in_order(path):
    levels = [level for level, _ in headings(path)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert headings(path)[0][1].startswith(f"{path.stem[:2]} · ")
    numbers = [int(n) for level, title in headings(path) if level == 2 for n in re.findall(r"^(\d+) ", title)]
    assert numbers == list(range(1, len(numbers) + 1))


@LESSONS
def test_a_lesson_ends_with_results_exercises_and_the_way_on(path):
    sections = [title for level, title in headings(path) if level == 2]
    assert sections[-3:] == ["Results and discussion", "Your turn", "Where next"]


@LESSONS
def test_a_lesson_claims_what_it_says_and_nbval_compares_it(path):
    claiming = [cell for cell in code_cells(path) if re.search(r"\bclaim[.(]", cell.source)]
    assert len(claiming) >= 4
    assert not any("nbval-ignore-output" in cell.metadata.get("tags", []) for cell in claiming)


@EVERY_NOTEBOOK
def test_every_claim_holds(path):
    assert stored_notebooks.failed_claims(read(path)) == []


@EVERY_NOTEBOOK
def test_a_claim_about_stored_results_says_so(path):
    for statement, said, origins in claims_with_origins(code(path)):
        assert not (said and "stored" not in origins), f"nothing here comes out of a file: {statement}"
        assert said or origins != {"stored"}, f"cites a file without stored=True: {statement}"


def claims_with_origins(source_code):
    """Yield each claim, whether it says stored=True, and where its numbers come from: "stored", "live".

    Names are followed from statement to statement. What pandas reads is stored, constants are neither.
    """
    origins = {}
    for statement in ast.parse(source_code).body:
        source = ast.unparse(statement)
        defined, used = names(source)
        changed = {n for n in used | defined if re.search(rf"^\s*{n}\b(\S*\[.*\] =| .=)", source, re.M)}
        found = set().union(*(origins.get(name, set()) for name in used | changed))
        if re.match(r"claim[.(]", source):
            yield source, ", stored=True" in source, found
            continue
        if "read_csv(" in source:
            found = {"stored"}
        elif isinstance(statement, (ast.FunctionDef, ast.Import, ast.ImportFrom)):
            found &= {"stored"}
        elif not found and re.search(r"\w\(| = (\[\]|\{\})$", source):
            found = {"live"}
        origins |= dict.fromkeys(defined, found)
        # what dictionaries and columns get; a table that was read stays one
        origins |= {name: origins[name] | found for name in changed if origins.get(name) != {"stored"}}


def test_the_origin_of_a_claim_is_followed():
    claims = """
grid = pd.read_csv("grids/x.csv")
def of(name): return grid[grid.name == name].score
limit = 0.5
ours, both = fit(model), {}
by_name = {name: rows.mean() for name, rows in grid.groupby("name")}
for name in by_name:
    both[name] = (by_name[name], ours)
again = []
again.append(fit(model))
claim("cited", by_name["a"] > limit, stored=True)
claim.between("not said", of("a").mean(), 0, 1)
claim("compared", both["a"])
claim("live", ours > limit, stored=True, again=again)"""
    assert [(said, origins) for _, said, origins in claims_with_origins(claims)] == [
        (True, {"stored"}),
        (False, {"stored"}),
        (False, {"stored", "live"}),
        (True, {"live"}),
    ]


@EVERY_NOTEBOOK
def test_cells_are_short_and_none_is_empty(path):
    lines = [len(source.splitlines()) for source in sources(path)]
    assert max(lines) <= 18 and statistics.median(lines) <= 8
    assert all(cell.source.strip() for cell in read(path).cells)


@EVERY_NOTEBOOK
def test_the_first_cell_says_how_long_it_takes(path):
    read_minutes, run_minutes = stored_notebooks.minutes_to_read_and_run(path)
    assert 0 < read_minutes < 120 and 0 < run_minutes <= 8


@EVERY_NOTEBOOK
def test_nothing_personal_and_no_machine_is_named(path):
    text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", path.read_text("utf-8"))
    assert not re.search(r"/(?:home|Users|root|tmp|work)/|[A-Z]:\\\\|site-packages|127\.0\.0\.1", text)


@EVERY_NOTEBOOK
def test_links_lead_somewhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)\s#]+)", cell.source):
                assert target.startswith("https://") or (path.parent / target).exists(), target


@EVERY_NOTEBOOK
def test_the_code_keeps_to_the_rules_of_the_series(path):
    cells = "\n".join(sources(path))
    forbidden = r"\btf\.|import tensorflow|%matplotlib|warnings\.|pip install --upgrade|^!"
    assert not (found := re.search(forbidden, cells, re.M)), found[0]
