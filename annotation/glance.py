"""Campaigns at a glance: for each row of a list how far it is, when it will be done, and what keeps it.

From what workers count each minute; a list costs as many queries for many campaigns and judgments as for few.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from annotation import querysets
from annotation.models import (
    AgreementState,
    Campaign,
    CampaignStatus,
    Slot,
    SlotState,
    StandingCount,
)
from annotation.sla import sla_policies, standing
from evaltrack import durations
from evaltrack.accounts.models import User

# Further away, hours of work say nothing.
NEAR = dt.timedelta(days=60)
OVERDUE = "overdue"
STATUSES = [*CampaignStatus.choices, (OVERDUE, "Overdue")]


def listed(user: User, *, search: str, status: str, at: dt.datetime) -> QuerySet[Campaign]:
    """What matches, open ones first and of these what is due first; of closed ones the last first."""
    rows = querysets.campaigns_visible_to(user)
    if search:
        rows = rows.filter(
            Q(name__icontains=search)
            | Q(experiment__public_id__icontains=search)
            | Q(experiment__component__name__icontains=search)
        )
    if status == OVERDUE:
        rows = rows.filter(status=CampaignStatus.OPEN, due_at__lt=at)
    elif status in CampaignStatus.values:
        rows = rows.filter(status=status)
    place = Case(When(status="open", then=Value(0)), When(status="paused", then=Value(1)), default=Value(2))
    return rows.order_by(place, F("closed_at").desc(nulls_first=True), "due_at", "-pk")


@dataclass(frozen=True)
class Blocked:
    """Why something of a campaign does not go on; `part` is where its page shows it."""

    why: str
    part: str = ""


@dataclass(frozen=True)
class Glance:
    campaign: Campaign
    wanted: int
    done: int
    # What a worker has counted; None where none has yet.
    count: StandingCount | None
    # As `annotation.agreement.reliability` keeps it; empty where nothing is known.
    deciding: dict[str, Any]
    blocked: Sequence[Blocked]
    at: dt.datetime

    @property
    def is_asking(self) -> bool:
        return self.campaign.status == CampaignStatus.OPEN

    @property
    def is_all_in(self) -> bool:
        return 0 < self.wanted == self.done

    @property
    def is_overdue(self) -> bool:
        return self.is_asking and not self.is_all_in and self.campaign.due_at < self.at

    @property
    def clock(self) -> str:
        """How long people still have, or how long they are late."""
        length = durations.in_words(self.campaign.due_at - self.at)
        return f"overdue for {length}" if self.campaign.due_at < self.at else f"{length} left{self.working}"

    @property
    def working(self) -> str:
        """How much of that is working time, where it is less."""
        left = self.campaign.due_at - self.at
        if left > NEAR:
            return ""
        worked = sla_policies.of(self.campaign).calendar.between(self.at, self.campaign.due_at)
        if left - worked < dt.timedelta(minutes=1):
            return ""
        return f", of it {durations.in_words(worked)} of work" if worked else ", none of it working time"

    @property
    def finished_at(self) -> dt.datetime | None:
        return self.count.finished_at if self.count else None

    @property
    def is_late(self) -> bool:
        return self.finished_at is not None and self.finished_at > self.campaign.due_at

    @property
    def unforeseen(self) -> str:
        return self.count.unforeseen if self.count else "it is worked out within a minute"


def of(campaigns: Sequence[Campaign], *, at: dt.datetime) -> list[Glance]:
    keys = [campaign.pk for campaign in campaigns]
    counts = {row.campaign_id: row for row in StandingCount.objects.filter(campaign__in=keys)}
    kept = dict(AgreementState.objects.filter(campaign__in=keys).values_list("campaign", "deciding"))
    held = by_campaign(
        Slot.objects.filter(campaign__in=keys, state=SlotState.REVIEW), Count("task", distinct=True)
    )
    # Small ones are counted at the look; of large ones it is what a worker counted.
    fresh = [each.pk for each in campaigns if each.pk not in counts or not is_counted(each)]
    slots = Slot.objects.filter(querysets.FIRST_TIME, campaign__in=fresh, task__excluded_at=None)
    wanted = by_campaign(slots, Count("pk"))
    done = by_campaign(slots, Count("pk", filter=Q(state=SlotState.DONE)))
    return [
        Glance(
            campaign,
            wanted.get(campaign.pk, 0) if campaign.pk in fresh else counts[campaign.pk].wanted,
            done.get(campaign.pk, 0) if campaign.pk in fresh else counts[campaign.pk].done,
            counts.get(campaign.pk),
            kept.get(campaign.pk) or {},
            blocked(campaign, counts.get(campaign.pk), held.get(campaign.pk, 0)),
            at,
        )
        for campaign in campaigns
    ]


def is_counted(campaign: Campaign) -> bool:
    """Whether the worker's count stands in for one of our own: of a large campaign, and of one that is closed."""
    return campaign.status == CampaignStatus.CLOSED or standing.is_large(campaign)


def by_campaign(slots: QuerySet[Slot], count: Count) -> dict[int, int]:
    return dict(slots.order_by().values("campaign").annotate(n=count).values_list("campaign", "n"))


def blocked(campaign: Campaign, count: StandingCount | None, held: int) -> list[Blocked]:
    """Why it does not go on, what leads can do most about first."""
    if campaign.status == CampaignStatus.CLOSED:
        return []
    found = []
    if campaign.status == CampaignStatus.PAUSED:
        found.append(Blocked(f"Paused: {campaign.pause_reason}"))
    if campaign.task_count == 0 and campaign.experiment_id is None and not has_imports(campaign):
        found.append(Blocked("It has no items yet"))
    if held:
        found.append(Blocked(f"{counted(held, 'item waits', 'items wait')} for the lead's check", "flags/"))
    if count and count.missing:
        if count.judges < campaign.overlap:
            who = "Nobody may" if not count.judges else f"Only {count.judges} may"
            found.append(Blocked(f"{who} judge it, and each item needs {campaign.overlap}", "#who"))
        elif count.stuck:
            skipped = counted(count.stuck, "item was", "items were")
            found.append(Blocked(f"{skipped} skipped, and nobody else is left for it", "#skipped"))
    return found


def has_imports(campaign: Campaign) -> bool:
    """As the query of the list has found."""
    return bool(getattr(campaign, "has_imports", False))


def counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
