"""Diagnoses: each is given where all wrong cases show it, and not where one of them does not."""

import numpy as np
import pytest
from notebook_helpers import exercise_named

from labutils.exercises.checking.diagnosis import Trial, diagnose, probes
from labutils.exercises.checking.formatting import same

SEEDS = pytest.mark.parametrize("seed", [0, 1])


def dense(case):
    return case["x"] @ case["W"] + case["b"]


def dense_cases(rng):
    return [
        {"x": rng.normal(size=(rows, n)), "W": rng.normal(size=(n, units)), "b": rng.normal(size=units)}
        for rows, n, units in [(3, 2, 3), (4, 3, 4), (3, 4, 5)]
    ]


def ratio(case):
    return np.mean(case["p"] ** 2) / np.mean(case["q"] ** 2)


def ratio_cases(rng):
    return [{"p": rng.normal(size=n), "q": rng.normal(size=n)} for n in (3, 5, 8)]


def above(case):
    return (case["x"] > case["limit"]).astype(float)


def above_cases(rng):
    return [{"x": rng.normal(size=n), "limit": 0.25} for n in (20, 30, 40)]


def bounded(case):
    return np.tanh(case["x"] + case["limit"])


def squared(case):
    return (case["x"] - case["limit"]) ** 2


def clipped(case):
    return np.maximum(case["x"], 0)


def repeated(case):
    return np.full((len(case["x"]), case["count"]), case["x"][:, None])


def repeated_cases(rng):
    return [{"x": rng.normal(size=n), "count": count} for n, count in [(3, 1), (4, 2), (3, 3), (5, 1)]]


def share(case):
    return np.sum((case["p"] - case["q"]) ** 2) / np.sum(case["p"] ** 2)


TASKS = {
    "share": (share, ratio_cases),
    "dense": (dense, dense_cases),
    "ratio": (ratio, ratio_cases),
    "above": (above, above_cases),
    "bounded": (bounded, above_cases),
    "squared": (squared, above_cases),
    "clipped": (clipped, above_cases),
    "repeated": (repeated, repeated_cases),
}


def found(task, answer, seed):
    """The diagnosis of an answer, a function of the right result and the case: ("", "") for none."""
    solve, draw = TASKS[task]
    cases = draw(np.random.default_rng(seed))

    def tried(case):
        return Trial(case, (np.asarray(solve(case)),), (np.asarray(answer(solve(case), case), dtype=float),))

    trials = [tried(case) for case in cases]
    wrong = [t for t in trials if not same(t.ours, t.right, 1e-5)]
    probed = [{probe: tried(case) for probe, case in probes(trial.case).items()} for trial in wrong]
    return diagnose(trials, probed, lambda case: (solve(case),), ["result"], 1e-5) or ("", "")


