"""MP3: frames are kept, one after the other; tags before, between and after them go.

The first frame may be the encoder's own note (Xing, Info): its counts stay, so that a player knows the length; the
encoder's name behind them goes. What an encoder writes into the spare bits of a frame stays: it is part of the
sound's coding.
"""

import struct
from typing import IO

from evaltrack.media.found import Unfit

MPEG1, MPEG2, MPEG25 = 3, 2, 0
LAYER_3 = 1
KBITS = {
    MPEG1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    MPEG2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
KBITS[MPEG25] = KBITS[MPEG2]
RATES = {MPEG1: (44100, 48000, 32000), MPEG2: (22050, 24000, 16000), MPEG25: (11025, 12000, 8000)}
# Version and mono → how many bytes stand before the encoder's note.
SIDE = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}


def copy(source: IO[bytes], target: IO[bytes]) -> tuple[str, ...]:
    """The frames without their tags; which tags were left out."""
    size = source.seek(0, 2)
    removed: dict[str, None] = {}  # in order, each once
    at, frames = 0, 0
    while at < size:
        source.seek(at)
        head = source.read(32)
        if length := frame_length(head[:4]):
            if at + length > size:
                raise Unfit("is cut off: it ends within a frame; send it again")
            frame = head[:length] + source.read(max(0, length - len(head)))
            frames += 1
            if frames == 1 and (noted := without_encoder(frame)) != frame:
                frame = noted
                removed["the encoder's name"] = None
            target.write(frame)
            at += length
        elif tag := tag_at(head, left=size - at):
            name, length = tag
            removed[name] = None
            at += length
        else:
            raise Unfit(f"is no MP3 that can be cleaned: byte {at} is neither a frame nor a known tag")
    if frames < 2:
        raise Unfit("holds no sound: it has no MP3 frames")
    return tuple(removed)


def frame_length(head: bytes) -> int:
    """How long the frame of Layer III is that begins here; 0 where none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    kbits, rate = head[2] >> 4, head[2] >> 2 & 3
    if version not in RATES or layer != LAYER_3 or kbits in (0, 15) or rate == 3:
        return 0
    samples = 1152 if version == MPEG1 else 576
    return samples // 8 * KBITS[version][kbits] * 1000 // RATES[version][rate] + (head[2] >> 1 & 1)


def without_encoder(frame: bytes) -> bytes:
    """A frame that is a note and no sound, with its counts and without what follows them."""
    note = 4 + SIDE[frame[1] >> 3 & 3 == MPEG1, frame[3] >> 6 == 3]
    if frame[note : note + 4] not in (b"Xing", b"Info"):
        return frame
    flags = struct.unpack(">I", frame[note + 4 : note + 8].rjust(4, b"\x00"))[0]
    counts = 4 * bool(flags & 1) + 4 * bool(flags & 2) + 100 * bool(flags & 4) + 4 * bool(flags & 8)
    kept = frame[: note + 8 + counts]
    return kept + b"\x00" * (len(frame) - len(kept))


def tag_at(head: bytes, *, left: int) -> tuple[str, int] | None:
    """The name and length of a tag that begins here."""
    if head[:3] == b"ID3" and len(head) >= 10 and not any(byte & 0x80 for byte in head[6:10]):
        size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return "ID3", min(left, 10 + size + (10 if head[5] & 0x10 else 0))
    if head[:3] == b"TAG" and left == 128:
        return "ID3v1", 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        size, flags = struct.unpack("<I", head[12:16])[0], struct.unpack("<I", head[20:24])[0]
        # The header counts the items and the footer; a footer that stands alone has its items before it.
        return "APE", min(left, size + 32 if flags & 1 << 29 else 32)
    if zeros := len(head) - len(head.lstrip(b"\x00")):
        return "padding", zeros
    return None
