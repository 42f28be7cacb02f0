"""The reading panel: a text goes in, and after each word the network says what it thinks so far."""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np

from labutils.data.reviews import UNKNOWN, Reviews, split_words
from labutils.panels import base, svg
from labutils.panels.fields import Field, Input

Reading = tuple[Sequence[str], np.ndarray, np.ndarray]


class ReadingPanel(base.Panel):
    """Type a review or take one of the test reviews, and see the probability after each word.

    read : takes one encoded review, (tokens,) int32, and returns the words that the network was given,
    the probability of "positive" after each, (words,), and the hidden state, (words, units). It may cut
    the review; the panel says so. data : gives the vocabulary and the test reviews. text : read first.
    """

    def __init__(
        self, read: Callable[[np.ndarray], Reading], data: Reviews, *, title: str, text: str
    ) -> None:
        super().__init__(title)
        self._read, self._data = read, data
        self.text = widgets.Textarea(
            value=text,
            description="Your review",
            continuous_update=False,
            tooltip="Your review",
            rows=4,
            style={"description_width": "initial"},
        )
        self.text.add_class("lab-text")
        self.number = Input(Field("number", "Test review", 0, 0, len(data.test) - 1), lambda: None)
        self.read_button = base.button("Read it", self._read_clicked)
        self.take_button = base.button("Take this one", self._take_clicked)
        self.show_states = widgets.Checkbox(
            value=False, description="Show the hidden state", tooltip="Show the hidden state", indent=False
        )
        self.result, self._label = widgets.HTML(), ("", "")
        self._chart = svg.form([("Your review", ""), (self.number.field.asks, "0")], ["Read it"])
        self._asked = [self.text, self.number.box, self.read_button, self.take_button, self.show_states]
        self.show_states.observe(self._show_changed, "value")
        for box in (self.text, self.number.box):
            box.observe(lambda change: base.answer_where_asked(*self._asked), "value")
        self.fill(
            [
                self.text,
                base.row(self.read_button),
                base.row(self.number.widget, self.take_button, self.show_states),
                self.said,
                self.result,
            ]
        )
        self._show()

    def picture(self) -> str:
        return self._chart

    def _read_clicked(self, button: widgets.Button) -> None:
        base.answer_where_asked(*self._asked)
        self._show_or_complain()

    def _take_clicked(self, button: widgets.Button) -> None:
        base.answer_where_asked(*self._asked)
        if not self.number.is_valid:
            self.complain("Nothing was read. Please mend the number of the test review.")
            return
        number = int(self.number.number)
        self.text.value = self._data.test.texts[number]
        verdict = _verdict(self._data.test.labels[number])
        self._label = (self.text.value, f"Test review {number} is labelled {verdict}. ")
        self._show_or_complain()

    def _show_changed(self, change: dict) -> None:
        base.answer_where_asked(*self._asked)
        self._show_or_complain()

    def _show_or_complain(self) -> None:
        """Read what stands in the text box, or say why that cannot be done; then the last reading stays."""
        try:
            self._show()
        except Exception as error:  # whatever the notebook's function raises belongs to its reader
            self.complain(f"{type(error).__name__}: {error}", details=traceback.format_exc())

    def _show(self) -> None:
        try:
            sequence = self._data.vocabulary.encode(self.text.value)
        except ValueError as error:
            self.complain(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return
        given, probability, states = _checked(self._read(sequence))
        shown = _Shown(split_words(self.text.value), sequence, given, probability)
        self._chart = shown.chart()
        drawn = f"{shown.coloured_words()}{self._chart}"
        if self.show_states.value:
            drawn += _state_map(states[shown.first :])
        taken, label = self._label
        self.say((label if taken == self.text.value else "") + shown.sentence())
        self.result.value = drawn


class _Shown:
    """One reading, as words of the text with what each changed.

    words : as they were typed; known : whether the vocabulary has each; after : the probability after
    each; before : the probability before the first. first : 1 where the network was given a start token.
    """

    def __init__(
        self, typed: list[str], sequence: np.ndarray, given: Sequence[str], probability: np.ndarray
    ) -> None:
        self.first = int(given[0] == "<start>" and len(given) > 1)
        self.after = probability[self.first :]
        self.before = probability[0] if self.first else 0.5
        self.words, self.known = _as_typed(typed, sequence, list(given)[self.first :])
        self.cut = len(typed) - len(self.words)
        self.change = np.diff(self.after, prepend=self.before)

    def sentence(self) -> str:
        last, most = self.after[-1], int(np.argmax(np.abs(self.change)))
        cut = f"Of {self.cut + len(self.words):,} words {len(self.words)} are read, as in training: "
        text = cut if self.cut else f"{len(self.words)} words: "
        text += f"the probability of positive is {last:.2f}, so the network says {_verdict(last > 0.5)}. "
        if abs(self.change[most]) < 0.01:
            text += "No word moves it by as much as 0.01."
        else:
            text += f"The largest step, {self.change[most]:+.2f}, comes with “{_short(self.words[most])}”."
        unknown = self.known.count(False)
        if unknown:
            text += f" It does not know {unknown} of them (dotted)"
            text += ": to it they are all the same." if unknown > 1 else "."
        return text

    def coloured_words(self) -> str:
        """Return the words in HTML, blue where the probability rose and orange where it fell."""
        strongest = max(0.05, float(np.abs(self.change).max()))
        spans = []
        for word, known, after, change in zip(self.words, self.known, self.after, self.change):
            kind = "" if known else ' class="lab-unknown"'
            told = f"{change:+.2f}, so {after:.2f}" + ("" if known else "; not in the vocabulary")
            colour = svg.shade(change / strongest)
            spans.append(
                f'<span{kind} style="background:{colour}" title="{told}">{html.escape(_short(word))}</span>'
            )
        key = "blue raised the probability, orange lowered it; dotted words the network does not know"
        return f'<div class="lab-words">{" ".join(spans)}</div><p>Words: {key}.</p>'

    def chart(self) -> str:
        place = range(1, len(self.after) + 1)
        return svg.line_chart(
            [svg.Line("probability of positive", place, self.after, marker="circle")],
            "word of the review, counted from the first that is read",
            "probability",
            references={"undecided": 0.5},
            ylim=(0, 1),
            xlim=(1, max(2, len(place))),
            whole_x=True,
            alt=self.sentence(),
        )


def _checked(reading: Reading) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return what `read` gave as a list and arrays; ValueError says what is wrong with it."""
    if not isinstance(reading, tuple) or len(reading) != 3:
        raise ValueError("read must return three things: the words, a probability for each, a state for each")
    words, probability, states = list(reading[0]), *(np.asarray(part, float) for part in reading[1:])
    if probability.size != len(words) or not words:
        raise ValueError(f"read gave {len(words)} words and {probability.size} probabilities")
    if not (np.isfinite(probability).all() and 0 <= probability.min() <= probability.max() <= 1):
        raise ValueError("read gave probabilities that are not numbers from 0 to 1")
    if states.ndim != 2 or len(states) != len(words):
        raise ValueError(f"read gave states of shape {states.shape} for {len(words)} words")
    return words, probability.ravel(), states


def _as_typed(typed: list[str], sequence: np.ndarray, given: list[str]) -> tuple[list[str], list[bool]]:
    """Return the words that the network was given, spelled as typed, and whether each is known.

    The network has "?" for a word that is not in the vocabulary, and was given the end of the text
    or its beginning; where neither fits, its own words are returned.
    """
    known = [number != UNKNOWN for number in sequence[-len(typed) :]]
    n = len(given)
    for part in (slice(len(typed) - n, None), slice(0, n)):
        if len(typed[part]) == n and all(word in ("?", own) for word, own in zip(given, typed[part])):
            return typed[part], known[part]
    return given, [word != "?" for word in given]


def _state_map(states: np.ndarray) -> str:
    words, units = states.shape
    return svg.heat_map(
        states.T,
        "word of the review",
        f"{units} units",
        alt=f"The hidden state: {units} rows, one for each unit, {words} columns, one for each word.",
    )


def _verdict(positive: bool) -> str:
    return "positive" if positive else "negative"


def _short(word: str) -> str:
    return word if len(word) <= 30 else word[:29] + "…"
