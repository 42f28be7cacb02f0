"""Reports: tables that spreadsheets and learning platforms read, and texts that can be sent to a student."""

import csv
import io
import re
from dataclasses import replace

import pytest

from labutils.exercises.grading import feedback, grade_table, platforms
from labutils.exercises.grading.graded_submission import Answer, GradedSubmission
from labutils.exercises.registry import exercises_of

POINTS = {exercise.number: exercise.points for exercise in exercises_of(1)}
WRONG = "Exercise 1.2: not yet. The bias is forgotten.\n\nExpected:\n  result  [[1, 2],\n           [3, 4]]"


def graded(file="a.ipynb", answers=None, **other):
    """A submission as the grader makes it: answers are labels, or labels and a fraction."""
    made = {}
    for number, answer in ({number: "not started" for number in POINTS} | (answers or {})).items():
        label, fraction = answer if isinstance(answer, tuple) else (answer, float(answer == "right"))
        text = WRONG if label.startswith("wrong") else f"Exercise {number}: {label}."
        made[number] = Answer.from_label(label, fraction * POINTS[number], text)
    submission = GradedSubmission(file, "graded", "0123456789abcdef", notebook_numbers=(1,), answers=made)
    return replace(submission, max_points=sum(POINTS.values()), **other)


def without_answers(file, **other):
    return replace(graded(file), **{"answers": {}, "max_points": 0} | other)


ZOE = {"student": "Zoë Núñez", "identifier": "123456"}
ANN = {"student": "Ann", "identifier": "7"}
EMPTY = without_answers(
    "c/c.ipynb", student="Бо", identifier="8", notebook_numbers=(), state="unreadable", reason="it is empty"
)
CLASS = [
    graded("z.ipynb", {"1.1": "right", "1.2": ("wrong: forgotten bias", 0.75)}, **ZOE),
    graded("a.ipynb", {number: "right" for number in POINTS}, **ANN),
    EMPTY,
]


def read(path):
    """The rows of a CSV as Excel, Moodle and Canvas find them: with a byte-order mark, UTF-8."""
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and not content.startswith(b'\xef\xbb\xbf"')
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


# --- the table ---


def test_the_table_has_a_row_for_each_file_and_two_columns_for_each_exercise():
    table = grade_table.table_of(CLASS)
    assert table.file.tolist() == ["a.ipynb", "c/c.ipynb", "z.ipynb"]
    assert list(table.columns[:12]) == [*grade_table._COLUMNS, "1.1", "1.1 points"]
    assert table.columns[-1] == "digest" and not any("feedback" in name for name in table.columns)
    assert table["1.2"].tolist() == ["right", "", "wrong: forgotten bias"]
    assert table["1.2 points"].tolist() == [2.0, "", 1.5]
    two = grade_table.table_of(
        [graded(), without_answers("b", answers={"2.1": Answer.from_label("right", 1.0)})]
    )
    assert [name for name in two.columns if name.startswith("2")] == ["2.1", "2.1 points"]
    assert list(grade_table.table_of([]).columns) == [*grade_table._COLUMNS, "digest"]


