"""Pure: judgments that were made elsewhere, as they come in NDJSON, a line each."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotation.items import LONGEST_NAME, RESERVED
from evaltrack.canonical import sha256_hex
from evaltrack.fields import WrongField, mapping, named, read_rows, text
from evaltrack.ndjson import holds_nul

FIELDS = {"id", "item", "rater", "responses", "preference", "answers", "judged_at"}
LONGEST_RATER = 200
# Longer than elsewhere: systems whose outputs were equal stand as one, with all their names.
LONGEST_SOURCE = 500
LEFT, RIGHT, NEITHER = "left", "right", ("tie", "both_bad")
EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Judged:
    """What `rater` said of an item's responses by the systems `left` and `right`, named in the order shown.

    `identity` names the judgment, where its file does or says when it was made; without, it may be a repeat.
    """

    item: str
    rater: str
    left: str
    right: str
    choice: str
    answers: Mapping[str, str] = field(default_factory=dict)
    judged_at: dt.datetime | None = None
    identity: str | None = None

    @property
    def said(self) -> tuple[Any, ...]:
        """All of it but time and identity, in words that do not depend on the order shown."""
        sides = {LEFT: self.left, RIGHT: self.right}
        answers = tuple(sorted((name, sides.get(each, each)) for name, each in self.answers.items()))
        pair = tuple(sorted(sides.values()))
        return self.item, self.rater, pair, sides.get(self.choice, self.choice), answers


def read_judgments(
    lines: Iterable[bytes], criteria: Iterable[str], *, now: dt.datetime
) -> Iterator[tuple[int, Judged]]:
    """Judgments with their line numbers. Raises BrokenLines at the end if any line was bad.

    `criteria` are the rubric's, by which `answers` may be given.
    """
    known = set(criteria)
    return read_rows(lines, lambda row: judged(row, known, now=now), noun="judgment")


def judged(row: dict[str, Any], criteria: set[str], *, now: dt.datetime) -> Judged:
    mapping(row, "", FIELDS)
    if holds_nul(row):
        raise WrongField("", "holds a NUL character; remove it")
    item = text(row, "item", longest=LONGEST_NAME)
    rater = text(row, "rater", longest=LONGEST_RATER)
    left, right = pair_of(row)
    at = moment(row, now=now)
    sides = {left: LEFT, right: RIGHT}
    name = text(row, "id", longest=LONGEST_NAME) if "id" in row else ""
    return Judged(
        item=item,
        rater=rater,
        left=left,
        right=right,
        choice=choice_of(row.get("preference"), "preference", sides),
        answers=answers_of(row, criteria, sides),
        judged_at=at,
        identity=identity_of(name, item, rater, left, right, at),
    )


def pair_of(row: Mapping[str, Any]) -> tuple[str, str]:
    responses = row.get("responses")
    if not isinstance(responses, list) or len(responses) != 2:
        raise WrongField("responses", "must be a list of the two systems, in the order shown")
    for place, source in enumerate(responses):
        path = f"responses[{place}]"
        if not isinstance(source, str) or not source:
            raise WrongField(path, "must be the name of a system")
        if len(source) > LONGEST_SOURCE:
            raise WrongField(path, f"takes up to {LONGEST_SOURCE} characters")
        if source in RESERVED:
            raise WrongField(path, f"{source} is an answer, and so cannot be a system's name")
    if responses[0] == responses[1]:
        raise WrongField("responses", "must name two different systems")
    return responses[0], responses[1]


def choice_of(value: Any, path: str, sides: Mapping[str, str]) -> str:
    if isinstance(value, str):
        if value in NEITHER:
            return value
        if value in sides:
            return sides[value]
    raise WrongField(path, 'is one of the two systems in responses, "tie" or "both_bad"')


def answers_of(row: Mapping[str, Any], criteria: set[str], sides: Mapping[str, str]) -> dict[str, str]:
    answers = row.get("answers", {})
    if not isinstance(answers, dict):
        raise WrongField("answers", "must be an object, by criterion of the campaign's rubric")
    for name in answers:
        if name not in criteria:
            raise WrongField(named("answers", name), "is no criterion of the campaign's rubric")
    return {name: choice_of(value, named("answers", name), sides) for name, value in answers.items()}


def moment(row: Mapping[str, Any], *, now: dt.datetime) -> dt.datetime | None:
    given = row.get("judged_at")
    if given is None:
        return None
    try:
        found = dt.datetime.fromisoformat(given).astimezone(dt.UTC) if zoned(given) else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise WrongField("judged_at", "must be a time with its zone, like 2016-05-02T10:15:00Z")
    if not EARLIEST <= found <= now:
        raise WrongField("judged_at", "lies before 1970 or in the future")
    return found


def zoned(given: Any) -> bool:
    return dt.datetime.fromisoformat(given).tzinfo is not None


def identity_of(
    name: str, item: str, rater: str, left: str, right: str, at: dt.datetime | None
) -> str | None:
    """By its id, or as nobody judges the same pair twice at the same moment."""
    if name:
        return identified("id", name)
    if at:
        return identified("at", rater, item, *sorted((left, right)), at.isoformat())
    return None


def identified(*names: str) -> str:
    return sha256_hex(json.dumps(names).encode())
