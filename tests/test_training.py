import numpy as np
import pandas as pd
import pytest

from labutils import backend, training


@pytest.fixture(scope="module")
def task():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)).astype("float32")
    y = (x[:, 0] + 0.3 * random.normal(size=200) > 0).astype("float32")
    return x, y


def build(keras, seed=0):
    backend.set_seed(seed)
    layers = [keras.layers.Input((3,)), keras.layers.Dense(8, activation="relu")]
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


def fit(keras, task, **options):
    options = {"name": "net", "epochs": 3, "batch_size": 32, "validation_split": 0.2} | options
    return training.fit(build(keras), *task, **options)


def test_the_numbers_are_those_of_model_fit(keras, task):
    plain = build(keras).fit(*task, epochs=3, batch_size=32, validation_split=0.2, verbose=0).history
    run = fit(keras, task)
    assert run.history.keys() == plain.keys()
    for quantity, values in plain.items():
        assert run.history[quantity] == pytest.approx(values, rel=1e-5)


def test_a_run_tells_what_happened(keras, task):
    run = fit(keras, task, test=task, seed=3)
    assert run.epochs == 3 and run.parameters == 41 and run.seconds > 0
    assert run.settings["batch_size"] == 32 and run.settings["seed"] == 3
    assert run.settings["training_rows"] == 160
    assert run.best_epoch == 1 + int(np.argmin(run.history["val_loss"]))
    assert run.kept_epoch == 3
    assert run.scores == {"loss": run.test_loss, "accuracy": run.test_accuracy}
    assert str(run).startswith("net: 3 epochs in ") and f"test accuracy {run.test_accuracy:.3f}" in str(run)
    assert "\n" not in str(run)


def test_it_prints_the_same_line_on_every_machine_and_nothing_else(keras, task, capfd):
    fit(keras, task)
    fit(keras, task, epochs=40, patience=1)
    captured = capfd.readouterr()
    assert captured.out == "net: epoch 1 2 3 of 3\nnet: at most 40 epochs … done\n"
    assert captured.err == ""


def test_early_stopping_keeps_the_weights_of_the_best_epoch(keras, task):
    model = build(keras)
    x, y = task
    run = training.fit(model, x, y, name="net", epochs=60, batch_size=32, validation_split=0.2, patience=2)
    assert run.kept_epoch == run.best_epoch == run.epochs - 2 < 60
    assert training.evaluate(model, x[160:], y[160:])["loss"] == pytest.approx(
        min(run.history["val_loss"]), 1e-4
    )
    assert f"weights of epoch {run.best_epoch} kept" in str(run)


def test_early_stopping_that_never_had_to_stop_still_keeps_the_best_epoch(keras, task):
    model = build(keras)
    x, y = task
    run = training.fit(model, x, y, name="net", epochs=4, batch_size=4, validation_split=0.2, patience=4)
    assert training.evaluate(model, x[160:], y[160:])["loss"] == pytest.approx(
        run.history["val_loss"][run.kept_epoch - 1], 1e-4
    )


def test_without_validation_the_best_epoch_is_that_of_lowest_training_loss(keras, task):
    run = fit(keras, task, validation_split=0)
    assert "val_loss" not in run.history
    assert run.best_epoch == 1 + int(np.argmin(run.history["loss"]))
    with pytest.raises(KeyError, match="has no 'val_loss', only"):
        run.at_kept_epoch("val_loss")
    with pytest.raises(ValueError, match="net has no test accuracy: give fit"):
        _ = run.test_accuracy


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": 0}, "epochs must be a whole number, 1 or more, got 0"),
        ({"epochs": 2.0}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"batch_size": -5}, "batch_size must be a whole number, 1 or more, got -5"),
        ({"patience": 0}, "patience must be"),
        ({"validation_split": 1}, "validation_split must lie from 0 up to"),
        ({"validation_split": -0.1}, "validation_split must lie"),
        ({"validation_split": "a"}, "validation_split must lie"),
        ({"validation_split": 0, "patience": 1}, "early stopping needs validation data"),
        ({"validation": (np.zeros((2, 3)), np.zeros(2))}, "not both"),
        ({"test": (np.zeros((2, 3)), np.zeros(3))}, "the test data have 2 inputs but 3 targets"),
        ({"test": (np.zeros((0, 3)), np.zeros(0))}, "the test data are empty"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(keras, task, options, message, capsys):
    with pytest.raises(ValueError, match=message):
        fit(keras, task, **options)
    assert capsys.readouterr().out == ""


def test_a_model_that_is_not_compiled_is_refused_in_words(keras, task):
    with pytest.raises(ValueError, match="call model.compile"):
        training.fit(keras.Sequential([keras.layers.Dense(1)]), *task, name="net", epochs=1)


def test_an_interrupted_training_raises_and_leaves_no_half_line(keras, task):
    model = build(keras)
    x, y = task
    with pytest.raises(ValueError):
        training.fit(model, x[:, :2], y, name="net", epochs=1)


@pytest.mark.parametrize("rows, batch", [(4000, 500), (5000, 500), (512, 512), (7, 7), (1009, 512), (1, 1)])
def test_even_batch(rows, batch):
    assert training.even_batch(rows) == batch
    assert rows % batch == 0 or batch == 512


def test_runs_tabulate_with_others(keras, task):
    runs = [
        fit(keras, task, test=task),
        fit(keras, task, epochs=2),
        fit(keras, task, name="other", test=task),
    ]
    table = training.table(runs)
    assert list(table.index) == ["net", "net", "other"]
    assert list(table["epochs"]) == [3, 2, 3]
    assert np.isnan(table["test accuracy"].iloc[1])
    summary = training.mean_and_sd(runs)
    assert list(summary.index) == ["net", "other"] and list(summary["runs"]) == ["2", "1"]
    assert summary.loc["net", "epochs"] == "2.5 ± 0.7" and summary.loc["other", "epochs"] == "3.0"
    assert summary.loc["net", "test accuracy"] == f"{runs[0].test_accuracy:.3f}"
    assert summary.loc["net", "parameters"] == "41"
    assert isinstance(training.table(runs[0]), pd.DataFrame)
    with pytest.raises(ValueError, match="no runs"):
        training.table([])


@pytest.mark.parametrize("way", [{}, {"keep_compiled": True}, {"whole_epochs": True}])
def test_each_epochs_network_can_be_looked_at(keras, task, way):
    """What `look` is given has, before `watch` is called, the weights of that epoch, whoever is trained."""
    told = []

    def look(network):
        told.append(float(np.mean((network(x, training=False) > 0.5)[:, 0] == y)))

    def watch(epoch, logs):
        assert len(told) == epoch

    x, y = task
    model = build(keras)
    model.compile("adam", "binary_crossentropy")
    training.fit(
        model, x, y, name="net", epochs=3, batch_size=32, look=look, watch=watch, verbose=False, **way
    )
    assert len(set(told)) > 1
    assert told[-1] == np.mean((model.predict(x, verbose=0)[:, 0] > 0.5) == y)
