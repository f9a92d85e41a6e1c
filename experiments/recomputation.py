"""Compute a verdict again from what it rests on, and say where what is stored differs. For reading alone."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any

import numpy as np

from datasets import versions
from datasets.sampling import tier_positions
from datasets.spool import Spool
from evaltrack.canonical import canonical_json, digest, sha256_hex
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.record import rfc3339, subject_of
from evaltrack.vectors import without_gaps
from experiments import conclusion, gates, grouping, looks, reused, stopping, suite, verdicts
from experiments.deviations import deviations
from experiments.judging import judgments
from experiments.judging import recomputation as judging
from experiments.metrics import REGISTRY
from experiments.models import Arm, Comparison, Experiment, MetricResult, Run, SliceResult, Verdict
from experiments.running import planning
from experiments.scorers import asking
from experiments.scoring import Outputs, Scored, score
from experiments.suite import Suite

VALUES = ("kind", "summary", "values")
COMPARED = (
    "role", "kind", "direction", "unit", "design", "n", "margin", "baseline", "candidate", "delta", "tests",
    "decided_by", "p_adjusted", "bounds", "outcome", "explanation",
)  # fmt: skip
DECIDED = ("outcome", "provisional", "automated", "people", "reasons")


@dataclass(frozen=True)
class Recomputed:
    """What was compared byte for byte, and each difference as a sentence.

    `evidence_digest` is computed from the outputs; `other_versions` says which libraries are not those that the
    run recorded: with others, the last digits of a number may differ without anybody's fault.
    """

    experiment: Experiment
    verdict: Verdict
    evidence_digest: str
    checked: tuple[str, ...]
    findings: tuple[str, ...]
    other_versions: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        return {
            "experiment": self.experiment.public_id,
            "verdict": self.verdict.outcome,
            "provisional": self.verdict.provisional,
            "ok": self.ok,
            "evidence_digest": self.evidence_digest,
            "checked": list(self.checked),
            "findings": list(self.findings),
            "other_versions": list(self.other_versions),
        }


def recompute(experiment: Experiment) -> Recomputed | None:
    """None where there is no verdict to compute. Raises Unavailable while the store does not answer."""
    verdict = experiment.verdicts.first()
    if verdict is None:
        return None
    with Spool(versions.stream(experiment.dataset_version)) as examples:
        return recomputed(experiment, verdict, examples)


def recomputed(experiment: Experiment, verdict: Verdict, examples: Spool) -> Recomputed:
    runs = {Arm(run.arm): run for run in experiment.runs.of_arms()}
    plan = experiment.plan.body
    rules = suite.parse(plan["policy"])
    said = judgments.of(experiment, rules, examples)
    scored = score(
        rules,
        {arm: asking.with_given(rules.metrics, Outputs(run)) for arm, run in runs.items()},
        examples,
        seed=plan["seed"],
        stop=stopping.of_plan(plan),
        groups=experiment.plan.groups,
        judged=said.values,
    )
    comparisons = conclusion.comparison_rows(experiment, scored)
    evidence_digest = verdicts.evidence_digest(experiment, comparisons)
    findings = [
        *plan_differs(experiment, examples, runs),
        *judging.differ(experiment, said),
        *reused.differ(runs),
        *values_differ(runs, scored),
        *comparisons_differ(experiment, comparisons, scored),
        *verdict_differs(experiment, verdict, comparisons, evidence_digest),
        *ledger_differs(experiment, verdict, evidence_digest),
    ]
    return Recomputed(
        experiment=experiment,
        verdict=verdict,
        evidence_digest=evidence_digest,
        checked=(
            "the plan by its digest, and that it was locked before the first output",
            f"the choice of {plan['examples']} examples from the dataset",
            f"{sum(map(len, scored.values.values())):,} values of {len(comparisons)} metrics in both arms",
            *taken_as_given(rules),
            f"{len(comparisons)} comparisons and their slices",
            f"verdict {verdict.number} and its evidence digest, here and in the ledger",
        ),
        findings=tuple(findings),
        other_versions=tuple(other_versions(runs[Arm.CANDIDATE])),
    )


def taken_as_given(rules: Suite) -> Iterator[str]:
    """What cannot be computed again: what scorers said. Everything that was made of it can."""
    if names := [rule.metric for rule in asking.rules_of(rules)]:
        yield f"what was made of {', '.join(names)}, whose values were given by scorers and are taken as they are"


def plan_differs(experiment: Experiment, examples: Spool, runs: Mapping[Arm, Run]) -> Iterator[str]:
    plan = experiment.plan.body
    if digest(plan) != experiment.plan.digest:
        yield "The plan does not have the digest under which it was locked."
    if plan["policy"] != experiment.policy.body:
        yield f"The plan holds another policy than {experiment.policy}."
    if plan["dataset"] != experiment.dataset_version.digest:
        yield f"The plan names another dataset than {experiment.dataset_version}."
    for name, locked in plan["metric_versions"].items():
        if (now := REGISTRY[name].version) != locked:
            yield f"{name} was locked as version {locked} of the metric; this server has version {now}."
    chosen = tier_positions([example.id for example in examples], tier=plan["tier"], seed=plan["dataset"])
    if sha256_hex(",".join(map(str, chosen)).encode()) != plan["positions"]:
        yield "The dataset and the tier give other examples than those that the plan chose."
    wanted = [place for place in chosen for _ in range(plan["repeats"])]
    for arm, run in runs.items():
        if list(run.outputs.in_order().values_list("position", flat=True)) != wanted:
            yield f"The outputs of the {arm} are not of the examples that the plan chose."
    rules = suite.parse(plan["policy"])
    groups = grouping.groups_of(map(examples.__getitem__, chosen), rules)
    if groups != experiment.plan.groups or (groups and plan.get("groups") != grouping.named(rules, groups)):
        yield "The examples are grouped in another way than the dataset and the policy group them."
    if not looks.are_those_of_plans(experiment):
        yield "This extends another experiment than the one that the plan names, or none."
        return
    if "stop_rule" in plan:
        rule = planning.stop_rule(experiment, rules, size=plan["examples"])
        if as_bytes(rule.as_json()) != as_bytes(plan["stop_rule"]):
            yield "The plan locked another stop rule than the policy gives for this look."
    shown = deviations({arm: Outputs(run).ends() for arm, run in runs.items()})
    if experiment.plan.deviations not in (None, shown):
        yield "The deviations from the plan are not those that the outputs show."
    yield from looks.differ(experiment, runs)


def values_differ(runs: dict[Arm, Run], scored: Scored) -> Iterator[str]:
    stored = {
        (row.run_id, row.metric): row for row in MetricResult.objects.filter(run__in=list(runs.values()))
    }
    names = {run.pk: run.arm for run in runs.values()}
    for row in conclusion.metric_rows(runs, scored):
        was = stored.pop((row.run_id, row.metric), None)
        # Runs from before reasons were kept have none, which is null and not an empty list of them.
        kept = was is None or was.undefined is not None
        fields = (*VALUES, "undefined") if kept else VALUES
        yield from differing(f"{row.metric} of the {names[row.run_id]}", was, row, fields)
    yield from (f"{metric} of the {names[run]} is stored, but not in the plan." for run, metric in stored)


def comparisons_differ(
    experiment: Experiment, comparisons: Sequence[Comparison], scored: Scored
) -> Iterator[str]:
    stored = {row.metric: row for row in experiment.comparisons.all()}
    for row in comparisons:
        yield from differing(f"The comparison by {row.metric}", stored.pop(row.metric, None), row, COMPARED)
    yield from (f"A comparison by {metric} is stored, but not in the plan." for metric in stored)
    kept = {
        row.comparison.metric: row
        for row in SliceResult.objects.filter(comparison__experiment=experiment).select_related("comparison")
    }
    for part in conclusion.slice_rows(list(comparisons), scored):
        was = kept.get(part.comparison.metric)
        # Experiments from before there were slices have none; nor did their plans have a stop rule.
        if was or "stop_rule" in experiment.plan.body:
            yield from differing(f"{part.comparison.metric} by tag", was, part, ("parts",))


def verdict_differs(
    experiment: Experiment, verdict: Verdict, comparisons: Sequence[Comparison], evidence_digest: str
) -> Iterator[str]:
    decision = gates.decide(
        comparisons,
        rule=suite.parse(experiment.plan.body["policy"]).human,
        people=verdicts.latest_people(experiment, at=verdict.decided_at),
        needed=experiment.plan.body["needs_people"],
    )
    yield from differing(f"Verdict {verdict.number}", verdict, decision, DECIDED)
    if evidence_digest != verdict.evidence_digest:
        yield f"Verdict {verdict.number} was drawn from other evidence: its digest differs."


def ledger_differs(experiment: Experiment, verdict: Verdict, evidence_digest: str) -> Iterator[str]:
    """What was written down when it was decided: whoever altered rows and verdict alike did not alter this."""
    entries = LedgerEntry.objects.about(*subject_of(experiment))
    facts = [
        json.loads(bytes(entry.canonical))["facts"]
        for entry in entries.filter(event=Event.EXPERIMENT_DECIDED)
    ]
    written = next((each for each in facts if each["number"] == verdict.number), None)
    locked = [entry.content for entry in entries.filter(event=Event.PLAN_LOCKED)]
    plan = (experiment.plan.digest, rfc3339(experiment.plan.locked_at))
    if [(each["facts"]["plan"], each["recorded_at"]) for each in locked] != [plan]:
        yield "The ledger has another plan as locked, or at another time."
    if written is None:
        yield f"The ledger knows no verdict {verdict.number} of this experiment."
        return
    if written["evidence_digest"] != evidence_digest:
        yield f"The ledger has verdict {verdict.number} on other evidence: its digest differs."
    if (written["outcome"], written["plan"]) != (verdict.outcome, experiment.plan.digest):
        yield f"The ledger has verdict {verdict.number} as {written['outcome']}, or under another plan."


def differing(what: str, stored: Any, computed: Any, names: Sequence[str]) -> Iterator[str]:
    """A sentence for each field of which the bytes differ."""
    if stored is None:
        yield f"{what} is not stored."
        return
    for name in names:
        if as_bytes(getattr(stored, name)) != as_bytes(getattr(computed, name)):
            yield f"{what}: what is stored as {name.replace('_', ' ')} is not what its evidence gives."


def as_bytes(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        value = without_gaps(value)
    return canonical_json(str(value) if isinstance(value, str) else value)


def other_versions(run: Run) -> Iterator[str]:
    recorded = {"python": run.record.get("python"), **run.record.get("packages", {})}
    for name, was in recorded.items():
        now = platform.python_version() if name == "python" else installed(name)
        if was and was != now:
            yield f"{name} {now} here, {was} when it was run"
