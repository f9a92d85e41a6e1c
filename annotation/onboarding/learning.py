"""What pages of a course show an evaluator: guidelines, a question, feedback, a result. Nothing names a system."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from annotation import policies, rubrics
from annotation.models import Course, Lesson, LessonKind, Qualification, Question, Rubric, Sitting
from annotation.presenters import Response
from annotation.protocols.pairwise import as_shown, in_words
from evaltrack.accounts.models import User
from evaltrack.errors import NotFound, Refusal


@dataclass(frozen=True)
class Step:
    """The training or the test: what is behind the evaluator, and why they cannot begin now."""

    lessons: int
    going_on: Sitting | None
    ended: list[Sitting]
    refusal: Refusal | None


@dataclass(frozen=True)
class CoursePage:
    course: Course
    rubric: Rubric
    details: rubrics.Details
    training: Step
    test: Step
    qualification: Qualification | None

    @property
    def attempts_left(self) -> int:
        return max(0, 1 + self.course.retries - len(self.test.ended))

    @property
    def must_be_right(self) -> int:
        """The fewest right answers that pass."""
        return next(
            n for n in range(self.course.items + 1) if n / self.course.items >= self.course.pass_mark - 1e-9
        )


def course_page(course: Course, evaluator: User, *, at: dt.datetime) -> CoursePage:
    rubric = rubric_of(course)
    sittings = list(
        Sitting.objects.filter(course=course, evaluator=evaluator)
        .annotate(count=Count("questions"))
        .order_by("started_at")
    )

    def step(kind: str) -> Step:
        own = [sitting for sitting in sittings if sitting.kind == kind]
        going_on = next((sitting for sitting in own if sitting.ended_at is None), None)
        return Step(
            lessons=course.lessons.filter(kind=kind).count(),
            going_on=going_on,
            ended=[sitting for sitting in own if sitting.ended_at],
            refusal=None if going_on else policies.sitting(evaluator, course, kind, at=at),
        )

    return CoursePage(
        course=course,
        rubric=rubric,
        details=rubrics.of(rubric),
        training=step(LessonKind.TRAINING),
        test=step(LessonKind.TEST),
        qualification=course.qualifications.filter(evaluator=evaluator, revoked_at=None).first(),
    )


def rubric_of(course: Course) -> Rubric:
    """The newest version."""
    rubric = Rubric.objects.filter(name=course.rubric_name).order_by("-version").first()
    if rubric is None:
        raise NotFound("no_such_rubric", "The guidelines of this rubric are not there yet.")
    return rubric


@dataclass(frozen=True)
class QuestionPage:
    """A question as it was placed; with `right` and `why` once the evaluator may know them."""

    number: int
    prompt: str
    prompt_format: str
    responses: tuple[Response, ...]
    given: int | str | None
    right: int | str | None
    why: str

    @property
    def is_right(self) -> bool:
        return self.given == self.right

    @property
    def given_in_words(self) -> str:
        return "" if self.given is None else in_words(self.given)

    @property
    def right_in_words(self) -> str:
        return "" if self.right is None else in_words(self.right)


def question_page(question: Question, *, explained: bool) -> QuestionPage:
    lesson = question.lesson
    return QuestionPage(
        number=question.ordinal,
        prompt=lesson.prompt,
        prompt_format=lesson.prompt_format,
        responses=tuple(
            Response(slot=slot, text=each["text"], format=each["format"])
            for slot, each in enumerate(placed(question), start=1)
        ),
        given=as_shown(question.choice, question.places) if question.choice else None,
        right=as_shown(lesson.choice, question.places) if explained else None,
        why=lesson.why if explained else "",
    )


def placed(question: Question) -> list[dict[str, Any]]:
    return [question.lesson.responses[int(ordinal)] for ordinal in question.places]


@dataclass(frozen=True)
class Result:
    sitting: Sitting
    count: int
    # None: not told, as the next attempt may ask them again.
    missed: list[QuestionPage] | None


def result(sitting: Sitting) -> Result:
    questions = list(sitting.questions.select_related("lesson").order_by("ordinal"))
    missed = None
    if sitting.kind == LessonKind.TRAINING or may_explain(sitting):
        missed = [question_page(each, explained=True) for each in questions if not each.is_right]
    return Result(sitting, len(questions), missed)


def may_explain(sitting: Sitting) -> bool:
    """Whether no attempt asks, now or later, what was asked here."""
    course = sitting.course
    own = Sitting.objects.filter(course=course, evaluator=sitting.evaluator_id, kind=LessonKind.TEST)
    left = course.retries + 1 - own.count()
    if own.filter(ended_at=None).exists():
        return False
    if sitting.passed or left <= 0:
        return True
    asked = Question.objects.filter(sitting__in=own).values("lesson")
    fresh = Lesson.objects.filter(course=course, kind=LessonKind.TEST).exclude(pk__in=asked)
    return fresh.count() >= course.items * left
