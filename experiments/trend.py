"""A component's experiments over time by one metric, against what each was compared with. For reading alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.metrics.base import Direction
from experiments.models import Arm, Comparison, Component, Deployment, Environment, Experiment

MOST = 60


@dataclass(frozen=True)
class Event:
    """`kind`: promotion; dataset or policy, which may move all later values; model or prompt, of a candidate."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Step:
    """One experiment in a trend; `events` says what had changed since the one before."""

    experiment: Experiment
    comparison: Comparison
    events: tuple[Event, ...] = ()

    @property
    def tone(self) -> str:
        return {"PASS": "good", "FAIL": "bad"}.get(self.comparison.outcome, "flat")

    @property
    def mark(self) -> str:
        kinds = {event.kind for event in self.events}
        return "promotion" if "promotion" in kinds else "change" if kinds & {"dataset", "policy"} else ""

    def told(self, kind: str) -> str:
        return "; ".join(str(event) for event in self.events if event.kind == kind)


@dataclass(frozen=True)
class Pin:
    """What a trend is held against: a run's value, which means something on the run's own dataset version alone."""

    experiment: Experiment
    statistic: dict[str, Any]
    name: str

    @property
    def run(self) -> str:
        return f"{self.experiment.public_id}.{Arm.CANDIDATE}"

    def at(self, step: Step) -> dict[str, Any]:
        alike = step.experiment.dataset_version_id == self.experiment.dataset_version_id
        return self.statistic if alike else {}


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


def pinned(component: Component, metric: str, named: str, *, production: Deployment | None) -> Pin | None:
    """The candidate of the experiment that is named; else what runs in production, as its promotion measured it.

    None where "nothing" is named, or the metric was not measured there.
    """
    if named == "nothing" or (not named and production is None):
        return None
    found = Comparison.objects.filter(experiment__component=component, metric=metric)
    rows = found.select_related("experiment__candidate", "experiment__dataset_version__dataset")
    if named:
        row = rows.filter(experiment__public_id=named).first()
    else:
        assert production is not None
        row = rows.filter(experiment=production.promotion.experiment_id).first()
    if row is None:
        return None
    version = row.experiment.candidate.version
    return Pin(row.experiment, row.candidate, version if named else f"in production: {version}")


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
    found: list[Step] = []
    waiting = list(deployments)
    for row in rows:
        events = []
        while waiting and waiting[0].started_at <= row.experiment.submitted_at:
            events.append(Event("promotion", f"{waiting.pop(0).version.version} went to production"))
        if found:
            events += changes(found[-1].experiment, row.experiment)
        found.append(Step(row.experiment, row, tuple(events)))
    return found


def changes(before: Experiment, after: Experiment) -> Iterator[Event]:
    if before.dataset_version_id != after.dataset_version_id:
        yield Event("dataset", f"dataset is now {after.dataset_version}")
    if before.policy_id != after.policy_id:
        yield Event("policy", f"policy is now {after.policy}")
    was, now = before.candidate.configuration, after.candidate.configuration
    if was["target"]["model"] != now["target"]["model"]:
        yield Event("model", f"model is now {now['target']['model']}")
    if was.get("prompt") != now.get("prompt"):
        yield Event("prompt", "the prompt changed")


def best_and_worst(found: Sequence[Step]) -> tuple[Step, Step] | None:
    """Of the steps with a value, those with the best and the worst candidate, the later of equals."""
    valued = [step for step in found if "undefined" not in step.comparison.candidate]
    if not valued:
        return None
    sign = 1 if valued[0].comparison.direction == Direction.HIGHER else -1
    ordered = sorted(valued, key=lambda step: sign * step.comparison.candidate["value"])
    return ordered[-1], ordered[0]
