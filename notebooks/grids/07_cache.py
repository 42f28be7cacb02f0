"""Ask whether a review helps to predict itself over more than 64 characters, for notebook 07: 07_cache.csv.

    python notebooks/grids/07_cache.py

About a minute, 2 GB; wants 07_writer.npz. The stored network and the 9-gram model of 07_compared.py
predict each character of the test reviews. A *cache* looks for the last 9 characters (else 7, else 5)
farther back than 64 characters, and takes the shares in which each character came after them there; its
share in the prediction, one for each of the three lengths, is chosen on the first half of the text.
07_cache.csv: for each whole review of the second half its characters, and the bits that each model needs
alone, with the cache of the same review, and (a control) with a cache of the review before.
"""

import importlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from labutils.data import review_text

sys.path.insert(0, str(Path(__file__).parent))
compared = importlib.import_module("07_compared")
LENGTHS, FAR, SHARES = (9, 7, 5), 64, np.array([0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6])


def cached(review: str, known: str) -> tuple[np.ndarray, np.ndarray]:
    """Return for each character of a review the probability under the cache, and the length that was found.

    known : a text that is in the cache from the start; with "" the review itself enters it, FAR characters
        late.
    """
    probability, found = np.zeros(len(review)), np.zeros(len(review), int)
    contexts: Counter = Counter()
    continued: Counter = Counter()

    def remember(text: str, end: int) -> None:
        for length in LENGTHS:
            if end > length:
                contexts[text[end - length : end]] += 1
                continued[text[end - length : end + 1]] += 1

    for end in range(len(known)):
        remember(known, end)
    for at, character in enumerate(review):
        if not known and at > FAR:
            remember(review, at - FAR - 1)
        for length in LENGTHS:
            context = review[max(at - length, 0) : at]
            if len(context) == length and contexts[context]:
                probability[at] = continued[context + character] / contexts[context]
                found[at] = length
                break
    return probability, found


def mixed(p: np.ndarray, cache: np.ndarray, found: np.ndarray, first_half: np.ndarray) -> np.ndarray:
    """Return the probabilities with the cache's share, chosen for each length on the first half."""
    result = p.copy()
    for length in LENGTHS:
        here = found == length
        loss = [-np.log2((1 - share) * p + share * cache)[here & first_half].sum() for share in SHARES]
        share = SHARES[np.argmin(loss)]
        result[here] = ((1 - share) * p + share * cache)[here]
        print(f"context of {length}: {here.mean():.3f} of the characters, share {share}")
    return result


def main() -> None:
    text, first = review_text.load(test=compared.grid.EXAMINED), compared.FIRST
    p = {"network": compared.of_network(text.test)[first - 1 :]}
    p["nine_gram"], _ = compared.of_ngrams(text.train, text.test, 9)
    count = min(map(len, p.values()))
    p = {name: values[:count] for name, values in p.items()}

    letters = review_text.decoded(text.test)
    ends = np.flatnonzero(text.test == review_text.ALPHABET.index(review_text.END)) + 1
    spans = [(a, b) for a, b in zip(ends[:-1], ends[1:]) if b - first <= count]
    own, before = (np.zeros((2, count)) for _ in range(2))
    previous = letters[: ends[0]]
    for a, b in spans:
        own[:, a - first : b - first] = cached(letters[a:b], "")
        before[:, a - first : b - first] = cached(letters[a:b], previous)
        previous = letters[a:b]
    first_half = np.arange(count) < count // 2
    bits = {}
    for name, values in p.items():
        bits[name] = values
        bits[f"{name}_own"] = mixed(values, *own, first_half)
        bits[f"{name}_previous"] = mixed(values, *before, first_half)
    table = pd.DataFrame({name: -np.log2(values) for name, values in bits.items()})
    rows = [{"characters": b - a} | table[a - first : b - first].sum().to_dict()
            for a, b in spans if a - first >= count // 2]  # fmt: skip
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.2f")


if __name__ == "__main__":
    main()
