"""Measure speed and memory, as ratios in one run, and print the table that docs/results.md quotes.

    python tests/benchmarks/measure.py            # everything, about twenty minutes
    python tests/benchmarks/measure.py fit panels  # some of it: fit, forecaster, autoencoder, …

Nothing else should run on the machine meanwhile. Seconds depend on the machine; ratios travel.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median, stdev

import psutil
import pytest

ROOT = Path(__file__).parents[2]
PAIRS = 6
LIMITS = {
    "01_recurrent_networks": (120, 2.0),
    "02_gates_lstm_and_gru": (120, 2.0),
    "03_gru_sentiment": (240, 1.5),
    "04_simple_rnn_unlearns": (240, 1.5),
    "05_lstm_forecaster": (120, 2.0),
    "06_autoencoder": (180, 1.3),
    "07_text_generator": (240, 1.5),
    "08_attention": (240, 1.5),
    "09_weighing_evidence": (240, 1.5),
    "10_scaling_up": (180, 3.0),  # all its processes
    "11_autoencoders_at_work": (180, 1.3),
    "12_prediction_intervals": (120, 1.5),
    "13_memory": (180, 1.5),
}


def in_new_process(call: str, **environment: str) -> list[float]:
    """Return the numbers that a call of a function below gives where nothing was compiled before it."""
    command = [sys.executable, "-c", f"import measure; print(*measure.{call})"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return [float(number) for number in done.stdout.splitlines()[-1].split()]


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def times_as_fast(plain: Sequence[float], ours: Sequence[float]) -> str:
    ratios = [before / after for before, after in zip(plain, ours)]
    return f"{median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"


def mean_and_sd(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def fit_once(ours: bool, seed: int) -> tuple[float, float]:
    """Train experiment A in this process; return the seconds of the whole fit and the test accuracy."""
    from labutils import backend, training
    from labutils.data import reviews

    keras = backend.load_keras()
    data = reviews.load(num_words=10_000)
    (x, y), test = (
        (keras.utils.pad_sequences(part.sequences, maxlen=100), part.labels)
        for part in (data.train, data.test)
    )
    settings = backend.xla_settings() if ours else {}
    keras.utils.set_random_seed(seed)
    output = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.layers.Embedding(10_000, 32), keras.layers.GRU(32), output])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **settings)
    if ours:
        needed = seconds(lambda: training.fit(model, x, y, epochs=5, batch_size=64, validation=0.2))
    else:
        needed = seconds(lambda: model.fit(x, y, epochs=5, validation_split=0.2, batch_size=64, verbose=0))
    return needed, model.evaluate(*test, verbose=0)[1]


def measure_fit() -> list[str]:
    pairs = [[in_new_process(f"fit_once({ours}, {seed})") for ours in (False, True)] for seed in range(PAIRS)]
    (plain, accuracy), (ours, our_accuracy) = (zip(*runs) for runs in zip(*pairs))
    return [
        f"| the published GRU, whole fit of 5 epochs | {median(plain):.1f} s (plain Keras) | "
        f"{median(ours):.1f} s | {times_as_fast(plain, ours)} |",
        f"| its test accuracy, {PAIRS} seeds | {mean_and_sd(accuracy)} | {mean_and_sd(our_accuracy)} | |",
    ]


def lesson_task(lesson: str) -> tuple[Callable, tuple, dict]:
    """Return what builds a model of so many units, (x, y) and fit's settings, as the lesson has them."""
    from labutils import backend
    from labutils.data import digits, reviews, series

    keras = backend.load_keras()
    layers = keras.layers
    if lesson == "forecaster":
        data = series.split_in_time(*series.sliding_windows(series.noisy_sine(0).values, 10), 198)[0]
        settings = {"batch_size": 32, "fast": True}

        def parts(units: int) -> list:
            return [layers.Input((10, 1)), layers.LSTM(units), layers.Dense(1)]

    elif lesson == "autoencoder":
        data = (digits.load(source="embedded").train.images,) * 2
        settings = {"batch_size": 64, "fast": True}

        def parts(units: int) -> list:
            encoder = [layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(units)]
            decoder = [layers.Dense(128, "relu"), layers.Dense(784, "sigmoid"), layers.Reshape((28, 28))]
            return [layers.Input((28, 28)), *encoder, *decoder]

    else:  # on fewer reviews
        train = reviews.load(num_words=10_000).train
        data = keras.utils.pad_sequences(train.sequences[:2000], maxlen=50), train.labels[:2000]
        settings = {"batch_size": 256}

        def parts(units: int) -> list:
            embedding = [layers.Input((50,)), layers.Embedding(10_000, 32)]
            return [*embedding, layers.GRU(units), layers.Dense(1, "sigmoid")]

    def build(units: int):
        model = keras.Sequential(parts(units))
        if lesson == "reviews":
            model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
        else:
            model.compile("adam", "mse")
        return model

    return build, data, settings


