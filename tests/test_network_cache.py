"""The cache of compiled networks: what shares one, and that each model keeps its own weights."""

import json
import random
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from training_helpers import LABELS, TOKENS, WINDOWS, build, calling, classifier, fit, forecaster, network

from labutils.training import network_cache
from labutils.training.network_cache import cached_networks


@pytest.fixture(autouse=True)
def empty_cache():
    network_cache.clear()


@pytest.mark.slow
def test_models_of_one_architecture_share_what_was_compiled():
    fit(forecaster(6), WINDOWS)
    fit(forecaster(6), WINDOWS, epochs=1)
    fit(forecaster(6, optimizer=lambda k: k.Adam(0.1)), WINDOWS)
    assert len(cached_networks()) == 1
    fit(forecaster(7), WINDOWS)
    fit(forecaster(6), WINDOWS, batch_size=16)
    assert len(cached_networks()) == 3
    for units in range(1, network_cache.CAPACITY):
        fit(forecaster(units), WINDOWS, epochs=1)
    assert len(cached_networks()) == network_cache.CAPACITY
    fit(classifier())
    assert len(cached_networks()) == network_cache.CAPACITY - 1, "which counts as two"


@pytest.mark.slow
def test_models_of_one_architecture_keep_their_own_weights():
    first, second = forecaster(), forecaster(optimizer=lambda k: k.Adam(0.1))
    fit(first, WINDOWS)
    before = first.get_weights()
    faster = fit(second, WINDOWS)
    assert faster.history["loss"][-1] != fit(forecaster(), WINDOWS).history["loss"][-1]
    for now, then in zip(first.get_weights(), before):
        np.testing.assert_array_equal(now, then)
    assert float(second.optimizer.learning_rate) == pytest.approx(0.1)


def test_a_name_that_equals_a_setting_does_not_hide_the_setting():
    def loss(activation):
        model = build(lambda k: [k.Flatten(), k.Dense(1, activation, name=activation)])
        return fit(model, WINDOWS, epochs=1).history["loss"]

    assert loss("relu") != loss("tanh")


@pytest.mark.slow
def test_any_number_of_rows_uses_what_was_compiled(keras, monkeypatch):
    calls, compute_loss = [], keras.Model.compute_loss

    def counted(*arguments, **settings):
        """Count the calls: a compiled network makes none, but while it is compiled."""
        calls.append(1)
        return compute_loss(*arguments, **settings)

    monkeypatch.setattr(keras.Model, "compute_loss", counted)
    for rows in (150, 100):
        fit(forecaster(), (WINDOWS[0][:rows], WINDOWS[1][:rows]))
    compiled = len(calls)
    fit(forecaster(), (WINDOWS[0][:120], WINDOWS[1][:120]))
    assert len(calls) == compiled > 0


def test_an_interrupted_training_keeps_what_was_learned(keras):
    model = forecaster()
    before = model.get_weights()[0]

    def interrupt(epoch):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, WINDOWS, epochs=9, callbacks=calling(keras, interrupt))
    assert not np.array_equal(model.get_weights()[0], before)
    assert int(model.optimizer.iterations) == 2 * 6
    assert fit(model, WINDOWS, epochs=1).epochs == 1


