"""Acts: lead what is late up the ladder of its SLA policy, and let a proxy stand in for people who are late."""

import datetime as dt
import logging
from collections.abc import Iterator
from itertools import islice

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import assignment, messages, policies, pool, querysets
from annotation.agreement import human_rule
from annotation.models import Campaign, Escalation, Level, Slot
from annotation.onboarding import qualification
from annotation.sla import rules, sla_policies, standing, validity
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from experiments import evidence

log = logging.getLogger(__name__)
BATCH = 2000


def escalate_overdue(*, at: dt.datetime) -> int:
    """Lead every campaign that asks people up its ladder; how many steps were new."""
    missing = Slot.objects.filter(querysets.MISSING, campaign=OuterRef("pk"))
    waiting = querysets.asking_campaigns().filter(Exists(missing)).order_by("due_at")
    steps = 0
    for campaign_id in waiting.values_list("pk", flat=True):
        try:
            steps += climb(campaign_id, at=at)
        except Exception:
            log.exception("campaign %s could not be escalated and will be tried again", campaign_id)
    return steps


@transaction.atomic
def climb(campaign_id: int, *, at: dt.datetime) -> int:
    """Every step that the campaign and its tasks have reached, with its messages: all of it, or nothing.

    Who comes while another worker is at it goes on with the next campaign: whatever that one leaves is found again
    in a minute. The unique rows are the proof that each step is taken once; if it were ever tried twice, nothing of
    the second would be stored, messages included.
    """
    locked = querysets.asking_campaigns().select_for_update(of=("self",), no_key=True, skip_locked=True)
    campaign = locked.select_related("experiment__policy", "sla").filter(pk=campaign_id).first()
    if campaign is None:
        return 0
    policy = sla_policies.of(campaign)
    return sum(step(campaign, policy, at=at) for step in (warn, remind, widen, offer_proxy))


# ── The steps ────────────────────────────────────────────────────────────────────────────────────────


def warn(campaign: Campaign, policy: rules.Policy, *, at: dt.datetime) -> int:
    """Tell the leads of a campaign that is due soon, or that people will not have judged by then at their pace."""
    if at >= campaign.due_at or has_reached(campaign, Level.WARNING):
        return 0
    expected = standing.lately(campaign, at=at)
    is_soon = campaign.due_at <= policy.warns_until(campaign.priority, at=at)
    if not expected.missing or not (is_soon or expected.is_late):
        return 0
    take(campaign, Level.WARNING, at=at)
    outbox.post(messages.due_soon(campaign, expected), to=outbox.holders("lead"), at=at)
    return 1


def remind(campaign: Campaign, policy: rules.Policy, *, at: dt.datetime) -> int:
    """Return late tasks that nobody is working on to the pool, and tell whoever may judge them."""
    late = reach(Level.REMIND, campaign, policy, at=at)
    if late:
        new = Escalation.objects.filter(
            task=OuterRef("task"), level=Level.REMIND, round=campaign.extensions, escalated_at=at
        )
        slots = Slot.objects.filter(querysets.FIRST_TIME, Exists(new), campaign=campaign)
        holders = assignment.return_idle(slots, at=at)
        outbox.post(messages.task_returned(campaign, late[0]), to=holders, at=at)
        outbox.post(
            messages.tasks_late(campaign, len(late), late[0]), to=qualification.judges_of(campaign), at=at
        )
    return len(late)


def widen(campaign: Campaign, policy: rules.Policy, *, at: dt.datetime) -> int:
    """Let everybody judge who would be asked but for the skills, and tell the leads."""
    late = reach(Level.WIDEN, campaign, policy, at=at)
    if late:
        if policy.waives_skills and campaign.skills.exists() and campaign.skills_waived_at is None:
            campaign.skills_waived_at = at
            campaign.save(update_fields=["skills_waived_at"])
            # The same message reaches nobody twice, so these are the new ones.
            outbox.post(messages.tasks_waiting(campaign), to=qualification.judges_of(campaign), at=at)
        message = messages.tasks_overdue(
            campaign,
            len(late),
            late[0],
            judges=pool.may_judge(campaign).count(),
            skills_waived=campaign.skills_waived_at is not None,
        )
        outbox.post(message, to=outbox.holders("lead"), at=at)
    return len(late)


