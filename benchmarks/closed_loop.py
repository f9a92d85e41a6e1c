"""Evaluators as clients: each asks for a task, judges it, and asks again as soon as the answer is there.

They share two cores with the server, so what they cost themselves must be small: a client library spends as much on
a request as the database does.
"""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
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


@dataclass
class Evaluator:
    """One person's browser: a connection that is kept."""

    url: str
    token: str
    campaign: str
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: dict) -> tuple[int, dict, float]:
        began = time.perf_counter()
        host = urlsplit(self.url)
        if self.streams is None:
            self.streams = await asyncio.open_connection(host.hostname, host.port)
        reader, writer = self.streams
        content = json.dumps(body).encode()
        writer.write(
            f"POST /api/v1/{path} HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
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

    async def judge(self, seen: Observed, number: int) -> None:
        """One round; what does not succeed is counted by its status."""
        try:
            status, task, claim_ms = await self.post("queue/next", {"campaign": self.campaign})
            if status != 200 or not task["assignment"]:
                seen.errors[f"claim {status} {task.get('reason') or task.get('code', '')}"] += 1
                await asyncio.sleep(0.05)
                return
            answer = {
                "judgment_id": task["judgment_id"],
                "preference": PREFERENCES[number % len(PREFERENCES)],
                "active_ms": 5,
            }
            status, stored, submit_ms = await self.post(f"assignments/{task['assignment']}/judgment", answer)
        except (OSError, EOFError, StopIteration) as error:
            seen.errors[type(error).__name__] += 1
            return
        if status not in (200, 201):
            seen.errors[f"submit {status} {stored.get('code', '')}"] += 1
            return
        seen.claims_ms.append(claim_ms)
        seen.submits_ms.append(submit_ms)
        seen.acknowledged.append(stored["judgment_id"])


async def judge_for(
    url: str, campaign: str, tokens: list[str], *, warm_up: float, seconds: float
) -> Observed:
    """Let one evaluator per token judge at the same time. The warm-up's judgments count as acknowledged only."""
    warm, seen = Observed(), Observed()
    evaluators = [Evaluator(url, token, campaign) for token in tokens]
    began = time.monotonic()

    async def judge_on(evaluator: Evaluator) -> None:
        number = 0
        while (passed := time.monotonic() - began) < warm_up + seconds:
            await evaluator.judge(warm if passed < warm_up else seen, number)
            number += 1
        evaluator.close()

    await asyncio.gather(*map(judge_on, evaluators))
    seen.seconds = time.monotonic() - began - warm_up
    seen.acknowledged += warm.acknowledged
    return seen
