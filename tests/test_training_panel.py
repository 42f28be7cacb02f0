"""The training panel without a browser: a fake training, real clicks."""

import base64
import itertools
import math
import re
import threading

import numpy as np
import pytest
from panel_helpers import FakeFit, FakeModel, eventually

from labutils.panels import Chart, ChoiceField, Field, Preview, Score, TrainingPanel, training_panel

TITLES = (f"panel {n}" for n in itertools.count())
UNITS, EPOCHS = Field("units", "Units", 5, 1, 100), Field("epochs", "Epochs", 3, 1, 50)
LENGTH, SEED = Field("length", "Window length", 10, 2, 90), Field("seed", "Seed", 0, 0, 9)
FIELDS = (UNITS, EPOCHS, LENGTH, SEED)
CHART = Chart("loss", "mean squared error", {"noise floor": 0.01}, logy=True)
ROWS = (np.array([1]), np.array([0]))
SCORE = Score("error / floor", lambda run: run.at_kept_epoch("val_loss") / 0.01)


def build(units, length=10, depth=2, **more):
    return FakeModel(units)


def data(length):
    return (np.array([length]), np.array([0])), (np.array([1]), np.array([1]))


@pytest.fixture
def fake(monkeypatch, keras):
    """Replaces training.fit, and remembers the seeds that were set."""
    fit = FakeFit()
    fit.seeds = []
    monkeypatch.setattr(training_panel.training, "fit", fit)
    monkeypatch.setattr(keras.utils, "set_random_seed", fit.seeds.append)
    return fit


def a_panel(title=None, build=build, data=data, fields=FIELDS, charts=(CHART,), score=SCORE, **settings):
    return TrainingPanel(build, data, fields, charts, score, title=title or next(TITLES), **settings)


def typed(panel, name, text):
    entry = next(entry for entry in panel.inputs if entry.field.name == name)
    entry.box.value = text
    return "" if isinstance(entry.field, ChoiceField) else entry.answer.value


def pressed(panel):
    """Press Train and wait for the end."""
    panel.train_button.click()
    assert panel.session.runner.wait(60)
    return panel


def trained(panel, fake, epochs=3, **values):
    for name, value in {"epochs": epochs, **values}.items():
        assert typed(panel, name, str(value)) == ""
    fake.go(epochs)
    return pressed(panel)


def heads(panel):
    return re.findall(r'<th scope="row">(\d+)</th>', panel.table_of_runs.value)


def test_before_the_first_run_it_says_what_to_do_and_shows_what_is_to_be_reached():
    panel = a_panel()
    assert "Choose settings and press Train." in panel.status.value
    assert "noise floor" in panel.live.value and "the curves appear here" in panel.live.value
    assert panel.stop_button.disabled and not panel.train_button.disabled
    assert panel.table_of_runs.value == "" and panel.runs == [] and panel.table().empty
    with pytest.raises(ValueError, match="press Train first"):
        panel.model  # noqa: B018


def test_train_takes_what_was_typed_to_build_to_data_and_to_fit(fake, keras):
    own = keras.callbacks.Callback()
    panel = a_panel(batch_size=32, callbacks=[own])
    trained(panel, fake, units=7, length=20, seed=4, epochs=2)
    called = fake.calls[0]
    assert (called["model"].units, called["x"], called["epochs"]) == (7, [20], 2)
    assert called["validation"] == ([1], [1]) and called["batch_size"] == 32 and called["fast"]
    assert called["callbacks"][1:] == [own] and "name" not in called  # with a name, fit prints
    assert fake.seeds == [4] and panel.model.units == 7
    assert [run.name for run in panel.runs] == ["run 1"]


@pytest.mark.parametrize("given", [lambda own: own, lambda own: (c for c in [own]), None])
def test_callbacks_may_be_one_several_or_none_for_every_run(fake, keras, given):
    own = keras.callbacks.Callback()
    panel = a_panel(callbacks=given and given(own))
    for _ in range(2):
        trained(panel, fake)
    assert [call["callbacks"][1:] for call in fake.calls] == [[own] if given else []] * 2


