"""Train a recurrent network to tell whether it is inside brackets, from afar: 13_brackets.csv.

    python notebooks/grids/13_brackets.py

About ten minutes on two cores; broken off, it goes on where it was. An excerpt of `length` characters has no
bracket in its second half.
supervised: where there is a loss, "after every character", "in the second half", "in the last quarter" (many
answers, all at least a quarter of the excerpt away from the brackets) or "at the end" alone.
accuracy: at the end of 1,000 such excerpts of the test reviews, half of which end inside brackets.
validation_loss, validation_accuracy: at the end of 500 excerpts of the last training reviews.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training
from labutils.data import characters, reviews

ROWS, EPOCHS, SEEDS, RATES = 2000, 20, range(10), (0.001, 0.003)
LENGTHS, SUPERVISED = (
    (30, 50, 80),
    ("after every character", "in the second half", "in the last quarter", "at the end"),
)
GRID = [
    {"supervised": when, "length": length, "rate": rate}
    for length in LENGTHS[::-1]
    for when in SUPERVISED
    for rate in RATES
]


def far_excerpts(texts: list[str], length: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot excerpts (rows, length, 54), and 1 where they are in brackets (rows, length, 1)."""
    excerpts, inside = characters.bracket_excerpts(texts, length, np.random.default_rng(0))
    far = [row for row, text in enumerate(excerpts) if not set(text[length // 2 :]) & set("()")]
    rng = np.random.default_rng(1)
    of_each = [rng.permutation([row for row in far if inside[row, -1] == end])[: rows // 2] for end in (0, 1)]
    chosen = rng.permutation(np.concatenate(of_each))
    return characters.one_hot([excerpts[row] for row in chosen]), inside[chosen][:, :, None]


def train(supervised: str, length: int, rate: float, seed: int) -> dict:
    keras = backend.load_keras()
    layers = keras.layers
    train_texts, test_texts = reviews.texts()
    x, y = far_excerpts(train_texts[:16_000], length, ROWS)
    x_validation, y_validation = far_excerpts(train_texts[16_000:], length, 500)
    x_test, y_test = far_excerpts(test_texts, length, 1000)
    first = dict(zip(SUPERVISED, (0, length // 2, 3 * length // 4, length - 1)))[supervised]
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            layers.Input(x.shape[1:]),
            layers.SimpleRNN(16, return_sequences=True),
            layers.Cropping1D((first, 0)),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), "binary_crossentropy")
    run = training.fit(model, x, y[:, first:], epochs=EPOCHS, batch_size=50, fast=True)

    def at_end(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Return the accuracy and the cross-entropy of the last answer."""
        p, y = (
            model.predict(x, batch_size=500, verbose=0)[:, -1, 0].astype(float).clip(1e-7, 1 - 1e-7),
            y[:, -1, 0],
        )
        return float(np.mean((p > 0.5) == y)), float(-np.mean(np.log(np.where(y == 1, p, 1 - p))))

    validation_accuracy, validation_loss = at_end(x_validation, y_validation)
    return {
        "loss": run.history["loss"][-1],
        "training_accuracy": at_end(x, y)[0],
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
        "accuracy": at_end(x_test, y_test)[0],
    }


def main() -> None:
    table = training.sweep(train, GRID, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"]).round(4)
    loss = table.groupby(["supervised", "length", "rate"])["validation_loss"].transform("mean")
    table["chosen"] = loss == loss.groupby([table["supervised"], table["length"]]).transform("min")
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
