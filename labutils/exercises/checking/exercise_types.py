"""The four kinds of exercises: code to write, a choice or a number to predict, an experiment of one's own.

An answer is judged in two steps. `collect` looks at what the student gave, calls it where it is a
function, and returns plain data; `judge` compares that data with what is right and finds the words. In a
notebook both happen in one process; when handed-in notebooks are graded, only the first does in theirs.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labutils.exercises.checking import execution
from labutils.exercises.checking.execution import Outcome
from labutils.exercises.checking.formatting import difference, listed, paragraph, same

Case = dict[str, Any]
"""The arguments of one call, by name, in order."""


@dataclass(frozen=True)
class Verdict:
    """What is said to an answer: status is "not started", "right" or "not yet"; reason says in short why not.

    mistake : the name of the wrong answer that was recognised, or None.
    """

    status: str
    text: str
    reason: str = ""
    mistake: str | None = None


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer to a coding exercise: a function that gives it, and what to say to it."""

    name: str
    does: Callable
    says: str


@dataclass(frozen=True, kw_only=True)
class Exercise(ABC):
    """What all kinds share.

    number : such as "1.2". answer_name : the name that the notebook gives to the answer. hints : up to
    three, each says more than the one before. afterwards : what to say once it is right.
    """

    number: str
    title: str
    idea: str
    minutes: int
    answer_name: str
    hints: tuple[str, ...]
    afterwards: str

    def check(self, answer: object) -> None:
        """Print what there is to say to an answer. An answer that was not begun is no mistake."""
        print(self.verdict(answer).text)

    def verdict(self, answer: object, seed: int = 0) -> Verdict:
        """Return what there is to say to an answer. seed : draws the inputs that it is tried with."""
        return self.judge(self.collect(answer, seed), seed)

    def hint(self, how_many: int = 1) -> None:
        """Print the first hint, or the first two or three: ``hint(2)``, ``hint(3)``."""
        most = len(self.hints)
        if isinstance(how_many, bool) or not isinstance(how_many, int) or how_many < 1:
            raise ValueError(f"exercise {self.number} has hints 1 to {most}: .hint({most}) shows all of them")
        how_many = min(how_many, most)
        for place, text in enumerate(self.hints[:how_many], start=1):
            print(paragraph(f"Hint {place} of {most}: {text}"))
        more = f"hint({how_many + 1})" if how_many < most else "solution()"
        print(f'\nStill stuck? exercise("{self.number}").{more}')

    def solution(self) -> None:
        """Print one way to do it, and why."""
        print(f"{self.solution_text().rstrip()}\n\n{paragraph(self.afterwards)}")

    def example(self, which: int = 0) -> list[Any]:
        """Return the arguments of one of the calls that `check` makes; ValueError where it calls nothing."""
        raise ValueError(f"exercise {self.number} asks for no function, so there are no arguments to try")

    @abstractmethod
    def solution_text(self) -> str:
        """Return the solution as the text of a cell."""

    @abstractmethod
    def collect(self, answer: object, seed: int) -> dict[str, Any]:
        """Return what the answer is, or gives when it is called, as data that json can write."""

    @abstractmethod
    def judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        """Return what there is to say to what `collect` returned for the same seed."""

    def __repr__(self) -> str:
        return (
            f"Exercise {self.number}, {self.title} (about {self.minutes} minutes): "
            f".check({self.answer_name}), .hint(), .solution()"
        )

    def _not_started(self) -> Verdict:
        return Verdict(
            "not started",
            f"Exercise {self.number} ({self.title}): not started.\n"
            "Put your answer in place of the dots and run this cell again; "
            f'exercise("{self.number}").hint() helps.',
            "not started",
        )

    def _right(self) -> Verdict:
        return Verdict("right", paragraph(f"Exercise {self.number}: right. {self.afterwards}"))

    def _not_yet(
        self, says: str, shown: str = "", reason: str = "wrong", mistake: str | None = None
    ) -> Verdict:
        parts = [paragraph(f"Exercise {self.number}: not yet. {says}"), shown]
        return Verdict("not yet", "\n\n".join(part for part in parts if part), reason, mistake)


