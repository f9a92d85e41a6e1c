"""Bytes from one file to another, a part at a time."""

from typing import IO

PART = 64 * 1024


def copied(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size and (part := source.read(min(size, PART))):
        target.write(part)
        size -= len(part)
