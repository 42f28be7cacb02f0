"""Train the network that 07 lets write; store its weights (07_writer.npz) and its curve (07_writer.csv).

    python notebooks/grids/07_writer.py

About 35 minutes on two cores. An embedding of 32 numbers, a GRU of 448 units and a dense layer, trained on
the 20.9 million characters of the 16,000 training reviews in 32 strips, windows of 64 characters, the state
carried on from window to window; 24,000 steps see 49 million characters. Adam, the gradient's norm clipped at
1, the learning rate rising to 0.004 in 1,200 steps and falling to 0 along a cosine. Settings were chosen on
validation reviews in short trainings: with 1,000 steps and 448 units a rate of .006 gave 2.158 bits per
character and .01 gave 2.111, but in a first try of the long schedule .008 stood still at 2.27 after 2,000 and
after 3,000 steps, where .004 gave 2.16 and 2.10.

07_writer.npz: the layers' weights in float16, 1.4 MB, no pickle. 07_writer.csv: steps; bits per character of
the batches since the row before, as they were trained on; of 131,072 characters of validation reviews, each
strip of 2,048 read from a state of zeros; and, at the end alone, of all test reviews, in the same strips.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from labutils import backend
from labutils.data import review_text

UNITS, EMBEDDING, BATCH, WINDOW, STEPS, RATE, SEED = 448, 32, 32, 64, 24_000, 0.004, 0
CHARACTERS = len(review_text.ALPHABET)
CHECKS = {25, 50, 100, 200, 300, 500, 700, *range(1_000, STEPS + 1, 1_000)}
STRIP = 2_048


def build(batch: int | None, window: int | None, stateful: bool):
    layers = backend.load_keras().layers
    return backend.load_keras().Sequential(
        [
            layers.Input((window,), batch_size=batch, dtype="int32"),
            layers.Embedding(CHARACTERS, EMBEDDING, name="embedding"),
            layers.GRU(UNITS, return_sequences=True, stateful=stateful, name="gru"),
            layers.Dense(CHARACTERS, name="dense"),
        ]
    )


def compiled(model, rate=0.0):
    keras = backend.load_keras()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss, **backend.xla_settings())
    return model


def copy_weights(source, target) -> None:
    for old, new in zip(source.trainable_variables, target.trainable_variables, strict=True):
        new.assign(old)


def bits(model, numbers: np.ndarray) -> float:
    """Return the bits per character of a text, cut into long strips: each begins with a state of zeros."""
    x, y = review_text.windows(numbers, STRIP)
    return model.evaluate(x, y, batch_size=64, verbose=0) / np.log(2)


def main() -> None:
    keras, text = backend.load_keras(), review_text.load()
    x, y = review_text.stateful_batches(text.train, BATCH, WINDOW)
    order = np.arange(STEPS * BATCH) % len(x)
    keras.utils.set_random_seed(SEED)
    warm_up = STEPS // 20
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, STEPS - warm_up, warmup_target=RATE, warmup_steps=warm_up
    )
    model, examined = compiled(build(BATCH, WINDOW, True), schedule), compiled(build(None, None, False))
    rows, path = [], Path(__file__).with_suffix("")

    class Record(keras.callbacks.Callback):
        total, steps = 0.0, 0

        def on_train_batch_end(self, batch, logs=None):
            done = batch + 1
            total = logs["loss"] * done
            recent = (total - self.total) / (done - self.steps) / np.log(2)
            self.total, self.steps = total, done
            if done in CHECKS:
                copy_weights(model, examined)
                validation = bits(examined, text.validation[: 64 * STRIP + 1])
                rows.append({"step": done, "training": recent, "validation": validation})
                print(rows[-1], flush=True)
                store(examined, path.with_suffix(".npz"))
                pd.DataFrame(rows).to_csv(path.with_suffix(".csv"), index=False, float_format="%.4f")

    model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0, callbacks=[Record()])
    rows[-1]["test"] = bits(examined, text.test)
    pd.DataFrame(rows).to_csv(path.with_suffix(".csv"), index=False, float_format="%.4f")


def store(model, path: Path) -> None:
    """Store the weights in float16, each under the name of its layer and variable."""
    to_numpy = backend.load_keras().ops.convert_to_numpy
    arrays = {}
    for variable in model.trainable_variables:
        layer, name = variable.path.split("/")[1], variable.name  # the model's name comes first in the path
        arrays[f"{layer}_{name}"] = to_numpy(variable).astype("float16")
    np.savez(path, **arrays)


if __name__ == "__main__":
    main()
