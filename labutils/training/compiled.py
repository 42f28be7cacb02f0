"""Networks that stay compiled, and whole epochs in compiled calls: the fast way of `fit`.

A model that is built anew is compiled anew, which takes seconds and some 20 MB; a small network, moreover,
spends its time between the batches. So one network for each architecture is kept with what was compiled for
it: a later model of that architecture hands it its weights, has it trained and gets them back. Where Keras'
results can be reproduced, the loop over the batches is compiled, too. So `fit` trains in one of three ways:

* compiled epochs, in a kept network: ``fast=True``, and `reason_against` finds nothing;
* Keras' own fit, in a kept network: ``fast=True``, but metrics, XLA or a layer stand against compiled epochs;
* Keras' own fit, in the model itself: ``fast=False``, a model that cannot be kept, another training goes on.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import backend

if TYPE_CHECKING:
    import keras

Pair = tuple[np.ndarray, np.ndarray]

BATCHES_PER_CALL = 50  # so that a training can be stopped between the calls of a long epoch
EVALUATION_BATCH = 512
KEPT = 6  # networks of some 20 MB; one that Keras' own fit trains takes twice that and counts as two
LONGEST_UNROLLED = 16  # time steps; unrolling more of them takes longer to prepare than it saves
# What treats each row of a batch by itself, so that rows which fill up the last batch change nothing.
LAYERS = frozenset(
    "Activation Add Concatenate Conv1D Conv2D Dense Dropout Embedding Flatten GaussianNoise "
    "GlobalAveragePooling1D GRU InputLayer LayerNormalization LSTM MaxPooling1D MaxPooling2D Permute "
    "RepeatVector Reshape SimpleRNN".split()
)
LOSSES = frozenset(
    "mse mean_squared_error mae mean_absolute_error binary_crossentropy sparse_categorical_crossentropy "
    "categorical_crossentropy huber".split()
)
OPTIMIZERS = frozenset("Adagrad Adam AdamW Nadam RMSprop SGD".split())
_KEPT: OrderedDict[str, LentNetwork] = OrderedDict()  # the only cache, the latest used last …
_LOCK = threading.Lock()  # … and its only lock: who finds it closed trains without


class CannotBeKept(Exception):
    """A model cannot be trained in a kept network; the message says why."""


@dataclass(frozen=True)
class LentNetwork:
    """What trains instead of a model: a kept network with what was compiled for it, or the model itself.

    Attributes
    ----------
    model : the network; its weights are those of the model that was trained last.
    epochs : its compiled epochs, None where `reason` stands against them.
    reason : why Keras' own fit trains it, in words.
    """

    model: keras.Model
    epochs: CompiledEpochs | None
    reason: str


@contextlib.contextmanager
def lend_network(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int) -> Iterator[LentNetwork]:
    """Lend a compiled network that is trained instead of `model`, which gets the weights back at the end.

    It is compiled for batches of `batch_size` rows with the shapes and types of x and y. It is `model` itself
    where no other network can be kept for it (a layer of your own, say) and where another training goes on,
    in another thread or around this one.
    """
    if not _LOCK.acquire(blocking=False):
        yield LentNetwork(model, None, "another training goes on")
        return
    try:
        network = _network_for(model, x, y, batch_size)
        try:
            yield network
        except Exception:
            for key in [key for key, kept in _KEPT.items() if kept is network]:
                del _KEPT[key]  # nobody knows in what state it is
            raise
        finally:
            if network.model is not model:
                copy_state(network.model, model)
    finally:
        _LOCK.release()


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Copy weights, the seeds of dropout, and the state of the optimizer."""
    variables = ([*model.variables, *model.optimizer.variables] for model in (target, source))
    for new, old in zip(*variables, strict=True):
        new.assign(old)


def _network_for(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int) -> LentNetwork:
    try:
        if not model.built:
            raise CannotBeKept("its input shape is not known before the first batch")
        if not isinstance(model.loss, str):  # keras.losses.Huber, say, leaves its delta out of its settings
            raise CannotBeKept("its loss is not given by name")
        layers, compilation = json.loads(model.to_json()), model.get_compile_config()
        layers.pop("compile_config", None)
        optimizer = compilation["optimizer"]["config"]
        if isinstance(optimizer.get("learning_rate"), float):
            optimizer["learning_rate"] = 0.0  # a variable of the optimizer, handed over with the others
        key = [_without_names(layers), _without_names(compilation)]
        key += [compilation.get(name) for name in ("metrics", "weighted_metrics")]  # their names count
        key += [[array.shape[1:], str(array.dtype)] for array in (x, y)]
        key = json.dumps([*key, batch_size], sort_keys=True)
        model.optimizer.build(model.trainable_variables)
        if key not in _KEPT:
            _KEPT[key] = _built(layers, compilation, reason_against(model), batch_size)
            while sum(1 if network.epochs else 2 for network in _KEPT.values()) > KEPT:
                _KEPT.popitem(last=False)
        _KEPT.move_to_end(key)
        copy_state(model, _KEPT[key].model)
        return _KEPT[key]
    except CannotBeKept as reason:
        return LentNetwork(model, None, str(reason))
    except Exception as error:  # no rule covers what a reader may put into a model
        return LentNetwork(model, None, f"it cannot be built again ({type(error).__name__})")


