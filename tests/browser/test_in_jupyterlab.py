"""The panels as a student uses them: in JupyterLab, with mouse and keyboard.

A panel tells its news first and draws afterwards, on a busy machine by seconds. So whatever changes is waited
for (`expect`, `eventually`), and what is to be stopped would train for minutes.
"""

import contextlib
import re

import pytest
from playwright.sync_api import expect
from waiting import eventually

CONTRAST = """panel => {
  const parts = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = node => {
    for (; node; node = node.parentElement) {
      const colour = parts(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), node = walker.currentNode.parentElement;
    const hidden = node.closest('style') || !node.getClientRects().length;
    if (!text || hidden || node.closest(':disabled')) continue;
    const style = getComputedStyle(node);
    const ink = light(parts(node.closest('svg') ? style.fill : style.color)), ground = light(paper(node));
    found.push([(Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05), text]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}"""


FOCUSED = """() => {
  const node = document.activeElement;
  return node.labels && node.labels.length ? node.labels[0].innerText : node.innerText;
}"""
LONG = {"Units": 200, "Epochs": 200}
LAST_IMAGE_IS_WIDE = """() => {
  const images = document.querySelectorAll('.lab-panel svg image');
  return images.length && images[images.length - 1].getBoundingClientRect().width > 30;
}"""
SOME_OF_200 = re.compile(r"[1-9]\d+ of 200 epochs done")  # ten or more: a bar at 5 %


def button(lab, name):
    return lab.panel.get_by_role("button", name=name, exact=True)


def box(lab, name):
    return lab.panel.get_by_role("textbox", name=re.compile(f"^{name}"))


def has_status(lab, text):
    lab.panel.get_by_role("status").filter(has_text=text).wait_for()


def alerted(lab, text):
    lab.panel.get_by_role("alert").filter(has_text=text).wait_for()


def typed(lab, name, text):
    box(lab, name).fill(text)
    lab.page.keyboard.press("Tab")


def train(lab, **entries):
    for name, value in entries.items():
        box(lab, name.replace("_", " ")).fill(str(value))
    button(lab, "Train").click(delay=100)  # a hand is slower than the answer to what was typed before


def next_run(lab):
    """The number of the next run, when none is going on: one more than rows in the table."""
    return 1 + lab.panel.locator("tbody tr").count()


def has_ended(lab, number, how=""):
    """Wait until a run is told to have ended and stands in the table, and its curve is drawn."""
    has_status(lab, f"Run {number} ({how}")
    has_status(lab, "has ended: ")
    expect(lab.panel.locator("tbody tr")).to_have_count(number)
    lab.panel.get_by_text(f"Shown: run {number} (").wait_for()


def stop(lab, number, how=""):
    button(lab, "Stop").click()
    has_ended(lab, number, how)
    has_status(lab, "has ended: stopped on request")


def trained(lab, **entries):
    """Train a small network to its end and return the number of the run."""
    number = next_run(lab)
    train(lab, **{"Units": 5, "Epochs": 3} | entries)
    has_ended(lab, number)
    return number


def fixture_of(notebook, panel, more=""):
    """Return a fixture: the panel of a notebook, open in a tab of its own."""

    @pytest.fixture(scope="module")
    def opened(open_panel):
        return open_panel(notebook, panel, more)

    return opened


NAP = "import time\nnaps = globals().setdefault('naps', iter([0, 5]))\ntime.sleep(next(naps))"
forecaster = fixture_of("05_lstm_forecaster", "TrainingPanel", more=NAP)
gru = fixture_of("03_gru_sentiment", "TrainingPanel")
simple = fixture_of("04_simple_rnn_unlearns", "TrainingPanel")
autoencoder = fixture_of("06_autoencoder", "TrainingPanel")
reader = fixture_of("03_gru_sentiment", "ReadingPanel")
writer = fixture_of("07_text_generator", "WritingPanel")
pooling = fixture_of("08_attention", "TrainingPanel")
weigher = fixture_of("09_weighing_evidence", "WordValuesPanel")
sweeper = fixture_of("10_scaling_up", "SweepPanel")
gradient = fixture_of("01_recurrent_networks", "CurveExplorer")
steps = fixture_of("02_gates_lstm_and_gru", "StepExplorer")


