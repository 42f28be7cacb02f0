"""Intervene where the gradient of the published SimpleRNN bursts, for notebook 04, and store 04_bursts.csv.

    python notebooks/grids/04_bursts.py

About an hour on two cores; broken off, it goes on where it was. As in 04_falls.py (published settings,
"shuffled", the same ten seeds), with one change. A burst is a batch whose gradient has a norm above ten times
the median of the batches 50 to 6 before it.

skipped: the gradient of a burst is replaced by zero.
forgotten: the step of a burst is taken, and Adam's running mean m is set to zero afterwards.
forgotten at random: the same after as many other batches, about one in ninety.
clipped: every gradient is clipped at norm 10.

Two files:

04_bursts.csv: one row for each epoch, with the accuracy on 4,000 training reviews and on the validation
reviews at its end, without dropout, and the number of bursts in it.
04_bursts_every5.csv: accuracy on 400 training reviews after every fifth batch.
"""

import importlib
import time
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd

from labutils import backend, training

HERE = Path(__file__).parent
WHAT, SEEDS = ("skipped", "forgotten", "clipped", "forgotten at random"), range(10)
falls = importlib.import_module("04_falls")
cloudpickle.register_pickle_by_value(falls)  # sent along with train: other processes cannot import it


def intervening_adam(what, rate, seed):
    """Return Adam that changes what happens at a burst, and counts the bursts."""
    import tensorflow as tf

    keras = backend.load_keras()

    class InterveningAdam(keras.optimizers.Adam):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.last = tf.Variable(np.full(50, np.inf, np.float32))
            self.bursts = tf.Variable(0.0)
            self.at_random = tf.constant(np.random.default_rng(seed).random(5_000) < 1 / 90)

        def apply(self, grads, trainable_variables=None):
            grads = [tf.convert_to_tensor(g) for g in grads]
            norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(g)) for g in grads]))
            is_burst = tf.cast(norm > 10 * tf.sort(self.last[:45])[22], "float32")
            self.last.assign(tf.concat([self.last[1:], [norm]], 0))
            self.bursts.assign_add(is_burst)
            if what == "skipped":
                grads = [(1 - is_burst) * g for g in grads]
            super().apply(grads, trainable_variables)
            if what == "forgotten":
                for m in self._momentums:
                    m.assign((1 - is_burst) * m)
            if what == "forgotten at random":
                forget = tf.cast(self.at_random[tf.cast(self.iterations, "int32")], "float32")
                for m in self._momentums:
                    m.assign((1 - forget) * m)

    return InterveningAdam(rate, global_clipnorm=10.0 if what == "clipped" else None)


def train(what, seed):
    """Return the rows of the two files."""
    keras = backend.load_keras()
    layers = keras.layers
    x, y, x_val, y_val = falls.data_for("shuffled")
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            layers.Input((falls.TOKENS,)),
            layers.Embedding(falls.WORDS, falls.UNITS),
            layers.SimpleRNN(falls.UNITS, dropout=0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    adam = intervening_adam(what, 0.001, seed)
    model.compile(adam, "binary_crossentropy", jit_compile=False)
    tag = {"what": what, "seed": seed}
    of_epochs, of_fifths, batches = [], [], []
    sample = np.arange(0, len(x), len(x) // 400)[:400]
    some = slice(0, len(x), len(x) // 4000)
    started = time.perf_counter()

    class Note(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)
            if len(batches) % 5 == 0:
                accuracy, _ = falls.scores(model.predict_on_batch(x[sample])[:, 0], y[sample])
                of_fifths.append(tag | {"batch": len(batches), "accuracy": accuracy})

        def on_epoch_end(self, epoch, logs=None):
            row = tag | {"epoch": epoch + 1, "bursts": int(adam.bursts.numpy())}
            adam.bursts.assign(0.0)
            for name, (a, b) in {"training": (x[some], y[some]), "validation": (x_val, y_val)}.items():
                p = model.predict(a, batch_size=500, verbose=0)[:, 0]
                row[f"{name}_accuracy"], _ = falls.scores(p, b)
            of_epochs.append(row)

    model.fit(x, y, epochs=falls.EPOCHS, batch_size=falls.BATCH_SIZE, verbose=0, callbacks=[Note()])
    for row in of_epochs:
        row["seconds"] = round(time.perf_counter() - started)
    return {"epochs": of_epochs, "fifths": of_fifths}


def main():
    runs = training.sweep(train, {"what": WHAT}, seeds=SEEDS, **training.sweep_options(__file__))
    assert not runs.failed.any(), runs.failed.unique()
    for part, end in {"epochs": "", "fifths": "_every5"}.items():
        table = pd.DataFrame(sum(runs[part], []))
        order = [c for c in ("what", "seed", "epoch", "batch") if c in table]
        table.sort_values(order).to_csv(HERE / f"04_bursts{end}.csv", index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
