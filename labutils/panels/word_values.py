"""The panel of attention and gates: a text goes in, and each word gets the values that a network gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from labutils.data.reviews import Reviews, split_words
from labutils.panels import base, svg
from labutils.panels.typed_review import (
    TypedReviewPanel,
    coloured_words,
    count_text,
    opening_sentence,
    short,
    words_as_typed,
)

_ROWS_OF_TABLE = 8


@dataclass(frozen=True)
class WordValues:
    """What a network makes of the words of a review.

    Parameters
    ----------
    words : that the network was given; "?" for one that it does not know. "<pad>", and "<start>" in front of
        others, are not shown.
    probability : of "positive", a single number.
    values : name → (words,), all in one unit. The last colours the words and orders the table.
    unit : names the axis of the chart.
    """

    words: Sequence[str]
    probability: float
    values: Mapping[str, np.ndarray]
    unit: str


class WordValuesPanel(TypedReviewPanel):
    """Type a review or take one of the test reviews, and see what a network makes of each word.

    Parameters
    ----------
    readers : name of a network → what takes an encoded review, (tokens,) int32, and returns `WordValues`.
    data : gives the vocabulary and the test reviews.
    title : names the panel.
    text : read first.
    """

    def __init__(
        self,
        readers: Mapping[str, Callable[[np.ndarray], WordValues]],
        data: Reviews,
        *,
        title: str,
        text: str,
    ) -> None:
        if not readers:
            raise ValueError("there is no network to read: give at least one, name → function")
        super().__init__(data, title=title, text=text)
        self._readers = dict(readers)
        self.network = base.control(widgets.Dropdown, "Network", options=list(self._readers))
        self.network.observe(self.update, "value")
        self.fill_with(base.labelled(self.network))

    def show_reading(self, sequence: np.ndarray) -> tuple[str, str, str]:
        """Give an encoded review to the chosen network: return a sentence, HTML and a chart of the values."""
        found = self._readers[self.network.value](sequence)
        words, values = _checked(found)
        first = int(words[0] == "<start>" and len(words) > 1)
        typed = split_words(self.text.value)
        words, known = words_as_typed(typed, sequence, words[first:])
        values = {name: numbers[first:] for name, numbers in values.items()}
        name, strength = list(values.items())[-1]
        order = np.argsort(-np.abs(strength), kind="stable")[:_ROWS_OF_TABLE]
        sentence = opening_sentence(words, typed, found.probability)
        strongest = f"{_number(strength[order[0]], strength)} {found.unit}"
        sentence += f"Strongest, “{short(words[order[0]])}”: {strongest} ({name})."
        if unknown := known.count(False):
            sentence += f" It does not know {unknown} of the words (dotted)."
        place = range(1, len(words) + 1)
        markers = ("circle", "square")
        lines = [
            svg.Line(each, place, numbers, colour=i, dash=i, marker=markers[i % 2])
            for i, (each, numbers) in enumerate(values.items())
        ]
        chart = svg.line_chart(
            lines,
            "word of the review, counted from the first that is read",
            found.unit,
            references={"": 0.0} if strength.min() < 0 else None,
            xlim=(1, max(2, len(place))),
            alt=sentence,
        )
        coloured = _coloured(words, known, strength, name)
        return sentence, f"{coloured}{chart}{_table(words, values, order, found.unit)}", chart


def _checked(found: object) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return words and values without padding; TypeError or ValueError says what is wrong with them."""
    if not isinstance(found, WordValues):
        raise TypeError(f"the function that reads must return WordValues, not {type(found).__name__}")
    shown = [i for i, word in enumerate(found.words) if word != "<pad>"]
    if not shown or not found.values:
        raise ValueError("WordValues needs at least one word other than <pad>, and values for it")
    if np.ndim(found.probability):
        raise ValueError(
            "the probability must be a single number, got an array of the shape "
            f"{tuple(np.shape(found.probability))}: take the number out of it"
        )
    if not 0 <= found.probability <= 1:
        raise ValueError(f"the probability must be a number from 0 to 1, got {found.probability}")
    values = {name: np.asarray(numbers, float) for name, numbers in found.values.items()}
    for name, numbers in values.items():
        if numbers.shape != (len(found.words),):
            raise ValueError(f"{name}: {count_text(found.words)}, but values of the shape {numbers.shape}")
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name}: some of the values are no finite numbers")
    return [found.words[i] for i in shown], {name: numbers[shown] for name, numbers in values.items()}


def _number(value: float, among: np.ndarray) -> str:
    """Return a value in words, with its sign where some are negative."""
    return f"{value:+.2f}" if np.min(among) < 0 else f"{value:.2f}"


def _coloured(words: list[str], known: list[bool], strength: np.ndarray, name: str) -> str:
    largest = max(float(np.abs(strength).max()), 1e-6)
    titles = [_number(value, strength) for value in strength]
    key = "blue for positive, orange for negative" if np.min(strength) < 0 else "the bluer, the larger"
    return coloured_words(words, known, strength / largest, titles, f"{name}, {key}")


def _table(words: list[str], values: Mapping[str, np.ndarray], order: np.ndarray, unit: str) -> str:
    numbers = values.values()
    rows = [[str(i + 1), short(words[i]), *(_number(each[i], each) for each in numbers)] for i in order]
    return base.html_table(f"The strongest words ({unit})", ["place", "word", *values], rows)
