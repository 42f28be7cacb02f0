"""The concept tests for teachers: forms, answers and README agree, and the analysis gives what is known."""

import importlib.util
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from notebook_helpers import PATHS, ROOT
from scipy import stats

FOLDER = ROOT / "docs" / "concept_tests"
README = (FOLDER / "README.md").read_text("utf-8")
FORMS = ("before", "after")
NUMBERS = list(range(1, 11))

specification = importlib.util.spec_from_file_location("concept_test_analysis", FOLDER / "analyse.py")
analyse = importlib.util.module_from_spec(specification)
specification.loader.exec_module(analyse)

KEY = analyse.read_key()
RIGHT = {form: KEY.loc[form].right_option.to_dict() for form in FORMS}
HEADER = "code,form,1,2,3,4,5,6,7,8,9,10"
GOOD = f"{HEADER}\nha07,before,C,B,A,B,C,B,A,A,D,B\nha07,after,B,D,A,C,D,C,B,A,D,A\n"


def questions(form):
    """The text of each question of a form, and its options by their letters."""
    numbers, texts = [], {}
    for part in (FOLDER / f"{form}.md").read_text("utf-8").split("\n## ")[1:]:
        number, text = part.split("\n", 1)
        numbers.append(int(number))
        options = re.findall(r"^- \*\*(\w)\*\* (.+)$", text, re.M)
        texts[int(number)] = text, dict(options), [letter for letter, _ in options]
    return numbers, texts


def wrong(form, number, which=0):
    """A wrong option: the first, second or third."""
    return [option for option in "ABCD" if option != RIGHT[form][number]][which]


def sheet(code, form, known, which=0):
    """A row of results with the right option for the known questions and a wrong one elsewhere."""
    row = [RIGHT[form][n] if n in known else wrong(form, n, which) for n in NUMBERS]
    return [code, form, *row]


def results(sheets):
    return pd.DataFrame(sheets, columns=["code", "form", *NUMBERS])


def marked(sheets, form="before"):
    return analyse.marked(results(sheets), KEY, form)


def read(tmp_path, content):
    path = tmp_path / "results.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return analyse.read_results(path)


# The forms


@pytest.mark.parametrize("form", FORMS)
def test_a_form_has_ten_questions_with_four_options_each(form):
    numbers, texts = questions(form)
    assert numbers == NUMBERS
    for text, options, letters in texts.values():
        assert letters == list("ABCD") and len(set(options.values())) == 4
        assert "?" in text.split("- **A**")[0]
    lines = (FOLDER / f"{form}.md").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 120
    assert "".join(lines).isascii()  # printed from any program, whatever it takes the encoding for


def test_both_forms_give_the_same_instructions():
    heads = [(FOLDER / f"{form}.md").read_text("utf-8").split("\n## ")[0] for form in FORMS]
    assert heads[0].replace("before", "after", 1) == heads[1]


def test_no_question_stands_in_both_forms():
    before, after = (questions(form)[1] for form in FORMS)
    assert all(before[n][0] != after[n][0] for n in NUMBERS)


@pytest.mark.parametrize("form", FORMS)
def test_neither_letter_nor_length_gives_the_right_option_away(form):
    letters = list(RIGHT[form].values())
    assert {letters.count(letter) for letter in "ABCD"} <= {2, 3}
    lengths = {n: {k: len(option) for k, option in questions(form)[1][n][1].items()} for n in NUMBERS}
    for extreme in (max, min):
        there = [
            n
            for n, of in lengths.items()
            if of[RIGHT[form][n]] == extreme(of.values())
            and list(of.values()).count(extreme(of.values())) == 1
        ]
        assert len(there) <= 5, (extreme, there)


def test_the_right_letter_of_one_form_does_not_tell_that_of_the_other():
    assert all(RIGHT["before"][n] != RIGHT["after"][n] for n in NUMBERS)


# answers.csv and README


def test_answers_hold_each_question_of_each_form_once():
    assert list(KEY.index) == [(form, number) for form in FORMS for number in NUMBERS]
    assert set(KEY.right_option) <= set("ABCD")


