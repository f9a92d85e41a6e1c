"""Mail as each person wants it: at once, once a day or never, and not at night; nothing lost, nothing twice."""

import datetime as dt

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.errors import Invalid
from evaltrack.notifications import delivery, preferences
from evaltrack.notifications.models import Digest, MailPreference
from evaltrack.notifications.preferences import Choice
from evaltrack.notifications.timing import Quiet
from tests.accounts.callers import signed_in
from tests.notifications.readers import BERLIN, NIGHT, SERVERS, choose, subjects, tell

# ── Mail of its own ──────────────────────────────────────────────────────────────────────────────────


def test_a_mail_says_why_one_gets_it_and_where_to_change_that(lead, settings):
    settings.SITE_URL = "https://evaltrack.example"
    tell(lead)
    delivery.deliver_due()
    assert mail.outbox[0].body == (
        "Look at it.\n\nhttps://evaltrack.example/news/1/\n\n-- \n"
        "You get this because you are an evaluation lead.\n"
        "At once, once a day or not at all, and never at night: https://evaltrack.example/profile/messages/\n\n"
    )


def test_who_wants_no_mail_gets_none_and_has_it_in_the_inbox(lead, travel):
    choose(lead, mode="none")
    tell(lead, 1)
    tell(lead, 2, is_urgent=True)
    assert delivery.deliver_due() == 0
    travel("2026-04-27 12:00")
    assert delivery.deliver_due() == 0
    assert mail.outbox == []
    assert lead.notifications.filter(read_at=None, send_after=None).count() == 2


# ── Quiet hours ──────────────────────────────────────────────────────────────────────────────────────


def test_what_falls_into_the_night_is_sent_when_it_ends_also_when_clocks_change(lead, travel):
    choose(lead, quiet=NIGHT)
    travel("2026-03-28 22:30")  # 23:30 there, and at two the clock goes forward
    tell(lead)
    assert delivery.deliver_due() == 0
    travel("2026-03-29 04:59")
    assert delivery.deliver_due() == 0
    travel("2026-03-29 05:00")
    assert delivery.deliver_due() == 1
    assert delivery.deliver_due() == 0
    assert subjects() == ["News 1"]


def test_what_is_urgent_is_mailed_at_night_and_past_the_digest(lead, owner, travel):
    choose(lead, quiet=NIGHT)
    choose(owner, mode="digest", quiet=NIGHT)
    travel("2026-03-28 23:30")
    tell(lead, is_urgent=True)
    tell(owner, is_urgent=True)
    assert delivery.deliver_due() == 2


def test_a_mail_that_fails_into_the_night_waits_for_its_end(lead, travel, settings):
    choose(lead, quiet=NIGHT)
    settings.EMAIL_BACKEND = f"{SERVERS}.Down"
    travel("2026-03-27 20:59")
    tell(lead)
    delivery.deliver_due()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    travel("2026-03-27 21:05")
    assert delivery.deliver_due() == 0
    travel("2026-03-28 06:00")
    assert delivery.deliver_due() == 1


# ── The digest ───────────────────────────────────────────────────────────────────────────────────────


def test_a_digest_lists_by_topic_what_has_happened_at_its_hour(lead, travel, settings):
    settings.SITE_URL = "https://evaltrack.example"
    choose(lead, mode="digest", digest_hour=8)
    tell(lead, 1, topic="escalations")
    tell(lead, 2)
    travel("2026-03-28 01:00")
    tell(lead, 3, topic="escalations")
    for moment in ("2026-03-28 01:00", "2026-03-28 06:59"):
        travel(moment)
        assert delivery.deliver_due() == 0
    travel("2026-03-28 07:00")
    assert [delivery.deliver_due(), delivery.deliver_due()] == [1, 0]
    (sent,) = mail.outbox
    assert sent.subject == "3 messages from evaltrack"
    assert sent.body == (
        "Escalations\n\n"
        "- News 1\n  27 March 13:00, https://evaltrack.example/news/1/\n"
        "- News 3\n  28 March 02:00, https://evaltrack.example/news/3/\n\n"
        "Your tasks, and yourself\n\n"
        "- News 2\n  27 March 13:00, https://evaltrack.example/news/2/\n\n"
        "All of it is in your inbox: https://evaltrack.example/inbox/\n\n-- \n"
        "You get this because you have chosen one mail a day.\n"
        "At once, once a day or not at all, and never at night: https://evaltrack.example/profile/messages/\n\n"
    )
    assert set(lead.notifications.values_list("sent_at", "send_after")) == {(clock.now(), None)}


def test_a_day_without_news_has_no_digest(lead, travel):
    choose(lead, mode="digest")
    for day in (28, 29, 30):
        travel(f"2026-03-{day} 12:00")
        assert delivery.deliver_due() == 0
    assert not Digest.objects.exists()


def test_a_worker_that_was_away_for_days_sends_one_digest(lead, travel):
    choose(lead, mode="digest")
    tell(lead, 1)
    travel("2026-03-28 12:00")
    tell(lead, 2)
    travel("2026-03-30 12:00")
    assert delivery.deliver_due() == 1
    assert subjects() == ["2 messages from evaltrack"]


def test_what_was_written_before_a_digest_and_stored_after_it_is_in_the_next(lead, travel):
    choose(lead, mode="digest")
    early = travel("2026-03-28 06:59")
    tell(lead, 1)
    travel("2026-03-28 07:01")
    delivery.deliver_due()
    tell(lead, 2, at=early)
    assert delivery.deliver_due() == 0
    travel("2026-03-29 06:00")  # clocks have gone forward
    assert delivery.deliver_due() == 1
    assert Digest.objects.count() == 2
    assert [each.notifications.get().subject for each in Digest.objects.order_by("pk")] == [
        "News 1",
        "News 2",
    ]


