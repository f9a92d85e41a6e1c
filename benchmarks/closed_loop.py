"""Evaluators as clients: each asks for a task, judges it, and asks again as soon as the answer is there."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

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
    session: aiohttp.ClientSession
    url: str
    token: str
    campaign: str

    async def post(self, path: str, body: dict) -> tuple[int, dict, float]:
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(f"{self.url}/api/v1/{path}", json=body, headers=headers) as answer:
            content = await answer.json(content_type=None) if answer.status < 500 else {}
            return answer.status, content, (time.perf_counter() - began) * 1000

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
        except aiohttp.ClientError as error:
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
    # Connections are kept, one per evaluator, as a browser does.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=len(tokens))) as session:
        began = time.monotonic()

        async def judge_on(evaluator: Evaluator) -> None:
            number = 0
            while (passed := time.monotonic() - began) < warm_up + seconds:
                await evaluator.judge(warm if passed < warm_up else seen, number)
                number += 1

        await asyncio.gather(*(judge_on(Evaluator(session, url, token, campaign)) for token in tokens))
        seen.seconds = time.monotonic() - began - warm_up
    seen.acknowledged += warm.acknowledged
    return seen
