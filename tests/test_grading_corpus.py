"""Over a hundred made-up submissions, honest, sloppy, broken and hostile, with the right verdict for each.

They run as in grading, but in one sandbox, each in a process forked from one that has imported everything.
"""

import json
import os
import sys
import threading

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labutils.exercises.grading import grade_table, judging, sandbox, submission_runs
from labutils.exercises.grading.sandbox import Limits
from labutils.exercises.grading.submission_runs import GradingOptions
from labutils.exercises.grading.submissions import Submission
from labutils.exercises.registry import exercises_of

FIRST = "import numpy as np\nfrom labutils.exercises import exercise"
NOTEBOOKS = (1, 3, 4, 5, 6)


def written(number):
    """The exercises of a notebook whose answers take no training, but for the last."""
    return [e for e in exercises_of(number) if e.kind != "experiment"]


def check(e, name="exercise", answer=None):
    return f"{name}('{e.number}').check({answer or e.answer_name})"


def both(e, **names):
    return f"{e.solution_text()}\n{check(e, **names)}"


# Habits: how an honest student may write down right answers. Each returns the cells.
HABITS = {
    "plain": lambda es: [FIRST, *(both(e) for e in es)],
    "reset": lambda es: [
        "%reset -f",
        FIRST,
        *(both(e) for e in es),
        "%reset -f",
    ],
    "alias": lambda es: [
        "import numpy as np\nfrom labutils.exercises import exercise as ex",
        *(both(e, name="ex") for e in es),
    ],
    "module": lambda es: [
        "import numpy as np\nimport labutils.exercises as tasks",
        *(both(e, name="tasks.exercise") for e in es),
    ],
    "split cells": lambda es: [FIRST, *(part for e in es for part in (e.solution_text(), check(e)))],
    "names of their own": lambda es: [
        FIRST,
        *(f"{e.solution_text()}\nmine = {e.answer_name}\n{check(e, answer='mine')}" for e in es),
    ],
    "in a function": lambda es: [
        FIRST,
        "def ask(number, answer):\n    exercise(number).check(answer)",
        *(f"{e.solution_text()}\nask('{e.number}', {e.answer_name})" for e in es),
    ],
    "a local name exercise": lambda es: [
        FIRST,
        "def show(exercise):\n    exercise = str(exercise)\n    print(exercise)",
        *(f"{e.solution_text()}\nshow(1)\n{check(e)}" for e in es),
    ],
    "in a loop": lambda es: [
        FIRST,
        *(e.solution_text() for e in es),
        f"answers = {{{', '.join(f'{e.number!r}: {e.answer_name}' for e in es)}}}",
        "for number, answer in answers.items():\n    exercise(number).check(answer)",
    ],
    "wrong at first": lambda es: [
        FIRST,
        *(f"exercise('{e.number}').check(...)\nexercise('{e.number}').check(3)" for e in es),
        *(both(e) for e in es),
    ],
    "the same names again": lambda es: [
        FIRST,
        *(f"{e.solution_text()}\n{check(e)}\ndel {e.answer_name}" for e in es),
        "np = None",
    ],
    "magics": lambda es: [
        "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'",
        *(f"%%time\n{source}" for source in [FIRST, *(e.solution_text() for e in es)]),
        *(f"{check(e)}\n!echo done" for e in es),
    ],
    "await": lambda es: [
        FIRST + "\nimport asyncio",
        *(f"{e.solution_text()}\nawait asyncio.sleep(0)\n{check(e)}" for e in es),
    ],
    "never checked": lambda es: [FIRST, *(e.solution_text() for e in es), f"exercise('{es[0].number}')"],
    "errors in between": lambda es: [
        FIRST,
        *(part for e in es for part in (both(e), "1 / 0", "nowhere")),
    ],
}
HONEST = {
    f"{name}, {number:02d}": (habit(written(number)), {e.number: "right" for e in written(number)}, "")
    for name, habit in HABITS.items()
    for number in NOTEBOOKS
}

