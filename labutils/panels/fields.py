"""A labelled input for one number that answers a wrong entry in words, beside the input."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as widgets

from labutils.panels import base


@dataclass(frozen=True)
class Field:
    """What one input asks for.

    name : the argument that it feeds. label : what the student reads. value : at the start; a whole
    number asks for whole numbers. low, high : the allowed range, both included.
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
    def whole(self) -> bool:
        return isinstance(self.value, int)

    @property
    def asks(self) -> str:
        return f"{self.label} ({spelled(self.low)} to {spelled(self.high)})"

    def parsed(self, text: str) -> float:
        """Return the number that a student typed; ValueError says what is wrong and what would do."""
        span = f"{spelled(self.low)} to {spelled(self.high)}"
        wanted = f"type a {'whole ' if self.whole else ''}number from {span}"
        typed = text.strip().replace("−", "-")
        if not typed:
            raise ValueError(f"{self.label} is empty: {wanted}.")
        shown = typed if len(typed) <= 20 else typed[:19] + "…"
        if "_" in typed or (self.whole and "," in typed):
            raise ValueError(f"“{shown}” is not a plain number: {wanted}, with digits alone.")
        try:
            number = float(typed if "." in typed or "," not in typed else typed.replace(",", ".", 1))
        except ValueError:
            raise ValueError(f"“{shown}” is not a number: {wanted}.") from None
        if not math.isfinite(number):
            raise ValueError(f"“{shown}” is not a finite number: {wanted}.")
        if self.whole and number != int(number):
            raise ValueError(f"{shown} is not a whole number: {wanted}.")
        if not self.low <= number <= self.high:
            raise ValueError(f"{shown} is too {'small' if number < self.low else 'large'}: {wanted}.")
        return int(number) if self.whole else number


def spelled(number: float) -> str:
    """Return a number as it stands in a field: all digits of a whole one, six of another."""
    return str(number) if isinstance(number, int) else f"{number:g}"


class Input:
    """The widget of a `Field`: label, text box, and the answer to a wrong entry.

    number : the last number that could be read. is_valid : whether the box holds one now.
    """

    def __init__(self, field: Field, changed: Callable[[], None]) -> None:
        self.field, self._changed = field, changed
        self.number, self.is_valid = field.value, True
        self.box = widgets.Text(
            value=spelled(field.value),
            description=field.asks,
            continuous_update=False,
            tooltip=field.asks,
            style={"description_width": "initial"},
        )
        self.answer = widgets.HTML()
        self.widget = widgets.VBox([self.box, self.answer])
        self.widget.add_class("lab-field")
        self.box.observe(self._typed, "value")

    def _typed(self, change: dict) -> None:
        try:
            self.number = self.field.parsed(change["new"])
        except ValueError as error:
            self.is_valid = False
            self.box.add_class("lab-wrong")
            self.answer.value = base.alert(str(error))
            return
        self.is_valid = True
        self.box.remove_class("lab-wrong")
        self.answer.value = ""
        self._changed()
