"""`training.fit`: the numbers of Keras, callbacks, and words before a training that cannot work."""

import math

import numpy as np
import pytest
from training_helpers import network

from labutils import training
from labutils.training.keras_trainer import even_batch

WAYS = pytest.mark.parametrize("fast", [False, True], ids=["Keras' fit", "compiled"])


@pytest.fixture(scope="module")
def task():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)).astype("float32")
    y = (x[:, 0] + 0.3 * random.normal(size=200) > 0).astype("float32")
    return x, y


def small_net(metrics=("accuracy",), optimizer=lambda optimizers: optimizers.Adam(0.05)):
    return network(
        lambda k: [k.Input((3,)), k.Dense(8, "relu"), k.Dense(1, "sigmoid")],
        "binary_crossentropy",
        optimizer,
        metrics=list(metrics),
    )


def run_of(model, task, **options):
    options = {"name": "net", "epochs": 3, "batch_size": 32, "validation": 0.2} | options
    return training.fit(model, *task, **options)


def early_stopping(keras, patience):
    return [keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)]


@pytest.fixture(scope="module")
def run(task):
    return run_of(small_net(), task, test=task)


def test_the_numbers_are_those_of_model_fit(run, task):
    plain = small_net().fit(*task, epochs=3, batch_size=32, validation_split=0.2, verbose=0).history
    assert run.history.keys() == plain.keys()
    for quantity, values in plain.items():
        assert run.history[quantity] == pytest.approx(values, rel=1e-5)


def test_a_run_says_what_happened(run):
    assert run.epochs == 3 and run.parameters == 41 and run.seconds > 0
    assert (run.batch_size, run.max_epochs, run.training_rows) == (32, 3, 160)
    assert run.trained_by == "Keras' own fit" and run.ended == "all epochs done"
    assert run.best_epoch == 1 + int(np.argmin(run.history["val_loss"])) and run.kept_epoch == 3
    assert run.scores == {"loss": run.test_loss, "accuracy": run.test_accuracy}
    assert str(run).startswith("net: 3 epochs in ") and f"test accuracy {run.test_accuracy:.3f}" in str(run)
    assert "\n" not in str(run)


def test_it_prints_the_same_line_on_every_machine_and_nothing_else(keras, task, capfd):
    model = small_net()
    run_of(model, task)
    run_of(model, task, epochs=40, callbacks=early_stopping(keras, 1))
    assert run_of(model, task, name=None).name.startswith("sequential")
    captured = capfd.readouterr()
    assert captured.out == "net: epoch 1 2 3 of 3\nnet: at most 40 epochs … done\n" and captured.err == ""


def test_of_two_callbacks_that_restore_weights_the_last_has_the_last_word(keras, task):
    model, (x, y) = small_net(()), task
    worst = keras.callbacks.EarlyStopping("loss", mode="max", patience=9, restore_best_weights=True)
    run = run_of(model, task, callbacks=[worst, *early_stopping(keras, 9)])
    score = training.evaluate(model, x[160:], y[160:])["loss"]
    assert worst.best_epoch == 0 and run.kept_epoch == run.best_epoch > 1
    assert score == pytest.approx(run.at_kept_epoch("val_loss"), 1e-4)


@WAYS
@pytest.mark.parametrize("patience, epochs, batch_size", [(2, 60, 32), (4, 4, 4)], ids=["stops", "need not"])
def test_early_stopping_keeps_the_weights_of_the_best_epoch(keras, task, fast, patience, epochs, batch_size):
    model, (x, y), callbacks = small_net(()), task, early_stopping(keras, patience)
    run = run_of(model, task, epochs=epochs, batch_size=batch_size, callbacks=callbacks, fast=fast)
    score = training.evaluate(model, x[160:], y[160:])["loss"]
    assert score == pytest.approx(min(run.history["val_loss"]), 1e-4) and run.kept_epoch == run.best_epoch
    if patience < epochs:
        assert run.best_epoch == run.epochs - 2 < 60 and run.ended == "early stopping"
        assert f"weights of epoch {run.best_epoch} kept" in str(run)


