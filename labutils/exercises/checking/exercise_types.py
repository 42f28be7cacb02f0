"""The four types of exercises: code to write, a choice or a number to predict, an experiment of one's own.

An answer is judged in two steps. `collect` looks at what the student gave, calls it where it is a
function, and returns plain data; `judge` compares that data with what is right and finds the words. In a
notebook both happen in one process; when handed-in notebooks are graded, only the first does in theirs.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import textwrap
import unicodedata
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np

from labutils.exercises.checking import execution
from labutils.exercises.checking.diagnosis import Probe, Trial, diagnose, probes
from labutils.exercises.checking.execution import Outcome
from labutils.exercises.checking.formatting import Arrays, difference, listed, paragraph, same
from labutils.validation import whole_number

Case = dict[str, Any]
"""The arguments of one call, by name, in order."""


class Status(StrEnum):
    """How far an answer is."""

    NOT_STARTED = "not started"
    NOT_YET = "not yet"
    RIGHT = "right"


@dataclass(frozen=True)
class Verdict:
    """What is said to an answer.

    Attributes
    ----------
    status : how far it is.
    text : what the student reads.
    label : what a table says of an answer that is not yet right, in a few words: "wrong: forgotten bias".
    mistake : the name of the typical mistake that was recognised, if one was.
    fraction : the share of the points, from 0 to 1: of the cases that are right; of an experiment that
        misses a goal half the share of its goals that are reached, conditions left out.
    """

    status: Status
    text: str
    label: str = ""
    mistake: str | None = None
    fraction: float = 0.0


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer to a coding exercise: a function that gives it, and what to say to it."""

    name: str
    does: Callable
    says: str


