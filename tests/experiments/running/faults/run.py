"""Workers that are killed, a database that crashes, a store that goes away, an endpoint that misbehaves."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import postgresql, server
from tests.endpoint import HANGS_UP, Call, Endpoint, Reply, asked, says, serve

STAGE = "tests.experiments.running.faults.stage"
PATIENCE_S = 180


@dataclass(frozen=True)
class Plan:
    """How much is asked, and what breaks meanwhile."""

    examples: int = 100
    concurrency: int = 8
    workers: int = 2
    latency_s: float = 0.05
    kill_every_s: float = 2.0
    crashes: int = 1
    seed: int = 1


class Misbehaving:
    """Right in the end, and every answer unlike every other: what is recorded can be told from what was not."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        self.given: dict[str, tuple[str, int]] = {}

    def __call__(self, call: Call) -> Reply:
        with self.lock:
            fate = self.chance.random()
            text = f"{asked(call) + 1} (answer {len(self.given)})"
            self.given[text] = (call.model, asked(call))
        if fate < 0.04:
            return Reply(b"", 429, {"Retry-After": "0.2"})
        if fate < 0.08:
            return Reply(b"", 500)
        if fate < 0.11:
            return HANGS_UP
        if fate < 0.13:
            return Reply(b'{"choices": [{"mess')
        return says(text)


def run(plan: Plan) -> dict[str, Any]:
    """To the end under faults; what happened, and what is wrong afterwards."""
    behaviour = Misbehaving(plan.seed)
    with (
        tempfile.TemporaryDirectory(prefix="evaltrack-faults-") as folder,
        postgresql.cluster(postgresql.DURABLE) as cluster,
        serve(behaviour, latency_s=plan.latency_s) as endpoint,
    ):
        environment = {
            "EVALTRACK_VAR": folder,
            "DATABASE_URL": cluster.url,
            "EVALTRACK_TARGET_HOSTS": "127.0.0.1:*",
            "EVALTRACK_LEASE_SECONDS": "3",
            "EVALTRACK_DRAIN_SECONDS": "10",
            "EVALTRACK_LOG_LEVEL": "CRITICAL",
        }
        server.in_application("django", "migrate", "-v0", environment=environment)
        words = (endpoint.base_url, str(plan.examples), str(plan.concurrency))
        server.in_application(STAGE, "submit", *words, environment=environment)
        faults = broken_until_done(plan, environment, endpoint, cluster, Path(folder))
        found = json.loads(server.in_application(STAGE, "look", environment=environment))
    return {
        "status": found["status"],
        "reason": found["reason"],
        "faults": dict(faults),
        "calls": len(endpoint.calls),
        "outcomes": dict(Counter(outcome for _, _, outcome, _ in found["texts"])),
        "wrong": list(wrong(found, plan, behaviour)),
        "most_in_flight": endpoint.most_in_flight,
    }


def wrong(found: dict[str, Any], plan: Plan, behaviour: Misbehaving) -> Iterator[str]:
    """What contradicts what the endpoint knows, or what must be there once."""
    if found["done"] != found["outputs"] or found["outputs"] != 2 * plan.examples:
        yield f"{found['done']} of {found['outputs']} outputs are done, {2 * plan.examples} are wanted."
    if (found["runs"], found["verdicts"], found["endpoints"]) != (2, 1, 1):
        yield f"There are {found['runs']} runs, {found['verdicts']} verdicts, {found['endpoints']} endpoints."
    asked_of = Counter((version, example) for version, example, *_ in found["texts"])
    yield from (f"{pair} is there {times} times." for pair, times in asked_of.items() if times > 1)
    answered = [row for row in found["texts"] if row[2] == "answered"]
    for version, example, _, text in answered:
        model, number = behaviour.given.get(text, ("nobody", -1))
        if (model, f"q{number}") != (version, example):
            yield f"{version} {example} keeps {text!r}, which was said by {model} to q{number}."
    if len({text for *_, text in answered}) != len(answered):
        yield "An answer was recorded twice."


def broken_until_done(
    plan: Plan,
    environment: dict[str, str],
    endpoint: Endpoint,
    cluster: postgresql.Cluster,
    folder: Path,
) -> Counter[str]:
    chance, faults = random.Random(plan.seed), Counter[str]()
    needed, deadline = 2 * plan.examples, time.monotonic() + PATIENCE_S
    with contextlib.ExitStack() as started:
        workers = [started.enter_context(staged("drain", environment)) for _ in range(plan.workers)]
        watching = started.enter_context(staged("watch", environment))
        next_kill = time.monotonic() + plan.kill_every_s
        for line in watching.stdout or ():
            if line.strip() in {"decided", "undecided"}:
                return faults
            assert time.monotonic() < deadline, f"It did not end, and is {line.strip()}."
            if time.monotonic() > next_kill:
                victim = chance.randrange(len(workers))
                end(workers[victim])
                workers[victim] = started.enter_context(staged("drain", environment))
                faults["worker killed"] += 1
                next_kill = time.monotonic() + chance.uniform(0.5, 1.5) * plan.kill_every_s
            asked_for = len(endpoint.calls)
            if faults["database crashed"] < plan.crashes and asked_for > needed * 0.4:
                cluster.crash_and_restart()
                faults["database crashed"] += 1
            if not faults["store away"] and asked_for > needed * 0.6:
                away = folder / "away"
                (folder / "store").rename(away)
                time.sleep(1.0)
                away.rename(folder / "store")
                faults["store away"] += 1
    raise AssertionError("Nobody says any more how far it is.")


@contextlib.contextmanager
def staged(act: str, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.in_application", STAGE, act],
        cwd=server.ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process)
        if process.stdout:
            process.stdout.close()


def end(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
