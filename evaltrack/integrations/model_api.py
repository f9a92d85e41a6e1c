"""Asks JSON services for outputs, many at a time."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import aiohttp

from evaltrack.integrations.addresses import AddressRefused
from evaltrack.integrations.calls import Calls, read_up_to
from evaltrack.integrations.gate import Gate
from evaltrack.integrations.replies import Reply, without
from evaltrack.integrations.waits import retry_after, until_reset

LARGEST_ANSWER = 4 * 1024 * 1024
# What a gateway answers when there is nobody behind it.
GATEWAY_ALONE = {502, 503}
# Reasons to finish by which services say that they declined to answer.
REFUSALS = {"refusal", "content_filter"}
SLOW_DOWN = {429, 529}
# A 429 that says so is about the account's money, which waiting for seconds does not bring back.
QUOTA_WORDS = (b"insufficient_quota", b"billing_hard_limit")
# How long to leave an endpoint alone that asks to slow down: where it does not say, and at most.
UNTOLD_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0


class Failure(StrEnum):
    """What kind of failure a call met, which decides what may be done about it."""

    UNREACHABLE = "unreachable"  # nobody is there: wait, all calls will meet it
    BROKEN = "broken"  # somebody is there and failed: with this call alone, if others go well
    CUT = "cut"  # somebody is there, and the connection broke: as above, but not by what was asked
    THROTTLED = "throttled"  # it asks us to slow down, all of us
    REJECTED = "rejected"  # it understood and said no: asking again gives the same
    NONSENSE = "nonsense"  # it answered what no server of its kind answers


class NotAnAnswer(Exception):
    """What came is no answer of the kind that was asked for; the message says what would be."""


@dataclass(frozen=True)
class Answer:
    """`latency_ms` is the service time of this one call, from sending to the last byte."""

    text: str
    latency_ms: int | None = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    # Of the input tokens, those that the endpoint had in its cache.
    cached_tokens: int | None = None
    finish_reason: str = ""
    model: str = ""
    fingerprint: str = ""
    # For how long the endpoint has nothing more to give, where it says so.
    pause_s: float = 0.0
    # What was retrieved for it and what it refers to; None where the service does not tell.
    contexts: list[str] | None = None
    citations: list[str] | None = None
    # When the call was made, as `time.monotonic()`; None where nobody was called, or nobody knows.
    sent_at: float | None = field(default=None, compare=False)
    # What it was read from, where the question keeps that.
    reply: Reply | None = field(default=None, compare=False)

    @property
    def is_refusal(self) -> bool:
        """Whether the service, or a filter before it, declined to answer."""
        return self.finish_reason in REFUSALS


@dataclass(frozen=True)
class Header:
    """`text`, and behind it what the environment's variable `env` holds, where one is named."""

    name: str
    text: str = ""
    env: str = ""


@dataclass(frozen=True)
class Question:
    """A body to post as JSON, and `read`, which makes an answer of the JSON that comes back or raises NotAnAnswer.

    `keeps_reply`: what comes back is wanted whole besides.
    """

    url: str
    body: Any
    read: Callable[[Any], Answer]
    timeout_ms: int = 60_000
    api_key_env: str = ""
    headers: tuple[Header, ...] = ()
    keeps_reply: bool = False

    def all_headers(self) -> tuple[Header, ...]:
        # A service without a key is asked without: what it says to that is told. A header that names one needs it.
        if not os.environ.get(self.api_key_env, ""):
            return self.headers
        return (*self.headers, Header("Authorization", "Bearer ", env=self.api_key_env))


@dataclass(frozen=True)
class CallFailed:
    failure: Failure
    detail: str
    latency_ms: int
    # How long it asks us to wait, where it does.
    wait_s: float = 0.0
    # What came back, where something did and the question keeps it.
    reply: Reply | None = None

    def __str__(self) -> str:
        return f"{self.failure}: {self.detail}"


