"""Asks JSON services for outputs, many at a time."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import aiohttp

from evaltrack.integrations.addresses import AddressRefused
from evaltrack.integrations.calls import Calls, read_up_to

LARGEST_ANSWER = 4 * 1024 * 1024
# What a gateway answers when there is nobody behind it.
GATEWAY_ALONE = {502, 503}


class Failure(StrEnum):
    """What kind of failure a call met, which decides what may be done about it."""

    UNREACHABLE = "unreachable"  # nobody is there: wait, all calls will meet it
    BROKEN = "broken"  # somebody is there and failed: with this call alone, if others go well
    THROTTLED = "throttled"  # it asks us to slow down
    REJECTED = "rejected"  # it understood and said no: asking again gives the same
    NONSENSE = "nonsense"  # it answered what no server of its kind answers


class NotAnAnswer(Exception):
    """What came is no answer of the kind that was asked for; the message says what would be."""


@dataclass(frozen=True)
class Answer:
    """`latency_ms` is the service time of this one call, from sending to the last byte."""

    text: str
    latency_ms: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str = ""
    model: str = ""
    fingerprint: str = ""
    # What was retrieved for it and what it refers to; None where the service does not tell.
    contexts: list[str] | None = None
    citations: list[str] | None = None


@dataclass(frozen=True)
class Header:
    """`text`, and behind it what the environment's variable `env` holds, where one is named."""

    name: str
    text: str = ""
    env: str = ""


@dataclass(frozen=True)
class Question:
    """A body to post as JSON, and `read`, which makes an answer of the JSON that comes back or raises NotAnAnswer."""

    url: str
    body: Any
    read: Callable[[Any], Answer]
    timeout_ms: int = 60_000
    api_key_env: str = ""
    headers: tuple[Header, ...] = ()

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
    retry_after_s: float | None = None


class ModelCaller(Calls["Question", "Answer | CallFailed"]):
    """A pool of questions in flight."""

    async def ask(self, request: Question) -> Answer | CallFailed:
        return await ask(self.session, request)


async def ask(session: aiohttp.ClientSession, request: Question) -> Answer | CallFailed:
    started = time.perf_counter()

    def failed(failure: Failure, detail: str, retry_after_s: float | None = None) -> CallFailed:
        return CallFailed(failure, storable(detail)[:500], milliseconds_since(started), retry_after_s)

    headers = {}
    for header in request.all_headers():
        secret = os.environ.get(header.env, "") if header.env else ""
        if header.env and not secret:
            return failed(Failure.REJECTED, f"{header.env} is not set where the worker runs")
        if not (secret.isascii() and secret.isprintable()) and secret:
            return failed(Failure.REJECTED, f"{header.env} holds what no header can carry")
        headers[header.name] = header.text + secret

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
        return failed(Failure.BROKEN, str(error) or type(error).__name__)
    if response.status == 429:
        return failed(Failure.THROTTLED, "asked to slow down (429)", retry_after(response))
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
    return replace(answer, latency_ms=milliseconds_since(started))


def beginning(content: bytes) -> str:
    return content[:120].decode(errors="replace")


def storable(text: str) -> str:
    """`text` without what PostgreSQL cannot store; the visible stand-ins are the same on both databases."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < 2**31 else None


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds that the server asks us to wait, where it says so in seconds."""
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return min(seconds, 300.0) if seconds >= 0 else None


def milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
