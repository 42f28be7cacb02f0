"""Whole epochs in compiled calls: ``model.fit`` for networks so small that it waits on itself.

A small recurrent network on a few hundred windows spends its time between the batches and in
preparing the first one. Here the loop over the batches is compiled too, and what was compiled is kept:
a later model of the same architecture hands its weights over, has them trained and gets them back.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import backend
from labutils.training import architectures

if TYPE_CHECKING:
    import keras

STEPS_PER_CALL = 50  # so that a training can be stopped between the calls of a long epoch
EVALUATION_BATCH = 512
KEPT = 8  # architectures with their compiled training, some 20 MB each
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
_ONE_TRAINING_AT_A_TIME = threading.RLock()


def reason_against(model: keras.Model) -> str | None:
    """Return in words why this compiled model cannot be trained here, or None if it can."""
    keras = backend.load_keras()
    if keras.backend.backend() != "tensorflow":
        return "only the TensorFlow backend can compile whole epochs"
    if not _is_one_of(type(model), keras, ("Sequential", "Model")) and type(model).__name__ != "Functional":
        return "it is not a Sequential or Functional model"
    if not model.built:
        return "its input shape is not known before the first batch: begin it with an Input layer"
    if model.jit_compile:
        return "jit_compile=True compiles each architecture for many seconds"
    compiled = model.get_compile_config() or {}
    if compiled.get("metrics") or compiled.get("weighted_metrics"):
        return "it has metrics beside its loss"
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return "it has several inputs or outputs"
    loss = compiled.get("loss")
    if not isinstance(loss, str) or loss not in LOSSES:
        return f"its loss must be given by name, one of {', '.join(sorted(LOSSES))}"
    optimizer = model.optimizer
    if not _is_one_of(type(optimizer), keras.optimizers, OPTIMIZERS) or optimizer.loss_scale_factor:
        return f"its optimizer must be one of {', '.join(sorted(OPTIMIZERS))}, without loss scaling"
    return next(filter(None, map(_reason_against_layer, model.layers)), None)


def _reason_against_layer(layer: keras.Layer) -> str | None:
    keras = backend.load_keras()
    name = type(layer).__name__
    if not _is_one_of(type(layer), keras.layers, LAYERS):
        return f"it has a layer {name}, and only these are known to treat each row by itself: " + ", ".join(
            sorted(LAYERS)
        )
    if getattr(layer, "stateful", False) or getattr(layer, "mask_zero", False):
        return f"its layer {name} carries a state or a mask from row to row or layer to layer"
    if getattr(layer, "activity_regularizer", None) is not None:
        return f"the activity regularizer of its layer {name} would see the rows that fill up a batch"
    if layer.dtype_policy.name not in ("float32", "float64"):
        return f"its layer {name} computes in {layer.dtype_policy.name}"
    for key in ("activation", "recurrent_activation"):
        used = getattr(layer, key, None)
        if used is not None and getattr(keras.activations, used.__name__, None) is not used:
            return f"the {key} of its layer {name} is not one of keras.activations"
    return None


def _is_one_of(kind: type, module: Any, names: Any) -> bool:
    """Whether a class *is* Keras' class of that name, not another one of the same name."""
    return kind.__name__ in names and getattr(module, kind.__name__, None) is kind


def fit(
    model: keras.Model,
    data: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None,
    *,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, list[float]]:
    """Train a model as ``model.fit`` would and return its history.

    data, validation : (x, y). Shuffled as Keras shuffles under the same seed. callbacks : are called at
    the start and end of the training and of the epochs, not of the batches, and see the kept model that
    is trained; `model` itself gets its weights at the end, also when the training is interrupted. stop :
    asked every 50 batches and while another training is waited for, since one trains at a time; the
    epoch that it breaks off is not in the history.
    """
    while not _ONE_TRAINING_AT_A_TIME.acquire(timeout=0.1):
        if stop():
            return {}
    try:
        trainer = _trainer_of(model, min(batch_size, len(data[0])))
        if trainer.busy:
            raise RuntimeError("a model cannot be trained from within the training of one like it")
        return trainer.fit(model, data, validation, epochs, callbacks, stop)
    finally:
        _ONE_TRAINING_AT_A_TIME.release()


def loss(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int) -> float:
    """Return the loss of a model that was trained here with this batch size, compiling nothing anew."""
    with _ONE_TRAINING_AT_A_TIME:
        return _trainer_of(model, batch_size).loss(model, x, y)


