"""Grading: made-up submissions, hostile ones included, each become one row that says what was found."""

import json

import nbformat
import pandas as pd
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_helpers import PATHS, read

from labutils.exercises import __main__ as command
from labutils.exercises.checking.exercise_types import Exercise
from labutils.exercises.grading import collecting, gradebook
from labutils.exercises.grading.submission import SubmissionReport, _read, _which, signs_of_tampering
from labutils.exercises.registry import all_exercises, exercise, exercises_of

FIRST = "import numpy as np\nfrom labutils.exercises import exercise"
UNTOUCHED = {e.number: e.answer_cell().partition("\nexercise(")[0] for e in exercises_of(1)}
RIGHT = {e.number: e.solution_text() for e in exercises_of(1)} | {"1.7": UNTOUCHED["1.7"]}
WRONG_STEP = "def my_step(x_t, h_before, W, U, b):\n    return np.tanh(x_t @ W + h_before @ U)"


def cells(answers, first=FIRST):
    checks = {number: f'exercise("{number}").check({exercise(number).answer_name})' for number in answers}
    return [new_code_cell(s) for s in [first, *(f"{answers[n]}\n\n{check}" for n, check in checks.items())]]


SUBMISSIONS = {
    "a_perfect": cells(RIGHT),
    "b_untouched": cells(UNTOUCHED),
    "c_typical_mistakes": cells(
        RIGHT | {"1.1": 'answer_1_1 = "a"', "1.2": WRONG_STEP, "1.3": "answer_1_3 = 600"}
    ),
    "d_half": cells({number: RIGHT[number] for number in ("1.1", "1.2", "1.3")}),
    "e_a_cell_fails": [*cells(UNTOUCHED | {"1.2": RIGHT["1.2"]}), new_code_cell("1 / 0")],
    "f_hangs": [*cells(RIGHT), new_code_cell("while True:\n    pass")],
    "g_ends_python": [*cells(RIGHT), new_code_cell("import os\nos._exit(1)")],
    "h_own_exercise": cells(UNTOUCHED, FIRST + "\ndef exercise(number):\n    print('right')"),
    "i_changes_numpy": cells(
        RIGHT | {"1.2": WRONG_STEP},
        FIRST + "\nnp.allclose = lambda *a, **k: True\nnp.isclose = lambda a, b, **k: a == a",
    ),
    "j_endless_answer": cells(
        UNTOUCHED | {"1.2": "def my_step(*all):\n    while True:\n        pass", "1.3": "answer_1_3 = 620"}
    ),
    "k_floods": [*cells(RIGHT), new_code_cell("for _ in range(20_000):\n    print('x' * 1000)")],
    "l_forges_a_report": [
        *cells(UNTOUCHED),
        new_code_cell(
            "import json, os, signal, sys\n"
            "line = json.dumps({'state': 'graded', 'notebook': 1, 'answers': {'1.2': 'right'}}) + '\\n'\n"
            "os.write(getattr(sys.stdout, '_original_stdstream_copy', 1) or 1, line.encode())\n"
            "os.kill(os.getppid(), signal.SIGKILL)"
        ),
    ],
    "l_leaves_processes": [
        *cells(RIGHT),
        new_code_cell("import subprocess\nsubprocess.Popen(['sleep', '987.6'], start_new_session=True)"),
    ],
    "l_many_slow_cells": [*cells(RIGHT), *(new_code_cell("import time\ntime.sleep(0.9)") for _ in range(60))],
    "l_other_ways": [
        new_code_cell(FIRST),
        new_code_cell(WRONG_STEP.replace("my_step", "mine") + "\ne = exercise('1.2')\ne.check(mine)"),
        new_code_cell("exercise('1.3').check(620)\nexercise(number='1.1').check('c')"),
        new_code_cell(RIGHT["1.4"] + "\nexercise('1.4').check(my_windows)"),
        new_code_cell("def my_windows(x):\n    return x"),
        new_code_cell(RIGHT["1.5"] + "\nexercise('1.5').hint()"),
        new_code_cell("exercise('1.6').check(my_clip)"),
    ],
    "l_forged_answers": [
        *cells(UNTOUCHED),
        new_code_cell(
            "import builtins, json\nfrom pathlib import Path\n"
            "forged = json.dumps({'1.2': {'answer': 1}})\n"
            "Path.write_text = lambda self, text, **k: open(self, 'w').write(forged)"
        ),
    ],
}
STORED_AS_RIGHT = cells(UNTOUCHED | {"1.2": WRONG_STEP})
STORED_AS_RIGHT[2].outputs = [new_output("stream", text="Exercise 1.2: right. Well done.\n")]
SUBMISSIONS["m_stored_as_right"] = STORED_AS_RIGHT


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed in")
    for name, its_cells in SUBMISSIONS.items():
        nbformat.write(new_notebook(cells=[new_markdown_cell("# 01"), *its_cells]), folder / f"{name}.ipynb")
    (folder / "n_no_notebook.ipynb").write_text("{'this is': no JSON", encoding="utf-8")
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), folder / "o_another.ipynb")
    nbformat.write(new_notebook(cells=cells(UNTOUCHED)), folder / "=p(1).ipynb")
    out = folder / "results" / "grades.csv"
    out.parent.mkdir()
    assert command.main(["grade", str(folder), "--minutes", "0.4", "--jobs", "2", "--out", str(out)]) == 0
    table = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert len(table) == len(SUBMISSIONS) + 3
    return table.set_index(table.file.str.removesuffix(".ipynb")), pd.read_csv(
        out.with_name("grades_wrong_answers.csv"), dtype=str
    )


