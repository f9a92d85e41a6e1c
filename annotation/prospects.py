"""What a campaign that is being set up will take: judgments, hours, money, and when it will be done."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from annotation import estimate, pool, querysets, setups
from annotation.estimate import Duration, Judgments
from annotation.models import Campaign, Judgment, JudgmentState, Protocol, Setup
from annotation.onboarding import courses, qualification
from annotation.overlap import Adaptive
from annotation.sla import outlook, rules, sla_policies
from annotation.sla.outlook import Outlook

# The newest judgments by the same protocol say how long one takes.
LOOKED_AT, CAMPAIGNS = 500, 10


@dataclass(frozen=True)
class Prospect:
    """`judges`: how many may judge it now. `outlook`: by the fewest judgments; None where there are no items yet."""

    judgments: Judgments
    each: Duration
    judges: int
    overlap: int
    due_at: dt.datetime
    outlook: Outlook | None
    win_rate: float | None
    kappa: float | None

    @property
    def hours(self) -> float:
        return estimate.hours(self.judgments.fewest, self.each)

    @property
    def most_hours(self) -> float:
        return estimate.hours(self.judgments.most, self.each)

    @property
    def win_rate_points(self) -> float | None:
        return None if self.win_rate is None else 100 * self.win_rate

    @property
    def is_too_few(self) -> bool:
        return self.judges < self.overlap

    def cost(self, rate: Decimal) -> tuple[Decimal, Decimal]:
        """For the fewest judgments and for the most, by what an hour costs."""
        return (
            estimate.cost(self.judgments.fewest, self.each, rate),
            estimate.cost(self.judgments.most, self.each, rate),
        )


def of(setup: Setup, *, at: dt.datetime) -> Prospect:
    """Of a set-up that was described."""
    asked = setups.asked_for(setup)
    rule = asked["overlap"]
    least, most, calibration = (
        (rule.min, rule.max, rule.calibration_share) if isinstance(rule, Adaptive) else (rule, None, 0.0)
    )
    count = estimate.judgments(setup.items, overlap=least, most=most, calibration=calibration)
    skills, language = qualification.checked(asked["skills"], asked["language"])
    people = pool.would_judge(opened_at=at, makers=[setup.begun_by_id], skills=skills, language=language)
    if asked["requires_qualification"]:
        people = pool.qualified(people, courses.named(asked["rubric"]["name"]).pk)
    columns = sla_policies.columns(asked["sla"], asked["priority"], asked["due_at"], at=at)
    is_pairs = setup.protocol == Protocol.PAIRWISE
    return Prospect(
        judgments=count,
        each=estimate.duration(setup.protocol, lately(setup.protocol)),
        judges=people.count(),
        overlap=least,
        due_at=columns["due_at"],
        outlook=outlook.expected(
            people,
            missing=count.fewest,
            overlap=least,
            before=querysets.asking_campaigns(),
            policy=rules.Policy.from_json(columns["sla"].body),
            due_at=columns["due_at"],
            at=at,
        )
        if setup.items
        else None,
        win_rate=estimate.win_rate_half_width(setup.items, least) if setup.items and is_pairs else None,
        kappa=estimate.kappa_half_width(setup.items) if setup.items and is_pairs and least > 1 else None,
    )


def lately(protocol: str) -> list[int]:
    """Milliseconds of active work on the newest judgments of people in the newest campaigns of this protocol."""
    newest = Campaign.objects.filter(protocol=protocol, is_simulated=False).order_by("-pk")
    found: list[int] = []
    for campaign in newest.values_list("pk", flat=True)[:CAMPAIGNS]:
        given = Judgment.objects.filter(
            campaign=campaign, state=JudgmentState.FINAL, active_ms__gt=0, is_repeat=False
        )
        rows = given.order_by("-settled_at").values_list("active_ms", flat=True)
        found += [each for each in rows[: LOOKED_AT - len(found)] if each]
        if len(found) >= LOOKED_AT:
            break
    return found
