"""Excerpts of texts, character by character, and where they are inside brackets."""

import numpy as np
import pytest

from labutils.data import characters

TEXT = "A film of many words, and more words still (so they say, and who would doubt it?), that ends. " * 3


def test_characters_have_numbers_capitals_those_of_small_letters_and_others_share_one():
    assert characters.char_ids("aA ").tolist() == [3, 3, 0]
    assert characters.char_ids("é€\u0130").tolist() == [characters.CHARACTERS - 1] * 3
    assert len(set(characters.ALPHABET)) == len(characters.ALPHABET) == characters.CHARACTERS - 1


@pytest.mark.parametrize(
    "text, inside",
    [("a(bc)d", "011100"), ("no", "00"), ("a)b(c", "00011"), ("((a)b)", "111000"), (":) (x", "00011")],
)
def test_inside_is_from_an_opening_bracket_to_the_next_closing_one(text, inside):
    assert characters.in_brackets(text).tolist() == [int(one) for one in inside]


def test_an_excerpt_begins_outside_and_holds_its_first_bracket_early():
    excerpts, inside = characters.bracket_excerpts([TEXT[:-20], "none here"], 60, np.random.default_rng(0))
    assert len(excerpts) == 3 - 1 and inside.shape == (2, 60), "the last bracket has no 60 characters"
    for excerpt, row in zip(excerpts, inside):
        assert len(excerpt) == 60 and 2 <= excerpt.index("(") < 30
        np.testing.assert_array_equal(row, characters.in_brackets(excerpt))


def test_one_hot_has_a_single_one_for_each_character():
    x = characters.one_hot(["ab", "(é"])
    assert x.shape == (2, 2, characters.CHARACTERS) and x.dtype == "float32"
    assert (x.sum(axis=2) == 1).all() and x.argmax(axis=2)[1, 1] == characters.CHARACTERS - 1


def test_what_gives_no_excerpts_is_refused_in_words():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no text has a bracket with 60 characters around it"):
        characters.bracket_excerpts(["nothing"], 60, rng)
    with pytest.raises(ValueError, match="length must be a whole number, 10 or more"):
        characters.bracket_excerpts([TEXT], 9, rng)
    with pytest.raises(ValueError, match=r"of one length, got \[1, 2\]"):
        characters.one_hot(["a", "ab"])
