"""The hand-written cells are Keras' layers value by value, and their gradients are finite differences."""

import ast
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training_helpers import central_differences

from labutils import backend, cells
from labutils.cells import GRUCell, LSTMCell, SimpleRNNCell, sigmoid

CELLS = {"SimpleRNN": SimpleRNNCell, "GRU": GRUCell, "LSTM": LSTMCell}
BLOCKS = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
GATES = {"SimpleRNN": "h", "GRU": "zrgh", "LSTM": "ifgoch"}
shapes = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 5), st.integers(1, 6))
seeds = st.integers(0, 2**32 - 1)
thorough = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
each_cell = pytest.mark.parametrize("kind", CELLS)


def weights_of(kind, features, units, rng):
    width = BLOCKS[kind] * units
    bias = (2, width) if kind == "GRU" else (width,)
    return [rng.normal(size=shape) for shape in ((features, width), (units, width), bias)]


def problem(kind, shape, seed, dtype="float64"):
    """Random weights, input, initial state (a list), and the generator that made them."""
    batch, time, features, units = shape
    rng = np.random.default_rng(seed)
    weights = [w.astype(dtype) for w in weights_of(kind, features, units, rng)]
    x = rng.normal(size=(batch, time, features)).astype(dtype)
    start = [rng.normal(size=(batch, units)).astype(dtype) for _ in CELLS[kind].state_names]
    return weights, x, start, rng


def state_for(start):
    return start[0] if len(start) == 1 else tuple(start)


def arrays_of(gradients):
    initial = gradients.initial_state
    initial = initial if isinstance(initial, tuple) else (initial,)
    return [gradients.kernel, gradients.recurrent_kernel, gradients.bias, gradients.x, *initial]


def keras_states(kind, weights, x, start):
    """Every hidden state, then the last states, as the Keras layer computes them."""
    layer = getattr(backend.load_keras().layers, kind)(
        weights[1].shape[0], return_sequences=True, return_state=True, dtype=str(x.dtype)
    )
    layer.build(x.shape)
    layer.set_weights(weights)
    return [np.array(a) for a in layer(x, initial_state=start)]


def check_forward(cell_class, weights, x, start, theirs, tolerance):
    """Fail unless states and last states are those of Keras."""
    cell = cell_class(*weights)
    ours = cell.forward(x, state_for(start))
    assert ours.dtype == x.dtype and ours.shape == theirs[0].shape
    np.testing.assert_allclose(ours, theirs[0], rtol=0, atol=tolerance)
    for name, state in zip(cell.state_names, theirs[1:], strict=True):
        np.testing.assert_allclose(cell.trace[name][:, -1], state, rtol=tolerance, atol=tolerance)


def check_gradients(cell_class, weights, x, start, rng):
    """Fail unless every gradient is that of finite differences, in a random direction."""
    cell = cell_class(*weights)
    towards = rng.normal(size=cell.forward(x, state_for(start)).shape)
    gradients = arrays_of(cell.backward(towards))

    def loss():
        return np.sum(cell_class(*weights).forward(x, state_for(start)) * towards)

    for gradient, direction, slope in central_differences(loss, [*weights, x, *start], gradients, rng):
        size = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert abs(slope - np.sum(gradient * direction)) < 1e-6 * max(size, 1)


@each_cell
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@given(shape=shapes, seed=seeds)
@thorough
def test_forward_is_what_keras_computes(kind, dtype, tolerance, shape, seed):
    weights, x, start, _ = problem(kind, shape, seed, dtype)
    check_forward(CELLS[kind], weights, x, start, keras_states(kind, weights, x, start), tolerance)


@each_cell
@given(shape=shapes, seed=seeds)
@thorough
def test_gradients_are_those_of_finite_differences(kind, shape, seed):
    check_gradients(CELLS[kind], *problem(kind, shape, seed))


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
    later = arrays_of(rest.backward(towards[:, 3:]))[4]
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


def a_cell(kind):
    return CELLS[kind](*weights_of(kind, 3, 4, np.random.default_rng(0)))


@each_cell
def test_weights_of_a_wrong_shape_are_named_with_the_right_one(kind):
    kernel, recurrent, bias = weights_of(kind, 3, 4, np.random.default_rng(0))
    wanted = f"recurrent_kernel must have the shape {recurrent.shape}, got "
    for axis in (0, 1):
        with pytest.raises(ValueError, match=re.escape(wanted)):
            CELLS[kind](kernel, np.delete(recurrent, 0, axis=axis), bias)
    for wrong in (np.zeros(7), bias[0]):  # of a GRU the second is that of reset_after=False
        message = f"bias must have the shape {bias.shape}, got {wrong.shape}"
        with pytest.raises(ValueError, match=re.escape(message)):
            CELLS[kind](kernel, recurrent, wrong)


@pytest.mark.parametrize(
    "wrong", [np.zeros(3), np.zeros((2, 3, 4)), np.zeros((3, 13)), np.zeros((0, 4)), 1.0]
)
def test_a_kernel_of_a_wrong_rank_or_width_is_refused(wrong):
    with pytest.raises(ValueError, match=r"kernel must have the shape \(features, 4 \* units\), got"):
        LSTMCell(wrong, np.zeros((3, 12)), np.zeros(12))
    for not_real in ([["a"]], [[1j]], [[None]]):
        with pytest.raises(ValueError, match="kernel must hold real numbers"):
            SimpleRNNCell(not_real, [[1.0]], [0.0])


