"""Train the network of 07's section 3 with five seeds, in three ways; store 07_seeds.csv.

    python notebooks/grids/07_seeds.py

About 20 minutes on two cores; broken off, it goes on where it was. windows: "carried on" (stateful: strips
in order, each window begins with the state in which the one before ended), "independent" (the same windows
in random order, each from a state of zeros) or "in order, from zeros". step, validation: bits per character
of 131,072 characters of validation reviews, strips of 2,048 read from a state of zeros. test: the same of
500,000 characters of test reviews, at the end alone. Everything else as in the notebook: 5 million
characters, 320 units, 2,000 batches of 32 windows of 64 characters.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training
from labutils.data import review_text

UNITS, BATCH, WINDOW, STEPS, STRIP = 320, 32, 64, 2_000, 2_048
CHARACTERS, CHECKS, SEEDS = len(review_text.ALPHABET), (100, 300, 1_000, STEPS), range(5)


def build(stateful: bool):
    keras = backend.load_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((WINDOW,), batch_size=BATCH, dtype="int32") if stateful else layers.Input((None,)),
            layers.Embedding(CHARACTERS, 32),
            layers.GRU(UNITS, return_sequences=True, stateful=stateful),
            layers.Dense(CHARACTERS),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(0.0, STEPS, warmup_target=0.01, warmup_steps=100)
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **backend.xla_settings(),
    )
    return model


def train(windows: str, seed: int) -> dict:
    """Return the bits per character at each step of CHECKS, as lists."""
    keras = backend.load_keras()
    text = review_text.load(5_000_000, 64 * STRIP + 1, 500_000)
    x, y = review_text.stateful_batches(text.train, BATCH, WINDOW)
    order = np.arange(STEPS * BATCH)
    if windows == "independent":
        order = np.random.default_rng(seed).permutation(order)
    keras.utils.set_random_seed(seed)
    model, reader, rows = build(windows == "carried on"), build(False), []

    def bits(numbers: np.ndarray) -> float:
        for old, new in zip(model.trainable_variables, reader.trainable_variables, strict=True):
            new.assign(old)
        x, y = review_text.windows(numbers, STRIP)
        return reader.evaluate(x, y, batch_size=64, verbose=0) / np.log(2)

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch + 1 in CHECKS:
                found = bits(text.validation[: 64 * STRIP + 1])
                rows.append({"step": batch + 1, "validation": found, "test": None})

    model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0, callbacks=[Record()])
    rows[-1]["test"] = bits(text.test)
    return {name: [row[name] for row in rows] for name in ("step", "validation", "test")}


def main() -> None:
    grid = {"windows": ["carried on", "independent", "in order, from zeros"]}
    table = training.sweep(train, grid, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    columns = ["step", "validation", "test"]
    table = table.explode(columns).infer_objects().sort_values("seed", kind="stable")
    table = table[["windows", "seed", *columns]]
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
