"""The time series by API: the points of one metric, and everything as OpenMetrics."""

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation

from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, LatestFirst, paged
from evaltrack.errors import NotFound
from experiments.api import serializers as shapes
from experiments.lookup import component_named
from experiments.models import Component, MetricPoint, PointSource
from experiments.series import openmetrics, reading

RANGE = [
    OpenApiParameter("from", str, description="a day, or a time with its zone"),
    OpenApiParameter("to", str, description="a day, which belongs to it, or a time, which does not"),
    OpenApiParameter("source", str, enum=PointSource.values),
]


class PointsLatestFirst(LatestFirst):
    ordering = reading.LATEST_FIRST


class Points(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}

    @extend_schema(parameters=RANGE, responses=shapes.PointOut(many=True))
    def get(self, request, name: str, metric: str):
        """A metric's points, the latest first."""
        component = component_named(name, seen_by=request.user)
        part = reading.part_of(request.query_params)
        if not MetricPoint.objects.filter(component=component, metric=metric).exists():
            raise NotFound("no_such_metric", f"{component} has no point of the metric {metric!r}.")
        rows = reading.of_component(component, metric, part)
        return paged(self, rows, lambda row: shapes.PointOut(row).data, by=PointsLatestFirst)


class JsonWhateverIsAccepted(BaseContentNegotiation):
    """A scraper accepts OpenMetrics alone; what it is refused is JSON, as everywhere."""

    def select_renderer(self, request, renderers, format_suffix=None):
        first = next(iter(renderers))
        return first, first.media_type

    def select_parser(self, request, parsers):
        return next(iter(parsers))


class OpenMetrics(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}
    content_negotiation_class = JsonWhateverIsAccepted

    @extend_schema(
        parameters=[OpenApiParameter("component", str), OpenApiParameter("metric", str), *RANGE],
        responses={(200, "application/openmetrics-text"): str},
    )
    def get(self, request):
        """Every point with its time, of all components that the caller sees, or of one and one metric."""
        asked = request.query_params
        part, metric = reading.part_of(asked), asked.get("metric", "")
        if name := asked.get("component"):
            components = [component_named(name, seen_by=request.user)]
        else:
            components = list(Component.objects.visible_to(request.user).order_by("pk"))
        lines = openmetrics.exposition(lambda: reading.samples(components, part, metric=metric))
        return StreamingHttpResponse(lines, content_type=openmetrics.CONTENT_TYPE)
