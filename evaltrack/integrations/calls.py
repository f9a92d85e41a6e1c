"""The one way out by HTTP: many calls in flight, started and collected by code that knows of no event loop.

`Calls` runs one loop in a thread of its own, so that the code around it (claims, transactions) stays plain and
synchronous: start calls, then collect what has finished.
"""

import asyncio
import queue
import threading
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver

from evaltrack.integrations.addresses import CheckedNames, checked_socket

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Calls(Generic[Request, Answer]):
    """A pool of calls in flight. Use as a context manager; leaving it abandons what has not finished.

    `private`: whether names may lead into private networks. `names` looks them up, the system's way if left out.
    """

    def __init__(self, *, private: bool, names: AbstractResolver | None = None) -> None:
        self.private, self.names = private, names
        self.finished: queue.SimpleQueue[tuple[Any, Answer]] = queue.SimpleQueue()
        self.in_flight = 0

    async def ask(self, request: Request) -> Answer:
        """Make one call. It must answer within a time of its own, and fail as a value."""
        raise NotImplementedError

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="calls", daemon=True)
        self.thread.start()
        self.session = asyncio.run_coroutine_threadsafe(self._open(), self.loop).result()
        return self

    async def _open(self) -> aiohttp.ClientSession:
        return open_session(CheckedNames(self.names or aiohttp.ThreadedResolver(), private=self.private))

    def __exit__(self, *exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(timeout=10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=10)
        self.loop.close()

    async def _stop(self) -> None:
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.session.close()

    def start(self, key: Hashable, request: Request) -> None:
        self.in_flight += 1
        asyncio.run_coroutine_threadsafe(self._call(key, request), self.loop)

    async def _call(self, key: Hashable, request: Request) -> None:
        self.finished.put((key, await self.ask(request)))

    def collect(self, timeout_s: float) -> list[tuple[Any, Answer]]:
        """Everything that has finished; waits up to `timeout_s` for the first."""
        results = []
        try:
            results.append(self.finished.get(timeout=timeout_s))
            while True:
                results.append(self.finished.get_nowait())
        except queue.Empty:
            pass
        self.in_flight -= len(results)
        return results


def open_session(names: CheckedNames) -> aiohttp.ClientSession:
    # The caller's claims are the limit on calls in flight; a second one here would only hide queueing in latency.
    connector = aiohttp.TCPConnector(limit=0, resolver=names, socket_factory=checked_socket)
    # No proxy of the environment: it would look names up itself.
    return aiohttp.ClientSession(connector=connector, trust_env=False)


async def read_up_to(most: int, response: aiohttp.ClientResponse) -> bytes:
    """The first `most` bytes of the answer: whoever answers may never stop."""
    content = b""
    while not response.content.at_eof() and len(content) < most:
        content += await response.content.read(most - len(content))
    return content
