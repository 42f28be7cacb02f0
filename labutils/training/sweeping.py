"""Many trainings in the processes of this machine or on a Dask cluster, every result written down at once.

A `RunLedger` knows which runs are left. `sweep` has them trained in a `LocalPool` or a `DaskPool`, each by
`sweep_worker.outcome`, and writes down in the ledger, and so in the `RunStore`, what comes back.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import reprlib
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import pandas as pd
from joblib import cpu_count
from tqdm import tqdm

from labutils.training.dask_pool import DaskPool, dask_pool
from labutils.training.local_pool import LocalPool, local_pool
from labutils.training.run import Run
from labutils.training.run_ledger import RunLedger
from labutils.training.run_store import Record, RunStore, key_of, plain
from labutils.training.sweep_worker import error_text
from labutils.validation import whole_number

if TYPE_CHECKING:
    from dask.distributed import Client

NOT_TRAINED = "not trained"  # in the column "failed": neither done nor failed
_SECONDS_BETWEEN_QUESTIONS = 0.2  # whether to stop


def sweep(
    train: Callable[..., Run | Mapping[str, Any]],
    grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]],
    *,
    store: str | os.PathLike,
    seeds: Sequence[int] = (0,),
    workers: int | None = None,
    client: Client | str | None = None,
    retries: int = 1,
    progress: bool = False,
    on_result: Callable[[Record, int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Train with every combination of settings and seeds that the store does not hold yet.

    Stopped (Ctrl-C, Stop, a power cut) and called again, it goes on where it was: at most the runs that were
    going on are trained again. Several programs may work at one store.

    Parameters
    ----------
    train : called as ``train(**settings, seed=seed)``, each time in another process, so it has to build and
        train the network itself. It returns a `Run`, or names and plain numbers. It may be a function of a
        notebook. The settings and the seed should determine its result.
    grid : name → values, of which every combination is tried, or a list of settings.
    store : a file; what is in it is not trained again. It knows the name of `train`, and the arguments
        that ``functools.partial`` gives it, not what it does: after a change of the function take another
        file.
    seeds : each setting is trained with each.
    workers : how many processes of this machine, each with one thread for TensorFlow; None takes as many as
        there are cores. They end with the sweep.
    client : a ``dask.distributed.Client`` or the address of a scheduler ("tcp://…:8786"), instead of this
        machine's processes. Workers need one thread each, and the same packages as here. They may come later:
        while there are none the sweep waits, and warns after half a minute.
    retries : how many times a run that fails is tried again, counted over all calls with this store.
    progress : whether to show on stderr how many runs are done, and the time left.
    on_result : called after each run with its record, how many are done, and how many there are.
    should_stop : asked several times a second; where it says True, the runs that are going on are given up,
        and the table has "not trained" for what is missing.

    Returns
    -------
    pandas.DataFrame
        A row for each run in the order of the grid, the same for any number of workers: the settings, the
        seed, what `train` returned, the seconds, and in "failed" why there is no result ("" where there is,
        `NOT_TRAINED` where it was not tried).

    Raises
    ------
    ValueError, TypeError
        Before anything is trained, for a grid, seeds, workers or a store that cannot work.
    RuntimeError
        Where the first three runs fail for the same reason. They are not in the store, and are tried again.
    ConnectionError
        Where the scheduler cannot be reached, or no longer; what is done is in the store.
    """
    wanted = _runs_of(grid, seeds)
    whole_number("retries", retries, 0)
    if workers is not None:
        whole_number("workers", workers)
        if client is not None:
            raise ValueError("give workers, processes of this machine, or client, a cluster; not both")
    try:
        pickled = cloudpickle.dumps(train)
    except Exception as error:
        raise TypeError(f"train cannot be sent to another process: {error_text(error)}") from error
    runs = _opened(store, train)
    ledger = RunLedger(wanted, runs, retries)
    if ledger.waiting:
        opened: contextlib.AbstractContextManager[LocalPool | DaskPool]
        if client is None:
            opened = local_pool(pickled, min(workers or cpu_count(), len(ledger.waiting)))
        else:
            opened = dask_pool(pickled, client)
        shown = {"total": len(wanted), "initial": ledger.done, "unit": "run", "disable": not progress}
        with opened as pool, tqdm(**shown) as bar:
            for record in _trained(pool, ledger, should_stop):
                bar.update(ledger.done - bar.n)
                if on_result is not None:
                    on_result(record, ledger.done, len(wanted))
    table = _table(wanted, runs.records())
    if failed := int((~table.failed.isin(["", NOT_TRAINED])).sum()):
        warnings.warn(
            f"{failed} of {len(table)} runs failed: see the column “failed”. When the cause is corrected, "
            f"sweep(…, retries={retries + 1}) tries them again",
            stacklevel=2,
        )
    return table


