"""Pure: whether an answer has the form that is asked for, whatever it says."""

import json
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics import patterns, schemas
from experiments.metrics.base import TOO_SLOW, Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.text import kept

FENCE = "```"
# Blanks may stand before it within a fence.
STARTS_JSON = ("{", "[", '"', "-", *"0123456789", "t", "f", "n", *" \t\r\n")
MOST_SECTIONS = 100
NO_PATTERN = Undefined("the policy sets no pattern")
NO_SCHEMA = Undefined("the policy sets no schema that can be used")
NO_PROPERTIES = Undefined("the schema names no properties")
NO_SECTIONS = Undefined("the policy names no sections")
NO_LIMITS = Undefined("the policy's limits are no whole numbers from 0")


def format_compliance(answered: Answered) -> Value:
    """1 where the whole answer matches `pattern`, a parameter of the metric."""
    pattern = answered.parameters.get("pattern")
    if not isinstance(pattern, str):
        return NO_PATTERN
    matches = patterns.matches_whole(pattern, answered.said.strip())
    return TOO_SLOW if matches is None else float(matches)


def json_valid(answered: Answered) -> Value:
    """1 where the whole answer is JSON, perhaps within one fenced block; NaN and Infinity are none."""
    return float(parsed(answered.said) is not NOTHING)


NOTHING = object()


@kept
def parsed(text: str) -> Any:
    """What the answer is as JSON; NOTHING where it is none."""
    text = text.strip()
    if text.startswith(FENCE) and text.endswith(FENCE) and "\n" in text:
        text = text[text.index("\n") : -len(FENCE)]
    # Most answers are prose, and to be refused by the decoder takes nine times as long.
    if not text.startswith(STARTS_JSON):
        return NOTHING
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return NOTHING


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def schema_compliance(answered: Answered) -> Value:
    """1 where the answer is JSON and the schema of the policy accepts it."""
    schema = schemas.usable(answered.parameters.get("schema"))
    if schema is None:
        return NO_SCHEMA
    found = parsed(answered.said)
    return 0.0 if found is NOTHING else float(schema.accepts(found))


def schema_fields(answered: Answered) -> Value:
    """The share of the schema's own properties that the answer has as they are described.

    An optional one that is left out is as described; whatever is no object has none.
    """
    schema = schemas.usable(answered.parameters.get("schema"))
    if schema is None:
        return NO_SCHEMA
    if not schema.properties:
        return NO_PROPERTIES
    found = parsed(answered.said)
    if not isinstance(found, dict):
        return 0.0
    return sum(schema.accepts_property(name, found) for name in schema.properties) / len(schema.properties)


def words(answered: Answered) -> Value:
    return float(len(answered.said.split()))


def length_within(answered: Answered) -> Value:
    """1 where the answer has from `fewest` to `most` words, parameters of the metric."""
    fewest, most = answered.parameters.get("fewest", 0), answered.parameters.get("most")
    if not is_count(fewest) or not (most is None or is_count(most)):
        return NO_LIMITS
    count = len(answered.said.split())
    return float(count >= fewest and (most is None or count <= most))


def has_sections(answered: Answered) -> Value:
    """The share of `sections`, a parameter of the metric, that stand as headings: a line of the words alone, perhaps
    marked as a heading or bold, perhaps with a colon."""
    sections = answered.parameters.get("sections")
    if not is_list_of_texts(sections) or not sections:
        return NO_SECTIONS
    headings = {line.strip().strip("#*_: ").casefold() for line in answered.said.splitlines()}
    return sum(section.strip().casefold() in headings for section in sections) / len(sections)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_list_of_texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_SECTIONS
        and all(isinstance(each, str) and each.strip() for each in value)
    )


SCHEMA = {
    "schema": Parameter(
        "a JSON Schema (draft 2020-12) of at most 20,000 characters, without patterns and with references to itself "
        "alone that do not go round",
        "what the answer has to be",
        lambda value: schemas.usable(value) is not None,
    )
}
METRICS = [
    Metric(
        "format_compliance",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that match the required pattern as a whole.",
        format_compliance,
        missing=0.0,
        undefined=f"{NO_PATTERN.reason}, or {TOO_SLOW.reason}",
        takes={
            "pattern": Parameter(
                "a regular expression", "what the whole answer has to match", patterns.compiles
            )
        },
    ),
    Metric(
        "json_valid",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that are JSON, perhaps within one fenced block.",
        json_valid,
        missing=0.0,
        source="RFC 8259",
    ),
    Metric(
        "schema_compliance",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that are JSON as the schema describes it, perhaps within one fenced block.",
        schema_compliance,
        missing=0.0,
        source="JSON Schema draft 2020-12, by the library jsonschema",
        undefined=NO_SCHEMA.reason,
        limits="An answer of more than 100,000 values is not checked and counts 0. `format` is not asserted.",
        takes=SCHEMA,
        needs=("schema",),
    ),
    Metric(
        "schema_fields",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Mean share of the schema's properties that an answer has as they are described.",
        schema_fields,
        missing=0.0,
        formula="properties as described / properties of the schema's first level",
        source="JSON Schema draft 2020-12, by the library jsonschema",
        undefined=f"{NO_SCHEMA.reason}; {NO_PROPERTIES.reason}",
        limits="Only the first level is counted. A required property that is left out is not as described.",
        takes=SCHEMA,
        needs=("schema",),
    ),
    Metric(
        "length_within",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers with a number of words within the limits.",
        length_within,
        missing=0.0,
        undefined=NO_LIMITS.reason,
        takes={
            "fewest": Parameter("a whole number from 0", "the fewest words, 0 unless said", is_count),
            "most": Parameter(
                "a whole number from 0", "the most words; as many as one likes unless said", is_count
            ),
        },
    ),
    Metric(
        "has_sections",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Mean share of the required sections that stand in an answer as headings.",
        has_sections,
        missing=0.0,
        undefined=NO_SECTIONS.reason,
        takes={
            "sections": Parameter(
                "a list of texts", "the headings that an answer has to have", is_list_of_texts
            )
        },
    ),
    Metric(
        "words",
        Kind.CONTINUOUS,
        Direction.LOWER,
        "Mean number of words of an answer.",
        words,
        unit="words",
        highest=None,
        undefined="there was no answer",
    ),
]
