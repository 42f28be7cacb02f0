"""The hand-written cells are Keras' layers, value by value and gradient by gradient."""

import ast
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labutils import backend, cells
from labutils.cells import GRUCell, LSTMCell, SimpleRNNCell, sigmoid

CELLS = {"SimpleRNN": SimpleRNNCell, "GRU": GRUCell, "LSTM": LSTMCell}
GATES = {"SimpleRNN": "h", "GRU": "zrgh", "LSTM": "ifgoch"}
shapes = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 5), st.integers(1, 6))
seeds = st.integers(0, 2**32 - 1)
thorough = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
each_cell = pytest.mark.parametrize("kind", CELLS)


@pytest.fixture(scope="module")
def keras():
    return backend.load_keras()


def weights_of(kind, features, units, rng, dtype="float64"):
    cell = CELLS[kind]
    blocks = cell.blocks * units
    shapes = [(features, blocks), (units, blocks), (*cell.bias_rows, blocks)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def problem(kind, shape, seed, dtype="float64"):
    """A random cell, its weights, input and starting state."""
    batch, time, features, units = shape
    rng = np.random.default_rng(seed)
    weights = weights_of(kind, features, units, rng, dtype)
    x = rng.normal(size=(batch, time, features)).astype(dtype)
    start = [rng.normal(size=(batch, units)).astype(dtype) for _ in CELLS[kind].state_names]
    return weights, x, start, rng


def state_for(cell_start):
    return cell_start[0] if len(cell_start) == 1 else tuple(cell_start)


def layer_with(keras, kind, weights, x):
    layer = getattr(keras.layers, kind)(
        weights[1].shape[0], return_sequences=True, return_state=True, dtype=str(x.dtype)
    )
    layer.build(x.shape)
    layer.set_weights(weights)
    return layer


@each_cell
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@given(shape=shapes, seed=seeds)
@thorough
def test_forward_is_what_keras_computes(keras, kind, dtype, tolerance, shape, seed):
    weights, x, start, _ = problem(kind, shape, seed, dtype)
    cell = CELLS[kind](*weights)
    ours = cell.forward(x, state_for(start))
    theirs, *last = (np.array(a) for a in layer_with(keras, kind, weights, x)(x, initial_state=start))
    assert ours.dtype == dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    for name, state in zip(cell.state_names, last):
        np.testing.assert_allclose(cell.trace[name][:, -1], state, rtol=tolerance, atol=tolerance)


@each_cell
def test_forward_starts_at_zero_and_takes_a_layers_own_weights(keras, kind):
    keras.utils.set_random_seed(3)
    layer = getattr(keras.layers, kind)(4, return_sequences=True)
    x = np.random.default_rng(3).normal(size=(2, 5, 3)).astype("float32")
    theirs = np.array(layer(x))
    cell = CELLS[kind](*layer.get_weights())
    np.testing.assert_allclose(cell.forward(x), theirs, rtol=0, atol=1e-5)
    assert cell.parameters == layer.count_params()


@each_cell
@given(shape=shapes, seed=seeds)
@thorough
def test_gradients_are_those_of_tensorflow(keras, kind, shape, seed):
    import tensorflow as tf

    weights, x, start, rng = problem(kind, shape, seed)
    cell = CELLS[kind](*weights)
    towards = rng.normal(size=cell.forward(x, state_for(start)).shape)
    ours = cell.backward(towards)
    layer = layer_with(keras, kind, weights, x)
    x_tf, start_tf = tf.constant(x), [tf.constant(s) for s in start]
    with tf.GradientTape() as tape:
        tape.watch([x_tf, *start_tf])
        loss = tf.reduce_sum(layer(x_tf, initial_state=start_tf)[0] * towards)
    variables = [v.value for v in layer.trainable_variables]
    theirs = tape.gradient(loss, [*variables, x_tf, *start_tf])
    initial = ours.initial_state if isinstance(ours.initial_state, tuple) else (ours.initial_state,)
    mine = [ours.kernel, ours.recurrent_kernel, ours.bias, ours.x, *initial]
    for a, b in zip(mine, theirs, strict=True):
        assert relative_error(a, b.numpy()) < 1e-6


@each_cell
@given(shape=shapes, seed=seeds)
@thorough
def test_gradients_are_those_of_finite_differences(kind, shape, seed):
    weights, x, start, rng = problem(kind, shape, seed)
    towards = rng.normal(size=(*x.shape[:2], weights[1].shape[0]))
    arrays = [*weights, x, *start]

    def loss():
        return np.sum(CELLS[kind](*weights).forward(x, state_for(start)) * towards)

    cell = CELLS[kind](*weights)
    cell.forward(x, state_for(start))
    ours = cell.backward(towards)
    initial = ours.initial_state if isinstance(ours.initial_state, tuple) else (ours.initial_state,)
    for array, gradient in zip(arrays, [ours.kernel, ours.recurrent_kernel, ours.bias, ours.x, *initial]):
        direction = rng.normal(size=array.shape)
        step = 1e-5
        array += step * direction
        above = loss()
        array -= 2 * step * direction
        below = loss()
        array += step * direction
        measured = (above - below) / (2 * step)
        size = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert abs(measured - np.sum(gradient * direction)) < 1e-6 * max(size, 1)


def relative_error(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-6)


@each_cell
def test_the_whole_gradient_at_a_state_is_how_the_loss_changes_with_it(kind):
    """Start again from the middle: what `hidden` says of step 2 is the gradient at that start."""
    weights, x, _, rng = problem(kind, (2, 6, 3, 4), seed=11)
    whole = CELLS[kind](*weights)
    states = whole.forward(x)
    towards = rng.normal(size=states.shape)
    middle = {name: whole.trace[name][:, 2] for name in whole.state_names}
    gradients = whole.backward(towards)
    rest = CELLS[kind](*weights)
    rest.forward(x[:, 3:], state_for(list(middle.values())))
    later = rest.backward(towards[:, 3:]).initial_state
    later = later[0] if isinstance(later, tuple) else later
    np.testing.assert_allclose(gradients.hidden[:, 2], towards[:, 2] + later, atol=1e-12)


@each_cell
def test_forward_in_two_pieces_is_forward_in_one(kind):
    weights, x, _, _ = problem(kind, (2, 7, 3, 4), seed=12)
    cell = CELLS[kind](*weights)
    whole = cell.forward(x)
    first = cell.forward(x[:, :4])
    state = state_for([cell.trace[name][:, -1] for name in cell.state_names])
    np.testing.assert_allclose(np.concatenate([first, cell.forward(x[:, 4:], state)], axis=1), whole)


@each_cell
def test_the_trace_keeps_every_gate(kind):
    weights, x, _, _ = problem(kind, (2, 7, 3, 4), seed=13)
    cell = CELLS[kind](*weights)
    cell.forward(x)
    assert set(GATES[kind]) <= set(cell.trace)
    assert {values.shape for values in cell.trace.values()} == {(2, 7, 4)}
    for gate in set(GATES[kind]) & set("zrifo"):
        assert (cell.trace[gate] > 0).all() and (cell.trace[gate] < 1).all()


@each_cell
def test_arrays_given_are_left_as_they_were(kind):
    weights, x, start, rng = problem(kind, (2, 4, 3, 5), seed=14)
    copies = [a.copy() for a in (*weights, x, *start)]
    cell = CELLS[kind](*weights)
    towards = rng.normal(size=cell.forward(x, state_for(start)).shape)
    kept = towards.copy()
    first, second = cell.backward(towards), cell.backward(towards)
    for before, after in zip([*copies, kept], [*weights, x, *start, towards], strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(first.kernel, second.kernel)
    np.testing.assert_array_equal(first.hidden, second.hidden)


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0, 0.5, 1])
    a = np.linspace(-8, 8, 99)
    np.testing.assert_allclose(sigmoid(a), 1 / (1 + np.exp(-a)), atol=1e-15)


