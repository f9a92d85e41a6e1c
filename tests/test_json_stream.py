"""A long JSON file, value by value: whatever its pieces, and with no more memory than one value takes."""

import io
import json
import tracemalloc

import pytest

from evaltrack import json_stream
from evaltrack.json_stream import Unreadable, values


class Drips(io.BytesIO):
    """Gives so many bytes at a time, whatever is asked for."""

    size = 1

    def read(self, size=-1, /):
        return super().read(min(self.size, size) if size and size > 0 else self.size)


def read(raw, size=1 << 16):
    stream = Drips(raw)
    stream.size = size
    return list(values(stream))


VALUES = [{"a": [1, 2, {"b": 'ü \\" ] } , 𝄞'}]}, 12345678901, -1.5e3, "x,]", None, True, [], [[]], {}]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
@pytest.mark.parametrize("ascii", [True, False])
def test_an_array_is_read_whatever_its_pieces(size, ascii):
    for raw in (json.dumps(VALUES, ensure_ascii=ascii), json.dumps(VALUES, ensure_ascii=ascii, indent=2)):
        assert read(raw.encode(), size) == list(enumerate(VALUES, start=1))


@pytest.mark.parametrize("size", [1, 5, 1 << 16])
def test_values_may_follow_each_other_too(size):
    raw = "\n".join(json.dumps(value) for value in ({"a": 1}, {"b": 2})) + "\n\n"
    assert read(raw.encode(), size) == [(1, {"a": 1}), (2, {"b": 2})]


def test_a_byte_order_mark_is_none_of_it():
    assert read(b"\xef\xbb\xbf[1]") == [(1, 1)]


@pytest.mark.parametrize("raw", [b"", b"  \n", b"[]", b" [ ] \n"])
def test_what_is_empty_holds_nothing(raw):
    assert read(raw) == []


@pytest.mark.parametrize(
    ("raw", "number", "reason"),
    [
        (b"[1, 2", 3, "cut off"),
        (b"[1, {", 2, "not JSON"),
        (b'[1, {"a": 1', 2, "not JSON"),
        (b"[1 2]", 2, "comma"),
        (b"[1,]", 2, "comma"),
        (b"[,1]", 1, "not JSON"),
        (b"[1] x", 2, "follows"),
        (b"[1] [2]", 2, "follows"),
        (b'[{"a": 1, "a": 2}]', 1, "stands twice"),
        (b"[NaN]", 1, "NaN is not JSON"),
        (b"[-Infinity]", 1, "-Infinity is not JSON"),
        (b"[" * 200_000, 1, "nested deeper"),
        (b'[1, {"a":' * 100_000, 2, "nested deeper"),
        (b"[1, " + b"[" * 150 + b"]" * 150 + b"]", 2, "nested deeper than 100"),
        (b"[" + b"9" * 10_000 + b"]", 1, "too many digits"),
        (b'[1, "\xff"]', 1, "not UTF-8"),
        ('[1, "x"]'.encode("utf-16"), 1, "not UTF-8"),
        ('[1, "ü"]'.encode("latin-1"), 1, "not UTF-8"),
        (b'["\xc3', 1, "not UTF-8"),
        (b"<html>", 1, "not JSON"),
        (b'["' + b"x" * (6 << 20) + b'"]', 1, "longer than 4194304"),
        (b'["' + b"x" * (6 << 20), 1, "longer than 4194304"),
    ],
)
def test_what_is_broken_is_named_with_its_number(raw, number, reason):
    with pytest.raises(Unreadable, match=reason) as broken:
        read(raw)
    assert broken.value.number == number


def test_what_stands_before_a_break_was_read():
    found = values(io.BytesIO(b'[{"a": 1}, {"a": 2}, nonsense]'))
    assert [next(found), next(found)] == [(1, {"a": 1}), (2, {"a": 2})]
    with pytest.raises(Unreadable):
        next(found)


class Endless(io.RawIOBase):
    """An array of so many bytes that stands nowhere."""

    def __init__(self, value, size):
        self.left, self.value, self.begun = size, value, False

    def read(self, size=-1):
        if self.left <= 0:
            return b""
        piece = self.value * max(1, size // len(self.value))
        if not self.begun:
            self.begun, piece = True, b"[" + piece
        self.left -= len(piece)
        return piece if self.left > 0 else piece + b"1]"


@pytest.mark.parametrize("length", [50, 5_000, 300_000])
def test_a_hundred_megabytes_take_the_memory_of_a_value(length):
    value = json.dumps({"text": "x" * length}).encode() + b", "

    def peak(size):
        tracemalloc.start()
        try:
            count = sum(1 for _ in values(Endless(value, size)))
            return tracemalloc.get_traced_memory()[1], count
        finally:
            tracemalloc.stop()

    # The last one is read without measuring each allocation, which takes ten times as long.
    small, _ = peak(2 << 20)
    large, count = peak(20 << 20)
    assert count > (20 << 20) / len(value)
    assert large < small * 1.2 + (1 << 20)
    assert sum(1 for _ in values(Endless(value, 100 << 20))) > (100 << 20) / len(value)


def test_one_long_value_is_not_parsed_again_and_again():
    """By pieces of 64 kB a value of 3 MB would be begun 48 times."""
    attempts = 0

    class Counting(json_stream.Text):
        def read(self, size):
            nonlocal attempts
            attempts += 1
            super().read(size)

    raw = json.dumps([{"text": "x" * (3 << 20)}]).encode()
    text = Counting(io.BytesIO(raw))
    text.next()
    text.at += 1
    assert len(text.value()["text"]) == 3 << 20
    assert attempts < 12
