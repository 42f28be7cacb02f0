"""Slides of a stored notebook: headings, formulas, figures, claims; the prose becomes the speaker's notes.

A cell that should be shown in another way carries one of the tags slide, subslide, fragment, notes, skip.
"""

from __future__ import annotations

import copy
import re

import nbformat
from nbformat import NotebookNode

KINDS = ("slide", "subslide", "fragment", "notes", "skip")
MOST_WORDS = 45  # of a paragraph that is shown
MOST_LINES = 16  # of a cell whose code is shown
_NETWORK = re.compile(r"keras\.Sequential|keras\.Model\(|^def \w*build", re.M)
_QUESTION = re.compile(r"\*\*(Guess|Predict|Before you look|Your prediction|Your turn)", re.I)
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)]+)\)")  # within the project
_SENTENCE = re.compile(r".+?[.?!:](?=\s|$)")
# What nbconvert's template takes from elsewhere (MathJax, RequireJS, jQuery), taken from the site instead.
TEMPLATE = """
{%- extends "index.html.j2" -%}
{%- block html_head_js -%}{%- endblock html_head_js -%}
{%- block html_head_js_mathjax -%}
<script>window.MathJax = {tex: {inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]]}};</script>
<script defer src="../_static/mathjax/tex-chtml.js"></script>
<style>
:root { --jp-content-font-size1: 26px; --jp-code-font-size: 15px; }
.reveal h1, .reveal h2, .reveal h3, .reveal h4 { text-align: center; text-transform: none !important; }
.reveal h4 { color: #666; font-weight: normal; }
.reveal img { display: block; margin: 0 auto; width: 100%; max-height: 560px; object-fit: contain; }
.reveal .slides section { max-height: 720px; overflow-y: auto; }
.reveal p, .reveal li { text-align: left; }
.reveal .jp-OutputArea-output table { font-size: 20px; margin: 0 auto; }
.reveal .jp-OutputArea-output pre { font-size: 20px; white-space: pre-wrap; }
.reveal .jp-InputPrompt, .reveal .jp-OutputPrompt { display: none; }
</style>
{%- endblock html_head_js_mathjax -%}
{%- block footer_js -%}
<script src="{{ resources.reveal.url_prefix }}/dist/reveal.js"></script>
<script src="{{ resources.reveal.url_prefix }}/plugin/notes/notes.js"></script>
<script>
Reveal.initialize({plugins: [RevealNotes], hash: true, slideNumber: true, width: 1100, height: 720});
function fit() {  // a slide that is higher than the screen is shown smaller
  const slide = Reveal.getCurrentSlide();
  slide.style.zoom = 1;
  if (slide.scrollHeight > 720) slide.style.zoom = 720 / slide.scrollHeight;
}
Reveal.on("ready", () => setTimeout(fit, 500));
Reveal.on("slidechanged", fit);
</script>
{%- endblock footer_js -%}
"""


def html(notebook: NotebookNode, title: str) -> str:
    """Return the slides as a web page that finds reveal.js and MathJax in `../_static` of the site."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    settings = Config()
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_input_tags = {"no-code"}
    exporter = SlidesExporter(
        config=settings, raw_template=TEMPLATE, reveal_url_prefix="../_static/revealjs", reveal_theme="white"
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
        chosen = [tag for tag in cell.metadata.get("tags", []) if tag in KINDS]
        if chosen:
            result.cells.append(_as(chosen[0], cell))
        elif cell.cell_type == "markdown":
            result.cells += _of_text(cell)
        elif cell.cell_type == "code":
            result.cells += _of_code(cell, section)
    return result


def _of_text(cell: NotebookNode) -> list[NotebookNode]:
    """Split a cell: headings begin slides, what is short stays, the rest is for the speaker."""
    if "**Exercise " in cell.source:
        return [_as("skip", cell)]
    cells, kind = [], ""
    for paragraph in re.split(r"\n{2,}", cell.source):
        before = kind
        part = nbformat.v4.new_markdown_cell(paragraph)
        formula, table = "$$" in paragraph, paragraph.startswith("|")
        short = len(paragraph.split()) <= MOST_WORDS
        if heading := re.match(r"#+ ", paragraph):
            kind = "slide" if len(heading[0]) <= 3 else "subslide"
        elif (
            formula
            or table
            or (short and (_QUESTION.search(paragraph) or re.match(r"[*-] |\d\. ", paragraph)))
        ):
            kind = "-"
        else:
            kind = "notes"
            opening = _SENTENCE.match(paragraph)
            if before in ("slide", "subslide") and opening and opening[0].count("$") % 2 == 0:
                cells.append(_as("-", nbformat.v4.new_markdown_cell(opening[0])))
        cells.append(_as(kind, part))
    return cells


def _of_code(cell: NotebookNode, section: str) -> list[NotebookNode]:
    """Show figures and tables by themselves, claims below what they speak of, networks with their code."""
    outputs = [output for output in cell.outputs if "data" in output]
    claims = [output for output in cell.outputs if re.match("[✓✗] ", output.get("text", ""))]
    if re.search(r"(Panel|Explorer|Reader)\(", cell.source) and not claims:
        return [
            _as("-", nbformat.v4.new_markdown_cell("*Live, in the notebook: the panel that stands here.*"))
        ]
    shows_network = bool(_NETWORK.search(cell.source))
    shows_network &= cell.source.count("\n") < MOST_LINES
    part = copy.deepcopy(cell)
    part.metadata.tags = [] if shows_network else ["no-code"]
    if "exercise(" in cell.source or not (outputs or claims or shows_network):
        return [_as("skip", part)]
    part.outputs = outputs or claims
    if not outputs and not shows_network:
        return [_as("fragment", part)]
    return [_as("subslide", nbformat.v4.new_markdown_cell(f"#### {section}")), _as("-", part)]


def _on_the_site(link: re.Match) -> str:
    """Return the link to a notebook as one to its page, any other within the project as its text alone."""
    text, target = link.groups()
    stem = target.removesuffix(".ipynb")
    return f"[{text}](../notebooks/{stem}.html)" if stem != target else text


def _as(kind: str, cell: NotebookNode) -> NotebookNode:
    result = copy.deepcopy(cell)
    if cell.cell_type == "markdown":
        result.source = _LINK.sub(_on_the_site, cell.source)
    result.metadata["slideshow"] = {"slide_type": kind}
    return result
