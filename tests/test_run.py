"""The record of a training, and tables of several."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from training_helpers import untrained_run

from labutils import training

HISTORY = {"loss": [0.7, 0.6, 0.5], "val_loss": [0.8, 0.6, 0.7], "val_accuracy": [0.5, 0.7, 0.8]}
SCORES = {"loss": 0.61, "accuracy": 0.75}


@pytest.fixture
def run():
    return untrained_run(history=HISTORY, scores=SCORES)


def test_a_run_knows_its_facts(run):
    assert (run.epochs, run.parameters, run.trained_by) == (3, 41, "Keras' own fit")
    assert (run.test_loss, run.test_accuracy, run.at_kept_epoch("val_accuracy")) == (0.61, 0.75, 0.8)
    assert str(run) == (
        "net: 3 epochs in 1.5 s, best epoch 2, validation accuracy 0.800, test loss 0.61, test accuracy 0.750"
    )


def test_a_run_that_was_stopped_before_its_first_epoch_is_a_row_without_scores(run):
    stopped = replace(run, history={"loss": [], "val_loss": []}, best_epoch=0, kept_epoch=0, scores={})
    assert list(training.table([stopped]).columns) == ["parameters", "epochs", "best epoch", "seconds"]
    assert str(replace(stopped, ended="stopped on request")) == "net: 0 epochs in 1.5 s, stopped on request"


def test_a_small_loss_is_not_rounded_to_nothing(run):
    small = replace(run, scores={"loss": 4.1e-5})
    assert training.mean_and_sd([small, small]).loc["net", "test loss"] == "4.1e-05 ± 0"
    assert training.mean_and_sd([run, run]).loc["net", "test loss"] == "0.610 ± 0.000"


def test_runs_of_one_name_are_repetitions_of_one_network(run):
    with pytest.raises(ValueError, match="runs of one name have different numbers of parameters"):
        training.mean_and_sd([run, replace(run, parameters=42)])


def test_runs_tabulate_with_others(run):
    shorter = {quantity: values[:2] for quantity, values in run.history.items()}
    runs = [run, replace(run, history=shorter, kept_epoch=2, scores={}), replace(run, name="other")]
    table = training.table(runs)
    assert list(table.index) == ["net", "net", "other"]
    assert list(table["epochs"]) == [3, 2, 3]
    assert np.isnan(table["test accuracy"].iloc[1])
    summary = training.mean_and_sd(runs)
    assert list(summary.index) == ["net", "other"] and list(summary["runs"]) == [2, 1]
    assert summary.loc["net", "epochs"] == "2.5 ± 0.7" and summary.loc["other", "epochs"] == "3.0"
    assert summary.loc["net", "test accuracy"] == f"{runs[0].test_accuracy:.3f}"
    assert list(summary["parameters"]) == [41, 41]
    assert isinstance(training.table(runs[0]), pd.DataFrame)
    with pytest.raises(ValueError, match="no runs"):
        training.table([])
