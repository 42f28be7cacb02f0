"""Series in time: what is computed and loaded, cut into windows, split, scaled, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labutils.data import series


def a_series(values=(1.0, 2.0, 4.0), time=(0, 1, 2), **more):
    return series.Series("mine", np.asanyarray(time), np.asanyarray(values), "t", "v", "made", **more)


def test_the_noisy_sine_is_that_of_the_published_experiment():
    np.random.seed(0)
    t = np.linspace(0, 10, 1000)
    published = np.sin(t) + 0.1 * np.random.randn(1000)
    ours = series.noisy_sine(seed=0)
    np.testing.assert_array_equal(ours.values, published)
    np.testing.assert_allclose(ours.clean, np.sin(t))
    np.testing.assert_allclose(ours.noise, published - np.sin(t))


def test_its_noise_has_the_deviation_asked_for_and_other_seeds_are_other_draws():
    deviations = [series.noisy_sine(seed, noise=0.3).noise.std() for seed in range(20)]
    assert np.mean(deviations) == pytest.approx(0.3, rel=0.02)
    assert not np.array_equal(series.noisy_sine(1).values, series.noisy_sine(2).values)
    assert np.array_equal(series.noisy_sine(noise=0.0).values, series.noisy_sine().clean)


def test_el_nino_is_monthly_sea_temperature_without_a_gap():
    sea = series.el_nino()
    assert len(sea) == 61 * 12 and sea.time[0] == 1950 and int(sea.time[-1]) == 2010
    np.testing.assert_allclose(np.diff(sea.time), 1 / 12)
    assert 15 < sea.values.min() < sea.values.max() < 32
    by_month = sea.values.reshape(61, 12).mean(axis=0)
    assert by_month.argmax() in (1, 2, 3)  # warm in March
    assert by_month.argmin() in (7, 8, 9)  # cool in September
    with pytest.raises(ValueError, match="nobody knows El Niño without its noise"):
        _ = sea.noise


@given(n=st.integers(2, 40), data=st.data())
def test_targets_are_exactly_the_values_that_follow(n, data):
    length = data.draw(st.integers(1, n - 1))
    horizon = data.draw(st.integers(1, n - length))
    values = np.arange(n) * 10.0
    x, y = series.sliding_windows(values, length, horizon)
    assert x.shape == (n - length - horizon + 1, length, 1) and y.shape == (len(x), horizon)
    assert not any(np.shares_memory(*pair) for pair in ((x, values), (y, values), (x, y)))  # copies
    for i in range(len(x)):
        np.testing.assert_array_equal(x[i, :, 0], values[i : i + length])
        np.testing.assert_array_equal(y[i], values[i + length : i + length + horizon])


MASKED = np.ma.masked_array([1.0, 2.0, 9.97e36, 4.0], [False, False, True, False])
GAPS = [
    (MASKED, r"have 1 gaps \(masked, nan or infinity\), the first at index 2: fill or cut"),
    ([1, np.nan, 3, np.inf], "have 2 gaps .*, the first at index 1"),
    (np.ma.masked_array([np.nan, 1.0, 2.0], [False, True, False]), "have 2 gaps .*, the first at index 0"),
    (np.zeros((5, 2)), r"must be one row of numbers, of shape \(n,\), n > 0, got \(5, 2\)"),
    ([], r"must be one row of numbers, .*got \(0,\)"),
    (["a", "b", "c"], "must be numbers, got <U1"),
    ([1, None, 3], "must be numbers, got object"),
]


@pytest.mark.parametrize(("values", "message"), GAPS)
@pytest.mark.parametrize(
    "use",
    [
        lambda values: series.sliding_windows(values, 2),
        lambda values: series.scaled(values, 2),
        lambda values: series.Series("mine", np.arange(len(values)), values, "t", "v", "made"),
    ],
    ids=["sliding_windows", "scaled", "Series"],
)
def test_values_that_are_no_series_are_refused_in_words(use, values, message):
    with pytest.raises(ValueError, match=f"values {message}"):
        use(values)


def test_lists_become_arrays():
    mine = series.Series("mine", [0, 1], [1, 2.5], "t", "v", "made", clean=[1, 2])
    assert mine.noise.tolist() == [0, 0.5] and mine.time.tolist() == [0, 1]


def test_a_masked_array_without_a_gap_is_a_series():
    values = np.ma.masked_array([1.0, 2.0, 4.0], [False, False, False])
    x, y = series.sliding_windows(values, 2)
    assert x.ravel().tolist() == [1, 2] and y.tolist() == [[4]] and not np.ma.isMaskedArray(x)
    assert len(a_series(values)) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5,), "a window of 5 and a horizon of 1 need 6 values, the series has 5"),
        ((3, 3), "a window of 3 and a horizon of 3 need 6 values, the series has 5"),
        ((0,), "length must be a whole number, 1 or more, got 0"),
        ((2.0,), "length must be a whole number"),
        ((2, -1), "horizon must be a whole number, 1 or more, got -1"),
        ((2, True), "horizon must be a whole number"),
    ],
)
def test_windows_that_cannot_be_cut_are_refused_in_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        series.sliding_windows(np.arange(5.0), *arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"time": (0, 2, 1)},
            "mine is not sorted in time: 1 .index 2. comes after 2; sort it, and drop doubles",
        ),
        ({"time": (0, 1, 1)}, "mine is not sorted in time: 1 .index 2. comes after 1"),
        ({"time": (0, 1)}, "mine has 3 values but 2 points in time"),
        ({"time": np.ma.masked_equal([0, 1, 2], 1)}, "time have 1 gaps"),
        ({"clean": np.zeros(2)}, "mine has 3 values but 2 clean ones"),
        ({"clean": np.ma.masked_equal([0, 1, 2], 1)}, "clean have 1 gaps"),
    ],
)
def test_what_is_no_series_is_refused_in_words(change, message):
    with pytest.raises(ValueError, match=message):
        a_series(**change)


def test_three_parts_keep_their_order_and_their_targets_for_every_window():
    values = np.arange(60.0)
    for length in (1, 5, 20):
        parts = series.split_in_time(*series.sliding_windows(values, length), 7, 9)
        assert [len(x) for x, _ in parts] == [60 - length - 16, 7, 9]
        assert parts[1][1][0, 0] == 44 and parts[2][1][0, 0] == 51 and parts[2][1][-1, 0] == 59
    ((whole, _),) = series.split_in_time(values, values)
    np.testing.assert_array_equal(whole, values)


@given(st.integers(1, 6), st.lists(st.integers(1, 9), max_size=3))
def test_no_value_is_a_target_in_two_parts_and_no_window_is_wasted(horizon, last):
    values = np.arange(60)
    parts = series.split_in_time(*series.sliding_windows(values, 5, horizon), *last)
    assert [len(x) for x, _ in parts[1:]] == last and len(parts[0][0]) >= 1
    targets = [set(y.ravel().tolist()) for _, y in parts]
    assert [t for part in targets for t in sorted(part)] == list(range(5, 60))  # in exactly one, in order


def test_the_gap_between_two_parts_can_be_chosen():
    x, y = series.sliding_windows(np.arange(60.0), 12, horizon=12)
    for gap in (0, 3, 11):
        (x_train, y_train), (x_test, y_test) = series.split_in_time(x, y, 10, gap=gap)
        assert len(x_train) == len(x) - 10 - gap and len(x_test) == 10
        assert len(set(y_train.ravel()) & set(y_test.ravel())) == 11 - gap
    train, _, validation, _, test = series.split_in_time(x, y, 11, 4, 11, 3, gap=0)  # the same by hand
    for by_hand, part in zip((train, validation, test), series.split_in_time(x, y, 4, 3)):
        assert np.array_equal(by_hand[0], part[0]) and np.array_equal(by_hand[1], part[1])


@pytest.mark.parametrize(
    ("last", "gap"),
    [((0,), 0), ((-5,), 0), ((0.2,), 0), ((True,), 0), ((17,), 0), ((9, 9), 0), ((8,), 9), ((1,), -1)],
)
def test_senseless_parts_are_refused(last, gap):
    x, y = series.sliding_windows(np.arange(20.0), 3)
    with pytest.raises(ValueError, match="must be a whole number, |17 windows: too few for parts of"):
        series.split_in_time(x, y, *last, gap=gap)
    with pytest.raises(ValueError, match="17 windows but 3 targets"):
        series.split_in_time(x, y[:3], 1)


def test_scaling_looks_at_the_training_part_alone_and_can_be_undone():
    values = np.concatenate([np.array([1.0, 3.0] * 5), np.full(10, 1000.0)])
    result, scaler = series.scaled(values, 10)
    np.testing.assert_allclose(result[:10], [-1, 1] * 5)
    np.testing.assert_allclose(scaler.inverse_transform(result[:, None])[:, 0], values)
    with pytest.raises(ValueError, match="there are 20 values, fewer than 21 to fit on"):
        series.scaled(values, 21)
    with pytest.raises(ValueError, match="all training values are equal"):
        series.scaled(np.ones(9), 5)


@pytest.mark.parametrize(
    "wrong", [{"samples": 1}, {"end": 0}, {"begin": 10}, {"noise": -1}, {"noise": np.nan}]
)
def test_a_senseless_sine_is_refused(wrong):
    with pytest.raises(ValueError):
        series.noisy_sine(**wrong)
