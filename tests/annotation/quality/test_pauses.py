"""An evaluator whom a lead pauses: given nothing, told why, heard once; and nothing that they judged is lost."""

import json

import pytest
from django.db import IntegrityError, transaction

from annotation import assignment, pool
from annotation.agreement import figures
from annotation.models import Assignment, AssignmentState, Pause, Slot
from annotation.quality import pauses
from annotation.queue import NothingToDo, claim_next
from annotation.settling import hearings
from evaltrack import clock
from evaltrack.accounts import skills
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Gone, Invalid, NotFound, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from tests.accounts.callers import bearer, signed_in
from tests.annotation.together import together
from tests.conftest import person
from tests.factories import annotation as factory

REASON = "Half of the answers came faster than they can be read."
OTHERWISE = "I know these texts by heart, as I wrote them."


@pytest.fixture
def open_campaign(lead):
    return factory.stand_alone("pairwise", lead=lead, items=6)


@pytest.fixture
def other_lead(db):
    return person("other_lead", Role.LEAD)


def pause(evaluator, campaign, by, *, everywhere=False, reason=REASON):
    return pauses.pause(evaluator, campaign, everywhere=everywhere, reason=reason, by=by, at=clock.now())


def resume(evaluator, campaign, by):
    return pauses.resume(evaluator, campaign, by=by, at=clock.now())


def appeal(row, by):
    return pauses.appeal(row.public_id, by=by, reason=OTHERWISE, at=clock.now())


def answer(row, campaign, by, outcome="upheld"):
    return pauses.answer(
        row.public_id, campaign, outcome=outcome, answer="The times are what they are.", by=by, at=clock.now()
    )


def nothing_for(evaluator):
    found = claim_next(evaluator, at=clock.now())
    assert isinstance(found, NothingToDo)
    return found


# ── The queue ────────────────────────────────────────────────────────────────────────────────────────


def test_the_queue_gives_nothing_and_says_why_and_where_to_appeal(open_campaign, lead, both):
    pause(both[0], open_campaign, lead)
    nothing = nothing_for(both[0])
    assert nothing.reason == "paused"
    assert REASON in nothing.detail
    assert nothing.path == "/review/mine/"
    assert factory.next_for(both[1]) is not None


def test_one_campaign_is_not_all_of_them(open_campaign, lead, both):
    other = factory.stand_alone("pairwise", lead=lead, items=2)
    row = pause(both[0], open_campaign, lead)
    assert factory.next_for(both[0]).campaign == other
    resume(both[0], open_campaign, lead)
    pause(both[1], open_campaign, lead, everywhere=True)
    assert nothing_for(both[1]).reason == "paused"
    assert row.is_in_force


def test_after_resuming_the_queue_gives_tasks_again(open_campaign, lead, both):
    pause(both[0], open_campaign, lead, everywhere=True)
    resume(both[0], open_campaign, lead)
    assert factory.next_for(both[0]) is not None
    assert Pause.objects.get().ended_by == lead


def test_who_has_judged_everything_hears_that_and_nothing_of_the_pause(open_campaign, lead, both):
    factory.judge_everything(both)
    pause(both[0], open_campaign, lead)
    assert nothing_for(both[0]).reason == "all_done"


def test_what_is_on_the_screen_stays_theirs_and_counts(open_campaign, lead, both):
    shown = factory.next_for(both[0])
    pause(both[0], open_campaign, lead)
    assignment.heartbeat(shown.public_id, by=both[0], at=clock.now())
    factory.judge(shown, 1)
    factory.the_minute_passes()
    assert figures.of(open_campaign, at=clock.now()).n_judgments == 1


def test_what_was_fetched_ahead_goes_back_and_is_not_shown_any_more(open_campaign, lead, both):
    factory.next_for(both[0])
    ahead = claim_next(both[0], at=clock.now(), prefetch=True)
    pause(both[0], open_campaign, lead)
    ahead.refresh_from_db()
    assert ahead.state == AssignmentState.EXPIRED
    assert Slot.objects.get(pk=ahead.slot_id).state == "open"


