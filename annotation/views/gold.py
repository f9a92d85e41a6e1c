"""Gold on a campaign's page: how people did on it, releasing that to them, appeals and their answers."""

import datetime as dt
import uuid
from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from annotation import lookup, querysets
from annotation.agreement import figures
from annotation.models import Appeal, Campaign, Choice, Gold, Outcome, Task
from annotation.quality import gold
from annotation.views.told import told
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission


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
                "by": figures.pseudonym(appeal.judgment.evaluator),
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
