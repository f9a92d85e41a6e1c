"""Points of the time series, made from the records that they stand for, and written with them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from evaltrack.stats.estimate import CONFIDENCE, Estimate, Undefined
from experiments.models import (
    Arm,
    Evidence,
    EvidenceKind,
    Experiment,
    MetricPoint,
    MetricResult,
    PointSource,
    ProductionWindow,
    Run,
)

# What people said, under the names of the evidence.
SAID = ("net_preference", "agreement")
AT_ONCE = 500
KEY = ["component", "metric", "at", "source", "origin"]
MEASURED = ["value", "low", "high", "n", "confidence", "method", "reason"]


def add(points: Iterable[MetricPoint]) -> None:
    """Inside the transaction that writes what they stand for. A point that is there already stays as it is."""
    MetricPoint.objects.bulk_create(points, batch_size=AT_ONCE, ignore_conflicts=True)


def renew(points: Iterable[MetricPoint]) -> None:
    """Days of production as they are now, under the lock under which their samples are counted."""
    MetricPoint.objects.bulk_create(
        points, batch_size=AT_ONCE, update_conflicts=True, unique_fields=KEY, update_fields=MEASURED
    )


def of_results(
    experiment: Experiment, results: Iterable[MetricResult], *, at: dt.datetime
) -> list[MetricPoint]:
    """None of a run that reuses answers: they say how the version did when they were given, which has its points."""
    return [
        of_result(experiment, row.run, row.metric, row.summary, at=at)
        for row in results
        if not row.run.reuses
    ]


def of_result(
    experiment: Experiment, run: Run, metric: str, summary: Mapping[str, Any], *, at: dt.datetime
) -> MetricPoint:
    """`at` is when the run was scored."""
    return MetricPoint(
        component_id=experiment.component_id,
        metric=metric,
        at=at,
        source=PointSource.AUTOMATED,
        origin=run.pk,
        version_id=run.version_id,
        arm=run.arm,
        dataset_version_id=experiment.dataset_version_id,
        experiment_id=experiment.pk,
        **measured(summary),
    )


def of_evidence(evidence: Evidence) -> list[MetricPoint]:
    """What people said of the candidate; of a proxy, what the metric that stands in for them says of it."""
    body = evidence.body
    if evidence.kind == EvidenceKind.HUMAN:
        return [of_candidate(evidence, name, body[name]) for name in SAID if name in body]
    results = MetricResult.objects.filter(run__experiment=evidence.experiment_id, metric=body["metric"])
    summary = results.filter(run__arm=Arm.CANDIDATE).values_list("summary", flat=True).first()
    return [] if summary is None else [of_candidate(evidence, body["metric"], summary)]


def of_candidate(evidence: Evidence, metric: str, statistic: Mapping[str, Any]) -> MetricPoint:
    experiment = evidence.experiment
    return MetricPoint(
        component_id=experiment.component_id,
        metric=metric,
        at=evidence.recorded_at,
        source=PointSource(evidence.kind),
        origin=evidence.pk,
        version_id=experiment.candidate_id,
        arm=Arm.CANDIDATE,
        dataset_version_id=experiment.dataset_version_id,
        experiment_id=experiment.pk,
        **measured(statistic),
    )


def of_window(window: ProductionWindow, level: Estimate | Undefined) -> MetricPoint:
    """A day of production; it stands at the day's beginning."""
    deployment = window.deployment
    return MetricPoint(
        component_id=deployment.component_id,
        metric=window.metric,
        at=dt.datetime.combine(window.day, dt.time.min, dt.UTC),
        source=PointSource.PRODUCTION,
        origin=deployment.pk,
        version_id=deployment.version_id,
        **measured(level.as_json()),
    )


def measured(statistic: Mapping[str, Any]) -> dict[str, Any]:
    """A statistic of the API in columns."""
    if "undefined" in statistic:
        return {"n": 0, "reason": statistic["undefined"]}
    return {
        "value": statistic["value"],
        "low": statistic["ci_low"],
        "high": statistic["ci_high"],
        "n": statistic["n"],
        "confidence": statistic.get("confidence", CONFIDENCE),
        "method": statistic["method"],
        "reason": statistic.get("ci_undefined", ""),
    }
