"""In a process of the application, on an empty database: a run queue over a long history, and what reads it timed.

python -m tests.in_application benchmarks.inside.run_queue …, as `benchmarks.run_queue` calls it.
"""

import datetime as dt
import gc
import json
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection

from evaltrack import clock, schedules
from evaltrack.accounts.roles import Role
from evaltrack.integrations.model_api import Answer
from experiments import models as rows
from experiments.models import Output
from experiments.running import claims
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments as factory

UNFINISHED, ENDED, COMPONENTS, REPEATS = 200, 1_800, 40, 40
WRITTEN, AT_ONCE, ROUNDS = 4_000, 50, 7


def inside(done: int, opened: int) -> dict[str, str]:
    platform = fill(done, opened)
    schedules.sync()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert Output.objects.filter(state="done").count() >= done
    client = signed_in(platform)
    client.defaults["SERVER_NAME"] = "127.0.0.1"

    def ask(path: str, **headers: str) -> Callable[[], None]:
        def once() -> None:
            assert client.get(path, **headers).status_code == 200, path  # type: ignore[arg-type]

        return once

    found = {
        "the page": measured(ask("/experiments/queue/")),
        "the API": measured(ask("/api/v1/experiments/queue")),
        "/metrics": measured(ask("/metrics", HTTP_AUTHORIZATION=f"Bearer {settings.METRICS_TOKEN}")),
    }
    drop = "DROP INDEX output_finished"
    make = "CREATE INDEX output_finished ON experiments_output (finished_at) WHERE finished_at IS NOT NULL"
    took: dict[str, list[tuple[float, float]]] = {"with the index": [], "without it": []}
    for _ in range(ROUNDS):
        for several, change in zip(took.values(), (drop, make), strict=True):
            several.append(written())
            with connection.cursor() as cursor:
                cursor.execute(change)
    for how, several in took.items():
        wall, cpu = (sorted(each)[ROUNDS // 2] for each in zip(*several, strict=True))
        found[f"a thousand answers written, {how}"] = f"{wall:6.0f} ms   CPU {cpu:6.0f} ms"
    return found


def measured(do: Callable[[], None]) -> str:
    do()
    # What filling has left behind is no part of a request.
    gc.collect()
    gc.freeze()
    times, cpu = [], time.process_time()
    for _ in range(REPEATS):
        started = time.perf_counter()
        do()
        times.append((time.perf_counter() - started) * 1000)
    cpu = (time.process_time() - cpu) * 1000 / REPEATS
    times.sort()
    p50, p95 = times[REPEATS // 2], times[int(0.95 * REPEATS)]
    return f"p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   CPU {cpu:6.1f} ms"


def written() -> tuple[float, float]:
    """Milliseconds, by the clock and of CPU, for a thousand.

    Open outputs are claimed and answered, as by a worker; what was answered is open again afterwards.
    """
    token, at = uuid.uuid4(), clock.now()
    ids = list(Output.objects.filter(state="open").values_list("pk", flat=True)[:WRITTEN])
    lease = {"lease_token": token, "lease_until": at + dt.timedelta(minutes=9)}
    Output.objects.filter(pk__in=ids).update(state="leased", **lease)
    started, cpu = time.perf_counter(), time.process_time()
    for first in range(0, WRITTEN, AT_ONCE):
        answers = [
            claims.Answered(pk, Answer(text="An answer. " * 20)) for pk in ids[first : first + AT_ONCE]
        ]
        claims.record_answers(answers, token=token, at=clock.now())
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    blank = {"state": "open", "outcome": "", "finished_at": None, "text": ""}
    Output.objects.filter(pk__in=ids).update(**blank)
    each = 1_000_000 / WRITTEN
    return took * each, cpu * each


OUTPUTS = """
INSERT INTO experiments_output (run_id, experiment_id, position, repeat, example_id, "order", state, lease_token,
    lease_until, attempts, outcome, text, error, finish_reason, request_digest, endpoint_model, endpoint_fingerprint,
    finished_at)
WITH RECURSIVE numbered(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbered WHERE n < %s)
SELECT r.id, r.experiment_id, n, 0, 'example', 2 * n, %s, %s, %s, 1, %s, %s, '', '', '', '', '', %s
FROM numbered, experiments_run r WHERE r.experiment_id BETWEEN %s AND %s
"""


def fill(done: int, opened: int) -> Any:
    owner, platform = person("owner", Role.OWNER), person("platform", Role.PLATFORM)
    golden = factory.dataset_version(person("custodian", Role.CUSTODIAN), examples=10)
    at = clock.now()
    addresses = [
        rows.Endpoint.objects.create(base_url=f"http://127.0.0.1:{9_000 + number}/v1") for number in range(4)
    ]
    pairs = []
    for number in range(COMPONENTS):
        row = factory.component(owner, platform, name=f"component-{number}")
        pairs.append([factory.component_version(row, platform, version=f"v{v}") for v in (2, 1)])
    started = at - dt.timedelta(hours=1)
    asked = rows.Experiment.objects.bulk_create(
        rows.Experiment(
            public_id=f"exp-20260101-{number:04}", component=pairs[number % COMPONENTS][0].component,
            candidate=pairs[number % COMPONENTS][0], baseline=pairs[number % COMPONENTS][1],
            dataset_version=golden, policy=pairs[number % COMPONENTS][0].component.policy, needs_people=False,
            attempt=number + 1, lane=rows.Lane.values[number % 3], submitted_by=owner,
            submitted_at=started, started_at=started,
            **({"status": "running"} if number < UNFINISHED else {"status": "decided", "finished_at": at}),
        )
        for number in range(UNFINISHED + ENDED)
    )  # fmt: skip
    rows.TestPlan.objects.bulk_create(
        rows.TestPlan(experiment=row, body={"examples": 10_000, "repeats": 1}, digest="d", locked_at=started)
        for row in asked
    )
    rows.Run.objects.bulk_create(
        rows.Run(
            experiment=row, arm=arm, version=getattr(row, arm), endpoint=addresses[number % 4], record={},
            started_at=started,
        )
        for number, row in enumerate(asked)
        for arm in rows.Arm.values
    )  # fmt: skip
    first = asked[0].pk
    going, ended = (first, first + UNFINISHED - 1), (first + UNFINISHED, first + UNFINISHED + ENDED - 1)
    lease = (str(uuid.uuid4()) if connection.vendor == "postgresql" else uuid.uuid4().hex, at)
    answer = ("answered", "An answer of a few words. " * 8)
    with connection.cursor() as cursor:
        for whose, several, state, held, said, when in (
            (ended, done // 2 // (2 * ENDED), "done", (None, None), answer, started),
            (going, done // 2 // (2 * UNFINISHED), "done", (None, None), answer, started),
        ):
            cursor.execute(OUTPUTS, (several, state, *held, *said, when, *whose))
        # The rest lies behind what is done: positions go on.
        behind = OUTPUTS.replace(
            "SELECT r.id, r.experiment_id, n,", "SELECT r.id, r.experiment_id, 1000000 + n,"
        )
        cursor.execute(behind, (opened // (2 * UNFINISHED), "open", None, None, "", "", None, *going))
        lately = OUTPUTS.replace(
            "SELECT r.id, r.experiment_id, n,", "SELECT r.id, r.experiment_id, 2000000 + n,"
        )
        cursor.execute(lately, (2, "done", None, None, *answer, clock.now(), *going))
        held = OUTPUTS.replace(
            "SELECT r.id, r.experiment_id, n,", "SELECT r.id, r.experiment_id, 3000000 + n,"
        )
        cursor.execute(held, (0, "leased", *lease, "", "", None, first, first + 50))
    return platform


if __name__ == "__main__":
    print(json.dumps(inside(*map(int, sys.argv[1:]))))
