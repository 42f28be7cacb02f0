import json
import threading

import numpy as np
import pytest

from labutils import backend, training
from labutils.data import series
from labutils.training import compiled

ROWS, SIZE, TIME = 203, 32, 10


@pytest.fixture(scope="module")
def data():
    x, y = series.sliding_windows(series.noisy_sine(0).values, TIME)
    return x[:ROWS], y[:ROWS]


def build(keras, *layers, optimizer="adam", loss="mse", **settings):
    backend.set_seed(0)
    model = keras.Sequential([keras.layers.Input((TIME, 1)), *(layer() for layer in layers)])
    model.compile(optimizer() if callable(optimizer) else optimizer, loss, **settings)
    return model


def forecaster(keras, units=6, **settings):
    return build(keras, lambda: keras.layers.LSTM(units), lambda: keras.layers.Dense(1), **settings)


def fit(model, data, **options):
    options = {"name": "net", "epochs": 3, "batch_size": SIZE, "validation_split": 0.2} | options
    return training.fit(model, *data, whole_epochs=True, verbose=False, **options)


NETWORKS = {
    "LSTM": lambda k: [lambda: k.layers.LSTM(6), lambda: k.layers.Dense(1)],
    "GRU": lambda k: [lambda: k.layers.GRU(5), lambda: k.layers.Dense(1)],
    "SimpleRNN": lambda k: [lambda: k.layers.SimpleRNN(5), lambda: k.layers.Dense(1)],
    "two recurrent layers": lambda k: [
        lambda: k.layers.GRU(4, return_sequences=True),
        lambda: k.layers.LSTM(3),
        lambda: k.layers.Dense(1),
    ],
    "no recurrence, penalised weights": lambda k: [
        k.layers.Flatten,
        lambda: k.layers.Dense(7, "relu", kernel_regularizer="l2"),
        lambda: k.layers.Dense(1),
    ],
}
OPTIMIZERS = {
    "adam": lambda k: "adam",
    "sgd with momentum": lambda k: lambda: k.optimizers.SGD(0.05, momentum=0.8),
    "clipped": lambda k: lambda: k.optimizers.RMSprop(0.01, clipnorm=0.1),
    "averaged weights": lambda k: lambda: k.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "falling rate": lambda k: lambda: k.optimizers.Adam(k.optimizers.schedules.CosineDecay(0.02, 40)),
}


