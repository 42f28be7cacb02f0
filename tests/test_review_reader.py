"""The reading panel without a browser: a network that counts its favourite word."""

import re

import numpy as np
import pytest

from labutils.data import reviews
from labutils.panels import ReadingPanel, svg, typed_review

TOKENS = 12


@pytest.fixture(scope="module")
def data():
    return reviews.load(num_words=1000)


def reads(data, truncating="pre"):
    def read(sequence):
        row = sequence[-TOKENS:] if truncating == "pre" else sequence[:TOKENS]
        good = np.cumsum(row == data.vocabulary.number("good"))
        states = np.tanh(np.outer(good, [1, -1, 0.5]))
        return data.vocabulary.decode(row), 0.3 + 0.2 * good, states

    return read


def a_panel(data, text="A good film", **settings):
    return ReadingPanel(reads(data, **settings), data, title="Read", text=text)


def shown(panel, text):
    panel.text.value = text
    panel.read_button.click()
    return panel.status.value, panel.result.value


def spans(result):
    return re.findall(
        r'<span( class="lab-unknown")? style="background:(#\w+)" title="([^"]*)">(.*?)</span>', result
    )


def test_it_reads_its_text_at_once(data):
    panel = a_panel(data)
    assert "3 words: the probability of positive is 0.50, so the network says negative." in panel.status.value
    assert "The largest step, +0.20, comes with “good”." in panel.status.value
    assert [word for *_, word in spans(panel.result.value)] == ["a", "good", "film"]
    assert [colour for _, colour, *_ in spans(panel.result.value)] == ["#ffffff", svg.shade(1), "#ffffff"]
    assert spans(panel.result.value)[1][2] == "+0.20, so 0.50"
    assert panel.pictures() == [chart := panel.result.value[panel.result.value.index("<svg") :]]
    assert "word of the review, counted from the first that is read" in chart


def test_a_text_is_read_when_the_button_is_pressed(data):
    panel = a_panel(data)
    before = panel.result.value
    panel.text.value = "good good good"
    assert panel.result.value == before
    panel.read_button.click()
    assert "0.90, so the network says positive" in panel.status.value


def test_nothing_happens_to_html_but_being_read(data):
    status, result = shown(a_panel(data), "<script>alert(1)</script> & good <img src=x onerror=alert(2)>")
    assert "<script" not in status + result and "<img" not in status + result
    assert "script" in [word for *_, word in spans(result)]


def test_one_word_is_no_words(data):
    assert "<p>1 word: the probability" in a_panel(data, "film").status.value
    panel = ReadingPanel(lambda sequence: (["film"], [0.5], [[1]]), data, title="Read", text="film")
    status, _ = shown(panel, "good film")
    assert "Of 2 words 1 is read, as in training: the probability" in status


def test_unknown_words_are_marked_and_stand_as_typed(data):
    status, result = shown(a_panel(data), "Xyzzy good <b>plugh")
    marked = [word for unknown, *_, word in spans(result) if unknown]
    assert marked == ["xyzzy", "plugh"]
    assert "It does not know 2 of them (dotted): to it they are all the same." in status
    assert "not in the vocabulary" in spans(result)[0][2]


@pytest.mark.parametrize(
    ("truncating", "kept"), [("pre", slice(-TOKENS, None)), ("post", slice(0, TOKENS - 1))]
)
def test_a_long_text_is_cut_as_the_network_cuts_it_and_says_so(data, truncating, kept):
    typed = ["goodqq", "bad", "film", "storyqq", "the", "it"] * 5
    status, result = shown(a_panel(data, truncating=truncating), " ".join(typed))
    words = typed[kept]
    assert [word for *_, word in spans(result)] == words
    assert f"Of 30 words {len(words)} are read, as in training" in status


def test_the_start_of_a_text_begins_from_what_the_network_thinks_of_nothing(data):
    _, result = shown(a_panel(data), "film")
    assert spans(result)[0][2] == "+0.00, so 0.30"


