"""Pure: a judge's reply, read strictly: one JSON object with these keys and no others, and nothing round it.

A code block round the whole object is taken off, as many models put one there whatever they are told, and it can
stand for nothing else. Whatever else deviates is no reply: to guess what was meant is where forged scores come in.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LONGEST_REPLY = 100_000
LONGEST_REASON = 5_000
FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
CHOICES = ("1", "2", "tie")


class NotAReply(Exception):
    """What came is no reply in the format that was asked for; the message says why."""


@dataclass(frozen=True)
class Reply:
    """What was asked for: a score, a choice or a verdict for each item; and why, in the judge's words."""

    reason: str
    score: int | None = None
    choice: str = ""
    verdicts: tuple[bool, ...] = ()


Reader = Callable[[str], Reply]


def score(text: str, low: int, high: int) -> Reply:
    found = the_object(text, "score")
    value = found["score"]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise NotAReply(f"score must be a whole number from {low} to {high}")
    return Reply(found["reason"], score=value)


def choice(text: str) -> Reply:
    found = the_object(text, "verdict")
    if found["verdict"] not in CHOICES:
        raise NotAReply('verdict must be "1", "2" or "tie"')
    return Reply(found["reason"], choice=found["verdict"])


def verdicts(text: str, count: int) -> Reply:
    found = the_object(text, "verdicts")
    given = found["verdicts"]
    if not isinstance(given, list) or not all(isinstance(each, bool) for each in given):
        raise NotAReply("verdicts must be a list of true and false")
    if len(given) != count:
        raise NotAReply(f"verdicts must be {count}, and are {len(given)}")
    return Reply(found["reason"], verdicts=tuple(given))


def the_object(text: str, key: str) -> dict[str, Any]:
    """The object with `key` and `reason`. Raises NotAReply for anything else."""
    if len(text) > LONGEST_REPLY:
        raise NotAReply(f"it is longer than {LONGEST_REPLY:,} characters")
    text = text.strip()
    if fenced := FENCED.fullmatch(text):
        text = fenced[1]
    try:
        found = json.loads(text, object_pairs_hook=without_doubles, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise NotAReply("it is not one JSON object alone") from None
    if not isinstance(found, dict) or set(found) != {key, "reason"}:
        raise NotAReply(f"it must be one object with the keys {key} and reason, and no others")
    if not isinstance(found["reason"], str) or len(found["reason"]) > LONGEST_REASON:
        raise NotAReply(f"reason must be text of at most {LONGEST_REASON:,} characters")
    return found


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAReply("a key stands twice")
    return found


def no_number(name: str) -> Any:
    raise NotAReply(f"{name} is no JSON")
