"""Acts: an experiment waits for a store or an endpoint that is down, and somebody is told; or it cannot go on."""

import datetime as dt
import logging
import random

from django.db import transaction
from django.db.models import F

from evaltrack.accounts.models import User
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from experiments import lifecycle, messages
from experiments.models import ComponentVersion, Experiment, ExperimentStatus

log = logging.getLogger(__name__)
LONGEST_WAIT_S = 300
MOST_POSTPONED = 8
# Outputs that a slow machine scores by many metrics.
CONCLUDED_A_SECOND = 500
LONGEST_CONCLUSION_S = 300


def wait_for_store(experiment: Experiment, detail: str, *, at: dt.datetime) -> None:
    wait(experiment, f"The dataset store does not answer. {detail}", at=at)
    tell(experiment, experiment.dataset_version.dataset.custodian, at=at)


def wait_for_endpoint(experiment: Experiment, detail: str, *, at: dt.datetime) -> dt.datetime:
    """Wait, and tell the owner; when it is tried again."""
    again_at = wait(experiment, f"The endpoint does not answer: {detail}", at=at)
    tell(experiment, experiment.component.owner, at=at)
    return again_at


def wait_for_judge(
    experiment: Experiment, judge: ComponentVersion, detail: str, *, at: dt.datetime
) -> dt.datetime:
    """Wait, and tell the owners of the judge and of what it judges."""
    again_at = wait(experiment, f"The judge {judge} does not answer: {detail}", at=at)
    outbox.post(
        messages.experiment_waits(experiment),
        to={experiment.component.owner, judge.component.owner},
        at=at,
    )
    return again_at


def wait_for_scorer(experiment: Experiment, detail: str, *, at: dt.datetime) -> None:
    wait(experiment, f"A scorer cannot be asked: {detail}", at=at)
    tell(experiment, experiment.component.owner, at=at)


def go_on(experiment: Experiment, *, at: dt.datetime) -> None:
    """It came forward and is not done: it is due at once."""
    Experiment.objects.in_progress().filter(pk=experiment.pk).update(next_attempt_at=at, failed_attempts=0)


def wait(experiment: Experiment, reason: str, *, at: dt.datetime) -> dt.datetime:
    """Try again after a jittered wait that doubles from a second to five minutes; nothing is lost meanwhile."""
    experiment.refresh_from_db()
    tries = experiment.failed_attempts + 1
    seconds = random.uniform(0.5, 1) * min(2.0**tries, LONGEST_WAIT_S)
    again_at = at + dt.timedelta(seconds=seconds)
    lifecycle.EXPERIMENT.advance(
        experiment,
        to=ExperimentStatus.WAITING,
        reason=reason,
        failed_attempts=tries,
        next_attempt_at=again_at,
    )
    log.warning("%s waits %.0f s: %s", experiment, seconds, reason)
    return again_at


def book(experiment: Experiment, *, at: dt.datetime) -> bool:
    """Count an attempt to conclude before it is made, and keep others from making it meanwhile; whether it is ours.

    Without that every worker would compute a large verdict at the same time, and ask nothing for anybody else.
    """
    seconds = min(5 + experiment.outputs.count() / CONCLUDED_A_SECOND, LONGEST_CONCLUSION_S)
    booked = (
        Experiment.objects.due(at)
        .filter(pk=experiment.pk)
        .update(next_attempt_at=at + dt.timedelta(seconds=seconds), failed_attempts=F("failed_attempts") + 1)
    )
    return bool(booked)


def postpone(experiment: Experiment, problem: str, *, at: dt.datetime) -> None:
    """Something that nobody foresaw: look at it again in a minute, and end it when that never helps."""
    experiment.refresh_from_db()
    # With every output there only the computing can fail, and that fails the same way each time.
    computing = experiment.outputs.are_done()
    if computing and experiment.failed_attempts >= MOST_POSTPONED:
        give_up(experiment, f"It failed {experiment.failed_attempts} times in a row: {problem}", at=at)
        return
    Experiment.objects.in_progress().filter(pk=experiment.pk).update(
        next_attempt_at=at + dt.timedelta(minutes=1), failed_attempts=F("failed_attempts") + 1
    )


def tell(experiment: Experiment, person: User, *, at: dt.datetime) -> None:
    outbox.post(messages.experiment_waits(experiment), to=[person], at=at)


@transaction.atomic
def give_up(experiment: Experiment, reason: str, *, at: dt.datetime) -> None:
    """End without a verdict: too many errors, rows that were tampered with, an address that may not be called."""
    lifecycle.EXPERIMENT.advance(
        experiment, to=ExperimentStatus.UNDECIDED, reason=reason, finished_at=at, next_attempt_at=None
    )
    record(
        Event.EXPERIMENT_UNDECIDED,
        by=SYSTEM,
        subject=experiment,
        facts={},
        statements={"reason": reason},
        at=at,
    )
    people = {experiment.component.owner, experiment.dataset_version.dataset.custodian}
    outbox.post(messages.experiment_undecided(experiment), to=people, at=at)
