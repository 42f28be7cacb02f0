"""The panel of attention and gates without a browser: networks that value long words."""

import re

import numpy as np
import pytest

from labutils.data import reviews
from labutils.panels import WordValues, WordValuesPanel, svg, typed_review


@pytest.fixture(scope="module")
def data():
    return reviews.load(num_words=1000)


def by_length(data, **changes):
    def read(sequence):
        words = data.vocabulary.decode(sequence)
        values = {"letters": np.array([float(len(word)) for word in words])}
        return WordValues(
            **{"words": words, "probability": 0.75, "values": values, "unit": "letters"} | changes
        )

    return read


def signed(data):
    def read(sequence):
        words = data.vocabulary.decode(sequence)
        raw = np.array([1.0 if word == "good" else -2.0 if word == "bad" else 0.0 for word in words])
        return WordValues(words, 0.2, {"evidence": raw, "weighed": raw / 2}, "log-odds")

    return read


def a_panel(data, text="a good story, not bad at all", **changes):
    readers = {"length": by_length(data, **changes), "signs": signed(data)}
    return WordValuesPanel(readers, data, title="Values", text=text)


def test_it_reads_its_text_at_once(data):
    panel = a_panel(data)
    assert "7 words: the probability of positive is 0.75, so the network says positive." in panel.status.value
    assert "Strongest, “story”: 5.00 letters (letters)." in panel.status.value
    colours = re.findall(r'background:(#\w+)" title="5.00">story', panel.result.value)
    assert colours == [svg.shade(1)]
    assert panel.pictures()[0] in panel.result.value


def test_another_network_is_read_when_it_is_chosen(data):
    panel = a_panel(data)
    panel.network.value = "signs"
    assert "says negative. Strongest, “bad”: -1.00 log-odds (weighed)." in panel.status.value
    assert f'background:{svg.shade(-1)}" title="-1.00">bad' in panel.result.value
    assert f'background:{svg.shade(0.5)}" title="+0.50">good' in panel.result.value
    rows = re.findall(
        r"<tr><td>(\d+)</td><td>(\w+)</td><td>([-+.\d]+)</td><td>([-+.\d]+)</td></tr>", panel.result.value
    )
    assert rows[:2] == [("5", "bad", "-2.00", "-1.00"), ("2", "good", "+1.00", "+0.50")]


def test_the_start_token_is_not_shown(data):
    assert "&lt;start" not in a_panel(data).result.value


def test_typed_html_is_escaped_and_unknown_words_are_marked(data):
    panel = a_panel(data, text="good <script>alert(1)</script> xyzzy")
    assert "<script>" not in panel.result.value + panel.status.value
    assert 'class="lab-unknown"' in panel.result.value and "does not know" in panel.status.value


def test_a_text_that_cannot_be_read_leaves_the_last_reading(data):
    panel = a_panel(data)
    before = panel.result.value
    panel.text.value = "   "
    panel.read_button.click()
    assert "holds no word" in panel.status.value and panel.result.value == before


def test_a_test_review_is_taken_with_its_label(data):
    panel = a_panel(data)
    panel.number.box.value = "3"
    panel.take_button.click()
    assert "Test review 3 is labelled" in panel.status.value
    assert panel.text.value == data.test.texts[3]


def test_a_network_may_read_the_end_alone(data):
    def read(sequence):
        words = data.vocabulary.decode(sequence[-3:])
        return WordValues(words, 0.5, {"w": np.arange(3.0)}, "weight")

    panel = WordValuesPanel({"end": read}, data, title="End", text="one good film at the end")
    assert "Of 6 words 3 are read: " in panel.status.value


def test_a_word_that_the_network_was_given_as_unknown_is_marked_though_the_vocabulary_has_it(data):
    words, known = typed_review.words_as_typed(["rare", "good"], np.array([1, 20_000, 20]), ["?", "good"])
    assert (words, known) == (["rare", "good"], [False, True])
    panel = a_panel(data, "a story", words=["<start>", "a", "?"], values={"w": np.arange(3.0)})
    assert "It does not know 1 of the words" in panel.status.value
    assert re.findall(r'class="lab-unknown"[^>]*>(\w+)', panel.result.value) == ["story"]


def test_one_word_is_no_words(data):
    one = {"values": {"w": np.ones(1)}}
    assert "1 word: the probability" in a_panel(data, "good", words=["good"], **one).status.value
    assert "Of 2 words 1 is read: " in a_panel(data, "very good", words=["good"], **one).status.value


def test_padding_is_not_shown_however_large_its_value(data):
    padded = {"words": ["<pad>", "<pad>", "<start>", "good", "film"], "values": {"w": np.arange(5.0)[::-1]}}
    panel = a_panel(data, "good film", **padded)
    assert "2 words: " in panel.status.value and "Strongest, “good”: 1.00" in panel.status.value
    assert "pad&gt;" not in panel.result.value and "start&gt;" not in panel.result.value


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"probability": 1.5}, "from 0 to 1"),
        ({"probability": np.array([0.5])}, r"a single number, got an array of the shape \(1,\)"),
        ({"probability": np.array([[0.5]])}, r"a single number, got an array of the shape \(1, 1\)"),
        ({"words": ["<pad>"] * 8}, "at least one word other than <pad>"),
        ({"words": ["good"]}, r"letters: 1 word, but values of the shape \(8,\)"),
        ({"values": {}}, "at least one word"),
        ({"values": {"w": np.zeros(2)}}, "values of the shape"),
        ({"values": {"w": np.full(8, np.nan)}}, "no finite numbers"),
    ],
)
def test_values_that_do_not_fit_are_explained(data, changes, says):
    with pytest.raises(ValueError, match=says):
        a_panel(data, **changes)


def test_what_is_no_reading_is_explained_and_no_network_refused(data):
    readers = {"length": by_length(data), "three": lambda sequence: 3}
    panel = WordValuesPanel(readers, data, title="Values", text="a good story")
    panel.network.value = "three"
    assert "must return WordValues, not int" in panel.status.value
    with pytest.raises(ValueError, match="no network"):
        WordValuesPanel({}, data, title="None", text="good")
