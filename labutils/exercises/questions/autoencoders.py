"""Exercises on autoencoders."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Choice, Coding, Experiment, Goal, Mistake
from labutils.exercises.checking.goals import (
    facts_of_pair,
    few_parameters,
    layers_of,
    sizes_of_outputs,
    square_error,
    trained_on,
)


def my_fvu(images, reconstructions, mean_digit):
    """The FVU, one number, from (images, height, width) twice and the mean digit (height, width)."""
    return np.sum((images - reconstructions) ** 2) / np.sum((images - mean_digit) ** 2)


def _reconstructed(rng: np.random.Generator) -> list[Case]:
    cases = []
    for count, side in [(2, 2), (3, 3), (6, 4)]:
        images = rng.random((count, side, side)).round(2)
        cases.append(
            {
                "images": images,
                "reconstructions": np.clip(images + 0.2 * rng.normal(size=images.shape), 0, 1).round(2),
                "mean_digit": rng.random((side, side)).round(2),
            }
        )
    return cases


def my_reconstructions(x, mean, components):
    """Reconstructions (images, pixels) of x (images, pixels); mean (pixels,), components (k, pixels)."""
    codes = (x - mean) @ components.T
    return np.clip(codes @ components + mean, 0, 1)


def _components(rng: np.random.Generator) -> list[Case]:
    cases = [
        {
            "x": np.array([[1.0, 1.0], [0.0, 0.0]]),  # one sum is clipped above, one below
            "mean": np.array([0.9, 0.1]),
            "components": np.array([[0.8, 0.6]]),
        }
    ]
    for rows, numbers, size in [(2, 4, 2), (4, 6, 3)]:
        directions, _ = np.linalg.qr(rng.normal(size=(numbers, numbers)))
        cases.append(
            {
                # every other number is near 0 or 1, so that some sums fall outside
                "x": np.where(
                    np.arange(numbers) % 2, rng.random((rows, numbers)), rng.random((rows, numbers)) > 0.5
                )
                .astype(float)
                .round(2),
                "mean": rng.uniform(0.05, 0.6, numbers).round(2),
                "components": directions[:size],
            }
        )
    return cases


def my_divergence(mean, log_variance):
    """The divergence of each image (images,) from m and ln s² of its code, (images, numbers) each."""
    return 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1)


def _posteriors(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "mean": rng.normal(size=(images, numbers)).round(2),
            "log_variance": rng.normal(-1, 1, (images, numbers)).round(2),
        }
        for images, numbers in [(1, 2), (2, 3), (5, 8)]
    ]


def _facts_of_autoencoder(model: Any) -> dict[str, Any]:
    """Return a network's output shape, narrowest layer, its activation, and error on the validation digits.

    Raises
    ------
    TypeError
        For what is no Keras network, and where it does not take the digits.
    """
    try:
        narrowest = min(sizes_of_outputs(model), default=0)
        codes = [layer for layer in layers_of(model) if getattr(layer, "units", None) == narrowest]
    except (AttributeError, TypeError, ValueError):
        raise TypeError(
            "This needs a Keras network made by keras.Sequential([...]) or keras.Model(inputs, outputs)."
        ) from None
    shape, error = _error_on_validation_digits(model)
    activations = [getattr(layer.activation, "__name__", "") for layer in codes]
    return {"shape": shape, "narrowest": narrowest, "activations": activations, "error": error}


def _error_on_validation_digits(model: Any) -> tuple[tuple[int, ...], float]:
    """Return the shape of the output for an image, and the mean squared error (inf for another shape)."""
    from labutils.data import digits

    validation = digits.load(source="embedded").train.images[3200:]
    try:
        given = validation.reshape(len(validation), *model.input_shape[1:])
        made = np.asarray(model.predict(given, batch_size=100, verbose=0))
    except Exception:
        raise TypeError(
            "The network does not take images of shape (28, 28): layers.Input((28, 28))."
        ) from None
    same = made.size == validation.size
    error = float(np.mean((made.reshape(validation.shape) - validation) ** 2)) if same else np.inf
    return tuple(made.shape[1:]), error


def _facts_of_small_network(pair: Any) -> dict[str, Any]:
    """Return the facts of a network and its Run, and the network's error on the validation digits."""
    facts = facts_of_pair(pair)
    return facts | {"error": _error_on_validation_digits(pair[0])[1]}


@functools.cache
def variance_of_validation_digits() -> float:
    """The mean squared error on the validation digits of always drawing the mean training digit."""
    from labutils.data import digits

    training, validation = np.split(digits.load(source="embedded").train.images, [3200])
    return float(np.mean((validation - training.mean(axis=0)) ** 2))