@pytest.mark.parametrize(
    "cell, written",
    [
        ("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("+1", "'+1"), (" =1", "' =1"),
        ("\t=1", "' =1"), ("＝1", "'＝1"), ("a\nb", "a b"), ("\x1b[31m", " [31m"), (3, 3), (1.5, "1.5"),
        (2 / 3, "0.67"), (4.0, "4"), (1234.125, "1234.12"),
    ],
)  # fmt: skip
def test_no_cell_becomes_a_formula(cell, written):
    assert grade_table._harmless(cell) == written


@pytest.mark.parametrize(
    "name", ["Zoë/Núñez.ipynb", "李雷, =x.ipynb", '=HYPERLINK("x").ipynb', "-a;b.ipynb", "'a"]
)
def test_what_is_written_is_read_again(tmp_path, name):
    rows = [graded(name, {"1.1": "right", "1.2": ("wrong: - it's", 0.5)}, reason="@all", **ZOE), EMPTY]
    path = tmp_path / "grades.csv"
    grade_table.write_csv(grade_table.table_of(rows), path)
    assert all(value[:1] not in tuple("=+-@") for line in read(path) for value in line.values())
    again = {found.file: found for found in grade_table.read_csv(path)}
    assert again[name] == without_feedback(rows[0]) and again["c/c.ipynb"] == EMPTY
    assert grade_table.table_of(list(again.values())).equals(grade_table.table_of(rows))


def without_feedback(submission):
    answers = {number: replace(answer, feedback="") for number, answer in submission.answers.items()}
    return replace(submission, answers=answers)


def test_what_is_said_to_students_is_kept_beside_the_table(tmp_path):
    table, texts = tmp_path / "grades.csv", tmp_path / "grades_texts.json"
    grade_table.write_csv(grade_table.table_of(CLASS), table)
    feedback.write_texts(CLASS, texts)
    again = feedback.with_texts(grade_table.read_csv(table), texts)
    assert {found.file: found for found in again} == {made.file: made for made in CLASS}


@pytest.mark.parametrize(
    "kept", ["", "[1]", '{"a/a.ipynb": 3}', '{"a/a.ipynb": {"1.2 feedback": 1, "9": "x"}}']
)
def test_texts_that_are_lost_or_spoiled_do_no_harm(tmp_path, kept):
    (tmp_path / "texts.json").write_text(kept)
    assert feedback.with_texts(CLASS, tmp_path / "texts.json") == CLASS
    assert feedback.with_texts(CLASS, tmp_path / "nowhere.json") == CLASS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_that_a_spreadsheet_has_stored_is_read(tmp_path, encoding, delimiter):
    path = tmp_path / "grades.csv"
    grade_table.write_csv(grade_table.table_of(CLASS[:1]), path)
    (stored,) = read(path)
    stored |= {"notebook": "1", "points": "2,5", "1.2 points": "1,5"}
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(stored), delimiter=delimiter)
        writer.writeheader()
        writer.writerow(stored)
    (found,) = grade_table.read_csv(path)
    assert found.student == "Zoë Núñez" and found.notebook_numbers == (1,)
    assert (found.points, found.answers["1.2"].points, found.right) == (2.5, 1.5, 1)


def test_what_a_teacher_has_changed_in_the_table_or_left_out_of_it_is_taken_as_it_is(tmp_path):
    path = tmp_path / "grades.csv"
    table = grade_table.table_of(CLASS[:1]).assign(state="excused").drop(columns=["remark", "right", "of"])
    grade_table.write_csv(table, path)
    (found,) = grade_table.read_csv(path)
    assert found == replace(without_feedback(CLASS[0]), state="excused", max_points=0)
    assert not found.was_stopped and grade_table.line_of(found).endswith("points, excused")


def test_a_row_that_a_spreadsheet_has_spoiled_is_left_out(tmp_path):
    path = tmp_path / "grades.csv"
    grade_table.write_csv(grade_table.table_of([*CLASS, graded("d.ipynb")]), path)
    text = path.read_text("utf-8-sig")
    spoiled = re.sub(r"^(d.ipynb,.*?),0,0,", r"\1,03. Mai,0,", text, flags=re.M)
    path.write_text(spoiled, "utf-8")
    assert spoiled != text and {found.file for found in grade_table.read_csv(path)} == {
        made.file for made in CLASS
    }
    path.write_text(re.sub(r"\b1\.(\d)\b", r"0\1. Jan", text), "utf-8")  # numbers of exercises as dates
    with pytest.raises(ValueError, match=r"not of such a table: 01\. Jan.*write it back"):
        grade_table.read_csv(path)


