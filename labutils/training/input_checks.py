"""The mistakes that are made every day, answered in words before a model is trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labutils import backend
from labutils.validation import whole_number

if TYPE_CHECKING:
    import keras

_PAD = "keras.utils.pad_sequences(x, maxlen=100)"
# Those of Keras that compare outputs and targets number by number ("sparse": but for the axis of classes).
_COMPARE = ("squared", "absolute", "huber", "crossentropy")


def check_settings(model: keras.Model, epochs: int, batch_size: int) -> None:
    """Raise ValueError for numbers below 1, and for a model that is not compiled."""
    whole_number("epochs", epochs)
    whole_number("batch_size", batch_size)
    if not getattr(model, "compiled", False):
        raise ValueError("the model is not compiled: call model.compile(...) before fit")


def checked(model: keras.Model, label: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets as arrays that this model can be trained on.

    Parameters
    ----------
    model : compiled Keras model; it is not changed.
    label : what they are, for the message, such as "the training data".
    x, y : (n, …) inputs and (n,) or (n, …) targets: arrays, lists of numbers or tensors.

    Raises
    ------
    ValueError
        For texts, lists of unequal lengths, masked arrays, generators, NaN, infinity, x and y of other
        lengths, no rows, inputs without the feature axis, targets that the outputs could only be broadcast
        to, and classes that the loss does not take; for a model of several inputs or outputs.
    """
    sides = (getattr(model, side, None) for side in ("inputs", "outputs"))
    if any(isinstance(side, list) and len(side) > 1 for side in sides):
        raise ValueError("the model has several inputs or outputs: train it with model.fit")
    x, y = _numbers(label, "x", x), _numbers(label, "y", y)
    if len(x) != len(y):
        raise ValueError(f"{label} have {len(x):,} inputs but {len(y):,} targets: they must be as many")
    if len(x) == 0:
        raise ValueError(f"{label} are empty")
    _check_features_axis(model, label, x)
    _check_targets(model, label, x, y)
    return x, y


def checked_pair(model: keras.Model, label: str, pair: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what `checked` does for a pair (x, y); ValueError for what is no pair."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        got = f"{len(pair)} parts" if isinstance(pair, (tuple, list)) else type(pair).__name__
        raise ValueError(f"{label} must be a pair (x, y), got {got}")
    return checked(model, label, *pair)


def check_rows(model: keras.Model, label: str, x: np.ndarray, trained_on: np.ndarray) -> None:
    """Raise ValueError where the model, which is built, takes the rows of `trained_on`, but not these.

    A recurrent layer takes sequences of any length, so the model itself is asked, with one row.
    """
    if x.shape[1:] == trained_on.shape[1:]:
        return
    try:
        model.predict_on_batch(x[:1])
    except Exception as error:
        raise ValueError(
            f"{label} have rows of the shape {x.shape[1:]}, the training data {trained_on.shape[1:]}, and "
            "the model does not take both: prepare them alike"
        ) from error


def _numbers(label: str, name: str, values: Any) -> np.ndarray:
    if isinstance(values, (pd.DataFrame, pd.Series)):
        table = pd.DataFrame(values)
        no_numbers = [column for column in table if not pd.api.types.is_numeric_dtype(table[column])]
        if no_numbers and isinstance(values, pd.DataFrame):
            raise ValueError(
                f"{label}: column {no_numbers[0]!r} of {name} holds {table[no_numbers[0]].dtype} values, and "
                "a model takes numbers: encode it, or leave it out"
            )
        if not no_numbers and any(pd.api.types.is_extension_array_dtype(kind) for kind in table.dtypes):
            values = values.to_numpy(float, na_value=np.nan)
    if np.ma.isMaskedArray(values) and np.ma.is_masked(values):
        hidden = int(np.ma.getmaskarray(values).sum())
        raise ValueError(
            f"{label}: {name} is a masked array that hides {hidden:,} values, and a model would see what "
            f"is under the mask. Fill them, or leave their rows out"
        )
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unequal lengths
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        rows = list(values) if isinstance(values, (list, tuple)) else list(np.atleast_1d(array))
        lengths = {len(row) for row in rows if isinstance(row, (list, tuple, np.ndarray))}
        is_text = isinstance(rows[0] if rows else None, (str, bytes))
        if is_text and name == "y":
            advice = (
                f"holds texts, such as {str(rows[0])[:30]!r}, and a loss takes numbers. Number the classes: "
                "classes, y = np.unique(y, return_inverse=True)"
            )
        elif is_text:
            advice = (
                f"holds texts, such as {str(rows[0])[:30]!r}, and a model takes numbers. Encode each text "
                f"as a list of token numbers, then pad them: {_PAD}"
            )
        elif len(lengths) > 1:
            advice = (
                f"holds lists of different lengths ({min(lengths):,} to {max(lengths):,}). "
                f"Pad or cut them to one length: {_PAD}"
            )
        elif (
            array.ndim == 0
            or hasattr(values, "__next__")
            or not isinstance(values, (list, tuple, np.ndarray))
        ):
            advice = f"is a {type(values).__name__}: give an array, or train with model.fit"
        else:
            advice = f"holds {array.dtype} values, and a model takes numbers: convert or encode them"
        raise ValueError(f"{label}: {name} {advice}")
    if array.ndim == 0:
        raise ValueError(f"{label}: {name} is a single number, not an array with a row for each example")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = ~np.isfinite(array)
        bad_rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
        raise ValueError(
            f"{label}: {name} holds {bad.sum():,} NaN or infinite values, the first in row {bad_rows[0]:,}. "
            f"Every weight would become NaN: fill them, or leave those {len(bad_rows):,} rows out"
        )
    return array


def _check_features_axis(model: keras.Model, label: str, x: np.ndarray) -> None:
    """Refuse rows of numbers where the model is known to take rows of steps, each with its features."""
    keras = backend.load_keras()
    first = next((layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)), None)
    is_recurrent = isinstance(first, (keras.layers.RNN, keras.layers.Bidirectional))
    takes = getattr(model, "input_shape", None) if model.built else None
    is_called_first = is_recurrent and isinstance(model, keras.Sequential)  # other models may be in any order
    if x.ndim == 2 and (len(takes) == 3 if isinstance(takes, tuple) else is_called_first):
        advice = "each step of a window its axis of features" if is_recurrent else "it a last axis"
        raise ValueError(
            f"{label}: x has the shape {x.shape}, and the model takes {takes or '(batch, time, features)'}. "
            f"Give {advice}: x[..., None] has the shape {(*x.shape, 1)}"
        )


