"""Pure: items in a file, in whichever of the formats that can be added."""

from collections.abc import Iterator
from typing import IO

from annotation import items
from annotation.formats import label_studio_tasks
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import Fields
from annotation.items import Item
from annotation.protocols import Rules
from evaltrack.ndjson import bounded_lines

FORMATS = ("ndjson", "label_studio")


def read_items(
    file: IO[bytes], format: str, fields: Fields, rules: Rules, left_out: LeftOut
) -> tuple[Iterator[tuple[int, Item]], str]:
    """Items with their numbers, and what these count; empty where they count lines."""
    if format == "ndjson":
        return items.read_items(bounded_lines(file), rules), ""
    return label_studio_tasks.read_items(file, fields, rules, left_out), label_studio_tasks.UNIT
