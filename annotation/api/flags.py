"""Text that may name a system, by API: what waits for the lead's check, and decisions about it."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import flags, lookup, querysets
from annotation.blinding import release
from annotation.models import Decision
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged


class DecisionIn(serializers.Serializer):
    """Either one flag by its id, or every undecided one with this text."""

    decision = serializers.ChoiceField(Decision.choices)
    flag = serializers.UUIDField(required=False, default=None, allow_null=True)
    text = serializers.CharField(max_length=400, required=False, default="", allow_blank=True)
    reason = serializers.CharField(max_length=5000, required=False, default="", allow_blank=True)

    def validate(self, given):
        if bool(given["flag"]) == bool(given["text"]):
            raise serializers.ValidationError({"flag": ["give either flag or text"]})
        return given


class CampaignFlags(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,), "POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        """What holds tasks back, newest first, each with the words around it."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        return paged(self, flags.waiting(campaign), lambda flag: flags.shown(flag).as_json())

    @extend_schema(request=DecisionIn, responses={200: dict})
    @idempotent
    def post(self, request, public_id):
        """Accept, redact or exclude. Tasks of which nothing is undecided any more are given to evaluators."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        count = release.decide(campaign.pk, **self.shaped(DecisionIn), by=request.user, at=self.at)
        return Response({"decided": count, "held": querysets.held_back(campaign).count()})
