"""Keras without its start-up noise, and the fast settings for a CPU."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from types import ModuleType


@functools.cache
def load_keras() -> ModuleType:
    """Import Keras and start its backend without a line of log, and return the module.

    The backend is TensorFlow unless the environment variable KERAS_BACKEND says otherwise (a
    user's ``keras.json`` is not asked). When the import fails, everything it printed is shown and
    ImportError says what to do.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet_stderr():
            import keras

            keras.ops.zeros(1)
            with contextlib.suppress(ImportError):
                import tensorflow  # noqa: F401  Keras' fit imports it on every backend, with log lines
    except Exception as error:
        raise ImportError(
            f"Keras could not be started with the backend {os.environ['KERAS_BACKEND']!r} in "
            f"{sys.executable} ({type(error).__name__}: {error}). {_remedy(error)}"
        ) from error
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its import has set another level
    return keras


def _remedy(error: Exception) -> str:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return "There is too little memory: shut down other kernels and close other programs."
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        return "The environment variable KERAS_BACKEND asks for it: remove it, and TensorFlow is taken."
    return f"Install what is missing with: {sys.executable} -m pip install -r requirements.txt"


def free_memory() -> None:
    """Give back what deleted networks have held.

    Keras forgets its global state; and on Linux, where the C library keeps what Python has freed (80 MB
    in the middle of notebook 09), it is asked to return that to the system.
    """
    load_keras().utils.clear_session()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # a C library without it, such as musl
            ctypes.CDLL(None).malloc_trim(0)


_ONE_AT_A_TIME = threading.RLock()
STEPS_PER_CALL = 25  # of the published GRU: half a second, so that a training can still be stopped soon


def xla_settings() -> dict[str, bool | int]:
    """Return the arguments for ``model.compile`` that train fastest on this machine.

    ``jit_compile=True`` lets the XLA compiler fuse a recurrent layer's many small operations;
    Keras itself asks for it only where it finds a GPU. ``steps_per_execution`` spares Python the
    way between one batch and the next. Neither changes which batches are seen, or their order. Left
    out (an empty dictionary) where the backend has no such compiler or it fails on this machine.
    """
    keras = load_keras()
    if keras.backend.backend() not in ("tensorflow", "jax"):
        return {}
    try:
        with quiet_stderr():
            trial = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, trainable=False)])
            trial.compile(jit_compile=True)
            trial.predict_on_batch(keras.ops.convert_to_numpy(keras.ops.zeros((1, 1))))
    except Exception:
        return {}
    return {"jit_compile": True, "steps_per_execution": STEPS_PER_CALL}


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what the block writes to stderr, C++ libraries included; show it if it raises.

    The log lines of TensorFlow's C++ core go straight to file descriptor 2, past ``sys.stderr``.
    Other threads' stderr is held back too while the block runs, so keep the block short; a second
    such block waits for the first.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        real = os.dup(2)
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            with contextlib.redirect_stderr(open(os.dup(2), "w", buffering=1, errors="replace")) as text:
                yield
            failed = False
        finally:
            text.close()
            os.dup2(real, 2)
            os.close(real)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode("utf-8", "replace"))
                sys.stderr.flush()