STEP = "def my_step(x_t, h_before, W, U, b):\n    {}"
SLOPPY_STEPS = {
    "...": "not started",
    "pass": "not started",
    "return None": "not started",
    "print(np.tanh(x_t @ W + h_before @ U + b))": "returns nothing",
    "return x_t.nothing": "stopped: AttributeError",
    "raise ValueError('no idea')": "stopped: ValueError, no idea",
    "return np.tanh(x_t @ W + h_before @ U)": "wrong: forgotten bias",
    "return 0": "wrong",
    "return 'text'": "gave something of the type str",
    "while True: pass": "too slow",
    "raise SystemExit": "stopped: SystemExit",
    "return my_step(x_t, h_before, W, U, b)": "stopped: RecursionError",
}
SLOPPY_ANSWERS = {
    ("1.3", "'620'"): "right",
    ("1.3", "620.0"): "right",
    ("1.3", "600"): "wrong: 600",
    ("1.3", "'6,20'"): "no number",
    ("1.3", "float('nan')"): "wrong: not a finite number",
    ("1.3", "[620]"): "no number",
    ("1.3", "..."): "not started",
    ("1.1", "'C'"): "right",
    ("1.1", "'c) because'"): "right",
    ("1.1", "'a'"): "wrong: a",
    ("1.1", "'z'"): "no such letter",
    ("1.1", "None"): "not started",
    ("1.2", "my_step(1, 2, 3)"): "stopped: NameError in code cell 2",
    ("1.2", "5"): "no function",
    ("1.2", "np.tanh"): "",
}
SLOPPY = {
    f"my_step: {body}": ([FIRST, f"{STEP.format(body)}\nexercise('1.2').check(my_step)"], {"1.2": word}, "")
    for body, word in SLOPPY_STEPS.items()
} | {
    f"{number}: {answer}": ([FIRST, f"exercise('{number}').check({answer})"], {number: word}, "")
    for (number, answer), word in SLOPPY_ANSWERS.items()
}

WRONG = STEP.format("return x_t") + "\nexercise('1.2').check(my_step)"
TYPES = (
    "import labutils.exercises.checking.exercise_types as types, labutils.exercises.registry as registry\n"
)
WRITE = """open('results.jsonl', 'a').write('{{"exercise": "1.2", "given": {}}}\\n')"""
# What is tried before a wrong answer is checked; then the remark, if one is due.
TRICKS = {
    "def exercise(number):\n    return print": "the name exercise",
    "class exercise:\n    check = print\n    def __init__(self, n):\n        pass": "the name exercise",
    "exercise = lambda n: type('E', (), {'check': print})": "the name exercise",
    "import builtins\nbuiltins.print = lambda *a, **k: None": "",
    "np.allclose = np.array_equal = lambda *a, **k: True": "",
    "np.ndarray = list\nnp.tanh = lambda x: x": "",
    "import json\njson.dumps = lambda *a: '{\"exercise\": \"1.2\", \"given\": {}}'": "",
    "import os\nos.getpid = lambda: 1": "",
    "import sys\nsys.exit = sys.stdout = sys.modules['json'] = None": "",
    "import sys\nsys.modules.clear()": "",
    "import gc\n[o.clear() for o in gc.get_objects() if type(o) is list and len(o) == 1]": None,
    "open('results.jsonl', 'w').write('{\"end\": true}')": "",
    "open('results.jsonl', 'a').write('[' * 9999 + '\\n')": "",
    WRITE.format('{{"outcomes": []}}'): "",
    WRITE.format('{{"outcomes": [{{"values": 1}}]}}'): "",
    "open('results.jsonl', 'a').write('\\0' * 1000000)": "",
    "import os\nos.closerange(0, 999)": "",
    "import threading\nthreading.Thread(target=lambda: all(iter(lambda: 1, 0)), daemon=True).start()": "",
    "import atexit, time\natexit.register(time.sleep, 99)": "",
    "import signal\nfor s in (2, 14, 15):\n    signal.signal(s, signal.SIG_IGN)": "",
    "import sys\nsys.settrace(lambda *a: None)\nsys.setrecursionlimit(2000)": "",
    "get_ipython().run_cell = print\nget_ipython().user_ns.pop('np')": "",
    "get_ipython().events.register('post_run_cell', lambda r: 1 / 0)": "",
    "get_ipython().input_transformers_post.append(lambda lines: ['1'])": None,
    "import asyncio\nasyncio.get_event_loop().stop()": "",
    TYPES + "types.Exercise.check = print": "Exercise.check was replaced",
    TYPES + "types.Exercise.judge = lambda *a: types.Verdict('right', '')": "Exercise.judge was replaced",
    TYPES + "types.Exercise.collect = lambda *a: {'answer': 1}": "Exercise.collect was replaced",
    TYPES + "types.Coding._collect = lambda *a: {'outcomes': []}": "",
    TYPES + "types.Exercise.on_check.clear()": "on_check",
    TYPES + "types.Exercise.on_check = []": "on_check",
    TYPES + "registry.exercise = print": "registry.exercise was replaced",
    TYPES + "object.__setattr__(exercise('1.2'), 'number', '1.3')": "",
    TYPES + "types.execution.outcomes = lambda *a, **k: [types.Outcome(values=[[1]])]": "",
}  # fmt: skip
HOSTILE = {
    f"trick {place}": ([FIRST, trick, WRONG], {"1.2": ""}, remark)
    for place, (trick, remark) in enumerate(TRICKS.items())
}
NO_NOTEBOOKS = [
    b"",
    b"[]",
    b"null",
    b"3",
    b'"text"',
    b"{",
    b'{"cells": 3}',
    b'{"cells": [',
    b"{}",
    b"[" * 100_000,
]
NO_NOTEBOOKS += [b"PK\3\4", b"%PDF", b"<html>", b"\xff\xfe\0"]
BROKEN = {f"broken {place}": content for place, content in enumerate(NO_NOTEBOOKS)}
ALL = HONEST | SLOPPY | HOSTILE

