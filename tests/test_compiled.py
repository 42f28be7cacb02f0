"""Compiled epochs and kept networks train exactly as the caller's own model would have."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from training_helpers import network

from labutils import training
from labutils.data import series
from labutils.training import compiled_epochs, kept_networks

ROWS, SIZE, TIME = 203, 32, 10
TOKENS = np.random.default_rng(0).integers(1, 20, (90, 6))
LABELS = (TOKENS.sum(axis=1) > 60).astype("float32")


@pytest.fixture(autouse=True)
def nothing_kept():
    kept_networks._KEPT.clear()


@pytest.fixture(scope="module")
def data():
    x, y = series.sliding_windows(series.noisy_sine(0).values, TIME)
    return x[:ROWS], y[:ROWS]


def build(layers, **settings):
    return network(lambda k: [k.Input((TIME, 1)), *layers(k)], **settings)


def forecaster(units=6, **settings):
    return build(lambda k: [k.LSTM(units), k.Dense(1)], **settings)


def classifier(rate=0.01, **settings):
    """A model with a metric beside its loss, which Keras' own fit trains in a kept network."""
    return network(
        lambda k: [k.Input((6,)), k.Embedding(20, 3), k.Dropout(0.2), k.GRU(4), k.Dense(1, "sigmoid")],
        "binary_crossentropy",
        lambda optimizers: optimizers.Adam(rate),
        metrics=["accuracy"],
        **settings,
    )


def fit(model, data=(TOKENS, LABELS), fast=True, **options):
    options = {"epochs": 3, "batch_size": 16 if data[0] is TOKENS else SIZE, "validation": 0.2} | options
    return training.fit(model, *data, fast=fast, **options)


def calling(keras, function):
    return [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: function(epoch + 1))]


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


def assert_equal_to_keras(keras, ours, plain, data, epochs=4, validation=0.2):
    """Train one model here and its double by ``model.fit``: same curves, same weights."""
    keras.utils.set_random_seed(3)
    run = fit(ours, data, epochs=epochs, validation=validation)
    keras.utils.set_random_seed(3)
    history = plain.fit(*data, epochs=epochs, batch_size=SIZE, validation_split=validation, verbose=0).history
    assert run.settings["trained_by"] == "compiled epochs" and run.history.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(run.history[name], values, rtol=2e-5)
    for weights, others in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(weights, others, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers, optimizer",
    [(layers, "adam") for layers in NETWORKS]
    + [(layers, o) for layers in list(NETWORKS)[::4] for o in list(OPTIMIZERS)[1:]],
)
def test_the_curves_and_weights_are_those_of_model_fit(keras, data, layers, optimizer):
    assert int(ROWS * 0.8) % SIZE, "the last batch must be a smaller one"
    doubles = [build(NETWORKS[layers], optimizer=OPTIMIZERS[optimizer]) for _ in range(2)]
    assert_equal_to_keras(keras, *doubles, data)


@pytest.mark.slow
def test_dropout_draws_the_same_masks_where_no_batch_is_smaller(keras, data):
    doubles = [build(lambda k: [k.LSTM(6), k.Dropout(0.3), k.Dense(1)]) for _ in range(2)]
    assert_equal_to_keras(keras, *doubles, (data[0][:192], data[1][:192]), validation=0.0)


@pytest.mark.slow
def test_a_second_training_goes_on_where_the_first_ended(keras, data):
    ours, plain = forecaster(), forecaster()
    for epochs in (2, 3):
        assert_equal_to_keras(keras, ours, plain, data, epochs)
    assert int(ours.optimizer.iterations) == int(plain.optimizer.iterations) == 5 * 6


@pytest.mark.slow
@pytest.mark.parametrize("targets", [1, 4, TIME])
def test_several_targets_sequences_as_targets_and_the_test_score(keras, data, targets):
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


