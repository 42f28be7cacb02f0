"""Networks whose weights a seed determines, and measured gradients."""

from labutils import backend


def network(layers, loss="mse", optimizer="adam", seed=0, name=None, **settings):
    """A Sequential of `layers(keras.layers)`; an optimizer may be a function of `keras.optimizers`, too."""
    keras = backend.load_keras()
    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = keras.Sequential(layers(keras.layers), name=name)
    model.compile(optimizer(keras.optimizers) if callable(optimizer) else optimizer, loss, **settings)
    return model


def central_differences(loss, arrays, gradients, rng, step=1e-5):
    """Yield for each array its gradient, a random direction, and the slope of `loss()` in that direction."""
    for array, gradient in zip(arrays, gradients, strict=True):
        direction, losses = rng.normal(size=array.shape), []
        for moved in (step, -2 * step):
            array += moved * direction
            losses.append(loss())
        array += step * direction
        yield gradient, direction, (losses[0] - losses[1]) / (2 * step)
