"""In a process of the application, on an empty database: samples taken in, and the pages about them timed.

python -m tests.in_application benchmarks.inside.production …, as `benchmarks.production` calls it.
"""

import datetime as dt
import gc
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection

from evaltrack import clock
from evaltrack.accounts.roles import Role
from experiments.models import Deployment
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments as factory

REPEATS, A_REQUEST = 40, 10_000
YEAR = dt.timedelta(days=365)
SUITE = {
    "metrics": [
        {"metric": "exact_match", "role": "gating", "margin": 0.1},
        {"metric": "token_f1", "role": "gating", "margin": 0.1},
        {"metric": "output_tokens", "role": "gating", "margin": 5},
        {"metric": "latency_p50", "role": "secondary"},
        {"metric": "latency_p95", "role": "secondary"},
    ]
}


def inside(samples: int) -> dict[str, Any]:
    client = signed_in(fill())
    client.defaults["SERVER_NAME"] = "127.0.0.1"
    bodies = list(requests(samples))
    started = time.perf_counter()
    for body in bodies:
        answer = client.post("/api/v1/production/big/samples", body, content_type="application/x-ndjson")
        assert answer.status_code == 201, answer.content
    found: dict[str, Any] = {"taken in": samples / (time.perf_counter() - started)}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    gc.collect()
    gc.freeze()
    pages = {
        "in production": "/components/big/production/",
        "quality, by the API": "/api/v1/production/big/quality",
        "promised and realised": "/promotions/promises/",
    }
    for name, path in pages.items():
        times = sorted(milliseconds(client, path) for _ in range(REPEATS + 1))
        found[name] = {"p50": times[len(times) // 2], "p95": times[int(0.95 * len(times))]}
    return found


def milliseconds(client: Any, path: str) -> float:
    started = time.perf_counter()
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)
    return (time.perf_counter() - started) * 1000


def requests(samples: int) -> Iterator[bytes]:
    rng = random.Random(7)
    begin, step = dt.datetime.now(dt.UTC) - YEAR, YEAR / samples
    for start in range(0, samples, A_REQUEST):
        rows = [
            {
                "id": f"s{place}",
                "sampled_at": (begin + place * step).isoformat(),
                "input": "What is 1 plus 1?",
                "output": "2" if rng.random() < 0.9 else "I think that it is three.",
                "expected": "2",
                "latency_ms": int(rng.lognormvariate(6.6, 0.4)),
                "output_tokens": rng.randint(10, 40),
            }
            for place in range(start, min(start + A_REQUEST, samples))
        ]
        yield b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def fill() -> Any:
    owner, platform = person("owner", Role.OWNER), person("platform", Role.PLATFORM)
    component = factory.component(owner, platform, name="big", suite=SUITE)
    golden = factory.dataset_version(person("custodian", Role.CUSTODIAN), examples=60)
    approver = person("approver", Role.APPROVER)
    v0, v1, v2 = (factory.component_version(component, platform, version=f"v{n}") for n in range(3))
    for pair, shares in ((v1, v0), (0.6, 0.1)), ((v2, v1), (1.0, 0.6)):
        factory.promoted(*pair, golden, approver=approver, shares=shares, examples=60)
    first, second = Deployment.objects.order_by("pk")
    changed = clock.now() - YEAR / 2
    Deployment.objects.filter(pk=first.pk).update(started_at=clock.now() - 2 * YEAR, ended_at=changed)
    Deployment.objects.filter(pk=second.pk).update(started_at=changed)
    return owner


if __name__ == "__main__":
    print(json.dumps(inside(*map(int, sys.argv[1:]))))
