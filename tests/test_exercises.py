"""Exercises: solutions pass, stubs are not started, each wrong answer gets its own message and no other."""

import ast
import inspect
import itertools
import json
import re
import signal
import textwrap
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from notebook_helpers import PATHS, exercise_named, outputs, read

from labutils.exercises import __main__ as command
from labutils.exercises import exercise, registry
from labutils.exercises.checking import execution
from labutils.exercises.checking.execution import Outcome, is_stub, outcomes, swallows_everything
from labutils.exercises.checking.exercise_types import Choice, Coding, Number
from labutils.exercises.registry import all_exercises, exercises_of, notebook_numbers

ALL = all_exercises()
NAMED = {e.answer_name: e for e in ALL}
LAMP = exercise_named("Longer than ever seen")
STEP = NAMED["my_step"]
CODING = [e for e in ALL if isinstance(e, Coding)]
MORE_SEEDS = [pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 12345)]
SEEDS = pytest.mark.parametrize("seed", [0, *MORE_SEEDS])
NOTEBOOKS = pytest.mark.parametrize("notebook", notebook_numbers())


def each(exercises):
    return pytest.mark.parametrize("tested", exercises, ids=lambda e: e.number)


def solution(coding):
    """The student's function after running the solution as it is printed."""
    module, given_by_the_notebook = inspect.getmodule(coding.solve), {"sigmoid", "lstm_step", "stats"}
    names = {"np": np} | {name: vars(module)[name] for name in given_by_the_notebook & set(vars(module))}
    exec(coding.solution_text(), names)
    return names[coding.answer_name]


def said(answer, to=STEP):
    """The text of the verdict in one line."""
    return " ".join(to.verdict(answer).text.split())


# --- what every exercise has ------------------------------------------------------------------------------


@NOTEBOOKS
def test_a_lesson_has_five_exercises_of_every_sort_in_order_and_ends_with_an_experiment(notebook):
    exercises = exercises_of(notebook)
    assert [e.number for e in exercises] == [f"{notebook}.{n}" for n in range(1, len(exercises) + 1)]
    assert len({e.answer_name for e in exercises}) == len(exercises)
    if notebook:
        kinds = [e.kind for e in exercises]
        assert len(kinds) >= 5 and set(kinds) == {"code", "predict", "experiment"}
        assert kinds[-1] == "experiment"


def test_no_two_functions_of_the_series_have_one_name():
    taken = [e.answer_name for e in CODING]
    twice = sorted({name for name in taken if taken.count(name) > 1})
    assert not twice, f"{twice}: a function needs a name that no other exercise of the series has"


@each(ALL)
def test_each_has_one_to_three_hints_and_a_word_for_success(tested, capsys):
    assert 1 <= len(tested.hints) <= 3 and len(tested.afterwards) > 20 and tested.minutes >= 1
    for count in range(1, len(tested.hints) + 1):
        tested.hint(count)
        shown = capsys.readouterr().out
        assert shown.count("Hint ") == count and max(map(len, shown.splitlines())) <= 110
    tested.hint(9)
    assert capsys.readouterr().out == shown
    with pytest.raises(ValueError, match="number of hints must be a whole number, 1 or more, got 0"):
        tested.hint(0)
    tested.solution()
    assert tested.answer_name in capsys.readouterr().out
    assert tested.number in repr(tested) and tested.answer_name in repr(tested)


# --- coding -----------------------------------------------------------------------------------------------


@each(CODING)
@SEEDS
def test_the_solution_passes_as_it_is_printed(tested, seed):
    verdict = tested.verdict(solution(tested), seed)
    assert verdict.status == "right", verdict.text


def changed(function, change):
    """A function that changes each result of another one."""

    def my_function(*arguments):
        given = function(*arguments)
        several = isinstance(given, (tuple, list))
        return tuple(change(np.asarray(g)) for g in given) if several else change(np.asarray(given))

    return my_function


@each(CODING)
@pytest.mark.parametrize("change", [np.float32, np.ndarray.tolist])
def test_lists_and_32_bit_floats_pass_as_well(tested, change):
    assert tested.verdict(changed(solution(tested), change)).status == "right"


