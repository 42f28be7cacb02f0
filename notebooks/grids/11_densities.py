"""Detect anomalies by a density of codes, and store 11_densities.csv.

    python notebooks/grids/11_densities.py

About ten minutes on two cores; broken off, it goes on where it was. The codes of the 3,200 training digits
are those of PCA, or of autoencoders with hidden layers of 128 units (50 epochs, best epoch kept); a mixture
of normal distributions is fitted to them, with as many components (`normals`) as have the highest likelihood
on the codes of the 800 validation digits. The score of an image is minus the log-likelihood of its code.
auc_turned, auc_letters: area under the ROC curve when the score is to tell the test digits from test digits
3, 4 and 7 turned by 180 degrees, and from printed letters that are no digits. Five seeds, of the network and
of the mixture.
"""

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from labutils import backend, training
from labutils.data import digits

FITTED, EPOCHS, HIDDEN, SEEDS, NORMALS = 3200, 50, 128, range(5), (5, 10, 20, 40)
CODES, LETTERS = (4, 8, 16, 32, 64), "ACEFHKMNRUVWXY"
SETTINGS = [{"codes_of": codes_of, "code": code} for codes_of in ("PCA", "network") for code in CODES]


def encoder_by_network(images, validation, code: int, seed: int):
    """Return a function that encodes images, trained on these."""
    keras = backend.load_keras()
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(HIDDEN, activation="relu"),
            layers.Dense(code),
        ]
    )
    decoder = [layers.Dense(HIDDEN, activation="relu"), layers.Dense(784, activation="sigmoid")]
    model = keras.Sequential([layers.Input((28, 28)), encoder, *decoder, layers.Reshape((28, 28))])
    model.compile("adam", "mse")
    training.fit(
        model,
        images,
        images,
        epochs=EPOCHS,
        batch_size=64,
        validation=(validation, validation),
        callbacks=[keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)],
        fast=True,
    )
    return lambda new: encoder.predict(new, batch_size=500, verbose=0).astype(float)


def train(codes_of: str, code: int, seed: int) -> dict:
    data = digits.load(source="embedded")
    (fitted, validation), test = np.split(data.train.images, [FITTED]), data.test.images
    if codes_of == "PCA":
        pca = PCA(code, svd_solver="covariance_eigh").fit(fitted.reshape(FITTED, -1))

        def encode(new):
            return pca.transform(new.reshape(len(new), -1)).astype(float)
    else:
        encode = encoder_by_network(fitted, validation, code, seed)
    fits = [GaussianMixture(k, reg_covar=1e-3, random_state=seed).fit(encode(fitted)) for k in NORMALS]
    mixture = max(fits, key=lambda fit: fit.score(encode(validation)))
    letters, names = digits.letters()
    turned = np.roll(test[np.isin(data.test.labels, (3, 4, 7)), ::-1, ::-1], 1, axis=(1, 2))  # centred again
    letters = letters[np.isin(names, list(LETTERS))]

    def auc(anomalies):
        scores = [-mixture.score_samples(encode(images)) for images in (test, anomalies)]
        return roc_auc_score(np.repeat([0, 1], [len(part) for part in scores]), np.concatenate(scores))

    return {"normals": mixture.n_components, "auc_turned": auc(turned), "auc_letters": auc(letters)}


def main() -> None:
    table = training.sweep(train, SETTINGS, seeds=SEEDS, **training.sweep_options(__file__))
    assert not table.failed.any(), table.failed.unique()
    table = table.drop(columns=["seconds", "failed"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