@pytest.mark.slow
def test_models_of_one_architecture_share_what_was_compiled(data):
    fit(forecaster(6), data)
    fit(forecaster(6), data, epochs=1)
    fit(forecaster(6, optimizer=lambda k: k.Adam(0.1)), data)
    assert len(kept_networks._KEPT) == 1
    fit(forecaster(7), data)
    fit(forecaster(6), data, batch_size=16)
    assert len(kept_networks._KEPT) == 3
    for units in range(1, kept_networks.KEPT):
        fit(forecaster(units), data, epochs=1)
    assert len(kept_networks._KEPT) == kept_networks.KEPT
    fit(classifier())
    assert len(kept_networks._KEPT) == kept_networks.KEPT - 1, "which counts as two"


def test_models_of_one_architecture_keep_their_own_weights(data):
    first, second = forecaster(), forecaster(optimizer=lambda k: k.Adam(0.1))
    fit(first, data)
    before = first.get_weights()
    faster = fit(second, data)
    assert faster.history["loss"][-1] != fit(forecaster(), data).history["loss"][-1]
    for now, then in zip(first.get_weights(), before):
        np.testing.assert_array_equal(now, then)
    assert float(second.optimizer.learning_rate) == pytest.approx(0.1)


def test_a_name_that_equals_a_setting_does_not_hide_the_setting(data):
    def loss(activation):
        model = build(lambda k: [k.Flatten(), k.Dense(1, activation, name=activation)])
        return fit(model, data, epochs=1).history["loss"]

    assert loss("relu") != loss("tanh")


@pytest.mark.slow
def test_any_number_of_rows_uses_what_was_compiled(data):
    for rows in (150, 100):
        fit(forecaster(), (data[0][:rows], data[1][:rows]))
    (kept,) = kept_networks._KEPT.values()
    traced = kept._train_batches.experimental_get_tracing_count()
    fit(forecaster(), (data[0][:120], data[1][:120]))
    assert kept._train_batches.experimental_get_tracing_count() == traced <= 2


def test_an_interrupted_training_keeps_what_was_learned(keras, data):
    model = forecaster()
    before = model.get_weights()[0]

    def interrupt(epoch):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, data, epochs=9, callbacks=calling(keras, interrupt))
    assert not np.array_equal(model.get_weights()[0], before)
    assert int(model.optimizer.iterations) == 2 * 6
    assert fit(model, data, epochs=1).epochs == 1


@pytest.mark.slow
def test_the_weights_come_back_when_the_training_fails_and_the_network_goes(keras):
    model = classifier()
    before = model.get_weights()

    def fail(epoch):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fit(model, callbacks=calling(keras, fail))
    assert not np.array_equal(before[0], model.get_weights()[0]) and not kept_networks._KEPT
    assert fit(model).settings["trained_by"] == "Keras' own fit" and len(kept_networks._KEPT) == 1


@pytest.mark.slow
def test_a_training_inside_or_beside_another_goes_to_keras_own_fit_and_neither_changes(keras, data, capsys):
    others = []

    def train_another():
        others.append(fit(forecaster(seed=1), data, epochs=1, name="other"))

    def train_others(epoch):
        with ThreadPoolExecutor() as pool:
            pool.submit(train_another).result()
        train_another()

    def weights(**options):
        model = forecaster()
        assert fit(model, data, epochs=1, **options).settings["trained_by"] == "compiled epochs"
        return model.get_weights()

    for ours, alone in zip(weights(callbacks=calling(keras, train_others)), weights()):
        np.testing.assert_array_equal(ours, alone)
    alone = fit(forecaster(seed=1), data, epochs=1, fast=False)
    for other in others:
        assert other.settings["trained_by"] == "Keras' own fit"
        np.testing.assert_allclose(other.history["loss"], alone.history["loss"], rtol=1e-5)
    why = "other: Keras' own fit, since another training goes on\n"
    assert capsys.readouterr().out.count(why) == len(others) == 2


