"""Compiled epochs train exactly as Keras' own fit does, or leave it to that and say why."""

import numpy as np
import pytest
from training_helpers import SIZE, TIME, WINDOWS, build, fit, forecaster, network

from labutils.data import series
from labutils.training import compiled_epochs, network_cache


@pytest.fixture(autouse=True)
def empty_cache():
    network_cache.clear()


NETWORKS = {
    "LSTM": lambda k: [k.LSTM(6), k.Dense(1)],
    "GRU": lambda k: [k.GRU(5), k.Dense(1)],
    "SimpleRNN": lambda k: [k.SimpleRNN(5), k.Dense(1)],
    "two recurrent layers": lambda k: [k.GRU(4, return_sequences=True), k.LSTM(3), k.Dense(1)],
    "no recurrence, penalised weights": lambda k: [
        k.Flatten(), k.Dense(7, "relu", kernel_regularizer="l2"), k.Dense(1)
    ],
}  # fmt: skip
OPTIMIZERS = {
    "adam": "adam",
    "sgd with momentum": lambda k: k.SGD(0.05, momentum=0.8),
    "clipped": lambda k: k.RMSprop(0.01, clipnorm=0.1),
    "averaged weights": lambda k: k.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "falling rate": lambda k: k.Adam(k.schedules.CosineDecay(0.02, 40)),
}


def assert_equal_to_keras(keras, ours, plain, data=WINDOWS, epochs=4, validation=0.2):
    """Train one model here and its double by ``model.fit``: same curves, same weights."""
    keras.utils.set_random_seed(3)
    run = fit(ours, data, epochs=epochs, validation=validation)
    keras.utils.set_random_seed(3)
    history = plain.fit(*data, epochs=epochs, batch_size=SIZE, validation_split=validation, verbose=0).history
    assert run.trained_by == "compiled epochs" and run.history.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(run.history[name], values, rtol=2e-5)
    for weights, others in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(weights, others, atol=2e-5)


@pytest.mark.parametrize(
    "layers, optimizer",
    [("LSTM", "adam")]  # in the quick check as well
    + [pytest.param(layers, "adam", marks=pytest.mark.slow) for layers in list(NETWORKS)[1:]]
    + [
        pytest.param(layers, optimizer, marks=pytest.mark.slow)
        for layers in list(NETWORKS)[::4]
        for optimizer in list(OPTIMIZERS)[1:]
    ],
)
def test_the_curves_and_weights_are_those_of_model_fit(keras, layers, optimizer):
    assert int(len(WINDOWS[0]) * 0.8) % SIZE, "the last batch must be a smaller one"
    doubles = [build(NETWORKS[layers], optimizer=OPTIMIZERS[optimizer]) for _ in range(2)]
    assert_equal_to_keras(keras, *doubles)


@pytest.mark.slow
def test_dropout_draws_the_same_masks_where_no_batch_is_smaller(keras):
    doubles = [build(lambda k: [k.LSTM(6), k.Dropout(0.3), k.Dense(1)]) for _ in range(2)]
    assert_equal_to_keras(keras, *doubles, (WINDOWS[0][:192], WINDOWS[1][:192]), validation=0.0)


@pytest.mark.slow
def test_a_second_training_goes_on_where_the_first_ended(keras):
    ours, plain = forecaster(), forecaster()
    for epochs in (2, 3):
        assert_equal_to_keras(keras, ours, plain, WINDOWS, epochs)
    assert int(ours.optimizer.iterations) == int(plain.optimizer.iterations) == 5 * 6


@pytest.mark.slow
@pytest.mark.parametrize("targets", [1, 4, TIME])
def test_several_targets_sequences_as_targets_and_the_test_score(keras, targets):
    x, y = series.sliding_windows(np.tile(series.noisy_sine(1).values, 2), TIME, min(targets, 4))
    y, sequences = (x + 1, True) if targets == TIME else (y, False)
    outputs = 1 if sequences else targets
    ours, plain = (
        build(lambda k: [k.GRU(5, return_sequences=sequences), k.Dense(outputs)]) for _ in range(2)
    )
    assert_equal_to_keras(keras, ours, plain, (x[:150], y[:150]), epochs=2)
    run = fit(ours, (x[:150], y[:150]), epochs=1, test=(x, y))
    assert len(x) > compiled_epochs.EVALUATION_BATCH, "more rows than a block holds"
    assert run.test_loss == pytest.approx(np.mean((ours.predict(x, verbose=0) - y) ** 2), rel=1e-5)


def own_activation(x):
    return x


def subclassed(keras):
    model = type("Mine", (keras.Sequential,), {"__module__": __name__})(forecaster().layers)
    model.compile("adam", "mse")
    return model


REASONS = {
    "metrics beside its loss": lambda k: forecaster(metrics=["mae"]),
    "run_eagerly=True asks for": lambda k: forecaster(run_eagerly=True),
    "XLA (jit_compile=True)": lambda k: forecaster(jit_compile=True),
    "its loss is not given by name": lambda k: forecaster(loss=k.losses.Huber(0.1)),
    "its loss log_cosh is not one of the usual": lambda k: forecaster(loss="log_cosh"),
    "its optimizer is SGD, or scales its loss": lambda k: forecaster(
        optimizer=lambda k: k.SGD(0.1, loss_scale_factor=8.0)
    ),
    "its layer BatchNormalization may look at other rows": lambda k: build(
        lambda k: [k.LSTM(3), k.BatchNormalization(), k.Dense(1)]
    ),
    "it cannot be built again (ValueError)": lambda k: build(
        lambda k: [k.Lambda(lambda x: x[:, 0]), k.Dense(1)]
    ),
    "own_activation is not Keras' own": lambda k: build(
        lambda k: [k.LSTM(3), k.Dense(1, activation=own_activation)]
    ),
    "activity regularizer": lambda k: build(lambda k: [k.LSTM(3, activity_regularizer="l2"), k.Dense(1)]),
    "Mine is not Keras' own": subclassed,
    "its layer Embedding carries a state or a mask": lambda k: network(
        lambda k: [k.Input((TIME,)), k.Embedding(2, 3, mask_zero=True), k.LSTM(3), k.Dense(1)]
    ),
    "its layer LSTM carries a state or a mask": lambda k: network(
        lambda k: [k.Input((TIME, 1), batch_size=29), k.LSTM(3, stateful=True), k.Dense(1)]
    ),
    "its layer Dense computes in mixed_bfloat16": lambda k: build(
        lambda k: [k.Flatten(), k.Dense(1, dtype="mixed_bfloat16")]
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("reason", REASONS)
def test_what_cannot_be_compiled_is_trained_by_keras_own_fit_and_one_line_says_why(keras, reason, capsys):
    settings = {"epochs": 1, "batch_size": 29, "validation": None}
    run = fit(REASONS[reason](keras), WINDOWS, name="net", **settings)
    assert run.trained_by == "Keras' own fit"
    plain = fit(REASONS[reason](keras), WINDOWS, fast=False, **settings)
    np.testing.assert_allclose(run.history["loss"], plain.history["loss"], rtol=1e-4)
    why, progress = capsys.readouterr().out.splitlines()
    assert why.startswith("net: Keras' own fit, since ") and reason in why and len(why) < 120
    assert progress == "net: epoch 1 of 1"


def test_it_leaves_the_settings_of_tensorflow_as_they_were():
    from tensorflow import config

    before = config.optimizer.get_experimental_options()
    fit(forecaster(), WINDOWS)
    after = config.optimizer.get_experimental_options()
    assert not after.pop("disable_meta_optimizer", False) and before.items() >= after.items()