def test_a_choice_is_given_to_build_and_stands_in_the_table_as_a_word(fake):
    pooling = ChoiceField("pooling", "Pooling", ("mean", "<max>"))
    chosen = []
    panel = a_panel(
        build=lambda units, pooling: chosen.append(pooling) or FakeModel(units),
        data=lambda: ROWS,
        fields=(UNITS, EPOCHS, pooling),
    )
    trained(panel, fake)
    trained(panel, fake, pooling="<max>")
    assert chosen == ["mean", "<max>"] and panel.table().pooling.tolist() == ["<max>", "mean"]
    assert "<td>&lt;max&gt;</td>" in panel.table_of_runs.value and "<max>" not in panel.table_of_runs.value
    assert "pooling &lt;max&gt;" in panel.status.value


def test_data_without_a_validation_part_leaves_the_last_fifth_to_fit(fake):
    trained(a_panel(data=lambda length: ROWS, fast=False), fake)
    assert fake.calls[0]["validation"] == 0.2 and not fake.calls[0]["fast"]


def test_the_curves_grow_while_it_trains_and_the_buttons_follow(fake, monkeypatch):
    monkeypatch.setattr(TrainingPanel, "seconds_between_drawings", 0)
    panel = a_panel()
    panel.train_button.click()
    assert panel.train_button.disabled and not panel.stop_button.disabled
    assert "Run 1 has started: units 5, epochs 3, window length 10, seed 0." in panel.status.value
    eventually(lambda: 'aria-valuenow="17"' in panel.head.value)  # the first of two batches, of three epochs
    fake.go()
    eventually(lambda: "1 of 3 epochs done" in panel.head.value)
    assert panel.live.value.count("<circle") == 2
    assert "training loss 1, validation loss 0.4" in panel.head.value
    fake.go()
    eventually(lambda: "2 of 3 epochs done" in panel.head.value)
    assert panel.live.value.count("<circle") == 3 and "left" in panel.head.value
    fake.go()
    assert panel.session.runner.wait(60)
    assert not panel.train_button.disabled and panel.stop_button.disabled
    ended = "Run 1 (units 5, epochs 3, window length 10, seed 0) has ended: all epochs done"
    assert ended in panel.status.value
    assert "Shown: run 1" in panel.head.value and "progressbar" not in panel.head.value


def test_while_the_network_is_built_it_says_so_and_the_cell_may_run_again(fake):
    may_build, title = threading.Event(), next(TITLES)
    panel = a_panel(title, build=lambda units: may_build.wait(60) and FakeModel(units))
    panel.train_button.click()
    assert "building the network (the first epoch takes longest)" in panel.head.value
    again = a_panel(title)
    may_build.set()
    fake.go(3)
    assert again.session.runner.wait(60) and heads(again) == ["1"]
    assert "has ended: all epochs done" in again.status.value


def test_drawing_waits_between_epochs_but_not_for_the_first_point_and_the_end(fake, monkeypatch):
    monkeypatch.setattr(TrainingPanel, "seconds_between_drawings", 60)
    panel, drawn = a_panel(), []
    panel.head.observe(lambda change: drawn.append(change["new"]), "value")
    trained(panel, fake, epochs=50)
    assert 3 <= len(drawn) <= 5 and any("1 of 50 epochs done" in head for head in drawn)
    assert "Shown: run 1" in drawn[-1]


def test_stop_says_so_at_once_and_keeps_what_was_reached(fake):
    panel = a_panel()
    panel.train_button.click()
    fake.go()
    eventually(lambda: panel.session.runner.progress.epochs_done == 1)
    panel.stop_button.click()
    assert "Stopping" in panel.status.value or "stopped on request" in panel.status.value
    assert panel.session.runner.wait(60)
    assert "stopped on request" in panel.status.value and "stopped on request" in panel.table_of_runs.value
    assert panel.table().loc[1, "epochs done"] == 1


def test_a_run_without_a_finished_epoch_has_no_score_and_is_never_best(fake):
    panel = a_panel()
    panel.train_button.click()
    panel.stop_button.click()
    assert panel.session.runner.wait(60)
    assert "before its first epoch was done" in panel.status.value
    assert math.isnan(panel.table().loc[1, "error / floor"]) and not panel.table().loc[1, "best"]
    assert "–" in panel.table_of_runs.value and "the curves appear here" in panel.live.value
    trained(panel, fake)
    assert panel.table().loc[2, "best"]
    panel.other_run.value = "run 1"
    assert "Laid over it: run 1" in panel.head.value and "run 2, training" in panel.live.value


