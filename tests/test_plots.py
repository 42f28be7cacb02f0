"""Every figure: what it draws, what it says in words, what it refuses."""

import html
import re
import struct
from itertools import cycle, islice

import numpy as np
import pytest
from matplotlib.colors import to_hex
from notebook_helpers import ROOT
from training_helpers import untrained_run

from labutils import plots
from labutils.data import series
from labutils.palette import BLACK, GREEN, ORANGE, PALETTE, PINK


def a_run(name="net", losses=(0.5, 0.3, 0.4), accuracy=True):
    history = {"loss": [0.6, 0.4, 0.2], "val_loss": list(losses)}
    if accuracy:
        history |= {"accuracy": [0.6, 0.8, 0.9], "val_accuracy": [0.7, 0.8, 0.75]}
    return untrained_run(name=name, history=history, best_epoch=int(np.argmin(losses)) + 1)


def pictures():
    """Name → what draws it, so that a plot that is broken fails its own test."""
    random = np.random.default_rng(0)
    lengths = random.integers(10, 900, 300)
    labels, p = random.integers(0, 2, 300), random.random(300)
    words = "it was a <b>great</b> $film$ with a_b and ünï".split()
    sequences = [np.arange(n) for n in (3, 100, 450)]
    forecast = [1, 2, 3], [0.1, 0.2, 0.4], {"a": [0.1, 0.3, 0.3], "b": [0.0, 0.1, 0.2]}, "time (s)", "value"
    interval = {"interval": ([0, 0, 0], [1, 1, 1]), "interval_name": "90% interval", "clean": [0.1, 0.2, 0.3]}
    changed = {name: ([1, 2, 3], [1.1, 1.2, 9.0], [0.1, 0.1, 0.5]) for name in ("units", "epochs")}
    lines = {"seeds": ([1, 2, 3], random.random((4, 3)) + 1), "theory": ([1, 2, 3], [1, 2, 3])}
    dashed = {"references": {"floor": 0.5}, "style": {"theory": "--"}, "xscale": "log", "yscale": "log"}
    heat = {"gate": random.random((9, 4)), "state": random.normal(size=(9, 4))}
    codes, decoded = random.normal(size=(90, 2)), random.random((3, 4, 28, 28))
    four_numbers = random.random((1, 4))
    return {
        "review lengths": lambda: plots.review_lengths(lengths),
        "shared names": lambda: plots.shared_names([1, 10, 100], [0.2, 0.1, 0.001]),
        "padding before": lambda: plots.padding(sequences, 100),
        "padding after": lambda: plots.padding(sequences, 100, "post", "post"),
        "curves of a run": lambda: plots.training_curves(a_run(), {"bag of words": 0.8}),
        "curves of runs": lambda: plots.training_curves([a_run(), a_run("other")]),
        "curves without accuracy": lambda: plots.training_curves(a_run(accuracy=False)),
        "scores": lambda: plots.scores({"a": [0.5], "b": [0.6, 0.7]}, "accuracy", {"b": 0.65}),
        "calibration": lambda: plots.calibration(labels, {"a": p}),
        "accuracy by": lambda: plots.accuracy_by(lengths, {"a": p > 0.5, "b": p > 0.2}, [0, 100, 300, 1000]),
        "reading": lambda: plots.reading(words, np.linspace(0.1, 0.9, len(words)), "a review"),
        "reading one word": lambda: plots.reading(["one"], [0.7]),
        "reading long words": lambda: plots.reading(["x" * 500] * 100, np.linspace(0, 1, 100)),
        "windows": lambda: plots.windows(series.noisy_sine(), 10, {"training": 790, "test": 200}),
        "forecast": lambda: plots.forecast(*forecast, "plain"),
        "forecast with an interval": lambda: plots.forecast(
            *forecast, "with an interval", spans={"test": (1.5, 3)}, **interval
        ),
        "limits": lambda: plots.limits(
            changed, "error", "l", published={"units": 2, "epochs": 1}, references={"floor": 1}, top=2
        ),
        "a curve": lambda: plots.curves({"a": ([1, 2], [3, 4])}, "time (s)", "height (m)", "one line"),
        "curves": lambda: plots.curves(lines, "time", "height", "seeds and theory", markers=True, **dashed),
        "a cloud": lambda: plots.curves(
            {"cloud": (codes[:, 0], codes[:, 1])}, "x", "y", "dots", style={"cloud": "."}
        ),
        "gates": lambda: plots.gates(heat, "AwxyzwxyB", "gates"),
        "moving points": lambda: plots.moving_points(
            {name: random.normal(size=(2, 2)) for name in "AB"}, ["1", "2"], "two", xlabel="x", ylabel="y"
        ),
        "gates of one step": lambda: plots.gates({"gate": four_numbers}, "A", "one step"),
        "alignment": lambda: plots.alignment(
            {"$a$": (np.eye(3), list("abc"), list("cba")), "b": (np.eye(2), ["x", "$"], ["y", "z"])},
            "two maps",
        ),
        "a coloured text": lambda: plots.word_values(
            words * 9, {"signed": random.normal(size=9 * len(words))}, "text"
        ),
        "a long text in two rows": lambda: plots.word_values(
            words * 30, {"a": random.random(30 * len(words)), "zeros": np.zeros(30 * len(words))}, "long text"
        ),
        "code map": lambda: plots.code_map(codes, np.arange(90) % 10, decoded, "a map of codes"),
    }


