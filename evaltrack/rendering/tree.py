"""JSON as a tree that folds: keys in their order, repeated keys too, numbers as they were written."""

import json
from dataclasses import dataclass
from typing import Any, TypeGuard

from evaltrack.rendering.draft import Draft
from evaltrack.rendering.hidden import escaped

MOST_NODES = 2_000
DEEPEST = 40
OPEN_LEVELS = 2


class Pairs(list[tuple[str, Any]]):
    """An object of JSON. A dictionary would lose all but the last of equal keys."""


class Number(str):
    """A number as it stands in the text: 1.0, 1e400 and twenty digits stay what they are."""


@dataclass(slots=True)
class Budget:
    left: int = MOST_NODES
    skipped: int = 0
    too_deep: bool = False


def drawn(content: str, draft: Draft) -> str | None:
    try:
        return markup(parsed(content))
    except ValueError:
        return None


def parsed(content: str) -> Any:
    """The value that JSON text stands for. Raises ValueError for what is none, or nests too deep to be read."""
    try:
        return json.loads(
            content, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=Number
        )
    except RecursionError:
        raise ValueError("JSON that nests too deep") from None


def is_text(value: Any) -> TypeGuard[str]:
    """Whether a parsed value is a string of JSON; a Number is none."""
    return isinstance(value, str) and not isinstance(value, Number)


def markup(value: Any) -> str:
    budget = Budget()
    tree = _node(value, "", 0, budget)
    notes = []
    if budget.skipped:
        notes.append(f"Only the first {MOST_NODES:,} values are shown; {budget.skipped:,} more are not.")
    if budget.too_deep:
        notes.append(f"What nests deeper than {DEEPEST} levels is not shown.")
    said = "".join(f'<p class="prose-note">{note}</p>' for note in notes)
    return f'<ul class="json">{tree}</ul>{said}'


def _node(value: Any, label: str, depth: int, budget: Budget) -> str:
    if budget.left <= 0:
        budget.skipped += _size(value)
        return ""
    budget.left -= 1
    if not isinstance(value, list) or not value:
        return f"<li>{label}{_leaf(value)}</li>"
    if depth >= DEEPEST:
        budget.too_deep = True
        return f'<li>{label}<span class="json-kind">…</span></li>'
    if isinstance(value, Pairs):
        inner = "".join(_node(each, _key(key), depth + 1, budget) for key, each in value)
    else:
        inner = "".join(_node(each, _key(str(at)), depth + 1, budget) for at, each in enumerate(value))
    is_open = " open" if depth < OPEN_LEVELS else ""
    return f"<li><details{is_open}><summary>{label}{_kind(value)}</summary><ul>{inner}</ul></details></li>"


def _key(key: str) -> str:
    return f'<span class="json-key tok-nt">{escaped(key)}:</span> '


def _kind(value: list[Any]) -> str:
    thing = "key" if isinstance(value, Pairs) else "item"
    count = f"{len(value):,} {thing}{'' if len(value) == 1 else 's'}"
    return (
        f'<span class="json-kind">{{{count}}}</span>'
        if thing == "key"
        else f'<span class="json-kind">[{count}]</span>'
    )


def _leaf(value: Any) -> str:
    if isinstance(value, Number):
        name, text = "tok-m", str(value)
    elif isinstance(value, str):
        name, text = "tok-s", f'"{value}"'
    elif isinstance(value, list):
        name, text = "tok-p", "{}" if isinstance(value, Pairs) else "[]"
    else:
        name, text = "tok-kc", json.dumps(value)
    return f'<span class="json-value {name}">{escaped(text)}</span>'


def _size(value: Any) -> int:
    """How many values a value is, itself included."""
    size, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        size += 1
        if isinstance(each, Pairs):
            waiting.extend(inner for _, inner in each)
        elif isinstance(each, list):
            waiting.extend(each)
    return size
