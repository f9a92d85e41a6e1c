"""Act: from the finished outputs of both arms to metrics, comparisons and a verdict, in one transaction."""

import datetime as dt
from collections import Counter
from typing import Any

from django.db import transaction

from datasets import versions
from datasets.examples import Example
from experiments import lifecycle, outages, slices, suite, verdicts
from experiments.comparison import Compared, compare
from experiments.gates import Judged, judge
from experiments.metrics import REGISTRY
from experiments.metrics.base import Answered
from experiments.models import (
    Arm,
    Comparison,
    Experiment,
    ExperimentStatus,
    MetricResult,
    Outcome,
    Output,
    Run,
    SliceResult,
)
from experiments.suite import MetricRule, Suite


def conclude(experiment: Experiment, *, at: dt.datetime) -> None:
    """Score, compare and decide. Doing it twice is a Conflict for the second, and changes nothing.

    The numbers are computed before the transaction: they are a function of rows that no longer change.
    """
    rules = suite.parse(experiment.policy.body)
    runs = {Arm(run.arm): run for run in experiment.runs.all()}
    outputs = {arm: list(run.outputs.order_by("position", "repeat")) for arm, run in runs.items()}
    if complaint := too_many_errors(outputs, rules):
        outages.give_up(experiment, complaint, at=at)
        return
    examples = {example.id: example for example in versions.examples(experiment.dataset_version)}
    vectors = {
        (arm, rule.metric): values_of(rule, outputs[arm], examples) for arm in Arm for rule in rules.metrics
    }
    compared = [
        compare(
            rule,
            REGISTRY[rule.metric],
            baseline=vectors[Arm.BASELINE, rule.metric],
            candidate=vectors[Arm.CANDIDATE, rule.metric],
            design=rules.design,
            seed=experiment.plan.body["seed"],
        )
        for rule in rules.metrics
    ]
    judged = judge(compared)
    parts = sliced(compared, vectors, [examples[row.example_id].tags for row in outputs[Arm.CANDIDATE]])
    with transaction.atomic():
        lifecycle.EXPERIMENT.advance(
            experiment,
            to=ExperimentStatus.AWAITING_PEOPLE if experiment.needs_people else ExperimentStatus.DECIDED,
            finished_at=at,
            reason="",
            next_attempt_at=None,
            failed_attempts=0,
        )
        Run.objects.filter(experiment=experiment).update(finished_at=at)
        MetricResult.objects.bulk_create(metric_rows(runs, compared, vectors))
        rows = Comparison.objects.bulk_create(
            [comparison_row(experiment, order, each) for order, each in enumerate(judged)]
        )
        SliceResult.objects.bulk_create(
            [SliceResult(comparison=row, parts=parts[row.metric]) for row in rows if parts[row.metric]]
        )
        verdicts.decide(experiment, cause="all outputs were scored", at=at)


def too_many_errors(outputs: dict[Arm, list[Output]], rules: Suite) -> str:
    """Why no verdict may be drawn, or nothing."""
    for arm, rows in outputs.items():
        errors = Counter(row.error for row in rows if row.outcome == Outcome.TARGET_ERROR)
        if not rows or errors.total() / len(rows) > rules.max_error_share:
            commonest = errors.most_common(1)[0][0] if errors else "no outputs"
            return (
                f"{errors.total()} of {len(rows)} calls of the {arm} failed, more than the "
                f"{rules.max_error_share:.0%} that the policy allows; most often: {commonest}"
            )
    return ""


def values_of(rule: MetricRule, outputs: list[Output], examples: dict[str, Example]) -> list[float | None]:
    """The metric's value of each output, in the order of positions."""
    metric = REGISTRY[rule.metric]
    return [metric.of(answered(rule, output, examples[output.example_id])) for output in outputs]


def answered(rule: MetricRule, output: Output, example: Example) -> Answered:
    return Answered(
        input=example.input,
        expected=example.expected,
        text=output.text if output.outcome == Outcome.ANSWERED else None,
        latency_ms=output.latency_ms,
        input_tokens=output.input_tokens,
        output_tokens=output.output_tokens,
        parameters=rule.parameters,
    )


def sliced(
    compared: list[Compared], vectors: dict[tuple[Arm, str], list[Any]], tags: list[tuple[str, ...]]
) -> dict[str, list[dict[str, Any]]]:
    """The slices of each metric as they are kept."""
    measured = [
        slices.Measured(
            each.metric, vectors[Arm.BASELINE, each.metric.name], vectors[Arm.CANDIDATE, each.metric.name]
        )
        for each in compared
    ]
    found = slices.sliced(measured, tags, design=compared[0].design)
    return {name: [part.as_json() for part in parts] for name, parts in found.items()}


def metric_rows(
    runs: dict[Arm, Run], compared: list[Compared], vectors: dict[tuple[Arm, str], list[Any]]
) -> list[MetricResult]:
    return [
        MetricResult(
            run=run,
            metric=each.metric.name,
            kind=each.metric.kind,
            summary=(each.baseline if arm == Arm.BASELINE else each.candidate).as_json(),
            values=vectors[arm, each.metric.name],
        )
        for arm, run in runs.items()
        for each in compared
    ]


def comparison_row(experiment: Experiment, order: int, judged: Judged) -> Comparison:
    compared, metric = judged.compared, judged.compared.metric
    return Comparison(
        experiment=experiment,
        order=order,
        metric=metric.name,
        role=compared.rule.role,
        kind=metric.kind,
        direction=metric.direction,
        unit=metric.unit,
        design=compared.design,
        n=compared.n,
        margin=compared.rule.margin,
        baseline=compared.baseline.as_json(),
        candidate=compared.candidate.as_json(),
        delta=compared.delta.as_json(),
        tests={name: test.as_json() for name, test in compared.tests.items()},
        decided_by=compared.decided_by,
        p_adjusted=judged.p_adjusted,
        outcome=judged.outcome,
        explanation=judged.explanation,
    )