@each(CODING)
@pytest.mark.parametrize("fill", [0.0, 1.0, np.nan])
def test_the_right_shape_alone_does_not_pass(tested, fill):
    answer = changed(solution(tested), lambda result: np.full(result.shape, fill))
    assert tested.verdict(answer).status == "not yet"


def shapes(value):
    return [shapes(part) for part in value] if isinstance(value, list) else np.shape(value)


@each(CODING)
def test_there_are_several_inputs_of_several_shapes(tested):
    cases, again, others = (tested.cases(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert len(cases) >= 3
    of_numbers = tested in [NAMED[name] for name in ("my_gate_bias", "my_operations", "my_seeds")]
    of_functions = tested is NAMED["my_feed_back"]
    assert len({str(shapes(list(case.values()))) for case in cases}) > 1 or of_numbers
    assert repr(cases[1]) == repr(again[1]) or of_functions
    assert repr(cases) != repr(others)


@pytest.mark.parametrize(
    "tested, mistake",
    [(e, mistake) for e in CODING for mistake in e.mistakes],
    ids=lambda x: getattr(x, "number", getattr(x, "name", "")),
)
@SEEDS
def test_each_wrong_answer_gets_its_own_message_and_no_other(tested, mistake, seed):
    verdict = tested.verdict(mistake.does, seed)
    assert verdict.status == "not yet"
    assert verdict.mistake == mistake.name, verdict.text
    assert textwrap.shorten(mistake.says, 40, placeholder="") in " ".join(verdict.text.split())


@each(CODING)
def test_a_wrong_answer_shows_what_was_tried_expected_and_given_and_no_traceback(tested, capsys):
    assert len({mistake.name for mistake in tested.mistakes}) >= 2
    tested.check(tested.mistakes[0].does)
    shown = capsys.readouterr().out
    assert shown.startswith(f"Exercise {tested.number}: not yet.")
    assert "This was tried:" in shown and "Expected:" in shown and "Traceback" not in shown
    assert max(map(len, shown.splitlines())) <= 110


def test_attention_weights_are_tried_with_padding_in_front_and_rows_that_are_far_apart():
    weights = NAMED["my_weights"]
    cases = weights.cases(np.random.default_rng(0))
    assert any(case["mask"][-1] and not case["mask"][0] for case in cases)
    assert any(np.ptp(case["scores"][:, case["mask"]].max(axis=1)) > 2_000 for case in cases)

    def cut(scores, mask):  # takes the padding to stand behind
        return np.pad(solution(weights)(scores[:, : mask.sum()], True), ((0, 0), (0, (~mask).sum())))

    assert weights.verdict(cut).status == "not yet"


def test_no_two_inputs_of_an_alignment_share_the_largest_weight():
    drawn = (NAMED["my_alignment"].cases(np.random.default_rng(seed)) for seed in range(300))
    for case in sum(drawn, []):
        second, largest = np.sort(case["weights"][:, : case["length"]])[:, -2:].T
        assert (second < largest).all()


def test_an_error_is_told_in_words_with_its_line_and_its_input():
    def my_step(x_t, h_before, W, U, b):
        return W @ x_t.missing

    text = STEP.verdict(my_step).text
    assert "Your function stopped: AttributeError, " in text
    assert "In this line: return W @ x_t.missing" in text
    assert "This was tried:\n  x_t" in text and "Traceback" not in text


def recursive(*arguments):
    return recursive(*arguments)


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda *a: (_ for _ in ()).throw(SystemExit(1)), "Your function stopped: SystemExit, 1."),
        (lambda *a: 1 / 0, "ZeroDivisionError"),
        (lambda x, h, W, U, b: W @ x.T @ x.T, "compare the shapes"),
        (lambda x, h, W, U, b: np.ones(4) + np.ones(7), "do not fit number by number: (4,) (7,)"),
        (lambda: 0, "TypeError"),
        (recursive, "RecursionError"),
        (lambda *a: "a word", "that is no array of numbers"),
        (lambda *a: [[1, 2], [3]], "that is no array of numbers"),
        (lambda *a: object(), "that is no array of numbers"),
        (lambda *a: np.zeros(2_000_000), "far more than were asked for"),
        (lambda *a: print(end=""), "gives nothing back"),
        (lambda x, h, W, U, b: np.tanh(x @ W + h @ U + b).T, "transpose"),
        (lambda x, h, W, U, b: -np.tanh(x @ W + h @ U + b), "wrong sign"),
        (lambda x, h, W, U, b: 2 * np.tanh(x @ W + h @ U + b), "2 times what is right"),
        (lambda x, h, W, U, b: np.tanh(x @ W + h @ U + b).ravel(), "only the shape is not"),
        (lambda x, h, W, U, b: np.nan * h, "nan"),
        (lambda x, h, W, U, b: np.ma.masked_array(h, mask=True), "masked array"),
        (lambda x, h, W, U, b: 1j + h, "complex numbers"),
        (np.ones(2), "check(my_step), with no brackets"),
    ],
)
def test_whatever_it_does_is_answered_in_words(function, words):
    verdict = STEP.verdict(function)
    assert verdict.status == "not yet" and words in said(function), verdict.text


