"""Train denoisers of several widths with one noise realisation and with fresh noise; store 06_denoising.csv.

    python notebooks/grids/06_denoising.py

About six minutes on two cores. One hidden layer of `hidden` units (0: ridge regression; its penalty is
chosen on the validation digits, and stands under setting, as PCA's number of components). noise: "once"
(each digit of the training set with one realisation) or "fresh" (new in every step; for ridge regression
its average, a penalty on clean digits). Noise: normal, standard deviation 0.5; each seed has realisations
of its own. validation, test: mean squared error, reconstructions clipped to 0–1.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, NOISE, SEEDS = 3200, 60, 0.5, range(5)
WIDTHS, PENALTIES, COMPONENTS = (16, 32, 64, 128, 256, 512), 100 * 2.0 ** np.arange(7), range(4, 129, 4)


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


def network(hidden: int, noise: str, seed: int) -> dict:
    keras = backend.load_keras()
    clean, noisy = parts_of(seed)
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
    result = {"kind": "network", "hidden": hidden, "noise": noise, "seed": seed, "kept_epoch": run.kept_epoch}
    result["setting"] = 0
    return result | errors(clean, noisy, lambda images: model.predict(images, batch_size=500, verbose=0))


def linear(seed: int) -> list[dict]:
    clean, noisy = parts_of(seed)
    flat = [part.reshape(-1, 784) for part in noisy]
    known = clean[0].reshape(-1, 784)
    pcas = [PCA(k, svd_solver="covariance_eigh").fit(known) for k in COMPONENTS]
    fits = {
        ("PCA", "none"): {
            pca.n_components: lambda x, pca=pca: pca.inverse_transform(pca.transform(x)) for pca in pcas
        }
    }
    for noise, given in (("once", flat[0]), ("fresh", known)):
        fits["ridge", noise] = {penalty: Ridge(penalty).fit(given, known).predict for penalty in PENALTIES}
    rows = []
    for (kind, noise), candidates in fits.items():
        tried = [
            {"setting": int(setting)}
            | errors(clean, noisy, lambda x, fit=fit: fit(x.reshape(-1, 784)).reshape(x.shape))
            for setting, fit in candidates.items()
        ]
        best = min(tried, key=lambda row: row["validation"])
        rows.append({"kind": kind, "hidden": 0, "noise": noise, "seed": seed, "kept_epoch": 0} | best)
    return rows


def main() -> None:
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # two trainings at a time
    rows = [row for seed in SEEDS for row in linear(seed)]
    jobs = [(hidden, noise, seed) for hidden in WIDTHS for noise in ("once", "fresh") for seed in SEEDS]
    for row in Parallel(n_jobs=2, return_as="generator")(delayed(network)(*job) for job in jobs):
        rows.append(row)
        pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
