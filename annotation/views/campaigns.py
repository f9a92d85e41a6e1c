"""Pages of the lead: how a campaign goes, how far people agree, and what to do when they are late."""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from annotation import (
    campaigns,
    imports,
    lookup,
    overlap,
    policies,
    pool,
    querysets,
    reassignment,
    repeats,
    revision,
)
from annotation.agreement import beside_judges, enough, figures, oneself
from annotation.blinding import guesses
from annotation.models import (
    Campaign,
    Escalation,
    Level,
)
from annotation.settling import conflicts, guideline_notes
from annotation.sla import escalation, standing, validity
from annotation.views.agreement import told_of
from annotation.views.gold import gold_of
from annotation.views.parts import parts_of
from annotation.views.told import told
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page
from evaltrack.stats.planning.enough import Enough
from experiments import proxies

MOST_NOTES = 100


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_detail(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    may_manage = request.user.can(Permission.MANAGE_CAMPAIGNS)
    found = figures.of(campaign, at=clock.now())
    said = found.as_json(name_of=figures.pseudonym, brief=True)
    now = standing.of(campaign, at=clock.now())
    unblocking = policies.unblocking(request.user, campaign, at=clock.now())
    foreseen = enough.of(campaign, found, now.outlook, at=clock.now())
    context = {
        "campaign": campaign,
        "needed_skills": [] if campaign.skills_waived_at else campaign.skills.order_by("label"),
        "judges": pool.may_judge(campaign).count(),
        "slots": now,
        "overlap": overlap.in_words(campaign),
        "repeats": repeats.in_words(campaign),
        "oneself": oneself.of(campaign, at=clock.now()),
        "adaptive": overlap.progress(campaign),
        "imports": imports.imports_of(campaign),
        "excluded": excluded(campaign),
        "told": figures.may_be_told(campaign),
        "beside_judges": [each.as_json() for each in beside_judges.of(campaign)],
        "findings": said,
        "blinding": guesses.of(campaign, at=clock.now()),
        "by_rubric": figures.by_rubric(campaign, at=clock.now()),
        "must_ask_again": policies.revising(request.user, campaign, asks_again=False),
        "escalated": Escalation.objects.filter(
            task__campaign=campaign, level=Level.WIDEN, round=campaign.extensions
        ).count(),
        "overdue": campaign.status == "open" and campaign.due_at < clock.now() and now.wanted > 0,
        "outlook": now.outlook,
        "pausing": policies.pausing(request.user, campaign),
        "extending": policies.extending(request.user, campaign),
        "raising": policies.raising_overlap(request.user, campaign),
        "waiving": policies.waiving(request.user, campaign),
        "closing": enough.closing(request.user, campaign, at=clock.now(), known=foreseen),
        "enough": foreseen.as_json() if foreseen else None,
        "may_close_now": isinstance(foreseen, Enough) and foreseen.is_settled,
        "unblocking": unblocking,
        "may_manage": may_manage,
        **proxy_of(campaign, offered=may_manage and unblocking is None, at=clock.now()),
        "held_back": querysets.held_back(campaign).count(),
        "skipped": skipped(campaign) if may_manage else [],
        "late": reassignment.late(campaign, at=clock.now()) if may_manage else None,
        **told_of(campaign, found),
        **parts_of(campaign, found, said),
        "conflicts": None if conflicts.is_large(campaign) else conflicts.overview(campaign, at=clock.now()),
        "many_to_compare": conflicts.is_large(campaign),
        "notes": guideline_notes.open_notes(campaign)[:MOST_NOTES] if may_manage else [],
        "gold": gold_of(campaign, at=clock.now()) if may_manage else None,
        "releasing": policies.releasing(request.user, campaign),
    }
    return page(request, "annotation/campaign.html", context, fragment="annotation/_campaign.html")


def proxy_of(campaign: Campaign, *, offered: bool, at: dt.datetime) -> dict[str, Any]:
    """What the page says of a proxy: until when it stands in, or how well it is known to agree with people."""
    if campaign.experiment is None:
        return {}
    standing_in = proxies.standing(campaign.experiment, at=at) if campaign.unblocked_at else None
    waits = campaign.status != "closed"
    return {
        "proxy_until": proxies.expires_at(standing_in.body) if standing_in and waits else None,
        "validity": validity.of(campaign, at=at).as_json() if offered else None,
    }


def excluded(campaign: Campaign) -> dict[str, int]:
    tasks = campaign.tasks.exclude(excluded_at=None)
    judgments = querysets.standing_judgments().filter(task__in=tasks, is_repeat=False)
    return {"tasks": tasks.count(), "judgments": judgments.count()}


def skipped(campaign: Campaign) -> list[dict[str, Any]]:
    """What the lead may exclude: how often and why it was skipped, not by whom."""
    tasks: dict[tuple[uuid.UUID, str], Counter[str]] = defaultdict(Counter)
    rows = querysets.skips_without_judgments(campaign)
    for task, item, reason in rows.values_list("task__public_id", "task__item", "skip_reason"):
        tasks[task, item][reason] += 1
    return [
        {"task": str(task), "item": item, "count": reasons.total(), "reasons": reasons.most_common()}
        for (task, item), reasons in tasks.items()
    ]


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_close(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: campaigns.close(campaign.pk, by=request.user, at=clock.now()),
        "The campaign is closed.",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_pause(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: campaigns.pause(
            campaign.pk, by=request.user, reason=request.POST.get("reason", ""), at=clock.now()
        ),
        "The campaign is paused: nobody is given its tasks until you resume it.",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_resume(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: campaigns.resume(campaign.pk, by=request.user, at=clock.now()),
        "The campaign asks people again.",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_revise(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Question and guidance; everything else about the rubric stays, and can be revised by the API."""
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    wording = {name: request.POST.get(name, "").strip() for name in ("question", "guidance")}
    return told(
        request,
        campaign,
        lambda: revision.revise(
            campaign.pk,
            rubric={**campaign.rubric.body, **wording},
            asks_again="asks_again" in request.POST,
            by=request.user,
            reason=request.POST.get("reason", ""),
            answers_notes=[lookup.uuid_of(each) for each in request.POST.getlist("answers_notes")],
            at=clock.now(),
        ),
        "The rubric is revised; evaluators see what changed with their next task.",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_exclude(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)

    def exclude() -> None:
        task = lookup.task_named(request.POST.get("task", ""), campaign=campaign)
        campaigns.exclude_task(
            task.pk, by=request.user, reason=request.POST.get("reason", ""), at=clock.now()
        )

    return told(request, campaign, exclude, "The task is excluded.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_unblock(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    return told(
        request,
        campaign,
        lambda: escalation.unblock_by_proxy(
            campaign.pk, by=request.user, reason=request.POST.get("reason", ""), at=clock.now()
        ),
        "The proxy stands in; the verdict is provisional until people have judged.",
    )
