"""Pages: one metric of a component over time, by every source."""

from dataclasses import dataclass
from functools import partial

from django.http import HttpResponse

from evaltrack import tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Invalid, NotFound
from evaltrack.htmx import page
from evaltrack.tables import Table, limits, with_limits
from evaltrack.templatetags import timeline
from evaltrack.templatetags.evaltrack import number
from experiments.lookup import component_named
from experiments.metrics import REGISTRY
from experiments.models import Component, MetricPoint, PointSource
from experiments.series import reading
from experiments.series.reading import Part

# So many are drawn of each source, the latest ones.
MOST = 300


@dataclass(frozen=True)
class Shown:
    """What one source says, the latest first."""

    source: PointSource
    points: list[MetricPoint]
    more: bool
    kind: str

    @property
    def named(self) -> str:
        return f"the points of {self.source.label.lower()}"

    def group(self, point: MetricPoint) -> object:
        """What is joined: experiments on one dataset version, days of one deployment, and nothing else."""
        return point.dataset_version_id if self.source == PointSource.AUTOMATED else point.origin

    @property
    def picture(self) -> str:
        return timeline.plot(
            [
                timeline.Spot(
                    at=point.at,
                    statistic=point.statistic,
                    line=point.arm or "level",
                    group=self.group(point),
                    title=title_of(point, self.kind),
                )
                for point in reversed(self.points)
            ],
            label=lambda value: number(value, self.kind),
        )


@requires(Permission.VIEW_EXPERIMENTS)
def component_series(request: PageRequest, name: str) -> HttpResponse:
    """`?metric=…&source=…&from=…&to=…`: one metric over time."""
    component = component_named(name, seen_by=request.user)
    metrics = reading.metrics_of(component.pk)
    metric = request.GET.get("metric") or (metrics[0] if metrics else "")
    if metric and metric not in metrics:
        raise NotFound("no_such_metric", f"{component} has no point of the metric {metric!r}.")
    complaint = ""
    try:
        part = reading.part_of(request.GET)
    except Invalid as error:
        part, complaint = Part(), error.reason
    shown = [] if complaint else of_each_source(component, metric, part)
    each = {str(one.source): partial(table_of, component, metric, [one]) for one in shown}
    if taken := tables.asked(request, {"points": partial(table_of, component, metric, shown), **each}):
        return taken
    context = {
        "component": component,
        "metrics": metrics,
        "metric": metric,
        "sources": PointSource.choices,
        "source": part.source,
        "since": request.GET.get("from", ""),
        "until": request.GET.get("to", ""),
        "complaint": complaint,
        "shown": shown,
        "most": MOST,
    }
    return page(request, "experiments/series.html", context, status=422 if complaint else 200)


def of_each_source(component: Component, metric: str, part: Part) -> list[Shown]:
    kind = REGISTRY[metric].kind if metric in REGISTRY else ""
    found = []
    for source in PointSource:
        if part.source in ("", source):
            own = Part(source, part.since, part.until)
            rows = list(
                reading.of_component(component, metric, own).order_by(*reading.LATEST_FIRST)[: MOST + 1]
            )
            if rows:
                found.append(Shown(source, rows[:MOST], len(rows) > MOST, kind))
    return found


def title_of(point: MetricPoint, kind: str) -> str:
    value = number(point.value, kind)
    arm = f", {point.get_arm_display().lower()}" if point.arm else ""
    return f"{point.at:%d %B %Y}: {value}, {point.version.version}{arm}"


def table_of(component: Component, metric: str, shown: list[Shown]) -> Table:
    return Table(
        f"{component}-{metric}-over-time",
        (
            "at",
            "source",
            "version",
            "arm",
            "dataset",
            "experiment",
            *with_limits("value"),
            "n",
            "method",
            "note",
        ),
        [
            {
                "at": point.at.isoformat(),
                "source": point.source,
                "version": point.version.version,
                "arm": point.arm,
                "dataset": str(point.dataset_version) if point.dataset_version else "",
                "experiment": str(point.experiment) if point.experiment else "",
                **limits("value", point.statistic),
                "n": point.n,
                "method": point.method,
                "note": point.reason,
            }
            for each in shown
            for point in each.points
        ],
        brief=("at", "source", "version", "arm", *with_limits("value"), "n"),
    )
