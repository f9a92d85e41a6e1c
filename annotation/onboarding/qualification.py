"""Who may judge a campaign, and what somebody lacks for it, in words."""

from collections.abc import Iterable
from typing import Any

from annotation import pool
from annotation.models import Campaign
from annotation.onboarding.requirements import Missing, missing
from evaltrack.accounts import languages
from evaltrack.accounts.models import Skill, User
from evaltrack.accounts.skills import SLUG
from evaltrack.errors import Invalid
from evaltrack.notifications import outbox

MOST_SKILLS = 10


def checked(skills: Iterable[str], language: str) -> tuple[list[Skill], str]:
    """What a campaign asks for, as rows and in the usual spelling, or Invalid at its place."""
    slugs = sorted(set(skills))
    asked_for = Skill.objects.filter(slug__in=[slug for slug in slugs if SLUG.fullmatch(slug)])
    found = {skill.slug: skill for skill in asked_for}
    fields = {}
    if unknown := [slug for slug in slugs if slug not in found]:
        fields["skills"] = [
            f"names {unknown[0]!r}, which is no skill; a lead makes skills on the evaluators' page"
        ]
    elif len(slugs) > MOST_SKILLS:
        fields["skills"] = [f"asks for more than {MOST_SKILLS} skills"]
    tag = languages.canonical(language) if language else ""
    if tag is None:
        fields["language"] = ["is no language tag; they look like de, en-GB or zh-Hant"]
    if fields:
        place, sentences = next(iter(fields.items()))
        raise Invalid("bad_requirement", f"{place} {sentences[0]}", fields)
    return [found[slug] for slug in slugs], tag or ""


def missing_of(evaluator: User, campaigns: Iterable[Campaign]) -> dict[int, Missing]:
    """What the evaluator lacks, by campaign; their skills are prefetched."""
    has = set(evaluator.skill_grants.filter(revoked_at=None).values_list("skill__slug", flat=True))
    reads = set(evaluator.languages.values_list("tag", flat=True))
    return {
        campaign.pk: missing(
            skills=[] if campaign.skills_waived_at else [skill.slug for skill in campaign.skills.all()],
            language=campaign.language,
            has=has,
            reads=reads,
        )
        for campaign in campaigns
    }


def sentence(evaluator: User, campaign: Campaign) -> str:
    """Why the evaluator is not given the campaign's tasks, and what to do about it."""
    lacks = missing_of(evaluator, [campaign])[campaign.pk]
    return f"What is left, “{campaign.name}”, needs {in_words(campaign, lacks)}. {how_to_mend(lacks)}"


def in_words(campaign: Campaign, lacks: Missing) -> str:
    """What is lacking, as people name it."""
    labels = [skill.label for skill in campaign.skills.all() if skill.slug in lacks.skills]
    parts = [f"the skill{'' if len(labels) == 1 else 's'} {' and '.join(labels)}"] if labels else []
    if lacks.language:
        parts.append(f"the language {lacks.language}")
    return " and ".join(parts)


def how_to_mend(lacks: Missing) -> str:
    """Whom to ask, or where to say it."""
    sentences = []
    if lacks.language:
        sentences.append("Languages that you read well you add to your profile.")
    if lacks.skills:
        leads = [str(lead) for lead in outbox.holders("lead")[:3]]
        sentences.append(f"Skills are granted by an evaluation lead{asked(leads)}.")
    return " ".join(sentences)


def asked(leads: list[str]) -> str:
    return f": ask {' or '.join(leads)}" if leads else ""


def judges_of(campaign: Campaign) -> list[User]:
    """Those to tell that tasks wait: also who has to qualify first, as the queue leads to the course."""
    return list(pool.could_judge(campaign))


def demanded(campaign: Campaign) -> dict[str, Any]:
    """What the campaign asks for, as API and ledger write it."""
    return {
        "skills": sorted(campaign.skills.values_list("slug", flat=True)),
        "language": campaign.language or None,
    }
