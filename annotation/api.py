"""The human evaluation API: the evaluator's queue for other front ends, and campaigns for leads."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from annotation import agreement, judging, lookup, presenters, querysets
from annotation import assignment as assignments
from annotation.assignment import NothingToDo
from annotation.judging import Answer
from annotation.models import Campaign, SlotState
from evaltrack import clock
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged
from evaltrack.errors import NotFound


class NextIn(serializers.Serializer):
    campaign = serializers.UUIDField(required=False)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class PreferenceField(serializers.Field):
    """1, 2, "tie" or "both_bad"; which of them it is, the act checks."""

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int | str):
            raise serializers.ValidationError('must be 1, 2, "tie" or "both_bad"')
        return data


class JudgmentIn(serializers.Serializer):
    judgment_id = serializers.UUIDField()
    preference = PreferenceField()
    comment = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    active_ms = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)


class SkipIn(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class JudgmentOut(serializers.Serializer):
    """What was stored, in the words of the screen: which place was preferred, not which system."""

    judgment_id = serializers.UUIDField(source="public_id")
    assignment = serializers.UUIDField(source="assignment.public_id")
    preference = serializers.SerializerMethodField()
    comment = serializers.CharField()
    submitted_at = serializers.DateTimeField()

    def get_preference(self, judgment) -> int | str:
        if judgment.choice in ("first", "second"):
            return 1 if (judgment.choice == "first") == judgment.first_on_slot_1 else 2
        return judgment.choice


class QueueNext(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=NextIn, responses={200: dict})
    def post(self, request):
        wanted = self.shaped(NextIn).get("campaign")
        campaign = None
        if wanted is not None:
            campaign = Campaign.objects.filter(public_id=wanted).first()
            if campaign is None:
                raise NotFound("no_such_campaign", "There is no such campaign.")
        found = assignments.claim_next(request.user, at=clock.now(), campaign=campaign)
        if isinstance(found, NothingToDo):
            return Response(
                {
                    "assignment": None,
                    "reason": found.reason,
                    "detail": found.detail,
                    "retry_after_s": found.retry_after_s,
                }
            )
        return Response(presenters.screen(found).as_json())


class AssignmentJudgment(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=JudgmentIn, responses={201: JudgmentOut, 200: JudgmentOut})
    def post(self, request, assignment_id):
        given = self.shaped(JudgmentIn)
        judgment_id = given.pop("judgment_id")
        judgment, created = judging.submit(
            assignment_id, judgment_id=judgment_id, answer=Answer(**given), by=request.user, at=clock.now()
        )
        return Response(JudgmentOut(judgment).data, status=201 if created else 200)


class AssignmentSkip(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=SkipIn, responses={200: dict})
    def post(self, request, assignment_id):
        reason = self.shaped(SkipIn)["reason"]
        row = assignments.give_back(
            assignment_id, by=request.user, state="skipped", at=clock.now(), skip_reason=reason
        )
        return Response({"assignment": str(row.public_id), "state": row.state})


class AssignmentRelease(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, assignment_id):
        row = assignments.give_back(assignment_id, by=request.user, state="released", at=clock.now())
        return Response({"assignment": str(row.public_id), "state": row.state})


class AssignmentHeartbeat(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, assignment_id):
        row = assignments.heartbeat(assignment_id, by=request.user, at=clock.now())
        return Response(
            {"assignment": str(row.public_id), "lease_expires_at": row.lease_expires_at.isoformat()}
        )


class Campaigns(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(operation_id="campaigns_list", responses={200: dict})
    def get(self, request):
        return paged(self, querysets.campaigns_visible_to(request.user), summary)


def summary(campaign: Campaign) -> dict:
    return {
        "id": str(campaign.public_id),
        "name": campaign.name,
        "experiment": campaign.experiment.public_id,
        "protocol": campaign.protocol,
        "status": campaign.status,
        "simulated": campaign.is_simulated,
        "overlap": campaign.overlap,
        "due_at": campaign.due_at,
        "opened_at": campaign.opened_at,
        "closed_at": campaign.closed_at,
        "unblocked_by_proxy_at": campaign.unblocked_at,
    }


class CampaignView(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        counted = campaign.tasks.filter(excluded_at=None)
        slots = campaign.slots.filter(task__in=counted)
        return Response(
            summary(campaign)
            | {
                "tasks": counted.count(),
                "excluded": campaign.tasks.exclude(excluded_at=None).count(),
                "judgments_wanted": slots.count(),
                "judgments": slots.filter(state=SlotState.DONE).count(),
            }
        )


class CampaignAgreement(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        """Coefficients between evaluators, who stand here by pseudonym; once closed, what they prefer."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        found = agreement.of(campaign).as_json(name_of=agreement.pseudonym)
        return Response({"simulated": campaign.is_simulated, **found})