def test_a_button_that_can_do_nothing_says_so(fake):
    panel = a_panel()
    panel.stop_button.click()
    assert "There is no training to stop." in panel.status.value
    panel.train_button.click()
    panel.train_button.click()
    assert "A training is going on" in panel.status.value
    fake.go(3)
    assert panel.session.runner.wait(60) and len(fake.calls) == len(panel.runs) == 1


@pytest.mark.parametrize("entry", ["0", "-5", "1e9", "many", "", "2.5"])
def test_a_wrong_entry_is_answered_and_nothing_starts(fake, entry):
    panel = a_panel()
    answer = typed(panel, "units", entry)
    assert 'role="alert"' in answer and "type a whole number from 1 to 100" in answer
    panel.train_button.click()
    assert "Nothing was started. Please correct: Units." in panel.status.value
    assert not fake.calls and not panel.session.runner.is_busy
    trained(panel, fake, units=9)
    assert fake.calls[0]["model"].units == 9


def test_an_exception_is_shown_with_its_reason_and_the_next_run_works(fake):
    panel = trained(a_panel(), fake)
    fake.error = ValueError("no <b>room</b>")
    status = trained(panel, fake).status.value
    assert "Run 2 has failed" in status and "ValueError: no &lt;b&gt;room" in status and "<b>" not in status
    assert "<details>" in status and "Traceback" in status and 'role="alert"' in status
    assert len(panel.runs) == 1 and not panel.train_button.disabled
    fake.error, fake.epochs_to_do = None, threading.Semaphore(0)
    assert heads(trained(panel, fake)) == ["2", "1"]


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"data": lambda length: 1 // 0}, "ZeroDivisionError"),
        ({"data": lambda length: None}, "it gave NoneType"),
        ({"data": lambda length: (1, 2, 3)}, "it gave tuple of 3"),
        ({"data": lambda length: {"x": 1, "y": 2}}, "data must give a tuple (x, y), or"),
        ({"data": lambda length: ((1, 2, 3), (4, 5))}, "data must give a tuple (x, y), or"),
        ({"data": lambda length: ()}, "data must give a tuple (x, y), or"),
        ({"build": lambda units: None}, "NoneType, not a model: does it end with “return model”?"),
        ({"build": lambda units: FakeModel}, "does it end with “return model”?"),
    ],
)
def test_what_the_notebooks_functions_get_wrong_is_shown(fake, functions, message):
    panel = pressed(a_panel(**functions))
    assert message in panel.status.value and not panel.runs


def test_a_score_that_fails_loses_no_run(fake):
    score = Score("accuracy", lambda run: run.at_kept_epoch("val_accuracy"), best=max)
    title = next(TITLES)
    panel = trained(a_panel(title, score=score), fake)
    assert "it has no accuracy (KeyError" in panel.status.value
    assert len(panel.runs) == 1 and panel.model.units == 5
    corrected = Score("accuracy", lambda run: run.at_kept_epoch("loss"), best=max)
    panel = a_panel(title, score=corrected)
    assert panel.table().loc[1, "accuracy"] == pytest.approx(1 / 3)  # by the score of now


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("\x1b[1m" + "shape " * 500), "ValueError: shape shape"),
        (Mute(), "Mute: "),
    ],
)
def test_any_error_is_shown_in_a_line_or_two_and_the_panel_lives_on(fake, error, text):
    fake.error = error
    panel = trained(a_panel(), fake)
    status = panel.status.value
    assert text in status and "\x1b" not in status and len(status.split("<details>")[0]) < 600
    assert not panel.train_button.disabled