DRAWINGS = [plots.wirings, plots.unrolled, lambda: plots.unrolled(3, backward=True), plots.lstm, plots.gru]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_drawing_says_in_words_what_it_shows_and_uses_its_whole_canvas(draw):
    picture = draw()
    data, metadata = picture._repr_mimebundle_()
    assert len(metadata["image/png"]["alt"]) > 150
    figure = picture.figure
    figure.canvas.draw()
    for axes in figure.axes:
        low, high = axes.get_xlim(), axes.get_ylim()
        for text in axes.texts:
            x, y = text.get_position()
            assert low[0] <= x <= low[1] and high[0] <= y <= high[1], text.get_text()


@pytest.mark.parametrize("draw", pictures().values(), ids=pictures())
def test_every_picture_has_axis_labels_alternative_text_and_a_stable_name(draw):
    picture = draw()
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == f"<Picture: {picture.title}>"
    assert len(metadata["image/png"]["alt"]) > 40 and "nan" not in metadata["image/png"]["alt"]
    assert html.escape(picture.alt) in data["text/html"] and data["text/html"].count('"') == 6
    labelled = [a for a in picture.figure.axes if a.axison and a.get_label() != "<colorbar>"]
    assert labelled or all(axes.texts for axes in picture.figure.axes), "a text needs no axes"
    assert all(axes.get_xlabel() for axes in labelled)
    assert all(to_hex(line.get_color()) != "#ffffff" for axes in labelled for line in axes.lines)
    assert all(axes.get_ylabel() or axes.get_yticklabels() for axes in labelled)
    width, height = struct.unpack(">II", data["image/png"][16:24])
    assert width == round(metadata["image/png"]["width"] * 1.5) and 200 < height < 3000


def test_curves_draw_what_the_run_holds():
    picture, again = plots.training_curves(a_run()), plots.training_curves(a_run())
    assert picture.png == again.png
    figure = picture.figure
    drawn = [list(line.get_ydata()) for line in figure.axes[1].lines]
    assert [0.6, 0.4, 0.2] in drawn and [0.5, 0.3, 0.4] in drawn
    ring = [line for line in figure.axes[1].lines if line.get_markersize() == 12][0]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (2, 0.3)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Accuracy", "Loss"]


def test_a_run_without_a_best_epoch_has_no_ring():
    lost = untrained_run(history={"loss": [2.0, 1.0], "val_loss": [2.0, 1.0]}, best_epoch=0, kept_epoch=2)
    picture = plots.training_curves(lost)
    assert [list(line.get_xdata()) for line in picture.figure.axes[0].lines] == [[1, 2], [1, 2]]
    assert [t.get_text() for t in picture.figure.legends[0].get_texts()] == ["training", "validation"]
    assert picture.alt.endswith("no best epoch.")


