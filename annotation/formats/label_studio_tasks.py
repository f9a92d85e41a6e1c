"""Pure: tasks in Label Studio's format, `[{"data": {…}}]`, as items of ours."""

from collections.abc import Iterator
from typing import IO, Any

from annotation.formats.label_studio import length, places_of
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import PROMPTS, RESPONSES, Fields, Row, item_of, systems_of
from annotation.items import Item
from annotation.items import item_of as checked_item
from annotation.protocols import Rules
from evaltrack import json_stream
from evaltrack.canonical import canonical_json
from evaltrack.fields import WrongField
from evaltrack.json_stream import Unreadable
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError

UNIT = "task"
# Where there is one response.
RESPONSE = (("response",), ("answer",), ("output",), ("text",))


def read_items(
    file: IO[bytes], fields: Fields, rules: Rules, left_out: LeftOut
) -> Iterator[tuple[int, Item]]:
    """Items with the numbers of their tasks. Raises BrokenLines at the end if any task was bad."""
    errors: list[LineError] = []
    count = 0
    try:
        for number, task in json_stream.values(file):
            try:
                item = item_in(task, fields, rules, left_out)
            except WrongField as wrong:
                errors.append(LineError(number, wrong.field, wrong.reason, f"{UNIT} {number}"))
            else:
                count += 1
                if not errors:
                    yield number, item
            if len(errors) >= MOST_ERRORS:
                break
    except Unreadable as broken:
        errors.append(LineError(broken.number, "", broken.reason, f"{UNIT} {broken.number}"))
    if not count and not errors:
        errors.append(LineError(1, "", "there is no task in this file", "file"))
    if errors:
        raise BrokenLines(errors)


def item_in(task: Any, fields: Fields, rules: Rules, left_out: LeftOut) -> Item:
    if not isinstance(task, dict) or not isinstance(task.get("data", task), dict):
        raise WrongField("", "must be an object with data")
    left_out.pass_over("annotations", length(task.get("annotations")))
    left_out.pass_over("predictions", length(task.get("predictions")))
    row = Row(places_of(task, task.get("data", task)))
    names = responses_in(row, fields, rules)
    systems = systems_of(row, fields, count=len(names))
    item = item_of(row, fields)
    if item is None:
        raise WrongField("data", "does not name the item; say with `item` which field does")
    given = {
        "item": item,
        "prompt": row.value(prompt_in(row, fields)),
        "responses": [
            {"source": system, "text": row.value(name)} for system, name in zip(systems, names, strict=True)
        ],
    }
    try:
        canonical_json(given)
    except (ValueError, RecursionError):
        raise WrongField(
            "", "holds half a character (a lone surrogate), or a number that cannot be kept"
        ) from None
    return checked_item(given, rules)


def prompt_in(row: Row, fields: Fields) -> str:
    if fields.prompt:
        if not row.has(fields.prompt):
            raise WrongField(row.path(fields.prompt), "is missing")
        return fields.prompt
    usual = next((name for name in PROMPTS if row.has(name)), None)
    if usual is None:
        raise WrongField("data", "has no prompt; say with `prompt` which field holds it")
    return usual


def responses_in(row: Row, fields: Fields, rules: Rules) -> tuple[str, ...]:
    """The fields that hold the responses, in the order shown."""
    usual: tuple[tuple[str, ...], ...] = RESPONSES if rules.most > 1 else RESPONSE
    found = fields.response or next((names for names in usual if all(map(row.has, names))), ())
    if not found:
        raise WrongField(
            "data", "has no responses; say with `response` which fields hold them, in the order shown"
        )
    if missing := next((name for name in found if not row.has(name)), None):
        raise WrongField(row.path(missing), "is missing")
    return found
