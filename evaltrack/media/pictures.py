"""Pictures: drawn anew from their points, every one into the same format.

A copy of the points alone keeps no tags, no comments, no profile and no second file behind the first; and as each
becomes PNG, neither its type nor its encoder tells which system made it. PNG and not WebP, which without loss needs
four times the memory for a tenth to a quarter less on disk.
"""

import io
import threading
from typing import IO

from PIL import Image, ImageCms, ImageOps

from evaltrack.media.found import Cleaned, Unfit

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_POINTS = 25_000_000
LONGEST_SIDE = 16_000
# At the largest it takes some 120 MB; one at a time bounds what a process needs.
ONE_AT_A_TIME = threading.Lock()


def is_picture(head: bytes) -> bool:
    return head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )


def redrawn(file: IO[bytes], *, into: IO[bytes]) -> Cleaned:
    try:
        with ONE_AT_A_TIME, Image.open(file, formats=FORMATS) as picture:
            refuse_too_large(picture.size)
            if getattr(picture, "n_frames", 1) > 1:
                raise Unfit("moves, and nobody could stop it; send the frames that matter as pictures")
            drawn = points(picture)
            drawn.save(into, "PNG", compress_level=3)
    except Unfit:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unfit(too_many_points()) from None
    except Exception as error:  # a broken file is answered with whatever the decoder ran into
        raise Unfit("is damaged or cut off: it cannot be decoded to its end; send it again") from error
    return Cleaned("image", "image/png", *drawn.size, removed=("everything but the points",))


def refuse_too_large(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_POINTS or max(size) > LONGEST_SIDE:
        raise Unfit(too_many_points())


def too_many_points() -> str:
    return f"has more than {MOST_POINTS // 1_000_000} million points or a side over {LONGEST_SIDE}; scale it down"


def points(picture: Image.Image) -> Image.Image:
    """The points as people see them: turned as the camera says, in the colours of the web, and nothing besides."""
    picture.load()
    profile = picture.info.get("icc_profile")
    # In place, and below without copies that nobody needs: a large picture is a hundred megabytes.
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I"):
        # 16 bits of grey.
        picture = picture.point(lambda value: value / 256).convert("L")
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    drawn = in_web_colours(picture, profile, "RGBA" if has_alpha else "RGB")
    drawn.info = {}
    return drawn


def in_web_colours(picture: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    if profile and picture.mode in ("RGB", "RGBA", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture,
                source,
                ImageCms.createProfile("sRGB"),
                outputMode="RGBA" if picture.mode == "RGBA" else "RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a broken profile says nothing about colours
        if converted is not None:
            picture = converted
    return picture if picture.mode == mode else picture.convert(mode)