def test_the_table_has_the_newest_first_and_marks_the_best(fake):
    panel = a_panel()
    for units in (5, 50, 10):
        trained(panel, fake, units=units)
    assert heads(panel) == ["3", "2", "1"]
    rows = re.findall(r"<tr.*?</tr>", panel.table_of_runs.value, re.S)
    assert ["(best)" in row for row in rows] == [False, False, True, False]
    assert ["lab-best" in row for row in rows] == [False, False, True, False]
    assert rows[0].count('<th scope="col">') == 11
    cells = [re.sub("<[^>]+>", "\t", row).split() for row in rows]
    assert cells[2] == "2 1.333 (best) 50 3 10 0 3 1.2 all epochs done 61,700 int → str".split()
    table = panel.table()
    assert list(table.index) == [3, 2, 1] and list(table.units) == [10, 50, 5]
    assert table.loc[2, "error / floor"] == pytest.approx(2 / 3 / 50 / 0.01)
    assert table.loc[2, "parameters"] == 61_700 and table.loc[2, "network"] == "int → str"
    assert "the best so far" not in panel.status.value


def test_the_score_may_be_one_to_be_high(fake):
    score = Score("<accuracy>", lambda run: -run.at_kept_epoch("loss"), best=max)
    panel = a_panel(score=score)
    trained(panel, fake, epochs=1)
    trained(panel, fake, epochs=4)
    assert panel.table().loc[2, "best"] and "the best so far" in panel.status.value
    assert "&lt;accuracy&gt;" in panel.table_of_runs.value and "<acc" not in panel.table_of_runs.value


def test_the_csv_is_the_table(fake):
    panel = trained(a_panel("Train & see"), fake, units=8)
    link = re.search(r'download="([^"]+)" href="data:text/csv;base64,([^"]+)"', panel.table_of_runs.value)
    assert link[1] == "train___see.csv"
    assert base64.b64decode(link[2]).decode() == panel.table().to_csv()
    assert panel.table().to_csv().splitlines()[1].startswith("1,8.3")


def test_two_runs_can_be_laid_over_each_other(fake):
    panel = trained(a_panel(), fake, units=5)
    assert panel.choices.layout.display == "none"
    trained(panel, fake, units=50)
    assert panel.choices.layout.display is None
    assert panel.drawn_run.options == ("the newest run", "run 2", "run 1")
    panel.other_run.value = "run 1"
    for name in ("run 2, training", "run 2, validation", "run 1, training", "run 1, validation"):
        assert name in panel.live.value
    panel.drawn_run.value = "run 1"
    assert "Shown: run 1" in panel.head.value and "run 2" not in panel.live.value
    trained(panel, fake, units=20)
    assert panel.drawn_run.value == "the newest run" and panel.other_run.value == "run 1"
    assert "Shown: run 3" in panel.head.value and "run 1, training" in panel.live.value


def test_running_the_cell_again_keeps_the_runs(fake):
    title = next(TITLES)
    trained(a_panel(title), fake, units=6)
    again = a_panel(title)
    assert heads(again) == ["1"] and "Run 1" in again.status.value and "Shown: run 1" in again.head.value
    assert heads(trained(again, fake)) == ["2", "1"]
    assert heads(a_panel()) == []


def test_running_the_cell_again_while_it_trains_goes_on_in_the_new_panel(fake, monkeypatch):
    title = next(TITLES)
    old = a_panel(title)
    old.train_button.click()
    fake.go()
    eventually(lambda: old.session.runner.progress.epochs_done == 1)
    new, threads = a_panel(title), []
    monkeypatch.setattr(new, "preserve_message_order", lambda: threads.append(threading.get_ident()))
    assert new.train_button.disabled and "1 of 3 epochs done" in new.head.value
    assert old.widget.children == (old.status,) and "made anew" in old.status.value
    new.stop_button.click()
    assert new.session.runner.wait(60)
    assert "stopped on request" in new.status.value and "made anew" in old.status.value
    assert len(fake.calls) == 1
    assert threads[-1] != threading.get_ident()  # the buttons were changed by the training's thread


def test_a_loss_that_is_not_a_number_is_survived(fake):
    fake.loss = lambda epoch: math.nan
    panel = trained(a_panel(charts=[Chart("loss", "loss", logy=True)]), fake)
    assert "no error / floor (it is nan)" in panel.status.value and not panel.table().loc[1, "best"]
    assert "no value that this axis can show" in panel.live.value


