"""What the tests of the panels share: waiting, and a training that goes on epoch by epoch."""

import threading
import time

from training_helpers import untrained_run


def eventually(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


class FakeFit:
    """Stands in for `training.fit`: calls its callbacks as Keras does, two batches at every `go`."""

    def __init__(self):
        self.epochs_to_do, self.calls, self.error = threading.Semaphore(0), [], None
        self.loss = lambda epoch: 1 / (epoch + 1)

    def go(self, epochs=1):
        for _ in range(epochs):
            self.epochs_to_do.release()

    def __call__(self, model, x, y, *, epochs, callbacks, **settings):
        self.calls.append({"model": model, "x": x, "epochs": epochs, "callbacks": callbacks, **settings})
        history, model.stop_training = {"loss": [], "val_loss": []}, False
        for callback in callbacks:
            callback.set_model(model)
            callback.set_params({"epochs": epochs, "steps": 2})
        call(callbacks, "train_begin")
        for epoch in range(epochs):
            call(callbacks, "train_batch_end", 0)
            while not model.stop_training and not self.epochs_to_do.acquire(timeout=0.005):
                call(callbacks, "train_batch_end", 0)
            if model.stop_training:
                call(callbacks, "epoch_end", epoch, {"loss": 9.0})  # of an epoch that was broken off
                break
            if self.error:
                raise self.error
            call(callbacks, "train_batch_end", 1)
            logs = {"loss": self.loss(epoch), "val_loss": 2 * self.loss(epoch) / model.units}
            call(callbacks, "epoch_end", epoch, logs)
            for quantity, value in logs.items():
                history[quantity].append(value)
        done = len(history["loss"])
        ended = "all epochs done" if done == epochs else "stopped on request"
        facts = {"parameters": 1234 * model.units, "best_epoch": done, "kept_epoch": done, "seconds": 1.25}
        return untrained_run(name="sequential", history=history, ended=ended, max_epochs=epochs, **facts)


class FakeModel:
    layers, stop_training = (1, "two"), False

    def __init__(self, units=1):
        self.units = units


def call(callbacks, event, *arguments):
    for callback in callbacks:
        getattr(callback, f"on_{event}")(*arguments)
