"""Sweeps: nothing that is done is lost or done twice, whoever is killed, and the table is always the same."""

import contextlib
import functools
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
from panel_helpers import eventually
from training_helpers import untrained_run

from labutils.training import NOT_TRAINED, stored_runs, sweep, sweep_options
from labutils.training.run_store import RunStore, key_of, plain

GRID_OF_UNITS = {"units": range(20)}
GRID = {"units": [4, 8], "rate": [0.1, 0.01]}


def trained(units, rate=0.1, seed=0):
    """Stands for a training: its result depends on the settings and the seed alone."""
    return {
        "loss": round(random.Random(f"{units}, {rate}, {seed}").random(), 6),
        "units_seen": np.int64(units),
    }


def slow(units, seed, log, seconds=0.2):
    """Writes down that it has begun, and takes its time."""
    with open(log, "a") as file:
        file.write(f"{units} {seed} {os.getpid()}\n")
    time.sleep(seconds)
    return trained(units, seed=seed)


def failing(units, seed, log):
    with open(log, "a") as file:
        file.write("x")
    if units == 8:
        raise ValueError("the loss became NaN")
    return {"loss": 1.0}


def deadly(units, seed):
    if units == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return {"loss": float(units)}


def lines_of(store):
    return [json.loads(line) for line in Path(store).read_text("utf-8").splitlines()[1:]]


def without_seconds(frame):
    return frame.drop(columns="seconds")


def test_the_table_has_a_row_for_each_run_in_the_order_of_the_grid(tmp_path):
    table = sweep(trained, GRID, seeds=[0, 1], store=tmp_path / "runs.jsonl", workers=2)
    assert table.columns.tolist() == ["units", "rate", "seed", "loss", "units_seen", "seconds", "failed"]
    assert table[["units", "rate", "seed"]].values.tolist()[:3] == [[4, 0.1, 0], [4, 0.1, 1], [4, 0.01, 0]]
    assert table.loss.tolist() == [
        trained(u, r, s)["loss"] for u in (4, 8) for r in (0.1, 0.01) for s in (0, 1)
    ]
    assert (table.failed == "").all()


def test_any_number_of_workers_gives_the_same_table(tmp_path):
    tables = [
        sweep(trained, GRID, seeds=range(3), store=tmp_path / f"{workers}.jsonl", workers=workers)
        for workers in (1, 3)
    ]
    pd.testing.assert_frame_equal(*map(without_seconds, tables))


def test_a_function_of_a_notebook_can_be_sent(tmp_path):
    offset = 3.0

    def train(units, seed):
        return {"loss": units + offset}

    table = sweep(train, {"units": [1, 2]}, store=tmp_path / "r", workers=1)
    assert table.loss.tolist() == [4.0, 5.0]


def test_a_run_is_kept_with_what_it_reached(tmp_path):
    def train(units, seed):
        history = {"loss": [0.5, 0.4, 0.3], "val_loss": [0.5, 0.3, 0.4]}
        return untrained_run(parameters=units, history=history, kept_epoch=2, scores={"loss": 0.35})

    row = sweep(train, {"units": [7]}, store=tmp_path / "runs", workers=1).iloc[0]
    assert (row["val_loss"], row.test_loss, row.parameters, row.kept_epoch) == (0.3, 0.35, 7, 2)


def test_what_is_done_is_not_done_again_and_the_grid_may_grow(tmp_path):
    store, log = tmp_path / "runs.jsonl", str(tmp_path / "log")
    for units in ([1, 2], [1, 2, 3], [3, 1]):
        table = sweep(slow, {"units": units, "log": [log], "seconds": [0]}, store=store, workers=2)
    assert sorted(line[0] for line in Path(log).read_text().splitlines()) == ["1", "2", "3"]
    assert table.units.tolist() == [3, 1] and len(lines_of(store)) == 3


