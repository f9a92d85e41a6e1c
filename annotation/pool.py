"""Who would be asked: evaluators by what a campaign asks of them and what they have seen."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Value

from annotation import querysets
from annotation.models import Campaign, Qualification
from annotation.models.pause import paused_in
from evaltrack.accounts import profiles
from evaltrack.accounts.models import Skill, SkillGrant, User


def may_judge(campaign: Campaign) -> QuerySet[User]:
    """Evaluators who would be given the campaign's tasks, once they have signed."""
    people = could_judge(campaign).exclude(paused_in(campaign.pk))
    return qualified(people, campaign.course_id) if campaign.course_id else people


def qualified(people: QuerySet[User], course: int) -> QuerySet[User]:
    standing = Qualification.objects.filter(course=course, revoked_at=None)
    return people.filter(Exists(standing.filter(evaluator=OuterRef("pk"))))


def could_judge(campaign: Campaign) -> QuerySet[User]:
    """Those, and whoever had to qualify in the campaign's course first."""
    makers = {campaign.opened_by_id}
    if experiment := campaign.experiment:
        makers |= {experiment.component.owner_id, experiment.submitted_by_id}
        makers |= {experiment.candidate.created_by_id, experiment.baseline.created_by_id}
    return would_judge(
        opened_at=campaign.opened_at,
        makers=[maker for maker in makers if maker],
        skills=[] if campaign.skills_waived_at else campaign.skills.all(),
        language=campaign.language,
    )


def would_judge(
    *, opened_at: Any, makers: Iterable[int], skills: Iterable[Skill], language: str
) -> QuerySet[User]:
    """The same of a campaign that may not be there yet."""
    people = (
        profiles.evaluators()
        .exclude(pk__in=makers)
        .exclude(Exists(querysets.roles_that_saw(opened_at, user=OuterRef("pk"))))
    )
    for skill in skills:
        people = people.filter(
            Exists(SkillGrant.objects.filter(user=OuterRef("pk"), skill=skill, revoked_at=None))
        )
    if language:
        people = people.filter(Exists(querysets.readers_of(Value(language), user=OuterRef("pk"))))
    return people
