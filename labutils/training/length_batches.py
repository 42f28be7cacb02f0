"""Batches of sequences of similar length: less padding, and so less to compute."""

from __future__ import annotations

import functools
import reprlib
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
    arrays : a list of what the network is given. First whole numbers (n, steps), 0 in front of shorter ones
        and nowhere else; others of `steps` columns are cut in the same way, all others are not.
    labels : (n, …).
    lengths : in rising order; the last must be `steps`. Each needs a batch of sequences.
    batch_size : sequences in a batch.
    seed : of the order.

    Raises
    ------
    ValueError
        Where the arrays, the labels and the lengths do not fit together, a 0 stands behind a token, or the
        sequences of a length do not fill a batch, so that they would never be shown.
    """
    whole_number("batch_size", batch_size)
    arrays, labels = _checked(arrays, labels)
    steps, allowed = arrays[0].shape[1], np.asarray(lengths)
    are_whole = allowed.ndim == 1 and allowed.size and allowed.dtype.kind in "iu"
    if not are_whole or allowed[0] < 1 or allowed[-1] != steps or (allowed[1:] <= allowed[:-1]).any():
        raise ValueError(
            f"lengths must rise to {steps}, the number of columns, in whole numbers from 1, got "
            f"{reprlib.repr(lengths)}"
        )
    groups = np.searchsorted(allowed, np.count_nonzero(arrays[0], axis=1))
    counts = np.bincount(groups, minlength=len(allowed))
    if counts.max() < batch_size:
        raise ValueError(
            f"no batch of {batch_size} can be filled from {len(labels)} sequences: take a smaller one"
        )
    for length, count in zip(allowed, counts):
        if 0 < count < batch_size:
            raise ValueError(
                f"length {length} has only {count} of {len(labels):,} rows, which fill no batch of "
                f"{batch_size} and would never be shown: take a smaller batch_size or fewer lengths"
            )
    return _dataset_class()(arrays, labels, allowed.tolist(), groups, batch_size, seed)


def _checked(arrays: Sequence[np.ndarray], labels: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    if hasattr(arrays, "shape"):
        raise ValueError(
            f"arrays must be a list of arrays, got one of the shape {tuple(arrays.shape)}: put it in "
            "brackets, [x]"
        )
    arrays, labels = tuple(map(np.asarray, arrays)), np.asarray(labels)
    fit = arrays and labels.ndim and all(array.ndim and len(array) == len(labels) for array in arrays)
    if not fit or arrays[0].ndim != 2:
        shapes = [str(array.shape) for array in arrays[:4]] + ["…"] * (len(arrays) > 4)
        raise ValueError(
            "there must be a label for each row of each array, and the first array (n, steps), got "
            f"{', '.join(shapes) or 'no array'} and {len(labels) if labels.ndim else 'no'} labels"
        )
    if not len(labels):
        raise ValueError("there are no rows in the arrays: give at least enough for one batch")
    is_token = arrays[0] != 0
    if (behind := (is_token[:, :-1] & ~is_token[:, 1:]).any(axis=1)).any():
        raise ValueError(
            f"row {behind.argmax()} of the first array has a 0 behind a token, so a token would be cut: 0 "
            'may stand only in front (keras.utils.pad_sequences with padding="pre")'
        )
    return arrays, labels


@functools.cache
def _dataset_class() -> type:
    class BatchesByLength(backend.load_keras().utils.PyDataset):  # type: ignore[misc]  # loaded at run time
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
