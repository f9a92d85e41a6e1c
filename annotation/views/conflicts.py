"""The lead's page about disagreement in a campaign: what is in conflict, how it was settled, and gold made of it."""

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from annotation import lookup
from annotation.agreement import figures
from annotation.models import Adjudication, Campaign, Cause, Hearing, HearingState, Task
from annotation.protocols import rules_of
from annotation.settling import adjudication, conflicts, settled_gold
from annotation.views.gold import unblinded
from annotation.views.told import told
from evaltrack import clock
from evaltrack.accounts import skills
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page

PAGE_SIZE = 25


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_conflicts(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = conflicts.overview(campaign, at=clock.now())
    waiting = Paginator(found.waiting, PAGE_SIZE).get_page(request.GET.get("page"))
    tasks = Task.objects.in_bulk([each.task for each in waiting])
    held = Hearing.objects.filter(campaign=campaign, state=HearingState.HELD)
    being_settled = set(held.values_list("task", flat=True))
    settled = Paginator(settled_in(campaign), PAGE_SIZE).get_page(request.GET.get("settled"))
    may_manage = request.user.can(Permission.MANAGE_CAMPAIGNS)
    targets = settled_gold.targets(campaign) if may_manage else []
    is_told = figures.may_be_told(campaign)
    context = {
        "campaign": campaign,
        "is_told": is_told,
        "found": found,
        "page": waiting,
        "rows": [
            {"task": tasks[each.task], "conflict": each, "is_held": each.task in being_settled}
            for each in waiting
        ],
        "settled_page": settled,
        "settled": [described(row, is_told=is_told, may_manage=may_manage) for row in settled],
        "causes": [(Cause(name).label, count) for name, count in adjudication.progress(campaign).items()],
        "targets": targets,
        "seniors": skills.holders(skills.ADJUDICATION).count(),
        "may_manage": may_manage,
    }
    return page(request, "annotation/campaign_conflicts.html", context)


def settled_in(campaign: Campaign) -> Any:
    return (
        conflicts.standing(campaign)
        .select_related(
            "task", "adjudicator", "rubric", "answered_in", "campaign__experiment__dataset_version"
        )
        .prefetch_related("task__responses", "gold")
        .order_by("-adjudicated_at", "-pk")
    )


def described(row: Adjudication, *, is_told: bool, may_manage: bool) -> dict[str, Any]:
    """What was settled; which system it prefers is told when the campaign is closed."""
    return {
        "row": row,
        "by": figures.pseudonym(row.adjudicator),
        "outcome": outcome(row) if is_told else "",
        "gold_refusal": settled_gold.why_not(row) if may_manage else None,
        "is_gold": bool(row.gold.all()),
    }


def outcome(row: Adjudication) -> str:
    """For the lead, in terms of systems."""
    if row.cause == Cause.BROKEN:
        return "No answer"
    if row.choice is not None:
        return unblinded(row.choice, row.task)
    if row.ranking is not None:
        names = {each.ordinal: each.source for each in row.task.responses.all()}
        return ", ".join(" = ".join(names[ordinal] for ordinal in group) for group in row.ranking)
    return rules_of(row.campaign.protocol).in_words(row)


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def make_gold(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)

    def make() -> None:
        to = lookup.campaign_named(lookup.uuid_of(request.POST.get("to", "")), seen_by=request.user)
        settled_gold.make(
            lookup.uuid_of(request.POST.get("adjudication", "")),
            campaign,
            to=to,
            by=request.user,
            at=clock.now(),
        )

    return told(
        request, campaign, make, "The item is hidden gold of that campaign now.", on="campaign-conflicts"
    )
