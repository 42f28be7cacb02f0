"""The writing panel without a browser: a stand-in writes and trains, character by character."""

import itertools
import threading

import pytest
from panel_helpers import FakeFit, FakeModel, eventually

from labutils.panels import WritingPanel

numbers = itertools.count()


class Writer:
    """Writes its answer, and stops before each character until it may go on."""

    def __init__(self, text="and so on", held=False):
        self.text, self.calls, self.go = text, [], threading.Semaphore(0 if held else 10**6)

    def __call__(self, model, prompt, temperature, length, seed):
        self.calls.append((model, prompt, temperature, length, seed))
        for character in self.text[:length]:
            self.go.acquire(timeout=60)
            yield character


@pytest.fixture
def fit(keras):  # loaded before anything is waited for
    return FakeFit()


def a_panel(fit, write=None, title=None, **settings):
    def train(model, epochs, callbacks):
        fit(model, None, None, epochs=epochs, callbacks=callbacks)

    model = settings.pop("model", FakeModel(448))
    title = title or f"Write {next(numbers)}"
    return WritingPanel(FakeModel, train, write or Writer(), model, title=title, **settings)


def idle(panel):
    assert panel.session.runner.wait(60)  # until the end of the job is drawn, too


def test_it_writes_on_from_the_beginning_with_the_settings(fit):
    write = Writer()
    panel = a_panel(fit, write, prompt="Once")
    panel.writing_inputs[0].box.value, panel.writing_inputs[1].box.value = "0,5", "6"
    panel.write_button.click()
    idle(panel)
    assert write.calls == [(panel.model, "Once", 0.5, 6, 0)] and panel.model.units == 448
    assert '<div class="lab-written"><b>Once</b>and so</div>' == panel.text.value
    assert "6 characters written." in panel.status.value


def test_what_is_written_appears_while_more_is_coming_and_stop_keeps_it(fit, monkeypatch):
    monkeypatch.setattr(WritingPanel, "seconds_between_drawings", 0)
    write = Writer(held=True)
    panel = a_panel(fit, write)
    panel.write_button.click()
    write.go.release(3)
    eventually(lambda: "and</div>" in panel.text.value)
    assert panel.write_button.disabled and panel.new_button.disabled and not panel.stop_button.disabled
    assert "Writing …" in panel.status.value
    panel.write_button.click()
    assert "busy" in panel.status.value
    panel.stop_button.click()
    write.go.release(100)
    idle(panel)
    assert "3 characters written, stopped on request." in panel.status.value
    assert not panel.write_button.disabled and panel.stop_button.disabled


def test_text_is_escaped(fit):
    panel = a_panel(fit, Writer("<img src=x onerror=alert(2)>"), prompt="<script>alert(1)</script>&")
    panel.write_button.click()
    idle(panel)
    assert "<script" not in panel.text.value and "<img" not in panel.text.value
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;</b>&lt;img" in panel.text.value


@pytest.mark.parametrize(
    ("prompt", "temperature", "says"),
    [
        ("a \u4e2d\u20ac \u4e2d", "1", "does not know \u4e2d, \u20ac. Use English"),
        ("", "-1", "Please correct: Temperature"),
    ],
)
def test_what_cannot_be_written_is_answered_in_words(fit, prompt, temperature, says):
    write = Writer()
    panel = a_panel(fit, write)
    panel.prompt.value, panel.writing_inputs[0].box.value = prompt, temperature
    panel.write_button.click()
    assert "Nothing was written" in panel.status.value and says in panel.status.value and not write.calls


def test_train_on_trains_the_network_there_is_and_its_curve_goes_on(fit):
    panel = a_panel(fit, references={"8-gram": 1.9})
    assert "8-gram" in panel.curve.value and panel.curve.value.count("<circle") == 0
    fit.go(5)
    panel.training_inputs[1].box.value = "2"
    panel.train_on_button.click()
    idle(panel)
    assert fit.calls[0]["model"].units == 448 and fit.calls[0]["epochs"] == 2
    assert "2 epochs trained. Press Write" in panel.status.value
    panel.training_inputs[1].box.value = "3"
    panel.train_on_button.click()
    idle(panel)
    assert len(panel.session.bits["bits"]) == len(panel.session.bits["val_bits"]) == 5
    assert panel.session.bits["bits"][:2] == pytest.approx([1 / 0.6931472, 0.5 / 0.6931472])
    assert fit.calls[1]["model"] is fit.calls[0]["model"]


def test_drawing_waits_between_epochs_and_characters_but_not_for_the_end(fit, monkeypatch):
    monkeypatch.setattr(WritingPanel, "seconds_between_drawings", 60)
    panel, drawn = a_panel(fit, Writer("and so on" * 100)), []
    draw = panel.draw
    monkeypatch.setattr(panel, "draw", lambda progress: drawn.append(progress) or draw(progress))
    panel.write_button.click()
    idle(panel)
    assert [progress.state for progress in drawn] == ["starting", "running", "idle"]
    assert panel.text.value.count("and so on") == 44  # of 400 characters
    drawn.clear()
    fit.go(50)
    panel.training_inputs[1].box.value = "50"
    panel.train_on_button.click()
    idle(panel)
    assert [progress.epochs_done for progress in drawn] == [0, 0, 1, 50]
    assert "50 epochs trained." in panel.status.value


