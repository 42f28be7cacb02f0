"""Many trainings: the processes of this machine or a Dask cluster, and every result written down at once."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import math
import os
import platform
import queue
import random
import sys
import threading
import time
import traceback
import uuid
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path
from typing import Any

import cloudpickle
import pandas as pd
from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from tqdm import tqdm

from labutils import backend
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
_SECONDS_BETWEEN_QUESTIONS, _SECONDS_TO_CONNECT = 0.2, 10  # whether to stop
_SECONDS_WITHOUT_WORKERS = 30  # before it is told
_NOT_TRAINED = "not trained"
_OWN_COLUMNS = ("seconds", "failed")
_HOPELESS = 3  # runs that fail alike before one succeeds
_LOST = (
    "the scheduler of the cluster cannot be reached any more. What is done is in the store: call sweep again"
)
_NO_WORKERS = (
    "the cluster has no workers, and the sweep waits for some. Start them (“dask worker ADDRESS”, "
    "cluster.scale(2)), or interrupt: what is done is in the store"
)
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
    store : a file; what is in it is not trained again. It knows the name of `train`, not what it does: after
        a change of the function take another file.
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
        seed, what `train` returned, the seconds, and in "failed" why there is no result ("" where there is).

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
        sent = cloudpickle.dumps(train)
    except Exception as error:
        raise TypeError(f"train cannot be sent to another process: {_reason(error)}") from error
    name = _name_of(train)
    if "<lambda>" in name:  # a second lambda would find the results of the first
        raise ValueError(
            "the store knows a function by its name: write it as a function with a name, def train(…)"
        )
    runs = RunStore(Path(store).absolute(), name)
    sweeping = _Sweeping(sent, wanted, runs, retries, should_stop)
    if sweeping.waiting:
        with contextlib.ExitStack() as stack:
            if client is None:
                answers = sweeping.by_processes(workers, stack)
            else:
                answers = sweeping.by_cluster(client, stack)
            stack.callback(answers.close)  # before the workers end
            bar = stack.enter_context(
                tqdm(total=len(wanted), initial=sweeping.done, unit="run", disable=not progress)
            )
            for record in answers:
                bar.update(sweeping.done - bar.n)
                if on_result is not None:
                    on_result(record, sweeping.done, len(wanted))
            sweeping.write_held()
    table = _table(wanted, runs.records())
    if failed := int((~table.failed.isin(["", _NOT_TRAINED])).sum()):
        warnings.warn(
            f"{failed} of {len(table)} runs failed: see the column “failed”. When the cause is corrected, "
            f"sweep(…, retries={retries + 1}) tries them again",
            stacklevel=2,
        )
    return table


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


class _Sweeping:
    """The state of one sweep: what is done, what waits, and how often each run was tried."""

    def __init__(
        self,
        train: bytes,
        wanted: Mapping[str, dict],
        runs: RunStore,
        retries: int,
        should_stop: Callable[[], bool],
    ) -> None:
        self.train, self.wanted, self.runs, self.retries = train, wanted, runs, retries
        self.should_stop = should_stop
        self.tried: Counter = Counter()
        self.waiting = deque(key for key in wanted if not self._is_done(key))
        self.done = len(wanted) - len(self.waiting)  # with a result, or failed too often
        self._known = len(runs.records())
        self._held: list[Record] = []
        self._any_result = any(not record.get("failed") for record in runs.records().values())

    def by_processes(self, workers: int | None, stack: contextlib.ExitStack) -> Iterator[Record]:
        """Yield the record of each run as it ends; of one that fails each time that it fails.

        When a process is killed, all runs that are going on are lost, and nobody knows whose fault it was.
        They are tried again; one that was lost more often than `retries` is tried alone, and fails if it is
        lost then.
        """
        number = min(workers or cpu_count(), len(self.waiting))
        stack.enter_context(warnings.catch_warnings())
        # loky replaces a process whose memory has grown, after which nothing is amiss
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        executors = [stack.enter_context(_processes(number))]
        going_on: dict[Future, str] = {}
        alone, lost = deque(), Counter()

        def begin(key: str) -> None:
            arguments = (_outcome, self.train, self.wanted[key])
            try:
                going_on[executors[-1].submit(*arguments)] = key
            except BrokenExecutor:  # a process was killed that had nothing to do
                executors.append(stack.enter_context(_processes(number)))
                going_on[executors[-1].submit(*arguments)] = key

        while not self.should_stop():
            while len(going_on) < number and (key := self._next()):
                begin(key)
            if alone and not going_on:
                begin(alone.popleft())
            if not going_on:
                return
            ended, _ = wait(going_on, _SECONDS_BETWEEN_QUESTIONS, return_when=FIRST_COMPLETED)
            if any(_was_lost(future) for future in ended):
                was_alone = len(going_on) == 1 and not self.waiting
                ended, _ = wait(going_on)  # a broken pool ends them all
                executors.append(stack.enter_context(_processes(number)))
            for future in ended:
                key = going_on.pop(future)
                if not _was_lost(future):
                    yield self._write_down(key, future.result())
                    continue
                lost[key] += 1
                if was_alone and lost[key] > self.retries + 1:
                    reason = "its process was killed, alone: was there enough memory?"
                    self.tried[key] = self.retries
                    yield self._write_down(key, {"failed": reason})
                else:
                    (alone if lost[key] > self.retries else self.waiting).append(key)

    def by_cluster(self, client: Any, stack: contextlib.ExitStack) -> Iterator[Record]:
        """Yield the same as `by_processes` from the workers of a Dask cluster.

        Dask itself tries a run again whose worker was lost, three times unless it is configured otherwise.
        Workers may come and go: twice as many runs are sent as there are workers.
        """
        from dask.distributed import Client  # a large package, needed with a cluster alone

        if isinstance(client, str):
            try:
                client = stack.enter_context(Client(client, timeout=_SECONDS_TO_CONNECT))
            except (OSError, ValueError) as error:
                raise ConnectionError(
                    f"there is no Dask scheduler at {client!r} ({error}). Start one with “dask scheduler”, "
                    "and give the address that it prints"
                ) from error
        elif not isinstance(client, Client):
            raise TypeError(
                f"client must be a dask.distributed.Client or the address of a scheduler, not a "
                f"{type(client).__name__}: for a cluster give Client(cluster)"
            )
        going_on: dict[Any, str] = {}
        ended: queue.SimpleQueue = queue.SimpleQueue()
        stack.callback(lambda: client.status == "running" and client.cancel([*going_on], force=True))
        at_once, asked_at, manned_at = 0, -math.inf, time.monotonic()
        while not self.should_stop():
            if time.monotonic() - asked_at > 1:
                workers, asked_at = _number_of_workers(client), time.monotonic()
                at_once = 2 * max(1, workers)
                manned_at = asked_at if workers else manned_at
                if asked_at - manned_at > _SECONDS_WITHOUT_WORKERS:
                    warnings.warn(_NO_WORKERS, stacklevel=3)
                    manned_at = math.inf  # said once
            while len(going_on) < at_once and (key := self._next()):
                task = f"run-{key}-{uuid.uuid4().hex[:8]}"
                try:
                    future = client.submit(
                        _outcome_on_cluster, self.train, self.wanted[key], key=task, pure=False
                    )
                except Exception as error:  # of many kinds, where the connection has just ended
                    raise ConnectionError(_LOST) from error
                going_on[future] = key
                future.add_done_callback(ended.put)
            if not going_on:
                return
            try:
                future = ended.get(timeout=_SECONDS_BETWEEN_QUESTIONS)
            except queue.Empty:
                continue
            key = going_on.pop(future)
            if future.status == "error":
                answer = {"failed": _reason(future.exception())}
            else:
                answer = self._fetched(future)
            future.release()  # or the run is repeated where its worker is lost now
            if answer is None:  # lost with its worker after its end
                self.waiting.append(key)
                continue
            yield self._write_down(key, answer)

    def _fetched(self, future: Any) -> Record | None:
        """Return what a run on a cluster has given, None where that was lost."""
        while future.status == "finished" and not self.should_stop():
            with contextlib.suppress(TimeoutError):
                return future.result(timeout=_SECONDS_BETWEEN_QUESTIONS)
        return None

    def _is_done(self, key: str) -> bool:
        record = self.runs.records().get(key)
        if record is None:
            return False
        self.tried[key] = max(self.tried[key], record.get("attempts", 1))
        return not record.get("failed") or self.tried[key] > self.retries

    def _next(self) -> str | None:
        """Return a run that is not done, None if there is none.

        Where another program has written to the store meanwhile, the rest is shuffled, or both would train
        the same runs side by side.
        """
        if len(self.runs.records()) > self._known:
            self._known = len(self.runs.records())
            random.Random(f"{platform.node()} {os.getpid()} {threading.get_ident()}").shuffle(self.waiting)
        while self.waiting:
            key = self.waiting.popleft()
            if not self._is_done(key):
                return key
            self.done += 1
        return None

    def _write_down(self, key: str, answer: Record) -> Record:
        if "unreadable" in answer:
            raise TypeError(f"train cannot be read in another process: {answer['unreadable']}")
        self.tried[key] += 1
        record = {"key": key, "settings": self.wanted[key], "attempts": self.tried[key], **answer}
        self._keep(record)
        if answer.get("failed") and self.tried[key] <= self.retries:
            self.waiting.append(key)
        else:
            self.done += 1
        return record

    def _keep(self, record: Record) -> None:
        """Append to the store; failures with which a sweep begins are held back until a run succeeds.

        Where nothing comes but one and the same failure, `train` is wrong, and that should not cost a night.
        """
        if not record.get("failed"):
            self._any_result = True
        self._held.append(record)
        if self._any_result:
            self.write_held()
            return
        reasons = {held["key"]: held["failed"] for held in self._held}
        if len(reasons) == _HOPELESS and len(set(reasons.values())) == 1:
            raise RuntimeError(
                f"the first {_HOPELESS} runs have all failed, so no other was begun: {record['failed']}\n"
                f"{record.get('details', '')}\nCorrect train, or put settings first with which it works, "
                "and call sweep again"
            )

    def write_held(self) -> None:
        """Write down what was held back."""
        for record in self._held:
            self._known += record["key"] not in self.runs.records()
            self.runs.append(record)
        self._held = []


def _number_of_workers(client: Any) -> int:
    """Return how many workers a cluster has now.

    Raises
    ------
    ConnectionError, ValueError
        Where the scheduler cannot be reached; for workers with several threads.
    """
    try:
        threads = client.nthreads().values()
    except Exception as error:  # of many kinds, where there is no scheduler
        raise ConnectionError(_LOST) from error
    if any(number > 1 for number in threads):
        raise ValueError(
            "the workers of this cluster have several threads, which would disturb each other's random "
            "numbers. Start them with one: “dask worker ADDRESS --nworkers 8 --nthreads 1”, or "
            "LocalCluster(n_workers=8, threads_per_worker=1)"
        )
    return len(threads)


def _name_of(train: Callable) -> str:
    """Return the name of a function; of one with some arguments given, those as well."""
    if isinstance(train, functools.partial):
        given = [*map(repr, train.args), *(f"{name}={value!r}" for name, value in train.keywords.items())]
        return f"{_name_of(train.func)}({', '.join(given)})"
    return getattr(train, "__qualname__", type(train).__name__)


def _was_lost(future: Future) -> bool:
    """Whether the process of a run has ended without an answer."""
    error = future.exception()
    if error is not None and not isinstance(error, BrokenExecutor):
        raise error
    return error is not None


@contextlib.contextmanager
def _processes(number: int) -> Iterator[Executor]:
    executor = ProcessPoolExecutor(number, timeout=600, env=ONE_THREAD, initializer=_end_with_parent)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, kill_workers=True)


def _end_with_parent() -> None:
    """Let this process end within a second when the program that started it is killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _outcome_on_cluster(train: bytes, settings: Mapping[str, Any]) -> Record:
    """Do what `_outcome` does, in the worker of a Dask cluster.

    Keras draws its seeds from Python's `random`, and so does the thread in which a worker says now and then
    that it is alive (tornado's ``PeriodicCallback`` with jitter): 6 of 72 small trainings came out otherwise
    (test_trainings_give_the_same_numbers_bit_for_bit). So Dask's modules get random numbers of their own.
    """
    os.environ.update(ONE_THREAD)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("dask", "distributed", "tornado") and vars(module).get("random") is random:
            module.random = random.Random()
    return _outcome(train, settings)


