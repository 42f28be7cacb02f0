"""Series in time: a noisy sine whose truth is known, a real one, windows, the split, the scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from labutils.validation import whole_number


@dataclass(frozen=True, eq=False)
class Series:
    """Values in time, in order, without a gap; ValueError for others, which says what and where.

    Attributes
    ----------
    time, values : (n,), arrays; lists become such.
    time_label, value_label : what the axes of a figure say, units included.
    source : where the values come from.
    clean : (n,), the values without noise, where they are known.
    """

    name: str
    time: np.ndarray
    values: np.ndarray
    time_label: str
    value_label: str
    source: str
    clean: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("values", "time") if self.clean is None else ("values", "time", "clean"):
            object.__setattr__(self, name, _gapless(name, getattr(self, name)))  # a list becomes an array
        values, time = self.values, self.time
        if len(time) != len(values):
            raise ValueError(f"{self.name} has {len(values):,} values but {len(time):,} points in time")
        backwards = np.flatnonzero(np.diff(time) <= 0)
        if len(backwards):
            i = int(backwards[0])
            raise ValueError(
                f"{self.name} is not sorted in time: {time[i + 1]:g} (index {i + 1}) comes after "
                f"{time[i]:g}; sort it, and drop doubles"
            )
        if self.clean is not None and len(self.clean) != len(values):
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

    Parameters
    ----------
    seed : of NumPy's old generator, as in the published code, which does not fix it.
    samples : how many values.
    begin, end : of the time t.
    noise : standard deviation of the noise; its square is the mean squared error that no forecast can
        beat on average.

    Raises
    ------
    ValueError
        For fewer than 2 samples, an end that is not after the beginning, or negative noise.

    Examples
    --------
    >>> sine = noisy_sine(samples=500)
    >>> len(sine), round(float(sine.noise.std()), 2)
    (500, 0.1)
    """
    samples = whole_number("samples", samples, 2)
    if not -np.inf < begin < end < np.inf:
        raise ValueError(f"end must lie after begin, got begin {begin} and end {end}")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be 0 or more, got {noise}")
    time = np.linspace(begin, end, samples)
    clean = np.sin(time)
    values = clean + noise * np.random.RandomState(seed).randn(samples)
    source = f"computed: sin(t) + {noise:g} times a standard normal draw"
    return Series("noisy sine", time, values, "time t", "value", source, clean)


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
    source = "National Oceanic and Atmospheric Administration, Niño 1+2 region; with statsmodels"
    return Series("El Niño", time, values.ravel(), "year", "sea-surface temperature (°C)", source)


def sliding_windows(values: np.ndarray, length: int, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into overlapping windows, each with the values that follow it.

    Parameters
    ----------
    values : (n,).
    length : samples in a window.
    horizon : how many of the next values are targets.

    Returns
    -------
    x : (n - length - horizon + 1, length, 1), the windows.
    y : (n - length - horizon + 1, horizon), the targets: ``y[i, 0] == values[i + length]``.

    Raises
    ------
    ValueError
        Where the series has gaps (NaN, infinity, masked), or is too short for one window and its targets.

    Examples
    --------
    >>> x, y = sliding_windows([10, 20, 30, 40, 50], 3)
    >>> x[:, :, 0].tolist(), y.tolist()
    ([[10, 20, 30], [20, 30, 40]], [[40], [50]])
    """
    values = _gapless("values", values)
    length, horizon = whole_number("length", length), whole_number("horizon", horizon)
    if length + horizon > len(values):
        raise ValueError(
            f"a window of {length:,} and a horizon of {horizon:,} need {length + horizon:,} values, "
            f"the series has {len(values):,}"
        )
    cut = np.lib.stride_tricks.sliding_window_view(values, length + horizon)
    return cut[:, :length, None].copy(), cut[:, length:].copy()


def split_in_time(
    x: np.ndarray, y: np.ndarray, *last: int, gap: int | None = None
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return (x, y) of the first windows, then of each later part, in order of time.

    ``split_in_time(x, y, 100, 200)`` gives a training part, 100 windows to validate, the last 200 to
    test. Windows of another length then have the same test targets, since all end with the series.

    Parameters
    ----------
    x, y : windows and targets, of equal length.
    *last : how many windows the later parts get, in order of time.
    gap : how many windows are dropped before each later part, as in scikit-learn's TimeSeriesSplit.
        None drops ``y.shape[1] - 1``: where the horizon is longer than 1, no value is then a target in
        two parts. 0 keeps every window.

    Returns
    -------
    tuple
        (x, y) of the first part, then one such pair for each number in `last`.

    Raises
    ------
    ValueError
        Where `x` and `y` differ in length, or there are too few windows for such parts.

    Examples
    --------
    >>> x, y = sliding_windows(np.arange(20), 5)
    >>> [len(part) for part, _ in split_in_time(x, y, 3, 4)]
    [8, 3, 4]
    """
    if len(x) != len(y):
        raise ValueError(f"there are {len(x):,} windows but {len(y):,} targets: they must be as many")
    horizon = np.shape(y)[1] if np.ndim(y) > 1 else 1
    gap = whole_number("gap", horizon - 1 if gap is None else gap, 0)
    sizes = [whole_number("a part", size) for size in last]
    if sum(sizes) + gap * len(sizes) >= len(x):
        gaps = f", {gap:,} dropped before each," if gap else ""
        wanted = " + ".join(map(str, sizes))
        raise ValueError(f"{len(x):,} windows: too few for parts of {wanted}{gaps} and a first")
    parts, end = [], len(x)
    for size in reversed(sizes):
        parts.append((x[end - size : end], y[end - size : end]))
        end -= size + gap
    return (x[:end], y[:end]), *reversed(parts)


def scaled(values: np.ndarray, training_samples: int) -> tuple[np.ndarray, StandardScaler]:
    """Return the series with the training part at mean 0 and standard deviation 1, and the scaler.

    ``scaler.inverse_transform`` brings a column (n, 1) back to the old unit.

    Parameters
    ----------
    values : (n,).
    training_samples : how many of the first values the scaler is fitted to; the later ones are the future.

    Raises
    ------
    ValueError
        For gaps, for too many training samples, and for training values that are all equal.
    """
    values = _gapless("values", values)
    training_samples = whole_number("training_samples", training_samples, 2)
    if training_samples > len(values):
        raise ValueError(f"there are {len(values):,} values, fewer than {training_samples:,} to fit on")
    if np.ptp(values[:training_samples]) == 0:
        raise ValueError("all training values are equal: there is no deviation to scale by")
    scaler = StandardScaler().fit(values[:training_samples, None])
    return scaler.transform(values[:, None])[:, 0], scaler


def _gapless(name: str, values: np.ndarray) -> np.ndarray:
    masked = np.ma.getmaskarray(values)
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be numbers, got {values.dtype}")
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} must be one row of numbers, of shape (n,), n > 0, got {values.shape}")
    gaps = np.flatnonzero(masked | ~np.isfinite(values))
    if len(gaps):
        raise ValueError(
            f"{name} have {len(gaps):,} gaps (masked, nan or infinity), the first at index {gaps[0]:,}: "
            "fill or cut them"
        )
    return values