def test_what_a_claim_of_the_same_moment_fetched_ahead_is_not_shown_either(open_campaign, lead, both):
    """The claim chose its campaign before the pause was there, and took its slot afterwards."""
    shown = factory.next_for(both[0])
    ahead = claim_next(both[0], at=clock.now(), prefetch=True)
    Pause.objects.create(
        evaluator=both[0], campaign=open_campaign, reason=REASON, paused_by=lead, paused_at=clock.now()
    )
    with pytest.raises(Gone, match="Your own page"):
        assignment.activate(ahead.public_id, by=both[0], at=clock.now())
    factory.judge(shown, 1)
    assert nothing_for(both[0]).reason == "paused"
    assert Assignment.objects.get(pk=ahead.pk).state == AssignmentState.PREFETCHED


def test_paused_people_are_not_counted_among_those_who_may_judge(open_campaign, lead, both):
    before = pool.may_judge(open_campaign).count()
    pause(both[0], open_campaign, lead)
    assert pool.may_judge(open_campaign).count() == before - 1


def test_what_was_judged_stays_counted(open_campaign, lead, both):
    factory.judge_everything(both)
    before = figures.of(open_campaign, at=clock.now()).as_json(name_of=figures.pseudonym)
    pause(both[0], open_campaign, lead, everywhere=True)
    assert figures.of(open_campaign, at=clock.now()).as_json(name_of=figures.pseudonym) == before


# ── Who decides ──────────────────────────────────────────────────────────────────────────────────────


def test_a_lead_pauses_with_a_reason_and_nobody_else_does(open_campaign, lead, both, owner):
    for who in (owner, both[1], both[0]):
        with pytest.raises(Refused):
            pause(both[0], open_campaign, who)
    with pytest.raises(Invalid):
        pause(both[0], open_campaign, lead, reason="bad")
    assert not Pause.objects.exists()


def test_one_pause_at_a_time(open_campaign, lead, both):
    pause(both[0], open_campaign, lead)
    with pytest.raises(Conflict, match="paused already"):
        pause(both[0], open_campaign, lead)
    resume(both[0], open_campaign, lead)
    with pytest.raises(Conflict, match="not paused"):
        resume(both[0], open_campaign, lead)
    pause(both[0], open_campaign, lead)
    assert Pause.objects.count() == 2