def test_both_forms_ask_for_the_same_concepts_of_notebooks_that_exist():
    before, after = (KEY.loc[form][["concept", "notebook"]] for form in FORMS)
    assert before.equals(after) and before.concept.is_unique
    assert {int(notebook) for notebook in before.notebook} <= set(PATHS)


def test_readme_gives_the_same_right_options_and_explains_each_wrong_one():
    parts = re.split(r"^### ", README, flags=re.M)[1:]
    assert len(parts) == 10
    for number, part in enumerate(parts, start=1):
        row = KEY.loc[("before", number)]
        heading = part.split("\n")[0]
        assert heading.lower().startswith(
            f"{number} · {row.concept} (notebook {row.notebook}, section".lower()
        )
        found = re.search(r"^Right: before \*\*(\w)\*\*, after \*\*(\w)\*\*\. \w", part, re.M)
        assert found.groups() == tuple(RIGHT[form][number] for form in FORMS)
        pairs = re.findall(r"^\| ([A-D]) \| ([A-D]) \| (.{10,}) \|$", part, re.M)
        for form, right, letters in zip(FORMS, found.groups(), zip(*(pair[:2] for pair in pairs))):
            assert sorted([right, *letters]) == list("ABCD"), (form, number)


def test_readme_has_short_lines_links_that_lead_somewhere_and_an_example_that_can_be_read(tmp_path):
    assert max(map(len, README.splitlines())) <= 120
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (FOLDER / target).exists(), target
    example = re.search(r"```\n(code,form.*?)```", README, re.S)[1]
    assert len(read(tmp_path, example)[0]) == 3
    assert "python docs/concept_tests/analyse.py RESULTS.csv" in README and "not been tried" in README


def test_readme_and_report_warn_of_the_same():
    for text in (README.split("## What cannot be concluded")[1].split("\n## ")[0], analyse.CANNOT):
        for word in ("control group", "regression to the mean", "equated", "ten questions", "practise"):
            assert word in text.replace("Ten", "ten").replace("\n  ", ""), word


# What the questions rest on


def test_question_2_a_derivative_over_ten_steps_is_a_product():
    def after_ten_steps(h, u, drive):
        for _ in range(10):
            h = np.tanh(drive + u * h)
        return h

    for u, state, factor in ((1.0, 0.9, 0.2), (0.5, 0.0, 0.5)):
        drive = np.arctanh(state) - u * state  # the input that holds the state there
        step = 1e-4
        slope = (after_ten_steps(state + step, u, drive) - after_ten_steps(state - step, u, drive)) / (
            2 * step
        )
        assert factor**10 / 2 < slope < factor**10 * 2


def test_question_6_the_floor_can_be_nearly_reached_from_a_hundred_values():
    t = np.arange(101)
    columns = np.column_stack([np.sin(2 * np.pi * t / 50), np.cos(2 * np.pi * t / 50)])
    weights = columns[-1] @ np.linalg.pinv(columns[:-1])  # least squares: the forecast is linear in the past
    assert 0.04 < 0.04 * (1 + np.sum(weights**2)) < 0.041


@pytest.mark.parametrize(
    ("form", "even", "uneven"),
    [("before", [1 / 4] * 2, [1 / 2, 1 / 1024]), ("after", [1 / 8] * 4, [*[1 / 2] * 3, 1 / 4096])],
)
def test_question_8_gives_the_bits_of_both_models(form, even, uneven):
    right = questions(form)[1][8][1][RIGHT[form][8]]
    bits = [-np.log2(p).mean() for p in (even, uneven)]
    assert [float(number) for number in re.findall(r"[\d.]+\d|\d", right)] == pytest.approx(bits)
    assert -np.log2(np.mean(uneven)) < bits[1] and bits[0] < bits[1]


