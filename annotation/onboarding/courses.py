"""Acts of the lead on a course: its rule, its lessons, and who has qualified."""

import datetime as dt
import secrets
import uuid
from collections.abc import Iterator

from django.db import transaction

from annotation import policies
from annotation.blinding import gate
from annotation.blinding.sides import Placing
from annotation.models import Course, Lesson, LessonKind, Protocol, Qualification, Rubric
from annotation.onboarding.lessons import LessonItem
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, NotFound, Refused, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.ndjson import BrokenLines, LineError

# So that nobody uploads a data set by mistake: a person goes through all of the training.
MOST_LESSONS = 1000
LONGEST_NAME = 80


def set_rule(
    rubric_name: str, *, pass_mark: float, items: int, retries: int, wait_hours: int, by: User
) -> Course:
    """The course of a rubric, with this rule for its test. What was begun under another one ends under that."""
    refuse_if(policies.opening(by))
    if not rubric_name.isprintable() or len(rubric_name) > LONGEST_NAME:
        raise Invalid(
            "bad_name", f"A rubric's name has up to {LONGEST_NAME} characters, all of them printable."
        )
    rule = {"pass_mark": pass_mark, "items": items, "retries": retries, "wait_hours": wait_hours}
    course, _ = Course.objects.update_or_create(
        rubric_name=rubric_name,
        defaults=rule,
        create_defaults={**rule, "seed": secrets.token_hex(32)},
    )
    return course


def named(rubric_name: str) -> Course:
    course = Course.objects.filter(rubric_name=rubric_name).first()
    if course is None:
        raise NotFound(
            "no_such_course", f"The rubric {rubric_name!r} has no course; set the rule of its test first."
        )
    return course


def ready(rubric: Rubric) -> Course:
    """The course that a campaign asks for, which people can pass."""
    rubric_name = rubric.name
    if rubric.protocol != Protocol.PAIRWISE:
        sentence = f"Courses teach pairwise rubrics; {rubric_name!r} is for the protocol {rubric.protocol}."
        raise Invalid("no_course", sentence, {"requires_qualification": [sentence]})
    course = Course.objects.filter(rubric_name=rubric_name).first()
    questions = course.lessons.filter(kind=LessonKind.TEST).count() if course else 0
    if course is None or questions < course.items:
        sentence = (
            f"The rubric {rubric_name!r} has no course; set the rule of its test and add lessons first."
            if course is None
            else f"The test of {rubric_name!r} asks {course.items} questions and has {questions}; add lessons first."
        )
        raise Invalid("no_course", sentence, {"requires_qualification": [sentence]})
    return course


@transaction.atomic
def add_lessons(course: Course, lessons: Iterator[tuple[int, LessonItem]], *, by: User) -> int:
    """Add lessons: all, or none. How many there were."""
    refuse_if(policies.opening(by))
    Course.objects.select_for_update().get(pk=course.pk)
    seen = set(course.lessons.values_list("key", flat=True))
    placing = Placing(overlap=1, seed=course.seed)
    rows, wrong = [], []
    try:
        for number, lesson in lessons:
            if lesson.item.key in seen:
                reason = f"{lesson.item.item!r} with these two sources is in the course already"
                wrong.append(LineError(number, "item", reason))
            seen.add(lesson.item.key)
            wrong += gate.telling_lesson(number, lesson.item)
            if len(seen) > MOST_LESSONS:
                wrong.append(LineError(number, "", f"a course holds up to {MOST_LESSONS} lessons"))
                break
            rows.append(drawn(course, lesson, placing))
        if wrong:
            raise BrokenLines(wrong)
    except BrokenLines as broken:
        raise broken.as_invalid() from None
    return len(Lesson.objects.bulk_create(rows))


def drawn(course: Course, lesson: LessonItem, placing: Placing) -> Lesson:
    item = lesson.item
    assert item.gold is not None
    ordinals = dict(zip(item.sources, placing.ordinals(item.key, len(item.responses)), strict=True))
    ordered = sorted(item.responses, key=lambda response: ordinals[response.source])
    return Lesson(
        course=course,
        kind=lesson.kind,
        item=item.item,
        key=item.key,
        group=item.group,
        prompt=item.prompt,
        prompt_format=item.prompt_format,
        responses=[{"source": each.source, "text": each.text, "format": each.format} for each in ordered],
        choice=item.gold_choice(ordinals),
        why=item.gold.why,
    )


@transaction.atomic
def grant(course: Course, evaluator: User, *, by: User, reason: str, at: dt.datetime) -> Qualification:
    """Let somebody judge without the test, or again after a revocation."""
    refuse_if(policies.qualifying(by))
    if refusal := policies.judging(evaluator):
        raise Refused(refusal.code, f"{evaluator.pseudonym} cannot judge: {refusal.reason}")
    reason = reasons.checked(reason)
    # The course's row orders this with the end of a test and with another lead.
    Course.objects.select_for_update().get(pk=course.pk)
    if course.qualifications.filter(evaluator=evaluator, revoked_at=None).exists():
        raise Conflict("already_qualified", f"{evaluator.pseudonym} is qualified already.")
    row = Qualification.objects.create(
        course=course, evaluator=evaluator, granted_by=by, grant_reason=reason, qualified_at=at
    )
    tell(Event.QUALIFICATION_GRANTED, row, by=by, reason=reason, at=at)
    return row


@transaction.atomic
def revoke(
    course: Course, qualification_id: uuid.UUID, *, by: User, reason: str, at: dt.datetime
) -> Qualification:
    """Give somebody no further tasks of campaigns that ask for it. What they have on the screen they may finish."""
    refuse_if(policies.qualifying(by))
    reason = reasons.checked(reason)
    row = (
        course.qualifications.select_for_update(of=("self",))
        .select_related("course", "evaluator")
        .filter(public_id=qualification_id)
        .first()
    )
    if row is None:
        raise NotFound("no_such_qualification", "This course has no such qualification.")
    if row.revoked_at is not None:
        raise Conflict("already_revoked", "This qualification was revoked before.")
    row.revoked_by, row.revoked_at, row.revocation_reason = by, at, reason
    row.save(update_fields=["revoked_by", "revoked_at", "revocation_reason"])
    tell(Event.QUALIFICATION_REVOKED, row, by=by, reason=reason, at=at)
    return row


def tell(event: Event, row: Qualification, *, by: User, reason: str, at: dt.datetime) -> None:
    record(
        event,
        by=by,
        subject=row.evaluator,
        facts={"qualification": str(row.public_id), "course": str(row.course.public_id)},
        statements={"reason": reason},
        at=at,
    )
