"""Classify reviews from the states of the network that writes; store 07_sentiment.csv.

    python notebooks/grids/07_sentiment.py

About five minutes on two cores; wants 07_writer.npz. The labelled reviews are drawn from 6,000 training
reviews (the network has read these, without their labels), ten draws for each number; test: accuracy on
2,000 test reviews. features: "states": the mean over all characters of the state of the trained network
(448 numbers); "untrained": the same of the network with the weights it began with; "one unit": the unit of
"states" that classifies the labelled reviews best by a threshold; "bag of words": TF-IDF of words and
bigrams; "both": the log-odds of states and bag added. All but the unit by logistic regression with C from
five-fold cross-validation on the labelled reviews out of 10^-3 to 10^4, features scaled on them.
"""

import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labutils import backend
from labutils.data import review_text, reviews

LABELLED, TESTED, NUMBERS, DRAWS, CHUNK = 6_000, 2_000, (50, 200, 1_000, 6_000), 10, 256
NAMES = ("embedding_embeddings", "gru_kernel", "gru_recurrent_kernel", "gru_bias")


def untrained(stored) -> dict[str, np.ndarray]:
    keras = backend.load_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(*stored["embedding_embeddings"].shape),
            layers.GRU(len(stored["gru_recurrent_kernel"]), return_sequences=True),
        ]
    )
    return dict(zip(NAMES, model.get_weights()))


def mean_states(weights, texts: list[str]) -> np.ndarray:
    """Return the mean over its characters of the state in each review, (reviews, units)."""
    keras = backend.load_keras()
    units = len(weights["gru_recurrent_kernel"])
    tokens, real = keras.Input((CHUNK,), dtype="int32"), keras.Input((CHUNK,))
    before = keras.Input((units,))
    embedding = keras.layers.Embedding(*weights["embedding_embeddings"].shape)
    gru = keras.layers.GRU(units, return_sequences=True, return_state=True)
    hidden, last = gru(embedding(tokens), initial_state=before)
    model = keras.Model([tokens, real, before], [keras.ops.sum(hidden * real[:, :, None], axis=1), last])
    model.set_weights([weights[name].astype("float32") for name in NAMES])
    model.compile(jit_compile=True)
    numbers = [review_text.encoded(review_text.cleaned(text).strip()) for text in texts]
    result = np.zeros((len(texts), units), "float32")
    order = np.argsort([len(row) for row in numbers])
    for rows in np.array_split(order, -(-len(order) // 100)):
        longest = -(-max(len(numbers[row]) for row in rows) // CHUNK) * CHUNK
        padded, real_ = np.zeros((100, longest), "int32"), np.zeros((100, longest), "float32")
        for i, row in enumerate(rows):
            padded[i, : len(numbers[row])], real_[i, : len(numbers[row])] = numbers[row], 1
        state, total = np.zeros((100, units), "float32"), 0
        for at in range(0, longest, CHUNK):
            part = slice(at, at + CHUNK)
            found, state = model.predict_on_batch([padded[:, part], real_[:, part], state])
            total = total + found
        result[rows] = (total / real_.sum(axis=1, keepdims=True).clip(1))[: len(rows)]
    return result


def fitted(features, labels, given):
    """Return the log-odds of the given features by a logistic regression fitted to others."""
    model = LogisticRegressionCV(
        Cs=np.logspace(-3, 4, 8),
        cv=5,
        scoring="neg_log_loss",
        max_iter=300,
        l1_ratios=(0,),
        use_legacy_attributes=False,
    )
    return model.fit(features, labels).decision_function(given)


def examined(number: int, draw: int, states: dict, texts: dict, labels: dict) -> list[dict]:
    rng = np.random.default_rng(draw)
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(labels["train"] == label))[: number // 2] for label in (0, 1)]
    )
    chosen, rows, odds = rng.permutation(chosen), [], {}
    y = labels["train"][chosen]

    def row(name, accuracy):
        rows.append({"features": name, "labelled": number, "draw": draw, "test": float(accuracy)})

    for name, of in states.items():
        scaler = StandardScaler().fit(of["train"][chosen])
        odds[name] = fitted(scaler.transform(of["train"][chosen]), y, scaler.transform(of["test"]))
    words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1 if number < 500 else 2)
    )
    bag = words.fit_transform([texts["train"][i] for i in chosen])
    odds["bag of words"] = fitted(bag, y, words.transform(texts["test"]))
    odds["both"] = odds["states"] + odds["bag of words"]
    for name, of in odds.items():
        row(name, np.mean((of > 0) == labels["test"]))
    of = states["states"]
    middle = np.median(of["train"][chosen], axis=0)
    right = np.mean((of["train"][chosen] > middle) == y[:, None], axis=0)
    best = int(np.argmax(np.maximum(right, 1 - right)))
    above = of["test"][:, best] > middle[best]
    row("one unit", np.mean((above if right[best] > 0.5 else ~above) == labels["test"]))
    return [one | {"unit": best} for one in rows]


def main() -> None:
    train, test = reviews.texts()
    texts = {"train": train[:LABELLED], "test": test[:TESTED]}
    labels = {
        name: part[: len(texts[name])].astype(int) for name, part in zip(("train", "test"), reviews.labels())
    }
    with np.load(Path(__file__).with_name("07_writer.npz")) as file:
        stored = dict(file)
    states = {
        name: {part: mean_states(weights, texts[part]) for part in texts}
        for name, weights in (("states", stored), ("untrained", untrained(stored)))
    }
    jobs = [(number, draw) for number in NUMBERS for draw in range(DRAWS if number < 2_000 else 1)]
    rows = []
    calls = (delayed(examined)(*job, states, texts, labels) for job in jobs)
    for found in Parallel(n_jobs=2, return_as="generator")(calls):
        rows += found
        pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")
    print(pd.DataFrame(rows).groupby(["labelled", "features"]).test.agg(["mean", "std"]).round(3))


if __name__ == "__main__":
    main()
