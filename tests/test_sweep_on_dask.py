"""Sweeps on a Dask cluster of this machine: the table of the serial sweep, whoever is killed."""

import itertools
import os
import random
import signal
import threading
import time
import warnings
from pathlib import Path

import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster
from test_sweep import failing, lines_of, slow, trained, without_seconds

from labutils import backend, training
from labutils.training import sweep


@pytest.fixture(scope="module")
def cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a port that is taken
        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


def forecaster(units, seed):
    """Train a small LSTM for real."""
    from labutils.data import series

    keras = backend.load_keras()
    x, y = series.sliding_windows(series.noisy_sine(seed).values[:200], 10)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((10, 1)), keras.layers.LSTM(units), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return training.fit(model, x, y, epochs=2, batch_size=32, validation=0.2, fast=True)


def test_the_table_is_that_of_the_processes_of_this_machine(client, tmp_path):
    grid = {"units": [4, 8], "rate": [0.1, 0.01]}
    expected = sweep(trained, grid, seeds=[0, 1], store=tmp_path / "here", workers=1)
    table = sweep(trained, grid, seeds=[0, 1], store=tmp_path / "there", client=client)
    pd.testing.assert_frame_equal(without_seconds(table), without_seconds(expected))
    by_address = sweep(trained, grid, store=tmp_path / "address", client=client.scheduler.address)
    pd.testing.assert_frame_equal(
        without_seconds(by_address), without_seconds(expected[expected.seed == 0].reset_index(drop=True))
    )


@pytest.mark.slow
def test_trainings_give_the_same_numbers_bit_for_bit(client, tmp_path):
    expected = sweep(forecaster, {"units": [2, 3]}, seeds=[0, 1], store=tmp_path / "here", workers=2)
    table = sweep(forecaster, {"units": [2, 3]}, seeds=[0, 1], store=tmp_path / "there", client=client)
    assert (table.failed == "").all() and table.val_loss.nunique() == 4
    pd.testing.assert_frame_equal(without_seconds(table), without_seconds(expected), check_exact=True)


def drawn_late(seed):
    """Seed Python's random numbers, and draw when the worker has told several times that it is alive."""
    random.seed(seed)
    time.sleep(2.5)
    return {"drawn": random.random()}


def test_the_worker_itself_draws_none_of_the_random_numbers_of_a_run(client, tmp_path):
    table = sweep(drawn_late, [{}], seeds=range(4), store=tmp_path / "r", client=client)
    assert table.drawn.tolist() == [random.Random(seed).random() for seed in range(4)]


def test_a_failure_is_retried_and_kept_with_its_reason(client, tmp_path):
    log = tmp_path / "log"
    table = sweep(
        failing, {"units": [4, 8], "log": [str(log)]}, store=tmp_path / "r", client=client, retries=2
    )
    assert table.failed.tolist() == ["", "ValueError: the loss became NaN"]
    assert len(log.read_text()) == 1 + 3


