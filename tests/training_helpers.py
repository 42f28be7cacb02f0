"""Compiled networks whose weights a seed determines, for the tests that train."""

from labutils import backend


def network(layers, loss="mse", optimizer="adam", seed=0, name=None, **settings):
    """A Sequential of `layers(keras.layers)`; an optimizer may be a function of `keras.optimizers`, too."""
    keras = backend.load_keras()
    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = keras.Sequential(layers(keras.layers), name=name)
    model.compile(optimizer(keras.optimizers) if callable(optimizer) else optimizer, loss, **settings)
    return model
