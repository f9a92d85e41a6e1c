"""In a process of the application, on an empty database: one experiment from its submission to its verdict, timed.

python -m tests.in_application benchmarks.inside.evaluated BASE_URL EXAMPLES CONCURRENCY LATENCY_MS KEEP_REPLIES
"""

import json
import resource
import sys
import time
from typing import Any

from django.db import connection

from benchmarks.questions import made
from datasets import ingest, versions
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from experiments import registration, submission
from experiments.models import Experiment
from experiments.running import scheduler


def evaluated(
    base_url: str, *, examples: int, concurrency: int, latency_ms: float, keep_replies: bool
) -> dict[str, Any]:
    """Lay out, drain, and look at what is there."""

    at = clock.now()
    people = {}
    for role in (Role.OWNER, Role.PLATFORM, Role.CUSTODIAN):
        people[role] = User.objects.create(username=f"bench-{role}")
        grants.grant(people[role], role, by=None, at=at)
    dataset = ingest.register(
        slug="made",
        name="Made",
        use_case="",
        sensitivity="internal",
        custodian=people[Role.CUSTODIAN],
        by=people[Role.CUSTODIAN],
        at=at,
    )
    lines = (json.dumps(row).encode() + b"\n" for row in made(examples))
    draft = ingest.take_in(dataset, version="1", lines=lines, by=people[Role.CUSTODIAN], at=at)
    golden = versions.publish(draft, by=people[Role.CUSTODIAN], at=at)
    suite = {
        "metrics": [
            {"metric": "numeric_match", "role": "gating", "margin": 0.02},
            {"metric": "latency_p95", "role": "guardrail", "margin": 100},
        ],
        "keep_replies": keep_replies,
    }
    policy = registration.activate_policy("made", suite, by=people[Role.PLATFORM], at=at)
    component = registration.register_component(
        name="made",
        kind="prompt",
        risk="low",
        owner=people[Role.OWNER],
        policy=policy,
        by=people[Role.PLATFORM],
        at=at,
    )
    both = [
        registration.register_version(
            component,
            version=version,
            body={
                "target": {
                    "kind": "openai_chat",
                    "base_url": base_url,
                    "model": version,
                    "concurrency": concurrency,
                },
                "prompt": {"user": "{{ input }}"},
            },
            by=people[Role.PLATFORM],
            at=at,
        )
        for version in ("v1.1.0", "v1.0.0")
    ]
    question = submission.Question(
        component=component,
        candidate=both[0],
        baseline=both[1],
        dataset_version=golden,
        policy=submission.policy_of(component),
        tier="extended",
    )
    experiment = submission.submit(question, by=people[Role.OWNER], at=clock.now())
    connection.close()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    drains = 0
    while Experiment.objects.in_progress().exists():
        scheduler.drain()
        drains += 1
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    experiment = Experiment.objects.get(pk=experiment.pk)
    calls = experiment.outputs.filter(outcome="answered").count()
    started, ended = experiment.started_at, experiment.outputs.latest("finished_at").finished_at
    ideal = calls / concurrency * latency_ms / 1000
    collecting = (ended - started).total_seconds()
    return {
        "status": experiment.status,
        "answered": calls,
        "seconds": round(seconds, 2),
        "ideal": round(ideal, 2),
        "share_of_ideal": round(ideal / seconds, 3),
        "outputs_per_s": round(calls / seconds),
        "collecting_s": round(collecting, 2),
        "outputs_per_s_collecting": round(calls / collecting),
        "worker_cpu_ms_per_output": round(
            (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / calls * 1000, 2
        ),
        "max_rss_mb": round(after.ru_maxrss / 1024),
        "drains": drains,
    }


if __name__ == "__main__":
    base_url, examples, concurrency, latency_ms, keep_replies = sys.argv[1:]
    found = evaluated(
        base_url,
        examples=int(examples),
        concurrency=int(concurrency),
        latency_ms=float(latency_ms),
        keep_replies=bool(int(keep_replies)),
    )
    print(json.dumps(found))
