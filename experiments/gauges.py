"""What a scraper is told of experiments: the run queue, and the latest value of each metric that decides."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from evaltrack.openmetrics import Gauge
from experiments.running import queue
from experiments.running.endpoints import EndpointStanding
from experiments.series import latest
from experiments.series.openmetrics import FAMILIES

# Endpoints beyond these, in the order of their hosts, are left out.
MOST_ENDPOINTS = 100


def of_run_queue(at: dt.datetime) -> list[Gauge]:
    """By lane, and by endpoint. Workers are counted and not named: each has a new name every minute."""
    found = queue.of(at=at)
    lanes = [((("lane", each.lane.value),), each) for each in found.lanes]
    seen = [share.seen_at for each in found.endpoints for share in each.shares]
    return [
        Gauge(
            "evaltrack_run_queue_experiments",
            "Unfinished experiments.",
            [
                ((*lane, ("state", state)), several)
                for lane, each in lanes
                for state, several in each.counts.items()
            ],
        ),
        Gauge(
            "evaltrack_run_queue_outputs",
            "Outputs that are open, awaited from outside, or in the hands of workers.",
            [
                ((*lane, ("state", state)), several)
                for lane, each in lanes
                for state, several in (
                    ("open", each.pace.open),
                    ("awaited", each.pace.brought),
                    ("claimed", each.pace.claimed),
                )
            ],
        ),
        Gauge(
            "evaltrack_run_queue_outputs_done_last_minute",
            "Outputs that ended within the last minute.",
            [(lane, each.pace.lately) for lane, each in lanes],
        ),
        Gauge(
            "evaltrack_run_queue_oldest_seconds",
            "Age of the oldest experiment that is queued or waits; 0 where there is none.",
            [(lane, each.oldest_s or 0.0) for lane, each in lanes],
        ),
        *of_endpoints(found.endpoints, at=at),
        Gauge(
            "evaltrack_workers_asking",
            "Workers that have a share of an endpoint.",
            [((), len({share.worker for each in found.endpoints for share in each.shares}))],
        ),
        Gauge(
            "evaltrack_worker_asked_timestamp_seconds",
            "When a worker last renewed its share of an endpoint; nothing while none asks.",
            [((), max(seen).timestamp())] if seen else [],
        ),
    ]


def of_endpoints(found: Sequence[EndpointStanding], *, at: dt.datetime) -> list[Gauge]:
    """By host: two addresses of one host are one."""
    hosts = sorted({each.host for each in found})[:MOST_ENDPOINTS]
    limit: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    closed = dict.fromkeys(hosts, 0.0)
    retries: Counter[str] = Counter()
    for each in found:
        if each.host in closed:
            limit[each.host] += each.limit
            claimed[each.host] += each.claimed
            retries[each.host] += each.retries_left
            left = (each.closed_until - at).total_seconds() if each.closed_until else 0.0
            closed[each.host] = max(closed[each.host], left)
    labels = {host: (("endpoint", host),) for host in hosts}
    return [
        Gauge(
            "evaltrack_endpoint_limit",
            "The most calls in flight now, of all workers together.",
            [(labels[host], limit[host]) for host in hosts],
        ),
        Gauge(
            "evaltrack_endpoint_claimed",
            "Outputs in the hands of workers, in flight or the next to be.",
            [(labels[host], claimed[host]) for host in hosts],
        ),
        Gauge(
            "evaltrack_endpoint_closed_seconds",
            "For how much longer it asked to be left alone.",
            [(labels[host], closed[host]) for host in hosts],
        ),
        Gauge(
            "evaltrack_endpoint_retries_left",
            "Calls that failed and may be made again now, of all workers together.",
            [(labels[host], retries[host]) for host in hosts],
        ),
    ]


def of_metrics(at: dt.datetime) -> list[Gauge]:
    """The families of the exported series, with the latest point of each, and when it was measured."""
    found = latest.of_gating_metrics(at=at)
    return [
        *(
            Gauge(
                name,
                words,
                [(each.labels, number) for each in found.samples if (number := take(each)) is not None],
            )
            for name, words, take in FAMILIES
        ),
        Gauge(
            "evaltrack_metric_measured_timestamp_seconds",
            "When it was measured.",
            [(each.labels, each.at.timestamp()) for each in found.samples],
        ),
        Gauge(
            "evaltrack_metrics_left_out",
            "Pairs of component and metric beyond the limit.",
            [((), found.left_out)],
        ),
    ]