def _built(layers: dict, compilation: dict, reason: str, batch_size: int) -> LentNetwork:
    drawn_so_far = random.getstate()  # the new model draws seeds, and will not need them
    model = backend.load_keras().models.model_from_json(json.dumps(layers))
    random.setstate(drawn_so_far)
    model.compile_from_config(compilation)
    model.optimizer.build(model.trainable_variables)
    return LentNetwork(model, None if reason else CompiledEpochs(model, batch_size), reason)


def _without_names(node: Any) -> Any:
    """Return a Keras configuration without the names of layers, which count up with each build.

    Raises CannotBeKept for a class or a function of the reader's own, which may change under its name.
    """
    if isinstance(node, list):
        return [_without_names(child) for child in node]
    if not isinstance(node, dict):
        return node
    if node.get("registered_name"):
        own = node["config"] if isinstance(node.get("config"), str) else node["class_name"]
        raise CannotBeKept(f"{own} is not Keras' own")
    node = {name: _without_names(child) for name, child in node.items()}
    if node.get("class_name") != "DTypePolicy" and isinstance(node.get("config"), dict):
        node["config"].pop("name", None)
    return node


def reason_against(model: keras.Model) -> str:
    """Return in words why whole epochs of this compiled model cannot be compiled, "" if they can."""
    keras = backend.load_keras()
    if keras.backend.backend() != "tensorflow":
        return "whole epochs are compiled with the TensorFlow backend alone"
    if type(model) not in (keras.Sequential, keras.Model) and type(model).__name__ != "Functional":
        return "it is not a Sequential or Functional model"
    if model.jit_compile:
        return "XLA (jit_compile=True) compiles single batches"
    compilation = model.get_compile_config() or {}
    if compilation.get("metrics") or compilation.get("weighted_metrics"):
        return "it has metrics beside its loss"
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return "it has several inputs or outputs"
    if model.loss not in LOSSES:
        return f"its loss {model.loss} is not one of the usual ones"
    optimizer = model.optimizer
    if type(optimizer).__name__ not in OPTIMIZERS or optimizer.loss_scale_factor:
        return f"its optimizer is {type(optimizer).__name__}, or scales its loss"
    return next(filter(None, map(_reason_against_layer, model.layers)), "")


def _reason_against_layer(layer: keras.Layer) -> str:
    name = type(layer).__name__
    if name not in LAYERS:
        return f"its layer {name} may look at other rows of the batch"
    if getattr(layer, "stateful", False) or getattr(layer, "mask_zero", False):
        return f"its layer {name} carries a state or a mask from row to row or layer to layer"
    if getattr(layer, "activity_regularizer", None) is not None:
        return f"the activity regularizer of its layer {name} would see the rows that fill up a batch"
    if layer.dtype_policy.name not in ("float32", "float64"):
        return f"its layer {name} computes in {layer.dtype_policy.name}"
    return ""