@dataclass(frozen=True, kw_only=True)
class Exercise(ABC):
    """What all types share.

    Attributes
    ----------
    title, question : as its cell of the notebook shows them, in Markdown.
    idea : what one learns by it, for the table of all exercises.
    minutes : how long it takes.
    hints : up to three, each says more than the one before.
    afterwards : what to say once it is right.
    points : what a right answer counts where grades are given.
    number : such as "1.2"; the registry gives it.
    """

    title: str
    question: str
    idea: str
    minutes: int
    hints: tuple[str, ...]
    afterwards: str
    points: int = 1
    number: str = ""

    kind: ClassVar[str] = "predict"
    on_check: ClassVar[list[Callable[[Exercise, object], None]]] = []  # called with each checked answer
    # to an {answer} that cannot be judged; {name} is what the notebook calls it
    unusable_text: ClassVar[str] = "{answer}"
    unusable_label: ClassVar[str] = "nothing to judge"

    @property
    def answer_name(self) -> str:
        """The name that the notebook gives to the answer."""
        return f"answer_{self.number.replace('.', '_')}"

    def check(self, answer: object) -> None:
        """Print what there is to say to an answer.

        Parameters
        ----------
        answer : what the question asks for. One that was not begun is no mistake.
        """
        for callback in self.on_check:
            callback(self, answer)
        print(self.verdict(answer).text)

    def verdict(self, answer: object, seed: int = 0) -> Verdict:
        """Return what there is to say to an answer, tried with the inputs that this seed draws."""
        return self.judge(self.collect(answer, seed), seed)

    def hint(self, how_many: int = 1) -> None:
        """Print the first hint, or the first two or three: ``hint(2)``, ``hint(3)``.

        Parameters
        ----------
        how_many : hints, 1 or more.
        """
        shown = self.hints[: whole_number("the number of hints", how_many)]
        for position, text in enumerate(shown, start=1):
            print(paragraph(f"Hint {position} of {len(self.hints)}: {text}"))
        more = "solution()" if shown == self.hints else f"hint({how_many + 1})"
        print(f'\nStill stuck? exercise("{self.number}").{more}')

    def solution(self) -> None:
        """Print one way to do it, and why."""
        print(f"{self.solution_text().rstrip()}\n\n{paragraph(self.afterwards)}")

    def example(self, which: int = 0) -> list[Any]:
        """Return the arguments of one of the calls that `check` makes; ValueError where it calls nothing.

        Parameters
        ----------
        which : of the calls, counted from 0.
        """
        raise ValueError(f"exercise {self.number} asks for no function, so there are no arguments to try")

    def question_cell(self) -> str:
        """Return the text of the Markdown cell that asks the question."""
        return f"**Exercise {self.number} · {self.title}** (about {self.minutes} minutes). {self.question}"

    def answer_cell(self) -> str:
        """Return the text of the code cell below it: what is to be filled in, and the check."""
        return f'{self._stub()}\nexercise("{self.number}").check({self.answer_name})'

    def collect(self, answer: object, seed: int) -> dict[str, Any]:
        """Return what the answer is, or gives when it is called, as data that json can write."""
        return {"stub": True} if execution.is_stub(answer) else self._collect(answer, seed)

    def judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        """Return what there is to say to what `collect` returned for the same seed."""
        if "unusable" in given:
            says = self.unusable_text.format(answer=given["unusable"], name=self.answer_name)
            return self._not_yet(says, self.unusable_label)
        if not given.get("stub"):
            return self._judge(given, seed)
        text = (
            f"Exercise {self.number} ({self.title}): not started.\nPut your answer in place of the dots and "
            f'run this cell again; exercise("{self.number}").hint() helps.'
        )
        return Verdict(Status.NOT_STARTED, text)

    @abstractmethod
    def solution_text(self) -> str:
        """Return the solution as the text of a cell."""

    @abstractmethod
    def _collect(self, answer: object, seed: int) -> dict[str, Any]: ...

    @abstractmethod
    def _judge(self, given: Mapping[str, Any], seed: int) -> Verdict: ...

    def _stub(self) -> str:
        return f"{self.answer_name} = ..."

    def _right(self) -> Verdict:
        text = paragraph(f"Exercise {self.number}: right. {self.afterwards}")
        return Verdict(Status.RIGHT, text, fraction=1.0)

    def _not_yet(
        self, says: str, label: str, mistake: str | None = None, shown: str = "", fraction: float = 0.0
    ) -> Verdict:
        text = paragraph(f"Exercise {self.number}: not yet. {says}")
        text = f"{text}\n\n{shown}" if shown else text
        return Verdict(Status.NOT_YET, text, label, mistake, fraction)

    def __repr__(self) -> str:
        return (
            f"Exercise {self.number}, {self.title} (about {self.minutes} minutes): "
            f".check({self.answer_name}), .hint(), .solution()"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class Coding(Exercise):
    """A function to write, compared with a right one on several inputs.

    Attributes
    ----------
    solve : the right function. Its source is the solution; its name, arguments and docstring are the stub's.
    cases : draws the inputs, the smallest first.
    mistakes : wrong answers to recognise.
    tolerance : how far a number may be off, absolutely and relatively; the default lets 32-bit floats pass.
    results : the names of what it returns.
    """

    solve: Callable
    cases: Callable[[np.random.Generator], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    points: int = 2
    tolerance: float = 1e-5
    results: tuple[str, ...] = ("result",)

    kind: ClassVar[str] = "code"
    unusable_text: ClassVar[str] = (
        "check needs the function itself, but got {answer}. Write check({name}), with no brackets after the "
        "name."
    )
    unusable_label: ClassVar[str] = "no function"

    @property
    def answer_name(self) -> str:
        """The name of the function that is asked for."""
        return self.solve.__name__

    def solution_text(self) -> str:
        """Return the source of the function as it stands in its module."""
        return inspect.getsource(self.solve)

    def example(self, which: int = 0) -> list[Any]:
        """Return the arguments of one of the calls that `check` makes, to try them out."""
        cases = self._drawn(0)
        return list(cases[whole_number("the number of the example", which, 0, len(cases) - 1)].values())

    def _stub(self) -> str:
        head = f"def {self.answer_name}{inspect.signature(self.solve)}:"
        return f'{head}\n    """{self.solve.__doc__}"""\n    ...\n'

    def _collect(self, answer: object, seed: int) -> dict[str, Any]:
        if not callable(answer):
            return {"unusable": _short(answer)}
        if execution.swallows_everything(answer):
            return {"swallows": True}
        cases = self._drawn(seed)
        outcomes = self._called(answer, cases)
        further = [case for of in self._further(self._tried(cases, outcomes)) for case in of.values()]
        probed = self._called(answer, further, seconds=1.0) if further else []
        return {"outcomes": [*map(asdict, outcomes)], "probed": [*map(asdict, probed)]}

    def _judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        if "swallows" in given:
            return self._not_yet(_SWALLOWS, "a bare except in a loop")
        cases = self._drawn(seed)
        outcomes, probed = (
            [Outcome(**one) for one in given.get(part, ())] for part in ("outcomes", "probed")
        )
        tried = self._tried(cases, outcomes)
        wrong = [n for n, trial in enumerate(tried) if not self._is_right(trial)]
        if not wrong:
            return self._right_with_note(cases, outcomes)
        fraction = 1 - len(wrong) / len(tried)
        with_numbers = [n for n in wrong if tried[n].ours is not None]
        for mistake in self.mistakes:
            if self._made(mistake, tried, outcomes):
                first = (with_numbers + wrong)[0]
                shown = self._shown(tried[first], outcomes[first])
                return self._not_yet(mistake.says, f"wrong: {mistake.name}", mistake.name, shown, fraction)
        # a single row or unit does not tell a forgotten sum, a wrong sign or a transposed matrix
        telling = [n for n in with_numbers if _tells(tried[n].right)]
        stopped = [n for n in wrong if outcomes[n].error]
        first = (stopped + telling + wrong)[0]
        trial = tried[first]
        if trial.ours is None:
            says, label = _without_numbers(outcomes[first])
        else:
            says, label = self._compared(tried, trial.right, trial.ours, probed)
        return self._not_yet(says, label, None, self._shown(trial, outcomes[first]), fraction)

    def _tried(self, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> list[Trial]:
        pairs = zip(cases, outcomes, strict=True)
        return [Trial(case, self._expected(case)[0], outcome.arrays()) for case, outcome in pairs]

    def _is_right(self, trial: Trial) -> bool:
        return same(trial.ours, trial.right, self.tolerance)

    def _further(self, tried: Sequence[Trial]) -> list[dict[Probe, Case]]:
        """Return cases made of each one that is wrong, which tell what kind of error it is."""
        wrong = [trial for trial in tried if not self._is_right(trial)]
        if any(trial.ours is None for trial in wrong):
            return []
        found: list[dict[Probe, Case]] = [{} for _ in wrong]
        for trial, of_trial in zip(wrong, found):
            for probe, case in probes(trial.case).items():
                with contextlib.suppress(Exception):  # the solution need not take every number
                    self._expected(case)
                    of_trial[probe] = case
        return found

    def _compared(
        self, tried: Sequence[Trial], right: Arrays, ours: Arrays, probed: Sequence[Outcome]
    ) -> tuple[str, str]:
        """Return how one trial differs and what kind of error all of them show; a label for a table."""
        named, further = self._named(right), self._further(tried)
        says = difference(ours, named, self.tolerance)
        trials = iter(self._tried([case for of in further for case in of.values()], probed))
        changed = [{probe: next(trials) for probe in of} for of in further]
        found = diagnose(tried, changed, lambda c: self._expected(c)[0], list(named), self.tolerance)
        return (f"{says} {found.says}", f"wrong: {found.kind}") if found else (says, "wrong")

    def _drawn(self, seed: int) -> Sequence[Case]:
        return self.cases(np.random.default_rng(seed))

    def _called(self, function: Callable, cases: Sequence[Case], **limit: float) -> list[Outcome]:
        results = [len(right) if several else None for right, several in map(self._expected, cases)]
        return execution.outcomes(function, cases, results, **limit)

    def _expected(self, case: Case) -> tuple[Arrays, bool]:
        """Return the right results as arrays of floats, and whether there are several of them."""
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            right = self.solve(*case.values())
        several = isinstance(right, tuple) or (isinstance(right, list) and isinstance(right[0], np.ndarray))
        return tuple(np.asarray(result, dtype=float) for result in (right if several else (right,))), several

    def _made(self, mistake: Mistake, tried: Sequence[Trial], outcomes: Sequence[Outcome]) -> bool:
        """True where the answer does in every case what the mistake does, which is wrong in some."""
        of_mistake = self._called(mistake.does, [trial.case for trial in tried])
        if all(wrong.values is None for wrong in of_mistake):
            return all(wrong.error and wrong.error == ours.error for wrong, ours in zip(of_mistake, outcomes))
        return any(
            wrong.values is not None and not same(wrong.arrays(), trial.right, self.tolerance)
            for wrong, trial in zip(of_mistake, tried)
        ) and all(
            bool(ours.error) if wrong.values is None else same(trial.ours, wrong.arrays(), self.tolerance)
            for wrong, trial, ours in zip(of_mistake, tried, outcomes)
        )

    def _shown(self, trial: Trial, outcome: Outcome) -> str:
        text = f"This was tried:\n{listed(trial.case)}\nExpected:\n{listed(self._named(trial.right))}"
        if trial.ours is not None:
            text += f"\nYours:\n{listed(self._named(trial.ours))}"
        if outcome.printed.strip():
            text += f"\nIt printed:\n{textwrap.indent(outcome.printed.rstrip(), '  ')}"
        return text

    def _right_with_note(self, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Verdict:
        changed = {list(case)[n] for case, outcome in zip(cases, outcomes) for n in outcome.changed}
        right = self._right()
        if not changed:
            return right
        note = (
            f"One thing: your function changes {' and '.join(sorted(changed))} in place. Whoever calls it "
            "finds other numbers there afterwards than before; better make a new array (a = a + b instead of "
            "a += b)."
        )
        return replace(right, text=f"{right.text}\n{paragraph(note)}")

    def _named(self, results: Arrays) -> dict[str, np.ndarray]:
        names = [f"{self.results[0]}[{position}]" for position in range(len(results))]
        return dict(zip(self.results if len(self.results) == len(results) else names, results))


_QUOTES = "`'\"“”„‘’‚«»"
_SLOW = (
    f"It had not come to an end after {execution.SECONDS:.0f} seconds. Is there a loop that never ends, or "
    "one that does far more than is needed?"
)
_NOTHING = "Your function gives nothing back (None). Does every way through it end with return?"
_SWALLOWS = (
    "Your function was not called: in its while loop, except: without the name of an error also catches what "
    "would end a loop without end. Name the error that you expect, such as except ValueError:"
)


def _without_numbers(outcome: Outcome) -> tuple[str, str]:
    if outcome.slow:
        return _SLOW, "too slow"
    if outcome.nothing:
        return _NOTHING, "returns nothing"
    where = f" In this line: {outcome.line}" if outcome.line else ""
    return f"{outcome.error.rstrip('.')}.{where}", outcome.error.removeprefix("Your function ")


def _tells(expected: Arrays) -> bool:
    """True where no axis of the results has the length 1."""
    return all(1 not in array.shape for array in expected) and sum(array.size for array in expected) > 1


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
        """Return the letter of the right answer as the text of a cell."""
        return f'{self.answer_name} = "{self.right}"'

    def _collect(self, answer: object, seed: int) -> dict[str, Any]:
        return {"answer": _text(answer)}

    def _judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        text = unicodedata.normalize("NFKC", given["answer"])  # full-width letters become plain ones
        # also "(c)", "`c`" and "c: half of them"
        letter = re.split(r"[):.\s]", text.strip().lstrip(f"({_QUOTES}"))[0].strip(_QUOTES).lower()
        if letter == self.right:
            return self._right()
        if letter in self.wrong:
            return self._not_yet(self.wrong[letter], f"wrong: {letter}", letter)
        *some, last = (f'"{possible}"' for possible in self.letters)
        got = textwrap.shorten(given["answer"], 60, placeholder=" …") or "nothing"
        if len(letter) == 1 and letter.isalpha() and not letter.isascii():
            name = unicodedata.name(letter, "unknown")
            got += f", which is a {name.split()[0].capitalize()} letter ({name})"
        says = f"Answer with one of the letters {', '.join(some)} or {last}, in quotes; you gave {got}."
        return self._not_yet(says, "no such letter")


_DIGITS = ".12g"  # of a number; "g" would write 5,120,000 as 5.12e+06


@dataclass(frozen=True, kw_only=True, repr=False)
class Number(Exercise):
    """One number, right within an absolute `tolerance`; `wrong` answers those of typical mistakes."""

    right: float
    wrong: Mapping[float, str]
    tolerance: float = 1e-6

    unusable_text: ClassVar[str] = "Answer with one number, without a comma for thousands; you gave {answer}."
    unusable_label: ClassVar[str] = "no number"

    def solution_text(self) -> str:
        """Return the right number as the text of a cell."""
        return f"{self.answer_name} = {self.right:{_DIGITS}}"

    def _collect(self, answer: object, seed: int) -> dict[str, Any]:
        try:
            return {"answer": float(answer)}  # type: ignore[arg-type]  # whatever was answered
        except Exception:
            return {"unusable": _short(answer)}

    def _judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        answer = float(given["answer"])
        if abs(answer - self.right) <= self.tolerance:
            return self._right()
        for number, says in self.wrong.items():
            if abs(answer - number) <= self.tolerance:
                return self._not_yet(says, f"wrong: {number:{_DIGITS}}", f"{number:{_DIGITS}}")
        side = "too large" if answer > self.right else "too small"
        if not np.isfinite(answer):
            side = "not a finite number"
        return self._not_yet(f"{answer:{_DIGITS}} is {side}.", f"wrong: {side}")


@dataclass(frozen=True)
class Goal:
    """What an experiment is to reach: in words, whether the facts do, the measured value, advice if not.

    A condition is a goal that is reached without finding anything: it brings no points by itself.
    """

    words: str
    reached: Callable[[Mapping[str, Any]], bool]
    measured: Callable[[Mapping[str, Any]], str]
    advice: str
    is_condition: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class Experiment(Exercise):
    """An experiment of the student's own, whose outcome is held against goals.

    Attributes
    ----------
    facts : returns of what the student hands over what the goals need, as plain data; raises TypeError,
        in words, for something else.
    goals : what is to be reached.
    code : a way that reaches the goals, the text of a cell.
    answer_name, answer_note : of the answer, and what its stub says beside the dots.
    """

    facts: Callable[[Any], dict[str, Any]]
    goals: tuple[Goal, ...]
    code: str
    points: int = 3
    answer_name: str = "my_answer"
    answer_note: str = "my_model, my_run"

    kind: ClassVar[str] = "experiment"

    def solution_text(self) -> str:
        """Return the code that reaches the goals."""
        return self.code.strip()

    def _stub(self) -> str:
        return super()._stub() + (f"  # {self.answer_note}" if self.answer_note else "")

    def _collect(self, answer: object, seed: int) -> dict[str, Any]:
        try:
            return {"facts": self.facts(answer)}
        except TypeError as error:
            return {"unusable": f"{error} You gave {_short(answer)}."}
        except Exception as error:
            return {"unusable": f"What you gave cannot be judged ({type(error).__name__}): {_short(answer)}."}

    def _judge(self, given: Mapping[str, Any], seed: int) -> Verdict:
        facts = given["facts"]
        reached = [goal.reached(facts) for goal in self.goals]
        lines = "\n".join(
            f"  {'reached:' if ok else 'not yet:'} {goal.words} (yours: {goal.measured(facts)})"
            for goal, ok in zip(self.goals, reached)
        )
        if all(reached):
            return replace(self._right(), text=f"{self._right().text}\n\n{lines}")
        missed = self.goals[reached.index(False)]
        counted = [ok for goal, ok in zip(self.goals, reached) if not goal.is_condition]
        fraction = 0.5 * sum(counted) / max(1, len(counted))  # the goals belong together
        return self._not_yet(missed.advice, f"wrong: {missed.words}", missed.words, lines, fraction)


def _text(value: object, written: Callable[[object], str] = str) -> str:
    try:
        return written(value)[:500]
    except Exception:
        return f"something of the type {type(value).__name__}"


def _short(value: object) -> str:
    return textwrap.shorten(_text(value, repr), 60, placeholder=" …")
