"""Analyse the results of the concept tests: python docs/concept_tests/analyse.py RESULTS.csv

RESULTS.csv has a row for each sheet and the columns code, form (before or after) and 1 to 10 (A, B, C, D or
empty). A question without a column was not asked. README.md, beside this file, says how to collect them.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

QUESTIONS = range(1, 11)
FORMS = ("before", "after")
OPTIONS = ("A", "B", "C", "D")
COLUMNS = ("code", "form", *map(str, QUESTIONS))
ANSWERS = Path(__file__).with_name("answers.csv")
FEW = 30  # students, below which correlations over them are mostly noise
SHOWN = 5  # mistakes of a file that are printed; of more, only the number
LISTED = 20  # the same for codes

EMPTY = "the file is empty. Expected: a first line code,form,1,2,...,10 and a row for each sheet."

CANNOT = """\
What cannot be concluded from these numbers
 * That the course has caused the gain: there is no control group. Students also learn elsewhere, and a second
   test of the same kind is easier for having seen the first.
 * That weak students gained most: low scores rise and high scores fall on average even if nobody has learned
   anything (regression to the mean), and a high score leaves little room for a gain.
 * Anything about students who did not take both tests. Who drops out is hardly ever a random choice.
 * That the mean has changed because of knowledge alone: the forms are not equated. Nobody has measured
   whether the second one is easier or harder.
 * Much about one student or one concept: ten questions at most, one for each concept. With all ten, a student
   who answers each right with a probability of one half has two scores that differ by three points or more in
   one of four cases.
 * That what was learned can be used elsewhere, above all if the questions, or some like them, were practised.
 * That another course was better or worse: other students, other conditions.
"""


class InputError(ValueError):
    """What is wrong with a file of results, in words for a teacher."""


def decoded(data: bytes) -> str:
    """The text of a file, whatever a spreadsheet has encoded it in.

    Parameters
    ----------
    data : bytes
        UTF-8 with or without a byte order mark, UTF-16 with one, or Windows-1252.

    Returns
    -------
    str
        Its text, without a byte order mark.

    Raises
    ------
    InputError
        If the file is empty or holds no text.
    """
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError("this is a spreadsheet, not a CSV file. Save it as CSV in your spreadsheet program.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise InputError("this is no text file. Save the table as CSV, with UTF-8 as its encoding.")
    if not text.strip():
        raise InputError(EMPTY)
    return text


def table_of(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and the rows with the number of the line of each.

    Rows without content are left out. The separator is a comma, a semicolon or a tab: the one that gives the
    first line most columns.
    """
    lines = text.splitlines(keepends=True)
    above = 0
    while above < len(lines) and lines[above].strip().lower()[:4] in ("", "sep="):  # Excel writes sep=;
        above += 1
    if above == len(lines):
        raise InputError(EMPTY)
    separator = max(",;\t", key=lines[above].count)
    rest = io.StringIO("".join(lines[above:]), newline="")
    reader = csv.reader(rest, delimiter=separator, strict=True)
    rows = []
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append((above + reader.line_num, [field.strip() for field in row]))
    except csv.Error as error:
        raise InputError(f"line {above + reader.line_num} cannot be read as CSV: {error}.") from None
    return [name.lower() for name in rows[0][1]], rows[1:]


def check_columns(header: list[str]) -> None:
    """Refuse a table without code, form or any question, or with two columns of a name."""
    missing = [name for name in ("code", "form") if name not in header]
    if not questions_in(header):
        missing.append("of a question")
    if missing:
        found = ", ".join(header)
        raise InputError(
            f"no column {', '.join(missing)}. Expected: code, form, 1, 2, ..., 10; found: {found}."
        )
    if twice := [name for name in COLUMNS if header.count(name) > 1]:
        raise InputError(f"the column {', '.join(twice)} stands there twice. Delete or rename one of them.")


def questions_in(columns: Iterable[str | int]) -> list[int]:
    """The questions that have a column, in their order."""
    names = {str(name) for name in columns}
    return [number for number in QUESTIONS if str(number) in names]


