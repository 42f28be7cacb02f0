"""Grading: made-up submissions, hostile ones included, each become one row that says what was found."""

import contextlib
import csv
import functools
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labutils.exercises import __main__ as command
from labutils.exercises.grading import grade_table, judging, sandbox, submission_runs
from labutils.exercises.grading.chosen_exercises import described, exercises_named
from labutils.exercises.grading.graded_submission import Answer, GradedSubmission
from labutils.exercises.grading.judging import CollectedAnswer, Results
from labutils.exercises.grading.safe_file import SafeFile
from labutils.exercises.grading.submission_runs import GradingOptions
from labutils.exercises.grading.submissions import Submission
from labutils.exercises.grading.visible_files import PACKAGE
from labutils.exercises.registry import all_exercises, exercise, exercises_of

LOCKED_IN = not sandbox.bubblewrap_problem()
ISOLATE = "auto" if LOCKED_IN else "none"
FIRST = "import numpy as np\nfrom labutils.exercises import exercise"
UNTOUCHED = {e.number: e.answer_cell().partition("\nexercise(")[0] for e in exercises_of(1)}
RIGHT = {e.number: e.solution_text() for e in exercises_of(1)} | {"1.7": UNTOUCHED["1.7"]}
WRONG_STEP = "def my_step(x_t, h_before, W, U, b):\n    return np.tanh(x_t @ W + h_before @ U)"


def cells(answers, first=FIRST, name="exercise"):
    checks = {number: f'{name}("{number}").check({exercise(number).answer_name})' for number in answers}
    return [first, *(f"{answers[number]}\n\n{check}" for number, check in checks.items())]


def content(sources, markdown="# 01"):
    its_cells = [source if isinstance(source, dict) else new_code_cell(source) for source in sources]
    return nbformat.writes(new_notebook(cells=[new_markdown_cell(markdown), *its_cells])).encode()


def stored_as_right(sources):
    stored = [new_code_cell(source) for source in sources]
    stored[2].outputs = [new_output("stream", text="Exercise 1.2: right. Well done.\n")]
    return stored


ALL_RIGHT = {number: "right" for number in RIGHT} | {"1.7": "not started"}
UNTOUCHED_ROW = {number: "not started" for number in RIGHT}
ASKS_1_3 = "exercise('1.3').check(620)"
ASKS_1_1 = "exercise('1.1').check('c')"
LOOP = "while True:\n    pass"

