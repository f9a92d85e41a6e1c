"""What a lead does about gold on a campaign's page: release the feedback, answer appeals."""

import uuid

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from annotation import gold, lookup
from annotation.views.campaigns import told
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def release(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: gold.release(campaign.pk, by=request.user, at=clock.now()),
        "Evaluators see on their own page how they did on gold.",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def answer(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: gold.answer(
            lookup.uuid_of(request.POST.get("judgment", "")),
            campaign,
            outcome=request.POST.get("outcome", ""),
            answer=request.POST.get("reason", ""),
            by=request.user,
            at=clock.now(),
        ),
        "The appeal is answered; the evaluator is told.",
    )
