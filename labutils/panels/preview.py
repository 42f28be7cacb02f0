"""Images in a panel: some inputs of a network, and what the network makes of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labutils import backend
from labutils.panels import svg

if TYPE_CHECKING:
    import keras

MOST_IMAGES = 12  # beside each other; more of them would be too small to see


@dataclass(frozen=True, eq=False)
class PreviewOutput:
    """What a network made of some images: (n, height, width), or None and the reason why."""

    images: np.ndarray
    output: np.ndarray | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Preview:
    """Images below the curves of a panel, and below each what the network gives for it.

    Parameters
    ----------
    images : (n, height, width), 0 = paper, 1 = ink, as the network gets them; at most 12.
    """

    images: np.ndarray

    def __post_init__(self) -> None:
        images = np.asarray(self.images, dtype="float32")
        if images.ndim != 3 or not 1 <= len(images) <= MOST_IMAGES or not np.isfinite(images).all():
            raise ValueError(
                f"a preview takes 1 to {MOST_IMAGES} images of finite numbers, (n, height, width), got the "
                f"shape {images.shape}"
            )
        object.__setattr__(self, "images", images)

    def output_of(self, network: keras.Model) -> PreviewOutput:
        """Return what this network makes of the images now. No error: `reason` says what was wrong."""
        try:
            output = backend.load_keras().ops.convert_to_numpy(network(self.images, training=False))
        except Exception as error:  # the network is the reader's
            return PreviewOutput(self.images, None, f"{type(error).__name__}: {error}")
        if output.shape != self.images.shape:
            reason = f"this network gives {output.shape[1:]} for an image of {self.images.shape[1:]}"
            return PreviewOutput(self.images, None, reason)
        return PreviewOutput(self.images, output)

    def draw(self, outputs: Mapping[str, PreviewOutput | None]) -> str:
        """Return an SVG of the images, below them what each run, by name, made of these very images."""
        rows, alt, reasons = {"original": self.images}, [f"{len(self.images)} images"], []
        for name, made in outputs.items():
            if made is None or not np.array_equal(made.images, self.images):
                continue
            if made.output is None:
                reasons.append(f"{name}: {made.reason}")
                continue
            rows["reconstruction" if len(outputs) == 1 else name] = made.output
            error = float(np.mean((made.output - self.images) ** 2))
            alt.append(f"{name}, reconstruction, mean squared difference {error:.3g}")
        return svg.image_rows(rows, note="; ".join(reasons)[:100], alt="; ".join([*alt, *reasons]) + ".")
