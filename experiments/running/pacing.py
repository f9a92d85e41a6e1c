"""Acts: workers divide the calls that an endpoint bears among them, and go slower where it asks for it."""

import datetime as dt
import math
import time
import uuid
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from evaltrack.integrations.gate import Gate
from evaltrack.integrations.model_api import Answer, CallFailed, Failure
from experiments.models import Endpoint, EndpointShare
from experiments.running import retries
from experiments.targets.base import Target

# Each worker looks at its share so often.
EVERY_SECONDS = 1.0
# So much of what it bore stays when an endpoint asks to slow down; once for all calls of the same moment.
CUT = 0.7
EPISODE = dt.timedelta(seconds=5)
# And by so much of itself it grows each second in which nothing was refused.
GROWTH = 0.05
# How far ahead of its rate an endpoint may be asked: a look and a half.
AHEAD = dt.timedelta(seconds=1.5)
# Nothing is claimed for an endpoint that asked to be left alone for longer.
LONGEST_CLOSED_SECONDS = 5


@dataclass(frozen=True)
class Limits:
    """What configurations allow at one endpoint, all workers together; 0 where they do not limit a rate."""

    calls: int
    requests_per_minute: int = 0
    tokens_per_minute: int = 0

    @classmethod
    def of(cls, targets: list[Target]) -> "Limits":
        """The strictest of what several configurations say."""
        return cls(
            min(target.concurrency for target in targets),
            least([target.requests_per_minute for target in targets]),
            least([target.tokens_per_minute for target in targets]),
        )


def least(limits: list[int]) -> int:
    return min((limit for limit in limits if limit), default=0)


@dataclass
class Pace:
    """How fast this worker asks an endpoint. `held`: calls begun there and not written down, asked or not."""

    endpoint_id: int
    limits: Limits
    gate: Gate = field(default_factory=Gate)
    begun: float = field(default_factory=time.monotonic)
    share: int = 0
    held: int = 0
    # What the row says; the gate hears of it a moment later.
    closed_until: float = 0.0
    # What has been heard since the last look.
    answered: int = 0
    throttled: bool = False
    tokens: int = 0
    looked: float = -math.inf

    def hear(self, result: Answer | CallFailed) -> None:
        if isinstance(result, Answer):
            self.answered += 1
            self.tokens += (result.input_tokens or 0) + (result.output_tokens or 0)
        elif result.failure == Failure.THROTTLED:
            self.throttled = True

    @property
    def due(self) -> bool:
        return self.throttled or time.monotonic() - self.looked > EVERY_SECONDS

    @property
    def closed_for_s(self) -> float:
        return max(0.0, self.gate.closed_until - time.monotonic(), self.closed_until - time.monotonic())

    @property
    def waits_for_share(self) -> bool:
        """Whether others have all of it, and have not had the time to give way."""
        return self.share == 0 and time.monotonic() - self.begun < 3 * EVERY_SECONDS

    @property
    def room(self) -> int:
        """How many outputs more to claim: as many ahead as may be in flight, by the half of them at a time."""
        if self.closed_for_s > LONGEST_CLOSED_SECONDS:
            return 0
        ahead = 2 * self.share - self.held
        return ahead if 2 * ahead >= self.share else 0


@dataclass(frozen=True)
class Granted:
    """What a look at the endpoint's row has brought: calls in flight, starts (None: uncounted), a pause."""

    calls: int
    starts: int | None
    closed_for_s: float


@transaction.atomic
def look(pace: Pace, *, worker: uuid.UUID, at: dt.datetime) -> Granted:
    """Say what was heard, and take a fair share of what the endpoint bears.

    Under the lock of its row, so the shares of all workers together never exceed that: a worker that finds the
    others using more than their part takes what is free, and they give way at their next look.
    """
    endpoint = Endpoint.objects.select_for_update().get(pk=pace.endpoint_id)
    shares = EndpointShare.objects.filter(endpoint=endpoint)
    shares.filter(until__lt=at).delete()
    others = list(shares.exclude(worker=worker).values_list("calls", flat=True))
    adapt(endpoint, pace, workers=1 + len(others), at=at)
    starts = starts_granted(endpoint, pace, at=at)
    if endpoint.retries_full_at is not None:
        endpoint.retries_full_at = retries.earned(endpoint.retries_full_at, pace.answered, at=at)
    endpoint.save()
    bears = borne(endpoint, pace.limits)
    fair = bears // (1 + len(others)) + bears % (1 + len(others))
    calls = max(0, min(max(1, fair), bears - sum(others)))
    # What is in flight already counts until it is back, and so does what its gate may still start meanwhile: a
    # smaller share is given away by the next look, which comes at once.
    may_start = pace.gate.limit
    shares.update_or_create(
        endpoint=endpoint,
        worker=worker,
        defaults={
            "calls": max(calls, may_start, pace.gate.in_flight),
            "until": at + dt.timedelta(seconds=settings.LEASE_SECONDS),
        },
    )
    pace.looked = time.monotonic() if calls >= may_start else -math.inf
    pace.answered, pace.throttled, pace.tokens = 0, False, 0
    closed = endpoint.closed_until or at
    return Granted(calls, starts, max(0.0, (closed - at).total_seconds()))