@dataclass(frozen=True, kw_only=True, repr=False)
class Coding(Exercise):
    """A function to write, compared with a right one on several inputs.

    solve : the right function, whose source is the solution. cases : draws the inputs, the smallest
    first. mistakes : wrong answers to recognise. tolerance : how far a number may be off, absolutely and
    relatively; the default lets 32-bit floats pass. results : the names of what it returns.
    """

    solve: Callable
    cases: Callable[[np.random.Generator], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    tolerance: float = 1e-5
    results: tuple[str, ...] = ("result",)

    def solution_text(self) -> str:
        return inspect.getsource(self.solve)

    def example(self, which: int = 0) -> list[Any]:
        """Return the arguments of one of the calls that `check` makes, to try them out."""
        drawn = self.cases(np.random.default_rng(0))
        if isinstance(which, bool) or not isinstance(which, int) or not 0 <= which < len(drawn):
            raise ValueError(f"exercise {self.number} has the examples 0 to {len(drawn) - 1}, not {which!r}")
        return list(drawn[which].values())

    def collect(self, answer: object, seed: int) -> dict[str, Any]:
        if execution.is_stub(answer):
            return {"stub": True}
        if not callable(answer):
            return {"unusable": f"check needs the function itself, but got {_short(answer)}. "
                    f"Write check({self.answer_name}), with no brackets after the name."}  # fmt: skip
        return {"outcomes": [one.plain() for one in self._called(answer, self._drawn(seed))]}

    def judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        if given.get("stub"):
            return self._not_started()
        if "unusable" in given:
            return self._not_yet(given["unusable"], reason="no function")
        cases, outcomes = self._drawn(seed), [Outcome(**one) for one in given["outcomes"]]
        expected = [self._expected(case)[0] for case in cases]
        if len(outcomes) != len(cases):
            raise ValueError(f"{len(cases)} outcomes are needed, got {len(outcomes)}")
        fine = [same(one.arrays(), right, self.tolerance) for one, right in zip(outcomes, expected)]
        if all(fine):
            return self._right_but(cases, outcomes)
        for mistake in self.mistakes:
            if self._made(mistake, cases, expected, outcomes):
                # show a case with numbers, where there is one
                which = min((place for place, ok in enumerate(fine) if not ok),
                            key=lambda place: outcomes[place].values is None)  # fmt: skip
                return self._not_yet(
                    mistake.says,
                    self._shown(cases[which], expected[which], outcomes[which]),
                    f"wrong: {mistake.name}",
                    mistake.name,
                )
        wrong = [place for place, ok in enumerate(fine) if not ok]
        # a single row or unit does not tell a forgotten sum, a wrong sign or a transposed matrix
        telling = [place for place in wrong if _tells(expected[place]) and outcomes[place].values is not None]
        stopped = [place for place in wrong if outcomes[place].error]
        which = (telling + stopped + wrong)[0]
        says, reason = self._general(outcomes[which], expected[which])
        return self._not_yet(says, self._shown(cases[which], expected[which], outcomes[which]), reason)

    def _drawn(self, seed: int) -> Sequence[Case]:
        return self.cases(np.random.default_rng(seed))

    def _called(self, function: Callable, cases: Sequence[Case]) -> list[Outcome]:
        results = [len(right) if several else None for right, several in map(self._expected, cases)]
        return execution.outcomes(function, cases, results)

    def _expected(self, case: Case) -> tuple[tuple[np.ndarray, ...], bool]:
        """Return the right results as arrays of floats, and whether there are several of them."""
        right = self.solve(*case.values())
        several = isinstance(right, tuple) or (isinstance(right, list) and isinstance(right[0], np.ndarray))
        return tuple(np.asarray(one, dtype=float) for one in (right if several else (right,))), several

    def _made(self, mistake: Mistake, cases: Sequence[Case], expected: list, outcomes: list[Outcome]) -> bool:
        """True where the answer does in every case what the mistake does, which is wrong in some."""
        does = self._called(mistake.does, cases)
        if all(one.values is None for one in does):
            return all(one.error and one.error == ours.error for one, ours in zip(does, outcomes))
        return any(
            one.values is not None and not same(one.arrays(), right, self.tolerance)
            for one, right in zip(does, expected)
        ) and all(
            bool(ours.error) if one.values is None else same(ours.arrays(), one.arrays(), self.tolerance)
            for one, ours in zip(does, outcomes)
        )

    def _general(self, outcome: Outcome, expected: tuple[np.ndarray, ...]) -> tuple[str, str]:
        if outcome.slow:
            return (
                f"It had not come to an end after {execution.SECONDS:.0f} seconds. Is there a loop that "
                "never ends, or one that does far more than is needed?",
                "too slow",
            )
        if outcome.nothing:
            return (
                "Your function gives nothing back (None). Does every way through it end with return?",
                "returns nothing",
            )
        if outcome.error:
            where = f" In this line: {outcome.line}" if outcome.line else ""
            return f"{outcome.error.rstrip('.')}.{where}", outcome.error.removeprefix("Your function ")
        return difference(outcome.arrays(), expected, self._names(expected), self.tolerance), "wrong"

    def _shown(self, case: Case, expected: tuple[np.ndarray, ...], outcome: Outcome) -> str:
        text = f"This was tried:\n{listed(case)}\nExpected:\n{listed(self._named(expected))}"
        if outcome.values is not None:
            text += f"\nYours:\n{listed(self._named(outcome.arrays()))}"
        if outcome.printed.strip():
            text += f"\nIt printed:\n{textwrap.indent(outcome.printed.rstrip(), '  ')}"
        return text

    def _right_but(self, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Verdict:
        changed = {list(case)[place] for case, one in zip(cases, outcomes) for place in one.changed}
        if not changed:
            return self._right()
        names = " and ".join(sorted(changed))
        note = (
            f"One thing: your function changes {names} in place. Whoever calls it finds other numbers there "
            "afterwards than before; better make a new array (a = a + b instead of a += b)."
        )
        return Verdict("right", f"{self._right().text}\n{paragraph(note)}")

    def _named(self, results: tuple[np.ndarray, ...]) -> dict[str, Any]:
        return dict(zip(self._names(results), results))

    def _names(self, results: tuple[np.ndarray, ...]) -> Sequence[str]:
        if len(self.results) == len(results):
            return self.results
        return [f"{self.results[0]}[{place}]" for place in range(len(results))]


def _tells(expected: tuple[np.ndarray, ...]) -> bool:
    """True where no axis of the results has the length 1."""
    return all(1 not in one.shape for one in expected) and sum(one.size for one in expected) > 1


@dataclass(frozen=True, kw_only=True, repr=False)
class Choice(Exercise):
    """One of several answers, each a letter; `wrong` has something to say to each wrong one."""

    right: str
    wrong: Mapping[str, str]

    @property
    def letters(self) -> list[str]:
        """The letters one may answer with."""
        return sorted([self.right, *self.wrong])

    def solution_text(self) -> str:
        return f'{self.answer_name} = "{self.right}"'

    def collect(self, answer: object, seed: int) -> dict[str, Any]:
        return {"stub": True} if execution.is_stub(answer) else {"answer": _text(answer)}

    def judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        if given.get("stub"):
            return self._not_started()
        # also "(c)", "`c`" and "c: half of them"
        letter = re.split(r"[):.\s]", given["answer"].strip().lstrip("(`'\""))[0].strip("`'\"").lower()
        if letter == self.right:
            return self._right()
        if letter not in self.wrong:
            *some, last = (f'"{one}"' for one in self.letters)
            return self._not_yet(
                f"Answer with one of the letters {', '.join(some)} or {last}, in quotes; you gave "
                f"{textwrap.shorten(given['answer'], 60, placeholder=' …') or 'nothing'}.",
                reason="no such letter",
            )
        return self._not_yet(self.wrong[letter], reason=f"wrong: {letter}", mistake=letter)


@dataclass(frozen=True, kw_only=True, repr=False)
class Number(Exercise):
    """One number. `wrong` has something to say to numbers that come of a typical mistake.

    tolerance : how far off a number may be, absolutely.
    """

    right: float
    wrong: Mapping[float, str]
    tolerance: float = 1e-6

    def solution_text(self) -> str:
        return f"{self.answer_name} = {self.right:g}"

    def collect(self, answer: object, seed: int) -> dict[str, Any]:
        if execution.is_stub(answer):
            return {"stub": True}
        try:
            return {"answer": float(answer)}  # type: ignore[arg-type]
        except Exception:
            return {"unusable": _short(answer)}

    def judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        if given.get("stub"):
            return self._not_started()
        if "unusable" in given:
            return self._not_yet(
                f"Answer with one number, without a comma for thousands; you gave {given['unusable']}.",
                reason="no number",
            )
        answer = float(given["answer"])
        if abs(answer - self.right) <= self.tolerance:
            return self._right()
        for number, says in self.wrong.items():
            if abs(answer - number) <= self.tolerance:
                return self._not_yet(says, reason=f"wrong: {number:g}", mistake=f"{number:g}")
        side = "too large" if answer > self.right else "too small"
        if not np.isfinite(answer):
            side = "not a finite number"
        return self._not_yet(f"{answer:g} is {side}.", reason=f"wrong: {side}")


@dataclass(frozen=True)
class Goal:
    """Something an experiment is to reach: in words, whether the facts reach it, and the measured value.

    advice : what to try where it is not reached.
    """

    words: str
    reached: Callable[[Mapping[str, Any]], bool]
    measured: Callable[[Mapping[str, Any]], str]
    advice: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Experiment(Exercise):
    """An experiment of the student's own, whose outcome is held against goals.

    facts : returns of what the student hands over what the goals need, as plain data; raises TypeError,
    in words, for something else. code : a way that reaches the goals, the text of a cell.
    """

    facts: Callable[[Any], dict[str, Any]]
    goals: tuple[Goal, ...]
    code: str

    def solution_text(self) -> str:
        return self.code.strip()

    def collect(self, answer: object, seed: int) -> dict[str, Any]:
        if execution.is_stub(answer):
            return {"stub": True}
        try:
            return {"facts": self.facts(answer)}
        except TypeError as error:
            return {"unusable": f"{error} You gave {_short(answer)}."}
        except Exception as error:
            return {"unusable": f"What you gave cannot be judged ({type(error).__name__}): {_short(answer)}."}

    def judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        if given.get("stub"):
            return self._not_started()
        if "unusable" in given:
            return self._not_yet(given["unusable"], reason="nothing to judge")
        facts = given["facts"]
        reached = [goal.reached(facts) for goal in self.goals]
        lines = "\n".join(
            f"  {'reached:' if ok else 'not yet:'} {goal.words} (yours: {goal.measured(facts)})"
            for goal, ok in zip(self.goals, reached)
        )
        if all(reached):
            return Verdict("right", f"{self._right().text}\n\n{lines}")
        missed = self.goals[reached.index(False)]
        return self._not_yet(missed.advice, lines, f"wrong: {missed.words}", missed.words)


def _text(value: object) -> str:
    try:
        return str(value)[:200]
    except Exception:
        return f"something of the type {type(value).__name__}"


def _short(value: object) -> str:
    try:
        return textwrap.shorten(repr(value)[:500], 60, placeholder=" …")
    except Exception:
        return f"something of the type {type(value).__name__}"
