"""Act: lock the test plan of an experiment and lay out its work, before anything is measured."""

import datetime as dt
import functools
import platform
import sys
from importlib.metadata import version as installed
from typing import Any

from django.db import transaction

from datasets import versions
from datasets.examples import Example
from datasets.sampling import shuffled_rank, tier_positions
from evaltrack.canonical import digest, sha256_hex
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from experiments import configuration, lifecycle
from experiments.metrics import REGISTRY
from experiments.models import Arm, Endpoint, Experiment, ExperimentStatus, Output, Run, TestPlan

RECORDED_PACKAGES = ("django", "aiohttp", "numpy", "scipy", "scikit-learn")


def start(experiment: Experiment, *, at: dt.datetime) -> None:
    """Read the dataset, lock the plan, create both runs and all their open outputs: all or nothing.

    Raises Unavailable while the store does not answer; nothing has changed then.
    """
    examples = versions.examples(experiment.dataset_version)
    positions = tier_positions(
        [example.id for example in examples], tier=experiment.tier, seed=experiment.dataset_version.digest
    )
    plan = plan_body(experiment, positions)
    with transaction.atomic():
        # Of two workers that both read the dataset, this compare-and-set lets one lay out the work.
        lifecycle.EXPERIMENT.advance(
            experiment,
            to=ExperimentStatus.RUNNING,
            started_at=experiment.started_at or at,
            next_attempt_at=None,
            failed_attempts=0,
            reason="",
        )
        TestPlan.objects.create(experiment=experiment, body=plan, digest=digest(plan), locked_at=at)
        runs = {arm: create_run(experiment, arm, plan["seed"], at=at) for arm in Arm}
        Output.objects.bulk_create(work_items(runs, examples, positions, seed=plan["seed"]), batch_size=500)
        record(Event.PLAN_LOCKED, by=SYSTEM, subject=experiment, facts={"plan": digest(plan)}, at=at)


def plan_body(experiment: Experiment, positions: list[int]) -> dict[str, Any]:
    """What will be measured and how it will be judged: everything that the verdict is a function of."""
    return {
        "format": "evaltrack-plan-v1",
        "experiment": experiment.public_id,
        "candidate": experiment.candidate.digest,
        "baseline": experiment.baseline.digest,
        "dataset": experiment.dataset_version.digest,
        "tier": experiment.tier,
        "positions": sha256_hex(",".join(map(str, positions)).encode()),
        "examples": len(positions),
        "repeats": 1,
        "seed": int(sha256_hex(experiment.public_id.encode())[:8], 16),
        "policy": experiment.policy.body,
        "metric_versions": {
            rule["metric"]: REGISTRY[rule["metric"]].version for rule in experiment.policy.body["metrics"]
        },
        "missing_data": "an example without an answer counts as wrong; latency and tokens leave it out",
        "needs_people": experiment.needs_people,
    }


def create_run(experiment: Experiment, arm: Arm, seed: int, *, at: dt.datetime) -> Run:
    version = experiment.candidate if arm == Arm.CANDIDATE else experiment.baseline
    target = configuration.parse(version.configuration)
    endpoint, _ = Endpoint.objects.get_or_create(base_url=target.base_url)
    return Run.objects.create(
        experiment=experiment,
        arm=arm,
        version=version,
        endpoint=endpoint,
        record={
            "collected_by": "runner",
            "configuration": version.digest,
            "dataset": experiment.dataset_version.digest,
            "tier": experiment.tier,
            "seed": seed,
            "model": target.model,
            "parameters": target.parameters,
            "python": platform.python_version(),
            "implementation": sys.implementation.name,
            "platform": platform.platform(),
            "machine": platform.machine(),
            "packages": packages(),
            "context": experiment.context,
        },
        started_at=at,
    )


@functools.cache
def packages() -> dict[str, str]:
    """Which versions run here. Read once: each is a file to parse, and none changes under a running process."""
    return {name: installed(name) for name in RECORDED_PACKAGES}


def work_items(
    runs: dict[Arm, Run], examples: list[Example], positions: list[int], *, seed: int
) -> list[Output]:
    """Open outputs of both arms, interleaved: each example's two calls are neighbours, in random order."""
    shuffled = sorted(positions, key=lambda position: shuffled_rank(f"{seed}", examples[position].id))
    items = []
    for place, position in enumerate(shuffled):
        identifier = examples[position].id
        candidate_first = shuffled_rank(f"{seed}-arm", identifier)[0] % 2
        for arm, run in runs.items():
            second = (arm == Arm.CANDIDATE) ^ candidate_first
            items.append(
                Output(
                    run=run,
                    experiment_id=run.experiment_id,
                    position=position,
                    example_id=identifier,
                    order=2 * place + int(second),
                )
            )
    return items