def test_units_and_epochs_are_typed_and_the_curve_grows(forecaster):
    lab, number = forecaster, next_run(forecaster)
    assert lab.panel.locator("circle").count() == 0
    train(lab, Units=6, Epochs=30)  # with more, the points have no circles
    lab.panel.locator("svg circle").nth(1).wait_for()  # one in the legend, one on the curve
    has_ended(lab, number, "units 6, epochs 30, window length 10, seed 0) has ended: all epochs done")
    assert lab.panel.locator("tbody tr").first.inner_text().split("\t")[2:4] == ["6", "30"]
    expect(lab.panel.get_by_role("img")).to_have_attribute("aria-label", re.compile("validation"))


def test_stop_and_train_again(forecaster):
    lab, number = forecaster, next_run(forecaster)
    train(lab, **LONG)
    lab.panel.get_by_text(SOME_OF_200).wait_for()
    expect(button(lab, "Train")).to_be_disabled()
    bar = lab.panel.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    stop(lab, number, "units 200, epochs 200, window length 10, seed 0) has ended")
    expect(button(lab, "Stop")).to_be_disabled()
    train(lab, Units=6, Epochs=5)
    has_ended(lab, number + 1, "units 6, epochs 5")


def test_two_runs_lie_over_each_other(forecaster):
    lab = forecaster
    old, new = trained(lab), trained(lab)
    lab.panel.get_by_label("and lay over it").select_option(f"run {old}")
    lab.panel.locator("svg").get_by_text(f"run {old}, validation").wait_for()
    expect(lab.panel.locator("svg").get_by_text(f"run {new}, validation")).to_have_count(1)
    lab.panel.get_by_label("and lay over it").select_option("no other run")
    lab.panel.locator("svg").get_by_text(f"run {old}, validation").wait_for(state="detached")


def test_the_table_is_saved_as_csv(forecaster):
    number = trained(forecaster)
    with forecaster.page.expect_download() as download:
        forecaster.panel.get_by_role("link", name="Save the table as CSV").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert download.value.suggested_filename == "train_a_forecaster.csv"
    assert lines[0].startswith("run,error / floor,best,units,epochs") and len(lines) == 1 + number


def test_rubbish_is_answered_and_starts_nothing(forecaster):
    lab, number = forecaster, next_run(forecaster)
    for entry in ("0", "-5", "1e9", "many", "", "2.5", "<b>7</b>"):
        train(lab, Units=entry)
        alerted(lab, "type a whole number from 1 to 200.")
        alerted(lab, "Nothing was started. Please correct: Units.")
        assert button(lab, "Stop").is_disabled()
    assert next_run(lab) == number == trained(lab, Units=3)
    expect(lab.panel.get_by_role("alert")).to_have_count(0)


def test_command_keys_leave_the_notebook_alone(forecaster):
    lab, before = forecaster, forecaster.cells()
    trained(lab), trained(lab)
    link = lab.panel.get_by_role("link", name="Save the table as CSV")
    for target in (button(lab, "Train"), lab.panel.get_by_label("Show", exact=True), link, box(lab, "Seed")):
        target.focus()
        for key in "ddxabmyzdd":
            lab.page.keyboard.press(key)
    box(lab, "Seed").fill("0")
    number = next_run(lab)
    button(lab, "Train").click()  # which takes the focus from it, as a disabled button has none
    has_ended(lab, number)
    lab.page.keyboard.type("ddxdd")
    train(lab, **LONG)
    lab.panel.get_by_text(SOME_OF_200).wait_for()
    lab.page.keyboard.type("ddxdd")
    stop(lab, number + 1)
    lab.page.keyboard.type("ddxdd")
    assert lab.cells() == before


def test_the_keyboard_goes_through_the_panel_in_order(forecaster):
    lab, names = forecaster, []
    trained(lab), trained(lab)
    box(lab, "Units").focus()
    for _ in range(8):
        names.append(lab.page.evaluate(FOCUSED))
        lab.page.keyboard.press("Tab")
    assert [name.split()[0] for name in names] == "Units Epochs Window Seed Train Show and Save".split()
    number = next_run(lab)
    box(lab, "Epochs").fill("4")
    button(lab, "Train").focus()
    lab.page.keyboard.press("Enter")
    has_ended(lab, number, "units 5, epochs 4")


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
@pytest.mark.parametrize(
    ("panel", "field", "wrong"),
    [
        ("forecaster", "Units", "0.5"),
        ("autoencoder", "Units", "0.5"),
        ("reader", "Test review", "0.5"),
        ("weigher", "Test review", "0.5"),
        ("gradient", "Spectral", "-1"),
        ("steps", "Unit", "0.5"),
    ],
)
def test_every_text_stands_out(panel, field, wrong, theme, request):
    lab = request.getfixturevalue(panel)
    typed(lab, field, wrong)
    lab.panel.get_by_role("alert").first.wait_for()
    lab.theme(theme)
    eventually(lambda: lab.panel.evaluate(CONTRAST), lambda found: len(found) > 8 and found[0][0] >= 4.5)
    typed(lab, field, "1")
    lab.panel.locator(".lab-field [role=alert]").wait_for(state="detached")


