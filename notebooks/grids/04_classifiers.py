"""Train every classifier of notebook 04, sections 4 to 7, with three to six seeds; store 04_classifiers.csv.

    python notebooks/grids/04_classifiers.py

About fifty minutes on two cores. Every model: an embedding of 32 numbers a word, dropout of one half, what is
compared, a dense layer; Adam, batches of 256, gradients clipped at length 1, five epochs, and the weights of
the epoch of lowest validation loss. Three learning rates for each model ("comparison"); all that comes after
uses RATE: more seeds of the two starts ("starts"), other readings of the states ("mended", which the test
reviews are not shown to at all), padding, ends and shuffled words ("inputs"). The labels of the test reviews
measure, and choose nothing.
"""

import os
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from labutils import backend, training
from labutils.data import reviews

WORDS, EPOCHS, SEEDS = 10_000, 5, (0, 1, 2)
RATES = {True: (0.0003, 0.001, 0.003), False: (0.001, 0.003, 0.01)}  # with a recurrent layer, without
RATE, MORE_SEEDS = 0.001, (3, 4, 5)
IDENTITY = {"recurrent_initializer": "identity"}
# the layer's name in Keras, its units (GRU 32 has 6,336 parameters, the second of each kind about as many)
MODELS = {
    "SimpleRNN 32": ("SimpleRNN", 32, {}),
    "SimpleRNN 65": ("SimpleRNN", 65, {}),
    "SimpleRNN 32, identity": ("SimpleRNN", 32, IDENTITY),
    "LSTM 32": ("LSTM", 32, {}),
    "LSTM 27": ("LSTM", 27, {}),
    "GRU 32": ("GRU", 32, {}),
    "mean of embeddings": (None, None, {}),
}
MENDED = {
    "both ways": {"units": 16, "both_ways": True},
    "mean of all states": {"pooling": "mean"},
    "mean, both ways": {"units": 16, "both_ways": True, "pooling": "mean"},
}
INPUTS = {
    "front": {"mask": False},
    "back": {"padding": "post", "mask": False},
    "back, mask": {"padding": "post"},
    "last 100": {"tokens": 100},
    "first 100": {"tokens": 100, "truncating": "post"},
    "shuffled": {"shuffle": True},
}
PADDINGS = ("front", "back", "back, mask")


def layers_for(
    model: str, tokens: int, mask: bool, units: int | None, both_ways: bool, pooling: str | None
) -> list:
    layers = backend.load_keras().layers
    kind, usual, options = MODELS[model]
    found = [
        layers.Input((tokens,)),
        layers.Embedding(WORDS, 32, mask_zero=mask),
        layers.Dropout(0.5),
    ]
    if kind:
        recurrent = getattr(layers, kind)(units or usual, return_sequences=bool(pooling), **options)
        found.append(layers.Bidirectional(recurrent) if both_ways else recurrent)
    if pooling or not kind:
        found.append(layers.GlobalAveragePooling1D())
    return [*found, layers.Dense(1, activation="sigmoid")]


def trained_row(
    part: str,
    name: str,
    seed: int,
    model: str,
    learning_rate: float,
    tokens: int = 200,
    padding: str = "pre",
    truncating: str = "pre",
    mask: bool = True,
    shuffle: bool = False,
    units: int | None = None,
    both_ways: bool = False,
    pooling: str | None = None,
) -> dict:
    keras = backend.load_keras()
    data = reviews.load(num_words=WORDS)
    x, x_test = (
        keras.utils.pad_sequences(part.sequences, maxlen=tokens, padding=padding, truncating=truncating)
        for part in (data.train, data.test)
    )
    x = reviews.shuffled(x) if shuffle else x
    keras.utils.set_random_seed(seed)
    net = keras.Sequential(layers_for(model, tokens, mask, units, both_ways, pooling))
    adam = keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)
    net.compile(adam, "binary_crossentropy", metrics=["accuracy"])
    run = training.fit(
        net,
        x,
        data.train.labels,
        epochs=EPOCHS,
        batch_size=256,
        validation=0.2,
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
    )
    row = {"part": part, "name": name, "model": model, "learning_rate": learning_rate, "seed": seed}
    row |= {"parameters": run.parameters, "best_epoch": run.kept_epoch}
    row |= {f"validation_{q}": run.at_kept_epoch(f"val_{q}") for q in ("accuracy", "loss")}
    if part != "mended":
        is_short = data.test.lengths < tokens
        for heading, rows in (("test", x_test), ("test_shuffled", reviews.shuffled(x_test))):
            says = net.predict(rows, batch_size=500, verbose=0)[:, 0] > 0.5
            right = says == data.test.labels
            row |= {f"{heading}_accuracy": right.mean(), f"{heading}_accuracy_short": right[is_short].mean()}
    return row


def main() -> None:
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # two trainings at a time
    rows = []

    def train(jobs: list[tuple[str, str, dict]], seeds: tuple[int, ...] = SEEDS) -> None:
        every = [(part, name, seed, settings) for part, name, settings in jobs for seed in seeds]
        done = Parallel(n_jobs=2, verbose=5, return_as="generator")(
            delayed(trained_row)(part, name, seed, **settings) for part, name, seed, settings in every
        )
        for row in done:
            rows.append(row)
            pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")

    train(
        [
            ("comparison", model, {"model": model, "learning_rate": rate})
            for model in MODELS
            for rate in RATES[bool(MODELS[model][0])]
        ]
    )
    plain, simple, gated = (
        {"model": model, "learning_rate": RATE}
        for model in ("SimpleRNN 32", "SimpleRNN 32, identity", "GRU 32")
    )
    train([("starts", start["model"], start) for start in (plain, simple)], MORE_SEEDS)
    train([("mended", name, simple | change) for name, change in MENDED.items()])
    train([("mended", "both ways", simple | MENDED["both ways"])], MORE_SEEDS)
    train([("inputs", name, model | change) for model in (simple, gated) for name, change in INPUTS.items()])
    train([("inputs", name, plain | INPUTS[name]) for name in PADDINGS])


if __name__ == "__main__":
    main()