def test_without_validation_the_best_epoch_is_that_of_lowest_training_loss(task):
    run = run_of(small_net(), task, validation=None)
    assert "val_loss" not in run.history
    assert run.best_epoch == 1 + int(np.argmin(run.history["loss"]))
    with pytest.raises(KeyError, match="has no 'val_loss', only"):
        run.at_kept_epoch("val_loss")
    with pytest.raises(ValueError, match="net has no test accuracy: give fit"):
        _ = run.test_accuracy


@WAYS
def test_callbacks_are_called_as_keras_calls_them_and_see_each_epochs_network(keras, task, fast):
    calls, accuracies = [], []
    x, y = task

    class Witness(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert batch < self.params["steps"] == 5 and logs["loss"] > 0
            if batch == 4:
                calls.append("last batch")

        def on_epoch_end(self, epoch, logs=None):
            calls.append([epoch, *sorted(logs)])
            accuracies.append(float(np.mean((self.model.predict_on_batch(x)[:, 0] > 0.5) == y)))

    for moment in ("on_train_begin", "on_epoch_begin", "on_test_begin", "on_test_end", "on_train_end"):
        setattr(Witness, moment, lambda self, *arguments, moment=moment: calls.append(moment))
    model = small_net(())
    run_of(model, task, epochs=2, callbacks=[Witness()], fast=fast)
    within = ["on_epoch_begin", "last batch", "on_test_begin", "on_test_end"]
    epochs = [[*within, [epoch, "loss", "val_loss"]] for epoch in (0, 1)]
    assert calls == ["on_train_begin", *epochs[0], *epochs[1], "on_train_end"]
    assert accuracies[-1] == np.mean((model.predict(x, verbose=0)[:, 0] > 0.5) == y) != accuracies[0]


def test_callbacks_are_told_the_same_in_both_ways(keras, task):
    def told(fast):
        everything = []

        class Witness(keras.callbacks.Callback):
            def set_params(self, params):
                everything.append(params)

            def on_train_batch_end(self, batch, logs=None):
                if batch == 4:  # compiled epochs name only the last batch of a call
                    everything.append(logs)

        def tell(self, *arguments, **logs):
            everything.append([*arguments, *logs.values()])

        for moment in ("train_begin", "epoch_begin", "test_begin", "test_end", "epoch_end", "train_end"):
            setattr(Witness, f"on_{moment}", tell)
        progress = keras.callbacks.ProgbarLogger()  # which asks for "verbose"
        run_of(small_net(()), task, callbacks=[Witness(), progress], epochs=2, fast=fast)
        return everything

    ours, theirs = told(True), told(False)
    assert len(ours) == len(theirs) == 1 + 1 + 2 * 5 + 1 and ours[0] == theirs[0]
    for our, their in zip(ours[1:], theirs[1:]):
        our, their = (each if isinstance(each, list) else [each] for each in (our, their))
        assert our[:-1] == their[:-1] and our[-1] == pytest.approx(their[-1], rel=1e-5)
    assert ours[-1][0].keys() == {"loss", "val_loss"}


@WAYS
@pytest.mark.parametrize("moment", ["on_train_begin", "on_train_batch_end", "on_epoch_end"])
def test_a_callback_stops_the_training_and_an_epoch_broken_off_is_not_recorded(
    keras, task, fast, moment, capsys
):
    tested = []

    def stop_now(callback, *args, **logs):
        callback.model.stop_training = True

    stop = type("Stop", (keras.callbacks.Callback,), {moment: stop_now})()
    counter = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: tested.append("val_loss" in logs)
    )

    run = run_of(small_net(()), task, callbacks=[stop, counter], epochs=50, fast=fast, test=task)
    whole = moment == "on_epoch_end"
    assert run.ended == "stopped on request" and run.epochs == run.kept_epoch == whole
    assert math.isfinite(run.test_loss) and "stopped on request" in str(run)
    # a stop before the first batch ends Keras' fit after its first epoch began, and compiled epochs before
    began = [] if fast and moment == "on_train_begin" else [whole]
    assert tested == began, "an epoch broken off is not validated"
    assert capsys.readouterr().out == f"net: epoch{' 1' * whole} of 50\n"
    if not whole:
        assert training.table(run).loc["net", "epochs"] == 0
        with pytest.raises(ValueError, match="before its first epoch"):
            run.at_kept_epoch("loss")


