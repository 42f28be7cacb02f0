"""The reading panel: a text goes in, and after each word the network says what it thinks so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

Readout = tuple[Sequence[str], np.ndarray, np.ndarray]


class ReadingPanel(TypedReviewPanel):
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
        super().__init__(data, title=title, text=text)
        self._read = read
        self.show_states = base.control(widgets.Checkbox, "Show the hidden state", indent=False)
        self.show_states.observe(self.update, "value")
        self.fill_with(self.show_states)

    def show_reading(self, sequence: np.ndarray) -> tuple[str, str, str]:
        """Read an encoded review: return a sentence, the coloured words with the curve, the curve alone."""
        given, probability, states = _words_probabilities_and_states(self._read(sequence))
        reading = _Reading(split_words(self.text.value), sequence, given, probability)
        chart = reading.chart()
        drawn = f"{reading.coloured_words()}{chart}"
        if self.show_states.value:
            words, units = states[reading.first :].shape
            alt = f"The hidden state: {units} rows, one for each unit, {words} columns, one for each word."
            states = states[reading.first :].T
            drawn += svg.heat_map(states, "word of the review", f"{units} units", alt=alt)
        return reading.sentence(), drawn, chart


class _Reading:
    """The words of a text as they were typed, whether each is known, and the probability after each."""

    def __init__(
        self, typed: list[str], sequence: np.ndarray, given: list[str], probability: np.ndarray
    ) -> None:
        self.first = int(given[0] == "<start>" and len(given) > 1)
        self.words, self.known = words_as_typed(typed, sequence, given[self.first :])
        self.typed = typed
        self.after = probability[self.first :]
        self.change = np.diff(self.after, prepend=probability[0] if self.first else 0.5)

    def sentence(self) -> str:
        """Return the verdict, the largest step, and what was cut or unknown."""
        most = int(np.argmax(np.abs(self.change)))
        text = opening_sentence(self.words, self.typed, self.after[-1], ", as in training")
        if abs(self.change[most]) < 0.01:
            text += "No word moves it by as much as 0.01."
        else:
            text += f"The largest step, {self.change[most]:+.2f}, comes with “{short(self.words[most])}”."
        if unknown := self.known.count(False):
            text += f" It does not know {unknown} of them (dotted)"
            text += ": to it they are all the same." if unknown > 1 else "."
        return text

    def coloured_words(self) -> str:
        """Return the words in HTML, blue where the probability rose and orange where it fell."""
        strongest = max(0.05, float(np.abs(self.change).max()))
        titles = [f"{change:+.2f}, so {after:.2f}" for change, after in zip(self.change, self.after)]
        key = "blue raised the probability, orange lowered it"
        return coloured_words(self.words, self.known, self.change / strongest, titles, key)

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
        raise ValueError(f"read gave {count_text(words)} and {probability.size} probabilities")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("read gave probabilities that are not numbers from 0 to 1")
    if states.ndim != 2 or len(states) != len(words):
        raise ValueError(f"read gave states of shape {states.shape} for {count_text(words)}")
    return words, probability.ravel(), states
