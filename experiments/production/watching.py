"""Whether production fell below the last deployment."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.monitoring import drop
from experiments import messages, suite
from experiments.comparison import negated
from experiments.metrics import REGISTRY
from experiments.metrics.base import Direction, Kind, Metric
from experiments.models import (
    AlertState,
    Component,
    Deployment,
    Environment,
    ProductionAlert,
    ProductionMonitor,
    Role,
)
from experiments.production import windows
from experiments.production.sums import Difference, Sums, at_any_time, level, once

# What is more than this below the last deployment is a regression: points of a share, a share of a mean.
TOLERATED = 0.02
# Enough for a reference, and nobody's memory of a year ago.
REFERENCE = dt.timedelta(days=90)
TOLD = [AlertState.SUSPECTED, AlertState.CONFIRMED]


@dataclass(frozen=True)
class Watched:
    """One metric of the deployment in production beside the last one.

    `change` is after − before with an interval that holds at every look, `once` the same for a single look.
    """

    metric: Metric
    role: str
    after: Sums
    before: Sums | None
    change: Difference
    once: Difference
    state: str
    text: str

    @cached_property
    def level(self) -> Difference:
        return level(self.metric, self.after)

    @cached_property
    def level_before(self) -> Difference:
        return (
            level(self.metric, self.before) if self.before else Undefined("no deployment before was sampled")
        )


def deployed(component: Component) -> list[Deployment]:
    """What ran in production, the newest first."""
    rows = component.deployments.filter(environment=Environment.PRODUCTION)
    return list(rows.select_related("version", "promotion").order_by("-started_at", "-pk"))


def sampled_before(deployments: Sequence[Deployment]) -> Deployment | None:
    """The last deployment before the current one of which there are samples."""
    older = Deployment.objects.filter(
        pk__in=[row.pk for row in deployments[1:]], production_windows__isnull=False
    )
    return older.select_related("version").order_by("-started_at", "-pk").first()


def watched(component: Component) -> list[Watched]:
    """Each metric of the policy with samples, in its order; nothing where nothing was sampled."""
    deployments = deployed(component)
    if not deployments or component.policy is None:
        return []
    current, reference = deployments[0], sampled_before(deployments)
    found = windows.of_deployments([current])[current.pk]
    earlier: dict[str, Sums] = {}
    if reference is not None and reference.ended_at is not None:
        earlier = windows.of_deployments([reference], since=(reference.ended_at - REFERENCE).date())[
            reference.pk
        ]
    return [
        beside(REGISTRY[rule.metric], rule.role, found[rule.metric], earlier.get(rule.metric))
        for rule in suite.parse(component.policy.body).metrics
        if rule.metric in found
    ]


def beside(metric: Metric, role: str, after: Sums, before: Sums | None) -> Watched:
    if before is None:
        nothing = Undefined("no deployment before was sampled, so there is nothing to compare with")
        return Watched(metric, role, after, before, nothing, nothing, AlertState.NONE, "")
    change = at_any_time(metric, after, before)
    state, text = AlertState.NONE, ""
    if isinstance(change, Estimate):
        margin = TOLERATED if metric.kind == Kind.BINARY else TOLERATED * abs(before.moments.mean)
        better = change if metric.direction == Direction.HIGHER else negated(change)
        assert isinstance(better, Estimate)
        found = drop(better, margin=margin, scale="absolute")
        state, text = AlertState(found.state), sentence(metric, AlertState(found.state))
    return Watched(metric, role, after, before, change, once(metric, after, before), state, text)


def sentence(metric: Metric, state: AlertState) -> str:
    tolerated = "2 points" if metric.kind == Kind.BINARY else "2 %"
    return {
        AlertState.CONFIRMED: f"{metric.name} is worse than under the last deployment by more than {tolerated}.",
        AlertState.SUSPECTED: f"{metric.name} is certainly worse than under the last deployment, "
        f"and probably by more than {tolerated}.",
        AlertState.WATCH: f"{metric.name} looks worse than under the last deployment; more samples will tell.",
        AlertState.NONE: "",
    }[state]


# ── Acts ─────────────────────────────────────────────────────────────────────────────────────────────


def look(component: Component, *, at: dt.datetime) -> list[ProductionAlert]:
    """Compare, and keep what changed since the last look. Twice, or by two workers at once, it keeps it once."""
    with transaction.atomic():
        monitor = ProductionMonitor.objects.select_for_update().get(component=component)
        deployments = deployed(component)
        changed = list(changes(deployments[0], watched(component), at=at)) if deployments else []
        for alert in changed:
            tell(component, alert, at=at)
        monitor.samples_looked_at = monitor.samples
        monitor.save(update_fields=["samples_looked_at"])
    return changed


def changes(current: Deployment, found: list[Watched], *, at: dt.datetime) -> Iterator[ProductionAlert]:
    latest = latest_alerts(current)
    for each in found:
        if each.role != Role.GATING or isinstance(each.change, Undefined):
            continue
        last = latest.get(each.metric.name)
        if each.state == (last.state if last else AlertState.NONE):
            continue
        yield ProductionAlert.objects.create(
            deployment=current,
            metric=each.metric.name,
            number=last.number + 1 if last else 1,
            state=each.state,
            change=each.change.as_json(),
            text=each.text or f"{each.metric.name} is no longer worse than under the last deployment.",
            since=at,
        )


def latest_alerts(deployment: Deployment) -> dict[str, ProductionAlert]:
    """The state that holds, by metric."""
    return {row.metric: row for row in newest_alerts([deployment])}


def newest_alerts(deployments: Iterable[Deployment]) -> QuerySet[ProductionAlert]:
    """One for each deployment and metric, however often its state has changed."""
    newer = ProductionAlert.objects.filter(
        deployment=OuterRef("deployment"), metric=OuterRef("metric"), number__gt=OuterRef("number")
    )
    return ProductionAlert.objects.filter(~Exists(newer), deployment__in=list(deployments))


def standing_alerts(deployments: Iterable[Deployment]) -> dict[int, ProductionAlert]:
    """The gravest alert that stands, by the deployment's key."""
    gravity = list(AlertState)
    found = sorted(newest_alerts(deployments), key=lambda row: gravity.index(AlertState(row.state)))
    return {row.deployment_id: row for row in found if row.state != AlertState.NONE}


def tell(component: Component, alert: ProductionAlert, *, at: dt.datetime) -> None:
    """Of a drop, and of its end to those who were told of it."""
    told = ProductionAlert.objects.filter(
        deployment=alert.deployment, metric=alert.metric, state__in=TOLD, number__lt=alert.number
    )
    if alert.state in TOLD or (alert.state == AlertState.NONE and told.exists()):
        people = [component.owner, *outbox.holders("platform")]
        outbox.post(messages.production_alert(component, alert), to=people, at=at)
    if alert.state == AlertState.CONFIRMED:
        facts = {"metric": alert.metric, "value": alert.change["value"], "high": alert.change["ci_high"]}
        record(Event.PRODUCTION_REGRESSED, by=SYSTEM, subject=alert.deployment.version, facts=facts, at=at)


def look_at_news(*, at: dt.datetime) -> None:
    """Every component of which samples came in since the last look."""
    monitors = ProductionMonitor.objects.select_related("component__owner", "component__policy")
    for monitor in monitors.filter(samples__gt=F("samples_looked_at")):
        look(monitor.component, at=at)
