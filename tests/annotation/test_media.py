"""Pictures and recordings of items: sent by leads, shown to who judges them, and to nobody else."""

import io
import json
import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from annotation import assignment as assignments
from annotation import campaigns, opening, queue
from annotation.api import media as api
from annotation.models import Campaign, Media, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.integrations.object_store import object_store
from tests.accounts.callers import bearer, signed_in
from tests.annotation.leaks.crawler import Crawler
from tests.conftest import person
from tests.factories import annotation as factory
from tests.media import files
from tests.rendering.hostile import SCRIPTS

PICTURES = list(files.pictures().values())


@pytest.fixture
def campaign(lead, both):
    return opening.open_stand_alone(name="Voices", overlap=2, due_at=None, by=lead, at=clock.now())


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def upload(client, campaign):
    def post(content, content_type="application/octet-stream", to=None):
        path = f"/api/v1/campaigns/{(to or campaign).public_id}/media"
        return client.post(path, content, content_type=content_type)

    return post


@pytest.fixture
def add(client, campaign):
    def post(*rows, to=None):
        path = f"/api/v1/campaigns/{(to or campaign).public_id}/tasks"
        body = "\n".join(map(json.dumps, rows))
        return client.post(path, body, content_type="application/x-ndjson")

    return post


def row(prompt=(), one=(), two=(), item="q"):
    responses = [
        {"source": f"zz-secret-{name}", "text": name, "media": list(media)}
        for name, media in (("a", one), ("b", two))
    ]
    return {"item": item, "prompt": "Which?", "media": list(prompt), "responses": responses}


def pictured(answer):
    return {"image": answer.json()["image"], "alt": "A chart"}


def heard(answer):
    return {"audio": answer.json()["audio"]}


# ── Uploads ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_named_by_what_was_sent_and_kept_as_what_is_shown(upload, campaign):
    answer = upload(PICTURES[0])
    assert answer.status_code == 201
    stored = Media.objects.get()
    assert answer.json() == {
        "image": f"sha256:{stored.digest}",
        "type": "image/png",
        "size": stored.size,
        "width": 40,
        "height": 30,
        "removed": ["everything but the points"],
    }
    shown = object_store().get_verified(stored.blob)
    assert len(shown) == stored.size
    assert files.SECRET not in shown


def test_the_same_file_again_changes_nothing(upload):
    first = upload(files.mp3_with_notes(), "audio/mpeg")
    again = upload(files.mp3_with_notes(), "image/png")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["audio"] == again.json()["audio"]
    assert Media.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"<svg/>", "SVG"), (files.FRAME[:40], "cut off"), (PICTURES[0][:90], "cut off")],
)
def test_what_cannot_be_shown_is_refused_in_words_and_not_kept(upload, content, reason, settings):
    answer = upload(content)
    assert (answer.status_code, answer.json()["code"]) == (400, "unfit_media")
    assert reason in answer.json()["detail"]
    assert reason in answer.json()["fields"]["body"][0]
    assert not Media.objects.exists()
    assert not settings.STORE_DIR.exists()


def test_a_body_is_read_no_further_than_any_file_may_be_long(upload, monkeypatch):
    monkeypatch.setattr(api, "LARGEST", {"image": 1000, "audio": 200_000})
    read = []

    class Endless:
        def read(self, size):
            read.append(size)
            return b"\0" * size

    with pytest.raises(Exception, match="larger than"):
        api.receive(Endless(), into=io.BytesIO())
    assert sum(read) <= 200_000 + 2 * 64 * 1024
    assert upload(b"\0" * 200_001).status_code == 400


def test_a_closed_campaign_and_an_experiments_own_take_no_files(
    upload, campaign, lead, owner, platform, custodian
):
    bound = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    assert upload(PICTURES[0], to=bound).json()["code"] == "not_stand_alone"
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert upload(PICTURES[0]).json()["code"] == "campaign_closed"


def test_files_that_items_name_must_be_there_and_of_that_kind(upload, add, campaign, lead):
    image, absent = pictured(upload(PICTURES[0])), f"sha256:{'0' * 64}"
    elsewhere = opening.open_stand_alone(name="Other", overlap=1, due_at=None, by=lead, at=clock.now())
    errors = [
        add(row(), row([{"audio": absent}], item="r")).json()["errors"],
        add(row(one=[image, {"audio": image["image"]}])).json()["errors"],
        add(row(two=[image]), to=elsewhere).json()["errors"],
    ]
    assert [[(each["line"], each["field"]) for each in found] for found in errors] == [
        [(2, "media[0].audio")],
        [(1, "responses[0].media[1].audio")],
        [(1, "responses[1].media[0].image")],
    ]
    assert not Task.objects.exists()