def test_the_database_knows_no_pause_without_reason_nor_by_oneself(open_campaign, lead, both):
    given = {"evaluator": both[0], "campaign": open_campaign, "reason": REASON, "paused_by": lead}
    for wrong in ({"reason": ""}, {"paused_by": both[0]}, {"outcome": "lifted"}, {"ended_at": clock.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Pause.objects.create(**given | wrong, paused_at=clock.now())


def test_an_evaluator_appeals_once_and_another_lead_answers(open_campaign, lead, other_lead, both):
    row = pause(both[0], open_campaign, lead)
    with pytest.raises(Refused):
        appeal(row, both[1])
    appeal(row, both[0])
    with pytest.raises(Conflict, match="once is enough"):
        appeal(row, both[0])
    with pytest.raises(Refused, match="another lead"):
        answer(row, open_campaign, lead)
    answer(row, open_campaign, other_lead)
    with pytest.raises(Conflict, match="answered before"):
        answer(row, open_campaign, other_lead)
    assert nothing_for(both[0]).reason == "paused"


def test_lifting_gives_tasks_again(open_campaign, lead, other_lead, both):
    row = pause(both[0], open_campaign, lead)
    appeal(row, both[0])
    answer(row, open_campaign, other_lead, "lifted")
    assert factory.next_for(both[0]) is not None


def test_the_only_lead_answers_too(open_campaign, lead, both):
    row = pause(both[0], open_campaign, lead)
    appeal(row, both[0])
    assert answer(row, open_campaign, lead, "lifted").ended_by == lead


def test_there_is_nothing_to_answer_or_appeal_where_the_pause_has_ended(open_campaign, lead, both):
    row = pause(both[0], open_campaign, lead)
    resume(both[0], open_campaign, lead)
    with pytest.raises(Conflict, match="has ended"):
        appeal(row, both[0])
    with pytest.raises(Conflict, match="no appeal"):
        answer(row, open_campaign, lead)
    other = factory.stand_alone("pairwise", lead=lead)
    with pytest.raises(NotFound):
        answer(row, other, lead)


@pytest.mark.django_db(transaction=True)
def test_two_leads_at_the_same_time_make_one_pause(open_campaign, lead, other_lead, both):
    def paused_by(who):
        def act():
            try:
                pause(both[0], open_campaign, who)
            except Conflict:
                return "conflict"
            return "paused"

        return act

    found = together(paused_by(lead), paused_by(other_lead))
    assert sorted(found) == ["conflict", "paused"]
    assert Pause.objects.count() == 1
    assert Notification.objects.filter(dedupe_key__startswith="evaluator-paused").count() == 1


# ── What is told, and kept ───────────────────────────────────────────────────────────────────────────


def test_the_ledger_has_each_decision_and_no_names(open_campaign, lead, other_lead, both):
    row = pause(both[0], open_campaign, lead)
    appeal(row, both[0])
    answer(row, open_campaign, other_lead)
    resume(both[0], open_campaign, lead)
    entries = LedgerEntry.objects.filter(
        event__in=["evaluator_paused", "pause_appeal_answered", "evaluator_resumed"]
    )
    assert [entry.event for entry in entries.order_by("index")] == [
        "evaluator_paused",
        "pause_appeal_answered",
        "evaluator_resumed",
    ]
    for entry in entries:
        body = bytes(entry.canonical).decode()
        assert str(row.public_id) in body
        for secret in (REASON, OTHERWISE, both[0].username, both[0].pseudonym, other_lead.username):
            assert secret not in body


def test_both_sides_hear_of_it_once(open_campaign, lead, other_lead, both):
    row = pause(both[0], open_campaign, lead)
    appeal(row, both[0])
    answer(row, open_campaign, other_lead, "lifted")
    told = Notification.objects.filter(recipient=both[0]).order_by("pk").values_list("subject", flat=True)
    assert list(told)[-2:] == ["A lead has paused your work", "Your appeal was answered"]
    leads = Notification.objects.filter(dedupe_key=f"pause-appealed:{row.public_id}")
    assert {each.recipient for each in leads} == {lead, other_lead}


def test_pages_from_pause_to_answer(open_campaign, lead, other_lead, both):
    at = f"{open_campaign.get_absolute_url()}evaluators/{both[0].pseudonym}/"
    client, mine = signed_in(lead), signed_in(both[0])
    assert "Pause" in client.get(at).content.decode()
    client.post(f"{at}pause/", {"everywhere": "false", "reason": REASON})
    row = Pause.objects.get()
    own = mine.get("/review/mine/").content.decode()
    assert REASON in own
    assert "By a lead" in own
    mine.post(f"/review/pauses/{row.public_id}/appeal/", {"reason": OTHERWISE})
    assert "Appeal to answer" in client.get(f"{open_campaign.get_absolute_url()}evaluators/").content.decode()
    assert "another lead answers" in client.get(at).content.decode()
    given = {"pause": str(row.public_id), "outcome": "lifted", "reason": "You are right about the texts."}
    signed_in(other_lead).post(f"{at}answer/", given)
    assert "You are right about the texts." in mine.get("/review/mine/").content.decode()
    assert not Pause.objects.filter(ended_at=None).exists()


def test_an_evaluator_sees_no_pause_of_others(open_campaign, lead, both):
    pause(both[0], open_campaign, lead)
    assert REASON not in signed_in(both[1]).get("/review/mine/").content.decode()


def test_by_api(open_campaign, lead, both):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    at = f"/api/v1/campaigns/{open_campaign.public_id}/evaluators"

    def post(what, body):
        path = f"{at}/{both[0].pseudonym}/{what}"
        return client.post(path, json.dumps(body), content_type="application/json")

    made = post("pause", {"reason": REASON, "everywhere": True})
    assert made.status_code == 201
    assert made.json()["everywhere"] is True
    assert post("pause", {"reason": REASON}).status_code in (201, 409)
    assert client.get(at).json()["paused"][0]["evaluator"] == both[0].pseudonym
    assert post("resume", {}).status_code == 200
    assert post("resume", {}).status_code == 409
    assert client.post(f"{at}/E-NOBODY/resume").status_code == 404
    assert factory.next_for(both[0]) is not None


def test_a_senior_evaluator_who_is_paused_hears_that_of_conflicts_too(open_campaign, lead, both):
    skills.grant(both[0], skills.named(skills.ADJUDICATION), by=lead, at=clock.now())
    pause(both[0], open_campaign, lead, everywhere=True)
    found = hearings.claim_next(both[0], at=clock.now())
    assert isinstance(found, NothingToDo)
    assert found.reason == "paused"