def test_a_picture_shows_its_figure_as_it_is_now():
    picture = plots.curves({"a": ([1, 2], [3, 4])}, "x", "y", "t")
    before, _ = picture._repr_mimebundle_()
    picture.figure.axes[0].set_ylim(0, 9)
    after, _ = picture._repr_mimebundle_()
    assert before["image/png"] != after["image/png"] == picture.png


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_what_is_padded_and_what_is_cut_stand_within_the_axes(padding, truncating):
    (axes,) = plots.padding([np.arange(30), np.arange(250)], 100, padding, truncating).figure.axes
    left, right = axes.get_xlim()
    for bar in axes.patches:
        assert left <= bar.get_x() and bar.get_x() + bar.get_width() <= right


def test_padding_draws_cut_read_and_padding_to_scale():
    figure = plots.padding([np.arange(30), np.arange(250)], 100).figure
    bars = figure.axes[0].patches
    bars = sorted((bar.get_y() > 0.5, round(bar.get_x()), round(bar.get_width())) for bar in bars)
    assert bars == [(False, -100, 70), (False, -30, 30), (True, -250, 150), (True, -100, 100)]


def test_reading_says_which_word_changed_most():
    picture = plots.reading(["good", "not", "bad"], [0.8, 0.2, 0.3])
    assert "the largest change, -0.60, comes with “not”" in picture.alt


