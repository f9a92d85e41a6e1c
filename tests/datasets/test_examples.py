"""Reading examples: each bad line is located, and one bad line means that nothing is used."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.examples import Example, read_examples
from evaltrack.ndjson import LONGEST_LINE, MOST_ERRORS, BrokenLines, LineError, bounded_lines

GOOD = b'{"id": "q1", "input": "1 + 1", "expected": "2"}\n'


def errors_of(*lines: bytes) -> list[LineError]:
    with pytest.raises(BrokenLines) as broken:
        list(read_examples(lines))
    return broken.value.errors


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b"{", "", "not JSON that can be kept"),
        (b"[1, 2]", "", "not a JSON object"),
        (b'"text"', "", "not a JSON object"),
        (b"null", "", "not a JSON object"),
        (b'{"input": NaN}', "", "NaN is not JSON"),
        (b'{"input": "a", "expected": Infinity}', "", "Infinity is not JSON"),
        (b'{"input": "a", "expected": 1e999}', "", "not JSON that can be kept"),
        (b'{"input": "a", "expected": 9007199254740993}', "", "not JSON that can be kept"),
        (b'{"input": "a", "input": "b"}', "", "the key 'input' stands twice"),
        (b'{"input": {"x": 1, "x": 2}}', "", "the key 'x' stands twice"),
        (b'{"input": "a\\u0000b"}', "", "holds a NUL character; remove it"),
        (b'{"input": {"a\\u0000": 1}}', "", "holds a NUL character; remove it"),
        (b'{"input": "\\ud800"}', "", "not JSON that can be kept"),
        (b'{"input": "\xff\xfe"}', "", "not UTF-8"),
        (b"[" * 100_000, "", "not JSON that can be kept"),
        (b'{"input": "' + b"a" * LONGEST_LINE + b'"}', "", f"longer than {LONGEST_LINE} bytes"),
        (b'{"inputs": "a", "input": "b"}', "inputs", "unknown field; known are context, expected, id"),
        (b'{"expected": "a"}', "input", "must be text or an object, and not empty"),
        (b'{"input": ""}', "input", "must be text or an object, and not empty"),
        (b'{"input": 5}', "input", "must be text or an object, and not empty"),
        (b'{"input": {}}', "input", "must be text or an object, and not empty"),
        (b'{"input": "a", "tags": "sums"}', "tags", "must be a list of texts"),
        (b'{"input": "a", "tags": [1]}', "tags", "must be a list of texts"),
        (b'{"input": "a", "tags": null}', "tags", "must be a list of texts"),
        (b'{"input": "a", "metadata": []}', "metadata", "must be an object"),
        (b'{"input": "a", "id": null}', "id", "must be text or a number of up to 200 characters"),
        (b'{"input": "a", "id": true}', "id", "must be text or a number of up to 200 characters"),
        (b'{"input": "a", "id": "' + b"x" * 201 + b'"}', "id", "must be text or a number of up to 200"),
        (GOOD, "id", "'q1' stands on line 1 too; ids are unique"),
    ],
)
def test_a_bad_line_is_located_by_line_field_and_reason(line, field, reason):
    [error] = errors_of(GOOD, line)
    assert (error.line, error.field) == (2, field)
    assert reason in error.reason


def test_one_line_can_have_several_faults():
    faults = errors_of(b'{"input": 5, "tags": 5, "other": 1}')
    assert {error.field for error in faults} == {"input", "tags", "other"}


def test_every_bad_line_is_told_at_once_up_to_a_hundred():
    assert [error.line for error in errors_of(b"x", GOOD, b"x", b"x")] == [1, 3, 4]
    assert len(errors_of(*[b"x"] * 250)) == MOST_ERRORS


@pytest.mark.parametrize("lines", [[], [b"\n", b"  \n"]])
def test_a_file_without_an_example_is_an_error(lines):
    [error] = errors_of(*lines)
    assert error.reason == "there is no example; write one JSON object a line"


def test_after_a_bad_line_nothing_is_yielded():
    rows = read_examples([b'{"input": "a"}', b"x", b'{"input": "b"}'])
    assert next(rows).input == "a"
    with pytest.raises(BrokenLines):
        next(rows)


def test_blank_lines_count_but_say_nothing():
    [row] = read_examples([b"\n", GOOD, b"\n"])
    assert row.id == "q1"
    [error] = errors_of(b"\n", b"x")
    assert error.line == 2


def test_text_that_speaks_of_the_nul_escape_is_no_nul():
    [row] = read_examples([rb'{"input": "write \\u0000"}'])
    assert row.input == r"write \u0000"


def test_an_example_without_an_id_is_named_by_its_content():
    one, other = (next(read_examples([line])) for line in (b'{"input":"a","tags":[]}', b'{"input": "b"}'))
    assert one.id == next(read_examples([b'{ "tags": [], "input": "a" }'])).id
    assert one.id != other.id


def test_a_number_is_an_id_too():
    rows = list(read_examples([b'{"id": 0, "input": "a"}', b'{"id": 7, "input": "a"}']))
    assert [row.id for row in rows] == ["0", "7"]
    assert errors_of(b'{"id": 7, "input": "a"}', b'{"id": "7", "input": "b"}')[0].field == "id"


def test_an_endless_line_is_never_held_whole():
    stream = io.BytesIO(GOOD + b'{"input": "' + b"a" * (3 * LONGEST_LINE) + b'"}\n' + b'{"input": "b"}')
    lines = list(bounded_lines(stream))
    assert [len(line) <= LONGEST_LINE + 2 for line in lines] == [True, True, True]
    assert (lines[0], lines[2]) == (GOOD, b'{"input": "b"}')
    assert [error.line for error in errors_of(*lines)] == [2]


plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=6,
)
rows = st.fixed_dictionaries(
    {"input": plain_text.filter(bool) | st.dictionaries(plain_text, values, min_size=1, max_size=3)},
    optional={
        "expected": values,
        "context": values,
        "tags": st.lists(plain_text.filter(bool), max_size=3),
        "metadata": st.dictionaries(plain_text, values, max_size=3),
    },
)


@given(rows)
def test_what_was_read_is_what_was_written_to_the_last_digit(row):
    [read] = read_examples([json.dumps({"id": "q", **row}).encode()])
    again = json.loads(read.as_bytes())
    assert Example(**{**again, "tags": tuple(again.get("tags", ()))}) == read
    for name in ("input", "expected", "context"):
        assert getattr(read, name) == row.get(name)
    assert (list(read.tags), read.metadata) == (row.get("tags", []), row.get("metadata", {}))
