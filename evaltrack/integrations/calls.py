"""The one way out by HTTP: many calls in flight, started and collected by code that knows of no event loop.

`Calls` runs one loop in a thread of its own, so that the code around it (claims, transactions) stays plain and
synchronous: start calls, then collect what has finished.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Any, Generic, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver

from evaltrack.integrations.addresses import CheckedNames, checked_socket
from evaltrack.integrations.gate import Gate

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
        # The loop itself holds tasks weakly.
        self.tasks: set[asyncio.Task[None]] = set()

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

    def start(self, key: Hashable, request: Request, *, gate: Gate | None = None) -> None:
        """Make a call as soon as `gate` lets it through; without a gate, now."""
        self.in_flight += 1
        if gate is None:
            self.loop.call_soon_threadsafe(self._begin, key, request, None)
        else:
            self.change(gate, lambda: gate.waiting.append((key, request)))

    def change(self, gate: Gate, how: Callable[[], object]) -> None:
        """Change a gate in the thread that it belongs to, and let through what may go then."""

        def changed() -> None:
            how()
            self._let_through(gate)

        self.loop.call_soon_threadsafe(changed)

    def withdraw(self, gate: Gate, keys: Collection[Hashable]) -> list[Any]:
        """Take calls back that have not started; which ones."""

        async def take_back() -> list[Any]:
            taken = [key for key, _ in gate.waiting if key in keys]
            gate.waiting = deque(call for call in gate.waiting if call[0] not in keys)
            return taken

        taken = asyncio.run_coroutine_threadsafe(take_back(), self.loop).result(timeout=10)
        self.in_flight -= len(taken)
        return taken

    def heard(self, answer: Answer, gate: Gate) -> None:
        """An answer has come through `gate`, which it may close for a while."""

    def _let_through(self, gate: Gate) -> None:
        now = time.monotonic()
        while gate.lets_through(now):
            self._begin(*gate.take(), gate)
        if gate.waiting and gate.closed_until > now:
            self.loop.call_later(gate.closed_until - now, self._let_through, gate)

    def _begin(self, key: Hashable, request: Request, gate: Gate | None) -> None:
        task = self.loop.create_task(self._call(key, request, gate))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _call(self, key: Hashable, request: Request, gate: Gate | None) -> None:
        answer = await self.ask(request)
        if gate is not None:
            gate.came_back()
            self.heard(answer, gate)
            self._let_through(gate)
        self.finished.put((key, answer))

    def collect(self, timeout_s: float, *, gather_s: float = 0.0) -> list[tuple[Any, Answer]]:
        """Everything that has finished; waits up to `timeout_s` for the first, and `gather_s` for more."""
        results = []
        try:
            results.append(self.finished.get(timeout=timeout_s))
            time.sleep(gather_s)
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
