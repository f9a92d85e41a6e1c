"""Evaluators as clients: each asks for a task, judges it, and asks again as soon as the answer is there.

They share two cores with the server, so what they cost themselves must be small: a client library spends as much on
a request as the database does.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

PREFERENCES = (1, 2, "tie", "both_bad")


@dataclass
class Observed:
    """What the clients saw while they were measured. `acknowledged`: judgment, by the evaluator's number."""

    claims_ms: list[float] = field(default_factory=list)
    submits_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    acknowledged: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, judgment: str, claim_ms: float, submit_ms: float) -> None:
        self.claims_ms.append(claim_ms)
        self.submits_ms.append(submit_ms)
        self.acknowledged.append(judgment)


@dataclass
class Browser:
    """One person's connection to a server, which is kept."""

    url: str
    authorization: str
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict, float]:
        """Status, content and milliseconds."""
        began = time.perf_counter()
        host = urlsplit(self.url)
        if self.streams is None:
            self.streams = await asyncio.open_connection(host.hostname, host.port, limit=2**20)
        reader, writer = self.streams
        content = b"" if body is None else json.dumps(body).encode()
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: {self.authorization}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        try:
            first, *headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            length = next(int(line[15:]) for line in headers if line.startswith("content-length:"))
            answer = await reader.readexactly(length)
        except (OSError, EOFError, StopIteration):
            self.close()
            raise
        if "connection: close" in headers:
            self.close()
        status = int(first.split()[1])
        return status, json.loads(answer) if status < 500 else {}, (time.perf_counter() - began) * 1000

    def close(self) -> None:
        if self.streams:
            self.streams[1].close()
        self.streams = None


@dataclass
class Evaluator(Browser):
    campaign: str = ""

    async def judge(self, seen: Observed, number: int) -> None:
        """One round; what does not succeed is counted by its status."""
        status, task, claim_ms = await self.request("POST", "/api/v1/queue/next", {"campaign": self.campaign})
        if status != 200 or not task["assignment"]:
            seen.errors[f"claim {status} {task.get('reason') or task.get('code', '')}"] += 1
            await asyncio.sleep(0.05)
            return
        answer = {
            "judgment_id": task["judgment_id"],
            "preference": PREFERENCES[number % len(PREFERENCES)],
            "active_ms": 5,
        }
        path = f"/api/v1/assignments/{task['assignment']}/judgment"
        status, stored, submit_ms = await self.request("POST", path, answer)
        if status not in (200, 201):
            seen.errors[f"submit {status} {stored.get('code', '')}"] += 1
            return
        seen.add(stored["judgment_id"], claim_ms, submit_ms)


class Judge(Protocol):
    async def judge(self, seen: Observed, number: int) -> None: ...
    def close(self) -> None: ...


async def judge_for(judges: Sequence[Judge], *, warm_up: float, seconds: float) -> Observed:
    """Let all judge at the same time. The warm-up's judgments count as acknowledged only."""
    warm, seen = Observed(), Observed()
    began = time.monotonic()

    async def judge_on(judge: Judge) -> None:
        number = 0
        while (passed := time.monotonic() - began) < warm_up + seconds:
            phase = warm if passed < warm_up else seen
            try:
                await judge.judge(phase, number)
            except (OSError, EOFError, StopIteration) as error:
                phase.errors[type(error).__name__] += 1
            number += 1
        judge.close()

    await asyncio.gather(*map(judge_on, judges))
    seen.seconds = time.monotonic() - began - warm_up
    seen.acknowledged += warm.acknowledged
    return seen