def _check_targets(model: keras.Model, label: str, x: np.ndarray, y: np.ndarray) -> None:
    keras, loss = backend.load_keras(), model.loss
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)  # a loss object of Keras holds its function
    name, outputs = getattr(function, "__name__", ""), _output_shape(model, x)
    # a loss of one's own may compare what it likes, whatever it is called
    is_of_keras = all(str(getattr(p, "__module__", "")).startswith("keras.") for p in (loss, function))
    if not isinstance(outputs, tuple) or not is_of_keras or not any(part in name for part in _COMPARE):
        return
    given = outputs[1:-1] if "sparse" in name else outputs[1:]
    if _are_compared(given, y.shape[1:]):
        _check_classes(label, name, outputs[-1], y)
    else:
        advice = "change the last layer or the targets"
        if "sparse" in name and _are_compared(outputs[1:], y.shape[1:]):
            advice = 'rows of 0 and 1 for the classes need loss="categorical_crossentropy"'
        elif name == "categorical_crossentropy" and _are_compared(outputs[1:-1], y.shape[1:]):
            advice = 'numbers of classes need loss="sparse_categorical_crossentropy"'
        elif len(given) > y.ndim - 1:
            advice = "is return_sequences=True left on in the last recurrent layer?"
        raise ValueError(
            f"{label}: for each row the model gives numbers of the shape {outputs[1:]}, and y has "
            f"{y.shape[1:]}. They would be broadcast to one shape, and the loss would mean nothing: {advice}"
        )


def _check_classes(label: str, loss: str, outputs: int | None, y: np.ndarray) -> None:
    """Refuse targets of a classification that are no classes."""
    found = f"{label}: y holds values from {y.min():g} to {y.max():g}, and "
    if "sparse" in loss and outputs and not (0 <= y.min() and y.max() < outputs):
        raise ValueError(
            f"{found}the model has {outputs} outputs: number the classes from 0 to {outputs - 1}"
        )
    if loss in ("binary_crossentropy", "categorical_crossentropy") and not (0 <= y.min() and y.max() <= 1):
        raise ValueError(f"{found}{loss} takes probabilities, from 0 to 1")


def _output_shape(model: keras.Model, x: np.ndarray) -> tuple | None:
    """Return the shape of the outputs for these inputs, None where it is not known before the training."""
    if model.built:
        return getattr(model, "output_shape", None)
    try:
        return model.compute_output_shape((None, *x.shape[1:]))
    except Exception:  # a layer of the reader's own, or one that these inputs do not fit
        return None


def _are_compared(given: tuple, targets: tuple) -> bool:
    """Whether Keras compares these shapes number by number; it drops one axis of length 1 at the end."""
    if len(given) == len(targets) + 1 and given[-1] == 1:
        given = given[:-1]
    elif len(targets) == len(given) + 1 and targets[-1] == 1:
        targets = targets[:-1]
    return len(given) == len(targets) and all(a in (None, b) for a, b in zip(given, targets))