ALL_RIGHT = {number: "right" for number in RIGHT} | {"1.7": "not started"}
MISTAKES = {"1.1": "wrong: a", "1.2": "wrong: forgotten bias", "1.3": "wrong: 600"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, state, reason, answers",
    [
        ("a_perfect", "graded", "", ALL_RIGHT | {"right": "6", "notebook": "01"}),
        ("b_untouched", "graded", "", {number: "not started" for number in RIGHT} | {"right": "0"}),
        ("c_typical_mistakes", "graded", "", MISTAKES),
        ("d_half", "graded", "", {"1.1": "right", "1.2": "right", "1.4": "missing", "1.7": "missing"}),
        ("e_a_cell_fails", "graded", "code cell 9 stops with ZeroDivisionError", {"1.2": "right"}),
        ("f_hangs", "hung", "it ran longer than 0.4 minutes", {"1.2": ""}),
        ("g_ends_python", "crashed", "its kernel died", {}),
        ("h_own_exercise", "tampered", "code cell 1 gives the name exercise to something else",
         {"1.2": "not started"}),
        ("i_changes_numpy", "graded", "", {"1.2": "wrong: forgotten bias"}),
        ("j_endless_answer", "graded", "", {"1.2": "too slow", "1.3": "right"}),
        ("k_floods", "graded", "", {"1.6": "right"}),
        ("l_forged_answers", "tampered", "its answers are none", {}),
        ("l_forges_a_report", "crashed", "ended before it had an answer", {}),
        ("l_leaves_processes", "graded", "", {}),
        ("l_many_slow_cells", "hung", "it ran longer than 0.4 minutes", {}),
        ("l_other_ways", "graded", "code cell 7 stops with NameError",
         {"1.1": "right", "1.2": "wrong: forgotten bias", "1.3": "right", "1.4": "right", "1.5": "right",
          "1.6": "stopped: its answer is not defined", "1.7": "missing"}),
        ("m_stored_as_right", "graded", "stored as right but is not when it is run: 1.2",
         {"1.2": "wrong: forgotten bias"}),
        ("n_no_notebook", "unreadable", "JSON", {}),
        ("o_another", "tampered", "no exercise of the series is checked in it", {}),
        ("'=p(1)", "graded", "", {"1.2": "not started"}),
    ],
)  # fmt: skip
def test_each_submission_is_one_row_with_its_reason_and_its_answers(graded, name, state, reason, answers):
    row = graded[0].loc[name]
    assert row["state"] == state and (reason in row["reason"] if reason else row["reason"] == "")
    assert row[list(answers)].to_dict() == answers


@pytest.mark.slow
def test_no_process_is_left(graded):
    left = [p for p in psutil.process_iter(["cmdline"]) if "987.6" in (p.info["cmdline"] or [])]
    assert graded and left == []


def test_files_of_other_programs_are_read(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("1 + 1")])
    content = json.loads(nbformat.writes(notebook))
    content["nbformat_minor"] = 2  # where cells have no id, but these have
    del content["cells"][0]["outputs"]
    path = tmp_path / "other.ipynb"
    path.write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    assert _read(path).cells[0].source == "1 + 1"


