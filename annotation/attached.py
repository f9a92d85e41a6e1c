"""Pure: what comes with a prompt or a response besides its text: retrieved contexts, pictures, recordings."""

import re
from dataclasses import dataclass
from typing import Any

from evaltrack.fields import WrongField, mapping, named, several, text

MOST_CONTEXTS, MOST_MEDIA = 100, 12
LONGEST_ALT = 1000
KINDS = ("image", "audio")
REFERENCE = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class MediaReference:
    """A file that was uploaded before, by the digest of the bytes that were sent; `path` names it in errors."""

    kind: str
    digest: str
    alt: str
    path: str


def read_contexts(row: dict[str, Any], *, within: str = "") -> tuple[dict[str, str], ...]:
    return tuple(
        context_of(value, path) for path, value in several(row, "contexts", within=within, most=MOST_CONTEXTS)
    )


def context_of(value: Any, within: str) -> dict[str, str]:
    context = mapping(value, within, {"id", "title", "text"}, like="text, and perhaps id and title")
    kept = {
        "id": text(context, "id", within=within, longest=200, default=""),
        "title": text(context, "title", within=within, longest=300, default=""),
        "text": text(context, "text", within=within),
    }
    return {name: words for name, words in kept.items() if words}


def read_media(row: dict[str, Any], *, within: str = "") -> tuple[MediaReference, ...]:
    return tuple(
        reference_of(value, path) for path, value in several(row, "media", within=within, most=MOST_MEDIA)
    )


def reference_of(value: Any, within: str) -> MediaReference:
    row = mapping(value, within, {*KINDS, "alt"}, like="image and alt, or audio")
    kinds = [kind for kind in KINDS if kind in row]
    if len(kinds) != 1:
        raise WrongField(within, "names one file: either image or audio")
    (kind,) = kinds
    path = named(within, kind)
    found = REFERENCE.fullmatch(row[kind]) if isinstance(row[kind], str) else None
    if found is None:
        raise WrongField(path, "must be sha256: and 64 hexadecimal digits, as the upload answers")
    if kind == "image" and not (isinstance(row.get("alt"), str) and row["alt"].strip()):
        raise WrongField(
            named(within, "alt"), "says in words what the picture shows, for those who do not see it"
        )
    return MediaReference(
        kind, found[1], text(row, "alt", within=within, longest=LONGEST_ALT, default=""), path
    )
