"""How near the runner comes to what latency and concurrency allow: load, call, persist, score, compare.

    python -m benchmarks.runner --database postgresql --examples 4000 --concurrency 64

starts an endpoint that answers after `--latency-ms`, a database of its own and one worker, and evaluates two
versions on so many examples. The ideal is calls / concurrency * latency.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import beside
from tests import postgresql

STORY = "A shop sells pencils in packs; each pack costs a little more than the one before, and so on. " * 2


def made(examples: int) -> Iterator[dict[str, str]]:
    """Questions of about the length of GSM8K's."""
    for n in range(examples):
        yield {"id": f"q{n}", "input": f"{STORY} What is the answer? It is {n}", "expected": str(n)}


def inside(given: argparse.Namespace) -> dict:
    """In the worker's process: lay out, drain, and look at what is there."""
    from django.db import connection  # noqa: PLC0415  there is no application in the outer process

    from datasets import ingest, versions  # noqa: PLC0415
    from evaltrack import clock  # noqa: PLC0415
    from evaltrack.accounts import grants  # noqa: PLC0415
    from evaltrack.accounts.models import User  # noqa: PLC0415
    from evaltrack.accounts.roles import Role  # noqa: PLC0415
    from experiments import registration, submission  # noqa: PLC0415
    from experiments.models import Experiment  # noqa: PLC0415
    from experiments.running import scheduler  # noqa: PLC0415

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
    lines = (json.dumps(row).encode() + b"\n" for row in made(given.examples))
    draft = ingest.take_in(dataset, version="1", lines=lines, by=people[Role.CUSTODIAN], at=at)
    golden = versions.publish(draft, by=people[Role.CUSTODIAN], at=at)
    suite = {
        "metrics": [
            {"metric": "numeric_match", "role": "gating", "margin": 0.02},
            {"metric": "latency_p95", "role": "guardrail", "margin": 100},
        ]
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
                    "base_url": given.base_url,
                    "model": version,
                    "concurrency": given.concurrency,
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
    ideal = calls / given.concurrency * given.latency_ms / 1000
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


@contextmanager
def endpoint(latency_ms: float) -> Iterator[str]:
    words = [sys.executable, "-m", "benchmarks.mock_endpoint", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


@contextmanager
def database(kind: str, var: str) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{var}/bench.sqlite3"
        return
    with postgresql.cluster(postgresql.DURABLE) as cluster:
        yield cluster.url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--examples", type=int, default=4000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--beside", action="store_true", help="Inspect AI too, where it is installed")
    parser.add_argument("--base-url", default="", help="set by this script for the process that works")
    given = parser.parse_args()
    if given.base_url:
        print(json.dumps(inside(given)))
        return
    with (
        tempfile.TemporaryDirectory() as var,
        endpoint(given.latency_ms) as base_url,
        database(given.database, var) as url,
    ):
        environment = {
            **os.environ,
            "EVALTRACK_VAR": var,
            "DATABASE_URL": url,
            "EVALTRACK_TARGET_HOSTS": "127.0.0.1:*",
        }
        for words in (
            ["manage.py", "migrate", "-v0"],
            ["-m", "tests.in_application", "benchmarks.runner", *sys.argv[1:], "--base-url", base_url],
        ):
            subprocess.run([sys.executable, *words], env=environment, check=True)
        if given.beside:
            print(
                json.dumps(
                    beside.inspect_ai(base_url, list(made(given.examples)), concurrency=given.concurrency)
                )
            )


if __name__ == "__main__":
    main()
