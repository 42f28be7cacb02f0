"""Exercises: solutions pass, stubs are not started, each wrong answer gets its own message and no other."""

import ast
import re
import textwrap
import time

import nbformat
import numpy as np
import pytest
from conftest import ROOT

from labutils.exercises import exercise
from labutils.exercises.checking.execution import Outcome, is_stub, outcomes
from labutils.exercises.checking.exercise_types import Choice, Coding, Experiment, Number
from labutils.exercises.registry import all_exercises, exercises_of, notebook_numbers
from labutils.upkeep import stored_notebooks

ALL = all_exercises()
CODING = [one for one in ALL if isinstance(one, Coding)]
MISTAKES = [(one, mistake) for one in CODING for mistake in one.mistakes]
SEEDS = (0, 1, 2, 12345)


def by_number(one):
    return one.number


def solution(one):
    """What the student has after running the solution as it is printed."""
    names = {"np": np}
    module = __import__(f"labutils.exercises.notebook_{int(one.number.split('.')[0]):02d}", fromlist=["_"])
    given_by_the_notebook = {"sigmoid", "lstm_step"}
    names |= {name: getattr(module, name) for name in given_by_the_notebook if hasattr(module, name)}
    exec(one.solution_text(), names)
    return names[one.answer_name]


# --- what every exercise has ------------------------------------------------------------------------------


@pytest.mark.parametrize("notebook", notebook_numbers())
def test_each_lesson_has_at_least_five_exercises_of_every_sort(notebook):
    kinds = [type(one) for one in exercises_of(notebook)]
    if notebook == 0:
        return
    assert len(kinds) >= 5
    assert Coding in kinds and Experiment in kinds and (Choice in kinds or Number in kinds)
    assert kinds.count(Experiment) == 1 and kinds[-1] is Experiment


