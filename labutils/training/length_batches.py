"""Batches of sequences of similar length: less padding, and so less to compute."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labutils import backend
from labutils.validation import whole_number

if TYPE_CHECKING:
    import keras


def batches_by_length(
    arrays: Sequence[np.ndarray],
    labels: np.ndarray,
    lengths: Sequence[int],
    *,
    batch_size: int = 64,
    seed: int = 0,
) -> keras.utils.PyDataset:
    """Return a Keras dataset, for ``model.fit``, whose batches hold sequences of similar length.

    Each batch is cut to the shortest of `lengths` into which its sequences fit. The order of the batches, and
    which sequences are together, is drawn anew in each epoch. What does not fill a batch is left out of the
    epoch, so there are only as many shapes as lengths, and each is compiled once.

    Parameters
    ----------
    arrays : what the network is given. First whole numbers (n, steps), 0 in front of shorter ones; others
        of `steps` columns are cut in the same way, all others are not.
    labels : (n, …).
    lengths : in rising order; the last must be `steps`.
    batch_size : sequences in a batch.
    seed : of the order.

    Raises
    ------
    ValueError
        Where the arrays, the labels and the lengths do not fit together, or no batch can be filled.
    """
    arrays, labels = tuple(map(np.asarray, arrays)), np.asarray(labels)
    whole_number("batch_size", batch_size)
    if not arrays or arrays[0].ndim != 2 or any(len(array) != len(labels) for array in arrays):
        raise ValueError(
            "there must be a label for each row of each array, and the first array (n, steps), got "
            f"{', '.join(str(array.shape) for array in arrays)} and {len(labels)} labels"
        )
    steps = arrays[0].shape[1]
    if list(lengths) != sorted(set(lengths)) or not lengths or lengths[-1] != steps or lengths[0] < 1:
        raise ValueError(f"lengths must rise to {steps}, the number of columns, got {lengths}")
    groups = np.searchsorted(lengths, np.count_nonzero(arrays[0], axis=1))
    if np.bincount(groups).max() < batch_size:
        raise ValueError(
            f"no batch of {batch_size} can be filled from {len(labels)} sequences: take a smaller one"
        )
    return _dataset_class()(arrays, labels, lengths, groups, batch_size, seed)


@functools.cache
def _dataset_class() -> type:
    class BatchesByLength(backend.load_keras().utils.PyDataset):
        def __init__(self, arrays, labels, lengths, groups, batch_size, seed) -> None:
            super().__init__()
            self.arrays, self.labels, self.lengths, self.groups = arrays, labels, lengths, groups
            self.batch_size, self.rng = batch_size, np.random.default_rng(seed)
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            self.rows = []
            for number, length in enumerate(self.lengths):
                rows = self.rng.permutation(np.flatnonzero(self.groups == number))
                full = len(rows) // self.batch_size * self.batch_size
                self.rows += [(length, some) for some in rows[:full].reshape(-1, self.batch_size)]
            self.rng.shuffle(self.rows)
            # Keras, on TensorFlow, infers from the first two batches which sizes vary
            other = next((i for i, (length, _) in enumerate(self.rows) if length != self.rows[0][0]), 0)
            if other:
                self.rows[1], self.rows[other] = self.rows[other], self.rows[1]

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, number: int) -> tuple:
            length, rows = self.rows[number]
            steps = self.lengths[-1]
            cut = tuple(
                a[rows, -length:] if a.ndim > 1 and a.shape[1] == steps else a[rows] for a in self.arrays
            )
            return (cut if len(cut) > 1 else cut[0]), self.labels[rows]

    return BatchesByLength
