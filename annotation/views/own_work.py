"""The evaluator's page of their own work, and appeals against gold."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation import lookup
from annotation.quality import gold, own_work, pauses
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page


@requires(Permission.JUDGE)
def mine(request: PageRequest) -> HttpResponse:
    before = request.GET.get("before")
    found = own_work.page(request.user, before=lookup.uuid_of(before) if before else None, at=clock.now())
    return page(request, "annotation/own_work.html", {"work": found})


@require_POST
@requires(Permission.JUDGE)
def appeal(request: PageRequest, judgment_id: uuid.UUID) -> HttpResponse:
    try:
        gold.appeal(judgment_id, by=request.user, reason=request.POST.get("reason", ""), at=clock.now())
        messages.success(
            request, "Your appeal is with the lead; the answer comes to your inbox and stands here."
        )
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("own-work")


@require_POST
@requires(Permission.JUDGE)
def appeal_pause(request: PageRequest, pause_id: uuid.UUID) -> HttpResponse:
    try:
        pauses.appeal(pause_id, by=request.user, reason=request.POST.get("reason", ""), at=clock.now())
        messages.success(
            request, "Your appeal is with the leads; the answer comes to your inbox and stands here."
        )
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("own-work")
