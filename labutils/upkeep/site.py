"""The site: README, the pages of docs and the stored notebooks as web pages, built without running anything.

Sphinx and its theme come with tests/requirements.txt; a student does not need them.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labutils.exercises.checking.exercise_types import Exercise
from labutils.exercises.checking.formatting import paragraph
from labutils.exercises.registry import exercise
from labutils.upkeep import slides
from labutils.upkeep.stored_notebooks import ROOT, notebook_paths

_CHECK = re.compile(r'^exercise\("(\d+\.\d+)"\)\.check\(', re.M)
_FIGURE = re.compile(r'(<img\b[^>]*?\bsrc=")data:image/(png|svg\+xml);base64,([A-Za-z0-9+/=\s]+)"')
_MARK = ".buildinfo"  # which Sphinx writes first: by it a folder is known as a site
_PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "CITATION.cff")


def build(folder: Path, repository: str = "") -> int:
    """Build the site into a folder; return the exit status of Sphinx, for which a warning is a failure.

    Parameters
    ----------
    folder : where the pages go; what an earlier build left there is replaced.
    repository : its address, for buttons that open a lesson on Binder or tell of a mistake; empty for none.

    Raises
    ------
    ValueError
        When the folder holds something else than an earlier site: nothing is deleted.
    ImportError
        When Sphinx, or what it needs here, is not installed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir()) and not (folder / _MARK).exists()):
        raise ValueError(f"{folder} holds something else than a site: choose an empty or a new folder")
    missing = [
        name for name in ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_revealjs") if not find_spec(name)
    ]
    if missing:
        raise ImportError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed. Run: "
            f"{sys.executable} -m pip install -r tests/requirements.txt -c constraints.txt"
        )
    with tempfile.TemporaryDirectory(prefix="site-") as temporary:
        source = Path(temporary)
        _gather(source)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
        command += ["-c", str(source / "docs"), str(source), str(folder)]
        shutil.rmtree(folder, ignore_errors=True)
        status = subprocess.run(command, env=os.environ | {"SITE_REPOSITORY": repository}).returncode
    if status == 0:
        _write_slides(folder)
    return status


def _write_slides(folder: Path) -> None:
    import sphinx_revealjs  # for the files of reveal.js that it brings

    shutil.copytree(
        Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs", folder / "_static" / "revealjs"
    )
    (folder / "slides").mkdir()
    for path in notebook_paths(ROOT / "notebooks"):
        text = slides.html(nbformat.read(path, as_version=4), path.stem)
        (folder / "slides" / f"{path.stem}.html").write_text(text, "utf-8")


def _gather(source: Path) -> None:
    """Copy what the site consists of into a folder that Sphinx may read."""
    shutil.copytree(
        ROOT / "docs", source / "docs", ignore=shutil.ignore_patterns("__pycache__", "concept_tests")
    )
    shutil.copytree(ROOT / ".github", source / ".github")
    for name in _PAGES:
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "notebooks" / "grids", source / "notebooks" / "grids")
    figures = source / "docs" / "_static" / "figures"
    figures.mkdir(parents=True)
    lessons = notebook_paths(ROOT / "notebooks")
    for path in lessons:
        nbformat.write(page(path, figures), source / "notebooks" / path.name)
    for path in (source / "docs").glob("*.md"):
        path.write_text(_linked(path.read_text("utf-8")), "utf-8")
    pages = sorted(path.stem for path in (source / "docs").glob("*.md"))
    contents = [
        _toctree("Lessons", [f"notebooks/{path.stem}" for path in lessons]),
        _toctree(
            "More",
            [f"docs/{name}" for name in pages] + ["CONTRIBUTING", "CHANGELOG", ".github/CODE_OF_CONDUCT"],
        ),
    ]
    start = _linked((ROOT / "README.md").read_text("utf-8"))
    (source / "index.md").write_text("\n\n".join([start, *contents]), "utf-8")


def page(path: Path, figures: Path) -> NotebookNode:
    """Return a stored notebook as a page shows it: figures in files, hints and solutions folded.

    Parameters
    ----------
    path : the notebook.
    figures : the folder that takes its figures, `_static/figures` of the site.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = []
    for cell in notebook.cells:
        cell.source = _linked(cell.source)
        for data in (output.data for output in cell.get("outputs", []) if "data" in output):
            for kind in {"text/html"} & set(data):
                data[kind] = _FIGURE.sub(lambda found: _in_a_file(found, path, figures), data[kind])
        cells.append(cell)
        if found := _CHECK.search(cell.source) if cell.cell_type == "code" else None:
            cells.append(nbformat.v4.new_markdown_cell(folded(exercise(found[1]))))
    link = f'<a href="../slides/{path.stem}.html">Slides of this lesson</a> (S opens the speaker\'s notes)'
    cells.insert(1, nbformat.v4.new_markdown_cell(link))
    notebook.cells = cells
    return notebook


def folded(asked: Exercise) -> str:
    """Return hints and solution of an exercise as Markdown that a reader opens one by one."""
    hints = [(f"Hint {number}", hint) for number, hint in enumerate(asked.hints, start=1)]
    solution = f"```python\n{asked.solution_text().rstrip()}\n```\n\n{paragraph(asked.afterwards)}"
    parts = [_folded(title, text) for title, text in [*hints, ("Solution", solution)]]
    return _folded(f"Exercise {asked.number}: hints and solution", "\n\n".join(parts))


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _linked(text: str) -> str:
    """Let links lead to pages of the site: README is its first; the concept tests, with answers, are none."""
    text = text.replace("(../README.md", "(../index.md")
    return re.sub(
        r"\[([^]]+)\]\([^)]*concept_tests/[^)]*\)",
        r"\1 (`docs/concept_tests`, not on this site: the folder holds the answers)",
        text,
    )


def _in_a_file(found: re.Match[str], path: Path, figures: Path) -> str:
    content = base64.b64decode(found[3])
    name = f"{path.stem[:2]}_{len(list(figures.glob(path.stem[:2] + '_*')))}.{found[2].split('+')[0]}"
    (figures / name).write_bytes(content)
    return f'{found[1]}../_static/figures/{name}" loading="lazy"'


def _toctree(caption: str, documents: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *documents, "```"])