@pytest.mark.parametrize(
    ("form", "sign", "stated"), [("before", -1, "0.032 ± 0.008"), ("after", 1, "1.03 ± 0.21")]
)
def test_question_10_paired_the_difference_is_clear_and_unpaired_it_is_not(form, sign, stated):
    rows = re.findall(r"^ +network \w((?: +[\d.]+){6})$", questions(form)[1][10][0], re.M)
    first, second = (np.array(row.split(), float) for row in rows)
    gains = sign * (first - second)
    half = stats.t.ppf(0.975, 5) * gains.std(ddof=1) / np.sqrt(6)
    assert gains.min() > 0 and gains.mean() > half
    digits = len(stated.split()[0].split(".")[1])
    assert f"{gains.mean():.{digits}f} ± {half:.{digits}f}" == stated and stated in README.replace("\n", " ")
    low, high = stats.ttest_ind(first, second).confidence_interval()
    assert low < 0 < high


# The analysis


def test_gain_of_four_students_is_the_one_worked_out_by_hand():
    sheets = [sheet(f"s{i}", "before", range(1, k + 1)) for i, k in enumerate([2, 3, 4, 5])]
    sheets += [sheet(f"s{i}", "after", range(1, k + 1)) for i, k in enumerate([4, 5, 8, 9])]
    text = analyse.report(results(sheets), KEY)
    half = 3.182446 * np.sqrt(4 / 3) / 2  # gains 2, 2, 4, 4
    assert "Both forms: 4 students, mean score 3.50 before and 6.50 after" in text
    assert f"Mean gain +3.00 [{3 - half:+.2f}, {3 + half:+.2f}] (95 % interval, paired, Student's t)" in text
    assert "Higher after: 4, equal: 0, lower: 0" in text and "mean score 3.50 of 10" in text
    assert re.search(r"^ +5 +0\.25 +0\.75 +2 +0  ", text, re.M), text
    assert text.endswith(analyse.CANNOT) and "no control group" in text