@pytest.mark.parametrize(
    "network, optimizer",
    [(network, "adam") for network in NETWORKS]
    + [(network, o) for network in list(NETWORKS)[::4] for o in list(OPTIMIZERS)[1:]],
)
def test_the_curves_and_weights_are_those_of_model_fit(keras, data, network, optimizer):
    layers, settings = NETWORKS[network](keras), {"optimizer": OPTIMIZERS[optimizer](keras)}
    ours, plain = build(keras, *layers, **settings), build(keras, *layers, **settings)
    np.testing.assert_array_equal(ours.get_weights()[0], plain.get_weights()[0])
    run = fit(ours, data, seed=3, epochs=4)
    backend.set_seed(3)
    rows = int(ROWS * 0.8)
    assert rows % SIZE, "the last batch must be a smaller one"
    history = plain.fit(*data, epochs=4, batch_size=SIZE, validation_split=0.2, verbose=0).history
    assert run.history.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(run.history[name], values, rtol=2e-5)
    for one, other in zip(ours.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_dropout_draws_the_same_masks_where_no_batch_is_smaller(keras, data):
    layers = [lambda: keras.layers.LSTM(6), lambda: keras.layers.Dropout(0.3), lambda: keras.layers.Dense(1)]
    x, y = data[0][:192], data[1][:192]
    ours, plain = build(keras, *layers), build(keras, *layers)
    run = fit(ours, (x, y), seed=1, validation_split=0.0)
    backend.set_seed(1)
    history = plain.fit(x, y, epochs=3, batch_size=SIZE, verbose=0).history
    np.testing.assert_allclose(run.history["loss"], history["loss"], rtol=1e-5)


def test_a_second_training_goes_on_where_the_first_ended(keras, data):
    ours, plain = forecaster(keras), forecaster(keras)
    for epochs in (2, 3):
        run = fit(ours, data, epochs=epochs, seed=epochs)
        backend.set_seed(epochs)
        history = plain.fit(*data, epochs=epochs, batch_size=SIZE, validation_split=0.2, verbose=0).history
        np.testing.assert_allclose(run.history["loss"], history["loss"], rtol=2e-5)
    assert int(ours.optimizer.iterations) == int(plain.optimizer.iterations) == 5 * 6


def test_several_targets_and_the_test_score(keras, data):
    x, y = series.sliding_windows(series.noisy_sine(1).values[:200], TIME, 4)
    layers = [lambda: keras.layers.LSTM(5), lambda: keras.layers.Dense(4)]
    model = build(keras, *layers)
    run = fit(model, (x[:150], y[:150]), test=(x[150:], y[150:]))
    expected = np.mean((model.predict(x[150:], verbose=0) - y[150:]) ** 2)
    assert run.test_loss == pytest.approx(expected, rel=1e-5)


def test_models_of_one_architecture_share_what_was_compiled(keras, data):
    compiled._trainer.cache_clear()
    fit(forecaster(keras, 6), data)
    kept = compiled._trainer.cache_info().currsize
    fit(forecaster(keras, 6), data, epochs=1)
    fit(forecaster(keras, 6, optimizer=lambda: keras.optimizers.Adam(0.1)), data)
    assert compiled._trainer.cache_info().currsize == kept
    fit(forecaster(keras, 7), data)
    fit(forecaster(keras, 6), data, batch_size=16)
    assert compiled._trainer.cache_info().currsize == kept + 2


def test_models_of_one_architecture_keep_their_own_weights(keras, data):
    first, second = forecaster(keras), forecaster(keras, optimizer=lambda: keras.optimizers.Adam(0.1))
    fit(first, data)
    before = first.get_weights()
    faster = fit(second, data)
    assert faster.history["loss"][-1] != fit(forecaster(keras), data).history["loss"][-1]
    for now, then in zip(first.get_weights(), before):
        np.testing.assert_array_equal(now, then)
    assert float(second.optimizer.learning_rate) == pytest.approx(0.1)


def test_early_stopping_goes_back_to_the_best_epoch(keras, data):
    model = forecaster(keras, optimizer=lambda: keras.optimizers.Adam(0.2))
    run = fit(model, data, epochs=60, patience=3)
    assert run.epochs < 60 and run.ended == "early stopping" and run.kept_epoch == run.best_epoch
    x, y = data[0][int(ROWS * 0.8) :], data[1][int(ROWS * 0.8) :]
    now = np.mean((model.predict(x, verbose=0) - y) ** 2)
    assert now == pytest.approx(run.history["val_loss"][run.best_epoch - 1], rel=1e-4)


def test_it_tells_of_each_epoch_and_stops_on_request(keras, data):
    told = []
    run = fit(
        forecaster(keras), data, epochs=50, watch=lambda *t: told.append(t), stop=lambda: len(told) == 3
    )
    assert run.ended == "stopped on request" and run.epochs == 3
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert [logs["val_loss"] for _, logs in told] == run.history["val_loss"]


def test_stopped_at_once_there_is_a_run_without_epochs(keras, data):
    model = forecaster(keras)
    before = model.get_weights()
    run = fit(model, data, stop=lambda: True, test=data)
    assert run.epochs == 0 and run.best_epoch == 0 and run.ended == "stopped on request"
    assert np.isfinite(run.test_loss) and "stopped on request" in str(run)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert training.table([run]).loc["net", "epochs"] == 0
    with pytest.raises(ValueError, match="before its first epoch"):
        training.Run("net", {}, {"loss": []}, 0.0, 0, 0).at_kept_epoch("loss")


def test_two_threads_take_turns(keras, data):
    rates, losses = (0.001, 0.1), {}

    def with_rate(rate):
        return forecaster(keras, optimizer=lambda: keras.optimizers.Adam(rate))

    models = {rate: with_rate(rate) for rate in rates}

    def train(rate):
        losses[rate] = fit(models[rate], data, epochs=2, validation_split=0.0).history["loss"]

    threads = [threading.Thread(target=train, args=(rate,)) for rate in rates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rate in rates:
        alone = fit(with_rate(rate), data, epochs=2, validation_split=0.0).history["loss"]
        assert losses[rate] == pytest.approx(alone, rel=0.3)
    assert losses[0.1][1] < 0.5 * losses[0.001][1]


def test_equal_names_do_not_make_equal_architectures(keras, data):
    def named(activation):
        return build(keras, keras.layers.Flatten, lambda: keras.layers.Dense(1, activation, name=activation))

    relu = fit(named("relu"), data, epochs=1)
    tanh = fit(named("tanh"), data, epochs=1)
    assert relu.history["loss"] != tanh.history["loss"]


def test_sequences_as_targets_and_images_equal_keras(keras):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(75, 32, 1)), random.normal(size=(75, 32, 1))
    models = []
    for _ in range(2):
        backend.set_seed(0)
        layers = [keras.layers.GRU(4, return_sequences=True), keras.layers.Dense(1)]
        models.append(keras.Sequential([keras.layers.Input((32, 1)), *layers]))
        models[-1].compile("adam", "mse")
    run = fit(models[0], (x, y), seed=2, validation_split=0.0)
    backend.set_seed(2)
    history = models[1].fit(x, y, epochs=3, batch_size=SIZE, verbose=0).history
    np.testing.assert_allclose(run.history["loss"], history["loss"], rtol=1e-5)


def test_any_number_of_rows_uses_what_was_compiled(keras, data):
    fit(forecaster(keras), data)
    trainer = compiled._trainer_of(forecaster(keras), SIZE)
    fit(forecaster(keras), (data[0][:150], data[1][:150]))
    fit(forecaster(keras), (data[0][:100], data[1][:100, 0]))
    was_compiled = trainer.train.experimental_get_tracing_count()
    fit(forecaster(keras), (data[0][:120], data[1][:120]))
    assert trainer.train.experimental_get_tracing_count() == compiled <= 2


def test_more_rows_to_test_than_a_block_holds(keras, data):
    x, y = (np.concatenate([part] * 6) for part in data)
    model = forecaster(keras)
    run = fit(model, data, epochs=1, test=(x, y))
    assert len(x) > compiled.EVALUATION_BATCH
    assert run.test_loss == pytest.approx(np.mean((model.predict(x, verbose=0) - y) ** 2), rel=1e-5)


def test_an_interrupted_training_keeps_what_was_learned(keras, data):
    model = forecaster(keras)
    before = model.get_weights()[0]

    def watch(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, data, epochs=9, watch=watch)
    assert not np.array_equal(model.get_weights()[0], before)
    assert int(model.optimizer.iterations) == 2 * 6
    fit(model, data, epochs=1)


def test_a_training_within_itself_is_refused_and_does_not_hang(keras, data):
    with pytest.raises(RuntimeError, match="from within the training of one like it"):
        fit(forecaster(keras), data, watch=lambda *_: fit(forecaster(keras), data))
    assert fit(forecaster(keras), data).epochs == 3


def test_who_waits_for_another_training_can_be_stopped(keras, data):
    holding, done = threading.Event(), threading.Event()

    def hold():
        with compiled._ONE_TRAINING_AT_A_TIME:
            holding.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    run = fit(forecaster(keras), data, stop=lambda: True)
    done.set()
    thread.join()
    assert run.epochs == 0 and run.ended == "stopped on request"


def test_building_what_is_kept_draws_no_random_numbers(keras, data):
    losses = []
    for _ in range(2):
        backend.set_seed(0)
        first = keras.Sequential([keras.layers.Input((TIME, 1)), keras.layers.LSTM(9), keras.layers.Dense(1)])
        first.compile("adam", "mse")
        fit(first, data, epochs=1)
        second = keras.Sequential(
            [keras.layers.Input((TIME, 1)), keras.layers.LSTM(9), keras.layers.Dense(1)]
        )
        second.compile("adam", "mse")
        losses.append(fit(second, data, epochs=1).history["loss"])
    assert losses[0] == losses[1]


REFUSED = {
    "metrics beside its loss": lambda k: forecaster(k, metrics=["mae"]),
    "jit_compile=True": lambda k: forecaster(k, jit_compile=True),
    "loss must be given by name": lambda k: forecaster(k, loss=k.losses.Huber(0.1)),
    "optimizer must be one of": lambda k: forecaster(
        k, optimizer=lambda: k.optimizers.SGD(0.1, loss_scale_factor=8.0)
    ),
    "a layer BatchNormalization": lambda k: build(
        k, lambda: k.layers.LSTM(3), k.layers.BatchNormalization, lambda: k.layers.Dense(1)
    ),
    "a layer Lambda": lambda k: build(
        k, lambda: k.layers.Lambda(lambda x: x[:, 0]), lambda: k.layers.Dense(1)
    ),
    "activation of its layer Dense": lambda k: build(
        k, lambda: k.layers.LSTM(3), lambda: k.layers.Dense(1, activation=own_activation)
    ),
    "activity regularizer": lambda k: build(
        k, lambda: k.layers.LSTM(3, activity_regularizer="l2"), lambda: k.layers.Dense(1)
    ),
    "begin it with an Input layer": lambda k: without_input(k),
    "not a Sequential or Functional model": lambda k: subclassed(k),
}


def own_activation(x):
    return x


def without_input(keras):
    model = keras.Sequential([keras.layers.LSTM(3), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def subclassed(keras):
    class Mine(keras.Sequential):
        pass

    model = Mine([keras.layers.Input((TIME, 1)), keras.layers.LSTM(3), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("reason", REFUSED)
def test_what_does_not_work_is_refused_in_words(keras, data, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        fit(REFUSED[reason](keras), data)
    assert "Leave whole_epochs out" in str(caught.value)


def test_it_leaves_the_settings_of_tensorflow_as_they_were(keras, data):
    import tensorflow as tf

    before = json.dumps(tf.config.optimizer.get_experimental_options())
    fit(forecaster(keras), data)
    after = json.loads(json.dumps(tf.config.optimizer.get_experimental_options()))
    assert not after.pop("disable_meta_optimizer", False) and json.loads(before).items() >= after.items()
