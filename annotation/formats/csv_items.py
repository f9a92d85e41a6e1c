"""Pure: items in CSV, a row for each.

The columns are `item, prompt, source_1, response_1, source_2, response_2, …`, and perhaps `stratum`,
`prompt_format` and `format_1, …`. What else an item can have takes NDJSON.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from annotation.formats.appraise import decoded
from annotation.items import Item, item_of
from annotation.protocols import Rules
from evaltrack.fields import WrongField
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError

OF_ITEM = ("item", "prompt", "prompt_format", "stratum")
OF_RESPONSE = re.compile(r"(source|response|format)_([1-9])")
# How a field of a response is called in a row of ours.
FIELDS = {"source": "source", "response": "text", "format": "format"}
COLUMNS = {field: column for column, field in FIELDS.items()}
PATH = re.compile(r"responses\[(\d)\]\.(source|text|format)")


def read_items(lines: Iterable[bytes], rules: Rules) -> Iterator[tuple[int, Item]]:
    """Items with the line in which each begins. Raises BrokenLines at the end if any row was bad."""
    errors: list[LineError] = []
    rows = csv.reader(decoded(lines), strict=True)
    header: list[str] | None = None
    count = 0
    while len(errors) < MOST_ERRORS:
        # A cell may hold line breaks; a row is called by the line in which it begins.
        begins = rows.line_num + 1
        try:
            row = next(rows, None)
            if row is None:
                break
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = header_of(row)
                continue
            item = item_of(row_of(row, header), rules)
        except WrongField as wrong:
            errors.append(LineError(begins, PATH.sub(in_columns, wrong.field), wrong.reason))
            if header is None:
                break
        except BrokenLines as broken:
            errors += broken.errors
            break
        except csv.Error as error:
            # What follows a broken quotation cannot be told apart.
            errors.append(LineError(max(begins, 1), "", f"not CSV: {error}"))
            break
        else:
            count += 1
            if not errors:
                yield begins, item
    if not errors and not count:
        errors.append(LineError(1, "", "there is no item below the line that names the columns"))
    if errors:
        raise BrokenLines(errors)


def header_of(row: list[str]) -> list[str]:
    names = [name.strip().lower() for name in row]
    known = f"known are {', '.join(OF_ITEM)}, and source_1, response_1, format_1 and so on"
    for name in names:
        if name not in OF_ITEM and not OF_RESPONSE.fullmatch(name):
            raise WrongField(name, f"is no column; {known}")
        if names.count(name) > 1:
            raise WrongField(name, "stands twice in the line that names the columns")
    for needed in ("item", "prompt", "source_1", "response_1"):
        if needed not in names:
            raise WrongField(needed, f"is missing; the first line names the columns: {known}")
    return names


def row_of(row: list[str], header: list[str]) -> dict[str, Any]:
    """As a line of NDJSON would have it. A response of which every cell is empty is not there."""
    if len(row) != len(header):
        raise WrongField("", f"has {len(row)} columns where the first line names {len(header)}")
    found: dict[str, Any] = {}
    responses: dict[str, dict[str, str]] = {}
    for name, cell in zip(header, row, strict=True):
        named = OF_RESPONSE.fullmatch(name)
        if named is None:
            if cell or name in ("item", "prompt"):
                found[name] = cell
        elif cell or named[1] == "response":
            responses.setdefault(named[2], {})[FIELDS[named[1]]] = cell
    numbers = sorted(number for number, given in responses.items() if any(given.values()))
    if numbers != [str(place) for place in range(1, len(numbers) + 1)]:
        raise WrongField(f"response_{numbers[-1]}", "stands behind one that is empty")
    return found | {"responses": [responses[number] for number in numbers]}


def in_columns(path: re.Match[str]) -> str:
    """How a CSV calls a field of a response."""
    return f"{COLUMNS[path[2]]}_{int(path[1]) + 1}"