def test_a_run_stopped_before_its_first_epoch_is_named_and_the_others_are_drawn():
    nothing = {"loss": [], "val_loss": []}
    stopped = untrained_run(name="stopped", history=nothing, best_epoch=0, kept_epoch=0)
    picture = plots.training_curves([a_run(), stopped])
    sentence = "stopped: ended before its first epoch"
    assert picture.alt.endswith(f"{sentence}.") and picture.title == "training curves of net"
    assert sentence in [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert len(picture.figure.axes) == 2 and picture.png
    with pytest.raises(ValueError, match=f"nothing to draw: {sentence}$"):
        plots.training_curves(stopped)
    with pytest.raises(ValueError, match="nothing to draw: give at least one run with a history"):
        plots.training_curves([])


def limits_of(panels):
    return plots.limits(panels, "error", "l", published={"units": 3}, references={}, top=2)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: plots.reading(["a"], [0.1, 0.2]), r"probabilities: 1 word, but values of the shape \(2"),
        (lambda: plots.reading(["a", "b"], [np.nan, 0.2]), "probabilities: the value of “a” is no finite"),
        (lambda: plots.reading([], []), "at least one word and its probability"),
        (lambda: plots.review_lengths([]), "no lengths to draw"),
        (lambda: plots.padding([], 100), "no reviews to draw"),
        (lambda: plots.shared_names([], []), "shared names: there must be .* got 0 distances, 0 shares"),
        (lambda: plots.shared_names([1, 2], [0.1]), "got 2 distances, 1 shares"),
        (lambda: plots.calibration([0, 1], {}), "no probabilities to draw"),
        (lambda: plots.calibration([], {"a": []}), "a: there must be .* got 0 labels, 0 probabilities"),
        (lambda: plots.forecast([], [], {}, "t", "v", "f"), "actual: there must be .* got 0 times, 0 values"),
        (lambda: plots.forecast([1], [2], {"a": [3, 4]}, "t", "v", "f"), "a: .* got 1 times, 2 forecasts"),
        (lambda: plots.scores({}, "accuracy"), "at least one method"),
        (lambda: plots.scores({"a": [1], "b": []}, "accuracy"), "b has no measurement"),
        (
            lambda: plots.scores({"a": [0.5], "b": [0.6]}, "accuracy", {"a": 0.4, "c": 0.7}),
            r"published names \['c'\], which are not among the methods: a, b",
        ),
        (lambda: limits_of({}), "no panels to draw"),
        (lambda: limits_of({"units": ([1, 2], [1, 1], [0, 0])}), "units: the published 3 is not .*: 1, 2"),
        (lambda: limits_of({"units": ([3], [1, 1], [0])}), "units: .* got 1 values, 2 means, 1 standard"),
        (lambda: limits_of({"epochs": ([3], [1], [0])}), "panels names .'epochs'., .* settings: units"),
        (
            lambda: plots.curves({"a": ([1, 2], [1])}, "x", "y", "t"),
            "a: .* got 2 positions on the x-axis, 1 val",
        ),
        (lambda: plots.curves({"a": ([], [])}, "x", "y", "t"), "a: .* got 0 positions on the x-axis, 0 val"),
        (lambda: plots.estimates({"a": ([1], [], [1])}, "x", "y", "t"), "a: .* got 1 positions, 0 estimates"),
        (lambda: plots.curves({}, "x", "y", "t"), "no lines to draw"),
        (lambda: plots.windows(series.noisy_sine(), 10, {"a": 900, "b": 91}), "991 windows of 10.*only 990"),
        (lambda: plots.windows(series.noisy_sine(), 10, {}, shown=991), "shown must be .* 0 to 990, got 991"),
        (lambda: plots.accuracy_by([9], {}, [0, 5]), "at least one model"),
        (lambda: plots.accuracy_by([9], {"a": [True, True]}, [0, 5]), "a: .* got 1 reviews, 2 answers"),
        (lambda: plots.accuracy_by([9], {"a": [True]}, [0, 5]), "none has a review length .* from 0 to 4"),
        (lambda: plots.images({}, "nothing"), "at least one row of images"),
        (lambda: plots.images({"none": np.zeros((0, 28, 28))}, "nothing"), "at least one row of images"),
        (lambda: plots.images({"a": np.zeros((3, 4, 4))}, "t", columns=["a", "b"]), "2 names for 3 columns"),
        (
            lambda: plots.images({"a": np.zeros((1, 4, 4))}, "t", signed=["b"]),
            "signed names .'b'., which are",
        ),
        (
            lambda: plots.code_map(np.zeros((0, 2)), [], np.zeros((1, 1, 2, 2)), "m"),
            "m: .* got 0 codes, 0 lab",
        ),
        (lambda: plots.gates({}, ["a"], "t"), "no gates to draw"),
        (lambda: plots.gates({"f": np.zeros((0, 2))}, [], "t"), "no time steps to draw"),
        (
            lambda: plots.gates({"f": [[0.1, 0], [0, np.nan]]}, "ab", "t"),
            r"f must be finite .* f\[1, 1\] is nan",
        ),
        (lambda: plots.gates({"f": [[0.1]]}, "a", "t", signed=["g"]), "signed names .'g'., which are not"),
        (
            lambda: plots.gates({"f": np.zeros((3, 2))}, ["a"], "t"),
            "f must be .* with 1 time steps, got shape",
        ),
        (
            lambda: plots.gates({"f": np.zeros((1, 2))}, ["a"], "t", {"g": ["u"]}),
            "names .'g'., which are not",
        ),
        (
            lambda: plots.gates({"f": np.zeros((1, 2))}, ["a"], "t", {"f": ["u"]}),
            "f has 2 rows but 1 row_names",
        ),
        (lambda: plots.alignment({}, "t"), "no weights to draw"),
        (
            lambda: plots.alignment({"m": (np.eye(2), "ab", "abc")}, "t"),
            "m: 3 outputs and 2 inputs, but weights",
        ),
        (
            lambda: plots.alignment({"m": (np.eye(2)[:, :0], "", "ab")}, "t"),
            "m: 2 outputs and 0 inputs: there",
        ),
        (
            lambda: plots.alignment({"m": (np.diag([0.5, np.nan]), "ab", "ab")}, "t"),
            r"m: weights must be numbers from 0 to 1, .* got nan \(1 of 4 are outside\)",
        ),
        (
            lambda: plots.alignment({"m": (np.eye(2) * 1.01, "ab", "ab")}, "t"),
            "numbers from 0 to 1, .* got 1.01",
        ),
        (lambda: plots.alignment({"m": (-np.eye(2), "ab", "ab")}, "t"), "numbers from 0 to 1, .* got -1"),
        (lambda: plots.word_values(["a", "b"], {"v": [1, np.inf]}, "t"), "v: the value of “b” is no finite"),
        (lambda: plots.word_values(["a"], {"v": [1, 2]}, "t"), "v: 1 word, but values of the shape"),
        (lambda: plots.word_values([], {"v": []}, "t"), "nothing to draw"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_curves_draw_each_seed_and_the_mean():
    values = np.array([[1.0, 2, 3], [3, 4, 5]])
    lines = plots.curves({"a": ([1, 2, 3], values)}, "x", "y", "seeds").figure.axes[0].lines
    drawn = [list(line.get_ydata()) for line in lines]
    assert [1, 2, 3] in drawn and [3, 4, 5] in drawn and [2, 3, 4] in drawn


def test_curves_take_styles_as_pandas_does_and_settings_of_the_axes():
    lines = {name: ([1, 10], [1, 2]) for name in ("line", "theory", "dots", "other")}
    style, settings = {"theory": "--", "dots": "."}, {"ylim": (0, 3), "xscale": "log"}
    picture = plots.curves(lines, "x", "y", "t", style=style, markers=True, first_colour=1, **settings)
    (axes,) = picture.figure.axes
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--", "None", "-"]
    assert [line.get_color() for line in axes.lines] == [ORANGE, BLACK, GREEN, PINK]
    assert [line.get_marker() for line in axes.lines] == ["o", "None", ".", "^"]
    assert axes.get_ylim() == (0, 3) and axes.get_xscale() == "log"


def test_gates_draw_units_as_rows_and_time_as_columns():
    values = np.array([[0.0, 0.5], [1.0, 0.25], [0.5, 0.5]])
    axes = plots.gates({"f": values}, ["A", "w", "x"], "gates").figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), values.T)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A", "w", "x"]


