"""Many trainings: the processes of this machine or a Dask cluster, and every result written down at once."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import sys
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

import pandas as pd
from joblib import cpu_count
from joblib.externals.loky import get_reusable_executor

from labutils.training.run import Run
from labutils.training.run_store import RunStore, key_of, plain
from labutils.validation import whole_number

ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_LONGEST_REASON = 300  # characters; the traceback is in the store
Record = dict[str, Any]


def sweep(
    train: Callable[..., Run | Mapping[str, Any]],
    grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]],
    *,
    store: str | os.PathLike,
    seeds: Sequence[int] = (0,),
    workers: int | None = None,
    client: Any = None,
    retries: int = 1,
    on_result: Callable[[Record, int, int], None] | None = None,
) -> pd.DataFrame:
    """Train with every combination of settings and seeds that the store does not hold yet.

    Stopped (Ctrl-C, Stop, a power cut) and called again, it goes on where it was: at most the runs that were
    going on are trained again.

    Parameters
    ----------
    train : called as ``train(**settings, seed=seed)``, each time in another process, so it has to build and
        train the network itself. It returns a `Run`, or names and plain numbers. It may be a function of a
        notebook. The settings and the seed should determine its result.
    grid : name → values, of which every combination is tried, or a list of settings.
    store : a file; what is in it is not trained again. It knows the name of `train`, not what it does: after
        a change of the function take another file.
    seeds : each setting is trained with each.
    workers : how many processes of this machine, each with one thread for TensorFlow; None takes as many as
        there are cores. They end with the sweep.
    client : a ``dask.distributed.Client`` or the address of a scheduler, instead of this machine's processes.
    retries : how many times a run that fails is tried again, now and when `sweep` is called again.
    on_result : called after each run with its record, how many are done, and how many there are.

    Returns
    -------
    pandas.DataFrame
        A row for each run in the order of the grid, the same for any number of workers: the settings, the
        seed, what `train` returned, the seconds, and in "failed" why there is no result ("" where there is).

    Raises
    ------
    ValueError, TypeError
        Before anything is trained, for a grid, seeds or a store that cannot work.
    """
    wanted = _runs_of(grid, seeds)
    whole_number("retries", retries, 0)
    if workers is not None:
        whole_number("workers", workers)
    runs = RunStore(store, getattr(train, "__qualname__", type(train).__name__))
    known = {key: record for key, record in runs.records().items() if key in wanted}
    tried = Counter({key: record.get("attempts", 1) for key, record in known.items() if record.get("failed")})
    done = sum(tried[key] == 0 or tried[key] > retries for key in known)
    missing = [key for key in wanted if key not in known or 0 < tried[key] <= retries]
    if missing:
        for key, answer in _answers(train, wanted, missing, tried, retries, workers, client):
            record = {"key": key, "settings": wanted[key], "attempts": tried[key], **answer}
            runs.append(record)
            if not answer.get("failed") or tried[key] > retries:
                done += 1
            if on_result is not None:
                on_result(record, done, len(wanted))
    return _table(wanted, runs.records())


def _runs_of(grid: Any, seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Return key → settings with the seed, in order."""
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, str) or not isinstance(values, (Sequence, range)) or not len(values):
                raise ValueError(f"the grid needs a list of values for {name!r}, got {values!r}")
        combinations = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    else:
        combinations = [dict(settings) for settings in grid]
    seeds = [whole_number("a seed", seed, 0) for seed in seeds]
    if not combinations or not seeds:
        raise ValueError("there is nothing to train: give at least one setting and one seed")
    runs = [plain(settings, "a setting") | {"seed": seed} for settings in combinations for seed in seeds]
    if any("seed" in settings for settings in combinations):
        raise ValueError("seed is no setting of the grid: give seeds=...")
    wanted = {key_of(settings): settings for settings in runs}
    if len(wanted) < len(runs):
        raise ValueError(
            f"{len(runs) - len(wanted)} of the {len(runs)} runs occur twice in the grid or the seeds"
        )
    return wanted


