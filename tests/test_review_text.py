"""The reviews as one long text: cleaned, numbered, cut into windows for two ways of training."""

import numpy as np
import pytest

from labutils.data import review_text, reviews
from labutils.data.review_text import ALPHABET, END, cleaned, decoded, encoded, stateful_batches, windows


@pytest.fixture(scope="module")
def text():
    return review_text.load(train=200_000, validation=50_000, test=50_000)


def test_the_alphabet_is_the_end_mark_the_line_break_and_printable_ascii():
    assert len(set(ALPHABET)) == len(ALPHABET) == 97 and ALPHABET[:2] == END + "\n"
    assert all(character.isascii() and character.isprintable() for character in ALPHABET[2:])


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("One.<br /><br />Two.", "One.\nTwo."),
        ("One. <br/>\n <br>Two.", "One.\nTwo."),
        ("a  b\t c\u00a0d", "a b c d"),
        ("caf\u00e9 \u201cso\u201d \u2013 don\u2019t", 'cafe "so" - don\'t'),
        ("a\u20ac\x96b\u4e2d", "ab"),
    ],
)
def test_a_text_is_brought_into_the_alphabet(raw, clean):
    assert cleaned(raw) == clean and set(clean) <= set(ALPHABET)


def test_numbers_and_characters_are_inverse():
    assert decoded(encoded(ALPHABET)) == ALPHABET and encoded(ALPHABET).tolist() == list(range(97))
    assert encoded("").size == 0 and decoded([]) == "" and decoded(encoded("Ab")) == "Ab"


def test_each_part_is_whole_reviews_with_an_end_mark_after_each(text):
    known, unknown = reviews.texts()
    for part, source, wanted in [
        (text.train, known, 200_000),
        (text.validation, known[16_000:], 50_000),
        (text.test, unknown, 50_000),
    ]:
        assert part.dtype == "uint8" and part[-1] == 0
        *written, rest = decoded(part).split(END)
        assert rest == "" and written == [cleaned(review).strip() for review in source[: len(written)]]
        assert len(part) >= wanted > len(part) - len(written[-1]) - 1, "no review too many"
    assert repr(text) == (
        f"<ReviewText, characters: train {len(text.train):,}, validation {len(text.validation):,}, "
        f"test {len(text.test):,}>"
    )


@pytest.mark.slow
def test_the_whole_text_is_as_large_as_the_docstring_says():
    sizes = {name: len(part) / 1e6 for name, part in vars(review_text.load()).items()}
    assert sizes == pytest.approx({"train": 20.95, "validation": 5.17, "test": 6.46}, abs=0.01)


def test_windows_stand_one_after_the_other_and_targets_come_one_later():
    x, y = windows(np.arange(8), 3)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and y.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert windows(encoded("a film"), 2)[1].dtype == "uint8"
    assert windows(np.arange(7), 3)[0].tolist() == x.tolist(), "just enough for the last target"


def test_row_i_of_a_batch_goes_on_where_row_i_of_the_batch_before_ended():
    x, y = stateful_batches(np.arange(27), batch_size=2, length=4)
    assert x[:, 0].tolist() == [0, 13, 4, 17, 8, 21] and x[2].tolist() == [4, 5, 6, 7]
    np.testing.assert_array_equal(y, x + 1)
    one_strip, _ = stateful_batches(np.arange(27), 1, 4)
    np.testing.assert_array_equal(one_strip, windows(np.arange(27), 4)[0])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: windows(np.arange(3), 3), "3 characters are too few for 1 windows of 3 .* takes 4"),
        (lambda: stateful_batches(np.arange(8), 2, 4), "8 characters are too few"),
        (lambda: windows(np.arange(9), 0), "length must be a whole number, 1 or more, got 0"),
        (lambda: stateful_batches(np.arange(9), 0, 2), "batch_size must be a whole number"),
        (lambda: windows("abc", 1), "a row of whole numbers, as from encoded"),
        (lambda: encoded("na\u00efve \u20ac"), "does not know '\u00ef', '\u20ac': use English letters"),
        (lambda: encoded("\u4e00\u4e01\u4e02\u4e03\u4e04\u4e05"), " …: use English"),
        (lambda: decoded([97]), "whole, from 0 to 96"),
        (lambda: decoded([0.5]), "whole, from 0 to 96"),
        (lambda: review_text.load(train=0), "train must be a whole number"),
        (lambda: review_text.load(1, 1, 10**9), "test has 6,.* characters, fewer than 1,000,000,000"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_text_must_be_a_string():
    with pytest.raises(TypeError, match="a text must be a string, not int: put it in quotes"):
        encoded(5)
