"""Time an update of a GRU on every backend that is installed, for notebook 10: 10_backends.csv.

    python notebooks/grids/10_backends.py           # or only: … 10_backends.py JAX PyTorch

Five minutes on two cores. Sequences of 100 steps with 32 numbers, GRU → Dense, batches of 64, Adam. Each
backend has a process of its own, one after the other, so nothing else should run. seconds: of one update, out
of an epoch of 20, the first epoch (in which the network is compiled) left out; repeat: of five epochs.
compile: seconds of the first epoch. device: what the backend computes on. precision: on a GPU mixed_float16
as well.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

BACKENDS = {"TensorFlow": ("tensorflow", False), "TensorFlow, XLA": ("tensorflow", True)}
BACKENDS |= {"JAX": ("jax", True), "PyTorch": ("torch", False)}
UNITS, UPDATES, BATCH, STEPS, INPUTS = (8, 32, 128, 512), 20, 64, 100, 32


def measure(compiled):
    """Return the rows of one backend, in a process that runs it."""
    import keras

    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        import torch

        device = "GPU" if torch.cuda.is_available() else "CPU"
    else:
        is_cpu = all("cpu" in name.lower() for name in keras.distribution.list_devices())
        device = "CPU" if is_cpu else "GPU"
    rng, rows = np.random.default_rng(0), []
    x = rng.normal(size=(BATCH * UPDATES, STEPS, INPUTS)).astype("float32")
    y = rng.integers(0, 2, BATCH * UPDATES)
    for precision in ("float32", "mixed_float16")[: 1 + (device == "GPU")]:
        keras.config.set_dtype_policy(precision)
        for units in UNITS:
            keras.utils.set_random_seed(0)
            layers = [keras.layers.Input((STEPS, INPUTS)), keras.layers.GRU(units)]
            model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid", dtype="float32")])
            model.compile("adam", "binary_crossentropy", jit_compile=compiled)
            seconds = []
            for _ in range(6):
                began = time.perf_counter()
                model.fit(x, y, batch_size=BATCH, verbose=0)
                seconds.append(time.perf_counter() - began)
            common = {"units": units, "device": device, "precision": precision, "compile": seconds[0]}
            rows += [common | {"repeat": i, "seconds": s / UPDATES} for i, s in enumerate(seconds[1:], 1)]
    return rows


def main(names):
    """Measure these backends, or all; what the file holds of others stays."""
    path, rows = Path(__file__).with_suffix(".csv"), []
    if names:
        kept = pd.read_csv(path)
        rows = kept[~kept.backend.isin(names)].to_dict("records")
    for name in names or BACKENDS:
        backend, compiled = BACKENDS[name]
        environment = os.environ | {
            "KERAS_BACKEND": backend,
            "MEASURE": "compiled" if compiled else "as it is",
        }
        done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True)
        if done.returncode:
            print(f"{name} left out: {done.stderr.strip().splitlines()[-1]}")
            continue
        rows += [{"backend": name} | row for row in json.loads(done.stdout.splitlines()[-1])]
    table = pd.DataFrame(rows)
    order = table.backend.map([*BACKENDS].index)
    table = table.assign(order=order).sort_values("order", kind="stable").drop(columns="order")
    table.to_csv(path, index=False, float_format="%.5g")


if __name__ == "__main__":
    if "MEASURE" in os.environ:
        print(json.dumps(measure(os.environ["MEASURE"] == "compiled")))
    else:
        main(sys.argv[1:])