KINDS = [
    ("dense", "transposed", lambda y, c: y.T),
    ("dense", "the shape alone", lambda y, c: y.ravel()),
    ("dense", "turned round", lambda y, c: y[:, ::-1]),
    ("dense", "one late", lambda y, c: np.vstack([y[:1] * 0, y[:-1]])),
    ("dense", "one early", lambda y, c: np.hstack([y[:, 1:], y[:, :1] + 1])),
    ("dense", "first missing", lambda y, c: y[1:]),
    ("dense", "last missing", lambda y, c: y[:, :-1]),
    ("dense", "first too many", lambda y, c: np.vstack([y[:1], y])),
    ("dense", "last too many", lambda y, c: np.hstack([y, y[:, :1]])),
    ("dense", "another order", lambda y, c: np.sort(y, axis=None).reshape(y.shape)),
    ("dense", "always 3", lambda y, c: 0 * y + 3),
    ("dense", "sign", lambda y, c: -y),
    ("dense", "1 minus", lambda y, c: 1 - y),
    ("dense", "a constant", lambda y, c: y - 0.25),
    ("dense", "a factor", lambda y, c: 1.5 * y),
    ("dense", "square", lambda y, c: y**2),
    ("dense", "exponential", lambda y, c: np.exp(y)),
    ("bounded", "tanh missing", lambda y, c: c["x"] + c["limit"]),
    ("squared", "square missing", lambda y, c: c["x"] - c["limit"]),
    ("squared", "growth with x and limit", lambda y, c: np.abs(c["x"] - c["limit"]) ** 1.5),
    ("dense", "tanh", lambda y, c: np.tanh(y)),
    ("dense", "sigmoid", lambda y, c: 1 / (1 + np.exp(-y))),
    ("dense", "absolute value", lambda y, c: np.abs(y)),
    ("dense", "nearest whole number", lambda y, c: np.round(y)),
    ("dense", "whole part", lambda y, c: np.trunc(y)),
    ("dense", "sum missing", lambda y, c: np.stack([y / 2, y / 2])),
    ("dense", "mean too much", lambda y, c: y.mean(axis=0)),
    ("dense", "largest too much", lambda y, c: y.max()),
    ("dense", "W itself", lambda y, c: c["W"]),
    ("dense", "times the length of x along axis 1", lambda y, c: y * c["x"].shape[1]),
    ("dense", "divided by the root of the number of numbers in W", lambda y, c: y / c["W"].size ** 0.5),
    ("dense", "a factor in each case", lambda y, c: y * c["b"][0]),
    ("dense", "a factor along axis 1", lambda y, c: y * c["x"][:, :1]),
    ("dense", "nan or infinity", lambda y, c: np.where(y == y[0, 0], np.nan, y)),
    ("dense", "as if b were 0", lambda y, c: c["x"] @ c["W"]),
    ("dense", "as if b had the other sign", lambda y, c: c["x"] @ c["W"] - c["b"]),
    ("dense", "as if x were squared", lambda y, c: c["x"] ** 2 @ c["W"] + c["b"]),
    ("dense", "only the first", lambda y, c: np.vstack([y[:1] ** 3, y[1:]])),
    ("dense", "all but the last", lambda y, c: np.hstack([np.sin(3 * y[:, :-1]), y[:, -1:]])),
    ("dense", "the same along an axis", lambda y, c: np.cos(y[0]) + 0 * y),
    ("dense", "is 7 where it is wrong", lambda y, c: np.where(y > 0, 7, y)),
    ("dense", "right where b is 0", lambda y, c: c["x"] @ c["W"] + np.sin(c["b"]) * c["x"][:, :1]),
    ("dense", "right where x or W is 0", lambda y, c: y + np.sin(c["x"] @ c["W"])),
    ("dense", "an axis too many", lambda y, c: np.sin(np.stack([y, 2 * y, 3 * y]))),
    ("dense", "an axis too few", lambda y, c: np.sin(y[0])),
    ("dense", "one too many", lambda y, c: np.sin(np.vstack([y, y[:1]]))),
    ("dense", "one too few", lambda y, c: np.sin(y[:, 1:])),
    ("dense", "a single number", lambda y, c: np.sin(y[0, 0])),
    ("ratio", "growth with p", lambda y, c: np.mean(np.abs(c["p"])) / np.mean(c["q"] ** 2)),
    ("ratio", "growth with p", lambda y, c: 3 / np.mean(c["q"] ** 2)),
    ("ratio", "growth with q", lambda y, c: np.mean(c["p"] ** 2) / np.mean(np.abs(c["q"]))),
    ("ratio", "growth with p", lambda y, c: np.cos(c["p"]).sum() / np.mean(c["q"] ** 2)),
    ("ratio", "times the length of p along axis 0", lambda y, c: y * len(c["p"])),
    ("ratio", "square root", lambda y, c: np.sqrt(y)),
    ("ratio", "square", lambda y, c: y**2),
    ("ratio", "reciprocal", lambda y, c: 1 / y),
    ("ratio", "always 1", lambda y, c: 1.0),
    ("ratio", "mean missing", lambda y, c: c["p"] ** 2 / np.mean(c["q"] ** 2)),
    ("ratio", "as if p were 1", lambda y, c: 1 / np.mean(c["q"] ** 2)),
    ("above", "the other way round", lambda y, c: 1 - y),
    ("above", "is True where it is wrong", lambda y, c: y + (c["x"] < -1)),
    ("above", "is False where it is wrong", lambda y, c: y * (c["x"] < 0.75)),
    ("above", "as if limit had the other sign", lambda y, c: c["x"] > -c["limit"]),
    ("clipped", "limit itself", lambda y, c: c["limit"]),
    ("clipped", "as if x were its absolute value", lambda y, c: np.abs(c["x"])),
    ("clipped", "should be 0 where it is wrong", lambda y, c: np.where(c["x"] < 0, np.sin(c["x"]), y)),
    ("clipped", "x itself", lambda y, c: c["x"]),
    (
        "repeated",
        "right where count is 1",
        lambda y, c: np.cos(len(y) + np.arange(y.size).reshape(y.shape)) if c["count"] > 1 else y,
    ),
]


