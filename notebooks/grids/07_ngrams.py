"""Fit n-gram models of characters to more and more text; store 07_ngrams.csv.

    python notebooks/grids/07_ngrams.py

About five minutes on one core, a process takes up to 1.4 GB; broken off, it goes on where it was. kind:
absolute discounting or Kneser-Ney, interpolated, with one discount out of .5, .75 and .9, the best on the
validation text; modified Kneser-Ney has three, from the counts (Chen and Goodman 1999). Order 9 is the
highest whose n-grams fit into 64 bits. characters: of the training reviews, from the first on. entries:
different n-grams of all orders up to this one, which is what such a model stores. validation, test: bits per
character of 500,000 characters of the validation and of the test reviews.
"""

from pathlib import Path

import numpy as np

from labutils import training
from labutils.data import review_text

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 5_000_000, 10_000_000, None)
ORDERS, DISCOUNTS = 9, (0.5, 0.75, 0.9)
SIZE, EXAMINED = len(review_text.ALPHABET), 500_000
COLUMNS = ["kind", "characters", "order", "discount", "entries", "validation", "test"]


def ngrams(text: np.ndarray, n: int) -> np.ndarray:
    """Return each run of n characters as one number, its characters the digits in base 97."""
    number = np.zeros(len(text) - n + 1, "int64")
    for i in range(n):
        number = SIZE * number + text[i : len(text) - n + 1 + i].astype("int64")
    return number


class Table:
    """Counts of n-grams, and of each context how often it occurs and with how many continuations."""

    def __init__(self, grams: np.ndarray, counts: np.ndarray) -> None:
        self.grams, self.counts = grams, counts
        self.contexts, first = np.unique(grams // SIZE, return_index=True)
        self.total = np.add.reduceat(counts, first)
        often = [np.add.reduceat(counts == k, first) for k in (1, 2)]
        self.kinds = [*often, np.diff(np.append(first, len(grams))) - sum(often)]  # once, twice, more often
        n = [np.sum(counts == k) for k in (1, 2, 3, 4)]
        self.modified = np.array([0.5, 1.0, 1.5])
        if min(n):
            y = n[0] / (n[0] + 2 * n[1])
            self.modified = np.array([k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)])

    def probability(self, grams: np.ndarray, lower: np.ndarray, discounts: np.ndarray) -> np.ndarray:
        """Interpolate with the probabilities of the order below; three discounts, for 1, 2 and more."""
        at = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        counts = np.where(self.grams[at] == grams, self.counts[at], 0)
        context = np.minimum(np.searchsorted(self.contexts, grams // SIZE), len(self.contexts) - 1)
        known = self.contexts[context] == grams // SIZE
        taken = sum(d * kinds[context] for d, kinds in zip(discounts, self.kinds))
        kept = np.maximum(counts - np.array([0, *discounts])[np.minimum(counts, 3)], 0)
        return np.where(known, (kept + taken * lower) / self.total[context], lower)


def bits(probability: np.ndarray) -> float:
    return float(-np.log2(probability).mean())


def train(size: int | None, seed: int) -> dict:
    """Return the measures of all models of one size, as lists; nothing is random in them."""
    text = review_text.load(train=size, validation=EXAMINED, test=EXAMINED)
    plain = {n: Table(*np.unique(ngrams(text.train, n), return_counts=True)) for n in range(1, ORDERS + 1)}
    without_first = {n: plain[n + 1].grams % SIZE**n for n in range(1, ORDERS)}
    continued = {n: Table(*np.unique(grams, return_counts=True)) for n, grams in without_first.items()}
    parts = {"validation": text.validation, "test": text.test}
    grams = {
        (name, n): ngrams(part, n)[ORDERS - n :] for name, part in parts.items() for n in range(1, ORDERS + 1)
    }
    rows = []
    methods = [(kind, (d,) * 3) for kind in ("absolute discounting", "Kneser-Ney") for d in DISCOUNTS]
    for kind, discounts in [*methods, ("modified Kneser-Ney", None)]:
        lower_tables = plain if kind == "absolute discounting" else continued
        lower = {name: np.full(len(grams[name, 1]), 1 / SIZE) for name in parts}
        for n in range(1, ORDERS + 1):
            table, made = plain[n], {}
            for name in parts:
                made[name] = table.probability(grams[name, n], lower[name], discounts or table.modified)
                if n < ORDERS:
                    below = lower_tables[n]
                    lower[name] = below.probability(grams[name, n], lower[name], discounts or below.modified)
            row = {"kind": kind, "characters": len(text.train), "order": n}
            row["discount"] = discounts[0] if discounts else None
            row["entries"] = sum(len(plain[k].grams) for k in range(1, n + 1))
            rows.append(row | {name: bits(p) for name, p in made.items()})
    return {name: [row[name] for row in rows] for name in COLUMNS}


def main() -> None:
    table = training.sweep(train, {"size": SIZES}, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    tried = table.explode(COLUMNS)[COLUMNS].infer_objects().sort_values("validation", kind="stable")
    keys = ["kind", "characters", "order"]
    best = tried.drop_duplicates(keys).sort_values(keys)
    best.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
