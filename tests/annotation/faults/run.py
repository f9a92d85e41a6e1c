"""A campaign judged to its end over a server whose workers are killed and whose database crashes."""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests import postgresql, server
from tests.annotation.faults.evaluator import FaultyEvaluator, Odds
from tests.annotation.faults.history import History

STAGE, KEPT = "tests.annotation.staged", "tests.annotation.faults.kept"


@dataclass(frozen=True)
class Plan:
    """How much is judged, and what breaks meanwhile. `restarts`: of the database, spread over the run."""

    tasks: int
    overlap: int = 2
    evaluators: int = 12
    lease_s: int = 2
    kill_every_s: float = 3.0
    restarts: int = 1
    seed: int = 1
    odds: Odds = field(default_factory=Odds)

    @property
    def slots(self) -> int:
        return self.tasks * self.overlap


def run(plan: Plan, *, progress: Callable[[int], None] = lambda judged: None) -> dict[str, Any]:
    """Judge to the end under faults; what happened, and what is wrong afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="evaltrack-faults-") as folder,
        postgresql.cluster(postgresql.DURABLE) as cluster,
    ):
        environment = {
            "EVALTRACK_VAR": folder,
            "DATABASE_URL": cluster.url,
            "EVALTRACK_REVIEW_LEASE_SECONDS": str(plan.lease_s),
            "EVALTRACK_REVIEW_PREFETCH_SECONDS": str(plan.lease_s),
            # Errors are injected here by the hundred; their traces would hide what is printed.
            "EVALTRACK_LOG_LEVEL": "CRITICAL",
        }
        script = server.in_application
        script("django", "migrate", "-v0", environment=environment)
        words = ("people", str(plan.evaluators), "--overlap", str(plan.overlap))
        stage = json.loads(script(STAGE, *words, environment=environment))
        script(STAGE, "fill", stage["campaign"], str(plan.tasks), environment=environment)
        history = History()
        with server.serving(environment) as running, sweeping(environment):
            asyncio.run(judged_under_faults(plan, stage, running, cluster, history, progress))
        kept = script(KEPT, stage["campaign"], environment=environment, given=json.dumps(history.as_json()))
    return {
        **json.loads(kept),
        "told wrongly": history.wrong,
        "acknowledged": history.acknowledged,
        "sent": len(history.judgments),
        "faults": dict(history.faults),
        "answers": dict(history.answers),
    }


@contextlib.contextmanager
def sweeping(environment: Mapping[str, str]) -> Iterator[None]:
    """A worker that ends leases, every half second instead of every minute."""
    command = [sys.executable, "-m", "tests.in_application", STAGE, "sweep", "0.5"]
    process = subprocess.Popen(
        command,
        cwd=server.ROOT,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    try:
        yield
        assert process.poll() is None, "The worker has ended."
    finally:
        server.end(process)


async def judged_under_faults(
    plan: Plan,
    stage: dict[str, Any],
    running: server.Server,
    cluster: postgresql.Cluster,
    history: History,
    progress: Callable[[int], None],
) -> None:
    chance = random.Random(plan.seed)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        everybody = [
            FaultyEvaluator(
                number, session, running.url, token, stage["campaign"], plan.lease_s, plan.odds, history,
                random.Random(plan.seed * 1000 + number),
            )
            for number, token in enumerate(stage["tokens"])
        ]  # fmt: skip
        breaking = [
            asyncio.create_task(kill_workers(plan, running, history, chance)),
            asyncio.create_task(crash_database(plan, cluster, history)),
            asyncio.create_task(watch(history, progress)),
        ]
        try:
            await asyncio.gather(*(each.judge_to_the_end() for each in everybody))
        finally:
            for task in breaking:
                task.cancel()
            for ended in await asyncio.gather(*breaking, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended


async def kill_workers(plan: Plan, running: server.Server, history: History, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * plan.kill_every_s)
        history.faults["worker killed"] += running.kill_a_worker(chance.randrange(100))


async def crash_database(plan: Plan, cluster: postgresql.Cluster, history: History) -> None:
    """Each time when a further part of the judgments is there, so that all of it is in the middle of the work."""
    for nth in range(1, plan.restarts + 1):
        while history.acknowledged < plan.slots * nth / (plan.restarts + 1):
            await asyncio.sleep(0.1)
        # To its end, even where everybody has finished meanwhile: a cluster half started cannot be stopped.
        await asyncio.shield(asyncio.to_thread(cluster.crash_and_restart))
        history.faults["database crashed"] += 1


async def watch(history: History, progress: Callable[[int], None]) -> None:
    while True:
        progress(history.acknowledged)
        await asyncio.sleep(1)
