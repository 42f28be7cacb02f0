import html
import struct

import numpy as np
import pytest

from labutils import plots, series
from labutils.training import Run


def a_run(name="net", losses=(0.5, 0.3, 0.4), accuracy=True):
    history = {"loss": [0.6, 0.4, 0.2], "val_loss": list(losses)}
    if accuracy:
        history |= {"accuracy": [0.6, 0.8, 0.9], "val_accuracy": [0.7, 0.8, 0.75]}
    return Run(name, {"parameters": 3}, history, 1.0, int(np.argmin(losses)) + 1, 3)


def pictures():
    random = np.random.default_rng(0)
    lengths = random.integers(10, 900, 300)
    labels, p = random.integers(0, 2, 300), random.random(300)
    words = "it was a <b>great</b> $film$ with a_b and ünï".split()
    return [
        plots.review_lengths(lengths),
        plots.vocabulary_coverage([100, 1000, 10_000], [0.5, 0.8, 0.95], 1000),
        plots.shared_names([1, 10, 100], [0.2, 0.1, 0.001]),
        plots.padding([np.arange(n) for n in (3, 100, 450)], 100),
        plots.padding([np.arange(n) for n in (3, 100, 450)], 100, "post", "post"),
        plots.training_curves(a_run(), {"bag of words": 0.8}),
        plots.training_curves([a_run(), a_run("other")]),
        plots.training_curves(a_run(accuracy=False)),
        plots.scores({"a": [0.5], "b": [0.6, 0.7]}, "accuracy", {"b": 0.65}),
        plots.confusion(labels, p > 0.5, ["negative", "positive"]),
        plots.calibration(labels, {"a": p}),
        plots.accuracy_by(lengths, {"a": p > 0.5, "b": p > 0.2}, [0, 100, 300, 1000]),
        plots.reading(words, np.linspace(0.1, 0.9, len(words)), "a review"),
        plots.reading(["one"], [0.7]),
        plots.reading(["x" * 500] * 100, np.linspace(0, 1, 100)),
        plots.windows(series.noisy_sine(), 10, {"training": 790, "test": 200}),
        plots.forecast([1, 2, 3], [0.1, 0.2, 0.4], {"a": [0.1, 0.3, 0.3]}, "time (s)", "value", "plain"),
        plots.forecast(
            [1, 2, 3],
            [0.1, 0.2, 0.4],
            {"a": [0.1, 0.3, 0.3], "b": [0.0, 0.1, 0.2]},
            "time (s)",
            "value",
            "with a band",
            clean=[0.1, 0.2, 0.3],
            band=([0, 0, 0], [1, 1, 1]),
            band_name="90% band",
            spans={"test": (1.5, 3)},
        ),
        plots.residuals(np.arange(100), 0.1 * random.normal(size=100), 0.1, "time (s)"),
        plots.limits(
            {name: ([1, 2, 3], [1.1, 1.2, 9.0], [0.1, 0.1, 0.5]) for name in ("units", "epochs")},
            "error / floor",
            "limits",
            published={"units": 2, "epochs": 1},
            references={"floor": 1},
            top=2,
        ),
        plots.curves({"a": ([1, 2], [3, 4])}, "time (s)", "height (m)", "one line"),
        plots.curves(
            {"seeds": ([1, 2, 3], random.random((4, 3)) + 1), "theory": ([1, 2, 3], [1, 2, 3])},
            "time",
            "height",
            "lines, seeds and theory",
            references={"floor": 0.5},
            dashed=["theory"],
            logx=True,
            logy=True,
            markers=True,
        ),
        plots.curves({"cloud": (random.random(50), random.random(50))}, "x", "y", "dots", dots=["cloud"]),
        plots.gates(
            {"gate": random.random((9, 4)), "state": random.normal(size=(9, 4))}, "AwxyzwxyB", "gates"
        ),
        plots.sequences(([1700, 1701], [5, 11]), ([0, 0.001], [0, 1]), (["not", "good"], [24, 52]), "ACGT"),
    ]


@pytest.mark.parametrize(
    "picture",
    [plots.wirings(), plots.unrolled(), plots.unrolled(3, backward=True), plots.lstm(), plots.gru()],
)
def test_a_drawing_says_in_words_what_it_shows_and_uses_its_whole_canvas(picture):
    data, metadata = picture._repr_mimebundle_()
    assert len(metadata["image/png"]["alt"]) > 150
    figure = picture.figure
    figure.canvas.draw()
    for axes in figure.axes:
        low, high = axes.get_xlim(), axes.get_ylim()
        for text in axes.texts:
            x, y = text.get_position()
            assert low[0] <= x <= low[1] and high[0] <= y <= high[1], text.get_text()


@pytest.mark.parametrize("picture", pictures(), ids=lambda picture: picture.title)
def test_every_picture_has_axis_labels_alternative_text_and_a_stable_name(picture):
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == f"<Picture: {picture.title}>"
    assert len(metadata["image/png"]["alt"]) > 40 and "nan" not in metadata["image/png"]["alt"]
    assert html.escape(picture.alt) in data["text/html"] and data["text/html"].count('"') == 6
    labelled = [a for a in picture.figure.axes if a.axison and a.get_label() != "<colorbar>"]
    assert labelled and all(axes.get_xlabel() for axes in labelled)
    assert all(axes.get_ylabel() or axes.get_yticklabels() for axes in labelled)
    width, height = struct.unpack(">II", data["image/png"][16:24])
    assert width == round(metadata["image/png"]["width"] * 1.5) and 200 < height < 3000


