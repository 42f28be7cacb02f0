"""Mistakes that are made every day are answered in words before a model is trained on them."""

import numpy as np
import pandas as pd
import pytest
from training_helpers import network

from labutils import training


def sequence_model(return_sequences=False, loss="mse", outputs=1, with_input=True):
    def layers(k):
        inputs = [k.Input((10, 1))] if with_input else []
        return [*inputs, k.LSTM(3, return_sequences=return_sequences), k.Dense(outputs)]

    return network(layers, loss)


X, Y = np.linspace(0, 1, 300).reshape(30, 10, 1), np.linspace(0, 1, 30)
TEXTS = ["a film that " + "never ends " * 10_000, "short"] * 15
MISTAKES = {
    "a masked array that hides 1 values": (np.ma.masked_equal(X, X[3, 2, 0]), Y),
    "x holds 1 NaN or infinite values, the first in row 4": (np.where(X == X[4, 5, 0], np.nan, X), Y),
    "y holds 1 NaN or infinite values": (X, np.where(Y == Y[7], np.inf, Y)),
    "x holds texts, such as 'a film that never ends never e'": (TEXTS, Y),
    r"y holds texts, such as 'good'.*Number the classes.*np.unique": (X, ["good", "bad"] * 15),
    r"x holds lists of different lengths \(1 to 30\).*pad_sequences": ([[1] * n for n in range(1, 31)], Y),
    r"x has the shape \(30, 10\).*x\[..., None\] has the shape \(30, 10, 1\)": (X[..., 0], Y),
    r"gives numbers of the shape \(1,\), and y has \(4,\).*broadcast": (X, np.zeros((30, 4))),
    "x is a single number": (3.0, Y),
    r"column 'city' of x holds \w+ values.*encode it, or leave it out": (
        pd.DataFrame({"age": [1, 2] * 15, "city": ["a", "b"] * 15}),
        Y,
    ),
    "x holds object values, and a model takes numbers: convert or encode": ([None] * 30, Y),
    "x holds object values, and a model takes numbers": ([[1], 3] * 15, Y),
    "x is a generator: give an array, or train with model.fit": ((row for row in X), Y),
    "x is a dict: give an array": ({"x": X}, Y),
}


@pytest.mark.parametrize("with_input", [True, False])
@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_of_every_day_is_answered_before_the_training(message, with_input, capfd):
    with pytest.raises(ValueError, match=message) as caught:
        training.fit(sequence_model(with_input=with_input), *MISTAKES[message], epochs=1)
    assert len(str(caught.value)) < 330 and capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        "MeanSquaredError",
        "bce",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("MSE", "mae", "binary_crossentropy")),
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("object", "function")),
    ],
)
def test_return_sequences_left_on_is_answered_before_the_training(keras, loss):
    losses = {"object": keras.losses.MeanSquaredError(), "function": keras.losses.mean_squared_error}
    loss = losses.get(loss, loss)
    with pytest.raises(ValueError, match="return_sequences=True left on"):
        training.fit(sequence_model(True, loss), X, Y, epochs=1)
    training.fit(sequence_model(True, loss), X, X[..., 0], epochs=1)  # a target for each step


def test_a_loss_of_ones_own_may_compare_what_it_likes_whatever_its_name(keras):
    def weighted_squared_error(y, predicted):  # y : (n, 2), the target and its weight
        return y[:, 1:] * (y[:, :1] - predicted) ** 2

    class MeanSquared(keras.losses.Loss):
        def call(self, y, predicted):
            return weighted_squared_error(y, predicted)

    y = np.stack([Y, Y], axis=1)
    for loss in (weighted_squared_error, MeanSquared(name="mean_squared_error")):
        model = network(lambda k: [k.Input((10, 1)), k.Flatten(), k.Dense(1)], loss)
        assert training.fit(model, X, y, epochs=1).epochs == 1
    with pytest.raises(ValueError, match="would be broadcast"):  # Keras' own, whatever the reader calls it
        training.fit(sequence_model(loss=keras.losses.MeanSquaredError(name="mine")), X, y, epochs=1)


def test_windows_of_one_step_do_not_hide_return_sequences_left_on():
    model = network(lambda k: [k.Input((1, 1)), k.LSTM(3, return_sequences=True), k.Dense(1)])
    with pytest.raises(ValueError, match="return_sequences=True left on"):
        training.fit(model, X[:, :1], Y, epochs=1)
    assert training.fit(model, X[:, :1], Y[:, None], epochs=1).epochs == 1


def test_an_image_without_its_last_axis_is_told_of_no_window():
    model = network(lambda k: [k.Input((10, 1)), k.Conv1D(2, 3), k.Flatten(), k.Dense(1)])
    with pytest.raises(ValueError, match=r"Give it a last axis: x\[..., None\]"):
        training.fit(model, X[..., 0], Y, epochs=1)


def test_classes_by_number_are_no_mistake():
    classes = np.arange(30) % 4
    loss = "sparse_categorical_crossentropy"
    assert training.fit(sequence_model(loss=loss, outputs=4), X, classes, epochs=1).epochs == 1
    with pytest.raises(ValueError, match="return_sequences=True left on"):
        training.fit(sequence_model(True, loss, outputs=4), X, classes, epochs=1)


