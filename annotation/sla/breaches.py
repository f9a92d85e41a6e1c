"""What was due in a period and what became of it: the part of the quarterly report that is about people."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet

from annotation import querysets
from annotation.models import Campaign, Escalation, Level, Slot, SlotState
from annotation.models.judgment import STANDING


@dataclass(frozen=True)
class Breach:
    """One campaign: judgments that were due, how many of them came late or are missing still, and what was done."""

    campaign: Campaign
    due: int
    late: int
    missing: int
    longest_late: dt.timedelta
    steps: dict[int, int]

    def as_json(self) -> dict[str, Any]:
        campaign = self.campaign
        return {
            "campaign": str(campaign.public_id),
            "name": campaign.name,
            "experiment": campaign.experiment.public_id if campaign.experiment else None,
            "sla": str(campaign.sla) if campaign.sla else None,
            "priority": campaign.priority,
            "judgments_due": self.due,
            "judgments_late": self.late,
            "judgments_missing": self.missing,
            "longest_late_ms": self.longest_late // dt.timedelta(milliseconds=1),
            "warned": bool(self.steps.get(Level.WARNING)),
            "tasks_reminded": self.steps.get(Level.REMIND, 0),
            "tasks_brought_to_leads": self.steps.get(Level.WIDEN, 0),
            "proxy_offered": bool(self.steps.get(Level.PROXY)),
            # PROXY: a verdict rested on it for a while.
            "unblocked_by_proxy_at": campaign.unblocked_at,
        }


def between(
    campaigns: QuerySet[Campaign], start: dt.datetime, end: dt.datetime, *, at: dt.datetime
) -> list[Breach]:
    """Campaigns with a judgment that was due from `start` on and before `end`, and came late or has not come; those
    with most of them first. What is due after `at` is not late yet."""
    end = min(end, at)
    due = Slot.objects.filter(
        querysets.FIRST_TIME,
        campaign__in=campaigns.values("pk"),
        campaign__is_simulated=False,
        task__excluded_at=None,
        due_at__gte=start,
        due_at__lt=end,
    ).exclude(state=SlotState.WITHDRAWN)
    given = Q(state=SlotState.DONE, judgments__state__in=STANDING, judgments__submitted_at__gt=F("due_at"))
    rows = (
        due.order_by()
        .values("campaign")
        .annotate(
            n=Count("pk", distinct=True),
            late=Count("pk", filter=given, distinct=True),
            missing=Count("pk", filter=querysets.MISSING, distinct=True),
            longest=Max(F("judgments__submitted_at") - F("due_at"), filter=given),
            waiting_since=Min("due_at", filter=querysets.MISSING),
        )
    )
    known = {row.pk: row for row in campaigns.filter(pk__in=[row["campaign"] for row in rows])}
    steps = steps_of(known)
    found = [
        Breach(
            campaign=known[row["campaign"]],
            due=row["n"],
            late=row["late"],
            missing=row["missing"],
            longest_late=max(
                row["longest"] or dt.timedelta(),
                at - row["waiting_since"] if row["waiting_since"] else dt.timedelta(),
            ),
            steps=steps.get(row["campaign"], {}),
        )
        for row in rows
        if row["late"] or row["missing"]
    ]
    return sorted(found, key=lambda each: (-(each.late + each.missing), each.campaign.pk))


def steps_of(campaigns: dict[int, Campaign]) -> dict[int, dict[int, int]]:
    """How often each step of the ladder was taken."""
    steps: dict[int, dict[int, int]] = {}
    for field in ("campaign", "task__campaign"):
        rows = Escalation.objects.filter(**{f"{field}__in": list(campaigns)})
        for campaign, level, count in rows.values_list(field, "level").annotate(n=Count("pk")):
            steps.setdefault(campaign, {})[level] = count
    return steps
