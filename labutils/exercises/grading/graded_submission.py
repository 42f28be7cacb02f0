"""A graded submission: its state, and what was said to each answer.

In this package a *submission* is a file that was handed in, and a *notebook* what nbformat makes of it; those
of the series are meant by their *notebook numbers*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from labutils.exercises.registry import all_exercises


class State(StrEnum):
    """How far a file that was handed in could be graded."""

    GRADED = "graded"
    NO_EXERCISES = "no exercises"
    UNREADABLE = "unreadable"
    HUNG = "hung"
    CRASHED = "crashed"


class AnswerState(StrEnum):
    """Whether the answer to an exercise is right, wrong, or why it could not be judged."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_STARTED = "not started"
    MISSING = "missing"
    NOT_CHECKED = "not checked"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Answer:
    """What was said to the answer to one exercise.

    Attributes
    ----------
    state : an `AnswerState`.
    points : what it earned.
    mistake : of a wrong one, in a few words: "wrong: forgotten bias", "too slow".
    feedback : the text for the student; "" where it is not known any more.
    """

    state: AnswerState
    points: float = 0.0
    mistake: str = ""
    feedback: str = ""

    @property
    def label(self) -> str:
        """Return what the table says of it: its state, or the mistake."""
        names_a_mistake = self.state is AnswerState.WRONG and self.mistake
        # a mistake may quote any words of a student, "right" among them
        return self.mistake if names_a_mistake and self.mistake not in list(AnswerState) else str(self.state)

    @classmethod
    def from_label(cls, label: str, points: float = 0.0, feedback: str = "") -> Answer:
        """Return the answer of which the table says this."""
        if label in list(AnswerState):
            return cls(AnswerState(label), points, feedback=feedback)
        return cls(AnswerState.WRONG, points, label, feedback)


@dataclass(frozen=True)
class GradedSubmission:
    """One file that was handed in, a row of the table.

    Attributes
    ----------
    file : its path in what was handed in.
    state : a `State`, or what somebody has written there into the table.
    digest : tells its content from another.
    student, identifier : as a learning platform wrote them into the path, "" where it did not.
    notebook_numbers : of the series, those whose exercises are in it.
    reason : why it is in this state, in words.
    remark : what a teacher may want to know.
    max_points : the most that it could earn.
    answers : by the number of the exercise.
    stored_as_right : the exercises that are right in the file's outputs; known while it is graded, not in
        the table.
    """

    file: str
    state: str
    digest: str
    student: str = ""
    identifier: str = ""
    notebook_numbers: tuple[int, ...] = ()
    reason: str = ""
    remark: str = ""
    max_points: float = 0.0
    answers: dict[str, Answer] = field(default_factory=dict)
    stored_as_right: tuple[str, ...] = ()

    @property
    def right(self) -> int:
        """Return how many answers are right."""
        return sum(answer.state is AnswerState.RIGHT for answer in self.answers.values())

    @property
    def points(self) -> float:
        """Return what the answers earned together."""
        return round(sum((answer.points for answer in self.answers.values()), 0.0), 2)

    @property
    def full_remark(self) -> str:
        """Return the remark, and which exercises the file has stored as right that are not."""
        answers = {number: self.answers[number] for number in self.stored_as_right if number in self.answers}
        wrongly = [number for number, answer in answers.items() if answer.state is not AnswerState.RIGHT]
        stored = f"stored as right but is not when it is run: {', '.join(wrongly)}" if wrongly else ""
        return "; ".join(text for text in (self.remark, stored) if text)

    @property
    def was_stopped(self) -> bool:
        """Return whether it did not come to its end."""
        return self.state in (State.HUNG, State.CRASHED)

    def with_better_answers(self, other: GradedSubmission) -> GradedSubmission:
        """Return it with what another run of the same file reached, or has given more points."""
        nothing = (AnswerState.NOT_REACHED, AnswerState.NOT_CHECKED, AnswerState.MISSING)
        better = {}
        for number, answer in other.answers.items():
            mine = self.answers.get(number, Answer(AnswerState.NOT_REACHED))
            reached = mine.state is AnswerState.NOT_REACHED and answer.state not in nothing
            if reached or answer.points > mine.points:
                better[number] = answer
        return replace(self, answers=self.answers | better)


def by_file(submissions: Iterable[GradedSubmission]) -> list[GradedSubmission]:
    """Return graded submissions in the order of their files."""
    return sorted(submissions, key=lambda submission: submission.file)


def best_answers(attempts: Sequence[GradedSubmission]) -> dict[str, Answer]:
    """Return for each exercise, in order, the answer with most points, a tried one before others."""
    best: dict[str, Answer] = {}
    for exercise in all_exercises():
        answers = [a.answers[exercise.number] for a in attempts if exercise.number in a.answers]
        if answers:
            best[exercise.number] = max(answers, key=_merit)
    return best


def _merit(answer: Answer) -> tuple[float, bool]:
    return answer.points, answer.state in (AnswerState.RIGHT, AnswerState.WRONG)
