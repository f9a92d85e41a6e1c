"""Campaigns by API, for leads and their programs: open, add items, progress, agreement."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from annotation import lookup, opening, overlap, pool, querysets
from annotation.agreement import enough, figures, oneself
from annotation.api.imports import ImportOut
from annotation.api.rubrics import RubricIn, Strict
from annotation.blinding import guesses
from annotation.imports import imports_of
from annotation.models import Campaign, Priority, Protocol, SlotState
from annotation.onboarding import qualification
from annotation.repeats import Repeats
from annotation.sla import outlook, standing
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged
from evaltrack.errors import Invalid


class AdaptiveIn(Strict):
    """From `min` to `max` evaluators per item, until its label is as probable as `confidence`."""

    min = serializers.IntegerField(default=2)
    max = serializers.IntegerField()
    confidence = serializers.FloatField(default=0.95)
    calibration_share = serializers.FloatField(default=0.1)

    def to_internal_value(self, data):
        return overlap.Adaptive(**super().to_internal_value(data))


# OpenApi's generator cannot see that the field takes two forms.
@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer"},
            {
                "type": "object",
                "description": AdaptiveIn.__doc__,
                "properties": {
                    "min": {"type": "integer", "default": 2},
                    "max": {"type": "integer"},
                    "confidence": {"type": "number", "default": 0.95},
                    "calibration_share": {"type": "number", "default": 0.1},
                },
                "required": ["max"],
                "additionalProperties": False,
            },
        ],
    }
)
class OverlapIn(serializers.Field):
    """How many evaluators judge each item: a number, or a rule."""

    def to_internal_value(self, data):
        kind = AdaptiveIn() if isinstance(data, dict) else serializers.IntegerField()
        return kind.run_validation(data)


class GuessAboutIn(Strict):
    """Ask on a random share of judgments which response is thought to be in production."""

    share = serializers.FloatField()
    production = serializers.CharField(max_length=200)

    def to_internal_value(self, data):
        return guesses.About(**super().to_internal_value(data))


class RepeatsIn(Strict):
    """Give each evaluator now and then what they have judged before, places exchanged."""

    share = serializers.FloatField()
    after_hours = serializers.IntegerField(default=48)

    def to_internal_value(self, data):
        return Repeats(**super().to_internal_value(data))


class CampaignIn(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    protocol = serializers.ChoiceField(Protocol.choices)
    overlap = OverlapIn(default=2)
    due_at = serializers.DateTimeField(required=False, default=None, allow_null=True)
    sla = serializers.CharField(default="", allow_blank=True, max_length=80)
    priority = serializers.ChoiceField(Priority.choices, default=Priority.NORMAL)
    rubric = RubricIn(required=False, default=None, allow_null=True)
    skills = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=50)
    language = serializers.CharField(default="", allow_blank=True, max_length=35)
    requires_qualification = serializers.BooleanField(default=False)
    guess = GuessAboutIn(required=False, default=None, allow_null=True)
    repeats = RepeatsIn(required=False, default=None, allow_null=True)


class Campaigns(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,), "POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(operation_id="campaigns_list", responses={200: dict})
    def get(self, request):
        return paged(self, querysets.campaigns_visible_to(request.user), summary)

    @extend_schema(request=CampaignIn, responses={201: dict})
    @idempotent
    def post(self, request):
        """Open a stand-alone campaign; its items are added next."""
        given = self.shaped(CampaignIn)
        campaign = opening.open_stand_alone(**given, by=request.user, at=self.at)
        return Response(summary(campaign), status=201)


def summary(campaign: Campaign) -> dict:
    return {
        "id": str(campaign.public_id),
        "name": campaign.name,
        "experiment": campaign.experiment.public_id if campaign.experiment else None,
        "protocol": campaign.protocol,
        "status": campaign.status,
        "simulated": campaign.is_simulated,
        # One that was opened just now has none, and was not found by a query that asks.
        "imported": getattr(campaign, "has_imports", False),
        "rubric": str(campaign.rubric),
        "requires_qualification": campaign.course_id is not None,
        "overlap": overlap_of(campaign),
        "repeats": {"share": campaign.repeat_share, "after_hours": campaign.repeat_after_hours}
        if campaign.repeat_share
        else None,
        "tasks": campaign.task_count,
        "sla": str(campaign.sla) if campaign.sla else None,
        "priority": campaign.priority,
        "due_at": campaign.due_at,
        "opened_at": campaign.opened_at,
        "closed_at": campaign.closed_at,
        "unblocked_by_proxy_at": campaign.unblocked_at,
    }


def overlap_of(campaign: Campaign) -> int | dict:
    """In the form in which it was given."""
    rule = overlap.rule_of(campaign)
    return rule if isinstance(rule, int) else asdict(rule)


class CampaignView(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        found = overlap.progress(campaign)
        counted = campaign.slots.filter(querysets.FIRST_TIME, task__excluded_at=None)
        return Response(
            summary(campaign)
            | qualification.demanded(campaign)
            | {
                "may_judge": pool.may_judge(campaign).count(),
                "excluded": campaign.tasks.exclude(excluded_at=None).count(),
                "judgments_wanted": counted.count(),
                "judgments": counted.filter(state=SlotState.DONE).count(),
                "held_for_check": querysets.held_back(campaign).count(),
                "overlap_rule": overlap.in_words(campaign),
                "adaptive": asdict(found) if found else None,
                "imports": ImportOut(imports_of(campaign), many=True).data,
                "late": outlook.late(campaign, at=self.at),
                "forecast": outlook.of(campaign, at=self.at).as_json(),
            }
        )


class CampaignAgreement(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(
        parameters=[OpenApiParameter("pairs_from", int, description="How many pairs to pass over.")],
        responses={200: dict},
    )
    def get(self, request, public_id):
        """Coefficients between evaluators, who stand here by pseudonym; once closed, what they prefer.

        `inter` compares different people and `intra` each with themselves, with intervals for this one look: where
        people are asked twice, over the latest of what came again (`n_repeats`); `any_time` has intervals that hold
        however often somebody looks. `pairs` has up to 50 of the `n_pairs` pairs, those with most items in common
        first; `pairs_from` goes on from there. `parts` has a row for each criterion and each named stratum; of more
        than 30 strata none (`too_many_strata`). Of more than 2,000 ratings, rankings or marked spans a worker reads
        the figures, and `counted_at` says when.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        start = pairs_from(request.query_params.get("pairs_from", "0"))
        shown = figures.of(campaign, at=self.at)
        found = shown.as_json(name_of=figures.pseudonym, pairs_from=start)
        foreseen = enough.of(campaign, shown, standing.of(campaign, at=self.at).outlook, at=self.at)
        guessed = guesses.of(campaign, at=self.at)
        more: dict = {
            "by_rubric": figures.by_rubric(campaign, at=self.at),
            "blinding": guessed.as_json() if guessed else None,
            "enough": foreseen.as_json() if foreseen else None,
        }
        if own := oneself.of(campaign, at=self.at):
            more |= {"intra": own.as_json(), "n_repeats": own.n}
        return Response({"simulated": campaign.is_simulated, **found, **more})


def pairs_from(given: str) -> int:
    if not given.isdecimal() or len(given) > 7:
        sentence = "is a whole number from 0"
        raise Invalid("bad_pairs_from", f"pairs_from {sentence}.", {"pairs_from": [sentence]})
    return int(given)


class CampaignPreferences(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "criterion", str, description="What was answered to it, not to the main question."
            ),
            OpenApiParameter("stratum", str, description="What was said of its items."),
        ],
        responses={200: dict},
    )
    def get(self, request, public_id):
        """How strong each system is, best first, once nobody is asked any more; and how much standing first helps.

        `rating` is the natural-log strength by Davidson's model, summing to 0, with an interval by item; ranks run
        from `rank_low`, the best that the votes leave open, to `rank_high`. `net_preference` goes from -1 to 1; a tie
        and "both bad" count 0. By `criterion` and by `stratum` it is told once nobody is asked any more, else 409.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        asked = {name: request.query_params.get(name, "") for name in ("criterion", "stratum")}
        found = figures.preferences(campaign, **asked, at=self.at)
        return Response({"simulated": campaign.is_simulated, **found})
