"""Pure: lessons of a course, as they come in NDJSON: items with a gold answer, for the training or the test."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from annotation.items import Item, item_of
from evaltrack.fields import WrongField, named, read_rows

KINDS = ("training", "test")


@dataclass(frozen=True)
class LessonItem:
    kind: str
    item: Item


def read_lessons(lines: Iterable[bytes]) -> Iterator[tuple[int, LessonItem]]:
    """Lessons with their line numbers. Raises BrokenLines at the end if any line was bad."""
    return read_rows(lines, lesson_of)


def lesson_of(row: dict[str, Any]) -> LessonItem:
    kind = row.pop("kind", None)
    if kind not in KINDS:
        raise WrongField("kind", f"is one of {', '.join(KINDS)}")
    item = item_of(row)
    if item.gold is None:
        raise WrongField("gold", "is missing; a lesson has the answer that is right, and why")
    if item.gold.check:
        raise WrongField("gold.check", "is for campaigns; a lesson has no attention checks")
    parts = {"": item} | {f"responses[{place}]": each for place, each in enumerate(item.responses)}
    for within, part in parts.items():
        for name in ("contexts", "media"):
            if getattr(part, name):
                raise WrongField(named(within, name), "is not shown in a lesson; leave it out")
    return LessonItem(kind, item)
