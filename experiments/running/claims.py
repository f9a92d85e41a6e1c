"""Work items are claimed here, under a lease and a fencing token, and their results accepted only under it.

The rows are the truth: a worker that dies leaves leases, and leases end. At most the calls in flight are made
twice; no result is recorded twice.
"""

import datetime as dt
import random
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from evaltrack.integrations.model_api import Answer, CallFailed
from experiments.models import Endpoint, Experiment, Outcome, Output, OutputState, Run

MOST_ATTEMPTS = 5
REAP_BATCH = 500
LONGEST_BACK_OFF_S = 60
# How long to leave an endpoint alone that asks to slow down and does not say for how long.
UNTOLD_PAUSE_S = 5


@dataclass(frozen=True)
class Claimed:
    """An output that this worker may ask for until its lease ends."""

    id: int
    run_id: int
    example_id: str
    attempts: int


@transaction.atomic
def claim(
    experiment: Experiment, runs: list[Run], limits: dict[int, int], *, token: uuid.UUID, at: dt.datetime
) -> list[Claimed]:
    """Lease the next open outputs, no more than each endpoint may have in flight.

    `limits`: endpoint id → the most calls in flight there. A lease is a call in flight, whoever holds it; the
    endpoint's row is locked while leases are counted, so that two workers cannot both take the last place.
    """
    endpoints = list(
        Endpoint.objects.select_for_update().filter(pk__in=limits).order_by("pk").values_list("pk", flat=True)
    )
    leased = Counter(
        Output.objects.filter(state=OutputState.LEASED, run__endpoint__in=endpoints).values_list(
            "run__endpoint", flat=True
        )
    )
    free = {endpoint: limits[endpoint] - leased[endpoint] for endpoint in endpoints}
    endpoint_of = {run.pk: run.endpoint_id for run in runs if run.endpoint_id is not None}
    with_room = [run_id for run_id, endpoint in endpoint_of.items() if free[endpoint] > 0]
    if not with_room:
        return []
    waiting = (
        Output.objects.select_for_update(skip_locked=True)
        .filter(Q(not_before=None) | Q(not_before__lte=at))
        .filter(experiment=experiment, state=OutputState.OPEN, run__in=with_room)
        .order_by("order")
    )
    taken: list[Claimed] = []
    for output in waiting[: sum(max(room, 0) for room in free.values())]:
        if free[endpoint_of[output.run_id]] > 0:
            free[endpoint_of[output.run_id]] -= 1
            taken.append(Claimed(output.pk, output.run_id, output.example_id, output.attempts + 1))
    Output.objects.filter(pk__in=[claimed.id for claimed in taken], state=OutputState.OPEN).update(
        state=OutputState.LEASED,
        lease_token=token,
        lease_until=at + dt.timedelta(seconds=settings.LEASE_SECONDS),
        attempts=F("attempts") + 1,
    )
    return taken


def renew(token: uuid.UUID, *, at: dt.datetime) -> None:
    Output.objects.filter(lease_token=token, state=OutputState.LEASED).update(
        lease_until=at + dt.timedelta(seconds=settings.LEASE_SECONDS)
    )


@transaction.atomic
def record_answers(answers: list[tuple[int, Answer, str]], *, token: uuid.UUID, at: dt.datetime) -> int:
    """Write answers (output id, answer, request digest); how many were still ours to write."""
    return sum(
        finish(
            output_id,
            token=token,
            at=at,
            outcome=Outcome.ANSWERED,
            text=answer.text,
            finish_reason=answer.finish_reason,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            latency_ms=answer.latency_ms,
            endpoint_model=answer.model,
            endpoint_fingerprint=answer.fingerprint,
            contexts=answer.contexts,
            citations=answer.citations,
            request_digest=request_digest,
        )
        for output_id, answer, request_digest in answers
    )


def finish(output_id: int, *, token: uuid.UUID, at: dt.datetime, **result) -> int:
    # Only id and token: a further condition lets the planner choose the lease index, and it then scans it.
    return Output.objects.filter(pk=output_id, lease_token=token).update(
        state=OutputState.DONE, lease_token=None, lease_until=None, not_before=None, finished_at=at, **result
    )


def give_up(claimed: Claimed, failure: CallFailed, *, token: uuid.UUID, at: dt.datetime) -> int:
    return finish(
        claimed.id,
        token=token,
        at=at,
        outcome=Outcome.TARGET_ERROR,
        error=f"{failure.failure}: {failure.detail}",
    )


def retry_later(claimed: Claimed, *, token: uuid.UUID, at: dt.datetime) -> None:
    """Give an output back for a further attempt, after a jittered back-off."""
    seconds = random.uniform(0.5, 1) * min(2.0**claimed.attempts / 2, LONGEST_BACK_OFF_S)
    open_again([claimed.id], token=token, not_before=at + dt.timedelta(seconds=seconds))


def ask_later(claimed: Claimed, *, token: uuid.UUID, at: dt.datetime, wait_s: float | None) -> None:
    """Give an output back for when the endpoint asked us to return; that it was asked now does not count."""
    if wait_s is None:
        wait_s = random.uniform(0.5, 1) * min(UNTOLD_PAUSE_S, LONGEST_BACK_OFF_S)
    not_before = at + dt.timedelta(seconds=wait_s)
    open_again([claimed.id], token=token, not_before=not_before, attempts=F("attempts") - 1)


def release(claimed_ids: list[int], *, token: uuid.UUID, not_before: dt.datetime | None = None) -> None:
    """Give outputs back as if they had not been claimed: an outage is not the example's fault."""
    open_again(claimed_ids, token=token, attempts=F("attempts") - 1, not_before=not_before)


def open_again(claimed_ids: list[int], *, token: uuid.UUID, **changes: Any) -> None:
    Output.objects.filter(pk__in=claimed_ids, lease_token=token).update(
        state=OutputState.OPEN, lease_token=None, lease_until=None, **changes
    )


@transaction.atomic
def reap(*, at: dt.datetime) -> int:
    """Return outputs whose lease has ended to the pool; how many."""
    ended = list(
        Output.objects.select_for_update(skip_locked=True)
        .filter(state=OutputState.LEASED, lease_until__lt=at)
        .order_by("lease_until")
        .values_list("pk", "attempts")[:REAP_BATCH]
    )
    exhausted = [pk for pk, attempts in ended if attempts >= MOST_ATTEMPTS]
    Output.objects.filter(pk__in=exhausted).update(
        state=OutputState.DONE,
        lease_token=None,
        lease_until=None,
        outcome=Outcome.TARGET_ERROR,
        error=f"the worker died {MOST_ATTEMPTS} times while asking for this output",
        finished_at=at,
    )
    Output.objects.filter(pk__in=[pk for pk, attempts in ended if attempts < MOST_ATTEMPTS]).update(
        state=OutputState.OPEN, lease_token=None, lease_until=None
    )
    return len(ended)
