"""Whether the blinding holds: guesses on a random share, asked after the answer and counted nowhere else."""

import uuid

import pytest

from annotation import campaigns, judging, opening, presenters
from annotation.agreement import figures
from annotation.blinding import guesses
from annotation.models import Campaign, Guess, Slot
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Gone, Invalid, Refused
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

PRODUCTION = "zz-secret-a"


def asking(lead, *, share=1.0, items=6, protocol="pairwise"):
    campaign = opening.open_stand_alone(
        name="Answers about returns",
        protocol=protocol,
        overlap=2,
        due_at=None,
        guess=guesses.About(share, PRODUCTION),
        by=lead,
        at=clock.now(),
    )
    factory.add_answers(campaign, "ab", lead=lead, items=items)
    return campaign


def place_of_production(shown) -> int:
    """Where on the screen the system in production stands."""
    ordinal = factory.sources_of(shown.task).index(PRODUCTION)
    return shown.slot.places.index(str(ordinal)) + 1


def guess(judgment, what):
    return guesses.give(judgment.public_id, what, by=judgment.evaluator, at=clock.now())


def test_the_index_tells_who_knows_from_who_does_not(lead, evaluator_one, evaluator_two):
    campaign = asking(lead)
    while shown := factory.next_for(evaluator_one):
        guess(factory.judge(shown, "tie"), place_of_production(shown))
    while shown := factory.next_for(evaluator_two):
        guess(factory.judge(shown, "tie"), "unknown")
    factory.the_minute_passes()
    found = guesses.of(campaign, at=clock.now())
    assert (found.right, found.wrong, found.unknown) == (6, 0, 6)
    assert found.index.value == pytest.approx(0.5)
    rows = {row["evaluator"]: row["right"] for row in found.rows}
    assert rows == {evaluator_one.pseudonym: 6, evaluator_two.pseudonym: 0}
    assert figures.of(campaign, at=clock.now()).n_judgments == 12


def test_wrong_is_the_other_one_and_what_was_undone_says_nothing(lead, evaluator_one):
    campaign = asking(lead)
    shown = factory.next_for(evaluator_one)
    given = factory.judge(shown, "tie")
    guess(given, 3 - place_of_production(shown))
    assert guesses.of(campaign, at=clock.now()).counts == {}
    judging.undo(given.public_id, by=evaluator_one, at=clock.now())
    again = factory.judge(factory.next_for(evaluator_one), 1)
    factory.the_minute_passes()
    assert guesses.of(campaign, at=clock.now()).counts == {}
    guess(again, 3 - place_of_production(shown))
    assert guesses.of(campaign, at=clock.now()).wrong == 1


def test_the_share_is_drawn_and_lasts(lead):
    campaign = asking(lead, share=0.25, items=400)
    slots = list(Slot.objects.filter(campaign=campaign).values_list("pk", flat=True))
    drawn = [slot for slot in slots if guesses.are_asked(campaign, slot)]
    assert 0.15 < len(drawn) / len(slots) < 0.35
    assert drawn == [slot for slot in slots if guesses.are_asked(campaign, slot)]
    Campaign.objects.filter(pk=campaign.pk).update(guess_share=0, production="")
    campaign.refresh_from_db()
    assert not any(guesses.are_asked(campaign, slot) for slot in slots)
    assert guesses.of(campaign, at=clock.now()) is None


def test_pairs_without_the_system_in_production_are_asked_about_and_say_nothing(lead, evaluator_one):
    campaign = opening.open_stand_alone(
        name="Answers", overlap=1, due_at=None, guess=guesses.About(1, "another"), by=lead, at=clock.now()
    )
    factory.add_answers(campaign, "ab", lead=lead, items=1)
    shown = factory.next_for(evaluator_one)
    assert presenters.content(shown).asks_guess
    guess(factory.judge(shown, 1), 1)
    factory.the_minute_passes()
    assert guesses.of(campaign, at=clock.now()).counts == {}


