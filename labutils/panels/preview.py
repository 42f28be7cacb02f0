"""Pictures in a panel: some inputs of a network, and what the network makes of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labutils import backend

if TYPE_CHECKING:
    import keras

MOST = 12  # images beside each other; more of them would be too small to see


@dataclass(frozen=True, eq=False)
class Pictures:
    """What one network made of some images; or, in `reason`, why there is nothing to see."""

    images: np.ndarray
    made: np.ndarray | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Preview:
    """What a panel shows below its curves: images, and below each what the network gives for it.

    images : (n, height, width), 0 = paper, 1 = ink, as the network gets them. names : of the row of
    images, and of the row below it. Raises ValueError for what cannot be shown.
    """

    images: np.ndarray
    names: tuple[str, str] = ("original", "reconstruction")

    def __post_init__(self) -> None:
        try:
            images = np.asarray(self.images, dtype="float32")
        except (TypeError, ValueError):
            raise ValueError(
                f"a preview takes images of numbers (n, height, width), got {type(self.images).__name__}"
            ) from None
        if images.ndim != 3 or not 1 <= len(images) <= MOST or not images.size:
            raise ValueError(
                f"a preview takes 1 to {MOST} images (n, height, width), got the shape {images.shape}"
            )
        if not np.isfinite(images).all():
            raise ValueError("a preview cannot show images with nan or infinity in them")
        object.__setattr__(self, "images", images)

    def of(self, network: keras.Model) -> Pictures:
        """Return what this network makes of the images now. No error: `reason` says what was wrong."""
        keras = backend.load_keras()
        try:
            made = keras.ops.convert_to_numpy(network(self.images, training=False))
        except Exception as error:  # the network is the reader's
            return Pictures(self.images, None, f"{type(error).__name__}: {error}")
        if made.shape != self.images.shape:
            reason = f"this network gives {made.shape[1:]} for an image of {self.images.shape[1:]}"
            return Pictures(self.images, None, reason)
        return Pictures(self.images, made)

    def row(self, pictures: Pictures | None) -> np.ndarray | None:
        """Return what was made of these very images, None if it was of others or nothing."""
        same = pictures is not None and np.array_equal(pictures.images, self.images)
        return pictures.made if same else None
