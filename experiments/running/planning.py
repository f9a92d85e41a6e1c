"""Act: lock the test plan of an experiment and lay out its work, before anything is measured."""

import datetime as dt
import functools
import itertools
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as installed
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import transaction

from datasets.sampling import shuffled_rank, tier_positions, tier_size
from datasets.shelf import Shelf
from evaltrack.bulk import insert_rows
from evaltrack.canonical import digest, sha256_hex
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.version import version
from experiments import grouping, lifecycle, policies, pricing, stopping, suite, targets, verdicts
from experiments.judging import judges
from experiments.metrics import REGISTRY
from experiments.models import (
    Arm,
    ComponentVersion,
    Endpoint,
    Experiment,
    ExperimentStatus,
    Outcome,
    Output,
    OutputState,
    Run,
    TestPlan,
)
from experiments.stopping import StopRule
from experiments.suite import Suite

LAID_OUT_AT_ONCE = 1_000
# What an answer is, whichever experiment paid for it.
ANSWER = (
    "attempts", "outcome", "text", "error", "contexts", "citations", "finish_reason", "input_tokens",
    "output_tokens", "latency_ms", "waited_ms", "cost_micro", "request_digest", "endpoint_model",
    "endpoint_fingerprint", "reused_from_id", "raw_reply_id", "finished_at",
)  # fmt: skip
RECORDED_PACKAGES = ("django", "aiohttp", "numpy", "scipy", "scikit-learn")


def start(experiment: Experiment, *, at: dt.datetime, shelf: Shelf | None = None) -> None:
    """Read the dataset, lock the plan, create both runs and all their open outputs: all or nothing.

    Raises Unavailable while the store does not answer; nothing has changed then.
    """
    rules = suite.parse(experiment.policy.body)
    ids, clusters = grouping.read((shelf or Shelf()).examples(experiment.dataset_version), rules)
    positions = tier_positions(ids, tier=experiment.tier, seed=experiment.dataset_version.digest)
    groups = grouping.numbered(clusters, positions)
    plan = plan_body(experiment, rules, positions, groups)
    kept = answers_kept(experiment)
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
        TestPlan.objects.create(
            experiment=experiment, body=plan, digest=digest(plan), groups=groups, locked_at=at
        )
        runs = {arm: create_run(experiment, arm, rules, plan["seed"], at=at) for arm in Arm}
        items = work_items(runs, ids, positions, kept, seed=plan["seed"], repeats=rules.repeats)
        while batch := list(itertools.islice(items, LAID_OUT_AT_ONCE)):
            insert_rows(Output, batch)
        record(Event.PLAN_LOCKED, by=SYSTEM, subject=experiment, facts={"plan": digest(plan)}, at=at)


def plan_body(
    experiment: Experiment, rules: Suite, positions: list[int], groups: list[int] | None
) -> dict[str, Any]:
    """What will be measured and how it will be judged: everything that the verdict is a function of."""
    body: dict[str, Any] = {
        "format": "evaltrack-plan-v1",
        "experiment": experiment.public_id,
        "candidate": experiment.candidate.digest,
        "baseline": experiment.baseline.digest,
        "dataset": experiment.dataset_version.digest,
        "tier": experiment.tier,
        "positions": sha256_hex(",".join(map(str, positions)).encode()),
        "examples": len(positions),
        "repeats": rules.repeats,
        "seed": int(sha256_hex(experiment.public_id.encode())[:8], 16),
        "policy": experiment.policy.body,
        "stop_rule": stop_rule(experiment, rules, size=len(positions)).as_json(),
        "metric_versions": {
            rule["metric"]: REGISTRY[rule["metric"]].version for rule in experiment.policy.body["metrics"]
        },
        "missing_data": missing_in_words(rules),
        "needs_people": experiment.needs_people,
    }
    if groups is not None:
        body["groups"] = grouping.named(rules, groups)
    if before := experiment.extends:
        body["extends"] = look_before(before)
    if asked := judges.of(rules):
        body["judges"] = judges.locked(asked)
    return body


def missing_in_words(rules: Suite) -> str:
    """What the policy says of what was not answered, for readers of the plan; latency and tokens leave it out."""
    by_count = {
        count: [Outcome(outcome).label.lower() for outcome, each in rules.missing.items() if each == count]
        for count in suite.COUNTS
    }
    said = {
        "scored": "counts as the text that there is",
        "wrong": "counts as wrong",
        "exclude": "is left out",
    }
    return "; ".join(
        f"{', '.join(outcomes)}: {said[count]}" for count, outcomes in by_count.items() if outcomes
    )


