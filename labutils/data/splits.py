"""Which rows of a data set are for training, for validation and for testing."""

from __future__ import annotations

import numpy as np


def split_in_blocks(labels: np.ndarray, fitting: int, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training, those for validation last, and the rows for testing, each part shuffled.

    Parameters
    ----------
    labels : (n,), in the order of the file.
    fitting, validation : how many rows of each label are for training and for validation, in that order; what
        is left is for testing.
    """
    shuffler = np.random.RandomState(0)  # NumPy promises that its stream never changes
    cuts = [fitting, fitting + validation]
    blocks = [np.split(np.flatnonzero(labels == label), cuts) for label in np.unique(labels)]
    *training, test = (shuffler.permutation(np.concatenate(part)) for part in zip(*blocks))
    return np.concatenate(training), test
