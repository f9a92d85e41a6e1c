"""Canonical JSON: one value, one sequence of bytes."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as some

from evaltrack.canonical import canonical_json, is_plain, rounded

LEAVES = (
    some.none()
    | some.booleans()
    | some.integers(-(2**53) + 1, 2**53 - 1)
    | some.text()
    | some.floats(-1e9, 1e9)
)
VALUES = some.recursive(
    LEAVES, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner), max_leaves=30
)


@given(VALUES)
def test_it_is_what_the_reference_writes_whichever_way_it_was_written(value):
    assert canonical_json(value) == rfc8785.dumps(rounded(value))


@pytest.mark.parametrize(
    "value",
    [
        '\x00\x01\x1f\x7f\b\t\n\f\r"\\/',
        "\u2028\u2029 é 😀",
        {"b": 1, "a": [True, None, "x"], "A": {}},
        [2**53 - 1, -(2**53) + 1, 0],
        ("a", 1),
    ],
)
def test_what_the_standard_encoder_writes_is_the_same(value):
    assert is_plain(value)
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.0, 2**53, {"é": 1}, {1: 2}, [0.1], {"a": [{"b": 1e300}]}, object()])
def test_what_has_a_way_of_its_own_is_left_to_the_reference(value):
    assert not is_plain(value)


@pytest.mark.parametrize("value", ["\ud800", ["a", "\udfff"], {"a": "\ud800"}, float("nan"), 2**60, {1: 2}])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):
        canonical_json(value)
