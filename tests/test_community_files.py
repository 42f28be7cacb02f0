"""What GitHub reads: how to cite, what has changed, the forms for issues, the checklist of a pull request."""

import re
import tomllib
from urllib.parse import urlsplit

import pytest
import yaml
from notebook_helpers import PATHS, ROOT, sources

from labutils.upkeep import installation

GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PAGES = [ROOT / "CITATION.cff", ROOT / "CHANGELOG.md", *GITHUB.glob("*.md"), *GITHUB.glob("ISSUE_TEMPLATE/*")]
CITATION, CHANGELOG, LICENSE, CONTRIBUTING, CONSTRAINTS = (
    (ROOT / name).read_text("utf-8")
    for name in ("CITATION.cff", "CHANGELOG.md", "LICENSE", "CONTRIBUTING.md", "constraints.txt")
)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
HOSTS = {"aclanthology.org", "doi.org", "keepachangelog.com", "semver.org", "www.contributor-covenant.org"}

# For each type of element what its attributes must have, and what they may have (GitHub's form schema).
ATTRIBUTES = {
    "markdown": ({"value"}, set()),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def elements(form, *types):
    """The elements of a form that are of these types, or all of them."""
    body = yaml.safe_load(form.read_text("utf-8"))["body"]
    return [element for element in body if not types or element["type"] in types]


def is_text(value):
    """False for what YAML reads as a number or a truth value, such as 3.12, yes and no."""
    return isinstance(value, str) and bool(value.strip())


# --- how to cite, what has changed ------------------------------------------------------------------------


def test_the_citation_has_the_version_the_holder_and_the_licences_of_the_project():
    citation = yaml.safe_load(CITATION)
    assert {"cff-version", "message", "title", "type", "authors", "abstract", "keywords"} <= set(citation)
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["version"] == VERSION
    holders = set(re.findall(r"^Copyright \(c\) \d{4} (.+)$", LICENSE, re.M))
    assert {author["name"] for author in citation["authors"]} == holders
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    assert "MIT License" in LICENSE and "(CC BY 4.0)" in LICENSE


def test_what_is_cited_of_the_data_is_what_the_licence_says():
    said = " ".join(LICENSE.split())
    for reference in yaml.safe_load(CITATION)["references"]:
        assert f"“{reference['title']}”" in said or f'"{reference["title"]}' in said
        assert f"{reference.get('doi') or reference['url']}." in said and str(reference["year"]) in said
        for author in reference["authors"]:
            assert f"{author['given-names']} {author['family-names']}" in said


def test_the_newest_version_in_the_changelog_is_that_of_the_project():
    versions = re.findall(r"^## (.+)$", CHANGELOG, re.M)
    assert versions[0].split()[0] == VERSION
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \((?:unreleased|\d{4}-\d\d-\d\d)\)", line) for line in versions)
    assert sum("unreleased" in line for line in versions) <= 1


def test_the_changelog_names_notebooks_that_exist_or_once_did():
    named = set(re.findall(r"`(\d\d_\w+)`", CHANGELOG))
    assert named - {path.stem for path in PATHS.values()} <= {"03_simple_rnn_sentiment", "04_gru_sentiment"}


# --- issues -----------------------------------------------------------------------------------------------


def test_there_are_forms_with_names_of_their_own():
    names = [yaml.safe_load(form.read_text("utf-8"))["name"] for form in FORMS]
    assert len(set(names)) == len(names) >= 3
    chooser = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "config.yml").read_text("utf-8"))
    assert set(chooser) <= {"blank_issues_enabled", "contact_links"}
    assert isinstance(chooser["blank_issues_enabled"], bool)


@EVERY_FORM
def test_a_form_has_what_github_asks_of_it(form):
    content = yaml.safe_load(form.read_text("utf-8"))
    assert {"name", "description", "body"} <= set(content)
    assert set(content) <= {"name", "description", "body", "title", "labels", "assignees", "projects", "type"}
    assert len(content["name"]) > 3 and 3 < len(content["description"]) < 200
    assert all(map(is_text, [content["name"], content["description"], *content["labels"]]))


