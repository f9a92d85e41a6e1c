"""SLA policies by API, for leads and their programs."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import querysets
from annotation.models import SlaPolicy
from annotation.sla import breaches, outlook, sla_policies
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged


class SlaPolicyIn(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    # Read by `annotation.sla.rules`, which names each bad field.
    policy = serializers.JSONField()


class SlaPolicies(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,), "POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(operation_id="sla_policies_list", responses={200: dict})
    def get(self, request):
        return paged(self, SlaPolicy.objects.all(), summary)

    @extend_schema(request=SlaPolicyIn, responses={201: dict})
    @idempotent
    def post(self, request):
        """Define a policy, or its next version. Campaigns keep the version with which they opened.

        The policy `default` holds for every campaign that names none.
        """
        given = self.shaped(SlaPolicyIn)
        row = sla_policies.define(given["name"], given["policy"], by=request.user, at=self.at)
        return Response(summary(row), status=201)


class QueueWaiting(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request):
        """How many judgments people owe, and how long half and 95 % of them have waited at most."""
        return Response(outlook.waiting(at=self.at))


class PeriodIn(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()

    def validate(self, attrs):
        if attrs["end"] <= attrs["start"]:
            raise serializers.ValidationError({"to": ["is after from"]})
        return attrs


class QueueBreaches(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(
        parameters=[OpenApiParameter("from", str, required=True), OpenApiParameter("to", str, required=True)],
        responses={200: dict},
    )
    def get(self, request):
        """What was due from `from` on and before `to`, and came late or is missing still, by campaign."""
        given = PeriodIn(
            data={"start": request.query_params.get("from"), "end": request.query_params.get("to")}
        )
        given.is_valid(raise_exception=True)
        period = given.validated_data
        rows = breaches.between(
            querysets.campaigns_visible_to(request.user), period["start"], period["end"], at=self.at
        )
        return Response(
            {
                "from": period["start"],
                "to": period["end"],
                "judgments_late": sum(row.late for row in rows),
                "judgments_missing": sum(row.missing for row in rows),
                "campaigns": [row.as_json() for row in rows],
            }
        )


def summary(row: SlaPolicy) -> dict:
    return {
        "name": row.name,
        "version": row.version,
        "policy": row.body,
        "digest": row.digest,
        "created_at": row.created_at,
    }
