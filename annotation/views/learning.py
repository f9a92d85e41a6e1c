"""Pages of an evaluator who learns a rubric: guidelines, training, test. Plain forms; no script takes part."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation import lookup
from annotation.models import LessonKind, Question, Sitting
from annotation.onboarding import learning, sittings
from annotation.views.forms import CHOICES
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, ExpectedError, Invalid
from evaltrack.htmx import page


@requires(Permission.JUDGE)
def course(request: PageRequest, course_id: uuid.UUID) -> HttpResponse:
    shown = learning.course_page(lookup.course_named(course_id), request.user, at=clock.now())
    return page(request, "annotation/course.html", {"shown": shown})


@require_POST
@requires(Permission.JUDGE)
def start(request: PageRequest, course_id: uuid.UUID) -> HttpResponse:
    found = lookup.course_named(course_id)
    kind = LessonKind.TEST if request.POST.get("kind") == LessonKind.TEST else LessonKind.TRAINING
    try:
        begun = sittings.start(found, kind, by=request.user, at=clock.now())
    except ExpectedError as error:
        messages.error(request, error.reason)
        return redirect("course", found.public_id)
    return redirect("sitting", begun.public_id)


@requires(Permission.JUDGE)
def sitting(request: PageRequest, sitting_id: uuid.UUID) -> HttpResponse:
    """The question whose turn it is, or the result."""
    found = sittings.mine(sitting_id, request.user)
    if following := sittings.upcoming(found):
        return redirect("question", found.public_id, following.ordinal)
    context = {"course": found.course, "result": learning.result(found)}
    return page(request, "annotation/sitting.html", context)


@requires(Permission.JUDGE)
def question(request: PageRequest, sitting_id: uuid.UUID, ordinal: int) -> HttpResponse:
    """A question to be answered; in the training also one that was, with the reference answer and why."""
    found = sittings.mine(sitting_id, request.user)
    asked = sittings.question(found, ordinal)
    following = sittings.upcoming(found)
    if asked == following or (asked.choice and found.kind == LessonKind.TRAINING):
        return question_page(request, found, asked)
    return redirect("sitting", found.public_id)


@require_POST
@requires(Permission.JUDGE)
def answer(request: PageRequest, sitting_id: uuid.UUID, ordinal: int) -> HttpResponse:
    found = sittings.mine(sitting_id, request.user)
    try:
        sittings.answer(
            sitting_id,
            ordinal,
            preference=request.POST.get("preference", ""),
            by=request.user,
            at=clock.now(),
        )
    except Invalid:
        if (asked := sittings.upcoming(found)) and asked.ordinal == ordinal:
            return question_page(request, found, asked, problem="Choose one of the four answers first.")
    except Conflict as error:
        messages.error(request, error.reason)
        return redirect("sitting", found.public_id)
    if found.kind == LessonKind.TRAINING:
        return redirect("question", found.public_id, ordinal)
    return redirect("sitting", found.public_id)


def question_page(request: PageRequest, of: Sitting, asked: Question, *, problem: str = "") -> HttpResponse:
    shown = learning.question_page(
        asked, explained=of.kind == LessonKind.TRAINING and asked.choice is not None
    )
    context = {
        "course": of.course,
        "sitting": of,
        "shown": shown,
        "total": of.questions.count(),
        "rubric": learning.rubric_of(of.course),
        "choices": CHOICES,
        "problem": problem,
    }
    return page(request, "annotation/question.html", context, status=422 if problem else 200)
