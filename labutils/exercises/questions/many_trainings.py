"""Exercises on many trainings: what they cost, what they show, and how to search."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number


def my_operations(units, inputs, steps, batch):
    """Floating-point operations of one update of an LSTM layer, all of its matrix products counted."""
    of_a_step = 2 * 4 * units * (units + inputs)
    return 3 * of_a_step * steps * batch


def _layers(rng: np.random.Generator) -> list[Case]:
    drawn = [(2, 1, 3, 1), *(rng.choice(np.arange(2, 40), 4, replace=False).tolist() for _ in range(3))]
    return [dict(zip(("units", "inputs", "steps", "batch"), sizes)) for sizes in drawn]


def my_difference(first, second):
    """Mean of the paired differences first - second, and the half-width of its 95 % interval."""
    differences = first - second
    n = len(differences)
    return differences.mean(), stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)


def _pairs(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in (3, 5, 8, 20):
        common = rng.normal(0.85, 0.03, n)
        first, second = (common + rng.normal(0, 0.01, n) for _ in range(2))
        ahead = -0.02 if n == 5 else 0.01
        cases.append({"first": (first + ahead).round(3), "second": second.round(3)})
    return cases


def _difference(first, second, *, quantile=lambda n: stats.t.ppf(0.975, n - 1), ddof=1, root=True, sign=1):
    """Variants of `my_difference`, each with one mistake."""
    d, n = sign * (first - second), len(first)
    return d.mean(), quantile(n) * d.std(ddof=ddof) / (np.sqrt(n) if root else 1)


def _unpaired(first, second):
    n = len(first)
    se = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / n)
    return first.mean() - second.mean(), stats.t.ppf(0.975, 2 * n - 2) * se


def my_seeds(difference, sd):
    """The fewest seeds that show a difference (of paired runs, with this sd) with a probability of 80 %."""
    return int(np.ceil(((1.96 + 0.84) * sd / abs(difference)) ** 2))


def _effects(rng: np.random.Generator) -> list[Case]:
    cases = []
    for low, high in ((0, 0.5), (0.5, 1), (0, 1), (0, 1)):  # what is rounded up
        while True:
            difference, sd = rng.uniform(0.01, 0.2) * rng.choice([-1, 1]), rng.uniform(0.02, 0.2)
            number = ((1.96 + 0.84) * sd / difference) ** 2
            if low < number % 1 < high and 2 < number < 500 and (difference < 0) == (low == 0.5):
                break
        cases.append({"difference": float(round(difference, 4)), "sd": float(round(sd, 4))})
    return cases


def my_epochs(curves, first):
    """For how many epochs each setting is trained under the median rule: (settings,).

    curves (settings, longest): the validation errors, a row for each setting, in the order of training.
    first: for so many epochs each is trained in any case.
    """
    trained, finished = [], []
    for curve in curves:
        epochs = len(curve)
        for epoch in range(first, len(curve)):
            if finished and curve[:epoch].min() > np.median([other[:epoch].mean() for other in finished]):
                epochs = epoch
                break
        if epochs == len(curve):
            finished.append(curve)
        trained.append(epochs)
    return np.array(trained)


def _searches(rng: np.random.Generator) -> list[Case]:
    """Draw curves, the last of them until every typical mistake gives something else on them."""
    cases = []
    for settings, longest, first in [(4, 5, 2), (6, 4, 1), (14, 7, 2)]:
        while True:
            start, rate = rng.uniform(1, 2, (settings, 1)), rng.uniform(0.1, 0.9, (settings, 1))
            noise = rng.uniform(0.6, 1.4, (settings, longest))
            case = {"curves": (start * np.arange(1, longest + 1) ** -rate * noise).round(2), "first": first}
            right = my_epochs(**case)
            of_mistakes = [tuple(_epochs(**case, **mistake)) for mistake in _MISTAKES.values()]
            telling = len({tuple(right), *of_mistakes}) == 1 + len(_MISTAKES) and longest - 1 in right
            if telling if settings > 6 else len(np.unique(right)) > 1:
                break
        cases.append(case)
    return cases


def _epochs(
    curves, first, *, own=np.min, others=np.mean, over=np.median, of_all=False, late=0, from_epoch=None
):
    """Variants of `my_epochs`, each with one mistake."""
    trained, finished = [], []
    for curve in curves:
        epochs = len(curve)
        for epoch in range(first if from_epoch is None else from_epoch, len(curve)):
            if finished and own(curve[:epoch]) > over([others(other[:epoch]) for other in finished]):
                epochs = epoch + late
                break
        if epochs == len(curve) or of_all:
            finished.append(curve)
        trained.append(epochs)
    return np.array(trained)


def _facts_of_sweep(answer: Any) -> dict[str, Any]:
    """Return of a table of runs and a comparison what the goals need.

    Raises
    ------
    TypeError
        Where it is not a frame with the columns that are asked for, two names and two numbers.
    """
    try:
        table, first, second, difference, half_width = answer
        columns = set(table.columns)
    except (TypeError, ValueError, AttributeError):
        raise TypeError(
            "This needs my_table, first, second, difference, half_width: the frame of sweep, two layers and "
            "two numbers."
        ) from None
    if missing := {"layer", "rate", "seed", "validation", "test"} - columns:
        raise TypeError(f"my_table has no column {', '.join(sorted(missing))}.")
    if {first, second} - set(table.layer) or first == second:
        raise TypeError(
            f"first and second must be two of the layers in my_table: {', '.join(set(table.layer))}."
        )
    failed = int((table.failed.fillna("") != "").sum()) if "failed" in columns else 0
    chosen, seeds, rates = {}, {}, {}
    for layer, runs in table.groupby("layer"):
        rate = runs.groupby("rate").validation.mean().idxmin()
        chosen[layer] = runs[runs.rate == rate].drop_duplicates("seed").set_index("seed").test
        seeds[layer], rates[layer] = len(chosen[layer]), sorted(map(float, runs.rate.unique()))
    paired = (chosen[first] - chosen[second]).dropna()
    n = len(paired)
    half = float(stats.t.ppf(0.975, n - 1) * paired.std() / np.sqrt(n)) if n > 1 else float("nan")
    return {
        "failed": failed,
        "layers": len(chosen),
        "fewest seeds": min(seeds.values()),
        "fewest rates": min(map(len, rates.values())),
        "same rates": len({tuple(tried) for tried in rates.values()}) == 1,
        "difference": float(paired.mean()) if n else float("nan"),
        "half width": half,
        "given": [float(difference), float(half_width)],
    }


def _is_near(given: float, right: float) -> bool:
    return bool(abs(given - right) <= 0.02 * abs(right) + 1e-9)


_MISTAKES: dict[str, dict[str, Any]] = {
    "the latest error": {"own": lambda errors: errors[-1]},
    "the mean of its own errors": {"own": np.mean},
    "the lowest of the others": {"others": np.min},
    "the latest of the others": {"others": lambda errors: errors[-1]},
    "the best of the others": {"over": np.min},
    "the mean of the means": {"over": np.mean},
    "the median of each epoch": {
        "others": lambda errors: errors,
        "over": lambda rows: np.mean(np.median(rows, axis=0)),
    },
    "the stopped ones as well": {"of_all": True},
    "one epoch more": {"late": 1},
    "from the first epoch on": {"from_epoch": 1},
}


EXERCISES = (
    Coding(
        title="The arithmetic of an update",
        question="An LSTM layer multiplies, at each step, for each of its three gates and for the candidate, "
        "the state (`units` numbers) and the input (`inputs` numbers) by matrices. A product and a sum are "
        "two operations. The backward pass costs twice as much as the forward pass. How many operations has "
        "one update, with sequences of `steps` steps, `batch` of them? (Leave out biases and activations.)",
        idea="what a training step costs",
        minutes=6,
        solve=my_operations,
        cases=_layers,
        mistakes=(
            Mistake(
                "forward pass alone",
                lambda u, i, s, b: 8 * u * (u + i) * s * b,
                "That is the forward pass. The backward pass costs twice as much again.",
            ),
            Mistake(
                "backward pass as the forward pass",
                lambda u, i, s, b: 16 * u * (u + i) * s * b,
                "The backward pass costs *twice* as much as the forward pass, so both together three times.",
            ),
            Mistake(
                "products alone",
                lambda u, i, s, b: 12 * u * (u + i) * s * b,
                "Each product is added to a sum: two operations.",
            ),
            Mistake(
                "one matrix",
                lambda u, i, s, b: 6 * u * (u + i) * s * b,
                "An LSTM has four of these products: three gates and the candidate.",
            ),
            Mistake(
                "a GRU",
                lambda u, i, s, b: 18 * u * (u + i) * s * b,
                "Three of them is a GRU. An LSTM has three gates *and* a candidate.",
            ),
            Mistake(
                "inputs left out",
                lambda u, i, s, b: 24 * u * u * s * b,
                "The input is multiplied by a matrix, too: units × inputs.",
            ),
            Mistake(
                "state left out",
                lambda u, i, s, b: 24 * u * i * s * b,
                "The state is multiplied by a matrix, too: units × units.",
            ),
            Mistake(
                "one step",
                lambda u, i, s, b: 24 * u * (u + i) * b,
                "That is one step of time: multiply by steps.",
            ),
            Mistake(
                "one sequence",
                lambda u, i, s, b: 24 * u * (u + i) * s,
                "That is one sequence: multiply by batch.",
            ),
        ),
        hints=(
            "A matrix of units × (units + inputs), times a vector: how many products, how many sums?",
            "Four of them, times two, times three for both passes, times steps, times batch.",
        ),
        afterwards="It grows with the square of the units. The time does not, as you see next.",
    ),
    Number(
        title="Worth the start?",
        question="In the notebook a training takes 3 seconds. Two processes need 8 seconds to start and then "
        "finish a training every 1.8 seconds, both together. What is the smallest number of trainings for "
        "which the processes are done first?",
        idea="when processes pay",
        minutes=3,
        right=7,
        wrong={
            6: "With 6 it is 18 seconds against 8 + 6 · 1.8 = 18.8.",
            8: "With 8 they are first, but with fewer, too.",
            3: "8/3: you forgot that the processes need time for the trainings as well.",
            4: "Every 1.8 seconds one training ends, both processes together: do not divide by two again.",
            5: "8/1.8: what counts is what each training *saves*, 3 − 1.8 seconds.",
        },
        hints=("n trainings take 3 n seconds here, and 8 + 1.8 n there.", "From n > 8 / (3 − 1.8) on."),
        afterwards="For a handful of runs stay in the notebook.",
    ),
    Coding(
        title="A paired difference",
        question="`first[i]` and `second[i]` are the scores of two models with the same seed, so the same "
        "data. Return the mean of the differences first − second, and the half-width of its 95 % confidence "
        "interval (Student's t; `scipy.stats` is imported as `stats`).",
        idea="a comparison over seeds with its interval",
        minutes=8,
        solve=my_difference,
        cases=_pairs,
        results=("mean", "half-width"),
        mistakes=(
            Mistake(
                "not paired",
                _unpaired,
                "That interval treats the scores as independent. They are pairs: take the differences first, "
                "and what both have in common falls out.",
            ),
            Mistake(
                "normal distribution",
                lambda a, b: _difference(a, b, quantile=lambda n: 1.96),
                "1.96 is for many seeds. With n of them take stats.t.ppf(0.975, n - 1): 4.3 for three seeds.",
            ),
            Mistake(
                "one-sided",
                lambda a, b: _difference(a, b, quantile=lambda n: stats.t.ppf(0.95, n - 1)),
                "2.5 % lie beyond each end of a 95 % interval: ppf(0.975, …).",
            ),
            Mistake(
                "n degrees of freedom",
                lambda a, b: _difference(a, b, quantile=lambda n: stats.t.ppf(0.975, n)),
                "The mean was estimated from the same differences: n − 1 degrees of freedom.",
            ),
            Mistake(
                "population sd",
                lambda a, b: _difference(a, b, ddof=0),
                "NumPy's std divides by n. Estimated from a sample it is std(ddof=1).",
            ),
            Mistake(
                "not divided by the root of n",
                lambda a, b: _difference(a, b, root=False),
                "That is how much single differences vary. The mean of n varies √n times less.",
            ),
            Mistake(
                "second minus first",
                lambda a, b: _difference(a, b, sign=-1),
                "The sign is the other way round: first − second.",
            ),
            Mistake(
                "whole width",
                lambda a, b: (_difference(a, b)[0], 2 * _difference(a, b)[1]),
                "That is the whole width of the interval; asked for is half of it, the number behind the ±.",
            ),
            Mistake(
                "ends of the interval",
                lambda a, b: tuple(np.array([-1, 1]) * _difference(a, b)[1] + _difference(a, b)[0]),
                "These are the two ends. Return the mean and the half-width.",
            ),
            Mistake(
                "standard error",
                lambda a, b: _difference(a, b, quantile=lambda n: 1.0),
                "That is the standard error. Multiply it by stats.t.ppf(0.975, n - 1).",
            ),
        ),
        hints=(
            "differences = first - second, then their mean, and std(ddof=1) / np.sqrt(n).",
            "The half-width is stats.t.ppf(0.975, n - 1) times that standard error.",
        ),
        afterwards="If 0 lies outside mean ± half-width, the difference is clear at this level.",
    ),
    Coding(
        title="How many seeds?",
        question="The difference of two models is `difference` on average, and varies from seed to seed with "
        "the standard deviation `sd` (of the paired differences). With many seeds, its interval lies clear "
        "of zero with a probability of 80 % if $|\\text{difference}| \\ge (1.96 + 0.84)\\, \\text{sd} / "
        "\\sqrt n$. (1.96 and 0.84 are quantiles of the normal distribution, for 97.5 % and 80 %.) Return "
        "the smallest whole $n$.",
        idea="the power of a comparison",
        minutes=5,
        solve=my_seeds,
        cases=_effects,
        mistakes=(
            Mistake(
                "not whole",
                lambda d, s: (2.8 * s / abs(d)) ** 2,
                "There are no fractions of a seed: round up (np.ceil).",
            ),
            Mistake(
                "rounded down",
                lambda d, s: int((2.8 * s / abs(d)) ** 2),
                "int rounds down, and then the power is below 80 %: np.ceil rounds up.",
            ),
            Mistake(
                "rounded to the nearest",
                lambda d, s: round((2.8 * s / abs(d)) ** 2),
                "Rounded to the nearest, the power can be below 80 %: np.ceil rounds up.",
            ),
            Mistake(
                "not squared",
                lambda d, s: int(np.ceil(2.8 * s / abs(d))),
                "That is √n. Square it: half the difference needs four times as many seeds.",
            ),
            Mistake(
                "no power",
                lambda d, s: int(np.ceil((1.96 * s / abs(d)) ** 2)),
                "With 1.96 alone the interval is clear of zero every second time. For 80 % take 1.96 + 0.84.",
            ),
            Mistake(
                "upside down",
                lambda d, s: int(np.ceil((2.8 * abs(d) / s) ** 2)),
                "Upside down: a *smaller* difference needs more seeds.",
            ),
        ),
        hints=("Solve the inequality for n.", "n ≥ ((1.96 + 0.84) sd / |difference|)², rounded up."),
        afterwards="For a handful of seeds take some more: 1.96 and 0.84 are of the normal distribution.",
    ),
    Number(
        title="One scheduler",
        question="A scheduler needs 5 milliseconds for each run that it sends out and takes back. How many "
        "workers can it keep busy at most, if a run takes 4 seconds?",
        idea="the limit of a central scheduler",
        minutes=2,
        right=800,
        tolerance=1,
        wrong={
            200: "That is for runs of one second: 200 of them begin in a second. These last four.",
            50: "The longer a run, the *more* workers can wait their turn: multiply.",
            20: "4 · 5: divide the length of a run by the time that the scheduler needs for one.",
            20_000: "Divide the length of a run, 4 seconds, by the time that the scheduler needs for one.",
        },
        hints=("How many runs begin in a second?", "Each worker asks for a new run every 4 seconds."),
        afterwards="Short runs are better sent in larger pieces: let `train` do several seeds in one call.",
    ),
    Coding(
        title="The median rule",
        question="Another way to stop early needs no look at all settings at once (Golovin et al. 2017). "
        "They are trained one after the other. A setting is stopped after an epoch if its *lowest* error so "
        "far is larger than a median: for each setting trained to the end before, take the *mean* of its "
        "errors over the same epochs, and of these means the median. The first look is after epoch `first`, "
        "and as long as none has finished, nothing is stopped. Return for how many epochs each is "
        "trained.",
        idea="search instead of grid",
        minutes=12,
        solve=my_epochs,
        cases=_searches,
        mistakes=(
            Mistake(
                "the latest error",
                lambda c, f: _epochs(c, f, **_MISTAKES["the latest error"]),
                "You compare the latest error. It is the lowest so far: one bad epoch should stop nobody.",
            ),
            Mistake(
                "the mean of its own errors",
                lambda c, f: _epochs(c, f, **_MISTAKES["the mean of its own errors"]),
                "Of the setting itself take the lowest error so far; the mean is for those before.",
            ),
            Mistake(
                "the lowest of the others",
                lambda c, f: _epochs(c, f, **_MISTAKES["the lowest of the others"]),
                "Of those before take the mean of their errors, not the lowest, or half of all are stopped.",
            ),
            Mistake(
                "the latest of the others",
                lambda c, f: _epochs(c, f, **_MISTAKES["the latest of the others"]),
                "Of those before take the mean over the same epochs, not the error at this epoch.",
            ),
            Mistake(
                "the best of the others",
                lambda c, f: _epochs(c, f, **_MISTAKES["the best of the others"]),
                "You compare with the best of those before. It is the median: the better half may go on.",
            ),
            Mistake(
                "the mean of the means",
                lambda c, f: _epochs(c, f, **_MISTAKES["the mean of the means"]),
                "Over the settings before take the *median* of their means, not the mean: a single bad one "
                "should not count so much.",
            ),
            Mistake(
                "the median of each epoch",
                lambda c, f: _epochs(c, f, **_MISTAKES["the median of each epoch"]),
                "First the mean of each setting's errors, then the median of these means; you took the "
                "median first.",
            ),
            Mistake(
                "the stopped ones as well",
                lambda c, f: _epochs(c, f, **_MISTAKES["the stopped ones as well"]),
                "The settings that were stopped count as well in your median. Take those trained to the end.",
            ),
            Mistake(
                "one epoch more",
                lambda c, f: _epochs(c, f, **_MISTAKES["one epoch more"]),
                "Stopped after an epoch, a setting has been trained for so many epochs, not one more.",
            ),
            Mistake(
                "from the first epoch on",
                lambda c, f: _epochs(c, f, **_MISTAKES["from the first epoch on"]),
                "You stop within the first epochs, which are trained in any case.",
            ),
        ),
        hints=(
            "Two loops: over the settings, and over epoch in range(first, longest). Keep a list of the "
            "finished curves.",
            "curve[:epoch].min() > np.median([other[:epoch].mean() for other in finished]) stops it.",
        ),
        afterwards="It stops what is clearly bad and keeps nearly all that is good. Successive halving is "
        "bolder.",
    ),
    Experiment(
        title="A sweep of your own",
        question="Which layer forecasts the sine best: SimpleRNN, GRU or LSTM, with 8 units each? Write "
        "`train_layer(layer, rate, seed)`, with the layer by its name, which returns `validation` and `test` "
        "(mean squared error), and sweep over at least two layers, two rates and five seeds, with a store of "
        "its own. Choose each layer's rate by the mean validation error. Then compare two layers, chosen "
        "before you look, on the test windows: `difference` is the mean of first − second over the seeds, "
        "`half_width` that of its 95 % interval. `my_answer` is "
        "`my_table, first, second, difference, half_width`.",
        idea="a fair comparison, from the first run to the interval",
        minutes=25,
        facts=_facts_of_sweep,
        answer_note="my_table, first, second, difference, half_width",
        goals=(
            Goal(
                "two layers or more, no run failed",
                lambda facts: facts["layers"] >= 2 and not facts["failed"],
                lambda facts: f"{facts['layers']} layers, {facts['failed']} failed",
                "Look at my_table.failed for the reason.",
            ),
            Goal(
                "the same rates for each layer, two or more",
                lambda facts: facts["fewest rates"] >= 2 and facts["same rates"],
                lambda facts: (
                    f"{facts['fewest rates']} at least, {'the same' if facts['same rates'] else 'others'}"
                ),
                "A layer with more rates to choose from has an advantage.",
            ),
            Goal(
                "five seeds or more at the chosen rates",
                lambda facts: facts["fewest seeds"] >= 5,
                lambda facts: f"{facts['fewest seeds']} at least",
                "seeds=range(5) in the call of sweep.",
            ),
            Goal(
                "the difference at the rates that validation chooses",
                lambda facts: _is_near(facts["given"][0], facts["difference"]),
                lambda facts: f"{facts['given'][0]:.5g}, from your table {facts['difference']:.5g}",
                "For each layer take the rate with the lowest *mean* validation error, and then the test "
                "errors of first − second, seed by seed.",
            ),
            Goal(
                "its interval",
                lambda facts: _is_near(facts["given"][1], facts["half width"]),
                lambda facts: f"{facts['given'][1]:.5g}, from your table {facts['half width']:.5g}",
                "The exercise on paired differences computes it.",
            ),
        ),
        hints=(
            "Take train of section 1 as it is; only the layer is new: getattr(layers, layer)(8).",
            "table.groupby(['layer', 'rate']).validation.mean().unstack().idxmin(axis=1) gives the rates, "
            "and a pivot (index='seed', columns='layer', values='test') the pairs.",
        ),
        code="""
def train_layer(layer, rate, seed):
    x, y, x_test, y_test = windows_of(seed)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([layers.Input((20, 1)), getattr(layers, layer)(8), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse")
    run = training.fit(model, x, y, epochs=20, validation=0.2, test=(x_test, y_test), fast=True)
    return {"validation": run.history["val_loss"][-1], "test": run.test_loss}

grid = {"layer": ["SimpleRNN", "GRU", "LSTM"], "rate": [0.003, 0.01]}
my_table = training.sweep(train_layer, grid, seeds=range(5), store=folder / "layers.jsonl")
rates = my_table.groupby(["layer", "rate"]).validation.mean().unstack().idxmin(axis=1)
chosen = my_table[my_table.rate == my_table.layer.map(rates)]
test = chosen.pivot(index="seed", columns="layer", values="test")
first, second = "GRU", "SimpleRNN"
difference, half_width = my_difference(test[first], test[second])
my_answer = my_table, first, second, difference, half_width
""",
        afterwards="If the interval holds 0, the honest answer is: not clear with so many seeds.",
    ),
)
