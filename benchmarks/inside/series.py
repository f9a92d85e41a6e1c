"""In a process of the application, on an empty database: points of a time series, written, read and proven.

python -m tests.in_application benchmarks.inside.series …, as `benchmarks.series` calls it.
"""

import datetime as dt
import gc
import io
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction

from evaltrack import clock
from evaltrack.accounts.roles import Role
from experiments import models as rows
from experiments.models import Component, Experiment, MetricPoint, MetricResult
from experiments.series import openmetrics, points, reading
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments as factory

COMPONENTS, METRICS, ARMS, REPEATS = 20, 10, 2, 60
YEAR = dt.timedelta(days=365)
AT_ONCE = 5_000


def inside(wanted: int) -> dict[str, Any]:
    owner = fill(wanted)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: dict[str, Any] = {}

    def timed(what: str, do: Callable[[], object]) -> None:
        started = time.perf_counter()
        do()
        took = time.perf_counter() - started
        found[what] = f"{took:8.1f} s, {wanted / took:,.0f} points a second, {memory():,.0f} MB at most"

    timed("recompute_series --write, into an empty series", lambda: quietly(call_command, "--write"))
    assert MetricPoint.objects.count() >= wanted
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    timed("recompute_series, nothing differs", lambda: quietly(call_command))
    components = list(Component.objects.order_by("pk"))
    begin = dt.datetime.now(dt.UTC) - YEAR
    part = reading.Part(since=begin)
    row = components[len(components) // 2]
    rows = reading.of_component(row, "m3", part).order_by("at", "origin")
    count = len(rows)
    columns = ("at", "value", "low", "high", "n", "version__version")
    found[f"a year of one component and metric, {count:,} points"] = p50_p95(
        lambda: list(rows.values_list(*columns))
    )
    month = reading.Part(since=begin + YEAR / 2, until=begin + YEAR / 2 + dt.timedelta(days=30))
    few = reading.of_component(row, "m3", month)
    found[f"a month of it, {len(few):,} points"] = p50_p95(lambda: list(few.values_list(*columns)))
    # What filling left behind, a web server does not hold; the collector would walk through it during requests.
    gc.collect()
    gc.freeze()
    client = signed_in(owner)
    client.defaults["SERVER_NAME"] = "127.0.0.1"
    year = f"from={begin:%Y-%m-%d}"
    for what, path in {
        "the page": f"/components/{row}/series/?metric=m3&{year}",
        "a page of points by the API": f"/api/v1/components/{row}/metrics/m3/points?{year}",
    }.items():
        found[what] = p50_p95(lambda path=path: answered(client, path))
    found["an experiment's 20 points in its transaction"] = written_one_by_one(row)
    timed(
        "OpenMetrics of everything",
        lambda: sum(map(len, openmetrics.exposition(lambda: reading.samples(components, reading.Part())))),
    )
    return found


def quietly(call: Callable[..., None], *words: str) -> None:
    """It exits with 1 where anything differs, and so ends the benchmark."""
    call("recompute_series", *words, stdout=io.StringIO(), stderr=sys.stderr)


def answered(client: Any, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def p50_p95(do: Callable[[], object]) -> str:
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        do()
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return f"p50 {times[len(times) // 2]:7.1f} ms   p95 {times[int(0.95 * len(times))]:7.1f} ms"


def written_one_by_one(component: Any) -> str:
    """The points of experiments, taken away and written again, each in a transaction of its own."""
    rows = iter(Experiment.objects.filter(component=component).order_by("-pk")[: REPEATS + 1])

    def again() -> Callable[[], None]:
        experiment = next(rows)
        MetricPoint.objects.filter(component=component, experiment=experiment).delete()
        results = list(MetricResult.objects.filter(run__experiment=experiment).select_related("run"))

        def write() -> None:
            with transaction.atomic():
                points.add(points.of_results(experiment, results, at=experiment.finished_at))

        return write

    waiting = [again() for _ in range(REPEATS + 1)]
    return p50_p95(lambda: waiting.pop()())


def fill(wanted: int) -> Any:
    """Experiments with results and no points, as if they were from before there was a series."""
    owner, platform = person("owner", Role.OWNER), person("platform", Role.PLATFORM)
    golden = factory.dataset_version(person("custodian", Role.CUSTODIAN), examples=10)
    endpoint = rows.Endpoint.objects.create(base_url="http://127.0.0.1:9/v1")
    each, now = wanted // (COMPONENTS * METRICS * ARMS), clock.now()
    rng = random.Random(7)
    for number in range(COMPONENTS):
        component = factory.component(owner, platform, name=f"component-{number}")
        versions = [factory.component_version(component, platform, version=f"v{n}") for n in range(12)]

        def experiments(component=component, versions=versions, number=number) -> Iterator[Any]:
            for place in range(each):
                at = now - YEAR + YEAR * (place + number / COMPONENTS) / each
                candidate = versions[1 + place * 11 // each]
                yield rows.Experiment(
                    public_id=f"exp-{number:03}-{place:06}", component=component, candidate=candidate,
                    baseline=versions[0], dataset_version=golden, policy=component.policy, needs_people=False,
                    attempt=place + 1, status="decided", submitted_by=owner, submitted_at=at, finished_at=at,
                )  # fmt: skip

        asked = rows.Experiment.objects.bulk_create(experiments(), batch_size=AT_ONCE)
        runs = rows.Run.objects.bulk_create(
            (
                rows.Run(
                    experiment=row, arm=arm, version=getattr(row, arm), endpoint=endpoint, record={},
                    started_at=row.submitted_at, finished_at=row.finished_at,
                )
                for row in asked
                for arm in rows.Arm.values
            ),
            batch_size=AT_ONCE,
        )  # fmt: skip
        rows.MetricResult.objects.bulk_create(
            (
                rows.MetricResult(run=run, metric=f"m{m}", kind="binary", summary=summary(rng), values=[])
                for run in runs
                for m in range(METRICS)
            ),
            batch_size=AT_ONCE,
        )
    return owner


def summary(rng: random.Random) -> dict[str, Any]:
    value = round(rng.uniform(0.6, 0.9), 3)
    return {"value": value, "ci_low": value - 0.05, "ci_high": value + 0.05, "n": 250, "method": "Wilson"}


if __name__ == "__main__":
    print(json.dumps(inside(*map(int, sys.argv[1:]))))
