"""Adjectives for rows of annotation."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from annotation.models import (
    Assignment,
    AssignmentState,
    Campaign,
    Course,
    Hearing,
    Judgment,
    JudgmentImport,
    JudgmentState,
    Qualification,
    Slot,
    SlotState,
    Task,
)
from annotation.models.judgment import STANDING
from annotation.models.pause import kept_from
from annotation.models.task import FIRST_REPEAT
from evaltrack.accounts.models import RoleGrant, SkillGrant, SpokenLanguage, User
from evaltrack.accounts.roles import PERMISSIONS, Permission
from experiments.querysets import owned_or_all

# Campaigns that ask people now: stand-alone ones, and those whose experiment waits for them.
ASKING = Q(is_simulated=False) & (Q(experiment=None) | Q(experiment__status="awaiting_people"))
# Slots that ask for the first time. What somebody is asked for the second time is nobody's debt, and counted nowhere.
FIRST_TIME = Q(ordinal__lt=FIRST_REPEAT)
# Slots that people can judge or are judging: free, or on somebody's screen.
OWED = Q(FIRST_TIME, state__in=[SlotState.OPEN, SlotState.HELD])
# Slots that miss their judgment: those, and what waits for the lead's check.
MISSING = OWED | Q(state=SlotState.REVIEW)
# Whatever is not over yet, what is asked for the second time too.
UNFINISHED = Q(state__in=[SlotState.OPEN, SlotState.HELD, SlotState.REVIEW])
# Assignments that somebody has: on the screen, or fetched ahead. Written as two halves, each of which has a partial
# index: asked with IN, the database reads all that an evaluator has ever been given, at every claim.
HELD = Q(state=AssignmentState.SHOWN) | Q(state=AssignmentState.PREFETCHED)

# Roles in which one sees what the systems are, and how they fare.
SEEING = [
    role
    for role, permissions in PERMISSIONS.items()
    if permissions & {Permission.VIEW_EXPERIMENTS, Permission.VIEW_CAMPAIGNS}
]


def asking_campaigns() -> QuerySet[Campaign]:
    return Campaign.objects.filter(ASKING, status="open")


def count_missing(slots: QuerySet[Slot]) -> int:
    """How many of them miss their judgment: state by state, as each has an index of its own."""
    return sum(
        slots.filter(FIRST_TIME, state=state).count()
        for state in (SlotState.OPEN, SlotState.HELD, SlotState.REVIEW)
    )


def asked_slots(campaign: Campaign) -> QuerySet[Slot]:
    """Those without which the campaign does not close."""
    return Slot.objects.filter(asked_beforehand(), campaign=campaign)


def queued_slots() -> QuerySet[Slot]:
    """Judgments that people still owe."""
    return Slot.objects.filter(OWED, campaign__in=asking_campaigns())


def campaigns_for(evaluator: User | int) -> QuerySet[Campaign]:
    """Campaigns with a free slot that the evaluator may judge, by the due time of the first."""
    free = Slot.objects.filter(campaign=OuterRef("pk"), state=SlotState.OPEN)
    return (
        asking_campaigns()
        .filter(open_to(evaluator))
        .exclude(conflicted_for(evaluator) | kept_from(evaluator))
        .filter(asks_no_more_than(evaluator))
        .annotate(first_due=Subquery(free.order_by("due_at").values("due_at")[:1]))
        .exclude(first_due=None)
        .order_by("first_due", "pk")
    )


def left_for(evaluator: User | int, slots: QuerySet[Slot]) -> QuerySet[Slot]:
    """Those of tasks that `evaluator` does not hold, has neither judged nor skipped, and of which they have not seen
    what others said."""
    return (
        slots.exclude(AskedByRow(involving().filter(task=OuterRef("task"), holder=evaluator)))
        .exclude(AskedByRow(skips().filter(task=OuterRef("task"), evaluator=evaluator)))
        .exclude(AskedByRow(Hearing.objects.filter(task=OuterRef("task"), adjudicator=evaluator)))
    )


def involving() -> QuerySet[Slot]:
    """Slots that keep others of their task from their holder. What was said for the second time does not: where the
    rubric is revised, the first time is asked again, also of who said it."""
    return Slot.objects.filter(FIRST_TIME | Q(state=SlotState.HELD))


def not_kept_from(evaluator: User | int) -> Q:
    """Slots that no lead keeps for somebody else."""
    return Q(reserved_for=None) | Q(reserved_for=evaluator)


class AskedByRow(Exists):
    """EXISTS for the row in hand alone.

    PostgreSQL makes a join of a plain one, and then may read all that an evaluator has ever judged, at every claim.
    An OFFSET, which changes nothing, forbids that.
    """

    template = "EXISTS(%(subquery)s OFFSET 0)"


def conflicted_for(evaluator: User | int) -> Q:
    """Campaigns that compare what `evaluator` owns, made or submitted, or that they could see in another role."""
    return (
        Q(experiment__component__owner=evaluator)
        | Q(experiment__candidate__created_by=evaluator)
        | Q(experiment__baseline__created_by=evaluator)
        | Q(experiment__submitted_by=evaluator)
        | Q(opened_by=evaluator)
        | Q(Exists(roles_that_saw(OuterRef("opened_at"), user=evaluator)))
    )


def roles_that_saw(opened_at: Any, **whose: Any) -> QuerySet[RoleGrant]:
    """Roles with a view of a campaign that were held at any time since it opened."""
    held = Q(revoked_at=None) | Q(revoked_at__gt=opened_at)
    return RoleGrant.objects.filter(held, role__in=SEEING, **whose)


def campaigns_to_settle(evaluator: User | int) -> QuerySet[Campaign]:
    """Campaigns of people whose conflicts `evaluator` may settle: open ones, the first due first, then those that
    are closed, the last one first."""
    return (
        Campaign.objects.filter(ASKING | Q(is_simulated=False, status="closed"))
        .exclude(status="paused")
        .exclude(conflicted_for(evaluator) | kept_from(evaluator))
        .filter(open_to(evaluator))
        .filter(asks_no_more_than(evaluator))
        .order_by(F("closed_at").desc(nulls_first=True), "due_at", "pk")
    )


def asks_no_more_than(evaluator: User | int) -> Q:
    """Campaigns whose skills the evaluator has, and whose language they read. Of sets
    `annotation.onboarding.requirements` says the same; a test holds the two together."""
    had = SkillGrant.objects.filter(skill=OuterRef("skill"), user=evaluator, revoked_at=None)
    lacking = Campaign.skills.through.objects.filter(campaign=OuterRef("pk")).exclude(Exists(had))
    return (Q(skills_waived_at__isnull=False) | ~Q(Exists(lacking))) & Q(
        Q(language="") | Q(Exists(readers_of(OuterRef("language"), user=evaluator)))
    )


def readers_of(language: Any, **whose: Any) -> QuerySet[SpokenLanguage]:
    """Declarations that cover `language`: of itself, or of a variety of it."""
    narrower = Concat(language, Value("-"))
    return SpokenLanguage.objects.filter(Q(tag=language) | Q(tag__startswith=narrower), **whose)


def open_to(evaluator: User | int) -> Q:
    """Campaigns that ask for no qualification, or for one that `evaluator` has."""
    standing = Qualification.objects.filter(course=OuterRef("course"), evaluator=evaluator, revoked_at=None)
    return Q(course=None) | Q(Exists(standing))


def courses_before(campaigns: QuerySet[Campaign], evaluator: User) -> QuerySet[Course]:
    """In which the evaluator would have to qualify, to be given what is owed in `campaigns`."""
    owed = Slot.objects.filter(OWED, campaign=OuterRef("pk"))
    closed = campaigns.exclude(open_to(evaluator)).filter(Exists(owed), course=OuterRef("pk"))
    return Course.objects.filter(Exists(closed)).order_by("rubric_name")


def standing_judgments() -> QuerySet[Judgment]:
    """Neither undone nor surplus."""
    return Judgment.objects.filter(state__in=STANDING)


def outdated_judgments(campaign: Campaign) -> QuerySet[Judgment]:
    """Standing judgments by versions of the rubric of which the lead wants nothing any more; those of tasks that
    were left out count nowhere, and of gold whose answer was told nobody is asked again."""
    below = campaign.asks_again_below or 0
    outdated = standing_judgments().filter(
        campaign=campaign, rubric__version__lt=below, task__excluded_at=None, is_repeat=False
    )
    return outdated.filter(task__gold=None) if campaign.gold_released_at else outdated


def final_judgments(at: dt.datetime, *, or_superseded: bool = False) -> QuerySet[Judgment]:
    """What every figure is made of: what nobody can take back any more, whether or not the sweep has written that
    down, about tasks whose right answer was not known before, and said for the first time."""
    superseded = Q(state=JudgmentState.SUPERSEDED) if or_superseded else Q()
    return Judgment.objects.filter(settled(at) | superseded, task__gold=None, is_repeat=False)


def settled(at: dt.datetime, prefix: str = "") -> Q:
    """Judgments, at `prefix`, that nobody can take back any more."""
    provisional = Q(
        **{f"{prefix}state": JudgmentState.PROVISIONAL, f"{prefix}submitted_at__lte": undo_limit(at)}
    )
    return Q(**{f"{prefix}state": JudgmentState.FINAL}) | provisional


def with_feedback(at: dt.datetime) -> QuerySet[Judgment]:
    """Final judgments on gold of which their evaluators are told: the campaign is closed, or a lead released it."""
    released = Q(campaign__status="closed") | Q(campaign__gold_released_at__isnull=False)
    return Judgment.objects.filter(settled(at), released, task__gold__isnull=False)


def for_statistics(judgments: QuerySet[Judgment]) -> QuerySet[Judgment]:
    """Those that every figure is made of: of each task, those in its first slots, as many as the overlap's minimum.

    Which these are is fixed before anybody judges. Further ones were asked for because of what had been said, and
    would make agreement and preference look better than they are.
    """
    return judgments.filter(slot__ordinal__lt=F("campaign__overlap"))


def asked_beforehand(prefix: str = "") -> Q:
    """Slots that the campaign began with, at `prefix`: not those that adaptive overlap has added."""
    first = Q(**{f"{prefix}ordinal__lt": F(f"{prefix}campaign__overlap")})
    always = Q(**{f"{prefix}task__is_calibration": True, f"{prefix}ordinal__lt": FIRST_REPEAT})
    return first | always


def undecided_tasks() -> QuerySet[Task]:
    """Tasks of adaptive campaigns of which it is not settled yet whether somebody further is asked; gold has its
    answer."""
    return Task.objects.filter(
        settled_at=None,
        is_calibration=False,
        excluded_at=None,
        gold=None,
        campaign__max_overlap__isnull=False,
    )


def tasks_that_may_return(evaluator: User | int, campaigns: QuerySet[Campaign]) -> QuerySet[Task]:
    """Tasks about which `evaluator` may be asked later, as more people may be."""
    last = Slot.objects.filter(task=OuterRef("pk"), ordinal=OuterRef("campaign__max_overlap") - 1)
    return (
        undecided_tasks()
        .filter(~Exists(last), campaign__in=campaigns)
        .exclude(AskedByRow(involving().filter(task=OuterRef("pk"), holder=evaluator)))
        .exclude(AskedByRow(skips().filter(task=OuterRef("pk"), evaluator=evaluator)))
        .exclude(AskedByRow(Hearing.objects.filter(task=OuterRef("pk"), adjudicator=evaluator)))
    )


def undo_limit(at: dt.datetime) -> dt.datetime:
    """What was submitted before this moment cannot be undone at `at`."""
    return at - dt.timedelta(seconds=settings.REVIEW_UNDO_SECONDS)


def campaigns_visible_to(user: User) -> QuerySet[Campaign]:
    return (
        Campaign.objects.filter(owned_or_all(user, "experiment__component__owner"))
        .annotate(has_imports=Exists(JudgmentImport.objects.filter(campaign=OuterRef("pk"))))
        .select_related(
            "experiment__component",
            "rubric",
            "course",
            "sla",
            "closed_by",
            "unblocked_by",
            "gold_released_by",
        )
    )


def held_back(campaign: Campaign) -> QuerySet[Task]:
    """Tasks that wait for the lead's check for text that names a system."""
    waiting = Slot.objects.filter(task=OuterRef("pk"), campaign=campaign, state=SlotState.REVIEW)
    return Task.objects.filter(Exists(waiting), campaign=campaign)


def skips() -> QuerySet[Assignment]:
    """Of tasks that were asked for the first time: whoever skips the second has judged it."""
    return Assignment.objects.filter(state=AssignmentState.SKIPPED, slot__ordinal__lt=FIRST_REPEAT)


def skips_without_judgments(campaign: Campaign) -> QuerySet[Assignment]:
    """Skips of tasks that still miss judgments without which the campaign does not close."""
    owed = Slot.objects.filter(OWED, asked_beforehand(), task=OuterRef("task"))
    return skips().filter(Exists(owed), campaign=campaign).order_by("task__item", "pk")
