import threading
import time

import pytest

from labutils.panels import background as runner_module
from labutils.panels.background import Progress, Runner


class FakeTraining:
    """Does an epoch whenever `go` is called, and ends when asked to stop."""

    def __init__(self, epochs=3):
        self.epochs, self.steps, self.started, self.calls = (
            epochs,
            threading.Semaphore(0),
            threading.Event(),
            0,
        )

    def go(self, epochs=1):
        self.steps.release(epochs)

    def __call__(self, stop, watch, advance):
        self.calls += 1
        self.started.set()
        for epoch in range(1, self.epochs + 1):
            while not self.steps.acquire(timeout=0.01):
                if stop():
                    return f"stopped after {epoch - 1}"
            watch(epoch, {"loss": 1 / epoch, "val_loss": 2 / epoch})
        return "done"


def eventually(holds, seconds=5):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_a_training_runs_in_the_background_and_tells_each_epoch():
    told, train = [], FakeTraining(3)
    runner = Runner(told.append)
    assert runner.start(train, epochs=3) and runner.is_busy and runner.progress.state == "building"
    train.go(3)
    assert runner.wait(5)
    assert [p.state for p in told] == ["building", "training", "training", "training", "idle"]
    assert [p.epochs_done for p in told] == [0, 1, 2, 3, 3]
    assert runner.progress.history == {"loss": [1, 1 / 2, 1 / 3], "val_loss": [2, 1, 2 / 3]}
    assert runner.progress.result == "done" and not runner.progress.error


def test_a_second_start_is_refused_while_one_runs_and_taken_afterwards():
    train = FakeTraining(1)
    runner = Runner()
    assert runner.start(train, 1)
    assert not runner.start(train, 1)
    train.go()
    assert runner.wait(5) and train.calls == 1
    train.go()
    assert runner.start(train, 1) and runner.wait(5) and train.calls == 2


def test_many_starts_at_once_begin_one_thread():
    train, answers = FakeTraining(1), []
    runner = Runner()
    threads = [threading.Thread(target=lambda: answers.append(runner.start(train, 1))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    train.go()
    assert runner.wait(5) and answers.count(True) == 1 and train.calls == 1


def test_stop_ends_it_and_says_so_at_once():
    told, train = [], FakeTraining(100)
    runner = Runner(told.append)
    assert not runner.stop()
    runner.start(train, 100)
    train.go(2)
    eventually(lambda: runner.progress.epochs_done == 2)
    assert runner.stop() and told[-1].state == "stopping"
    assert runner.wait(5) and runner.progress.result == "stopped after 2"
    assert not runner.stop()
    train.go(100)
    assert runner.start(train, 100) and runner.wait(5) and runner.progress.result == "done"


def test_stop_before_the_first_epoch():
    train = FakeTraining(5)
    runner = Runner()
    runner.start(train, 5)
    train.started.wait(5)
    runner.stop()
    assert runner.wait(5) and runner.progress.result == "stopped after 0" and not runner.progress.history


@pytest.mark.parametrize("error", [ValueError("units must be 1 or more"), SystemExit(3), KeyboardInterrupt()])
def test_what_goes_wrong_is_kept_with_its_reason(error):
    def train(stop, watch, advance):
        watch(1, {"loss": 0.5})
        raise error

    runner = Runner()
    runner.start(train, 2)
    assert runner.wait(5)
    progress = runner.progress
    assert progress.error.startswith(type(error).__name__) and str(error) in progress.error
    assert "in train" in progress.details and progress.history == {"loss": [0.5]} and progress.result is None
    assert runner.start(FakeTraining(0), 0) and runner.wait(5) and not runner.progress.error


def test_a_listener_that_fails_does_not_end_the_training(capsys):
    def told(progress):
        raise RuntimeError("a dead widget")

    train = FakeTraining(2)
    runner = Runner(told)
    runner.start(train, 2)
    train.go(2)
    assert runner.wait(5) and runner.progress.result == "done"
    assert "a dead widget" in capsys.readouterr().err


def test_the_time_left_leaves_out_the_first_epoch():
    ticks = iter([0.0, 9.0, 10.0, 12.0, 13.0])
    told = []
    runner = Runner(told.append, clock=lambda: next(ticks))
    train = FakeTraining(4)
    runner.start(train, 4)
    train.go(4)
    assert runner.wait(5)
    assert [p.seconds_left for p in told] == [None, 27.0, 2.0, 1.5, 0.0, None]
    assert runner.progress.epoch_seconds == (9.0, 1.0, 2.0, 1.0)


def test_inside_an_epoch_the_share_and_the_time_left_are_known():
    ticks = iter([0.0, 1.0, 2.0, 5.0, 6.0])
    told = []

    def train(stop, watch, advance):
        advance(0.1)
        advance(0.5)
        watch(1, {"loss": 1.0})
        advance(1.25)

    runner = Runner(told.append, clock=lambda: next(ticks))
    runner.start(train, 2)
    assert runner.wait(5) and runner.progress.error == ""
    assert [p.share_done for p in told] == [0, 0.05, 0.25, 0.5, 0.625, 0.625]
    assert [p.seconds_left for p in told] == [None, None, 6.0, 5.0, 3.75, None]


def test_past_trainings_are_tidied_away_when_it_has_nothing_to_do(monkeypatch):
    collected = threading.Event()
    monkeypatch.setattr(runner_module, "SECONDS_BEFORE_TIDYING", 0.05)
    monkeypatch.setattr(runner_module.gc, "collect", collected.set)
    runner = Runner()
    runner.start(FakeTraining(0), 0)
    assert runner.wait(5) and collected.wait(5)
    assert runner.start(FakeTraining(0), 0) and runner.wait(5)


def test_nothing_is_known_of_a_training_that_has_not_begun():
    assert Progress().seconds_left is None and Progress().epochs_done == 0 and not Runner().is_busy
    assert Runner().wait(0)


def test_it_drives_the_real_training(keras):
    import numpy as np

    from labutils import backend, training

    x = np.random.default_rng(0).normal(size=(60, 5, 1))

    def train(stop, watch, advance):
        backend.set_seed(0)
        model = keras.Sequential([keras.layers.Input((5, 1)), keras.layers.LSTM(3), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return training.fit(
            model,
            x,
            x[:, 0],
            name="net",
            epochs=4,
            validation_split=0.2,
            whole_epochs=True,
            verbose=False,
            stop=stop,
            watch=watch,
            advance=advance,
        )

    runner = Runner()
    runner.start(train, 4)
    assert runner.wait(60)
    assert runner.progress.error == "" and runner.progress.result.history == runner.progress.history
