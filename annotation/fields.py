"""Pure: the fields of a line, one by one; what is wrong is named by its path, like `responses[1].media[0].alt`."""

from collections.abc import Mapping
from typing import Any


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


def several(row: Mapping[str, Any], name: str, *, within: str = "", most: int) -> list[tuple[str, Any]]:
    """The elements of a list, each with its path; none where the field is left out."""
    value = row.get(name, [])
    path = named(within, name)
    if not isinstance(value, list):
        raise WrongField(path, "must be a list")
    if len(value) > most:
        raise WrongField(path, f"takes up to {most}")
    return [(f"{path}[{place}]", each) for place, each in enumerate(value)]