def stored_runs(
    train: Callable[..., Run | Mapping[str, Any]],
    grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]],
    *,
    store: str | os.PathLike,
    seeds: Sequence[int] = (0,),
) -> pd.DataFrame:
    """Return what the store holds of these runs, as `sweep` returns it, without training anything.

    Raises
    ------
    ValueError, TypeError
        For a grid, seeds or a store that cannot work.
    """
    return _table(_runs_of(grid, seeds), _opened(store, train).records())


def _trained(
    pool: LocalPool | DaskPool, ledger: RunLedger, should_stop: Callable[[], bool]
) -> Iterator[Record]:
    """Have the runs of the ledger trained, and yield the record of each when it is written down.

    A run that fails has a record each time that it fails.
    """
    while not should_stop():
        while pool.room() > 0 and (key := ledger.next_key(alone=not pool.going_on)):
            pool.submit(key, ledger.wanted[key])
        if not pool.going_on:
            break
        for key, outcome in pool.ended(_SECONDS_BETWEEN_QUESTIONS):
            if outcome is None:
                record = ledger.write_down_loss(key)
            elif "unreadable" in outcome:
                raise TypeError(f"train cannot be read in another process: {outcome['unreadable']}")
            else:
                record = ledger.write_down(key, outcome)
            if record is not None:
                yield record
    ledger.write_held()


def _runs_of(
    grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]], seeds: Sequence[int]
) -> dict[str, dict[str, Any]]:
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


def _opened(store: str | os.PathLike, train: Callable[..., Any]) -> RunStore:
    name = _name_of(train)
    if "<lambda>" in name:  # a second lambda would find the results of the first
        raise ValueError(
            "the store knows a function by its name: write it as a function with a name, def train(…)"
        )
    return RunStore(Path(store).absolute(), name)


def _name_of(train: Callable[..., Any]) -> str:
    """Return the name of a function; of one with some arguments given, those as well."""
    if isinstance(train, functools.partial):
        keywords = [f"{name}={_described(value)}" for name, value in train.keywords.items()]
        return f"{_name_of(train.func)}({', '.join([*map(_described, train.args), *keywords])})"
    return getattr(train, "__qualname__", type(train).__name__)


def _described(value: Any) -> str:
    """Return a function's name, or the `repr` of anything else.

    Raises
    ------
    ValueError
        Where that holds an address in memory, which is another one in every program.
    """
    if isinstance(value, (functools.partial, types.FunctionType)):
        return _name_of(value)
    text = repr(value)
    if not isinstance(value, str) and re.search(r" at 0x[0-9A-Fa-f]+>", text):
        raise ValueError(
            f"train is given {reprlib.repr(value)}, by which no later program would find its runs: give "
            "numbers, texts or functions with a name, or make the object within train"
        )
    return text


def _table(wanted: Mapping[str, dict], records: Mapping[str, Record]) -> pd.DataFrame:
    rows = []
    for key, settings in wanted.items():
        record = records.get(key, {"failed": NOT_TRAINED})
        result = record.get("result", {})
        rows.append(
            settings | result | {"seconds": record.get("seconds"), "failed": record.get("failed", "")}
        )
    return pd.DataFrame(rows)
