"""Undo, exclusion, revision, roles: in whatever order they come, nobody is asked what counts nowhere."""

import pytest

from annotation import assignment, campaigns, judging, overlap, revision
from annotation.agreement import figures
from annotation.models import Campaign, Gold, SlotState
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import stand_alone

REASON = "Nobody here can judge this one."
WORDING = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}


def skip(shown):
    return assignment.give_back(
        shown.public_id, by=shown.evaluator, state="skipped", at=clock.now(), skip_reason="Another reason"
    )


def exclude(task, lead):
    return campaigns.exclude_task(task.pk, by=lead, reason=REASON, at=clock.now())


def test_what_was_said_about_a_task_that_is_excluded_cannot_be_taken_back(lead, evaluator_one, evaluator_two):
    campaign = stand_alone.campaign(lead, items=1, overlap=2)
    skip(factory.next_for(evaluator_two))
    given = factory.judge(factory.next_for(evaluator_one))
    task = campaign.tasks.get()
    exclude(task, lead)
    with pytest.raises(Conflict) as refused:
        judging.undo(given.public_id, by=evaluator_one, at=clock.now())
    assert refused.value.code == "too_late"
    assert not task.slots.filter(state__in=[SlotState.OPEN, SlotState.HELD]).exists()
    with pytest.raises(Conflict):
        exclude(task, lead)
    campaign.refresh_from_db()
    assert campaign.task_count == 0
    assert campaigns.close(campaign.pk, by=lead, at=clock.now()).status == "closed"


def test_what_was_undone_before_is_withdrawn_with_its_task(lead, evaluator_one, evaluator_two):
    campaign = stand_alone.campaign(lead, items=1, overlap=2)
    skip(factory.next_for(evaluator_two))
    given = factory.judge(factory.next_for(evaluator_one))
    judging.undo(given.public_id, by=evaluator_one, at=clock.now())
    exclude(campaign.tasks.get(), lead)
    assert set(campaign.slots.values_list("state", flat=True)) == {SlotState.WITHDRAWN}
    assert factory.next_for(evaluator_one) is None


def test_an_excluded_task_leaves_no_slot_of_adaptive_overlap_behind(lead, db):
    people = [signed(person(f"e{number}", Role.EVALUATOR)) for number in range(5)]
    campaign = stand_alone.campaign(lead, items=1, overlap=overlap.Adaptive(2, 4, 0.95, 0.0))
    for evaluator, preference in zip(people[:2], ("tie", "both_bad"), strict=True):
        factory.judge(factory.next_for(evaluator), preference)
    factory.the_minute_passes()
    judging.settle_old(at=clock.now())
    overlap.extend(campaign.pk, at=clock.now())
    assert campaign.slots.count() == 3
    revision.revise(campaign.pk, rubric=WORDING, asks_again=True, by=lead, reason=REASON, at=clock.now())
    skip(factory.next_for(people[3]))
    exclude(campaign.tasks.get(), lead)
    assert set(campaign.slots.values_list("state", flat=True)) == {SlotState.WITHDRAWN}
    assert factory.next_for(people[4]) is None


@pytest.mark.parametrize("asks_again", [False, True])
def test_a_criterion_that_came_later_is_computed_over_what_was_asked_for_it(
    lead, evaluator_one, evaluator_two, asks_again
):
    scale = ["bad", "", "good"]
    rubric = {"name": "Tone", "question": "How kind?", "guidance": "Kind.", "scale": scale}
    campaign = factory.stand_alone("rating", lead=lead, rubric=rubric)
    for evaluator in (evaluator_one, evaluator_two):
        factory.judge(factory.next_for(evaluator), rating=2)
    factory.the_minute_passes()
    tone = {"id": "tone", "question": "How warm?", "scale": scale}
    revised = {name: rubric[name] for name in ("question", "guidance", "scale")} | {"criteria": [tone]}
    revision.revise(
        campaign.pk, rubric=revised, asks_again=asks_again, by=lead, reason=REASON, at=clock.now()
    )
    client = bearer(lead, Permission.VIEW_CAMPAIGNS)
    found = client.get(f"/api/v1/campaigns/{campaign.public_id}/agreement")
    assert found.status_code == 200
    assert "undefined" in found.json()["by_question"]["tone"]["krippendorff_alpha"]
    assert signed_in(lead).get(campaign.get_absolute_url()).status_code == 200


def test_who_could_see_into_a_campaign_in_another_role_judges_nothing_of_it(lead, admin_person):
    former = signed(person("former", Role.LEAD))
    campaign = stand_alone.campaign(lead, items=1)
    grants.revoke(former.role_grants.get().pk, by=admin_person, at=clock.now())
    grants.grant(former, Role.EVALUATOR, by=None, at=clock.now())
    former = User.objects.get(pk=former.pk)
    assert factory.next_for(former) is None
    page = signed_in(former).post("/queue/next/", follow=True).content.decode()
    assert "you could see into it in another role" in page
    later = stand_alone.campaign(lead, items=1, name="Opened after that")
    assert factory.next_for(former).campaign == later
    assert Campaign.objects.get(pk=campaign.pk).slots.get().state == SlotState.OPEN


def test_gold_whose_answer_was_told_is_not_asked_again(lead, evaluator_one, evaluator_two):
    campaign = stand_alone.campaign(lead, items=2, overlap=2)
    shown = factory.next_for(evaluator_one)
    given = factory.judge(shown, 1)
    other = factory.judge(factory.next_for(evaluator_one), 1)
    Gold.objects.create(task=given.task, choice="first", why="It is right.")
    factory.the_minute_passes()
    Campaign.objects.filter(pk=campaign.pk).update(gold_released_at=clock.now(), gold_released_by=lead)
    revision.revise(campaign.pk, rubric=WORDING, asks_again=True, by=lead, reason=REASON, at=clock.now())
    given.refresh_from_db()
    other.refresh_from_db()
    assert (given.state == "superseded", other.state) == (False, "superseded")
    assert figures.of(campaign, at=clock.now()).n_judgments == 0
