"""Compare detectors of anomalies, with intervals; store 11_anomalies.csv.

    python notebooks/grids/11_anomalies.py

About five minutes on two cores. Ordinary images: the test digits. Anomalies: test digits 3, 4 and 7 turned by
180 degrees, and printed letters that are no digits. Every detector has one setting, which is chosen by its
area under the ROC curve on the validation digits and these digits turned (anomalies: "turned, validation"):
the distance to the nearest training digit (of pixels, of blurred pixels, of PCA's codes), the error of
PCA, that of the deep autoencoder of the notebook's first section (five seeds, 50 epochs, the epoch with the
lowest validation loss kept), and a density: minus the log-likelihood of PCA's code under a Gaussian mixture,
fitted to the training digits with five seeds; of several numbers of normals that with the highest likelihood
of the validation digits. mean: over the seeds (detectors without any have one). low, high: the 2.5 and 97.5
percent quantiles of a bootstrap that draws test digits, letters of the alphabet (the ten images of a letter
stay together) and one of the seeds, of networks and mixtures alike, 1,000 times, the same for every
detector; a turned digit goes with the digit that it was. The detectors "… minus …" are paired differences;
among them are a network and a nearest digit whose code was best on the letters themselves.
"printed digits" in the fonts of the letters are no anomalies; "letters, from printed digits": those are the
ordinary images.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from sklearn import metrics
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from labutils import backend, training
from labutils.data import digits

SEEDS, TIMES, TURNED, LETTERS = range(5), 1000, (3, 4, 7), "ACEFHKMNRUVWXY"
MEASURES = {"AUC": metrics.roc_auc_score, "average precision": metrics.average_precision_score}
NETWORKS, NORMALS, VALIDATION = (4, 8, 16, 32), (5, 10, 20, 40), "turned, validation"
NEAREST, ONE_NORMAL = "nearest digit", "density, one normal"
LIKED = "network, code of 8"  # that of the notebook
HEAD_START = (LIKED, "nearest digit, PCA's code of 32")  # of these codes the best on the letters themselves


def build(code: int, hidden: int = 128):
    keras = backend.load_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(code),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ]
    )
    model.compile("adam", "mse")
    return model


def train(code: int, seed: int, images: np.ndarray, validation: np.ndarray):
    keras = backend.load_keras()
    keras.utils.set_random_seed(seed)
    model = build(code)
    training.fit(
        model,
        images,
        images,
        epochs=50,
        batch_size=64,
        fast=True,
        validation=(validation, validation),
        callbacks=[keras.callbacks.EarlyStopping(patience=50, restore_best_weights=True)],
    )
    return model


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def pca_codes(images: np.ndarray, length: int):
    """Return a function that gives PCA's codes."""
    pca = PCA(length, svd_solver="covariance_eigh").fit(flat(images))
    return lambda x: pca.transform(flat(x)).astype(float)


