"""Rubrics by API: as a campaign is opened with them, and as they are revised while people judge."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import lookup, revision, rubrics
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView


class Strict(serializers.Serializer):
    """A part of a body; what it does not know is refused, as in the body itself."""

    def to_internal_value(self, data):
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError(
                {str(unknown[0]): [f"is unknown; known are {', '.join(self.fields)}"]}
            )
        return super().to_internal_value(data)


class ScaleField(serializers.ListField):
    """A text for each point from 1 up; those between the ends may be empty."""

    def __init__(self, **options):
        text = serializers.CharField(max_length=200, allow_blank=True)
        fewest, most = rubrics.FEWEST_POINTS, rubrics.MOST_POINTS
        super().__init__(child=text, required=False, min_length=fewest, max_length=most, **options)

    def to_internal_value(self, data):
        scale = super().to_internal_value(data)
        if not (scale[0] and scale[-1]):
            raise serializers.ValidationError("says what its two ends mean, at least")
        return scale


def refuse_repeated_ids(rows):
    if len({row["id"] for row in rows}) < len(rows):
        raise serializers.ValidationError("each needs an id of its own")
    return rows


class CriterionIn(Strict):
    id = serializers.SlugField(max_length=40)
    question = serializers.CharField(max_length=300)
    anchors = serializers.CharField(max_length=2000, default="", allow_blank=True)
    scale = ScaleField()


class ReasonIn(Strict):
    id = serializers.SlugField(max_length=40)
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]
    severity = serializers.ChoiceField(rubrics.SEVERITIES, required=False)


class WorkedExampleIn(Strict):
    prompt = serializers.CharField(max_length=5000)
    responses = serializers.ListField(child=serializers.CharField(max_length=5000))
    answer = serializers.CharField(max_length=300)
    why = serializers.CharField(max_length=2000)
    is_counter_example = serializers.BooleanField(default=False)


class RubricIn(Strict):
    """A rubric as it is to be; where it differs from the newest of its name, it becomes the next version."""

    name = serializers.CharField(max_length=80)
    question = serializers.CharField(max_length=300)
    guidance = serializers.CharField(max_length=20_000)
    strength = serializers.BooleanField(default=False)
    scale = ScaleField()
    criteria: serializers.ListSerializer = serializers.ListSerializer(
        child=CriterionIn(), default=list, max_length=rubrics.MOST_CRITERIA
    )
    reasons: serializers.ListSerializer = serializers.ListSerializer(
        child=ReasonIn(), default=list, max_length=rubrics.MOST_REASONS
    )
    examples: serializers.ListSerializer = serializers.ListSerializer(
        child=WorkedExampleIn(), default=list, max_length=20
    )
    rationale = serializers.ListField(
        child=serializers.ChoiceField(rubrics.RATIONALE_RULES), default=list, max_length=3
    )

    def validate_criteria(self, criteria):
        return refuse_repeated_ids(criteria)

    def validate_reasons(self, reasons):
        return refuse_repeated_ids(reasons)


class RevisedRubricIn(RubricIn):
    """The whole rubric as it is to be from now on. Its name stays."""

    name = None  # type: ignore[assignment]


class RevisionIn(serializers.Serializer):
    rubric = RevisedRubricIn()
    asks_again = serializers.BooleanField(default=False)
    reason = serializers.CharField(max_length=5000)
    answers_notes = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=500)


class CampaignRubric(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=RevisionIn, responses={200: dict})
    @idempotent
    def post(self, request, public_id):
        """Revise the rubric while people judge; with `asks_again`, what they judged before is asked again."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        revised = revision.revise(campaign.pk, **self.shaped(RevisionIn), by=request.user, at=self.at)
        return Response({"id": str(revised.public_id), "rubric": str(revised.rubric)})