def compiled_epochs_seconds(lesson: str, units: int, epochs: int) -> tuple[float, float, float]:
    """Train experiment B or E in this process: plain Keras, compiled epochs the first time, and again."""
    from labutils import backend, training

    build, data, settings = lesson_task(lesson)

    def plain() -> None:
        backend.load_keras().utils.set_random_seed(0)
        batch_size = settings["batch_size"]
        build(units).fit(*data, epochs=epochs, batch_size=batch_size, validation_split=0.2, verbose=0)

    def ours() -> None:
        backend.load_keras().utils.set_random_seed(0)
        training.fit(build(units), *data, epochs=epochs, validation=0.2, **settings)

    plain()  # what TensorFlow does once in a process counts for nobody
    return seconds(plain), seconds(ours), seconds(ours)


def measure_compiled_epochs(lesson: str, units: int, epochs: int, name: str) -> list[str]:
    runs = [in_new_process(f"compiled_epochs_seconds({lesson!r}, {units}, {epochs})") for _ in range(PAIRS)]
    plain, *ours = zip(*runs)
    return [
        f"| {name}, {epochs} epochs, {when} | {median(plain):.1f} s (plain Keras) | "
        f"{median(compiled):.2f} s (compiled epochs) | {times_as_fast(plain, compiled)} |"
        for compiled, when in zip(ours, ("first of its architecture", "seen before"))
    ]


def panel_of(lesson: str):
    """Return a training panel as in notebook 05, 06 or, on fewer reviews, 03."""
    from labutils.panels import Chart, Field, Preview, Score, TrainingPanel

    build, data, settings = lesson_task(lesson)
    if lesson == "autoencoder":
        settings["preview"] = Preview(data[0][:10])
    fields = [Field("units", "Units", 50, 1, 200), Field("epochs", "Epochs", 20, 1, 200)]
    score = Score("loss", lambda run: run.at_kept_epoch("val_loss"))
    charts = [Chart("loss", "loss")]
    return TrainingPanel(build, lambda: data, fields, charts, score, title=lesson, **settings)


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


def panel_numbers(lesson: str, epochs: int) -> list[float]:
    """Train 30 times with five numbers of units: first point, at first and later (median), then memory.

    The memory is in MB: gained until all five architectures were seen, and in the 25 trainings after.
    """
    panel, process = panel_of(lesson), psutil.Process()
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


def measure_panel(lesson: str, epochs: int, name: str) -> list[str]:
    first, later, latest, gained, more = in_new_process(f"panel_numbers({lesson!r}, {epochs})")
    return [
        f"| {name}, from Train to the first point of the curve | {first:.2f} s (longest of five new "
        f"architectures) | {later:.2f} s (seen before, median of 25) | longest {latest:.2f} s |",
        f"| {name}, memory gained by 30 trainings | {gained:.0f} MB (five architectures) | {more:.0f} MB "
        f"(25 more) | |",
    ]