def test_right_numbers_pass_in_another_dress():
    for change in (lambda array: array + 0j, lambda array: array.astype(object)):
        assert STEP.verdict(changed(solution(STEP), change)).status == "right"
    for name, dress in [("my_line_ahead", lambda number: np.array([number])), ("my_early_stop", np.array)]:
        right = solution(NAMED[name])
        assert NAMED[name].verdict(lambda *a, f=right, dress=dress: dress(f(*a))).status == "right"


def test_a_sign_flip_counts_choices_that_are_equal_but_for_rounding():
    solve, points = solution(NAMED["my_sign_flip"]), np.array([-3, -2, 3])
    assert solve(points / 100) == solve(points) == 1


# --- loops without end ------------------------------------------------------------------------------------


def endless(*arguments):
    while True:
        pass


def sleepy(*arguments):
    time.sleep(60)


def stubborn(*arguments):
    for _ in range(3):
        try:
            while True:
                pass
        except Exception:
            pass


def swallowing(*arguments):
    while True:
        try:
            np.ones(3) @ np.ones(4)
        except:  # noqa: E722
            pass


def swallowing_sleepily(*arguments):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue


def printing(*arguments):
    while True:
        print("x" * 100)


class Finalised:
    def __del__(self):  # Python reports what is raised in here, and goes on
        until = time.perf_counter() + 0.5
        while time.perf_counter() < until:
            pass


def finalising(*arguments):
    Finalised()
    endless()


@pytest.mark.filterwarnings("error")  # what a finaliser swallowed
@pytest.mark.parametrize("function", [endless, sleepy, stubborn, swallowing, printing, finalising])
def test_a_loop_without_end_is_stopped_and_not_called_again(function):
    calls = []
    done = outcomes(lambda x: calls.append(x) or function(x), [{"x": 1}, {"x": 2}], [None] * 2, seconds=0.3)
    assert done == [Outcome(slow=True)] * 2 and calls == [1]


@pytest.mark.parametrize(
    "function, words, label",
    [(endless, "It had not come to an end", "too slow"),
     (swallowing, "was not called: in its while loop", "a bare except in a loop"),
     (swallowing_sleepily, "was not called: in its while loop", "a bare except in a loop")],
)  # fmt: skip
def test_what_has_no_end_or_could_not_be_stopped_is_answered(function, words, label, monkeypatch):
    monkeypatch.setattr(execution.outcomes, "__defaults__", (0.3,))
    assert words in said(function) and STEP.verdict(function).label == label


def test_a_bare_except_that_cannot_go_on_for_ever_is_let_be():
    def once(*arguments):
        try:
            return 1
        except:  # noqa: E722
            pass

    def leaves(*arguments):
        while True:
            try:
                return 1
            except:  # noqa: E722
                break

    assert not any(map(swallows_everything, (once, leaves, stubborn, endless, len, np.tanh, 3)))


def test_an_interrupt_by_the_reader_stays_one():
    with pytest.raises(KeyboardInterrupt):
        outcomes(lambda x: signal.raise_signal(signal.SIGINT), [{"x": 1}], [None], seconds=5)


