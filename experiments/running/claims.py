"""Work items are claimed here, under a lease and a fencing token, and their results accepted only under it.

The rows are the truth: a worker that dies leaves leases, and leases end. At most the calls in flight are made
twice; no result is recorded twice.
"""

import datetime as dt
import random
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from evaltrack.bulk import update_rows
from evaltrack.integrations.model_api import Answer, CallFailed, Failure
from experiments.models import Experiment, Outcome, Output, OutputState, RawReply
from experiments.running import pacing, replies
from experiments.targets.base import Target

MOST_ATTEMPTS = 5
REAP_BATCH = 500
LONGEST_BACK_OFF_S = 60
# What is not to be laid at the door of the system that was asked.
OURS = Outcome.INFRASTRUCTURE_ERROR
# Columns of an output, and what of an answer stands there.
OF_THE_ANSWER = {
    "text": "text",
    "finish_reason": "finish_reason",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "latency_ms": "latency_ms",
    "endpoint_model": "model",
    "endpoint_fingerprint": "fingerprint",
    "contexts": "contexts",
    "citations": "citations",
}
# And what besides it.
OF_THE_CALL = (
    "outcome", "request_digest", "cost_micro", "error", "waited_ms", "cache_key", "raw_reply",
)  # fmt: skip


@dataclass(frozen=True)
class Claimed:
    """An output that this worker may ask for until its lease ends."""

    id: int
    run_id: int
    position: int
    attempts: int
    repeat: int = 0
    # What earlier tries have cost that brought no reply, in micro-dollars.
    cost_micro: int | None = None
    # It was asked before, and the call failed.
    is_retry: bool = False


@transaction.atomic
def claim(
    experiment: Experiment,
    endpoint_of: Mapping[int, int],
    room: Mapping[int, int],
    *,
    token: uuid.UUID,
    at: dt.datetime,
) -> list[Claimed]:
    """Lease the next open outputs.

    `endpoint_of`: run id → endpoint id; `room`: endpoint id → how many to take of its runs. Of what failed before, no
    more than the endpoint may be asked again; the rest is left, and others are taken in its place.
    """
    left = {endpoint: most for endpoint, most in room.items() if most > 0}
    with_room = [run for run, endpoint in endpoint_of.items() if endpoint in left]
    if not with_room:
        return []
    waiting = (
        Output.objects.select_for_update(skip_locked=True)
        .filter(Q(not_before=None) | Q(not_before__lte=at))
        .filter(experiment=experiment, state=OutputState.OPEN, run__in=with_room)
        .order_by("order")
    )
    taken = fitting(waiting, left, endpoint_of)
    failed_before = [each for each in taken if each.is_retry]
    kept = granted(failed_before, endpoint_of, at=at)
    if len(kept) < len(failed_before):
        for each in kept:
            left[endpoint_of[each.run_id]] -= 1
        taken = kept + fitting(waiting.filter(error=""), left, endpoint_of)
    Output.objects.filter(pk__in=[claimed.id for claimed in taken], state=OutputState.OPEN).update(
        state=OutputState.LEASED,
        lease_token=token,
        lease_until=at + dt.timedelta(seconds=settings.LEASE_SECONDS),
        attempts=F("attempts") + 1,
    )
    return taken


def fitting(
    waiting: QuerySet[Output], room: Mapping[int, int], endpoint_of: Mapping[int, int]
) -> list[Claimed]:
    """The first of those that wait for which there is room."""
    left, found = dict(room), []
    rows = waiting.values_list("pk", "run_id", "position", "attempts", "repeat", "cost_micro", "error")
    for pk, run, position, attempts, repeat, cost, error in rows[: sum(left.values())]:
        if left[endpoint_of[run]] > 0:
            left[endpoint_of[run]] -= 1
            found.append(Claimed(pk, run, position, attempts + 1, repeat, cost, is_retry=bool(error)))
    return found


def granted(retries: list[Claimed], endpoint_of: Mapping[int, int], *, at: dt.datetime) -> list[Claimed]:
    """Those of them that may be asked again now."""
    wanted = Counter(endpoint_of[each.run_id] for each in retries)
    # In one order, as another worker may lock the same rows.
    left = {endpoint: pacing.ask_again(endpoint, wanted[endpoint], at=at) for endpoint in sorted(wanted)}
    kept = []
    for each in retries:
        if left[endpoint_of[each.run_id]] > 0:
            left[endpoint_of[each.run_id]] -= 1
            kept.append(each)
    return kept


def retries_wait(experiment: Experiment, runs: Iterable[int], *, at: dt.datetime) -> bool:
    """Whether something would be asked again, but that endpoints may not be asked again so often."""
    due = Output.objects.filter(Q(not_before=None) | Q(not_before__lte=at))
    return due.filter(experiment=experiment, state=OutputState.OPEN, run__in=runs).exclude(error="").exists()


def longest_wait_ms() -> int:
    """How long a worker can wait for one answer.

    A drain that is over waits for half its time, and then abandons what has not come. What takes longer must fail
    before: abandoned, it would be asked for again by every drain, paid for each time, and never end.
    """
    return int(settings.DRAIN_SECONDS * 1_250)


