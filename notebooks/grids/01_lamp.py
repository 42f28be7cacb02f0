"""Train networks on two questions about a lamp's button and store 01_lamp.csv.

    python notebooks/grids/01_lamp.py

About a quarter of an hour on two cores; broken off, it goes on where it was. Every network gets the same
1,000 rows, 2,000 updates of 50 rows and three learning rates; notebook 01 takes for each the rate whose mean
loss on the validation rows is lowest. One more network is asked whether the lamp is on only once, after the
last step.
"""

from pathlib import Path

import numpy as np

from labutils import backend, training

STEPS, LONG, ROWS, EPOCHS, SEEDS = 16, 200, 1000, 100, range(10)
RATES, TASKS = (0.003, 0.01, 0.03), ("twice in a row", "lamp is on")
NETWORKS, AT_THE_END = ("feed-forward", "convolution", "recurrent"), "recurrent, asked at the end"
GRID = [
    {"task": task, "network": network, "rate": rate}
    for network in NETWORKS
    for task in TASKS
    for rate in RATES
]
GRID += [{"task": "lamp is on", "network": AT_THE_END, "rate": rate} for rate in RATES]


def presses(
    rows: int, steps: int, rng: np.random.Generator, chance: float = 0.3
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return 1 where the button was pressed (rows, steps), and each task's answer after every step."""
    pressed = (rng.random((rows, steps)) < chance).astype("float32")
    twice = np.zeros_like(pressed)
    twice[:, 1:] = np.maximum.accumulate(pressed[:, 1:] * pressed[:, :-1], axis=1)
    return pressed, dict(zip(TASKS, (twice, np.cumsum(pressed, axis=1) % 2)))


def prefixes(pressed: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every beginning of every row, filled up with no presses, and the answer after it."""
    steps = pressed.shape[1]
    beginnings = pressed[:, None, :] * np.tri(steps, dtype="float32")
    return beginnings.reshape(-1, steps, 1), answers.reshape(-1)


def build(keras, network: str, steps: int):
    k = keras.layers
    hidden = {
        "feed-forward": [k.Flatten(), k.Dense(64, "relu")],
        "convolution": [k.Conv1D(16, 5, activation="relu"), k.GlobalMaxPooling1D()],
        "recurrent": [k.SimpleRNN(8, return_sequences=True)],
        AT_THE_END: [k.SimpleRNN(8)],
    }[network]
    return keras.Sequential([k.Input((steps, 1)), *hidden, k.Dense(1, "sigmoid")])


def train(task: str, network: str, rate: float, seed: int) -> dict:
    keras = backend.load_keras()
    rng = np.random.default_rng(seed)
    data = {name: presses(ROWS, STEPS, rng) for name in ("train", "validation", "test")}
    # so rare that half of the rows have two in a row; with 0.3, nearly every row of 200 steps has
    data["long"] = presses(300, LONG, rng, chance=0.06 if task == "twice in a row" else 0.3)
    keras.utils.set_random_seed(seed)
    model = build(keras, network, STEPS)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    pairs = {}
    for name, (pressed, answers) in data.items():
        if network == "recurrent":
            pairs[name] = pressed[:, :, None], answers[task][:, :, None]
        elif name == "long" or network == AT_THE_END:
            pairs[name] = pressed[:, :, None], answers[task][:, -1]
        else:
            pairs[name] = prefixes(pressed, answers[task])
    size = 50 * STEPS if network in ("feed-forward", "convolution") else 50
    run = training.fit(
        model, *pairs["train"], epochs=EPOCHS, batch_size=size, validation=pairs["validation"], fast=True
    )

    def accuracy(model, name: str) -> float:
        """Return the accuracy after the last press of the rows."""
        x, y = pairs[name]
        right = (model.predict(x, batch_size=2000, verbose=0).reshape(y.shape) > 0.5) == y
        return float(right.reshape(len(data[name][0]), -1)[:, -1].mean())

    result = {"validation_loss": run.history["val_loss"][-1], "training_loss": run.history["loss"][-1]}
    result |= {"training_accuracy": accuracy(model, "train"), "accuracy": accuracy(model, "test")}
    result["accuracy_200"] = np.nan
    if network != "feed-forward":  # whose weights fit one length alone
        longer = build(keras, network, LONG)
        longer.set_weights(model.get_weights())
        result["accuracy_200"] = accuracy(longer, "long")
    return result


def main() -> None:
    table = training.sweep(train, GRID, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"]).round(4)
    loss = table.groupby(["task", "network", "rate"])["validation_loss"].transform("mean")
    table["chosen"] = loss == loss.groupby([table["task"], table["network"]]).transform("min")
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
