"""What does a model of reviews lose that forgets whether the review praises? For notebook 07: 07_label.csv.

    python notebooks/grids/07_label.py

Half a minute. Words are drawn independently, from the frequencies in the positive or in the negative
training reviews, shrunk to those of all: to the words counted are added so many times as many of the
common distribution (STRENGTHS; chosen on the validation reviews, for the model that keeps and for the one
that forgets).
Three models read the same test reviews: one is *told* the label, one begins with half and half and
*keeps* what it has inferred from the words so far, one *forgets* it before each word. 07_label.csv: for
each of 5,000 test reviews its words, its characters, and the bits that each model needs.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from labutils.data import review_text, reviews

STRENGTHS = (0.03, 0.1, 0.3, 1, 3, 10)


def texts(part: np.ndarray) -> list[str]:
    """Return the reviews of a part."""
    return review_text.decoded(part).split(review_text.END)[:-1]


def bits_of(counts, log_p: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Return the bits of each review under the three models; log_p: log2 p of each label and word."""
    told_each = counts @ log_p.T  # (reviews, 2): log2 p of the whole review under each label
    return {
        "told": -told_each[np.arange(len(truth)), truth],
        "keeps": 1 - np.logaddexp2(*told_each.T),
        "forgets": -(counts @ (np.logaddexp2(*log_p) - 1)),
    }


def main() -> None:
    text = review_text.load()
    labels, test_labels = reviews.labels()
    train, validation, test = (texts(part) for part in (text.train, text.validation, text.test))
    vectorizer = CountVectorizer(tokenizer=reviews.split_words, token_pattern=None, lowercase=False, min_df=2)
    counts = vectorizer.fit_transform(train)
    of_label = np.stack([counts[labels[: len(train)] == label].sum(axis=0).A1 for label in (0, 1)])
    everywhere = of_label.sum(axis=0) / of_label.sum()

    def log_p(strength):
        total = of_label.sum(axis=1, keepdims=True)
        return np.log2((of_label + strength * total * everywhere) / ((1 + strength) * total))

    unseen = vectorizer.transform(validation)
    truth = labels[len(train) : len(train) + len(validation)]
    losses = pd.DataFrame(
        [bits_of(unseen, log_p(strength), truth) for strength in STRENGTHS], index=STRENGTHS
    )
    best = losses.map(np.mean).idxmin()
    best["told"] = best["keeps"]
    print("strengths", best.to_dict())
    tested = vectorizer.transform(test)
    models = {
        model: bits_of(tested, log_p(best[model]), test_labels[: len(test)])[model] for model in best.index
    }
    table = pd.DataFrame(models)
    table.insert(0, "characters", [len(review) + 1 for review in test])
    table.insert(0, "words", tested.sum(axis=1).A1)
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.2f")


if __name__ == "__main__":
    main()
