"""What the experiments are held against: the facts of a network and its Run, and goals that several share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from labutils.exercises.checking.exercise_types import Goal

_PAIR = "This needs the network and the Run that training.fit(...) returned: my_model, my_run."


def facts_of_run(run: Any) -> dict[str, Any]:
    """Return of a `training.Run` its parameters, rows and history, and what it reached at the kept epoch.

    Returns
    -------
    dict
        "parameters" and "rows", counts; "kept", metric → value at the kept epoch; "history", metric → values.

    Raises
    ------
    TypeError
        For what is no Run.
    """
    if getattr(run, "kept_epoch", None) == 0:
        raise TypeError("Your training was stopped before its first epoch was done: train it again.")
    try:
        return {
            "parameters": int(run.parameters),
            "rows": int(run.training_rows),
            "kept": {name: float(run.at_kept_epoch(name)) for name in run.history},
            "history": {name: [float(value) for value in values] for name, values in run.history.items()},
        }
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise TypeError(f"{_PAIR} The second is no Run.") from None


def facts_of_pair(pair: Any) -> dict[str, Any]:
    """Return the facts of a Run, and of its network the layers, the input, the narrowest layer and the loss.

    Returns
    -------
    dict
        Those of `facts_of_run`; "layers", names of classes; "steps", the length of the input, 0 for any;
        "narrowest", the fewest numbers that a layer gives for each row; "loss", its name; "counted", the
        parameters of the network; "penalised", whether a penalty is added to the loss.

    Raises
    ------
    TypeError
        For what is no pair of a Keras network and the Run of its training.
    """
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(_PAIR)
    model, run = pair
    try:
        network = {
            "layers": [type(layer).__name__ for layer in layers_of(model)],
            "steps": int(model.input_shape[1] or 0),  # 0: of any length
            "narrowest": min(sizes_of_outputs(model), default=0),
            "loss": _name_of(model.loss),
            "counted": int(model.count_params()),
            "penalised": bool(len(model.losses)),
        }
    except (AttributeError, IndexError, TypeError, ValueError):
        raise TypeError(f"{_PAIR} The first is no Keras network that was built and compiled.") from None
    facts = facts_of_run(run) | network
    if facts["parameters"] != facts["counted"]:
        raise TypeError(
            f"The Run is of another network: that had {facts['parameters']:,} parameters, this one has "
            f"{facts['counted']:,}."
        )
    return facts


def _name_of(loss: Any) -> str:
    if isinstance(loss, (tuple, list)) and len(loss) == 1:
        return _name_of(loss[0])
    return str(getattr(loss, "name", getattr(loss, "__name__", loss)))


def layers_of(model: Any) -> Iterator[Any]:
    """Yield the layers of a network, also those of networks in it and of wrappers such as Bidirectional."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        for name in ("layer", "forward_layer", "backward_layer"):
            if hasattr(layer, name):
                yield getattr(layer, name)


def sizes_of_outputs(model: Any) -> Iterator[int]:
    """Yield how many numbers each output of a layer holds for each row; an axis of any length counts once."""
    for layer in model.layers:
        if hasattr(layer, "layers"):  # a network in the network
            yield from sizes_of_outputs(layer)
        outputs = layer.output if isinstance(layer.output, (tuple, list)) else [layer.output]
        for output in outputs:
            yield math.prod(size or 1 for size in output.shape[1:])


def trained_on(rows: Callable[[Mapping[str, Any]], int], how: str) -> Goal:
    """Return the goal of a training on the training data alone, validated on the rest.

    Parameters
    ----------
    rows : of the facts, how many rows of training data there are.
    how : what to give ``training.fit`` for it, as the end of a sentence.
    """
    return Goal(
        "trained on the part that is for training, validated on the other",
        lambda facts: facts["rows"] == rows(facts) and "val_loss" in facts["kept"],
        lambda facts: f"{facts['rows']:,} rows, {'' if 'val_loss' in facts['kept'] else 'no '}validation",
        f"Runs can only be compared on the same validation data. Give training.fit {how}.",
        is_condition=True,
    )


def few_parameters(most: int, of: str, advice: str) -> Goal:
    """Return the goal of having at most so many parameters.

    Parameters
    ----------
    most : the number of parameters that is allowed.
    of : of what it is a share, such as ", a quarter of the GRU's"; "" for nothing.
    advice : what to say where it is missed.
    """
    return Goal(
        f"at most {most:,} parameters{of}",
        lambda facts: facts["parameters"] <= most,
        lambda facts: f"{facts['parameters']:,}",
        advice,
    )


def recurrent() -> Goal:
    """Return the goal that some layer is a recurrent one."""
    return Goal(
        "a recurrent network",
        lambda facts: bool({"SimpleRNN", "GRU", "LSTM", "RNN", "Bidirectional"} & set(facts["layers"])),
        lambda facts: ", ".join(facts["layers"]),
        "There is no recurrent layer in it. It may well do without one (a baseline worth knowing!), but "
        "here a recurrent network is asked for.",
        is_condition=True,
    )


def square_error() -> Goal:
    """Return the goal that the loss is the mean square error and nothing else, so that it can be compared."""
    return Goal(
        "compiled with the mean square error, and no penalty beside it",
        lambda facts: (
            facts["loss"] in ("mse", "mean_squared_error", "MSE", "MeanSquaredError")
            and not facts["penalised"]
        ),
        lambda facts: facts["loss"] + (" and a penalty" if facts["penalised"] else ""),
        "What is compared is the validation loss, and another loss has another scale: compile with "
        '"mse". Keras also counts a penalty on weights (a regularizer) into the loss, so leave that out.',
        is_condition=True,
    )


def binary_cross_entropy(how: str) -> Goal:
    """Return the goal that the loss is binary cross-entropy and nothing else, so that it can be compared.

    Parameters
    ----------
    how : what to compile with, as part of a sentence.
    """
    return Goal(
        "compiled with binary cross-entropy, and no penalty beside it",
        lambda facts: (
            facts["loss"] in ("binary_crossentropy", "BinaryCrossentropy") and not facts["penalised"]
        ),
        lambda facts: facts["loss"] + (" and a penalty" if facts["penalised"] else ""),
        "What is compared is the validation loss, and another loss has another scale: compile with "
        f"{how}, without a regularizer.",
    )


def accurate(least: float, of: str, advice: str) -> Goal:
    """Return the goal of a validation accuracy, in the epoch whose weights were kept.

    Parameters
    ----------
    least : the accuracy, from 0 to 1.
    of : whose accuracy that is, such as ", as the bag"; "" for nothing.
    advice : what to say where it is missed.
    """
    return Goal(
        f"a validation accuracy of {least:g} or more in the epoch that is kept{of}",
        lambda facts: facts["kept"].get("val_accuracy", 0) >= least,
        lambda facts: (
            f"{facts['kept']['val_accuracy']:.4f}"
            if "val_accuracy" in facts["kept"]
            else 'none was measured: compile with metrics=["accuracy"]'
        ),
        advice,
    )
