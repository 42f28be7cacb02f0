"""The runs of a sweep on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import math
import queue
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from labutils.training.run_ledger import RunLedger
from labutils.training.run_store import Record
from labutils.training.sweep_worker import outcome_on_cluster, reason

if TYPE_CHECKING:
    from dask.distributed import Client, Future

_SECONDS_BETWEEN_QUESTIONS, _SECONDS_TO_CONNECT = 0.2, 10  # whether to stop
_SECONDS_WITHOUT_WORKERS = 30  # before it is told
_LOST = (
    "the scheduler of the cluster cannot be reached any more. What is done is in the store: call sweep again"
)
_NO_WORKERS = (
    "the cluster has no workers, and the sweep waits for some. Start them (“dask worker ADDRESS”, "
    "cluster.scale(2)), or interrupt: what is done is in the store"
)


def records_by_cluster(
    train: bytes,
    ledger: RunLedger,
    should_stop: Callable[[], bool],
    client: Client | str,
    stack: contextlib.ExitStack,
) -> Iterator[Record]:
    """Yield the same as `records_by_processes` from the workers of a Dask cluster.

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
    going_on: dict[Future, str] = {}
    ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
    stack.callback(lambda: client.status == "running" and client.cancel([*going_on], force=True))
    at_once, asked_at, manned_at = 0, -math.inf, time.monotonic()
    while not should_stop():
        if time.monotonic() - asked_at > 1:
            workers, asked_at = _number_of_workers(client), time.monotonic()
            at_once = 2 * max(1, workers)
            manned_at = asked_at if workers else manned_at
            if asked_at - manned_at > _SECONDS_WITHOUT_WORKERS:
                warnings.warn(_NO_WORKERS, stacklevel=3)
                manned_at = math.inf  # said once
        while len(going_on) < at_once and (key := ledger.next_key()):
            task = f"run-{key}-{uuid.uuid4().hex[:8]}"
            try:
                future = client.submit(outcome_on_cluster, train, ledger.wanted[key], key=task, pure=False)
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
            answer = {"failed": reason(future.exception())}
        else:
            answer = _fetched(future, should_stop)
        future.release()  # or the run is repeated where its worker is lost now
        if answer is None:  # lost with its worker after its end
            ledger.waiting.append(key)
            continue
        yield ledger.write_down(key, answer)


def _fetched(future: Future, should_stop: Callable[[], bool]) -> Record | None:
    """Return what a run on a cluster has given, None where that was lost."""
    while future.status == "finished" and not should_stop():
        with contextlib.suppress(TimeoutError):
            return future.result(timeout=_SECONDS_BETWEEN_QUESTIONS)
    return None


def _number_of_workers(client: Client) -> int:
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
