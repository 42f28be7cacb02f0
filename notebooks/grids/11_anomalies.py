"""Compare detectors of anomalies, with intervals; store 11_anomalies.csv.

    python notebooks/grids/11_anomalies.py

About a minute on two cores. The networks are those of the notebook's first section: the deep autoencoder
with a code of 8 or 32 numbers, five seeds, 50 epochs, the epoch with the lowest validation loss kept.
Ordinary images: the test digits. Anomalies: test digits 3, 4 and 7 turned by 180 degrees, and printed letters
that are no digits. mean: over the seeds (detectors without a network have one). low, high: the 2.5 and 97.5
percent quantiles of a bootstrap that draws test digits, letters of the alphabet (the ten images of a letter
stay together) and one of the seeds, 1,000 times, the same for every detector; a turned digit goes with the
digit that it was. density: minus the log-likelihood of PCA's code of 32 under a Gaussian mixture, fitted to
the training digits; of several numbers of normals that with the highest likelihood of the validation digits.
The detectors "… minus nearest" are paired differences.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from labutils import backend, training
from labutils.data import digits

SEEDS, TIMES, TURNED, LETTERS = range(5), 1000, (3, 4, 7), "ACEFHKMNRUVWXY"
MEASURES = {"AUC": metrics.roc_auc_score, "average precision": metrics.average_precision_score}
NETWORK, NEAREST, DENSITY = "network, code of 8", "distance to the nearest digit", "density, PCA's code of 32"


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


def score_of_each(detectors: dict, parts: dict) -> dict:
    """Scores by detector and part, each (seeds, images); a detector is a list of functions of images."""
    return {
        name: {part: np.array([score(images) for score in seeds]) for part, images in parts.items()}
        for name, seeds in detectors.items()
    }


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
        "test": test,
        "turned": np.roll(test[np.isin(labels, TURNED), ::-1, ::-1], 1, axis=(1, 2)),
        "letters": letters[np.isin(names, list(LETTERS))],
    }
    pca = PCA(16, svd_solver="covariance_eigh").fit(flat(images))
    nearest = NearestNeighbors(n_neighbors=1).fit(flat(images))

    def by_pca(x):
        return np.clip(pca.inverse_transform(pca.transform(flat(x))), 0, 1).reshape(x.shape)

    def error_of(reconstruct):
        return lambda x: np.mean((reconstruct(x) - x) ** 2, axis=(1, 2))

    of_32 = PCA(32, svd_solver="covariance_eigh").fit(flat(images))
    mixtures = [
        GaussianMixture(k, reg_covar=1e-3, random_state=0).fit(of_32.transform(flat(images)))
        for k in (1, 2, 5, 10, 20, 40)
    ]
    mixture = max(mixtures, key=lambda fit: fit.score(of_32.transform(flat(validation))))
    networks = {
        code: [error_of(train(code, seed, images, validation).predict_on_batch) for seed in SEEDS]
        for code in (8, 32)
    }
    scores = score_of_each(
        {
            "amount of ink": [lambda x: x.mean(axis=(1, 2))],
            NEAREST: [lambda x: nearest.kneighbors(flat(x))[0][:, 0]],
            "PCA, 16 components": [error_of(by_pca)],
            DENSITY: [lambda x: -mixture.score_samples(of_32.transform(flat(x)))],
            **{f"network, code of {code}": functions for code, functions in networks.items()},
        },
        parts,
    )
    rows = []
    for kind in ("turned", "letters"):
        for label, measure in MEASURES.items():
            means, draws = {}, {}
            for name, of in scores.items():
                means[name] = np.mean([measured(measure, *pair) for pair in zip(of["test"], of[kind])])
                draws[name] = resampled(measure, of, kind, labels)
            for rival in (NETWORK, DENSITY):
                means[f"{rival} minus nearest"] = means[rival] - means[NEAREST]
                draws[f"{rival} minus nearest"] = draws[rival] - draws[NEAREST]
            rows += [
                (name, label, kind, means[name], *np.quantile(draws[name], (0.025, 0.975))) for name in means
            ]
    table = pd.DataFrame(rows, columns=["detector", "measure", "anomalies", "mean", "low", "high"])
    table.round(4).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