def test_nothing_is_left_behind():
    def state():
        handler, threads = signal.getsignal(signal.SIGINT), threading.active_count()
        hooks = command.sys.stdout, command.sys.unraisablehook
        return handler, threads, hooks, np.geterr(), list(warnings.filters)

    before = state()
    for function in (endless, swallowing, printing, lambda *a: 1 / 0):
        outcomes(function, [{"x": 1}], [None], seconds=0.2)
        assert state() == before


def test_in_another_thread_it_is_checked_as_well():
    with ThreadPoolExecutor() as pool:
        assert pool.submit(STEP.verdict, solution(STEP)).result().status == "right"


# --- what else is said ------------------------------------------------------------------------------------


def test_what_a_wrong_answer_prints_is_shown_with_it():
    verdict = STEP.verdict(lambda x_t, h_before, W, U, b: print("shapes", x_t.shape, W.shape))
    assert verdict.label == "returns nothing" and "gives nothing back" in verdict.text
    assert verdict.text.endswith("It printed:\n  shapes (1, 1) (1, 1)")


def test_a_right_answer_that_changes_its_input_is_told_so_and_spoils_no_comparison():
    def my_step(x_t, h_before, W, U, b):
        h_before[:] = np.tanh(x_t @ W + h_before @ U + b)
        W[:] = 0
        return h_before

    assert STEP.verdict(my_step).status == "right"
    assert "changes W and h_before in place" in said(my_step)


def test_results_in_another_order_or_number_and_every_wrong_one_are_named():
    step_back = NAMED["my_step_back"]
    turned = said(lambda *arguments: solution(step_back)(*arguments)[::-1], step_back)
    assert "in another order. Asked for are grad_W, grad_U, grad_b, delta_before" in turned
    assert "4 results" in said(lambda *arguments: arguments[0], step_back)

    def my_step_back(*arguments):
        grad_W, grad_U, grad_b, delta_before = solution(step_back)(*arguments)
        return grad_W, grad_U + 1, grad_b, delta_before + 1

    text = said(my_step_back, step_back)
    assert "Your grad_U differs" in text and "Not right either: delta_before." in text


def test_an_example_can_be_tried_out():
    x_t, h_before, W, U, b = STEP.example()
    assert x_t.shape == (1, 1) and STEP.example(3)[0].shape == (2, 3)
    with pytest.raises(ValueError, match="from 0 to 3, got 4"):
        STEP.example(4)
    with pytest.raises(ValueError, match="asks for no function"):
        LAMP.example()


def test_only_what_does_nothing_is_a_stub():
    def with_docstring(x):
        """What it should do."""
        ...

    def begun(x):
        y = x + 1  # noqa: F841

    def says(x):
        return "What it should do."

    stubs = (None, ..., with_docstring, lambda x: None, lambda *x: ..., lambda x, y=3: None)
    assert all(map(is_stub, stubs))
    answers = (begun, says, lambda x: 0, lambda x: (), lambda x: "", lambda x: x, lambda: (yield), len)
    assert not any(map(is_stub, answers))


@each(ALL)
def test_points_are_those_of_the_type_and_a_stub_or_a_wrong_type_has_none(tested):
    assert tested.points == {"predict": 1, "code": 2, "experiment": 3}[tested.kind]
    for answer in (..., lambda *arguments: None, Mute()):
        assert tested.verdict(answer).fraction == 0


@pytest.mark.parametrize("rows, fraction", [(0, 0.0), (1, 0.5), (2, 0.75), (3, 1.0)])
def test_the_share_of_the_right_cases_is_the_share_of_the_points(rows, fraction):
    verdict = STEP.verdict(lambda x_t, *rest: solution(STEP)(x_t, *rest) + (len(x_t) > rows))
    assert verdict.fraction == fraction


