"""The recall task (name the first, or the latest, letter after a gap) and a cell that learns it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from labutils.cells import Cell
from labutils.validation import whole_number

TO_RECALL, FILLERS = "ABCD", "wxyz"
SYMBOLS = TO_RECALL + FILLERS
_ROWS_TO_TEST = 500
_SOLVED, _OVER = 0.01, 20  # training ends when the mean loss of so many updates is below this


@dataclass(eq=False)
class Recaller:
    """A cell with a dense softmax layer on its last state.

    Attributes
    ----------
    cell : the recurrent cell.
    kernel, bias : (units, 4) and (4,), the dense layer: one output for each letter that may be asked for.
    losses : the training loss (cross-entropy in nats) of every update so far.
    """

    cell: Cell
    kernel: np.ndarray
    bias: np.ndarray
    losses: list[float]

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of each letter, A to D, (batch, 4), given x (batch, time, 8)."""
        return softmax(self.cell.forward(x)[:, -1] @ self.kernel + self.bias, axis=1)

    def accuracy(self, gap: int, seed: int = 0, renewal: float = 0.0) -> float:
        """Return the accuracy on 500 new sequences of this kind, from 0 to 1.

        Parameters
        ----------
        gap : as in `sequences`.
        seed : of the sequences.
        renewal : as in `sequences`.
        """
        x, letters = sequences(_ROWS_TO_TEST, gap, np.random.default_rng([seed, gap, 1]), renewal)
        return float(np.mean(self.probabilities(x).argmax(axis=1) == letters))


class Adam:
    """The update rule of Kingma and Ba (2015) with Keras' settings, for arrays changed in place.

    Parameters
    ----------
    parameters : changed by `update`.
    learning_rate : of every update.
    keras_rounding : True rounds the decays in the bias correction as Keras does, which computes it alone
        in 32 bits, so that weights agree with Keras' to 12 digits.
    """

    _MEAN_STEP, _SQUARE_STEP = 0.1, 0.001  # 1 - decay

    def __init__(
        self, parameters: list[np.ndarray], learning_rate: float = 0.001, keras_rounding: bool = False
    ) -> None:
        self.mean_decay, self.square_decay = 0.9, 0.999
        if keras_rounding:
            self.mean_decay, self.square_decay = float(np.float32(0.9)), float(np.float32(0.999))
        self.parameters, self.learning_rate, self.updates = parameters, learning_rate, 0
        self.mean = [np.zeros_like(p) for p in parameters]
        self.square = [np.zeros_like(p) for p in parameters]

    def update(self, gradients: list[np.ndarray]) -> None:
        """Change each parameter by its gradient.

        Parameters
        ----------
        gradients : shaped like the parameters, in their order.
        """
        self.updates += 1
        rate = self.learning_rate * np.sqrt(1 - self.square_decay**self.updates)
        rate /= 1 - self.mean_decay**self.updates
        for p, g, mean, square in zip(self.parameters, gradients, self.mean, self.square, strict=True):
            mean += self._MEAN_STEP * (g - mean)
            square += self._SQUARE_STEP * (g**2 - square)
            p -= rate * mean / (np.sqrt(square) + 1e-7)


