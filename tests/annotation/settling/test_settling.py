"""A senior evaluator settles what others disagree about: who may, what it changes, and what it does not."""

import pytest
from django.db import IntegrityError, transaction

from annotation import assignment, campaigns, judging, revision
from annotation.agreement import figures
from annotation.models import Adjudication, Campaign, Hearing, Judgment, Task
from annotation.settling import conflicts, hearings
from evaltrack import clock
from evaltrack.accounts import grants, skills
from evaltrack.accounts.models import RoleGrant, User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Gone, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import settling
from tests.factories.agreements import publish_another

WORDING = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_judged_an_item_does_not_settle_it(disputed, both, lead):
    assert settling.why_none(settling.senior(both[0], lead=lead)) == "own_judgment"


def test_whoever_took_their_judgment_back_does_not_settle_it_either(campaign, both, senior):
    """An answer that is undone was an answer: its evaluator has a view of their own."""
    undone = factory.judge(factory.next_for(senior))
    shown = judging.undo(undone.public_id, by=senior, at=clock.now())
    assignment.give_back(shown.public_id, by=senior, state="released", at=clock.now())
    settling.disagree(campaign, *both)
    given = set()
    while hearing := settling.next_conflict(senior):
        given.add(hearing.task_id)
        settling.settle(hearing)
    assert given == set(Task.objects.exclude(pk=undone.task_id).values_list("pk", flat=True))
    assert settling.why_none(senior) == "own_judgment"


def test_an_evaluator_without_the_skill_is_given_none(disputed, evaluator_three):
    assert settling.why_none(evaluator_three) == "not_senior"


def test_the_skill_can_be_taken_away(disputed, senior, lead):
    shown = settling.next_conflict(senior)
    skills.revoke(senior, skills.named("adjudication"), by=lead, at=clock.now())
    with pytest.raises(Refused) as refused:
        settling.settle(shown)
    assert refused.value.code == "not_senior"


def test_a_lead_grants_it_on_the_evaluators_page_and_by_api(disputed, evaluator_three, lead):
    client, page = signed_in(lead), f"/evaluators/{evaluator_three.pseudonym}/"
    assert '<option value="adjudication">Adjudication</option>' in client.get(page).content.decode()
    client.post(f"{page}skills/", {"skill": "adjudication"})
    assert settling.next_conflict(evaluator_three)
    assert '<option value="adjudication">' not in client.get(page).content.decode()
    api = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    for path, has in (("skills/revoke", []), ("skills", ["adjudication"])):
        answer = api.post(f"/api/v1{page}{path}", {"skill": "adjudication"}, content_type="application/json")
        assert [each["skill"] for each in answer.json()["skills"]] == has


def test_what_is_not_granted_cannot_be_revoked(lead, evaluator_three):
    with pytest.raises(Conflict):
        skills.revoke(evaluator_three, skills.named("adjudication"), by=lead, at=clock.now())


def test_nobody_makes_a_senior_evaluator_of_themselves(lead):
    grants.grant(lead, Role.EVALUATOR, by=None, at=clock.now())
    with pytest.raises(Conflict):
        settling.senior(lead, lead=lead)


def test_a_lead_settles_nothing_whatever_skill_they_have(disputed, lead, owner):
    for somebody in (lead, owner):
        assert settling.why_none(somebody) == "not_qualified"


def test_the_agreement_is_signed_first(disputed, senior, lead):
    publish_another(lead)
    assert settling.why_none(User.objects.get(pk=senior.pk)) == "agreement_unsigned"


def test_nobody_settles_what_compares_their_own_models(owner, platform, custodian, both, senior):
    campaign = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    settling.disagree(campaign, *both)
    component = campaign.experiment.component
    component.owner = senior
    component.save()
    assert settling.why_none(senior) == "all_done"


def test_what_a_campaign_asks_of_who_judges_it_is_asked_of_who_settles_it(disputed, senior, lead):
    disputed.skills.add(skills.create(slug="law", label="Law", by=lead, at=clock.now()))
    assert settling.why_none(senior) == "all_done"


