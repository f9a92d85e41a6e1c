"""A new agreement stops the next claim, loses nothing, and leads back to the next task."""

from annotation.queue import NothingToDo, claim_next
from evaltrack import clock
from evaltrack.accounts import agreements, grants
from evaltrack.accounts.models import User
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory
from tests.factories.agreements import publish_another


def fresh(user):
    return User.objects.get(pk=user.pk)


def reason_for(evaluator):
    found = claim_next(fresh(evaluator), at=clock.now())
    return found.reason if isinstance(found, NothingToDo) else None


def test_the_next_claim_asks_to_sign_and_what_is_on_the_screen_can_be_finished(campaign, evaluator_one, lead):
    shown = factory.next_for(evaluator_one)
    ahead = claim_next(evaluator_one, at=clock.now(), prefetch=True)
    publish_another(lead)
    evaluator = fresh(evaluator_one)
    assert reason_for(evaluator) == "agreement_unsigned"
    for task in (shown, ahead):
        task.evaluator = evaluator
    judged = factory.judge(shown, 1)
    assert judged.state == "provisional"
    client = signed_in(evaluator)
    client.post(f"/review/{ahead.public_id}/skip/", {"reason": "Another reason"})
    assert reason_for(evaluator) == "agreement_unsigned"
    grants.accept_agreement(evaluator, at=clock.now())
    assert reason_for(evaluator) is None


def test_signing_anew_shows_what_changed_and_goes_on_where_one_was(campaign, evaluator_one, lead):
    shown = factory.next_for(evaluator_one)
    publish_another(lead)
    client = signed_in(evaluator_one)
    form = {"judgment_id": str(shown.judgment_id), "preference": "1"}
    led = client.post(f"/review/{shown.public_id}/submit/", form)
    assert led.url == "/agreement/?next=%2Fqueue%2Fnext%2F"
    assert evaluator_one.judgments.count() == 1
    page = client.get(led.url).content.decode()
    assert "Nothing is kept" in page.partition("<ins>")[2]
    assert "<del>" not in page.partition("What changed")[2].partition('class="changes"')[2]
    digest = agreements.in_force().digest
    onward = client.post("/agreement/", {"digest": digest, "next": "/queue/next/"})
    assert (onward.status_code, onward.url) == (307, "/queue/next/")
    assert client.post(onward.url).url == "/review/"
    assert client.get("/review/").status_code == 200
