"""Courses with lessons, and people who sit them."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from annotation import opening
from annotation.items import read_items
from annotation.models import Campaign, Course, Sitting
from annotation.onboarding import courses, sittings
from annotation.onboarding.lessons import read_lessons
from annotation.protocols import rules_of
from annotation.protocols.pairwise import as_shown
from evaltrack import clock
from evaltrack.accounts.models import User

WHY = "Because it is right."


def item(number: int, **more: Any) -> bytes:
    """A line in which the second response is better, where `gold` says so."""
    responses = [{"source": f"system-{name}", "text": f"{name}: {number}"} for name in "ab"]
    row = {"item": f"item {number}", "prompt": f"What is {number}?", "responses": responses}
    return json.dumps(row | more).encode() + b"\n"


def lesson(number: int, kind: str = "test", **more: Any) -> bytes:
    return item(number, **{"kind": kind, "gold": {"preference": 2, "why": WHY}, **more})


def course(lead: User, *, name: str = "helpfulness", training: int, test: int, **rule: Any) -> Course:
    opening.usual_rubric(rules_of("pairwise"))
    made = courses.set_rule(name, **rule, by=lead)
    lines = [lesson(number, "training") for number in range(training)]
    lines += [lesson(number) for number in range(training, training + test)]
    courses.add_lessons(made, read_lessons(lines), by=lead)
    return made


def campaign(lead: User, of: Course, *, items: int = 0, lines: Iterable[bytes] = ()) -> Campaign:
    """Over items that only who has qualified in `of` is given: so many, or those of `lines`."""
    at = clock.now()
    assert of.rubric_name == opening.usual_rubric(rules_of("pairwise")).name
    opened = opening.open_stand_alone(
        name="Gated", overlap=2, due_at=None, by=lead, at=at, requires_qualification=True
    )
    opening.add_items(opened.pk, read_items(lines or map(item, range(items))), by=lead, at=at)
    return opened


def sit(sitting: Sitting, *, right: int = 0, at: dt.datetime | None = None) -> None:
    """Answer everything, the first `right` questions right."""
    while question := sittings.upcoming(sitting):
        good = as_shown(question.lesson.choice, question.places)
        preference = good if question.ordinal <= right else "tie"
        sittings.answer(
            sitting.public_id,
            question.ordinal,
            preference=preference,
            by=sitting.evaluator,
            at=at or clock.now(),
        )