def good(kind):
    return weights_of(kind, 3, 4, np.random.default_rng(0))


BLOCKS = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


@each_cell
@pytest.mark.parametrize("axis", [0, 1])
def test_a_recurrent_kernel_of_a_wrong_shape_is_named_with_the_right_one(kind, axis):
    kernel, recurrent, bias = good(kind)
    wrong = np.delete(recurrent, 0, axis=axis)
    message = re.escape(f"recurrent_kernel must have the shape (4, {4 * BLOCKS[kind]}), got {wrong.shape}")
    with pytest.raises(ValueError, match=message):
        CELLS[kind](kernel, wrong, bias)


@each_cell
def test_a_bias_of_a_wrong_shape_is_named_with_the_right_one(kind):
    kernel, recurrent, bias = good(kind)
    wanted = re.escape(f"bias must have the shape {bias.shape}, got (7,)")
    with pytest.raises(ValueError, match=wanted):
        CELLS[kind](kernel, recurrent, np.zeros(7))


def test_the_bias_of_a_gru_without_reset_after_is_refused():
    kernel, recurrent, bias = good("GRU")
    with pytest.raises(ValueError, match=re.escape("bias must have the shape (2, 12), got (12,)")):
        GRUCell(kernel, recurrent, bias[0])


@pytest.mark.parametrize(
    "wrong", [np.zeros(3), np.zeros((2, 3, 4)), np.zeros((3, 13)), np.zeros((0, 4)), 1.0]
)
def test_a_kernel_of_a_wrong_rank_or_width_is_refused(wrong):
    with pytest.raises(ValueError, match=r"kernel must have the shape \(features, 4 \* units\), got"):
        LSTMCell(wrong, np.zeros((3, 12)), np.zeros(12))