def mistakes_of(sheet: dict) -> list[str]:
    """What is wrong with one sheet, a text for each mistake."""
    found = []
    if not sheet["code"]:
        found.append("no code.")
    if sheet["form"] not in FORMS:
        found.append(f"the form {sheet['form']!r} is unknown. Expected: before or after.")
    for number in questions_in(sheet):
        if sheet[number] not in (*OPTIONS, ""):
            found.append(
                f"question {number}: {sheet[number]!r} is no option. Write A, B, C or D; leave it "
                "empty where nothing, or more than one option, is marked."
            )
    return found


def read_results(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read and check a file of results.

    Parameters
    ----------
    path : Path
        A CSV file with the columns code, form and 1 to 10 or some of these, in any order. Others are ignored.

    Returns
    -------
    results : pandas.DataFrame
        A row for each sheet: code (lower case, without spaces), form, and a column for each question that was
        asked (its number) with A, B, C, D or an empty text.
    notes : list of str
        What was ignored, which questions were not asked, which nobody has answered.

    Raises
    ------
    InputError
        If the file cannot be analysed as it is; its text names the lines.
    """
    try:
        header, rows = table_of(decoded(path.read_bytes()))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}.") from None
    check_columns(header)
    asked = questions_in(header)
    mistakes, sheets, first, blank = [], [], {}, []
    for line, row in rows:
        if len(row) != len(header):
            mistakes.append(f"line {line}: {len(row)} fields, but the first line has {len(header)}.")
            continue
        fields = dict(zip(header, row))
        sheet = {"code": "".join(fields["code"].split()).lower(), "form": fields["form"].lower()}
        sheet |= {number: fields[str(number)].upper() for number in asked}
        mistakes += [f"line {line}: {mistake}" for mistake in mistakes_of(sheet)]
        key = sheet["code"], sheet["form"]
        if key in first and all(key):
            mistakes.append(
                f"line {line}: the code {key[0]!r} has a sheet of the form {key[1]!r} in line {first[key]} "
                "already. Correct one of the codes, or delete a row."
            )
        first.setdefault(key, line)
        if any(sheet[number] for number in asked):
            sheets.append(sheet)
        else:
            blank.append(str(line))
    if mistakes:
        more = [f"... and {len(mistakes) - SHOWN} more"] if len(mistakes) > SHOWN else []
        raise InputError("\n  ".join(mistakes[:SHOWN] + more))
    if not sheets:
        raise InputError(
            "there is no row with an answer. Expected: a row for each sheet below the first line."
        )
    others = [name or "(without a name)" for name in header if name not in COLUMNS]
    notes = [f"Columns that were ignored: {', '.join(others)}."] if others else []
    if blank:
        notes.append(f"Rows without any answer were ignored: line {', '.join(blank)}.")
    if len(asked) < len(QUESTIONS):
        struck = ", ".join(str(number) for number in QUESTIONS if number not in asked)
        notes.append(f"Questions without a column were not asked: {struck}.")
    results = pd.DataFrame(sheets)
    for form, given in results.groupby("form", sort=False):
        if unanswered := ", ".join(str(number) for number in asked if not given[number].any()):
            notes.append(
                f"Nobody has answered on the form {form}: {unanswered}. That counts as not right. If it "
                "was struck from the forms, delete its column."
            )
    return results, notes


def read_key(path: Path = ANSWERS) -> pd.DataFrame:
    """The right options: a row for each form and question, with concept, notebook and right_option."""
    return pd.read_csv(path, dtype={"notebook": str}).set_index(["form", "question"])


def marked(results: pd.DataFrame, key: pd.DataFrame, form: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sheets of one form.

    Parameters
    ----------
    results : pandas.DataFrame
        As from `read_results`.
    key : pandas.DataFrame
        As from `read_key`.
    form : str
        ``"before"`` or ``"after"``.

    Returns
    -------
    given, right : pandas.DataFrame
        A row for each code, a column for each question asked: the option marked; 1 where it is right, else 0.
    """
    asked = questions_in(results.columns)
    given = results[results.form == form].set_index("code")[asked]
    options = key.loc[form].right_option.loc[asked].to_numpy()
    right = (given.to_numpy() == options).astype(int)
    return given, pd.DataFrame(right, index=given.index, columns=given.columns)


def discrimination(right: pd.DataFrame) -> pd.Series:
    """Corrected item-total correlation: each question with the score of the others; NaN without spread."""
    rest = right.rsub(right.sum(axis=1), axis=0)
    values = {}
    for number in right:
        spread = min(right[number].std(ddof=0), rest[number].std(ddof=0)) > 0
        values[number] = np.corrcoef(right[number], rest[number])[0, 1] if spread else np.nan
    return pd.Series(values)


def kr20(right: pd.DataFrame) -> float:
    """Cronbach's alpha of right and wrong answers (Kuder and Richardson's formula 20).

    NaN without spread, and for a single question.
    """
    questions, variance = right.shape[1], right.sum(axis=1).var(ddof=0)
    if questions < 2 or not variance > 0:
        return np.nan
    return questions / (questions - 1) * (1 - right.var(ddof=0).sum() / variance)


def most_frequent_wrong(given: pd.Series, right_option: str) -> str:
    """The wrong option that was marked most often and how often; several where they are equal."""
    counts = given[(given != right_option) & (given != "")].value_counts()
    if counts.empty:
        return "none"
    return f"{', '.join(sorted(counts.index[counts == counts.max()]))} ({counts.max()})"


def interval_of_share(successes: int, number: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's method."""
    return tuple(stats.binomtest(int(successes), int(number)).proportion_ci(method="wilson"))


def interval_of_mean(differences: np.ndarray) -> tuple[float, float] | None:
    """95 % interval of the mean of paired differences (Student's t); None for a single one or no spread."""
    if len(differences) < 2 or np.ptp(differences) == 0:
        return None
    return tuple(stats.ttest_1samp(differences, 0).confidence_interval(0.95))


def interval_of_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float] | None:
    """95 % interval of the difference of two means (Welch's t); None where one group has no spread."""
    if min(len(first), len(second)) < 2 or min(np.ptp(first), np.ptp(second)) == 0:
        return None
    return tuple(stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95))


