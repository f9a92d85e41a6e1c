"""Acts: outputs are bound to a batch, a batch is taken by one worker, and ends."""

import datetime as dt
import uuid
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django_q.tasks import async_task

from experiments.models import Batch, BatchState, Experiment, Outcome, Output, OutputState, Run
from experiments.running import claims

MOST_REQUESTS = 10_000
# How often an output may be in a batch that ends without having answered it.
MOST_ATTEMPTS = 3
# Only a batch that ends gives its outputs back: a lease that ended by itself would have them asked for twice.
FOR_EVER = dt.timedelta(days=3650)
# Longer than all calls of one look together may take.
LOOK_FOR = dt.timedelta(minutes=15)


@transaction.atomic
def prepare(run: Run, *, at: dt.datetime) -> Batch | None:
    """Bind the next open outputs of a run to a new batch; None where there are none."""
    waiting = (
        Output.objects.select_for_update(skip_locked=True)
        .filter(Q(not_before=None) | Q(not_before__lte=at), run=run, state=OutputState.OPEN)
        .order_by("order")
    )
    taken = list(waiting.values_list("pk", flat=True)[:MOST_REQUESTS])
    if not taken:
        return None
    batch = Batch.objects.create(run=run, requests=len(taken), created_at=at, next_look_at=at)
    for start in range(0, len(taken), 500):
        Output.objects.filter(pk__in=taken[start : start + 500], state=OutputState.OPEN).update(
            state=OutputState.LEASED,
            lease_token=batch.key,
            lease_until=at + FOR_EVER,
            attempts=F("attempts") + 1,
        )
    return batch


def prepare_all(*, at: dt.datetime) -> None:
    # One that is paused asks for nothing further; what is sent goes on, as calls in flight do.
    in_progress = Experiment.objects.in_progress().filter(paused_at=None)
    open_ones = Output.objects.filter(
        experiment__in=in_progress, state=OutputState.OPEN, run__in_batches=True
    )
    for run in Run.objects.filter(pk__in=open_ones.values("run").distinct()).order_by("pk"):
        while prepare(run, at=at):
            pass


def take(batch: Batch, *, at: dt.datetime) -> uuid.UUID | None:
    """A token with which this worker alone looks at the batch, as it is now; None where another one does."""
    token = uuid.uuid4()
    free = Q(lease_until=None) | Q(lease_until__lt=at)
    taken = (
        Batch.objects.filter(free, pk=batch.pk, next_look_at__lte=at)
        .exclude(state=BatchState.ENDED)
        .update(lease_token=token, lease_until=at + LOOK_FOR)
    )
    if not taken:
        return None
    # Another worker may have brought it forward since it was read: what is done next depends on how far it is.
    batch.refresh_from_db(fields=["state", "file_id", "remote_id", "failed_looks"])
    return token


def change(batch: Batch, token: uuid.UUID, **changes: Any) -> bool:
    """Write to a batch, while this worker is the one that looks at it."""
    written = Batch.objects.filter(pk=batch.pk, lease_token=token).update(**changes)
    if written:
        for name, value in changes.items():
            setattr(batch, name, value)
    return bool(written)


def let_go(batch: Batch, token: uuid.UUID, *, next_look_at: dt.datetime, **changes: Any) -> None:
    change(batch, token, next_look_at=next_look_at, lease_token=None, lease_until=None, **changes)


@transaction.atomic
def end(
    batch: Batch, token: uuid.UUID, *, detail: str, error: str, most_attempts: int, at: dt.datetime
) -> bool:
    """End a batch. What it has not answered is asked for again up to `most_attempts`, and then ends with `error`."""
    if not change(
        batch, token, state=BatchState.ENDED, ended_at=at, detail=detail, lease_token=None, lease_until=None
    ):
        return False
    left = Output.objects.filter(lease_token=batch.key, state=OutputState.LEASED)
    left.filter(attempts__gte=most_attempts).update(
        state=OutputState.DONE,
        outcome=Outcome.TARGET_ERROR,
        error=error,
        finished_at=at,
        lease_token=None,
        lease_until=None,
    )
    left.update(state=OutputState.OPEN, lease_token=None, lease_until=None)
    async_task("experiments.jobs.drain")
    return True


def fail(batch: Batch, output_id: int, error: str, *, at: dt.datetime) -> None:
    claims.finish(output_id, token=batch.key, at=at, outcome=Outcome.TARGET_ERROR, error=error)