def test_a_picture_of_the_same_data_is_the_same_picture():
    assert plots.training_curves(a_run()).png == plots.training_curves(a_run()).png


def test_curves_draw_what_the_run_holds():
    figure = plots.training_curves(a_run()).figure
    drawn = [list(line.get_ydata()) for line in figure.axes[1].lines]
    assert [0.6, 0.4, 0.2] in drawn and [0.5, 0.3, 0.4] in drawn
    ring = [line for line in figure.axes[1].lines if line.get_markersize() == 12][0]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (2, 0.3)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Accuracy", "Loss"]


def test_padding_draws_cut_read_and_padding_to_scale():
    figure = plots.padding([np.arange(30), np.arange(250)], 100).figure
    bars = sorted(
        (bar.get_y() > 0.5, round(bar.get_x()), round(bar.get_width())) for bar in figure.axes[0].patches
    )
    assert bars == [(False, -100, 70), (False, -30, 30), (True, -250, 150), (True, -100, 100)]


def test_reading_says_which_word_changed_most():
    picture = plots.reading(["good", "not", "bad"], [0.8, 0.2, 0.3])
    assert "the largest change, -0.60, comes with “not”" in picture.alt
    with pytest.raises(ValueError, match="one probability for each word, got 1 words and 2"):
        plots.reading(["a"], [0.1, 0.2])


def test_no_runs_no_picture():
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.training_curves([])


def test_curves_draw_each_seed_and_the_mean():
    values = np.array([[1.0, 2, 3], [3, 4, 5]])
    lines = plots.curves({"a": ([1, 2, 3], values)}, "x", "y", "seeds").figure.axes[0].lines
    drawn = [list(line.get_ydata()) for line in lines]
    assert [1, 2, 3] in drawn and [3, 4, 5] in drawn and [2, 3, 4] in drawn
    with pytest.raises(ValueError, match="a: 2 places on the x-axis but 3 values"):
        plots.curves({"a": ([1, 2], [1, 2, 3])}, "x", "y", "wrong")


def test_gates_draw_units_as_rows_and_time_as_columns():
    values = np.array([[0.0, 0.5], [1.0, 0.25], [0.5, 0.5]])
    axes = plots.gates({"f": values}, ["A", "w", "x"], "gates").figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), values.T)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A", "w", "x"]


def test_windows_stand_where_their_samples_are_and_targets_right_after_them():
    sine = series.noisy_sine()
    picture = plots.windows(sine, 10, {"training": 790, "test": 200}, shown=2)
    above, below = picture.figure.axes
    bars = [line for line in below.lines if line.get_linewidth() == 4]
    assert [list(bar.get_xdata()) for bar in bars] == [[0, 9], [1, 10]]
    rings = [
        line for line in below.lines if line.get_fillstyle() == "none" and line.get_linestyle() == "None"
    ]
    targets = [(line.get_xdata()[0], line.get_ydata()[0]) for line in rings]
    for i in (0, 1):
        assert (10 + i, sine.values[10 + i]) in targets
    assert (
        "training 790 targets from 0.10" in picture.alt
        and "test 200 targets from 8.01 to 10.00" in picture.alt
    )


def test_a_forecast_shows_what_came_what_was_said_and_the_band():
    picture = plots.forecast(
        [1, 2],
        [3.0, 5.0],
        {"net": [3, 4]},
        "t",
        "v",
        "f",
        clean=[3, 5],
        band=([2, 3], [4, 5]),
        band_name="90%",
    )
    (axes,) = picture.figure.axes
    assert [line.get_label() for line in axes.lines] == ["actual", "net", "without noise"]
    assert list(axes.lines[1].get_ydata()) == [3, 4] and len(axes.collections) == 1
    assert "net is 0.707 away" in picture.alt and "90%" in picture.alt


def test_residuals_with_memory_show_in_the_autocorrelation():
    walk = np.cumsum(np.random.default_rng(0).normal(size=200)) / 100
    white = np.random.default_rng(0).normal(size=200) / 10
    heights = []
    for errors in (walk, white):
        bars = plots.residuals(np.arange(200), errors, 0.1, "t").figure.axes[1].patches
        heights.append(max(bar.get_height() for bar in bars if bar.get_width() < 1))
    assert heights[0] > 0.8 and heights[1] < 0.3


def test_limits_ring_what_was_published_and_write_what_is_off_the_scale():
    panels = {"units": ([5, 50], [9.3, 1.3], [0.1, 0.2]), "epochs": ([20, 60], [1.3, 1.2], [0.1, 0.1])}
    picture = plots.limits(
        panels, "ratio", "l", published={"units": 50, "epochs": 20}, references={"floor": 1}, top=2
    )
    units, epochs = picture.figure.axes[:2]
    assert [text.get_text() for text in units.texts] == ["9.3 ↑"] and not epochs.texts
    rings = [line for axes in (units, epochs) for line in axes.lines if line.get_fillstyle() == "none"]
    assert [(float(r.get_xdata()[0]), float(r.get_ydata()[0])) for r in rings] == [(1, 1.3), (0, 1.3)]
