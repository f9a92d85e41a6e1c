"""Files as systems write them, with notes inside that name who made them; and their pieces, to break them."""

import io
import struct

from PIL import Image, ImageCms, PngImagePlugin

from evaltrack.media import Cleaned, cleaned, ogg

SECRET = b"zz-secret"


def through(content: bytes) -> tuple[bytes, Cleaned]:
    with io.BytesIO(content) as sent, io.BytesIO() as clean:
        found = cleaned(sent, into=clean)
        return clean.read(), found


def drawing(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    image = Image.new("RGB", size)
    image.putdata(
        [(x * 6 % 256, y * 8 % 256, (x + y) % 2 * 255) for y in range(size[1]) for x in range(size[0])]
    )
    return image.quantize(64) if mode == "P" else image.convert(mode)


def saved(image: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    notes = Image.Exif()
    notes[0x0131], notes[0x010E], notes[0x0112] = "zz-secret 3.1", "by zz-secret", orientation
    return notes


def png_notes() -> PngImagePlugin.PngInfo:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", "zz-secret")
    notes.add_itxt("parameters", "zz-secret, seed 7")
    return notes


def pictures() -> dict[str, bytes]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta><zz-secret/></x:xmpmeta>"
    return {
        "PNG": saved(drawing(), "PNG", pnginfo=png_notes(), exif=exif(), icc_profile=profile),
        "JPEG": saved(drawing(), "JPEG", exif=exif(), comment=SECRET, icc_profile=profile, xmp=xmp),
        "WebP": saved(drawing(), "WEBP", lossless=True, exif=exif(), xmp=xmp, icc_profile=profile),
        "GIF": saved(drawing("P"), "GIF", comment=SECRET),
    }


# ── WAV ──────────────────────────────────────────────────────────────────────────────────────────────


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\x00" * (len(content) % 2)


PCM = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
SAMPLES = bytes(range(256)) * 4 + b"\x07"


def wav(*chunks: bytes, after: bytes = b"") -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(content)) + content + after


def wav_with_notes() -> bytes:
    info = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"zz-secret 2"))
    return wav(info, PCM, chunk(b"id3 ", b"ID3 zz-secret"), chunk(b"data", SAMPLES), info, after=SECRET)


# ── MP3 ──────────────────────────────────────────────────────────────────────────────────────────────

# MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, stereo: 417 bytes; of zeros it is silence.
HEADER = b"\xff\xfb\x90\x00"
FRAME = HEADER + b"\x00" * 413


def mp3_with_notes() -> bytes:
    tag = b"TSSE" + struct.pack(">IH", 10, 0) + b"\x00zz-secret"
    id3 = b"ID3\x04\x00\x00" + bytes([0, 0, 0, len(tag)]) + tag
    note = b"Xing" + struct.pack(">II", 1, 40) + b"zz-secret3.100"
    first = (HEADER + b"\x00" * 32 + note).ljust(417, b"\x00")
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + 20, 1, 1 << 31 | 1 << 29) + b"\x00" * 8
    items = struct.pack("<II", 9, 0) + b"T\x00\x00" + SECRET
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + 20, 1, 1 << 31) + b"\x00" * 8
    return id3 + first + FRAME * 40 + ape + items + footer + (b"TAG" + SECRET).ljust(128, b"\x00")


# ── Ogg ──────────────────────────────────────────────────────────────────────────────────────────────


def lacing(size: int) -> bytes:
    return b"\xff" * (size // 255) + bytes([size % 255])


def page(content: bytes, lengths: bytes, *, number: int, flags: int = 0, serial: int = 9) -> bytes:
    header = ogg.PAGE.pack(b"OggS", 0, flags, number * 960, serial, number, 0, len(lengths))
    return ogg.Page(header, lengths, bytearray(content)).written()


def opus_tags(comment: bytes) -> bytes:
    vendor = b"zz-secret 1.4"
    return (
        b"OpusTags" + struct.pack("<I", len(vendor)) + vendor
        + struct.pack("<II", 1, len(comment)) + comment
    )  # fmt: skip


def opus(comment: bytes = b"ENCODER=zz-secret", *, last: int = ogg.LAST) -> bytes:
    """Three pages of sound after the head and the comments, which take as many pages as they need."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48000, 0, 0)
    pages = [page(head, lacing(len(head)), number=0, flags=ogg.FIRST)]
    tags = opus_tags(comment)
    lengths = lacing(len(tags))
    at = 0
    for start in range(0, len(lengths), 255):
        part = lengths[start : start + 255]
        flags = ogg.CONTINUED if start else 0
        pages.append(page(tags[at : at + sum(part)], part, number=len(pages), flags=flags))
        at += sum(part)
    for place in range(3):
        sound = b"\xfc" + bytes([place]) * 60
        flags = last if place == 2 else 0
        pages.append(page(sound, lacing(len(sound)), number=len(pages), flags=flags))
    return b"".join(pages)


def vorbis() -> bytes:
    """The comments share their page with the set-up that follows."""
    head = b"\x01vorbis" + b"\x00" * 23
    comments = b"\x03vorbis" + opus_tags(b"ARTIST=zz-secret")[8:] + b"\x01"
    setup = b"\x05vorbis" + b"\x33" * 300
    return b"".join(
        [
            page(head, lacing(len(head)), number=0, flags=ogg.FIRST),
            page(comments + setup, lacing(len(comments)) + lacing(len(setup)), number=1),
            page(b"\x44" * 50, lacing(50), number=2, flags=ogg.LAST),
        ]
    )
