"""A job in the background, mostly a training: what is known of it, how it is stopped, and what it leaves."""

import contextlib
import gc
import threading

import numpy as np
import pytest
from panel_helpers import FakeFit, FakeModel, call, eventually

from labutils import training
from labutils.panels import background
from labutils.panels.background import Progress, Runner, progress_callback

pytestmark = pytest.mark.usefixtures("keras")  # loaded before anything is waited for


@pytest.fixture
def fit():
    return FakeFit()


def start(runner, fit, epochs):
    """Begin a training that `fit` does."""

    def train():
        return fit(FakeModel(), None, None, epochs=epochs, callbacks=[progress_callback(runner)])

    return runner.start(train, epochs)


def listening():
    """A runner, and the list of what its progress has been."""
    seen = []
    runner = Runner(lambda: seen.append(runner.progress))
    return runner, seen


def test_a_thread_that_cannot_be_started_leaves_the_runner_idle(fit, monkeypatch):
    def full(thread):
        raise RuntimeError("can't start new thread")

    runner, _ = listening()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="new thread"):
        patch.setattr(threading.Thread, "start", full)
        start(runner, fit, 1)
    assert not runner.is_busy and runner.wait(0)
    fit.go()
    assert start(runner, fit, 1) and runner.wait(60)


def test_a_training_runs_in_the_background_and_tells_each_epoch(fit):
    runner, seen = listening()
    assert start(runner, fit, 3) and runner.is_busy
    fit.go(3)
    assert runner.wait(60)
    assert [p.epochs_done for p in seen if p.fraction == 0] == [0, 1, 2, 3, 3]
    assert seen[0].state == "starting" and seen[-1].state == "idle"
    assert {p.state for p in seen[1:-1]} == {"running"}
    assert runner.progress.history == {"loss": [1, 1 / 2, 1 / 3], "val_loss": [2, 1, 2 / 3]}
    assert runner.progress.result.epochs == 3 and not runner.progress.error


def test_a_second_start_is_refused_while_one_runs_and_taken_afterwards(fit):
    runner = Runner()
    for calls in (1, 2):
        assert start(runner, fit, 1)
        assert not start(runner, fit, 1)
        fit.go()
        assert runner.wait(60) and len(fit.calls) == calls