EXERCISES = (
    Experiment(
        title="Your first autoencoder",
        question="Build an autoencoder with a code of 8 numbers in plain Keras: `layers.Input((28, 28))`, "
        "`Flatten`, a hidden layer with relu, the code (`Dense(8)`, no activation), another hidden layer, "
        '`Dense(784)`, and `Reshape((28, 28))`. Compile it with `"mse"` and fit it to `train_images`, which '
        "are inputs *and* targets, for about 20 epochs. The mean squared error on the validation digits "
        "should be below 0.035.",
        idea="encoder, code, decoder; the input is the target",
        minutes=12,
        facts=_facts_of_autoencoder,
        goals=(
            Goal(
                "images of 28 by 28 in and out",
                lambda facts: tuple(facts["shape"]) == (28, 28),
                lambda facts: f"{tuple(facts['shape'])} comes out",
                "The last layer should bring the 784 numbers back into an image: layers.Reshape((28, 28)).",
            ),
            Goal(
                "8 numbers at the narrowest layer, and no activation there",
                lambda facts: facts["narrowest"] == 8 and facts["activations"] == ["linear"],
                lambda facts: f"{facts['narrowest']}, activation {', '.join(facts['activations']) or 'none'}",
                "The code is the narrowest layer: one layers.Dense(8) without an activation, and nothing "
                "narrower.",
            ),
            Goal(
                "a mean squared error below 0.035 on the validation digits",
                lambda facts: facts["error"] < 0.035,
                lambda facts: f"{facts['error']:.4f}",
                "Always drawing the mean digit would be at 0.067, a network without hidden layers at "
                "0.038. Is it trained, my_autoencoder.fit(train_images, train_images, epochs=20), with "
                "adam and mse? Have the hidden layers a relu? The last Dense layer goes well with a "
                "sigmoid.",
            ),
        ),
        hints=(
            "The encoder narrows the image down, the decoder mirrors it. Which activation keeps pixels "
            "between 0 and 1?",
            'Six layers after the Input: Flatten, Dense(128, activation="relu"), Dense(8), Dense(128, '
            'activation="relu"), Dense(784, activation="sigmoid"), Reshape((28, 28)).',
            'compile("adam", "mse"), then fit(train_images, train_images, epochs=20, verbose=0).',
        ),
        code="""
my_autoencoder = keras.Sequential([
    layers.Input((28, 28)), layers.Flatten(),
    layers.Dense(128, activation="relu"), layers.Dense(8),
    layers.Dense(128, activation="relu"), layers.Dense(784, activation="sigmoid"),
    layers.Reshape((28, 28))])
my_autoencoder.compile("adam", "mse")
my_autoencoder.fit(train_images, train_images, epochs=20, batch_size=64, verbose=0)
""",
        answer_name="my_autoencoder",
        answer_note="a network that you have built and trained",
        afterwards="The pixels lie between 0 and 1, so a sigmoid at the end suits them; the code may take "
        "any value, so it has no activation.",
    ),
    Coding(
        title="Fraction of variance unexplained",
        question="Write the FVU: the squared error of the reconstructions, summed over all pixels of all "
        "images, as a fraction of the squared error of always drawing the mean digit.",
        idea="an error needs something to be compared with",
        minutes=4,
        solve=my_fvu,
        cases=_reconstructed,
        mistakes=(
            Mistake(
                "mean of the ratios",
                lambda x, r, m: np.mean(((x - r) ** 2).sum(axis=(1, 2)) / ((x - m) ** 2).sum(axis=(1, 2))),
                "You made a ratio for each image and took their mean. Sum first, above and below, over all "
                "images; otherwise an image near the mean digit would count too much.",
            ),
            Mistake(
                "own mean",
                lambda x, r, m: np.sum((x - r) ** 2) / np.sum((x - x.mean(axis=0)) ** 2),
                "You compare with the mean of these images. The mean digit is given: it is that of the "
                "*training* digits, and new digits have no say in it.",
            ),
            Mistake(
                "variance of all pixels",
                lambda x, r, m: np.mean((x - r) ** 2) / np.var(x),
                "You divide by the variance of all pixels, which takes one grey for the whole image. "
                "Compare with the mean digit.",
            ),
            Mistake(
                "not divided",
                lambda x, r, m: np.mean((x - r) ** 2),
                "That is the mean squared error. Divide by the error of the mean digit.",
            ),
            Mistake(
                "variances",
                lambda x, r, m: np.var(x - r) / np.var(x - m),
                "np.var subtracts the mean of the differences first, so a reconstruction that is too dark "
                "everywhere would be forgiven. Take the squares as they are.",
            ),
            Mistake(
                "one grey for all",
                lambda x, r, m: np.sum((x - r) ** 2) / np.sum((x - m.mean()) ** 2),
                "You compare with one grey, the mean of the mean digit. Take the mean digit pixel by pixel.",
            ),
            Mistake(
                "roots",
                lambda x, r, m: np.sqrt(np.sum((x - r) ** 2) / np.sum((x - m) ** 2)),
                "That is the square root of the FVU. The squares stay squares.",
            ),
            Mistake(
                "absolute differences",
                lambda x, r, m: np.sum(np.abs(x - r)) / np.sum(np.abs(x - m)),
                "You took absolute differences. The FVU is a ratio of squares.",
            ),
            Mistake(
                "square of the image below",
                lambda x, r, m: np.sum((x - r) ** 2) / np.sum(x**2),
                "Below the line stands the distance of the images from the mean digit. The mean digit is "
                "missing.",
            ),
            Mistake(
                "upside down",
                lambda x, r, m: np.sum((x - m) ** 2) / np.sum((x - r) ** 2),
                "The ratio is upside down: the error of the reconstructions stands above.",
            ),
            Mistake(
                "variance explained",
                lambda x, r, m: 1 - np.sum((x - r) ** 2) / np.sum((x - m) ** 2),
                "That is the fraction explained, R². A perfect reconstruction has an FVU of 0.",
            ),
            Mistake(
                "mean digit against reconstructions",
                lambda x, r, m: np.sum((x - r) ** 2) / np.sum((r - m) ** 2),
                "Below the line stand the images and the mean digit, not the reconstructions and the mean "
                "digit.",
            ),
        ),
        hints=(
            "Above: the sum of (images - reconstructions) squared. Below: the same with the mean digit as "
            "the reconstruction of every image.",
            "images - mean_digit works as it is: NumPy subtracts the mean digit from every image.",
        ),
        afterwards="Means instead of sums give the same, as there are as many numbers above as below.",
    ),
    Coding(
        title="Reconstruct by PCA",
        question="A library has found the components. Given them, encode the images and decode the codes: "
        "reconstructions, clipped to 0 and 1.",
        idea="encoder and decoder of a linear method",
        minutes=8,
        solve=my_reconstructions,
        cases=_components,
        mistakes=(
            Mistake(
                "mean not subtracted",
                lambda x, m, v: np.clip(x @ v.T @ v + m, 0, 1),
                "The mean was added at the end but not subtracted at the start: the code is that of x "
                "minus the mean.",
            ),
            Mistake(
                "mean of these images",
                lambda x, m, v: np.clip((x - x.mean(axis=0)) @ v.T @ v + x.mean(axis=0), 0, 1),
                "You took the mean of these images. The mean is given: it is that of the training digits.",
            ),
            Mistake(
                "clipped at one end",
                lambda x, m, v: np.maximum(0, (x - m) @ v.T @ v + m),
                "Only what falls below 0 is clipped. Clip what rises above 1 as well: np.clip.",
            ),
            Mistake(
                "clipped at the other end",
                lambda x, m, v: np.minimum(1, (x - m) @ v.T @ v + m),
                "Only what rises above 1 is clipped. Clip what falls below 0 as well: np.clip.",
            ),
            Mistake(
                "mean left out",
                lambda x, m, v: np.clip(x @ v.T @ v, 0, 1),
                "There is no mean in it. PCA describes x minus the mean: subtract it first, add it "
                "again at the end.",
            ),
            Mistake(
                "mean not added",
                lambda x, m, v: np.clip((x - m) @ v.T @ v, 0, 1),
                "The mean is subtracted, but not added again at the end.",
            ),
            Mistake(
                "not clipped",
                lambda x, m, v: (x - m) @ v.T @ v + m,
                "All that is missing is to clip below 0 and above 1: np.clip.",
            ),
            Mistake(
                "clipped before the mean is added",
                lambda x, m, v: np.clip((x - m) @ v.T @ v, 0, 1) + m,
                "You clip before the mean is added. Differences from the mean may well be negative; clip "
                "last.",
            ),
            Mistake(
                "codes clipped",
                lambda x, m, v: np.clip((x - m) @ v.T, 0, 1) @ v + m,
                "You clip the codes, which may be any numbers. Clip the reconstructions.",
            ),
            Mistake(
                "not clipped and mean not added",
                lambda x, m, v: (x - m) @ v.T @ v,
                "The mean is subtracted, but not added again at the end; and nothing is clipped.",
            ),
            Mistake(
                "codes",
                lambda x, m, v: (x - m) @ v.T,
                "Those are the codes. Now decode them: codes @ components, and the mean.",
            ),
        ),
        hints=(
            "Encode: subtract the mean, and project on each component (one product of matrices for all). "
            "Decode: the other way round.",
            "The codes: (x - mean) @ components.T, one number for each component.",
            "The reconstructions: codes @ components + mean, and np.clip(…, 0, 1) around the whole.",
        ),
        afterwards="The components are orthonormal rows, so the transpose of the encoder's matrix decodes: "
        "one matrix for both.",
    ),
    Choice(
        title="Linear against PCA",
        question="An autoencoder without activations and with a code of 8 numbers is trained. On its "
        "training digits it has a squared error that is\n\n"
        "* `a`: smaller than that of PCA with 8 components: it may choose any two matrices,\n"
        "* `b`: at best equal to that of PCA, and nearly so if it is trained long enough,\n"
        "* `c`: clearly larger: gradient descent does not get there.",
        idea="PCA is the best linear code",
        minutes=2,
        right="b",
        wrong={
            "a": "It may choose any matrices, but what it computes is linear, and of all linear maps "
            "through 8 numbers PCA has the smallest squared error on its training digits (section 2).",
            "c": "Gradient descent has no closed formula, but it can come as near as you like; the loss "
            "has no other minimum to be stuck in.",
        },
        hints=(
            "What is a network of two layers without activation? Multiply its two matrices.",
            "What does section 2 say about all linear codes?",
        ),
        afterwards="Whatever an autoencoder gains over PCA, it gains by its non-linear activations. The next "
        "cell measures it.",
    ),
    Coding(
        title="The divergence from the prior",
        question="For one number of a code, $\\ln q(z) - \\ln p(z) = \\tfrac12 (z^2 - \\varepsilon^2 - "
        "\\ln s^2)$ with $z = m + s\\,\\varepsilon$ and noise $\\varepsilon$ of mean 0 and variance 1. "
        "Take the mean over the noise by hand (draw none), and write the divergence of each image: the "
        "sum over the numbers of its code.",
        idea="what a code costs a variational autoencoder",
        minutes=8,
        solve=my_divergence,
        cases=_posteriors,
        mistakes=(
            Mistake(
                "mean over the numbers",
                lambda m, v: 0.5 * np.mean(m**2 + np.exp(v) - 1 - v, axis=1),
                "The numbers of a code are independent, so their divergences add up: a sum, not a mean.",
            ),
            Mistake(
                "mean over everything",
                lambda m, v: 0.5 * np.mean(m**2 + np.exp(v) - 1 - v),
                "That is one mean for the whole batch. Asked for is a sum over the numbers of each code.",
            ),
            Mistake(
                "mean over the images",
                lambda m, v: 0.5 * np.mean(m**2 + np.exp(v) - 1 - v, axis=0),
                "You took the mean over the images. Sum over the numbers of each code, axis=1.",
            ),
            Mistake(
                "one outside the sum",
                lambda m, v: 0.5 * (np.sum(m**2 + np.exp(v) - v, axis=1) - 1),
                "The 1 belongs to each number of the code, inside the sum.",
            ),
            Mistake(
                "logarithm of the standard deviation",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(2 * v) - 1 - 2 * v, axis=1),
                "log_variance is the logarithm of the variance s² already, not of s.",
            ),
            Mistake(
                "variance squared",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(2 * v) - 1 - v, axis=1),
                "np.exp(log_variance) is s² already; you squared it once more.",
            ),
            Mistake(
                "sign of the logarithm",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(v) - 1 + v, axis=1),
                "The logarithm of the variance is subtracted.",
            ),
            Mistake(
                "half the logarithm",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(v / 2) - 1 - v / 2, axis=1),
                "log_variance is the logarithm of s², so the variance is np.exp(log_variance), without a "
                "half.",
            ),
            Mistake(
                "summed over the images",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(v) - 1 - v, axis=0),
                "You summed over the images. Sum over the numbers of each code, axis=1.",
            ),
            Mistake(
                "one number for the batch",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(v) - 1 - v),
                "That is one number for the whole batch. Asked for is one for each image.",
            ),
            Mistake(
                "half left out",
                lambda m, v: np.sum(m**2 + np.exp(v) - 1 - v, axis=1),
                "Twice too much: the half in front is missing.",
            ),
            Mistake(
                "logarithm taken as variance",
                lambda m, v: 0.5 * np.sum(m**2 + v - 1 - np.log(np.abs(v)), axis=1),
                "What is given is the logarithm of the variance: the variance is np.exp(log_variance).",
            ),
            Mistake(
                "standard deviation for variance",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(v / 2) - 1 - v, axis=1),
                "np.exp(log_variance / 2) is the standard deviation. Here stands the variance.",
            ),
            Mistake(
                "mean not squared",
                lambda m, v: 0.5 * np.sum(m + np.exp(v) - 1 - v, axis=1),
                "E z² is the square of the mean plus the variance. Your mean is not squared.",
            ),
            Mistake(
                "noise forgotten",
                lambda m, v: 0.5 * np.sum(m**2 + np.exp(v) - v, axis=1),
                "The mean of the squared noise is 1, and it is missing: a code that equals the prior should "
                "cost nothing.",
            ),
            Mistake(
                "variance forgotten",
                lambda m, v: 0.5 * np.sum(m**2 - 1 - v, axis=1),
                "E z² is the square of the mean *plus the variance*.",
            ),
            Mistake(
                "sign",
                lambda m, v: -0.5 * np.sum(m**2 + np.exp(v) - 1 - v, axis=1),
                "The sign is wrong: a divergence is never below 0.",
            ),
        ),
        hints=(
            "z = m + s e with noise e of mean 0 and variance 1. What is the mean of z²? Of e²?",
            "E z² = m² + s², and s² = np.exp(log_variance). E e² = 1.",
            "0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance), summed over axis 1.",
        ),
        afterwards="It is 0 where mean = 0 and log_variance = 0, that is where the code says nothing "
        "about the image, and grows with all that the code tells.",
    ),
    Experiment(
        title="An eighth of the parameters",
        question="The deep network with a code of 8 numbers has 203,800 parameters. Build a network with a "
        "code of 8 numbers and at most an eighth of them, 25,475, whose FVU on the validation digits is "
        "below .45. `my_answer` is the pair of the network (compiled with "
        '`"mse"`) and the `Run` that `training.fit(…, validation=(validation, validation))` returns; with '
        "`callbacks=[keep_best(epochs)]`, as in section 1, it is the best epoch that counts.",
        idea="what a network gains by weights that are shared over the image",
        minutes=20,
        facts=_facts_of_small_network,
        goals=(
            Goal(
                "8 numbers at the narrowest layer",
                lambda facts: facts["narrowest"] == 8,
                lambda facts: f"{facts['narrowest']} at the narrowest",
                "The comparison is about a code of 8 numbers: some layer must have 8 outputs, and none "
                "fewer.",
            ),
            few_parameters(
                25_475,
                "",
                "Too many parameters. In a convolutional network most of them belong to the dense layers "
                "beside the code: 8 weights for each number that the last filters put out, and 8 again.",
            ),
            square_error(),
            trained_on(lambda facts: 3200, "the training digits, and validation=(validation, validation)"),
            Goal(
                "an FVU of less than .45 on the validation digits",
                lambda facts: facts["error"] < 0.45 * variance_of_validation_digits(),
                lambda facts: f"{facts['error'] / variance_of_validation_digits():.3f}",
                "Small enough, but not yet as good. Has it finished learning? Dense layers alone hardly get "
                "there: which network of section 3 did most with few parameters?",
            ),
        ),
        hints=(
            "Dense layers spend their parameters on 784 pixels, each with weights of its own. Filters are "
            "used everywhere.",
            "`build_convolutional(8)` of section 3 has 36,233 parameters. Half the filters in each of its "
            "layers are enough.",
            "Forty epochs, validation=(validation, validation), and callbacks=[keep_best(40)] to go back to "
            "the best epoch.",
        ),
        code="""
keras.utils.set_random_seed(0)
my_model = keras.Sequential([
    layers.Input((28, 28)),
    layers.Reshape((28, 28, 1)),
    layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
    layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
    layers.Flatten(),
    layers.Dense(8),
    layers.Dense(7 * 7 * 16, activation="relu"),
    layers.Reshape((7, 7, 16)),
    layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
    layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
    layers.Reshape((28, 28)),
])
my_model.compile("adam", "mse")
my_run = training.fit(my_model, train_images, train_images, epochs=40, fast=True,
                      validation=(validation, validation),
                      callbacks=[keras.callbacks.EarlyStopping(patience=40, restore_best_weights=True)])
my_answer = my_model, my_run
""",
        afterwards="With an eleventh of the deep network's parameters this is not far from its .37. A small "
        "dense network of 15 hidden units has more of them and is at .52 after 60 epochs.",
    ),
)
