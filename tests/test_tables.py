"""What people take along from a page says what the page says, and does nothing when it is opened."""

import csv
import io

import pytest
from django.test import RequestFactory

from evaltrack import tables
from evaltrack.errors import NotFound
from evaltrack.tables import Table, as_csv, as_markdown, asked, limits

COLUMNS = ("metric", "version", "note", "value")
STATISTIC = {"value": 0.5, "ci_low": 0.25, "ci_high": 0.75, "n": 4}


def table(*records, brief=()):
    return Table("numbers", COLUMNS, list(records), brief)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_in_a_csv_is_never_a_formula(start):
    text = as_csv(table({"metric": "m", "version": f"{start}HYPERLINK(1)", "value": -0.5}))
    row = next(csv.DictReader(io.StringIO(text, newline="")))
    assert (row["version"], row["value"]) == (f"'{start}HYPERLINK(1)", "-0.5")


def test_a_csv_keeps_every_digit_and_leaves_empty_what_there_is_not():
    rows = list(csv.DictReader(io.StringIO(as_csv(table({"metric": "m", "value": 1 / 3}, {"note": "a,b"})))))
    assert rows[0] == {"metric": "m", "version": "", "note": "", "value": str(1 / 3)}
    assert rows[1]["note"] == "a,b"


def test_markdown_is_one_line_a_record_whatever_the_text_holds():
    hostile = {
        "metric": "a|b\nc",
        "version": "<img src=x>",
        "note": "[x](javascript:alert)",
        "value": 0.123456,
    }
    lines = as_markdown(table(hostile)).splitlines()
    assert lines[0] == "| metric | version | note | value |"
    assert lines[1] == "| --- | --- | --- | ---: |"
    assert lines[2:] == [r"| a\|b c | \<img src=x> | \[x](javascript:alert) | 0.1235 |"]


def test_markdown_has_the_brief_columns_where_there_are_such():
    assert as_markdown(table({"metric": "m", "value": 1}, brief=("metric", "value"))).splitlines() == [
        "| metric | value |",
        "| --- | ---: |",
        "| m | 1 |",
    ]


def test_an_undefined_statistic_leaves_its_columns_empty():
    assert limits("x", STATISTIC) == {"x": 0.5, "x_low": 0.25, "x_high": 0.75}
    assert limits("x", {"undefined": "too few"}) == {}
    assert tables.with_limits("x", "y") == ("x", "x_low", "x_high", "y", "y_low", "y_high")


def test_a_page_gives_the_table_that_is_named_and_else_its_first():
    offered = {"one": lambda: table({"metric": "first"}), "two": lambda: table({"metric": "second"})}

    def get(query):
        return asked(RequestFactory().get(f"/{query}"), offered)

    assert get("") is None
    assert b"first" in get("?format=csv").content
    second = get("?format=markdown&table=two")
    assert b"second" in second.content
    assert second["Content-Disposition"] == 'attachment; filename="numbers.md"'
    assert second["Content-Type"] == "text/markdown; charset=utf-8"
    for query, code in [("?format=pdf", "no_such_format"), ("?format=csv&table=three", "no_such_table")]:
        with pytest.raises(NotFound) as refused:
            get(query)
        assert refused.value.code == code
