"""One set of cells, written in each format."""

import csv
import io

import pytest

from rad.report.draw.tables import Column, Table, decimals_for
from rad.report.stats.bootstrap import Estimate

TABLE = Table(
    [
        Column("augmentation", "text"),
        Column("runs"),
        Column("IQM [95 %]", decimals=1),
        Column("empty", decimals=1),
        Column("p", decimals=3),
    ],
    [
        ["none|a_b", 12_000, Estimate(1.25, -0.01, 2.0), None, None],
        ["crop & 5 %", 1, Estimate(3.0), None, 0.0001],
    ],
    name="returns",
    title="Returns",
    notes=["A note."],
)


def test_markdown():
    assert TABLE.markdown() == (
        "## Returns\n\n"
        "| augmentation |   runs |     IQM [95 %] |      p |\n"
        "| ------------ | -----: | -------------: | -----: |\n"
        "| none\\|a_b    | 12,000 | 1.2 [0.0, 2.0] |        |\n"
        "| crop & 5 %   |      1 |            3.0 | <0.001 |\n"
        "\nA note.\n"
    )


def test_csv_has_all_digits_and_a_column_for_each_end():
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows[0] == ["augmentation", "runs", "IQM [95 %]", "IQM [95 %], low", "IQM [95 %], high", "p"]
    assert rows[1] == ["none|a_b", "12000", "1.25", "-0.01", "2.0", ""]
    assert rows[2] == ["crop & 5 %", "1", "3.0", "", "", "0.0001"]


def test_latex_is_escaped():
    lines = TABLE.latex().splitlines()
    assert lines[:3] == ["% Returns", "% A note.", r"\begin{tabular}{lrrr}"]
    assert r"none|a\_b & 12,000 & 1.2 [0.0, 2.0] &  \\" in lines
    assert r"crop \& 5 \% & 1 & 3.0 & <0.001 \\" in lines


def test_plain_text():
    assert Table([Column("a", "text"), Column("b")], [["x", 5], ["long", 10]]).plain() == "a      b\nx      5\nlong  10"


def test_a_table_without_title_begins_with_its_head():
    assert Table([Column("n")], [[5]]).markdown() == "|   n |\n| --: |\n|   5 |\n"


def test_the_first_column_stays_without_entries():
    assert Table([Column("a", "text"), Column("b")], [["", None]]).plain() == "a\n"


def test_a_text_is_written_as_it_is_on_the_side_of_its_column():
    assert Table([Column("std")], [["1.5"], ["12"]]).plain() == "std\n1.5\n 12"


def test_files_are_named_after_the_table():
    assert list(TABLE.files()) == ["returns.md", "returns.csv", "returns.tex"]


def test_a_column_of_texts_stands_left():
    assert TABLE.numeric == [False, True, True, True]


@pytest.mark.parametrize(("values", "decimals"), [([99.9], 2), ([-100], 1), ([9.9, 1], 3), ([], 3)])
def test_decimals_follow_from_the_largest(values, decimals):
    assert decimals_for(values) == decimals
