"""Endpoints as workers share them at a moment. Reads alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from django.conf import settings

from evaltrack.integrations.hosts import place_of
from experiments.models import ComponentVersion, Endpoint, EndpointShare
from experiments.running import retries
from experiments.running.pacing import Limits, borne
from experiments.targets.base import Target

USUAL_PORTS = {80, 443}


@dataclass(frozen=True)
class Share:
    """What one worker may have in flight there, and when it last said so. A worker is known by its first digits."""

    worker: str
    calls: int
    seen_at: dt.datetime


@dataclass(frozen=True)
class EndpointStanding:
    """`limit`: the most calls in flight now, `configured` what configurations allow. `claimed`: outputs in the hands
    of workers, in flight or about to be. `closed_until`: until when it asked to be left alone; None where it did not.
    `retries_left`: how many calls that failed may be made again now, of `retries_most`.
    """

    host: str
    limit: int
    configured: int
    claimed: int
    experiments: int
    closed_until: dt.datetime | None
    retries_left: int
    shares: Sequence[Share]

    @property
    def is_slowed(self) -> bool:
        return self.limit < self.configured

    @property
    def retries_most(self) -> int:
        return retries.RESERVE


def host_of(base_url: str) -> str:
    """The host alone: whatever else stands in an address may be a secret."""
    place = place_of(base_url)
    if place is None:
        return "an address that cannot be read"
    host, port = place
    return host if port in USUAL_PORTS else f"{host}:{port}"


def closed(endpoint: Endpoint, *, at: dt.datetime) -> dt.datetime | None:
    until = endpoint.closed_until
    return until if until and until > at else None


def standing(
    asked: Mapping[int, Mapping[int, set[int]]],
    claimed: Mapping[int, int],
    *,
    going: Set[int],
    at: dt.datetime,
) -> list[EndpointStanding]:
    """The endpoints that are `asked`: endpoint id → experiment id → ids of versions; by host.

    `claimed`: endpoint id → outputs in the hands of workers. `going`: ids of the experiments that are asked now:
    their configurations limit an endpoint, and those of all where none is.
    """
    shares = shares_of(asked, at=at)
    limits = concurrency_of(
        version for by in asked.values() for several in by.values() for version in several
    )
    found = []
    for row in Endpoint.objects.filter(pk__in=list(asked)):
        by_experiment = asked[row.pk]
        limiting = [by_experiment[each] for each in by_experiment.keys() & going] or by_experiment.values()
        configured = min(limits[version] for several in limiting for version in several)
        found.append(
            EndpointStanding(
                host=host_of(row.base_url),
                limit=borne(row, Limits(configured)),
                configured=configured,
                claimed=claimed.get(row.pk, 0),
                experiments=len(by_experiment),
                closed_until=closed(row, at=at),
                retries_left=retries.left(row.retries_full_at, at=at),
                shares=shares[row.pk],
            )
        )
    return sorted(found, key=lambda each: each.host)


def shares_of(endpoints: Iterable[int], *, at: dt.datetime) -> dict[int, list[Share]]:
    lease = dt.timedelta(seconds=settings.LEASE_SECONDS)
    found: dict[int, list[Share]] = defaultdict(list)
    rows = EndpointShare.objects.filter(endpoint__in=list(endpoints)).order_by("-until")
    for endpoint, worker, calls, until in rows.values_list("endpoint", "worker", "calls", "until"):
        # A worker that is about to be away for longer holds its share beyond a lease.
        found[endpoint].append(Share(str(worker)[:8], calls, min(at, until - lease)))
    return found


def concurrency_of(versions: Iterable[int]) -> dict[int, int]:
    """The most calls in flight by each configuration. Nothing else of it is read: prompts may be long."""
    rows = ComponentVersion.objects.filter(pk__in=list(versions))
    found = rows.values_list("pk", "configuration__target__concurrency")
    return {pk: Target.concurrency if stated is None else int(stated) for pk, stated in found}
