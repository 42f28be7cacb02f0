"""A graded notebook: what became of it, and what was said to each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from labutils.exercises.registry import all_exercises

RIGHT, NOT_REACHED = "right", "not reached"
NOT_TRIED = ("", "missing", "not started", "not checked", NOT_REACHED)


class State(StrEnum):
    """What became of a file that was handed in."""

    GRADED = "graded"
    NO_EXERCISES = "no exercises"
    UNREADABLE = "unreadable"
    HUNG = "hung"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Answer:
    """What was said to the answer to one exercise.

    Attributes
    ----------
    word : such as "right", "wrong: forgotten bias" or "missing".
    points : what it earned.
    feedback : the text for the student; "" where it is not known any more.
    """

    word: str
    points: float = 0.0
    feedback: str = ""


@dataclass(frozen=True)
class GradedNotebook:
    """One file that was handed in, a row of the table.

    Attributes
    ----------
    file : its path in what was handed in.
    state : a `State`, or what somebody has written there into the table.
    digest : tells its content from another.
    student, identifier : as a learning platform wrote them into the path, "" where it did not.
    notebook : the numbers of the notebooks whose exercises are in it, such as "01 02".
    reason : why it is in this state, in words.
    remark : what a teacher may want to know.
    right : how many answers are right.
    points, of : what it earned, and the most that it could.
    answers : by the number of the exercise.
    claimed : the exercises that the file has stored as right; known while it is graded, not in the table.
    """

    file: str
    state: str
    digest: str
    student: str = ""
    identifier: str = ""
    notebook: str = ""
    reason: str = ""
    remark: str = ""
    right: int = 0
    points: float = 0.0
    of: float = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    claimed: tuple[str, ...] = ()

    @property
    def remark_with_claims(self) -> str:
        """Return the remark, and which exercises the file has stored as right that are not."""
        wrongly = [n for n in self.claimed if n in self.answers and self.answers[n].word != RIGHT]
        stored = f"stored as right but is not when it is run: {', '.join(wrongly)}" if wrongly else ""
        return "; ".join(text for text in (self.remark, stored) if text)

    @property
    def was_stopped(self) -> bool:
        """Return whether it did not come to its end."""
        return self.state in (State.HUNG, State.CRASHED)

    def with_answers(self, answers: dict[str, Answer]) -> GradedNotebook:
        """Return it with these answers, counted."""
        right = sum(answer.word == RIGHT for answer in answers.values())
        points = round(sum(answer.points for answer in answers.values()), 2)
        return replace(self, answers=answers, right=right, points=points)

    def with_better_answers(self, other: GradedNotebook) -> GradedNotebook:
        """Return it with what another run of the same notebook reached, or has given more points."""
        better = {}
        for number, answer in other.answers.items():
            mine = self.answers.get(number, Answer(NOT_REACHED))
            reached = mine.word == NOT_REACHED and answer.word not in (NOT_REACHED, "not checked", "missing")
            if reached or answer.points > mine.points:
                better[number] = answer
        return self.with_answers(self.answers | better)

    def as_row(self) -> dict[str, Any]:
        """Return it without feedback as a row of the table; the points of 1.2 stand under "1.2 points"."""
        row = {name: value for name, value in vars(self).items() if name not in ("answers", "claimed")}
        row["remark"] = self.remark_with_claims
        for number, answer in self.answers.items():
            row |= {number: answer.word, f"{number} points": answer.points}
        return row


def best_answers(attempts: Sequence[GradedNotebook]) -> dict[str, Answer]:
    """Return for each exercise, in order, the answer that has most points."""
    best: dict[str, Answer] = {}
    for exercise in all_exercises():
        tried = [
            attempt.answers[exercise.number] for attempt in attempts if exercise.number in attempt.answers
        ]
        if tried:
            best[exercise.number] = max(
                tried, key=lambda answer: (answer.points, answer.word not in NOT_TRIED)
            )
    return best