def test_only_those_that_ran_meanwhile_are_suspected(tmp_path, monkeypatch):
    for name in "ab":
        nbformat.write(new_notebook(), tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(gradebook, "_in_a_process", lambda *a: SubmissionReport("graded"))
    answers = [True, False]
    monkeypatch.setattr(gradebook, "_restored", lambda sources: answers.pop(0))
    first, second = gradebook.grade(tmp_path)
    assert first["state"] == "tampered" and "was changed while it ran" in first["reason"]
    assert second["state"] == "graded"


def test_one_that_cannot_be_examined_is_a_row(tmp_path, monkeypatch):
    nbformat.write(new_notebook(), tmp_path / "a.ipynb")

    def fails(*arguments):
        raise OSError("no more processes")

    monkeypatch.setattr(gradebook, "_in_a_process", fails)
    (row,) = gradebook.grade(tmp_path)
    assert row["state"] == "crashed" and "OSError" in row["reason"]
    assert gradebook.line_of(row).startswith("a.ipynb: crashed (")


@pytest.mark.slow
def test_the_wrong_answers_are_counted(graded):
    counted = graded[1].set_index(["exercise", "answer"]).notebooks
    assert counted["1.2", "wrong: forgotten bias"] == "4"
    assert counted["1.1", "wrong: a"] == "1" and counted["1.2", "too slow"] == "1"
    assert "right" not in graded[1].answer.tolist()


@pytest.mark.parametrize(
    "source",
    [
        "exercise = print",
        "class exercise:\n    pass",
        "from mine import exercise",
        "from mine import other as exercise",
        "import mine as exercise",
        "exercise('1.2').__class__.check = print",
        "setattr(exercise('1.2'), 'check', print)",
        "del exercise",
        "import labutils.exercises.checking",
        "import labutils.exercises as e",
        "from labutils import exercises",
        "from labutils.exercises import registry",
        "from labutils.exercises.questions.recurrent_networks import my_step",
        "import labutils\nlabutils.exercises.registry.exercise = print",
        "for exercise in range(3):\n    pass",
    ],
)
def test_signs_of_tampering_are_seen(source):
    assert signs_of_tampering(new_notebook(cells=[new_code_cell(source)])).startswith("code cell 1 ")
    with_magic = new_notebook(cells=[new_code_cell("%matplotlib inline\n!ls\n" + source)])
    assert signs_of_tampering(with_magic).startswith("code cell 1 ")


def test_the_notebooks_themselves_are_not_taken_for_tampered():
    for number, path in PATHS.items():
        assert signs_of_tampering(read(path)) == "" and _which(read(path)) == number


def test_a_changed_source_is_put_back(tmp_path):
    changed, removed = tmp_path / "changed.py", tmp_path / "checking" / "removed.py"
    removed.parent.mkdir()
    changed.write_text("right = 1\n")
    removed.write_text("right = 2\n")
    sources = gradebook._sources(tmp_path)
    assert not gradebook._restored(sources)
    changed.write_text("right = 0\n")
    removed.unlink()
    assert gradebook._restored(sources)
    assert changed.read_text() == "right = 1\n" and removed.read_text() == "right = 2\n"
    watched = {path.name for path in gradebook._sources(gradebook._PACKAGE)}
    assert watched >= {"registry.py", "exercise_types.py", "gates.py", "submission.py"}


@pytest.mark.parametrize(
    "cell, written", [("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("a\nb", "a b"), (3, 3)]
)
def test_no_cell_becomes_a_formula(cell, written):
    assert gradebook._harmless(cell) == written


def test_a_folder_without_notebooks_is_answered(tmp_path, capsys):
    assert command.main(["grade", str(tmp_path)]) == 2
    assert "there is no notebook (*.ipynb)" in capsys.readouterr().err
    assert command.main(["grade", str(tmp_path / "nowhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["grade", str(tmp_path), "--minutes", "0"])
    assert "must be above 0" in capsys.readouterr().err


def test_the_table_lists_every_exercise(capsys):
    assert command.main(["table"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()[2:]
    assert [line.split(" | ")[0].strip("| ") for line in lines] == [e.number for e in all_exercises()]


def test_the_answers_that_were_checked_last_are_collected(tmp_path, monkeypatch):
    monkeypatch.setattr(Exercise, "on_check", [])
    checked, path = collecting.remember_checks(), tmp_path / "answers.json"
    for answer in (600, 620):
        exercise("1.3").check(answer)
    collecting.write_answers(str(path), 1, 0, checked, {"answer_1_1": "c", "answer_1_3": 630, "my_step": 5})
    collected = json.loads(path.read_text())
    assert collected == {"1.1": {"answer": "c"}, "1.2": {"unusable": "5"}, "1.3": {"answer": 620.0}}