# name → cells, state, what the reason holds, what the remark holds, words for exercises
SUBMISSIONS = {
    # honest, with habits of their own
    "a perfect": (cells(RIGHT), "graded", "", "", ALL_RIGHT | {"right": 6, "points": 10, "of": 13}),
    "a untouched": (cells(UNTOUCHED), "graded", "", "", UNTOUCHED_ROW | {"right": 0, "points": 0}),
    "a typical mistakes": (
        cells(RIGHT | {"1.1": 'answer_1_1 = "a"', "1.2": WRONG_STEP, "1.3": "answer_1_3 = 600"}),
        "graded", "", "", {"1.1": "wrong: a", "1.2": "wrong: forgotten bias", "1.3": "wrong: 600"},
    ),
    "a half": (
        cells({number: RIGHT[number] for number in ("1.1", "1.2", "1.3")}),
        "graded", "", "", {"1.1": "right", "1.2": "right", "1.4": "missing", "1.7": "missing"},
    ),
    "a resets": (["%reset -f", *cells(RIGHT), "%reset -f"], "graded", "", "", ALL_RIGHT),
    "a other names": (
        ["from labutils.exercises import exercise as ex, exercise\nimport labutils.exercises as le",
         "ex('1.3').check(620)", "task = ex('1.1')\ntask.check('c')",
         "import numpy as np\n" + RIGHT["1.2"].replace("my_step", "mine"), "le.exercise('1.2').check(mine)",
         "def check(exercise, answer):\n    exercise.check(answer)\n    return exercise",
         RIGHT["1.4"] + "\ncheck(exercise(number='1.4'), my_masked_step)",
         "def my_masked_step(x):\n    return x"],
        "graded", "", "", {"1.1": "right", "1.2": "right", "1.3": "right", "1.4": "right", "1.5": "missing"},
    ),
    "a helper twice": (
        [FIRST, "def f(x):\n    return np.tanh(x)",
         "def my_step(x_t, h_before, W, U, b):\n    return f(x_t @ W + h_before @ U + b)",
         "exercise('1.2').check(my_step)",
         "def f(x):\n    return x", "print(f(1))"],
        "graded", "", "", {"1.2": "right"},
    ),
    "a loop of checks": (
        [FIRST, "for number, x in {'1.1': 'c', '1.3': 620}.items():\n    exercise(number).check(x)"],
        "graded", "", "", {"1.1": "right", "1.3": "right"},
    ),
    "a the last check counts": (
        [FIRST, ASKS_1_3, "exercise('1.3').check(600)", "exercise('1.1').check('a')",
         ASKS_1_1],
        "graded", "", "", {"1.1": "right", "1.3": "wrong: 600"},
    ),
    "a never checked": (
        [FIRST, RIGHT["1.2"], "answer_1_3 = 620", "exercise('1.1').hint()"],
        "graded", "", "", {"1.1": "not checked", "1.2": "right", "1.3": "right"},
    ),
    "a answers below their checks": (
        [*cells({"1.2": UNTOUCHED["1.2"], "1.3": UNTOUCHED["1.3"]}), RIGHT["1.2"], "answer_1_3 = 620"],
        "graded", "", "", {"1.2": "right", "1.3": "right"},
    ),
    "a helper below": (
        [FIRST, "def my_step(x_t, h_before, W, U, b):\n    return f(x_t @ W + h_before @ U + b)",
         "exercise('1.2').check(my_step)", "def f(x):\n    return np.tanh(x)"],
        "graded", "", "", {"1.2": "right"},
    ),
    "a a package of one's own": (
        ["import labutils\nimport seabirds\nfrom seabirds import gulls\n" + FIRST, ASKS_1_3],
        "graded",
        "ModuleNotFoundError (No module named 'seabirds'), in the line “import seabirds”", "",
        {"1.3": "right"},
    ),
    "a two notebooks": (
        [*cells({"1.1": 'answer_1_1 = "c"', "1.3": "answer_1_3 = 620"}),
         exercise("0.1").solution_text() + f"\nexercise('0.1').check({exercise('0.1').answer_name})"],
        "graded", "", "", {"0.1": "right", "1.1": "right", "notebook": "00 01"},
    ),
    "a magics": (
        ["%matplotlib inline\n!ls\nhere = !pwd", "%%time\n" + FIRST, "%%time\n" + RIGHT["1.2"],
         "exercise('1.2').check(my_step)", "import asyncio\nawait asyncio.sleep(0)\n" + ASKS_1_1,
         "from ipywidgets import interact\ninteract(lambda a: exercise('1.3').check(a), a=620)"],
        "graded", "", "", {"1.1": "right", "1.2": "right", "1.3": "right"},
    ),
    # sloppy
    "b a cell fails": (
        [*cells(UNTOUCHED | {"1.2": RIGHT["1.2"]}), "1 / 0\nexercise('1.7')"],
        "graded", "code cell 9 stops with ZeroDivisionError", "", {"1.2": "right"},
    ),
    "b not defined": (
        [FIRST, "exercise('1.6').check(my_clip)", ASKS_1_3],
        "graded", "code cell 2 stops with NameError (name 'my_clip' is not defined), in the line “", "",
        {"1.6": "stopped: NameError in code cell 2", "1.3": "right"},
    ),
    "b asks and exits": (
        [FIRST, "input('name?')", ASKS_1_3, "import sys\nsys.exit()", "quit()",
         ASKS_1_1],
        "graded", "EOFError (it asks with input()", "", {"1.1": "right", "1.3": "right"},
    ),
    "b stored as right": (
        stored_as_right(cells(UNTOUCHED | {"1.2": WRONG_STEP})),
        "graded", "", "stored as right but is not when it is run: 1.2", {"1.2": "wrong: forgotten bias"},
    ),
    "b own exercise": (
        cells(UNTOUCHED, FIRST + "\ndef exercise(number):\n    print('right')"),
        "graded", "AttributeError", "the name exercise stands for something else after code cell 1",
        UNTOUCHED_ROW,
    ),
    "b endless answer": (
        cells({"1.2": "def my_step(*all):\n    while True:\n        pass", "1.3": "answer_1_3 = 620"}),
        "graded", "", "", {"1.2": "too slow", "1.3": "right"},
    ),
    "b recursion": (
        [FIRST, "def deep(n):\n    return deep(n + 1)", "deep(0)", ASKS_1_3],
        "graded", "RecursionError", "", {"1.3": "right"},
    ),
    "b no exercises": (
        ["1 + 1"], "no exercises", "no exercise of the series", "", {"right": 0, "notebook": ""}
    ),
    # broken or hostile
    "c hangs": ([*cells(RIGHT), LOOP], "hung", "it ran longer than 0.4 minutes", "", ALL_RIGHT),
    "c hangs early": (
        [FIRST, ASKS_1_3, LOOP, ASKS_1_1],
        "hung", "it ran longer than 0.4 minutes, in code cell 3", "", {"1.3": "right", "1.1": "right"},
    ),
    "c ends python": ([*cells(RIGHT), "import os\nos._exit(1)"], "crashed", "it ended Python", "", ALL_RIGHT),
    "c kills": (
        [FIRST, ASKS_1_3, "import os\nos.kill(os.getpid(), 9)", ASKS_1_1],
        "crashed", "it ended Python", "", {"1.3": "right", "1.1": "right"},
    ),
    "c hangs twice": (
        [FIRST, ASKS_1_3, LOOP, RIGHT["1.2"] + "\nexercise('1.2').check(my_step)", LOOP, ASKS_1_1],
        "hung", "in code cell 3", "", {"1.3": "right", "1.2": "right", "1.1": "not reached", "right": 2},
    ),
    "c hangs, honest and wrong answers below": (
        stored_as_right([FIRST, ASKS_1_3, LOOP, WRONG_STEP, "exercise('1.2').check(my_step)",
                         RIGHT["1.4"], "exercise('1.4').check(my_masked_step)"]),
        "hung", "in code cell 3", "stored as right but is not when it is run: 1.2",
        {"1.2": "wrong: forgotten bias", "1.3": "right", "1.4": "right"},
    ),
    "c changes numpy": (
        cells(RIGHT | {"1.2": WRONG_STEP},
              FIRST + "\nnp.allclose = lambda *a, **k: True\nnp.isclose = lambda a, b, **k: a == a"),
        "graded", "", "", {"1.2": "wrong: forgotten bias"},
    ),
    "c floods": (
        [*cells(RIGHT), "for _ in range(20_000):\n    print('x' * 1000)"], "graded", "", "", {"1.6": "right"}
    ),
    "c replaces check": (
        [FIRST, "from labutils.exercises.checking.exercise_types import Exercise\n"
         "Exercise.check = Exercise.collect = print\nExercise.on_check.clear()",
         *cells({"1.2": WRONG_STEP})[1:]],
        "graded", "", "Exercise.check was replaced in code cell 2", {"1.2": "wrong: forgotten bias"},
    ),
    "c hands in the solution": (
        [FIRST, "from labutils.exercises.questions import recurrent_networks as r",
         "exercise('1.2').check(r.my_step)"],
        "graded", "", "the answer to 1.2 is a function of labutils.exercises", {"1.2": "right"},
    ),
    "c breaks collecting": (
        [FIRST, "class Odd:\n    def __float__(self): raise SystemExit\n    __repr__ = __float__",
         "exercise('1.3').check(Odd())", ASKS_1_1],
        "graded", "SystemExit", "", {"1.3": "no number", "1.1": "right"},
    ),
    "c will not end": (
        [*cells(RIGHT), "import atexit, os, signal, threading, time\natexit.register(time.sleep, 99)\n"
         "threading.Thread(target=time.sleep, args=(99,)).start()\nos._exit = exit = print\n"
         "signal.signal(signal.SIGTERM, signal.SIG_IGN)"],
        "graded", "", "", ALL_RIGHT,
    ),
    "c forks": (
        [FIRST, "import os\nchild = os.fork() if hasattr(os, 'fork') else 1",
         "exercise('1.3').check(620 if child else 1)"],
        "graded", "", "", {"1.3": "right"},
    ),
    "c closes files": (
        [FIRST, "import os\nos.closerange(3, 100)", ASKS_1_3, ASKS_1_1], "graded", "OSError", "",
        {"1.3": "right", "1.1": "right"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The rows of all submissions, run with all their cells, and what else was written."""
    folder = tmp_path_factory.mktemp("handed in")
    out = tmp_path_factory.mktemp("results") / "grades.csv"
    options = ["--jobs", "2", "--isolate", ISOLATE, "--all-cells", "--out", str(out)]
    files = {name: content(its_cells) for name, (its_cells, *_) in SUBMISSIONS.items()}
    hung = {name for name, (_, state, *_) in SUBMISSIONS.items() if state == "hung"}
    # those that never end get little time, the others as much as a busy machine may take
    for name in hung:
        (folder / f"{name}.ipynb").write_bytes(files[name])
    assert command.main(["grade", str(folder), *options, "--minutes", "0.4"]) == 0
    for name in files.keys() - hung:
        (folder / f"{name}.ipynb").write_bytes(files[name])
    (folder / "d no notebook.ipynb").write_text("{'this is': no JSON", encoding="utf-8")
    with zipfile.ZipFile(folder / "class.zip", "w") as archive:
        archive.writestr("Zoë Ångström_123_assignsubmission_file_/=p(1).IPYNB", content(cells(UNTOUCHED)))
    (folder / "notes.pdf").touch()
    options += ["--resume", "--format", "moodle", "--feedback", str(out.parent / "feedback")]
    assert command.main(["grade", str(folder), *options]) == 0
    return {graded.file: grade_table.row_of(graded) for graded in grade_table.read_csv(out)}, out


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_each_submission_is_one_row_with_its_reason_and_its_answers(graded, name):
    row, (_, state, reason, remark, answers) = graded[0][f"{name}.ipynb"], SUBMISSIONS[name]
    assert row["state"] == state
    assert reason in row["reason"] if reason else row["reason"] == ""
    assert remark in row["remark"] if remark else row["remark"] == ""
    assert {key: row[key] for key in answers} == answers


@pytest.mark.slow
def test_what_was_written_beside_the_rows(graded):
    rows, out = graded
    assert len(rows) == len(SUBMISSIONS) + 2 and list(rows) == sorted(rows)
    assert rows["d no notebook.ipynb"]["state"] == "unreadable"
    zipped = rows["class.zip/Zoë Ångström_123_assignsubmission_file_/=p(1).IPYNB"]
    assert zipped["identifier"] == "123" and zipped["1.2"] == "not started"
    text = out.with_name("grades_wrong_answers.csv").read_text("utf-8-sig")
    counted = {
        (line["exercise"], line["answer"]): line["notebooks"] for line in csv.DictReader(io.StringIO(text))
    }
    assert counted["1.2", "wrong: forgotten bias"] == "5" and counted["1.2", "too slow"] == "1"
    assert "Participant 123" in out.with_name("grades_moodle.csv").read_text("utf-8-sig")
    assert len(list((out.parent / "feedback").iterdir())) == len(rows)


def rows_of(*submissions, **how):
    made = [Submission(f"{number}.ipynb", content(its_cells)) for number, its_cells in enumerate(submissions)]
    options = GradingOptions(locked_in=LOCKED_IN, **how)
    return {
        graded.file: grade_table.row_of(graded) for graded in submission_runs.grade_submissions(made, options)
    }


TRAINS_LONG = "losses = train_for_an_hour()"


@pytest.fixture
def handed_out(monkeypatch):
    """Notebook 01 has a cell that no exercise needs."""
    monkeypatch.setattr(
        submission_runs, "cells_left_out", lambda number: {TRAINS_LONG} if number == 1 else set()
    )


@pytest.mark.slow
def test_cells_that_no_exercise_needs_are_not_run(handed_out):
    (row,) = rows_of([FIRST, TRAINS_LONG, ASKS_1_3, TRAINS_LONG + "  # mine"]).values()
    assert row["1.3"] == "right" and "code cell 2 stops with NameError (" in row["reason"], "all were run"
    (row,) = rows_of([FIRST, TRAINS_LONG, ASKS_1_3]).values()
    assert row["1.3"] == "right" and row["reason"] == ""
    (row,) = rows_of([FIRST, TRAINS_LONG, ASKS_1_3, "1 / 0"]).values()
    assert row["1.3"] == "right" and "code cell 4 stops with ZeroDivisionError (" in row["reason"]
    (row,) = rows_of([FIRST, TRAINS_LONG, ASKS_1_3], all_cells=True).values()
    assert row["1.3"] == "right" and "code cell 2 stops with NameError (" in row["reason"]


@pytest.mark.slow
def test_where_a_cell_stops_for_want_of_them_all_are_run(monkeypatch):
    monkeypatch.setattr(submission_runs, "cells_left_out", lambda number: {"answer = 620"})
    asks = "exercise('1.3').check(answer)"
    left_to_try = "def my_step(*a):\n    return np.tanh(a[0] @ a[2] + a[1] @ a[3] + a[4] * answer / 620)"
    rows = rows_of(
        [FIRST, "answer = 620", asks], [FIRST, "answer = 620", left_to_try, "exercise('1.2').check(my_step)"]
    )
    assert (rows["0.ipynb"]["1.3"], rows["0.ipynb"]["reason"]) == ("right", "")
    assert (rows["1.ipynb"]["1.2"], rows["1.ipynb"]["reason"]) == ("right", "")


def run_with(state, **labels):
    answers = {number: Answer.from_label(*answer) for number, answer in labels.items()}
    return GradedSubmission("a.ipynb", state, "digest", answers=answers)


@pytest.mark.parametrize(
    "first, second, counts",
    [("graded", "graded", "second"), ("graded", "hung", "first"), ("graded", "crashed", "first"),
     ("no exercises", "hung", "second")],
)  # fmt: skip
def test_a_run_with_all_cells_counts_unless_it_alone_was_stopped(first, second, counts):
    runs = {"first": run_with(first), "second": run_with(second, **{"1.3": ("right", 1.0)})}
    assert submission_runs._better(*runs.values()) is runs[counts]


def test_a_run_that_was_stopped_takes_over_what_the_second_has_reached_or_done_better():
    first = {"1.1": ("right", 1.0), "1.2": ("wrong", 0.5), "1.3": ("not reached",), "1.4": ("not reached",)}
    second = {"1.1": ("not checked",), "1.2": ("right", 2.0), "1.3": ("wrong: 600",), "1.4": ("missing",)}
    better = submission_runs._better(run_with("hung", **first), run_with("graded", **second))
    assert better == run_with("hung", **first | {number: second[number] for number in ("1.2", "1.3")})


@pytest.mark.slow
@pytest.mark.skipif(not LOCKED_IN, reason=sandbox.bubblewrap_problem())
def test_neighbours_and_files_are_not_touched(tmp_path):
    outside = tmp_path / "outside.txt"
    spy = f"""
import glob, os
for path in glob.glob('/tmp/**/*', recursive=True) + [{str(outside)!r}]:
    try:
        path.startswith(os.getcwd()) or open(path, 'w').write('spoiled')
    except OSError:
        pass
for process in range(1, 5000):
    try:
        os.kill(process, 9) if process != os.getpid() else None
    except OSError:
        pass
"""
    rows = rows_of(
        [*cells(RIGHT), spy + "exercise"], cells(RIGHT), [*cells(UNTOUCHED), spy], jobs=3, all_cells=True
    )
    assert [rows[f"{n}.ipynb"]["right"] for n in range(3)] == [6, 6, 0] and not outside.exists()


@pytest.mark.slow
@pytest.mark.skipif(not LOCKED_IN, reason=sandbox.bubblewrap_problem())
@pytest.mark.skipif(
    not os.access(Path(sys.prefix, "lib"), os.W_OK), reason="Python's folder cannot be written"
)
def test_the_table_the_feedback_and_other_submissions_are_not_seen_where_other_files_are(tmp_path):
    with tempfile.TemporaryDirectory(prefix="class-", dir=Path(sys.prefix, "lib")) as folder:
        places = [Path(folder, name) for name in ("results", "feedback", "handed in")]
        for place in places:
            place.mkdir()
            (place / "neighbour.csv").touch()
        spy = f"from pathlib import Path\n1 / 0 if [*Path({folder!r}).rglob('*.csv')] else exercise"
        (places[2] / "a.ipynb").write_bytes(content([FIRST, ASKS_1_3, spy]))
        options = ["--out", str(places[0] / "grades.csv"), "--feedback", str(places[1])]
        assert command.main(["grade", str(places[2]), *options]) == 0
        (graded,) = grade_table.read_csv(places[0] / "grades.csv")
    assert graded.reason == "" and graded.right == 1


def test_one_that_cannot_be_examined_is_a_row(monkeypatch):
    def fails(*arguments, **options):
        raise OSError("no more processes")

    monkeypatch.setattr(sandbox, "run", fails)
    rows = rows_of(["1"], ["2"])
    assert [row["state"] for row in rows.values()] == ["crashed"] * 2 and "OSError" in rows["0.ipynb"][
        "reason"
    ]


# what the process in the sandbox may have written

NUMBER = {"exercise": "1.3", "cell": 2, "given": {"answer": 620.0}}
NESTED = "[" * 100_000


def read(tmp_path, text):
    path = tmp_path / "results.jsonl"
    path.write_text(text, encoding="utf-8")
    return judging.read_results(path)


@pytest.mark.parametrize(
    "line",
    ["", "no JSON", NESTED, "[1]", "null", '"text"', '{"exercise": 3}', '{"exercise": ["1.3"], "given": {}}',
     '{"exercise": "9.9", "given": {}}', '{"exercise": "1.3", "given": [1]}', '{"error": "E", "cell": "3"}',
     '{"remark": 3}', '{"end": "true"}', "1" * 5000, "\0"],
)  # fmt: skip
def test_lines_that_are_none_are_left_out(tmp_path, line):
    results = read(tmp_path, f"{line}\n{json.dumps(NUMBER)}\n{line}\n" + '{"end": true}\n')
    assert results == Results({"1.3": CollectedAnswer({"answer": 620.0}, cell=2)}, complete=True)


def test_of_endless_results_the_beginning_is_read(tmp_path, monkeypatch):
    line = json.dumps({"remark": "x" * 5000})
    with monkeypatch.context() as patch:
        patch.setattr(judging, "_MOST_READ", 100_000)
        text = json.dumps(NUMBER) + "\n" + f"{line}\n" * 100 + json.dumps(NUMBER | {"given": {}})
        results = read(tmp_path, text)
    assert results.answers == {"1.3": CollectedAnswer({"answer": 620.0}, cell=2)}
    assert len(results.remarks) == 5 and max(map(len, results.remarks)) <= 200
    assert read(tmp_path, json.dumps({**NUMBER, "given": {"answer": "x" * 3_000_000}})).answers == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
@pytest.mark.parametrize("how", ["link", "fifo", "folder", "nothing"])
def test_a_file_of_results_that_was_replaced_is_not_read(tmp_path, how):
    path, other = tmp_path / "results.jsonl", tmp_path / "other"
    other.write_text(json.dumps(NUMBER))
    {"link": lambda: path.symlink_to(other), "fifo": lambda: os.mkfifo(path), "folder": path.mkdir,
     "nothing": lambda: None}[how]()  # fmt: skip
    assert judging.read_results(path) == Results()


def judged(sources, answers, seed=0, markdown="# 01"):
    """A submission of these cells whose run came to its end and gave these answers."""
    notebook = nbformat.reads(content(sources, markdown).decode(), 4)
    return judging.judge(Submission("a", b""), notebook, Results(answers, complete=True), None, seed)


@pytest.mark.parametrize(
    "given",
    [{}, {"outcomes": None}, {"outcomes": [1]}, {"outcomes": []}, {"outcomes": [{"values": "x"}] * 3},
     {"outcomes": [{"values": [[1], [1, 2]], "error": 3}]}, {"outcomes": [{"unknown": 1}]}, {"answer": 1},
     {"outcomes": [{"values": [float("nan")], "changed": [99]}] * 4}, {"unusable": ["x"]}, {"swallows": 1},
     {"outcomes": [{"error": "x" * 900_000}] * 2}, {"stub": 1, "outcomes": 1}],
)  # fmt: skip
@pytest.mark.parametrize("number", ["1.1", "1.2", "1.3", "1.7"])
def test_answers_that_are_none_are_never_right_and_never_raise(given, number):
    sources = [FIRST, *cells(UNTOUCHED)]
    answers = {number: CollectedAnswer(given, cell=3), "1.6": CollectedAnswer({"stub": True})}
    graded = judged(sources, answers, seed=1)
    its_line, row = grade_table.line_of(graded), grade_table.row_of(graded)
    assert row["right"] == 0 and row[number] and row["1.6"] == "not started"
    # long texts are cut before anything is searched in them
    assert len(row[number]) < 3_000 and len(graded.answers[number].feedback) < 10_000
    assert its_line and len(grade_table.table_of([graded])) == 1


@pytest.mark.parametrize("error", ["Your function right", "right", ""])
def test_no_words_of_an_answer_make_it_right(error):
    given = {"outcomes": [{"error": error}] * len(exercise("1.2")._drawn(0)), "probed": []}
    row = grade_table.row_of(judged(cells(UNTOUCHED), {"1.2": CollectedAnswer(given, cell=3)}))
    assert row["1.2"] != "right" and row["right"] == row["points"] == 0


@pytest.mark.parametrize("number, given", [("1.3", {"answer": 620}), ("1.1", {"answer": "c"})])
def test_an_exercise_that_is_only_asked_in_the_text_counts(number, given):
    text = exercise(number).question_cell()
    row = grade_table.row_of(judged(["1"], {number: CollectedAnswer(given)}, markdown=text))
    assert row[number] == "right" and row["1.2"] == "missing" and row["notebook"] == "01"


# the command


def handed_in(tmp_path, **notebooks):
    folder = tmp_path / "handed in"
    folder.mkdir(exist_ok=True)
    for name, its_cells in notebooks.items():
        (folder / f"{name}.ipynb").write_bytes(content(its_cells))
    return folder


@pytest.fixture
def fake(monkeypatch):
    """Grading without running anything; returns the names that were graded."""
    names = []

    def run(plan, options, seed, stop):
        names.append(plan.submission.name)
        notebook = nbformat.reads(plan.submission.content.decode(), 4)
        results = Results({"1.3": CollectedAnswer({"answer": 620}, cell=1)}, complete=True)
        return submission_runs._FinishedRun(notebook, results)

    monkeypatch.setattr(submission_runs, "_run", run)
    monkeypatch.setattr(sandbox, "bubblewrap_problem", lambda: "")
    return names


THREE = {name: [FIRST, f"exercise('1.3').check(620)  # {name}"] for name in "abc"}


def test_resume_grades_what_is_missing_or_has_changed(tmp_path, fake, capsys):
    folder, out = handed_in(tmp_path, **THREE), tmp_path / "grades.csv"
    options = ["grade", str(folder), "--out", str(out), "--jobs", "1"]
    assert command.main(options) == 0 and fake == ["a.ipynb", "b.ipynb", "c.ipynb"]
    assert command.main(options) == 2 and "--resume" in capsys.readouterr().err
    before = out.read_bytes()
    texts = tmp_path / "feedback"
    again = [*options, "--resume", "--feedback", str(texts)]
    assert command.main(again) == 0 and len(fake) == 3 and out.read_bytes() == before
    assert len(list(texts.iterdir())) == 3 and "620" not in (texts / "a.md").read_text("utf-8")
    assert "Exercise 1.3 (Count the parameters): 1 of 1 points" in (texts / "a.md").read_text("utf-8")
    handed_in(tmp_path, b=[FIRST, "exercise('1.3').check(6)"], d=THREE["a"])
    (folder / "a.ipynb").unlink()
    assert command.main([*options, "--resume"]) == 0 and fake[3:] == ["b.ipynb", "d.ipynb"]
    assert [row.file for row in grade_table.read_csv(out)] == ["b.ipynb", "c.ipynb", "d.ipynb"]


def test_what_cannot_go_well_is_refused_before_any_work(tmp_path, fake, capsys, monkeypatch):
    folder, nowhere = str(handed_in(tmp_path, **THREE)), str(tmp_path / "nowhere")
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    out = ["--out", str(tmp_path / "g.csv")]
    for options, said in {
        ("--out", f"{nowhere}/g.csv"): "there is no folder",
        ("--out", folder): "is a folder",
        ("--out", str(tmp_path / "grades.xlsx")): "a CSV file such as",
        (*out, "--notebook", "77"): "there is no notebook 77",
        (*out, "--exercises", "1.1-1.99"): "--exercises: there is no exercise 1.99: notebook 01 has 1.1, 1.2",
        (*out, "--exercises", "77.1"): "there is no exercise 77.1: the notebooks with exercises are",
        (
            *out,
            "--exercises",
            "1.1;1.2",
        ): "--exercises names exercises and ranges, such as 1.1-1.4,1.6, and not",
        (*out, "--exercises", "1.4-1.1"): "in '1.4-1.1' the second exercise stands before the first",
        (*out, "--beside", nowhere): "--beside names",
        (*out, "--beside", str(tmp_path / "other.csv")): "--beside names",
        (*out, "--feedback", f"{nowhere}/further"): "--feedback must",
        (*out, "--minutes", "0"): "must be above 0",
        (*out, "--jobs", "0"): "--jobs 1 or more",
        ("--out", str(tmp_path / "other.csv"), "--resume"): "no table of grades",
    }.items():
        assert command.main(["grade", folder, *options]) == 2
        assert said in capsys.readouterr().err
    assert command.main(["grade", nowhere, *out]) == 2 and "no folder or zip" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert command.main(["grade", str(tmp_path / "empty"), *out]) == 2
    assert "there is no notebook" in capsys.readouterr().err and fake == []


# a part of a notebook


@pytest.mark.parametrize(
    "text, numbers, words",
    [("1.2", "1.2", "exercises 1.2"), ("1.1-1.4,1.6", "1.1 1.2 1.3 1.4 1.6", "exercises 1.1-1.4,1.6"),
     (" 1.6 , 01.1 – 1.2", "1.1 1.2 1.6", "exercises 1.1-1.2,1.6"),
     ("1.3,1.2-1.3", "1.2 1.3", "exercises 1.2-1.3"),
     ("1.7-2.1", "1.7 2.1", "exercises 1.7,2.1"), ("0.1", "0.1", "notebook 00"),
     (f"0.1,1.1-1.{len(RIGHT)}", " ".join(["0.1", *RIGHT]), "notebook 00 01")],
)  # fmt: skip
def test_exercises_are_named_one_by_one_and_in_ranges(text, numbers, words):
    assert exercises_named(text) == tuple(numbers.split())
    assert described(numbers.split()) == words


@pytest.mark.parametrize(
    "text", ["", "1", "1.1,", "1.1-", "-1.1", "1.1--1.2", "1.1-1.2-1.3", "one", "1.1 1.2"]
)
def test_what_names_no_exercise_is_refused(text):
    with pytest.raises(
        ValueError, match="--exercises names exercises and ranges, such as 1.1-1.4,1.6, and not"
    ):
        exercises_named(text)


PART = ("1.1", "1.3", "1.7")  # 1, 1 and 3 points


def test_of_a_part_points_maximum_columns_and_texts_are_those_of_the_part(tmp_path, fake, capsys):
    sender = "Zoë Núñez_123456_assignsubmission_file_"
    sources = [FIRST, "exercise('1.3').check(620)", "exercise('1.2').check(my_step)"]
    folder, out = handed_in(tmp_path, **{f"{sender}01": sources}), tmp_path / "week1.csv"
    options = ["grade", str(folder), "--out", str(out), "--exercises", ",".join(PART)]
    texts = tmp_path / "feedback"
    assert command.main([*options, "--format", "moodle", "--feedback", str(texts)]) == 0
    assert "1 of 3 right, 1 of 5 points" in capsys.readouterr().out
    (row,) = csv.DictReader(io.StringIO(out.read_text("utf-8-sig")))
    columns = {name for name in row if name[0].isdecimal()}
    assert columns == {name for number in PART for name in (number, f"{number} points")}
    assert (row["right"], row["points"], row["of"], row["notebook"]) == ("1", "1", "5", "01")
    (text,) = (path.read_text("utf-8") for path in texts.iterdir())
    assert "1 of 5 points" in text and "Exercise 1.3" in text and "Exercise 1.2" not in text
    (line,) = csv.DictReader(io.StringIO(out.with_name("week1_moodle.csv").read_text("utf-8-sig")))
    assert (line["Grade"], line["Maximum Grade"]) == ("1", "5")
    assert command.main([*options, "--resume", "--format", "canvas"]) == 0
    possible, zoe = csv.DictReader(io.StringIO(out.with_name("week1_canvas.csv").read_text("utf-8-sig")))
    assert (possible["Exercises 1.1,1.3,1.7"], zoe["Exercises 1.1,1.3,1.7"]) == ("5", "1")


def test_the_maximum_of_a_part_counts_what_nobody_has_handed_in(tmp_path, fake):
    out = tmp_path / "week3.csv"
    grade = ["grade", str(handed_in(tmp_path, a=THREE["a"])), "--out", str(out), "--format", "canvas"]
    assert command.main([*grade, "--exercises", "1.3,2.1"]) == 0
    possible = next(csv.DictReader(io.StringIO(out.with_name("week3_canvas.csv").read_text("utf-8-sig"))))
    assert possible["Exercises 1.3,2.1"] == str(1 + exercise("2.1").points)
    assert [row.max_points for row in grade_table.read_csv(out)] == [1]


@pytest.mark.parametrize(
    "only, reason", [("2.1-2.2", "no part of exercises 2.1-2.2"), ("0.1", "no part of notebook 00")]
)
def test_a_notebook_without_any_of_them_is_a_row_that_says_so(tmp_path, fake, only, reason):
    out = tmp_path / "g.csv"
    grade = ["grade", str(handed_in(tmp_path, a=THREE["a"])), "--out", str(out), "--exercises", only]
    assert command.main(grade) == 0
    (row,) = grade_table.read_csv(out)
    assert (row.state, row.reason, row.answers) == ("no exercises", f"{reason} is in it", {})


@pytest.mark.parametrize(
    "other", [[], ["--exercises", "1.1-1.4"], ["--notebook", "1"], ["--exercises", "2.1"]]
)
def test_a_table_of_other_exercises_is_not_gone_on_with(tmp_path, fake, capsys, other):
    out = tmp_path / "g.csv"
    grade = ["grade", str(handed_in(tmp_path, **THREE)), "--out", str(out)]
    assert command.main([*grade, "--exercises", "1.1-1.3"]) == 0
    assert command.main([*grade, "--resume", "--exercises", "1.1-1.3"]) == 0 and len(fake) == 3
    assert command.main([*grade, "--resume", *other]) == 2 and len(fake) == 3
    said = capsys.readouterr().err
    assert "holds exercises 1.1-1.3, not " in said and "another table with --out" in said


def test_a_part_and_a_notebook_are_not_both_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main(["grade", str(tmp_path), "--notebook", "1", "--exercises", "1.1"])
    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.skipif(not LOCKED_IN, reason=sandbox.bubblewrap_problem())
@pytest.mark.skipif(not os.access(PACKAGE, os.W_OK), reason="the package cannot be written")
@pytest.mark.parametrize("place", [PACKAGE, Path(sys.prefix, "lib")])
def test_a_folder_that_every_notebook_reads_is_refused(tmp_path, fake, capsys, place):
    folder, out = str(handed_in(tmp_path, **THREE)), str(tmp_path / "g.csv")
    for options in (["--out", str(place / "g.csv")], ["--out", out, "--feedback", str(place)]):
        assert command.main(["grade", folder, *options]) == 2
        assert f"{options[-2]} lies in {place}, which every notebook reads" in capsys.readouterr().err
    assert command.main(["grade", str(place), "--out", out]) == 2
    assert command.main(["grade", folder, "--out", out, "--beside", str(tmp_path)]) == 2 and fake == []


@pytest.mark.parametrize("isolate, status", [("auto", 2), ("bwrap", 2), ("none", 0)])
def test_without_bubblewrap_isolation_must_be_given_up_in_words(
    tmp_path, fake, capsys, monkeypatch, isolate, status
):
    monkeypatch.setattr(sandbox, "bubblewrap_problem", lambda: "no user namespaces")
    folder, out = handed_in(tmp_path, **THREE), tmp_path / "g.csv"
    assert command.main(["grade", str(folder), "--out", str(out), "--isolate", isolate]) == status
    printed = capsys.readouterr()
    if status:
        assert "no user namespaces" in printed.err and "--isolate none" in printed.err and fake == []
    else:
        assert printed.out.count("without isolation") == 1 and len(fake) == 3


@pytest.mark.parametrize("how", ["locked", "gone"])
def test_a_table_that_cannot_be_written_goes_beside(tmp_path, fake, capsys, monkeypatch, how):
    folder, out = handed_in(tmp_path, **THREE), tmp_path / "results" / "grades.csv"
    out.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    line_of = grade_table.line_of

    def spoil(row):
        if row.file == "a.ipynb":
            out.unlink()
            out.mkdir() if how == "locked" else shutil.rmtree(out.parent)
        return line_of(row)

    monkeypatch.setattr(grade_table, "line_of", spoil)
    assert command.main(["grade", str(folder), "--out", str(out), "--jobs", "1"]) == 0
    beside = (out.parent if how == "locked" else tmp_path / "elsewhere") / "grades-2.csv"
    assert [row.file for row in grade_table.read_csv(beside)] == ["a.ipynb", "b.ipynb", "c.ipynb"]
    printed = capsys.readouterr()
    assert printed.err.count(f"from now on it is {beside}") == 1 and str(beside) in printed.out


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    def write(content, path):
        path.write_text(content)
        if content == "half":
            raise KeyboardInterrupt

    file = SafeFile(tmp_path / "a.csv", write, pytest.fail)
    file.save("whole")
    with pytest.raises(KeyboardInterrupt):
        file.save("half")
    assert (tmp_path / "a.csv").read_text() == "whole"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a pipe of another kind")
def test_who_pipes_it_into_head_still_gets_every_row(tmp_path):
    folder, out = handed_in(tmp_path, **THREE), tmp_path / "g.csv"
    arguments = [sys.executable, "-m", "labutils.exercises", "grade", str(folder), "--out", str(out)]
    arguments += ["--jobs", "1", "--isolate", "none"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0 and "Traceback" not in said and "BrokenPipe" not in said
    assert len(grade_table.read_csv(out)) == len(THREE)
    assert (tmp_path / "g_wrong_answers.csv").exists()


@pytest.mark.parametrize("stream", [None, Path("/dev/full")])
def test_grading_needs_no_output(tmp_path, monkeypatch, stream):
    if stream and not stream.exists():
        pytest.skip("there is no /dev/full here")
    folder, out = handed_in(tmp_path, a=THREE["a"]), tmp_path / "g.csv"
    with contextlib.ExitStack() as stack:
        monkeypatch.setattr(sys, "stdout", stack.enter_context(stream.open("w")) if stream else None)
        assert command.main(["grade", str(folder), "--out", str(out), "--isolate", "none"]) == 0
    assert len(grade_table.read_csv(out)) == 1


def test_ctrl_c_in_the_summary_says_that_the_table_is_written(tmp_path, monkeypatch, capsys):
    folder, out = handed_in(tmp_path, a=THREE["a"]), tmp_path / "g.csv"

    def interrupted(table):
        raise KeyboardInterrupt

    monkeypatch.setattr(grade_table, "summary", interrupted)
    assert command.main(["grade", str(folder), "--out", str(out), "--isolate", "none"]) == 130
    assert f"the 1 rows are in {out}" in capsys.readouterr().err and len(grade_table.read_csv(out)) == 1


def processes_with(word):
    return [p for p in psutil.process_iter(["cmdline"]) if word in " ".join(p.info["cmdline"] or [])]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("isolate", ["auto", "none"])
def test_ctrl_c_stops_what_runs_and_keeps_what_is_done(tmp_path, isolate):
    if isolate == "auto" and not LOCKED_IN:
        pytest.skip(sandbox.bubblewrap_problem())
    mark = f"98765.{len(isolate)}"
    sleeps = [FIRST, f"!sleep {mark}\nexercise('1.3').check(620)"]
    folder, out = handed_in(tmp_path, a=THREE["a"], **{name: sleeps for name in "bcdef"}), tmp_path / "g.csv"
    arguments = [sys.executable, "-m", "labutils.exercises", "grade", str(folder), "--out", str(out)]
    arguments += ["--jobs", "2", "--isolate", isolate]
    # a shell's background jobs ignore Ctrl-C, and so would all that they start
    heard = {"preexec_fn": functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, **pipes, **heard) as process, contextlib.ExitStack() as at_the_end:
        at_the_end.callback(process.kill)  # or a failure would wait for notebooks that sleep
        assert "a.ipynb: 1 of 7 right" in next(line for line in process.stdout if line.startswith("a.ipynb"))
        end = time.monotonic() + 120
        while not processes_with(mark) and time.monotonic() < end:  # until another notebook sleeps
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)  # five seconds, where the machine is not busy
    assert process.returncode == 130
    assert "1 of 6 are graded. Go on with --resume." in said and "Traceback" not in said
    assert [row.file for row in grade_table.read_csv(out)] == ["a.ipynb"]
    assert not processes_with(mark)


def test_the_table_lists_every_exercise(capsys):
    assert command.main(["table"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()[2:]
    assert [line.split(" | ")[0].strip("| ") for line in lines] == [e.number for e in all_exercises()]