def test_an_experiment_that_misses_a_goal_gets_half_the_share_of_the_others_but_for_conditions():
    experiment = exercise_named("A smaller network")
    conditions = [goal.is_condition for goal in experiment.goals]
    assert conditions == [True, False, True, True, False]
    for reached in itertools.product([True, False], repeat=5):
        goals = tuple(
            replace(goal, reached=lambda facts, ok=ok: ok, measured=lambda facts: "")
            for goal, ok in zip(experiment.goals, reached)
        )
        fraction = replace(experiment, goals=goals).judge({"facts": {}}, 0).fraction
        assert fraction == (1 if all(reached) else (reached[1] + reached[4]) / 4), reached
    assert LAMP.verdict("c").fraction == 1 and LAMP.verdict("a").fraction == 0


# --- predictions ------------------------------------------------------------------------------------------


@each([e for e in ALL if isinstance(e, Choice)])
def test_each_wrong_choice_has_its_own_answer(tested):
    assert re.findall(r"^\* `(\w)`: ", tested.question, re.M) == tested.letters
    for written in ("{}", " ({}) ", "`{}`", "{}.", "{}: that is it"):
        assert tested.verdict(written.format(tested.right.upper())).status == "right", written
    verdicts = {letter: tested.verdict(letter) for letter in tested.wrong}
    assert all(verdict.mistake == letter for letter, verdict in verdicts.items())
    assert len({verdict.text for verdict in verdicts.values()}) == len(tested.wrong) >= 2
    for nonsense in ("z", "", 3, "I think so", "all of them"):
        assert "Answer with one of the letters" in tested.verdict(nonsense).text


@pytest.mark.parametrize(
    "letter, name",
    [
        ("с", "a Cyrillic letter (CYRILLIC SMALL LETTER ES)"),
        ("Α", "a Greek letter (GREEK SMALL LETTER ALPHA)"),
        ("а) ", "a Cyrillic letter (CYRILLIC SMALL LETTER A)"),
    ],
)
def test_a_letter_of_another_alphabet_is_named(letter, name):
    assert f"you gave {letter.strip()}, which is {name}." in said(letter, LAMP)


@pytest.mark.parametrize("written", ["ｃ", "Ｃ", "（ｃ）", "“c”", "‘C’", "«c»", "„c“", "＂ｃ＂", "ⓒ"])
def test_a_full_width_letter_or_one_in_other_quotes_is_the_letter(written):
    assert LAMP.right == "c" and LAMP.verdict(written).status == "right"


@each([e for e in ALL if isinstance(e, Number)])
def test_typical_wrong_numbers_are_recognised(tested):
    assert tested.verdict(tested.right).status == tested.verdict(np.float32(tested.right)).status == "right"
    assert tested.right not in tested.wrong and len(tested.wrong) >= 2
    for number, says in tested.wrong.items():
        verdict = tested.verdict(number)
        assert verdict.mistake == f"{number:.12g}" and says[:30] in verdict.text
    for number, words in [(1e7, "too large"), (-3, "too small"), (np.nan, "not a finite number")]:
        assert words in tested.verdict(number).text
    assert "Answer with one number" in tested.verdict("many").text


def test_a_large_number_is_written_with_all_its_digits():
    weights = exercise_named("How many weights?")
    assert weights.solution_text() == f"{weights.answer_name} = 5120000"
    assert weights.verdict(2_560_000).mistake == "2560000"
    assert "5110000 is too small." in said(5_110_000, weights)


# --- the number of an exercise ----------------------------------------------------------------------------


@pytest.mark.parametrize("number, words", [("98.1", "notebooks with exercises are"), ("1.99", "1.1, 1.2"),
                                           (1.2, "in quotes"), ("one", "in quotes")])  # fmt: skip
def test_a_number_that_does_not_exist_is_answered_with_those_that_do(number, words):
    with pytest.raises(ValueError, match=words):
        exercise(number)
    assert exercise("01.2") == exercise("1.2")


def test_a_notebook_is_renumbered_in_one_line(monkeypatch):
    before = [(e.title, e.solution_text().replace("_1_", "_8_")) for e in exercises_of(1)]
    monkeypatch.setattr(registry, "QUESTIONS", {8: "recurrent_networks"})
    assert [(e.title, e.solution_text()) for e in exercises_of(8)] == before
    assert exercise("8.1").answer_cell() == 'answer_8_1 = ...\nexercise("8.1").check(answer_8_1)'
    assert said(..., exercise("8.2")).startswith("Exercise 8.2 (One step): not started.")
    with pytest.raises(ValueError, match="the notebooks with exercises are 08"):
        exercise("1.2")


