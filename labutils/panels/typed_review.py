"""What the panels share that read a typed review: the box, the test reviews, the words as they were typed."""

from __future__ import annotations

import html
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from labutils.data.reviews import UNKNOWN, Reviews
from labutils.panels import base, svg
from labutils.panels.fields import Field, Input

LONGEST_WORD = 30  # letters; the rest is not shown


class TypedReviewPanel(base.Panel):
    """A box for a review, a number that takes one of the test reviews instead, and Read it.

    A subclass calls `fill_with` at the end of its ``__init__`` and defines `show_reading`.

    Parameters
    ----------
    data : gives the vocabulary and the test reviews.
    title : names the panel.
    text : read first.
    """

    def __init__(self, data: Reviews, *, title: str, text: str) -> None:
        super().__init__(title)
        self.data = data
        self.text = base.control(widgets.Textarea, "Your review", value=text, continuous_update=False, rows=4)
        self.text.add_class("lab-text")
        self.number = Input(Field("number", "Test review", 0, 0, len(data.test) - 1))
        self.read_button = base.button("Read it", self.update)
        self.take_button = base.button("Take this one", self._take_clicked)
        self.result, self._label, self._chart = widgets.HTML(), ("", ""), ""

    def fill_with(self, *settings: widgets.Widget) -> None:
        """Put the widgets into the frame, further settings beside the number, and read the text."""
        below = base.row(self.number.widget, self.take_button, *settings)
        self.fill(self.text, base.row(self.read_button), below, self.status, self.result)
        self._show()

    def show_reading(self, sequence: np.ndarray) -> tuple[str, str, str]:
        """Read an encoded review: return a sentence that is read aloud, HTML, and a chart as SVG."""
        raise NotImplementedError

    def update(self, event: object = None) -> None:
        """Read what stands in the text box, or say why that cannot be done; then the last reading stays."""
        try:
            self._show()
        except Exception as error:  # whatever the notebook's function raises belongs to its reader
            self.complain_of(error)

    def pictures(self) -> list[str]:
        """Return the chart of the last reading; none before the first."""
        return [self._chart] if self._chart else []

    def _take_clicked(self, button: widgets.Button) -> None:
        if not self.number.is_valid:
            self.complain("Nothing was read. Please correct the number of the test review.")
            return
        number = int(self.number.value)
        self.text.value = self.data.test.texts[number]
        label = verdict(self.data.test.labels[number])
        self._label = (self.text.value, f"Test review {number} is labelled {label}. ")
        self.update()

    def _show(self) -> None:
        try:
            sequence = self.data.vocabulary.encode(self.text.value)
        except ValueError as error:
            self.complain(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return
        sentence, drawn, self._chart = self.show_reading(sequence)
        taken, label = self._label
        self.say((label if taken == self.text.value else "") + sentence)
        self.result.value = drawn


def words_as_typed(typed: list[str], sequence: np.ndarray, given: list[str]) -> tuple[list[str], list[bool]]:
    """Return the words that the network was given, spelled as typed, and whether each is known.

    The network has "?" for a word that is not in the vocabulary or that it does not use itself, and was given
    the end of the text or its beginning; where neither fits, its own words are returned.
    """
    known = [number != UNKNOWN for number in sequence[-len(typed) :]]
    n = len(given)
    for part in (slice(len(typed) - n, None), slice(0, n)):
        if len(typed[part]) == n and all(word in ("?", said) for word, said in zip(given, typed[part])):
            return typed[part], [was and word != "?" for was, word in zip(known[part], given)]
    return given, [word != "?" for word in given]


def count_text(words: Sequence[str]) -> str:
    """Return how many words there are."""
    return f"{len(words):,} word{'s' * (len(words) != 1)}"


def opening_sentence(words: Sequence[str], typed: Sequence[str], probability: float, how: str = "") -> str:
    """Return the sentence that says how many of the typed words are read, and how, and the verdict."""
    text = f"{count_text(words)}: "
    if len(words) < len(typed):
        is_are = "is" if len(words) == 1 else "are"
        text = f"Of {count_text(typed)} {len(words):,} {is_are} read{how}: "
    text += f"the probability of positive is {probability:.2f}, "
    return text + f"so the network says {verdict(probability > 0.5)}. "


def coloured_words(
    words: Sequence[str], known: Sequence[bool], shades: svg.Numbers, titles: Sequence[str], key: str
) -> str:
    """Return words as HTML, dotted where they are not known, and below them what their colours mean.

    Parameters
    ----------
    words, known : (n,) each, as `words_as_typed` returns them.
    shades : (n,), from −1, orange, over 0, white, to 1, blue.
    titles : (n,), what appears over each word under the pointer.
    key : what the colours mean.
    """
    spans = []
    for word, is_known, shade, title in zip(words, known, shades, titles):
        kind, unknown = ("", "") if is_known else (' class="lab-unknown"', "; not in the vocabulary")
        spans.append(
            f'<span{kind} style="background:{svg.shade(shade)}" '
            f'title="{html.escape(title)}{unknown}">{html.escape(short(word))}</span>'
        )
    key = f"Words: {html.escape(key)}; dotted words the network does not know."
    return f'<div class="lab-words">{" ".join(spans)}</div><p>{key}</p>'


def verdict(positive: bool) -> str:
    """Return the class in a word."""
    return "positive" if positive else "negative"


def short(word: str) -> str:
    """Return the word, without its end where it is very long."""
    return word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD - 1] + "…"
