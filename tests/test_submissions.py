"""Submissions are found whatever they are called and wherever they lie, and read in whatever state."""

import io
import json
import os
import zipfile

import pytest
from nbformat import v3, validate
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes

from labutils.exercises.grading import submissions
from labutils.exercises.grading.submissions import (
    Submission,
    UnreadableError,
    find_submissions,
    printable,
    read_notebook,
)

NOTEBOOK = writes(new_notebook(cells=[new_markdown_cell("# 01"), new_code_cell("1 + 1")])).encode()


def zipped(files, **options):
    """A zip, as bytes, of these files: names → content."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


def written(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def names(path):
    return [submission.name for submission in find_submissions(path)[0]]


@pytest.mark.parametrize(
    "name",
    ["a.ipynb", "A.IPYNB", "a.ipynb.txt", "a.ipynb.json", "a (1).ipynb", "a.Ipynb.Txt", "b/c d/ä.ipynb"],
)
def test_notebooks_are_found_whatever_they_are_called(tmp_path, name):
    written(tmp_path, {name: b"no notebook at all"})  # a damaged one is a row as well
    assert names(tmp_path) == [name]
    (tmp_path / "all.zip").write_bytes(zipped({name: NOTEBOOK}))
    assert sorted(names(tmp_path)) == sorted([name, f"all.zip/{name}"])
    assert names(tmp_path / "all.zip") == [name]


def test_they_come_in_the_order_of_their_names(tmp_path):
    files = {
        f"{name}.ipynb": content.encode()
        for name, content in {"b": "1", "c": "0", "a": "2", "0": "3"}.items()
    }
    assert names(written(tmp_path, files)) == ["0.ipynb", "a.ipynb", "b.ipynb", "c.ipynb"]
    (tmp_path / "d.zip").write_bytes(zipped(files))
    assert names(tmp_path / "d.zip") == ["0.ipynb", "a.ipynb", "b.ipynb", "c.ipynb"]


@pytest.mark.parametrize("name", ["a.json", "a", "a.txt", "a.ipynb.docx", "a.ipynb.download", "a.ipynb~"])
def test_other_files_count_where_they_hold_a_notebook(tmp_path, name):
    files = {name: NOTEBOOK, f"other/{name}": b'{"cells": 3}', f"third/{name}": b"PK or whatever"}
    found, notices = find_submissions(written(tmp_path, files))
    assert [submission.name for submission in found] == [name]
    assert notices == [f"2 other files are not graded: other/{name}, third/{name}"]


def test_what_programs_leave_is_skipped_without_a_word(tmp_path):
    left = ["__MACOSX/._a.ipynb", "__MACOSX/a/b.ipynb", "._a.ipynb", "b/._a.ipynb", ".DS_Store"]
    left += [".ipynb_checkpoints/a-checkpoint.ipynb", "b/.ipynb_checkpoints/a.ipynb", "Thumbs.db"]
    files = {"a.ipynb": NOTEBOOK} | {name: NOTEBOOK for name in left}
    (tmp_path / "all.zip").write_bytes(zipped(files))
    found, notices = find_submissions(written(tmp_path, files))
    assert [submission.name for submission in found] == ["a.ipynb", "all.zip/a.ipynb"] and notices == []


def test_everything_else_is_named_what_may_hold_a_notebook_first(tmp_path):
    files = ["a.py", "b.csv", "c/d.png", "e.ipynb.pdf", "f.rar"]
    written(tmp_path, {"01.ipynb": NOTEBOOK} | {name: b"\x89 something" for name in files})
    assert find_submissions(tmp_path)[1] == [
        "5 other files are not graded: e.ipynb.pdf, f.rar, a.py and 2 more"
    ]
    one = written(tmp_path / "one", {"01.ipynb": NOTEBOOK, "a\x1b[31m.py": b""})
    assert find_submissions(one)[1] == ["1 other file is not graded: a [31m.py"]


MOODLE = "Zoë Núñez-O’Hara_123456_assignsubmission_file_"
SENDERS = [
    (f"{MOODLE}/x.ipynb", "Zoë Núñez-O’Hara", "123456"),
    (f"{MOODLE}/deeper/x.ipynb", "Zoë Núñez-O’Hara", "123456"),
    (f"{MOODLE}01.ipynb", "Zoë Núñez-O’Hara", "123456"),
    ("Ann_7_assignsubmission_file_/01.ipynb", "Ann", "7"),
    ("Zoë Núñez_123456/x.ipynb", "Zoë Núñez", "123456"),
    ("Group A-Zoë Núñez_123456_assignsubmission_file/x.ipynb", "Group A-Zoë Núñez", "123456"),
    ("nunezzoe_LATE_12345_67890_01.ipynb", "nunezzoe", "12345"),
    ("nunezzoe_12345_67890_01-2.ipynb", "nunezzoe", "12345"),
    ("nunezzoe_12345_67890_mine.zip/01.ipynb", "nunezzoe", "12345"),
    ("01_recurrent_networks.ipynb", "", ""),
    ("lab_01/01_2.ipynb", "", ""),
    ("backup_2024_11_28.ipynb", "", ""),
]


@pytest.mark.parametrize("name, student, identifier", SENDERS)
@pytest.mark.parametrize("whole", ["folder", "zip", "zip in the folder"])
def test_the_student_is_read_from_the_path(tmp_path, name, student, identifier, whole):
    outer, _, inner = name.partition(".zip/")
    files = {f"{outer}.zip": zipped({inner: NOTEBOOK})} if inner else {name: NOTEBOOK}
    path = tmp_path / "class.zip" if whole == "zip" else tmp_path
    written(tmp_path, files if whole == "folder" else {"class.zip": zipped(files)})
    (found,) = find_submissions(path)[0]
    prefix = "class.zip/" if whole == "zip in the folder" else ""
    assert found == Submission(prefix + name, NOTEBOOK, student, identifier)
    assert len(found.digest) == 16 and found.digest != Submission("", b"").digest


def test_names_that_macos_wrote_into_a_zip_keep_their_accents(tmp_path):
    archive = zipped({"Zo\u0065\u0308 Nun\u0303ez_5_assignsubmission_file_/x.ipynb": NOTEBOOK})
    flag = 0x800.to_bytes(2, "little")
    assert archive.count(flag) >= 2
    (tmp_path / "a.zip").write_bytes(archive.replace(b"\x14\0" + flag, b"\x14\0\0\0"))  # not marked as UTF-8
    assert find_submissions(tmp_path)[0][0].student == "Zoë Nuñez"


def test_a_zip_in_a_zip_is_opened_and_a_third_is_named(tmp_path):
    third = zipped({"x.ipynb": NOTEBOOK})
    second = zipped({"01.ipynb": NOTEBOOK, "old.zip": third})
    (tmp_path / "class.zip").write_bytes(zipped({"Ann_1_assignsubmission_file_/mine.ZIP": second}))
    found, notices = find_submissions(tmp_path / "class.zip")
    assert [submission.name for submission in found] == ["Ann_1_assignsubmission_file_/mine.ZIP/01.ipynb"]
    assert "mine.ZIP/old.zip is a zip in a zip in a zip: it is not opened" in notices[0]


def with_a_flag(archive):
    """The same zip, each file marked as encrypted."""
    return archive.replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0").replace(
        b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"
    )


@pytest.mark.parametrize(
    "archive, words",
    [
        (b"", "cannot be read: File is not a zip file"),
        (b"Rar!\x1a\7\1\0 and so on", "cannot be read: File is not a zip file"),
        (zipped({"a.ipynb": NOTEBOOK})[:-30], "cannot be read: File is not a zip file"),
        (with_a_flag(zipped({"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK})), "a.ipynb (it needs a password), b"),
        (zipped({"a.ipynb": b" " * 30_000_000}), "a.ipynb (it grows more than a hundredfold"),
        (zipped({"b.json": b'{"cells": ' + b" " * 9_000_000, "c.zip": b"0" * 9_000_000}), "b.json (it grows"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("depth", [0, 1])
def test_a_zip_that_cannot_be_read_is_named_and_stops_nobody(tmp_path, archive, words, depth):
    name = "bad.zip" if depth == 0 else "class.zip"
    content = archive if depth == 0 else zipped({"bad.zip": archive})
    found, notices = find_submissions(written(tmp_path, {"good.ipynb": NOTEBOOK, name: content}))
    assert "good.ipynb" in [submission.name for submission in found]
    assert [words in notice and "bad.zip" in notice for notice in notices] == [True]
    with pytest.raises(FileNotFoundError, match="bad.zip"):
        find_submissions(tmp_path / name)


def test_damaged_bytes_in_a_zip_stop_only_their_file(tmp_path):
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.ipynb", NOTEBOOK)
        archive.writestr("b.ipynb", NOTEBOOK.replace(b"1 + 1", b"1 + 2"))
    (tmp_path / "class.zip").write_bytes(stored.getvalue().replace(b"1 + 1", b"1 + 9"))
    found, notices = find_submissions(tmp_path)
    assert [submission.name for submission in found] == ["class.zip/b.ipynb"]
    assert len(notices) == 1 and "class.zip/a.ipynb cannot be read: Bad CRC-32" in notices[0]


def test_there_are_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST_FILE", 5 * len(NOTEBOOK))
    large = NOTEBOOK.replace(b"1 + 1", os.urandom(3 * len(NOTEBOOK)).hex().encode())
    written(
        tmp_path, {"large.ipynb": large, "class.zip": zipped({"large.ipynb": large, "a.ipynb": NOTEBOOK})}
    )
    found, notices = find_submissions(tmp_path)
    assert [submission.name for submission in found] == ["class.zip/a.ipynb", "large.ipynb"]
    assert notices == ["class.zip: large.ipynb (larger than 0 MB) cannot be taken out"]
    with pytest.raises(UnreadableError, match="larger than 0 MB: clear its outputs"):
        read_notebook(found[1].content)
    monkeypatch.setattr(submissions, "_LARGEST_ZIP", 2 * len(NOTEBOOK))
    (tmp_path / "class.zip").write_bytes(zipped({f"{n}.ipynb": NOTEBOOK for n in range(9)}))
    found, notices = find_submissions(tmp_path / "class.zip")
    assert len(found) == 2 and "2.ipynb (the zip holds too much), 3" in notices[0] and "4 more" in notices[0]


def test_a_student_sends_at_most_fifty(tmp_path):
    many = zipped({f"{n:02d}.ipynb": NOTEBOOK for n in range(70)})
    (tmp_path / "class.zip").write_bytes(zipped({"a.zip": many, "b.ipynb": NOTEBOOK}))
    found, notices = find_submissions(tmp_path / "class.zip")
    assert len(found) == 51 and "b.ipynb" in [submission.name for submission in found]
    assert "a.zip: 50.ipynb (the zip holds too much)" in notices[0] and "17 more" in notices[0]


@pytest.mark.parametrize(
    "name, cleaned",
    [
        ("../../etc/a.ipynb", "etc/a.ipynb"),
        ("/etc/a.ipynb", "etc/a.ipynb"),
        ("..\\..\\a.ipynb", "a.ipynb"),
        ("a/./b//c.ipynb", "a/b/c.ipynb"),
        ("a\x1b]0;\x07\u202e.ipynb", "a ]0;  .ipynb"),
    ],
)
def test_no_name_leads_out_of_the_folder_or_to_the_terminal(tmp_path, name, cleaned):
    (tmp_path / "a.zip").write_bytes(zipped({name: NOTEBOOK}))
    assert names(tmp_path / "a.zip") == [cleaned] and list(tmp_path.iterdir()) == [tmp_path / "a.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_of_one_name_are_told_apart(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x.ipynb", "x.ipynb", "../x.ipynb"):
            archive.writestr(name, NOTEBOOK)
    assert names(tmp_path / "a.zip") == ["x.ipynb", "x.ipynb (2)", "x.ipynb (3)"]


def test_links_that_lead_out_of_the_folder_are_named(tmp_path):
    outside = written(tmp_path / "outside", {"secret.ipynb": NOTEBOOK})
    folder = written(tmp_path / "folder", {"a.ipynb": NOTEBOOK})
    try:
        (folder / "link.ipynb").symlink_to(outside / "secret.ipynb")
        (folder / "b.ipynb").symlink_to(folder / "a.ipynb")
        (folder / "gone.ipynb").symlink_to(folder / "nowhere.ipynb")
        (folder / "all").symlink_to(outside)
    except OSError:
        pytest.skip("this system lets nobody make links")
    found, notices = find_submissions(folder)
    assert [submission.name for submission in found] == ["a.ipynb", "b.ipynb"]
    assert notices == ["3 other files are not graded: gone.ipynb, link.ipynb, all"]


def test_a_wrong_path_is_answered_in_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder or zip .*nowhere"):
        find_submissions(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"there is no notebook \(\*\.ipynb\) in"):
        find_submissions(tmp_path)
    written(tmp_path, {"a.rar": b"", "b.py": b""})
    with pytest.raises(FileNotFoundError, match="2 other files are not graded: a.rar, b.py"):
        find_submissions(tmp_path)
    with pytest.raises(FileNotFoundError, match="1 other file is not graded: b.py"):
        find_submissions(tmp_path / "b.py")
    written(tmp_path, {"one.ipynb": NOTEBOOK})
    assert names(tmp_path / "one.ipynb") == ["one.ipynb"]


# --- reading ---


def document(**cell):
    cell = {"cell_type": "code", "source": "1 + 1", "outputs": [], "metadata": {}} | cell
    left = {name: value for name, value in cell.items() if value != "left out"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [left, "no cell", None, [1]]}


CODE = document()["cells"][0]
OLD = v3.new_notebook(worksheets=[v3.new_worksheet(cells=[v3.new_code_cell("1 + 1")])])
READABLE = {
    "as it should be": document(),
    "no source": document(source="left out"),
    "source null": document(source=None),
    "source a number": document(source=3),
    "source a list": document(source=["1 +", " 1"]),
    "lines with their ends": document(source=["x = 1\n", "1 + 1"]),
    "lines without their ends": document(source=["x = 1", "1 + 1"]),
    "outputs null": document(outputs=None),
    "no outputs": document(outputs="left out"),
    "outputs of no kind": document(outputs=[None, 3, {}, {"output_type": "stream", "text": None}]),
    "metadata null": document(metadata=None),
    "no metadata": document(metadata="left out"),
    "ids twice": {"cells": [CODE | {"id": "a"}, CODE | {"id": "a"}]},
    "an id that is none": document(id=["a b"]),
    "no format": {"cells": [CODE]},
    "a format to come": {"cells": [CODE], "nbformat": 5, "nbformat_minor": 99},
    "no type": document(cell_type="left out", outputs="left out"),
    "a type of no kind": document(cell_type=["code"]),
    "format 3": json.loads(v3.writes_json(OLD)),
    "no cells": {"cells": []},
}
EXPECTED = {
    "no source": [""],
    "source null": [""],
    "source a number": [""],
    "source a list": ["1 +\n 1"],
    "lines with their ends": ["x = 1\n1 + 1"],
    "lines without their ends": ["x = 1\n1 + 1"],
    "ids twice": ["1 + 1", "1 + 1"],
    "no cells": [],
}


@pytest.mark.parametrize("what", READABLE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_can_be_repaired_is_read(what, encoding):
    notebook = read_notebook(json.dumps(READABLE[what]).encode(encoding))
    assert [cell.source for cell in notebook.cells] == EXPECTED.get(what, ["1 + 1"])
    assert all(cell.cell_type == "code" for cell in notebook.cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    validate(notebook)


def test_letters_that_are_none_do_not_stop_the_others():
    half = read_notebook(json.dumps(document(source="x = '\ud800'")).encode())
    assert half.cells[0].source == "x = '?'"
    latin = json.dumps(document(source="x = 1  # é"), ensure_ascii=False).encode("cp1252")
    assert read_notebook(latin).cells[0].source == "x = 1  # \ufffd"
    windows = read_notebook(json.dumps(document(source="x = 1\r\ny = 2")).encode() + b"\0\0\0")
    assert windows.cells[0].source == "x = 1\ny = 2"
    raw = json.dumps(document(source="x = 1\ny = 2")).replace("\\n", "\n").encode()  # no JSON, strictly
    assert read_notebook(raw).cells[0].source == "x = 1\ny = 2"


def test_what_was_printed_is_kept_and_text_is_no_code():
    outputs = [new_output("stream", text="Exercise 1.2: right.\n"), new_output("display_data")]
    cells = [new_markdown_cell("1 + 1"), new_code_cell("2", outputs=outputs)]
    text, code = read_notebook(writes(new_notebook(cells=cells)).encode()).cells
    assert (text.cell_type, code.cell_type) == ("markdown", "code")
    assert [output.text for output in code.outputs] == ["Exercise 1.2: right.\n"]


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "the file is empty: save the notebook"),
        (b" \n\0\0", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"[]", "holds a list, not a notebook: hand in the .ipynb file itself"),
        (b"3.5", "holds a number"),
        (b"null", "holds nothing"),
        (b'"text"', "holds a text"),
        (b"{}", "has no list of cells"),
        (b'{"cells": null}', "has no list of cells"),
        (b'{"cells": {"0": {}}, "worksheets": 3}', "has no list of cells"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"\n<html>", "is a web page"),
        (b"%PDF-1.7 \x00\x01", "is a PDF"),
        (zipped({"word/document.xml": b""}), "is a zip or Office document"),
        (NOTEBOOK[: len(NOTEBOOK) // 2], "is cut off in the middle, after "),
        (NOTEBOOK[:-3], "is cut off in the middle"),
        (b"{'this is': no JSON", "is damaged, or not a notebook: .* \\(line 1, column 2"),
        (NOTEBOOK + b"x" * 20, "is damaged"),
        (b"<<<<<<< HEAD\n" + NOTEBOOK, "unfinished merge"),
        (b"{\n<<<<<<< HEAD\n" + NOTEBOOK, "unfinished merge"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"cells": ' + b"9" * 5000 + b"}", "a number of thousands of digits"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is damaged"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_words_for_the_student(content, words):
    with pytest.raises(UnreadableError, match=words) as error:
        read_notebook(content)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize("text, shown", [("a\tb\x00", "a b "), ("é", "é"), ("e\u0301", "é"), ("\udc80", " ")])
def test_only_what_can_be_printed_is_kept(text, shown):
    assert printable(text) == shown