def own_model(k, rnn, other, call):
    model = type("Own", (k.Model,), {"call": call})()
    model.rnn, model.other = rnn, other  # in this order, whatever is called first
    return model


def functional(k, read):
    inputs = k.Input((10,))
    return k.Model(inputs, k.layers.Dense(1)(read(inputs)))


UNUSUAL = {
    "indexed": lambda k, L: functional(k, lambda x: L.LSTM(4)(x[..., None])),
    "expanded": lambda k, L: functional(k, lambda x: L.GRU(4)(k.ops.expand_dims(x, -1))),
    "embedded": lambda k, L: functional(k, lambda x: L.Bidirectional(L.LSTM(4))(L.Embedding(2, 3)(x))),
    "within": lambda k, L: k.Sequential([UNUSUAL["indexed"](k, L), L.Dense(1)]),
    "a function": lambda k, L: k.Sequential([L.Lambda(lambda x: x[..., None]), L.LSTM(4), L.Dense(1)]),
    "own": lambda k, L: own_model(k, L.LSTM(4), L.Dense(1), lambda m, x: m.other(m.rnn(x[..., None]))),
    "own order": lambda k, L: own_model(k, L.GRU(1), L.Embedding(2, 3), lambda m, x: m.rnn(m.other(x))),
    "pictures": lambda k, L: k.Sequential([k.Input((5, 2, 1)), L.Conv2D(2, 2), L.Flatten(), L.Dense(1)]),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_model_that_is_right_is_trained(keras, name):
    for fast in (False, True):
        model = UNUSUAL[name](keras, keras.layers)
        model.compile("adam", "mse")
        x = X.reshape(30, 5, 2) if name == "pictures" else X[..., 0]  # Keras adds the channel
        assert training.fit(model, x, Y, epochs=1, fast=fast).epochs == 1


CLASSES = np.arange(30) % 3
WRONG_CLASSES = {
    'numbers of classes need loss="sparse_categorical_crossentropy"': (
        "categorical_crossentropy",
        3,
        CLASSES,
    ),
    'need loss="categorical_crossentropy"': ("sparse_categorical_crossentropy", 3, np.eye(3)[CLASSES]),
    "from 1 to 3, and the model has 3 outputs: number the classes from 0 to 2": (
        "sparse_categorical_crossentropy",
        3,
        CLASSES + 1,
    ),
    "from -1 to 1, and binary_crossentropy takes probabilities": ("binary_crossentropy", 1, CLASSES - 1.0),
    "from 0 to 2, and categorical_crossentropy takes": (
        "categorical_crossentropy",
        3,
        2 * np.eye(3)[CLASSES],
    ),
}


@pytest.mark.parametrize("message", WRONG_CLASSES)
def test_targets_that_are_no_classes_are_answered_before_the_training(message):
    loss, outputs, y = WRONG_CLASSES[message]
    with pytest.raises(ValueError, match=message) as caught:
        training.fit(sequence_model(loss=loss, outputs=outputs), X, y, epochs=1)
    assert len(str(caught.value)) < 330


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_the_right_classes_are_trained_on(loss):
    y = CLASSES if "sparse" in loss else np.eye(3)[CLASSES]
    assert training.fit(sequence_model(loss=loss, outputs=3), X, y, epochs=1).epochs == 1


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("other", ["validation", "test"])
def test_rows_that_only_the_training_can_take_are_answered_before_it(other, fast, capsys):
    flat = X[:, :, 0]
    with pytest.raises(ValueError, match=rf"the {other} data have rows of the shape \(5,\).*\(10,\)"):
        training.fit(
            network(lambda k: [k.Dense(1)]),
            flat,
            Y,
            epochs=1,
            name="flat",
            fast=fast,
            **{other: (flat[:, :5], Y)},
        )
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("fast", [True, False])
def test_sequences_of_another_length_validate_and_test_one_after_the_other(fast):
    for length in (10, 8, 12):
        other = np.resize(X, (30, length, 1)), Y
        run = training.fit(sequence_model(), X, Y, epochs=1, fast=fast, validation=other, test=other)
        assert run.scores["loss"] == pytest.approx(run.history["val_loss"][0])


def test_tables_of_pandas_are_trained_on_even_those_that_allow_for_missing_values():
    table = pd.DataFrame({"a": X[:, 0, 0], "b": X[:, 1, 0]})
    plain, nullable = (
        training.fit(network(lambda k: [k.Dense(1)]), data, pd.Series(Y), epochs=1).history["loss"]
        for data in (table, table.astype("Float64"))
    )
    assert plain == nullable
    with pytest.raises(ValueError, match="x holds 1 NaN or infinite values, the first in row 3"):
        holed = table.astype("Float64")
        holed.loc[3, "a"] = pd.NA
        training.fit(network(lambda k: [k.Dense(1)]), holed, Y, epochs=1)


def test_several_inputs_are_sent_to_the_fit_of_keras(keras):
    inputs = [keras.layers.Input((2,)), keras.layers.Input((2,))]
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Add()(inputs)))
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="several inputs or outputs: train it with model.fit"):
        training.fit(model, [X[:, :2, 0]] * 2, Y, epochs=1)
