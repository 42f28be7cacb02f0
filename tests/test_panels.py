"""The explorers without a browser: what is typed, what is drawn, what is answered."""

import base64
import io
import re
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from labutils import palette
from labutils.panels import ChoiceField, CurveExplorer, Field, StepExplorer, svg
from labutils.panels.fields import ChoiceInput, Input, input_of

RADIUS = Field("radius", "Spectral radius", 0.9, 0.1, 2.0)
STEPS = Field("steps", "Steps back", 20, 2, 100)


def powers(radius, steps):
    return {"measured": (np.arange(steps), radius ** np.arange(steps))}


def an_explorer(curves=powers):
    return CurveExplorer(curves, [RADIUS, STEPS], "Gradient", "steps back", "norm", logy=True)


def typed(explorer, field, text):
    explorer.inputs[field].box.value = text
    return explorer.inputs[field].answer.value


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        (RADIUS, "0.5", 0.5),
        (RADIUS, " 1,5 ", 1.5),
        (RADIUS, "0,125", 0.125),
        (RADIUS, "2", 2.0),
        (STEPS, "7", 7),
        (STEPS, "1e1", 10),
    ],
)
def test_what_can_be_read_is_read(field, text, number):
    assert field.parsed(text) == number and type(field.parsed(text)) is type(field.value)


@pytest.mark.parametrize(
    ("field", "text", "answer"),
    [
        (STEPS, "", "Steps back is empty: type a whole number from 2 to 100."),
        (STEPS, "ten", "“ten” is not a number: type a whole number from 2 to 100."),
        (STEPS, "0", "0 is too small: type a whole number from 2 to 100."),
        (STEPS, "-5", "-5 is too small"),
        (STEPS, "−5", "-5 is too small"),
        (STEPS, "1e9", "1e9 is too large"),
        (STEPS, "2.5", "2.5 is not a whole number: type a whole number from 2 to 100."),
        (STEPS, "nan", "“nan” is not a finite number"),
        (RADIUS, "inf", "“inf” is not a finite number: type a number from 0.1 to 2."),
        (RADIUS, "9" * 400, "is not a finite number"),
        (RADIUS, "1,000,5", "is not a number"),
        (RADIUS, "1,000", "“1,000” is not a plain number"),
        (STEPS, "1,000", "“1,000” is not a plain number: type a whole number from 2 to 100, with digits"),
        (STEPS, "1_0", "is not a plain number"),
        (RADIUS, "<img src=x onerror=alert(1)>", "is not a number"),
    ],
)
def test_what_cannot_be_read_is_answered_in_words(field, text, answer):
    with pytest.raises(ValueError, match=re.escape(answer)):
        field.parsed(text)


def test_a_valid_entry_draws_anew_and_says_so():
    explorer = an_explorer()
    before = explorer.chart.value
    assert typed(explorer, 0, "0.5") == ""
    assert explorer.chart.value != before
    assert "Norm for spectral radius 0.5, steps back 20" in explorer.status.value


def test_a_wrong_entry_is_answered_beside_its_field_and_changes_nothing():
    explorer = an_explorer()
    changes = []  # of the box, after which the browser would show the last entry over what is being typed
    explorer.inputs[1].box.observe(lambda change: changes.append(change["name"]))
    before = explorer.chart.value, explorer.status.value
    answer = typed(explorer, 1, "<b>many</b>")
    assert 'role="alert"' in answer and "&lt;b&gt;many" in answer and "<b>" not in answer
    assert (explorer.chart.value, explorer.status.value) == before and changes == ["value"]
    assert "lab-wrong" in explorer.inputs[1].widget._dom_classes
    typed(explorer, 0, "0.5")  # one field right, the other still wrong: nothing is drawn
    assert explorer.chart.value == before[0]
    assert typed(explorer, 1, "30") == "" and "lab-wrong" not in explorer.inputs[1].widget._dom_classes
    assert "spectral radius 0.5, steps back 30" in explorer.status.value