def offer_proxy(campaign: Campaign, policy: rules.Policy, *, at: dt.datetime) -> int:
    """Propose to the leads that the gate policy's proxy stands in; it is they who decide."""
    proxy = human_rule.of(campaign).proxy
    until = policy.late_until(Level.PROXY, at=at)
    if until is None or not proxy or campaign.unblocked_at:
        return 0
    if has_reached(campaign, Level.PROXY):
        return 0
    if not late_slots(campaign, until).exists():
        return 0
    take(campaign, Level.PROXY, at=at)
    outbox.post(messages.proxy_offered(campaign, proxy), to=outbox.holders("lead"), at=at)
    return 1


def has_reached(campaign: Campaign, level: Level) -> bool:
    """Whether the campaign has come so far since its due time was last moved."""
    return campaign.escalations.filter(level=level, round=campaign.extensions).exists()


def take(campaign: Campaign, level: Level, *, at: dt.datetime) -> None:
    Escalation.objects.create(campaign=campaign, level=level, round=campaign.extensions, escalated_at=at)


def reach(level: Level, campaign: Campaign, policy: rules.Policy, *, at: dt.datetime) -> list[int]:
    """Tasks of the campaign that come to `level` now, the first one first."""
    until = policy.late_until(level, at=at)
    if until is None:
        return []
    # Subtracted here: asked as one query about rows that were written a moment ago, PostgreSQL looks through all of
    # one table for each row of the other.
    reached = Escalation.objects.filter(task__campaign=campaign, level=level, round=campaign.extensions)
    late = sorted(tasks_of(late_slots(campaign, until)) - tasks_of(reached))
    rows = (
        Escalation(task_id=task, level=level, round=campaign.extensions, escalated_at=at) for task in late
    )
    for batch in in_batches(rows):
        Escalation.objects.bulk_create(batch)
    return late


def late_slots(campaign: Campaign, until: dt.datetime) -> QuerySet[Slot]:
    """Judgments that were due by this moment and are missing."""
    return Slot.objects.filter(querysets.MISSING, campaign=campaign, due_at__lte=until)


def tasks_of(rows: QuerySet[Slot] | QuerySet[Escalation]) -> set[int]:
    return set(rows.values_list("task", flat=True))


def in_batches(rows: Iterator[Escalation]) -> Iterator[list[Escalation]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


# ── The proxy ────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def unblock_by_proxy(campaign_id: int, *, by: User, reason: str, at: dt.datetime) -> Campaign:
    """Let the policy's proxy metric stand in; the verdict becomes provisional, and people go on judging."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    refuse_if(policies.unblocking(by, campaign, at=at))
    reason = reasons.checked(reason)
    campaign.unblocked_by, campaign.unblocked_at, campaign.unblocking_reason = by, at, reason
    campaign.save(update_fields=["unblocked_by", "unblocked_at", "unblocking_reason"])
    assert campaign.experiment is not None  # the policy has refused one that stands alone
    evidence.record_proxy_evidence(
        campaign.experiment.pk,
        validity=validity.of(campaign, at=at),
        missing=campaign.slots.filter(querysets.MISSING, querysets.asked_beforehand()).count(),
        by=by,
        reason=reason,
        at=at,
    )
    record(
        Event.CAMPAIGN_UNBLOCKED,
        by=by,
        subject=campaign,
        facts=campaign.experiment_fact(),
        statements={"reason": reason},
        at=at,
    )
    campaign.refresh_from_db()
    return campaign
