"""Pages of the lead: how a campaign goes, how far people agree, and what to do when they are late."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation import agreement, campaigns, escalation, policies, querysets
from annotation.models import Campaign, Escalation, Slot, SlotState
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError, NotFound
from evaltrack.htmx import page
from experiments import suite

PAGE_SIZE = 25


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_list(request: PageRequest) -> HttpResponse:
    rows = (
        querysets.campaigns_visible_to(request.user)
        .annotate(
            wanted=Count("slots"),
            done=Count("slots", filter=Q(slots__state=SlotState.DONE)),
        )
        .order_by("status", "due_at", "-pk")
    )
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "now": clock.now(),
    }
    return page(request, "annotation/campaigns.html", context)


def visible(request: PageRequest, public_id: uuid.UUID) -> Campaign:
    found = querysets.campaigns_visible_to(request.user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_campaign", "There is no such campaign that you may see.")
    return found


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_detail(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = visible(request, public_id)
    found = agreement.of(campaign)
    rule = suite.parse(campaign.experiment.policy.body).human or suite.HumanRule()
    slots = Slot.objects.filter(campaign=campaign).aggregate(
        wanted=Count("pk"),
        done=Count("pk", filter=Q(state=SlotState.DONE)),
        held=Count("pk", filter=Q(state=SlotState.HELD)),
    )
    context = {
        "campaign": campaign,
        "slots": slots,
        "findings": found,
        "agreement": found.coefficient(rule.coefficient).as_json(),
        "rule": rule,
        "preference_kappa": found.preference.kappa.as_json(),
        "cohen": found.cohen_kappa.as_json(),
        "alpha": found.alpha.as_json(),
        "percent": found.percent.as_json(),
        "net_preference": found.net_preference.as_json(),
        "left_picks": found.left_picks.as_json(),
        "pairs": [
            {
                "one": pair.one,
                "other": pair.other,
                "kappa": pair.kappa.as_json(),
                "percent": pair.percent.as_json(),
            }
            for pair in found.pairs
        ],
        "escalated": Escalation.objects.filter(task__campaign=campaign).count(),
        "overdue": campaign.status == "open" and campaign.due_at < clock.now(),
        "closing": policies.closing(request.user, campaign),
        "unblocking": policies.unblocking(request.user, campaign),
        "may_manage": request.user.can(Permission.MANAGE_CAMPAIGNS),
    }
    return page(request, "annotation/campaign.html", context, fragment="annotation/_campaign.html")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_close(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = visible(request, public_id)
    try:
        campaigns.close(campaign.pk, by=request.user, at=clock.now())
        messages.success(request, "The campaign is closed.")
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect(campaign)


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_unblock(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = visible(request, public_id)
    try:
        escalation.unblock_by_proxy(
            campaign.pk, by=request.user, reason=request.POST.get("reason", ""), at=clock.now()
        )
        messages.success(request, "The proxy stands in; the verdict is provisional until people have judged.")
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect(campaign)
