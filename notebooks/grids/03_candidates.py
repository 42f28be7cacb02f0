"""Train the classifiers of notebook 03 on a fixed budget: 03_candidates.csv, 03_probabilities.csv.

    python notebooks/grids/03_candidates.py

About an hour on two cores; broken off, it goes on where it was. Each candidate adds one step to the one
before it. All have the same budget: four rates with two seeds, six epochs with a cosine decay; each network
is kept at the epoch of its lowest validation loss, and each candidate at the rate whose networks have the
lowest mean loss, which is then trained with three seeds more. Test labels choose nothing. "published" is the
network of the handout: five epochs at a constant rate, kept at its last epoch. temperature: what divides the
logits so that the validation loss is lowest; ece: expected calibration error with ten bins, before and after.
03_probabilities.csv holds what the networks of two candidates, SHOWN, say of each test review, in
thousandths.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from labutils import backend, training
from labutils.data import reviews

HERE, SHOWN = Path(__file__).parent, ("+ words dropped", "+ 400 tokens")
WORDS, EPOCHS, BATCH_SIZE = 10_000, 6, 128
RATES, SEEDS, MORE_SEEDS = (0.001, 0.003, 0.01, 0.03), (0, 1), (2, 3, 4)
CANDIDATES = {
    "100 tokens": {"tokens": 100},
    "200 tokens": {"tokens": 200},
    "+ mask and dropout": {"tokens": 200, "dropout": 0.5},
    "+ words dropped": {"tokens": 200, "dropout": 0.5, "words_dropped": 0.3},
    "+ bidirectional": {"tokens": 200, "dropout": 0.5, "words_dropped": 0.3, "bidirectional": True},
    "+ mean and max": {
        "tokens": 200,
        "dropout": 0.5,
        "words_dropped": 0.3,
        "bidirectional": True,
        "pooled": True,
    },
    "+ 400 tokens": {
        "tokens": 400,
        "dropout": 0.5,
        "words_dropped": 0.3,
        "bidirectional": True,
        "pooled": True,
    },
}


def build(tokens, dropout=0.0, words_dropped=0.0, bidirectional=False, pooled=False):
    """Return a GRU classifier; `words_dropped` is the share of words whose whole embedding is set to 0."""
    keras = backend.load_keras()
    layers = keras.layers
    inputs = layers.Input((tokens,))
    x = layers.Embedding(WORDS, 32, mask_zero=dropout > 0)(inputs)
    if words_dropped:
        x = layers.Dropout(words_dropped, noise_shape=(None, tokens, 1))(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    gru = layers.GRU(16 if bidirectional else 32, return_sequences=pooled)
    x = layers.Bidirectional(gru)(x) if bidirectional else gru(x)
    if pooled:
        x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), keras.ops.max(x, axis=1)])
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def log_loss(probability, label):
    right = np.where(label == 1, probability, 1 - probability)
    return float(-np.mean(np.log(np.clip(right, 1e-7, 1))))


def scaled(probability, temperature):
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-np.log(p / (1 - p)) / temperature))


def calibration_error(probability, label):
    bins = np.minimum((10 * probability).astype(int), 9)
    distances = [abs(np.sum((probability - label)[bins == k])) for k in range(10)]
    return float(np.sum(distances) / len(label))


def calibration(validation, y_validation, test, y_test):
    """Return the columns on calibration; the temperature is chosen with the validation reviews."""
    found = minimize_scalar(lambda t: log_loss(scaled(validation, t), y_validation), bounds=(0.2, 5))
    after = scaled(test, found.x)
    return {
        "temperature": found.x,
        "test_ece": calibration_error(test, y_test),
        "test_ece_scaled": calibration_error(after, y_test),
        "test_loss": log_loss(test, y_test),
        "test_loss_scaled": log_loss(after, y_test),
    }


def train(candidate, rate, seed):
    """Return a row of the table, and the kept epoch's probabilities of the test reviews, in thousandths."""
    keras = backend.load_keras()
    published = candidate == "published"
    settings = CANDIDATES["100 tokens" if published else candidate]
    data = reviews.load(num_words=WORDS)
    x, x_test = (
        keras.utils.pad_sequences(part.sequences, maxlen=settings["tokens"])
        for part in (data.train, data.test)
    )
    y = np.asarray(data.train.labels)
    fitted = int(len(x) * 0.8)
    keras.utils.set_random_seed(seed)
    model = build(**settings)
    steps = EPOCHS * -(-fitted // BATCH_SIZE)
    schedule = rate if published else keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", jit_compile=False)
    best, kept, started = np.inf, None, time.perf_counter()
    for epoch in range(1, (5 if published else EPOCHS) + 1):
        model.fit(x[:fitted], y[:fitted], batch_size=64 if published else BATCH_SIZE, verbose=0)
        validation = model.predict(x[fitted:], batch_size=500, verbose=0)[:, 0]
        loss = log_loss(validation, y[fitted:])
        if loss < best or published:
            best, kept = loss, (epoch, validation, model.predict(x_test, batch_size=500, verbose=0)[:, 0])
    epoch, validation, test = kept
    row = {
        "parameters": model.count_params(),
        "training_seconds": round(time.perf_counter() - started),
        "kept_epoch": epoch,
        "validation_loss": log_loss(validation, y[fitted:]),
        "validation_accuracy": np.mean((validation > 0.5) == y[fitted:]),
        "test_accuracy": np.mean((test > 0.5) == data.test.labels),
    }
    row |= calibration(validation, y[fitted:], test, data.test.labels)
    return row | {"thousandths": (1000 * test).round().astype(int)}


def main():
    options = training.sweep_options(__file__)

    def run(grid, seeds):
        table = training.sweep(train, grid, seeds=seeds, **options)
        assert not table.failed.any(), table.failed.unique()
        return table.drop(columns=["seconds", "failed"])

    published = run([{"candidate": "published", "rate": 0.001}], (*SEEDS, *MORE_SEEDS))
    tried = run([{"candidate": name, "rate": rate} for name in reversed(CANDIDATES) for rate in RATES], SEEDS)
    means = tried.groupby(["candidate", "rate"]).validation_loss.mean()
    chosen = {name: means[name].idxmin() for name in reversed(CANDIDATES)}
    more = run([{"candidate": name, "rate": rate} for name, rate in chosen.items()], MORE_SEEDS)
    table = pd.concat([published, tried, more]).rename(columns={"training_seconds": "seconds"})
    table["chosen"] = table.rate == table.candidate.map(chosen | {"published": 0.001})
    shown = table[table.candidate.isin(SHOWN) & table.chosen].sort_values(["candidate", "seed"])
    columns = {f"{row.candidate[2:]}, seed {row.seed}": row.thousandths for row in shown.itertuples()}
    pd.DataFrame(columns).to_csv(HERE / "03_probabilities.csv", index=False)
    order = table.candidate.map(["published", *CANDIDATES].index)
    table = table.assign(order=order).sort_values(["order", "rate", "seed"])
    table = table.drop(columns=["order", "thousandths"])
    table.to_csv(HERE / "03_candidates.csv", index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
