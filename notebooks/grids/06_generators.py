"""Draw digits from plain and from variational autoencoders; store 06_generators.csv.

    python notebooks/grids/06_generators.py

About half an hour on two cores; broken off, it goes on where it was. Codes of 8 and of 32 numbers, hidden
layers of 128 units, 100 epochs of 3,200 digits in batches of 64. model: "plain" or "variational" ("none":
digits of the training instead of drawn ones); variance: of a pixel in the decoder's normal distribution (0:
plain). draw: "reconstructions" of digits, and "training reconstructions", of as many training digits; codes
from the "prior" N(0, I); from the "rescaled prior", where each number has the mean square that it has over
the training digits (the mean of m² + s²); from a "fitted normal" distribution with the mean and covariance of
the codes of the training digits (of the variational network: of one drawn code for each); from a "mixture" of
normal distributions fitted to the same codes, with as many components as have the highest likelihood on the
codes of the validation digits. accuracy_validation, accuracy_test: accuracy of a support vector machine in
telling as many drawn images from the validation digits, and from the test digits (40 principal components,
cross-validated in five parts that keep a digit and its reconstruction together; .5 is guessing);
accuracy_200: the same for the test digits with 200 components; accuracy_thresholded: with 40, all pixels made
0 or 1 at .5. grey: share of the pixels of the drawn images that lie between .2 and .8. fvu, fvu_drawn:
fraction of variance unexplained of test digits, decoded from the means of their codes and from drawn codes.
kl: mean Kullback-Leibler divergence of the validation digits in nats (0: plain), kl_rescaled: the same with
every number of the code rescaled; least_square, largest_square: over the numbers of the code, the mean of m²
+ s².
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.svm import SVC

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, HIDDEN, SEEDS = 3200, 100, 128, range(5)
VARIANCES, COMPONENTS = {8: (0.003, 0.03, 0.1), 32: (0.01, 0.03, 0.1)}, (1, 2, 5, 10, 20, 40)
MODELS = [{"model": "none", "code": 0, "variance": 0}]
MODELS += [{"model": "plain", "code": code, "variance": 0} for code in VARIANCES]
MODELS += [
    {"model": "variational", "code": code, "variance": variance}
    for code, variances in VARIANCES.items()
    for variance in variances
]
NETWORK_MEASURES = ["fvu", "fvu_drawn", "kl", "kl_rescaled", "least_square", "largest_square", "components"]
LISTS = ["draw", "accuracy_validation", "accuracy_test", "accuracy_200", "accuracy_thresholded", "grey"]


def build(code: int, variance: float, seed: int):
    """Return the autoencoder, the encoder (one output, or mean and log variance) and the decoder."""
    keras = backend.load_keras()
    layers, ops = keras.layers, keras.ops

    class DrawCode(layers.Layer):
        def __init__(self):
            super().__init__()
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, mean, log_variance):
            divergence = 0.5 * ops.sum(mean**2 + ops.exp(log_variance) - 1 - log_variance, axis=-1)
            self.add_loss(2 * variance / 784 * ops.mean(divergence))
            noise = keras.random.normal(ops.shape(mean), seed=self.generator)
            return mean + ops.exp(log_variance / 2) * noise

    images = layers.Input((28, 28))
    hidden = layers.Dense(HIDDEN, activation="relu")(layers.Flatten()(images))
    mean = layers.Dense(code)(hidden)
    decoder = keras.Sequential(
        [
            layers.Input((code,)),
            layers.Dense(HIDDEN, activation="relu"),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ]
    )
    if variance:
        log_variance = layers.Dense(code)(hidden)
        model = keras.Model(images, decoder(DrawCode()(mean, log_variance)))
        encoder = keras.Model(images, [mean, log_variance])
    else:
        model, encoder = keras.Model(images, decoder(mean)), keras.Model(images, mean)
    model.compile("adam", "mse")
    return model, encoder, decoder


def accuracy_of_telling(pca: PCA, real: np.ndarray, drawn: np.ndarray) -> float:
    images = pca.transform(np.concatenate([real, drawn]).reshape(-1, 784))
    is_real = np.repeat([1, 0], [len(real), len(drawn)])
    pairs = np.concatenate([np.arange(len(real)), np.arange(len(drawn))])  # a digit and its reconstruction
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    return cross_val_score(SVC(), images, is_real, groups=pairs, cv=folds).mean()


def train(model: str, code: int, variance: float, seed: int) -> dict:
    """Return the measures of one network; what differs from draw to draw in lists."""
    data = digits.load(source="embedded")
    (fitted, validation), test = np.split(data.train.images, [FITTED]), data.test.images
    if model == "none":
        return digits_against_digits(fitted, validation, test, seed)
    keras = backend.load_keras()
    keras.utils.set_random_seed(seed)
    autoencoder, encoder, decoder = build(code, variance, seed)
    training.fit(
        autoencoder, fitted, fitted, epochs=EPOCHS, batch_size=64, validation=(validation, validation)
    )
    rng = np.random.default_rng(seed)

    def encode(images):
        """Return the mean and the standard deviation of each code, and one code drawn with them."""
        if not variance:
            codes = encoder.predict(images, verbose=0).astype(float)
            return codes, np.zeros_like(codes), codes
        mean, log_variance = (part.astype(float) for part in encoder.predict(images, verbose=0))
        deviation = np.exp(log_variance / 2)
        return mean, deviation, mean + deviation * rng.normal(size=mean.shape)

    def decode(codes):
        return decoder.predict(np.asarray(codes, "float32"), batch_size=500, verbose=0)

    mean, deviation, codes = encode(fitted)
    squares = np.mean(mean**2 + deviation**2, axis=0)
    *proposals, validation_codes = encode(validation)
    mixtures = [GaussianMixture(k, reg_covar=1e-3, random_state=seed).fit(codes) for k in COMPONENTS]
    mixture = max(mixtures, key=lambda fit: fit.score(validation_codes))
    some = fitted[rng.permutation(FITTED)]
    ways = {
        "reconstructions": lambda images: decode(encode(images)[0]),
        "training reconstructions": lambda images: decode(encode(some[: len(images)])[0]),
        "fitted normal": lambda images: decode(
            rng.multivariate_normal(codes.mean(axis=0), np.cov(codes.T), len(images))
        ),
        "mixture": lambda images: decode(mixture.sample(len(images))[0]),
    }
    if variance:
        ways["prior"] = lambda images: decode(rng.normal(size=(len(images), code)))
        ways["rescaled prior"] = lambda images: decode(
            np.sqrt(squares) * rng.normal(size=(len(images), code))
        )
    variance_of_test = np.sum((test - fitted.mean(axis=0)) ** 2)
    of_test = encode(test)
    fvu, fvu_drawn = (np.sum((decode(z) - test) ** 2) / variance_of_test for z in (of_test[0], of_test[2]))
    common = {
        "fvu": fvu,
        "fvu_drawn": fvu_drawn,
        "kl": divergence(*proposals) if variance else 0.0,
        "kl_rescaled": divergence(*proposals / np.sqrt(squares)) if variance else 0.0,
        "least_square": squares.min(),
        "largest_square": squares.max(),
        "components": mixture.n_components,
    }
    return common | accuracies(fitted, validation, test, ways)


def divergence(mean: np.ndarray, deviation: np.ndarray) -> float:
    return 0.5 * np.sum(mean**2 + deviation**2 - 1 - 2 * np.log(deviation), axis=1).mean()


def accuracies(fitted, validation, test, ways: dict) -> dict:
    """Return what the examiner says of each way to draw, in lists."""
    pcas = {k: PCA(k, svd_solver="covariance_eigh").fit(fitted.reshape(-1, 784)) for k in (40, 200)}
    rows = []
    for draw, make in ways.items():
        for_validation, for_test = make(validation), make(test)
        rows.append(
            {
                "draw": draw,
                "accuracy_validation": accuracy_of_telling(pcas[40], validation, for_validation),
                "accuracy_test": accuracy_of_telling(pcas[40], test, for_test),
                "accuracy_200": accuracy_of_telling(pcas[200], test, for_test),
                "accuracy_thresholded": accuracy_of_telling(pcas[40], test > 0.5, for_test > 0.5),
                "grey": np.mean((for_test > 0.2) & (for_test < 0.8)),
            }
        )
    return pd.DataFrame(rows).to_dict("list")


def digits_against_digits(fitted, validation, test, seed: int) -> dict:
    """Return how well training digits are told from validation and test digits."""
    some = fitted[np.random.default_rng(seed).permutation(FITTED)]
    measures = accuracies(fitted, validation, test, {"training digits": lambda images: some[: len(images)]})
    return dict.fromkeys(NETWORK_MEASURES, 0) | measures


def main() -> None:
    table = training.sweep(train, MODELS, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.explode(LISTS).infer_objects()
    table = table.drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
