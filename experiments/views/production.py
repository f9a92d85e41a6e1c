"""Pages: what production answers beside the last deployment, and beside what its promotion promised."""

import datetime as dt

from django.http import HttpResponse

from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from evaltrack.templatetags import scatter, trends
from evaltrack.templatetags.evaltrack import number, signed
from experiments.lookup import component_named
from experiments.metrics import REGISTRY
from experiments.metrics.base import Kind
from experiments.models import (
    Component,
    Deployment,
    LiveTest,
    ProductionAlert,
    ProductionMonitor,
    ProductionSample,
)
from experiments.production import calibration, silence, watching, windows
from experiments.production.sums import level
from experiments.production.watching import Watched
from experiments.views import production_exports as exports

DAYS = 30
SAMPLES, ALERTS = 10, 20


@requires(Permission.VIEW_EXPERIMENTS)
def component_production(request: PageRequest, name: str) -> HttpResponse:
    """`?metric=…`: one metric by the day."""
    component, at = component_named(name, seen_by=request.user), clock.now()
    deployments = watching.deployed(component)
    found = watching.watched(component)
    names = [each.metric.name for each in found]
    metric = request.GET.get("metric") or (names[0] if names else "")
    if metric and metric not in names:
        raise NotFound("no_such_metric", f"No sample of {component} has the metric {metric!r}.")
    monitor = ProductionMonitor.objects.filter(component=component).first()
    current = deployments[0] if deployments else None
    days = by_day(deployments, metric, since=(at - dt.timedelta(days=DAYS)).date()) if metric else []
    taken = tables.asked(
        request,
        {
            "watched": lambda: exports.watched(component, found),
            "days": lambda: exports.days(component, metric, days),
        },
    )
    if taken:
        return taken
    context = {
        "component": component,
        "current": current,
        "reference": watching.sampled_before(deployments),
        "monitor": monitor,
        "fresh": silence.is_fresh(monitor, at=at),
        "fresh_share": silence.fresh_share(monitor, at=at) if monitor else None,
        "found": found,
        "metrics": names,
        "metric": metric,
        "days": days[::-1],
        "picture": picture(days, next(each for each in found if each.metric.name == metric)) if days else "",
        "alerts": ProductionAlert.objects.filter(deployment__in=deployments)
        .select_related("deployment__version")
        .order_by("-since", "-pk")[:ALERTS],
        "live_tests": LiveTest.objects.filter(component=component)
        .select_related("experiment__candidate", "experiment__baseline")
        .order_by("-started_at")[:ALERTS],
        "samples": newest_samples(current) if request.user.can(Permission.READ_EXAMPLES) else [],
    }
    return page(request, "experiments/production.html", context)


def by_day(deployments: list[Deployment], metric: str, *, since: dt.date) -> list[dict]:
    by_key = {row.pk: row for row in deployments}
    return [
        {
            "day": day,
            "deployment": by_key[key],
            "level": level(REGISTRY[metric], sums).as_json(),
            "kind": REGISTRY[metric].kind,
        }
        for key, day, sums in windows.by_day(deployments, metric, since=since)
    ]


def picture(days: list[dict], watched: Watched) -> str:
    reference = watched.level_before.as_json()
    return trends.plot(
        [
            trends.Point(
                value=row["level"],
                level=reference,
                tone="flat",
                title=title_of(row),
                mark="promotion" if place and row["deployment"] != days[place - 1]["deployment"] else "",
            )
            for place, row in enumerate(days)
        ],
        label=lambda value: number(value, watched.metric.kind),
    )


def title_of(row: dict) -> str:
    value = number(row["level"].get("value"), row["kind"])
    return f"{row['day']:%d %B}: {value}, {row['deployment'].version.version}"


def newest_samples(current: Deployment | None) -> list[ProductionSample]:
    if current is None:
        return []
    return list(ProductionSample.objects.filter(deployment=current).order_by("-sampled_at")[:SAMPLES])


@requires(Permission.VIEW_PROMOTIONS)
def promises_kept(request: PageRequest) -> HttpResponse:
    """`?metric=…`: what promotions promised by one metric, and what production made of it."""
    components = Component.objects.visible_to(request.user)
    found = calibration.promises(components)
    metrics = sorted({each.metric.name for each in found})
    name = request.GET.get("metric") or (metrics[0] if metrics else "")
    if name and name not in metrics:
        raise NotFound("no_such_metric", f"No promotion that you may see has a promise by {name!r}.")
    shown = [each for each in found if each.metric.name == name]
    if taken := tables.asked(request, {"promises": lambda: exports.promises(name, shown)}):
        return taken
    context = {
        "metrics": metrics,
        "metric": REGISTRY.get(name),
        "shown": shown,
        "picture": scattered(shown) if shown else "",
        "shortfall": calibration.shortfall(shown, REGISTRY[name]) if shown else None,
        "kept": sum(each.kept in ("kept", "more") for each in shown),
        "judged": sum(each.kept != "unknown" for each in shown),
    }
    return page(request, "experiments/promises.html", context)


TONES = {"kept": "good", "more": "good", "less": "bad", "unknown": "flat"}


def scattered(shown: list[calibration.Promise]) -> str:
    kind = shown[0].metric.kind
    return scatter.plot(
        [
            scatter.Spot(
                across=each.promised.as_json(),
                up=each.realised.as_json(),
                tone=TONES[each.kept],
                title=f"{each.deployment.version}: promised {signed(each.promised.value, kind)}, {each.kept}",
            )
            for each in shown
        ],
        label=lambda value: f"{value * 100:+.0f}" if kind == Kind.BINARY else signed(value, kind),
    )
