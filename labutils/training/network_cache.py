"""A cache of compiled networks: a later model of the same architecture is trained in one of them.

A model that is built anew is compiled anew, which takes seconds and some 20 MB. So one network for each
architecture is cached with what was compiled for it: a later model of that architecture hands it its weights,
has it trained and gets them back. Throughout `labutils.training`, "model" is the reader's and "network" what
is trained: the cached one, or the model itself. What trains it is then one of three:

* `CompiledTrainer` of a cached network: ``fast=True``, and `why_not_compiled` finds nothing;
* `KerasTrainer` of a cached network: ``fast=True``, but something, such as metrics, is against compiled
  epochs (a second small classifier takes a third of the time that it takes uncached);
* `KerasTrainer` of the model itself: ``fast=False``, it is not cacheable, a callback needs it, or another
  training goes on.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import backend
from labutils.training.compiled_epochs import CompiledTrainer, why_not_compiled
from labutils.training.keras_trainer import KerasTrainer

if TYPE_CHECKING:
    import keras

    from labutils.training.keras_trainer import Callbacks

Trainer = CompiledTrainer | KerasTrainer
CAPACITY = 6  # networks of some 20 MB; one that Keras' own fit trains takes twice that and counts as two
_CACHE: OrderedDict[str, Trainer] = OrderedDict()  # the only cache, the latest used last
_LOCK = threading.Lock()  # the only lock of the cache: who finds it closed trains without
_FUNCTIONAL = "keras.src.models.functional"  # the only class of its own that Keras names like a reader's
_NEEDING_THE_MODEL = ("BackupAndRestore", "OrbaxCheckpoint", "TensorBoard")  # they restore it, or draw it
_REFERENCES = ("keras_history", "input_layers", "output_layers")  # where a functional model names its layers


class NotCacheable(Exception):
    """A model cannot be trained in a cached network; the message says why."""


@contextlib.contextmanager
def trainer_for(
    model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int, callbacks: Callbacks = ()
) -> Iterator[Trainer]:
    """Yield what trains a cached network of this architecture; at the end `model` gets weights and history.

    It is compiled for batches of `batch_size` rows with the shapes and types of x and y. It trains `model`
    itself where it is not cacheable (a layer of your own, say), where one of the callbacks needs it, and
    where another training goes on, in another thread or around this one.
    """
    if reason := _why_not_a_copy(callbacks):
        yield KerasTrainer(model, batch_size, reason)
        return
    if not _LOCK.acquire(blocking=False):
        yield KerasTrainer(model, batch_size, "another training goes on")
        return
    try:
        trainer = _cached_trainer(model, x, y, batch_size)
        try:
            yield trainer
        except BaseException:  # Ctrl-C, too: it may come while the network is being compiled
            for key in [key for key, cached in _CACHE.items() if cached is trainer]:
                del _CACHE[key]  # nobody knows in what state it is
            raise
        finally:
            if trainer.network is not model:
                copy_state(trainer.network, model)
                _hand_back(trainer.network, model, callbacks)
    finally:
        _LOCK.release()


def cached_networks() -> list[keras.Model]:
    """Return the networks in the cache, the latest used last."""
    return [trainer.network for trainer in _CACHE.values()]


def clear() -> None:
    """Empty the cache; RuntimeError while a network of it is trained, or a callback would wait for itself."""
    if not _LOCK.acquire(blocking=False):
        raise RuntimeError("a cached network is being trained: clear the cache when that has ended")
    _CACHE.clear()
    _LOCK.release()


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Copy weights, the seeds of dropout, and the state of the optimizer."""
    for new, old in zip(_state(target), _state(source), strict=True):
        new.assign(old)


def _hand_back(network: keras.Model, model: keras.Model, callbacks: Callbacks) -> None:
    """Let callbacks and history belong to the model, as after ``model.fit``; the network forgets them."""
    history = getattr(network, "history", None)  # none where it has not come to a training
    for callback in [*callbacks, *([history] if history else [])]:
        callback.set_model(model)
    if history:
        model.history, network.history = history, None
    model.stop_training = network.stop_training


def _state(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]


