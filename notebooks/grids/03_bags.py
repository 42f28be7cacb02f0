"""Tune bags of words and of bigrams for notebook 03 on the validation reviews: 03_bags.csv.

    python notebooks/grids/03_bags.py

About three minutes on one core. Each bag gets what a network gets: the last 100, 200 or 400 tokens of a
review, words outside the vocabulary as "?". It is a logistic regression on words, or on words and bigrams,
that occur in two training reviews or more. weights: TF-IDF of counts, of presence, or of presence multiplied
by the naive Bayes log-ratio of each feature (notebook 09 derives it). All bags have the same grid. chosen:
the highest validation accuracy for these tokens and grams. Test labels choose nothing.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from labutils.data import reviews

TOKENS, GRAMS = (100, 200, 400), {"words": 1, "bigrams": 2}
WEIGHTS, C_VALUES = ("counts", "presence", "naive Bayes"), (0.3, 1, 3, 10, 30, 100)


def naive_bayes_ratios(x, y):
    """Return for each feature (features,) how much more frequent it is among positive reviews (log-ratio)."""
    positive, negative = (1 + np.asarray(x[y == label].sum(axis=0)).ravel() for label in (1, 0))
    return np.log(positive / positive.sum()) - np.log(negative / negative.sum())


def features(texts, y, weights, longest):
    """Return a table (reviews, features) for each list of texts; the first, of labels y, is fitted to."""
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", binary=weights != "counts", min_df=2, ngram_range=(1, longest)
    )
    tables = [vectorizer.fit_transform(texts[0]), *map(vectorizer.transform, texts[1:])]
    if weights != "naive Bayes":
        return tables
    ratios = sparse.diags(naive_bayes_ratios(tables[0], y))
    return [table @ ratios for table in tables]


def scores(tables, labels, C):
    """Return accuracy and loss on the validation and on the test reviews; the first table is fitted to."""
    model = LogisticRegression(C=C, max_iter=1000).fit(tables[0], labels[0])
    row = {}
    for part, table, y in zip(("validation", "test"), tables[1:], labels[1:]):
        p = model.predict_proba(table)[:, 1]
        row |= {f"{part}_accuracy": np.mean((p > 0.5) == y), f"{part}_loss": log_loss(y, p)}
    return row


def main():
    data = reviews.load(num_words=10_000)
    y, fitted = np.asarray(data.train.labels), int(len(data.train) * 0.8)
    labels, rows = (y[:fitted], y[fitted:], np.asarray(data.test.labels)), []
    for tokens in TOKENS:
        train, test = (
            data.vocabulary.texts([row[-tokens:] for row in part.sequences])
            for part in (data.train, data.test)
        )
        texts = train[:fitted], train[fitted:], test
        for (grams, longest), weights in product(GRAMS.items(), WEIGHTS):
            tables = features(texts, labels[0], weights, longest)
            for C in C_VALUES:
                row = {"tokens": tokens, "grams": grams, "weights": weights, "C": C}
                rows.append(row | scores(tables, labels, C))
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    best = table.groupby(["tokens", "grams"]).validation_accuracy.idxmax()
    table["chosen"] = table.index.isin(best)
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
