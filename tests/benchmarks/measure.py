"""Measure speed and memory, as ratios in one run, and print the table that README quotes.

    python tests/benchmarks/measure.py            # everything, about twenty minutes
    python tests/benchmarks/measure.py fit panels  # some of it: fit, forecaster, autoencoder, …

Nothing else should run on the machine meanwhile. Seconds depend on the machine; ratios travel.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median, stdev

import psutil

ROOT = Path(__file__).parents[2]
PAIRS = 6
LIMITS = {
    "01_recurrent_networks": (120, 2.0),
    "02_gates_lstm_and_gru": (120, 2.0),
    "03_simple_rnn_sentiment": (480, 2.5),
    "04_gru_sentiment": (360, 2.0),
    "05_lstm_forecaster": (240, 2.0),
    "06_autoencoder": (240, 2.0),
}


def fit_once(ours: bool, seed: int) -> tuple[float, float]:
    """Train experiment A in this process; return the seconds of the whole fit and the test accuracy."""
    from labutils import backend, training
    from labutils.data import reviews

    keras = backend.load_keras()
    data = reviews.load(num_words=10_000)
    (x, y), (x_test, y_test) = (
        (keras.utils.pad_sequences(part.sequences, maxlen=100), part.labels)
        for part in (data.train, data.test)
    )
    settings = backend.fast_settings() if ours else {}
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.Embedding(10_000, 32),
            keras.layers.GRU(32),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **settings)
    started = time.perf_counter()
    if ours:
        training.fit(model, x, y, epochs=5, batch_size=64, validation=0.2)
    else:
        model.fit(x, y, epochs=5, batch_size=64, validation_split=0.2, verbose=0)
    seconds = time.perf_counter() - started
    return seconds, model.evaluate(x_test, y_test, verbose=0)[1]


def in_new_process(kind: str, seed: int) -> tuple[float, float]:
    """Run `fit_once` in a process of its own, so that no compilation is inherited."""
    code = f"import measure; print(*measure.fit_once({kind == 'ours'}, {seed}))"
    printed = printed_by(code)
    seconds, accuracy = printed.split()[-2:]
    return float(seconds), float(accuracy)


def printed_by(code: str) -> str:
    """Run code in a new process in this folder and return what it printed."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    ).stdout


def mean_and_sd(values: Iterable[float]) -> str:
    values = list(values)
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def measure_fit() -> list[str]:
    pairs = [(in_new_process("plain", seed), in_new_process("ours", seed)) for seed in range(PAIRS)]
    ratios = sorted(plain[0] / ours[0] for plain, ours in pairs)
    plain, ours = median(p[0] for p, _ in pairs), median(o[0] for _, o in pairs)
    return [
        f"| the published GRU, whole fit of 5 epochs | {plain:.1f} s (plain Keras) | {ours:.1f} s | "
        f"{median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f}) |",
        f"| its test accuracy, {PAIRS} seeds | {mean_and_sd(p[1] for p, _ in pairs)} | "
        f"{mean_and_sd(o[1] for _, o in pairs)} | |",
    ]


def compiled_epochs_seconds(lesson: str) -> tuple[float, float, float]:
    """Train experiment B or E in this process: plain Keras, compiled epochs the first time, and again."""
    from labutils import backend, training
    from labutils.data import digits, series

    keras = backend.load_keras()
    layers = keras.layers
    if lesson == "forecaster":
        x, y = series.sliding_windows(series.noisy_sine(0).values, 10)
        x, y = series.split_in_time(x, y, 198)[0]
        settings = {"epochs": 20, "batch_size": 32}
    else:
        x = y = digits.load(source="embedded").train.images
        settings = {"epochs": 50, "batch_size": 64}

    def new_layers() -> list:
        if lesson == "forecaster":
            return [layers.Input((10, 1)), layers.LSTM(50), layers.Dense(1)]
        return autoencoder_layers(32)

    def build():
        keras.utils.set_random_seed(0)
        model = keras.Sequential(new_layers())
        model.compile("adam", "mse")
        return model

    def plain() -> float:
        started = time.perf_counter()
        build().fit(x, y, validation_split=0.2, verbose=0, **settings)
        return time.perf_counter() - started

    def ours() -> float:
        started = time.perf_counter()
        training.fit(build(), x, y, validation=0.2, fast=True, **settings)
        return time.perf_counter() - started

    plain()  # what TensorFlow does once in a process counts for nobody
    return plain(), ours(), ours()


def autoencoder_layers(code: int) -> list:
    """Return the layers of the flat autoencoder of notebook 06."""
    from labutils import backend

    layers = backend.load_keras().layers
    return [
        layers.Input((28, 28)),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(code),
        layers.Dense(128, activation="relu"),
        layers.Dense(784, activation="sigmoid"),
        layers.Reshape((28, 28)),
    ]


def measure_compiled_epochs(lesson: str, name: str) -> list[str]:
    code = f"import measure; print(*measure.compiled_epochs_seconds({lesson!r}))"
    runs = []
    for _ in range(PAIRS):
        printed = printed_by(code)
        runs.append([float(seconds) for seconds in printed.split()])
    lines = []
    for position, when in ((1, "first of its architecture"), (2, "seen before")):
        ratios = sorted(run[0] / run[position] for run in runs)
        lines.append(
            f"| {name}, {when} | {median(r[0] for r in runs):.1f} s (plain Keras) | "
            f"{median(r[position] for r in runs):.2f} s (compiled epochs) | {median(ratios):.1f} times as "
            f"fast ({ratios[0]:.1f} to {ratios[-1]:.1f}) |"
        )
    return lines


