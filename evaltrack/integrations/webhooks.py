"""Posts messages to webhooks. Whatever answers there is taken for hostile: little of it is read, none is followed."""

import asyncio
import re
from dataclasses import dataclass

import aiohttp

from evaltrack.integrations.addresses import AddressRefused
from evaltrack.integrations.calls import Calls, read_up_to
from evaltrack.integrations.model_api import storable
from evaltrack.integrations.waits import retry_after

TIMEOUT_S = 10.0
LONGEST_WORDS = 200
SHORTEST_SECRET = 6
LONGEST_WAIT_S = 3600.0
# Refusals that say "not now" rather than "never".
PASSING = {408, 425, 429}
# Refusals of the address and of whoever asks, rather than of this one message.
OF_THE_ADDRESS = {401, 402, 403, 404, 405, 407, 410, 451}


@dataclass(frozen=True)
class Post:
    address: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Taken:
    """The other side has answered with a success, so it has the message."""


@dataclass(frozen=True)
class Failed:
    """`detail` is a sentence that says what happened. What becomes of the message depends on whether trying again can
    help, and on whether it is this message alone or the address that is refused."""

    detail: str
    may_pass: bool
    of_address: bool = True
    retry_after_s: float | None = None


class Posting(Calls["Post", "Taken | Failed"]):
    """A pool of messages on their way."""

    async def ask(self, request: Post) -> Taken | Failed:
        try:
            return await post(self.session, request)
        except Exception as error:  # noqa: BLE001  an answer that breaks the client must not lose the message
            return Failed(f"Its answer cannot be read ({type(error).__name__}).", may_pass=True)


async def post(session: aiohttp.ClientSession, request: Post) -> Taken | Failed:
    try:
        async with session.post(
            request.address,
            data=request.body,
            headers=request.headers,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            allow_redirects=False,
        ) as response:
            if 200 <= response.status < 300:
                return Taken()
            words = await beginning(response, address=request.address)
    except TimeoutError:
        return Failed(f"It did not answer within {TIMEOUT_S:.0f} seconds.", may_pass=True)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            return Failed(f"It may not be called: {error.os_error}.", may_pass=False)
        # Not the error's own text, which repeats the address, and that may be a secret.
        reason = getattr(error.os_error, "strerror", "") or type(error.os_error).__name__
        return Failed(f"It cannot be reached: {reason}.", may_pass=True)
    except (aiohttp.ClientError, OSError) as error:
        return Failed(f"It broke the connection ({type(error).__name__}).", may_pass=True)
    status = response.status
    if 300 <= status < 400:
        return Failed(f"It answered {status}, a redirect, which is not followed.", may_pass=False)
    said = f"It answered {status}{f': {words}' if words else ''}."
    if status >= 500 or status in PASSING:
        return Failed(
            said,
            may_pass=True,
            retry_after_s=retry_after(response.headers.get("Retry-After", ""), most=LONGEST_WAIT_S),
        )
    return Failed(said, may_pass=False, of_address=status in OF_THE_ADDRESS)


async def beginning(response: aiohttp.ClientResponse, *, address: str) -> str:
    """The first words of an answer, on one line; none where they do not come soon."""
    # Enough that nothing of the address is cut off where it begins among them.
    most = LONGEST_WORDS + len(address)
    try:
        content = await asyncio.wait_for(read_up_to(most, response), timeout=2.0)
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""
    text = storable(without(address, content.decode(errors="replace"))[:LONGEST_WORDS])
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def without(address: str, said: str) -> str:
    """Servers repeat the path that they do not know, and a part of it may be a secret."""
    parts = {
        part for part in re.split(r"[/?&=#:@;]", address.partition("//")[2]) if len(part) >= SHORTEST_SECRET
    }
    for part in sorted(parts, key=len, reverse=True):
        said = said.replace(part, "…")
    return said
