"""Ogg with Opus or Vorbis: the comments are blanked where they stand, and the sums of their pages written anew.

The second packet of either holds who encoded it, with what, and what the uploader wrote. It keeps its length, so that
no other page changes; behind an empty list of comments, both formats let a player skip what follows.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from evaltrack.media.found import Unfit

PAGE = struct.Struct("<4sBBQIIIB")
CONTINUED, FIRST, LAST = 1, 2, 4
# How the packets of a stream begin: the first, and the second with its comments.
CODECS = {b"OpusHead": b"OpusTags", b"\x01vorbis": b"\x03vorbis"}
CUT_OFF = "is cut off: it ends before its last page; send it again"


@dataclass
class Page:
    header: bytes
    lengths: bytes
    body: bytearray

    @property
    def flags(self) -> int:
        return self.header[5]

    def written(self) -> bytes:
        """With the sum over its bytes that a player checks."""
        blank = self.header[:22] + b"\x00" * 4 + self.header[26:] + self.lengths + bytes(self.body)
        return blank[:22] + struct.pack("<I", checksum(blank)) + blank[26:]


def copy(source: IO[bytes], target: IO[bytes]) -> tuple[str, ...]:
    source.seek(0)
    pages = read(source)
    first = next(pages)
    comments = next((second for start, second in CODECS.items() if first.body.startswith(start)), None)
    if comments is None or not first.flags & FIRST:
        raise Unfit("is an Ogg without Opus or Vorbis sound in it; send it as one of these")
    target.write(first.written())
    stream, last = first.header[14:18], first
    packet = Packet(comments)
    for page in pages:
        if page.header[14:18] != stream or page.flags & FIRST:
            raise Unfit("holds more than one recording; send each as a file")
        if not packet.is_whole:
            packet.blank(page)
            target.write(page.written())
        else:
            target.write(page.header + page.lengths + page.body)
        last = page
    if not (packet.is_whole and last.flags & LAST):
        raise Unfit(CUT_OFF)
    return ("comments and the encoder's name",)


class Packet:
    """The packet with the comments, which may reach over several pages."""

    def __init__(self, start: bytes) -> None:
        self.start, self.at, self.is_whole = start, 0, False

    def blank(self, page: Page) -> None:
        """Overwrite what of the packet lies on this page."""
        size = 0
        for length in page.lengths:
            size += length
            if length < 255:
                self.is_whole = True
                break
        if self.at == 0 and not page.body.startswith(self.start):
            raise Unfit("is no Ogg that can be cleaned: its comments are not where they belong")
        if self.at == 0 and size < len(self.start) + 8 + 1:
            raise Unfit("is no Ogg that can be cleaned: its comments are too short to be any")
        page.body[:size] = self.content(size)
        self.at += size

    def content(self, size: int) -> bytes:
        """The beginning, no name, no comment; for Vorbis a bit that ends the list; then nothing."""
        if self.at:
            return b"\x00" * size
        end = b"\x01" if self.start == b"\x03vorbis" else b""
        return (self.start + b"\x00" * 8 + end).ljust(size, b"\x00")


def read(source: IO[bytes]) -> Iterator[Page]:
    while header := source.read(PAGE.size):
        if len(header) < PAGE.size:
            raise Unfit(CUT_OFF)
        if header[:5] != b"OggS\x00":
            raise Unfit("is no Ogg that can be cleaned: something else stands between its pages")
        lengths = source.read(header[26])
        body = bytearray(source.read(sum(lengths)))
        if len(lengths) < header[26] or len(body) < sum(lengths):
            raise Unfit(CUT_OFF)
        yield Page(header, lengths, body)


def table() -> list[int]:
    sums = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)
        sums.append(value & 0xFFFFFFFF)
    return sums


TABLE = table()


def checksum(content: bytes) -> int:
    value = 0
    for byte in content:
        value = (value << 8 & 0xFFFFFFFF) ^ TABLE[value >> 24 ^ byte]
    return value
