"""What of a notebook becomes slides, and what the speaker's notes."""

import re

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_helpers import EVERY_NOTEBOOK, read

from labutils.upkeep import slides

FIGURE = new_output("execute_result", {"text/html": "<img alt='a curve'>", "text/plain": "<Picture>"})
CLAIM = new_output("stream", text="✓ it holds (by ≈ 2)\n")


def kinds(*cells):
    arranged = slides.arranged(new_notebook(cells=[new_markdown_cell("About."), *cells]))
    return [(cell.metadata.slideshow.slide_type, cell.source) for cell in arranged.cells[1:]]


def test_a_section_begins_a_slide_with_its_first_sentence_and_leaves_its_prose_to_the_speaker():
    prose = "Why does it forget? Because a product of many slopes is small."
    assert kinds(new_markdown_cell(f"## 1 Memory\n\n{prose}")) == [
        ("slide", "## 1 Memory"),
        ("-", "Why does it forget?"),
        ("notes", prose),
    ]


def test_no_slide_says_a_sentence_twice():
    title = new_markdown_cell("# 07 · Memory\n\nYou will build a memory.\n\nAbout 10 minutes.")
    cells = slides.arranged(new_notebook(cells=[title])).cells
    visible = [cell.source for cell in cells if cell.metadata.slideshow.slide_type != "notes"]
    assert visible == ["# 07 · Memory", "You will build a memory."]


def test_formulas_tables_and_questions_are_shown():
    shown = ["$$h = x$$", "| a | b |\n|---|---|", "**Guess:** which one?"]
    assert kinds(new_markdown_cell("\n\n".join(shown))) == [("-", text) for text in shown]


def test_a_figure_stands_below_the_name_of_its_section_without_code_and_a_claim_follows():
    drawing = new_code_cell("plots.curves(run)", outputs=[FIGURE])
    arranged = kinds(new_markdown_cell("## 2 Curves"), drawing, new_code_cell("claim(...)", outputs=[CLAIM]))
    assert arranged[1:] == [
        ("subslide", "#### 2 Curves"),
        ("-", "plots.curves(run)"),
        ("fragment", "claim(...)"),
    ]
    notebook = slides.arranged(new_notebook(cells=[new_markdown_cell("About."), drawing]))
    assert notebook.cells[-1].metadata.tags == ["no-code"]


def test_the_code_of_a_network_is_shown_other_code_and_exercises_are_not():
    network = "model = keras.Sequential([layers.GRU(8)])"
    arranged = kinds(
        new_code_cell(network),
        new_code_cell("x = 1"),
        new_markdown_cell("**Exercise 1.2 · One step** (about 6 minutes). Write it."),
        new_code_cell('exercise("1.2").check(my_step)', outputs=[CLAIM]),
    )
    assert arranged == [
        ("subslide", "#### "),
        ("-", network),
        ("skip", "x = 1"),
        ("skip", "**Exercise 1.2 · One step** (about 6 minutes). Write it."),
        ("skip", 'exercise("1.2").check(my_step)'),
    ]


def test_a_tag_decides():
    cell = new_markdown_cell("A long story.", metadata={"tags": ["slide"]})
    assert kinds(cell) == [("slide", "A long story.")]


def test_links_to_a_lesson_lead_to_its_slides_and_panels_are_only_named():
    text = "**Guess:** see [01](01_recurrent_networks.ipynb), [a script](grids/02_register.py), [it](https://a.b)."
    panel = new_code_cell("CurveExplorer(explore, fields, 'x')", outputs=[FIGURE])
    assert kinds(new_markdown_cell(text), panel) == [
        ("-", "**Guess:** see [01](01_recurrent_networks.html), a script, [it](https://a.b)."),
        ("-", "*Live, in the notebook: the panel that stands here.*"),
    ]


def test_what_is_said_of_a_link_stays_with_it():
    more = "\n* Elman (1990)" + " and others" * 45
    text = "* [02](02_gates_lstm_and_gru.ipynb): a state that is kept by design." + more
    arranged = kinds(new_markdown_cell(f"## Where next\n\n{text}"))
    assert arranged[1] == ("-", "* [02](02_gates_lstm_and_gru.html): a state that is kept by design.")


def test_of_a_cell_with_an_exercise_the_heading_is_shown():
    parts = [
        "## 5 Luck",
        "**Exercise 3.4 · Stop** (about 12 minutes). Write it.",
        "It gets a list.",
        "## 6 More",
    ]
    assert kinds(new_markdown_cell("\n\n".join(parts))) == list(
        zip(["slide", "skip", "skip", "slide"], parts)
    )


@EVERY_NOTEBOOK
def test_each_section_begins_the_slide_of_its_number(path):
    cells = slides.arranged(read(path)).cells
    headings = [c.source for c in cells if c.metadata.slideshow.slide_type == "slide"]
    numbers = [int(found[1]) if (found := re.match(r"## (\d+) ", text)) else None for text in headings]
    sections = numbers[1 : 1 + max(filter(None, numbers))]
    assert numbers[0] is None and sections == list(range(1, len(sections) + 1))
