"""Pure: what a component version's configuration points at, and how it is asked.

The shape is part of the HTTP contract: `target` says whom to ask; the rest is read by the target's kind.
"""

from collections.abc import Callable
from typing import Any

from evaltrack.errors import Invalid
from experiments.targets import batch, http_json, openai_chat, uploaded
from experiments.targets.base import Target
from experiments.targets.reading import Reading

KINDS: dict[str, Callable[[Reading], Target]] = {
    openai_chat.KIND: openai_chat.read,
    http_json.KIND: http_json.read,
    batch.KIND: batch.read,
    uploaded.KIND: uploaded.read,
}


def parse(configuration: Any) -> Target:
    """The target of a configuration; Invalid with one sentence per bad field."""
    reading = Reading(configuration)
    kind = reading.section("target").get("kind")
    if isinstance(kind, str) and kind in KINDS:
        target = KINDS[kind](reading)
    else:
        reading.wrong("target.kind", f"must be {', '.join(repr(known) for known in KINDS)}")
    if reading.problems:
        name, sentences = next(iter(reading.problems.items()))
        raise Invalid("bad_configuration", f"{name} {sentences[0]}", reading.problems)
    return target
