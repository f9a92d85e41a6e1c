"""Acts: name a skill, grant it, revoke it. Skills are a lead's word; languages are the evaluator's own."""

import datetime as dt
import re

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from evaltrack.accounts import profiles
from evaltrack.accounts.models import Skill, SkillGrant, User
from evaltrack.errors import Conflict, Invalid, NotFound, refuse_if
from evaltrack.reasons import encodable

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_SLUG, LONGEST_LABEL = 40, 80
# Whoever has it is a senior evaluator: they settle what others disagree about. It is there from the beginning, and
# granted by a lead like any other.
ADJUDICATION = "adjudication"
BUILT_IN = {ADJUDICATION: "Adjudication"}


def named(slug: str) -> Skill:
    """The skill; one that is built in has no row before it is first granted."""
    # What is no slug is not asked for: not every text can be sent to a database.
    found = Skill.objects.filter(slug=slug).first() if SLUG.fullmatch(slug) else None
    if found is None and slug in BUILT_IN:
        return Skill(slug=slug, label=BUILT_IN[slug])
    if found is None:
        raise NotFound("no_such_skill", f"There is no skill {slug!r}.")
    return found


def grantable() -> list[tuple[str, str]]:
    """Every skill there is, by its label: also those that are built in and that nobody was granted yet."""
    known = dict(Skill.objects.values_list("slug", "label"))
    return sorted((BUILT_IN | known).items(), key=lambda skill: skill[1])


def has(evaluator: User, slug: str) -> bool:
    return evaluator.skill_grants.filter(skill__slug=slug, revoked_at=None).exists()


def holders(slug: str) -> QuerySet[User]:
    """Evaluators who have it now."""
    held = SkillGrant.objects.filter(user=OuterRef("pk"), skill__slug=slug, revoked_at=None)
    return profiles.evaluators().filter(Exists(held))


@transaction.atomic
def create(*, slug: str, label: str, by: User, at: dt.datetime) -> Skill:
    """A new skill; the same one again is the one that is there."""
    refuse_if(profiles.leading(by))
    label = " ".join(label.replace("\x00", "").split())
    fields = {}
    if len(slug) > LONGEST_SLUG or not SLUG.fullmatch(slug):
        fields["slug"] = [
            f"takes up to {LONGEST_SLUG} small letters, digits and hyphens, such as contract-law"
        ]
    if not (1 <= len(label) <= LONGEST_LABEL and encodable(label)):
        fields["label"] = [f"takes 1 to {LONGEST_LABEL} characters, as people read them"]
    if fields:
        place, sentences = next(iter(fields.items()))
        raise Invalid("bad_skill", f"{place} {sentences[0]}", fields)
    try:
        with transaction.atomic():
            return Skill.objects.create(slug=slug, label=label, created_by=by, created_at=at)
    except IntegrityError:
        existing = named(slug)
    if existing.label != label:
        raise Conflict("skill_exists", f"The skill {slug} is there already, as {existing.label!r}.")
    return existing


@transaction.atomic
def grant(evaluator: User, skill: Skill, *, by: User | None, at: dt.datetime) -> SkillGrant:
    """Granting what is granted changes nothing. `by` None: the system, for a test that was passed."""
    if by is not None:
        refuse_if(profiles.leading(by))
    if skill.pk is None:
        skill, _ = Skill.objects.get_or_create(
            slug=skill.slug, defaults={"label": skill.label, "created_at": at}
        )
    try:
        with transaction.atomic():
            return SkillGrant.objects.create(user=evaluator, skill=skill, granted_by=by, granted_at=at)
    except IntegrityError:
        existing = evaluator.skill_grants.filter(skill=skill, revoked_at=None).first()
    if existing is None:
        raise Conflict("not_to_oneself", "Nobody grants a skill to themselves; ask another lead.")
    return existing


@transaction.atomic
def revoke(evaluator: User, skill: Skill, *, by: User, at: dt.datetime) -> SkillGrant:
    """From the next claim on it does not count; what was judged stays."""
    refuse_if(profiles.leading(by))
    held = evaluator.skill_grants.filter(skill__slug=skill.slug, revoked_at=None)
    row = held.first()
    if row is None or not held.filter(pk=row.pk).update(revoked_by=by, revoked_at=at):
        raise Conflict("not_granted", f"The evaluator does not have the skill {skill} (any more).")
    row.refresh_from_db()
    return row