def test_a_new_network_has_its_own_units_and_curve_and_writes_then(fit):
    write = Writer()
    panel = a_panel(fit, write)
    fit.go(3)
    panel.training_inputs[0].box.value, panel.training_inputs[1].box.value = "16", "1"
    panel.train_on_button.click()
    idle(panel)
    panel.new_button.click()
    idle(panel)
    assert panel.model.units == 16 and len(panel.session.bits["bits"]) == 1
    panel.write_button.click()
    idle(panel)
    assert write.calls[0][0] is panel.model


def test_a_training_is_stopped_and_the_whole_epochs_stay(fit):
    panel = a_panel(fit)
    panel.new_button.click()
    fit.go(2)
    eventually(lambda: panel.session.runner.progress.epochs_done == 2)
    eventually(lambda: "2 of 10 epochs done" in panel.head.value)
    panel.stop_button.click()
    idle(panel)
    assert "2 epochs trained, stopped on request." in panel.status.value
    assert len(panel.session.bits["bits"]) == 2 and panel.head.value == ""
    panel.stop_button.click()
    assert "There is nothing to stop." in panel.status.value


def test_a_failure_is_told_with_its_details_and_the_panel_serves_on(fit):
    def broken(model, *arguments):
        yield "a"
        raise RuntimeError("out of <ink>")

    panel = a_panel(fit, broken)
    panel.write_button.click()
    idle(panel)
    assert "Writing has failed. RuntimeError: out of &lt;ink&gt;" in panel.status.value
    fit.error = ValueError("no paper")
    fit.go()
    panel.new_button.click()
    idle(panel)
    assert "Training has failed. ValueError: no paper" in panel.status.value
    assert not panel.write_button.disabled


def test_a_panel_made_anew_keeps_network_curve_and_text(fit):
    first = a_panel(fit, title="Same")
    fit.go(2)
    first.new_button.click()
    eventually(lambda: first.session.runner.progress.epochs_done == 2)
    first.stop_button.click()
    idle(first)
    first.write_button.click()
    idle(first)
    second = a_panel(fit, title="Same")
    assert second.model is first.session.model and second.model.units == 128
    assert "and so on" in second.text.value and len(second.session.bits["bits"]) == 2
    assert "use the new one" in first.status.value and first.widget.children == (first.status,)


def test_the_notebooks_network_replaces_its_own_when_the_cell_runs_again(fit):
    a_panel(fit, title="Again", model=FakeModel(7))
    assert a_panel(fit, title="Again", model=FakeModel(8)).model.units == 8


def test_a_reader_without_a_kernel_gets_the_chart(fit):
    bundle = a_panel(fit, references={"8-gram": 1.9})._repr_mimebundle_()
    assert "data:image/svg+xml" in bundle["text/html"] and "run this notebook" in bundle["text/html"]


def test_typographic_quotes_and_accents_are_brought_into_the_alphabet(fit):
    write = Writer()
    panel = a_panel(fit, write, prompt="\u201cCaf\u00e9\u201d ")
    panel.write_button.click()
    idle(panel)
    assert write.calls[0][1] == '"Cafe" '


def test_a_training_goes_on_with_its_network_when_the_cell_is_run_again(fit):
    first = a_panel(fit, title="While training", model=FakeModel(1))
    fit.go(2)
    first.train_on_button.click()
    eventually(lambda: first.session.runner.progress.epochs_done == 2)
    second = a_panel(fit, title="While training", model=FakeModel(2))
    second.stop_button.click()
    idle(second)
    assert second.model.units == 1 and len(second.session.bits["bits"]) == 2
    assert a_panel(fit, title="While training", model=FakeModel(3)).model.units == 1


def test_a_new_network_replaces_the_old_one_only_after_an_epoch(fit):
    panel = a_panel(fit)
    fit.go(1)
    panel.training_inputs[1].box.value = "1"
    panel.new_button.click()
    idle(panel)
    old = panel.model
    panel.new_button.click()
    eventually(lambda: len(fit.calls) == 2)
    panel.stop_button.click()
    idle(panel)
    assert (
        "0 epochs trained, stopped on request. The network that was there has stayed." in panel.status.value
    )
    fit.error = MemoryError("no room")
    fit.go()
    panel.new_button.click()
    idle(panel)
    assert "Training has failed. MemoryError: no room" in panel.status.value
    assert panel.model is old and len(panel.session.bits["bits"]) == 1


def test_the_curve_stays_while_the_training_goes_on(fit):
    panel = a_panel(fit)
    fit.go(2)
    panel.training_inputs[1].box.value = "2"
    panel.train_on_button.click()
    idle(panel)
    points = panel.curve.value.count("<circle")
    panel.train_on_button.click()
    eventually(lambda: len(fit.calls) == 2)
    assert panel.curve.value.count("<circle") == points > 0
    panel.stop_button.click()
    idle(panel)
