"""What workers run. Each may run twice, late, or at the same time as itself."""

import logging

from annotation import assignment, judging, opening, overlap, querysets, reassignment, revision
from annotation.agreement import kept_findings, reliability, rollup
from annotation.models import Campaign, CampaignStatus
from annotation.quality import failing_gold
from annotation.settling import hearings, kept_conflicts
from annotation.sla import escalation, standing
from evaltrack import clock
from experiments.models import Experiment

log = logging.getLogger(__name__)


def open_campaigns() -> None:
    """Find experiments that wait for people, and that no campaign serves yet."""
    opened = Campaign.objects.filter(is_simulated=False).values("experiment")
    for experiment in Experiment.objects.without_judges().with_names().exclude(pk__in=opened):
        try:
            opening.open_campaign(experiment, at=clock.now())
        except Exception:
            log.exception("%s: its campaign could not be opened and will be tried again", experiment)


def expire_leases() -> None:
    assignment.expire_leases(at=clock.now())
    hearings.expire(at=clock.now())
    reassignment.end_reservations(at=clock.now())


def settle_judgments() -> None:
    judging.settle_old(at=clock.now())


def roll_up_agreement() -> None:
    """The sums of campaigns about which people have said something new; of imports the figures themselves."""
    for campaign in Campaign.objects.filter(pk__in=rollup.waiting(at=clock.now())):
        try:
            reliability.count_and_look(campaign, at=clock.now())
        except Exception:
            log.exception("%s: its judgments could not be counted and will be tried again", campaign)
    for campaign in kept_findings.waiting().select_related("rubric"):
        try:
            kept_findings.keep(campaign, at=clock.now())
        except Exception:
            log.exception("%s: its judgments could not be read and will be tried again", campaign)


def suspend_gold() -> None:
    """What good evaluators fail measures nobody."""
    for campaign in failing_gold.campaigns():
        try:
            failing_gold.suspend(campaign, at=clock.now())
        except Exception:
            log.exception("%s: its gold could not be checked and will be checked again", campaign)


def count_standing() -> None:
    """How far campaigns have come."""
    standing.count_open(at=clock.now())


def keep_conflicts() -> None:
    """Conflicts of large campaigns, for whoever settles them."""
    for campaign in kept_conflicts.to_look_at():
        try:
            kept_conflicts.keep(campaign, at=clock.now())
        except Exception:
            log.exception("%s: its conflicts could not be found and will be looked for again", campaign)


def extend_overlap() -> None:
    """Ask one more person where people disagree."""
    for campaign in querysets.asking_campaigns().exclude(max_overlap=None):
        try:
            overlap.extend(campaign.pk, at=clock.now())
        except Exception:
            log.exception("%s: its overlap could not be extended and will be tried again", campaign)


def ask_again() -> None:
    """What was said by an outdated rubric while it was revised, or before a worker died."""
    for campaign in Campaign.objects.exclude(asks_again_below=None).exclude(status=CampaignStatus.CLOSED):
        revision.ask_again(campaign.pk, at=clock.now())


def escalate_overdue() -> None:
    escalation.escalate_overdue(at=clock.now())
