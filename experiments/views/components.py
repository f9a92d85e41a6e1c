"""Pages: what changes, and how each of its experiments did."""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import HttpResponse

from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from evaltrack.templatetags import trends
from evaltrack.templatetags.evaltrack import number
from experiments import gains, trend
from experiments.lookup import component_named
from experiments.models import (
    Component,
    Deployment,
    Environment,
    Experiment,
    ExperimentStatus,
    MetricOutcome,
    ProductionAlert,
    ProductionMonitor,
    PromotionRequest,
    PromotionStatus,
)
from experiments.production import silence, watching
from experiments.views import exports

PAGE_SIZE = 25


@dataclass(frozen=True)
class Listed:
    """A component with all that its row says."""

    component: Component
    deployment: Deployment | None
    gains: list[gains.Gain] | None
    waiting: PromotionRequest | None
    experiment: Experiment | None
    alert: ProductionAlert | None
    silent: bool


@requires(Permission.VIEW_EXPERIMENTS)
def component_list(request: PageRequest) -> HttpResponse:
    search = request.GET.get("search", "").strip()
    of_each = Experiment.objects.filter(component=OuterRef("pk")).order_by("-submitted_at", "-pk")
    components = Component.objects.visible_to(request.user).searched(search).select_related("owner")
    components = components.annotate(newest=Subquery(of_each.values("pk")[:1])).order_by("name")
    rows = Paginator(components, PAGE_SIZE).get_page(request.GET.get("page"))
    newest = Experiment.objects.with_names().in_bulk([row.newest for row in rows if row.newest])
    running = Deployment.objects.filter(
        component__in=list(rows), environment=Environment.PRODUCTION, ended_at=None
    ).select_related("version")
    in_production = {deployment.component_id: deployment for deployment in running}
    asked = PromotionRequest.objects.filter(
        component__in=list(rows), environment=Environment.PRODUCTION, status=PromotionStatus.OPEN
    ).select_related("version")
    waiting = {promotion.component_id: promotion for promotion in asked}
    at = clock.now()
    gained = gains.of_components(list(rows), at=at)
    alerts = watching.standing_alerts(in_production.values())
    sampled = ProductionMonitor.objects.filter(component__in=list(rows), samples__gt=0)
    monitors = {row.component_id: row for row in sampled}
    context = {
        "page": rows,
        "search": search,
        "rows": [
            Listed(
                component=row,
                deployment=in_production.get(row.pk),
                gains=gained.get(row.pk),
                waiting=waiting.get(row.pk),
                experiment=newest.get(row.newest),
                alert=alerts.get(in_production[row.pk].pk) if row.pk in in_production else None,
                silent=row.pk in monitors and not silence.is_fresh(monitors[row.pk], at=at),
            )
            for row in rows
        ],
    }
    return page(request, "experiments/components.html", context, fragment="experiments/_component_rows.html")


@requires(Permission.VIEW_EXPERIMENTS)
def component_detail(request: PageRequest, name: str) -> HttpResponse:
    """`?metric=…&pinned=…&search=…&status=…&outcome=…`: the trend of one metric, and runs to choose from.

    What is pinned is an experiment's candidate, "nothing", or what runs in production.
    """
    component = component_named(name, seen_by=request.user)
    metrics = trend.metrics_of(component)
    metric = request.GET.get("metric") or (metrics[0] if metrics else "")
    steps = trend.of_component(component, metric) if metric else []
    if metric and not steps:
        raise NotFound("no_such_metric", f"No experiment of {component} has the metric {metric!r}.")
    if taken := tables.asked(request, {"trend": lambda: exports.trend(component, metric, steps)}):
        return taken
    search, status = request.GET.get("search", "").strip(), request.GET.get("status", "")
    outcome, named = request.GET.get("outcome", ""), request.GET.get("pinned", "")
    rows = component.experiments.searched(search=search, status=status, outcome=outcome).with_names()
    found = Paginator(rows.order_by("-submitted_at", "-pk"), PAGE_SIZE)
    shown = found.get_page(request.GET.get("page"))
    of_metric = {step.experiment.pk: step for step in trend.of_experiments(list(shown), metric)}
    production = (
        component.deployments.filter(environment=Environment.PRODUCTION, ended_at=None)
        .select_related("version", "promotion")
        .first()
    )
    pin = trend.pinned(component, metric, named, production=production) if steps else None
    if named not in ("", "nothing") and pin is None:
        raise NotFound("no_such_experiment", f"No experiment {named!r} of {component} has {metric!r}.")
    context = {
        "component": component,
        "may_change": request.user.can(Permission.SUBMIT_EXPERIMENTS),
        "production": production,
        "gains": gains.of_components([component], at=clock.now()).get(component.pk),
        "metrics": metrics,
        "metric": metric,
        "steps": steps,
        "picture": picture(steps, pin) if steps else "",
        "pin": pin,
        "pinned": named,
        "best_and_worst": trend.best_and_worst(steps),
        "page": shown,
        "rows": [(experiment, of_metric.get(experiment.pk)) for experiment in shown],
        "search": search,
        "status": status,
        "statuses": ExperimentStatus.choices,
        "outcome": outcome,
        "outcomes": MetricOutcome.values,
        "saved": list(component.saved_comparisons.select_related("saved_by")),
    }
    return page(request, "experiments/component.html", context, fragment="experiments/_component_runs.html")


# What may happen before an experiment, with its name beside the picture.
LANES = {
    "promotion": "Promotion", "dataset": "Dataset", "policy": "Policy", "model": "Model", "prompt": "Prompt",
}  # fmt: skip


def picture(steps: list[trend.Step], pin: trend.Pin | None) -> str:
    kind = steps[0].comparison.kind
    return trends.plot(
        [
            trends.Point(
                value=step.comparison.candidate,
                level=step.comparison.baseline,
                tone=step.tone,
                title=title_of(step),
                mark=step.mark,
                pinned=pin.at(step) if pin else {},
            )
            for step in steps
        ],
        label=lambda value: number(value, kind),
        lanes=[
            trends.Lane(name, titles)
            for kind, name in LANES.items()
            if any(titles := [step.told(kind) for step in steps])
        ],
        pin=pin.name if pin else "",
    )


def title_of(step: trend.Step) -> str:
    row = step.comparison
    value = row.candidate.get("value")
    return ". ".join(
        [
            f"{step.experiment}: {step.experiment.candidate.version} {number(value, row.kind)}, {row.outcome}",
            *map(str, step.events),
        ]
    )