@EVERY_FORM
def test_the_elements_of_a_form_are_of_the_schema(form):
    for element in elements(form):
        needed, allowed = ATTRIBUTES[element["type"]]
        attributes = element["attributes"]
        assert needed <= set(attributes) <= needed | allowed, element
        assert all(
            is_text(value) for name, value in attributes.items() if name not in ("options", "multiple")
        )
        assert set(element) <= {"type", "id", "attributes", "validations"}
        validations = element.get("validations", {})
        assert set(validations) <= {"required"} and all(type(value) is bool for value in validations.values())


@EVERY_FORM
def test_what_can_be_filled_in_has_an_id_and_a_label_of_its_own(form):
    fields = elements(form, *set(ATTRIBUTES) - {"markdown"})
    ids = [field["id"] for field in fields]
    assert all(re.fullmatch(r"[\w-]+", name, re.A) for name in ids) and len(set(ids)) == len(ids)
    labels = [re.sub(r"\W+", "-", field["attributes"]["label"].lower()).strip("-") for field in fields]
    assert len(set(labels)) == len(labels)
    assert not any("password" in label for label in labels)  # GitHub refuses such a form
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert not any("id" in element for element in elements(form, "markdown"))


@EVERY_FORM
def test_what_can_be_chosen_is_text_said_once_and_never_none(form):
    for field in elements(form, "dropdown"):
        options = field["attributes"]["options"]
        assert all(map(is_text, options)) and len(set(options)) == len(options) >= 2
        assert "none" not in map(str.lower, options)


@EVERY_FORM
def test_a_form_names_notebooks_and_files_that_exist(form):
    text = form.read_text("utf-8")
    assert set(re.findall(r"\b\d\d_\w+", text)) <= {path.stem for path in PATHS.values()}
    for file in re.findall(r"\b[\w/]+\.(?:txt|yml|md)\b", text):
        assert (ROOT / file).is_file(), file


def test_a_fault_is_reported_with_what_notebook_00_prints_for_it():
    form = (GITHUB / "ISSUE_TEMPLATE" / "fault.yml").read_text("utf-8")
    assert "label: Operating system\n" in form and "label: Python version\n" in form
    asked = "`print(installation.report())`"
    assert asked in form and asked in PATHS[0].read_text("utf-8")
    assert "from labutils.upkeep import installation" in sources(PATHS[0])[0]
    command = re.search(r'python -c "(.+)"`', form)[1]
    assert command == "from labutils.upkeep import installation; print(installation.report())"
    assert callable(installation.report)


# --- pull requests, and every page ------------------------------------------------------------------------


def test_the_checklist_of_a_pull_request_is_that_of_contributing():
    checklist = (GITHUB / "pull_request_template.md").read_text("utf-8")
    commands = re.findall(r"`(python -m [^`]+)`", checklist)
    assert len(commands) >= 5 and all(command in CONTRIBUTING for command in commands)
    for file in re.findall(r"\b[\w/]+\.(?:py|md)\b", checklist):
        assert (ROOT / file).is_file(), file
    assert re.findall(r"^- \[(.)\] ", checklist, re.M) == [" "] * checklist.count("- [")


@EVERY_PAGE
def test_links_lead_to_known_hosts_and_nobody_is_named_by_address(page):
    text = page.read_text("utf-8")
    links = [urlsplit(link) for link in re.findall(r"\b\w+://[^\s)>\"'`]+", text)]
    assert all(link.scheme == "https" and link.hostname in HOSTS for link in links), links
    assert not re.search(r"\S+@\S+\.\w", text)
    relative = re.findall(r"\]\((?!https://)([^)#]+)[^)]*\)", text)
    assert all((page.parent / target).exists() for target in relative), relative


@EVERY_PAGE
def test_lines_are_at_most_120_characters_and_end_in_text(page):
    lines = page.read_text("utf-8").split("\n")
    assert max(map(len, lines)) <= 120 and lines[-1] == ""
    assert all(line == line.rstrip() for line in lines)


def test_what_reads_yaml_here_is_pinned():
    assert re.search(r"^pyyaml==", CONSTRAINTS, re.M)