def test_each_quantity_has_a_chart(fake):
    panel = a_panel(charts=[CHART, Chart("accuracy", "accuracy")])
    assert panel.live.value.count("<svg") == 2
    trained(panel, fake)
    assert panel.live.value.count("<svg") == 2 and "does not report accuracy" in panel.live.value


def test_without_a_kernel_there_is_a_picture_of_the_panel():
    bundle = a_panel("Try <it>")._repr_mimebundle_()
    assert bundle["text/plain"] == "<Panel: Try <it>>"
    assert "Try &lt;it&gt;: run this notebook" in bundle["text/html"]
    assert (
        "Units (1 to 100) · Epochs (1 to 50)" in bundle["text/html"]
        and "Train · Stop<" in bundle["text/html"]
    )
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", bundle["text/html"])[1]).decode()
    for part in ("noise floor", "mean squared error", "#ffffff"):
        assert part in svg
    assert bundle["text/html"] == a_panel("Try <it>")._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": [UNITS, LENGTH]}, 'must be named "epochs"'),
        ({"fields": [UNITS, EPOCHS]}, "wants the argument 'length', but no field has that name"),
        ({"fields": [*FIELDS, Field("rate", "Rate", 0.1, 0, 1)]}, "an argument 'rate'"),
        ({"charts": []}, "at least one chart"),
        ({"fields": [*FIELDS, UNITS]}, "two fields have the same name"),
        ({"fields": [UNITS, EPOCHS, Field("length", "Seconds", 1, 1, 9)]}, "named 'seconds'"),
        ({"fields": [UNITS, Field("epochs", "Epochs", 3.0, 1, 9), LENGTH]}, "at a whole number, not at 3.0"),
        ({"batchsize": 32}, "unexpected keyword argument 'batchsize'"),
        ({"validation": 0.5}, "the panel sets validation itself; `data` gives what validates"),
        ({"epochs": 3, "name": "mine"}, "the panel sets epochs, name itself"),
        ({"x": 3}, "the panel sets x itself"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        a_panel(**settings)


def test_a_chart_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="floor of the chart 'loss': no logarithmic axis can show 0"):
        Chart("loss", "loss", {"floor": 0.0}, logy=True)


def test_a_real_training_is_stopped_within_its_first_epoch(keras):
    """However long an epoch takes; and the panel goes on with the next one."""
    x = np.zeros((200_000, 5, 1), "float32")

    def build(units):
        model = keras.Sequential(
            [keras.layers.Input((5, 1)), keras.layers.SimpleRNN(units), keras.layers.Dense(1)]
        )
        model.compile("adam", "mse", metrics=["mae"])
        return model

    panel = a_panel(build=build, data=lambda: (x, x[:, 0]), fields=[UNITS, EPOCHS], batch_size=8)
    panel.train_button.click()
    eventually(lambda: panel.session.runner.progress.fraction > 0, 60)
    panel.stop_button.click()
    assert panel.session.runner.wait(10)
    assert "stopped on request before its first epoch was done" in panel.status.value
    assert panel.runs[0].epochs == 0 and "stopped on request" in panel.table_of_runs.value


IMAGES = np.linspace(0, 1, 2 * 4 * 4).reshape(2, 4, 4).astype("float32")


class Copier(FakeModel):
    """Copies images with as much ink as it has units, in percent."""

    def __call__(self, images, training):
        assert training is False
        return images * self.units / 100


@pytest.fixture
def previewed(fake, monkeypatch):
    """Returns a function that makes a panel with a preview of `IMAGES`."""
    monkeypatch.setattr(TrainingPanel, "seconds_between_drawings", 0.0)

    def panel(build=Copier, preview=None, **settings):
        preview = preview or Preview(IMAGES)
        return a_panel(build=build, data=lambda: ROWS, fields=(UNITS, EPOCHS), preview=preview, **settings)

    return panel


def image_rows(panel):
    """The names of the rows of images and how many images stand in all of them."""
    part = panel.live.value[panel.live.value.rindex("<svg") :]
    return re.findall(r"<text [^>]*>([^<]*)</text>", part), part.count("<image ")


