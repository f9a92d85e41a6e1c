"""Pure: the parts of a rubric as lines of text, as a form without scripts takes them.

A criterion is a line `question | what its answers mean`, a reason a line `label | severity`, and a scale has a line
for each point, of which those between the ends may be empty.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

BAR = "|"
WORD = re.compile(r"[a-z0-9]+")
LONGEST_ID = 40


def criteria_of(text: str, *, before: Sequence[Mapping[str, Any]], scale: Sequence[str]) -> list[dict]:
    """Criteria as the API takes them. One that stood there `before` keeps its id and its scale; where there is a
    scale, a new one has the main question's."""
    known = {each["question"]: each for each in before}
    taken = {each["id"] for each in before}
    found = []
    for question, anchors in halves(text):
        old = known.get(question, {})
        identifier = old.get("id") or new_id(question, taken)
        taken.add(identifier)
        criterion = {"id": identifier, "question": question, "anchors": anchors}
        own_scale = list(old.get("scale") or scale)
        found.append(criterion | ({"scale": own_scale} if own_scale else {}))
    return found


def reasons_of(text: str, *, before: Sequence[Mapping[str, Any]]) -> list[dict]:
    known = {each["label"]: each for each in before}
    taken = {each["id"] for each in before}
    found = []
    for label, severity in halves(text):
        identifier = known.get(label, {}).get("id") or new_id(label, taken)
        taken.add(identifier)
        found.append(
            {"id": identifier, "label": label} | ({"severity": severity.lower()} if severity else {})
        )
    return found


def scale_of(text: str) -> list[str]:
    """Without empty lines behind the last point that says something."""
    points = [line.strip() for line in text.strip("\r\n").splitlines()]
    while points and not points[-1]:
        points.pop()
    return points


def halves(text: str) -> list[tuple[str, str]]:
    parts = [line.partition(BAR) for line in text.splitlines() if line.strip()]
    return [(first.strip(), second.strip()) for first, _, second in parts]


def new_id(words: str, taken: set[str]) -> str:
    """Made of the first words, and of a number where that is taken."""
    bare = "-".join(WORD.findall(words.lower()))[: LONGEST_ID - 3].strip("-") or "question"
    numbered = (bare if number == 1 else f"{bare}-{number}" for number in range(1, len(taken) + 2))
    return next(each for each in numbered if each not in taken)


# ── Back to lines ────────────────────────────────────────────────────────────────────────────────────


def as_text(body: Mapping[str, Any]) -> dict[str, str]:
    """The three of them from a rubric as the API takes it."""
    return {
        "criteria": lines((each["question"], each.get("anchors", "")) for each in body.get("criteria", ())),
        "reasons": lines((each["label"], each.get("severity", "")) for each in body.get("reasons", ())),
        "scale": "\n".join(body.get("scale", ())),
    }


def lines(pairs: Any) -> str:
    return "\n".join(f"{first} {BAR} {second}" if second else first for first, second in pairs)