def _cached_trainer(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int) -> Trainer:
    try:
        layers, compilation = _configurations(model)
    except NotCacheable as error:
        return KerasTrainer(model, batch_size, str(error))
    types = [[array.shape[1:], str(array.dtype)] for array in (x, y)]
    named = [compilation.get(name) for name in ("metrics", "weighted_metrics")]  # their names count
    architecture = _with_numbered_names([layers, compilation], {})
    key = json.dumps([architecture, named, types, batch_size], sort_keys=True)
    model.optimizer.build(model.trainable_variables)
    if key not in _CACHE:
        try:
            _CACHE[key] = _built(layers, compilation, why_not_compiled(model), batch_size)
        except Exception as error:  # no rule covers what a reader may put into a model
            return KerasTrainer(model, batch_size, f"it cannot be built again ({type(error).__name__})")
        while sum(1 + isinstance(cached, KerasTrainer) for cached in _CACHE.values()) > CAPACITY:
            _CACHE.popitem(last=False)
    _CACHE.move_to_end(key)
    cached = _CACHE[key]
    if [v.shape for v in _state(model)] != [v.shape for v in _state(cached.network)]:
        return KerasTrainer(model, batch_size, "its optimizer was built for other weights: compile it again")
    copy_state(model, cached.network)
    for part, named in zip(_named_parts(cached.network), _named_parts(model)):
        part.name = named.name  # a callback may ask for a layer by its name, or save the model
    return cached


def _why_not_a_copy(callbacks: Callbacks) -> str:
    """Return in words which callback has to have the model itself, "" if none.

    `BackupAndRestore` says in the model at which epoch its training begins, and there it stays: a cached
    network would leave out these epochs in the training of the next model, too.
    """
    known = backend.load_keras().callbacks
    needing = tuple(getattr(known, name) for name in _NEEDING_THE_MODEL if hasattr(known, name))
    names = [type(callback).__name__ for callback in callbacks if isinstance(callback, needing)]
    return f"{names[0]} needs the model itself, not a copy" if names else ""


def _named_parts(model: keras.Model) -> list[Any]:
    """Return the optimizer, the model, its layers and those within; last, models that are its attributes."""
    return [model.optimizer, *model._flatten_layers()]


def _configurations(model: keras.Model) -> tuple[dict, dict]:
    """Return what the model can be built and compiled again from, whatever its learning rate is."""
    if not model.built:
        raise NotCacheable("its input shape is not known before the first batch")
    if model.run_eagerly:  # for breakpoints and prints, perhaps: nothing is compiled that could be cached
        raise NotCacheable("run_eagerly=True asks for Python in every batch")
    if not isinstance(model.loss, str):  # keras.losses.Huber, say, leaves its delta out of its settings
        raise NotCacheable("its loss is not given by name")
    try:
        layers, compilation = json.loads(model.to_json()), model.get_compile_config()
    except Exception as error:  # a layer of the reader's own
        raise NotCacheable(f"it has no configuration ({type(error).__name__})") from None
    layers.pop("compile_config", None)
    _refuse_own_classes([layers, compilation])
    if any(getattr(model.optimizer, f"_exclude_from_weight_decay{part}", None) for part in ("", "_pattern")):
        raise NotCacheable("its optimizer spares some weights the decay, which its configuration leaves out")
    optimizer = compilation["optimizer"]["config"]
    if isinstance(optimizer.get("learning_rate"), float):
        optimizer["learning_rate"] = 0.0  # a variable of the optimizer, handed over with the others
    return layers, compilation


def _built(layers: dict, compilation: dict, fallback_reason: str, batch_size: int) -> Trainer:
    drawn_so_far = random.getstate()  # the network draws seeds, and will not need them
    try:
        network = backend.load_keras().models.model_from_json(json.dumps(layers))
    finally:
        random.setstate(drawn_so_far)
    network.compile_from_config(compilation)
    network.optimizer.build(network.trainable_variables)
    if fallback_reason:
        return KerasTrainer(network, batch_size, fallback_reason)
    return CompiledTrainer(network, batch_size)


def _refuse_own_classes(node: Any) -> None:
    """Raise NotCacheable for a class or function of the reader's own: it may change under its name."""
    if isinstance(node, dict) and node.get("registered_name") and node["module"] != _FUNCTIONAL:
        name = node["config"] if isinstance(node.get("config"), str) else node["class_name"]
        raise NotCacheable(f"{name} is not Keras' own")
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _refuse_own_classes(child)


def _with_numbered_names(node: Any, numbers: dict[str, str], is_name: bool = False) -> Any:
    """Return a Keras configuration without the names of layers, which count up with each build.

    Where one layer of a functional model refers to another, the same number stands for the same name,
    counted from its first appearance. A setting that merely equals a name stays.
    """
    if isinstance(node, str) and is_name:
        return numbers.setdefault(node, f"layer {len(numbers) + 1}")
    if isinstance(node, list):
        return [_with_numbered_names(child, numbers, is_name) for child in node]
    if not isinstance(node, dict):
        return node
    names = (*_REFERENCES, "name") if "inbound_nodes" in node else _REFERENCES
    node = {key: _with_numbered_names(part, numbers, is_name or key in names) for key, part in node.items()}
    if node.get("class_name") != "DTypePolicy" and isinstance(node.get("config"), dict):
        node["config"].pop("name", None)
    return node
