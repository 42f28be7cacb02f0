"""The n-grams of encoded reviews: as CountVectorizer counts them, and where each ends first."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from labutils.data import ngrams
from labutils.data.ngrams import NGramFinder


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    return [rng.integers(1, 12, length).astype("int32") for length in rng.integers(1, 30, 60)]


def words_of(sequences):
    return [" ".join(f"w{number}" for number in sequence) for sequence in sequences]


@pytest.mark.parametrize(("max_length", "min_reviews"), [(1, 1), (2, 1), (2, 3), (3, 2)])
def test_the_matrix_is_that_of_scikit_learn(sequences, max_length, min_reviews):
    vectorizer = CountVectorizer(binary=True, ngram_range=(1, max_length), min_df=min_reviews)
    theirs = vectorizer.fit_transform(words_of(sequences[:40])).toarray()
    finder = NGramFinder(max_length, min_reviews).fit(sequences[:40])
    ours = finder.transform(sequences[:40]).matrix().toarray()
    new, theirs_new = (
        finder.transform(sequences[40:]).matrix().toarray(),
        vectorizer.transform(words_of(sequences[40:])).toarray(),
    )
    assert ours.shape == theirs.shape

    def columns(known, unknown):
        return sorted(map(tuple, np.vstack([known, unknown]).T.astype(int).tolist()))

    assert columns(ours, new) == columns(theirs, theirs_new)


def test_each_ngram_stands_where_it_ends_first():
    finder = NGramFinder(2, 1).fit([np.array([5, 6, 5, 6, 7])])
    found = finder.transform([np.array([5, 6, 5, 6, 7]), np.array([6, 7, 9])])
    known = found.ids >= 0
    assert known[:, 0].tolist() == [True, True, False, False, True, True, True, False]
    assert known[:, 1].tolist() == [False, True, True, False, True, False, True, False]
    assert found.review.tolist() == [0] * 5 + [1] * 3
    assert found.ids[4, 1] == found.ids[6, 1], "6 7 is one feature in both reviews"


def test_evidence_at_the_tokens_adds_up_to_that_of_the_review(sequences):
    found = NGramFinder(3, 2).fit(sequences).transform(sequences)
    weights = np.random.default_rng(1).normal(size=found.n_features)
    at = found.at_tokens(weights)
    assert at.shape == (sum(map(len, sequences)), 3) and at.dtype == np.float32
    per_review = np.bincount(found.review, at.sum(axis=1), len(sequences))
    np.testing.assert_allclose(per_review, found.matrix() @ weights, atol=1e-5)


def test_it_does_not_matter_how_many_reviews_are_taken_at_once(sequences, monkeypatch):
    whole = NGramFinder(3, 2).fit(sequences).transform(sequences)
    monkeypatch.setattr(ngrams, "_REVIEWS_AT_ONCE", 7)
    parts = NGramFinder(3, 2).fit(sequences).transform(sequences)
    np.testing.assert_array_equal(whole.ids, parts.ids)


def test_numbers_that_were_never_fitted_are_unknown():
    finder = NGramFinder(2, 1).fit([np.array([1, 2, 3])])
    found = finder.transform([np.array([2, 99, 3, -4, 1])])
    assert (found.ids[:, 0] >= 0).tolist() == [True, False, True, False, True]
    assert (found.ids[:, 1] < 0).all()


def test_nothing_found_often_enough_is_an_empty_matrix():
    found = NGramFinder(2, 3).fit([np.array([1, 2])]).transform([np.array([1, 2])])
    assert found.n_features == 0 and found.matrix().shape == (1, 0)
    assert found.at_tokens(np.zeros(0)).tolist() == [[0, 0], [0, 0]]


def test_what_cannot_be_read_is_refused(sequences):
    with pytest.raises(ValueError, match="call fit"):
        NGramFinder().transform(sequences)
    with pytest.raises(ValueError, match="no reviews"):
        NGramFinder().fit([])
    with pytest.raises(ValueError, match="review 1 must be a 1-D array of whole numbers"):
        NGramFinder().fit([np.array([1]), np.array([1.5])])
    with pytest.raises(ValueError, match="max_length"):
        NGramFinder(0).fit(sequences)
    found = NGramFinder(1, 1).fit(sequences).transform(sequences)
    with pytest.raises(ValueError, match="there must be 11 weights"):
        found.at_tokens(np.zeros(3))
    assert repr(found) == "<NGrams: 11 in 60 reviews>"


def test_it_is_a_step_of_a_pipeline_of_scikit_learn(sequences):
    labels = np.arange(len(sequences)) % 2
    assert clone(NGramFinder(3, 4)).get_params() == {"max_length": 3, "min_reviews": 4}
    pipeline = make_pipeline(NGramFinder(2, 2), FunctionTransformer(lambda found: found.matrix()))
    ours = pipeline.fit(sequences, labels).transform(sequences)
    assert (ours != NGramFinder(2, 2).fit(sequences).transform(sequences).matrix()).nnz == 0


def test_padding_is_no_word_and_no_ngram_contains_it():
    sequences = [np.array([5, 6, 7]), np.array([6, 7])]
    padded = np.array([[0, 0, 5, 6, 7], [0, 6, 7, 0, 0]])
    plain, found = (NGramFinder(3, 1).fit(given).transform(given) for given in (sequences, padded))
    assert found.n_features == plain.n_features
    assert (found.matrix() != plain.matrix()).nnz == 0
    np.testing.assert_array_equal(found.ids[padded.ravel() > 0], plain.ids)
    assert (found.ids[padded.ravel() == 0] == -1).all()


@pytest.mark.parametrize("token", [2**62, 2**63 - 1])
def test_tokens_whose_ngrams_do_not_fit_into_64_bits_are_refused(token):
    with pytest.raises(ValueError, match=f"the token {token} is too large for 4 tokens"):
        NGramFinder(2, 1).fit([np.array([1, 2]), np.array([1, token])])
    found = NGramFinder(2, 1).fit([np.array([2**40, 2**40 + 1])]).transform([np.array([2**40, 2**40 + 1])])
    assert found.matrix().toarray().tolist() == [[1, 1, 1]]
