"""What trains a model by Keras' own fit, with few sizes to compile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labutils.validation import whole_number

if TYPE_CHECKING:
    import keras

    Callbacks = Sequence[keras.callbacks.Callback]

Pair = tuple[np.ndarray, np.ndarray]
EVALUATION_BATCH = 512


class KerasTrainer:
    """Training and evaluation of a cached network, or of the reader's model itself, by Keras' own fit.

    `CompiledTrainer` has the same attributes and methods.

    Attributes
    ----------
    network : what is trained.
    trained_by : what trains it, in words.
    fallback_reason : why it is not trained by compiled epochs, in words; "" where nobody asked for them.
    """

    trained_by = "Keras' own fit"

    def __init__(self, network: keras.Model, batch_size: int = 64, fallback_reason: str = "") -> None:
        self.network, self.batch_size, self.fallback_reason = network, batch_size, fallback_reason

    def fit(
        self, x: np.ndarray, y: np.ndarray, validation: Pair | None, epochs: int, callbacks: Callbacks
    ) -> None:
        """Train as ``model.fit`` does, but leave out the validation of an epoch that was broken off."""
        settings = {"epochs": epochs, "batch_size": self.batch_size, "callbacks": callbacks, "verbose": 0}
        if validation:
            settings |= {"validation_data": validation, "validation_freq": _UnlessStopped(self.network)}
            settings["validation_batch_size"] = self._evaluation_batch(len(validation[0]))
        self.network.fit(x, y, **settings)

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Return the loss, and the metrics where the model has any, on (x, y), by name."""
        scores = self.network.evaluate(
            x, y, batch_size=self._evaluation_batch(len(x)), verbose=0, return_dict=True
        )
        return {name: float(value) for name, value in scores.items()}

    def _evaluation_batch(self, rows: int) -> int:
        try:
            fixed = self.network.inputs[0].shape[0]
        except (AttributeError, IndexError, KeyError, TypeError):  # a reader's own class may have none
            fixed = None
        return fixed if isinstance(fixed, int) else even_batch(rows)


def even_batch(rows: int, largest: int = EVALUATION_BATCH) -> int:
    """Return the largest batch size up to `largest` that leaves no smaller last batch.

    A last batch of another size would be compiled anew. Where only tiny sizes divide `rows`
    (a prime number, say), a remainder is cheaper: then it is `largest` itself.
    """
    whole_number("rows", rows)
    if rows <= largest:
        return rows
    best = max(size for size in range(1, largest + 1) if rows % size == 0)
    return best if best >= largest // 8 else largest


class _UnlessStopped(list):
    """Keras' ``validation_freq``: after every epoch, but not after one that was broken off.

    Keras would compile the validation first (seconds, in the first epoch), and Stop would wait for it.
    ``validation_freq`` may be a list of epochs, and Keras asks ``epoch in validation_freq`` after each: so
    this is a list, with an answer of its own.
    """

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def __contains__(self, epoch: object) -> bool:
        return not self.network.stop_training
