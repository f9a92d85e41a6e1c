"""Evaluators by API, for leads and their programs: by pseudonym, with skills, languages and limits."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from evaltrack.accounts import profiles, roster, skills
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.models import Skill
from evaltrack.accounts.profiles import Limit
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged


class SkillIn(serializers.Serializer):
    slug = serializers.CharField(max_length=200)
    label = serializers.CharField(max_length=200)  # type: ignore[assignment]


class GrantIn(serializers.Serializer):
    skill = serializers.CharField(max_length=200)


class LimitIn(serializers.Serializer):
    """What is left out or null is without a limit."""

    judgments_per_day = serializers.IntegerField(default=None, allow_null=True)
    minutes_per_day = serializers.IntegerField(default=None, allow_null=True)


class ConfirmationIn(serializers.Serializer):
    language = serializers.CharField(max_length=200)


def shown(skill: Skill) -> dict:
    return {"slug": skill.slug, "label": skill.label, "created_at": skill.created_at}


class Skills(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,), "POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(operation_id="skills_list", responses={200: dict})
    def get(self, request):
        """The skills that a campaign can ask for."""
        return paged(self, Skill.objects.all(), shown)

    @extend_schema(request=SkillIn, responses={201: dict})
    @idempotent
    def post(self, request):
        """Name a skill; the same one again changes nothing."""
        return Response(shown(skills.create(**self.shaped(SkillIn), by=request.user, at=self.at)), status=201)


class Evaluators(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(operation_id="evaluators_list", responses={200: dict})
    def get(self, request):
        """People who judge, by pseudonym."""
        return paged(self, roster.evaluators(), roster.described)


class Evaluator(ApiView):
    """What the calls on one evaluator share: they answer with how the evaluator stands afterwards."""

    def now(self, pseudonym: str) -> Response:
        return Response(roster.described(roster.evaluator_named(pseudonym)))


class EvaluatorView(Evaluator):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, pseudonym):
        return self.now(pseudonym)


class EvaluatorSkills(Evaluator):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=GrantIn, responses={200: dict})
    def post(self, request, pseudonym):
        """Grant a skill; granting it again changes nothing."""
        evaluator, skill = roster.evaluator_named(pseudonym), skills.named(self.shaped(GrantIn)["skill"])
        skills.grant(evaluator, skill, by=request.user, at=self.at)
        return self.now(pseudonym)


class EvaluatorSkillRevoke(Evaluator):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=GrantIn, responses={200: dict})
    def post(self, request, pseudonym):
        """From their next claim on it does not count; what was judged stays."""
        evaluator, skill = roster.evaluator_named(pseudonym), skills.named(self.shaped(GrantIn)["skill"])
        skills.revoke(evaluator, skill, by=request.user, at=self.at)
        return self.now(pseudonym)


class EvaluatorLimit(Evaluator):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=LimitIn, responses={200: dict})
    def post(self, request, pseudonym):
        """The lead's limit; a wish of the evaluator's own that is lower stays in force."""
        limit = Limit(*(self.shaped(LimitIn)[name] for name in ("judgments_per_day", "minutes_per_day")))
        profiles.set_limit(roster.evaluator_named(pseudonym), limit, by=request.user, at=self.at)
        return self.now(pseudonym)


class EvaluatorLanguages(Evaluator):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=ConfirmationIn, responses={200: dict})
    def post(self, request, pseudonym):
        """Confirm a language that the evaluator has declared."""
        evaluator = roster.evaluator_named(pseudonym)
        profiles.confirm_language(
            evaluator, self.shaped(ConfirmationIn)["language"], by=request.user, at=self.at
        )
        return self.now(pseudonym)