@pytest.mark.parametrize(
    ("text", "message"), [("", "The text holds no word"), ("xyzzy plugh", "None of the 2 words")]
)
def test_what_cannot_be_read_is_answered_and_the_last_reading_stays(data, text, message):
    panel = a_panel(data)
    before = panel.result.value
    status, result = shown(panel, text)
    assert message in status and 'role="alert"' in status and result == before


def test_a_test_review_is_taken_by_its_number(data):
    panel = a_panel(data)
    panel.number.box.value = "7"
    panel.take_button.click()
    assert panel.text.value == data.test.texts[7]
    verdict = "positive" if data.test.labels[7] else "negative"
    assert f"Test review 7 is labelled {verdict}. Of" in panel.status.value
    panel.text.value = "my own good text"
    panel.show_states.value = True
    assert "4 words" in panel.status.value and "labelled" not in panel.status.value


def test_a_number_that_there_is_not_is_answered(data):
    panel = a_panel(data)
    before = panel.text.value
    panel.number.box.value = "5000"
    assert "5000 is too large: type a whole number from 0 to 4999." in panel.number.answer.value
    panel.take_button.click()
    assert "Nothing was read" in panel.status.value and panel.text.value == before


def test_the_hidden_state_is_drawn_on_demand(data):
    panel = a_panel(data, text="good film")
    assert panel.result.value.count("<svg") == 1
    panel.show_states.value = True
    assert panel.result.value.count("<svg") == 2
    assert "3 rows, one for each unit, 2 columns, one for each word" in panel.result.value
    panel.show_states.value = False
    assert panel.result.value.count("<svg") == 1


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ((["good"], [], [[1]]), "1 word and 0 probabilities"),
        ((["good"], [0.5]), "must return three things"),
        ((["good"], [np.nan], [[1]]), "not numbers from 0 to 1"),
        ((["good"], [0.5], [1]), "states of shape (1,) for 1 word"),
        ((["good"], ["<b>"], [[1]]), "ValueError: could not convert string to float: &#x27;&lt;b&gt;&#x27;"),
        ((["<start>", "good"], [[0.5], [0.75]], np.ones((2, 3))), "probability of positive is 0.75"),
    ],
)
def test_an_odd_reading_is_refused_in_words_but_a_column_will_do(data, reading, message):
    readings = iter([(["a"], [0.5], [[1]]), reading])
    panel = ReadingPanel(lambda sequence: next(readings), data, title="Read", text="a")
    status, _ = shown(panel, "good")
    assert message in status and ("Traceback" in status) == ('role="alert"' in status)


def test_a_text_that_cannot_be_read_at_first_still_gives_a_panel(data):
    panel = a_panel(data, text="")
    assert "holds no word" in panel.status.value and panel.pictures() == []


def test_a_function_that_does_not_work_at_all_stops_the_cell(data):
    with pytest.raises(TypeError):
        ReadingPanel(lambda: None, data, title="Read", text="good")


def test_words_that_fit_nothing_typed_are_shown_as_they_are():
    words, known = typed_review.words_as_typed(["a", "b", "c"], np.array([1, 5, 6, 7]), ["x", "?"])
    assert (words, known) == (["x", "?"], [True, False])


def test_a_network_that_does_not_care_is_described_so(data):
    panel = a_panel(data, text="film story")
    assert "No word moves it by as much as 0.01." in panel.status.value


def test_the_heat_map_goes_from_orange_over_white_to_blue():
    chart = svg.heat_map([[-0.5, 0, 0.25], [-0.25, 0.01, 0.5]], "word", "units", alt="a map")
    cells = dict(re.findall(r'<path d="([^"]*)" fill="(#\w+)"', chart))
    counts = {colour: path.count("z") for path, colour in cells.items()}
    assert counts == {svg.shade(value): 1 + (value == 0) for value in (-1, -0.5, 0, 0.5, 1)}
    assert "-0.25</text>" in chart and "0.5</text>" in chart
    assert svg.shade(-1) == "#e69f00" and svg.shade(1) == "#56b4e9"
    with pytest.raises(ValueError, match="no cells"):
        svg.heat_map([], "word", "units")