@each_cell
@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 2), (2, 5, 3, 1), (0, 5, 3), (2, 0, 3), ()])
def test_an_input_of_a_wrong_shape_is_refused(kind, shape):
    with pytest.raises(ValueError, match=r"x must have the shape \(batch, time, 3\).*got"):
        CELLS[kind](*good(kind)).forward(np.zeros(shape))


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU"])
def test_a_starting_state_of_a_wrong_shape_is_refused(kind):
    with pytest.raises(ValueError, match=re.escape("initial_state must have the shape (2, 4), got (4,)")):
        CELLS[kind](*good(kind)).forward(np.zeros((2, 5, 3)), np.zeros(4))


@pytest.mark.parametrize("state", [np.zeros((2, 4)), [np.zeros((2, 4))], 3])
def test_an_lstm_wants_a_pair_of_states(state):
    with pytest.raises(ValueError, match=r"initial_state must be a pair \(h, c\) of arrays \(2, 4\)"):
        LSTMCell(*good("LSTM")).forward(np.zeros((2, 5, 3)), state)


def test_the_wrong_one_of_a_pair_of_states_is_named():
    with pytest.raises(
        ValueError, match=re.escape("initial_state, c must have the shape (2, 4), got (1, 4)")
    ):
        LSTMCell(*good("LSTM")).forward(np.zeros((2, 5, 3)), (np.zeros((2, 4)), np.zeros((1, 4))))


@each_cell
def test_the_way_back_needs_a_way_forward_and_its_shape(kind):
    cell = CELLS[kind](*good(kind))
    with pytest.raises(RuntimeError, match="call forward before backward"):
        cell.backward(np.zeros((2, 5, 4)))
    cell.forward(np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match=re.escape("grad_hidden must have the shape (2, 5, 4), got (2, 4)")):
        cell.backward(np.zeros((2, 4)))


@pytest.mark.parametrize("wrong", [[["a"]], [[1j]], [[None]]])
def test_what_is_not_a_real_number_is_refused(wrong):
    with pytest.raises(ValueError, match="kernel must hold real numbers"):
        SimpleRNNCell(wrong, [[1.0]], [0.0])


def test_ragged_input_is_refused():
    with pytest.raises(ValueError, match="x must"):
        SimpleRNNCell([[1.0]], [[1.0]], [0.0]).forward([[[1.0], [2.0]], [[1.0]]])


