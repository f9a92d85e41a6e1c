"""Acts: bring overdue tasks to the lead, let a proxy stand in for people who are late."""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Exists, OuterRef

from annotation import messages, policies, querysets
from annotation.models import Campaign, Escalation, Slot, Task
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from experiments import evidence

log = logging.getLogger(__name__)


def overdue_tasks(at: dt.datetime):
    """Tasks past their time with a judgment still missing, which nobody was told of."""
    unfinished = Slot.objects.filter(querysets.MISSING, task=OuterRef("pk"))
    told = Escalation.objects.filter(task=OuterRef("pk"), level=Escalation.LEAD)
    return Task.objects.filter(
        Exists(unfinished), ~Exists(told), campaign__in=querysets.asking_campaigns(), due_at__lt=at
    )


def escalate_overdue(*, at: dt.datetime) -> int:
    """Escalate every overdue task to the leads, each once; how many were new.

    The unique row decides who tells: of several workers that see the same task, one inserts it.
    """
    escalated = 0
    for campaign in Campaign.objects.filter(pk__in=overdue_tasks(at).values("campaign")):
        with transaction.atomic():
            # One at a time per campaign, so that one message can speak of all its overdue tasks.
            Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
            late = list(overdue_tasks(at).filter(campaign=campaign))
            if not late:
                continue
            Escalation.objects.bulk_create(
                [Escalation(task=task, level=Escalation.LEAD, escalated_at=at) for task in late]
            )
            first = min(task.pk for task in late)
            judges = querysets.may_judge(campaign).count()
            outbox.post(
                messages.tasks_overdue(campaign, len(late), first, judges), to=outbox.holders("lead"), at=at
            )
            escalated += len(late)
    return escalated


@transaction.atomic
def unblock_by_proxy(campaign_id: int, *, by: User, reason: str, at: dt.datetime) -> Campaign:
    """Let the policy's proxy metric stand in; the verdict becomes provisional, and people go on judging."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    refuse_if(policies.unblocking(by, campaign))
    reason = reasons.checked(reason)
    changed = Campaign.objects.filter(pk=campaign.pk, unblocked_at=None).update(
        unblocked_by=by, unblocked_at=at, unblocking_reason=reason
    )
    if not changed:
        raise Conflict("already_unblocked", "Somebody else has let the proxy stand in already.")
    assert campaign.experiment is not None  # the policy has refused one that stands alone
    evidence.record_proxy_evidence(campaign.experiment.pk, by=by, reason=reason, at=at)
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
