"""Compare the stored network with n-gram models, character by character; store 07_compared*.csv.

    python notebooks/grids/07_compared.py

About half a minute, 2 GB; wants 07_writer.npz. All read the same 500,000 characters of test reviews; the
network in 64 strips, the state carried on from one end to the other. nine_gram: modified Kneser-Ney of
order 9, fitted to all training reviews; eight_gram: Kneser-Ney of order 8, D = .9, fitted to five million
characters. 07_compared.csv: for each whole test review its characters, whether the same text stands in the
training reviews as well, and the bits under each model and under the mean of the probabilities of two.
07_compared_passage.csv: the bits of each character of the first whole test review. 07_compared_places.csv:
bits per character inside names (a word with a capital in mid-sentence, longer than two letters, after its
first letter, up to the character behind it) and elsewhere, where the last seven characters stand in the
training reviews or not; and at the first letter of words without a capital.
"""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from labutils import backend
from labutils.data import review_text

sys.path.insert(0, str(Path(__file__).parent))
grid = importlib.import_module("07_ngrams")
STRIPS, CHUNK, FIRST = 64, 256, 8  # the first character that all models know a context for


def of_network(numbers: np.ndarray) -> np.ndarray:
    """Return the probability of each character but the first, as far as the strips are equally long."""
    keras = backend.load_keras()
    with np.load(Path(__file__).with_name("07_writer.npz")) as file:
        weights = [file[name].astype("float32") for name in file.files]
    units = len(weights[2])
    tokens, before = keras.Input((CHUNK,), dtype="int32"), keras.Input((units,))
    gru = keras.layers.GRU(units, return_sequences=True, return_state=True)
    hidden, last = gru(keras.layers.Embedding(*weights[0].shape)(tokens), initial_state=before)
    model = keras.Model([tokens, before], [keras.layers.Dense(weights[-1].size)(hidden), last])
    model.set_weights(weights)
    model.compile(jit_compile=True)
    length = (len(numbers) - 1) // STRIPS
    x, y = review_text.windows(numbers, length)
    state, found = np.zeros((len(x), units), "float32"), []
    for start in range(0, length, CHUNK):
        part = np.zeros((len(x), CHUNK), "int32")
        given = x[:, start : start + CHUNK]
        part[:, : given.shape[1]] = given
        logits, state = model.predict_on_batch([part, state])
        log_p = log_softmax(logits[:, : given.shape[1]], axis=-1)
        targets = y[:, start : start + CHUNK, None].astype(int)
        found.append(np.exp(np.take_along_axis(log_p, targets, axis=-1))[:, :, 0])
    return np.concatenate(found, axis=1).ravel()


def of_ngrams(train: np.ndarray, numbers: np.ndarray, order: int, discounts=None):
    """Return the probability of each character from FIRST on under Kneser-Ney, and the counts of 7-grams."""
    probability = 1 / grid.SIZE
    for n in range(1, order + 1):
        grams = grid.ngrams(train, n if n == order else n + 1)
        grams, counts = np.unique(grams, return_counts=True)
        if n < order:
            grams, counts = np.unique(grams % grid.SIZE**n, return_counts=True)
        table = grid.Table(grams, counts)
        wanted = grid.ngrams(numbers, n)[FIRST - n + 1 :]
        probability = table.probability(wanted, probability, discounts or table.modified)
    seven, counts = np.unique(grid.ngrams(train, 7), return_counts=True)
    context = grid.ngrams(numbers, 7)[FIRST - 7 : -1]
    at = np.minimum(np.searchsorted(seven, context), len(seven) - 1)
    return probability, np.where(seven[at] == context, counts[at], 0)


def of_places(bits: pd.DataFrame, letters: str, seen: np.ndarray) -> pd.DataFrame:
    """Return bits per character of the network and the 9-gram model in some places of the text."""
    inside, first = np.zeros(len(letters), bool), np.zeros(len(letters), bool)
    for name in re.finditer(r"(?<=[a-z,] )[A-Z][A-Za-z]{2,}", letters):
        inside[name.start() + 1 : name.end() + 1] = True
    for word in re.finditer(r"(?<= )[a-z]", letters):
        first[word.start()] = True
    places = {"everywhere": np.ones(len(letters), bool), "inside names": inside, "elsewhere": ~inside}
    places |= {"context never seen, inside names": inside & (seen == 0)}
    places |= {"context never seen, elsewhere": ~inside & (seen == 0)}
    places |= {"first letter of a word without a capital": first}
    rows = {name: bits.loc[at, ["network", "nine_gram"]].mean() for name, at in places.items()}
    table = pd.DataFrame(rows).T.rename_axis("place")
    table.insert(0, "characters", [at.sum() for at in places.values()])
    return table


def main() -> None:
    text, path = review_text.load(test=grid.EXAMINED), Path(__file__).with_suffix("")
    p = {"network": of_network(text.test)[FIRST - 1 :]}
    p["nine_gram"], seen = of_ngrams(text.train, text.test, 9)
    p["eight_gram"], _ = of_ngrams(text.train[:5_000_000], text.test, 8, (0.9,) * 3)
    count = min(map(len, p.values()))
    p = {name: values[:count] for name, values in p.items()}
    p["network_and_nine_gram"] = (p["network"] + p["nine_gram"]) / 2
    p["network_and_eight_gram"] = (p["network"] + p["eight_gram"]) / 2
    p["eight_and_nine_gram"] = (p["eight_gram"] + p["nine_gram"]) / 2
    bits = pd.DataFrame({name: -np.log2(values) for name, values in p.items()})
    print(bits.mean().round(4))

    ends = np.flatnonzero(text.test == review_text.ALPHABET.index(review_text.END)) + 1
    passage = bits.loc[ends[0] - FIRST : ends[1] - FIRST - 2, ["network", "nine_gram"]]
    passage.to_csv(f"{path}_passage.csv", index=False, float_format="%.2f")
    of_places(bits, review_text.decoded(text.test)[FIRST : FIRST + count], seen[:count]).to_csv(
        f"{path}_places.csv", float_format="%.4f"
    )
    known = set(review_text.decoded(text.train).split(review_text.END))
    rows = []
    for start, end in zip(ends[:-1], ends[1:]):
        if end - FIRST <= count:
            review = review_text.decoded(text.test[start : end - 1])
            row = {"characters": end - start, "in_training": review in known}
            rows.append(row | bits[start - FIRST : end - FIRST].sum().to_dict())
    pd.DataFrame(rows).to_csv(path.with_suffix(".csv"), index=False, float_format="%.2f")


if __name__ == "__main__":
    main()