@pytest.mark.parametrize("width", [700, 600])  # 600: 1200 at a zoom of 200 %
def test_nothing_is_cut_off_in_a_narrow_window(forecaster, width):
    lab = forecaster
    lab.page.set_viewport_size({"width": width, "height": 700})
    if lab.page.locator("#jp-left-stack").is_visible():
        lab.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")

    def ends(part):
        place = part.bounding_box()
        return place["x"], place["x"] + place["width"]

    def is_inside(both):
        (left, right), (begin, end) = both
        return left <= begin and end <= right

    for part in [*lab.panel.get_by_role("textbox").all(), *lab.panel.get_by_role("button").all()]:
        eventually(lambda part=part: (ends(lab.panel), ends(part)), is_inside)
    eventually(lambda: lab.panel.locator("svg text").first.bounding_box()["height"], lambda high: high >= 9)
    lab.page.set_viewport_size({"width": 1200, "height": 1000})


def test_a_value_typed_while_a_cell_runs_is_the_one_that_is_trained(forecaster):
    lab = forecaster
    number = trained(lab)  # the window's length is typed for the first time below
    lab.page.locator(".jp-CodeCell .cm-content").last.click()
    lab.page.keyboard.press("Control+Enter")
    lab.page.locator(".jp-InputPrompt", has_text="*").wait_for()
    train(lab, Window_length=12)
    has_ended(lab, number + 1, "units 5, epochs 3, window length 12, seed 0")
    lab.wait_until_run()
    trained(lab, Window_length=10)


def test_the_cell_the_page_and_the_kernel_may_go(open_panel):
    lab = open_panel("05_lstm_forecaster", "TrainingPanel")
    train(lab, Units=4, Epochs=3)
    has_ended(lab, 1, "units 4, epochs 3")
    train(lab, **LONG)
    lab.panel.get_by_text(SOME_OF_200).wait_for()
    lab.run_all()  # while it trains
    expect(lab.panel).to_have_count(1)
    lab.panel.get_by_text(re.compile(r"Run 2: \d+ of 200 epochs done|Shown: run 2")).first.wait_for()

    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.load()
    has_status(lab, "Run 2")
    with contextlib.suppress(Exception):  # a run that has ended by itself cannot be stopped
        button(lab, "Stop").click(timeout=5000)
    has_ended(lab, 2, "units 200, epochs 200, window length 10, seed 0")
    train(lab, Units=5, Epochs=3)
    has_ended(lab, 3, "units 5, epochs 3")

    train(lab, **LONG)
    lab.panel.get_by_text(SOME_OF_200).wait_for()
    lab.restart_kernel()
    lab.panel.get_by_text("This panel has lost its kernel. Choose Run, Run All Cells.").wait_for()
    lab.run_all()
    has_status(lab, "Choose settings and press Train.")
    train(lab, Units=4, Epochs=3)
    has_ended(lab, 1, "units 4, epochs 3")


@pytest.mark.parametrize(
    ("panel", "settings", "shown"),
    [
        ("gru", {"Tokens": 10, "Learning_rate": "0,01"}, "tokens 10, seed 0, learning rate 0.01"),
        ("simple", {"Clip_at_norm": "0,5"}, "clip at norm 0.5, learning rate 0.003, seed 0"),
    ],
)
def test_classifiers_train_stop_and_train_again(panel, settings, shown, request):
    lab = request.getfixturevalue(panel)
    train(lab, **settings, Units=128, Epochs=20)
    lab.panel.locator("[role=progressbar]:not([aria-valuenow='0'])").wait_for()
    stop(lab, 1, f"units 128, epochs 20, {shown}")
    train(lab, Units=4, Epochs=1)
    has_ended(lab, 2, f"units 4, epochs 1, {shown}) has ended: all epochs done")
    expect(lab.panel.get_by_role("img")).to_have_count(2)


