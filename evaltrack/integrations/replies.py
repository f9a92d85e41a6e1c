"""Pure: what an endpoint sent back, without the secrets that were sent to it, and no longer than is worth keeping."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

REMOVED = b"[secret removed]"
# What is shorter guards nothing, and stands in many answers: "none", "EMPTY", as services without keys are given.
SHORTEST_SECRET = 8
# In bytes. The page of an example shows all of it, for each arm and repeat.
LONGEST_KEPT = 128 * 1024
# A slash, or what a header can carry, by its number.
NEEDLESSLY_ESCAPED = re.compile(rb"\\/|\\u00[2-7]")


@dataclass(frozen=True)
class Reply:
    """The beginning of a body as it came, but for secrets. `is_cut`: there was more of it."""

    body: bytes
    is_cut: bool = False

    @classmethod
    def of(cls, content: bytes) -> Self | None:
        """None where nothing came. Secrets have to be removed before: cut in two, one is not found."""
        return cls(content[:LONGEST_KEPT], len(content) > LONGEST_KEPT) if content else None


def without(content: bytes, secrets: Iterable[str]) -> bytes:
    """`content` with `REMOVED` wherever one of the `secrets` stands, plainly, escaped as in JSON, or in base64.

    Against accidents, such as an error that quotes the request; whoever is sent a secret can hide it in anything.
    """
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            continue
        forms, escaped = traces(secret)
        for form in forms:
            content = content.replace(form, REMOVED)
        # Some escape what need not be. Looking for that takes longer, so only where something is escaped so.
        if NEEDLESSLY_ESCAPED.search(content):
            content = escaped.sub(REMOVED, content)
    return content


@lru_cache(maxsize=64)
def traces(secret: str) -> tuple[tuple[bytes, ...], re.Pattern[bytes]]:
    """How a secret may stand in a body, and a pattern of the same with any character escaped."""
    forms = tuple(dict.fromkeys(forms_of(secret)))
    return forms, re.compile(b"|".join(map(escaped_anyhow, forms)))


def forms_of(secret: str) -> Iterator[bytes]:
    text = secret
    for _ in range(3):
        yield text.encode()
        # Errors quote requests whose bodies are JSON within JSON.
        text = json.dumps(text)[1:-1]
    # Three bytes are four characters, so what precedes it matters; those that it shares with others are left out.
    for lead in range(3):
        whole = b"\0" * lead + secret.encode()
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(whole)[-(-8 * lead // 6) : 8 * len(whole) // 6]


def escaped_anyhow(form: bytes) -> bytes:
    """A pattern: each byte as it is, behind a backslash, or by its number."""
    return b"".join(
        rb"(?:%b|\\%b|\\u00(?i:%02x))" % (re.escape(bytes([byte])), re.escape(bytes([byte])), byte)
        for byte in form
    )
