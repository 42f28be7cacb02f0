"""The four tasks of the cash register, each against a plain loop over its keys."""

import re

import numpy as np
import pytest

from labutils import cash_register
from labutils.cells import LSTMCell, SimpleRNNCell


def displayed(typed):
    """What a register shows that follows its keys, one step after the other."""
    shown, total = [], 0.0
    for amount, enter, new, ask in typed:
        total = (0.0 if new else total) + (amount if enter else 0.0)
        shown.append(total if ask else 0.0)
    return shown


@pytest.mark.parametrize("task", cash_register.TASKS)
def test_the_display_follows_the_keys(task):
    typed, shown = cash_register.streams(task, 50, 40, np.random.default_rng(0))
    assert typed.shape == (50, 40, 4) and shown.shape == (50, 40, 1)
    for row, expected in zip(typed, shown[:, :, 0]):
        np.testing.assert_allclose(displayed(row), expected, atol=1e-12)
    assert abs(typed[:, :, 0]).max() <= cash_register.LARGEST_AMOUNT


@pytest.mark.parametrize("task, used", list(zip(cash_register.TASKS, range(4))))
def test_a_task_uses_one_key_more_than_the_one_before(task, used):
    typed, _ = cash_register.streams(task, 50, 40, np.random.default_rng(0))
    pressed = typed[:, :, 1:].mean(axis=(0, 1))
    np.testing.assert_allclose(pressed[:used], [0.3, 0.08, 0.2][:used], atol=0.04)
    assert pressed[used:].tolist() == [1, 0, 1][used:]


def test_the_error_is_0_for_a_right_readout_and_1_for_the_mean():
    register = LSTMCell(np.zeros((4, 4)), np.zeros((1, 4)), np.zeros(4))
    register.kernel[1, 0], register.kernel[2, 1], register.kernel[3, 3] = 40, -40, 40
    register.kernel[0, 2], register.bias[:] = 1e-4, [-20, 20, 0, -20]
    for task in cash_register.TASKS:
        assert cash_register.error(register, np.full((1, 1), 1e4), 0.0, task) < 1e-6
        assert cash_register.error(register, np.zeros((1, 1)), 0.0, task) == pytest.approx(1, abs=0.01)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="task must be one of 'every amount'.*got 'all'"):
        cash_register.streams("all", 3, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="steps"):
        cash_register.streams("when asked", 3, 0, np.random.default_rng(0))


def test_a_readout_of_another_shape_is_refused():
    cell = SimpleRNNCell(np.zeros((4, 2)), np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(
        ValueError, match=re.escape("v must have the shape (2, 1), one weight for each unit, got (2,)")
    ):
        cash_register.error(cell, np.zeros(2), 0.0, "every amount")