@WAYS
def test_early_stopping_on_the_loss_does_not_hide_what_ended_the_training(keras, task, fast):
    class StopInTheThird(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training |= self.epoch == 2

    on_loss = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    run = run_of(small_net(()), task, epochs=9, callbacks=[StopInTheThird(), on_loss], fast=fast)
    assert run.epochs == 2 >= run.kept_epoch and run.ended == "stopped on request"
    assert training.table(run).loc["net", "validation loss"] == run.at_kept_epoch("val_loss")
    early_then_stopped = [StopInTheThird(), keras.callbacks.EarlyStopping("loss", min_delta=9, patience=2)]
    run = run_of(small_net(()), task, epochs=9, callbacks=early_then_stopped, fast=fast)
    assert run.ended == "stopped on request"
    infinite = small_net((), lambda k: k.SGD(float("inf")))
    run = run_of(infinite, task, epochs=9, callbacks=[on_loss], fast=fast)
    assert run.ended.startswith("the loss became")


def test_a_stop_within_the_validation_leaves_the_epoch_out_and_the_next_training_alone(keras, task):
    class Stop(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_training = self.model.stop_evaluating = True

    model = small_net()
    assert run_of(model, task, callbacks=[Stop()]).epochs == 0
    assert run_of(model, task, validation=None).epochs == 3
    assert run_of(model, task, validation=np.float32(0.5)).training_rows == 100


@pytest.mark.slow
@WAYS
@pytest.mark.parametrize("given", [lambda counter: counter, lambda counter: (c for c in [counter]), None])
def test_callbacks_may_be_one_several_or_none(keras, task, fast, given):
    epochs = []
    counter = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    run_of(small_net(()), task, callbacks=given and given(counter), fast=fast)
    assert epochs == ([0, 1, 2] if given else [])


@pytest.mark.parametrize("wrong", ["the class", "a function"])
def test_what_is_no_callback_is_answered(keras, task, wrong):
    given = keras.callbacks.EarlyStopping if wrong == "the class" else print
    message = r"write EarlyStopping\(…\)" if wrong == "the class" else "must be Keras callbacks, got"
    with pytest.raises(ValueError, match=message):
        run_of(small_net(()), task, callbacks=[given])
    with pytest.raises(ValueError, match=message):
        run_of(small_net(()), task, callbacks=given)


@WAYS
def test_an_error_ends_the_line_of_the_epochs(keras, task, fast, capsys):
    def fail(epoch, logs):
        if epoch == 1:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        callback = keras.callbacks.LambdaCallback(on_epoch_end=fail)
        run_of(small_net(()), task, callbacks=callback, name="a net", fast=fast)
    assert capsys.readouterr().out == "a net: epoch 1\n"


@WAYS
def test_a_model_of_the_readers_own_class_is_trained_by_keras_own_fit(keras, task, fast, capsys):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1, "sigmoid")

        def call(self, x):
            return self.dense(x)

    model = Own()
    model.compile("adam", "binary_crossentropy")
    for epochs in (1, 2):  # not built, and built
        run = run_of(model, task, epochs=epochs, fast=fast, test=task)
        assert run.epochs == epochs and run.trained_by == "Keras' own fit" and run.test_loss > 0
    assert ("Keras' own fit, since" in capsys.readouterr().out) == fast


@WAYS
def test_a_stop_within_an_epoch_leaves_the_weights_further_than_the_kept_epoch(keras, task, fast):
    class StopInTheSecond(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training |= int(self.model.optimizer.iterations) >= 55

    model, same = small_net(()), small_net(())
    run = run_of(model, task, batch_size=4, callbacks=[StopInTheSecond()], fast=fast)
    assert run.epochs == run.kept_epoch == 1
    run_of(same, task, batch_size=4, epochs=1, fast=fast)
    assert not np.array_equal(model.get_weights()[0], same.get_weights()[0])


@WAYS
def test_a_loss_that_is_no_number_ends_the_training_with_the_reason(task, fast, capsys):
    run = run_of(small_net((), lambda k: k.SGD(float("inf"))), task, epochs=9, name=None, fast=fast)
    assert run.epochs < 9 and not np.isfinite(run.history["loss"][-1])
    assert len(run.history["val_loss"]) == run.epochs
    assert run.ended.startswith("the loss became ") and "smaller learning rate, or clipnorm=1" in run.ended
    assert capsys.readouterr().out == run.ended + "\n" and run.ended in str(run)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": 0}, "epochs must be a whole number, 1 or more, got 0"),
        ({"epochs": 2.0}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"batch_size": -5}, "batch_size must be a whole number, 1 or more, got -5"),
        ({"validation": 1}, "validation must be a fraction"),
        ({"validation": -0.1}, "validation must be a fraction"),
        ({"validation": float("nan")}, "validation must be a fraction"),
        ({"validation": "a"}, "the validation data must be a pair .* got str"),
        ({"validation": ""}, "the validation data must be a pair .* got str"),
        ({"validation": (np.zeros((2, 3)), np.zeros(2), np.ones(2))}, "must be a pair .* got 3 parts"),
        ({"validation": 0.999}, "leaves no rows on one side"),
        ({"test": (np.zeros((2, 3)),)}, r"the test data must be a pair \(x, y\), got 1 parts"),
        ({"test": 0.2}, r"the test data must be a pair \(x, y\), got float"),
        ({"test": (np.zeros((2, 3)), np.zeros(3))}, "the test data have 2 inputs but 3 targets"),
        ({"test": (np.zeros((0, 3)), np.zeros(0))}, "the test data are empty"),
        ({"validation": (np.full((2, 3), np.nan), np.zeros(2))}, "the validation data: x holds 6 NaN"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(task, options, message, capsys):
    with pytest.raises(ValueError, match=message):
        run_of(small_net(), task, **options)
    assert capsys.readouterr().out == ""


def test_early_stopping_without_validation_and_a_model_not_compiled_are_refused(keras, task):
    with pytest.raises(ValueError, match="early stopping needs validation data"):
        run_of(small_net(), task, validation=None, callbacks=early_stopping(keras, 1))
    with pytest.raises(ValueError, match="call model.compile"):
        training.fit(keras.Sequential([keras.layers.Dense(1)]), *task, epochs=1)


@WAYS
def test_a_fixed_batch_size_is_that_of_the_validation_too(keras, fast):
    stateful = keras.Sequential(
        [keras.layers.Input((3, 1), batch_size=8), keras.layers.GRU(2, stateful=True), keras.layers.Dense(1)]
    )
    stateful.compile(loss="mse")
    x, y = np.zeros((48, 3, 1), "float32"), np.zeros((48, 1), "float32")
    run = training.fit(
        stateful, x, y, epochs=1, batch_size=8, validation=1 / 3, test=(x[:24], y[:24]), fast=fast
    )
    assert set(run.history) == {"loss", "val_loss"} and set(run.scores) == {"loss"}


def test_a_model_with_inputs_of_its_own_is_validated(keras):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inputs, self.dense = "features", keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model.compile(loss="mse")
    run = training.fit(model, np.zeros((20, 2), "float32"), np.zeros((20, 1)), epochs=1, validation=0.5)
    assert set(run.history) == {"loss", "val_loss"}


@pytest.mark.parametrize("rows, batch", [(4000, 500), (5000, 500), (512, 512), (7, 7), (1009, 512), (1, 1)])
def test_even_batch(rows, batch):
    assert even_batch(rows) == batch
    assert rows % batch == 0 or batch == 512