def test_somebody_who_could_see_the_systems_at_any_time_settles_nothing(disputed, senior):
    grant = grants.grant(senior, Role.AUDITOR, by=None, at=clock.now())
    RoleGrant.objects.filter(pk=grant.pk).update(revoked_at=clock.now(), revoked_by=senior)
    assert settling.why_none(User.objects.get(pk=senior.pk)) == "all_done"


# ── Claiming ─────────────────────────────────────────────────────────────────────────────────────────


def test_two_adjudicators_are_given_two_conflicts(disputed, senior, lead):
    other = settling.senior(signed(person("fourth", Role.EVALUATOR)), lead=lead)
    first, second = settling.next_conflict(senior), settling.next_conflict(other)
    assert first.task != second.task
    assert settling.next_conflict(senior) == first


def test_what_was_given_back_or_not_settled_in_time_goes_to_another(disputed, senior, lead):
    other = settling.senior(signed(person("fourth", Role.EVALUATOR)), lead=lead)
    first = settling.next_conflict(senior)
    hearings.release(first.public_id, by=senior, at=clock.now())
    again = settling.next_conflict(other)
    assert (again.task, again.places) == (first.task, first.places)
    Hearing.objects.filter(pk=again.pk).update(lease_expires_at=again.claimed_at)
    assert settling.next_conflict(senior).task == first.task
    with pytest.raises(Conflict) as lost:
        hearings.heartbeat(again.public_id, by=other, at=clock.now())
    assert lost.value.code == "hearing_ended"


def test_somebody_elses_hearing_looks_like_none(disputed, senior, both, lead):
    shown = settling.next_conflict(senior)
    settling.senior(both[0], lead=lead)
    for act in (hearings.heartbeat, hearings.release):
        with pytest.raises(Refused) as refused:
            act(shown.public_id, by=both[0], at=clock.now())
        assert refused.value.code == "not_yours"


def test_what_others_said_is_seen_and_so_not_judged_afterwards(disputed, senior, lead):
    """The rubric is revised and everything asked again: the task goes to somebody who has not seen it."""
    seen = settling.next_conflict(senior)
    revise(disputed, lead, asks_again=True)
    given = set()
    while shown := factory.next_for(senior):
        given.add(shown.task_id)
        factory.judge(shown)
    assert given == set(Task.objects.exclude(pk=seen.task_id).values_list("pk", flat=True))


def test_open_campaigns_come_before_closed_ones_and_one_can_be_named(disputed, both, senior, lead):
    campaigns.close(disputed.pk, by=lead, at=clock.now())
    another = factory.stand_alone("pairwise", lead=lead)
    settling.disagree(another, *both)
    first = hearings.claim_next(senior, at=clock.now())
    named = hearings.claim_next(senior, at=clock.now(), campaign=disputed.public_id)
    assert (first.campaign, named.campaign) == (another, disputed)


def test_a_pause_keeps_nobody_from_the_conflicts_of_another_campaign(disputed, both, senior, lead):
    settling.next_conflict(senior)
    campaigns.pause(disputed.pk, by=lead, reason="Something is odd.", at=clock.now())
    another = factory.stand_alone("pairwise", lead=lead)
    settling.disagree(another, *both)
    assert settling.next_conflict(senior).campaign == another


# ── Settling ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_settled_leaves_the_queue_and_enters_the_ledger(disputed, senior):
    shown = settling.next_conflict(senior)
    row = settling.settle(shown, comment="It answers what was asked.", preference=1)
    assert row.choice == ("first" if row.places[0] == "0" else "second")
    assert (row.agreement, row.judgments, row.state) == (0, 2, "standing")
    entry = LedgerEntry.objects.order_by("-index")[0]
    assert entry.event == "task_adjudicated"
    assert b"It answers" not in bytes(entry.canonical)
    assert str(senior.public_id).encode() in bytes(entry.canonical)
    assert settling.next_conflict(senior).task != shown.task