def test_reconstructions_follow_the_training(autoencoder):
    lab = autoencoder
    images = lab.panel.locator("svg image")
    expect(images).to_have_count(10)
    expect(lab.panel.locator("svg").get_by_text("reconstruction")).to_have_count(0)
    train(lab, Units_of_the_code=256, Hidden_units=512, Epochs=200)
    expect(images).to_have_count(20)
    early = images.last.get_attribute("href")
    expect(images.last).not_to_have_attribute("href", early)
    lab.page.wait_for_function(LAST_IMAGE_IS_WIDE)  # a drawing that is just being replaced has no width
    stop(lab, 1, "units of the code 256, epochs 200")
    train(lab, Units_of_the_code=16, Hidden_units=128, Epochs=4)
    has_ended(lab, 2, "units of the code 16, epochs 4")
    lab.panel.get_by_label("and lay over it").select_option("run 1")
    lab.panel.locator("svg").get_by_text("run 1", exact=True).wait_for()
    expect(images).to_have_count(30)
    lab.panel.get_by_role("img", name="reconstruction, mean squared difference").wait_for()


def test_a_review_with_html_in_it_is_only_read(reader):
    lab = reader
    box(lab, "Your review").fill("A <b>good</b> film, <img src=x onerror=\"document.title='hit'\"> xyzzy")
    button(lab, "Read it").click()
    has_status(lab, "13 words: the probability of positive is 0.")
    words = "a b good b film img src x onerror document title 'hit' xyzzy".split()
    expect(lab.panel.locator(".lab-words span")).to_have_text(words)
    assert lab.panel.locator(".lab-words img, .lab-words b").count() == 0
    expect(lab.panel.locator(".lab-words .lab-unknown").filter(has_text="xyzzy")).to_have_count(1)
    assert lab.page.title() != "hit"


def test_a_test_review_is_cut_as_in_training_and_its_state_is_shown(reader):
    lab = reader
    box(lab, "Test review").fill("0")
    button(lab, "Take this one").click()
    has_status(lab, "Test review 0 is labelled")
    has_status(lab, "200 are read, as in training")
    lab.panel.get_by_label("Show the hidden state").check()
    lab.panel.get_by_role("img", name="The hidden state: 32 rows").wait_for()
    box(lab, "Your review").fill("")
    button(lab, "Read it").click()
    alerted(lab, "The text holds no word")


def test_a_choice_is_trained_with_and_stands_in_the_table(pooling):
    lab = pooling
    lab.panel.get_by_label("Pooling", exact=True).select_option("max")
    train(lab, Units=64, Epochs=20)
    has_status(lab, "Run 1 has started: units 64, epochs 20, pooling max, words dropped 0.3, seed 0.")
    stop(lab, 1, "units 64, epochs 20, pooling max, words dropped 0.3, seed 0")
    assert "max" in lab.panel.locator("tbody tr").first.inner_text().split("\t")


def test_each_word_gets_its_value_from_the_network_that_is_chosen(weigher):
    lab = weigher
    box(lab, "Your review").fill("A <b>good</b> film, <img src=x onerror=\"document.title='hit'\"> xyzzyx")
    button(lab, "Read it").click()
    has_status(lab, "13 words: the probability of positive is 0.")
    expect(lab.panel.locator("table caption")).to_have_text("The strongest words (log-odds)")
    expect(lab.panel.locator(".lab-words span").first).to_be_visible()
    assert lab.panel.locator(".lab-words img, .lab-words b").count() == 0 and lab.page.title() != "hit"
    lab.panel.get_by_label("Network", exact=True).select_option("bag alone")
    has_status(lab, "log-odds (evidence)")
    expect(lab.panel.locator("tbody tr")).to_have_count(8)
    typed(lab, "Test review", "0")
    button(lab, "Take this one").click()
    has_status(lab, "Test review 0 is labelled")


