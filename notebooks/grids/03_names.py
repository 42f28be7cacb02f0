"""Take names out of the reviews before they are split, for section 3 of notebook 03: 03_names.csv.

    python notebooks/grids/03_names.py

About two minutes on one core. The bag of words of 03_split.py, on the same random fifths and blocks, after
words have been taken out of all reviews; no label chooses them. without:
"rare names": the capitalised words that occur in 2 to 20 reviews, as in section 3, where capitalised;
"names": what stands within sentences with a capital more than three times as often as without, as in 09;
"other words": a control, for each of these names another word that occurs in about as many reviews.
words: how many are left of a review, on average. Nothing is chosen.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from labutils.data import reviews

WORDS, FOLDS = 10_000, 5
WITHIN_SENTENCES = re.compile(r"(?<=[a-z,;] )[A-Za-z][a-z']+")


def in_file_order():
    """Return the texts and the labels as they stand in the file."""
    data = reviews.load(num_words=WORDS)
    order = np.argsort(data.rows)
    texts = np.array(data.train.texts + data.test.texts, dtype=object)[order]
    return texts, np.concatenate([data.train.labels, data.test.labels])[order]


def names_of(texts):
    """Return the words, in small letters, that are written like names."""
    capital, small = Counter(), Counter()
    for text in texts:
        for word in WITHIN_SENTENCES.findall(text):
            (capital if word[0].isupper() else small)[word.lower()] += 1
    return {word for word in capital if len(word) > 2 and capital[word] > 3 * small[word]}


def others_like(is_name, in_reviews):
    """Return a mask of as many other words, drawn once, each in about as many reviews as a name."""
    rng, others = np.random.default_rng(0), np.zeros(len(is_name), bool)
    size = np.round(4 * np.log2(in_reviews))  # classes of words that are alike
    for k in np.unique(size[is_name]):
        candidates = np.flatnonzero((size == k) & ~is_name)
        number = np.sum((size == k) & is_name)
        others[rng.choice(candidates, min(number, len(candidates)), replace=False)] = True
    return others


def versions(texts):
    """Return the counts (reviews, words) of each version of the reviews, in small letters."""
    vectorizer = CountVectorizer(lowercase=False)
    cased = vectorizer.fit_transform(texts)  # a column for "Bad" and one for "bad"
    spelled = vectorizer.get_feature_names_out()
    words, column = np.unique([word.lower() for word in spelled], return_inverse=True)
    merge = sparse.csr_matrix((np.ones(len(column), "int64"), (np.arange(len(column)), column)))
    counts = cased @ merge
    capitalised = np.array([bool(re.fullmatch("[A-Z][a-z]{3,}", word)) for word in spelled])
    cased_reviews, in_reviews = (np.diff(table.tocsc().indptr) for table in (cased, counts))
    rare = capitalised & (cased_reviews >= 2) & (cased_reviews <= 20)
    is_name = np.isin(words, list(names_of(texts)))
    other = others_like(is_name, in_reviews)
    print(f"{rare.sum()} rare names; {is_name.sum()} names, {other.sum()} other words", flush=True)
    return {
        "nothing": counts,
        "rare names": cased[:, ~rare] @ merge[~rare],
        "names": counts[:, ~is_name],
        "other words": counts[:, ~other],
    }


def rows_of(split, fold, n):
    """Return the rows to fit and to test, as in 03_split.py."""
    if split == "random":
        held_out = np.sort(np.random.default_rng(0).permutation(n)[fold::FOLDS])
        return np.setdiff1d(np.arange(n), held_out), held_out
    block = np.tile(np.repeat(np.arange(FOLDS), n // (2 * FOLDS)), 2)
    return np.flatnonzero(block != fold), np.flatnonzero(block == fold)


def accuracy(counts, labels, fit, test):
    """Return the test accuracy of a bag of the most frequent words of the fitted reviews."""
    often = np.asarray(counts[fit].sum(axis=0)).ravel()
    occurs = np.flatnonzero(often)
    kept = np.sort(occurs[(-often[occurs]).argsort()[:WORDS]])  # as TfidfVectorizer's max_features
    tfidf = TfidfTransformer()
    model = LogisticRegression(max_iter=1000).fit(tfidf.fit_transform(counts[fit][:, kept]), labels[fit])
    return model.score(tfidf.transform(counts[test][:, kept]), labels[test])


def main():
    texts, labels = in_file_order()
    rows = []
    for without, counts in versions(texts).items():
        words = round(counts.sum() / len(texts), 1)
        for split in ("random", "blocks"):
            for fold in range(FOLDS):
                reached = accuracy(counts.tocsr(), labels, *rows_of(split, fold, len(labels)))
                rows.append(
                    {"without": without, "words": words, "split": split, "fold": fold, "accuracy": reached}
                )
                print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