def _outcome(train: bytes, settings: Mapping[str, Any]) -> Record:
    """Call `train`, in another process, and return what is to be written down."""
    try:
        with backend.quiet_stderr():  # what it needs is imported now, Keras perhaps
            function = cloudpickle.loads(train)
    except Exception as error:
        return {"unreadable": _reason(error)}
    started = time.perf_counter()
    try:
        result = function(**settings)
        values = _of_run(result) if isinstance(result, Run) else result
        if not isinstance(values, Mapping):
            raise TypeError(f"train must return a Run, or names and numbers, not {type(values).__name__}")
        result = plain(values, "a result")
        if taken := [
            n for n, v in result.items() if n in _OWN_COLUMNS or (n in settings and settings[n] != v)
        ]:
            raise ValueError(f"train returned {taken[0]!r}, which is a column of its own: give another name")
        json.dumps(result)
        answer = {"result": result}
    except (Exception, SystemExit) as error:
        answer = {"failed": _reason(error), "details": traceback.format_exc()}
    modules = {name: sys.modules.get(name) for name in ("keras", "tensorflow", "jax", "torch", "numpy")}
    versions = {name: getattr(module, "__version__", "") for name, module in modules.items() if module}
    return answer | {
        "seconds": round(time.perf_counter() - started, 3),
        "host": platform.node(),
        "versions": {"python": platform.python_version(), **versions},
    }


def _reason(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()[:_LONGEST_REASON]


def _of_run(run: Run) -> dict[str, Any]:
    """Return of a Run what it was at the kept epoch, the test scores, and how it ended."""
    kept = {name: run.at_kept_epoch(name) for name in run.history} if run.kept_epoch else {}
    scores = {f"test_{name}": value for name, value in run.scores.items()}
    facts = {"parameters": run.parameters, "kept_epoch": run.kept_epoch, "ended": run.ended}
    return kept | scores | facts


def _table(wanted: Mapping[str, dict], records: Mapping[str, Record]) -> pd.DataFrame:
    rows = []
    for key, settings in wanted.items():
        record = records.get(key, {"failed": _NOT_TRAINED})
        result = record.get("result", {})
        rows.append(
            settings | result | {"seconds": record.get("seconds"), "failed": record.get("failed", "")}
        )
    return pd.DataFrame(rows)
