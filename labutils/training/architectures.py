"""One compiled network for each architecture, lent to every later model of the same kind.

A model that is built anew is compiled anew, which takes seconds and some 30 MB. So a model of an
architecture that was seen before hands its weights to the network that was kept, has it trained, and
gets the weights back.
"""

from __future__ import annotations

import contextlib
import functools
import json
import random
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labutils import backend

if TYPE_CHECKING:
    import keras
    import numpy as np

KEPT = 3
# a class or a function of the reader's own, which may change under its name, as Keras spells them
_OWN = re.compile(r'"(registered_name|config)": "[^"]*>')
_IN_USE = threading.Lock()


@dataclass(frozen=True)
class Architecture:
    """What two models must have in common to be trained by one network.

    The names of layers may differ in a Sequential model; a Functional one has them in its wiring.
    """

    key: str
    model: str = field(compare=False)
    compilation: dict = field(compare=False)

    def built(self) -> keras.Model:
        """Return a compiled model of this architecture, without drawing from the random generators."""
        drawn_so_far = random.getstate()  # the new model draws seeds, and will not need them
        model = backend.load_keras().models.model_from_json(self.model)
        random.setstate(drawn_so_far)
        model.compile_from_config(self.compilation)
        model.optimizer.build(model.trainable_variables)
        return model


def architecture_of(model: keras.Model) -> Architecture:
    """Return the architecture of a compiled model, how it was compiled included."""
    compilation = model.get_compile_config()
    optimizer = compilation["optimizer"]["config"]
    if isinstance(optimizer.get("learning_rate"), float):
        optimizer["learning_rate"] = 0.0  # a variable of the optimizer, handed over with the others
    layers = json.loads(model.to_json())
    layers.pop("compile_config", None)
    metrics = [compilation.get(name) for name in ("metrics", "weighted_metrics")]  # their names count
    key = json.dumps([_unnamed([layers, compilation]), metrics], sort_keys=True)
    return Architecture(key, json.dumps(layers), compilation)


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Copy weights, the seeds of dropout, and the state of the optimizer."""
    for new, old in zip(target.variables, source.variables, strict=True):
        new.assign(old)
    for new, old in zip(target.optimizer.variables, source.optimizer.variables, strict=True):
        new.assign(old)


@contextlib.contextmanager
def borrowed(model: keras.Model, x: np.ndarray, y: np.ndarray) -> Iterator[keras.Model]:
    """Train what this gives, on data shaped like x and y, in the place of `model`.

    `model` gets the weights back, whatever happens. What is given is `model` itself if that cannot be
    built again from its configuration (a layer of your own, say) or if another training goes on.
    """
    if not _IN_USE.acquire(blocking=False):
        yield model
        return
    try:
        kept = _with_state_of(model, tuple((part.shape[1:], str(part.dtype)) for part in (x, y)))
        try:
            yield kept or model
        except Exception:
            _kept.cache_clear()  # nobody knows in what state it left the network
            raise
        finally:
            if kept:
                copy_state(kept, model)
    finally:
        _IN_USE.release()


def _with_state_of(model: keras.Model, shapes: tuple) -> keras.Model | None:
    """Return the network kept for this architecture with the model's state, None if it cannot be built."""
    if not model.built:
        return None
    try:
        architecture = architecture_of(model)
        if _OWN.search(architecture.key):
            return None
        kept = _kept(architecture, shapes)
        model.optimizer.build(model.trainable_variables)
        copy_state(model, kept)
    except Exception:  # no rule covers what a reader may put into a model
        return None
    return kept


@functools.lru_cache(KEPT)
def _kept(architecture: Architecture, shapes: tuple) -> keras.Model:
    return architecture.built()


def _unnamed(node: Any) -> Any:
    """Return a Keras configuration without the names of layers, which count up with each build."""
    if isinstance(node, list):
        return [_unnamed(child) for child in node]
    if not isinstance(node, dict):
        return node
    node = {name: _unnamed(child) for name, child in node.items()}
    if node.get("class_name") != "DTypePolicy" and isinstance(node.get("config"), dict):
        node["config"].pop("name", None)
    return node
