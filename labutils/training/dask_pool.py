"""The runs of a sweep on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import math
import queue
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labutils.training.run_store import Record
from labutils.training.sweep_worker import error_text, outcome_on_cluster

if TYPE_CHECKING:
    from dask.distributed import Client, Future

_SECONDS_TO_CONNECT = 10
_SECONDS_WITHOUT_WORKERS = 30  # before there is a warning
_LOST = (
    "the scheduler of the cluster cannot be reached any more. What is done is in the store: call sweep again"
)
_NO_WORKERS = (
    "the cluster has no workers, and the sweep waits for some. Start them (“dask worker ADDRESS”, "
    "cluster.scale(2)), or interrupt: what is done is in the store"
)


class DaskPool:
    """The workers of a Dask cluster; `close` cancels the runs that are going on.

    Dask itself tries a run again whose worker was lost, three times unless it is configured otherwise.
    Workers may come and go: twice as many runs are sent as there are workers.

    Parameters
    ----------
    train : the function that is called with the settings of a run, by cloudpickle.
    client : of the cluster.
    """

    def __init__(self, train: bytes, client: Client) -> None:
        self.going_on: dict[Future, str] = {}
        self._train, self._client = train, client
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._workers, self._asked_at, self._had_workers_at = 0, -math.inf, time.monotonic()

    def room(self) -> int:
        """Return how many more runs can begin now."""
        now = time.monotonic()
        if now - self._asked_at > 1:
            self._workers, self._asked_at = _number_of_workers(self._client), now
            if self._workers:
                self._had_workers_at = now
            if now - self._had_workers_at > _SECONDS_WITHOUT_WORKERS:
                warnings.warn(_NO_WORKERS, stacklevel=4)
                self._had_workers_at = math.inf  # warn once
        return 2 * max(1, self._workers) - len(self.going_on)

    def submit(self, key: str, settings: Mapping[str, Any]) -> None:
        """Begin a run."""
        task = f"run-{key}-{uuid.uuid4().hex[:8]}"
        try:
            future = self._client.submit(outcome_on_cluster, self._train, settings, key=task, pure=False)
        except Exception as error:  # of many kinds, where the connection has just ended
            raise ConnectionError(_LOST) from error
        self.going_on[future] = key
        future.add_done_callback(self._ended.put)

    def ended(self, seconds: float) -> Iterator[tuple[str, Record | None]]:
        """Wait for a run to end, and yield key and outcome of it, None where that was lost."""
        try:
            future = self._ended.get(timeout=seconds)
        except queue.Empty:
            return
        outcome = None  # lost with its worker after its end
        if future.status == "error":
            outcome = {"failed": error_text(future.exception())}
        elif future.status == "finished":
            try:
                outcome = future.result(timeout=seconds)
            except TimeoutError:  # it is on its way, or has just been lost
                self._ended.put(future)
                return
        if outcome is None:
            self._asked_at = -math.inf  # perhaps there is no scheduler any more: ask before the next run
        future.release()  # or the run is repeated where its worker is lost now
        yield self.going_on.pop(future), outcome

    def close(self) -> None:
        """Cancel the runs that are going on."""
        if self._client.status == "running":
            self._client.cancel([*self.going_on], force=True)


@contextlib.contextmanager
def dask_pool(train: bytes, client: Client | str) -> Iterator[DaskPool]:
    """Yield a `DaskPool` that is closed at the end of the block, with the client where an address is given.

    Raises
    ------
    ConnectionError, TypeError
        Where there is no scheduler at the address; for what is neither a client nor an address.
    """
    from dask.distributed import Client  # a large package, needed with a cluster alone

    connection: contextlib.AbstractContextManager[Client]
    if isinstance(client, str):
        try:
            connection = Client(client, timeout=_SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise ConnectionError(
                f"there is no Dask scheduler at {client!r} ({error}). Start one with “dask scheduler”, "
                "and give the address that it prints"
            ) from error
    elif isinstance(client, Client):
        connection = contextlib.nullcontext(client)
    else:
        raise TypeError(
            f"client must be a dask.distributed.Client or the address of a scheduler, not a "
            f"{type(client).__name__}: for a cluster give Client(cluster)"
        )
    with connection as connected, contextlib.closing(DaskPool(train, connected)) as pool:
        yield pool


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
