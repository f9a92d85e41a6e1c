"""Who is given which campaign's tasks: skills, languages, and the sentence where there is none."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import assignment, pool
from annotation.models import Assignment
from annotation.onboarding import requirements
from annotation.queue import claim_next
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts import grants, skills
from evaltrack.accounts.models import Skill, User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import people, stand_alone

SLUGS = ["contract-law", "medicine", "poetry"]
TAGS = ["de", "de-CH", "den", "en", "en-GB", "zh-Hant"]


def ask(evaluator):
    return claim_next(User.objects.get(pk=evaluator.pk), at=clock.now())


@pytest.fixture
def other(db):
    return signed(person("other", Role.EVALUATOR))


@pytest.fixture
def known_skills(lead):
    return {slug: people.skill(lead, slug, slug.title()) for slug in SLUGS}


@st.composite
def worlds(draw):
    campaign = st.fixed_dictionaries(
        {
            "skills": st.sets(st.sampled_from(SLUGS), max_size=2),
            "language": st.sampled_from(["", "", "de", "en", "de-CH", "zh"]),
            "slots": st.sampled_from(["free", "free", "held", "none"]),
        }
    )
    return {
        "has": draw(st.sets(st.sampled_from(SLUGS))),
        "reads": draw(st.sets(st.sampled_from(TAGS), max_size=3)),
        "campaigns": draw(st.lists(campaign, min_size=1, max_size=3)),
    }


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds())
def test_a_claim_gives_a_task_if_and_only_if_the_person_qualifies_and_one_is_free(
    lead, evaluator_one, other, known_skills, world
):
    """The database's rule and the pure one say the same, of claims, of who is told, and of the reason."""
    with transaction.atomic():
        for slug in world["has"]:
            skills.grant(evaluator_one, known_skills[slug], by=lead, at=clock.now())
        people.declares(evaluator_one, *world["reads"])
        open_to, waiting_for, closed_to = set(), set(), set()
        for asked in world["campaigns"]:
            row = stand_alone.campaign(
                lead, items=asked["slots"] != "none", skills=asked["skills"], language=asked["language"]
            )
            if asked["slots"] == "held":
                assignment.give(row.slots.get(), other, at=clock.now())
            lacks = requirements.missing(
                skills=asked["skills"], language=asked["language"], has=world["has"], reads=world["reads"]
            )
            assert (evaluator_one in pool.may_judge(row)) == (not lacks)
            if asked["slots"] != "none":
                group = closed_to if lacks else open_to if asked["slots"] == "free" else waiting_for
                group.add(row.pk)
        # The one given to `other` may have ended another one of theirs; what counts is what is free now.
        found = ask(evaluator_one)
        if open_to:
            assert isinstance(found, Assignment)
            assert found.campaign_id in open_to
        else:
            expected = "leased_elsewhere" if waiting_for else "not_qualified" if closed_to else "all_done"
            assert found.reason == expected
        transaction.set_rollback(True)


def test_what_is_missing_is_named_and_whom_to_ask(lead, evaluator_one, known_skills):
    stand_alone.campaign(lead, name="Contracts", skills=["contract-law", "medicine"], language="de-ch")
    skills.grant(evaluator_one, known_skills["medicine"], by=lead, at=clock.now())
    found = ask(evaluator_one)
    assert found.reason == "not_qualified"
    assert found.detail == (
        "What is left, “Contracts”, needs the skill Contract-Law and the language de-CH. "
        "Languages that you read well you add to your profile. "
        "Skills are granted by an evaluation lead: ask lead."
    )
    page = signed_in(evaluator_one).get("/queue/").content.decode()
    assert "Not for you yet: needs the skill Contract-Law and the language de-CH" in page
    people.declares(evaluator_one, "de-CH")
    skills.grant(evaluator_one, known_skills["contract-law"], by=lead, at=clock.now())
    assert isinstance(ask(evaluator_one), Assignment)


def test_a_skill_that_is_revoked_counts_no_more_and_what_is_on_the_screen_is_finished(
    lead, evaluator_one, known_skills
):
    stand_alone.campaign(lead, skills=["poetry"])
    skills.grant(evaluator_one, known_skills["poetry"], by=lead, at=clock.now())
    shown = ask(evaluator_one)
    skills.revoke(evaluator_one, known_skills["poetry"], by=lead, at=clock.now())
    assert factory.judge(shown, 1).state == "provisional"
    assert ask(evaluator_one).reason == "not_qualified"


def test_work_that_one_can_do_comes_before_what_one_cannot(lead, evaluator_one, known_skills):
    stand_alone.campaign(lead, skills=["poetry"])
    easy = stand_alone.campaign(lead, items=1)
    shown = ask(evaluator_one)
    assert shown.campaign == easy
    factory.judge(shown)
    assert ask(evaluator_one).reason == "not_qualified"
    assert claim_next(evaluator_one, at=clock.now(), campaign=easy.public_id).reason == "all_done"


def test_who_is_told_that_tasks_wait_may_judge_them(lead, evaluator_one, other, known_skills, owner):
    """Not who lacks a skill, nor who sees results, nor who opened it, nor a program."""
    grants.grant(owner, Role.EVALUATOR, by=None, at=clock.now())
    machine = User.objects.create(username="program", is_machine=True)
    grants.grant(machine, Role.EVALUATOR, by=None, at=clock.now())
    for able in (other, owner, machine):
        skills.grant(able, known_skills["poetry"], by=lead, at=clock.now())
    stand_alone.campaign(lead, skills=["poetry"])
    told = User.objects.filter(notifications__dedupe_key__startswith="tasks-waiting")
    assert list(told) == [other]


def test_the_lead_is_told_how_many_may_judge_what_is_late(lead, evaluator_one, known_skills):
    row = stand_alone.campaign(lead, skills=["poetry"])
    factory.becomes_due(row)
    escalation.escalate_overdue(at=clock.now())
    message = lead.notifications.get(dedupe_key__startswith="tasks-overdue")
    assert message.body.startswith("Nobody may judge it;")
    assert message.subject == "3 overdue tasks: Answers waits for people"
    page = signed_in(lead).get(row.get_absolute_url()).content.decode()
    assert "0 evaluators with Poetry. Too few for 1 judgment" in page


# ── Opening ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def post(lead):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)

    def opened(**asked):
        body = {"name": "Asked", "protocol": "pairwise", **asked}
        return client, client.post("/api/v1/campaigns", body, content_type="application/json")

    return opened


def test_what_is_asked_is_set_at_the_opening_and_in_the_ledger(post, known_skills, evaluator_one):
    client, answer = post(skills=["poetry", "medicine", "poetry"], language="EN-gb")
    assert answer.status_code == 201, answer.content
    shown = client.get(f"/api/v1/campaigns/{answer.json()['id']}").json()
    assert (shown["skills"], shown["language"], shown["may_judge"]) == (["medicine", "poetry"], "en-GB", 0)
    facts = LedgerEntry.objects.get(event="campaign_opened").content["facts"]
    assert (facts["skills"], facts["language"]) == (["medicine", "poetry"], "en-GB")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"skills": ["alchemy"]}, "skills"),
        ({"skills": "poetry"}, "skills"),
        ({"skills": [7.5, None]}, "skills.1"),
        ({"language": "german"}, "language"),
        ({"language": 7}, "language"),
    ],
)
def test_what_cannot_be_asked_is_located_and_opens_nothing(post, known_skills, asked, field):
    _, answer = post(**asked)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field], answer.content
    assert not LedgerEntry.objects.filter(event="campaign_opened").exists()
    assert Skill.objects.count() == 3
