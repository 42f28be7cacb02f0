"""Classify digits from few labels with pixels, PCA codes and autoencoder codes; store 11_labels.csv.

    python notebooks/grids/11_labels.py

About half an hour on two cores; broken off, it goes on where it was. Logistic regression on `labels`
labelled training digits, ten draws of them; its regularisation, and whether each feature is standardised, are
chosen by five-fold cross-validation on these labels alone. PCA and the autoencoders (hidden layers of 128
units, 50 epochs, best epoch kept, five seeds taken in turn) have seen all 3,200 training digits without
labels. So has the denoiser: a single hidden layer of 512 relu units is trained to make clean digits of noisy
ones (noise of standard deviation 0.5, drawn afresh), and its outputs are the features. "Wide layer" is
trained without noise, "random layer" not at all. "Blurred pixels" are every second pixel after a Gaussian
blur of 1.5 pixels; "blurred, random layer" sends these through 512 relu units with random weights (Glorot)
and no bias. "…, SVM": a support vector machine with a Gaussian kernel, no logistic regression; its C and
gamma (in units of 1 / (number of features × their variance)) are chosen in the same way, out of as many
settings, twelve. accuracy: on the 1,000 test digits.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, SEEDS, CODES = 3200, 50, range(5), (8, 32)
LABELS, DRAWS, WIDE, NOISE = (50, 100, 200, 400, 800), 10, 512, 0.5
FEATURES = [{"kind": "pixels", "code": 0}]
FEATURES += [{"kind": kind, "code": code} for code in CODES for kind in ("PCA", "network")]
FEATURES += [
    {"kind": kind, "code": WIDE} for kind in ("denoiser, hidden layer", "wide layer", "random layer")
]
FEATURES += [{"kind": kind, "code": 0} for kind in ("blurred pixels", "blurred, random layer")]
FEATURES += [{"kind": kind, "code": 0} for kind in ("pixels, SVM", "blurred pixels, SVM")]
FEATURES.append({"kind": "denoiser, hidden layer, SVM", "code": WIDE})
SETTINGS = {"scale": [StandardScaler(), "passthrough"], "classify__C": [0.001, 0.01, 0.1, 1, 10, 100]}
SVM_SETTINGS = {"classify__C": [1, 10, 100], "classify__gamma": [0.25, 0.5, 1, 2]}  # gamma: of variance 1


def fit_to_reproduce(model, images: np.ndarray, validation: tuple[np.ndarray, np.ndarray]) -> None:
    """Train a network to put out what it reads, and keep its best epoch."""
    keras = backend.load_keras()
    model.compile("adam", "mse")
    training.fit(
        model,
        images,
        images,
        epochs=EPOCHS,
        batch_size=64,
        validation=validation,
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
        fast=True,
    )


def features_by_network(code: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of the training and of the test digits."""
    keras = backend.load_keras()
    layers = keras.layers
    data = digits.load(source="embedded")
    fitted, validation = np.split(data.train.images, [FITTED])
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(code),
            layers.Dense(128, activation="relu"),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ]
    )
    fit_to_reproduce(model, fitted, (validation, validation))
    encoder = keras.Sequential([layers.Input((28, 28)), *model.layers[:3]])
    return tuple(encoder.predict(part, batch_size=500, verbose=0) for part in (fitted, data.test.images))


def features_of_wide_layer(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs of a wide layer for the training and the test digits."""
    keras = backend.load_keras()
    layers = keras.layers
    data = digits.load(source="embedded")
    fitted, validation = np.split(data.train.images, [FITTED])
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential(
        [layers.Input((28, 28)), layers.Flatten(), layers.Dense(WIDE, activation="relu")]
    )
    if kind != "random layer":
        amount = NOISE if kind.startswith("denoiser") else 0
        decoder = [layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28))]
        model = keras.Sequential([layers.Input((28, 28)), layers.GaussianNoise(amount), encoder, *decoder])
        noise = amount * np.random.default_rng(seed).normal(size=validation.shape)
        fit_to_reproduce(model, fitted, (validation + noise.astype("float32"), validation))
    return tuple(encoder.predict(part, batch_size=500, verbose=0) for part in (fitted, data.test.images))


def blurred(images: np.ndarray) -> np.ndarray:
    """Return every second pixel after a blur of 1.5 pixels."""
    smooth = gaussian_filter(images.reshape(-1, 28, 28), (0, 1.5, 1.5))
    return smooth[:, ::2, ::2].reshape(len(images), -1)


def random_layer(known: np.ndarray, new: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what untrained relu units make of features of the training and of the test digits."""
    rng, inputs = np.random.default_rng(seed), known.shape[1]
    limit = np.sqrt(6 / (inputs + WIDE))  # of Glorot and Bengio, as in a Dense layer
    weights = rng.uniform(-limit, limit, (inputs, WIDE))
    return tuple(np.maximum(part @ weights, 0) for part in (known, new))


def classify(known: np.ndarray, new: np.ndarray, data, labels: int, draw: int, by_svm: bool) -> dict:
    known_labels, scale = data.train.labels[:FITTED], known.std()
    chosen = np.random.default_rng(draw).permutation(FITTED)[:labels]
    classifier, settings = LogisticRegression(max_iter=1000), SETTINGS
    if by_svm:
        classifier, unit = SVC(), known.shape[1] * np.var(known / scale)
        settings = SVM_SETTINGS | {"classify__gamma": np.array(SVM_SETTINGS["classify__gamma"]) / unit}
    pipeline = Pipeline([("scale", "passthrough"), ("classify", classifier)])
    with warnings.catch_warnings():  # fifty labels may leave a kind with fewer than five
        warnings.filterwarnings("ignore", category=UserWarning)
        search = GridSearchCV(pipeline, settings, cv=5).fit(known[chosen] / scale, known_labels[chosen])
    best = search.best_params_
    return {
        "labels": labels,
        "draw": draw,
        "standardised": best.get("scale", "passthrough") != "passthrough",
        "C": best["classify__C"],
        "gamma": best["classify__gamma"] * unit if by_svm else np.nan,
        "accuracy": search.score(new / scale, data.test.labels),
    }


def train(kind: str, code: int, seed: int) -> dict:
    """Return the accuracies with one kind of features, as lists: of every fifth draw, from this seed on."""
    data = digits.load(source="embedded")
    known, new = (part.reshape(len(part), -1) for part in (data.train.images[:FITTED], data.test.images))
    if kind == "PCA":
        pca = PCA(max(CODES), svd_solver="covariance_eigh").fit(known)
        known, new = (pca.transform(part)[:, :code] for part in (known, new))
    elif kind == "network":
        known, new = features_by_network(code, seed)
    elif kind.startswith("blurred"):
        known, new = blurred(known), blurred(new)
        if kind == "blurred, random layer":
            known, new = random_layer(known, new, seed)
    elif code == WIDE:
        known, new = features_of_wide_layer(kind, seed)
    draws = range(seed, DRAWS, len(SEEDS))
    by_svm = kind.endswith("SVM")
    rows = [classify(known, new, data, labels, draw, by_svm) for draw in draws for labels in LABELS]
    name = f"{kind}, code of {code}" if code in CODES else kind
    return {"features": name} | pd.DataFrame(rows).to_dict("list")


def main() -> None:
    table = training.sweep(train, FEATURES, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    columns = ["labels", "draw", "standardised", "C", "gamma", "accuracy"]
    table = table.explode(columns).infer_objects().sort_values(["code", "draw"], kind="stable")
    table = table[["features", *columns]]
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
