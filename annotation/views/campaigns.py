"""Pages of the lead: how a campaign goes, how far people agree, and what to do when they are late."""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from annotation import (
    agreement,
    campaigns,
    conflicts,
    enough,
    escalation,
    findings,
    guesses,
    guideline_notes,
    heat,
    human_rule,
    imports,
    lookup,
    overlap,
    pairs,
    policies,
    pool,
    querysets,
    reassignment,
    revision,
    rubrics,
    standing,
)
from annotation.models import (
    Appeal,
    Campaign,
    Choice,
    Escalation,
    Gold,
    Level,
    Outcome,
    Task,
)
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError, NotFound
from evaltrack.htmx import page
from evaltrack.stats.planning.enough import Enough
from experiments import gates

MOST_NOTES = 100


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_detail(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    may_manage = request.user.can(Permission.MANAGE_CAMPAIGNS)
    found = agreement.of(campaign, at=clock.now())
    now = standing.of(campaign, at=clock.now())
    foreseen = enough.of(campaign, found, now.outlook, at=clock.now())
    context = {
        "campaign": campaign,
        "needed_skills": [] if campaign.skills_waived_at else campaign.skills.order_by("label"),
        "judges": pool.may_judge(campaign).count(),
        "slots": now,
        "overlap": overlap.in_words(campaign),
        "adaptive": overlap.progress(campaign),
        "imports": imports.imports_of(campaign),
        "excluded": excluded(campaign),
        "told": agreement.may_be_told(campaign),
        "findings": found.as_json(name_of=agreement.pseudonym, brief=True),
        "blinding": guesses.of(campaign, at=clock.now()),
        "by_rubric": agreement.by_rubric(campaign, at=clock.now()),
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
        "unblocking": policies.unblocking(request.user, campaign),
        "may_manage": may_manage,
        "held_back": querysets.held_back(campaign).count(),
        "skipped": skipped(campaign) if may_manage else [],
        "late": reassignment.late(campaign, at=clock.now()) if may_manage else None,
        **told_of(campaign, found),
        "conflicts": None if conflicts.is_large(campaign) else conflicts.overview(campaign, at=clock.now()),
        "many_to_compare": conflicts.is_large(campaign),
        "notes": guideline_notes.open_notes(campaign)[:MOST_NOTES] if may_manage else [],
        "gold": gold_of(campaign, at=clock.now()) if may_manage else None,
        "releasing": policies.releasing(request.user, campaign),
    }
    return page(request, "annotation/campaign.html", context, fragment="annotation/_campaign.html")


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_standing(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """How far the people of an experiment are and whether they agree, for the experiment's own page."""
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = agreement.of(campaign, at=clock.now())
    if isinstance(found, findings.Findings):
        raise NotFound("no_preferences", "Only a campaign about pairs has a standing beside a gate policy.")
    context = {
        "campaign": campaign,
        "slots": standing.of(campaign, at=clock.now()),
        **told_of(campaign, found),
    }
    return render(request, "annotation/_standing.html", context)


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_pairs(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Each two evaluators, those who judged most items in common first."""
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = agreement.of(campaign, at=clock.now())
    if isinstance(found, findings.Findings):
        raise NotFound("no_pairs", "Pairs of evaluators are compared in campaigns about pairs alone.")
    counted = Paginator(range(found.n_pairs), pairs.MOST_PAIRS).get_page(request.GET.get("page"))
    start = pairs.MOST_PAIRS * (counted.number - 1)
    context = {
        "campaign": campaign,
        "page": counted,
        "rows": [
            {
                "one": agreement.pseudonym(each.one),
                "other": agreement.pseudonym(each.other),
                "kappa": each.kappa.as_json(),
                "percent": each.percent.as_json(),
            }
            for each in found.some_pairs(start, pairs.MOST_PAIRS)
        ],
        "mean": found.cohen,
        "cohen_kappa": found.cohen_kappa.as_json(),
    }
    return page(request, "annotation/pairs.html", context)


def excluded(campaign: Campaign) -> dict[str, int]:
    tasks = campaign.tasks.exclude(excluded_at=None)
    judgments = querysets.standing_judgments().filter(task__in=tasks)
    return {"tasks": tasks.count(), "judgments": judgments.count()}


def told_of(campaign: Campaign, found: agreement.Shown) -> dict[str, Any]:
    """What the page says about agreement beyond the numbers: of preferences, whether a policy can use them."""
    if isinstance(found, findings.Findings):
        return {
            "lines": [(name, statistic.as_json()) for name, statistic in found.lines],
            "scale": rubrics.of(campaign.rubric).scale,
        }
    rule = human_rule.of(campaign)
    deciding = found.coefficient(rule.coefficient)
    return {
        "heat": found.heat(name_of=agreement.pseudonym),
        "fewest_in_common": heat.FEWEST,
        "any_time": found.any_time.get(rule.coefficient),
        "agreement": deciding.as_json(),
        "usable": gates.usable(deciding, rule.floor),
        "disagree": gates.disagree(deciding, rule.floor),
        "rule": rule,
    }


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


def gold_of(campaign: Campaign, *, at: dt.datetime) -> dict[str, Any]:
    """How many items are gold, how often people gave their answer, and the appeals, open ones first."""
    measuring = Q(querysets.settled(at), task__gold__suspended_at=None, task__gold__isnull=False)
    appeals = (
        Appeal.objects.filter(judgment__campaign=campaign)
        .select_related("judgment__evaluator", "judgment__task")
        .prefetch_related("judgment__task__responses")
        .order_by(F("answered_at").desc(nulls_first=True), "appealed_at")
    )
    return {
        "items": Gold.objects.filter(task__campaign=campaign).count(),
        **campaign.judgments.filter(measuring).aggregate(
            judgments=Count("pk"), right=Count("pk", filter=Q(choice=F("task__gold__choice")))
        ),
        "appeals": [
            {
                "row": appeal,
                "by": agreement.pseudonym(appeal.judgment.evaluator),
                "said": unblinded(str(appeal.judgment.choice), appeal.judgment.task),
                "gold": unblinded(appeal.gold_choice, appeal.judgment.task),
            }
            for appeal in appeals
        ],
        "outcomes": Outcome.choices,
        "suspended": Gold.objects.filter(task__campaign=campaign)
        .exclude(suspended_because="")
        .select_related("task")
        .order_by("-suspended_at"),
    }


def unblinded(choice: str, task: Task) -> str:
    """For the lead: the system that a choice prefers."""
    if choice not in (Choice.FIRST, Choice.SECOND):
        return Choice(choice).label
    wanted = 0 if choice == Choice.FIRST else 1
    return next(each.source for each in task.responses.all() if each.ordinal == wanted)


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


def told(
    request: PageRequest, campaign: Campaign, act: Callable[[], Any], done: str, *, on: str = "campaign"
) -> HttpResponse:
    """Act, and say on the campaign's page, or another one of it, what came of it."""
    try:
        act()
        messages.success(request, done)
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect(on, campaign.public_id)
