"""Train denoisers of several widths with one noise realisation and with fresh noise; store 11_denoising.csv.

    python notebooks/grids/11_denoising.py

About six minutes on two cores; broken off, it goes on where it was. One hidden layer of `hidden` units (0:
ridge regression; its penalty is chosen on the validation digits, and stands under setting, as PCA's number of
components). noise: "once" (each digit of the training set with one realisation) or "fresh" (new in every
step; for ridge regression its average, a penalty on clean digits). Noise: normal, standard deviation 0.5;
each seed has realisations of its own. validation, test: mean squared error, reconstructions clipped to 0–1.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, NOISE, SEEDS = 3200, 60, 0.5, range(5)
WIDTHS, PENALTIES, COMPONENTS = (16, 32, 64, 128, 256, 512), 100 * 2.0 ** np.arange(7), range(4, 129, 4)
LINEAR = [
    {"kind": kind, "hidden": 0, "noise": noise}
    for kind, noise in (("PCA", "none"), ("ridge", "once"), ("ridge", "fresh"))
]
NETWORKS = [
    {"kind": "network", "hidden": hidden, "noise": noise} for hidden in WIDTHS for noise in ("once", "fresh")
]


def build(hidden: int, noise: float):
    keras = backend.load_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.GaussianNoise(noise),
            layers.Flatten(),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(784, activation="sigmoid"),
            layers.Reshape((28, 28)),
        ]
    )
    model.compile("adam", "mse")
    return model


def parts_of(seed: int):
    """Return the clean and the noisy training, validation and test digits."""
    data, rng = digits.load(source="embedded"), np.random.default_rng(seed)
    clean = [*np.split(data.train.images, [FITTED]), data.test.images]
    return clean, [part + NOISE * rng.normal(size=part.shape).astype("float32") for part in clean]


def errors(clean, noisy, denoise) -> dict:
    def error(part):
        return np.mean((np.clip(denoise(noisy[part]), 0, 1) - clean[part]) ** 2)

    return {"validation": error(1), "test": error(2)}


def network(hidden: int, noise: str, seed: int, clean, noisy) -> dict:
    keras = backend.load_keras()
    keras.utils.set_random_seed(seed)
    model = build(hidden, NOISE if noise == "fresh" else 0.0)
    run = training.fit(
        model,
        clean[0] if noise == "fresh" else noisy[0],
        clean[0],
        epochs=EPOCHS,
        batch_size=64,
        validation=(noisy[1], clean[1]),
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
        fast=True,
    )
    result = {"kept_epoch": run.kept_epoch, "setting": 0}
    return result | errors(clean, noisy, lambda images: model.predict(images, batch_size=500, verbose=0))


def linear(kind: str, noise: str, clean, noisy) -> dict:
    """Return the errors of the setting that is best on the validation digits."""
    known = clean[0].reshape(-1, 784)
    if kind == "PCA":
        pcas = [PCA(k, svd_solver="covariance_eigh").fit(known) for k in COMPONENTS]
        candidates = {
            pca.n_components: lambda x, pca=pca: pca.inverse_transform(pca.transform(x)) for pca in pcas
        }
    else:
        given = noisy[0].reshape(-1, 784) if noise == "once" else known
        candidates = {penalty: Ridge(penalty).fit(given, known).predict for penalty in PENALTIES}
    tried = [
        {"kept_epoch": 0, "setting": int(setting)}
        | errors(clean, noisy, lambda x, fit=fit: fit(x.reshape(-1, 784)).reshape(x.shape))
        for setting, fit in candidates.items()
    ]
    return min(tried, key=lambda row: row["validation"])


def train(kind: str, hidden: int, noise: str, seed: int) -> dict:
    clean, noisy = parts_of(seed)
    if kind == "network":
        return network(hidden, noise, seed, clean, noisy)
    return linear(kind, noise, clean, noisy)


def main() -> None:
    table = training.sweep(train, LINEAR + NETWORKS, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    is_network = table.kind == "network"
    table = pd.concat([table[~is_network].sort_values("seed", kind="stable"), table[is_network]])
    table = table.drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