def test_gates_write_words_upright_and_name_their_rows():
    maps = {"f": np.zeros((3, 2)), "i": np.ones((3, 2))}
    named, plain = plots.gates(maps, ["a", "bad", "film"], "gates", {"f": ["one", "other"]}).figure.axes[:2]
    assert [label.get_text() for label in named.get_yticklabels()] == ["one", "other"]
    assert not named.get_ylabel() and plain.get_ylabel() == "unit"
    for axes in (named, plain):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "bad", "film"]
        assert {label.get_rotation() for label in axes.get_xticklabels()} == {90.0}
    assert named.get_position().x0 == pytest.approx(plain.get_position().x0, abs=0.05)  # one above the other


def test_gates_are_states_where_they_are_said_to_be():
    maps = {"f": np.full((2, 1), 0.5), "h": np.full((2, 1), -0.5)}
    for signed, ranges in ((None, [(0, 1), (-1, 1)]), (["f", "h"], [(-1, 1)] * 2)):
        axes = plots.gates(maps, "ab", "gates", signed=signed).figure.axes[:2]
        assert [each.images[0].get_clim() for each in axes] == ranges


def test_dollar_signs_in_labels_of_gates_are_no_formulas():
    picture = plots.gates({"f": np.zeros((2, 1))}, ["$1,000", r"$\frac$"], "gates", {"f": ["$x$"]})
    assert picture.png and r"\$x\$" in [t.get_text() for t in picture.figure.axes[0].get_yticklabels()]


def test_windows_stand_where_their_samples_are_and_targets_right_after_them():
    sine = series.noisy_sine()
    picture = plots.windows(sine, 10, {"training": 790, "test": 200}, shown=2)
    above, below = picture.figure.axes
    bars = [line for line in below.lines if line.get_linewidth() == 4]
    assert [list(bar.get_xdata()) for bar in bars] == [[0, 9], [1, 10]]
    rings = [line for line in below.lines if line.get_fillstyle() == "none" and len(line.get_xdata()) == 1]
    targets = [(line.get_xdata()[0], line.get_ydata()[0]) for line in rings]
    for i in (0, 1):
        assert (10 + i, sine.values[10 + i]) in targets
    assert "training 790 targets from 0.10" in picture.alt
    assert "test 200 targets from 8.01 to 10.00" in picture.alt


