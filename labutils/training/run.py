"""The record of one training, and tables of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

ALL_EPOCHS, EARLY_STOPPING, ON_REQUEST = "all epochs done", "early stopping", "stopped on request"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training and its results.

    Attributes
    ----------
    name : how tables and figures call it.
    parameters : how many weights the model has.
    training_rows : how many rows it was trained on, without those that validate.
    batch_size, max_epochs : what was asked for; how many epochs were done is `epochs`.
    trained_by : what trained it: "compiled epochs" or "Keras' own fit".
    history : quantity as Keras names it ("loss", "val_accuracy", …) → its value after each epoch.
    seconds : wall time of the training, validation included, test not.
    best_epoch : the epoch, from 1, of lowest validation loss, of lowest training loss without validation; 0
        where no epoch was done, or none has a loss.
    kept_epoch : the last epoch of the history that the weights of the model have gone through. A training
        that was stopped within the next one has trained them further, by some batches or all of that epoch.
    scores : loss and metrics on the test data; empty when none were given.
    ended : why the training ended, in words.
    """

    name: str
    parameters: int
    training_rows: int
    batch_size: int
    max_epochs: int
    trained_by: str
    history: dict[str, list[float]]
    seconds: float
    best_epoch: int
    kept_epoch: int
    scores: dict[str, float] = field(default_factory=dict)
    ended: str = ALL_EPOCHS

    @property
    def epochs(self) -> int:
        """How many epochs are in the history: without one that a callback broke off."""
        return len(self.history["loss"])

    @property
    def test_loss(self) -> float:
        """The loss on the test data; ValueError where none were given."""
        return self._score("loss")

    @property
    def test_accuracy(self) -> float:
        """The accuracy on the test data; ValueError where it was not measured."""
        return self._score("accuracy")

    def at_kept_epoch(self, quantity: str) -> float:
        """Return e.g. the "val_accuracy" of the epoch whose weights were kept.

        Parameters
        ----------
        quantity : as in the history.

        Raises
        ------
        KeyError, ValueError
            Where the history has no such quantity; where the training was stopped before its first epoch.
        """
        if quantity not in self.history:
            raise KeyError(f"{self.name} has no {quantity!r}, only {', '.join(self.history)}")
        if not self.kept_epoch:
            raise ValueError(f"{self.name} was stopped before its first epoch was done")
        return self.history[quantity][self.kept_epoch - 1]

    def _score(self, quantity: str) -> float:
        if quantity not in self.scores:
            raise ValueError(
                f"{self.name} has no test {quantity}: give fit(..., test=(x, y)), and compile with its metric"
            )
        return self.scores[quantity]

    def __str__(self) -> str:
        parts = [f"{self.name}: {self.epochs} epoch{'s' * (self.epochs != 1)} in {self.seconds:.1f} s"]
        if self.ended not in (ALL_EPOCHS, EARLY_STOPPING):
            parts.append(self.ended)
        if self.best_epoch:
            best = "best" if "val_loss" in self.history else "lowest loss in"
            parts.append(f"{best} epoch {self.best_epoch}")
        if self.kept_epoch != self.epochs:
            parts.append(f"weights of epoch {self.kept_epoch} kept")
        if "val_accuracy" in self.history and self.kept_epoch:
            parts.append(f"validation accuracy {self.at_kept_epoch('val_accuracy'):.3f}")
        parts += [
            f"test {name} {value:.4g}" if name == "loss" else f"test {name} {value:.3f}"
            for name, value in self.scores.items()
        ]
        return ", ".join(parts)


def table(runs: Run | Iterable[Run]) -> pd.DataFrame:
    """Return one row for each run: parameters, epochs, best epoch, seconds, validation and test scores."""
    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise ValueError("there are no runs to show: train at least one")
    rows = [
        {
            "run": run.name,
            "parameters": run.parameters,
            "epochs": run.epochs,
            "best epoch": run.best_epoch,
            "seconds": run.seconds,
            **{
                f"validation {q}": run.at_kept_epoch(f"val_{q}")
                for q in ("accuracy", "loss")
                if f"val_{q}" in run.history and run.kept_epoch
            },
            **{f"test {name}": value for name, value in run.scores.items()},
        }
        for run in runs
    ]
    return pd.DataFrame(rows).set_index("run")


def mean_and_sd(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each name: how many runs and parameters, and "mean ± sd" of each score as a text.

    The sd is the sample standard deviation. Runs of one name count as repetitions with other seeds. A name
    with one run has no deviation; a score that only some of its runs have is averaged over those.

    Raises
    ------
    ValueError
        Where runs of one name have different numbers of parameters: they are no repetitions.
    """
    groups = table(runs).drop(columns="best epoch").groupby(level=0, sort=False)
    summary = pd.DataFrame({"runs": groups.size()})
    if (groups["parameters"].nunique() > 1).any():
        raise ValueError("runs of one name have different numbers of parameters: give them different names")
    summary["parameters"] = groups["parameters"].first()
    for column, means in groups.mean().drop(columns="parameters").items():
        number = "{:.1f}" if column in ("seconds", "epochs") else "{:.3f}"
        if column.endswith("loss") and means.max() < 0.01:
            number = "{:.2g}"
        texts = means.map(number.format) + groups[column].std().map(f" ± {number}".format)
        summary[column] = texts.str.replace("( ± )?nan", "", regex=True)
    return summary