def renew(token: uuid.UUID, *, at: dt.datetime, for_s: float | None = None) -> None:
    seconds = settings.LEASE_SECONDS if for_s is None else for_s
    Output.objects.filter(lease_token=token, state=OutputState.LEASED).update(
        lease_until=at + dt.timedelta(seconds=seconds)
    )


@dataclass(frozen=True)
class Answered:
    """An answer as it is written down. `cost_micro` None: not known."""

    output_id: int
    answer: Answer
    outcome: Outcome = Outcome.ANSWERED
    request_digest: str = ""
    cost_micro: int | None = None
    error: str = ""
    waited_ms: int | None = None
    cache_key: str | None = None


def outcome_of(answer: Answer, *, by: Target) -> Outcome:
    """How an answer of the target `by` ends its output."""
    if answer.is_refusal:
        return Outcome.REFUSED
    return Outcome.ANSWERED if by.takes(answer) else Outcome.FORMAT_INVALID


def record_answers(answers: list[Answered], *, token: uuid.UUID, at: dt.datetime) -> int:
    """Write answers, with their raw replies where those are kept; how many were still ours to write."""
    kept = {each.output_id: RawReply.of(each.answer.reply) for each in answers if each.answer.reply}
    if not kept:
        return write(answers, {}, token=token, at=at)
    with transaction.atomic():
        written = write(answers, kept, token=token, at=at)
        if written < len(answers):
            # Of an output that is no longer ours, the reply would be one of nothing.
            named = set(Output.objects.filter(pk__in=kept).values_list("raw_reply_id", flat=True))
            kept = {pk: reply for pk, reply in kept.items() if reply.digest in named}
        replies.insert(list(kept.values()))
    return written


def write(answers: list[Answered], kept: Mapping[int, RawReply], *, token: uuid.UUID, at: dt.datetime) -> int:
    rows = [
        (
            each.output_id,
            *(getattr(each.answer, name) for name in OF_THE_ANSWER.values()),
            each.outcome,
            each.request_digest,
            each.cost_micro,
            each.error,
            each.waited_ms,
            each.cache_key,
            kept[each.output_id].digest if each.output_id in kept else None,
        )
        for each in answers
    ]
    return update_rows(
        Output,
        ("id", *OF_THE_ANSWER, *OF_THE_CALL),
        rows,
        also={
            "state": OutputState.DONE,
            "lease_token": None,
            "lease_until": None,
            "not_before": None,
            "finished_at": at,
        },
        where={"lease_token": token},
    )


def finish(output_id: int, *, token: uuid.UUID, at: dt.datetime, **result) -> int:
    # Only id and token: a further condition lets the planner choose the lease index, and it then scans it.
    return Output.objects.filter(pk=output_id, lease_token=token).update(
        state=OutputState.DONE, lease_token=None, lease_until=None, not_before=None, finished_at=at, **result
    )


def give_up(claimed: Claimed, failure: CallFailed, *, token: uuid.UUID, at: dt.datetime) -> int:
    kept = RawReply.of(failure.reply) if failure.reply else None
    with transaction.atomic() if kept else nullcontext():
        written = finish(
            claimed.id,
            token=token,
            at=at,
            outcome=OURS if failure.failure == Failure.CUT else Outcome.TARGET_ERROR,
            error=str(failure),
            raw_reply=kept,
        )
        if kept and written:
            replies.insert([kept])
    return written


# What failed is given back with its error: it is by that that asking for it again is known as a retry.


def retry_later(
    claimed: Claimed, error: object, *, token: uuid.UUID, at: dt.datetime, **changes: Any
) -> None:
    """Give an output back for a further attempt, at any moment within a back-off that doubles (full jitter)."""
    seconds = random.uniform(0, min(2.0**claimed.attempts, LONGEST_BACK_OFF_S))
    not_before = at + dt.timedelta(seconds=seconds)
    open_again([claimed.id], token=token, not_before=not_before, error=str(error), **changes)


def ask_later(claimed: Claimed, *, token: uuid.UUID, at: dt.datetime, wait_s: float) -> None:
    """Give an output back for when the endpoint asked us to return; that it was asked now does not count.

    Nor is asking then a retry: the endpoint lives, says when, and is asked with fewer calls.
    """
    not_before = at + dt.timedelta(seconds=wait_s)
    open_again([claimed.id], token=token, not_before=not_before, attempts=F("attempts") - 1)


def release(
    claimed_ids: list[int], *, token: uuid.UUID, not_before: dt.datetime | None = None, **changes: Any
) -> None:
    """Give outputs back as if they had not been claimed: an outage is not the example's fault."""
    open_again(claimed_ids, token=token, attempts=F("attempts") - 1, not_before=not_before, **changes)


def release_all(experiment: Experiment, *, token: uuid.UUID) -> None:
    """Give back whatever of the experiment this token holds, asked or not."""
    # That they are leased goes without saying, but leads to the index of those.
    Output.objects.filter(experiment=experiment, state=OutputState.LEASED, lease_token=token).update(
        state=OutputState.OPEN, lease_token=None, lease_until=None, attempts=F("attempts") - 1
    )


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
        outcome=OURS,
        error=f"the worker died {MOST_ATTEMPTS} times while asking for this output",
        finished_at=at,
    )
    Output.objects.filter(pk__in=[pk for pk, attempts in ended if attempts < MOST_ATTEMPTS]).update(
        state=OutputState.OPEN, lease_token=None, lease_until=None
    )
    return len(ended)
