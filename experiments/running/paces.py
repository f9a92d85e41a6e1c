"""The endpoints that one worker asks, each at its pace, and the calls in between."""

import math
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection as Sized
from collections.abc import Iterable
from typing import Any

from evaltrack import clock
from evaltrack.integrations.gate import Gate
from evaltrack.integrations.model_api import Answer, CallFailed, ModelCaller, Question
from experiments.running import pacing
from experiments.running.pacing import Granted, Limits, Pace
from experiments.targets.base import Target

# An endpoint, an experiment, an output.
Key = tuple[int, int, int]
# Answers are written together that come within this time.
GATHER_SECONDS = 0.01


class Paces:
    def __init__(self, caller: ModelCaller, worker: uuid.UUID) -> None:
        self.caller = caller
        self.worker = worker
        self.of: dict[int, Pace] = {}

    def ask_only(self, asked: Iterable[tuple[int, Target]]) -> None:
        """From now on ask these endpoints, each as strictly as the strictest configuration that asks it."""
        by_endpoint: dict[int, list[Target]] = defaultdict(list)
        for endpoint, target in asked:
            by_endpoint[endpoint].append(target)
        for endpoint, targets in by_endpoint.items():
            limits = Limits.of(targets)
            pace = self.of.setdefault(endpoint, Pace(endpoint, limits))
            if pace.limits != limits:
                # They hold from the next call on, not from the next regular look.
                pace.limits, pace.looked = limits, -math.inf
        for endpoint in set(self.of) - set(by_endpoint):
            if not self.of[endpoint].held:
                pacing.give_back(self.worker, endpoint)
                del self.of[endpoint]

    def look(self) -> None:
        """Take this worker's share of each endpoint, where it is time for that."""
        for pace in self.of.values():
            if pace.due:
                # The pause is counted from here: a look that takes long must not make it longer each time.
                began = time.monotonic()
                granted = pacing.look(pace, worker=self.worker, at=clock.now())
                pace.share = granted.calls
                pace.closed_until = began + granted.closed_for_s
                self.grant(pace.gate, granted, began=began)

    def grant(self, gate: Gate, granted: Granted, *, began: float) -> None:
        until = began + granted.closed_for_s

        def change() -> None:
            gate.limit = granted.calls
            if granted.starts is None:
                gate.permits = float("inf")
            else:
                gate.permits = granted.starts + (0 if gate.permits == float("inf") else gate.permits)
            if granted.closed_for_s:
                gate.close(until)

        self.caller.change(gate, change)

    def room(self, endpoints: Iterable[int], *, among: int) -> dict[int, int]:
        """How many outputs to claim at each endpoint, where `among` so many share the room."""
        return {endpoint: -(-self.of[endpoint].room // among) for endpoint in endpoints}

    def closed_beyond(self, moment: float) -> set[int]:
        """The endpoints where calls wait that cannot start before `moment`, a `time.monotonic()`."""
        now = time.monotonic()
        return {
            endpoint
            for endpoint, pace in self.of.items()
            if pace.gate.waiting and now + pace.closed_for_s > moment
        }

    def start(self, key: Key, question: Question) -> None:
        pace = self.of[key[0]]
        pace.held += 1
        self.caller.start(key, question, gate=pace.gate)

    def gather(self, timeout_s: float) -> list[tuple[Key, Answer | CallFailed]]:
        """What has come back; `written` is to follow when it is written down."""
        finished = self.caller.collect(timeout_s=timeout_s, gather_s=GATHER_SECONDS)
        for (endpoint, *_), result in finished:
            self.of[endpoint].hear(result)
        return finished

    def written(self, keys: Iterable[Key]) -> None:
        for endpoint, count in Counter(endpoint for endpoint, *_ in keys).items():
            self.of[endpoint].held -= count
            self.write_down(self.of[endpoint].gate, count)

    def write_down(self, gate: Gate, count: int) -> None:
        def change() -> None:
            gate.unwritten -= count

        self.caller.change(gate, change)

    def withdraw(self, keys: Sized[Key]) -> list[Key]:
        """Take back what was not asked yet; which."""
        taken: list[Any] = []
        for endpoint in {endpoint for endpoint, *_ in keys}:
            pace = self.of[endpoint]
            back = self.caller.withdraw(pace.gate, keys)
            pace.held -= len(back)
            taken += back
        return taken
