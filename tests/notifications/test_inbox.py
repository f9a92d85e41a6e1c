"""The inbox: one's own messages, newest first."""

import datetime as dt

from evaltrack import clock
from evaltrack.notifications import outbox
from evaltrack.notifications.outbox import Message
from tests.accounts.callers import signed_in


def tell(person, *subjects):
    at = clock.now() - dt.timedelta(hours=1)
    for minute, subject in enumerate(subjects):
        message = Message(key=subject, subject=subject, body=f"More on {subject}.", path="/queue/")
        outbox.post(message, to=[person], at=at + dt.timedelta(minutes=minute))


def test_one_sees_ones_own_messages_newest_first(lead, owner):
    tell(lead, "first news", "second news")
    tell(owner, "somebody else's news")
    page = signed_in(lead).get("/inbox/").content.decode()
    assert page.index("second news") < page.index("first news")
    assert "More on second news." in page
    assert "somebody else" not in page


def test_an_empty_inbox_says_so(outsider):
    assert "Your inbox is empty" in signed_in(outsider).get("/inbox/").content.decode()


def test_looking_changes_nothing_and_marking_does(lead):
    tell(lead, "first news", "second news")
    client = signed_in(lead)
    assert "(unread)" in client.get("/inbox/").content.decode()
    assert lead.notifications.filter(read_at=None).count() == 2
    page = client.post("/inbox/read/", follow=True).content.decode()
    assert "(unread)" not in page
    assert not lead.notifications.filter(read_at=None).exists()


def test_marking_leaves_the_messages_of_others_unread(lead, owner):
    tell(lead, "first news")
    tell(owner, "other news")
    signed_in(lead).post("/inbox/read/")
    assert owner.notifications.get().read_at is None


def test_reading_again_keeps_the_first_time(lead):
    tell(lead, "first news")
    client = signed_in(lead)
    client.post("/inbox/read/")
    first = lead.notifications.get().read_at
    client.post("/inbox/read/")
    assert lead.notifications.get().read_at == first


def test_messages_are_only_marked_by_posting(lead):
    tell(lead, "first news")
    assert signed_in(lead).get("/inbox/read/").status_code == 405
    assert lead.notifications.get().read_at is None


def test_a_long_inbox_has_pages(lead):
    tell(lead, *(f"news {number:02}" for number in range(30)))
    client = signed_in(lead)
    first, second, beyond = (
        client.get("/inbox/", {"page": page}).content.decode() for page in ("1", "2", "99")
    )
    assert "news 29" in first
    assert "news 04" not in first
    assert "news 04" in second
    assert second.count("<li class") == beyond.count("<li class")


def test_the_header_counts_what_is_unread(lead):
    tell(lead, "first news", "second news")
    assert '<span class="count">2' in signed_in(lead).get("/").content.decode()


def test_what_was_typed_is_shown_as_text(lead):
    tell(lead, "<b>news</b>")
    page = signed_in(lead).get("/inbox/").content.decode()
    assert "<b>news</b>" not in page
    assert "&lt;b&gt;news&lt;/b&gt;" in page
