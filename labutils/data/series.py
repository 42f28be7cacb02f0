"""Series in time: a noisy sine whose truth is known, a real one, windows, the split, the scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Series:
    """Values in time, in order, without a gap.

    time, values : (n,). clean : (n,), the values without noise, where they are known. time_label,
    value_label : what the axes of a figure say, units included. source : where the values come from.
    Raises ValueError for values that are no such series, and says which and where.
    """

    name: str
    time: np.ndarray
    values: np.ndarray
    time_label: str
    value_label: str
    source: str
    clean: np.ndarray | None = None

    def __post_init__(self) -> None:
        values = _checked("values", self.values)
        time = _checked("time", self.time)
        if len(time) != len(values):
            raise ValueError(f"{self.name} has {len(values):,} values but {len(time):,} points in time")
        backwards = np.flatnonzero(np.diff(time) <= 0)
        if len(backwards):
            i = int(backwards[0])
            raise ValueError(
                f"{self.name} is not sorted in time: {time[i + 1]:g} (place {i + 1}) comes after "
                f"{time[i]:g}; sort it, and drop doubles"
            )
        if self.clean is not None and _checked("clean", self.clean).shape != values.shape:
            raise ValueError(f"{self.name} has {len(values):,} values but {len(self.clean):,} clean ones")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def noise(self) -> np.ndarray:
        """Values minus clean values, (n,). Raises ValueError where the truth is not known."""
        if self.clean is None:
            raise ValueError(f"nobody knows {self.name} without its noise")
        return self.values - self.clean


def noisy_sine(
    seed: int = 0, *, samples: int = 1000, begin: float = 0.0, end: float = 10.0, noise: float = 0.1
) -> Series:
    """Return sin(t) plus normal noise, t from `begin` to `end`: as it is, the published experiment's.

    seed : of NumPy's old generator, as in the published code, which does not fix it.
    noise : standard deviation of the noise; its square is the error that no forecast can beat on
    average.
    """
    _check_count("samples", samples, least=2)
    if not -np.inf < begin < end < np.inf:
        raise ValueError(f"end must lie after begin, got begin {begin} and end {end}")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be 0 or more, got {noise}")
    time = np.linspace(begin, end, samples)
    clean = np.sin(time)
    draw = np.random.RandomState(seed).randn(samples)
    return Series(
        "noisy sine",
        time,
        clean + noise * draw,
        "time t",
        "value",
        f"computed: sin(t) + {noise:g} times a standard normal draw",
        clean,
    )


def el_nino() -> Series:
    """Return monthly sea-surface temperatures of the eastern tropical Pacific, 1950 to 2010.

    They come with statsmodels; there is a season of twelve months, and there are the warm years for
    which the series is named, which come every two to seven years.
    """
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data
    years = table["YEAR"].to_numpy()
    values = table.drop(columns="YEAR").to_numpy()
    time = (years[:, None] + np.arange(12) / 12).ravel()
    return Series(
        "El Niño",
        time,
        values.ravel(),
        "year",
        "sea-surface temperature (°C)",
        "National Oceanic and Atmospheric Administration, Niño 1+2 region; with statsmodels",
    )


def sliding_windows(values: np.ndarray, length: int, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into overlapping windows, each with the values that follow it.

    values : (n,). length : samples in a window. horizon : how many of the next values are targets.
    Returns inputs (n - length - horizon + 1, length, 1) and targets (the same, horizon), so that
    ``targets[i, 0] == values[i + length]``.
    Raises ValueError where the series is too short for one window and its targets.
    """
    values = _checked("values", values)
    _check_count("length", length)
    _check_count("horizon", horizon)
    if length >= len(values):
        raise ValueError(
            f"a window of {length:,} is too long for a series of {len(values):,}: nothing is left to predict"
        )
    if length + horizon > len(values):
        raise ValueError(
            f"a horizon of {horizon:,} goes past the end: after a window of {length:,} only "
            f"{len(values) - length:,} of {len(values):,} values are left"
        )
    cut = np.lib.stride_tricks.sliding_window_view(values, length + horizon)
    return cut[:, :length, None].copy(), cut[:, length:].copy()


def split_in_time(x: np.ndarray, y: np.ndarray, *last: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return (x, y) of the first windows, then of each later part, in order of time.

    x, y : of equal length. last : how many windows the later parts get, in order of time, so that
    ``split_in_time(x, y, 100, 200)`` gives a training part, 100 windows to validate, the last 200 to
    test. Windows of another length then have the same test targets, since all end with the series.
    """
    if len(x) != len(y):
        raise ValueError(f"there are {len(x):,} windows but {len(y):,} targets: they must be as many")
    for size in last:
        _check_count("a part", size)
    if sum(last) >= len(x):
        raise ValueError(f"{len(x):,} windows: too few for parts of {' + '.join(map(str, last))} and a first")
    cuts = len(x) - np.cumsum(last[::-1], dtype=int)[::-1]
    return tuple(zip(np.split(x, cuts), np.split(y, cuts)))


def scaled(values: np.ndarray, training_samples: int) -> tuple[np.ndarray, StandardScaler]:
    """Return the series with the training part at mean 0 and deviation 1, and the scaler.

    training_samples : how many of the first values the scaler may look at; the later ones are the
    future. ``scaler.inverse_transform`` brings a column (n, 1) back to the old unit.
    """
    values = _checked("values", values)
    _check_count("training_samples", training_samples, least=2)
    if training_samples > len(values):
        raise ValueError(f"there are {len(values):,} values, fewer than {training_samples:,} to fit on")
    if np.ptp(values[:training_samples]) == 0:
        raise ValueError("all training values are equal: there is no deviation to scale by")
    scaler = StandardScaler().fit(values[:training_samples, None])
    return scaler.transform(values[:, None])[:, 0], scaler


def _checked(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be numbers, got {values.dtype}")
    if values.ndim != 1:
        raise ValueError(f"{name} must be one row of numbers, of shape (n,), got {values.shape}")
    if len(values) == 0:
        raise ValueError(f"{name} are empty: a series has at least one value")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            f"{name} have {len(bad):,} gaps (nan or infinity), the first at place {bad[0]:,}: "
            "fill or cut them"
        )
    return values


def _check_count(name: str, value: int, least: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be a whole number, {least} or more, got {value!r}")
