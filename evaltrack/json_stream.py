"""Pure: the values of a long JSON file, one by one: a JSON array's elements, or values that follow each other.

No more of the file is held than one value and the piece in which it ends.
"""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

from evaltrack.canonical import DEEPEST, nested_beyond
from evaltrack.ndjson import no_constant, unique_keys

PIECE = 1 << 16
# A task with all that was said about it; in characters.
LONGEST_VALUE = 4 << 20
SPACE = " \t\r\n"
BOM = "\ufeff"


class Unreadable(Exception):
    """Nothing after this value can be read; `number` counts it from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason


def values(stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Each value with its number. Raises Unreadable at the first that is broken."""
    number = 1
    try:
        text = Text(stream)
        is_array = text.next() == "["
        if is_array:
            text.at += 1
        while (ahead := text.next()) and not (is_array and ahead == "]"):
            yield number, text.value()
            number += 1
            if is_array and text.next() == ",":
                text.at += 1
                if text.next() == "]":
                    raise ValueError("not JSON: a comma stands before the closing bracket")
            elif is_array and text.next() not in ("", "]"):
                raise ValueError("not JSON: a comma or the closing bracket is missing before it")
        if is_array:
            close(text)
    except ValueError as error:
        raise Unreadable(number, str(error)) from None


def close(text: "Text") -> None:
    if not text.next():
        raise ValueError("not JSON: the file ends before the closing bracket; it was cut off")
    text.at += 1
    if text.next():
        raise ValueError("not JSON: something follows the closing bracket")


class Text:
    """What was read of the stream and not used yet, from `at` on."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.json = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=no_constant)
        self.text = ""
        self.at = 0
        self.ended = False
        self.read(PIECE)
        self.text = self.text.removeprefix(BOM)

    def read(self, size: int) -> None:
        """Further bytes, behind what is left."""
        raw = self.stream.read(size)
        self.ended = not raw
        try:
            more = self.decoder.decode(raw, final=self.ended)
        except UnicodeDecodeError:
            raise ValueError("not UTF-8") from None
        self.text, self.at = self.text[self.at :] + more, 0

    def next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in SPACE:
                    return self.text[self.at]
                self.at += 1
            if self.ended:
                return ""
            self.read(PIECE)

    def is_whole(self, found: Any, end: int) -> bool:
        """A number goes on until something ends it: of "1.5e3" a piece may end behind each character."""
        ended_by = self.text[end : end + 1]
        return bool(ended_by) and (ended_by in f"{SPACE},]" or isinstance(found, dict | list | str))

    def value(self) -> Any:
        while True:
            broken = ""
            try:
                found, end = self.json.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                broken = error.msg  # or it is not all here
            except RecursionError:
                raise ValueError(f"nested deeper than {DEEPEST} levels") from None
            except ValueError as error:
                # Python's own sentence about long numbers is for programmers.
                reason = "a number has too many digits" if "digits" in str(error) else str(error)
                raise ValueError(f"not JSON that can be kept: {reason}") from None
            else:
                if self.ended or self.is_whole(found, end):
                    self.at = end
                    if nested_beyond(found, DEEPEST):
                        raise ValueError(f"nested deeper than {DEEPEST} levels")
                    return found
            if broken and self.ended:
                raise ValueError(f"not JSON: {broken}")
            left = len(self.text) - self.at
            if left > LONGEST_VALUE:
                reason = f"longer than {LONGEST_VALUE} characters"
                raise ValueError(f"not JSON, or {reason}" if broken else reason)
            # Twice as much each time: what is parsed again and again adds up to no more than twice.
            self.read(max(PIECE, left))
