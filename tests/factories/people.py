"""What evaluators can do and how much they want to, said through the acts."""

from typing import Any

from evaltrack import clock
from evaltrack.accounts import profiles, skills
from evaltrack.accounts.models import Skill, User
from evaltrack.accounts.profiles import Limit

CONTRACT_LAW = ("contract-law", "Contract law")
MEDICINE = ("medicine", "Medicine")


def skill(lead: User, slug: str = "contract-law", label: str = "Contract law") -> Skill:
    return skills.create(slug=slug, label=label, by=lead, at=clock.now())


def declares(evaluator: User, *languages: str, **changes: Any) -> User:
    """The evaluator, read anew, as at their next request."""
    said = {"time_zone": "UTC", "working_hours": {}, "limit": Limit(), "single_keys": True} | changes
    profiles.declare(by=evaluator, at=clock.now(), spoken=languages, **said)
    return User.objects.get(pk=evaluator.pk)


def limited(evaluator: User, lead: User, *, judgments: int | None = None, minutes: int | None = None) -> User:
    profiles.set_limit(evaluator, Limit(judgments, minutes), by=lead, at=clock.now())
    return User.objects.get(pk=evaluator.pk)
