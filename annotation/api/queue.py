"""The evaluator's queue by API, for other front ends and for our own screen: claim, judge, undo, give back."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from annotation import assignment as assignments
from annotation import judging, presenters, queue
from annotation.judging import Answer
from annotation.models import Assignment
from annotation.queue import NothingToDo
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView


class NextIn(serializers.Serializer):
    campaign = serializers.UUIDField(required=False)
    prefetch = serializers.BooleanField(default=False)


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
    strength = serializers.IntegerField(required=False, allow_null=True, default=None)
    answers = serializers.DictField(child=PreferenceField(), default=dict)
    comment = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    active_ms = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)


class SkipIn(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class JudgmentOut(serializers.Serializer):
    """What was stored, in the words of the screen: which place was preferred, not which system."""

    judgment_id = serializers.UUIDField(source="public_id")
    assignment = serializers.UUIDField(source="assignment.public_id")
    state = serializers.CharField()
    preference = serializers.SerializerMethodField()
    strength = serializers.IntegerField(allow_null=True)
    answers = serializers.SerializerMethodField()
    comment = serializers.CharField()
    submitted_at = serializers.DateTimeField()

    def get_preference(self, judgment) -> int | str:
        return judging.as_shown(judgment.choice, judgment)

    def get_answers(self, judgment) -> dict:
        return {name: judging.as_shown(choice, judgment) for name, choice in judgment.answers.items()}


def leased(assignment: Assignment) -> dict:
    return {
        "assignment": str(assignment.public_id),
        "lease_expires_at": assignment.lease_expires_at.isoformat(),
        "judgment_id": str(assignment.judgment_id),
    }


class QueueNext(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=NextIn, responses={200: dict})
    def post(self, request):
        """The assignment on the screen, or the next one; with `prefetch`, one more that is not started."""
        found = queue.claim_next(request.user, at=self.at, **self.shaped(NextIn))
        if isinstance(found, NothingToDo):
            return Response(
                {
                    "assignment": None,
                    "reason": found.reason,
                    "detail": found.detail,
                    "retry_after_s": found.retry_after_s,
                    **({"path": found.path} if found.path else {}),
                }
            )
        return Response(presenters.content(found).as_json())


class AssignmentJudgment(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=JudgmentIn, responses={201: JudgmentOut, 200: JudgmentOut})
    def post(self, request, assignment_id):
        given = self.shaped(JudgmentIn)
        judgment_id = given.pop("judgment_id")
        judgment, created = judging.submit(
            assignment_id, judgment_id=judgment_id, answer=Answer(**given), by=request.user, at=self.at
        )
        return Response(JudgmentOut(judgment).data, status=201 if created else 200)


class AssignmentActivate(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, assignment_id):
        """What was fetched ahead is on the screen now; 410 where it was withdrawn meanwhile."""
        return Response(leased(assignments.activate(assignment_id, by=request.user, at=self.at)))


class AssignmentSkip(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=SkipIn, responses={200: dict})
    def post(self, request, assignment_id):
        reason = self.shaped(SkipIn)["reason"]
        row = assignments.give_back(
            assignment_id, by=request.user, state="skipped", at=self.at, skip_reason=reason
        )
        return Response({"assignment": str(row.public_id), "state": row.state})


class AssignmentRelease(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, assignment_id):
        row = assignments.give_back(assignment_id, by=request.user, state="released", at=self.at)
        return Response({"assignment": str(row.public_id), "state": row.state})


class AssignmentHeartbeat(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, assignment_id):
        return Response(leased(assignments.heartbeat(assignment_id, by=request.user, at=self.at)))


class JudgmentUndo(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, judgment_id):
        """Until the next judgment or for a minute: the task is on the screen again, with a new judgment_id."""
        return Response(leased(judging.undo(judgment_id, by=request.user, at=self.at)))
