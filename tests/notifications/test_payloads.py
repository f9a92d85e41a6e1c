"""The bytes that leave for channels, and their signatures."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import uuid

from evaltrack.integrations.waits import retry_after
from evaltrack.notifications import payloads
from evaltrack.notifications.payloads import Told

AT = dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)


def told(subject="6 overdue tasks", body="Nobody may judge it.", path="/campaigns/7/"):
    return Told(
        id=uuid.UUID(int=7),
        kind="tasks-overdue",
        topic="escalations",
        subject=subject,
        body=body,
        path=path,
        url=f"https://evaltrack.example{path}",
        site="https://evaltrack.example",
        at=AT,
    )


def test_the_signature_is_that_of_standard_webhooks():
    """The example of the specification's own libraries."""
    found = payloads.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_it_by_the_secret_alone():
    secret, body = payloads.new_secret(), b"{}"
    headers = payloads.signed_headers(secret, id=uuid.UUID(int=7), at=AT, body=body)
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert len(key) == 32
    assert int(headers["webhook-timestamp"]) == AT.timestamp()


def test_an_event_says_what_happened_and_where_to_look_and_no_more():
    assert payloads.cloud_event(told(body="Ada asks for it: my reason")) == {
        "specversion": "1.0",
        "id": str(uuid.UUID(int=7)),
        "source": "https://evaltrack.example",
        "type": "evaltrack.tasks-overdue",
        "subject": "/campaigns/7/",
        "time": "2026-03-29T01:30:00Z",
        "datacontenttype": "application/json",
        "data": {
            "topic": "escalations",
            "title": "6 overdue tasks",
            "url": "https://evaltrack.example/campaigns/7/",
        },
    }


def test_an_event_about_no_page_has_no_empty_subject():
    assert "subject" not in payloads.cloud_event(told(path=""))


def test_a_chat_reads_plain_text_and_calls_nobody():
    typed = "<!channel> & <https://evil.example|look> @here @Everyone ada@example.org"
    body = payloads.slack(told(subject=typed))
    assert "<" not in body["text"]
    assert ">" not in body["text"]
    assert body["text"].startswith(
        "&lt;!channel&gt; &amp; &lt;https://evil.example|look&gt; @\u200bhere @\u200bEv"
    )
    assert "ada@example.org" in body["text"]
    assert body["text"].endswith("Nobody may judge it.\nhttps://evaltrack.example/campaigns/7/")
    assert (body["mrkdwn"], body["unfurl_links"], body["unfurl_media"]) == (False, False, False)


def test_a_long_text_is_cut_before_it_is_escaped():
    text = payloads.slack(told(body="&" * 10_000))["text"]
    assert text.count("&amp;") == payloads.LONGEST_TEXT - 1 - len("6 overdue tasks\n")
    assert "…\nhttps://" in text


def test_what_is_no_unicode_leaves_as_something_that_is():
    assert json.loads(payloads.encoded({"text": "a\ud800b"})) == {"text": "a?b"}


def test_a_wait_is_read_in_both_forms_and_bounded():
    now = dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)
    values = ["120", "Sun, 29 Mar 2026 01:31:00 GMT", "86400", "-5", "nan", "soon", "", "inf"]
    found = [retry_after(value, most=3600, now=now) for value in values]
    assert found == [120.0, 60.0, 3600.0, None, None, None, None, 3600.0]
