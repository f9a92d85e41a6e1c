"""An evaluator whose network, browser and habits are bad, and who keeps a history."""

import asyncio
import contextlib
import datetime as dt
import json
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.annotation.faults.history import History, Sent

PREFERENCES = (1, 2, "tie", "both_bad")
UNKNOWN = (0, {})
PATIENCE_S = 20.0
FINISHED = ("all_done", "own_model")


@dataclass(frozen=True)
class Odds:
    """How often each fault happens, of the judgments."""

    replay: float = 0.10
    late_replay: float = 0.05
    hang_up: float = 0.05
    two_tabs: float = 0.10
    overstay: float = 0.02
    undo: float = 0.08
    prefetch: float = 0.15


@dataclass
class FaultyEvaluator:
    number: int
    session: aiohttp.ClientSession
    url: str
    token: str
    campaign: str
    lease_s: float
    odds: Odds
    history: History
    chance: random.Random
    earlier: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    async def judge_to_the_end(self) -> None:
        while True:
            task = await self.claim()
            if task.get("assignment"):
                await self.judge(task)
            elif task.get("reason") in FINISHED:
                return
            else:
                # Others hold what is left, or the answer was lost.
                await asyncio.sleep(0.2)

    async def claim(self) -> dict[str, Any]:
        body = {"campaign": self.campaign}
        if self.happens("two_tabs"):
            both = await asyncio.gather(*[self.post("queue/next", body) for _ in range(2)])
            shown = [content for _, content in both if content.get("assignment")]
            if len(shown) == 2 and shown[0]["assignment"] != shown[1]["assignment"]:
                self.compare(*shown)
            return shown[-1] if shown else both[0][1]
        _, task = await self.post("queue/next", body)
        if task.get("assignment") and self.happens("prefetch"):
            _, ahead = await self.post("queue/next", {**body, "prefetch": True})
            if ahead.get("assignment") and ahead["assignment"] == task["assignment"]:
                self.history.wrong.append(f"{task['assignment']} is shown and fetched ahead")
        return task

    def compare(self, *shown: dict[str, Any]) -> None:
        """Two tabs show different tasks. Both were on the screen only if neither had ended between the claims."""
        first, second = sorted(dt.datetime.fromisoformat(each["lease_expires_at"]) for each in shown)
        ended = first <= second - dt.timedelta(seconds=self.lease_s)
        # A judgment whose answer nobody waited for, or an undo, may have come through meanwhile.
        named = {each["assignment"] for each in shown}
        answered = any(sent.assignment in named for sent in self.history.judgments.values())
        self.history.answers["tabs differ: lease ended" if ended else "tabs differ: answered"] += 1
        if not (ended or answered):
            self.history.wrong.append(f"two tabs show {named}")

    async def judge(self, task: dict[str, Any]) -> None:
        assignment, judgment_id = task["assignment"], task["judgment_id"]
        if self.happens("overstay"):
            await asyncio.sleep(self.lease_s * self.chance.uniform(1.1, 2.0))
        # Sent before with no answer: a client that lost its memory may answer otherwise, this one remembers.
        sent = self.history.judgments.setdefault(
            judgment_id, Sent(self.number, assignment, self.chance.choice(PREFERENCES))
        )
        if self.happens("hang_up"):
            await self.send_and_hang_up(f"assignments/{assignment}/judgment", self.body(judgment_id))
            if self.chance.random() < 0.5:
                return
        times = self.chance.randint(2, 3) if self.happens("replay") else 1
        await asyncio.gather(*[self.submit(judgment_id) for _ in range(times)])
        if self.earlier and self.happens("late_replay"):
            await self.submit(self.chance.choice(self.earlier))
        self.earlier.append(judgment_id)
        if sent.acknowledged and self.happens("undo"):
            await self.undo(judgment_id)

    async def submit(self, judgment_id: str) -> None:
        assignment = self.history.judgments[judgment_id].assignment
        status, content = await self.post(f"assignments/{assignment}/judgment", self.body(judgment_id))
        if status:
            self.history.answered(judgment_id, status, content)

    async def undo(self, judgment_id: str) -> None:
        """The task is shown again, and the next claim finds it there with another judgment_id."""
        sent = self.history.judgments[judgment_id]
        sent.undo_sent = True
        tabs = [self.post(f"judgments/{judgment_id}/undo", {}) for _ in range(self.chance.randint(1, 2))]
        for status, content in await asyncio.gather(*tabs):
            self.history.answers[f"undo {status} {content.get('code', '')}".strip()] += 1
            sent.undo_acknowledged |= status == 200

    def body(self, judgment_id: str) -> dict[str, Any]:
        return {"judgment_id": judgment_id, "preference": self.history.judgments[judgment_id].preference}

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and content; UNKNOWN where no answer came, or one that says that the server failed."""
        try:
            async with self.session.post(
                f"{self.url}/api/v1/{path}",
                json=body,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
            ) as answer:
                if answer.status < 500:
                    return answer.status, await answer.json()
                self.history.answers[f"server error {answer.status}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.history.answers[f"no answer: {type(error).__name__}"] += 1
        # As a client does that is not in a hurry: the worker or the database is starting again.
        await asyncio.sleep(self.chance.uniform(0.05, 0.3))
        return UNKNOWN

    async def send_and_hang_up(self, path: str, body: dict[str, Any]) -> None:
        """Send a whole request and break the connection before its answer is read."""
        address, content = urlsplit(self.url), json.dumps(body).encode()
        head = (
            f"POST /api/v1/{path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(head.encode() + content)
            await writer.drain()
            await asyncio.sleep(self.chance.uniform(0, 0.03))
            writer.transport.abort()

    def happens(self, fault: str) -> bool:
        if self.chance.random() >= getattr(self.odds, fault):
            return False
        self.history.faults[fault] += 1
        return True
