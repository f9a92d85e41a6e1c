"""What is sent to channels: the bytes, and what proves whose they are. Pure.

A signed webhook gets a thin CloudEvent: what has happened, and where to look. Bodies, which may hold names and what
people have typed, stay in the house.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

SECRET_PREFIX = "whsec_"
LONGEST_TEXT = 3000
# Words that ring at everybody's desk, in programs that read them without Slack's brackets.
CALLS_EVERYBODY = re.compile(r"@(?=(?:channel|here|everyone|all)\b)", re.IGNORECASE)
ZERO_WIDTH = "\u200b"


@dataclass(frozen=True)
class Told:
    """What a payload is made of. `url` is the whole address of the page to look at."""

    id: UUID
    kind: str
    topic: str
    subject: str
    body: str
    path: str
    url: str
    site: str
    at: dt.datetime


def slack(told: Told) -> dict[str, Any]:
    """Plain text, whatever was typed into it: no links in other words, no formatting, nobody called."""
    words = "\n".join(part for part in (told.subject, told.body) if part)
    if len(words) > LONGEST_TEXT:
        words = words[: LONGEST_TEXT - 1] + "…"
    text = f"{CALLS_EVERYBODY.sub('@' + ZERO_WIDTH, words)}\n{told.url}"
    return {"text": escaped(text), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def escaped(text: str) -> str:
    """As Slack asks for it: the three characters by which its markup begins and ends."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cloud_event(told: Told) -> dict[str, Any]:
    """CloudEvents 1.0, structured."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(told.id),
        "source": told.site,
        "type": f"evaltrack.{told.kind}",
        "time": told.at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"topic": told.topic, "title": told.subject, "url": told.url},
    }
    return event | ({"subject": told.path} if told.path else {})


def encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, *, id: str, timestamp: int, body: bytes) -> str:
    """By Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, with the bytes that the secret spells."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def signed_headers(secret: str, *, id: UUID, at: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers; the id stays the same however often the message is sent."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": str(id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, id=str(id), timestamp=timestamp, body=body),
    }