def measure_panels() -> list[str]:
    return [
        *measure_panel("forecaster", 20, "panel of 05"),
        *measure_panel("reviews", 2, "panel of 03, on 2,000 reviews"),
        *measure_panel("autoencoder", 10, "panel of 06"),
    ]


def measure_notebook(stem: str, most_seconds: int, most_gigabytes: float) -> str:
    from labutils.upkeep import stored_notebooks

    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            together = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    together += child.memory_info().rss
                except psutil.NoSuchProcess:
                    pass
            peak = max(peak, together)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # JAX comes with the tests alone; where it is installed Keras imports it, which takes .1 GB
        Path(folder, "jax.py").write_text("raise ImportError")
        patch.setenv("PYTHONPATH", folder)
        try:
            needed = seconds(lambda: stored_notebooks.run(ROOT / "notebooks" / f"{stem}.ipynb"))
        finally:
            done.set()
            watcher.join()
    limits = f"limit: {most_seconds} s, {most_gigabytes:.1f} GB"
    return f"| {stem} from start to end | {limits} | {needed:.0f} s | peak {peak / 1e9:.2f} GB |"


# name: layer, units, tokens, in how many directions, matrices for each (one; three gates)
NETWORKS = {
    "SimpleRNN, 128 units, 200 tokens": ("SimpleRNN", 128, 200, 1, 1),
    "bidirectional GRU, 32 units, 400 tokens": ("GRU", 32, 400, 2, 3),
    "GRU, 32 units, 100 tokens": ("GRU", 32, 100, 1, 3),
    "GRU, 256 units, 100 tokens": ("GRU", 256, 100, 1, 3),
}
BATCH, FEATURES, UPDATES = 64, 32, 50


def update_numbers(name: str) -> tuple[float, float, float]:
    """Return the ms of an update, and the GFLOP/s of it and of a plain product of matrices of its shape."""
    import numpy as np

    from labutils import backend

    layer, units, tokens, directions, matrices = NETWORKS[name]
    keras = backend.load_keras()
    recurrent = getattr(keras.layers, layer)(units)
    if directions == 2:
        recurrent = keras.layers.Bidirectional(recurrent)
    parts = [keras.layers.Embedding(10_000, FEATURES), recurrent, keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.layers.Input((tokens,)), *parts])
    model.compile("adam", "binary_crossentropy", **backend.xla_settings())
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 10_000, (BATCH * UPDATES, tokens)), rng.integers(0, 2, BATCH * UPDATES)

    def fit() -> None:
        model.fit(x, y, batch_size=BATCH, verbose=0)

    fit()  # which compiles
    of_update = min(seconds(fit) for _ in range(3)) / UPDATES
    # forward, and twice as much backward: to the inputs and to the weights
    products = 3 * 2 * BATCH * tokens * directions * matrices * (FEATURES + units) * units / 1e9
    left = rng.normal(size=(BATCH, FEATURES + units)).astype("float32")
    right = rng.normal(size=(FEATURES + units, matrices * units)).astype("float32")
    of_product = min(seconds(lambda: [left @ right for _ in range(2000)]) for _ in range(3)) / 2000
    plain = 2 * left.size * right.shape[1] / 1e9 / of_product
    return 1e3 * of_update, products / of_update, plain


def measure_backends() -> list[str]:
    rows = []
    for name in NETWORKS:
        numbers = {
            keras_name: in_new_process(f"update_numbers({name!r})", KERAS_BACKEND=keras_name)
            for keras_name, module in (("tensorflow", "tensorflow"), ("jax", "jax"), ("torch", "torch"))
            if importlib.util.find_spec(module)
        }
        ms, reached, limit = numbers.pop("tensorflow")
        others = ", ".join(f"{other}: {n[0]:.1f} ms, {ms / n[0]:.2f} times" for other, n in numbers.items())
        share = f"{reached:.0f} GFLOP/s of the {limit:.0f} of a plain product of such matrices"
        rows.append(f"| an update of a {name} | {ms:.1f} ms (TensorFlow, XLA) | {others} | {share} |")
    return rows