def test_points_that_a_teacher_changes_are_counted_and_told_as_the_teachers(tmp_path):
    path = tmp_path / "grades.csv"
    table = grade_table.table_of(CLASS[:1])
    grade_table.write_csv(table.assign(**{"1.2 points": POINTS["1.2"]}), path)
    (found,) = grade_table.read_csv(path)
    assert found.points == CLASS[0].points + 0.5 and found.right == CLASS[0].right
    told = feedback.text_for([found])
    assert (
        f"{POINTS['1.2']} of {POINTS['1.2']} points, given by your teacher" in told and "not yet" not in told
    )
    grade_table.write_csv(table.assign(**{"1.2 points": 9}), path)
    with pytest.raises(ValueError, match=r"z.ipynb: 1\.2 has 9 points, and its most are 2"):
        grade_table.read_csv(path)


@pytest.mark.parametrize("text", ["", "name,grade\nAnn,5\n", "file;state\na;b\n", "\x00\x01", "x" * 200_000])
def test_another_file_is_no_table_of_grades(tmp_path, text):
    (tmp_path / "other.csv").write_text(text)
    with pytest.raises(ValueError, match=r"other.csv is no table of grades: it has no column .*digest"):
        grade_table.read_csv(tmp_path / "other.csv")


def test_an_empty_table_is_one(tmp_path):
    grade_table.write_csv(grade_table.table_of([]), tmp_path / "empty.csv")
    assert grade_table.read_csv(tmp_path / "empty.csv") == []


@pytest.mark.parametrize(
    "made, line",
    [
        (CLASS[0], "z.ipynb: 1 of 7 right, 2.5 of {of} points"),
        (graded("\x1b", state="hung", reason="late"), " : 0 of 7 right, 0 of {of} points, hung (late)"),
        (EMPTY, "c/c.ipynb: unreadable (it is empty)"),
        (graded(remark="check\n replaced"), "a.ipynb: 0 of 7 right, 0 of {of} points (check  replaced)"),
    ],
)  # fmt: skip
def test_a_row_is_a_line(made, line):
    assert len(POINTS) == 7 and grade_table.line_of(made) == line.format(of=sum(POINTS.values()))


def test_the_wrong_answers_are_counted_and_the_worst_are_told():
    wrong = {"1.2": "wrong: forgotten bias", "1.3": "not reached", "1.4": "missing"}
    rows = [graded(f"{n}.ipynb", wrong) for n in range(3)] + [graded("x", {"1.2": "too slow"}), *CLASS]
    counted = grade_table.common_mistakes(rows).set_index(["exercise", "answer"]).notebooks.to_dict()
    assert counted == {("1.2", "wrong: forgotten bias"): 4, ("1.2", "too slow"): 1}
    lines = grade_table.summary(rows)
    assert lines[:3] == [
        "6 graded",
        "1 unreadable",
        f"4 × 1.2 ({exercises_of(1)[1].title}): wrong: forgotten bias",
    ]
    assert grade_table.common_mistakes([]).empty and grade_table.summary([]) == []


# --- learning platforms ---


def test_the_worksheet_of_moodle_has_what_its_importer_asks_for(tmp_path):
    notices = platforms.write_moodle([*CLASS, graded("lost.ipynb")], tmp_path / "moodle.csv")
    lines = {line["Identifier"]: line for line in read(tmp_path / "moodle.csv")}
    assert set(lines) == {"Participant 123456", "Participant 7", "Participant 8"}
    assert lines["Participant 7"]["Last modified (grade)"] == ""
    assert [lines[f"Participant {n}"]["Grade"] for n in ("123456", "7", "8")] == [
        "2.5",
        f"{sum(POINTS.values())}",
        "",
    ]
    comment = lines["Participant 123456"]["Feedback comments"]
    assert "1.5 of 2 points<br>Exercise 1.2: not yet. The bias" in comment and "\n" not in comment
    assert lines["Participant 123456"]["Full name"] == "Zoë Núñez"
    assert "c.ipynb: it is empty." in lines["Participant 8"]["Feedback comments"]
    assert "Full Name_123456_assignsubmission_file_: lost.ipynb (1 in all)" in notices[0]
    assert notices[1] == "no grade, because no answer could be judged: Бо (1 in all)"
    assert f"set its maximum grade to {sum(POINTS.values())} " in notices[-1] and len(notices) == 3
    assert "'Offline grading worksheet'" in notices[-1]


