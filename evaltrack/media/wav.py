"""WAV: the format and the samples are kept, every other chunk goes."""

import struct
from typing import IO

from evaltrack.media.copying import copied
from evaltrack.media.found import Unfit

# Plain numbers, floating point, A-law, µ-law, and the extensible form of these.
ENCODINGS = {1, 3, 6, 7, 0xFFFE}
CUT_OFF = "is cut off: its samples end before the file says so; send it again"


def copy(source: IO[bytes], target: IO[bytes]) -> tuple[str, ...]:
    """The recording without its tags; which chunks were left out."""
    end = source.seek(0, 2)
    source.seek(12)
    removed: dict[str, None] = {}  # in order, each once
    format_chunk = b""
    while (at := source.tell()) + 8 <= end:
        name, size = struct.unpack("<4sI", source.read(8))
        if name == b"data":
            if not format_chunk:
                raise Unfit("is no WAV that can be played: its samples come before their format")
            if at + 8 + size > end:
                raise Unfit(CUT_OFF)
            write(source, target, format_chunk, size)
            if end - source.tell() > size % 2:
                removed["what followed the samples"] = None
            return tuple(removed)
        if name == b"fmt ":
            format_chunk = checked_format(source.read(min(size, 40)))
        else:
            removed[name.decode("latin-1").strip() if name.strip().isalnum() else "an unnamed chunk"] = None
        source.seek(at + 8 + size + size % 2)
    raise Unfit(CUT_OFF)


def checked_format(chunk: bytes) -> bytes:
    if len(chunk) < 16 or struct.unpack("<H", chunk[:2])[0] not in ENCODINGS:
        raise Unfit("is a WAV in an encoding that browsers do not play; send it as 16 bit PCM")
    return chunk[:16] if chunk[:2] == b"\x01\x00" else chunk


def write(source: IO[bytes], target: IO[bytes], format_chunk: bytes, size: int) -> None:
    padding = b"\x00" * (size % 2)
    whole = 4 + 8 + len(format_chunk) + 8 + size + len(padding)
    target.write(struct.pack("<4sI4s4sI", b"RIFF", whole, b"WAVE", b"fmt ", len(format_chunk)))
    target.write(format_chunk)
    target.write(struct.pack("<4sI", b"data", size))
    copied(source, target, size)
    target.write(padding)
