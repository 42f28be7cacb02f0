"""Train every candidate of notebook 03, section 6, with three seeds and store 03_candidates.csv.

    python notebooks/grids/03_candidates.py

About a quarter of an hour on two cores. Only the training part is used: its last fifth validates, and the
test reviews play no part. Each candidate adds one remedy to the one before it, except that pooling
takes the place of the mask: Keras' maximum pooling knows none.
"""

from pathlib import Path

import pandas as pd

from labutils import backend, training
from labutils.data import reviews

keras = backend.load_keras()
layers = keras.layers
WORDS, SEEDS = 10_000, (0, 1, 2)
HERE = Path(__file__).parent


def last_state(tokens, mask=False, dropout=0.0):
    return [
        layers.Input((tokens,)),
        layers.Embedding(WORDS, 32, mask_zero=mask),
        layers.Dropout(dropout),
        layers.GRU(32),
        layers.Dropout(dropout),
        layers.Dense(1, activation="sigmoid"),
    ]


def pooled(tokens, units, both_ways):
    gru = layers.GRU(units, return_sequences=True)
    return [
        layers.Input((tokens,)),
        layers.Embedding(WORDS, 32),
        layers.Dropout(0.5),
        layers.Bidirectional(gru) if both_ways else gru,
        layers.GlobalMaxPooling1D(),
        layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    ]


CANDIDATES = {
    "100 tokens, last state": (100, lambda: last_state(100)),
    "200 tokens": (200, lambda: last_state(200)),
    "200 tokens, mask": (200, lambda: last_state(200, mask=True)),
    "200 tokens, mask, dropout": (200, lambda: last_state(200, mask=True, dropout=0.5)),
    "200 tokens, dropout, pooled": (200, lambda: pooled(200, units=32, both_ways=False)),
    "200 tokens, dropout, pooled, both ways": (200, lambda: pooled(200, units=16, both_ways=True)),
}


def main():
    data = reviews.load(num_words=WORDS)
    rows = []
    for name, (tokens, architecture) in CANDIDATES.items():
        x = keras.utils.pad_sequences(data.train.sequences, maxlen=tokens)
        for seed in SEEDS:
            keras.utils.set_random_seed(seed)
            model = keras.Sequential(architecture())
            model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
            run = training.fit(
                model,
                x,
                data.train.labels,
                name=f"{name}, seed {seed}",
                epochs=6,
                batch_size=256,
                validation=0.2,
                callbacks=[keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)],
            )
            print(run, flush=True)
            rows.append(
                {
                    "candidate": name,
                    "seed": seed,
                    "tokens": tokens,
                    "parameters": run.parameters,
                    "best_epoch": run.best_epoch,
                    "validation_accuracy": run.at_kept_epoch("val_accuracy"),
                    "validation_loss": run.at_kept_epoch("val_loss"),
                }
            )
            pd.DataFrame(rows).to_csv(HERE / "03_candidates.csv", index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
