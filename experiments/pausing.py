"""Acts: pause an experiment, and resume it. Nothing is lost: what is in flight still comes."""

import datetime as dt

from django.db import transaction
from django_q.tasks import async_task

from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import policies
from experiments.models import Experiment


@transaction.atomic
def pause(experiment: Experiment, *, by: User, at: dt.datetime) -> Experiment:
    """Ask nothing more until it is resumed. Pausing what is paused changes nothing."""
    refuse_if(policies.changing(by, experiment.component))
    going_on = Experiment.objects.in_progress().filter(pk=experiment.pk)
    if going_on.filter(paused_at=None).update(paused_by=by, paused_at=at):
        record(Event.EXPERIMENT_PAUSED, by=by, subject=experiment, facts={}, at=at)
    elif not going_on.exists():
        raise Conflict("already_ended", f"{experiment} asks nothing any more; there is nothing to pause.")
    experiment.refresh_from_db()
    return experiment


@transaction.atomic
def resume(experiment: Experiment, *, by: User, at: dt.datetime) -> Experiment:
    """Go on at once. Resuming what is not paused, or has ended meanwhile, changes nothing."""
    refuse_if(policies.changing(by, experiment.component))
    paused = Experiment.objects.in_progress().filter(pk=experiment.pk, paused_at__isnull=False)
    if paused.update(paused_by=None, paused_at=None):
        async_task("experiments.jobs.drain")
        record(Event.EXPERIMENT_RESUMED, by=by, subject=experiment, facts={}, at=at)
    experiment.refresh_from_db()
    return experiment
