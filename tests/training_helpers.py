"""Networks whose weights a seed determines, data for them, and measured gradients."""

import numpy as np

from labutils import backend, training
from labutils.data import series

SIZE, TIME = 32, 10  # of a batch, of a window
WINDOWS = tuple(part[:203] for part in series.sliding_windows(series.noisy_sine(0).values, TIME))
TOKENS = np.random.default_rng(0).integers(1, 20, (90, 6))
LABELS = (TOKENS.sum(axis=1) > 60).astype("float32")


def network(layers, loss="mse", optimizer="adam", seed=0, name=None, **settings):
    """A Sequential of `layers(keras.layers)`; an optimizer may be a function of `keras.optimizers`, too."""
    keras = backend.load_keras()
    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = keras.Sequential(layers(keras.layers), name=name)
    model.compile(optimizer(keras.optimizers) if callable(optimizer) else optimizer, loss, **settings)
    return model


def untrained_run(**facts):
    """A `Run` as it might be, without a training."""
    usual = {
        "name": "net", "parameters": 41, "training_rows": 160, "batch_size": 32, "max_epochs": 3,
        "trained_by": "Keras' own fit", "seconds": 1.5, "best_epoch": 2, "kept_epoch": 3,
    }  # fmt: skip
    return training.Run(**usual | facts)


def central_differences(loss, arrays, gradients, rng, step=1e-5):
    """Yield for each array its gradient, a random direction, and the slope of `loss()` in that direction."""
    for array, gradient in zip(arrays, gradients, strict=True):
        direction, losses = rng.normal(size=array.shape), []
        for moved in (step, -2 * step):
            array += moved * direction
            losses.append(loss())
        array += step * direction
        yield gradient, direction, (losses[0] - losses[1]) / (2 * step)


def build(layers, **settings):
    return network(lambda k: [k.Input((TIME, 1)), *layers(k)], **settings)


def forecaster(units=6, **settings):
    return build(lambda k: [k.LSTM(units), k.Dense(1)], **settings)


def classifier(rate=0.01, **settings):
    """A model with a metric beside its loss, which Keras' own fit trains in a cached network."""
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