# Runs the folders named on its standard input's stead, in folders.json, each in a fork of this process.
FORKS = """
import json, os, signal, sys, time
from pathlib import Path
from labutils.exercises.grading import runner
from labutils.exercises.registry import all_exercises
all_exercises()
waiting, running = json.loads(Path("folders.json").read_text()), {}
while waiting or running:
    while waiting and len(running) < 2:
        folder = waiting.pop()
        child = os.fork()
        if not child:
            os.chdir(folder)
            runner.main(folder, "7", *"13456")
            os._exit(0)
        running[child] = time.monotonic()
    for child in list(running):
        if os.waitpid(child, os.WNOHANG)[0]:
            running.pop(child)
        elif time.monotonic() - running[child] > 40:
            os.kill(child, signal.SIGKILL)
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The row of each submission."""
    if not hasattr(os, "fork"):
        pytest.skip("processes cannot be forked here")
    folder = tmp_path_factory.mktemp("corpus").resolve()
    for place, (sources, *_) in enumerate(ALL.values()):
        own = folder / str(place)
        own.mkdir()
        (own / "cells.json").write_text(json.dumps(list(enumerate(sources, start=1))))
        (own / "results.jsonl").touch()
    names = [str(folder / str(place)) for place in range(len(ALL))]
    (folder / "folders.json").write_text(json.dumps(names))
    command = [sys.executable, "-c", FORKS]
    limits, locked_in = Limits(600), not sandbox.bubblewrap_problem()
    assert sandbox.run(command, folder, limits, threading.Event(), locked_in=locked_in) is None
    found = {}
    for name, own, (sources, *_) in zip(ALL, names, ALL.values(), strict=True):
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        results = judging.read_results(sandbox.Path(own, "results.jsonl"))
        graded = judging.judge(Submission(name, b""), notebook, results, None, 7)
        found[name] = grade_table.row_of(graded)
    return found


def test_there_are_enough_of_each_kind():
    counts = [len(HONEST), len(SLOPPY), len(BROKEN), len(HOSTILE)]
    assert min(counts) >= 12 and sum(counts) >= 120, counts


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_each_is_judged_as_it_should_be(rows, name):
    row, (_, answers, remark) = rows[name], ALL[name]
    for number, word in answers.items():
        if name in HOSTILE or not word:
            assert row[number] != "right", row
        else:
            assert row[number].startswith(word), row
    if remark is not None:
        assert remark in row["remark"] if remark else row["remark"] == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_unreadable_in_words(name):
    (row,) = submission_runs.grade_submissions(
        [Submission(name, BROKEN[name])], GradingOptions(locked_in=False)
    )
    assert row.state in ("unreadable", "no exercises") and row.reason and "Error" not in row.reason
