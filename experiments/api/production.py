"""The production API: what runs there, and how it does."""

import datetime as dt
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from evaltrack import clock
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid, NotFound
from evaltrack.parsers import NdjsonParser, received_lines
from experiments import registry
from experiments.api import serializers as shapes
from experiments.lookup import component_named, experiment_named, live_test_named
from experiments.models import Environment, LiveTest, ProductionMonitor
from experiments.production import effects, intake, livetests, silence, watching


def time_of(written: str) -> dt.datetime | None:
    """The time that a query names; None where there is no such time."""
    try:
        found = parse_datetime(written.replace(" ", "+"))
        return found if found is None or found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None  # well written, like the 30th of February, or at the edge of the calendar


class Production(ApiView):
    permissions = {"GET": (P.VIEW_PROMOTIONS,)}

    @extend_schema(
        parameters=[OpenApiParameter("environment", str), OpenApiParameter("at", str)],
        responses=shapes.ProductionOut,
    )
    def get(self, request, name: str):
        environment = request.query_params.get("environment", Environment.PRODUCTION)
        asked = request.query_params.get("at")
        at = time_of(asked) if asked else clock.now()
        if at is None or at.tzinfo is None:
            raise Invalid("bad_time", "Write `at` in ISO 8601 with a zone, such as 2026-11-22T09:00:00Z.")
        row = registry.running(component_named(name, seen_by=request.user), environment, at=at)
        if row is None:
            raise NotFound("nothing_there", f"Nothing of {name} was in {environment} at that time.")
        return Response(shapes.ProductionOut(row).data)


class ProductionSamples(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}
    parser_classes = (NdjsonParser,)

    @extend_schema(request={"application/x-ndjson": bytes}, responses={201: shapes.SamplesTaken})
    @idempotent
    def post(self, request, name: str):
        """Add answers sampled in production, a line each: all of them or, where a line is bad, none.

        A line has `sampled_at`, and may have `output` (null where there was no answer), `id`, `input`,
        `expected`, `latency_ms`, `input_tokens`, `output_tokens`, and `metrics`: values that were computed outside,
        such as {"accuracy": 1}. A sample whose `id` is known is not counted again.
        """
        component = component_named(name, seen_by=request.user)
        with received_lines(request) as lines:
            new, known = intake.take(component, lines, by=request.user, at=self.at)
        return Response({"new": new, "known": known}, status=201)


class ProductionQuality(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}

    @extend_schema(responses=shapes.QualityOut)
    def get(self, request, name: str):
        """Each metric of what is in production, beside the last deployment; and how old the newest sample is."""
        component = component_named(name, seen_by=request.user)
        monitor = ProductionMonitor.objects.filter(component=component).first()
        return Response(
            {
                "component": component.name,
                "samples": monitor.samples if monitor else 0,
                "newest_sample_at": monitor.newest_sample_at if monitor else None,
                "fresh": silence.is_fresh(monitor, at=self.at),
                "metrics": [
                    {
                        "metric": each.metric.name,
                        "role": each.role,
                        "state": each.state,
                        "text": each.text,
                        "level": each.level.as_json(),
                        "level_before": each.level_before.as_json(),
                        "change": each.change.as_json(),
                        "change_once": each.once.as_json(),
                    }
                    for each in watching.watched(component)
                ],
            }
        )


class LiveTests(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=shapes.LiveTestIn, responses={201: shapes.LiveTestOut})
    @idempotent
    def post(self, request):
        """Begin to compare the candidate of an experiment that passed with its baseline, on live traffic.

        The router then sends samples of both with `arm` ("control" or "treatment") and `unit`, whom it was that
        was assigned; `before` may tell what was measured of the unit earlier, which makes the interval narrower.
        """
        given = self.shaped(shapes.LiveTestIn)
        row = livetests.begin(
            experiment_named(given["experiment"], seen_by=request.user),
            metric=given["metric"],
            treatment_share=given["treatment_share"],
            planned_units=given["planned_units"],
            by=request.user,
            at=self.at,
        )
        return Response(live_test_body(row), status=201)


class LiveTestView(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}

    @extend_schema(responses=shapes.LiveTestOut)
    def get(self, request, public_id: str):
        return Response(live_test_body(live_test_named(public_id, seen_by=request.user)))


class LiveTestEnd(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=shapes.Reason, responses=shapes.LiveTestOut)
    def post(self, request, public_id: str):
        row = live_test_named(public_id, seen_by=request.user)
        reason = self.shaped(shapes.Reason)["reason"]
        ended = livetests.end(row.pk, reason=reason, by=request.user, at=self.at)
        return Response(live_test_body(ended))


def live_test_body(row: LiveTest) -> dict[str, Any]:
    """With what it shows now, or showed when it ended."""
    return {**shapes.LiveTestOut(row).data, "result": effects.result(row)}