def test_copies_follow_the_training(previewed, fake):
    panel = previewed()
    assert "2 images." in panel.live.value and panel.pictures()[-1].count("<image ") == 2
    typed(panel, "units", "50")
    panel.train_button.click()
    assert image_rows(panel) == (["original"], 2)
    fake.go()
    eventually(lambda: image_rows(panel) == (["original", "reconstruction"], 4))
    error = float(np.mean((0.5 * IMAGES) ** 2))
    assert f"run 1, reconstruction, mean squared difference {error:.3g}" in panel.live.value
    fake.go(2)
    assert panel.session.runner.wait(60)
    assert image_rows(panel) == (["original", "reconstruction"], 4)
    assert np.allclose(panel.session.entries[0].preview.output, IMAGES / 2)


def test_copies_of_two_runs_stand_below_each_other(previewed, fake):
    panel = previewed()
    trained(panel, fake, units=50), trained(panel, fake, units=75)
    error = float(np.mean((0.25 * IMAGES) ** 2))
    assert f"run 2, reconstruction, mean squared difference {error:.3g}." in panel.live.value
    panel.other_run.value = "run 1"
    assert image_rows(panel) == (["original", "run 2", "run 1"], 6)
    panel.drawn_run.value = "run 1"
    assert image_rows(panel) == (["original", "reconstruction"], 4)


class Classifier(FakeModel):
    def __call__(self, images, training):
        return images[:, 0, :1]


class Broken(FakeModel):
    def __call__(self, images, training):
        raise ValueError("expects <b>vectors</b>")


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Classifier, "this network gives (1,) for an image of (4, 4)"),
        (Broken, "ValueError: expects &lt;b&gt;vectors&lt;/b&gt;"),
    ],
)
def test_a_run_with_nothing_to_show_says_why_and_is_kept(previewed, fake, network, reason):
    panel = trained(previewed(network), fake)
    names, images = image_rows(panel)
    assert names == ["original", f"run 1: {reason}"] and images == 2
    assert len(panel.runs) == 1 and "has ended: all epochs done" in panel.status.value


def test_copies_of_other_images_are_not_shown_under_these(previewed, fake):
    title = next(TITLES)
    trained(previewed(title=title), fake, units=50)
    again = previewed(title=title, preview=Preview(IMAGES[::-1].copy()))
    assert image_rows(again) == (["original"], 2)
    same = previewed(title=title)
    assert image_rows(same) == (["original", "reconstruction"], 4)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28)), "1 to 12 images"),
        (np.zeros((13, 28, 28)), r"got the shape \(13, 28, 28\)"),
        (np.zeros((0, 28, 28)), "1 to 12 images"),
        (np.full((1, 2, 2), np.nan), "finite numbers"),
        ([["a"]], "could not convert string"),
        ([[1, 2], [3]], "inhomogeneous"),
    ],
)
def test_images_that_cannot_be_shown_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        Preview(images)


@pytest.mark.parametrize("fast", [True, False])
def test_it_trains_real_networks_and_shows_what_they_make(keras, fast):
    def autoencoder(units):
        layers = [keras.layers.Input((4, 4)), keras.layers.LSTM(units), keras.layers.Dense(16)]
        model = keras.Sequential([*layers, keras.layers.Reshape((4, 4))])
        model.compile(keras.optimizers.Adam(0.02), "mse")
        return model

    x, fields = np.random.default_rng(0).random((40, 4, 4)).astype("float32"), (UNITS, EPOCHS)
    panel = a_panel(build=autoencoder, data=lambda: (x, x), fields=fields, preview=Preview(x[:3]), fast=fast)
    for _ in range(2):
        assert "has ended: all epochs done" in pressed(panel).status.value
    assert panel.runs[0].history == panel.runs[1].history
    assert panel.table().loc[1, "network"] == "LSTM → Dense → Reshape"
    reached = panel.model.evaluate(x[32:], x[32:], verbose=0)
    assert reached == pytest.approx(panel.runs[1].history["val_loss"][-1], rel=1e-4)
    shown = panel.session.entries[1].preview.output
    np.testing.assert_allclose(shown, panel.model.predict(x[:3], verbose=0), atol=1e-5)
    assert image_rows(panel) == (["original", "reconstruction"], 6)
