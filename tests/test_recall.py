"""The recall task, its training by hand, and Adam as Keras has it."""

import numpy as np
import pytest
from training_helpers import central_differences

from labutils import recall
from labutils.cells import GRUCell, LSTMCell, SimpleRNNCell


def a_net(kind=SimpleRNNCell, units=5, seed=0):
    rng = np.random.default_rng(seed)
    return recall.Recaller(
        kind.initialized(8, units, rng), rng.normal(size=(units, 4)), rng.normal(size=4), []
    )


def test_sequences_begin_with_what_is_to_be_recalled_and_go_on_with_fillers():
    x, letters = recall.sequences(200, 6, np.random.default_rng(0))
    assert x.shape == (200, 7, 8) and (x.sum(axis=2) == 1).all()
    texts = [recall.spelled(row) for row in x]
    assert {text[0] for text in texts} == set("ABCD")
    assert set("".join(text[1:] for text in texts)) == set("wxyz")
    assert ["ABCD"[i] for i in letters] == [text[0] for text in texts]


def test_with_renewal_the_latest_letter_is_to_be_named():
    x, letters = recall.sequences(300, 12, np.random.default_rng(0), renewal=0.2)
    texts = [recall.spelled(row) for row in x]
    assert ["ABCD"[i] for i in letters] == [[c for c in text if c in "ABCD"][-1] for text in texts]
    later = "".join(text[1:] for text in texts)
    assert 0.17 < sum(c in "ABCD" for c in later) / len(later) < 0.23
    with pytest.raises(ValueError, match="renewal must be a probability"):
        recall.sequences(3, 3, np.random.default_rng(0), renewal=1.5)


def test_a_gated_cell_learns_to_name_the_latest_letter():
    cell = GRUCell.initialized(8, 8, np.random.default_rng(0))
    net = recall.train(cell, 6, seed=0, updates=300, renewal=0.3)
    assert net.accuracy(6, renewal=0.3) > 0.95


@pytest.mark.parametrize(("count", "gap"), [(0, 3), (3, 0), (3, -1), (2.5, 3), (3, "4"), (True, 3)])
def test_senseless_counts_are_refused(count, gap):
    with pytest.raises(ValueError, match="(count|gap) must be a whole number, 1 or more, got"):
        recall.sequences(count, gap, np.random.default_rng(0))


@pytest.mark.parametrize("kind", [SimpleRNNCell, GRUCell, LSTMCell])
def test_the_gradients_are_those_of_finite_differences(kind):
    net = a_net(kind)
    rng = np.random.default_rng(1)
    x, letters = recall.sequences(6, 3, rng)
    _, gradients = recall.loss_and_gradients(net, x, letters)
    arrays = [net.cell.kernel, net.cell.recurrent_kernel, net.cell.bias, net.kernel, net.bias]
    differences = central_differences(
        lambda: recall.loss_and_gradients(net, x, letters)[0], arrays, gradients, rng
    )
    for gradient, direction, slope in differences:
        assert slope == pytest.approx(np.sum(gradient * direction), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("keras_rounding, tolerance", [(False, 1e-4), (True, 1e-12)])
def test_adam_is_the_adam_of_keras_but_for_its_32_bits(keras, keras_rounding, tolerance):
    rng = np.random.default_rng(2)
    start, pulls = rng.normal(size=(4, 3)), rng.normal(size=(30, 4, 3))
    ours = start.copy()
    adam = recall.Adam([ours], 1 / 128, keras_rounding)  # a rate which has no rounding in any format
    theirs = keras.Variable(start, dtype="float64")
    optimizer = keras.optimizers.Adam(1 / 128)
    for pull in pulls:
        adam.update([pull])
        optimizer.apply([keras.ops.convert_to_tensor(pull, dtype="float64")], [theirs])
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=tolerance)
    assert np.abs(ours - start).max() > 0.05


def test_clipping_keeps_the_direction_and_bounds_the_global_norm():
    gradients = [np.array([3.0, 0.0]), np.array([[4.0]])]
    short = recall.clipped(gradients, 1.0)
    np.testing.assert_allclose(short[0], [0.6, 0])
    np.testing.assert_allclose(short[1], [[0.8]])
    assert recall.clipped(gradients, 6.0)[0] is gradients[0]


def test_a_short_gap_is_learned_and_the_same_seed_gives_the_same_net():
    nets = [
        recall.train(SimpleRNNCell.initialized(8, 12, np.random.default_rng(0)), 3, seed=0, updates=200)
        for _ in range(2)
    ]
    assert nets[0].accuracy(3) > 0.98 and nets[0].losses == nets[1].losses
    assert len(nets[0].losses) < 200  # it stops once the task is solved


def test_nothing_is_learned_without_training_and_probabilities_are_shares():
    net = a_net()
    assert net.accuracy(30) < 0.6
    p = net.probabilities(recall.sequences(9, 2, np.random.default_rng(0))[0])
    assert p.shape == (9, 4) and np.allclose(p.sum(axis=1), 1) and (p > 0).all()


def test_a_cell_for_other_symbols_is_refused():
    with pytest.raises(ValueError, match="the cell must take 8 features, one for each symbol: ABCDwxyz"):
        recall.train(SimpleRNNCell.initialized(3, 4, np.random.default_rng(0)), 5, seed=0)
