"""Draw digits from plain and from variational autoencoders; store 06_generators.csv.

    python notebooks/grids/06_generators.py

About twenty minutes on two cores; broken off, it goes on where it was. Codes of 8 and of 32 numbers, hidden
layers of 128 units, 100 epochs of 3,200 digits in batches of 64. model: "plain" or "variational" ("none":
digits of the training instead of drawn ones); variance: of a pixel in the decoder's normal distribution (0:
plain). draw: "reconstructions" of digits; codes from the "prior" N(0, I) (of the plain autoencoder: a normal
distribution with the mean and covariance of the codes); a "mixture" of normal distributions fitted to the
codes of the training digits (of the variational network: to one drawn code for each), with as many components
as have the highest likelihood on the codes of the validation digits. accuracy_validation, accuracy_test:
accuracy of a support vector machine in telling as many drawn images from the validation digits, and from the
test digits (40 principal components, cross-validated in five parts that keep a digit and its reconstruction
together; .5 is guessing). fvu, fvu_drawn: fraction of variance unexplained of test digits, decoded from the
means of their codes and from drawn codes. kl: mean Kullback-Leibler divergence in nats (0: plain).
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
VARIANCES, COMPONENTS = (0.003, 0.01, 0.03, 0.1, 0.3), (1, 2, 5, 10, 20, 40)
MODELS = [{"model": "none", "code": 0, "variance": 0}]
MODELS += [{"model": "plain", "code": code, "variance": 0} for code in (8, 32)]
MODELS += [{"model": "variational", "code": 8, "variance": variance} for variance in VARIANCES]
MODELS += [{"model": "variational", "code": 32, "variance": variance} for variance in (0.03, 0.1)]


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
        """Return the codes that reconstruct, codes drawn for a density, and the mean divergence."""
        if not variance:
            codes = encoder.predict(images, verbose=0).astype(float)
            return codes, codes, 0.0
        mean, log_variance = (part.astype(float) for part in encoder.predict(images, verbose=0))
        drawn = mean + np.exp(log_variance / 2) * rng.normal(size=mean.shape)
        return mean, drawn, 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1).mean()

    _, codes, _ = encode(fitted)
    _, validation_codes, divergence = encode(validation)
    mixtures = [GaussianMixture(k, reg_covar=1e-3, random_state=seed).fit(codes) for k in COMPONENTS]
    mixture = max(mixtures, key=lambda fit: fit.score(validation_codes))
    if variance:
        center, covariance = np.zeros(code), np.eye(code)
    else:
        center, covariance = codes.mean(axis=0), np.cov(codes.T)

    def decode(codes):
        return decoder.predict(np.asarray(codes, "float32"), batch_size=500, verbose=0)

    ways = {
        "reconstructions": lambda images: decode(encode(images)[0]),
        "prior": lambda images: decode(rng.multivariate_normal(center, covariance, len(images))),
        "mixture": lambda images: decode(mixture.sample(len(images))[0]),
    }
    pca = PCA(40, svd_solver="covariance_eigh").fit(fitted.reshape(-1, 784))
    variance_of_test = np.sum((test - fitted.mean(axis=0)) ** 2)
    fvu, fvu_drawn = (np.sum((decode(codes) - test) ** 2) / variance_of_test for codes in encode(test)[:2])
    rows = [
        {
            "draw": draw,
            "accuracy_validation": accuracy_of_telling(pca, validation, make(validation)),
            "accuracy_test": accuracy_of_telling(pca, test, make(test)),
        }
        for draw, make in ways.items()
    ]
    common = {"fvu": fvu, "fvu_drawn": fvu_drawn, "kl": divergence, "components": mixture.n_components}
    return common | pd.DataFrame(rows).to_dict("list")


def digits_against_digits(fitted, validation, test, seed: int) -> dict:
    """Return how well training digits are told from validation and test digits."""
    pca = PCA(40, svd_solver="covariance_eigh").fit(fitted.reshape(-1, 784))
    some = fitted[np.random.default_rng(seed).permutation(FITTED)]
    accuracies = [accuracy_of_telling(pca, real, some[: len(real)]) for real in (validation, test)]
    return {
        "fvu": 0,
        "fvu_drawn": 0,
        "kl": 0,
        "components": 0,
        "draw": ["training digits"],
        "accuracy_validation": accuracies[:1],
        "accuracy_test": accuracies[1:],
    }


def main() -> None:
    table = training.sweep(train, MODELS, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.explode(["draw", "accuracy_validation", "accuracy_test"]).infer_objects()
    table = table.drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