@pytest.mark.parametrize("error", [ValueError("no <radius>"), ZeroDivisionError("no <radius>")])
def test_an_error_of_the_notebooks_function_is_shown_and_survived(error):
    def fussy(radius, steps):
        if radius > 1:
            raise error
        return powers(radius, steps)

    explorer = an_explorer(fussy)
    typed(explorer, 0, "1.5")
    assert "no &lt;radius&gt;" in explorer.status.value
    assert ("Traceback" in explorer.status.value) == isinstance(error, ZeroDivisionError)
    typed(explorer, 0, "0.7")
    assert "spectral radius 0.7" in explorer.status.value
    with pytest.raises(ZeroDivisionError):  # the first numbers are the notebook's own
        an_explorer(lambda radius, steps: 1 / 0)


def test_a_field_tells_its_range_and_must_start_inside_it():
    box = an_explorer().inputs[0].box
    assert box.description == "Spectral radius (0.1 to 2)" and not box.continuous_update
    assert Field("n", "N", 1234567, 1, 10_000_000).question == "N (1 to 10000000)"
    with pytest.raises(ValueError, match="starts at 5, outside its range 10 to 20"):
        Field("n", "N", 5, 10, 20)


def test_control_characters_do_not_break_the_picture():
    chart = svg.line_chart([svg.Line("a\x0cb", [0, 1], [0, 1])], "x", "y", alt="\x00")
    assert xml.fromstring(chart) is not None


def test_without_a_kernel_there_is_a_picture_and_its_text_is_always_the_same():
    bundle = an_explorer()._repr_mimebundle_()
    assert bundle["text/plain"] == "<Panel: Gradient>"
    assert 'src="data:image/svg+xml;base64,' in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_step_explorer_tells_the_values_at_the_step():
    trace = {"f": np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), "c": -np.ones((3, 2))}
    explorer = StepExplorer(trace, ["A", "w", "<"], "steps")
    assert "Step 1 of 3 reads A. Unit 1: f 0.10, c -1.00." in explorer.status.value
    assert typed(explorer, 0, "3") == "" and typed(explorer, 1, "2") == ""
    assert "Step 3 of 3 reads &lt;. Unit 2: f 0.60, c -1.00." in explorer.status.value
    assert "4 is too large: type a whole number from 1 to 3." in typed(explorer, 0, "4")
    with pytest.raises(ValueError, match=re.escape("must have the shape (2, units)")):
        StepExplorer(trace, ["A", "w"], "steps")
    with pytest.raises(ValueError, match="has a batch axis: of each part give"):
        StepExplorer({name: values[None] for name, values in trace.items()}, ["A", "w", "<"], "steps")


def marks(chart):
    root = xml.fromstring(chart)
    assert root.attrib["role"] == "img"
    texts = [node.text for node in root.iter() if node.tag.endswith("text")]
    lines = [node.attrib["points"] for node in root.iter() if node.tag.endswith("polyline")]
    return texts, lines


def test_a_line_chart_is_whole_xml_with_labels_ticks_and_its_points():
    line = svg.Line("a & b", [0, 1, 2], [1, 10, 100])
    texts, lines = marks(svg.line_chart([line], "<x>", "y", logy=True, alt='a "q"'))
    assert {"a & b", "<x>", "y", "1", "10", "100"} <= set(texts)
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)


def test_a_curve_with_a_long_name_has_a_row_of_the_legend():
    lines = [svg.Line(f"{i}" * 75, [0, 1], [0, 1]) for i in range(2)]
    assert {"0" * 75, "1" * 75} <= set(marks(svg.line_chart(lines, "x", "y"))[0])


def test_values_that_cannot_be_drawn_leave_a_gap():
    values = [1, 2, np.nan, 3, 0, 4, np.inf]
    _, lines = marks(svg.line_chart([svg.Line("a", range(7), values)], "x", "y", logy=True))
    assert [len(line.split()) for line in lines] == [2, 1, 1]
    with pytest.raises(ValueError, match="nothing to draw"):
        svg.line_chart([svg.Line("a", [1, 2], [np.nan, -1])], "x", "y", logy=True)
    gap = svg.Line("a", [0, np.nan, 2], [1, 1, 1])
    assert "nan" not in svg.line_chart([gap], "x", "y", logy=True, ylim=(0, 1))