@pytest.mark.parametrize("state", ["hung", "crashed"])
@pytest.mark.parametrize("write", [platforms.write_moodle, platforms.write_canvas])
def test_who_was_stopped_is_named_before_the_grades_are_uploaded(tmp_path, write, state):
    stopped = graded("late.ipynb", {"1.1": "right", "1.2": "not reached"}, state=state, **ZOE)
    notices = write([stopped, CLASS[1]], tmp_path / "grades.csv")
    assert re.fullmatch(
        r"not run to the end: what could be judged .* counts: late.ipynb \(1 in all\)", notices[0]
    )
    assert len(notices) == 2 and len(write([CLASS[1]], tmp_path / "grades.csv")) == 1


def test_the_gradebook_of_canvas_has_what_its_importer_asks_for(tmp_path):
    notices = platforms.write_canvas([*CLASS, graded("lost.ipynb")], tmp_path / "canvas.csv")
    possible, ann, zoe = read(tmp_path / "canvas.csv")  # who has no grade is left out
    assert list(zoe) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Notebook 01"]
    assert (
        possible["Student"].strip() == "Points Possible"
        and possible["Notebook 01"] == f"{sum(POINTS.values())}"
    )
    assert (zoe["Student"], zoe["ID"], zoe["Notebook 01"]) == ("Zoë Núñez", "123456", "2.5")
    assert (ann["ID"], ann["Notebook 01"]) == ("7", f"{sum(POINTS.values())}")
    assert "lastnamefirstname_12345_67890_: lost.ipynb" in notices[0] and "Бо" in notices[1]
    assert "put for 'Notebook 01' what stands above" in notices[-1]


@pytest.mark.parametrize("write", [platforms.write_moodle, platforms.write_canvas])
def test_of_several_files_the_best_answer_to_each_exercise_counts(tmp_path, write):
    first = graded("1.ipynb", {"1.1": "right", "1.2": ("wrong: x", 0.5), "1.3": "missing"}, **ZOE)
    second = graded("2.ipynb", {"1.2": ("wrong: y", 0.75)}, **ZOE)
    second.answers["1.3"] = Answer.from_label("wrong: 600", 0.0, "600?")
    empty = replace(EMPTY, **ZOE)
    other = without_answers(
        "3.ipynb", notebook_numbers=(2,), answers={"2.1": Answer.from_label("right", 1.0)}, **ZOE
    )
    notices = write([second, first, empty, other], tmp_path / "grades.csv")
    line = read(tmp_path / "grades.csv")[-1]
    assert "3.5" in (line.get("Grade"), line.get("Notebook 01 02"))
    assert "several files of one student: of each exercise the best answer counts: Zoë Núñez" in notices[0]
    if "Feedback comments" in line:
        assert "1.5 of 2 points<br>Exercise 1.2: not yet." in line["Feedback comments"]
        assert (
            "0 of 1 points<br>600?" in line["Feedback comments"]
            and "missing" not in line["Feedback comments"]
        )
        assert float(line["Maximum Grade"]) == sum(e.points for n in (1, 2) for e in exercises_of(n))


@pytest.mark.parametrize("write", [platforms.write_moodle, platforms.write_canvas])
def test_platforms_get_a_file_even_where_nobody_is_known(tmp_path, write):
    notices = write([graded(f"{n}.ipynb") for n in range(9)], tmp_path / "grades.csv")
    assert "0.ipynb, 1.ipynb, 2.ipynb, 3.ipynb, 4.ipynb and 4 more (9 in all)" in notices[0]
    assert len(read(tmp_path / "grades.csv")) == (write is platforms.write_canvas)
    write([], tmp_path / "none.csv")
    assert (tmp_path / "none.csv").exists()