def test_a_forecast_shows_what_came_what_was_predicted_and_the_interval():
    interval = {"interval": ([2, 3], [4, 5]), "interval_name": "90%"}
    picture = plots.forecast([1, 2], [3.0, 5.0], {"net": [3, 4]}, "t", "v", "f", clean=[3, 5], **interval)
    (axes,) = picture.figure.axes
    labels = [line.get_label() for line in axes.lines]
    assert labels == ["actual", "outside: 0 of 2", "net", "without noise"]
    assert list(axes.lines[2].get_ydata()) == [3, 4] and len(axes.collections) == 1
    assert "net with a root mean square error of 0.707" in picture.alt
    assert "prediction interval: 90%" in picture.alt


def test_values_outside_the_interval_are_marked_and_counted():
    interval = {"interval": ([2, 2, 2, 2], [4, 4, 4, 4]), "interval_name": "90%"}
    picture = plots.forecast([1, 2, 3, 4], [1.9, 2.0, 4.0, 4.1], {}, "t", "v", "f", **interval)
    dots, crosses = picture.figure.axes[0].lines
    assert np.array_equal(dots.get_ydata(), [np.nan, 2, 4, np.nan], equal_nan=True)
    assert np.array_equal(crosses.get_ydata(), [1.9, np.nan, np.nan, 4.1], equal_nan=True)
    assert crosses.get_label() == "outside: 2 of 4" and "2 of the values lie outside" in picture.alt


@pytest.mark.filterwarnings("error")
def test_a_group_without_reviews_is_left_out():
    picture = plots.accuracy_by([10, 15, 210], {"a": [True, False, True]}, [0, 100, 200, 300])
    ticks = [label.get_text() for label in picture.figure.axes[0].get_xticklabels()]
    assert ticks == ["0–99\n(2)", "200–299\n(1)"] and picture.alt.endswith("a 0.50, 1.00.")


def test_limits_ring_what_was_published_and_write_what_is_off_the_scale():
    panels = {"units": ([5, 50], [9.3, 1.3], [0.1, 0.2]), "epochs": ([20, 60], [1.3, 1.2], [0.1, 0.1])}
    published = {"units": 50, "epochs": 20}
    picture = plots.limits(panels, "ratio", "l", published=published, references={"floor": 1}, top=2)
    units, epochs = picture.figure.axes[:2]
    assert [text.get_text() for text in units.texts] == ["9.3 ↑"] and not epochs.texts
    rings = [line for axes in (units, epochs) for line in axes.lines if line.get_fillstyle() == "none"]
    assert [(float(r.get_xdata()[0]), float(r.get_ydata()[0])) for r in rings] == [(1, 1.3), (0, 1.3)]


def test_images_stand_in_named_rows_under_named_columns():
    rows = {"original, a name of many letters": np.zeros((10, 28, 28)), "copies": np.ones((7, 28, 28))}
    picture = plots.images(rows, "copies of digits", columns=[f"no. {i}" for i in range(10)])
    (axes,) = picture.figure.axes
    assert len(axes.images) == 17
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)
    picture.figure.canvas.draw()
    frame = picture.figure.bbox
    for label in [*axes.get_yticklabels(), *axes.get_xticklabels()]:
        box = label.get_window_extent()
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1, label.get_text()
    assert "copies, 7 of them" in picture.alt and "no. 9" in picture.alt


def test_ink_is_black_and_signed_images_are_white_at_zero():
    image = np.array([[[0.0, 1.0], [-2.0, 0.5]]])
    picture = plots.images({"ink": image, "signed": image}, "two kinds", signed=["signed"])
    ink, signed = (shown.to_rgba(shown.get_array()) for shown in picture.figure.axes[0].images)
    assert ink[0, 0, :3].tolist() == [1, 1, 1] and ink[0, 1, :3].tolist() == [0, 0, 0]
    assert signed[0, 0, :3].min() > 0.95
    assert signed[1, 0, 0] > signed[1, 0, 2] and signed[0, 1, 2] > signed[0, 1, 0]  # orange, purple
    assert plots.images({"blank": np.zeros((1, 4, 4))}, "nothing", signed=["blank"]).png


