"""In a process of the application, on an empty database: components with many experiments, and their pages timed.

python -m tests.in_application benchmarks.inside.pages …, as `benchmarks.pages` calls it.
"""

import gc
import json
import random
import sys
import time
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from evaltrack import clock
from evaltrack.accounts.roles import Role
from experiments import models as rows
from experiments.metrics import REGISTRY
from experiments.models import Comparison
from experiments.multirun import _compared
from experiments.running import planning
from experiments.suite import parse
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments as factory

METRICS, RUNS, EXAMPLES, REPEATS = 20, 20, 1_000, 40


def inside(experiments: int) -> dict[str, dict[str, float]]:
    owner, names = fill(experiments)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as PostgreSQL does by itself within a minute of such a change
    gc.collect()
    gc.freeze()  # as the server does once it is loaded; what filling left is none of the pages' garbage
    client = signed_in(owner)
    client.defaults["SERVER_NAME"] = "127.0.0.1"
    query = "&".join(f"run={name}.candidate" for name in names)
    pages = {
        "list of components": "/components/",
        "component": "/components/big/",
        "component, last page": "/components/big/?page=9999",
        "component, searched": "/components/big/?search=v0007",
        "runs side by side, warm": f"/components/big/compare/?{query}&metric=bench_07",
    }

    def milliseconds(path: str) -> float:
        started = time.perf_counter()
        response = client.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return (time.perf_counter() - started) * 1000

    found: dict[str, dict[str, float]] = {}
    for name, path in pages.items():
        milliseconds(path)
        times = sorted(milliseconds(path) for _ in range(REPEATS))
        found[name] = {"p50": times[len(times) // 2], "p95": times[int(0.95 * len(times))]}
    cold = []
    for _ in range(5):
        _compared.cache_clear()
        cold.append(milliseconds(pages["runs side by side, warm"]))
    found["runs side by side, cold"] = {"p50": sorted(cold)[2], "p95": max(cold)}
    return found


def fill(count: int) -> tuple[Any, list[str]]:
    """`count` decided experiments; the last twenty of them with values and outputs."""
    people = {"owner": person("owner", Role.OWNER), "platform": person("platform", Role.PLATFORM)}
    custodian = person("custodian", Role.CUSTODIAN)
    # As many metrics as the goal speaks of: shares and means in turn, which differ in name alone.
    names = [f"bench_{number:02}" for number in range(METRICS)]
    for place, name in enumerate(names):
        REGISTRY[name] = replace(REGISTRY["exact_match" if place % 2 else "token_f1"], name=name)
    suite = {"metrics": [{"metric": name, "role": "gating", "margin": 0.02} for name in names]}
    component = factory.component(people["owner"], people["platform"], name="big", suite=suite)
    golden = factory.dataset_version(custodian, examples=EXAMPLES)
    made = {"component": component, "created_by": people["platform"], "created_at": clock.now()}
    body = {"target": {"kind": "openai_chat", "base_url": "http://127.0.0.1:9/v1", "model": "m"}}
    with transaction.atomic():
        versions = rows.ComponentVersion.objects.bulk_create(
            [
                rows.ComponentVersion(version=f"v{n:05}", configuration=body, digest=f"{n:064x}", **made)
                for n in range(count + 1)
            ],
            batch_size=500,
        )
        asked = rows.Experiment.objects.bulk_create(
            [
                rows.Experiment(
                    public_id=f"exp-{n:06}",
                    component=component,
                    candidate=versions[n + 1],
                    baseline=versions[n],
                    dataset_version=golden,
                    tier="extended",
                    policy=component.policy,
                    needs_people=False,
                    attempt=n + 1,
                    status="decided",
                    submitted_by=people["owner"],
                    submitted_at=clock.now(),
                    started_at=clock.now(),
                    finished_at=clock.now(),
                )
                for n in range(count)
            ],
            batch_size=500,
        )
        rng = random.Random(7)
        for start in range(0, count, 500):
            part = asked[start : start + 500]
            rows.Comparison.objects.bulk_create(
                [compared(each, place, name, rng) for each in part for place, name in enumerate(names)],
                batch_size=500,
            )
        rows.Verdict.objects.bulk_create(
            [
                rows.Verdict(
                    experiment=each,
                    number=1,
                    outcome="PASS",
                    automated="PASS",
                    people="",
                    reasons=[],
                    evidence_digest="",
                    cause="benchmark",
                    decided_at=clock.now(),
                )
                for each in asked
            ],
            batch_size=500,
        )
        endpoint = rows.Endpoint.objects.create(base_url="http://127.0.0.1:9/v1")
        rules = parse(suite)
        for each in asked[-RUNS:]:
            plan = planning.plan_body(each, rules, list(range(EXAMPLES)), None)
            run_of(each, endpoint, plan, names, rng)
    return people["owner"], [each.public_id for each in asked[-RUNS:]]


def compared(experiment: Any, order: int, name: str, rng: random.Random) -> Any:
    share, delta = 0.7 + 0.1 * rng.random(), 0.04 * (rng.random() - 0.5)

    def estimate(value: float) -> dict[str, Any]:
        return {
            "value": value,
            "ci_low": value - 0.02,
            "ci_high": value + 0.02,
            "n": EXAMPLES,
            "method": "wilson",
        }

    return Comparison(
        experiment=experiment,
        order=order,
        metric=name,
        role="gating",
        kind="binary" if order % 2 else "continuous",
        direction="higher",
        design="paired",
        n=EXAMPLES,
        margin=0.02,
        baseline=estimate(share),
        candidate=estimate(share + delta),
        delta=estimate(delta),
        tests={},
        decided_by="mcnemar_mid_p",
        outcome="PASS",
        explanation="Not worse than the margin.",
    )


def run_of(
    experiment: Any, endpoint: Any, plan: dict[str, Any], names: list[str], rng: random.Random
) -> None:
    at = experiment.finished_at
    rows.TestPlan.objects.create(experiment=experiment, body=plan, digest="", locked_at=at)
    run = rows.Run.objects.create(
        experiment=experiment,
        arm="candidate",
        version=experiment.candidate,
        endpoint=endpoint,
        record={},
        started_at=at,
        finished_at=at,
    )
    rows.Output.objects.bulk_create(
        [
            rows.Output(
                run=run,
                experiment=experiment,
                position=n,
                example_id=f"q{n}",
                order=n,
                state="done",
                outcome="answered",
                text=f"{n + 1}, as far as anybody can tell. " * 8,
                finished_at=at,
            )
            for n in range(EXAMPLES)
        ],
        batch_size=500,
    )
    rows.MetricResult.objects.bulk_create(
        [
            rows.MetricResult(
                run=run,
                metric=name,
                kind="binary" if place % 2 else "continuous",
                summary={},
                values=[float(rng.random() < 0.8) if place % 2 else rng.random() for _ in range(EXAMPLES)],
            )
            for place, name in enumerate(names)
        ]
    )


if __name__ == "__main__":
    print(json.dumps(inside(*map(int, sys.argv[1:]))))
