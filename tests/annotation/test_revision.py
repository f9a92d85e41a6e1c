"""A rubric that is revised while people judge: nobody's answer is taken for one to a question they have not read."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from annotation import campaigns, judging, presenters, revision
from annotation.agreement import figures
from annotation.answers import Answer
from annotation.jobs import ask_again
from annotation.models import Campaign, Judgment, Slot, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from tests.accounts.callers import bearer, signed_in
from tests.annotation.together import together, wait_until_blocked
from tests.factories import annotation as factory

REASON = "The word helpful was read in two ways."
WORDING = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}


def revise(campaign, lead, *, asks_again=False, **rubric):
    rubric = {**WORDING, **rubric}
    revised = revision.revise(
        campaign.pk, rubric=rubric, asks_again=asks_again, by=lead, reason=REASON, at=clock.now()
    )
    campaign.refresh_from_db()
    return revised


@pytest.fixture
def alone(lead):
    """Three items, two judgments each."""
    return factory.stand_alone("pairwise", lead=lead)


def states(campaign):
    return sorted(campaign.judgments.values_list("state", "rubric__version"))


def test_what_was_judged_says_by_which_version_and_what_comes_is_judged_by_the_next(
    alone, lead, evaluator_one
):
    factory.judge(factory.next_for(evaluator_one), 1)
    revise(alone, lead)
    assert str(alone.rubric) == "helpfulness v2"
    factory.judge(factory.next_for(evaluator_one), 1)
    assert states(alone) == [("final", 1), ("provisional", 2)]
    shown = factory.next_for(evaluator_one)
    assert presenters.content(shown).as_json()["rubric"]["version"] == 2


def test_an_answer_to_the_earlier_question_is_refused_until_its_evaluator_has_seen_the_new_one(
    alone, lead, evaluator_one
):
    shown = factory.next_for(evaluator_one)
    revise(alone, lead)
    for seen in (None, 1):
        with pytest.raises(Conflict) as refused:
            factory.judge(shown, 1, rubric_version=seen)
        assert refused.value.code == "rubric_changed"
    assert not Judgment.objects.exists()
    again = factory.next_for(evaluator_one)
    assert again == shown
    assert factory.judge(again, 1, rubric_version=2).rubric == alone.rubric


def test_the_screen_says_what_changed_to_those_who_knew_the_earlier_one_and_only_once(
    alone, lead, evaluator_one, evaluator_two
):
    factory.judge(factory.next_for(evaluator_one), 1)
    revise(alone, lead)
    shown = factory.next_for(evaluator_one)
    changes = presenters.screen(shown).changes
    assert any(kind == "new" and "solves" in words for kind, words in changes)
    assert any(kind == "gone" and "serve" in words for kind, words in changes)
    assert presenters.screen(factory.next_for(evaluator_two)).changes == []
    factory.judge(shown, 1)
    assert presenters.screen(factory.next_for(evaluator_one)).changes == []


def test_without_scripts_the_task_comes_again_with_what_was_typed(alone, lead, evaluator_one):
    client = signed_in(evaluator_one)
    shown = factory.next_for(evaluator_one)
    revise(alone, lead)
    answer = {
        "preference": "2",
        "comment": "it solves it",
        "judgment_id": shown.judgment_id,
        "rubric_version": 1,
    }
    page = client.post(f"/review/{shown.public_id}/submit/", answer)
    text = page.content.decode()
    assert page.status_code == 422
    assert "Look at what changed" in text
    assert "<ins>" in text
    assert "it solves it" in text
    assert 'name="rubric_version" value="2"' in text
    client.post(f"/review/{shown.public_id}/submit/", answer | {"rubric_version": 2})
    assert Judgment.objects.get().rubric.version == 2


def test_what_was_judged_is_asked_again_and_counts_no_more(alone, lead, both):
    factory.judge_everything(both, lambda shown: 1)
    assert figures.of(alone, at=clock.now()).n_judgments == 6
    revise(alone, lead, asks_again=True)
    assert set(states(alone)) == {("superseded", 1)}
    assert set(alone.slots.values_list("state", "holder")) == {("open", None)}
    assert figures.of(alone, at=clock.now()).n_judgments == 0
    assert Notification.objects.filter(subject__contains="asked again").count() >= len(both)
    with pytest.raises(Refused, match="6 judgments are still missing"):
        campaigns.close(alone.pk, by=lead, at=clock.now())
    assert factory.judge_everything(both, lambda shown: "tie") == 6
    found = figures.of(alone, at=clock.now())
    assert (found.n_judgments, found.counts["tie"]) == (6, 6)
    versions = figures.by_rubric(alone, at=clock.now())
    assert [(row["rubric"], row["n_judgments"]) for row in versions] == [
        ("helpfulness v1", 6),
        ("helpfulness v2", 6),
    ]
    campaigns.close(alone.pk, by=lead, at=clock.now())
    with pytest.raises(Refused, match="closed"):
        revise(alone, lead, question="Another one?")


def test_an_undo_of_what_is_asked_again_is_refused_and_changes_nothing(alone, lead, evaluator_one):
    given = factory.judge(factory.next_for(evaluator_one), 1)
    revise(alone, lead, asks_again=True)
    with pytest.raises(Conflict, match="asked again"):
        judging.undo(given.public_id, by=evaluator_one, at=clock.now())
    assert set(alone.slots.values_list("state", flat=True)) == {"open"}


def test_an_experiment_is_decided_by_one_version_alone(campaign, lead, evaluator_one):
    revise(campaign, lead)  # nobody has judged yet
    factory.judge(factory.next_for(evaluator_one), 1)
    with pytest.raises(Refused) as refused:
        revise(campaign, lead, question="What then?")
    assert refused.value.code == "must_ask_again"
    assert campaign.rubric.version == 2
    revise(campaign, lead, question="What then?", asks_again=True)
    assert states(campaign) == [("superseded", 2)]


def test_of_adaptive_overlap_it_is_asked_anew_how_sure_a_label_is(alone, lead, both):
    Campaign.objects.filter(pk=alone.pk).update(max_overlap=3, confidence=0.6, calibration_share=0)
    factory.judge_everything(both, lambda shown: 1)
    Task.objects.filter(campaign=alone).update(settled_at=clock.now(), certainty=0.99)
    revise(alone, lead, asks_again=True)
    assert set(alone.tasks.values_list("settled_at", "certainty")) == {(None, None)}


def test_a_worker_finds_what_was_stored_while_the_rubric_was_revised(alone, lead, evaluator_one):
    """As a submission that read the campaign before, and ended after."""
    earlier = alone.rubric
    revise(alone, lead, asks_again=True)
    given = factory.judge(factory.next_for(evaluator_one), 1)
    Judgment.objects.filter(pk=given.pk).update(rubric=earlier)
    ask_again()
    ask_again()
    given.refresh_from_db()
    assert given.state == "superseded"
    assert given.settled_at
    assert Slot.objects.get(pk=given.slot_id).state == "open"


@pytest.mark.parametrize(
    ("rubric", "code"),
    [
        ({"question": "Which response would serve the person who asked better?"}, "rubric_unchanged"),
        ({"scale": ["No", "", "Yes"]}, "bad_rubric"),
    ],
)
def test_what_changes_nothing_or_fits_no_pair_is_refused(alone, lead, rubric, code):
    same = {"guidance": alone.rubric.guidance} if code == "rubric_unchanged" else {}
    with pytest.raises((Conflict, Invalid)) as refused:
        revise(alone, lead, **rubric, **same)
    assert refused.value.code == code
    assert alone.rubric.version == 1
    assert alone.revised_at is None


def test_the_ledger_keeps_both_versions_and_the_root_says_by_which_each_was_given(alone, lead, both):
    factory.judge_everything(both, lambda shown: 1)
    before = campaigns.judgments_root(alone)
    revise(alone, lead)
    facts = LedgerEntry.objects.get(event="rubric_revised").facts
    assert (facts["before"], facts["after"]) == ("helpfulness v1", "helpfulness v2")
    assert facts["asks_again"] is False
    root = campaigns.judgments_root(alone)
    assert root != before
    Judgment.objects.filter(pk=alone.judgments.first().pk).update(rubric=alone.rubric)
    assert campaigns.judgments_root(alone) != root


def test_by_api_and_by_page(alone, lead, evaluator_one):
    factory.judge(factory.next_for(evaluator_one), 1)
    api = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    body = {"rubric": WORDING, "reason": REASON, "asks_again": True}
    answered = api.post(
        f"/api/v1/campaigns/{alone.public_id}/rubric",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "once"},
    )
    assert (answered.status_code, answered.json()["rubric"]) == (200, "helpfulness v2")
    client = signed_in(lead)
    url = f"/campaigns/{alone.public_id}/"
    client.post(f"{url}rubric/", {"question": "What now?", "guidance": "Think.", "reason": REASON})
    alone.refresh_from_db()
    assert (alone.rubric.version, alone.rubric.question) == (3, "What now?")
    page = client.get(url).content.decode()
    assert "Did the revision help?" in page
    assert "helpfulness v1" in page


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_no_submission_of_the_same_moment_counts_by_a_version_that_is_asked_again(
    transactional_db, lead, both
):
    """Many submissions and revisions at once; afterwards, and after one pass of the worker, none is left."""
    alone = factory.stand_alone("pairwise", lead=lead, items=8)
    for _ in range(4):
        shown = [factory.next_for(evaluator) for evaluator in both]

        def submit(each):
            at = clock.now() + dt.timedelta(milliseconds=1)
            judging.submit(
                each.public_id,
                judgment_id=each.judgment_id,
                answer=Answer(preference=1),
                by=each.evaluator,
                at=at,
            )

        outcomes = together(
            *(lambda each=each: submit(each) for each in shown if each),
            lambda: revise(alone, lead, asks_again=True, question=f"Which one, {clock.now()}?"),
        )
        assert all(outcome is None or isinstance(outcome, Conflict | Campaign) for outcome in outcomes), (
            outcomes
        )
        ask_again()
        alone.refresh_from_db()
        standing = Judgment.objects.filter(campaign=alone, state__in=["provisional", "final"])
        assert not standing.exclude(rubric=alone.rubric).exists()
        done = alone.slots.filter(state="done").count()
        assert done == standing.count()
        for each in shown:
            revised = factory.next_for(each.evaluator)
            if revised:
                factory.judge(revised, 1, rubric_version=alone.rubric.version)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_revision_waits_for_a_submission_that_has_its_slot(transactional_db, lead, evaluator_one):
    alone = factory.stand_alone("pairwise", lead=lead)
    shown = factory.next_for(evaluator_one)
    factory.judge(shown, 1)
    revised = []

    def revising():
        revised.append(revise(alone, lead, asks_again=True))
        connection.close()

    with transaction.atomic():
        judging.undo(Judgment.objects.get().public_id, by=evaluator_one, at=clock.now())
        other = threading.Thread(target=revising)
        other.start()
        wait_until_blocked()
    other.join(60)
    assert revised
    assert states(alone) == [("undone", 1)]
    assert alone.slots.get(pk=shown.slot_id).state == "held"