def test_all_is_done_when_everything_is_settled(disputed, senior):
    while shown := settling.next_conflict(senior):
        settling.settle(shown)
    assert Adjudication.objects.count() == 3
    assert settling.why_none(senior) == "all_done"


def test_the_same_hearing_again_answers_with_what_was_stored(disputed, senior):
    shown = settling.next_conflict(senior)
    first = settling.settle(shown, preference=1)
    assert settling.settle(shown, preference=2) == first
    assert LedgerEntry.objects.filter(event="task_adjudicated").count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"cause": "whatever"}, "cause"),
        ({"cause": "guideline"}, "guideline_note"),
        ({"cause": "broken", "preference": 1}, "preference"),
        ({"preference": 7}, "preference"),
        ({"comment": "x" * 5001}, "comment"),
        ({"comment": "\ud800"}, "comment"),
    ],
)
def test_what_is_no_adjudication_is_refused_with_its_field(disputed, senior, given, field):
    shown = settling.next_conflict(senior)
    with pytest.raises(Invalid) as refused:
        settling.settle(shown, **given)
    assert list(refused.value.fields) == [field]
    assert not Adjudication.objects.exists()


def test_an_item_that_is_broken_is_settled_without_an_answer(disputed, senior):
    row = settling.settle(settling.next_conflict(senior), cause="broken", comment="The request is empty.")
    assert (row.choice, row.cause) == (None, "broken")


def test_a_late_answer_counts_while_nobody_else_has_the_conflict(disputed, senior):
    shown = settling.next_conflict(senior)
    Hearing.objects.update(lease_expires_at=shown.claimed_at)
    hearings.expire(at=clock.now())
    assert settling.settle(shown).state == "standing"


def test_an_answer_that_comes_after_somebody_elses_is_kept_and_does_not_count(disputed, senior, lead):
    other = settling.senior(signed(person("fourth", Role.EVALUATOR)), lead=lead)
    late = settling.next_conflict(senior)
    Hearing.objects.update(lease_expires_at=late.claimed_at)
    taken = settling.next_conflict(other)
    assert taken.task == late.task
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            settling.settle(late, preference=1)
        assert refused.value.code == "reassigned"
        settling.settle(taken, preference=2)
    assert sorted(Adjudication.objects.values_list("state", flat=True)) == ["standing", "surplus"]


def test_what_was_kept_and_does_not_count_is_not_settled_by_sending_it_again(disputed, senior, lead):
    """Also where whoever had the conflict meanwhile gave it back."""
    other = settling.senior(signed(person("fourth", Role.EVALUATOR)), lead=lead)
    late = settling.next_conflict(senior)
    Hearing.objects.update(lease_expires_at=late.claimed_at)
    taken = settling.next_conflict(other)
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            settling.settle(late, preference=1)
        assert refused.value.code == "reassigned"
        hearings.release(taken.public_id, by=other, at=clock.now())
    assert Adjudication.objects.get().state == "surplus"


def test_the_database_itself_keeps_a_second_one_from_standing(disputed, senior):
    row = settling.settle(settling.next_conflict(senior))
    hearing = row.hearing
    hearing.pk, hearing.public_id = None, row.public_id
    hearing.save()
    row.pk, row.public_id, row.hearing = None, hearing.public_id, hearing
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


# ── What happens meanwhile ───────────────────────────────────────────────────────────────────────────


def revise(campaign: Campaign, lead: User, **more) -> None:
    asked = {"asks_again": False, "reason": "It was read in two ways."} | more
    revision.revise(campaign.pk, rubric=WORDING, by=lead, at=clock.now(), **asked)


def test_a_rubric_that_is_revised_meanwhile_is_read_first(disputed, senior, lead):
    shown = settling.next_conflict(senior)
    revise(disputed, lead)
    with pytest.raises(Conflict) as refused:
        settling.settle(shown)
    assert refused.value.code == "rubric_changed"
    row = settling.settle(shown, rubric_version=2)
    assert row.rubric.version == 2