def test_lessons_01_to_06_have_exercises_numbered_in_order():
    assert set(notebook_numbers()) >= {1, 2, 3, 4, 5, 6}
    for notebook in notebook_numbers():
        listed = [one.number for one in exercises_of(notebook)]
        assert listed == [f"{notebook}.{place}" for place in range(1, len(listed) + 1)]
        names = [one.answer_name for one in exercises_of(notebook)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", ALL, ids=by_number)
def test_each_has_one_to_three_hints_and_a_word_for_success(one, capsys):
    assert 1 <= len(one.hints) <= 3 and len(one.afterwards) > 20 and one.minutes >= 1
    for count in range(1, len(one.hints) + 1):
        one.hint(count)
        shown = capsys.readouterr().out
        assert shown.count("Hint ") == count and max(map(len, shown.splitlines())) <= 110
    one.hint(9)
    assert capsys.readouterr().out == shown
    with pytest.raises(ValueError, match="has hints 1 to"):
        one.hint(0)
    one.solution()
    assert one.answer_name in capsys.readouterr().out
    assert one.number in repr(one) and one.answer_name in repr(one)


@pytest.mark.parametrize("one", ALL, ids=by_number)
@pytest.mark.parametrize("untouched", [None, ..., lambda *anything: None, lambda *anything: ...])
def test_what_was_not_begun_is_not_started(one, untouched, capsys):
    if callable(untouched) and not isinstance(one, Coding):
        return
    one.check(untouched)
    assert "not started" in capsys.readouterr().out
    assert one.verdict(untouched).status == "not started"


# --- coding -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", CODING, ids=by_number)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes_as_it_is_printed(one, seed):
    verdict = one.verdict(solution(one), seed)
    assert verdict.status == "right", verdict.text


@pytest.mark.parametrize("one", CODING, ids=by_number)
def test_lists_and_32_bit_floats_pass_as_well(one):
    right = solution(one)

    def as_lists(*arguments):
        given = right(*arguments)
        return (
            [np.asarray(g).tolist() for g in given]
            if isinstance(given, tuple)
            else np.asarray(given).tolist()
        )

    def narrow(*arguments):
        given = right(*arguments)
        if isinstance(given, (tuple, list)):
            return tuple(np.asarray(one, dtype=np.float32) for one in given)
        return np.asarray(given, dtype=np.float32)

    if one.number != "1.6":  # its arrays have different shapes
        assert one.verdict(as_lists).status == "right", one.verdict(as_lists).text
    assert one.verdict(narrow).status == "right", one.verdict(narrow).text


@pytest.mark.parametrize("one", CODING, ids=by_number)
@pytest.mark.parametrize("fill", [0.0, 1.0, np.nan])
def test_the_right_shape_alone_does_not_pass(one, fill):
    right = solution(one)

    def only_the_shape(*arguments):
        given = right(*arguments)
        if isinstance(given, (tuple, list)):
            return tuple(np.full_like(np.asarray(g, dtype=float), fill) for g in given)
        return np.full_like(np.asarray(given, dtype=float), fill)

    assert one.verdict(only_the_shape).status == "not yet"


def shapes(value):
    return [shapes(one) for one in value] if isinstance(value, list) else np.shape(value)


@pytest.mark.parametrize("one", CODING, ids=by_number)
def test_there_are_several_inputs_of_several_shapes(one):
    cases = one.cases(np.random.default_rng(0))
    assert len(cases) >= 3
    assert len({str(shapes(list(case.values()))) for case in cases}) > 1 or one.number == "2.6"
    again = one.cases(np.random.default_rng(0))
    assert repr(cases[1]) == repr(again[1]) or one.number == "5.5"  # which is handed functions
    assert repr(cases) != repr(one.cases(np.random.default_rng(1)))


@pytest.mark.parametrize("one", CODING, ids=by_number)
def test_at_least_two_wrong_answers_are_recognised(one):
    assert len({mistake.name for mistake in one.mistakes}) >= 2


@pytest.mark.parametrize("one, mistake", MISTAKES, ids=lambda x: getattr(x, "number", getattr(x, "name", "")))
@pytest.mark.parametrize("seed", SEEDS)
def test_each_wrong_answer_gets_its_own_message_and_no_other(one, mistake, seed):
    verdict = one.verdict(mistake.does, seed)
    assert verdict.status == "not yet"
    assert verdict.mistake == mistake.name, verdict.text
    assert textwrap.shorten(mistake.says, 40, placeholder="") in " ".join(verdict.text.split())


@pytest.mark.parametrize("one", CODING, ids=by_number)
def test_a_wrong_answer_shows_what_was_tried_expected_and_given_and_no_traceback(one, capsys):
    one.check(one.mistakes[0].does)
    shown = capsys.readouterr().out
    assert shown.startswith(f"Exercise {one.number}: not yet.")
    assert "This was tried:" in shown and "Expected:" in shown and "Traceback" not in shown
    assert max(map(len, shown.splitlines())) <= 110


def test_an_error_is_told_in_words_with_its_line_and_its_input(capsys):
    def my_step(x_t, h_before, W, U, b):
        return W @ x_t.missing

    exercise("1.2").check(my_step)
    shown = capsys.readouterr().out
    assert (
        "Your function stopped: AttributeError, " in shown and "In this line: return W @ x_t.missing" in shown
    )
    assert "This was tried:\n  x_t" in shown and "Expected:" in shown and "Traceback" not in shown


@pytest.mark.parametrize(
    "function, said",
    [
        (lambda *a: (_ for _ in ()).throw(SystemExit(1)), "Your function stopped: SystemExit, 1."),
        (lambda *a: 1 / 0, "ZeroDivisionError"),
        (lambda x, h, W, U, b: W @ x.T @ x.T, "compare the shapes"),
        (lambda x, h, W, U, b: np.ones(4) + np.ones(7), "do not fit number by number: (4,) (7,)"),
        (lambda: 0, "TypeError"),
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
    ],
)
def test_whatever_it_does_is_answered_in_words(function, said):
    verdict = exercise("1.2").verdict(function)
    assert verdict.status == "not yet" and said in " ".join(verdict.text.split()), verdict.text


def test_endless_recursion_is_answered():
    def my_step(*arguments):
        return my_step(*arguments)

    assert "RecursionError" in exercise("1.2").verdict(my_step).text


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


def printing(*arguments):
    while True:
        print("x" * 100)


@pytest.mark.parametrize("function", [endless, sleepy, stubborn, swallowing, printing])
def test_a_loop_without_end_is_stopped(function):
    cases = [{"x": 1}, {"x": 2}]
    started = time.perf_counter()
    done = outcomes(function, cases, [None, None], seconds=0.3)
    assert done == [Outcome(slow=True)] * 2
    assert time.perf_counter() - started < 3


def test_a_loop_without_end_is_said_to_have_none(monkeypatch):
    from labutils.exercises.checking import execution

    monkeypatch.setattr(execution.outcomes, "__defaults__", (0.3,))
    assert "had not come to an end" in " ".join(exercise("1.2").verdict(endless).text.split())


def test_an_interrupt_by_the_reader_stays_one():
    def interrupts(*arguments):
        import signal

        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        outcomes(interrupts, [{"x": 1}], [None], seconds=5)


def test_nothing_is_left_behind():
    import signal
    import sys
    import threading
    import warnings

    def state():
        return (
            signal.getsignal(signal.SIGINT), sys.gettrace(), sys.stdout, np.geterr(), list(warnings.filters),
            threading.active_count(),
        )  # fmt: skip

    before = state()
    for function in (endless, swallowing, printing, lambda *a: 1 / 0):
        outcomes(function, [{"x": 1}], [None], seconds=0.2)
    assert state() == before


def test_in_another_thread_it_is_checked_as_well():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        assert pool.submit(exercise("1.2").verdict, solution(exercise("1.2"))).result().status == "right"


def test_what_a_wrong_answer_prints_is_shown_with_it(capsys):
    def my_step(x_t, h_before, W, U, b):
        print("shapes", x_t.shape, W.shape)

    exercise("1.2").check(my_step)
    assert exercise("1.2").verdict(my_step).reason == "returns nothing"
    shown = capsys.readouterr().out
    assert "gives nothing back" in shown and shown.endswith("It printed:\n  shapes (1, 1) (1, 1)\n")


def test_a_right_answer_that_changes_its_input_is_told_so():
    def my_step(x_t, h_before, W, U, b):
        h_before[:] = np.tanh(x_t @ W + h_before @ U + b)
        return h_before

    verdict = exercise("1.2").verdict(my_step)
    assert verdict.status == "right" and "changes h_before in place" in " ".join(verdict.text.split())


def test_results_in_another_order_are_recognised():
    def my_windows(values, length):
        return tuple(reversed(solution(exercise("1.4"))(values, length)))

    assert "in another order. Asked for are x, y" in exercise("1.4").verdict(my_windows).text


def test_every_wrong_result_is_named():
    def my_step_back(*arguments):
        right = solution(exercise("1.5"))(*arguments)
        return right[0], right[1] + 1, right[2], right[3] + 1

    text = " ".join(exercise("1.5").verdict(my_step_back).text.split())
    assert "Your grad_U differs" in text and "Not right either: delta_before." in text


def test_inputs_cannot_be_spoiled_for_the_comparison():
    def my_step(x_t, h_before, W, U, b):
        right = np.tanh(x_t @ W + h_before @ U + b)
        for array in (x_t, h_before, W, U, b):
            array[:] = 0
        return right

    assert exercise("1.2").verdict(my_step).status == "right"


def test_the_result_of_a_call_is_no_function():
    assert "check(my_step), with no brackets" in " ".join(exercise("1.2").verdict(np.ones(2)).text.split())


def test_the_number_of_results_is_told():
    text = " ".join(exercise("1.4").verdict(lambda values, length: values).text.split())
    assert "2 results" in text


def test_an_example_can_be_tried_out():
    x_t, h_before, W, U, b = exercise("1.2").example()
    assert x_t.shape == (1, 1) and exercise("1.2").example(3)[0].shape == (2, 3)
    with pytest.raises(ValueError, match="examples 0 to 3"):
        exercise("1.2").example(4)


def test_only_what_does_nothing_is_a_stub():
    def with_docstring(x):
        """What it should do."""
        ...

    def begun(x):
        y = x + 1  # noqa: F841

    assert is_stub(with_docstring) and is_stub(lambda x: None)
    assert not is_stub(begun) and not is_stub(lambda x: 0) and not is_stub(lambda x: x) and not is_stub(len)


# --- predictions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [e for e in ALL if isinstance(e, Choice)], ids=by_number)
def test_each_wrong_choice_has_its_own_answer(one):
    for written in ("{}", " ({}) ", "`{}`", "{}.", "{}: that is it"):
        assert one.verdict(written.format(one.right.upper())).status == "right", written
    said = {letter: one.verdict(letter) for letter in one.wrong}
    assert all(verdict.mistake == letter for letter, verdict in said.items())
    assert len({verdict.text for verdict in said.values()}) == len(one.wrong) >= 2
    for nonsense in ("z", "", 3, "I think so", "all of them"):
        assert "Answer with one of the letters" in one.verdict(nonsense).text


@pytest.mark.parametrize("one", [e for e in ALL if isinstance(e, Number)], ids=by_number)
def test_typical_wrong_numbers_are_recognised(one):
    assert one.verdict(one.right).status == one.verdict(np.float32(one.right)).status == "right"
    assert one.right not in one.wrong and len(one.wrong) >= 2
    for number, says in one.wrong.items():
        verdict = one.verdict(number)
        assert verdict.mistake == f"{number:g}" and says[:30] in verdict.text
    assert "too large" in one.verdict(1e7).text and "too small" in one.verdict(-3).text
    assert "not a finite number" in one.verdict(float("nan")).text
    assert "Answer with one number" in one.verdict("many").text


# --- the number of an exercise ----------------------------------------------------------------------------


@pytest.mark.parametrize("number, said", [("9.1", "notebooks with exercises are"), ("1.99", "1.1, 1.2"),
                                          (1.2, "in quotes"), ("one", "in quotes")])  # fmt: skip
def test_a_number_that_does_not_exist_is_answered_with_those_that_do(number, said):
    with pytest.raises(ValueError, match=said):
        exercise(number)


# --- in the notebooks -------------------------------------------------------------------------------------

CALL = re.compile(r'^exercise\("(\d+\.\d+)"\)\.check\((\w+)\)$', re.M)
PATHS = {int(path.stem[:2]): path for path in stored_notebooks.notebook_paths(ROOT / "notebooks")}


def cells_of(notebook):
    return nbformat.read(PATHS[notebook], as_version=4).cells


@pytest.mark.parametrize("notebook", notebook_numbers())
def test_the_notebook_has_its_exercises_in_order_each_after_its_question(notebook):
    cells = cells_of(notebook)
    found = []
    for before, cell in zip(cells, cells[1:]):
        for number, name in CALL.findall(cell.source) if cell.cell_type == "code" else ():
            found.append(number)
            one = exercise(number)
            assert name == one.answer_name
            assert before.cell_type == "markdown"
            assert f"**Exercise {number} · {one.title}**" in before.source, number
            assert f"(about {one.minutes} minutes)" in before.source, number
            if isinstance(one, Choice):
                assert all(f"\n* `{letter}`: " in before.source for letter in one.letters), number
    assert found == [one.number for one in exercises_of(notebook)]


@pytest.mark.parametrize("notebook", notebook_numbers())
def test_stubs_are_stored_untouched_and_answered(notebook):
    for cell in cells_of(notebook):
        if cell.cell_type == "code" and (call := CALL.search(cell.source)):
            names = {"np": np}
            exec(cell.source.replace(call[0], ""), names)
            one = exercise(call[1])
            assert one.verdict(names[one.answer_name]).status == "not started"
            assert cell.outputs[0].text == one.verdict(...).text + "\n"


@pytest.mark.parametrize("notebook", notebook_numbers())
def test_no_solution_and_no_hint_is_stored(notebook):
    cells = cells_of(notebook)
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert not re.search(r"\.(?:hint|solution)\(", code)
    stored = " ".join(
        str(output.get("text", "")) for cell in cells if cell.cell_type == "code" for output in cell.outputs
    )
    for one in exercises_of(notebook):
        assert one.afterwards[:50] not in " ".join(stored.split())
        assert not any(hint[:40] in " ".join(stored.split()) for hint in one.hints)
        if isinstance(one, Coding):
            last = ast.unparse(ast.parse(one.solution_text()).body[0].body[-1])
            assert last not in stored
        assert f"Exercise {one.number}: right" not in stored


@pytest.mark.parametrize("notebook", notebook_numbers())
def test_the_first_cell_says_how_long_the_exercises_take(notebook):
    first = cells_of(notebook)[0].source
    minutes = sum(one.minutes for one in exercises_of(notebook))
    assert f"The exercises take about {5 * round(minutes / 5)} minutes more" in first or notebook == 0


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
@pytest.mark.parametrize("one", ALL, ids=by_number)
def test_whatever_is_handed_over_is_answered_and_can_be_sent(one):
    import json

    for odd in ODD:
        given = one.collect(odd, 0)
        verdict = one.judge(json.loads(json.dumps(given)), 0)
        assert verdict.status == "not yet" and verdict.text.startswith(f"Exercise {one.number}: not yet.")


def test_a_masked_array_and_complex_numbers_are_refused_by_name():
    one = exercise("1.2")
    right = solution(one)
    hidden = one.verdict(lambda *a: np.ma.masked_array(right(*a), mask=True))
    assert "masked array" in hidden.text and "complex numbers" in one.verdict(lambda *a: 1j + right(*a)).text
    assert one.verdict(lambda *a: right(*a) + 0j).status == "right"
    assert one.verdict(lambda *a: right(*a).astype(object)).status == "right"


def test_one_number_may_come_in_an_array_and_two_in_one():
    assert exercise("5.3").verdict(lambda w: np.array([solution(exercise("5.3"))(w)])).status == "right"
    early_stop = solution(exercise("4.6"))
    assert exercise("4.6").verdict(lambda losses, p: np.array(early_stop(losses, p))).status == "right"


def test_a_leading_zero_is_no_other_exercise():
    assert exercise("01.2") is exercise("1.2")
    with pytest.raises(ValueError, match="asks for no function"):
        exercise("1.1").example()