def test_an_alignment_has_a_row_for_each_output_and_says_where_it_looks():
    picture = plots.alignment({"“abc”": (np.eye(3)[::-1], list("abc"), list("cba"))}, "backwards")
    axes = picture.figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), np.eye(3)[::-1])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "b", "a"]
    assert "largest weights of c on c, b on b, a on a" in picture.alt


def test_weights_of_32_bits_may_add_up_to_a_little_more_than_1():
    assert plots.alignment({"m": (np.float32([[1.0000001, -1e-9]]), "ab", "c")}, "t").png


def test_dollar_signs_are_no_formulas_and_long_words_are_cut():
    maps = plots.alignment({"$a$": (np.ones((1, 1)), ["$x$"], ["y" * 40])}, "t")
    text = plots.word_values(["$x$", "y" * 500], {r"$\frac$ left": [1, 2]}, "t")
    assert maps.png and text.png
    assert maps.figure.axes[0].get_title(loc="left") == r"\$a\$"
    (text_axes,) = text.figure.axes
    assert text_axes.get_title(loc="left") == r"\$\frac\$ left"
    assert [drawn.get_text() for drawn in text_axes.texts] == [r"\$x\$", "y" * 29 + "…"]
    assert maps.figure.axes[0].get_yticklabels()[0].get_text() == "y" * 29 + "…"
    assert "y" * 30 not in maps.alt + text.alt and "$x$" in maps.alt


def test_a_coloured_text_is_blue_for_positive_and_orange_for_negative():
    picture = plots.word_values(["not", "bad", "film"], {"evidence": [-0.5, 1.0, 0.0]}, "a text")
    colours = [patch.get_facecolor()[:3] for patch in picture.figure.axes[0].patches]
    negative, positive, nothing = colours
    assert negative[0] > negative[2] and positive[2] > positive[0]
    np.testing.assert_allclose(nothing, 1, atol=0.01)
    assert "largest at “bad” 1.00, “not” -0.50" in picture.alt and "Text: not bad film" in picture.alt


def test_the_map_of_codes_puts_each_image_at_its_code():
    codes = np.array([[0.0, 0.0], [4.0, 3.0]])
    decoded = np.zeros((3, 4, 2, 2))
    decoded[0, 3] = 1  # highest, rightmost
    picture = plots.code_map(codes, [1, 7], decoded, "a map")
    right = picture.figure.axes[1]
    shown = right.images[0].get_array()
    assert shown.shape == (6, 8) and shown[:2, 6:].all() and shown.sum() == 4
    assert right.get_xlim() == (0, 4) and right.get_ylim() == (0, 3)
    assert {text.get_text() for text in picture.figure.axes[0].texts} == {"1", "7"}


MANY = [f"model {n}" for n in range(20)]


def of_many(values):
    return dict.fromkeys(MANY, values)


@pytest.mark.parametrize(
    ("draw", "markers"),
    [
        (lambda: plots.calibration(np.tile([0, 1], 50), of_many(np.linspace(0, 1, 100))), "osD^"),
        (lambda: plots.accuracy_by(np.arange(100), of_many(np.arange(100) > 50), [0, 50, 100]), "osD^"),
        (lambda: plots.forecast([1, 2], [1, 2], of_many([1, 2]), "t", "v", "title"), ["None"]),
        (lambda: plots.windows(series.noisy_sine(), 10, of_many(40)), None),
        (lambda: plots.curves(of_many(([1, 2], [3, 4])), "t", "v", "title", markers=True), "osD^vP"),
        (lambda: plots.estimates(of_many(([1, 2], [3, 4], [1, 1])), "t", "v", "title"), "osD^vP"),
    ],
    ids=["calibration", "accuracy_by", "forecast", "windows", "curves", "estimates"],
)
def test_everything_is_drawn_however_much_it_is(draw, markers):
    picture = draw()
    axes = picture.figure.axes[0]
    assert all(name in picture.alt for name in MANY) and axes.get_xlabel() and axes.get_ylabel()
    if markers is None:  # windows: the parts are spans, named above them
        drawn = {text.get_text().split("\n")[0]: span for text, span in zip(axes.texts, axes.patches)}
        colours = [span.get_facecolor() for span in drawn.values()]
    else:
        artists = dict(zip(*reversed(axes.get_legend_handles_labels())))
        drawn = {name: getattr(artists[name], "lines", [artists[name]])[0] for name in MANY}
        colours = [line.get_color() for line in drawn.values()]
        assert [line.get_marker() for line in drawn.values()] == list(islice(cycle(markers), 20))
        assert all(line.get_linestyle() == "-" and line.get_linewidth() >= 1 for line in drawn.values())
        assert set(MANY) <= {text.get_text() for text in picture.figure.legends[0].get_texts()}
    assert list(drawn) == MANY and all(artist.get_visible() for artist in drawn.values())
    assert [to_hex(colour).upper() for colour in colours] == list(islice(cycle(PALETTE), 20))


