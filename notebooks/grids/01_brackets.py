"""Train a recurrent network to tell whether it is inside of brackets, from afar: 01_brackets.csv.

    python notebooks/grids/01_brackets.py

About a quarter of an hour on two cores. An excerpt of `length` characters has no bracket in its second half.
told: when it learns whether it is inside, "after every character" or "at the end" alone.
accuracy: at the end of 1,000 such excerpts of the test reviews, half of which end inside.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

ROWS, EPOCHS, SEEDS = 2000, 20, range(10)
LENGTHS, TOLD = (30, 40, 50, 60, 80), ("after every character", "at the end")


def far_excerpts(texts: list[str], length: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot excerpts (rows, length, 54), and 1 where they are in brackets (rows, length, 1)."""
    from labutils.data import characters

    excerpts, inside = characters.bracket_excerpts(texts, length, np.random.default_rng(0))
    far = [row for row, text in enumerate(excerpts) if not set(text[length // 2 :]) & set("()")]
    rng = np.random.default_rng(1)
    of_each = [rng.permutation([row for row in far if inside[row, -1] == end])[: rows // 2] for end in (0, 1)]
    chosen = rng.permutation(np.concatenate(of_each))
    return characters.one_hot([excerpts[row] for row in chosen]), inside[chosen][:, :, None]


def train(told: str, length: int, seed: int) -> dict:
    from labutils import backend, training
    from labutils.data import reviews

    keras = backend.load_keras()
    data = reviews.load()
    x, y = far_excerpts(data.train.texts, length, ROWS)
    x_test, y_test = far_excerpts(data.test.texts, length, 1000)
    every = told == TOLD[0]
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.SimpleRNN(16, return_sequences=every), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.layers.Input(x.shape[1:]), *layers])
    model.compile(keras.optimizers.Adam(0.003, clipnorm=1.0), "binary_crossentropy")
    run = training.fit(model, x, y if every else y[:, -1], epochs=EPOCHS, batch_size=50, fast=True)
    said = model.predict(x_test, verbose=0).reshape(len(x_test), -1)[:, -1] > 0.5
    return {
        "told": told,
        "length": length,
        "seed": seed,
        "rows": len(x),
        "loss": round(run.history["loss"][-1], 4),
        "accuracy": round(float((said == y_test[:, -1, 0]).mean()), 4),
    }


def main() -> None:
    jobs = [(told, length, seed) for length in LENGTHS for told in TOLD for seed in SEEDS]
    rows = Parallel(n_jobs=2, verbose=5)(delayed(train)(*job) for job in jobs)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