@each(ALL)
def test_no_text_of_an_exercise_quotes_another_by_its_number(tested):
    assert not re.search(r"(?i)(?:exercise|notebook) 0?\d", repr(vars(tested)))


# --- in the notebooks -------------------------------------------------------------------------------------

CALL = re.compile(r'^exercise\("(\d+\.\d+)"\)\.check\(\w+\)$', re.M)


@NOTEBOOKS
def test_the_notebook_has_the_cells_that_its_exercises_print(notebook, capsys):
    cells = read(PATHS[notebook]).cells
    exercises = list(exercises_of(notebook))
    promise = f"The exercises take about {5 * round(sum(e.minutes for e in exercises) / 5)} minutes more"
    assert promise in cells[0].source or notebook == 0
    numbers = [CALL.findall(cell.source) for cell in cells if cell.cell_type == "code"]
    assert sum(numbers, []) == [e.number for e in exercises]
    for question, cell in zip(cells, cells[1:]):
        if cell.cell_type == "code" and CALL.search(cell.source):
            tested = exercises.pop(0)
            assert command.main(["stub", tested.number]) == 0
            _, printed_question, printed_code = re.split(r"--- \w+ cell ---\n", capsys.readouterr().out)
            assert question.source.endswith(printed_question.strip()) and question.cell_type == "markdown"
            assert cell.source.endswith(printed_code.strip())
            assert cell.outputs[0].text == tested.verdict(...).text + "\n"
            names: dict = {}
            exec(cell.source.replace(CALL.search(cell.source)[0], ""), names)
            assert tested.verdict(names[tested.answer_name]).status == "not started"


def test_a_stub_that_does_not_exist_is_answered(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["stub", "1.99"])
    assert "there is no exercise 1.99: notebook 01 has 1.1, 1.2" in capsys.readouterr().err


@NOTEBOOKS
def test_no_solution_and_no_hint_is_stored(notebook):
    code = "\n".join(cell.source for cell in read(PATHS[notebook]).cells if cell.cell_type == "code")
    assert not re.search(r"\.(?:hint|solution)\(", code)
    stored = " ".join(" ".join(str(output.get("text", "")) for output in outputs(PATHS[notebook])).split())
    for tested in exercises_of(notebook):
        assert not any(text[:40] in stored for text in (*tested.hints, tested.afterwards))
        if isinstance(tested, Coding):
            last = ast.unparse(ast.parse(tested.solution_text()).body[0].body[-1])
            assert last not in stored
        assert f"Exercise {tested.number}: right" not in stored


# --- answers that nobody expects --------------------------------------------------------------------------


class Mute:
    def __repr__(self, *anything, **more):
        raise RuntimeError("no word")

    __str__ = __float__ = __getattr__ = __array__ = __repr__


class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no word")


def raises(error):
    def my_step(*arguments):
        raise error

    return my_step


async def later(*arguments):
    return 1


ODD = [
    10**400, 10**5000, Mute(), Mute, object(), b"bytes", {"a": 1}, {1, 2}, 3 + 4j, np.ma.masked,
    np.array([np.nan]), float("inf"), "x" * 10_000, [], (), [None], lambda: later, later, int, print,
    iter([1]),
    raises(Silent()), raises(GeneratorExit()), raises(BaseException("odd")), raises(MemoryError()),
    lambda *a: np.ma.masked_all((1, 1)), lambda *a: 1j * np.ones((1, 1)), lambda *a: Mute(), lambda *a: a,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@each(ALL)
def test_whatever_is_handed_over_is_answered_and_can_be_sent(tested):
    for odd in ODD:
        given = tested.collect(odd, 0)
        verdict = tested.judge(json.loads(json.dumps(given)), 0)
        assert verdict.status == "not yet" and verdict.text.startswith(f"Exercise {tested.number}: not yet.")
