"""The reading panel: a text goes in, and after each word the network says what it thinks so far."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np

from labutils.data.reviews import UNKNOWN, Reviews, split_words
from labutils.panels import base, svg
from labutils.panels.fields import Field, Input

Readout = tuple[Sequence[str], np.ndarray, np.ndarray]


class ReadingPanel(base.Panel):
    """Type a review or take one of the test reviews, and see the probability after each word.

    Parameters
    ----------
    read : takes one encoded review, (tokens,) int32, and returns the words that the network was given (it may
        cut the review; the panel says so), the probability of "positive" after each, (words,), and the hidden
        state, (words, units).
    data : gives the vocabulary and the test reviews.
    title : names the panel.
    text : read first.
    """

    def __init__(
        self, read: Callable[[np.ndarray], Readout], data: Reviews, *, title: str, text: str
    ) -> None:
        super().__init__(title)
        self._read, self._data = read, data
        self.text = base.control(widgets.Textarea, "Your review", value=text, continuous_update=False, rows=4)
        self.text.add_class("lab-text")
        self.number = Input(Field("number", "Test review", 0, 0, len(data.test) - 1))
        self.read_button = base.button("Read it", self.update)
        self.take_button = base.button("Take this one", self._take_clicked)
        self.show_states = base.control(widgets.Checkbox, "Show the hidden state", indent=False)
        self.show_states.observe(self.update, "value")
        self.result, self._label, self._chart = widgets.HTML(), ("", ""), ""
        below = base.row(self.number.widget, self.take_button, self.show_states)
        self.fill(self.text, base.row(self.read_button), below, self.status, self.result)
        self._show()

    def update(self, event: object = None) -> None:
        """Read what stands in the text box, or say why that cannot be done; then the last reading stays."""
        try:
            self._show()
        except Exception as error:  # whatever the notebook's function raises belongs to its reader
            self.complain_of(error)

    def pictures(self) -> list[str]:
        return [self._chart] if self._chart else []

    def _take_clicked(self, button: widgets.Button) -> None:
        if not self.number.is_valid:
            self.complain("Nothing was read. Please correct the number of the test review.")
            return
        number = int(self.number.number)
        self.text.value = self._data.test.texts[number]
        verdict = _verdict(self._data.test.labels[number])
        self._label = (self.text.value, f"Test review {number} is labelled {verdict}. ")
        self.update()

    def _show(self) -> None:
        try:
            sequence = self._data.vocabulary.encode(self.text.value)
        except ValueError as error:
            self.complain(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return
        given, probability, states = _words_probabilities_and_states(self._read(sequence))
        reading = _Reading(split_words(self.text.value), sequence, given, probability)
        self._chart = reading.chart()
        drawn = f"{reading.coloured_words()}{self._chart}"
        if self.show_states.value:
            words, units = states[reading.first :].shape
            alt = f"The hidden state: {units} rows, one for each unit, {words} columns, one for each word."
            states = states[reading.first :].T
            drawn += svg.heat_map(states, "word of the review", f"{units} units", alt=alt)
        taken, label = self._label
        self.say((label if taken == self.text.value else "") + reading.sentence())
        self.result.value = drawn


class _Reading:
    """The words of a text as they were typed, whether each is known, and the probability after each."""

    def __init__(
        self, typed: list[str], sequence: np.ndarray, given: list[str], probability: np.ndarray
    ) -> None:
        self.first = int(given[0] == "<start>" and len(given) > 1)
        self.words, self.known = _as_typed(typed, sequence, given[self.first :])
        self.n_typed = len(typed)
        self.after = probability[self.first :]
        self.change = np.diff(self.after, prepend=probability[0] if self.first else 0.5)

    def sentence(self) -> str:
        """Return the verdict, the largest step, and what was cut or unknown."""
        n, last, most = len(self.words), self.after[-1], int(np.argmax(np.abs(self.change)))
        text = (
            f"Of {self.n_typed:,} words {n} are read, as in training: "
            if n < self.n_typed
            else f"{n} words: "
        )
        text += f"the probability of positive is {last:.2f}, so the network says {_verdict(last > 0.5)}. "
        if abs(self.change[most]) < 0.01:
            text += "No word moves it by as much as 0.01."
        else:
            text += f"The largest step, {self.change[most]:+.2f}, comes with “{_short(self.words[most])}”."
        if unknown := self.known.count(False):
            text += f" It does not know {unknown} of them (dotted)"
            text += ": to it they are all the same." if unknown > 1 else "."
        return text

    def coloured_words(self) -> str:
        """Return the words in HTML, blue where the probability rose and orange where it fell."""
        strongest = max(0.05, float(np.abs(self.change).max()))
        spans = []
        for word, known, after, change in zip(self.words, self.known, self.after, self.change):
            kind, unknown = ("", "") if known else (' class="lab-unknown"', "; not in the vocabulary")
            spans.append(
                f'<span{kind} style="background:{svg.shade(change / strongest)}" '
                f'title="{change:+.2f}, so {after:.2f}{unknown}">{html.escape(_short(word))}</span>'
            )
        key = "blue raised the probability, orange lowered it; dotted words the network does not know"
        return f'<div class="lab-words">{" ".join(spans)}</div><p>Words: {key}.</p>'

    def chart(self) -> str:
        """Return an SVG of the probability, word by word."""
        place = range(1, len(self.after) + 1)
        return svg.line_chart(
            [svg.Line("probability of positive", place, self.after, marker="circle")],
            "word of the review, counted from the first that is read",
            "probability",
            references={"undecided": 0.5},
            ylim=(0, 1),
            xlim=(1, max(2, len(place))),
            alt=self.sentence(),
        )


def _words_probabilities_and_states(readout: Readout) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return what `read` gave as a list and arrays; ValueError says what is wrong with it."""
    if not isinstance(readout, tuple) or len(readout) != 3:
        raise ValueError("read must return three things: the words, a probability for each, a state for each")
    words, probability, states = list(readout[0]), *(np.asarray(part, float) for part in readout[1:])
    if probability.size != len(words) or not words:
        raise ValueError(f"read gave {len(words)} words and {probability.size} probabilities")
    if not ((probability >= 0) & (probability <= 1)).all():
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


def _verdict(positive: bool) -> str:
    return "positive" if positive else "negative"


def _short(word: str) -> str:
    return word if len(word) <= 30 else word[:29] + "…"
