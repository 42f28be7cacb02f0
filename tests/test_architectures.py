"""A kept network trains exactly as the model that borrows it would have."""

import threading

import numpy as np
import pytest

from labutils import backend, training
from labutils.training import architectures

X = np.random.default_rng(0).integers(1, 20, (90, 6))
Y = (X.sum(axis=1) > 60).astype("float32")


@pytest.fixture(autouse=True)
def nothing_kept():
    architectures._kept.cache_clear()


def build(keras, units=4, learning_rate=0.01, seed=0, layer="GRU", name=None):
    backend.set_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Embedding(20, 3),
            keras.layers.Dropout(0.2),
            getattr(keras.layers, layer)(units),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name=name,
    )
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def fit(model, **settings):
    settings = {"epochs": 3, "batch_size": 16, "validation_split": 0.2, "verbose": False} | settings
    return training.fit(model, X, Y, name="net", **settings)


def kept():
    return architectures._kept.cache_info().currsize


def test_it_trains_as_without_the_first_time_and_every_later_time(keras):
    model = build(keras)
    plain = fit(model)
    for _ in range(2):
        other = build(keras)
        run = fit(other, keep_compiled=True)
        assert run.history == plain.history
        for ours, theirs in zip(other.get_weights(), model.get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    assert kept() == 1


def test_one_network_serves_all_learning_rates_and_names(keras):
    fit(build(keras, name="one"), keep_compiled=True)
    slow = fit(build(keras, learning_rate=0.001, name="two"), keep_compiled=True)
    assert kept() == 1
    assert slow.history == fit(build(keras, learning_rate=0.001)).history
    fit(build(keras, units=5), keep_compiled=True)
    fit(build(keras, layer="LSTM"), keep_compiled=True)
    assert kept() == 3


def test_training_goes_on_where_it_was(keras):
    def twice(**settings):
        model = build(keras)
        fit(model, epochs=1, **settings)
        fit(build(keras, seed=5), epochs=1, keep_compiled=True)  # another borrower in between
        backend.set_seed(1)
        return fit(model, epochs=1, **settings), model

    ours, model = twice(keep_compiled=True)
    theirs, _ = twice()
    assert ours.history == theirs.history and int(model.optimizer.iterations) == 10


def test_early_stopping_gives_the_best_weights_back(keras):
    model, plain = build(keras), build(keras)
    backend.set_seed(3)
    kept_run = fit(model, epochs=30, patience=1, keep_compiled=True)
    backend.set_seed(3)
    assert fit(plain, epochs=30, patience=1).kept_epoch == kept_run.kept_epoch
    np.testing.assert_array_equal(model.get_weights()[0], plain.get_weights()[0])


def test_what_cannot_be_built_again_is_trained_as_it_is(keras):
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    model = keras.Sequential([keras.layers.Input((6,)), Twice(), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    before = model.get_weights()[0]
    fit(model, keep_compiled=True)
    assert not np.array_equal(before, model.get_weights()[0]) and kept() == 0


def test_the_weights_come_back_when_the_training_fails(keras):
    model = build(keras)
    before = model.get_weights()

    def watch(epoch, logs):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fit(model, keep_compiled=True, watch=watch)
    assert not np.array_equal(before[0], model.get_weights()[0])
    with architectures.borrowed(model, X, Y) as network:  # the lock is free again
        assert network is not model


def test_a_training_inside_a_training_does_not_wait(keras):
    with architectures.borrowed(build(keras), X, Y) as outer:
        inner = build(keras)
        with architectures.borrowed(inner, X, Y) as network:
            assert network is inner and network is not outer


def test_a_network_kept_by_one_thread_serves_another(keras):
    histories = []

    def train():
        histories.append(fit(build(keras), keep_compiled=True).history)

    for _ in range(2):
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    assert histories[0] == histories[1] == fit(build(keras)).history and kept() == 1


def test_a_model_without_an_input_layer_is_trained_as_it_is(keras):
    for _ in range(2):
        model = keras.Sequential([keras.layers.Embedding(20, 3), keras.layers.LSTM(2), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        fit(model, epochs=1, keep_compiled=True)
    assert kept() == 0


def test_whole_epochs_leave_their_weights_in_the_model(keras):
    model = keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Embedding(20, 3),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    run = fit(model, whole_epochs=True, keep_compiled=True)
    assert model.evaluate(X[72:], Y[72:], verbose=0) == pytest.approx(run.history["val_loss"][-1], rel=1e-4)
    assert kept() == 0


def test_other_metrics_and_other_shapes_have_a_network_of_their_own(keras):
    def train(name, x):
        model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(1)])
        model.compile("adam", "mse", metrics=[keras.metrics.MeanAbsoluteError(name=name)])
        return training.fit(model, x, Y, name="n", epochs=1, verbose=False, keep_compiled=True).history

    assert "one" in train("one", X) and "two" in train("two", X) and kept() == 2
    train("two", X.astype("float32"))
    assert kept() == 3


def test_a_registered_layer_may_change_under_its_name(keras):
    losses = []
    for factor in (1, 1000):

        @keras.saving.register_keras_serializable("lab")
        class Scaled(keras.layers.Layer):
            def call(self, x, factor=factor):
                return factor * x

        backend.set_seed(0)
        model = keras.Sequential([keras.layers.Input((6,)), Scaled(), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.optimizer.learning_rate = 0.0
        losses.append(fit(model, epochs=1, keep_compiled=True).history["loss"][0])
    assert losses[1] > 1000 * losses[0] and kept() == 0


def test_a_registered_loss_may_change_under_its_name(keras):
    losses = []
    for factor in (1, 1000):

        @keras.saving.register_keras_serializable("lab")
        def my_loss(y, predicted, factor=factor):
            return factor * keras.ops.mean((y - predicted) ** 2)

        backend.set_seed(0)
        model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.0), my_loss)
        losses.append(fit(model, epochs=1, keep_compiled=True).history["loss"][0])
    assert losses[1] == pytest.approx(1000 * losses[0]) and kept() == 0


def test_stop_is_asked_before_the_first_batch_and_before_the_validation(keras):
    model, asked = build(keras), []
    run = fit(model, stop=lambda: True, keep_compiled=True)
    assert run.epochs == 0 and run.ended == "stopped on request" and int(model.optimizer.iterations) == 0

    def stop():
        asked.append(1)
        return len(asked) > 6  # once at the start, after five batches, before the validation

    run = fit(build(keras), stop=stop, keep_compiled=True)
    assert run.epochs == 0 and len(asked) == 7
    other = training.fit(
        build(keras),
        X,
        Y,
        name="n",
        epochs=1,
        batch_size=16,
        verbose=False,
        keep_compiled=True,
        validation=(X[:9], Y[:9]),
    )
    plain = training.fit(
        build(keras), X, Y, name="n", epochs=1, batch_size=16, verbose=False, validation=(X[:9], Y[:9])
    )
    assert other.history == plain.history  # not validated with what the stopped one had left


def test_advance_tells_the_epochs_done_after_each_batch(keras):
    told = []
    fit(build(keras), epochs=2, advance=told.append)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2])