def test_two_systems_whose_sound_has_two_types_would_be_told_apart(upload, add):
    mp3, wav = heard(upload(files.mp3_with_notes())), heard(upload(files.wav_with_notes()))
    (error,) = add(row(one=[mp3], two=[wav])).json()["errors"]
    assert (error["line"], error["field"]) == (1, "responses")
    assert "audio/mpeg and audio/wav" in error["reason"]
    assert add(row(one=[wav], two=[wav])).status_code == 201
    # That one has drawn something besides is what people judge.
    assert add(row(one=[wav, pictured(upload(PICTURES[0]))], two=[wav], item="r")).status_code == 201


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes: what a browser makes of it."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, sorted(name for name, _ in attributes)))


def test_hostile_words_about_files_and_contexts_change_nothing_of_the_page(upload, add, both):
    image, sound = upload(PICTURES[0]).json()["image"], upload(files.wav_with_notes()).json()["audio"]
    skeletons = []
    for words in (["kind words"] * len(SCRIPTS), SCRIPTS):
        item = row(item=words[0], prompt=[{"image": image, "alt": each} for each in words[:6]])
        item["media"] += [{"audio": sound, "alt": each} for each in words[6:12]]
        item["contexts"] = [{"id": each, "title": each, "text": each} for each in words]
        assert add(item).status_code == 201
        shown = factory.next_for(both[0])
        skeletons.append(Skeleton(signed_in(both[0]).get("/review/").content.decode()).elements)
        factory.judge(shown)
    assert ("script", ["src", "type"]) in skeletons[0]
    assert skeletons[0] == skeletons[1]


# ── Delivery ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shown(upload, add, evaluator_one):
    """A task with a picture for both and a recording in each response, on the evaluator's screen."""
    image = pictured(upload(PICTURES[1]))
    shorter = files.wav(files.PCM, files.chunk(b"data", b"\1" * 400))
    sound = [heard(upload(content)) for content in (files.wav_with_notes(), shorter)]
    assert add(row([image], [sound[0]], [sound[1]])).status_code == 201
    return factory.next_for(evaluator_one)


def address(shown, place):
    return f"/api/v1/assignments/{shown.public_id}/media/{place}"


def body(response):
    return b"".join(response.streaming_content)


def status(client, path, **options):
    answer = client.get(path, **options)
    if answer.streaming:
        body(answer)  # the client closes the file when it is read to its end
    return answer.status_code


def test_each_file_of_a_task_has_an_address_in_the_order_of_the_screen(shown, evaluator_one):
    client = signed_in(evaluator_one)
    page = client.get("/review/").content.decode()
    assert re.findall(r'src="(/api/[^"]+)"', page) == [address(shown, place) for place in (1, 2, 3)]
    assert 'width="40" height="30"' in page
    stored = [file["blob"] for file in _in_order(shown)]
    for place, blob in enumerate(stored, start=1):
        assert body(client.get(address(shown, place))) == object_store().get_verified(blob)
    for place in (0, 4, 10**30):
        assert status(client, address(shown, place)) == 404


def _in_order(shown):
    one, two = shown.task.responses.order_by("ordinal")
    ordered = (one, two) if shown.slot.places == "01" else (two, one)
    return [*shown.task.media, *(file for response in ordered for file in response.media)]


def test_no_header_names_the_file_or_its_system(shown, evaluator_one):
    client = signed_in(evaluator_one)
    answers = [client.get(address(shown, place)) for place in (1, 2, 3)]
    for answer in answers:
        headers = dict(answer.headers)
        assert headers["Cache-Control"] == "private, no-store"
        assert headers["Content-Disposition"] == "inline"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Accept-Ranges"] == "bytes"
        assert headers["Content-Type"] in {"image/png", "audio/wav"}
        assert not {"ETag", "Last-Modified", "Expires", "Content-MD5", "Digest", "Server-Timing"} & set(
            headers
        )
        body(answer)
    # The recordings of the two systems differ in nothing but their length.
    one, two = ({**answer.headers, "Content-Length": ""} for answer in answers[1:])
    assert one == two


def test_nothing_on_the_way_tells_a_system_and_the_same_file_has_another_address_for_everybody(
    shown, both, upload
):
    digests = [value for pair in Media.objects.values_list("digest", "blob") for value in pair]
    other = factory.next_for(both[1])
    for evaluator, theirs in ((both[0], shown), (both[1], other)):
        for client in (signed_in(evaluator), bearer(evaluator, Permission.JUDGE)):
            crawler = Crawler(client, evaluator, ["zz-secret", *digests, str(theirs.task.public_id)])
            for place in range(5):
                crawler.ask("get", address(theirs, place))
                crawler.ask("get", address(theirs, place), headers={"Range": "bytes=0-9"})
                crawler.ask("get", address(theirs, place), headers={"Range": "bytes=9999999-"})
            for method in ("head", "post", "put", "delete", "options"):
                crawler.ask(method, address(theirs, 1))
            assert {200, 206, 404, 405, 416} <= crawler.statuses
        crawler = Crawler(signed_in(evaluator), evaluator, ["zz-secret", *digests])
        crawler.walk()
    assert not set(_addresses(both[0])) & set(_addresses(both[1]))


