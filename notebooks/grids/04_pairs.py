"""Train five networks on minimal pairs, texts that differ in their order alone, and store 04_pairs.csv.

    python notebooks/grids/04_pairs.py

About ten minutes on two cores; broken off, it goes on where it was. The texts are those of notebook 04: 2,000
to fit, 1,000 to test, made with seed 0. Embeddings of 16, 16 units, batches of 128, Adam clipped at norm 1,
40 epochs, three learning rates, five seeds. accuracy: on the test texts after each epoch. Nothing is chosen.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training

PRAISE = "good great excellent wonderful perfect amazing brilliant enjoyable funny fun".split()
BLAME = "bad awful terrible boring horrible stupid poor dull annoying disappointing".split()
FILLERS = [f"word{i}" for i in range(12)]
WORDS = ["not", *PRAISE, *BLAME, *FILLERS]
NAMES, RATES = ("mean of embeddings", "SimpleRNN", "SimpleRNN, identity", "LSTM", "GRU"), (0.003, 0.01, 0.03)
GRID, SEEDS, EPOCHS = {"name": NAMES, "rate": RATES}, range(5), 40


def minimal_pair(rng):
    """Return two texts (lists of words) that differ in the order of two adjectives, and their labels."""

    def fill(low, high):
        return list(rng.choice(FILLERS, rng.integers(low, high + 1)))

    negated, other = [["not", *fill(2, 4)], fill(1, 3)], [fill(3, 5), fill(1, 3)]
    words, first = (rng.choice(PRAISE), rng.choice(BLAME)), rng.integers(2)
    texts = []
    for a, b in (words, words[::-1]):
        clauses = [[*negated[0], a, *negated[1]], [*other[0], b, *other[1]]]
        texts.append(clauses[first] + clauses[1 - first])
    return texts, [0, 1]


def train(name, rate, seed):
    keras, rng = backend.load_keras(), np.random.default_rng(0)
    layers, number = keras.layers, {word: i for i, word in enumerate(WORDS, start=1)}
    data = []
    for pairs in (1_000, 500):
        texts, labels = zip(*[minimal_pair(rng) for _ in range(pairs)])
        data.append(([[number[word] for word in text] for text in sum(texts, [])], np.array(sum(labels, []))))
    longest = max(len(text) for texts, _ in data for text in texts)
    (x, y), test = [(keras.utils.pad_sequences(texts, longest), labels) for texts, labels in data]
    keras.utils.set_random_seed(seed)
    pooling = {
        "mean of embeddings": layers.GlobalAveragePooling1D(),
        "SimpleRNN": layers.SimpleRNN(16),
        "SimpleRNN, identity": layers.SimpleRNN(16, recurrent_initializer="identity"),
        "LSTM": layers.LSTM(16),
        "GRU": layers.GRU(16),
    }[name]
    model = keras.Sequential([
        layers.Input((longest,)), layers.Embedding(len(WORDS) + 1, 16, mask_zero=True),
        pooling, layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    adam = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    history = model.fit(x, y, validation_data=test, epochs=EPOCHS, batch_size=128, verbose=0).history
    return {"epoch": [*range(1, EPOCHS + 1)], "accuracy": history["val_accuracy"]}


def main():
    table = training.sweep(train, GRID, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"]).explode(["epoch", "accuracy"])
    table = table.astype({"accuracy": float})
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