@each_cell
@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 2), (2, 5, 3, 1), (0, 5, 3), (2, 0, 3), ()])
def test_an_input_of_a_wrong_shape_is_refused(kind, shape):
    with pytest.raises(ValueError, match=r"x must have the shape \(batch, time, 3\).*got"):
        a_cell(kind).forward(np.zeros(shape))


ZEROS = np.zeros((2, 4))


@pytest.mark.parametrize(
    ("kind", "state", "message"),
    [
        ("SimpleRNN", ZEROS[0], "initial_state must have the shape (2, 4), got (4,)"),
        ("GRU", ZEROS[0], "initial_state must have the shape (2, 4), got (4,)"),
        ("LSTM", ZEROS, "initial_state must be a pair (h, c) of arrays (2, 4)"),
        ("LSTM", [ZEROS], "initial_state must be a pair (h, c) of arrays (2, 4)"),
        ("LSTM", (ZEROS, ZEROS[:1]), "initial_state, c must have the shape (2, 4), got (1, 4)"),
    ],
)
def test_an_initial_state_of_a_wrong_shape_is_refused(kind, state, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        a_cell(kind).forward(np.zeros((2, 5, 3)), state)


@each_cell
def test_the_backward_pass_needs_a_forward_pass_and_its_shape(kind):
    cell = a_cell(kind)
    with pytest.raises(RuntimeError, match="call forward before backward"):
        cell.backward(np.zeros((2, 5, 4)))
    cell.forward(np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match=re.escape("grad_hidden must have the shape (2, 5, 4), got (2, 4)")):
        cell.backward(np.zeros((2, 4)))


def test_lists_are_taken_unless_they_are_ragged():
    cell = SimpleRNNCell([[1]], [[2]], [0])
    np.testing.assert_allclose(cell.forward([[[1], [0]]])[0, :, 0], [np.tanh(1), np.tanh(2 * np.tanh(1))])
    with pytest.raises(ValueError, match="x must be a full array"):
        cell.forward([[[1.0], [2.0]], [[1.0]]])


SOURCE = Path(cells.__file__).read_text("utf-8")
SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}
CALLS = {"sigmoid": "np.tanh", "np.tanh": "np.sin"}


def mutations(tree):
    """Every sign, product, activation and row of blocks in the equations: node, field, another value."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in ("step", "step_back", "sigmoid"):
            for node in ast.walk(function):
                if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
                    yield node, "op", SIGNS[type(node.op)]()
                elif isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
                    yield node, "func", ast.parse(CALLS[ast.unparse(node.func)], mode="eval").body
                elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
                    if len(node.elts) > 1 and type(node.elts[0]) is type(node.elts[1]):
                        yield node, "elts", [*node.elts[1::-1], *node.elts[2:]]


def mutant(n):
    """The source of the cells with the n-th of the mutations (None: with none), and what is changed."""
    tree, what = ast.parse(SOURCE), ""
    if n is not None:
        node, field, value = list(mutations(tree))[n]
        what = f"line {node.lineno}: {ast.unparse(node)}"
        setattr(node, field, value)
    return compile(ast.fix_missing_locations(tree), "mutated_cells", "exec"), what


MUTANTS = [mutant(n) for n in range(len(list(mutations(ast.parse(SOURCE)))))]


@pytest.fixture(scope="module")
def checked_by_keras():
    """For each cell a random problem (without its generator), and what Keras computes for it."""
    problems = {kind: problem(kind, (3, 4, 2, 3), seed=21)[:3] for kind in CELLS}
    return {kind: (*arrays, keras_states(kind, *arrays)) for kind, arrays in problems.items()}


def run_the_checks(code, checked_by_keras, monkeypatch):
    module = types.ModuleType("mutated_cells")
    monkeypatch.setitem(sys.modules, "mutated_cells", module)
    exec(code, module.__dict__)
    for kind, (weights, x, start, theirs) in checked_by_keras.items():
        cell_class = getattr(module, CELLS[kind].__name__)
        check_gradients(cell_class, weights, x, start, np.random.default_rng(22))
        check_forward(cell_class, weights, x, start, theirs, 1e-10)


def test_the_checks_pass_on_the_cells_as_they_are(checked_by_keras, monkeypatch):
    assert len(MUTANTS) > 60
    run_the_checks(mutant(None)[0], checked_by_keras, monkeypatch)


@pytest.mark.parametrize("code", [code for code, _ in MUTANTS], ids=[what for _, what in MUTANTS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_sign_product_and_gate_of_the_equations_matters(code, checked_by_keras, monkeypatch):
    """One of them is changed: the checks above must fail."""
    with pytest.raises(AssertionError):
        run_the_checks(code, checked_by_keras, monkeypatch)


@each_cell
def test_initial_weights_are_spread_as_those_of_keras(keras, kind):
    cell = CELLS[kind].initialized(40, 30, np.random.default_rng(0))
    keras.utils.set_random_seed(0)
    layer = getattr(keras.layers, kind)(30)
    layer.build((1, 2, 40))
    kernel, recurrent, bias = layer.get_weights()
    assert cell.kernel.std() == pytest.approx(kernel.std(), rel=0.05)
    assert abs(cell.kernel).max() == pytest.approx(abs(kernel).max(), rel=0.01)
    for rows in (cell.recurrent_kernel, recurrent):
        np.testing.assert_allclose(rows @ rows.T, np.eye(30), atol=1e-5)
    np.testing.assert_array_equal(cell.bias, bias)
    own_kind = type("Own", (CELLS[kind],), {})
    np.testing.assert_array_equal(own_kind.initialized(40, 30, np.random.default_rng(0)).bias, bias)
