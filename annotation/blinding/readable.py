"""Pure: the strings of a prompt or a response that people can read, one by one, always in the same order.

The scanner looks at each, and a redaction changes each. Conversations, JSON and passages are looked into, as the
renderer does: a name that is written with an escape is the name, and a redaction leaves valid JSON.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaltrack.rendering import chat, tree

# Given the path of a string, like `contexts[0].title`, and the string: what stands there instead.
Change = Callable[[str, str], str]

# Keys by which the renderer finds its way; all others are read.
STRUCTURE: dict[str, frozenset[str]] = {
    "chat": frozenset(
        {
            "messages", "role", "name", "content", "refusal", "tool_calls", "tool_call_id", "function_call",
            "function", "id", "type", "arguments", "result", "text",
        }
    ),
    "json": frozenset(),
    "passages": frozenset({"id", "title", "source", "text"}),
}  # fmt: skip
DEEPEST = 100
LONGEST_KEY = 60


@dataclass(frozen=True)
class Readable:
    """A prompt or a response: its text, and what comes with it."""

    text: str
    format: str
    contexts: Sequence[dict[str, Any]] = field(default_factory=list)
    media: Sequence[dict[str, Any]] = field(default_factory=list)

    def strings(self) -> list[tuple[str, str]]:
        """Every string with its path; that of a plain text is empty."""
        found: list[tuple[str, str]] = []

        def note(path: str, words: str) -> str:
            found.append((path, words))
            return words

        self.changed(note)
        return found

    def changed(self, change: Change) -> "Readable":
        return Readable(
            text=changed_text(self.text, self.format, change),
            format=self.format,
            contexts=changed_fields(self.contexts, "contexts", ("title", "text"), change),
            media=changed_fields(self.media, "media", ("alt",), change),
        )


def changed_fields(
    rows: Sequence[dict[str, Any]], name: str, fields: tuple[str, ...], change: Change
) -> list[dict[str, Any]]:
    return [
        row | {each: change(f"{name}[{place}].{each}", row[each]) for each in fields if row.get(each)}
        for place, row in enumerate(rows)
    ]


def changed_text(text: str, format: str, change: Change) -> str:
    if format in STRUCTURE:
        value = parsed(text)
        if isinstance(value, list) or tree.is_text(value):
            instead = Walk(change, STRUCTURE[format], looks_inside=format == "chat").value(value, "")
            return text if instead == value else written(instead)
    return change("", text)


def parsed(text: str) -> Any:
    """None for what is no JSON, or nests deeper than anything that is shown: that is read as it stands."""
    try:
        value = tree.parsed(text)
    except ValueError:
        return None
    level = [value]
    for _ in range(DEEPEST):
        if not level:
            return value
        level = [inner for each in level for inner in inner_values(each)]
    return None


def inner_values(value: Any) -> list[Any]:
    if isinstance(value, tree.Pairs):
        return [inner for _, inner in value]
    return value if isinstance(value, list) else []


class Walk:
    """`looks_inside`: a string that is JSON itself, such as the arguments of a call, is read as such."""

    def __init__(self, change: Change, structure: frozenset[str], *, looks_inside: bool) -> None:
        self.change, self.structure, self.looks_inside = change, structure, looks_inside

    def value(self, value: Any, path: str) -> Any:
        if isinstance(value, tree.Pairs):
            return tree.Pairs(self.pair(key, inner, path) for key, inner in value)
        if isinstance(value, list):
            return [self.value(inner, f"{path}[{place}]") for place, inner in enumerate(value)]
        return self.string(value, path) if tree.is_text(value) else value

    def pair(self, key: str, value: Any, path: str) -> tuple[str, Any]:
        path = f"{path}.{key[:LONGEST_KEY]}" if path else key[:LONGEST_KEY]
        if key == "role" and "role" in self.structure and tree.is_text(value) and value in chat.ROLES:
            return key, value
        kept = key if key in self.structure else self.change(path, key)
        return kept, self.value(value, path)

    def string(self, words: str, path: str) -> str:
        if self.looks_inside and words.lstrip()[:1] in ("{", "[", '"'):
            inner = parsed(words)
            if isinstance(inner, list) or tree.is_text(inner):
                instead = Walk(self.change, self.structure, looks_inside=False).value(inner, path)
                return words if instead == inner else written(instead)
        return self.change(path, words)


def written(value: Any) -> str:
    """JSON again, numbers and repeated keys as they were."""
    if isinstance(value, tree.Pairs):
        return "{" + ", ".join(f"{quoted(key)}: {written(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return (
        quoted(value) if tree.is_text(value) else str(value) if isinstance(value, str) else json.dumps(value)
    )


def quoted(words: str) -> str:
    # Half of a pair of surrogates has no other form than its escape.
    return json.dumps(words, ensure_ascii=any("\ud800" <= each <= "\udfff" for each in words))