def test_a_system_that_is_in_no_pair_is_named_and_nothing_is_guessed_after_the_end(lead, evaluator_one):
    campaign = opening.open_stand_alone(
        name="Answers", overlap=1, due_at=None, guess=guesses.About(1, "Zz-Secret-A"), by=lead, at=clock.now()
    )
    factory.add_answers(campaign, "ab", lead=lead, items=2)
    guess(factory.judge(factory.next_for(evaluator_one), 1), 1)
    last = factory.judge(factory.next_for(evaluator_one), 1)
    factory.the_minute_passes()
    assert "no pair that was guessed about has the system 'Zz-Secret-A'" in str(
        guesses.of(campaign, at=clock.now()).index
    )
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    with pytest.raises(Gone):
        guess(last, 1)


def test_a_guess_is_given_once_by_who_judged_where_it_is_asked(lead, campaign, evaluator_one, evaluator_two):
    asking(lead)
    Slot.objects.filter(campaign=campaign).update(due_at="2099-01-01T00:00Z")
    given = factory.judge(factory.next_for(evaluator_one), 1)
    with pytest.raises(Refused):
        guesses.give(given.public_id, 1, by=evaluator_two, at=clock.now())
    with pytest.raises(Invalid):
        guess(given, 3)
    first = guess(given, 1)
    assert guess(given, 1) == first
    with pytest.raises(Conflict):
        guess(given, 2)
    assert Guess.objects.count() == 1
    Campaign.objects.exclude(pk=campaign.pk).update(status="paused", pause_reason="for a while")
    unasked = factory.judge(factory.next_for(evaluator_one), 1)
    with pytest.raises(Invalid, match="Nothing is asked"):
        guess(unasked, 1)


def test_by_api_and_without_scripts(lead, evaluator_one):
    asking(lead)
    api = bearer(evaluator_one, Permission.JUDGE)
    shown = api.post("/api/v1/queue/next", {}, content_type="application/json").json()
    assert shown["asks_guess"] is True
    body = {"judgment_id": shown["judgment_id"], "preference": 1}
    api.post(f"/api/v1/assignments/{shown['assignment']}/judgment", body, content_type="application/json")
    url = f"/api/v1/judgments/{shown['judgment_id']}/guess"
    assert api.post(url, {"guess": "unknown"}, content_type="application/json").status_code == 200
    assert api.post(url, {"guess": "perhaps"}, content_type="application/json").status_code == 400

    client = signed_in(evaluator_one)
    following = factory.next_for(evaluator_one)
    answer = {"preference": "1", "judgment_id": following.judgment_id}
    asked = client.post(f"/review/{following.public_id}/submit/", answer)
    assert asked.url == f"/review/guess/{following.judgment_id}/"
    assert "in production" in client.get(asked.url).content.decode()
    assert client.post(asked.url, {"guess": "2"}).url == "/review/"
    assert sorted(Guess.objects.values_list("guess", flat=True))[-1] == "unknown"
    assert Guess.objects.count() == 2


def test_the_lead_reads_it_on_the_page_and_by_the_api(lead, evaluator_one):
    campaign = asking(lead)
    client = signed_in(lead)
    assert "Nobody has been asked yet" in client.get(f"/campaigns/{campaign.public_id}/").content.decode()
    shown = factory.next_for(evaluator_one)
    guess(factory.judge(shown, 1), place_of_production(shown))
    factory.the_minute_passes()
    page = client.get(f"/campaigns/{campaign.public_id}/").content.decode()
    assert "Does the blinding hold?" in page
    assert evaluator_one.pseudonym in page
    api = bearer(lead, Permission.VIEW_CAMPAIGNS)
    found = api.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()["blinding"]
    assert (found["right"], found["index"]["value"]) == (1, 1.0)


@pytest.mark.parametrize(
    ("share", "production", "protocol", "field"),
    [(0, "a", "pairwise", "share"), (1.5, "a", "pairwise", "share"), (0.5, " ", "pairwise", "production"),
     (0.5, "a", "rating", "pairwise")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(lead, share, production, protocol, field):
    with pytest.raises(Invalid, match=field):
        opening.open_stand_alone(
            name="n", overlap=2, due_at=None, protocol=protocol, guess=guesses.About(share, production),
            by=lead, at=clock.now(),
        )  # fmt: skip
    assert not Campaign.objects.exists()


def test_nobody_guesses_beside_a_judgment_that_is_not_there(evaluator_one):
    with pytest.raises(Refused):
        guesses.give(uuid.uuid4(), 1, by=evaluator_one, at=clock.now())
