"""Dates in words and in numbers."""

import datetime
import re

import numpy as np
import pytest

from labutils.data import dates


def test_every_way_of_writing_a_date_says_that_date():
    words, numbers = dates.pairs(2_000, seed=0)
    patterns = [r"\d+ [a-z]+ \d+", r"[a-z]+ \d+, \d+", r"the \d+.. of [a-z]+, \d+", r"[a-z]{3} \d+ \d+"]
    ways = np.array([[re.fullmatch(pattern, text) is not None for pattern in patterns] for text in words])
    assert (ways.sum(axis=1) == 1).all() and ways.sum(axis=0).min() > 400, "one of four, each as often"
    for text, iso in zip(words, numbers):
        day = datetime.date.fromisoformat(iso)
        plain = text.replace("the ", "").replace(" of ", " ").replace(",", "")
        for ending in ("st ", "nd ", "rd ", "th "):
            digits, _, rest = plain.partition(ending)
            if digits.isdigit():
                plain = f"{digits} {rest}"
        parts = plain.split()
        month = next(part for part in parts if part.isalpha())
        first, year = (int(part) for part in parts if part.isdigit())
        assert (year, first) == (day.year, day.day), text
        assert dates.MONTHS[day.month - 1].startswith(month), text


def test_ordinal_numbers():
    written = {text.split()[1] for text in dates.pairs(2_000, seed=0)[0] if text.startswith("the ")}
    th = {f"{day}th" for day in [*range(4, 21), *range(24, 31)]}
    assert written == th | {"1st", "2nd", "3rd", "21st", "22nd", "23rd", "31st"}


def test_the_same_seed_gives_the_same_dates_and_another_others():
    assert dates.pairs(20, 3) == dates.pairs(20, 3) != dates.pairs(20, 4)


def test_the_decoder_is_given_what_was_written_before():
    source, previous, target = dates.arrays(50, seed=1)
    assert source.shape == (50, dates.SOURCE_LENGTH) and previous.shape == target.shape == (50, 10)
    assert (previous[:, 0] == dates.START).all() and (previous[:, 1:] == target[:, :-1]).all()
    words, numbers = dates.pairs(50, seed=1)
    assert [dates.decoded(row) for row in source] == words and [
        dates.decoded(row) for row in target
    ] == numbers
    assert max(map(len, dates.pairs(20_000, seed=2)[0])) <= dates.SOURCE_LENGTH


def test_what_cannot_be_encoded_is_refused():
    with pytest.raises(ValueError, match="'M'"):
        dates.padded_char_ids(["3 March"], 10)
    with pytest.raises(ValueError, match="5 characters, more than 4"):
        dates.padded_char_ids(["3 may"], 4)
    assert dates.decoded(dates.padded_char_ids(["3 may"], 8)[0]) == "3 may"
    with pytest.raises(
        ValueError, match=r"a list of texts, got one: write padded_char_ids\(\['3 may'\], 10\)"
    ):
        dates.padded_char_ids("3 may", 10)
    with pytest.raises(ValueError, match="each text must be a string, got 3"):
        dates.padded_char_ids([3], 10)
    with pytest.raises(ValueError, match="length must be a whole number, 1 or more, got 0"):
        dates.padded_char_ids([], 0)
    assert dates.padded_char_ids([], 4).shape == (0, 4) and not np.any(dates.padded_char_ids([""], 4))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([5, -1], "-1 is the number of no character: they go from 0 to 40"),
        ([5, 41], "41 is the number of no character"),
        (np.zeros((2, 10), int), r"one row of whole numbers, got int64 \(2, 10\)"),
        ([5.0, 6.0], "one row of whole numbers, got float64"),
        (5, "one row of whole numbers"),
    ],
)
def test_what_cannot_be_decoded_is_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        dates.decoded(numbers)
    assert dates.decoded([]) == "" and dates.decoded([1, 40, 0]) == "z"
