"""Which kind of file it is, by its first bytes, and who cleans it."""

import tempfile
from collections.abc import Callable
from typing import IO

from evaltrack.media import mp3, ogg, pictures, wav
from evaltrack.media.found import Cleaned, Unfit

MEGABYTE = 1_000_000
LARGEST = {"image": 20 * MEGABYTE, "audio": 50 * MEGABYTE}
# Above it a file is kept on disk and not in memory.
IN_MEMORY = 2 * MEGABYTE
KNOWN = "PNG, JPEG, WebP and GIF pictures, and WAV, MP3 and Ogg (Opus or Vorbis) recordings"

Recording = Callable[[IO[bytes], IO[bytes]], tuple[str, ...]]
RECORDINGS: dict[str, Recording] = {"audio/wav": wav.copy, "audio/mpeg": mp3.copy, "audio/ogg": ogg.copy}


def cleaned(file: IO[bytes], *, into: IO[bytes]) -> Cleaned:
    """Write the file `into` another one, without what could tell who made it; that one ends at its beginning.

    Raises Unfit with the reason where it cannot be shown; what was written until then is of no use.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if pictures.is_picture(head):
        refuse_larger(size, "image")
        found = pictures.redrawn(file, into=into)
    else:
        content_type = recording_type(head)
        refuse_larger(size, "audio")
        found = Cleaned("audio", content_type, removed=RECORDINGS[content_type](file, into))
    into.seek(0)
    return found


def recording_type(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"OggS":
        return "audio/ogg"
    if head[:3] == b"ID3" or mp3.frame_length(head[:4]):
        return "audio/mpeg"
    if not head:
        raise Unfit("is empty; send the bytes of the file as the body")
    raise Unfit(f"is none of the files that can be shown: {KNOWN}. A drawing (SVG) is sent as PNG")


def refuse_larger(size: int, kind: str) -> None:
    if size > LARGEST[kind]:
        raise Unfit(f"is larger than {LARGEST[kind] // MEGABYTE} MB; send a smaller version")


def temporary() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)
