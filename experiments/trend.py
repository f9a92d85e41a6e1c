"""A component's experiments over time by one metric, against what each was compared with. For reading alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.metrics.base import Direction
from experiments.models import Comparison, Component, Deployment, Environment, Experiment

MOST = 60


@dataclass(frozen=True)
class Step:
    """One experiment in a trend; `events` says what had changed since the one before."""

    experiment: Experiment
    comparison: Comparison
    events: tuple[str, ...] = ()
    promoted: bool = False

    @property
    def tone(self) -> str:
        return {"PASS": "good", "FAIL": "bad"}.get(self.comparison.outcome, "flat")

    @property
    def mark(self) -> str:
        return "promotion" if self.promoted else "change" if self.events else ""


def metrics_of(component: Component) -> list[str]:
    """The metrics that the newest scored experiment compared, in its order."""
    newest = component.experiments.filter(comparisons__isnull=False).order_by("-submitted_at", "-pk").first()
    return list(newest.comparisons.values_list("metric", flat=True)) if newest else []


def of_component(component: Component, metric: str, most: int = MOST) -> list[Step]:
    """The last `most` experiments that compared `metric`, oldest first."""
    rows = list(
        Comparison.objects.filter(experiment__component=component, metric=metric)
        .select_related("experiment__candidate", "experiment__baseline", "experiment__policy")
        .select_related("experiment__dataset_version__dataset")
        .order_by("-experiment__submitted_at", "-experiment__pk")[:most]
    )[::-1]
    return steps(rows, deployments_since(component, rows))


def of_experiments(experiments: Sequence[Experiment], metric: str) -> list[Step]:
    """These experiments' comparisons of `metric`, without what happened between them."""
    rows = Comparison.objects.filter(experiment__in=experiments, metric=metric)
    by_key = {experiment.pk: experiment for experiment in experiments}
    return [Step(by_key[row.experiment_id], row) for row in rows]


def deployments_since(component: Component, rows: Sequence[Comparison]) -> list[Deployment]:
    if not rows:
        return []
    since = rows[0].experiment.submitted_at
    return list(
        component.deployments.filter(environment=Environment.PRODUCTION, started_at__gte=since)
        .select_related("version")
        .order_by("started_at")
    )


def steps(rows: Sequence[Comparison], deployments: Sequence[Deployment]) -> list[Step]:
    found = []
    before: Experiment | None = None
    waiting = list(deployments)
    for row in rows:
        experiment, events = row.experiment, []
        while waiting and waiting[0].started_at <= experiment.submitted_at:
            events.append(f"{waiting.pop(0).version.version} went to production")
        promoted = bool(events)
        if before and before.dataset_version_id != experiment.dataset_version_id:
            events.append(f"dataset is now {experiment.dataset_version}")
        if before and before.policy_id != experiment.policy_id:
            events.append(f"policy is now {experiment.policy}")
        found.append(Step(experiment, row, tuple(events), promoted))
        before = experiment
    return found


def best_and_worst(found: Sequence[Step]) -> tuple[Step, Step] | None:
    """Of the steps with a value, those with the best and the worst candidate, the later of equals."""
    valued = [step for step in found if "undefined" not in step.comparison.candidate]
    if not valued:
        return None
    sign = 1 if valued[0].comparison.direction == Direction.HIGHER else -1
    ordered = sorted(valued, key=lambda step: sign * step.comparison.candidate["value"])
    return ordered[-1], ordered[0]