@pytest.mark.parametrize("text", [r"$\frac$", r"$\nothing$ and $x$", "$x_$", "one $ only", "$v_1$"])
def test_a_label_is_a_formula_where_it_can_be_read_as_one_and_else_written_as_it_stands(text):
    picture = plots.images({text: np.zeros((1, 4, 4))}, text, columns=[text])
    (axes,) = picture.figure.axes
    for label in (axes.get_xticklabels()[0], axes.get_yticklabels()[0]):
        assert label.get_text() == text and label.get_parse_math() == (text in ("one $ only", "$v_1$"))
    assert picture.png


BAD = r"$\frac$"
LINE = [1, 2], [1, 2]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.gates({BAD: [[0.1], [0.2]]}, "ab", BAD),
        lambda: plots.curves({BAD: LINE, "b": LINE}, BAD, BAD, BAD, references={BAD: 1}),
        lambda: plots.estimates({BAD: (*LINE, [0, 0])}, BAD, BAD, BAD, references={BAD: 1}),
        lambda: plots.scores({BAD: [1, 2]}, BAD, {BAD: 1}, BAD),
        lambda: plots.training_curves([a_run(BAD), a_run("b")], {BAD: 0.5}),
        lambda: plots.calibration([0, 1], {BAD: [0.2, 0.5]}),
        lambda: plots.accuracy_by([1], {BAD: [True]}, [0, 5], BAD),
        lambda: plots.reading([BAD], [0.2], BAD),
        lambda: plots.windows(series.noisy_sine(), 10, {BAD: 900}),
        lambda: plots.forecast(*LINE, {BAD: [1, 2]}, BAD, BAD, BAD, spans={BAD: (1, 2)}),
        lambda: plots.limits({BAD: (*LINE, [0, 0])}, BAD, BAD, published={BAD: 2}, references={}, top=3),
        lambda: plots.alignment({BAD: (np.eye(2), "ab", "ab")}, BAD, xlabel=BAD, ylabel=BAD),
    ],
)
def test_every_picture_can_be_shown_whatever_its_labels_are(draw):
    assert draw().png


def test_colours_and_colormaps_have_their_names_from_the_palette():
    named = re.compile(r'"#[0-9A-Fa-f]{6}"|"(?:white|black|gray_r|Greys|Blues|PuOr)"')
    modules = sorted((ROOT / "labutils" / "plots").glob("*.py"))
    assert len(modules) > 5
    found = {module.name: named.findall(module.read_text("utf-8")) for module in modules}
    assert not any(found.values()), found


def test_the_alternative_text_names_what_is_drawn():
    assert plots.training_curves(a_run(accuracy=False)).alt.startswith("Loss by epoch.")
    assert plots.training_curves(a_run()).alt.startswith("Accuracy and loss by epoch.")


def test_points_that_move_take_a_position_for_each_panel():
    paths = {"A": np.array([[1.0, 0], [0, 1]]), "B": np.array([[-1.0, 0], [0, -1]])}
    picture = plots.moving_points(paths, ["one", "two"], "turning", xlabel="x", ylabel="y")
    assert "one: A at 0 degrees" in picture.alt and "two: A at 90 degrees" in picture.alt
    for wrong in ({}, {"A": np.zeros(2)}, {"A": np.zeros((3, 2))}):
        with pytest.raises(ValueError, match="no points|shape|panels"):
            plots.moving_points(wrong, ["one", "two"], "turning", xlabel="x", ylabel="y")