def first_epoch(lesson: str) -> tuple[float]:
    """Load what a lesson needs and train its published network for one epoch; 0 is returned."""
    from labutils import backend, training
    from labutils.data import reviews

    if lesson == "forecaster":
        build, data, settings = lesson_task(lesson)
        training.fit(build(50), *data, epochs=1, validation=0.2, **settings)
        return (0.0,)
    keras = backend.load_keras()
    train = reviews.load(num_words=10_000).train
    x = keras.utils.pad_sequences(train.sequences, maxlen=100)
    output = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.layers.Embedding(10_000, 32), keras.layers.GRU(32), output])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **backend.xla_settings())
    training.fit(model, x, train.labels, epochs=1, batch_size=64, validation=0.2)
    return (0.0,)


def reading_seconds() -> tuple[float, float]:
    """Return the seconds from the installed file to encoded reviews, and on to padded arrays."""
    from labutils import backend
    from labutils.data import reviews

    keras = backend.load_keras()
    loaded: list = []
    reading = seconds(lambda: loaded.append(reviews.load(num_words=10_000).train.sequences))
    return reading, seconds(lambda: keras.utils.pad_sequences(loaded[0], maxlen=200))


def measure_start() -> list[str]:
    rows = []
    for lesson, name in (("forecaster", "05"), ("reviews", "03")):
        times = [seconds(partial(in_new_process, f"first_epoch({lesson!r})")) for _ in range(3)]
        rows.append(
            f"| from a new process to the end of the first epoch of {name} | | {median(times):.1f} s | "
            f"{min(times):.1f} to {max(times):.1f} s |"
        )
    reading, padding = in_new_process("reading_seconds()")
    return [
        *rows,
        f"| 25,000 reviews: from the file to numbers | | {reading:.2f} s | |",
        f"| from there to an array of 200 tokens each | | {padding:.2f} s | |",
    ]


def a_second(number: int, seed: int) -> dict[str, int]:
    time.sleep(1)
    return {"number": number}


def measure_sweep() -> list[str]:
    """Sweep over runs of a second, two at a time, and over empty ones: from the first result to the last."""
    from labutils.training import sweep

    def overhead(train: Callable, runs: int, expected: float) -> tuple[float, float]:
        ends: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            sweep(
                train, {"number": range(runs)}, store=Path(folder) / "runs.jsonl", workers=2,
                on_result=lambda *args: ends.append(time.perf_counter()),
            )  # fmt: skip
        each = (ends[-1] - ends[0]) / (runs - 1)
        return each, each / expected - 1 if expected else 0.0

    each, more = overhead(a_second, 60, 29 / 59)  # two results in every second
    empty, _ = overhead(dict, 1000, 0)
    return [
        f"| a sweep over 60 runs of a second, two processes | 0.5 s for each | {each:.3f} s | {more:+.1%} |",
        f"| the same over 1,000 runs that do nothing | | {1e3 * empty:.1f} ms for each | |",
    ]


MEASUREMENTS = {
    "fit": measure_fit,
    "forecaster": lambda: measure_compiled_epochs("forecaster", 50, 20, "the published LSTM forecaster"),
    "autoencoder": lambda: measure_compiled_epochs("autoencoder", 32, 50, "the flat autoencoder, code of 32"),
    "panels": measure_panels,
    "sweep": measure_sweep,
    "start": measure_start,
    "backends": measure_backends,
    "notebooks": lambda: (measure_notebook(stem, *limits) for stem, limits in LIMITS.items()),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[[], *MEASUREMENTS], help="which measurements")
    chosen = parser.parse_args().what or list(MEASUREMENTS)
    print("| what | before | ours | |\n|---|---|---|---|", flush=True)
    for name in chosen:
        for row in MEASUREMENTS[name]():  # as it comes: whoever breaks off keeps what was measured
            print(row, flush=True)
