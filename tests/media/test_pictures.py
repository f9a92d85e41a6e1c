"""A picture is drawn anew: what people see stays, what the file says besides goes."""

import io
import re
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms

from evaltrack.media import Unfit, pictures
from tests.media import files


def through(content: bytes) -> tuple[bytes, Image.Image]:
    out, clean = files.through(content)
    assert (clean.kind, clean.content_type) == ("image", "image/png")
    image = Image.open(io.BytesIO(out))
    assert (clean.width, clean.height) == image.size
    return out, image


@pytest.mark.parametrize("format", files.pictures())
def test_whatever_came_in_the_same_kind_comes_out_and_nothing_but_points(format):
    content = files.pictures()[format]
    assert files.SECRET in content
    out, image = through(content)
    assert files.SECRET not in out
    assert image.info == {}
    assert re.findall(rb"(IHDR|IDAT|IEND|[a-zA-Z]{2}X[tT]t|eXIf|iCCP|tIME)", out) == [
        b"IHDR",
        b"IDAT",
        b"IEND",
    ]


@pytest.mark.parametrize("format", ["PNG", "WebP", "GIF"])
def test_the_points_are_the_same(format):
    content = files.pictures()[format]
    before = Image.open(io.BytesIO(content)).convert("RGB")
    assert ImageChops.difference(before, through(content)[1].convert("RGB")).getbbox() is None


def test_equal_points_become_equal_bytes_whoever_encoded_them():
    image = files.drawing()
    one, two, three = (
        through(content)[0]
        for content in (
            files.saved(image, "PNG", compress_level=1, pnginfo=files.png_notes()),
            files.saved(image, "PNG", optimize=True),
            files.saved(image, "WEBP", lossless=True),
        )
    )
    assert one == two == three


def test_a_camera_that_was_held_sideways_is_turned():
    _, image = through(files.saved(files.drawing(), "JPEG", exif=files.exif(orientation=6)))
    assert image.size == (30, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_way_of_keeping_points_is_drawn_in_colours_of_the_web(mode):
    source = (
        Image.new(mode, (8, 8), 40_000 if mode == "I;16" else 1) if mode == "I;16" else files.drawing(mode)
    )
    _, image = through(files.saved(source, "PNG"))
    if mode == "I;16":
        assert image.getpixel((0, 0)) == (40_000 // 256,) * 3
    else:
        assert image.convert("RGBA").tobytes() == source.convert("RGBA").tobytes()


def test_a_palette_with_a_colour_to_look_through_keeps_it():
    source = files.drawing("P")
    _, image = through(files.saved(source, "GIF", transparency=3))
    assert image.mode == "RGBA"
    assert image.getchannel("A").getextrema() == (0, 255)


def test_inks_become_light_and_a_broken_profile_says_nothing():
    assert through(files.saved(files.drawing("CMYK"), "JPEG", quality=95))[1].mode == "RGB"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    broken = files.saved(files.drawing(), "PNG", icc_profile=profile[:200])
    assert through(broken)[1].tobytes() == files.drawing().tobytes()


def test_what_stands_behind_the_picture_goes():
    script = b"<html><script>alert(1)</script>PK\x03\x04"
    for content in files.pictures().values():
        assert b"script" not in through(content + script)[0]


@pytest.mark.parametrize("format", files.pictures())
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_off_is_refused(format, share):
    content = files.saved(files.drawing("P" if format == "GIF" else "RGB", (300, 200)), format.upper())
    with pytest.raises(Unfit, match="damaged or cut off"):
        files.through(content[: int(len(content) * share)])


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that would become gigabytes."""

    def part(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(b"\0" * 9))
        + part(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(5001, 5000), (16_001, 1), (12_000, 12_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    with pytest.raises(Unfit, match=r"million points|damaged"):
        files.through(png_that_claims(*size))


def test_a_note_that_unpacks_to_gigabytes_is_refused():
    content = files.saved(files.drawing(), "PNG")
    bomb = b"k\0\0" + zlib.compress(b"a" * 80_000_000)
    part = struct.pack(">I", len(bomb)) + b"zTXt" + bomb + struct.pack(">I", zlib.crc32(b"zTXt" + bomb))
    with pytest.raises(Unfit):
        files.through(content[:33] + part + content[33:])


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_what_moves_is_refused(format):
    frames = [files.drawing(), files.drawing().rotate(90)]
    content = files.saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(Unfit, match="moves"):
        files.through(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "none of the files"),
        (b"%PDF-1.7", "none of the files"),
        (b"BM" + b"\0" * 60, "none of the files"),
        (b"\0\0\0\x1cftypavif" + b"\0" * 60, "none of the files"),
    ],
)
def test_other_files_are_refused_with_what_would_do(content, reason):
    with pytest.raises(Unfit, match=reason):
        files.through(content)


def test_a_file_that_is_too_long_is_refused_before_anything_else(monkeypatch):
    monkeypatch.setattr(pictures, "redrawn", None)
    with pytest.raises(Unfit, match="larger than 20 MB"):
        files.through(b"\x89PNG\r\n\x1a\n".ljust(20_000_001, b"\0"))


STARTS = [content[:40] for content in files.pictures().values()] + [
    files.wav(files.PCM)[:40], files.FRAME[:40], files.opus()[:90], files.vorbis()[:90], b"ID3\x04\0\0\0\0\0\x10",
]  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(STARTS), st.integers(0, 90), st.binary(max_size=200))
def test_any_bytes_are_cleaned_or_refused_and_nothing_else_happens(start, kept, rest):
    with suppress(Unfit):
        _, clean = files.through(start[:kept] + rest)
        assert clean.content_type in {"image/png", "audio/wav", "audio/mpeg", "audio/ogg"}
