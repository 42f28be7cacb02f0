"""What pages say of notebooks by numbers: sections exist, panels stand there, minutes add up."""

import re

import pytest
from notebook_helpers import PATHS, ROOT, read

from labutils.exercises.registry import all_exercises
from labutils.upkeep.stored_notebooks import minutes_to_read_and_run

PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.glob("docs/**/*.md")}
PAGES |= {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md")}
COURSE = PAGES["docs/course.md"]
MINUTES = {exercise.number: exercise.minutes for exercise in all_exercises()}
SECTION = r"(?:[1-9]\d?|0(?!\d)|R)(?:–\d+)?"
# "01 §4", "10 §0, 2–4, R", "05 §1–3 and §5"; "notebook 03, sections 3 and 6; 10, section 4"
BY_SIGN = re.compile(rf"\b(\d\d) (§{SECTION}(?:(?:, | and |, and )§?{SECTION}(?![\w.]))*)")
IN_WORDS = re.compile(r"\b(\d\d),\s+sections? (\d+(?:(?:, | and )\d+)*)")


def cut_into_sections(path):
    """The text of each section of a notebook; 0 is what stands before the first, R the results."""
    sections, name = {"0": ""}, "0"
    for cell in read(path).cells:
        for line in cell.source.split("\n"):
            if cell.cell_type == "markdown" and (heading := re.match(r"## (\d+ |Results|Your|Where)", line)):
                name = heading[1].strip()[:1] if not heading[1][0].isdigit() else heading[1].strip()
                sections[name] = ""
            sections[name] += f"{line}\n"
    return sections


SECTIONS = {number: cut_into_sections(path) for number, path in PATHS.items()}


def sections_named(text):
    """Notebook and section of each reference in a text."""
    for notebook, several in BY_SIGN.findall(text) + IN_WORDS.findall(text):
        for first, last in re.findall(r"(\d+|R)(?:–(\d+))?", several):
            for section in range(int(first), int(last) + 1) if last else [first]:
                yield int(notebook), str(section)


def numbers_named(text):
    """The exercises in a list such as "0.1, 1.1–1.4"; none in other words."""
    for notebook, first, last in re.findall(r"(\d+)\.(\d+)(?:–\1\.(\d+))?", text):
        yield from (f"{notebook}.{n}" for n in range(int(first), int(last or first) + 1))


def tables(text):
    """The rows of each table of a page, as lists of cells, its head first."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        yield [row for row in rows if not set("".join(row)) <= set("-:")]


def test_references_are_found_in_all_the_ways_in_which_they_are_written():
    text = "00 §1; 03 §0, 2–4, R and 05 §1–3 and §5 (66 minutes), 02 §2, 3; "
    text += "notebook 03, sections 3 and 6; 10, section 4"
    wanted = "0 1, 3 0, 3 2, 3 3, 3 4, 3 R, 5 1, 5 2, 5 3, 5 5, 2 2, 2 3, 3 3, 3 6, 10 4"
    assert ", ".join(map(" ".join, ((str(n), s) for n, s in sections_named(text)))) == wanted
    assert list(numbers_named("0.1, 1.1–1.3, 12.5")) == ["0.1", "1.1", "1.2", "1.3", "12.5"]


@pytest.mark.parametrize("page", PAGES)
def test_a_section_that_a_page_names_exists(page):
    missing = [(n, s) for n, s in sections_named(PAGES[page]) if s not in SECTIONS.get(n, {})]
    assert not missing, f"{page} names sections that are not there: {missing}"


def test_the_course_names_many_sections_and_what_it_shows_live_stands_where_it_says():
    assert len(list(sections_named(COURSE))) > 150
    live = COURSE.split("## 5 To show live")[1].split("\n## ")[0]
    shown = re.findall(r"^\* (\d\d) §(\d+), (?:the figure )?\*([^*]+)\*", live, re.M)
    assert len(shown) >= 9
    for notebook, section, title in shown:
        assert title in SECTIONS[int(notebook)][section], (notebook, section, title)


# minutes of the course


def rows_with_exercises():
    """The exercises and the minutes beside them, of each row of the plans of the course."""
    for head, *rows in tables(COURSE):
        for place, name in enumerate(head):
            of_exercises = name.startswith("exercises") or (name == "at home" and head[place + 1] == "min")
            for row in rows if of_exercises and head[place + 1 :][:1] == ["min"] else []:
                yield row[0], list(numbers_named(row[place])), row[place + 1]


def test_the_minutes_of_each_row_are_those_of_its_exercises():
    rows = [(week, numbers, minutes) for week, numbers, minutes in rows_with_exercises() if numbers]
    assert len(rows) >= 30
    wrong = [
        (week, minutes, total)
        for week, numbers, minutes in rows
        if (total := sum(MINUTES[number] for number in numbers)) != int(minutes)
    ]
    assert not wrong, f"week, minutes in docs/course.md, sum of its exercises: {wrong}"


def test_the_term_uses_every_exercise_once_and_its_sums_are_right():
    term = next(rows for rows in tables(COURSE) if rows[0][:3] == ["week", "shown", "min"])
    used = [number for row in term[1:] for cell in (row[5], row[7]) for number in numbers_named(cell)]
    assert sorted(used) == sorted(MINUTES)
    to_read = sum(minutes_to_read_and_run(path)[0] for path in PATHS.values())
    assert f"{to_read:g} minutes to read, {sum(MINUTES.values())} of exercises" in " ".join(COURSE.split())


def test_minutes_in_brackets_behind_exercises_are_theirs():
    found = re.findall(r"with ((?:\d+\.\d+(?:–\d+\.\d+)?(?:,| and)? )+)\((\d+)\)", " ".join(COURSE.split()))
    assert found
    for numbers, minutes in found:
        assert sum(MINUTES[number] for number in numbers_named(numbers)) == int(minutes), numbers


def test_every_exercise_that_the_course_names_exists():
    outcomes = COURSE.split("## 3 ")[1].split("\n## ")[0]
    named = {number for text in re.findall(r"\(([^)]*)\)", outcomes) for number in numbers_named(text)}
    assert named == set(MINUTES), "docs/course.md, section 3: every exercise tests something, once"
