"""The evaluator's queue by API, for other front ends and for our own screen: claim, judge, undo, give back."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from annotation import assignment as assignments
from annotation import judging, presenters, queue
from annotation.answers import Answer
from annotation.blinding import guesses
from annotation.models import Assignment
from annotation.protocols import rules_of
from annotation.protocols.rules import HEADLINES
from annotation.protocols.spans import LONGEST_NOTE
from annotation.queue import NothingToDo
from annotation.rubrics import MOST_POINTS, SEVERITIES
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView

# What the protocol says of a judgment.
SAID = {*HEADLINES, "strength", "answers"}


class NextIn(serializers.Serializer):
    campaign = serializers.UUIDField(required=False)
    prefetch = serializers.BooleanField(default=False)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class PreferenceField(serializers.Field):
    """A number or a word; whether it is an answer here, the act checks."""

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int | str):
            raise serializers.ValidationError("must be a number or a word")
        return data

    def to_representation(self, value):
        return value


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MOST_POINTS})
class RatingField(serializers.JSONField):
    """A point of the rubric's scale."""


@extend_schema_field({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}})
class RankingField(serializers.JSONField):
    """Groups of places, best first; those of a group are tied."""


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["start", "end", "reason"],
            "properties": {
                "start": {"type": "integer", "minimum": 0},
                "end": {"type": "integer", "minimum": 1},
                "reason": {"type": "string"},
                "severity": {"type": "string", "enum": list(SEVERITIES)},
                "note": {"type": "string", "maxLength": LONGEST_NOTE},
            },
        },
    }
)
class SpansField(serializers.JSONField):
    """Ranges of Unicode code points of the response's text; an empty list says that no error was found."""


class AnswerIn(serializers.Serializer):
    """One of preference, rating, ranking and spans, as the rubric's protocol has it; which, the act checks."""

    preference = PreferenceField(allow_null=True, default=None)
    rating = RatingField(allow_null=True, default=None)
    ranking = RankingField(allow_null=True, default=None)
    spans = SpansField(allow_null=True, default=None)
    strength = serializers.IntegerField(required=False, allow_null=True, default=None)
    answers = serializers.DictField(child=PreferenceField(), default=dict)
    rubric_version = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)
    comment = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    active_ms = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)


class JudgmentIn(AnswerIn):
    judgment_id = serializers.UUIDField()


class SkipIn(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class JudgmentOut(serializers.Serializer):
    """What was stored, in the words of the screen: which place was preferred, not which system."""

    judgment_id = serializers.UUIDField(source="public_id")
    assignment = serializers.UUIDField(source="assignment.public_id")
    state = serializers.CharField()
    preference = PreferenceField(required=False)
    rating = RatingField(required=False)
    ranking = RankingField(required=False)
    spans = SpansField(required=False)
    strength = serializers.IntegerField(required=False, allow_null=True)
    answers = serializers.DictField(child=PreferenceField(), required=False)
    comment = serializers.CharField()
    submitted_at = serializers.DateTimeField()

    def to_representation(self, judgment) -> dict:
        stored = super().to_representation(judgment)
        own = {name: value for name, value in stored.items() if name not in SAID}
        return own | rules_of(judgment.campaign.protocol).shown(judgment)


def leased(assignment: Assignment) -> dict:
    return {
        "assignment": str(assignment.public_id),
        "lease_expires_at": assignment.lease_expires_at.isoformat(),
        "judgment_id": str(assignment.judgment_id),
    }


def nothing(found: NothingToDo) -> dict:
    why = {"reason": found.reason, "detail": found.detail, "retry_after_s": found.retry_after_s}
    return why | ({"path": found.path} if found.path else {})


class QueueNext(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=NextIn, responses={200: dict})
    def post(self, request):
        """The assignment on the screen, or the next one; with `prefetch`, one more that is not started."""
        found = queue.claim_next(request.user, at=self.at, **self.shaped(NextIn))
        if isinstance(found, NothingToDo):
            return Response({"assignment": None, **nothing(found)})
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


class GuessIn(serializers.Serializer):
    guess = PreferenceField()


class JudgmentGuess(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=GuessIn, responses={200: dict})
    def post(self, request, judgment_id):
        """Which response is thought to be in production, where the task `asks_guess`: 1, 2 or "unknown"."""
        guesses.give(judgment_id, self.shaped(GuessIn)["guess"], by=request.user, at=self.at)
        return Response({"judgment_id": str(judgment_id)})


class JudgmentUndo(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, judgment_id):
        """Until the next judgment or for a minute: the task is on the screen again, with a new judgment_id."""
        return Response(leased(judging.undo(judgment_id, by=request.user, at=self.at)))
