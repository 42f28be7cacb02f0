"""Change one thing at a time in the published SimpleRNN, for notebook 04, and store 04_remedies.csv.

    python notebooks/grids/04_remedies.py

About fifty minutes on two cores. Only the training part is used: its last fifth validates, and the labels
of the test reviews play no part. One row for each epoch, epoch 0 before the training; radius: the spectral
radius of the recurrent kernel.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from labutils import backend, training
from labutils.data import reviews

WORDS, TOKENS, UNITS, EPOCHS, SEEDS = 10_000, 200, 128, 5, (0, 1, 2)
MORE_SEEDS = {"as published": range(6), "clipping at length 1": range(6)}  # the two that an argument rests on
REMEDIES = {
    "as published": {},
    "clipping at length 10": {"clip": 10.0},
    "clipping at length 1": {"clip": 1.0},
    "learning rate 0.0003": {"learning_rate": 0.0003},
    "learning rate 0.0001": {"learning_rate": 0.0001},
    "identity start": {"start": "identity"},
    "random start (Glorot)": {"start": "glorot_uniform"},
    "100 tokens": {"tokens": 100},
    "50 tokens": {"tokens": 50},
    "mask": {"mask": True},
    "layer normalisation": {"normalised": True},
    "the same, embeddings 20 times as large": {"normalised": True, "spread": 1.0},
}


def recurrent(normalised: bool, start: str):
    """Return the published recurrent layer, or one that normalises before the tanh (Ba et al. 2016)."""
    keras = backend.load_keras()
    settings = {"dropout": 0.2, "recurrent_initializer": start}
    if not normalised:
        return keras.layers.SimpleRNN(UNITS, **settings)

    class NormalisedCell(keras.layers.SimpleRNNCell):
        def __init__(self):
            super().__init__(UNITS, activation=None, **settings)
            self.normalise = keras.layers.LayerNormalization()

        def build(self, input_shape):
            super().build(input_shape)
            self.normalise.build((None, UNITS))

        def call(self, x, states, training=False):
            summed, _ = super().call(x, states, training)
            state = keras.ops.tanh(self.normalise(summed))
            return state, [state]

    return keras.layers.RNN(NormalisedCell())


def rows_of_training(
    name: str,
    seed: int,
    clip: float | None = None,
    learning_rate: float = 0.001,
    start: str = "orthogonal",
    tokens: int = TOKENS,
    mask: bool = False,
    normalised: bool = False,
    spread: float = 0.05,  # Keras draws the embeddings evenly from -0.05 to 0.05
) -> list[dict]:
    keras = backend.load_keras()
    data = reviews.load(num_words=WORDS)
    x = keras.utils.pad_sequences(data.train.sequences, maxlen=tokens)
    keras.utils.set_random_seed(seed)
    layer = recurrent(normalised, start)
    model = keras.Sequential(
        [
            keras.layers.Input((tokens,)),
            keras.layers.Embedding(
                WORDS,
                UNITS,
                mask_zero=mask,
                embeddings_initializer=keras.initializers.RandomUniform(-spread, spread),
            ),
            layer,
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    adam = keras.optimizers.Adam(learning_rate, global_clipnorm=clip)
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"])
    kernels = [w for w in layer.trainable_variables if w.name == "recurrent_kernel"]
    rows = []

    def note(epochs_done: int, logs: dict[str, float]) -> None:
        radius = np.abs(np.linalg.eigvals(np.asarray(kernels[0]))).max()
        rows.append({"remedy": name, "seed": seed, "epoch": epochs_done, "radius": radius} | dict(logs))

    note(0, {})
    after_each_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: note(epoch + 1, logs))
    training.fit(model, x, data.train.labels, epochs=EPOCHS, validation=0.2, callbacks=[after_each_epoch])
    return rows


def main() -> None:
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # two trainings at a time
    jobs = [(name, seed) for name in REMEDIES for seed in MORE_SEEDS.get(name, SEEDS)]
    done = Parallel(n_jobs=2, verbose=5, return_as="generator")(
        delayed(rows_of_training)(name, seed, **REMEDIES[name]) for name, seed in jobs
    )
    rows = []
    for more in done:
        rows += more
        table = pd.DataFrame(rows)
        table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