class ModelCaller(Calls["Question", "Answer | CallFailed"]):
    """A pool of questions in flight."""

    async def ask(self, request: Question) -> Answer | CallFailed:
        try:
            return await ask(self.session, request)
        except Exception as error:  # noqa: BLE001  an answer that breaks the client must not lose the question
            return CallFailed(Failure.NONSENSE, f"cannot be read ({type(error).__name__})", 0)

    def heard(self, answer: Answer | CallFailed, gate: Gate) -> None:
        pause_s = answer.pause_s if isinstance(answer, Answer) else answer.wait_s
        gate.close(time.monotonic() + pause_s)


async def ask(session: aiohttp.ClientSession, request: Question) -> Answer | CallFailed:
    sent_at, started = time.monotonic(), time.perf_counter()
    reply: Reply | None = None

    def failed(failure: Failure, detail: str, wait_s: float = 0.0) -> CallFailed:
        return CallFailed(failure, storable(detail)[:500], milliseconds_since(started), wait_s, reply)

    headers = headers_of(request.all_headers())
    if isinstance(headers, str):
        return failed(Failure.REJECTED, headers)

    try:
        async with session.post(
            request.url,
            json=request.body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=request.timeout_ms / 1000),
            allow_redirects=False,
        ) as response:
            content = await read_up_to(LARGEST_ANSWER + 1, response)
    except TimeoutError:
        return failed(Failure.BROKEN, f"no answer within {request.timeout_ms} ms")
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            return failed(Failure.REJECTED, str(error.os_error))
        return failed(Failure.UNREACHABLE, str(error))
    except (aiohttp.ClientError, OSError) as error:
        return failed(Failure.CUT, str(error) or type(error).__name__)
    # Before anything is made of it: a key that the endpoint repeats is in no answer and no error.
    content = without(content, secrets_in(request.all_headers()))
    if request.keeps_reply:
        reply = Reply.of(content)
    wait_s = retry_after(response.headers.get("Retry-After", ""), most=LONGEST_PAUSE_S)
    if response.status == 429 and any(word in content for word in QUOTA_WORDS):
        return failed(Failure.UNREACHABLE, f"the quota is used up: {beginning(content)}")
    if response.status in SLOW_DOWN or (response.status == 503 and wait_s is not None):
        pause_s = UNTOLD_PAUSE_S if wait_s is None else wait_s
        return failed(Failure.THROTTLED, f"asked to slow down ({response.status})", pause_s)
    if response.status >= 500:
        nobody_behind = response.status in GATEWAY_ALONE
        return failed(Failure.UNREACHABLE if nobody_behind else Failure.BROKEN, f"HTTP {response.status}")
    if not 200 <= response.status < 300:
        return failed(Failure.REJECTED, f"HTTP {response.status}: {content[:200].decode(errors='replace')}")
    if len(content) > LARGEST_ANSWER:
        return failed(Failure.NONSENSE, f"an answer of more than {LARGEST_ANSWER} bytes")
    try:
        answer = request.read(json.loads(content))
    except NotAnAnswer as error:
        return failed(Failure.NONSENSE, f"{error}: {beginning(content)}")
    except (ValueError, RecursionError):
        return failed(Failure.NONSENSE, f"not JSON: {beginning(content)}")
    pause_s = until_reset(response.headers, most=LONGEST_PAUSE_S) or 0.0
    latency_ms = milliseconds_since(started)
    return replace(answer, latency_ms=latency_ms, pause_s=pause_s, sent_at=sent_at, reply=reply)


def headers_of(headers: tuple[Header, ...]) -> dict[str, str] | str:
    """Their values by name, or the sentence why one of them cannot be sent."""
    found = {}
    for header in headers:
        secret = os.environ.get(header.env, "") if header.env else ""
        if header.env and not secret:
            return f"{header.env} is not set where the worker runs"
        if secret and not (secret.isascii() and secret.isprintable()):
            return f"{header.env} holds what no header can carry"
        found[header.name] = header.text + secret
    return found


def secrets_in(headers: tuple[Header, ...]) -> list[str]:
    """What they send along that nobody may read."""
    return [os.environ[header.env] for header in headers if header.env]


def beginning(content: bytes) -> str:
    return content[:120].decode(errors="replace")


def storable(text: str) -> str:
    """`text` without what PostgreSQL cannot store; the visible stand-ins are the same on both databases."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < 2**31 else None


def milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
