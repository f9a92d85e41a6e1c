"""How well the evaluators of a campaign judge, by API, for leads and their programs."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import lookup
from annotation.models import Pause
from annotation.quality import evaluators, pauses
from evaltrack.accounts import roster
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView


class CampaignEvaluators(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        """Evaluators by pseudonym, who needs a look first, each with figures and `signals`; and `disagreement`: where
        it comes from.

        A signal has its sentence, how often it would be so `by_chance`, and `adjusted`, the share of false ones among
        all evaluators raised as far out. None excludes anybody. Where `is_all` is false, only the latest `most_read`
        judgments were read.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        found = evaluators.of(campaign, at=self.at)
        paused = [shown(row) for row in pauses.of(campaign) if row.is_in_force]
        return Response({"simulated": campaign.is_simulated, **found.as_json(), "paused": paused})


def shown(row: Pause) -> dict:
    return {
        "pause": str(row.public_id),
        "evaluator": row.evaluator.pseudonym,
        "everywhere": row.everywhere,
        "reason": row.reason,
        "paused_at": row.paused_at,
        "ended_at": row.ended_at,
        "appealed_at": row.appealed_at,
        "outcome": row.outcome or None,
    }


class PauseIn(serializers.Serializer):
    """`everywhere`: of all campaigns, not of this one alone."""

    reason = serializers.CharField(max_length=5000)
    everywhere = serializers.BooleanField(default=False)


class CampaignEvaluatorPause(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=PauseIn, responses={201: dict})
    @idempotent
    def post(self, request, public_id, pseudonym):
        """Give an evaluator no further tasks. They are told the reason, and can appeal."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        given = self.shaped(PauseIn)
        row = pauses.pause(roster.judge_named(pseudonym), campaign, **given, by=request.user, at=self.at)
        return Response(shown(row), status=201)


class CampaignEvaluatorResume(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, public_id, pseudonym):
        """End every pause that keeps the campaign's tasks from the evaluator."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        rows = pauses.resume(roster.judge_named(pseudonym), campaign, by=request.user, at=self.at)
        return Response({"ended": [shown(row) for row in rows]})
