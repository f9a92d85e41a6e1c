"""The lead's buttons on a campaign's page that change what it asks."""

import datetime as dt
import uuid

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from annotation import changes, lookup
from annotation.views.told import told
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Invalid


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def extend(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)

    def act() -> None:
        changes.extend(
            campaign.pk,
            due_at=time_of(request.POST.get("due_at", "")),
            by=request.user,
            reason=request.POST.get("reason", ""),
            at=clock.now(),
        )

    return told(request, campaign, act, "People have more time.")


def time_of(text: str) -> dt.datetime:
    """What a form says of a time, which is UTC."""
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        sentence = "is no time; choose a day and an hour"
        raise Invalid("bad_due_time", f"The due time {sentence}.", {"due_at": [sentence]}) from None


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def raise_overlap(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    typed = request.POST.get("overlap", "")

    def act() -> None:
        changes.raise_overlap(
            campaign.pk,
            to=int(typed) if typed.isdecimal() and len(typed) < 5 else 0,
            by=request.user,
            reason=request.POST.get("reason", ""),
            at=clock.now(),
        )

    return told(request, campaign, act, "More evaluators are asked about each item.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def waive_skills(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: changes.waive_skills(
            campaign.pk, by=request.user, reason=request.POST.get("reason", ""), at=clock.now()
        ),
        "Skills are not asked for any more; who may judge now is told.",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def withdraw_items(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    names = {line.strip() for line in request.POST.get("items", "").splitlines() if line.strip()}
    return told(
        request,
        campaign,
        lambda: changes.withdraw_items(
            campaign.pk, items=names, by=request.user, reason=request.POST.get("reason", ""), at=clock.now()
        ),
        f"Withdrawn: {len(names)} item{'' if len(names) == 1 else 's'}.",
    )
