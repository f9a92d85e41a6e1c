"""Acts: find the conflicts of large campaigns as judgments become final, and keep them in the order in which they are
settled, so that whoever settles them is given the next one without reading a million judgments.

What is kept may be a minute old and wrong: whoever claims a conflict looks at the judgments themselves, under the
campaign's lock.
"""

import datetime as dt
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet

from annotation import campaigns, querysets
from annotation.models import (
    Assignment,
    Campaign,
    CampaignStatus,
    Hearing,
    HearingState,
    Judgment,
    JudgmentState,
    Task,
    WaitingConflict,
)
from annotation.settling import conflicts

BATCH = 1_000
# A judgment is final from when its transaction began, and seen when that ends: none lasts so long.
LOOK_BACK = dt.timedelta(minutes=10)


def to_look_at() -> QuerySet[Campaign]:
    """Large campaigns in which there may be new conflicts: those that are not closed, and once each that is."""
    closed = Q(status=CampaignStatus.CLOSED)
    unseen = Q(conflicts_seen_at=None) | Q(conflicts_seen_at__lte=F("closed_at"))
    return Campaign.objects.filter(
        ~closed | unseen, task_count__gt=conflicts.COMPARED_UP_TO, is_simulated=False
    )


def keep(campaign: Campaign, *, at: dt.datetime) -> int:
    """Compare what people said about tasks with news; how many tasks. Again, it finds the same."""
    count = 0
    for batch in parts_of(campaign):
        count += len(batch)
        keep_some(campaign.pk, batch, at=at)
    if count or campaign.conflicts_seen_at is None or campaign.status == CampaignStatus.CLOSED:
        Campaign.objects.filter(pk=campaign.pk).update(conflicts_seen_at=at)
    return count


def parts_of(campaign: Campaign) -> Iterator[list[int]]:
    """Tasks, some at a time: all for the first time and when the campaign is closed, as slots are withdrawn then and
    what was not judged by enough people becomes so; else those about which something became final."""
    seen, last = campaign.conflicts_seen_at, 0
    rows = Task.objects.filter(campaign=campaign).order_by("pk").values_list("pk", flat=True)
    if seen is None or campaign.status == CampaignStatus.CLOSED:
        while batch := list(rows.filter(pk__gt=last)[:BATCH]):
            last = batch[-1]
            yield batch
        return
    news = Judgment.objects.filter(
        campaign=campaign, state=JudgmentState.FINAL, settled_at__gt=seen - LOOK_BACK
    )
    tasks = sorted(set(news.order_by().values_list("task", flat=True)))
    yield from (tasks[start : start + BATCH] for start in range(0, len(tasks), BATCH))


@transaction.atomic
def keep_some(campaign_id: int, tasks: list[int], *, at: dt.datetime) -> None:
    # One at a time with settling, revising and leaving out: what these take away does not come back.
    campaign = campaigns.locked(campaign_id)
    found = conflicts.waiting(campaign, at=at, tasks=tasks)
    draw = conflicts.draw_of(campaign)
    rows = [
        WaitingConflict(
            task_id=each.task,
            campaign=campaign,
            agreement=round(each.found.agreement, 9),
            judgments=each.judgments,
            # A bit less, as databases have no whole numbers of 64 bits without a sign.
            draw=draw(each) >> 1,
        )
        for each in found
    ]
    WaitingConflict.objects.filter(task__in=set(tasks) - {each.task for each in found}).delete()
    WaitingConflict.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["task"],
        update_fields=["agreement", "judgments", "draw"],
    )


def forget(tasks: list[int]) -> None:
    """Nobody settles them any more, or they are asked again. Inside the caller's transaction."""
    WaitingConflict.objects.filter(task__in=tasks).delete()


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────


def are_kept(campaign: Campaign) -> bool:
    return campaign.conflicts_seen_at is not None and conflicts.is_large(campaign)


def first_for(evaluator: int, campaign: Campaign, most: int) -> list[int]:
    """Tasks in conflict that this evaluator may be given, the lowest agreement first."""
    rows = in_order(campaign).exclude(querysets.AskedByRow(held())).exclude(has_own_view(evaluator))
    return list(rows.values_list("task", flat=True)[:most])


def why_none(evaluator: int, campaign: Campaign) -> set[str]:
    """Of what waits and this evaluator is not given, why not."""
    found = set()
    rows = in_order(campaign)
    if rows.filter(querysets.AskedByRow(held())).exclude(has_own_view(evaluator)).exists():
        found.add("leased_elsewhere")
    if rows.filter(has_own_view(evaluator)).exists():
        found.add("own_judgment")
    return found


def in_order(campaign: Campaign) -> QuerySet[WaitingConflict]:
    return WaitingConflict.objects.filter(campaign=campaign).order_by("agreement", "-judgments", "draw")


def held() -> QuerySet[Hearing]:
    return Hearing.objects.filter(task=OuterRef("task"), state=HearingState.HELD)


def has_own_view(evaluator: int) -> Q:
    """As `hearings.kept_from`: whoever has ever answered it, also if that was taken back, or has it on the screen."""
    judged = Judgment.objects.filter(task=OuterRef("task"), evaluator=evaluator)
    has = Assignment.objects.filter(querysets.HELD, task=OuterRef("task"), evaluator=evaluator)
    return Q(querysets.AskedByRow(judged)) | Q(querysets.AskedByRow(has))
