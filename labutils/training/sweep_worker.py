"""One run of a sweep, in the process that trains it: call `train`, and return its outcome."""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any

import cloudpickle

from labutils import backend
from labutils.training.run import Run
from labutils.training.run_store import Record, plain

ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_LONGEST_REASON = 300  # characters; the traceback is in the store
_RESERVED_COLUMNS = ("seconds", "failed")


def outcome(train: bytes, settings: Mapping[str, Any]) -> Record:
    """Call `train` in this process, and return what the ledger writes down.

    Returns
    -------
    dict
        "result", or "failed" and "details" (the reason, and the traceback); with "seconds", "host" and
        "versions". Or "unreadable" alone: why there is no function to call.
    """
    try:
        with backend.quiet_stderr():  # what it needs is imported now, Keras perhaps
            function = cloudpickle.loads(train)
    except Exception as error:
        return {"unreadable": error_text(error)}
    started = time.perf_counter()
    try:
        result = function(**settings)
        values = _values_of(result) if isinstance(result, Run) else result
        if not isinstance(values, Mapping):
            raise TypeError(f"train must return a Run, or names and numbers, not {type(values).__name__}")
        result = plain(values, "a result")
        if taken := [
            n for n, v in result.items() if n in _RESERVED_COLUMNS or (n in settings and settings[n] != v)
        ]:
            raise ValueError(f"train returned {taken[0]!r}, which is a column of its own: give another name")
        json.dumps(result)
        record = {"result": result}
    except (Exception, SystemExit) as error:
        record = {"failed": error_text(error), "details": traceback.format_exc()}
    modules = {name: sys.modules.get(name) for name in ("keras", "tensorflow", "jax", "torch", "numpy")}
    versions = {name: getattr(module, "__version__", "") for name, module in modules.items() if module}
    return record | {
        "seconds": round(time.perf_counter() - started, 3),
        "host": platform.node(),
        "versions": {"python": platform.python_version(), **versions},
    }


def outcome_on_cluster(train: bytes, settings: Mapping[str, Any]) -> Record:
    """Do what `outcome` does, in the worker of a Dask cluster.

    Keras draws its seeds from Python's `random`, and so does the thread in which a worker says now and then
    that it is alive (tornado's ``PeriodicCallback`` with jitter): 6 of 72 small trainings came out otherwise
    (test_trainings_give_the_same_numbers_bit_for_bit). So Dask's modules get random numbers of their own.
    """
    os.environ.update(ONE_THREAD)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("dask", "distributed", "tornado") and vars(module).get("random") is random:
            vars(module)["random"] = random.Random()
    return outcome(train, settings)


def error_text(error: BaseException) -> str:
    """Return why a run has failed, as the table says it: the type of the error and its message."""
    return "".join(traceback.format_exception_only(error)).strip()[:_LONGEST_REASON]


def _values_of(run: Run) -> dict[str, Any]:
    """Return of a Run what it was at the kept epoch, the test scores, and how it ended."""
    kept = {name: run.at_kept_epoch(name) for name in run.history} if run.kept_epoch else {}
    scores = {f"test_{name}": value for name, value in run.scores.items()}
    facts = {"parameters": run.parameters, "kept_epoch": run.kept_epoch, "ended": run.ended}
    return kept | scores | facts
