"""Exercises on prediction intervals: what they promise, how to calibrate them, when the promise is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils.data import series
from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number
from labutils.exercises.checking.goals import facts_of_pair, few_parameters, trained_on

MOST_PARAMETERS, LEAST_COVERAGE, MOST_WIDTH = 1_626, 0.87, 0.37


def my_half_width(errors, share):
    """The half width of the interval for each step ahead (steps,), from errors (n windows, steps)."""
    rank = int(np.ceil(share * (len(errors) + 1)))
    return np.sort(np.abs(errors), axis=0)[rank - 1]


def _ranked(errors, rank):
    """Row `rank` (counted from 1, within the rows) of the sorted absolute errors."""
    return np.sort(np.abs(errors), axis=0)[int(np.clip(rank, 1, len(errors))) - 1]


def _rank(errors, share):
    return int(np.ceil(share * (len(errors) + 1)))


def _errors(rng: np.random.Generator) -> list[Case]:
    shapes = [(20, 3, 0.9), (13, 2, 0.85), (30, 4, 0.8), (6, 6, 0.5), (41, 2, 0.9), (12, 3, 0.7), (9, 2, 0.9)]
    return [
        {"errors": (rng.normal(size=(rows, ahead)) * (1 + np.arange(ahead))).round(2), "share": share}
        for rows, ahead, share in shapes
    ]


def my_quantile_loss(actual, forecast, q):
    """The mean quantile loss, one number, of forecasts (n,) of the quantile q of actual (n,)."""
    error = actual - forecast
    return np.mean(np.maximum(q * error, (q - 1) * error))


def _targets(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "actual": rng.normal(size=count).round(2),
            "forecast": rng.normal(size=count).round(2),
            "q": q,
        }
        for count, q in [(2, 0.9), (5, 0.05), (8, 0.75), (30, 0.95)]
    ]


def my_known_half_widths(errors, origin, share):
    """For each column the k-th smallest absolute error known when month `origin` begins, (columns,)."""
    half_widths = []
    for column in range(errors.shape[1]):
        known = np.sort(np.abs(errors[: origin - column, column]))  # row + column < origin
        rank = int(np.ceil(share * (len(known) + 1)))
        half_widths.append(known[rank - 1])
    return np.array(half_widths)


def _backtests(rng: np.random.Generator) -> list[Case]:
    shapes = [(14, 2, 9, 0.6), (20, 3, 12, 0.8), (30, 5, 23, 0.85), (40, 4, 30, 0.9), (18, 4, 15, 0.5)]
    return [
        {
            "errors": (rng.normal(size=(rows, columns)) * (1 + np.arange(columns))).round(2),
            "origin": origin,
            "share": share,
        }
        for rows, columns, origin, share in shapes
    ]


def _known(errors, share, ends, *, of=np.abs, order=np.sort, place=-1):
    """As the solution, with the first ends[column] rows of each column."""
    columns = [order(of(errors[:end, column])) for column, end in enumerate(ends)]
    return np.array([known[int(np.ceil(share * (len(known) + 1))) + place] for known in columns])


def _ends(errors, origin, moved=0):
    return [origin - column + moved for column in range(errors.shape[1])]


def _facts_of_interval(pair: Any) -> dict[str, Any]:
    """Return the facts of a network and its Run, and where its intervals hold on waves with fresh noise."""
    facts, model = facts_of_pair(pair), pair[0]
    windows, actual, levels = [], [], []
    for seed in range(900, 905):
        even = series.noisy_sine(seed, samples=3000, end=30)
        clean = np.sin(even.time)
        values = clean + even.noise * (1 + 0.8 * clean)
        x, y = series.sliding_windows(values, 150, 30)
        windows.append(x[-600:])
        actual.append(y[-600:])
        levels.append(series.sliding_windows(clean, 150, 30)[1][-600:])
    targets, level = np.concatenate(actual), np.concatenate(levels)
    try:
        made = np.asarray(model.predict(np.concatenate(windows), batch_size=500, verbose=0))
        lower, upper = np.split(made, 2, axis=1)
        inside = (lower <= targets) & (targets <= upper)
    except Exception:
        raise TypeError(
            "The network should take windows of shape (150, 1) and put out 60 numbers: thirty lower ends, "
            "then thirty upper ends."
        ) from None
    return facts | {
        "crest": float(inside[level > 0.5].mean()),
        "trough": float(inside[level < -0.5].mean()),
        "width": float(np.mean(upper - lower)),
    }


def _covers(where: str, advice: str) -> Goal:
    return Goal(
        f"a coverage of {LEAST_COVERAGE:g} or more {where}".replace("0.", "."),
        lambda facts: facts[where.split()[-1]] >= LEAST_COVERAGE,
        lambda facts: f"{facts[where.split()[-1]]:.3f}",
        advice,
    )


EXERCISES = (
    Number(
        title="One neighbour",
        question="Suppose the model took not three but the *single* most similar window. How large would the "
        "half width be, made from its errors on the training windows?",
        idea="errors on the training windows promise too much",
        minutes=2,
        right=0,
        tolerance=0.0005,
        wrong={
            0.1645: "That is what the noise of the value to come alone asks for. But look which window is "
            "the most similar one to a training window, among all training windows.",
            0.1: "That is the standard deviation of the noise. Which window is most similar to a training "
            "window?",
            0.2326: "That would be right for windows that the model has not been given: two noises, of the "
            "value and of its forecast. Which window is most similar to a training window?",
            0.134: "That is the half width with three neighbours. With one there is less left of it.",
        },
        hints=(
            "The model looks among the training windows for the one most similar to a training window.",
            "It finds the window itself. What followed it?",
        ),
        afterwards="The most similar window to a training window is itself, so what followed it is forecast "
        "without any error. The model would be quite sure, and nearly always wrong.",
    ),
    Coding(
        title="The conformal half width",
        question="Write the half width for each step ahead: of the $n$ absolute errors of that "
        "step the $k$-th smallest, with $k = \\lceil \\text{share} \\cdot (n + 1) \\rceil$ (rounded up). "
        "There are always enough errors for $k \\le n$.",
        idea="an interval from the errors of a calibration part",
        minutes=8,
        solve=my_half_width,
        cases=_errors,
        mistakes=(
            Mistake(
                "quantile of the errors seen",
                lambda e, share: np.quantile(np.abs(e), share, axis=0),
                "That holds the share of the errors that were *seen*. With the one to come there are n + 1: "
                "take the k-th smallest with k = ⌈share · (n + 1)⌉.",
            ),
            Mistake(
                "rank without the new one",
                lambda e, share: _ranked(e, np.ceil(share * len(e))),
                "Your rank counts n errors. With the one to come there are n + 1.",
            ),
            Mistake(
                "rank rounded down",
                lambda e, share: _ranked(e, int(share * (len(e) + 1))),
                "Your rank is rounded down. To promise the share *at least*, round up: np.ceil.",
            ),
            Mistake(
                "rank rounded to the nearest",
                lambda e, share: _ranked(e, round(share * (len(e) + 1))),
                "Your rank is rounded to the nearest whole number. To promise the share *at least*, round "
                "up: np.ceil.",
            ),
            Mistake(
                "one place too far",
                lambda e, share: _ranked(e, _rank(e, share) + 1),
                "You are one place too far: the k-th smallest stands at index k - 1. (np.quantile at k/n is "
                "too far as well: of n values it calls the smallest 0 and the largest 1.)",
            ),
            Mistake(
                "one width for all",
                lambda e, share: _ranked(np.abs(e).reshape(-1, 1), _rank(e.reshape(-1, 1), share)),
                "That is one width for all steps ahead. Each step has its own: sort along axis 0.",
            ),
            Mistake(
                "along the wrong axis",
                lambda e, share: my_half_width(e.T, share) if _rank(e.T, share) <= len(e.T) else e[:, 0],
                "You sorted along the steps ahead. The windows go along axis 0, and you sort these.",
            ),
            Mistake(
                "axis left out",
                lambda e, share: np.sort(np.abs(e))[_rank(e, share) - 1],
                "Without axis=0, np.sort sorts each row, the steps ahead of one window. Sort the windows.",
            ),
            Mistake(
                "with their sign",
                lambda e, share: np.sort(e, axis=0)[_rank(e, share) - 1],
                "You kept the signs. The interval reaches as far down as up, so the absolute error counts.",
            ),
            Mistake(
                "from a normal distribution",
                lambda e, share: 1.645 * e.std(axis=0),
                "That supposes that errors are normal. The recipe asks for no distribution: sort the "
                "absolute errors and count.",
            ),
            Mistake(
                "not sorted",
                lambda e, share: np.abs(e)[_rank(e, share) - 1],
                "That is the k-th error in time. Sort first: np.sort(…, axis=0).",
            ),
        ),
        hints=(
            "np.sort(np.abs(errors), axis=0) has the smallest absolute error of each step in row 0.",
            "k = int(np.ceil(share * (n + 1))) with n = len(errors); the k-th smallest stands in row k - 1.",
        ),
        afterwards="Why n + 1? If the new error is like the n old ones, each of the n + 1 places in the "
        "order is equally likely for it, and k of them lie within the width. (Where k > n, with five errors "
        "and a share of 0.9, no finite width can promise that.)",
    ),
    Coding(
        title="The quantile loss",
        question="Write this loss in NumPy, averaged over all targets.",
        idea="a loss whose minimum is a quantile",
        minutes=6,
        solve=my_quantile_loss,
        cases=_targets,
        mistakes=(
            Mistake(
                "forecast minus actual",
                lambda y, f, q: np.mean(np.maximum(q * (f - y), (q - 1) * (f - y))),
                "Your error is forecast minus actual. With this sign the minimum lies at the quantile 1 - q.",
            ),
            Mistake(
                "absolute error",
                lambda y, f, q: np.mean(np.abs(y - f)),
                "That is the mean absolute error: both sides count alike, so its minimum is the median.",
            ),
            Mistake(
                "one side",
                lambda y, f, q: np.mean(np.maximum(q * (y - f), 0)),
                "Targets below the forecast cost nothing in yours, so the best forecast would be as high as "
                "can be.",
            ),
            Mistake(
                "q on both sides",
                lambda y, f, q: np.mean(q * np.abs(y - f)),
                "Both sides cost q in yours. A target below the forecast costs 1 - q for each unit.",
            ),
            Mistake(
                "the smaller one",
                lambda y, f, q: np.mean(np.minimum(q * (y - f), (q - 1) * (y - f))),
                "You took the smaller of the two, which is never above zero. The loss is the larger one.",
            ),
            Mistake(
                "one maximum for all",
                lambda y, f, q: max(q * np.mean(y - f), (q - 1) * np.mean(y - f)),
                "You took the mean of the errors first, where errors up and down cancel. The maximum comes "
                "first, for each target: np.maximum.",
            ),
            Mistake(
                "sum",
                lambda y, f, q: np.sum(np.maximum(q * (y - f), (q - 1) * (y - f))),
                "That is the sum over the targets. The mean is asked for.",
            ),
            Mistake(
                "squares",
                lambda y, f, q: np.mean(np.maximum(q * (y - f) ** 2, (1 - q) * (y - f) ** 2)),
                "You squared the errors. The quantile loss is linear in them.",
            ),
        ),
        hints=(
            "error = actual - forecast; then two arrays, q * error and (q - 1) * error.",
            "np.maximum takes the larger of two arrays, target by target; np.mean averages.",
        ),
        afterwards="With q = 1/2 it is half the absolute error, whose minimum is the median.",
    ),
    Number(
        title="A path of thirty",
        question="Each of thirty values lies inside its interval with probability 0.9. Suppose that these "
        "are independent. With what probability do all thirty lie inside?",
        idea="an interval for values is none for paths",
        minutes=2,
        right=0.9**30,
        tolerance=0.002,
        wrong={
            0.9: "That holds for each single value. All thirty at once?",
            0.03: "You divided by thirty. Independent events: multiply their probabilities.",
            0.958: "That is the probability that at least one lies outside.",
            27.0: "So many lie inside on average. Asked for is the probability that all thirty do.",
            4.24: "That is the percentage. Give the probability, 0.0424.",
        },
        hints=(
            "The probability that two independent things both happen is the product.",
            "0.9 to the power of thirty.",
        ),
        afterwards="One path in twenty-four.",
    ),
    Coding(
        title="Known by then",
        question="`errors` holds the errors of a backtest: row $i$ those of the forecast that begins with "
        "month $i$, column $c$ that of month $i + c$. You stand at the beginning of month `origin`: the "
        "months before it are measured, month `origin` is not. Write the conformal half width of each column "
        "from the errors known by then: of these $n$ absolute errors the $k$-th smallest, "
        "$k = \\lceil \\text{share} \\cdot (n + 1) \\rceil$. (There are always enough of them.)",
        idea="calibrate on the past alone",
        minutes=10,
        solve=my_known_half_widths,
        cases=_backtests,
        mistakes=(
            Mistake(
                "forecasts begun by then",
                lambda e, origin, share: _known(e, share, [origin] * e.shape[1]),
                "You took all forecasts that were *begun* before month origin. Some of their months were not "
                "measured yet: row i and column c belong to month i + c.",
            ),
            Mistake(
                "one month of the future",
                lambda e, origin, share: _known(e, share, _ends(e, origin, 1)),
                "You use month origin itself, which is not measured yet: i + c < origin.",
            ),
            Mistake(
                "one month too few",
                lambda e, origin, share: _known(e, share, _ends(e, origin, -1)),
                "You leave out the last month that is measured, origin - 1.",
            ),
            Mistake(
                "finished forecasts alone",
                lambda e, origin, share: _known(e, share, [_ends(e, origin)[-1]] * e.shape[1]),
                "You use finished forecasts alone. Of an unfinished one, the first months are known already: "
                "each column has its own rows.",
            ),
            Mistake(
                "the whole table",
                lambda e, origin, share: _known(e, share, [len(e)] * e.shape[1]),
                "You used the whole table, later years too. At the origin nobody knows them.",
            ),
            Mistake(
                "one place too far",
                lambda e, origin, share: _known(e, share, _ends(e, origin), place=0),
                "You are one place too far: the k-th smallest stands at index k - 1.",
            ),
            Mistake(
                "not sorted",
                lambda e, origin, share: _known(e, share, _ends(e, origin), order=np.asarray),
                "That is the k-th error in time. Sort the absolute errors of each column first.",
            ),
            Mistake(
                "quantile of the errors",
                lambda e, origin, share: np.array(
                    [np.quantile(np.abs(e[:end, c]), share) for c, end in enumerate(_ends(e, origin))]
                ),
                "You took the quantile of the known errors. With the one to come there are n + 1: take the "
                "k-th smallest.",
            ),
            Mistake(
                "with their sign",
                lambda e, origin, share: _known(e, share, _ends(e, origin), of=np.asarray),
                "You kept the signs. The interval reaches as far down as up, so the absolute error counts.",
            ),
        ),
        hints=(
            "Row i and column c belong to month i + c. It is measured if i + c < origin.",
            "So column c has the rows errors[: origin - c, c].",
            "known = np.sort(np.abs(errors[: origin - c, c])), then known[k - 1].",
        ),
        afterwards="The farther ahead, the fewer errors are known. Whoever forgets it lets the future in, "
        "and no error message will say so.",
    ),
    Experiment(
        title="Wide where it must be",
        question="The network of section 3 has 16,260 parameters. Build one with at most a tenth of them, "
        "1,626, whose interval for the wave of uneven noise covers at least 87% on the crests *and* at least "
        "87% in the troughs, and is at most .37 wide on average. `practice()` gives the windows to train "
        "and 700 for validation; it is judged on waves with fresh noise. `my_answer` is the pair of the "
        "network, which puts out thirty lower and then thirty upper ends, and the `Run` that "
        "`training.fit(…, validation=…)` returns.",
        idea="an interval as wide as the noise of the moment",
        minutes=10,
        facts=_facts_of_interval,
        goals=(
            few_parameters(
                MOST_PARAMETERS,
                ", a tenth of the network's in section 3",
                "Too many parameters. An LSTM of n units that gets m values at a step has 4 n (m + n + 1), "
                "the dense layer 60 (n + 1).",
            ),
            trained_on(lambda facts: 2092, "both parts that practice() returns: (x, y), validation=…"),
            _covers(
                "on the crest",
                "Too narrow where the noise is large. Does the loss know two levels, 0.05 and 0.95, in the "
                "order of the outputs?",
            ),
            _covers(
                "in the trough",
                "Where the noise is small, the network's own error counts. Train longer, with a learning "
                "rate that falls, or ask for levels a little farther apart.",
            ),
            Goal(
                f"a mean width of at most {MOST_WIDTH:g}".replace("0.", "."),
                lambda facts: facts["width"] <= MOST_WIDTH,
                lambda facts: f"{facts['width']:.3f}",
                "Wide enough to cover anything. The noise alone asks for 0.33 on average: the network has "
                "not learned the wave yet. Train longer, or give it more values at a step.",
            ),
        ),
        hints=(
            "`build` has the shape; take eight units and no penalty.",
            "Eight units with 15 values at a step have 1,308 parameters with the dense layer. Thirty epochs, "
            "with a learning rate that falls from 0.005.",
        ),
        code="""
keras.utils.set_random_seed(0)
(my_x, my_y), held_out = practice()
rate = keras.optimizers.schedules.CosineDecay(0.005, 30 * -(-len(my_x) // 32))
my_model = keras.Sequential([
    layers.Input((150, 1)), layers.Reshape((10, 15)), layers.LSTM(8), layers.Dense(60)])
my_model.compile(keras.optimizers.Adam(rate), quantile_loss((0.05, 0.95)))
my_run = training.fit(my_model, my_x, my_y, epochs=30, batch_size=32, validation=held_out)
my_answer = my_model, my_run
""",
        afterwards="Eight units are enough: an interval needs a rough idea of the wave and of its noise, not "
        "a large network. (One conformal half width for all would be as wide on average, and cover three "
        "quarters of the crests.)",
    ),
)
