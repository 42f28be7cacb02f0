"""Slides of a stored notebook: headings, formulas, figures, claims; the prose becomes the speaker's notes.

A cell that should be shown in another way carries one of the tags slide, subslide, fragment, notes, skip.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

SLIDE_TYPES = ("slide", "subslide", "fragment", "notes", "skip")
MOST_WORDS = 45  # of a paragraph that is shown
MOST_LINES = 16  # of a cell whose code is shown
_NETWORK = re.compile(r"keras\.Sequential|keras\.Model\(|^def \w*build", re.M)
_QUESTION = re.compile(r"\*\*(Guess|Predict|Before you look|Your prediction|Your turn)", re.I)
_LIST = re.compile(r"[*-] |\d\. ")
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)]+)\)")  # within the project
_SENTENCE = re.compile(r".+?(?:[.?!]|(?<!\)):)(?=\s|$)")  # "[02](…):" alone says nothing
_TEMPLATE = Path(__file__).with_name("slides.html.j2")


def html(notebook: NotebookNode, title: str) -> str:
    """Return the slides as a web page that finds reveal.js and MathJax in `../_static` of the site."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    settings = Config()
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_input_tags = {"no-code"}
    exporter = SlidesExporter(
        config=settings,
        template_file=str(_TEMPLATE),
        reveal_url_prefix="../_static/revealjs",
        reveal_theme="white",
    )
    shown = arranged(notebook)
    shown.metadata["title"] = title
    return exporter.from_notebook_node(shown)[0]


def arranged(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with what nbconvert reads, `slideshow.slide_type`, in the metadata of each cell."""
    result = copy.deepcopy(notebook)
    result.cells, section = [], ""
    for cell in notebook.cells:
        headings = re.findall(r"^#+ (.*)", cell.source, re.M) if cell.cell_type == "markdown" else []
        section = headings[-1] if headings else section
        chosen = [tag for tag in cell.metadata.get("tags", []) if tag in SLIDE_TYPES]
        if chosen:
            result.cells.append(_as(chosen[0], cell))
        elif cell.cell_type == "markdown":
            result.cells += _of_text(cell)
        elif cell.cell_type == "code":
            result.cells += _of_code(cell, section)
    return result


def _of_text(cell: NotebookNode) -> list[NotebookNode]:
    """Split a cell: headings begin slides, what is short stays, the rest is for the speaker.

    From an exercise on nothing is shown, up to the next heading.
    """
    cells, slide_type = [], ""
    for paragraph in re.split(r"\n{2,}", cell.source):
        in_exercise = slide_type == "skip" and not paragraph.startswith("#")
        is_skipped = in_exercise or paragraph.startswith("**Exercise ")
        before, slide_type = slide_type, "skip" if is_skipped else _type_of_text(paragraph)
        opening = _SENTENCE.match(paragraph)
        if slide_type == "notes" and before in ("slide", "subslide") and opening:
            if opening[0].count("$") % 2 == 0:  # no formula is cut
                cells.append(_as("-", nbformat.v4.new_markdown_cell(opening[0])))
        cells.append(_as(slide_type, nbformat.v4.new_markdown_cell(paragraph)))
    return cells


def _type_of_text(paragraph: str) -> str:
    if heading := re.match(r"#+ ", paragraph):
        return "slide" if len(heading[0]) <= 3 else "subslide"
    if "$$" in paragraph or paragraph.startswith("|"):  # a formula, a table
        return "-"
    is_short = len(paragraph.split()) <= MOST_WORDS
    is_shown = _QUESTION.search(paragraph) or _LIST.match(paragraph)
    return "-" if is_short and is_shown else "notes"


def _of_code(cell: NotebookNode, section: str) -> list[NotebookNode]:
    """Show figures and tables by themselves, claims below what they speak of, networks with their code."""
    outputs = [output for output in cell.outputs if "data" in output]
    claims = [output for output in cell.outputs if re.match("[✓✗] ", output.get("text", ""))]
    if re.search(r"(Panel|Explorer|Reader)\(", cell.source) and not claims:
        live = "*Live, in the notebook: the panel that stands here.*"
        return [_as("-", nbformat.v4.new_markdown_cell(live))]
    shows_network = bool(_NETWORK.search(cell.source)) and cell.source.count("\n") < MOST_LINES
    part = copy.deepcopy(cell)
    part.metadata.tags = [] if shows_network else ["no-code"]
    if "exercise(" in cell.source or not (outputs or claims or shows_network):
        return [_as("skip", part)]
    part.outputs = outputs or claims
    if not outputs and not shows_network:
        return [_as("fragment", part)]
    return [_as("subslide", nbformat.v4.new_markdown_cell(f"#### {section}")), _as("-", part)]


def _in_the_slides(link: re.Match) -> str:
    """Return the link to a notebook as one to its slides, any other within the project as its text alone."""
    text, target = link.groups()
    stem = target.removesuffix(".ipynb")
    return f"[{text}]({stem}.html)" if stem != target else text


def _as(slide_type: str, cell: NotebookNode) -> NotebookNode:
    result = copy.deepcopy(cell)
    if cell.cell_type == "markdown":
        result.source = _LINK.sub(_in_the_slides, cell.source)
    result.metadata["slideshow"] = {"slide_type": slide_type}
    return result
