"""Whole epochs of a small network in compiled calls: no time is lost between the batches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import backend
from labutils.training.keras_trainer import EVALUATION_BATCH, Pair

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from labutils.training.keras_trainer import Callbacks

BATCHES_PER_CALL = 50  # so that a training can be stopped between the calls of a long epoch
LONGEST_UNROLLED = 16  # time steps; unrolling more of them takes longer to prepare than it saves
# What treats each row of a batch by itself, so that rows which fill up the last batch change nothing.
LAYERS = frozenset(
    "Activation Add Concatenate Conv1D Conv2D Cropping1D Dense Dropout Embedding Flatten GaussianNoise "
    "GlobalAveragePooling1D GRU InputLayer LayerNormalization LSTM MaxPooling1D MaxPooling2D Permute "
    "RepeatVector Reshape SimpleRNN".split()
)
LOSSES = frozenset(
    "mse mean_squared_error mae mean_absolute_error binary_crossentropy sparse_categorical_crossentropy "
    "categorical_crossentropy huber".split()
)
OPTIMIZERS = frozenset("Adagrad Adam AdamW Nadam RMSprop SGD".split())


def why_not_compiled(model: keras.Model) -> str:
    """Return in words why whole epochs of this compiled model cannot be compiled, "" if they can."""
    if backend.load_keras().backend.backend() != "tensorflow":
        return "whole epochs are compiled with the TensorFlow backend alone"
    if model.jit_compile:
        return "XLA (jit_compile=True) compiles single batches"
    compilation = model.get_compile_config() or {}
    if compilation.get("metrics") or compilation.get("weighted_metrics"):
        return "it has metrics beside its loss"
    if model.loss not in LOSSES:
        return f"its loss {model.loss} is not one of the usual ones"
    optimizer = model.optimizer
    if type(optimizer).__name__ not in OPTIMIZERS or optimizer.loss_scale_factor:
        return f"its optimizer is {type(optimizer).__name__}, or scales its loss"
    if len(model.inputs) > 1 or len(model.outputs) > 1:
        return "it has several inputs or outputs"
    return next(filter(None, map(_why_not_layer, model.layers)), "")


def _why_not_layer(layer: keras.Layer) -> str:
    name, keras = type(layer).__name__, backend.load_keras()
    if isinstance(layer, keras.Model):
        return f"its part {layer.name} is a model of its own: put its layers into the model one by one"
    if name not in LAYERS or not isinstance(layer, keras.Layer):  # ops.reshape, too, calls itself Reshape
        return f"its layer {name} may look at other rows of the batch"
    if getattr(layer, "axis", -1) not in (-1, [-1]):  # Concatenate(axis=0), LayerNormalization(axis=0)
        return f"the axis of its layer {name} is not the last one"
    if getattr(layer, "stateful", False) or getattr(layer, "mask_zero", False):
        return f"its layer {name} carries a state or a mask from row to row or layer to layer"
    if getattr(layer, "activity_regularizer", None) is not None:
        return f"the activity regularizer of its layer {name} would see the rows that fill up a batch"
    if layer.dtype_policy.name not in ("float32", "float64"):
        return f"its layer {name} computes in {layer.dtype_policy.name}"
    return ""


class CompiledTrainer:
    """Training and evaluation of a cached network, an epoch (or 50 batches of a long one) in a compiled call.

    Same batches, same order and same numbers as ``model.fit``. Every batch has the same static shape, since
    that halves the time to compile: the last, smaller one is filled up with rows of weight 0, and the others
    weigh so much more that its mean is the same. It has the attributes and methods of `KerasTrainer`.
    """

    trained_by, fallback_reason = "compiled epochs", ""

    def __init__(self, network: keras.Model, batch_size: int) -> None:
        import tensorflow as tf

        keras = backend.load_keras()
        self.tf, self.floatx = tf, keras.config.floatx()
        self.network, self.batch_size = network, batch_size
        recurrent = [layer for layer in network.layers if isinstance(layer, keras.layers.RNN)]
        steps = [keras.tree.flatten(layer.input)[0].shape[1] for layer in recurrent]
        self._is_unrolled = {
            layer: n is not None and n <= LONGEST_UNROLLED for layer, n in zip(recurrent, steps)
        }
        self._train_batches = self._compiled(self._train)
        # the compiled evaluation for each shape of a row
        self._tests: dict[tuple, Callable[..., tf.Tensor]] = {}

    def _compiled(self, function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        def traced(*arguments: Any) -> tf.Tensor:
            with self._unrolled_layers():
                return function(*arguments)

        return self.tf.function(traced, autograph=False, reduce_retracing=True)

    @contextlib.contextmanager
    def _unrolled_layers(self) -> Iterator[None]:
        """Unroll short recurrent layers in what is traced meanwhile, and in no file that a callback saves."""
        before = {layer: layer.unroll for layer in self._is_unrolled}
        try:
            for layer, is_unrolled in self._is_unrolled.items():
                layer.unroll = is_unrolled
            yield
        finally:
            for layer, is_unrolled in before.items():
                layer.unroll = is_unrolled

    def _train(self, x, y, batch_indices, sample_weights, first, end) -> tf.Tensor:
        """Train on the batches from `first` to `end`; return the sum of their losses over the rows."""
        tf, network = self.tf, self.network
        variables = [variable.value for variable in network.trainable_variables]
        weight_shape = (self.batch_size,) + (1,) * max(0, len(network.outputs[0].shape) - 2)

        def one_batch(i, total):
            batch, targets = tf.gather(x, batch_indices[i]), tf.gather(y, batch_indices[i])
            sample_weight = tf.reshape(sample_weights[i], weight_shape)
            with tf.GradientTape() as tape:
                loss = network.compute_loss(batch, targets, network(batch, training=True), sample_weight)
            network.optimizer.apply(tape.gradient(loss, variables))
            return i + 1, total + loss * tf.math.count_nonzero(sample_weights[i], dtype=loss.dtype)

        start = (first, tf.zeros((), self.floatx))
        return tf.while_loop(lambda i, _: i < end, one_batch, start, parallel_iterations=1)[1]

    def _test(self, x, y) -> tf.Tensor:
        """Return the mean loss over the rows."""
        tf, network = self.tf, self.network

        def one_block(i, total):
            block, targets = x[i : i + EVALUATION_BATCH], y[i : i + EVALUATION_BATCH]
            loss = network.compute_loss(block, targets, network(block, training=False))
            return i + EVALUATION_BATCH, total + loss * tf.cast(tf.shape(block)[0], loss.dtype)

        start = (tf.constant(0), tf.zeros((), self.floatx))
        n = tf.shape(x)[0]
        total = tf.while_loop(lambda i, _: i < n, one_block, start, parallel_iterations=1)[1]
        return total / tf.cast(n, total.dtype)

    def _mean_loss(self, x: tf.Tensor, y: tf.Tensor) -> float:
        """Return the mean loss over the rows.

        Compiled for each shape of a row by itself: one function for sequences of several lengths would not
        know the length, and a layer that is unrolled has to.
        """
        shape = (*x.shape[1:],), (*y.shape[1:],)
        if shape not in self._tests:
            self._tests[shape] = self._compiled(self._test)
        return float(self._tests[shape](x, y))

    def fit(
        self, x: np.ndarray, y: np.ndarray, validation: Pair | None, epochs: int, callbacks: Callbacks
    ) -> None:
        """Train as ``model.fit`` does, and call the callbacks as it does under ``steps_per_execution=50``.

        But an epoch within which a callback stops the training is not validated, the validation has no
        batches of its own, and a stop in ``on_train_begin`` trains no batch.
        """
        network, logs = self.network, None
        sample_weights, orders = self.tf.constant(self._sample_weights(len(x))), self._orders(len(x))
        x, y = self._tensors(x, y)
        held_out = None if validation is None else self._tensors(*validation)
        params = {"verbose": 0, "epochs": epochs, "steps": len(sample_weights)}
        with self._without_graph_optimizer():
            calls = backend.load_keras().callbacks.CallbackList([*callbacks], True, model=network, **params)
            network.stop_training = False
            calls.on_train_begin()
            for epoch in range(epochs):
                if network.stop_training:
                    break
                calls.on_epoch_begin(epoch)
                logs = self._train_epoch(x, y, next(orders), sample_weights, calls)
                if held_out is not None and not network.stop_training:
                    logs |= self._validate(held_out, calls)
                calls.on_epoch_end(epoch, logs)
            network.optimizer.finalize_variable_values(network.trainable_weights)
            calls.on_train_end(logs)

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Return the mean loss on (x, y), by its name."""
        with self._without_graph_optimizer():
            return {"loss": self._mean_loss(*self._tensors(x, y))}

    def _sample_weights(self, n_rows: int) -> np.ndarray:
        """Return the weights of the rows, (batches, batch_size): 0 where the last batch is filled up."""
        size = self.batch_size
        weights = np.ones((-(-n_rows // size), size), self.floatx)
        in_last = n_rows - (len(weights) - 1) * size
        weights[-1] = np.where(np.arange(size) < in_last, size / in_last, 0)
        return weights

    def _train_epoch(self, x, y, order, sample_weights, calls) -> dict[str, float]:
        """Train on every batch, or up to one after which a callback says stop; return the logs."""
        tf, (steps, size) = self.tf, sample_weights.shape
        filled_up = np.append(order, np.zeros(steps * size - len(order), int))
        batch_indices, total, logs = tf.constant(filled_up.reshape(steps, size), "int32"), 0.0, {}
        for first in range(0, steps, BATCHES_PER_CALL):
            end = min(first + BATCHES_PER_CALL, steps)
            calls.on_train_batch_begin(first)
            limits = map(tf.constant, (first, end))
            total += float(self._train_batches(x, y, batch_indices, sample_weights, *limits))
            logs = {"loss": total / min(end * size, len(order))}
            calls.on_train_batch_end(end - 1, logs)
            if self.network.stop_training:
                break
        return logs

    def _validate(self, validation, calls) -> dict[str, float]:
        """Return the validation's part of an epoch's logs."""
        calls.on_test_begin()
        loss = self._mean_loss(*validation)
        calls.on_test_end({"loss": loss})
        return {"val_loss": loss}

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

    def _tensors(self, x: np.ndarray, y: np.ndarray) -> list[tf.Tensor]:
        """Return tensors in the precision that Keras would cast to, targets shaped like the output."""
        if y.ndim == 1 and len(self.network.outputs[0].shape) == 2:
            y = y[:, None]
        return [self.tf.constant(a.astype(self.floatx) if a.dtype.kind == "f" else a) for a in (x, y)]

    def _orders(self, n_rows: int) -> Iterator[np.ndarray]:
        """Yield, epoch after epoch, the order of the rows that ``model.fit`` has under the same seed.

        Where a seed was set, Keras with TensorFlow shuffles every epoch into the same order.
        """
        tf = self.tf
        shuffled = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(n_rows)))
        first, second = (next(shuffled.as_numpy_iterator()) for _ in range(2))
        yield first
        yield second
        while True:
            yield first if np.array_equal(first, second) else tf.random.shuffle(tf.range(n_rows)).numpy()