def _addresses(evaluator):
    return re.findall(r'src="(/api/[^"]+)"', signed_in(evaluator).get("/review/").content.decode())


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("bytes=0-3", 206, slice(0, 4), "bytes 0-3/"),
        ("bytes=10-", 206, slice(10, None), "bytes 10-"),
        ("bytes=-5", 206, slice(-5, None), "bytes "),
        ("bytes=0-999999999", 206, slice(None), "bytes 0-"),
        ("bytes=-999999999", 206, slice(None), "bytes 0-"),
        ("bytes=999999999-", 416, None, "bytes */"),
        ("bytes=9-3", 416, None, "bytes */"),
        ("bytes=-0", 416, None, "bytes */"),
        ("bytes=-", 200, slice(None), None),
        ("bytes=0-1,4-5", 200, slice(None), None),
        ("pages=1-2", 200, slice(None), None),
        ("bytes=0-" + "9" * 500, 200, slice(None), None),
    ],
)
def test_a_player_fetches_the_part_that_it_needs(shown, evaluator_one, asked, status, part, told):
    client = signed_in(evaluator_one)
    whole = body(client.get(address(shown, 2)))
    answer = client.get(address(shown, 2), headers={"Range": asked})
    assert answer.status_code == status
    assert answer.headers.get("Content-Range", "").startswith(told or "")
    assert ("Content-Range" in answer.headers) == (told is not None)
    if part is not None:
        got = body(answer)
        assert got == whole[part]
        assert int(answer.headers["Content-Length"]) == len(got)
    conditional = client.get(address(shown, 2), headers={"Range": asked, "If-Range": '"x"'})
    assert (conditional.status_code, body(conditional)) == (200, whole)


def test_a_file_is_its_holders_alone_and_only_while_the_task_is_theirs(shown, both, lead, outsider):
    path = address(shown, 1)
    holder = signed_in(both[0])
    assert status(holder, path) == 200
    # A player asks for what it likes; which type it gets is not its choice.
    assert status(bearer(both[0], Permission.JUDGE), path, headers={"Accept": "audio/mpeg"}) == 200
    stranger = signed_in(both[1]).get(path)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "no_such_media")
    for other in (lead, outsider, person("nobody")):
        assert status(signed_in(other), path) == 403
    assert status(Client(), path) == 401


def end_by_submitting(shown, evaluator):
    factory.judge(shown)


def end_by_skipping(shown, evaluator):
    assignments.give_back(shown.public_id, by=evaluator, state="skipped", at=clock.now(), skip_reason="x")


def end_by_expiry(shown, evaluator):
    factory.lease_ends(shown)


def end_by_a_pause(shown, evaluator):
    Campaign.objects.update(status="paused", pause_reason="The rubric changes.")


def end_by_closing(shown, evaluator):
    assignments.withdraw(shown.campaign.slots.all(), at=clock.now())


@pytest.mark.parametrize(
    "end", [end_by_submitting, end_by_skipping, end_by_expiry, end_by_a_pause, end_by_closing]
)
def test_what_ended_is_gone(shown, evaluator_one, end):
    client = signed_in(evaluator_one)
    assert status(client, address(shown, 1)) == 200
    end(shown, evaluator_one)
    assert status(client, address(shown, 1)) == 410


def test_what_was_fetched_ahead_may_load_before_it_is_seen(shown, add, upload, evaluator_one):
    add(row([pictured(upload(PICTURES[1]))], item="r"))
    ahead = queue.claim_next(evaluator_one, at=clock.now(), prefetch=True)
    assert status(signed_in(evaluator_one), address(ahead, 1)) == 200


def test_bytes_that_were_altered_are_not_shown(shown, evaluator_one):
    store = object_store()
    store.path(shown.task.media[0]["blob"]).write_bytes(b"something else")
    answer = signed_in(evaluator_one).get(address(shown, 1))
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")


def test_the_leaf_of_a_judgment_binds_what_was_shown_with_the_texts(shown, campaign, both):
    for evaluator in both:
        factory.judge(factory.next_for(evaluator))
    before = campaigns.judgments_root(campaign)
    response = shown.task.responses.first()
    response.media[0]["blob"] = "0" * 64
    response.save()
    assert campaigns.judgments_root(campaign) != before
