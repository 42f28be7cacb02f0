"""Train the published SimpleRNN at two learning rates and three clipping thresholds, for notebook 04.

    python notebooks/grids/04_falls.py

About an hour and a half on two cores; broken off, it goes on where it was. The data are the handout's: all
25,000 reviews in random order, a fifth of them for validation ("shuffled"). Ten seeds of each of the six
settings, and five of the published one on the 20,000 training reviews of the notebooks, in blocks ("blocks").
Three files:

04_falls.csv: one row for each epoch, with accuracy and loss on 4,000 training reviews and on the validation
reviews, at its end and without dropout; quantiles of the norms of its gradients before clipping.
04_falls_batches.csv (the published settings, shuffled): for each batch its loss, the norm of its gradient
and of the recurrent kernel's part, and the norm of the step of the recurrent kernel.
04_falls_every5.csv (the same): after every fifth batch, accuracy, loss and saturated components of the last
state on 400 training reviews, and the spectral radius of the recurrent kernel.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from labutils import backend, training
from labutils.data import reviews

HERE = Path(__file__).parent
WORDS, TOKENS, UNITS, EPOCHS, BATCH_SIZE = 10_000, 200, 128, 5, 64
SEEDS, RATES, CLIPS = range(10), (0.001, 0.0003), (0, 10.0, 1.0)  # 0: not clipped
SATURATED = 0.95  # the slope of tanh is below a tenth there


def recording_adam(rate, clip):
    """Return Adam that keeps the global norm of the last gradient and that of the recurrent kernel's part."""
    import tensorflow as tf

    keras = backend.load_keras()

    class RecordingAdam(keras.optimizers.Adam):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.norms = tf.Variable([0.0, 0.0])

        def apply(self, grads, trainable_variables=None):
            dense = [tf.convert_to_tensor(g) for g in grads]  # that of the embedding is sparse
            squares = [tf.reduce_sum(tf.square(g)) for g in dense]
            self.norms.assign(tf.sqrt([tf.add_n(squares), squares[2]]))
            return super().apply(grads, trainable_variables)

    return RecordingAdam(rate, global_clipnorm=clip or None)


def data_for(split):
    """Return the rows to fit, their labels, the rows to validate and theirs."""
    keras, data = backend.load_keras(), reviews.load(num_words=WORDS)
    parts = (data.train,) if split == "blocks" else (data.train, data.test)
    x = np.concatenate([keras.utils.pad_sequences(part.sequences, maxlen=TOKENS) for part in parts])
    y = np.concatenate([part.labels for part in parts]).astype("float32")
    if split == "shuffled":
        order = np.random.default_rng(0).permutation(len(x))
        x, y = x[order], y[order]
    n = int(len(x) * 0.8)
    return x[:n], y[:n], x[n:], y[n:]


def scores(p, y):
    right = np.where(y == 1, p, 1 - p)
    return np.mean((p > 0.5) == y), float(-np.mean(np.log(np.clip(right, 1e-7, 1))))


def train(split, rate, clip, seed):
    """Return the rows of the three files."""
    keras = backend.load_keras()
    layers, to_numpy = keras.layers, keras.ops.convert_to_numpy
    x, y, x_val, y_val = data_for(split)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            layers.Input((TOKENS,)),
            layers.Embedding(WORDS, UNITS),
            layers.SimpleRNN(UNITS, dropout=0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    adam = recording_adam(rate, clip)
    model.compile(adam, "binary_crossentropy", jit_compile=False)
    inside = keras.Model(model.inputs, [model.layers[1].output, model.layers[2].output])
    kernel = model.layers[1].cell.recurrent_kernel
    tag = {"split": split, "rate": rate, "clip": clip, "seed": seed}
    of_epochs, of_batches, of_fifths = [], [], []
    is_detailed = (split, rate, clip) == ("shuffled", 0.001, 0)
    sample = np.arange(0, len(x), len(x) // 400)[:400]
    started = time.perf_counter()

    class Note(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.kernel = to_numpy(kernel)

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch, self.done, self.loss = epoch, 0, 0.0

        def on_train_batch_end(self, batch, logs=None):
            now = to_numpy(kernel)
            mean = logs["loss"]  # over the batches of this epoch so far
            loss = mean * (self.done + 1) - self.loss * self.done
            self.done, self.loss = self.done + 1, mean
            norm, recurrent = adam.norms.numpy()
            step = np.linalg.norm(now - self.kernel)
            of_batches.append({"loss": loss, "norm": norm, "recurrent_norm": recurrent, "step": step})
            self.kernel = now
            if is_detailed and len(of_batches) % 5 == 0:
                states, p = inside.predict_on_batch(x[sample])
                accuracy, loss = scores(p[:, 0], y[sample])
                of_fifths.append(
                    {
                        "batch": len(of_batches),
                        "accuracy": accuracy,
                        "loss": loss,
                        "saturated": np.mean(np.abs(states) > SATURATED),
                        "radius": np.abs(np.linalg.eigvals(now)).max(),
                    }
                )

        def on_epoch_end(self, epoch, logs=None):
            norms = [row["norm"] for row in of_batches[-self.done :]]
            row = {"epoch": epoch + 1, "radius": np.abs(np.linalg.eigvals(to_numpy(kernel))).max()}
            some = slice(0, len(x), len(x) // 4000)
            for name, (a, b) in {"training": (x[some], y[some]), "validation": (x_val, y_val)}.items():
                p = model.predict(a, batch_size=500, verbose=0)[:, 0]
                row[f"{name}_accuracy"], row[f"{name}_loss"] = scores(p, b)
            row |= {f"norm_{q}": np.quantile(norms, q / 100) for q in (5, 50, 95, 100)}
            row |= {f"above_{norm}": np.mean(np.array(norms) > norm) for norm in (1, 10)}
            row["step_50"] = np.median([r["step"] for r in of_batches[-self.done :]])
            of_epochs.append(tag | row)

    model.fit(x, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0, callbacks=[Note()])
    for row in of_epochs:
        row["seconds"] = round(time.perf_counter() - started)
    batches = [{"seed": seed, "batch": i} | row for i, row in enumerate(of_batches, 1)] if is_detailed else []
    fifths = [{"seed": seed} | row for row in of_fifths]
    return {"epochs": of_epochs, "batches": batches, "fifths": fifths}


def main():
    options = training.sweep_options(__file__)
    grid = [{"split": "shuffled", "rate": rate, "clip": clip} for rate in RATES for clip in CLIPS]
    shuffled = training.sweep(train, grid, seeds=SEEDS, **options)
    published = {"split": "blocks", "rate": 0.001, "clip": 0}
    runs = pd.concat([shuffled, training.sweep(train, [published], seeds=range(5), **options)])
    assert not runs.failed.any(), runs.failed.unique()
    for part, end in {"epochs": "", "batches": "_batches", "fifths": "_every5"}.items():
        table = pd.DataFrame(sum(runs[part], []))
        order = [c for c in ("split", "rate", "clip", "seed", "epoch", "batch") if c in table]
        table.sort_values(order).to_csv(HERE / f"04_falls{end}.csv", index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