def sequences(
    count: int, gap: int, rng: np.random.Generator, renewal: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences and the letter to recall for each.

    The first symbol is one of A, B, C, D; the `gap` symbols after it are drawn from w, x, y, z and
    say nothing.

    Parameters
    ----------
    count, gap : 1 or more.
    rng : draws the symbols.
    renewal : probability that a letter stands instead of such a symbol; the latest letter is to be recalled.

    Returns
    -------
    x : (count, gap + 1, 8), one-hot.
    letters : (count,) int, 0 for A to 3 for D.
    """
    count, gap = whole_number("count", count), whole_number("gap", gap)
    if not 0 <= renewal <= 1:
        raise ValueError(f"renewal must be a probability from 0 to 1, got {renewal!r}")
    first = rng.integers(len(TO_RECALL), size=count)
    fillers = len(TO_RECALL) + rng.integers(len(FILLERS), size=(count, gap))
    read = np.column_stack([first, fillers])
    if renewal:
        renewed = rng.integers(len(TO_RECALL), size=(count, gap))
        read[:, 1:] = np.where(rng.random((count, gap)) < renewal, renewed, read[:, 1:])
    backwards = read[:, ::-1]
    letters = backwards[np.arange(count), np.argmax(backwards < len(TO_RECALL), axis=1)]
    return np.eye(len(SYMBOLS))[read], letters


def spelled(x: np.ndarray) -> str:
    """Return one sequence (time, 8) as letters, such as "Bwzzx"."""
    return "".join(SYMBOLS[i] for i in np.asarray(x).argmax(axis=-1))


def clipped(gradients: list[np.ndarray], norm: float) -> list[np.ndarray]:
    """Return the gradients clipped by their global norm: scaled down together where it is above `norm`.

    Parameters
    ----------
    gradients : arrays of any shapes, together one long vector.
    norm : above 0.

    Returns
    -------
    list : arrays (shapes of the gradients).
    """
    global_norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * norm / global_norm for g in gradients] if global_norm > norm else gradients


def train(
    cell: Cell,
    gap: int,
    *,
    seed: int,
    updates: int = 600,
    batch_size: int = 32,
    learning_rate: float = 0.01,
    norm: float = 1.0,
    renewal: float = 0.0,
) -> Recaller:
    """Train a cell (its weights are changed) and a dense layer to recall over a gap.

    Adam, clipped by global norm at `norm`; every update sees `batch_size` new sequences. Stops once
    the task is solved (mean loss of 20 updates below 0.01), after 40 updates at the earliest.

    Parameters
    ----------
    cell : takes 8 features.
    gap : as in `sequences`.
    seed : of the dense layer and of the sequences.
    updates : at most.
    batch_size : sequences of an update.
    learning_rate : of Adam.
    norm : at which gradients are clipped.
    renewal : as in `sequences`.

    Returns
    -------
    Recaller : the cell with its dense layer, and the loss of every update.

    Raises
    ------
    ValueError
        For a cell that takes another number of features.
    """
    if cell.features != len(SYMBOLS):
        raise ValueError(f"the cell must take {len(SYMBOLS)} features, one for each symbol: {SYMBOLS}")
    rng = np.random.default_rng([seed, gap])
    limit = np.sqrt(6 / (cell.units + len(TO_RECALL)))
    kernel = rng.uniform(-limit, limit, (cell.units, len(TO_RECALL)))
    net = Recaller(cell, kernel, np.zeros(len(TO_RECALL)), [])
    adam = Adam([cell.kernel, cell.recurrent_kernel, cell.bias, net.kernel, net.bias], learning_rate)
    for _ in range(updates):
        x, letters = sequences(batch_size, gap, rng, renewal)
        loss, gradients = loss_and_gradients(net, x, letters)
        net.losses.append(loss)
        adam.update(clipped(gradients, norm))
        if len(net.losses) >= 2 * _OVER and np.mean(net.losses[-_OVER:]) < _SOLVED:
            break
    return net


def loss_and_gradients(net: Recaller, x: np.ndarray, letters: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """Return the cross-entropy (nats) and its gradients: the cell's three arrays, the layer's two."""
    p = net.probabilities(x)
    rows = np.arange(len(x))
    grad_logits = (p - np.eye(len(TO_RECALL))[letters]) / len(x)
    states = net.cell.trace["h"]
    grad_hidden = np.zeros_like(states)
    grad_hidden[:, -1] = grad_logits @ net.kernel.T
    gradients = net.cell.backward(grad_hidden)
    dense = [states[:, -1].T @ grad_logits, grad_logits.sum(axis=0)]
    loss = float(-np.log(p[rows, letters] + 1e-300).mean())
    return loss, [gradients.kernel, gradients.recurrent_kernel, gradients.bias, *dense]
