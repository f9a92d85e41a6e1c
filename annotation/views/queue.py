"""Pages of the evaluator: what waits, and the judging screen. Works as plain forms; htmx makes it quick."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation import assignment as assignments
from annotation import judging, presenters
from annotation.assignment import NothingToDo
from annotation.judging import Answer
from annotation.models import AssignmentState
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page

SKIP_REASONS = [
    "I cannot judge this subject",
    "The request or a response is broken",
    "The content is harmful",
    "Another reason",
]


@requires(Permission.JUDGE)
def queue(request: PageRequest) -> HttpResponse:
    context = {
        "work": presenters.my_work(request.user),
        "agreement_signed": grants.has_accepted_agreement(request.user),
    }
    return page(request, "annotation/queue.html", context)


@requires(Permission.JUDGE)
def review(request: PageRequest) -> HttpResponse:
    """The screen for the assignment that is shown, or the way to the next one. GET takes nothing."""
    shown = assignments.shown_assignment(request.user, None)
    if shown is None:
        return redirect("queue")
    return page(request, "annotation/review.html", screen_context(shown))


@require_POST
@requires(Permission.JUDGE)
def next_task(request: PageRequest) -> HttpResponse:
    found = assignments.claim_next(request.user, at=clock.now())
    if isinstance(found, NothingToDo):
        messages.info(request, found.detail)
        return redirect("queue")
    return redirect("review")


@require_POST
@requires(Permission.JUDGE)
def submit(request: PageRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """Store the judgment and show the next task: as a fragment to htmx, by redirect otherwise."""
    if not request.POST.get("preference"):
        return again(request, assignment_id, "Choose one of the four answers first.")
    try:
        judging.submit(
            assignment_id,
            judgment_id=uuid_of(request.POST.get("judgment_id", "")),
            answer=Answer(
                preference=request.POST["preference"],
                comment=request.POST.get("comment", ""),
                active_ms=whole_number(request.POST.get("active_ms", "")),
            ),
            by=request.user,
            at=clock.now(),
        )
    except ExpectedError as error:
        return onward(request, problem=error.reason)
    return onward(request, saved=True)


@require_POST
@requires(Permission.JUDGE)
def skip(request: PageRequest, assignment_id: uuid.UUID) -> HttpResponse:
    reason = request.POST.get("reason", "")
    if reason not in SKIP_REASONS:
        return again(request, assignment_id, "Say why you skip this task.")
    try:
        assignments.give_back(
            assignment_id, by=request.user, state="skipped", at=clock.now(), skip_reason=reason
        )
    except ExpectedError as error:
        return onward(request, problem=error.reason)
    return onward(request)


def again(request: PageRequest, assignment_id: uuid.UUID, problem: str) -> HttpResponse:
    """The same task with what is missing; nothing that was typed is lost."""
    shown = assignments.mine(assignment_id, request.user)
    if shown.state != AssignmentState.SHOWN:
        return onward(request, problem="This task has ended; here is your next one.")
    context = screen_context(shown) | {"problem": problem, "comment": request.POST.get("comment", "")}
    return page(
        request, "annotation/review.html", context, fragment="annotation/_review_card.html", status=422
    )


def onward(request: PageRequest, *, saved: bool = False, problem: str = "") -> HttpResponse:
    found = assignments.claim_next(request.user, at=clock.now())
    if not request.htmx:
        if problem:
            messages.error(request, problem)
        if isinstance(found, NothingToDo):
            messages.info(request, found.detail)
            return redirect("queue")
        return redirect("review")
    if isinstance(found, NothingToDo):
        return page(
            request, "annotation/_nothing.html", {"nothing": found}, fragment="annotation/_nothing.html"
        )
    context = screen_context(found) | {"saved": saved, "problem": problem}
    return page(request, "annotation/review.html", context, fragment="annotation/_review_card.html")


def screen_context(assignment) -> dict:
    return {"screen": presenters.screen(assignment), "skip_reasons": SKIP_REASONS}


def uuid_of(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def whole_number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 16 else None