def test_what_is_asked_again_is_not_settled(disputed, senior, lead):
    shown = settling.next_conflict(senior)
    revise(disputed, lead, asks_again=True)
    with pytest.raises(Gone):
        settling.settle(shown, rubric_version=2)
    assert settling.why_none(senior) == "all_done"
    assert Hearing.objects.get().state == "withdrawn"


def test_what_was_settled_counts_no_more_once_it_is_asked_again(disputed, senior, lead):
    row = settling.settle(settling.next_conflict(senior))
    revise(disputed, lead, asks_again=True)
    row.refresh_from_db()
    assert row.state == "superseded"
    assert not conflicts.standing(disputed).exists()


def test_an_item_that_is_left_out_is_not_settled(disputed, senior, lead):
    shown = settling.next_conflict(senior)
    Task.objects.filter(pk=shown.task_id).update(
        excluded_by=lead, excluded_at=clock.now(), exclusion_reason="It names a system."
    )
    with pytest.raises(Gone):
        settling.settle(shown)
    assert not Adjudication.objects.exists()


def test_while_a_campaign_is_paused_nothing_of_it_is_settled(disputed, senior, lead):
    shown = settling.next_conflict(senior)
    campaigns.pause(disputed.pk, by=lead, reason="Something is odd.", at=clock.now())
    assert settling.why_none(senior) == "all_done"
    with pytest.raises(Gone):
        settling.settle(shown)
    campaigns.resume(disputed.pk, by=lead, at=clock.now())
    assert settling.next_conflict(senior) == shown
    assert settling.settle(shown).state == "standing"


def test_a_campaign_that_closes_meanwhile_changes_nothing(disputed, senior, lead):
    shown = settling.next_conflict(senior)
    campaigns.close(disputed.pk, by=lead, at=clock.now())
    assert settling.settle(shown).state == "standing"
    assert settling.next_conflict(senior) is not None


# ── What it does not change ──────────────────────────────────────────────────────────────────────────


def test_no_figure_knows_of_what_was_settled(disputed, senior, lead):
    campaigns.close(disputed.pk, by=lead, at=clock.now())
    disputed.refresh_from_db()

    def told():
        return figures.of(disputed, at=clock.now()).as_json(name_of=figures.pseudonym)

    before = told()
    while shown := settling.next_conflict(senior):
        settling.settle(shown, preference=1)
    assert told() == before


def test_the_evidence_of_an_experiment_is_the_same_whatever_was_settled_before(
    owner, platform, custodian, lead, both, senior
):
    """Who chose which conflicts to settle, and for whom, could otherwise move a verdict."""
    campaign = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    settling.disagree(campaign, *both)
    campaigns.settle(campaign, at=clock.now())
    root = campaigns.judgments_root(campaign)
    shown = settling.next_conflict(senior)
    place = factory.sources_of(shown.task).index("candidate")
    settling.settle(shown, preference=shown.places.index(str(place)) + 1)
    assert campaigns.judgments_root(campaign) == root
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    found = figures.of_pairs(campaign, figures.counted(campaign, at=clock.now()))
    assert (found.n_judgments, found.net_preference.value) == (12, 0)


def test_a_claimed_task_of_the_queue_is_not_disturbed(campaign, both, senior, lead):
    """Nothing is in conflict before every judgment that was asked for is in and final."""
    for evaluator, answer in zip(both, ("tie", "both_bad"), strict=True):
        factory.judge(factory.next_for(evaluator), answer)
    assert settling.why_none(senior) == "all_done"
    while shown := factory.next_for(both[0]):
        factory.judge(shown, "tie")
    while shown := factory.next_for(both[1]):
        factory.judge(shown, "both_bad")
    assert Judgment.objects.filter(state="provisional").count() == 2
    first = [settling.next_conflict(senior)]
    assert first[0] is not None
    factory.the_minute_passes()
    assignment.expire_leases(at=clock.now())
    assert len(conflicts.waiting(campaign, at=clock.now())) == 3
