"""The n-grams of encoded reviews: which ones there are, and at which token each ends.

scikit-learn's ``CountVectorizer`` says *how often* an n-gram occurs in a text. A model that weighs the
evidence of each n-gram in its context has to know *where* it stands, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin

from labutils.validation import whole_number

_REVIEWS_AT_ONCE = 2_000  # bounds the memory of what is sorted


@dataclass(frozen=True, eq=False, repr=False)
class NGrams:
    """Where n-grams end in some reviews.

    Attributes
    ----------
    ids : (tokens, max_length) int32, for the tokens of all reviews one after the other: which feature the
        n-gram of length 1, 2, … is that ends at the token; -1 where it is unknown, does not fit into the
        review, or has occurred in the review before.
    review : (tokens,) int32: the number of the review.
    n_reviews, n_features : how many there are.
    """

    ids: np.ndarray
    review: np.ndarray
    n_reviews: int
    n_features: int

    def __repr__(self) -> str:
        return f"<NGrams: {self.n_features:,} in {self.n_reviews:,} reviews>"

    def matrix(self) -> sparse.csr_matrix:
        """Return (reviews, features) float32: 1 where the n-gram occurs in the review, however often."""
        known = self.ids >= 0
        per_review = np.bincount(self.review, known.sum(axis=1), self.n_reviews)
        ends = np.concatenate([[0], np.cumsum(per_review)]).astype("int32")
        columns = self.ids[known]
        shape = self.n_reviews, self.n_features
        return sparse.csr_matrix((np.ones(len(columns), "float32"), columns, ends), shape)

    def at_tokens(self, weights: np.ndarray) -> np.ndarray:
        """Return (tokens, max_length) float32: the weight of each n-gram, at the token where it ends first.

        Summed over the tokens of a review this is what ``matrix() @ weights`` is.

        Parameters
        ----------
        weights : (features,).

        Raises
        ------
        ValueError
            Where there is not one weight for each feature.
        """
        if np.shape(weights) != (self.n_features,):
            raise ValueError(f"there must be {self.n_features:,} weights, got the shape {np.shape(weights)}")
        with_zero = np.append(weights, 0).astype("float32")  # at index -1
        return with_zero[self.ids]


class NGramFinder(TransformerMixin, BaseEstimator):
    """Finds the n-grams that occur in enough reviews: a transformer of scikit-learn.

    Reviews are encoded as whole numbers; 0 is padding: it is no word, and no n-gram contains it.

    Parameters
    ----------
    max_length : 1 for words alone, 2 for words and bigrams, 3 for trigrams as well; at most 5.
    min_reviews : n-grams that occur in fewer of the fitted reviews are left out.

    Examples
    --------
    >>> finder = NGramFinder(min_reviews=1).fit([[5, 6, 5, 6]])  # finds 5, 6, 5 6 and 6 5
    >>> finder.transform([[5, 6, 7]]).matrix().toarray()
    array([[1., 1., 1., 0.]], dtype=float32)
    """

    def __init__(self, max_length: int = 2, min_reviews: int = 2) -> None:
        self.max_length, self.min_reviews = max_length, min_reviews

    def fit(self, sequences: Sequence[np.ndarray], y: object = None) -> NGramFinder:
        """Find the n-grams of some encoded reviews; return self.

        Parameters
        ----------
        sequences : of each review its words, a 1-D array of whole numbers.
        y : not used; pipelines of scikit-learn give it.

        Raises
        ------
        ValueError
            For settings out of range, and for what are no encoded reviews.
        """
        whole_number("max_length", self.max_length, 1, 5)
        whole_number("min_reviews", self.min_reviews)
        sequences = _checked(sequences)
        largest, tokens = max(int(sequence.max()) for sequence in sequences), sum(map(len, sequences))
        if (largest + 1) * tokens > np.iinfo("int64").max:
            raise ValueError(
                f"the token {largest} is too large for {tokens:,} tokens: an n-gram would not fit into "
                "64 bits. Number the words from 1"
            )
        self.base_ = largest + 1
        self.keys_: list[np.ndarray] = []  # for each length, sorted: (place of the shorter one, token)
        for _ in range(self.max_length):
            keys = [
                _first_in_review(parts[-1], review)[0] for parts, review in self._parts(sequences, new=True)
            ]
            found, reviews = np.unique(np.concatenate(keys), return_counts=True)
            self.keys_.append(found[reviews >= self.min_reviews])
        return self

    def transform(self, sequences: Sequence[np.ndarray]) -> NGrams:
        """Return where the n-grams that `fit` has found end in these reviews.

        Parameters
        ----------
        sequences : as in `fit`.

        Raises
        ------
        ValueError
            Before `fit`, and for what are no encoded reviews.
        """
        if not hasattr(self, "keys_"):
            raise ValueError("nothing has been found yet: call fit(sequences) first")
        sequences = _checked(sequences)
        sizes = [len(keys) for keys in self.keys_]
        ids = np.full((sum(map(len, sequences)), self.max_length), -1, "int32")
        start = 0
        for parts, review in self._parts(sequences):
            for length, (part, before) in enumerate(zip(parts, np.cumsum([0, *sizes]))):
                _, where = _first_in_review(part, review)
                ids[start + where, length] = part[where] + before
            start += len(review)
        review = np.repeat(np.arange(len(sequences), dtype="int32"), [len(part) for part in sequences])
        return NGrams(ids, review, len(sequences), sum(sizes))

    def _parts(
        self, sequences: Sequence[np.ndarray], new: bool = False
    ) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
        """Yield, some reviews at a time, the n-grams of each length that end at the tokens, and the review.

        An n-gram is its place among the keys of its length, -1 where there is none. With `new` one more
        length is added, whose keys are not known yet: for that the keys themselves.
        """
        for first in range(0, len(sequences), _REVIEWS_AT_ONCE):
            some = sequences[first : first + _REVIEWS_AT_ONCE]
            lengths = [len(sequence) for sequence in some]
            tokens = np.concatenate(some).astype("int64")
            tokens[(tokens <= 0) | (tokens >= self.base_)] = -1
            review = np.repeat(np.arange(len(some)), lengths)
            begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            parts, key = [], tokens
            for keys in self.keys_:
                parts.append(_place(key, keys))
                shorter = np.concatenate([[-1], parts[-1][:-1]])
                shorter[begins] = -1
                key = np.where((shorter < 0) | (tokens < 0), -1, shorter * self.base_ + tokens)
            yield ([*parts, key] if new else parts), review


def _place(key: np.ndarray, keys: np.ndarray) -> np.ndarray:
    if not len(keys):
        return np.full(len(key), -1)
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    return np.where(keys[at] == key, at, -1)


def _first_in_review(key: np.ndarray, review: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys, without -1, that have not occurred in their review before, and where they stand."""
    where = np.flatnonzero(key >= 0)
    order = where[np.lexsort((review[where], key[where]))]  # stable: in their order within a review
    key, review = key[order], review[order]
    is_first = np.ones(len(key), bool)
    is_first[1:] = (key[1:] != key[:-1]) | (review[1:] != review[:-1])
    return key[is_first], order[is_first]


def _checked(sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
    sequences = [np.asarray(sequence) for sequence in sequences]
    if not sequences:
        raise ValueError("there are no reviews: give a list with an array of tokens for each")
    for number, sequence in enumerate(sequences):
        if sequence.ndim != 1 or sequence.dtype.kind not in "iu" or not len(sequence):
            raise ValueError(
                f"review {number} must be a 1-D array of whole numbers with one token or more, got "
                f"{sequence.dtype} {sequence.shape}"
            )
    return sequences