def test_what_is_stored_is_read_without_a_training(tmp_path):
    store = tmp_path / "runs.jsonl"
    table = stored_runs(trained, GRID, store=store)
    assert (table.failed == NOT_TRAINED).all() and table[["units", "rate"]].values.tolist()[1] == [4, 0.01]
    assert not store.exists()
    done = sweep(trained, GRID, store=store, workers=1)
    pd.testing.assert_frame_equal(stored_runs(trained, GRID, store=store), done)
    assert stored_runs(trained, GRID, store=store, seeds=[1, 0]).failed.tolist() == [NOT_TRAINED, ""] * 4
    with pytest.raises(ValueError, match="the runs of another function"):
        stored_runs(failing, GRID, store=store)


def test_progress_is_told_after_each_run(tmp_path):
    told = []
    sweep(trained, GRID, store=tmp_path / "r", workers=2, on_result=lambda *args: told.append(args))
    assert [(done, of) for _, done, of in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told[0][0]["result"]["units_seen"] in (4, 8) and told[0][0]["versions"]["python"]
    sweep(trained, GRID, seeds=[0, 1], store=tmp_path / "r", workers=2, on_result=lambda *a: told.append(a))
    assert told[4][1:] == (5, 8)


def test_a_failure_is_retried_kept_with_its_reason_and_tried_again_only_if_it_may(tmp_path):
    store, log = tmp_path / "runs.jsonl", tmp_path / "log"
    grid = {"units": [4, 8], "log": [str(log)]}
    table = sweep(failing, grid, store=store, workers=2, retries=2)
    assert table.failed.tolist() == ["", "ValueError: the loss became NaN"] and np.isnan(table.loss[1])
    assert len(log.read_text()) == 1 + 3, "one and two more"
    assert "in failing" in [line for line in lines_of(store) if line.get("failed")][0]["details"]
    sweep(failing, grid, store=store, workers=2, retries=2)
    assert len(log.read_text()) == 4
    sweep(failing, grid, store=store, workers=2, retries=3)
    assert len(log.read_text()) == 5


def test_a_run_that_kills_its_process_does_not_take_the_others_with_it(tmp_path):
    grid = {"units": [1, 2, 8, 3, 4, 5]}
    table = sweep(deadly, grid, store=tmp_path / "r", workers=2)
    assert table.loss.tolist()[:2] + table.loss.tolist()[3:] == [1, 2, 3, 4, 5]
    assert "its process was killed, alone" in table.failed[2]


@pytest.mark.slow
def test_workers_killed_and_everything_killed_once_lose_and_repeat_nothing_that_was_done(tmp_path):
    """Ten workers are killed, one after the other, and once the whole program."""
    store, log = tmp_path / "runs.jsonl", tmp_path / "log"
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_sweep import slow
        from labutils.training import sweep
        grid = {{"units": list(range(20)), "log": [{str(log)!r}]}}
        sweep(slow, grid, seeds=[0, 1], store={str(store)!r}, workers=2)
        """)
    )
    program, killed = subprocess.Popen([sys.executable, script], start_new_session=True), 0
    seen, began = 0, time.monotonic()
    while killed < 10:
        assert time.monotonic() - began < 300, "the program hangs"
        time.sleep(0.05)
        begun = log.read_text().splitlines() if log.exists() else []
        if len(begun) < seen + 2:
            assert program.poll() is None or len(lines_of(store)) == 40
            if program.poll() is not None:
                break
            continue
        seen = len(begun)
        pid = int(begun[-1].split()[-1])
        killed += 1
        if killed == 5:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            program = subprocess.Popen([sys.executable, script], start_new_session=True)
        else:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGKILL)
    assert program.wait(120) == 0 and killed >= 6
    keys = [line["key"] for line in lines_of(store)]
    assert len(keys) == len(set(keys)) == 40
    table = sweep(slow, {"units": list(range(20)), "log": [str(log)]}, seeds=[0, 1], store=store, workers=2)
    assert table.loss.tolist() == [
        trained(units, seed=seed)["loss"] for units in range(20) for seed in (0, 1)
    ]
    assert (table.failed == "").all()


def test_a_thousand_instant_runs_are_all_kept(tmp_path):
    table = sweep(trained, {"units": range(1000)}, store=tmp_path / "r", workers=2)
    assert len(table) == len(lines_of(tmp_path / "r")) == 1000 and (table.failed == "").all()


def test_what_has_been_read_of_a_store_is_not_read_again(tmp_path):
    """So that the time which a sweep takes to look into its store does not grow as the square of its runs."""
    store = RunStore(tmp_path / "r", "trained")
    store.append({"key": "a"})
    assert store.records().keys() == {"a"}
    store.path.write_text("x" * (store.path.stat().st_size - 1) + "\n")
    store.append({"key": "b"})
    assert store.records().keys() == {"a", "b"}


def test_ctrl_c_keeps_what_is_done(tmp_path):
    def stop(record, done, total):
        if done == 3:
            raise KeyboardInterrupt

    store, log = tmp_path / "runs", str(tmp_path / "log")
    grid = {"units": range(8), "log": [log], "seconds": [0.02]}
    with pytest.raises(KeyboardInterrupt):
        sweep(slow, grid, store=store, workers=2, on_result=stop)
    assert len(lines_of(store)) == 3
    assert len(sweep(slow, grid, store=store, workers=2)) == len(lines_of(store)) == 8


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda text: text[:-20], 3),  # cut off
        (lambda text: text[:-1], 4),  # only the end of the line is missing
        (lambda text: text + "{", 4),
        (lambda text: text + '{"key": 3}\n', 4),
        (lambda text: text + "null\n\n[]\n", 4),
        (lambda text: text.replace("units", "\x00", 1), 3),
        (lambda text: text + text.splitlines(keepends=True)[2], 4),  # a line twice
        (lambda text: "\n".join(text.splitlines()[:1]) + "\n", 0),
        (lambda text: "", 0),
        (lambda text: text.splitlines(keepends=True)[0] + "\ufffd\n" + "".join(text.splitlines(True)[1:]), 4),
    ],
)
def test_a_damaged_store_gives_what_can_be_read_and_is_completed(damage, left, tmp_path):
    store = tmp_path / "runs.jsonl"
    whole = without_seconds(sweep(trained, GRID, store=store, workers=1))
    store.write_text(damage(store.read_text("utf-8")), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(RunStore(store, "trained").records()) == left
        again = without_seconds(sweep(trained, GRID, store=store, workers=1))
        pd.testing.assert_frame_equal(whole, again)
        assert len(RunStore(store, "trained").records()) == 4


def test_lines_that_cannot_be_read_are_told(tmp_path):
    store = tmp_path / "runs.jsonl"
    sweep(trained, GRID, store=store, workers=1)
    store.write_text(store.read_text("utf-8") + "{\n", "utf-8")
    with pytest.warns(UserWarning, match="1 of the lines of .* cannot be read and were left out"):
        RunStore(store, "trained")


def two_that_found_no_file(path, names, monkeypatch):
    """Let two programs append at once: each finds the file empty, as the other has not yet written to it."""
    stores, found_empty = [RunStore(path, name) for name in names], SimpleNamespace(st_size=0)
    with monkeypatch.context() as context:
        context.setattr("labutils.training.run_store.os.fstat", lambda file: found_empty)
        for number, store in enumerate(stores):
            store.append({"key": str(number)})
    return stores


def test_two_programs_that_begin_a_store_at_once_may_both_write_its_head(tmp_path, monkeypatch):
    stores = two_that_found_no_file(tmp_path / "r", ["trained", "trained"], monkeypatch)
    assert (tmp_path / "r").read_text().count("format") == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for store in [*stores, RunStore(tmp_path / "r", "trained")]:
            assert store.records().keys() == {"0", "1"}


def test_two_functions_that_begin_a_store_at_once_are_both_refused(tmp_path, monkeypatch):
    for store in two_that_found_no_file(tmp_path / "r", ["trained", "failing"], monkeypatch):
        for _ in range(2):
            with pytest.raises(ValueError, match="holds the runs of another function"):
                store.records()


@pytest.mark.parametrize("content", ["a,b\n1,2\n", '{"format": "something else"}\n', "\x00\x01", "[1]\n"])
def test_a_foreign_file_is_refused_and_not_touched(content, tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match="is no store of runs"):
        sweep(trained, GRID, store=path)
    assert path.read_text() == content


def test_the_runs_of_another_function_and_a_folder_are_refused(tmp_path):
    sweep(trained, GRID, store=tmp_path / "runs", workers=1)
    with pytest.raises(ValueError, match="the runs of another function, 'trained', not of 'failing'"):
        sweep(failing, GRID, store=tmp_path / "runs")
    with pytest.raises(ValueError, match="is a folder"):
        sweep(trained, GRID, store=tmp_path)


@pytest.mark.parametrize(
    ("grid", "more", "message"),
    [
        ({"units": "12"}, {}, "a list of values for 'units', got '12'"),
        ({"units": 12}, {}, "a list of values for 'units', got 12"),
        ({"units": []}, {}, "a list of values"),
        ([], {}, "nothing to train"),
        ({"units": [1]}, {"seeds": []}, "nothing to train"),
        ({"units": [1]}, {"seeds": [-1]}, "a seed must be a whole number"),
        ({"units": [1], "seed": [1]}, {}, "seed is no setting"),
        ({"units": [1, 1]}, {}, "1 of the 2 runs occur twice"),
        ({"units": [1]}, {"workers": 0}, "workers must be"),
        ({"units": [1]}, {"retries": -1}, "retries must be"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_is_trained(grid, more, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        sweep(trained, grid, store=tmp_path / "runs", **more)
    assert not (tmp_path / "runs").exists()


def test_settings_and_results_must_be_plain(tmp_path):
    with pytest.raises(TypeError, match="a setting is a function"):
        sweep(trained, {"units": [trained]}, store=tmp_path / "runs")

    def returns(what, seed):
        return {"x": object()} if what == "object" else 3.0

    table = sweep(returns, {"what": ["object"]}, store=tmp_path / "r", workers=1, retries=0)
    assert "TypeError: a result is a object" in table.failed[0]
    table = sweep(returns, {"what": ["float"]}, store=tmp_path / "s", workers=1, retries=0)
    assert "must return a Run, or names and numbers, not float" in table.failed[0]


def test_the_key_depends_on_the_settings_alone():
    assert key_of({"a": 1, "b": 2.5}) == key_of({"b": np.float64(2.5), "a": np.int64(1)})
    assert key_of({"a": (1, 2)}) == key_of({"a": [1, 2]}) != key_of({"a": [2, 1]})
    assert plain({"x": np.array([1.5]), "n": None}, "it") == {"x": [1.5], "n": None}


def test_tensorflow_has_one_thread_in_each_process(tmp_path):
    before = os.environ.get("TF_NUM_INTRAOP_THREADS")

    def threads(units, seed):
        return {"threads": os.environ["TF_NUM_INTRAOP_THREADS"]}

    table = sweep(threads, {"units": [1]}, store=tmp_path / "r", workers=1)
    assert table.threads[0] == "1" and os.environ.get("TF_NUM_INTRAOP_THREADS") == before


def test_a_script_takes_workers_or_a_scheduler_and_keeps_its_runs_beside_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["05_limits.py"])
    here = sweep_options("/grids/05_limits.py")
    assert here == {
        "store": Path("/grids/05_limits.jsonl"), "workers": None, "client": None, "progress": True,
    }  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["05_limits.py", "--scheduler", "tcp://login1:8786"])
    there = sweep_options("/grids/05_limits.py", "rates")
    assert there["client"] == "tcp://login1:8786" and there["store"].name == "05_limits_rates.jsonl"
    monkeypatch.setattr(sys, "argv", ["x.py", "--scheduler", "tcp://a:1", "--workers", "2"])
    with pytest.raises(SystemExit):
        sweep_options("x.py")
    assert "not allowed with" in capsys.readouterr().err


def test_two_programs_at_one_store_share_the_runs(tmp_path):
    store, log = tmp_path / "runs.jsonl", str(tmp_path / "log")
    grid = {"units": range(20), "log": [log]}
    tables = []
    threads = [
        threading.Thread(target=lambda: tables.append(sweep(slow, grid, store=store, workers=2)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun = [line.split()[0] for line in Path(log).read_text().splitlines()]
    assert len(set(begun)) == 20 and len(begun) <= 34, "side by side, each would make all 20"
    pd.testing.assert_frame_equal(*tables)
    assert len(RunStore(store, "slow").records()) == 20


def test_it_stops_when_asked(tmp_path):
    done = []
    table = sweep(
        slow, {"units": range(8), "log": [str(tmp_path / "log")]}, store=tmp_path / "r", workers=2,
        on_result=lambda *args: done.append(args), should_stop=lambda: len(done) >= 2,
    )  # fmt: skip
    assert 2 <= (table.failed == "").sum() <= 4 and set(table.failed) == {"", NOT_TRAINED} == {
        "",
        "not trained",
    }


def test_what_cannot_be_sent_is_refused_before_anything_is_trained(tmp_path):
    lock = threading.Lock()

    def locked(units, seed):
        return {"x": lock}

    with pytest.raises(TypeError, match="train cannot be sent to another process: .*lock"):
        sweep(locked, {"units": [1]}, store=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_function_needs_a_name_since_the_store_knows_nothing_else_of_it(tmp_path):
    with pytest.raises(ValueError, match="write it as a function with a name, def train"):
        sweep(lambda units, seed: {"loss": 1.0}, {"units": [1]}, store=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_wrong_function_is_given_up_after_three_runs_and_can_be_corrected(tmp_path):
    def train(units, seed):
        raise NameError("name 'kears' is not defined")

    store, seen = tmp_path / "r", []
    with pytest.raises(RuntimeError, match="first 3 runs have all failed, so no other was begun: NameError"):
        sweep(train, GRID_OF_UNITS, store=store, workers=1, on_result=lambda *args: seen.append(args))
    assert len(seen) == 2

    def train(units, seed):
        return {"loss": 1.0}

    assert (sweep(train, GRID_OF_UNITS, store=store, workers=1, retries=0).failed == "").all()


def exits(units, seed):
    if units == 2:
        sys.exit(3)
    return {"loss": 1.0}


def test_a_run_that_calls_exit_has_failed_and_the_others_go_on(tmp_path):
    with pytest.warns(UserWarning, match=r"1 of 3 runs failed: .* retries=1\) tries them again"):
        table = sweep(exits, {"units": [1, 2, 3]}, store=tmp_path / "r", workers=1, retries=0)
    assert table.failed.tolist() == ["", "SystemExit: 3", ""]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"units": 7}, "train returned 'units', which is a column of its own"),
        ({"seconds": 7}, "train returned 'seconds', which is a column of its own"),
        ({"x": 10**5000}, "ValueError"),
    ],
)
def test_a_result_that_cannot_be_kept_has_failed_and_stops_nothing(result, reason, tmp_path):
    def train(units, seed):
        return result if units == 2 else {"x": 1}

    table = sweep(train, {"units": [1, 2]}, store=tmp_path / "r", workers=1, retries=0)
    assert reason in table.failed[1] and table.x[0] == 1


def test_odd_texts_and_numbers_are_kept(tmp_path):
    def odd(units, seed):
        return {"a": "\ud800 ü", "b": np.longdouble(1.5), "c": float("nan"), "units": units}

    table = sweep(odd, {"units": [1]}, store=tmp_path / "r", workers=1)
    assert (table.a[0], table.b[0], table.units[0]) == ("\ud800 ü", 1.5, 1) and np.isnan(table.c[0])
    again = sweep(odd, {"units": [1]}, store=tmp_path / "r", workers=1)
    assert again.a[0] == "\ud800 ü"


def of_layer(layer, units, seed):
    return {"layer_seen": layer}


def test_the_same_function_with_other_arguments_given_is_another_one(tmp_path):
    for layer in ("GRU", "LSTM"):
        train = functools.partial(of_layer, layer)
        if layer == "GRU":
            sweep(train, {"units": [1]}, store=tmp_path / "r", workers=1)
    with pytest.raises(ValueError, match="another function"):
        sweep(train, {"units": [1]}, store=tmp_path / "r", workers=1)


def test_the_name_of_a_partial_function_is_the_same_in_every_program(tmp_path):
    train = functools.partial(of_layer, trained)
    RunStore(tmp_path / "r", "of_layer(trained)").append({"key": "a"})
    assert stored_runs(train, {"units": [1]}, store=tmp_path / "r").failed.tolist() == [NOT_TRAINED]
    RunStore(tmp_path / "s", "of_layer('GRU', units=1)").append({"key": "a"})
    stored_runs(functools.partial(of_layer, "GRU", units=1), [{}], store=tmp_path / "s")
    for given in (Unreadable(), [Unreadable()], [trained]):
        with pytest.raises(ValueError, match="by which no later program would find its runs"):
            sweep(functools.partial(of_layer, layer=given), {"units": [1]}, store=tmp_path / "t")
    with pytest.raises(ValueError, match="write it as a function with a name"):
        sweep(functools.partial(of_layer, lambda: 1), {"units": [1]}, store=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def dies_later(units, seed):
    threading.Timer(0.3, lambda: os._exit(1)).start()
    return {"x": units}


def test_a_process_that_dies_while_it_has_nothing_to_do_is_replaced(tmp_path):
    table = sweep(
        dies_later, {"units": [1, 2, 3]}, store=tmp_path / "r", workers=1,
        on_result=lambda *args: time.sleep(0.8),
    )  # fmt: skip
    assert table.x.tolist() == [1, 2, 3]


@pytest.mark.slow
def test_the_processes_end_when_the_program_is_killed(tmp_path):
    script, log = tmp_path / "run.py", tmp_path / "log"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_sweep import slow\nfrom labutils.training import sweep\n"
        f"sweep(slow, {{'units': [1], 'log': [{str(log)!r}], 'seconds': [60]}}, "
        f"store={str(tmp_path / 'r')!r}, workers=1)\n"
    )
    program = subprocess.Popen([sys.executable, script])
    eventually(lambda: log.exists() and log.read_text(), 30)
    pid = int(log.read_text().split()[-1])
    program.kill()
    program.wait()
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 10)


class Unreadable:
    def __reduce__(self):
        return (__import__, ("a_module_that_is_not_there",))


def test_what_cannot_be_read_in_another_process_is_told(tmp_path):
    part = Unreadable()

    def train(units, seed):
        return {"x": part}

    with pytest.raises(TypeError, match="train cannot be read in another process: ModuleNotFoundError"):
        sweep(train, {"units": [1]}, store=tmp_path / "r", workers=1)


def test_progress_goes_to_stderr_and_only_if_asked_for(tmp_path, capsys):
    sweep(trained, GRID, store=tmp_path / "quiet", workers=1)
    assert capsys.readouterr().err == ""
    sweep(trained, GRID, store=tmp_path / "told", workers=1, progress=True)
    assert "4/4" in capsys.readouterr().err
