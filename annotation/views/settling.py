"""Pages of a senior evaluator: what is in conflict, and the screen on which one settles it. Plain forms."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotation import policies
from annotation.answers import Answer
from annotation.blinding import redaction
from annotation.judging import REVISED
from annotation.models import AdjudicationState, Cause, Hearing, HearingState, Protocol
from annotation.queue import NothingToDo
from annotation.settling import adjudication, heard, hearings
from annotation.settling.adjudication import Finding
from annotation.views import forms
from evaltrack import clock
from evaltrack.accounts import profiles
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError, Invalid
from evaltrack.htmx import page


@requires(Permission.JUDGE)
def conflict_list(request: PageRequest) -> HttpResponse:
    refusal = policies.hearing(request.user)
    unsigned = refusal is not None and refusal.code == "agreement_unsigned"
    context = {
        "refusal": refusal,
        "way": reverse("agreement" if unsigned else "queue"),
        "way_label": "Read and sign" if unsigned else "To your queue",
        "settled": request.user.adjudications.filter(state=AdjudicationState.STANDING).count(),
    }
    return page(request, "annotation/conflicts.html", context)


@require_POST
@requires(Permission.JUDGE)
def next_conflict(request: PageRequest) -> HttpResponse:
    return onward(request)


def onward(request: PageRequest) -> HttpResponse:
    found = hearings.claim_next(request.user, at=clock.now())
    if isinstance(found, NothingToDo):
        messages.info(request, found.detail)
        return redirect("conflicts")
    return redirect("hearing", found.public_id)


@requires(Permission.JUDGE)
def hearing(request: PageRequest, hearing_id: uuid.UUID) -> HttpResponse:
    """The screen of a conflict that one has. GET takes nothing."""
    found = hearings.mine(hearing_id, request.user)
    if found.state != HearingState.HELD:
        messages.info(request, hearings.ENDED[1])
        return redirect("conflicts")
    hearings.refuse_if_paused(found.campaign)
    return screen_page(request, found, {})


@require_POST
@requires(Permission.JUDGE)
def submit(request: PageRequest, hearing_id: uuid.UUID) -> HttpResponse:
    """Settle the conflict, and on to the next one; or mark one more error."""
    found = hearings.mine(hearing_id, request.user)
    protocol = found.campaign.protocol
    try:
        if forms.is_marking(request.POST) and protocol == Protocol.SPANS:
            given = forms.with_marking(request.POST, redaction.text_read(found.task_id))
            return screen_page(request, found, given)
        adjudication.settle(
            hearing_id,
            answer=answer_of(request.POST, protocol),
            finding=finding_of(request.POST),
            by=request.user,
            at=clock.now(),
        )
        messages.success(request, "Settled.")
    except ExpectedError as error:
        if isinstance(error, Invalid) or error.code == REVISED[0]:
            return screen_page(request, found, request.POST, problem=error.reason)
        messages.error(request, error.reason)
    return onward(request)


def answer_of(form: Mapping[str, str], protocol: str) -> Answer:
    """Of an item that is broken the form may still hold an answer, chosen before one saw that it is."""
    if form.get("cause") == Cause.BROKEN:
        return Answer(
            comment=form.get("comment", ""),
            rubric_version=forms.whole_number(form.get("rubric_version", "")),
            active_ms=forms.whole_number(form.get("active_ms", "")),
        )
    return forms.answer_of(form, protocol)


def finding_of(form: Mapping[str, str]) -> Finding:
    note = form.get("guideline_note", "").strip()
    return Finding(form.get("cause", ""), "guideline_unclear" in form or bool(note), note)


@require_POST
@requires(Permission.JUDGE)
def release(request: PageRequest, hearing_id: uuid.UUID) -> HttpResponse:
    try:
        hearings.release(hearing_id, by=request.user, at=clock.now())
        messages.info(request, "Given back. Another senior evaluator gets it.")
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("conflicts")


def screen_page(
    request: PageRequest, found: Hearing, given: Mapping[str, str], *, problem: str = ""
) -> HttpResponse:
    """The conflict with what was given, so that nothing is lost that was typed."""
    found.refresh_from_db()
    screen = heard.screen(found)
    context: dict[str, Any] = {
        "screen": screen,
        "answer_form": f"annotation/answers/_{screen.rubric.protocol}.html",
        **forms.context(screen, given),
        "causes": Cause.choices,
        "given_cause": given.get("cause", ""),
        "given_unclear": "guideline_unclear" in given,
        "given_note": given.get("guideline_note", ""),
        "wants_reason": " ".join(screen.details.rationale),
        "problem": problem,
        "single_keys": profiles.of(request.user).single_keys,
    }
    return page(request, "annotation/hearing.html", context, status=422 if problem else 200)
