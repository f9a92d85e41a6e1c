"""Pure: JSON Schemas that users write, used so that none can hang a worker or fetch anything.

A schema is hostile: it may name addresses, hold patterns that backtrack for ever, or refer to itself so that the work
doubles with each level. None of these is needed to describe an answer, so none is taken.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry

LONGEST = 20_000
DEEPEST = 20
# With references written out. The work on one answer is about this times the values of the answer.
MOST_PARTS = 500
MOST_VALUES = 100_000
# Of these each value of an answer is compared with each other, or matched by a pattern.
REFUSED = {
    "pattern",
    "patternProperties",
    "uniqueItems",
    "$id",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
}
DRAFT = "https://json-schema.org/draft/2020-12/schema"


# Keywords whose value maps names to schemas: a property may be called "pattern".
NAMED = {"properties", "$defs", "definitions", "dependentSchemas"}
# Keywords whose value is no schema.
PLAIN = {"enum", "const", "default", "examples", "required", "dependentRequired"}


@dataclass(frozen=True)
class Schema:
    """A schema that may be used. `properties` are the checks of its first level by name."""

    whole: Any
    properties: Mapping[str, Any]
    required: frozenset[str]

    def accepts(self, value: Any) -> bool:
        return valid(self.whole, value)

    def accepts_property(self, name: str, whole: Mapping[str, Any]) -> bool:
        return valid(self.properties[name], whole[name]) if name in whole else name not in self.required


def valid(check: Any, value: Any) -> bool:
    try:
        return small(value) and check.is_valid(value)
    except (
        ArithmeticError,
        ValueError,
        RecursionError,
    ):  # numbers beyond what can be divided, too deep an answer
        return False


def usable(schema: Any) -> Schema | None:
    """None where it is no schema, or not one that is taken."""
    if not isinstance(schema, dict | bool):
        return None
    try:
        return read(json.dumps(schema, sort_keys=True))
    except (ValueError, RecursionError, TypeError):
        return None


@lru_cache(maxsize=64)
def read(written: str) -> Schema | None:
    if len(written) > LONGEST:
        return None
    schema = json.loads(written)
    try:
        # First, as a schema may be one that its own check takes for ever on.
        if not harmless(schema):
            return None
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        return None
    # An empty registry finds nothing, so that no reference can leave the schema.
    whole = Draft202012Validator(schema, registry=Registry())
    described = schema if isinstance(schema, dict) else {}
    properties = {
        name: whole.evolve(schema=part) for name, part in (described.get("properties") or {}).items()
    }
    return Schema(whole, properties, frozenset(described.get("required") or ()))


def harmless(schema: Any) -> bool:
    """Whether it stays within itself, ends, and is of a size that is checked at once."""
    waiting, seen = [(schema, 0)], 0
    try:
        while waiting:
            part, depth = waiting.pop()
            seen += 1
            if seen > MOST_PARTS or depth > DEEPEST:
                return False
            waiting.extend((each, depth + 1) for each in inside(schema, part))
    except (LookupError, TypeError, AttributeError, ValueError):
        return False
    return True


def inside(schema: Any, part: Any) -> Iterator[Any]:
    """The schemas that one is made of, with those that it refers to. ValueError where it holds what is not taken."""
    if not isinstance(part, dict):
        return
    if REFUSED & part.keys() or part.get("$schema", DRAFT) != DRAFT:
        raise ValueError("holds what is not taken")
    for word, value in part.items():
        if word == "$ref":
            yield target(schema, value)
        elif word in NAMED:
            yield from value.values()
        elif word not in PLAIN:
            yield from value if isinstance(value, list) else [value]


def target(schema: Any, reference: Any) -> Any:
    """What a reference within the schema names: `#/$defs/…`, or `#` alone."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise ValueError("names something outside")
    found = schema
    for step in reference.split("/")[1:]:
        found = (
            found[int(step)] if isinstance(found, list) else found[step.replace("~1", "/").replace("~0", "~")]
        )
    return found


def small(value: Any) -> bool:
    """Whether it has few enough values to be checked."""
    waiting, seen = [value], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            return False
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return True