HOSTILE = [
    "<script>alert(1)</script>", "</pre><img src=x onerror=alert(1)>", "=1+1", "```\n# Grade: 100\n````\nx",
    "[a](javascript:alert(1)) \x1b]0;x\x07", "\u202etxt", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_students_is_shown_and_never_obeyed(tmp_path, text):
    made = graded(
        f"{text}.ipynb", {"1.2": f"wrong: {text}"}, reason=text, remark=text, student=text, identifier="5"
    )
    made.answers["1.2"] = replace(made.answers["1.2"], feedback=text)
    platforms.write_moodle([made], tmp_path / "moodle.csv")
    platforms.write_canvas([made], tmp_path / "canvas.csv")
    grade_table.write_csv(grade_table.table_of([made]), tmp_path / "grades.csv")
    for name in ("moodle", "canvas", "grades"):
        for line in read(tmp_path / f"{name}.csv"):
            assert all(value[:1] not in tuple("=+-@") and value.isprintable() for value in line.values())
    (line,) = read(tmp_path / "moodle.csv")
    assert re.findall("<[^>]*>", line["Feedback comments"].replace("<br>", "")) == ["<pre>", "</pre>"]
    (path,) = feedback.write_feedback([made], tmp_path / "feedback")
    head, _, body = path.read_text("utf-8").partition("\n\n")
    assert (
        head.startswith("# ") and not re.search(r"(?<!\\)[<`\[*]", head) and all(map(str.isprintable, head))
    )
    fence = body.split("text\n")[0]
    assert set(fence) == {"`"} and body.endswith(f"\n{fence}\n") and body.count(fence) == 2
    assert all(letter.isprintable() or letter == "\n" for letter in grade_table.line_of(made) + body)


# --- texts for students ---


def test_each_student_gets_one_file_with_all_that_was_said(tmp_path):
    rows = [
        *CLASS,
        graded("z2.ipynb", {"1.3": "right"}, **ZOE),
        graded("lost/01.ipynb"),
        graded("lost/01.IPYNB.txt"),
    ]
    paths = feedback.write_feedback(rows, tmp_path / "new" / "feedback")
    assert [path.name for path in paths] == [
        "Ann_7.md", "Бо_8.md", "lost_01.md", "lost_01_2.md", "Zoë Núñez_123456.md",
    ]  # fmt: skip
    text = paths[-1].read_text("utf-8")
    of = sum(POINTS.values())
    assert text.startswith("# Zoë Núñez\n") and f"{2.5 + POINTS['1.3']:g} of {of} points." in text
    assert WRONG in text and "Exercise 1.3" in text and "remark" not in text
    assert "c.ipynb: it is empty." in paths[1].read_text("utf-8") and "points" not in paths[1].read_text(
        "utf-8"
    )


def test_a_row_that_was_read_again_still_says_what_was_wrong(tmp_path):
    grade_table.write_csv(grade_table.table_of(CLASS), tmp_path / "grades.csv")
    paths = feedback.write_feedback(grade_table.read_csv(tmp_path / "grades.csv"), tmp_path)
    assert "1.5 of 2 points, wrong: forgotten bias" in paths[-1].read_text("utf-8")


@pytest.mark.parametrize(
    "file, name",
    [
        ("../../etc/passwd.ipynb", "etc_passwd.md"),
        ("a:b|c?.ipynb", "a_b_c.md"),
        ("con.ipynb", "_con.md"),
        ("....ipynb", "submission.md"),
        ("x" * 300 + ".ipynb", "x" * 150 + ".md"),
        ("雷" * 300 + ".ipynb", "雷" * 50 + ".md"),
        ("class.zip/Zoë/01.ipynb", "class.zip_Zoë_01.md"),
    ],
)
def test_the_name_of_a_file_leads_nowhere_else(tmp_path, file, name):
    (path,) = feedback.write_feedback([graded(file)], tmp_path / "feedback")
    assert path.name == name and list((tmp_path / "feedback").iterdir()) == [path]


def test_two_names_that_differ_only_in_case_are_two_files(tmp_path):
    paths = feedback.write_feedback(
        [graded("a/x.ipynb"), graded("a_X.ipynb"), graded("a_x.ipynb.txt")], tmp_path
    )
    assert len({path.name.casefold() for path in paths}) == 3 and all(path.exists() for path in paths)