def test_every_run_of_a_sweep_appears_and_stop_keeps_what_is_done(sweeper):
    lab = sweeper
    typed(lab, "Units", "2; 3")
    typed(lab, "Seeds", "2")
    button(lab, "Start").click(delay=100)
    has_status(lab, "All 4 runs are done in")
    expect(lab.panel.locator("tbody tr")).to_have_count(2)
    expect(lab.panel.locator("tbody")).to_contain_text("±")
    expect(lab.panel.get_by_role("img")).to_have_attribute("aria-label", re.compile("units"))
    typed(lab, "Units", "2, 300")
    alerted(lab, "300 is too large: type a whole number from 1 to 256")
    button(lab, "Start").click(delay=100)
    has_status(lab, "Nothing was started. Please correct: Units.")
    typed(lab, "Units", "2, 4, 5, 6, 7, 8, 9, 10")
    typed(lab, "Seeds", "20")
    button(lab, "Start").click(delay=100)
    lab.panel.get_by_text("of 160 runs done, about").wait_for()
    lab.panel.get_by_role("progressbar").wait_for()
    button(lab, "Stop").click()
    has_status(lab, "of 160 runs are done and kept. Start goes on from there.")
    expect(button(lab, "Start")).to_be_enabled()
    expect(button(lab, "Stop")).to_be_disabled()


def test_a_network_writes_on_until_it_is_stopped(writer):
    lab, written = writer, writer.panel.locator(".lab-written")
    box(lab, "Beginning").fill("A <i>good</i> film, ")
    typed(lab, "Characters", "5000")
    typed(lab, "Temperature", "0,9")
    button(lab, "Write").click(delay=100)
    written.filter(has_text=re.compile(r"^A <i>good</i> film, .{20}", re.S)).wait_for()
    with contextlib.suppress(Exception):  # a review that has ended by itself cannot be stopped
        button(lab, "Stop").click(timeout=5000)
    has_status(lab, "characters written")
    expect(written.locator("b")).to_have_text("A <i>good</i> film, ")
    assert written.locator("i").count() == 0
    box(lab, "Beginning").fill("A \u4e2d")
    button(lab, "Write").click(delay=100)
    alerted(lab, "Nothing was written: the network does not know \u4e2d.")


def test_the_network_is_trained_on_and_a_new_one_writes(writer):
    lab = writer
    typed(lab, "Epochs", "1")
    button(lab, "Train on").click(delay=100)
    has_status(lab, "1 epoch trained. Press Write")
    typed(lab, "Units", "8")
    typed(lab, "Epochs", "3")
    button(lab, "Train a new one").click(delay=100)
    lab.panel.get_by_role("progressbar").wait_for()
    has_status(lab, "3 epochs trained. Press Write")
    lab.panel.get_by_role("img", name="validation from").wait_for()
    box(lab, "Beginning").fill("")
    typed(lab, "Characters", "30")
    button(lab, "Write").click(delay=100)
    has_status(lab, "30 characters written.")


def test_the_explorers_follow_what_is_typed(gradient, steps):
    typed(gradient, "Spectral radius", "1,5")
    has_status(gradient, "for spectral radius 1.5, steps back 50, seed 0")
    typed(gradient, "Steps back", "-5")
    alerted(gradient, "-5 is too small")
    typed(steps, "Time step", "3")
    has_status(steps, "Step 3 of")


def test_nothing_is_fetched_from_elsewhere(
    forecaster, gru, simple, autoencoder, reader, writer, pooling, weigher, sweeper, gradient, steps
):
    labs = (forecaster, gru, simple, autoencoder, reader, writer, pooling, weigher, sweeper, gradient, steps)
    for lab in labs:
        own = (lab.address, "data:", "blob:" + lab.address)
        assert lab.asked_for and not [url for url in lab.asked_for if not url.startswith(own)]


STUB = """from labutils.exercises import exercise

def my_step(x_t, h_before, W, U, b):
    ...

exercise("1.2").check(my_step)"""


def test_an_exercise_answers_below_its_cell(open_panel):
    lab = open_panel("01_recurrent_networks", "CurveExplorer", more=STUB)
    cell = lab.page.locator(".jp-CodeCell").last
    cell.scroll_into_view_if_needed()
    cell.get_by_text("Exercise 1.2 (One step): not started").wait_for()
    for body, answer in {
        "return np.tanh(x_t @ W + h_before @ U)": "not yet. Your states are those of a network",
        "return x_t @ missing": "not yet. Your function stopped: NameError",
        "while True: pass": "not yet. It had not come to an end after 5 seconds",
        "return np.tanh(x_t @ W + h_before @ U + b)": "right. Rows on the left",
    }.items():
        cell.locator(".cm-content").click()
        lab.page.keyboard.press("Control+A")
        lab.page.keyboard.insert_text("import numpy as np\n" + STUB.replace("...", body))
        lab.page.keyboard.press("Control+Enter")
        cell.get_by_text(f"Exercise 1.2: {answer}").wait_for()
    assert cell.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
