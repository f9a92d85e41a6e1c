"""Late tasks by API: what is late and who has it, and giving it to somebody else."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import lookup, reassignment
from annotation.api.rubrics import Strict
from evaltrack.accounts import roster
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView


class ReassignIn(Strict):
    """`ordinal`: which of the task's judgments, as the list says it. `holder` and `to` are pseudonyms; `holder` null:
    nobody has it; `to` null: back to the pool."""

    task = serializers.UUIDField()
    ordinal = serializers.IntegerField(min_value=0, max_value=32767)
    holder = serializers.CharField(max_length=12, allow_null=True, default=None)
    to = serializers.CharField(max_length=12, allow_null=True, default=None)


class CampaignLate(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        """The judgments that are late, longest first, up to 25; `total` counts all.

        Once the campaign was warned, also those that soon will be. `could_judge`: whom each can be given to.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        found = reassignment.late(campaign, at=self.at)
        return Response({"total": found.total, "results": [row.as_json() for row in found.rows]})


class CampaignReassign(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=ReassignIn, responses={200: dict})
    @idempotent
    def post(self, request, public_id):
        """Take a missing judgment from its holder, and keep it for somebody or give it back to the pool."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        given = self.shaped(ReassignIn)
        slot = reassignment.reassign(
            campaign.pk,
            lookup.task_named(str(given["task"]), campaign=campaign),
            ordinal=given["ordinal"],
            taken_from=roster.judge_named(given["holder"]) if given["holder"] else None,
            to=roster.evaluator_named(given["to"]) if given["to"] else None,
            by=request.user,
            at=self.at,
        )
        return Response(
            {"task": str(given["task"]), "to": given["to"], "reserved_until": slot.reserved_until}
        )