def test_a_network_interrupted_while_it_is_compiled_is_not_used_again(keras, monkeypatch):
    def interrupt(*arguments, **settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(keras.Model, "compute_loss", interrupt)
        fit(classifier(), epochs=1)
    assert fit(classifier(), epochs=1).epochs == 1


@pytest.mark.slow
def test_the_weights_come_back_when_the_training_fails_and_the_network_goes(keras):
    model = classifier()
    before = model.get_weights()

    def fail(epoch):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fit(model, callbacks=calling(keras, fail))
    assert not np.array_equal(before[0], model.get_weights()[0]) and not cached_networks()
    assert fit(model).trained_by == "Keras' own fit" and len(cached_networks()) == 1


@pytest.mark.slow
def test_a_training_inside_or_beside_another_goes_to_keras_own_fit_and_neither_changes(keras, capsys):
    others = []

    def train_another():
        others.append(fit(forecaster(seed=1), WINDOWS, epochs=1, name="other"))

    def train_others(epoch):
        with ThreadPoolExecutor() as pool:
            pool.submit(train_another).result()
        train_another()

    def weights(**options):
        model = forecaster()
        assert fit(model, WINDOWS, epochs=1, **options).trained_by == "compiled epochs"
        return model.get_weights()

    for ours, alone in zip(weights(callbacks=calling(keras, train_others)), weights()):
        np.testing.assert_array_equal(ours, alone)
    alone = fit(forecaster(seed=1), WINDOWS, epochs=1, fast=False)
    for other in others:
        assert other.trained_by == "Keras' own fit"
        np.testing.assert_allclose(other.history["loss"], alone.history["loss"], rtol=1e-5)
    why = "other: Keras' own fit, since another training goes on\n"
    assert capsys.readouterr().out.count(why) == len(others) == 2


@pytest.mark.slow
def test_keras_own_fit_in_a_cached_network_gives_the_same_numbers_every_time():
    model = classifier()
    plain = fit(model, fast=False)
    for _ in range(2):
        other = classifier()
        assert fit(other).history == plain.history
        for ours, theirs in zip(other.get_weights(), model.get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    assert len(cached_networks()) == 1


@pytest.mark.slow
def test_one_network_serves_all_learning_rates_and_names():
    fit(classifier(name="one"))
    slow = fit(classifier(rate=0.001, name="two"))
    assert len(cached_networks()) == 1
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
def test_a_network_cached_by_one_thread_serves_another():
    def trained_elsewhere():
        with ThreadPoolExecutor() as pool:
            return pool.submit(lambda: fit(classifier()).history).result()

    assert trained_elsewhere() == trained_elsewhere() == fit(classifier(), fast=False).history
    assert len(cached_networks()) == 1


@pytest.mark.slow
def test_other_metrics_and_other_types_have_a_network_of_their_own(keras):
    def train(name, x):
        metrics = [keras.metrics.MeanAbsoluteError(name=name)]
        model = network(lambda k: [k.Input((6,)), k.Dense(1)], metrics=metrics)
        return fit(model, (x, LABELS), epochs=1).history

    assert "one" in train("one", TOKENS) and "two" in train("two", TOKENS) and len(cached_networks()) == 2
    train("two", TOKENS.astype("float32"))
    assert len(cached_networks()) == 3


@pytest.mark.slow
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
    assert losses[1] >= 999 * losses[0] and not cached_networks()


def test_building_what_is_cached_draws_no_random_numbers():
    def losses_of_the_second():
        fit(forecaster(9), WINDOWS, epochs=1)
        return fit(forecaster(9, seed=None), WINDOWS, epochs=1).history["loss"]

    assert losses_of_the_second() == losses_of_the_second()
    network_cache.clear()
    model = network(lambda k: [k.Input((6,)), k.Dense(3), k.Lambda(lambda x: x[:, :1])])
    before = random.getstate()
    assert fit(model, epochs=1).trained_by == "Keras' own fit" and not cached_networks(), (
        "it cannot be built again"
    )
    assert random.getstate() == before


def test_a_functional_model_is_cached_as_a_sequential_one_is(keras):
    def functional(reads_first=True, name=None):
        """Two layers of four outputs each, side by side in one order or the other."""
        keras.utils.set_random_seed(0)
        inputs = keras.Input(WINDOWS[0].shape[1:])
        flat = keras.layers.Flatten()(inputs)
        read = keras.layers.Dense(4, "tanh", name=name)(flat)
        parts = [read, keras.layers.Dense(4)(read)]
        both = keras.layers.Concatenate()(parts if reads_first else parts[::-1])
        model = keras.Model(inputs, keras.layers.Dense(1)(both))
        model.compile("adam", "mse")
        return model

    def assert_as_keras_trains(entries, **settings):
        ours, plain = (fit(functional(**settings), WINDOWS, fast=fast, epochs=2) for fast in (True, False))
        assert ours.trained_by == "compiled epochs" and len(cached_networks()) == entries
        np.testing.assert_allclose(ours.history["loss"], plain.history["loss"], rtol=2e-5)

    assert_as_keras_trains(1)
    assert_as_keras_trains(1, name="tanh")  # which is a setting, too
    assert_as_keras_trains(2, reads_first=False)


def test_clearing_the_cache_within_a_training_is_refused_in_words(keras):
    model = network(lambda k: [k.Input((6,)), k.Dense(1)])
    with pytest.raises(RuntimeError, match="cached network is being trained: clear the cache when"):
        fit(model, epochs=1, callbacks=calling(keras, lambda epoch: network_cache.clear()))
    network_cache.clear()
    assert fit(model, epochs=1).trained_by == "compiled epochs"


def test_weights_spared_by_the_decay_are_spared_when_fast(keras):
    weights = []
    for fast in (True, False):
        model = network(lambda k: [k.Input((6,)), k.Dense(1)], optimizer=lambda o: o.AdamW(weight_decay=0.5))
        model.optimizer.exclude_from_weight_decay(var_names=["kernel"])
        fit(model, fast=fast)
        weights.append(model.get_weights()[0])
    np.testing.assert_array_equal(*weights)


def test_an_optimizer_built_for_other_weights_goes_to_keras_own_fit(capsys):
    model = network(lambda k: [k.Input((6,)), k.Dense(2), k.Dense(1)])
    fit(model)
    model.layers[0].trainable = False
    assert fit(model, name="frozen").trained_by == "Keras' own fit"
    assert "its optimizer was built for other weights: compile it again" in capsys.readouterr().out


@pytest.mark.slow
def test_a_callback_sees_and_saves_the_model_under_its_own_names(keras, tmp_path):
    def configuration(path):
        def without_counts(node):  # of objects, which Keras counts as it saves
            return {name: part for name, part in node.items() if name != "shared_object_id"}

        with zipfile.ZipFile(path) as saved:
            return json.loads(saved.read("config.json"), object_hook=without_counts)

    def sequential(name):
        return build(
            lambda k: [k.LSTM(4, name=f"{name}_states"), k.Dense(1, name=f"{name}_output")], name=name
        )

    def functional(name):
        keras.utils.set_random_seed(0)
        inputs = keras.Input(WINDOWS[0].shape[1:], name=f"{name}_window")
        states = keras.layers.GRU(4, name=f"{name}_states")(inputs)
        outputs = keras.layers.Dense(1, name=f"{name}_output")(states)
        model = keras.Model(inputs, outputs, name=name)
        model.compile(keras.optimizers.Adam(0.01, name=f"{name}_adam"), "mse", metrics=["mae"])
        return model

    class GetLayer(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert self.model.get_layer(f"{self.model.name}_states").unroll is False

    for number, design in enumerate([sequential, functional]):
        network_cache.clear()
        for name in ("first", "second"):
            model, path = design(name), tmp_path / f"{number}_{name}.keras"
            fit(model, WINDOWS, epochs=2, callbacks=[keras.callbacks.ModelCheckpoint(path), GetLayer()])
            assert len(cached_networks()) == 1
            model.save(tmp_path / "by_itself.keras")
            assert configuration(path) == configuration(tmp_path / "by_itself.keras")
            saved = keras.models.load_model(path)
            for theirs, ours in zip(saved.get_weights(), model.get_weights(), strict=True):
                np.testing.assert_array_equal(theirs, ours)


@pytest.mark.slow
@pytest.mark.parametrize("metrics", [None, ["mae"]], ids=["compiled", "Keras' fit"])
def test_a_callback_that_restores_a_training_gets_the_model_itself_and_leaves_the_cache_alone(
    keras, tmp_path, metrics, capsys
):
    def fail(epoch):
        if epoch == 3:
            raise RuntimeError("a power cut")

    backup, options = keras.callbacks.BackupAndRestore(tmp_path), {"epochs": 5, "name": "net"}
    with pytest.raises(RuntimeError, match="a power cut"):
        fit(forecaster(metrics=metrics), WINDOWS, callbacks=[backup, *calling(keras, fail)], **options)
    restored = fit(forecaster(metrics=metrics), WINDOWS, callbacks=[backup], **options)
    assert restored.epochs < 5, "it goes on where it was"
    assert fit(forecaster(metrics=metrics), WINDOWS, **options).epochs == 5
    why = "net: Keras' own fit, since BackupAndRestore needs the model itself, not a copy\n"
    assert capsys.readouterr().out.count(why) == 2


@pytest.mark.parametrize("metrics", [None, ["mae"]], ids=["compiled", "Keras' fit"])
def test_after_the_training_callbacks_and_history_belong_to_the_model(keras, metrics):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    models, callbacks = [forecaster(metrics=metrics) for _ in range(2)], [Stop(), Stop()]
    for model, callback in zip(models, callbacks):
        run = fit(model, WINDOWS, callbacks=[callback])
        assert run.epochs == 2 and model.stop_training
        assert model.history.model is model and model.history.params["epochs"] == 3
        for quantity, values in run.history.items():
            assert model.history.history[quantity] == pytest.approx(values)
    (network,) = cached_networks()
    assert [callback.model for callback in callbacks] == models
    assert models[0].history is not models[1].history and network.history is None


def test_a_model_that_is_to_run_eagerly_does_so_itself(keras):
    model, is_compiled = network(lambda k: [k.Input((6,)), k.Dense(1)]), []
    model.run_eagerly = True  # after the compilation, in whose settings it is not

    def look(epoch):
        is_compiled.append(hasattr(model.train_function, "function_spec"))

    run = fit(model, epochs=1, callbacks=calling(keras, look))
    assert run.trained_by == "Keras' own fit" and is_compiled == [False] and not cached_networks()
