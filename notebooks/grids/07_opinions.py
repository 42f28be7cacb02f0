"""Do people, and does the stored network, keep to an opinion? For notebook 07: 07_opinions.csv.

    python notebooks/grids/07_opinions.py

About three minutes; wants 07_writer.npz. People: the first five million characters of training reviews.
Network: 1,000 texts of 1,600 characters, drawn at temperature 1. In each review every word of praise or
of blame is paired with every later one. 07_opinions.csv: by the distance in characters, how many pairs
are praise and praise (pp), praise and blame (pb), blame and praise (bp), blame and blame (bb).
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from labutils import cells
from labutils.data import review_text

PRAISE, BLAME = ("great", "good", "excellent", "wonderful"), ("bad", "terrible", "awful", "boring")
OPINION = re.compile(r"\b(?:(" + "|".join(PRAISE) + ")|" + "|".join(BLAME) + r")\b", re.IGNORECASE)
EDGES = [0, 25, 50, 100, 200, 500]
ROWS, LENGTH = 1000, 1600


def sampled(rows: int, length: int, temperature: float = 1.0) -> np.ndarray:
    """Return characters (rows, length) that the stored network writes, each row from an end mark on."""
    with np.load(Path(__file__).with_name("07_writer.npz")) as file:
        embedding, *gru, dense, bias = (file[name].astype("float32") for name in file.files)
    cell, rng = cells.GRUCell(*gru), np.random.default_rng(0)
    state, chosen = np.zeros((rows, len(dense)), "float32"), np.zeros(rows, int)  # the end mark, first
    texts = []
    for _ in range(length):
        state = cell.step(embedding[chosen], state)["h"]
        sums = np.cumsum(softmax((state @ dense + bias) / temperature, axis=1), axis=1)
        chosen = (sums > rng.random((rows, 1)) * sums[:, -1:]).argmax(axis=1)
        texts.append(chosen.astype("uint8"))
    return np.stack(texts, axis=1)


def written_by_network() -> list[str]:
    """Return reviews, and what there is of the last one of each text."""
    return [review for text in sampled(ROWS, LENGTH) for review in split(text)]


def split(text: np.ndarray) -> list[str]:
    """Return the reviews of a text."""
    return review_text.decoded(text).split(review_text.END)


def pairs(reviews: list[str]) -> pd.DataFrame:
    """Return the counts of pairs by distance."""
    found = []
    for review in reviews:
        opinions = [(match.start(), match[1] is not None) for match in OPINION.finditer(review)]
        for number, (at, praise) in enumerate(opinions):
            found += [(later - at, "bp"[praise] + "bp"[also]) for later, also in opinions[number + 1 :]]
    distance, kind = zip(*found)
    bins = pd.cut(pd.Series(distance), EDGES, right=False)
    return pd.crosstab(bins, pd.Series(kind)).reindex(columns=["pp", "pb", "bp", "bb"], fill_value=0)


def main() -> None:
    people = pairs(split(review_text.load().train[:5_000_000]))
    tables = {"people": people, "network": pairs(written_by_network())}
    for name, table in tables.items():
        table.insert(0, "distance", [f"{span.left} to {span.right}" for span in table.index])
        table.insert(0, "text", name)
    result = pd.concat(tables.values())
    print(result)
    result.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
