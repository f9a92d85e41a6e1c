"""Pure: whether an answer has the form that is asked for, whatever it says."""

import json
from typing import Any

from experiments.metrics import patterns
from experiments.metrics.base import Answered, Direction, Kind, Metric, Parameter

FENCE = "```"
MOST_SECTIONS = 100


def format_compliance(answered: Answered) -> float | None:
    """1 where the whole answer matches `pattern`, a parameter of the metric."""
    pattern = answered.parameters.get("pattern")
    if not isinstance(pattern, str) or answered.text is None:
        return None
    matches = patterns.matches_whole(pattern, answered.text.strip())
    return None if matches is None else float(matches)


def json_valid(answered: Answered) -> float | None:
    """1 where the whole answer is JSON, perhaps within one fenced block; NaN and Infinity are none."""
    if answered.text is None:
        return None
    text = answered.text.strip()
    if text.startswith(FENCE) and text.endswith(FENCE) and "\n" in text:
        text = text[text.index("\n") : -len(FENCE)]
    try:
        json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def words(answered: Answered) -> float | None:
    return None if answered.text is None else float(len(answered.text.split()))


def length_within(answered: Answered) -> float | None:
    """1 where the answer has from `fewest` to `most` words, parameters of the metric."""
    fewest, most = answered.parameters.get("fewest", 0), answered.parameters.get("most")
    if answered.text is None or not is_count(fewest) or not (most is None or is_count(most)):
        return None
    count = len(answered.text.split())
    return float(count >= fewest and (most is None or count <= most))


def has_sections(answered: Answered) -> float | None:
    """The share of `sections`, a parameter of the metric, that stand as headings: a line of the words alone, perhaps
    marked as a heading or bold, perhaps with a colon."""
    sections = answered.parameters.get("sections")
    if answered.text is None or not is_list_of_texts(sections) or not sections:
        return None
    headings = {line.strip().strip("#*_: ").casefold() for line in answered.text.splitlines()}
    return sum(section.strip().casefold() in headings for section in sections) / len(sections)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_list_of_texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_SECTIONS
        and all(isinstance(each, str) and each.strip() for each in value)
    )


METRICS = [
    Metric(
        "format_compliance",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that match the required pattern as a whole.",
        format_compliance,
        missing=0.0,
        undefined="the policy sets no pattern, or it takes too long",
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
        "length_within",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers with a number of words within the limits.",
        length_within,
        missing=0.0,
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
        undefined="the policy names no sections",
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
    ),
]
