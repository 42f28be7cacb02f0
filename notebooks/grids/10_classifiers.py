"""Train GRU classifiers of all sizes, at four rates, with ten seeds, for notebook 10: 10_classifiers.csv.

    python notebooks/grids/10_classifiers.py

Half an hour on two cores. The network and the reviews of notebook 03, the last 100 tokens of each, batches of
64, Adam, three epochs. validation_N, loss_N: accuracy and loss on the validation reviews after epoch N, and
test_N: accuracy on the test reviews, by which nothing is chosen.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training
from labutils.data import reviews

GRID = {"units": [1, 2, 4, 8, 16, 32, 64], "rate": [0.001, 0.003, 0.01, 0.03]}
SEEDS, WORDS, TOKENS, EPOCHS = range(10), 10_000, 100, 3


def train(units, rate, seed):
    """Return accuracies after each epoch."""
    keras = backend.load_keras()
    data = reviews.load(num_words=WORDS)
    x, x_test = (keras.utils.pad_sequences(part.sequences, maxlen=TOKENS) for part in (data.train, data.test))
    y, y_test = np.asarray(data.train.labels), np.asarray(data.test.labels)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([
        keras.layers.Input((TOKENS,)), keras.layers.Embedding(WORDS, 32),
        keras.layers.GRU(units), keras.layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile(
        keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"], **backend.xla_settings()
    )
    result = {"parameters": model.count_params()}
    fitted = int(0.8 * len(x))
    for epoch in range(1, EPOCHS + 1):
        model.fit(x[:fitted], y[:fitted], batch_size=64, verbose=0)
        loss, accuracy = model.evaluate(x[fitted:], y[fitted:], batch_size=500, verbose=0)
        _, test_accuracy = model.evaluate(x_test, y_test, batch_size=500, verbose=0)
        result |= {f"loss_{epoch}": loss, f"validation_{epoch}": accuracy, f"test_{epoch}": test_accuracy}
    return result


def main():
    table = training.sweep(train, GRID, seeds=SEEDS, **training.sweep_options(__file__))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
