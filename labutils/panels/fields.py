"""Labelled inputs: for a number, with an answer to a wrong entry beside it, and for a choice."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import ipywidgets as widgets

from labutils.panels import base


@dataclass(frozen=True)
class Field:
    """What one input asks for.

    Parameters
    ----------
    name : the argument that it feeds.
    label : what the student reads.
    value : at the start; a whole number asks for whole numbers.
    low, high : the allowed range, both included.
    """

    name: str
    label: str
    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"the field {self.name!r} starts at {self.value}, outside its range {self.low} to {self.high}"
            )

    @property
    def is_whole(self) -> bool:
        """Whether it asks for a whole number."""
        return isinstance(self.value, int)

    @property
    def range(self) -> str:
        """The allowed range in words."""
        return f"{field_text(self.low)} to {field_text(self.high)}"

    @property
    def question(self) -> str:
        """The label with the range."""
        return f"{self.label} ({self.range})"

    def parsed(self, text: str) -> float:
        """Return the number that a student typed; ValueError says what is wrong and what would do."""
        wanted = f"type a {'whole ' if self.is_whole else ''}number from {self.range}"
        typed = text.strip().replace("−", "-")
        if not typed:
            raise ValueError(f"{self.label} is empty: {wanted}.")
        shown = typed if len(typed) <= 20 else typed[:19] + "…"
        thousands = re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", typed)
        if "_" in typed or thousands or (self.is_whole and "," in typed):
            raise ValueError(f"“{shown}” is not a plain number: {wanted}, with digits alone.")
        try:
            number = float(typed if "." in typed else typed.replace(",", ".", 1))
        except ValueError:
            raise ValueError(f"“{shown}” is not a number: {wanted}.") from None
        if not math.isfinite(number):
            raise ValueError(f"“{shown}” is not a finite number: {wanted}.")
        if self.is_whole and number != int(number):
            raise ValueError(f"{shown} is not a whole number: {wanted}.")
        if not self.low <= number <= self.high:
            raise ValueError(f"{shown} is too {'small' if number < self.low else 'large'}: {wanted}.")
        return int(number) if self.is_whole else number


@dataclass(frozen=True)
class ListField:
    """What one input asks for where several numbers may be given.

    Parameters
    ----------
    name : the argument that each of them is given to.
    label : what the student reads.
    values : at the start; whole numbers ask for whole numbers.
    low, high : the allowed range, both included.
    most : how many there may be.
    """

    name: str
    label: str
    values: tuple[float, ...]
    low: float
    high: float
    most: int = 10

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or not 1 <= len(self.values) <= self.most:
            raise ValueError(f"the field {self.name!r} needs 1 to {self.most} values, got {self.values!r}")
        if len({isinstance(value, int) for value in self.values}) > 1:
            raise ValueError(f"the field {self.name!r} mixes whole and other numbers: write 1.0 for 1")
        for value in self.values:
            Field(self.name, self.label, value, self.low, self.high)

    @property
    def value(self) -> str:
        """What stands in the input at the start."""
        return ", ".join(map(field_text, self.values))

    @property
    def question(self) -> str:
        """The label with the range."""
        return f"{self.label} ({field_text(self.low)} to {field_text(self.high)}; several with commas)"

    def parsed(self, text: str) -> tuple[float, ...]:
        """Return the numbers that a student typed; ValueError says what is wrong and what would do."""
        one = Field(self.name, self.label, self.values[0], self.low, self.high)
        parts = [part for part in re.split(r"[,;\s]+", text.strip()) if part]
        if not parts:
            raise ValueError(f"{self.label} is empty: type numbers from {one.range}, with commas.")
        numbers = tuple(map(one.parsed, parts))
        if len(set(numbers)) < len(numbers):
            twice = next(number for number in numbers if numbers.count(number) > 1)
            raise ValueError(f"{field_text(twice)} occurs twice: type each value once.")
        if len(numbers) > self.most:
            raise ValueError(f"{len(numbers)} values are too many: type at most {self.most}.")
        return numbers


@dataclass(frozen=True)
class ChoiceField:
    """What one input asks for, where there are only some answers.

    Parameters
    ----------
    name : the argument that it feeds.
    label : what the student reads.
    options : the answers, a list or tuple of texts, the first chosen at the start.
    """

    name: str
    label: str
    options: tuple[str, ...]

    def __post_init__(self) -> None:
        are_texts = isinstance(self.options, (list, tuple)) and all(isinstance(o, str) for o in self.options)
        if not are_texts or len(set(self.options)) < max(2, len(self.options)):
            raise ValueError(
                f"the choice {self.name!r} needs different options, two or more, as a list or tuple of "
                f"texts, got {reprlib.repr(self.options)}"
            )

    @property
    def value(self) -> str:
        """The option at the start."""
        return self.options[0]

    is_whole = False


def field_text(value: float | str) -> str:
    """Return a value as it stands in a field: all digits of a whole number, six of another."""
    return str(value) if isinstance(value, (int, str)) else f"{value:g}"


Value = TypeVar("Value")


class TypedInput(Generic[Value]):
    """A box to type in, and the answer to a wrong entry.

    Parameters
    ----------
    field : what is asked for.
    value : at the start.
    parsed : returns the value that a text stands for; ValueError says what is wrong with it.
    on_value : called after each entry that can be read.

    Attributes
    ----------
    value : the last one that could be read.
    is_valid : whether the box holds such.
    box, answer : the widgets, which `widget` holds.
    """

    def __init__(
        self,
        field: Field | ListField,
        value: Value,
        parsed: Callable[[str], Value],
        on_value: Callable[[], None] = lambda: None,
    ) -> None:
        self.field, self.value, self._parsed, self._on_value = field, value, parsed, on_value
        shown = field_text(field.value)
        self.is_valid = True
        self.box = base.control(widgets.Text, field.question, value=shown, continuous_update=False)
        self.answer = widgets.HTML()
        self.widget = base.labelled(self.box, self.answer)  # a change of the box itself would reset its text
        self.box.observe(self._typed, "value")

    def _typed(self, change: dict) -> None:
        try:
            self.value = self._parsed(change["new"])
        except ValueError as error:
            self.is_valid = False
            self.widget.add_class("lab-wrong")
            self.answer.value = base.alert(str(error))
            return
        self.is_valid = True
        self.widget.remove_class("lab-wrong")
        self.answer.value = ""
        self._on_value()


class Input(TypedInput[float]):
    """The widget of a `Field`, whose value is a number."""

    def __init__(self, field: Field, on_value: Callable[[], None] = lambda: None) -> None:
        super().__init__(field, field.value, field.parsed, on_value)


class ListInput(TypedInput[tuple[float, ...]]):
    """The widget of a `ListField`, whose value is a tuple of numbers."""

    def __init__(self, field: ListField) -> None:
        super().__init__(field, field.values, field.parsed)


class ChoiceInput:
    """The widget of a `ChoiceField`, with the attributes of an `Input`."""

    def __init__(self, field: ChoiceField) -> None:
        self.field, self.is_valid = field, True
        self.box = base.control(widgets.Dropdown, field.label, options=list(field.options))
        self.widget = base.labelled(self.box)

    @property
    def value(self) -> str:
        """The option that is chosen."""
        return self.box.value


def input_of(field: Field | ChoiceField) -> Input | ChoiceInput:
    """Return the widget that asks for a field."""
    return ChoiceInput(field) if isinstance(field, ChoiceField) else Input(field)
