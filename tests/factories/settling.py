"""Conflicts, and senior evaluators who settle them."""

from typing import Any

from annotation import queue
from annotation.answers import Answer
from annotation.models import Adjudication, Assignment, Campaign, Hearing
from annotation.queue import NothingToDo
from annotation.settling import adjudication, hearings
from annotation.settling.adjudication import Finding
from evaltrack import clock
from evaltrack.accounts import skills
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from tests.conftest import person, signed
from tests.factories import annotation as factory

# Two answers of each protocol that contradict each other, in terms of places, whatever stands in these.
OPPOSITE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pairwise": ({"preference": "tie"}, {"preference": "both_bad"}),
    "rating": ({"rating": 1}, {"rating": 5}),
    "ranking": ({"ranking": [[1, 2, 3]]}, {"ranking": [[1, 2], [3]]}),
    "spans": ({"spans": []}, {"spans": [{"start": 0, "end": 4, "reason": "wrong"}]}),
}


def senior(evaluator: User, *, lead: User) -> User:
    skills.grant(evaluator, skills.named(skills.ADJUDICATION), by=lead, at=clock.now())
    return evaluator


def disagree(campaign: Campaign, one: User, other: User, **more: Any) -> None:
    """Both judge everything, each in a way that contradicts the other."""
    for evaluator, answer in zip((one, other), OPPOSITE[campaign.protocol], strict=True):
        while shown := factory.next_for(evaluator):
            factory.judge(shown, **answer, **more)
    factory.the_minute_passes()


def next_conflict(evaluator: User) -> Hearing | None:
    found = hearings.claim_next(evaluator, at=clock.now())
    return None if isinstance(found, NothingToDo) else found


def why_none(evaluator: User) -> str:
    found = hearings.claim_next(evaluator, at=clock.now())
    assert isinstance(found, NothingToDo)
    return found.reason


def settle(hearing: Hearing, *, cause: str = "mistake", note: str = "", **answer: Any) -> Adjudication:
    given = factory.USUAL[hearing.campaign.protocol] | answer if cause != "broken" else answer
    row, _ = adjudication.settle(
        hearing.public_id,
        answer=Answer(**given),
        finding=Finding(cause, guideline_unclear=bool(note), guideline_note=note),
        by=hearing.adjudicator,
        at=clock.now(),
    )
    return row


def next_conflict_of_others(lead: User, evaluator: User) -> Hearing:
    """A campaign in which two others disagree, and the evaluator, now a senior one, with its first conflict."""
    campaign = factory.stand_alone("pairwise", lead=lead, items=1)
    one, other = (signed(person(f"disputant{number}", Role.EVALUATOR)) for number in (1, 2))
    for somebody, answer in zip((one, other), OPPOSITE["pairwise"], strict=True):
        found = queue.claim_next(somebody, at=clock.now(), campaign=campaign.public_id)
        assert isinstance(found, Assignment)
        factory.judge(found, **answer)
    factory.the_minute_passes()
    found = next_conflict(senior(evaluator, lead=lead))
    assert found is not None
    return found
