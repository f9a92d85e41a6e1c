"""Pure: items in a file, in whichever of the formats that can be added."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO

from annotation import items
from annotation.formats import csv_items, label_studio_tasks
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import Fields
from annotation.items import Item
from annotation.protocols import Rules
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, bounded_lines

FORMATS = ("ndjson", "csv", "label_studio")
# What an uploaded file may be, by how its name ends; anything else is NDJSON.
BY_ENDING = {".csv": "csv", ".json": "label_studio"}
# An upload is kept until the campaign opens.
MOST_BYTES = 16 * 1024 * 1024
MOST_NAMED = 50


def read_items(
    file: IO[bytes], format: str, fields: Fields, rules: Rules, left_out: LeftOut
) -> tuple[Iterator[tuple[int, Item]], str]:
    """Items with their numbers, and what these count; empty where they count lines."""
    if format == "label_studio":
        return label_studio_tasks.read_items(file, fields, rules, left_out), label_studio_tasks.UNIT
    read = csv_items.read_items if format == "csv" else items.read_items
    return read(bounded_lines(file), rules), ""


def read_upload(content: bytes, name: str, rules: Rules) -> tuple[Iterator[tuple[int, Item]], str]:
    """The same of a file whose name says its format, and in which fields have their usual names."""
    format = BY_ENDING.get(PurePath(name.lower()).suffix, "ndjson")
    return read_items(io.BytesIO(content), format, Fields(), rules, LeftOut())


@dataclass(frozen=True)
class Checked:
    """What a file holds in which no line is bad. `systems`: those named first, up to `MOST_NAMED` and one more."""

    items: int
    systems: tuple[str, ...]


def checked(content: bytes, name: str, rules: Rules) -> Checked:
    """All of an upload read; BrokenLines says what is wrong, also with items that stand there twice."""
    seen: dict[str, int] = {}
    systems: dict[str, None] = {}
    errors: list[LineError] = []
    found, unit = read_upload(content, name, rules)
    for number, item in found:
        if item.key in seen:
            reason = f"{item.item!r} with these sources stands in {unit or 'line'} {seen[item.key]} already"
            errors.append(LineError(number, "item", reason))
        elif has_media(item):
            reason = "names a file; pictures and recordings are sent by the API, once the campaign is open"
            errors.append(LineError(number, "media", reason))
        seen.setdefault(item.key, number)
        if len(systems) <= MOST_NAMED:
            systems |= dict.fromkeys(item.sources)
        if len(errors) >= MOST_ERRORS:
            break
    if errors:
        broken = BrokenLines(errors)
        raise broken.counted_by(unit) if unit else broken
    return Checked(len(seen), tuple(systems))


def has_media(item: Item) -> bool:
    return bool(item.media or any(response.media for response in item.responses))