@pytest.mark.parametrize(
    ("low", "high", "logy"),
    [(0, 1, False), (-3.2, 17, False), (1e-9, 3e-9, False), (5, 5, False), (-1e6, 1e6, False)]
    + [(1e-30, 1e30, True), (0.9, 1.1, True), (0.01, 0.2, True), (1, 1000, True), (2, 2, True)],
)
def test_ticks_are_few(low, high, logy):
    chart = svg.line_chart([svg.Line("a", [0, 1], [low, high])], "x", "y", logy=logy)
    labels = re.findall(r'text-anchor="end"[^>]*>([^<]*)<', chart)
    assert 3 <= len(labels) <= 8 and len(set(labels)) == len(labels)


def test_lines_stand_out_from_both_themes():
    def light(colour):
        parts = np.array(to_rgb(colour))
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for line in palette.LINES:
        for page in ("#ffffff", "#111111"):
            low, high = sorted((light(line), light(page)))
            assert (high + 0.05) / (low + 0.05) >= 3, (line, page)


def test_bars_point_up_for_positive_and_down_for_negative_values():
    words = svg.bar_rows({"f": [1, -1]}, ["speaker", "<b>"], chosen=0)
    assert words.count("rotate(-90") == 2 and ">&lt;b&gt;</text>" in words and ">speaker</text>" in words
    for count in (60, 61, 119):
        many = svg.bar_rows({"f": np.zeros(count)}, [f"word{i}" for i in range(count)], chosen=0)
        assert many.count("rotate(-90") <= 60, count
    tall = [
        svg.bar_rows({"f": [1]}, [word], chosen=0).split('viewBox="0 0 ')[1][:7]
        for word in ("五个字符号", "words")
    ]
    assert tall[0] > tall[1]  # a wide letter takes more room
    chart = svg.bar_rows({"f": [1, -1, 0.5, np.nan, 0], "c": [4, 2, 0, 0, 0]}, "abcde", chosen=2)
    assert "rotate" not in chart
    root = xml.fromstring(chart)
    bars = [node.attrib for node in root.iter() if node.tag.endswith("rect")]
    middle = float(bars[0]["y"]) + float(bars[0]["height"])
    assert float(bars[1]["y"]) == middle and float(bars[2]["height"]) == float(bars[0]["height"]) / 2
    assert len(bars) == 12 and bars[5]["fill"] == "none"
    assert float(bars[7]["height"]) == float(bars[6]["height"]) / 2 == float(bars[0]["height"]) / 2
    assert {"4", "-4", "1", "-1"} <= set(marks(chart)[0])


def test_rows_of_images_are_png_in_the_svg_in_black_ink():
    images = np.zeros((2, 4, 6))
    images[1] = 1
    text = svg.image_rows({"original": images, "<copy>": images + 5}, note="a & b", alt="two rows")
    root = xml.fromstring(text)
    pngs = [e.get("href") for e in root.iter() if e.tag.endswith("image")]
    assert len(pngs) == 4 and "&lt;copy&gt;" in text and "a &amp; b" in text
    pixels = [imread(io.BytesIO(base64.b64decode(png.split(",")[1])))[..., :3] for png in pngs]
    assert pixels[0].shape == (4, 6, 3) and pixels[0].min() == 1 and pixels[1].max() == 0
    assert pixels[2].max() == 0  # more ink than black


@pytest.mark.parametrize("rows", [{}, {"none": np.zeros((0, 28, 28))}])
def test_no_images_are_refused(rows):
    with pytest.raises(ValueError, match="at least one row of images"):
        svg.image_rows(rows)


def test_a_choice_has_its_first_option_at_the_start_and_needs_two():
    field = ChoiceField("pooling", "Pooling", ("mean", "max"))
    entry = input_of(field)
    assert field.value == entry.value == "mean" and entry.is_valid and not field.is_whole
    entry.box.value = "max"
    assert entry.value == "max"
    of_no_order, of_pairs, of_numbers = {"mean", "max"}, [("Mean", 1), ("Max", 2)], [1, 2]
    refused = (of_no_order, {"mean": 1, "max": 2}, of_pairs, of_numbers, ["mean", ["max"]], None)
    for options in (("mean",), ("mean", "mean"), "mean", *refused):
        with pytest.raises(ValueError, match="needs different options, two or more"):
            ChoiceField("pooling", "Pooling", options)


def test_a_number_is_asked_for_in_a_box_and_a_choice_in_a_list():
    assert isinstance(input_of(Field("units", "Units", 8, 1, 64)), Input)
    assert isinstance(input_of(ChoiceField("a", "A", ("b", "c"))), ChoiceInput)
