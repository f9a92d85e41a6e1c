"""Evaluators as leads see them: by pseudonym, with what bears on who is given which task."""

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from evaltrack.accounts import agreements, hours, profiles
from evaltrack.accounts.models import AgreementAcceptance, SkillGrant, SpokenLanguage, User
from evaltrack.accounts.roles import Role
from evaltrack.errors import NotFound


def evaluators() -> QuerySet[User, Any]:
    """With all that `described` reads, in as many queries for any number of them."""
    granted = SkillGrant.objects.filter(revoked_at=None).select_related("skill", "granted_by")
    declared = SpokenLanguage.objects.select_related("confirmed_by").order_by("tag")
    signed = AgreementAcceptance.objects.filter(user=OuterRef("pk"), agreement=agreements.in_force())
    return (
        profiles.evaluators()
        .select_related("profile")
        .prefetch_related(
            Prefetch("skill_grants", granted.order_by("skill__label"), to_attr="granted"),
            Prefetch("languages", declared, to_attr="declared"),
        )
        .annotate(signed=Exists(signed))
        .order_by("pseudonym")
    )


def evaluator_named(pseudonym: str) -> Any:
    found = evaluators().filter(pseudonym=pseudonym).first()
    if found is None:
        raise NotFound("no_such_evaluator", f"There is no evaluator {pseudonym!r}.")
    return found


def judge_named(pseudonym: str) -> User:
    """Whoever judges or has judged, also who is no evaluator any more."""
    found = User.objects.filter(pseudonym=pseudonym, role_grants__role=Role.EVALUATOR).first()
    if found is None:
        raise NotFound("no_such_evaluator", f"There is no evaluator {pseudonym!r}.")
    return found


def described(evaluator: Any) -> dict[str, Any]:
    """One of `evaluators()`, for page and API alike. Their name is not in it."""
    profile, limit = profiles.of(evaluator), profiles.limit_of(evaluator)
    return {
        "pseudonym": evaluator.pseudonym,
        "agreement_signed": evaluator.signed,
        "skills": [
            {
                "skill": grant.skill.slug,
                "label": grant.skill.label,
                "granted_by": grant.granted_by and str(grant.granted_by),
                "granted_at": grant.granted_at,
            }
            for grant in evaluator.granted
        ],
        "languages": [
            {
                "language": row.tag,
                "declared_at": row.declared_at,
                "confirmed_by": row.confirmed_by and str(row.confirmed_by),
                "confirmed_at": row.confirmed_at,
            }
            for row in evaluator.declared
        ],
        "time_zone": profile.time_zone,
        "hours": profile.hours,
        "hours_in_words": hours.spoken(profile.hours),
        "judgments_per_day": limit.judgments,
        "minutes_per_day": limit.minutes,
        "set_by_lead": {
            "judgments_per_day": profile.judgments_per_day,
            "minutes_per_day": profile.minutes_per_day,
        },
        "own_wish": {
            "judgments_per_day": profile.own_judgments_per_day,
            "minutes_per_day": profile.own_minutes_per_day,
        },
    }
