"""Train a recurrent network to tell whether it is inside of brackets, from afar: 01_brackets.csv.

    python notebooks/grids/01_brackets.py

About half an hour on two cores. Where `distance` is 40, say, no bracket stands among the last 40 of the 80
characters of an excerpt. told: when it learns whether it is inside, "after every character" or "at the end".
accuracy: at the end of 1,000 excerpts of that distance from the test reviews.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

LENGTH, ROWS, EPOCHS, SEEDS = 80, 2000, 20, range(10)
DISTANCES, TOLD = (10, 20, 30, 40, 50), ("after every character", "at the end")


def far_excerpts(texts: list[str], distance: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot excerpts (rows, 80, 54) and whether each character is in brackets (rows, 80, 1)."""
    from labutils.data import characters

    excerpts, inside = characters.bracket_excerpts(texts, LENGTH, np.random.default_rng(0))
    far = [row for row, excerpt in enumerate(excerpts) if not set(excerpt[-distance:]) & set("()")]
    rng = np.random.default_rng(1)
    of_each = [rng.permutation([row for row in far if inside[row, -1] == end])[: rows // 2] for end in (0, 1)]
    chosen = rng.permutation(np.concatenate(of_each))
    return characters.one_hot([excerpts[row] for row in chosen]), inside[chosen][:, :, None]


def train(told: str, distance: int, seed: int) -> dict:
    from labutils import backend, training
    from labutils.data import reviews

    keras = backend.load_keras()
    data = reviews.load()
    x, y = far_excerpts(data.train.texts, distance, ROWS)
    x_test, y_test = far_excerpts(data.test.texts, distance, 1000)
    every = told == TOLD[0]
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.SimpleRNN(16, return_sequences=every), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.layers.Input((LENGTH, x.shape[2])), *layers])
    model.compile(keras.optimizers.Adam(0.003, clipnorm=1.0), "binary_crossentropy")
    run = training.fit(model, x, y if every else y[:, -1], epochs=EPOCHS, batch_size=50, fast=True)
    said = model.predict(x_test, verbose=0).reshape(len(x_test), -1)[:, -1] > 0.5
    return {
        "told": told,
        "distance": distance,
        "seed": seed,
        "rows": len(x),
        "loss": round(run.history["loss"][-1], 4),
        "accuracy": round(float((said == y_test[:, -1, 0]).mean()), 4),
    }


def main() -> None:
    jobs = [(told, distance, seed) for distance in DISTANCES for told in TOLD for seed in SEEDS]
    rows = Parallel(n_jobs=2, verbose=5)(delayed(train)(*job) for job in jobs)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