def adapt(endpoint: Endpoint, pace: Pace, *, workers: int, at: dt.datetime) -> None:
    """Cut what the endpoint bears where it asked to slow down, and let it grow again slowly (AIMD)."""
    if pace.throttled:
        if endpoint.cut_at is None or at - endpoint.cut_at > EPISODE:
            endpoint.allowed = max(1.0, CUT * borne(endpoint, pace.limits))
            endpoint.cut_at = at
    elif endpoint.allowed is not None and pace.answered:
        # Whoever asks with fewer calls has not tried whether it bears more.
        if endpoint.allowed < pace.limits.calls:
            endpoint.allowed += max(1.0, GROWTH * endpoint.allowed) / workers
        # Others may be configured to ask with more, to whom it still says something.
        if endpoint.allowed >= pace.limits.calls and workers == 1:
            endpoint.allowed = None
    if pace.closed_for_s:
        closed = at + dt.timedelta(seconds=pace.closed_for_s)
        endpoint.closed_until = max(closed, endpoint.closed_until or closed)


def borne(endpoint: Endpoint, limits: Limits) -> int:
    """How many calls in flight the endpoint bears now."""
    return limits.calls if endpoint.allowed is None else max(1, min(limits.calls, int(endpoint.allowed)))


def starts_granted(endpoint: Endpoint, pace: Pace, *, at: dt.datetime) -> int | None:
    """How many calls may start until the next look, by the rates that configurations state.

    The generic cell rate algorithm: each start moves forward the time by which all would have started at the
    stated rate, and none starts while that is further ahead than `AHEAD`. Tokens are known afterwards only; they
    move their own time when they are, and hold back what comes next.
    """
    limits = pace.limits
    granted = None
    if limits.tokens_per_minute:
        used = dt.timedelta(minutes=pace.tokens / limits.tokens_per_minute)
        endpoint.tokens_until = max(endpoint.tokens_until or at, at) + used
        if endpoint.tokens_until > at + AHEAD:
            return 0
    if limits.requests_per_minute:
        each = dt.timedelta(minutes=1) / limits.requests_per_minute
        base = max(endpoint.requests_until or at, at)
        most = (at + AHEAD - base) // each + 1 if base <= at + AHEAD else 0
        # What was granted before and has not started is not granted again: it would all start at once one day.
        unused = 0 if math.isinf(pace.gate.permits) else int(pace.gate.permits)
        granted = max(0, min(most, pace.held - pace.gate.in_flight - pace.gate.unwritten - unused))
        endpoint.requests_until = base + granted * each
    return granted


@transaction.atomic
def ask_again(endpoint_id: int, wanted: int, *, at: dt.datetime) -> int:
    """Take so many retries of the endpoint's, or what is left; how many."""
    endpoint = Endpoint.objects.select_for_update().get(pk=endpoint_id)
    granted, endpoint.retries_full_at = retries.spent(endpoint.retries_full_at, wanted, at=at)
    endpoint.save(update_fields=["retries_full_at"])
    return granted


def keep(worker: uuid.UUID, *, at: dt.datetime, for_s: float) -> None:
    """Hold this worker's shares while it cannot look: its calls go on meanwhile."""
    EndpointShare.objects.filter(worker=worker).update(until=at + dt.timedelta(seconds=for_s))


def give_back(worker: uuid.UUID, endpoint_id: int | None = None) -> None:
    """This worker asks the endpoint, or any, no more."""
    shares = EndpointShare.objects.filter(worker=worker)
    (shares if endpoint_id is None else shares.filter(endpoint=endpoint_id)).delete()