def measure_forecaster() -> list[str]:
    return measure_compiled_epochs("forecaster", "the published LSTM forecaster, 20 epochs")


def measure_autoencoder() -> list[str]:
    return measure_compiled_epochs("autoencoder", "the flat autoencoder, code of 32, 50 epochs")


def panel_of(lesson: str):
    """Return a training panel as in notebook 05, 06 or, on fewer reviews, 04."""
    from labutils import backend
    from labutils.data import digits, reviews, series
    from labutils.panels import Chart, Field, Preview, Score, TrainingPanel

    keras = backend.load_keras()
    layers = keras.layers
    fields = [Field("units", "Units", 50, 1, 200), Field("epochs", "Epochs", 20, 1, 200)]

    def forecaster(units):
        model = keras.Sequential([layers.Input((10, 1)), layers.LSTM(units), layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    def classifier(units):
        model = keras.Sequential(
            [
                layers.Input((50,)),
                layers.Embedding(10_000, 32),
                layers.GRU(units),
                layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
        return model

    def autoencoder(units):
        model = keras.Sequential(autoencoder_layers(units))
        model.compile("adam", "mse")
        return model

    def images():
        x = digits.load(source="embedded").train.images
        return x, x

    def windows():
        return series.split_in_time(*series.sliding_windows(series.noisy_sine(100).values, 10), 198)

    def padded():
        train = reviews.load(num_words=10_000).train
        return keras.utils.pad_sequences(train.sequences[:2000], maxlen=50), train.labels[:2000]

    build, data, settings = {
        "forecaster": (forecaster, windows, {"batch_size": 32, "fast": True}),
        "reviews": (classifier, padded, {"batch_size": 256}),
        "autoencoder": (
            autoencoder,
            images,
            {"batch_size": 64, "fast": True, "preview": Preview(images()[0][:10])},
        ),
    }[lesson]
    score = Score("loss", lambda run: run.at_kept_epoch("val_loss"))
    return TrainingPanel(build, data, fields, [Chart("loss", "loss")], score, title=lesson, **settings)


def press_train(panel, units: int, epochs: int) -> tuple[float, float]:
    """Train once; return the seconds to the first point of the curve and to the end."""
    for entry, value in zip(panel.inputs, (units, epochs)):
        entry.box.value = str(value)
    first = []

    def seen(change: dict) -> None:
        if not first and "polyline" in change["new"]:
            first.append(time.perf_counter() - started)

    panel.live.observe(seen, "value")
    started = time.perf_counter()
    panel.train_button.click()
    panel.session.runner.wait()
    panel.live.unobserve(seen, "value")
    assert panel.runs[-1].epochs == epochs
    return first[0], time.perf_counter() - started


def panel_numbers(lesson: str) -> list[float]:
    """Train 30 times with five numbers of units: first point, at first and later (median), then memory.

    The memory is in MB: gained until all five architectures were seen, and in the 25 trainings after.
    """
    panel, process = panel_of(lesson), psutil.Process()
    epochs = {"forecaster": 20, "reviews": 2, "autoencoder": 10}[lesson]
    press_train(panel, 7, epochs)  # what TensorFlow does once in a process counts for nobody
    memory, points = [process.memory_info().rss], []
    for _ in range(6):
        points.append([])
        for units in (50, 10, 20, 30, 40):
            points[-1].append(press_train(panel, units, epochs)[0])
            time.sleep(2)  # as long as a quick student looks at the result
        memory.append(process.memory_info().rss)
    later = [point for row in points[1:] for point in row]
    gained = [(after - before) / 1e6 for before, after in zip(memory, memory[1:])]
    return [max(points[0]), median(later), max(later), gained[0], sum(gained[1:])]


def measure_panels() -> list[str]:
    lines = []
    for lesson, name in {
        "forecaster": "panel of 05",
        "reviews": "panel of 04, on 2,000 reviews",
        "autoencoder": "panel of 06",
    }.items():
        code = f"import measure; print(*measure.panel_numbers({lesson!r}))"
        printed = printed_by(code)
        first, later, latest, gained, more = map(float, printed.split())
        lines += [
            f"| {name}, from Train to the first point of the curve | {first:.2f} s (longest of five new "
            f"architectures) | {later:.2f} s (seen before, median of 25) | longest {latest:.2f} s |",
            f"| {name}, memory gained by 30 trainings | {gained:.0f} MB (five architectures) | {more:.0f} MB "
            f"(25 more) | |",
        ]
    return lines


def measure_notebooks() -> list[str]:
    return [measure_notebook(stem, *limits) for stem, limits in LIMITS.items()]


def measure_notebook(stem: str, most_seconds: int, most_gigabytes: float) -> str:
    from labutils.upkeep import stored_notebooks

    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            for child in psutil.Process().children(recursive=True):
                try:
                    peak = max(peak, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        stored_notebooks.run(ROOT / "notebooks" / f"{stem}.ipynb")
    finally:
        done.set()
        watcher.join()
    seconds = time.perf_counter() - started
    limits = f"limit: {most_seconds} s, {most_gigabytes:.1f} GB"
    return f"| {stem} from start to end | {limits} | {seconds:.0f} s | peak {peak / 1e9:.2f} GB |"


MEASUREMENTS = {
    "fit": measure_fit,
    "forecaster": measure_forecaster,
    "autoencoder": measure_autoencoder,
    "panels": measure_panels,
    "notebooks": measure_notebooks,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[[], *MEASUREMENTS], help="which measurements")
    chosen = parser.parse_args().what or list(MEASUREMENTS)
    print("| what | before | ours | |\n|---|---|---|---|", flush=True)
    for name in chosen:
        print("\n".join(MEASUREMENTS[name]()), flush=True)