def in_brackets(interval: tuple[float, float] | None, form: str) -> str:
    """An interval as text, in a format such as ``"+.2f"``."""
    return "(no interval)" if interval is None else "[{:{f}}, {:{f}}]".format(*interval, f=form)


def students(number: int) -> str:
    """A number of students as text."""
    return f"{number} student{'' if number == 1 else 's'}"


def report_of_form(given: pd.DataFrame, right: pd.DataFrame, key: pd.DataFrame, form: str) -> str:
    """What the sheets of one form say, as text; `given` and `right` as from `marked`."""
    number, scores = len(right), right.sum(axis=1)
    deviation = f"standard deviation {scores.std():.2f}, " if number > 1 else ""
    lines = [
        f"Form {form}: {students(number)}, mean score {scores.mean():.2f} of {right.shape[1]} "
        f"({deviation}by guessing {right.shape[1] / len(OPTIONS):.3g})",
        "",
        "question  right  fraction right [95 %]  discrimination  wrong, most often  no answer  concept",
    ]
    correlations = discrimination(right)
    for question, row in key.loc[form].loc[list(right.columns)].iterrows():
        share = f"{right[question].mean():.2f}"
        interval = in_brackets(interval_of_share(right[question].sum(), number), ".2f")
        correlation = "-" if np.isnan(correlations[question]) else f"{correlations[question]:+.2f}"
        lines.append(
            f"{question:8}  {row.right_option:5}  {share} {interval:16}  {correlation:>14}  "
            f"{most_frequent_wrong(given[question], row.right_option):17}  "
            f"{(given[question] == '').sum():9}  {row.concept}"
        )
    alpha = kr20(right)
    why_not = "all scores are equal" if right.shape[1] > 1 else "a single question was asked"
    alpha_is = f"cannot be computed, {why_not}" if np.isnan(alpha) else f"{alpha:.2f}"
    lines += [
        "",
        "Intervals: Wilson's. Discrimination: correlation of a question with the score of all the others",
        "(corrected item-total correlation); - where one of the two has no spread.",
        f"Cronbach's alpha (KR-20): {alpha_is}. Questions about different concepts need not agree with",
        "each other: a low alpha is no fault of theirs, and a high one does not show what they measure.",
    ]
    if number < FEW:
        lines.append(f"With fewer than {FEW} students, alpha and the discriminations are mostly noise.")
    return "\n".join(lines)


