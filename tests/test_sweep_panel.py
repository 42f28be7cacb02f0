"""The sweep panel without a browser: real sweeps of functions that take no time."""

import itertools
import re
import time

import pytest
from panel_helpers import eventually

from labutils.panels import ListField, SweepPanel

numbers = itertools.count()
UNITS = ListField("units", "Units", (4, 16), 1, 128)
RATE = ListField("rate", "Learning rate", (0.001,), 1e-5, 1.0)


def train(units, rate, seed):
    if units == 13:
        raise ValueError("<b>13</b> & no luck")
    return {"error": units * rate + seed, "curve": [1, 2]}


def slow(units, rate, seed):
    time.sleep(0.4)
    return {"error": float(units)}


def a_panel(tmp_path, function=train, fields=(UNITS, RATE), title=None, **settings):
    settings = {"store": tmp_path / "runs.jsonl", "label": "error, test", "seeds": 2} | settings
    return SweepPanel(function, fields, "error", title=title or f"Sweep {next(numbers)}", **settings)


def idle(panel):
    assert panel.session.runner.wait(60)


def test_every_combination_is_trained_and_averaged_over_the_seeds(tmp_path):
    panel = a_panel(tmp_path)
    panel.inputs[1].box.value = "0.001; 0.01"
    panel.start_button.click()
    idle(panel)
    assert "All 8 runs are done in" in panel.status.value
    means = panel.means()
    assert means.runs.tolist() == [2] * 4
    assert means["mean"].tolist() == pytest.approx([0.504, 0.54, 0.516, 0.66])
    assert means.half_width.tolist() == pytest.approx([6.3531] * 4, abs=1e-3), "t with one degree of freedom"
    assert "<td>16</td><td>0.01</td><td>2</td><td>0.66 ± 6.35</td>" in panel.runs.value
    assert len(panel.table()) == 8 and panel.table().error.notna().all()
    drawing = panel.pictures()[0]
    assert drawing.count("<circle") >= 4 and "learning rate 0.01" in drawing


def test_a_sweep_takes_what_stood_in_the_boxes_at_the_click(tmp_path, monkeypatch):
    panel, jobs, settings = a_panel(tmp_path), [], {}
    monkeypatch.setattr(panel.session.runner, "start", lambda job, total: jobs.append(job))
    monkeypatch.setattr("labutils.training.sweep", lambda **given: settings.update(given) or panel.table())
    panel.workers.box.value = "1"
    panel.start_button.click()
    panel.inputs[0].box.value, panel.seeds.box.value = "5, 6, 7", "3"
    monkeypatch.setattr(panel.workers, "value", 9)
    jobs[0]()
    assert settings["grid"] == {"units": [4, 16], "rate": [0.001]}
    assert list(settings["seeds"]) == [0, 1] and settings["workers"] == 1


def test_a_single_seed_has_no_interval(tmp_path):
    panel = a_panel(tmp_path, seeds=1)
    panel.start_button.click()
    idle(panel)
    assert panel.means().half_width.isna().all() and "±</td>" not in panel.runs.value


def test_runs_appear_one_by_one_and_stop_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setattr(SweepPanel, "seconds_between_drawings", 0)
    panel = a_panel(tmp_path, slow, seeds=5)
    panel.workers.box.value = "1"
    panel.start_button.click()
    assert (
        panel.start_button.disabled
        and "10 runs were asked for, 0 of them are in the store" in panel.status.value
    )
    two_of_ten = re.compile('2 of 10 runs done, about.*aria-valuenow="20"')
    eventually(lambda: two_of_ten.search(panel.head.value) and "<td>4</td>" in panel.runs.value, 30)
    panel.stop_button.click()
    idle(panel)
    assert "runs are done and kept. Start goes on from there." in panel.status.value
    done = int((panel.table().failed == "").sum())
    assert 2 <= done < 10
    again = a_panel(tmp_path, slow, seeds=5)
    assert (again.table().failed == "").sum() == done, "the store is read before anything is trained"
    again.start_button.click()
    idle(again)
    assert "All 10 runs are done" in again.status.value


def test_the_cell_can_be_run_again_while_a_sweep_goes_on(tmp_path):
    first = a_panel(tmp_path, slow, title="Sweep again")
    first.start_button.click()
    second = a_panel(tmp_path, slow, title="Sweep again")
    assert "use the new one" in first.status.value and second.start_button.disabled
    idle(second)
    assert "All 4 runs are done" in second.status.value and len(second.means()) == 2


def test_failures_are_told_escaped_and_the_others_go_on(tmp_path):
    panel = a_panel(tmp_path, seeds=1)
    panel.inputs[0].box.value = "4, 13"
    panel.start_button.click()
    idle(panel)
    assert "All 2 runs are done" in panel.status.value and "1 of them failed" in panel.status.value
    assert "1 failed: ValueError: &lt;b&gt;13&lt;/b&gt; &amp; no luck" in panel.runs.value
    assert "<b>13" not in panel.runs.value


def test_a_function_that_always_fails_is_told_with_its_traceback(tmp_path):
    def fails(units, rate, seed):
        return {"error": undefined}  # noqa: F821

    panel = a_panel(tmp_path, fails)
    panel.start_button.click()
    idle(panel)
    assert "The sweep has failed. RuntimeError: the first 3 runs have all failed" in panel.status.value
    assert "undefined" in panel.status.value and not panel.start_button.disabled


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "Units is empty: type numbers from 1 to 128"),
        ("4, x", "“x” is not a number"),
        ("4, 4", "4 occurs twice"),
        ("4, 129", "129 is too large"),
        ("4.5", "4.5 is not a whole number"),
        ("1 2 3 4 5 6 7 8 9 10 11", "11 values are too many: type at most 10"),
    ],
)
def test_a_wrong_list_is_answered_beside_it_and_starts_nothing(text, answer, tmp_path):
    panel = a_panel(tmp_path)
    panel.inputs[0].box.value = text
    assert answer in panel.inputs[0].answer.value
    panel.start_button.click()
    assert "Nothing was started. Please correct: Units." in panel.status.value
    assert not (tmp_path / "runs.jsonl").exists()
    panel.inputs[0].box.value = "3 5;7,9"
    assert panel.inputs[0].value == (3, 5, 7, 9) and panel.inputs[0].answer.value == ""


def test_too_many_runs_are_refused(tmp_path):
    panel = a_panel(tmp_path)
    panel.inputs[0].box.value, panel.inputs[1].box.value = "1,2,3,4,5,6,7,8,9,10", "0.1,0.2"
    panel.seeds.box.value = "50"
    panel.start_button.click()
    assert "these are 1,000 runs. The panel makes at most 500" in panel.status.value


def test_fields_and_stores_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="different names"):
        a_panel(tmp_path, fields=(UNITS, UNITS))
    with pytest.raises(ValueError, match="1 to 10 values"):
        ListField("units", "Units", (), 1, 2)
    with pytest.raises(ValueError, match="outside its range"):
        ListField("units", "Units", (3,), 1, 2)
    (tmp_path / "notes.txt").write_text("my notes")
    with pytest.raises(ValueError, match="no store of runs"):
        a_panel(tmp_path, store=tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "my notes"


def test_without_a_kernel_there_is_a_picture(tmp_path):
    panel = a_panel(tmp_path, references={"noise": 0.01})
    shown = panel._repr_mimebundle_()["text/html"]
    assert "run this notebook to use the panel" in shown and "data:image/svg+xml" in shown
