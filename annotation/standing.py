"""How far a campaign has come and when it will be done: counted at each look or, of a large one, each minute."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q

from annotation import outlook
from annotation.models import Campaign, CampaignStatus, Slot, SlotState, StandingCount
from annotation.outlook import Outlook
from evaltrack.stats.estimate import Undefined

# Judgments that a campaign asks for, up to which they are counted at each look.
COUNTED_UP_TO = 20_000
# No worker has counted for so long: then it is done at the look, however long it takes.
LONGEST_AGE = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Standing:
    """`counted_at` where it was counted before."""

    wanted: int
    done: int
    held: int
    # Of a campaign that asks people now.
    outlook: Outlook | None
    counted_at: dt.datetime | None = None


def of(campaign: Campaign, *, at: dt.datetime) -> Standing:
    if is_large(campaign):
        row = StandingCount.objects.filter(campaign=campaign, counted_at__gt=at - LONGEST_AGE).first()
        if row:
            return as_counted(campaign, row)
    return counted(campaign, at=at)


def is_large(campaign: Campaign) -> bool:
    """One that is closed does not change, and is counted when somebody looks."""
    return campaign.task_count * campaign.overlap > COUNTED_UP_TO and campaign.status != CampaignStatus.CLOSED


def counted(campaign: Campaign, *, at: dt.datetime) -> Standing:
    slots = Slot.objects.filter(campaign=campaign, task__excluded_at=None).aggregate(
        wanted=Count("pk"),
        done=Count("pk", filter=Q(state=SlotState.DONE)),
        held=Count("pk", filter=Q(state=SlotState.HELD)),
    )
    asks = campaign.status == CampaignStatus.OPEN
    return Standing(**slots, outlook=outlook.of(campaign, at=at) if asks else None)


def as_counted(campaign: Campaign, row: StandingCount) -> Standing:
    finished = row.finished_at or Undefined(row.unforeseen)
    asks = campaign.status == CampaignStatus.OPEN
    foreseen = Outlook(row.missing, row.ahead, finished, campaign.due_at) if asks else None
    return Standing(row.wanted, row.done, row.held, foreseen, row.counted_at)


def count_large(*, at: dt.datetime) -> int:
    """Count the large campaigns that are not closed; how many."""
    open_ones = Campaign.objects.exclude(status=CampaignStatus.CLOSED).select_related(
        "rubric", "sla", "experiment"
    )
    large = [campaign for campaign in open_ones if is_large(campaign)]
    for campaign in large:
        count_one(campaign, at=at)
    return len(large)


def count_one(campaign: Campaign, *, at: dt.datetime) -> None:
    now = counted(campaign, at=at)
    found = now.outlook or outlook.of(campaign, at=at)
    finished = found.finished_at
    StandingCount.objects.update_or_create(
        campaign=campaign,
        defaults={
            "wanted": now.wanted,
            "done": now.done,
            "held": now.held,
            "missing": found.missing,
            "ahead": found.ahead,
            "finished_at": None if isinstance(finished, Undefined) else finished,
            "unforeseen": finished.reason if isinstance(finished, Undefined) else "",
            "counted_at": at,
        },
    )
