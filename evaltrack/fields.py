"""Pure: the fields of a line, one by one; what is wrong is named by its path, like `responses[1].media[0].alt`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, read_object

Row = TypeVar("Row")


class WrongField(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def named(within: str, name: str) -> str:
    return f"{within}.{name}" if within else name


def mapping(value: Any, within: str, known: set[str], *, like: str = "") -> dict[str, Any]:
    """An object that has no other fields than these."""
    if not isinstance(value, dict):
        raise WrongField(within, f"must be an object{f' with {like}' if like else ''}")
    if unknown := sorted(set(value) - known):
        raise WrongField(named(within, unknown[0]), f"unknown field; known are {', '.join(sorted(known))}")
    return value


def text(
    row: Mapping[str, Any],
    name: str,
    *,
    within: str = "",
    longest: int | None = None,
    default: str | None = None,
    may_be_empty: bool = False,
) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or not (value or may_be_empty or default == ""):
        raise WrongField(named(within, name), "must be text" + ("" if may_be_empty else ", and not empty"))
    if longest is not None and len(value) > longest:
        raise WrongField(named(within, name), f"takes up to {longest} characters")
    return value


def one_of(
    row: Mapping[str, Any],
    name: str,
    choices: tuple[str, ...],
    *,
    within: str = "",
    default: str | None = None,
) -> str:
    value = row.get(name, default)
    if value not in choices:
        raise WrongField(named(within, name), f"is one of {', '.join(choices)}")
    return str(value)


def whole(row: Mapping[str, Any], name: str, *, within: str = "", most: int) -> int | None:
    """A whole number from 0 to `most`; None where it is left out or null."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise WrongField(named(within, name), f"must be a whole number from 0 to {most}")
    return value


def several(row: Mapping[str, Any], name: str, *, within: str = "", most: int) -> list[tuple[str, Any]]:
    """The elements of a list, each with its path; none where the field is left out."""
    value = row.get(name, [])
    path = named(within, name)
    if not isinstance(value, list):
        raise WrongField(path, "must be a list")
    if len(value) > most:
        raise WrongField(path, f"takes up to {most}")
    return [(f"{path}[{place}]", each) for place, each in enumerate(value)]


def read_rows(
    lines: Iterable[bytes], row_of: Callable[[dict[str, Any]], Row], *, noun: str = "item"
) -> Iterator[tuple[int, Row]]:
    """Rows of NDJSON with their line numbers. Raises BrokenLines at the end if any line was bad."""
    errors: list[LineError] = []
    number = count = 0
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            row = row_of(read_object(raw)[0])
        except WrongField as wrong:
            errors.append(LineError(number, wrong.field, wrong.reason))
        except ValueError as error:
            errors.append(LineError(number, "", str(error)))
        else:
            count += 1
            if not errors:
                yield number, row
        if len(errors) >= MOST_ERRORS:
            break
    if not count and not errors:
        errors.append(LineError(max(number, 1), "", f"there is no {noun}; write one JSON object a line"))
    if errors:
        raise BrokenLines(errors)
