"""The site as it is built: no warning, no dead link, nothing from elsewhere, no serious barrier."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import axe_playwright_python
import pytest
from waiting import SECONDS

from labutils.exercises.registry import exercises_of
from labutils.upkeep import site

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text("utf-8")
LESSONS = sorted(path.stem for path in (site.ROOT / "notebooks").glob("*.ipynb"))


class Page(HTMLParser):
    """What a page points to, what can be pointed at in it, its headings, and images without a text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets, self.names, self.headings, self.without_text = [], set(), [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "article":  # what stands before is the theme's
            self.headings = []
        self.names |= {attributes.get("id"), attributes.get("name")}
        if tag != "form":
            self.targets += [attributes[kind] for kind in ("href", "src") if attributes.get(kind)]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and not attributes.get("alt"):
            self.without_text.append(attributes.get("src"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert site.build(folder, "https://github.com/OWNER/NAME") == 0
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    others = {path for part in ("_static", "slides") for path in (folder / part).rglob("*.html")}
    paths = sorted(set(folder.rglob("*.html")) - others)
    return {path: Page(path) for path in paths}


def test_links_and_pictures_of_the_site_exist(pages):
    dead = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            if not there.exists() or (parts.fragment and unquote(parts.fragment) not in pages[there].names):
                dead.append(f"{path.name}: {target}")
    assert not dead


def test_every_lesson_is_a_page_with_its_figures_described_and_its_headings_in_order(folder, pages):
    for name in LESSONS:
        page = pages[folder / "notebooks" / f"{name}.html"]
        assert not page.without_text
        assert page.headings[0] == 1 and page.headings.count(1) == 1
        assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:]))


def test_hints_and_solutions_are_folded_below_their_exercise(folder):
    for name in LESSONS:
        text = (folder / "notebooks" / f"{name}.html").read_text("utf-8")
        for exercise in exercises_of(int(name[:2])):
            title = f"<details><summary>Exercise {exercise.number}: hints and solution</summary>"
            assert text.count(title) == 1


def test_answers_of_the_concept_tests_are_left_out(folder):
    assert not list(folder.rglob("*answers*")) and not (folder / "docs" / "concept_tests").exists()


def test_no_page_needs_a_network_or_has_a_serious_barrier(folder, pages, chromium):
    context = chromium.new_context(viewport={"width": 1300, "height": 900}, color_scheme="light")
    context.set_default_timeout(SECONDS * 1000)
    tab = context.new_page()
    elsewhere, barriers = [], []
    tab.on("request", lambda request: elsewhere.append(request.url))
    for path in pages:
        tab.emulate_media(color_scheme="light")
        tab.goto(path.as_uri())
        tab.add_style_tag(content="* {transition: none !important}")  # no colours that fade
        tab.evaluate(AXE)
        # code has the same colours on all pages: two lessons with it, the others without, in half the time
        left_out = [["mjx-container"], *([] if path.stem in (LESSONS[0], LESSONS[5]) else [[".highlight"]])]
        for theme in ("light", "dark"):
            tab.emulate_media(color_scheme=theme)
            tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            options = {"resultTypes": ["violations"]} | (
                {"runOnly": ["color-contrast"]} if theme == "dark" else {}
            )
            found = tab.evaluate("([out, how]) => axe.run({exclude: out}, how)", [left_out, options])[
                "violations"
            ]
            barriers += [
                f"{path.name}, {theme}: {one['id']}: {one['nodes'][0]['html'][:200]}"
                for one in found
                if one["impact"] in ("serious", "critical") or one["id"] == "heading-order"
            ]
    context.close()
    assert not barriers
    assert all(url.startswith(("file:", "data:", "blob:")) for url in elsewhere)


def test_the_search_finds_a_word_and_the_keyboard_reaches_the_text(folder, chromium):
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto((folder / "search.html").as_uri() + "?q=exploding")
    tab.locator("#search-results li a").first.wait_for(timeout=SECONDS * 1000)
    assert "01 · Recurrent networks" in tab.locator("#search-results").inner_text()
    tab.goto((folder / "notebooks" / f"{LESSONS[3]}.html").as_uri())
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
    context.close()


def test_math_is_set_without_a_network(folder, chromium):
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto((folder / "notebooks" / f"{LESSONS[1]}.html").as_uri())
    tab.locator("mjx-container").first.wait_for(timeout=SECONDS * 1000)
    assert tab.locator("mjx-merror").count() == 0
    context.close()


def test_buttons_lead_to_the_repository_that_was_named(folder):
    text = (folder / "notebooks" / f"{LESSONS[0]}.html").read_text("utf-8")
    assert f"https://mybinder.org/v2/gh/OWNER/NAME/main?urlpath=lab/tree/notebooks/{LESSONS[0]}.ipynb" in text


@pytest.mark.parametrize("name", LESSONS)
def test_slides_open_without_a_network_and_have_no_error(folder, chromium, name):
    context = chromium.new_context(viewport={"width": 1100, "height": 720})
    tab = context.new_page()
    elsewhere, errors = [], []
    tab.on("request", lambda request: elsewhere.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto((folder / "slides" / f"{name}.html").as_uri())
    tab.wait_for_function("window.Reveal && Reveal.isReady()", timeout=SECONDS * 1000)
    assert tab.evaluate("Reveal.getTotalSlides()") >= 8
    assert tab.locator("aside.notes").count() >= 8  # the prose
    assert not errors and all(url.startswith(("file:", "data:", "blob:")) for url in elsewhere)
    context.close()
