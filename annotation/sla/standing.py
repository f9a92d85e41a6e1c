"""How far a campaign has come and when it will be done: counted at each look or, for lists and of a large one, each
minute."""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, F, Q

from annotation import pool, querysets
from annotation.models import Campaign, CampaignStatus, Slot, SlotState, StandingCount
from annotation.sla import outlook
from annotation.sla.outlook import Outlook
from evaltrack.stats.estimate import Undefined

log = logging.getLogger(__name__)

# Judgments that a campaign asks for, up to which they are counted at each look.
COUNTED_UP_TO = 20_000
# No worker has counted for so long: then it is done at the look, however long it takes.
LONGEST_AGE = dt.timedelta(minutes=10)
BATCH = 1_000
NOTHING = (0, 0, 0)
COUNTED = [
    "wanted", "done", "held", "missing", "ahead", "finished_at", "unforeseen", "judges", "stuck", "counted_at",
]  # fmt: skip


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
    slots = counts_of([campaign]).get(campaign.pk, NOTHING)
    asks = campaign.status == CampaignStatus.OPEN
    return Standing(*slots, outlook=outlook.of(campaign, at=at) if asks else None)


def counts_of(campaigns: Collection[Campaign]) -> dict[int, tuple[int, int, int]]:
    """Of each campaign that has any: judgments that are asked for, that are there, and that somebody is giving."""
    slots = Slot.objects.filter(
        querysets.FIRST_TIME, campaign__in=campaigns, task__excluded_at=None
    ).order_by()
    rows = slots.values_list("campaign").annotate(
        wanted=Count("pk"),
        done=Count("pk", filter=Q(state=SlotState.DONE)),
        held=Count("pk", filter=Q(state=SlotState.HELD)),
    )
    return {campaign: (wanted, done, held) for campaign, wanted, done, held in rows}


def as_counted(campaign: Campaign, row: StandingCount) -> Standing:
    asks = campaign.status == CampaignStatus.OPEN
    return Standing(row.wanted, row.done, row.held, foreseen(campaign, row) if asks else None, row.counted_at)


def foreseen(campaign: Campaign, row: StandingCount) -> Outlook:
    return Outlook(row.missing, row.ahead, row.finished_at or Undefined(row.unforeseen), campaign.due_at)


def lately(campaign: Campaign, *, at: dt.datetime) -> Outlook:
    """The outlook as a worker has counted it lately, else as it is now."""
    row = StandingCount.objects.filter(campaign=campaign, counted_at__gt=at - LONGEST_AGE).first()
    return foreseen(campaign, row) if row else outlook.of(campaign, at=at)


def count_open(*, at: dt.datetime) -> int:
    """Count the campaigns that are not closed, and once more each that was closed since; how many."""
    closed = Q(status=CampaignStatus.CLOSED)
    campaigns = Campaign.objects.filter(
        ~closed | Q(standing=None) | Q(standing__counted_at__lt=F("closed_at"))
    ).select_related("rubric", "sla", "experiment__component")
    found = list(campaigns)
    if not found:
        return 0
    counts, survey, rows = counts_of(found), outlook.Survey(at=at), []
    for campaign in found:
        try:
            rows.append(count_one(campaign, counts.get(campaign.pk, NOTHING), survey))
        except Exception:
            log.exception("campaign %s could not be counted and will be tried again", campaign.pk)
    StandingCount.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["campaign"], update_fields=COUNTED
    )
    return len(found)


def count_one(campaign: Campaign, slots: tuple[int, int, int], survey: outlook.Survey) -> StandingCount:
    judges = set(pool.may_judge(campaign).values_list("pk", flat=True))
    found, (wanted, done, held) = survey.outlook(campaign, judges), slots
    finished = found.finished_at
    return StandingCount(
        campaign=campaign,
        wanted=wanted,
        done=done,
        held=held,
        missing=found.missing,
        ahead=found.ahead,
        finished_at=None if isinstance(finished, Undefined) else finished,
        unforeseen=finished.reason if isinstance(finished, Undefined) else "",
        judges=len(judges),
        stuck=stuck(campaign, judges) if found.missing else 0,
        counted_at=survey.at,
    )


def stuck(campaign: Campaign, judges: set[int]) -> int:
    """Tasks that were skipped and miss judgments, of which nobody is left who may give one."""
    away: dict[int, set[int]] = defaultdict(set)
    skipped = querysets.skips_without_judgments(campaign)
    for task, evaluator in skipped.values_list("task", "evaluator"):
        away[task].add(evaluator)
    holders = querysets.involving().filter(campaign=campaign, task__in=list(away), holder__isnull=False)
    for task, holder in holders.values_list("task", "holder"):
        away[task].add(holder)
    return sum(judges <= gone for gone in away.values())