ALL_KINDS = pytest.mark.parametrize("task, kind, answer", KINDS, ids=[f"{t}: {kind}" for t, kind, _ in KINDS])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers beside the point are zero


@SEEDS
@ALL_KINDS
def test_a_kind_of_error_is_named_where_all_wrong_cases_show_it(task, kind, answer, seed):
    named, says = found(task, answer, seed)
    assert named == kind and says.startswith("Your result ") and len(says) < 200


@SEEDS
@pytest.mark.parametrize("task, says, answer", [
    ("ratio", "should become 4 times as large when p is doubled, but it becomes 2 times as large.",
     lambda y, c: np.mean(np.abs(c["p"])) / np.mean(c["q"] ** 2)),
    ("ratio", "should become 4 times as large when p is doubled, but it does not change.",
     lambda y, c: 3 / np.mean(c["q"] ** 2)),
    ("ratio", "should become 0.25 times as large when q is doubled, but it does not.",
     lambda y, c: np.mean(c["p"] ** 2) / np.mean(np.exp(c["q"]))),
    ("share", "should not change when p and q are doubled, but it does.", lambda y, c: np.sin(y + c["p"][0])),
    ("share", "should not change when p and q are doubled, but it becomes 0.5 times as large.",
     lambda y, c: y / c["q"][0]),
])  # fmt: skip
def test_growth_is_told_as_it_is_and_as_it_should_be(task, says, answer, seed):
    assert says in found(task, answer, seed)[1]


@SEEDS
@ALL_KINDS
def test_it_is_not_named_where_one_wrong_case_does_not_show_it(task, kind, answer, seed):
    name, value = next(iter(TASKS[task][1](np.random.default_rng(seed))[0].items()))

    def unlike_in_one(y, case):
        if np.shape(case[name]) == value.shape:
            return y * (2.5 + np.cos(np.arange(np.size(y)).reshape(np.shape(y))))
        return answer(y, case)

    named, says = found(task, unlike_in_one, seed)
    assert named != kind or "for some inputs" in says


@pytest.mark.parametrize("name", ["my_step", "my_interval", "my_divergence"])
def test_only_a_wrong_answer_is_called_for_other_arguments(name):
    tested, calls = exercise_named(name), []

    def answer(*arguments):
        calls.append(arguments)
        return tested.solve(*arguments)

    assert tested.verdict(answer).status == "right" and len(calls) == len(
        tested.cases(np.random.default_rng(0))
    )
    assert tested.verdict(lambda *arguments: np.sin(answer(*arguments))).status == "not yet"
    assert len(calls) > 3 * len(tested.cases(np.random.default_rng(0)))


@pytest.mark.slow
@pytest.mark.parametrize("value", [0, 1])
def test_an_answer_without_end_for_other_arguments_is_answered(value):
    calls = []

    def my_step(x_t, h_before, W, U, b):
        calls.append((U == value).all())
        while calls[-1]:
            pass
        return -np.tanh(x_t @ W + h_before @ U + b)

    assert "wrong sign" in exercise_named("my_step").verdict(my_step).text and calls.count(True) == 1


@pytest.mark.parametrize("stops", [ValueError, SystemExit])
def test_an_answer_that_stops_for_other_arguments_is_answered(stops):
    def my_step(x_t, h_before, W, U, b):
        if not U.any():
            raise stops
        return np.tanh(x_t @ W + h_before @ U - b)

    assert exercise_named("my_step").verdict(my_step).label == "wrong: as if b had the other sign"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "name", ["my_step", "my_gru_step", "my_pad", "my_early_stop", "my_ratio", "my_interval", "my_step_back"]
)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 2), (1, 0, 2), (2, 1, 3, 1)], ids=str)
def test_results_of_any_shape_and_size_are_answered_without_a_warning(name, shape):
    tested, rng = exercise_named(name), np.random.default_rng(0)
    for unit in (0, 1, 1e-300, 1e300, np.nan, np.inf):
        verdict = tested.verdict(lambda *arguments, unit=unit: rng.normal(size=shape) * unit)
        assert verdict.status == "not yet" and verdict.label
