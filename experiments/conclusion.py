"""Act: from the finished outputs of both arms to metrics, comparisons and a verdict, in one transaction."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count

from datasets.shelf import Shelf
from experiments import evidence, lifecycle, policies, reused, stopping, suite, verdicts
from experiments.deviations import deviations
from experiments.gates import Judged
from experiments.judging import judgments
from experiments.models import (
    WITHOUT_ANSWER,
    Arm,
    Comparison,
    Experiment,
    ExperimentStatus,
    MetricResult,
    Run,
    SliceResult,
    TestPlan,
)
from experiments.running import outages
from experiments.scorers import asking
from experiments.scorers.base import Away
from experiments.scoring import ByPosition, Outputs, Scored, score
from experiments.series import points
from experiments.suite import Suite


def conclude(experiment: Experiment, *, at: dt.datetime, shelf: Shelf | None = None) -> None:
    """Score, compare and decide. Doing it twice is a Conflict for the second, and changes nothing.

    Where scorers have values to give, it asks for them first, for one turn: an experiment that has not got all of
    them afterwards is due again at once, and one whose scorer cannot be asked waits.

    The numbers are computed before the transaction: they are a function of rows that no longer change.
    """
    rules = suite.parse(experiment.policy.body)
    runs = {Arm(run.arm): run for run in experiment.runs.of_arms()}
    outputs = {arm: asking.with_given(rules.metrics, Outputs(run)) for arm, run in runs.items()}
    if complaint := too_many_errors(runs, rules):
        outages.give_up(experiment, complaint, at=at)
        return
    plan = experiment.plan.body
    examples = (shelf or Shelf()).examples(experiment.dataset_version)
    said = judgments.of(experiment, rules, examples)
    if complaint := judgments.too_many_errors(experiment, said, rules):
        outages.give_up(experiment, complaint, at=at)
        return
    if not has_been_scored(experiment, rules, examples, at=at):
        return
    scored = score(
        rules,
        outputs,
        examples,
        seed=plan["seed"],
        stop=stopping.of_plan(plan),
        groups=experiment.plan.groups,
        judged=said.values,
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
        judgments.keep(said)
        reused.keep(runs.values())
        found = deviations({arm: Outputs(run).ends() for arm, run in runs.items()})
        TestPlan.objects.filter(experiment=experiment).update(deviations=found)
        results = MetricResult.objects.bulk_create(metric_rows(runs, scored))
        points.add(points.of_results(experiment, results, at=at))
        comparisons = Comparison.objects.bulk_create(comparison_rows(experiment, scored))
        SliceResult.objects.bulk_create(slice_rows(comparisons, scored))
        if not (experiment.needs_people and evidence.inherit(experiment, at=at)):
            verdicts.decide(experiment, cause="all outputs were scored", at=at)


def has_been_scored(experiment: Experiment, rules: Suite, examples: ByPosition, *, at: dt.datetime) -> bool:
    """Whether every value that scorers give is there; if not, the experiment goes on, waits, or ends."""
    try:
        if refusal := policies.scoring(rules):
            raise Away(refusal.reason)
        asked = asking.ask(experiment, rules, examples)
    except Away as away:
        outages.wait_for_scorer(experiment, str(away), at=at)
        return False
    if asked.complaint:
        outages.give_up(experiment, asked.complaint, at=at)
    elif not asked.is_done:
        outages.go_on(experiment, at=at)
    return asked.is_done


def too_many_errors(runs: Mapping[Arm, Run], rules: Suite) -> str:
    """Why no verdict may be drawn, or nothing."""
    for arm in Arm:
        every = runs[arm].outputs.count()
        failed = runs[arm].outputs.filter(outcome__in=WITHOUT_ANSWER)
        count = failed.count()
        if not every or count / every > rules.max_error_share:
            commonest = failed.values_list("error").annotate(n=Count("pk")).order_by("-n", "error").first()
            return (
                f"{count} of {every} calls of the {arm} failed, more than the "
                f"{rules.max_error_share:.0%} that the policy allows; "
                f"most often: {commonest[0] if commonest else 'no outputs'}"
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
    return [
        comparison_row(experiment, order, judged, bounds=scored.bounds[judged.compared.metric.name])
        for order, judged in enumerate(scored.judged)
    ]


def slice_rows(comparisons: list[Comparison], scored: Scored) -> list[SliceResult]:
    """Of the comparisons that have slices."""
    return [
        SliceResult(comparison=row, parts=[part.as_json() for part in parts])
        for row in comparisons
        if (parts := scored.slices.get(row.metric))
    ]


def comparison_row(
    experiment: Experiment, order: int, judged: Judged, *, bounds: dict[str, Any] | None = None
) -> Comparison:
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
        bounds=bounds,
        outcome=judged.outcome,
        explanation=judged.explanation,
    )
