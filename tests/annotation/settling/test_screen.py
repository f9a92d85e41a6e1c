"""The screen as a plain form: what is missing is said, nothing typed is lost, and one goes on to the next."""

import io

import pytest

from annotation import campaigns, media, opening, revision
from annotation.items import read_items
from annotation.models import Adjudication, Hearing
from annotation.settling import hearings
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.integrations.object_store import object_store
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import courses, settling
from tests.media import files

FORMS = {
    "pairwise": {"preference": "tie"},
    "rating": {"rating": "4"},
    "ranking": {"rank-1": "1", "rank-2": "1", "rank-3": "2"},
    "spans": {"spans": '[{"start": 0, "end": 3, "reason": "wrong"}]'},
}


@pytest.fixture
def client(senior):
    return signed_in(senior)


def given(client):
    """Press the button; the address of the conflict that comes."""
    answer = client.post("/conflicts/next/")
    assert answer.status_code == 302
    return answer.url


@pytest.mark.parametrize("protocol", list(FORMS))
def test_every_protocol_is_settled_by_its_form(protocol, lead, both, client):
    campaign = factory.stand_alone(protocol, lead=lead)
    settling.disagree(campaign, *both)
    path = given(client)
    nothing = client.post(f"{path}submit/", {"comment": "Half a thought."})
    assert nothing.status_code == 422
    assert "Half a thought." in nothing.content.decode()
    no_cause = client.post(f"{path}submit/", FORMS[protocol])
    assert no_cause.status_code == 422
    assert "Say why they disagreed" in no_cause.content.decode()
    sent = client.post(f"{path}submit/", FORMS[protocol] | {"cause": "mistake", "active_ms": "1200"})
    assert (sent.status_code, Adjudication.objects.count()) == (302, 1)
    assert sent.url not in (path, "/conflicts/")


def test_an_error_is_marked_without_scripts(lead, both, client):
    settling.disagree(factory.stand_alone("spans", lead=lead), *both)
    path = given(client)
    marked = client.post(
        f"{path}submit/", {"mark": "1", "quote": "aaa", "reason": "wrong", "cause": "ambiguous"}
    )
    page = marked.content.decode()
    assert marked.status_code == 200
    assert '<q dir="auto">aaa</q>' in page
    assert 'value="ambiguous" required checked' in page


def test_a_note_says_that_the_guidance_is_unclear(disputed, client):
    path = given(client)
    client.post(f"{path}submit/", {"preference": "1", "cause": "mistake", "guideline_note": "What of ties?"})
    row = Adjudication.objects.get()
    assert (row.guideline_unclear, row.guideline_note) == (True, "What of ties?")


def test_of_an_item_that_is_broken_what_was_chosen_is_not_kept(disputed, client):
    path = given(client)
    client.post(f"{path}submit/", {"preference": "1", "cause": "broken"})
    assert Adjudication.objects.get().choice is None


def test_a_rubric_that_changed_is_shown_with_what_was_answered(disputed, lead, client):
    path = given(client)
    wording = {"question": "Which answer solves the problem?", "guidance": "Solve it."}
    revision.revise(
        disputed.pk, rubric=wording, asks_again=False, by=lead, reason="It was unclear.", at=clock.now()
    )
    answer = {"preference": "2", "cause": "mistake", "rubric_version": "1"}
    again = client.post(f"{path}submit/", answer)
    page = again.content.decode()
    assert again.status_code == 422
    assert "The rubric has changed" in page
    assert 'value="2" required aria-keyshortcuts="2" checked' in page
    assert client.post(f"{path}submit/", answer | {"rubric_version": "2"}).status_code == 302
    assert Adjudication.objects.get().rubric.version == 2


def test_what_is_over_leads_back(disputed, lead, client, senior):
    path = given(client)
    client.post(f"{path}release/")
    assert client.get(path).url == "/conflicts/"
    assert Hearing.objects.get().state == "released"
    path = given(client)
    campaigns.pause(disputed.pk, by=lead, reason="Something is odd.", at=clock.now())
    assert client.get(path).status_code == 410
    assert client.post("/conflicts/next/", follow=True).status_code == 200


def test_the_page_says_why_there_is_nothing_for_oneself(disputed, both, client, lead):
    assert "Only a senior evaluator" in signed_in(both[0]).get("/conflicts/").content.decode()
    assert "senior evaluator" not in signed_in(both[0]).get("/queue/").content.decode()
    assert "/conflicts/" in client.get("/queue/").content.decode()
    settling.senior(both[0], lead=lead)
    answer = signed_in(both[0]).post("/conflicts/next/", follow=True).content.decode()
    assert "You have judged yourself what is left in conflict" in answer


def test_pictures_come_in_the_places_of_this_screen_and_only_to_whoever_has_it(lead, both, senior, client):
    campaign = opening.open_stand_alone(name="Pictures", overlap=2, due_at=None, by=lead, at=clock.now())
    rows = {}
    for name, size in (("a", (8, 8)), ("b", (16, 16))):
        drawn = io.BytesIO(files.saved(files.drawing(size=size), "PNG"))
        rows[name], *_ = media.take_in(campaign, drawn, by=lead, at=clock.now())
    responses = [
        {"source": f"system-{name}", "text": name, "media": [{"image": f"sha256:{row.digest}", "alt": name}]}
        for name, row in rows.items()
    ]
    opening.add_items(
        campaign.pk, read_items([courses.item(1, responses=responses)]), by=lead, at=clock.now()
    )
    settling.disagree(campaign, *both)
    api = bearer(senior, Permission.JUDGE)
    found = api.post("/api/v1/conflicts/next", {}, content_type="application/json").json()
    for response in found["item"]["responses"]:
        address = response["media"][0]["image"]
        content = b"".join(client.get(address).streaming_content)
        assert content == object_store().get_verified(rows[response["text"]].blob)
        assert signed_in(both[0]).get(address).status_code == 403
    hearings.release(Hearing.objects.get().public_id, by=senior, at=clock.now())
    assert client.get(address).status_code == 410