@pytest.mark.slow
def test_ten_workers_killed_and_the_sweep_begun_anew_lose_and_repeat_nothing_that_was_done(cluster, tmp_path):
    store, log = tmp_path / "runs", tmp_path / "log"
    grid = {"units": list(range(20)), "log": [str(log)], "seconds": [0.3]}
    ended = threading.Event()

    def kill_now_and_then():
        killed = 0
        while killed < 10 and not ended.wait(0.7):
            begun = log.read_text().splitlines() if log.exists() else []
            if begun:
                try:
                    os.kill(int(random.Random(killed).choice(begun[-2:]).split()[-1]), signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass  # it has not been replaced yet

    def stop(record, done, total):
        if done == 12:
            raise KeyboardInterrupt

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        with Client(cluster) as client, pytest.raises(KeyboardInterrupt):
            sweep(slow, grid, seeds=[0, 1], store=store, client=client, on_result=stop)
        with Client(cluster) as client:
            stop_late = two_workers(cluster, 900)
            table = sweep(
                slow, grid, seeds=[0, 1], store=store, client=client, retries=3, should_stop=stop_late
            )
    finally:
        ended.set()
        killer.join()
    keys = [line["key"] for line in lines_of(store) if not line.get("failed")]
    assert len(keys) == len(set(keys)) == 40 and (table.failed == "").all()
    assert table.loss.tolist() == [trained(u, seed=s)["loss"] for u in range(20) for s in (0, 1)]


def two_workers(cluster, seconds):
    """Return for `should_stop` what starts lost workers anew: a nanny under load does not always do it."""
    began, asked = time.monotonic(), itertools.count()

    def should_stop():
        if next(asked) % 20 == 19:
            cluster.scale(2)
        return time.monotonic() - began > seconds

    return should_stop


def exits_after(units, seed):
    """Ends its worker a moment after the run is done."""
    if units % 3 == 0:
        threading.Timer(0.01, lambda: os._exit(1)).start()
    return {"x": units}


@pytest.mark.slow
def test_a_worker_lost_just_after_the_end_of_a_run_is_no_lost_scheduler(cluster, tmp_path):
    with Client(cluster) as client:
        table = sweep(
            exits_after, {"units": range(8)}, store=tmp_path / "r", client=client, retries=5,
            should_stop=two_workers(cluster, 600),
        )  # fmt: skip
    assert table.x.dropna().tolist() == table.units[table.failed == ""].tolist() and len(table) == 8
    assert training.NOT_TRAINED not in set(table.failed)


def test_a_cluster_without_workers_is_waited_for_and_told(monkeypatch, tmp_path):
    monkeypatch.setattr("labutils.training.dask_pool._SECONDS_WITHOUT_WORKERS", 1)
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as cluster:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")

            def start_when_told():
                if any("no workers" in str(warning.message) for warning in said) and not cluster.workers:
                    cluster.scale(1)
                return False

            with Client(cluster) as client:
                table = sweep(
                    trained,
                    {"units": [1, 2]},
                    store=tmp_path / "r",
                    client=client,
                    should_stop=start_when_told,
                )
    assert sum("the cluster has no workers" in str(warning.message) for warning in said) == 1
    assert (table.failed == "").all()


def test_it_stops_when_asked_and_gives_up_what_is_going_on(client, tmp_path):
    asked, log = [], tmp_path / "log"
    grid = {"units": range(6), "log": [str(log)], "seconds": [0.5]}
    table = sweep(
        slow, grid, store=tmp_path / "r", client=client,
        on_result=lambda *args: asked.append(args), should_stop=lambda: len(asked) >= 1,
    )  # fmt: skip
    assert 1 <= (table.failed == "").sum() < 6 and set(table.failed) == {"", training.NOT_TRAINED}
    time.sleep(1.2)
    assert len(log.read_text().splitlines()) < 6, "what waited was not begun"


def test_workers_with_several_threads_and_a_wrong_address_are_refused(tmp_path):
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster:
        with Client(cluster) as client, pytest.raises(ValueError, match="threads_per_worker=1"):
            sweep(trained, {"units": [1]}, store=tmp_path / "r", client=client)
    with pytest.raises(ConnectionError, match="no Dask scheduler at 'tcp://localhost:1'"):
        sweep(trained, {"units": [1]}, store=tmp_path / "r", client="tcp://localhost:1")
    with pytest.raises(ValueError, match="not both"):
        sweep(trained, {"units": [1]}, store=tmp_path / "r", client="tcp://localhost:1", workers=2)
    for wrong in (3, [1]):
        with pytest.raises(TypeError, match="client must be a dask.distributed.Client or the address"):
            sweep(trained, {"units": [1]}, store=tmp_path / "r", client=wrong)
    assert not Path(tmp_path / "r").exists()


def test_a_scheduler_that_goes_is_told_and_what_is_done_stays(tmp_path):
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0")
    client = Client(cluster)
    log = tmp_path / "log"

    def close(record, done, total):
        if done == 2:
            cluster.close(timeout=5)

    grid = {"units": range(6), "log": [str(log)]}
    with pytest.raises(
        ConnectionError, match="scheduler of the cluster cannot be reached .* call sweep again"
    ):
        sweep(slow, grid, store=tmp_path / "r", client=client, on_result=close)
    client.close()
    assert len(lines_of(tmp_path / "r")) >= 2
    assert (sweep(slow, grid, store=tmp_path / "r", workers=2).failed == "").all()