@pytest.mark.slow
def test_keras_own_fit_in_a_kept_network_gives_the_same_numbers_every_time():
    model = classifier()
    plain = fit(model, fast=False)
    for _ in range(2):
        other = classifier()
        assert fit(other).history == plain.history
        for ours, theirs in zip(other.get_weights(), model.get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    assert len(kept_networks._KEPT) == 1


@pytest.mark.slow
def test_one_network_serves_all_learning_rates_and_names():
    fit(classifier(name="one"))
    slow = fit(classifier(rate=0.001, name="two"))
    assert len(kept_networks._KEPT) == 1
    assert slow.history == fit(classifier(rate=0.001), fast=False).history


@pytest.mark.slow
def test_training_goes_on_where_it_was_though_another_model_came_between(keras):
    def twice(**settings):
        model = classifier()
        fit(model, epochs=1, **settings)
        fit(classifier(seed=5), epochs=1)
        keras.utils.set_random_seed(1)
        return fit(model, epochs=1, **settings), model

    ours, model = twice()
    theirs, _ = twice(fast=False)
    assert ours.history == theirs.history and int(model.optimizer.iterations) == 10


@pytest.mark.slow
def test_a_network_kept_by_one_thread_serves_another():
    def trained_elsewhere():
        with ThreadPoolExecutor() as pool:
            return pool.submit(lambda: fit(classifier()).history).result()

    assert trained_elsewhere() == trained_elsewhere() == fit(classifier(), fast=False).history
    assert len(kept_networks._KEPT) == 1


@pytest.mark.slow
def test_other_metrics_and_other_types_have_a_network_of_their_own(keras):
    def train(name, x):
        metrics = [keras.metrics.MeanAbsoluteError(name=name)]
        model = network(lambda k: [k.Input((6,)), k.Dense(1)], metrics=metrics)
        return fit(model, (x, LABELS), epochs=1).history

    assert "one" in train("one", TOKENS) and "two" in train("two", TOKENS) and len(kept_networks._KEPT) == 2
    train("two", TOKENS.astype("float32"))
    assert len(kept_networks._KEPT) == 3


@pytest.mark.parametrize("kind", ["layer", "loss"])
def test_what_is_registered_may_change_under_its_name(keras, kind):
    losses = []
    for factor in (1, 1000):

        @keras.saving.register_keras_serializable("lab")
        class Scaled(keras.layers.Layer):
            def call(self, x, factor=factor):
                return factor * x

        @keras.saving.register_keras_serializable("lab")
        def my_loss(y, predicted, factor=factor):
            return factor * keras.ops.mean((y - predicted) ** 2)

        model = network(
            lambda k: [k.Input((6,)), Scaled() if kind == "layer" else k.Flatten(), k.Dense(1)],
            my_loss if kind == "loss" else "mse",
            lambda optimizers: optimizers.SGD(0.0),
        )
        losses.append(fit(model, epochs=1).history["loss"][0])
    assert losses[1] >= 999 * losses[0] and not kept_networks._KEPT


def test_building_what_is_kept_draws_no_random_numbers(data):
    def losses_of_the_second():
        fit(forecaster(9), data, epochs=1)
        return fit(forecaster(9, seed=None), data, epochs=1).history["loss"]

    assert losses_of_the_second() == losses_of_the_second()


def own_activation(x):
    return x


def subclassed(keras):
    model = type("Mine", (keras.Sequential,), {"__module__": __name__})(forecaster().layers)
    model.compile("adam", "mse")
    return model


REASONS = {
    "metrics beside its loss": lambda k: forecaster(metrics=["mae"]),
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
def test_what_cannot_be_compiled_is_trained_by_keras_own_fit_and_one_line_says_why(
    keras, data, reason, capsys
):
    settings = {"epochs": 1, "batch_size": 29, "validation": None}
    run = fit(REASONS[reason](keras), data, name="net", **settings)
    assert run.settings["trained_by"] == "Keras' own fit"
    plain = fit(REASONS[reason](keras), data, fast=False, **settings)
    np.testing.assert_allclose(run.history["loss"], plain.history["loss"], rtol=1e-4)
    why, progress = capsys.readouterr().out.splitlines()
    assert why.startswith("net: Keras' own fit, since ") and reason in why and len(why) < 120
    assert progress == "net: epoch 1 of 1"


def test_it_leaves_the_settings_of_tensorflow_as_they_were(data):
    from tensorflow import config

    before = config.optimizer.get_experimental_options()
    fit(forecaster(), data)
    after = config.optimizer.get_experimental_options()
    assert not after.pop("disable_meta_optimizer", False) and before.items() >= after.items()