def test_wilson_interval_of_eight_of_ten():
    assert analyse.interval_of_share(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Newcombe's formula


def test_a_table_says_how_difficult_a_question_was_and_which_wrong_option_was_preferred():
    popular = [*[sheet(f"a{i}", "before", {1}, 2) for i in range(3)], sheet("b", "before", {1, 2}, 0)]
    text = analyse.report_of_form(*marked(popular), KEY, "before")
    assert re.search(rf"^ +1 +{RIGHT['before'][1]} +1\.00 \[0\.51, 1\.00\] +- +none +0 ", text, re.M), text
    assert re.search(rf"^ +2 +\w +0\.25 .* {wrong('before', 2, 2)} \(3\) ", text, re.M), text
    assert "mostly noise" in text


def test_wrong_options_of_equal_number_are_all_named_and_empty_fields_are_none():
    given = pd.Series(["A", "B", "B", "C", "C", "", "", ""])
    assert analyse.most_frequent_wrong(given, "A") == "B, C (2)"
    assert analyse.most_frequent_wrong(pd.Series(["", "A"]), "A") == "none"


def test_students_who_know_all_or_nothing_make_alpha_and_discrimination_one():
    _, right = marked(
        [sheet("a", "before", NUMBERS), sheet("b", "before", []), sheet("c", "before", NUMBERS)]
    )
    assert analyse.kr20(right) == pytest.approx(1)
    assert list(analyse.discrimination(right)) == pytest.approx([1] * 10)


def test_alpha_is_cronbachs_and_discrimination_leaves_the_question_itself_out():
    rng = np.random.default_rng(0)
    ability = rng.normal(size=(200, 1))
    right = pd.DataFrame((ability + rng.normal(size=(200, 10)) > 0).astype(int), columns=NUMBERS)
    covariance = np.cov(right.T)
    alpha = 10 / 9 * (1 - np.trace(covariance) / covariance.sum())
    assert analyse.kr20(right) == pytest.approx(alpha) and 0.7 < alpha < 0.95
    others = right.drop(columns=3).sum(axis=1)
    assert analyse.discrimination(right)[3] == pytest.approx(np.corrcoef(right[3], others)[0, 1])


def test_guessing_gives_two_and_a_half_points_no_gain_and_alpha_near_zero():
    rng = np.random.default_rng(1)
    sheets = [[f"g{i}", form, *rng.choice(list("ABCD"), 10)] for form in FORMS for i in range(400)]
    before, after = (marked(sheets, form)[1] for form in FORMS)
    assert before.sum(axis=1).mean() == pytest.approx(2.5, abs=0.3)
    low, high = analyse.interval_of_mean((after.sum(axis=1) - before.sum(axis=1)).to_numpy())
    assert low < 0.3 and high > -0.3 and high - low < 0.5
    assert abs(analyse.kr20(before)) < 0.25
    assert "mostly noise" not in analyse.report_of_form(*marked(sheets), KEY, "before")


def test_students_who_dropped_out_are_compared_with_those_who_stayed():
    sheets = [sheet(f"stay{i}", form, range(1, 7 + i)) for form in FORMS for i in range(3)]
    sheets += [sheet(f"gone{i}", "before", range(1, 2 + i)) for i in range(2)]
    sheets += [sheet("new", "after", NUMBERS)]
    text = analyse.report(results(sheets), KEY)
    welch = stats.ttest_ind([1, 2], [6, 7, 8], equal_var=False).confidence_interval()
    assert "Form before alone: 2 of 5 students" in text and "Form after alone: 1 of 4 students" in text
    assert (
        f"mean score 1.50, of those with both forms 7.00; difference -5.50 [{welch[0]:+.2f}, {welch[1]:+.2f}]"
        in text
    )
    assert "Dropped out after the form before: 2 of 5 students (40%)" in text
    assert "codes, to look for typing errors: gone0, gone1" in text
    assert "difference +3.00 (no interval)" in text  # a single student


def test_without_students_who_took_both_tests_there_is_no_gain():
    sheets = [sheet("a", "before", {1}), sheet("b", "before", {2}), sheet("c", "after", {1})]
    text = analyse.report(results(sheets), KEY)
    assert "Both forms: no student, so no gain can be computed" in text and "Mean gain" not in text
    assert "Dropped out after the form before: 2 of 2 students (100%)" in text and analyse.CANNOT in text


@pytest.mark.parametrize(("form", "other"), [FORMS, FORMS[::-1]])
def test_one_form_alone_can_be_analysed(form, other):
    text = analyse.report(results([sheet("a", form, {1}), sheet("b", form, {2, 3})]), KEY)
    assert f"Form {form}: 2 students, mean score 1.50" in text and f"Form {other}: no sheets" in text
    assert "Both forms: no student" in text and "Dropped out" not in text


def test_a_single_student_has_no_interval_and_no_warning_of_numpy():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = analyse.report(results([sheet("a", form, {1, 2}) for form in FORMS]), KEY)
    assert "Mean gain +0.00 (no interval) (one student, or all gains are equal)" in text
    assert "Cronbach's alpha (KR-20): cannot be computed" in text and "nan" not in text


# Files


def test_a_file_is_read_as_it_stands(tmp_path):
    table, notes = read(tmp_path, GOOD)
    assert list(table.columns) == ["code", "form", *NUMBERS] and not notes
    assert table.form.tolist() == list(FORMS) and "".join(table.loc[0, NUMBERS]) == "CBABCBAADB"


SAME = {
    "byte order mark": "\ufeff" + GOOD,
    "semicolons": GOOD.replace(",", ";"),
    "semicolons and a line for Excel": "sep=;\r\n" + GOOD.replace(",", ";").replace("\n", "\r\n"),
    "tabs": GOOD.replace(",", "\t"),
    "UTF-16 as Excel writes it": GOOD.replace(",", "\t").encode("utf-16"),
    "quotation marks": re.sub(r"[^,\n]+", r'"\g<0>"', GOOD),
    "line ends of old Macs": GOOD.replace("\n", "\r"),
    "no end of the last line": GOOD.rstrip(),
    "small letters and spaces": GOOD.lower().replace(",", " , ").replace("ha07", "HA 07"),
    "empty rows": GOOD.replace("\nha07,a", f"\n\n{',' * 11}\nha07,a") + f"{',' * 11}\n\n",
}


@pytest.mark.parametrize("way", SAME)
def test_spreadsheets_may_write_it_in_their_own_way(tmp_path, way):
    table, notes = read(tmp_path, SAME[way])
    assert table.equals(read(tmp_path, GOOD)[0]) and not notes


def test_a_file_may_be_in_an_older_encoding_and_in_another_order(tmp_path):
    lines = [
        "date;10;9;8;7;6;5;4;3;2;1;form;code",
        "3 May;A;B;C;D;A;B;C;D;A;;before;Mü01",
        ";;;;;;;;;;;after;Mü01",
    ]
    table, notes = read(tmp_path, "\n".join(lines).encode("cp1252"))
    assert table.code.tolist() == ["mü01"] and "".join(table.loc[0, NUMBERS]) == "ADCBADCBA"
    assert notes[:2] == ["Columns that were ignored: date.", "Rows without any answer were ignored: line 3."]
    assert len(notes) == 3 and notes[2].startswith("Nobody has answered on the form before: 1.")


ROW = "ha07,before,C,B,A,B,C,B,A,A,D,B"
BAD = {
    "^the file is empty": b"",
    "the file is empty. Expected": " \n\n",
    "the file is empty.*sheet.$": b"\xef\xbb\xbf",
    "^there is no row with an answer": HEADER,
    "there is no row with an answer. Expected": f"{HEADER}\nha07,before{',' * 10}\n",
    "this is a spreadsheet, not a CSV file": b"PK\x03\x04 and so on",
    "this is no text file": b"code\x00form",
    "no column of a question. Expected: code, form, 1, 2, ..., 10; found: code, form, 11": (
        "code,form,11\nha07,before,A\n"
    ),
    "no column code, form, of a question": "ha07 before C B A B C B A A D B\n",
    "no column code, form.*found: name, test": GOOD.replace("code,form", "name,test"),
    "the column form stands there twice": GOOD.replace("\n", ",before\n").replace("10,before", "10,form"),
    "line 2: question 3: 'E' is no option. Write A, B, C or D; leave it empty": GOOD.replace(
        "C,B,A", "C,B,e", 1
    ),
    "line 3: question 1: 'BC' is no option": GOOD.replace("after,B", "after,BC"),
    "line 2: the form 'pre' is unknown. Expected: before or after": GOOD.replace("before", "pre"),
    "line 3: the form '' is unknown": GOOD.replace("after", ""),
    "line 2: no code": GOOD.replace("ha07,b", " ,b"),
    "line 4: the code 'ha07' has a sheet of the form 'before' in line 2 already": GOOD
    + ROW.replace("ha", "HA "),
    "line 2: 11 fields, but the first line has 12": GOOD.replace("C,B,A,B,C", "C,B,A,B", 1),
    "line 3: 13 fields": GOOD.rstrip() + ",A\n",
    "line 3 cannot be read as CSV": GOOD.replace("ha07,a", 'ha07,"a'),
}


@pytest.mark.parametrize("message", BAD)
def test_a_file_that_cannot_be_analysed_is_refused_in_words(tmp_path, message):
    with pytest.raises(analyse.InputError, match=message) as caught:
        read(tmp_path, BAD[message])
    assert len(str(caught.value).splitlines()) <= analyse.SHOWN + 1


# A part of the questions


def without(text, *struck):
    """A file of results without the columns of these questions."""
    rows = [line.split(",") for line in text.splitlines()]
    kept = [place for place, name in enumerate(rows[0]) if name not in map(str, struck)]
    return "\n".join(",".join(row[place] for place in kept) for row in rows) + "\n"


@pytest.mark.parametrize("struck", [(5, 6, 7, 8), (1,), (10,), tuple(range(1, 10))])
def test_questions_without_a_column_were_not_asked(tmp_path, struck):
    table, notes = read(tmp_path, without(GOOD, *struck))
    asked = [number for number in NUMBERS if number not in struck]
    assert list(table.columns) == ["code", "form", *asked]
    assert notes == [f"Questions without a column were not asked: {', '.join(map(str, struck))}."]
    assert table.equals(read(tmp_path, GOOD)[0].drop(columns=list(struck)))


def test_a_report_on_six_questions_speaks_of_six(tmp_path):
    sheets = [sheet(f"s{i}", "before", range(1, k + 1)) for i, k in enumerate([2, 3, 4, 10])]
    sheets += [sheet(f"s{i}", "after", range(1, k + 1)) for i, k in enumerate([4, 5, 4, 10])]
    struck = [5, 6, 7, 8]
    some = results(sheets).drop(columns=struck)
    text = analyse.report(some, KEY)
    scores = [2, 3, 4, 6], [4, 4, 4, 6]  # of 1, 2, 3, 4, 9 and 10
    assert "Form before: 4 students, mean score 3.75 of 6 (" in text and "by guessing 1.5)" in text
    assert "Both forms: 4 students, mean score 3.75 before and 4.50 after" in text
    gains = np.subtract(scores[1], scores[0])
    low, high = stats.ttest_1samp(gains, 0).confidence_interval()
    assert f"Mean gain +0.75 [{low:+.2f}, {high:+.2f}]" in text and "of 10" not in text
    numbers = [int(number) for number in re.findall(r"^ +(\d+)  ", text, re.M)]
    assert numbers == 3 * [1, 2, 3, 4, 9, 10] and text.endswith(analyse.CANNOT)
    right = marked(sheets)[1].drop(columns=struck)
    covariance = np.cov(right.T, ddof=0)
    assert analyse.kr20(right) == pytest.approx(6 / 5 * (1 - np.trace(covariance) / covariance.sum()))


def test_a_single_question_has_neither_alpha_nor_discrimination():
    one = results([sheet("a", form, {3}) for form in FORMS] + [sheet("b", "before", set())])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = analyse.report(one.drop(columns=[n for n in NUMBERS if n != 3]), KEY)
    assert "alpha (KR-20): cannot be computed, a single question was asked" in text
    assert "mean score 0.50 of 1 (" in text and "nan" not in text


def test_a_column_that_nobody_has_filled_on_a_form_is_told(tmp_path):
    text = GOOD.replace("C,B,A,B,C", "C,B,A,B,").replace("A,A,D,B", "A,A,,B")
    table, notes = read(tmp_path, text)
    assert list(table.columns) == ["code", "form", *NUMBERS] and len(notes) == 1
    assert notes[0].startswith("Nobody has answered on the form before: 5, 9. That counts as not right.")


# What cannot be read, and the command


def test_of_many_mistakes_the_first_are_named_and_the_others_counted(tmp_path):
    with pytest.raises(analyse.InputError) as caught:
        read(tmp_path, f"{HEADER}\n" + "\n".join(f"s{i},before{',X' * 10}" for i in range(3)))
    lines = str(caught.value).splitlines()
    assert (
        len(lines) == 6 and lines[0].startswith("line 2: question 1: 'X'") and "... and 25 more" in lines[-1]
    )


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(analyse.InputError, match="the file cannot be read: "):
            analyse.read_results(path)


def test_the_command_prints_a_report_or_what_is_wrong(tmp_path, capsys):
    path = tmp_path / "results.csv"
    path.write_text(GOOD, "utf-8")
    command = [sys.executable, str(FOLDER / "analyse.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr
    assert (
        done.stdout.isascii()
        and "Both forms: 1 student," in done.stdout
        and done.stdout.endswith(analyse.CANNOT)
    )
    path.write_text(GOOD.replace("C,B,A", "C,B,Z", 1), "utf-8")
    with pytest.raises(SystemExit, match="results.csv: line 2: question 3: 'Z' is no option"):
        analyse.main([str(path)])
    assert capsys.readouterr().out == ""