def turn(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    turned = images[np.isin(labels, TURNED), ::-1, ::-1]
    return np.roll(turned, 1, axis=(1, 2))  # the centre of mass at index 14 again


def nearest_digit(features, images: np.ndarray):
    """Return the distance to the nearest training digit as a score."""
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(features(images))
    return lambda x: nearest.kneighbors(features(x))[0][:, 0]


def blur(width: float):
    return lambda x: flat(gaussian_filter(x, (0, width, width)))


def error_of(reconstruct):
    return lambda x: np.mean((reconstruct(x) - x) ** 2, axis=(1, 2))


def error_of_pca(images: np.ndarray, length: int):
    pca = PCA(length, svd_solver="covariance_eigh").fit(flat(images))
    return error_of(lambda x: np.clip(pca.inverse_transform(pca.transform(flat(x))), 0, 1).reshape(x.shape))


def density(codes, images: np.ndarray, validation: np.ndarray, normals: tuple[int, ...], seed: int):
    """Return minus the log-likelihood as a score."""
    fits = [GaussianMixture(k, reg_covar=1e-3, random_state=seed).fit(codes(images)) for k in normals]
    mixture = max(fits, key=lambda fit: fit.score(codes(validation)))
    return lambda x: -mixture.score_samples(codes(x))


def families(images: np.ndarray, validation: np.ndarray) -> list[dict]:
    """Return families of detectors, each by name; a detector is a list of scores, one for each seed."""
    features = {NEAREST: flat}
    features |= {f"nearest digit, blurred by {width}": blur(width) for width in (0.5, 1, 1.5, 2)}
    features |= {f"nearest digit, PCA's code of {k}": pca_codes(images, k) for k in (16, 32, 64)}
    return [
        {name: [nearest_digit(of, images)] for name, of in features.items()},
        {f"PCA, {k} components": [error_of_pca(images, k)] for k in (4, 8, 16, 32)},
        {
            f"network, code of {code}": [
                error_of(train(code, seed, images, validation).predict_on_batch) for seed in SEEDS
            ]
            for code in NETWORKS
        },
        {
            f"density, PCA's code of {k}": [
                density(pca_codes(images, k), images, validation, NORMALS, seed) for seed in SEEDS
            ]
            for k in (16, 32, 64)
        },
    ]


def mean_of_seeds(measure, of: dict, kind: str, ordinary: str = "test") -> float:
    return np.mean([measured(measure, *pair) for pair in zip(of[ordinary], of[kind])])


def measured(measure, ordinary: np.ndarray, anomalous: np.ndarray) -> float:
    is_anomaly = np.repeat([0, 1], [len(ordinary), len(anomalous)])
    return measure(is_anomaly, np.concatenate([ordinary, anomalous]))


def resampled(measure, of: dict, kind: str, labels: np.ndarray) -> np.ndarray:
    """TIMES values of the measure, for digits, letters and seeds that are drawn alike for every detector."""
    rng, values = np.random.default_rng(0), []
    is_turned = np.isin(labels, TURNED)
    place = np.cumsum(is_turned) - 1
    for _ in range(TIMES):
        seed = rng.integers(len(SEEDS)) % len(of["test"])
        drawn = rng.integers(0, len(labels), len(labels))
        if kind == "turned":
            anomalous = place[drawn[is_turned[drawn]]]
        else:
            letters = rng.integers(0, len(LETTERS), len(LETTERS))
            anomalous = (10 * letters[:, None] + np.arange(10)).ravel()
        values.append(measured(measure, of["test"][seed, drawn], of[kind][seed, anomalous]))
    return np.array(values)


def main() -> None:
    data = digits.load(source="embedded")
    images, validation = np.split(data.train.images, [3200])
    test, labels = data.test.images, data.test.labels
    letters, names = digits.letters()
    parts = {
        "validation": validation,
        VALIDATION: turn(validation, data.train.labels[3200:]),
        "test": test,
        "turned": turn(test, labels),
        "letters": letters[np.isin(names, list(LETTERS))],
        "printed digits": digits.letters(characters="0123456789")[0],
    }
    scores, chosen, rows = {}, [], []
    for family in families(images, validation):
        for name, seeds in family.items():
            scores[name] = {part: np.array([score(x) for score in seeds]) for part, x in parts.items()}
        of_validation = {
            name: mean_of_seeds(MEASURES["AUC"], scores[name], VALIDATION, "validation") for name in family
        }
        rows += [(name, "AUC", VALIDATION, value, np.nan, np.nan) for name, value in of_validation.items()]
        chosen.append(max(of_validation, key=of_validation.get))
    nearest, pca, network, of_codes = chosen
    codes = pca_codes(images, int(of_codes.split()[-1]))
    one = density(codes, images, validation, (1,), 0)
    scores[ONE_NORMAL] = {part: np.array([one(x)]) for part, x in parts.items()}

    for name in (NEAREST, nearest, LIKED):
        for kind, ordinary in (("printed digits", "test"), ("letters", "printed digits")):
            value = mean_of_seeds(MEASURES["AUC"], scores[name], kind, ordinary)
            what = kind if ordinary == "test" else "letters, from printed digits"
            rows.append((name, "AUC", what, value, np.nan, np.nan))
    for kind in ("turned", "letters"):
        for label, measure in MEASURES.items():
            means, draws = {}, {}
            for name in dict.fromkeys([NEAREST, *chosen, *HEAD_START, "network, code of 32", ONE_NORMAL]):
                means[name] = mean_of_seeds(measure, scores[name], kind)
                draws[name] = resampled(measure, scores[name], kind, labels)
            pairs = [(a, b) for a in dict.fromkeys([network, LIKED, of_codes]) for b in (NEAREST, nearest)]
            for a, b in [*pairs, HEAD_START]:
                means[f"{a} minus {b}"] = means[a] - means[b]
                draws[f"{a} minus {b}"] = draws[a] - draws[b]
            rows += [
                (name, label, kind, means[name], *np.quantile(draws[name], (0.025, 0.975))) for name in means
            ]
    table = pd.DataFrame(rows, columns=["detector", "measure", "anomalies", "mean", "low", "high"])
    table.round(4).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