def _answers(
    train: Callable,
    wanted: Mapping[str, dict],
    missing: Sequence[str],
    tried: Counter,
    retries: int,
    workers: int | None,
    client: Any,
) -> Iterator[tuple[str, Record]]:
    """Yield key and outcome of each run as it ends; failed ones as well, each time that they fail.

    When a process is killed, all that are going on are lost, and nobody knows whose fault it was. They are
    tried again; one that was lost more often than `retries` is tried alone, and fails if it is lost then.
    """
    waiting, alone, lost = deque(missing), deque(), Counter()
    with contextlib.ExitStack() as stack:
        new_executor, at_once = _executors(stack, workers, client)
        executor, going_on = new_executor(), {}
        while waiting or alone or going_on:
            while waiting and len(going_on) < at_once:
                key = waiting.popleft()
                going_on[executor.submit(_outcome, train, wanted[key])] = key
            if alone and not going_on:
                key = alone.popleft()
                going_on[executor.submit(_outcome, train, wanted[key])] = key
            ended, _ = wait(going_on, return_when=FIRST_COMPLETED)
            if any(_was_lost(future) for future in ended):
                was_alone = len(going_on) == 1 and not waiting
                wait(going_on)  # a broken pool ends them all
                ended = list(going_on)
            for future in ended:
                key = going_on.pop(future)
                if not _was_lost(future):
                    tried[key] += 1
                    answer = future.result()
                    yield key, answer
                    if answer.get("failed") and tried[key] <= retries:
                        waiting.append(key)
                    continue
                lost[key] += 1
                if was_alone and lost[key] > retries + 1:
                    tried[key] = retries + 1
                    yield key, {"failed": "its process was killed, alone: was there enough memory?"}
                else:
                    (alone if lost[key] > retries else waiting).append(key)
                executor = new_executor()


def _was_lost(future: Future) -> bool:
    """Whether the process of a run has ended without an answer."""
    error = future.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    if error is not None and "Pickl" in type(error).__name__ + str(error):
        raise TypeError(f"train cannot be sent to another process: {error}") from error
    return error is not None


def _executors(
    stack: contextlib.ExitStack, workers: int | None, client: Any
) -> tuple[Callable[[], Executor], int]:
    """Return what makes an executor, anew where one is broken, and how many runs go on at once."""
    if client is not None:
        from distributed import Client  # a large package, and only needed with a cluster

        if isinstance(client, str):
            client = stack.enter_context(Client(client))
        return lambda: client.get_executor(pure=False), 2 * max(1, sum(client.nthreads().values()))
    number = workers or cpu_count()
    stack.enter_context(_environment(ONE_THREAD))  # which the new processes inherit
    stack.callback(lambda: get_reusable_executor(max_workers=number).shutdown(wait=False, kill_workers=True))
    get_reusable_executor(max_workers=number).shutdown(wait=True, kill_workers=True)  # an earlier one's
    return lambda: get_reusable_executor(max_workers=number, timeout=600), number


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _outcome(train: Callable, settings: Mapping[str, Any]) -> Record:
    """Call `train`, in another process, and return what is to be written down."""
    started = time.perf_counter()
    try:
        result = train(**settings)
        values = _of_run(result) if isinstance(result, Run) else result
        if not isinstance(values, Mapping):
            raise TypeError(f"train must return a Run, or names and numbers, not {type(values).__name__}")
        answer = {"result": plain(values, "a result")}
    except Exception as error:
        reason = "".join(traceback.format_exception_only(error)).strip()
        answer = {"failed": reason[:_LONGEST_REASON], "details": traceback.format_exc()}
    modules = {name: sys.modules.get(name) for name in ("keras", "tensorflow", "jax", "torch", "numpy")}
    versions = {name: getattr(module, "__version__", "") for name, module in modules.items() if module}
    return answer | {
        "seconds": round(time.perf_counter() - started, 3),
        "host": platform.node(),
        "versions": {"python": platform.python_version(), **versions},
    }


def _of_run(run: Run) -> dict[str, Any]:
    """Return of a Run what it was at the kept epoch, the test scores, and how it ended."""
    kept = {name: run.at_kept_epoch(name) for name in run.history} if run.kept_epoch else {}
    scores = {f"test_{name}": value for name, value in run.scores.items()}
    facts = {"parameters": run.parameters, "kept_epoch": run.kept_epoch, "ended": run.ended}
    return kept | scores | facts


def _table(wanted: Mapping[str, dict], records: Mapping[str, Record]) -> pd.DataFrame:
    rows = []
    for key, settings in wanted.items():
        record = records.get(key, {"failed": "not trained"})
        result = record.get("result", {})
        rows.append(
            settings | result | {"seconds": record.get("seconds"), "failed": record.get("failed", "")}
        )
    return pd.DataFrame(rows)
