"""Pure: the judgments in a file of another tool, read task by task, each error with its task and annotation."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from typing import IO, Any

from annotation.formats import argilla, label_studio
from annotation.formats.judged_elsewhere import Judged, judged
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import Fields
from annotation.formats.tool_files import Judgments, Known
from evaltrack import json_stream
from evaltrack.canonical import canonical_json
from evaltrack.fields import WrongField
from evaltrack.json_stream import Unreadable
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError

# Bounds what is held of a file, and how many tasks are looked up at once.
BATCH = 200
# A few long tasks are enough, too: parsed, each takes many times as much.
BATCH_BYTES = 4 << 20
LONGEST_REASON = 500

READERS: dict[str, type[Judgments]] = {
    "label_studio": label_studio.Judgments,
    "argilla": argilla.Judgments,
}
# Which items and systems the references of exported tasks stand for.
LookUp = Callable[[set[str]], Known]


def read_judgments(
    file: IO[bytes],
    format: str,
    fields: Fields,
    criteria: Collection[str],
    left_out: LeftOut,
    *,
    look_up: LookUp,
    now: dt.datetime,
) -> Iterator[tuple[int, Judged]]:
    """Judgments with the numbers of their tasks. Raises BrokenLines at the end if anything was bad."""
    reader = READERS[format](fields, criteria, left_out)
    errors: list[LineError] = []
    number = count = 0
    try:
        for batch, known in looked_up(file, reader, look_up):
            for number, task in batch:
                before = len(errors)
                for judgment in judgments_of(reader, number, task, known, set(criteria), errors, now=now):
                    count += 1
                    if not errors:
                        yield number, judgment
                if len(errors) > before and len(errors) >= MOST_ERRORS:
                    raise BrokenLines(errors)
    except Unreadable as broken:
        errors.append(LineError(broken.number, "", broken.reason, f"{reader.noun} {broken.number}"))
    if not count and not errors:
        errors.append(nothing_in(reader, max(number, 1)))
    if errors:
        raise BrokenLines(errors)


def looked_up(
    file: IO[bytes], reader: Judgments, look_up: LookUp
) -> Iterator[tuple[list[tuple[int, Any]], Known]]:
    """The file's tasks in batches, with what their references stand for. What stands before a break comes first."""
    tasks = json_stream.values(file)
    while True:
        batch: list[tuple[int, Any]] = []
        broken: Unreadable | None = None
        try:
            begins = file.tell()
            for task in tasks:
                batch.append(task)
                if len(batch) == BATCH or file.tell() - begins > BATCH_BYTES:
                    break
        except Unreadable as error:
            broken = error
        references: set[str] = set().union(*(reader.references(task) for _, task in batch))
        if batch:
            yield batch, look_up(references) if references else {}
        if broken:
            raise broken
        if not batch:
            return


def judgments_of(
    reader: Judgments,
    number: int,
    task: Any,
    known: Known,
    criteria: set[str],
    errors: list[LineError],
    *,
    now: dt.datetime,
) -> Iterator[Judged]:
    """What can be read of one task; what cannot is added to `errors`."""

    def located(wrong: WrongField, part: str = "") -> LineError:
        where = ", ".join(filter(None, [f"{reader.noun} {number}", part]))
        return LineError(number, storable(wrong.field), storable(wrong.reason), where)

    try:
        for part, row in reader.rows(task, known):
            try:
                if isinstance(row, WrongField):
                    raise row
                refuse_unstorable(row)
                yield judged(row, criteria, now=now)
            except WrongField as wrong:
                errors.append(located(wrong, part))
    except WrongField as wrong:
        errors.append(located(wrong))


def storable(words: str) -> str:
    """As it can be sent in an answer: a file may name a question with half a character, or with a whole book."""
    return words[:LONGEST_REASON].encode(errors="backslashreplace").decode()


def refuse_unstorable(row: dict[str, Any]) -> None:
    try:
        canonical_json(row)
    except (ValueError, RecursionError):
        raise WrongField(
            "", "holds half a character (a lone surrogate), or a number that cannot be kept"
        ) from None


def nothing_in(reader: Judgments, number: int) -> LineError:
    """Why a file that can be read holds nothing to import."""
    reason = "there is no judgment in this file"
    if said := reader.left_out.in_words():
        reason += f"; left out: {said}"
    if reader.fields.question and reader.seen:
        reason += (
            f". Nobody answered {reader.fields.question!r}; answered are {', '.join(map(repr, reader.seen))}"
        )
    return LineError(number, "", reason, "file")
