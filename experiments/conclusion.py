"""Act: from the finished outputs of both arms to metrics, comparisons and a verdict, in one transaction."""

import datetime as dt
from collections import Counter

from django.db import transaction

from datasets import versions
from datasets.examples import Example
from experiments import evidence, lifecycle, policies, stopping, suite, verdicts
from experiments.deviations import deviations
from experiments.gates import Judged
from experiments.models import (
    WITHOUT_ANSWER,
    Arm,
    Comparison,
    Experiment,
    ExperimentStatus,
    MetricResult,
    Output,
    Run,
    SliceResult,
    TestPlan,
)
from experiments.running import outages
from experiments.scorers import asking
from experiments.scorers.base import Away
from experiments.scoring import Scored, score
from experiments.series import points
from experiments.suite import Suite


def conclude(experiment: Experiment, *, at: dt.datetime) -> None:
    """Score, compare and decide. Doing it twice is a Conflict for the second, and changes nothing.

    Where scorers have values to give, it asks for them first, for one turn: an experiment that has not got all of
    them afterwards is due again at once, and one whose scorer cannot be asked waits.

    The numbers are computed before the transaction: they are a function of rows that no longer change.
    """
    rules = suite.parse(experiment.policy.body)
    runs = {Arm(run.arm): run for run in experiment.runs.all()}
    outputs = {arm: list(run.outputs.order_by("position", "repeat")) for arm, run in runs.items()}
    if complaint := too_many_errors(outputs, rules):
        outages.give_up(experiment, complaint, at=at)
        return
    examples = {example.id: example for example in versions.examples(experiment.dataset_version)}
    if asking.rules_of(rules):
        if not has_been_scored(experiment, rules, outputs, examples, at=at):
            return
        for several in outputs.values():
            asking.attach(rules, several)
    plan = experiment.plan.body
    scored = score(
        rules,
        outputs,
        examples,
        seed=plan["seed"],
        stop=stopping.of_plan(plan),
        groups=experiment.plan.groups,
    )
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
        TestPlan.objects.filter(experiment=experiment).update(deviations=deviations(outputs))
        results = MetricResult.objects.bulk_create(metric_rows(runs, scored))
        points.add(points.of_results(experiment, results, at=at))
        comparisons = Comparison.objects.bulk_create(comparison_rows(experiment, scored))
        SliceResult.objects.bulk_create(slice_rows(comparisons, scored))
        if not (experiment.needs_people and evidence.inherit(experiment, at=at)):
            verdicts.decide(experiment, cause="all outputs were scored", at=at)


def has_been_scored(
    experiment: Experiment,
    rules: Suite,
    outputs: dict[Arm, list[Output]],
    examples: dict[str, Example],
    *,
    at: dt.datetime,
) -> bool:
    """Whether every value that scorers give is there; if not, the experiment goes on, waits, or ends."""
    try:
        if refusal := policies.scoring(rules):
            raise Away(refusal.reason)
        asked = asking.ask(experiment, rules, outputs, examples)
    except Away as away:
        outages.wait_for_scorer(experiment, str(away), at=at)
        return False
    if asked.complaint:
        outages.give_up(experiment, asked.complaint, at=at)
    elif not asked.is_done:
        outages.go_on(experiment, at=at)
    return asked.is_done


def too_many_errors(outputs: dict[Arm, list[Output]], rules: Suite) -> str:
    """Why no verdict may be drawn, or nothing."""
    for arm in Arm:
        rows = outputs[arm]
        errors = Counter(row.error for row in rows if row.outcome in WITHOUT_ANSWER)
        if not rows or errors.total() / len(rows) > rules.max_error_share:
            commonest = errors.most_common(1)[0][0] if errors else "no outputs"
            return (
                f"{errors.total()} of {len(rows)} calls of the {arm} failed, more than the "
                f"{rules.max_error_share:.0%} that the policy allows; most often: {commonest}"
            )
    return ""


def metric_rows(runs: dict[Arm, Run], scored: Scored) -> list[MetricResult]:
    return [
        MetricResult(
            run=run,
            metric=judged.compared.metric.name,
            kind=judged.compared.metric.kind,
            summary=getattr(judged.compared, arm.value).as_json(),
            values=scored.values[arm, judged.compared.metric.name],
            undefined=scored.gaps[arm, judged.compared.metric.name],
        )
        for arm, run in runs.items()
        for judged in scored.judged
    ]


def comparison_rows(experiment: Experiment, scored: Scored) -> list[Comparison]:
    return [comparison_row(experiment, order, judged) for order, judged in enumerate(scored.judged)]


def slice_rows(comparisons: list[Comparison], scored: Scored) -> list[SliceResult]:
    """Of the comparisons that have slices."""
    return [
        SliceResult(comparison=row, parts=[part.as_json() for part in parts])
        for row in comparisons
        if (parts := scored.slices.get(row.metric))
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
