"""Recurrent cells in NumPy: the forward pass, and back-propagation through time by hand.

One row is one sequence: x[b, t] is the input vector of sequence b at step t, and a state is an array
(batch, units). Weights are laid out as ``get_weights()`` of the Keras layer of that name returns them,
so a cell and a layer can swap them. A cell computes in the precision of its kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

State = np.ndarray | tuple[np.ndarray, ...]  # (batch, units), for an LSTM a pair (h, c) of such arrays


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradient of a loss with respect to everything that went into `forward`.

    Attributes
    ----------
    kernel, recurrent_kernel, bias, x, initial_state : shaped like these arrays; the last is a `State`.
    hidden : (batch, time, units), the *whole* gradient at each state: from its own and from all later steps.
    """

    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    bias: np.ndarray
    x: np.ndarray
    initial_state: State
    hidden: np.ndarray


class Cell:
    """What the three cells share: checks, the forward and the backward pass through time."""

    blocks = 1  # how many matrices of `units` columns stand side by side in the kernel
    bias_rows: tuple[int, ...] = ()  # the bias has the shape bias_rows + (blocks * units,)
    state_names: tuple[str, ...] = ("h",)

    def __init__(self, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray) -> None:
        kernel = _array("kernel", kernel)
        if kernel.ndim != 2 or not kernel.size or kernel.shape[1] % self.blocks:
            wanted = f"(features, {self.blocks} * units)" if self.blocks > 1 else "(features, units)"
            raise ValueError(f"kernel must have the shape {wanted}, got {kernel.shape}")
        self.features, width = kernel.shape
        self.kernel, self.units, dtype = kernel, width // self.blocks, kernel.dtype
        self.recurrent_kernel = _shaped("recurrent_kernel", recurrent_kernel, (self.units, width), dtype)
        self.bias = _shaped("bias", bias, (*self.bias_rows, width), dtype)
        self.x: np.ndarray | None = None
        self.trace: dict[str, np.ndarray] = {}

    @classmethod
    def initialized(cls, features: int, units: int, rng: np.random.Generator) -> Cell:
        """Return a cell with random weights, from the distributions that Keras initialises with.

        The kernel is Glorot uniform (Glorot and Bengio 2010), the recurrent kernel orthogonal (its rows
        are orthonormal), the bias zero (but one at an LSTM's forget gate).

        Parameters
        ----------
        features, units, rng : components of an input vector, those of a state, and what draws the weights.
        """
        width = cls.blocks * units
        limit = np.sqrt(6 / (features + width))
        kernel = rng.uniform(-limit, limit, (features, width))
        columns, r = np.linalg.qr(rng.normal(size=(width, units)))
        return cls(kernel, (columns * np.sign(np.diag(r))).T, cls._initial_bias(units))

    @classmethod
    def _initial_bias(cls, units: int) -> np.ndarray:
        return np.zeros((*cls.bias_rows, cls.blocks * units))

    @property
    def parameters(self) -> int:
        """How many numbers the cell learns."""
        return self.kernel.size + self.recurrent_kernel.size + self.bias.size

    def forward(self, x: np.ndarray, initial_state: State | None = None) -> np.ndarray:
        """Return every hidden state, (batch, time, units); keep gates and states in `trace`, shaped alike.

        Parameters
        ----------
        x : (batch, time, features).
        initial_state : (batch, units), for an LSTM a pair (h, c) of such arrays; None is zeros.
        """
        x = _array("x", x).astype(self.kernel.dtype, copy=False)
        if x.ndim != 3 or not x.size or x.shape[2] != self.features:
            raise ValueError(f"x must have the shape (batch, time, {self.features}), none 0, got {x.shape}")
        self.x, self.start = x, self._starting_state(initial_state, len(x))
        state, steps = self.start, []
        for t in range(x.shape[1]):
            steps.append(self.step(x[:, t], *state))
            state = [steps[-1][name] for name in self.state_names]
        self.trace = {name: np.stack([step[name] for step in steps], axis=1) for name in steps[0]}
        return self.trace["h"]

    def backward(self, grad_hidden: np.ndarray) -> Gradients:
        """Return the `Gradients` of a loss, given its gradient at the hidden states.

        Parameters
        ----------
        grad_hidden : (batch, time, units), how the loss changes with each state that `forward`
            returned when the other states are held; zeros where the loss does not depend on it.
        """
        if self.x is None:
            raise RuntimeError("call forward before backward: the backward pass needs its states")
        x, states = self.x, self.trace["h"]
        grad_hidden = _shaped("grad_hidden", grad_hidden, states.shape, self.kernel.dtype)
        kernel, recurrent = np.zeros_like(self.kernel), np.zeros_like(self.recurrent_kernel)
        bias, grad_x, hidden = np.zeros_like(self.bias), np.empty_like(x), np.empty_like(states)
        carried = [np.zeros_like(state) for state in self.start]
        for t in reversed(range(x.shape[1])):
            now = {name: values[:, t] for name, values in self.trace.items()}
            before = [self.trace[n][:, t - 1] if t else s for n, s in zip(self.state_names, self.start)]
            carried[0] = hidden[:, t] = carried[0] + grad_hidden[:, t]
            at_input, at_recurrent, carried = self.step_back(now, before, carried)
            kernel += x[:, t].T @ at_input
            recurrent += before[0].T @ at_recurrent
            bias += self._bias_gradient(at_input, at_recurrent)
            grad_x[:, t] = at_input @ self.kernel.T
            carried[0] = carried[0] + at_recurrent @ self.recurrent_kernel.T
        start = carried[0] if len(carried) == 1 else tuple(carried)
        return Gradients(kernel, recurrent, bias, grad_x, start, hidden)

    def step(self, x: np.ndarray, *states: np.ndarray) -> dict[str, np.ndarray]:
        """Return what one time step computes, by name; the new hidden state is "h".

        Parameters
        ----------
        x : (batch, features).
        *states : those before, each (batch, units), in the order of `state_names`.
        """
        raise NotImplementedError

    def step_back(
        self, now: dict[str, np.ndarray], before: list[np.ndarray], carried: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Return the gradients at ``x @ kernel``, at ``h @ recurrent_kernel``, and at the states before.

        The last as far as they do not pass through that product. now : what `step` returned.
        before : the states that went in. carried : the gradients at the states that came out.
        """
        raise NotImplementedError

    def _bias_gradient(self, at_input: np.ndarray, at_recurrent: np.ndarray) -> np.ndarray:
        return at_input.sum(axis=0)

    def _starting_state(self, given: State | None, batch: int) -> list[np.ndarray]:
        shape, dtype, names = (batch, self.units), self.kernel.dtype, self.state_names
        if given is None:
            return [np.zeros(shape, dtype) for _ in names]
        if len(names) == 1:
            return [_shaped("initial_state", given, shape, dtype)]
        if not isinstance(given, (tuple, list)) or len(given) != len(names):
            raise ValueError(f"initial_state must be a pair ({', '.join(names)}) of arrays {shape}")
        return [_shaped(f"initial_state, {n}", s, shape, dtype) for n, s in zip(names, given)]


class SimpleRNNCell(Cell):
    """``h_t = tanh(x_t W + h_{t-1} U + b)``, the network of Elman (1990).

    Parameters
    ----------
    kernel, recurrent_kernel, bias : W (features, units), U (units, units), b (units,).
    """

    def step(self, x, *states):
        (h,) = states
        return {"h": np.tanh(x @ self.kernel + h @ self.recurrent_kernel + self.bias)}

    def step_back(self, now, before, carried):
        (dh,) = carried
        da = dh * (1 - now["h"] ** 2)
        return da, da, [np.zeros_like(dh)]


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000).

    ``c_t = f_t * c_{t-1} + i_t * g_t`` and ``h_t = o_t * tanh(c_t)``; the blocks of the weights are the input
    gate i, the forget gate f, the candidate g and the output gate o.

    Parameters
    ----------
    kernel, recurrent_kernel, bias : (features, 4 * units), (units, 4 * units), (4 * units,).
    """

    blocks = 4
    state_names = ("h", "c")

    @classmethod
    def _initial_bias(cls, units: int) -> np.ndarray:
        bias = super()._initial_bias(units)
        bias[units : 2 * units] = 1  # the forget gate open (Gers et al. 2000)
        return bias

    def step(self, x, *states):
        h, c = states
        a = x @ self.kernel + h @ self.recurrent_kernel + self.bias
        a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        c = f * c + i * g
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}

    def step_back(self, now, before, carried):
        i, f, g, o = (now[name] for name in "ifgo")
        c_before, (dh, dc) = before[1], carried
        tanh_c = np.tanh(now["c"])
        dc = dc + dh * o * (1 - tanh_c**2)
        da_i, da_f = dc * g * i * (1 - i), dc * c_before * f * (1 - f)
        da_g, da_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
        da = np.concatenate([da_i, da_f, da_g, da_o], axis=1)
        return da, da, [np.zeros_like(dh), dc * f]


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014), in the form that Keras calls ``reset_after=True``.

    ``g_t = tanh(x_t W_g + b_g + r_t * (h_{t-1} U_g + b'_g))`` and ``h_t = z_t * h_{t-1} + (1 - z_t) * g_t``;
    the blocks of the weights are the update gate z, the reset gate r and the candidate g.

    Parameters
    ----------
    kernel, recurrent_kernel, bias : (features, 3 * units), (units, 3 * units), (2, 3 * units), b and b'.
    """

    blocks = 3
    bias_rows = (2,)

    def step(self, x, *states):
        (h,) = states
        from_input = x @ self.kernel + self.bias[0]
        from_state = h @ self.recurrent_kernel + self.bias[1]
        x_z, x_r, x_g = np.split(from_input, 3, axis=1)
        h_z, h_r, h_g = np.split(from_state, 3, axis=1)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        g = np.tanh(x_g + r * h_g)
        return {"z": z, "r": r, "g": g, "h_g": h_g, "h": z * h + (1 - z) * g}

    def step_back(self, now, before, carried):
        z, r, g = (now[name] for name in "zrg")
        (h,), (dh,) = before, carried
        da_g = dh * (1 - z) * (1 - g**2)
        da_z = dh * (h - g) * z * (1 - z)
        da_r = da_g * now["h_g"] * r * (1 - r)
        at_input = np.concatenate([da_z, da_r, da_g], axis=1)
        at_recurrent = np.concatenate([da_z, da_r, da_g * r], axis=1)
        return at_input, at_recurrent, [dh * z]

    def _bias_gradient(self, at_input, at_recurrent):
        return np.stack([at_input.sum(axis=0), at_recurrent.sum(axis=0)])


def sigmoid(a: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-a)), number by number, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def _array(name: str, values) -> np.ndarray:
    try:
        values = np.asarray(values)
    except ValueError:  # nested lists of unequal lengths
        raise ValueError(f"{name} must be a full array: all rows of the same length") from None
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, got {values.dtype}")
    return values if values.dtype.kind == "f" else values.astype(float)


def _shaped(name: str, values, shape: tuple[int, ...], dtype) -> np.ndarray:
    values = _array(name, values)
    if values.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {values.shape}")
    return values.astype(dtype, copy=False)