class _Trainer:
    """A model of one architecture with its compiled training; its weights are whoever's turn it is.

    Every batch has the same static shape, since that halves the time to compile: the last, smaller one
    is filled up with rows of weight 0, and the others weigh so much more that its mean is the same.
    """

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        import tensorflow as tf

        keras = backend.load_keras()
        floatx = keras.config.floatx()
        self.tf, self.model, self.batch_size, self.busy = tf, model, batch_size, False
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

            start = (first, tf.zeros((), floatx))
            return tf.while_loop(lambda i, _: i < last, one_batch, start, parallel_iterations=1)[1]

        def test(x, y):
            def one_block(i, total):
                block, targets = x[i : i + EVALUATION_BATCH], y[i : i + EVALUATION_BATCH]
                loss = model.compute_loss(block, targets, model(block, training=False))
                return i + EVALUATION_BATCH, total + loss * tf.cast(tf.shape(block)[0], loss.dtype)

            start = (tf.constant(0), tf.zeros((), floatx))
            n = tf.shape(x)[0]
            total = tf.while_loop(lambda i, _: i < n, one_block, start, parallel_iterations=1)[1]
            return total / tf.cast(n, total.dtype)

        self.train, self.test = (
            tf.function(function, autograph=False, reduce_retracing=True) for function in (train, test)
        )

    def fit(self, model, data, validation, epochs, callbacks, stop) -> dict[str, list[float]]:
        keras = backend.load_keras()
        n, size = len(data[0]), self.batch_size
        steps = -(-n // size)
        x, y = self._tensors(*data)
        validation = validation and self._tensors(*validation)
        filling = steps * size - n
        weight = np.ones((steps, size), keras.config.floatx())
        weight[-1] = np.where(np.arange(size) < size - filling, size / (size - filling), 0)
        weight = self.tf.constant(weight)
        orders = self._orders(n)
        model.optimizer.build(model.trainable_variables)
        with self._lent(model), self._unoptimized():
            log = keras.callbacks.CallbackList(list(callbacks), True, model=self.model, epochs=epochs)
            self.model.stop_training = False
            log.on_train_begin()
            for epoch in range(epochs):
                log.on_epoch_begin(epoch)
                order = np.append(next(orders), np.zeros(filling, int))
                rows = self.tf.constant(order.reshape(steps, size), "int32")
                total = 0.0
                for first in range(0, steps, STEPS_PER_CALL):
                    if stop():
                        break
                    last = min(first + STEPS_PER_CALL, steps)
                    total += float(self.train(x, y, rows, weight, *map(self.tf.constant, (first, last))))
                else:
                    logs = {"loss": total / n}
                    if validation:
                        logs["val_loss"] = float(self.test(*validation))
                    log.on_epoch_end(epoch, logs)
                    if not self.model.stop_training:
                        continue
                break
            self.model.optimizer.finalize_variable_values(self.model.trainable_weights)
            log.on_train_end()
        return self.model.history.history

    def loss(self, model, x, y) -> float:
        with self._unoptimized():
            architectures.copy_state(model, self.model)
            return float(self.test(*self._tensors(x, y)))

    @contextlib.contextmanager
    def _lent(self, model: keras.Model) -> Iterator[None]:
        """Train in the place of `model`, and give the weights back, whatever happens."""
        self.busy = True
        try:
            architectures.copy_state(model, self.model)
            try:
                yield
            finally:
                architectures.copy_state(self.model, model)
        finally:
            self.busy = False

    @contextlib.contextmanager
    def _unoptimized(self) -> Iterator[None]:
        """Spare TensorFlow's graph optimizer, which takes longer here than it saves.

        It would run anew after each `set_seed`, which forgets what is ready to be called.
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
        x, y = np.asarray(x), np.asarray(y)
        if y.ndim == 1 and len(self.model.outputs[0].shape) == 2:
            y = y[:, None]
        floatx = backend.load_keras().config.floatx()
        return [self.tf.constant(a.astype(floatx) if a.dtype.kind == "f" else a) for a in (x, y)]

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


def _trainer_of(model: keras.Model, batch_size: int) -> _Trainer:
    return _trainer(architectures.architecture_of(model), batch_size)


@functools.lru_cache(KEPT)
def _trainer(architecture: architectures.Architecture, batch_size: int) -> _Trainer:
    return _Trainer(architecture.built(), batch_size)