def look_before(before: Experiment) -> dict[str, Any]:
    """An experiment as the plan of its extension names it: by what it planned and what it was answered."""
    return {
        "experiment": before.public_id,
        "plan": digest(before.plan.body),
        **verdicts.outputs_of(before),
    }


def stop_rule(experiment: Experiment, rules: Suite, *, size: int) -> StopRule:
    """What the rules let this experiment err as the look that it is, at `size` examples."""
    everything = experiment.dataset_version.example_count
    return stopping.planned(
        rules.alpha,
        rules.looks.spending if rules.looks else None,
        earlier=[before.plan.body["examples"] for before in earlier_looks(experiment)],
        size=size,
        final=tier_size(rules.looks.to, everything) if rules.looks else size,
    )


def earlier_looks(experiment: Experiment) -> list[Experiment]:
    """The experiments that this one extends, the first look first."""
    before = experiment.extends
    return [*earlier_looks(before), before] if before else []


def answers_kept(experiment: Experiment) -> dict[tuple[str, int, int], Output]:
    """The answers of the experiment that this one extends, by arm and position: all are used again, errors too."""
    if experiment.extends is None:
        return {}
    rows = Output.objects.of_arms().filter(experiment=experiment.extends).select_related("run")
    return {(row.run.arm, row.position, row.repeat): row for row in rows}


def create_run(experiment: Experiment, arm: Arm, rules: Suite, seed: int, *, at: dt.datetime) -> Run:
    version = experiment.candidate if arm == Arm.CANDIDATE else experiment.baseline
    allowed = policies.reusing(rules, experiment.dataset_version, targets.parse(version.configuration))
    also = {"cache": vars(rules.cache)} if rules.cache and allowed is None else {}
    return new_run(experiment, version, arm=arm, seed=seed, also=also, at=at)


def new_run(
    experiment: Experiment,
    version: ComponentVersion,
    *,
    seed: int,
    at: dt.datetime,
    arm: str = "",
    judged: Run | None = None,
    metric: str = "",
    also: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """The run of an arm, or of the judge of another run by a metric. `also` goes into its record."""
    target = targets.parse(version.configuration)
    endpoint = Endpoint.objects.get_or_create(base_url=target.base_url)[0] if target.is_asked else None
    return Run.objects.create(
        experiment=experiment,
        arm=arm,
        judges=judged,
        metric=metric,
        version=version,
        endpoint=endpoint,
        in_batches=target.is_batched,
        record={
            "collected_by": "runner" if target.is_asked else "upload",
            "configuration": version.digest,
            "dataset": experiment.dataset_version.digest,
            "tier": experiment.tier,
            "seed": seed,
            "model": target.model,
            "price": vars(price) if (price := pricing.in_force(target, at=at)) else None,
            "parameters": target.parameters,
            **surroundings(),
            "context": experiment.context,
            **also,
        },
        started_at=at,
    )


@functools.cache
def surroundings() -> dict[str, Any]:
    """Where the worker runs. Only what asks and measures is ours; what the system runs on is its endpoint's."""
    return {
        "evaltrack": version(),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "container": settings.CONTAINER_DIGEST,
        "packages": packages(),
    }


@functools.cache
def packages() -> dict[str, str]:
    """Which versions run here. Read once: each is a file to parse, and none changes under a running process."""
    return {name: installed(name) for name in RECORDED_PACKAGES}


def work_items(
    runs: dict[Arm, Run],
    ids: Sequence[str],
    positions: list[int],
    kept: Mapping[tuple[str, int, int], Output],
    *,
    seed: int,
    repeats: int,
) -> Iterator[dict[str, Any]]:
    """Outputs of both arms as rows, interleaved: each example's two calls are neighbours, in random order.

    Repeats follow when every example was asked once: what an example's repeats have in common is not the moment.

    They are open, but for those whose answers are `kept`.
    """
    shuffled = sorted(positions, key=lambda position: shuffled_rank(f"{seed}", ids[position]))
    for repeat in range(repeats):
        for place, position in enumerate(shuffled, start=repeat * len(shuffled)):
            candidate_first = shuffled_rank(f"{seed}-arm", f"{ids[position]}{repeat or ''}")[0] % 2
            for arm, run in runs.items():
                second = (arm == Arm.CANDIDATE) ^ candidate_first
                yield {
                    "run_id": run.pk,
                    "experiment_id": run.experiment_id,
                    "position": position,
                    "repeat": repeat,
                    "example_id": ids[position],
                    "order": 2 * place + int(second),
                    **answer(kept.get((arm, position, repeat))),
                }


def answer(kept: Output | None) -> dict[str, Any]:
    """The fields of an output that has been answered before, all but its place; none where it has not."""
    if kept is None:
        return {}
    return {"state": OutputState.DONE} | {name: getattr(kept, name) for name in ANSWER}
