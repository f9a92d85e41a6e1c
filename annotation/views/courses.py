"""Pages of the lead: courses, and who has qualified in them."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation import lookup
from annotation.models import Course
from annotation.onboarding import courses
from evaltrack import clock
from evaltrack.accounts import roster
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page

PAGE_SIZE = 25


@requires(Permission.MANAGE_CAMPAIGNS)
def course_list(request: PageRequest) -> HttpResponse:
    rows = Course.objects.annotate(
        training=Count("lessons", filter=Q(lessons__kind="training"), distinct=True),
        test=Count("lessons", filter=Q(lessons__kind="test"), distinct=True),
        qualified=Count("qualifications", filter=Q(qualifications__revoked_at=None), distinct=True),
    ).order_by("rubric_name")
    context = {"page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))}
    return page(request, "annotation/courses.html", context)


@requires(Permission.MANAGE_CAMPAIGNS)
def course_people(request: PageRequest, course_id: uuid.UUID) -> HttpResponse:
    course = lookup.course_named(course_id)
    standing = course.qualifications.filter(revoked_at=None).select_related(
        "evaluator", "granted_by", "sitting"
    )
    attempts = (
        course.sittings.filter(kind="test")
        .exclude(ended_at=None)
        .select_related("evaluator")
        .annotate(count=Count("questions"))
        .order_by("-ended_at", "-pk")
    )
    context = {
        "course": course,
        "qualifications": Paginator(standing.order_by("evaluator__pseudonym"), PAGE_SIZE).get_page(
            request.GET.get("page")
        ),
        "attempts": attempts[:PAGE_SIZE],
        "revoked": course.qualifications.exclude(revoked_at=None)
        .select_related("evaluator", "revoked_by")
        .order_by("-revoked_at")[:PAGE_SIZE],
        "lessons": course.lessons.aggregate(
            training=Count("pk", filter=Q(kind="training")), test=Count("pk", filter=Q(kind="test"))
        ),
    }
    return page(request, "annotation/course_people.html", context)


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def grant(request: PageRequest, course_id: uuid.UUID) -> HttpResponse:
    course = lookup.course_named(course_id)

    def act() -> None:
        evaluator = roster.evaluator_named(request.POST.get("evaluator", "").strip())
        reason = request.POST.get("reason", "")
        courses.grant(course, evaluator, by=request.user, reason=reason, at=clock.now())

    return told(request, course, act, "The qualification is granted.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def revoke(request: PageRequest, course_id: uuid.UUID) -> HttpResponse:
    course = lookup.course_named(course_id)
    return told(
        request,
        course,
        lambda: courses.revoke(
            course,
            lookup.uuid_of(request.POST.get("qualification", "")),
            by=request.user,
            reason=request.POST.get("reason", ""),
            at=clock.now(),
        ),
        "The qualification is revoked.",
    )


def told(request: PageRequest, course: Course, act: Callable[[], Any], done: str) -> HttpResponse:
    """Act, and say on the course's page what came of it."""
    try:
        act()
        messages.success(request, done)
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("course-people", course.public_id)