def report_of_pairs(before: pd.DataFrame, after: pd.DataFrame, key: pd.DataFrame) -> str:
    """What the students with both forms gained, as text; arguments: `right` of both forms from `marked`."""
    both = before.index.intersection(after.index)
    if both.empty:
        return (
            "Both forms: no student, so no gain can be computed. A code must be written alike on both\n"
            "sheets (capitals and spaces do not matter)."
        )
    before, after = before.loc[both], after.loc[both]
    gain = (after.sum(axis=1) - before.sum(axis=1)).to_numpy()
    interval = interval_of_mean(gain)
    why = "95 % interval, paired, Student's t" if interval else "one student, or all gains are equal"
    lines = [
        f"Both forms: {students(len(both))}, mean score {before.sum(axis=1).mean():.2f} before and "
        f"{after.sum(axis=1).mean():.2f} after",
        f"Mean gain {gain.mean():+.2f} {in_brackets(interval, '+.2f')} ({why})",
        f"Higher after: {(gain > 0).sum()}, equal: {(gain == 0).sum()}, lower: {(gain < 0).sum()}",
        "",
        "question  right before  right after  wrong, then right  right, then wrong  concept",
    ]
    for question in before.columns:
        change = after[question] - before[question]
        lines.append(
            f"{question:8}  {before[question].mean():12.2f}  {after[question].mean():11.2f}  "
            f"{(change > 0).sum():17}  {(change < 0).sum():17}  {key.loc[('before', question)].concept}"
        )
    return "\n".join(lines)


def report_of_others(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Who took one test alone, and how their scores compare, as text; arguments as in `report_of_pairs`."""
    lines = []
    for form, own, other in (("before", before, after), ("after", after, before)):
        alone = own.index.difference(other.index)
        theirs, stayed = own.loc[alone].sum(axis=1), own.drop(alone).sum(axis=1)
        lines.append(f"Form {form} alone: {len(alone)} of {students(len(own))}")
        if len(alone) and len(stayed):
            interval = interval_of_difference(theirs, stayed)
            lines.append(
                f"  mean score {theirs.mean():.2f}, of those with both forms {stayed.mean():.2f}; difference "
                f"{theirs.mean() - stayed.mean():+.2f} {in_brackets(interval, '+.2f')}"
                + (" (95 %, Welch's t)" if interval else "")
            )
        if len(alone):
            more = ", ..." if len(alone) > LISTED else ""
            lines.append(f"  codes, to look for typing errors: {', '.join(alone[:LISTED])}{more}")
    if len(before) and len(after):
        dropped = len(before.index.difference(after.index))
        share = dropped / len(before)
        lines.append(f"Dropped out after the form before: {dropped} of {students(len(before))} ({share:.0%})")
    return "\n".join(lines)


def report(results: pd.DataFrame, key: pd.DataFrame) -> str:
    """Everything that is said about the results, as text.

    Parameters
    ----------
    results : pandas.DataFrame
        As from `read_results`.
    key : pandas.DataFrame
        As from `read_key`.

    Returns
    -------
    str
        A part for each form, for the pairs, for those with one form alone, and what cannot be concluded.
    """
    sheets = {form: marked(results, key, form) for form in FORMS}
    parts = [
        report_of_form(given, right, key, form) if len(right) else f"Form {form}: no sheets"
        for form, (given, right) in sheets.items()
    ]
    before, after = (right for _, right in sheets.values())
    return "\n\n".join([*parts, report_of_pairs(before, after, key), report_of_others(before, after), CANNOT])


def main(arguments: list[str] | None = None) -> None:
    """Print the report, or what is wrong with the file."""
    parser = argparse.ArgumentParser(description="Analyse the results of the concept tests.")
    parser.add_argument("results", type=Path, help="a CSV file with the columns code, form, 1, ..., 10")
    path = parser.parse_args(arguments).results
    try:
        results, notes = read_results(path)
    except InputError as error:
        sys.exit(f"{path}: {error}")
    for note in notes:
        print(note, end="\n\n")
    print(report(results, read_key()), end="")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # a code may hold a character that the terminal cannot show
    main()
