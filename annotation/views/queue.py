"""Pages of the evaluator: what waits, and the judging screen. Plain forms; the scripts make it quick."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_POST

from annotation import assignment as assignments
from annotation import drafts, judging, presenters, querysets
from annotation import queue as queues
from annotation.blinding import guesses, redaction
from annotation.lookup import uuid_of
from annotation.models import Assignment, AssignmentState, Protocol
from annotation.queue import NothingToDo
from annotation.views import forms
from evaltrack import clock
from evaltrack.accounts import grants, profiles, skills
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError, Invalid
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
        "courses": querysets.courses_before(
            querysets.asking_campaigns().exclude(querysets.conflicted_for(request.user)), request.user
        ),
        "is_senior": skills.has(request.user, skills.ADJUDICATION),
        "agreement_signed": grants.has_accepted_agreement(request.user),
    }
    return page(request, "annotation/queue.html", context)


@requires(Permission.JUDGE)
def review(request: PageRequest) -> HttpResponse:
    """The screen for the assignment that is shown, or the way to the next one. GET takes nothing."""
    shown = queues.shown_assignment(request.user)
    if shown is None:
        return redirect("queue")
    return review_page(request, screen_context(shown))


def review_page(request: PageRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    own = {"single_keys": profiles.of(request.user).single_keys}
    return page(request, "annotation/review.html", context | whose(request) | own, status=status)


@requires(Permission.JUDGE)
def session(request: PageRequest) -> HttpResponse:
    """Whose session this is, in the word under which the screen's script keeps what is not sent yet."""
    return JsonResponse(whose(request))


def whose(request: PageRequest) -> dict[str, str]:
    return {"outbox": salted_hmac("annotation.outbox", str(request.user.pk)).hexdigest()[:20]}


@require_POST
@requires(Permission.JUDGE)
def next_task(request: PageRequest) -> HttpResponse:
    """Claim, and go to the screen; the screen's script asks for the card alone, or for one fetched ahead."""
    as_card = request.headers.get("X-Judge") == "card"
    prefetch = as_card and request.POST.get("prefetch") == "1"
    found = queues.claim_next(request.user, at=clock.now(), prefetch=prefetch)
    if as_card:
        return card(request, found)
    return to_screen(request, found)


def to_screen(request: PageRequest, found: Assignment | NothingToDo) -> HttpResponse:
    """To the task, or to where one reads why there is none. Who signs a new agreement comes back to here."""
    if not isinstance(found, NothingToDo):
        return redirect("review")
    if found.reason == "agreement_unsigned":
        return redirect(reverse("agreement", query={"next": reverse("queue-next")}))
    messages.info(request, found.detail)
    return redirect("queue")


@requires(Permission.JUDGE)
def review_card(request: PageRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """The card of a task that the evaluator has, for the screen's script: after an undo."""
    found = assignments.mine(assignment_id, request.user)
    if found.state not in (AssignmentState.SHOWN, AssignmentState.PREFETCHED):
        return card(request, NothingToDo("assignment_ended", assignments.ENDED[1], 1))
    return card(request, found)


def card(request: PageRequest, found: Assignment | NothingToDo, *, status: int = 200) -> HttpResponse:
    if isinstance(found, NothingToDo):
        return page(request, "annotation/_nothing.html", {"nothing": found}, status=status)
    return page(request, "annotation/_review_card.html", screen_context(found), status=status)


@require_POST
@requires(Permission.JUDGE)
def submit(request: PageRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """The form without scripts: store the judgment, and on to the next task; or mark one more error."""
    shown = assignments.mine(assignment_id, request.user)
    try:
        if forms.is_marking(request.POST) and shown.campaign.protocol == Protocol.SPANS:
            return marking(request, shown)
        judgment, _ = judging.submit(
            assignment_id,
            judgment_id=uuid_of(request.POST.get("judgment_id", "")),
            answer=forms.answer_of(request.POST, shown.campaign.protocol),
            by=request.user,
            at=clock.now(),
        )
        if guesses.are_asked(shown.campaign, shown.slot_id):
            return redirect("review-guess", judgment.public_id)
    except ExpectedError as error:
        if isinstance(error, Invalid) or error.code == judging.REVISED[0]:
            return again(request, assignment_id, error.reason)
        messages.error(request, error.reason)
    return onward(request)


@requires(Permission.JUDGE)
def guess(request: PageRequest, judgment_id: uuid.UUID) -> HttpResponse:
    """One more question after an answer, on a page of its own where there are no scripts."""
    if request.method != "POST":
        return page(request, "annotation/guess.html", {"judgment_id": judgment_id})
    try:
        guesses.give(judgment_id, request.POST.get("guess", ""), by=request.user, at=clock.now())
    except ExpectedError as error:
        messages.error(request, error.reason)
    return onward(request)


def marking(request: PageRequest, shown: Assignment) -> HttpResponse:
    """The same task with one span more or less. Nothing is stored yet."""
    if shown.state != AssignmentState.SHOWN:
        messages.error(request, "This task has ended; here is your next one.")
        return onward(request)
    (row,) = redaction.responses_read(slot=shown.slot_id, task=shown.task_id)
    given = forms.with_marking(request.POST, row["words"])
    return page(request, "annotation/review.html", screen_context(shown, given=given) | whose(request))


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
        messages.error(request, error.reason)
    return onward(request)


@require_POST
@requires(Permission.JUDGE)
def undo(request: PageRequest, judgment_id: uuid.UUID) -> HttpResponse:
    try:
        judging.undo(judgment_id, by=request.user, at=clock.now())
    except ExpectedError as error:
        messages.error(request, error.reason)
    return onward(request)


@require_POST
@requires(Permission.JUDGE)
def draft(request: PageRequest, assignment_id: uuid.UUID) -> HttpResponse:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Invalid("not_an_object", "A draft is a JSON object.")
    kept = drafts.keep(assignment_id, body, by=request.user, at=clock.now())
    return JsonResponse({"saved_at": kept.saved_at.isoformat()})


def again(request: PageRequest, assignment_id: uuid.UUID, problem: str) -> HttpResponse:
    """The same task with what is missing; nothing that was typed is lost."""
    shown = assignments.mine(assignment_id, request.user)
    if shown.state != AssignmentState.SHOWN:
        messages.error(request, "This task has ended; here is your next one.")
        return onward(request)
    return review_page(request, screen_context(shown, given=request.POST) | {"problem": problem}, status=422)


def onward(request: PageRequest) -> HttpResponse:
    return to_screen(request, queues.claim_next(request.user, at=clock.now()))


def screen_context(assignment: Assignment, *, given: Mapping[str, str] | None = None) -> dict:
    """The screen, filled in with what was given: in a form that was refused, or in the draft."""
    screen = presenters.screen(assignment)
    given = forms.drafted(screen.draft) if given is None else given
    return {
        "screen": screen,
        "answer_form": f"annotation/answers/_{screen.rubric.protocol}.html",
        "skip_reasons": SKIP_REASONS,
        **forms.context(screen, given),
        # Of which answers the rubric wants a reason in words; the script says so before sending.
        "wants_reason": " ".join(screen.details.rationale),
        "undo_s": settings.REVIEW_UNDO_SECONDS,
        "break_minutes": settings.REVIEW_BREAK_MINUTES,
    }
