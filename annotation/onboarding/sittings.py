"""Acts of the evaluator in a course: begin the training or the test, answer, and qualify."""

import datetime as dt
import uuid

from django.db import IntegrityError, transaction

from annotation import policies
from annotation.blinding.sides import Placeable, Placing
from annotation.models import Course, Lesson, LessonKind, Qualification, Question, Sitting
from annotation.protocols.pairwise import chosen
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, NotFound, refuse_if


def start(course: Course, kind: str, *, by: User, at: dt.datetime) -> Sitting:
    """The training or an attempt of the test, with its questions drawn; one that is open is gone on with."""
    refuse_if(policies.claiming(by))
    sittings = Sitting.objects.filter(course=course, evaluator=by, kind=kind)
    if going_on := sittings.filter(ended_at=None).first():
        return going_on
    refuse_if(policies.sitting(by, course, kind, at=at))
    try:
        with transaction.atomic():
            sitting = Sitting.objects.create(
                course=course, evaluator=by, kind=kind, started_at=at, pass_mark=course.pass_mark
            )
            Question.objects.bulk_create(questions(sitting))
    except IntegrityError:
        return sittings.get(ended_at=None)  # a double click: the other one has begun it
    return sitting


def questions(sitting: Sitting) -> list[Question]:
    """Sides are drawn for each sitting: nobody can pass on where the better response stands."""
    placing = Placing(overlap=1, seed=f"{sitting.course.seed}-{sitting.public_id}")
    lessons = list(sitting.course.lessons.filter(kind=sitting.kind).order_by("pk"))
    if sitting.kind == LessonKind.TEST:
        seen = set(
            Question.objects.filter(
                sitting__course=sitting.course_id, sitting__evaluator=sitting.evaluator_id
            ).values_list("lesson", flat=True)
        )
        # Those that were not asked before come first.
        lessons.sort(key=lambda lesson: (lesson.pk in seen, placing.draw(f"test-{lesson.key}")))
        lessons = lessons[: sitting.course.items]
    return [
        Question(
            sitting=sitting,
            lesson=lesson,
            ordinal=ordinal,
            places=placing.slots(placeable(lesson))[0].places,
        )
        for ordinal, lesson in enumerate(lessons, start=1)
    ]


def placeable(lesson: Lesson) -> Placeable:
    sources = [response["source"] for response in lesson.responses]
    return Placeable(lesson.key, lesson.group, tuple(sources.index(source) for source in sorted(sources)))


def mine(sitting_id: uuid.UUID, evaluator: User) -> Sitting:
    """The evaluator's own sitting. Somebody else's looks the same as none."""
    refuse_if(policies.claiming(evaluator))
    found = Sitting.objects.select_related("course").filter(public_id=sitting_id, evaluator=evaluator).first()
    if found is None:
        raise NotFound("no_such_sitting", "You have begun no such training or test.")
    return found


def upcoming(sitting: Sitting) -> Question | None:
    """The question to be answered next."""
    waiting = sitting.questions.filter(choice=None).select_related("lesson")
    return waiting.order_by("ordinal").first()


def question(sitting: Sitting, ordinal: int) -> Question:
    found = sitting.questions.select_related("lesson").filter(ordinal=ordinal).first()
    if found is None:
        raise NotFound("no_such_question", "There is no such question.")
    return found


@transaction.atomic
def answer(
    sitting_id: uuid.UUID, ordinal: int, *, preference: int | str, by: User, at: dt.datetime
) -> Question:
    """Answer the question whose turn it is. The last one ends the sitting; a test that was passed qualifies."""
    sitting = mine(sitting_id, by)
    # One answer at a time, so that the last one counts them all.
    Sitting.objects.select_for_update().get(pk=sitting.pk)
    asked = question(sitting, ordinal)
    choice = chosen(preference, asked.places)
    if asked.choice == choice:
        return asked
    if asked.choice is not None:
        raise Conflict("answered_before", "You have answered this question before; that answer stands.")
    if upcoming(sitting) != asked:
        raise Conflict("not_its_turn", "Answer the questions in their order.")
    asked.choice, asked.answered_at = choice, at
    asked.save(update_fields=["choice", "answered_at"])
    if upcoming(sitting) is None:
        end(sitting, at=at)
    return asked


def end(sitting: Sitting, *, at: dt.datetime) -> None:
    answered = list(sitting.questions.select_related("lesson"))
    right = sum(each.is_right for each in answered)
    # The training is passed by going through it. A share such as 0.7 has no exact form.
    passed = sitting.kind == LessonKind.TRAINING or right / len(answered) >= sitting.pass_mark - 1e-9
    sitting.ended_at, sitting.right, sitting.passed = at, right, passed
    sitting.save(update_fields=["ended_at", "right", "passed"])
    if sitting.kind == LessonKind.TEST and passed:
        # The course's row orders this with a lead who grants or has revoked meanwhile: theirs holds.
        Course.objects.select_for_update().get(pk=sitting.course_id)
        if not Qualification.objects.filter(course=sitting.course, evaluator=sitting.evaluator_id).exists():
            Qualification.objects.create(
                course=sitting.course, evaluator_id=sitting.evaluator_id, sitting=sitting, qualified_at=at
            )