def test_many_starts_at_once_begin_one_thread(fit):
    runner, answers = Runner(), []
    threads = [threading.Thread(target=lambda: answers.append(start(runner, fit, 1))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fit.go()
    assert runner.wait(60) and answers.count(True) == 1 and len(fit.calls) == 1


@pytest.mark.parametrize("epochs", [0, 2])
def test_stop_ends_it_and_says_so_at_once(fit, epochs):
    runner, seen = listening()
    assert not runner.stop()
    start(runner, fit, 100)
    fit.go(epochs)
    eventually(lambda: runner.progress.epochs_done == epochs and fit.calls)
    assert runner.stop() and runner.progress.state in ("stopping", "idle")
    assert runner.wait(60) and "stopping" in [p.state for p in seen]
    assert runner.progress.result.epochs == epochs == runner.progress.epochs_done
    assert not runner.stop()
    fit.go(3)
    assert start(runner, fit, 3) and runner.wait(60) and runner.progress.epochs_done == 3


@pytest.mark.parametrize(
    ("events", "is_broken_off"),
    [
        ([("train_batch_end", 3)], False),
        (["stop", ("train_batch_end", 3)], True),
        ([("train_batch_end", 3), ("test_batch_end", 0)], False),
        ([("train_batch_end", 3), "stop", ("test_batch_end", 0)], True),
        ([("train_batch_end", 3), ("test_begin",), "stop", ("test_end",)], False),  # validated in one call
        ([("train_batch_end", 24)], False),  # the last call of steps_per_execution=25
    ],
)
def test_an_epoch_that_was_broken_off_is_not_in_the_history(events, is_broken_off):
    runner, inspected, model = Runner(), [], FakeModel()

    def inspect(network):
        inspected.append((network, runner.progress.epochs_done))

    def train():
        callback = progress_callback(runner, inspect)
        callback.set_model(model)
        callback.set_params({"steps": 4})
        for event in [("train_begin",), *events]:
            runner.stop() if event == "stop" else call([callback], *event)
        validated_in_one_call = ("test_begin",) in events  # nobody asks within it
        assert validated_in_one_call or runner.stop_requested == getattr(model, "stop_training", False)
        call([callback], "epoch_end", 0, {"loss": 1.0})
        assert runner.stop_requested == getattr(model, "stop_training", False)  # no batch more

    runner.start(train, 2)
    assert runner.wait(60) and runner.progress.error == ""
    assert runner.progress.history == ({} if is_broken_off else {"loss": [1.0]})
    assert inspected == ([] if is_broken_off else [(model, 0)])  # before the epoch is published


@pytest.mark.parametrize("error", [ValueError("units must be 1 or more"), SystemExit(3), KeyboardInterrupt()])
def test_what_goes_wrong_is_kept_with_its_reason(fit, error):
    runner = Runner()
    fit.error = error
    fit.go()
    start(runner, fit, 2)
    assert runner.wait(60)
    progress = runner.progress
    assert progress.error.startswith(type(error).__name__) and str(error) in progress.error
    assert "in __call__" in progress.details and progress.result is None
    assert start(runner, fit, 0) and runner.wait(60) and not runner.progress.error


def test_a_listener_that_fails_does_not_end_the_training(fit, capsys):
    def listen():
        raise RuntimeError("a dead widget")

    runner = Runner(listen)
    start(runner, fit, 2)
    fit.go(2)
    assert runner.wait(60) and runner.progress.result.epochs == 2
    assert "a dead widget" in capsys.readouterr().err


@pytest.mark.parametrize("state", ["starting", "idle"])
def test_a_listener_that_is_interrupted_leaves_it_ready_for_the_next_training(fit, state):
    def listen():
        if runner.progress.state == state and not interrupted:
            interrupted.append(state)
            raise KeyboardInterrupt

    runner, interrupted = Runner(listen), []
    with pytest.raises(KeyboardInterrupt) if state == "starting" else contextlib.nullcontext():
        start(runner, fit, 1)
    fit.go(2)
    assert runner.wait(60) and runner.progress.result.epochs == 1 and interrupted
    assert start(runner, fit, 1) and runner.wait(60) and runner.progress.result.epochs == 1


def test_the_time_left_leaves_out_the_first_epoch_once_there_is_another(monkeypatch):
    now, (runner, seen) = [0.0], listening()
    monkeypatch.setattr(background.time, "monotonic", lambda: now[0])

    def train():
        callback = progress_callback(runner)
        callback.set_model(FakeModel())
        callback.set_params({"steps": 10})
        for seconds, *event in [
            (1, "train_batch_end", 0),
            (2, "train_batch_end", 4),
            (5, "train_batch_end", 9),
            (6, "epoch_end", 0, {"loss": 2.0}),
            (7, "train_batch_end", 9),
            (8, "epoch_end", 1, {"loss": 1.0}),
        ]:
            now[0] = float(seconds)
            call([callback], *event)

    runner.start(train, 4)
    assert runner.wait(60) and runner.progress.error == "" and runner.progress.epoch_seconds == (6.0, 2.0)
    assert [p.fraction_done for p in seen] == [0, 0.025, 0.125, 0.25, 0.25, 0.5, 0.5, 0.5]
    assert [p.seconds_left for p in seen] == [None, None, 14.0, 15.0, 18.0, 12.0, 4.0, None]


def test_past_trainings_are_tidied_away_when_it_has_nothing_to_do(fit, monkeypatch):
    collected = threading.Event()
    monkeypatch.setattr(background, "SECONDS_BEFORE_TIDYING", 0.05)
    monkeypatch.setattr(gc, "collect", collected.set)
    runner = Runner()
    start(runner, fit, 0)
    assert runner.wait(60) and collected.wait(60)
    assert start(runner, fit, 0) and runner.wait(60)


def test_nothing_is_known_of_a_training_that_has_not_begun():
    assert Progress().seconds_left is None and Progress().epochs_done == 0 and not Runner().is_busy
    assert Runner().wait(0)


@pytest.mark.parametrize("fast", [True, False])
def test_it_drives_the_real_training(keras, fast):
    x = np.random.default_rng(0).normal(size=(60, 5, 1))

    def train():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Input((5, 1)), keras.layers.LSTM(3), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        callbacks = [progress_callback(runner)]
        return training.fit(model, x, x[:, 0], epochs=4, validation=0.2, callbacks=callbacks, fast=fast)

    runner = Runner()
    runner.start(train, 4)
    assert runner.wait(60)
    assert runner.progress.error == "" and runner.progress.result.history == runner.progress.history