def test_a_digest_that_cannot_be_sent_is_tried_again_under_the_same_id_and_with_the_same_news(
    lead, travel, settings
):
    choose(lead, mode="digest")
    tell(lead, 1)
    settings.EMAIL_BACKEND = f"{SERVERS}.Down"
    travel("2026-03-28 07:00")
    delivery.deliver_due()
    tell(lead, 2)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    travel("2026-03-28 07:02")
    assert delivery.deliver_due() == 1
    digest = Digest.objects.get()
    assert mail.outbox[0].extra_headers["Message-ID"] == f"<{digest.public_id}@evaltrack>"
    assert "News 2" not in mail.outbox[0].body
    travel("2026-03-29 07:00")
    assert delivery.deliver_due() == 1
    assert "News 2" in mail.outbox[1].body


def test_a_second_digest_for_one_moment_is_impossible(lead):
    at = clock.now()
    Digest.objects.create(recipient=lead, due_at=at, created_at=at)
    with pytest.raises(IntegrityError), transaction.atomic():
        Digest.objects.create(recipient=lead, due_at=at, created_at=at)


def test_a_long_digest_is_cut_and_says_so(lead, travel, monkeypatch):
    monkeypatch.setattr("evaltrack.notifications.mails.MOST_LISTED", 3)
    choose(lead, mode="digest")
    for number in range(5):
        tell(lead, number)
    travel("2026-03-28 07:00")
    delivery.deliver_due()
    assert mail.outbox[0].subject == "5 messages from evaltrack"
    assert "And 2 more." in mail.outbox[0].body


# ── Choosing anew ────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_goes_by_what_is_chosen_now(lead, travel):
    choose(lead, mode="digest")
    tell(lead)
    delivery.deliver_due()
    assert lead.notifications.get().send_after > clock.now()
    choose(lead, mode="at_once")
    assert delivery.deliver_due() == 1
    assert subjects() == ["News 1"]


def test_a_digest_that_waits_is_not_mailed_to_who_wants_no_mail_any_more(lead, travel, settings):
    choose(lead, mode="digest")
    tell(lead)
    settings.EMAIL_BACKEND = f"{SERVERS}.Down"
    travel("2026-03-28 12:00")
    assert delivery.deliver_due() == 0
    assert Digest.objects.get().send_after is not None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    choose(lead, mode="none")
    travel("2026-03-28 13:00")
    assert delivery.deliver_due() == 0
    assert mail.outbox == []
    assert Digest.objects.get().send_after is None


def test_who_has_left_is_mailed_nothing(lead, owner, travel):
    choose(owner, mode="digest")
    for person in (lead, owner):
        tell(person, 1)
        tell(person, 2, is_urgent=True)
        person.is_active = False
        person.save()
    travel("2026-03-28 12:00")
    assert delivery.deliver_due() == 0
    assert mail.outbox == []


def test_what_may_have_been_mailed_is_not_put_into_a_digest_too(lead, travel, settings):
    """It could arrive twice, under two ids."""
    settings.EMAIL_BACKEND = f"{SERVERS}.Killing"
    tell(lead)
    with pytest.raises(SystemExit):
        delivery.deliver_due()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    choose(lead, mode="digest")
    travel("2026-03-28 12:00")
    assert delivery.deliver_due() == 1
    assert subjects() == ["News 1"]
    assert mail.outbox[0].extra_headers["Message-ID"] == f"<{lead.notifications.get().public_id}@evaltrack>"
    assert not Digest.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "pigeon"},
        {"digest_hour": 24},
        {"digest_hour": -1},
        {"zone": "Mars/Base"},
        {"quiet": Quiet(dt.time(7), dt.time(7))},
        {"mode": "digest", "digest_hour": 23, "quiet": NIGHT},
    ],
    ids=str,
)
def test_what_cannot_be_used_is_said_and_nothing_is_kept(wrong, lead):
    with pytest.raises(Invalid):
        choose(lead, **wrong)
    assert not MailPreference.objects.exists()


def test_everybody_chooses_on_their_own_page(outsider):
    client = signed_in(outsider)
    page = client.get("/profile/messages/").content.decode()
    assert 'value="at_once" checked' in page
    form = {
        "mode": "digest",
        "digest_hour": "9",
        "quiet_from": "22:00",
        "quiet_to": "07:00:00",
        "time_zone": BERLIN,
    }
    assert client.post("/profile/messages/", form).status_code == 302
    assert preferences.of(type(outsider).objects.get(pk=outsider.pk)) == Choice("digest", 9, NIGHT, BERLIN)
    page = client.get("/profile/messages/").content.decode()
    assert 'value="digest" checked' in page
    assert 'value="22:00"' in page
    for wrong in (
        {"quiet_to": ""},
        {"quiet_from": "25:00"},
        {"digest_hour": "x"},
        {"time_zone": "x"},
        {"mode": ""},
    ):
        answer = client.post("/profile/messages/", form | wrong)
        assert answer.status_code == 422, wrong
        assert "Nothing was saved yet" in answer.content.decode()


def test_the_time_zone_is_the_one_of_the_profile(evaluator_one):
    form = {"mode": "at_once", "digest_hour": "8", "time_zone": BERLIN}
    client = signed_in(evaluator_one)
    client.post("/profile/messages/", form)
    assert f'value="{BERLIN}"' in client.get("/profile/").content.decode()