class CompiledEpochs:
    """Training and evaluation of one network, an epoch (or 50 batches of a long one) in each compiled call.

    Same batches, same order and same numbers as ``model.fit``. Every batch has the same static shape, since
    that halves the time to compile: the last, smaller one is filled up with rows of weight 0, and the others
    weigh so much more that its mean is the same.
    """

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        import tensorflow as tf

        keras = backend.load_keras()
        self.tf, self.model, self.batch_size, self.floatx = tf, model, batch_size, keras.config.floatx()
        for layer in model.layers:
            if isinstance(layer, keras.layers.RNN):
                steps = keras.tree.flatten(layer.input)[0].shape[1]
                layer.unroll = steps is not None and steps <= LONGEST_UNROLLED
        weights = [v.value for v in model.trainable_variables]
        one_for_each_row = (batch_size,) + (1,) * max(0, len(model.outputs[0].shape) - 2)

        def train(x, y, rows, weight, first, last):
            def one_batch(i, total):
                batch, targets = tf.gather(x, rows[i]), tf.gather(y, rows[i])
                of_rows = tf.reshape(weight[i], one_for_each_row)
                with tf.GradientTape() as tape:
                    loss = model.compute_loss(batch, targets, model(batch, training=True), of_rows)
                model.optimizer.apply(tape.gradient(loss, weights))
                return i + 1, total + loss * tf.math.count_nonzero(weight[i], dtype=loss.dtype)

            start = (first, tf.zeros((), self.floatx))
            return tf.while_loop(lambda i, _: i < last, one_batch, start, parallel_iterations=1)[1]

        def test(x, y):
            def one_block(i, total):
                block, targets = x[i : i + EVALUATION_BATCH], y[i : i + EVALUATION_BATCH]
                loss = model.compute_loss(block, targets, model(block, training=False))
                return i + EVALUATION_BATCH, total + loss * tf.cast(tf.shape(block)[0], loss.dtype)

            start = (tf.constant(0), tf.zeros((), self.floatx))
            n = tf.shape(x)[0]
            total = tf.while_loop(lambda i, _: i < n, one_block, start, parallel_iterations=1)[1]
            return total / tf.cast(n, total.dtype)

        self._train_batches, self._mean_loss = (
            tf.function(function, autograph=False, reduce_retracing=True) for function in (train, test)
        )

    def fit(self, x, y, validation: Pair | None, epochs: int, callbacks: Sequence) -> None:
        """Train as ``model.fit`` does, and call the callbacks as it does under ``steps_per_execution=50``.

        But an epoch within which a callback stops the training is not validated, the validation has no
        batches of its own, and a stop before the first batch trains none.
        """
        keras, tf, n, size = backend.load_keras(), self.tf, len(x), self.batch_size
        steps = -(-n // size)
        filling = steps * size - n
        x, y = self._tensors(x, y)
        weight = np.ones((steps, size), self.floatx)
        weight[-1] = np.where(np.arange(size) < size - filling, size / (size - filling), 0)
        weight, orders = tf.constant(weight), self._orders(n)
        validation = validation and self._tensors(*validation)
        model = self.model
        with self._without_graph_optimizer():
            log = keras.callbacks.CallbackList(list(callbacks), True, model=model, epochs=epochs, steps=steps)
            model.stop_training = False
            log.on_train_begin()
            for epoch in range(epochs):
                if model.stop_training:
                    break
                log.on_epoch_begin(epoch)
                order = np.append(next(orders), np.zeros(filling, int))
                rows, total, logs = tf.constant(order.reshape(steps, size), "int32"), 0.0, {}
                for first in range(0, steps, BATCHES_PER_CALL):
                    last = min(first + BATCHES_PER_CALL, steps)
                    log.on_train_batch_begin(first)
                    total += float(self._train_batches(x, y, rows, weight, *map(tf.constant, (first, last))))
                    logs = {"loss": total / min(last * size, n)}
                    log.on_train_batch_end(last - 1, logs)
                    if model.stop_training:
                        break
                if validation and not model.stop_training:
                    log.on_test_begin()
                    logs["val_loss"] = float(self._mean_loss(*validation))
                    log.on_test_end({"loss": logs["val_loss"]})
                log.on_epoch_end(epoch, logs)
            model.optimizer.finalize_variable_values(model.trainable_weights)
            log.on_train_end()

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Return the loss on (x, y), by name as Keras does."""
        with self._without_graph_optimizer():
            return {"loss": float(self._mean_loss(*self._tensors(x, y)))}

    @contextlib.contextmanager
    def _without_graph_optimizer(self) -> Iterator[None]:
        """Spare TensorFlow's graph optimizer, which takes longer here than it saves.

        It would run anew after each ``set_random_seed``, which forgets what is ready to be called.
        """
        options = self.tf.config.optimizer
        before = options.get_experimental_options().get("disable_meta_optimizer", False)
        options.set_experimental_options({"disable_meta_optimizer": True})
        try:
            yield
        finally:
            options.set_experimental_options({"disable_meta_optimizer": before})

    def _tensors(self, x: np.ndarray, y: np.ndarray) -> list:
        """Return tensors in the precision that Keras would cast to, targets shaped like the output."""
        if y.ndim == 1 and len(self.model.outputs[0].shape) == 2:
            y = y[:, None]
        return [self.tf.constant(a.astype(self.floatx) if a.dtype.kind == "f" else a) for a in (x, y)]

    def _orders(self, rows: int) -> Iterator[np.ndarray]:
        """Yield, epoch after epoch, the order of the rows that ``model.fit`` has under the same seed.

        Where a seed was set, Keras with TensorFlow shuffles every epoch into the same order.
        """
        tf = self.tf
        shuffled = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(rows)))
        first, second = (next(shuffled.as_numpy_iterator()) for _ in range(2))
        yield first
        yield second
        while True:
            yield first if np.array_equal(first, second) else tf.random.shuffle(tf.range(rows)).numpy()