def test_lists_and_whole_numbers_are_taken():
    cell = SimpleRNNCell([[1]], [[2]], [0])
    np.testing.assert_allclose(cell.forward([[[1], [0]]])[0, :, 0], [np.tanh(1), np.tanh(2 * np.tanh(1))])


class Mutation(ast.NodeTransformer):
    """Change the n-th sign, product, gate or block of the cells' equations, and only that one."""

    OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}

    def __init__(self, n):
        self.left, self.what, self.inside = n, None, False

    def visit_FunctionDef(self, node):
        outer, self.inside = self.inside, self.inside or node.name in ("step", "step_back", "sigmoid")
        self.generic_visit(node)
        self.inside = outer
        return node

    def _now(self, node):
        if self.inside:
            self.left -= 1
        return self.inside and self.left == -1

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if type(node.op) in self.OTHER and self._now(node):
            self.what = f"line {node.lineno}: {ast.unparse(node)}"
            node.op = self.OTHER[type(node.op)]()
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = ast.unparse(node.func)
        if name in ("sigmoid", "np.tanh") and self._now(node):
            self.what = f"line {node.lineno}: {ast.unparse(node)}"
            node.func = ast.parse("np.tanh" if name == "sigmoid" else "np.sin", mode="eval").body
        return node

    def visit_Tuple(self, node):
        """Two gates in each other's place, where a row of blocks is taken apart."""
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Store) and len(node.elts) > 1 and self._now(node):
            self.what = f"line {node.lineno}: {ast.unparse(node)}"
            node.elts[:2] = node.elts[1::-1]
        return node


def mutated(n):
    tree = ast.parse(Path(cells.__file__).read_text("utf-8"))
    mutation = Mutation(n)
    tree = ast.fix_missing_locations(mutation.visit(tree))
    module = types.ModuleType("mutated_cells")
    sys.modules["mutated_cells"] = module
    exec(compile(tree, "mutated_cells", "exec"), module.__dict__)
    return mutation.what, module


def agrees_with_the_proven_cells(module):
    for kind, proven in CELLS.items():
        weights, x, start, rng = problem(kind, (3, 4, 2, 3), seed=21)
        towards = rng.normal(size=(3, 4, 3))
        cells_to_compare = [proven(*weights), getattr(module, proven.__name__)(*weights)]
        states = [cell.forward(x, state_for(start)) for cell in cells_to_compare]
        gradients = [cell.backward(towards) for cell in cells_to_compare]
        arrays = [
            [h, g.kernel, g.recurrent_kernel, g.bias, g.x, *np.atleast_3d(g.initial_state)]
            for h, g in zip(states, gradients)
        ]
        if not all(relative_error(b, a) < 1e-6 for a, b in zip(*arrays, strict=True)):
            return False
    return True


def test_every_sign_product_and_gate_of_the_equations_matters():
    """Change one at a time: each change must show in a value or a gradient that the tests compare."""
    what, module = mutated(10_000)
    assert what is None and agrees_with_the_proven_cells(module)
    survivors, n = [], 0
    while True:
        with np.errstate(all="ignore"):
            what, module = mutated(n)
            if what is None:
                break
            try:
                if agrees_with_the_proven_cells(module):
                    survivors.append(what)
            except (ValueError, TypeError, KeyError, FloatingPointError):
                pass  # an error is caught as well
        n += 1
    assert n > 60
    assert not survivors


@each_cell
def test_drawn_weights_are_spread_as_those_of_keras(keras, kind):
    cell = CELLS[kind].drawn(40, 30, np.random.default_rng(0))
    keras.utils.set_random_seed(0)
    layer = getattr(keras.layers, kind)(30)
    layer.build((1, 2, 40))
    kernel, recurrent, bias = layer.get_weights()
    assert cell.kernel.std() == pytest.approx(kernel.std(), rel=0.05)
    assert abs(cell.kernel).max() == pytest.approx(abs(kernel).max(), rel=0.01)
    for rows in (cell.recurrent_kernel, recurrent):
        np.testing.assert_allclose(rows @ rows.T, np.eye(30), atol=1e-5)
    np.testing.assert_array_equal(cell.bias, bias)
