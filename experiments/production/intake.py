"""Act: take in answers that were sampled in production, each once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.conf import settings
from django.db import transaction

from evaltrack.accounts.models import User
from evaltrack.errors import Invalid, refuse_if
from evaltrack.fields import read_rows
from evaltrack.ndjson import BrokenLines
from experiments import policies, suite
from experiments.metrics import REGISTRY
from experiments.models import Component, LiveTest, ProductionSample, TrafficArm
from experiments.production import livetests, silence, windows
from experiments.production.places import Placed, Places, locked_monitor
from experiments.production.samples import sample_of, values_of
from experiments.production.sums import Sums, sums_of
from experiments.suite import MetricRule

MOST_SAMPLES = 10_000
BATCH = 100


@transaction.atomic
def take(component: Component, lines: Iterable[bytes], *, by: User, at: dt.datetime) -> tuple[int, int]:
    """How many samples were new, and how many were known already. All are taken or, where a line is bad, none.

    Of two senders at once the second waits, so that a sample that both send is counted once.
    """
    refuse_if(policies.changing(by, component))
    if component.policy is None:
        raise Invalid(
            "no_policy", f"{component} has no gate policy, so there is no metric to score its answers by."
        )
    rules = suite.parse(component.policy.body).metrics
    monitor = locked_monitor(component)
    places = Places(component, at=at)
    scored = {rule.metric for rule in rules}
    numbered = read_rows(lines, lambda row: places.placed(sample_of(row, scored)), noun="sample")
    found: dict[windows.Key, Sums] = defaultdict(Sums)
    newest, new, known = monitor.newest_sample_at, 0, 0
    try:
        for batch in batches(numbered):
            fresh = unknown(batch)
            rows = [sample_row(each, rules, at=at) for each in fresh]
            ProductionSample.objects.bulk_create(rows)
            count_in_live_tests(fresh, rows)
            for key, sums in summed(rows).items():
                found[key] += sums
            newest = max([row.sampled_at for row in rows] + ([newest] if newest else []), default=None)
            new, known = new + len(rows), known + len(batch) - len(rows)
    except BrokenLines as broken:
        raise broken.as_invalid() from None
    windows.add(found)
    if new:
        if newest != monitor.newest_sample_at:
            silence.end(monitor, at=at)
        monitor.newest_sample_at = newest
        monitor.first_received_at = monitor.first_received_at or at
        monitor.samples += new
        monitor.save(update_fields=["newest_sample_at", "first_received_at", "samples"])
    return new, known


def sample_row(placed: Placed, rules: Iterable[MetricRule], *, at: dt.datetime) -> ProductionSample:
    sample = placed.sample
    return ProductionSample(
        deployment=placed.deployment,
        live_test=placed.live_test,
        arm=sample.arm,
        key=sample.key,
        sampled_at=sample.sampled_at,
        received_at=at,
        values=values_of(sample, rules),
        body=sample.body if settings.PRODUCTION_TEXT_DAYS else None,
    )


def count_in_live_tests(fresh: list[Placed], rows: list[ProductionSample]) -> None:
    met: dict[LiveTest, list[livetests.Met]] = defaultdict(list)
    for placed, row in zip(fresh, rows, strict=True):
        test, sample = placed.live_test, placed.sample
        if test is not None and test.ended_at is None:
            value = row.values.get(test.metric)
            met[test].append(livetests.Met(sample.unit, sample.arm, value, sample.before))
    for test, several in met.items():
        livetests.meet(test, several)


def batches(numbered: Iterator[tuple[int, Placed]]) -> Iterator[list[Placed]]:
    count = 0
    while batch := [placed for _, placed in islice(numbered, BATCH)]:
        count += len(batch)
        if count > MOST_SAMPLES:
            raise Invalid("too_many_samples", f"Send up to {MOST_SAMPLES} samples in one request.")
        yield batch


def unknown(batch: list[Placed]) -> list[Placed]:
    """Those that are not stored, each once."""
    by_key = {(placed.deployment.pk, placed.sample.key): placed for placed in reversed(batch)}
    stored = ProductionSample.objects.filter(
        deployment__in={placed.deployment for placed in batch},
        key__in={placed.sample.key for placed in batch},
    )
    for key in stored.values_list("deployment", "key"):
        by_key.pop(key, None)
    return list(by_key.values())[::-1]


def summed(rows: list[ProductionSample]) -> dict[windows.Key, Sums]:
    values: dict[windows.Key, list[float]] = defaultdict(list)
    for row in rows:
        # The other version of a live test says nothing about what is in production.
        if row.arm == TrafficArm.TREATMENT:
            continue
        for metric, value in row.values.items():
            values[row.deployment_id, metric, row.sampled_at.date()].append(value)
    return {key: sums_of(REGISTRY[key[1]], several) for key, several in values.items()}
