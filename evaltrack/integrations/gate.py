"""Pure: when the next call to an endpoint may start."""

from collections import deque
from typing import Any

# Answers that have come and are not written down yet are lost with the worker, as calls in flight are.
MOST_OUTSTANDING = 2


class Gate:
    """Lets calls to one endpoint through: `limit` at a time, none while the endpoint asked to be left alone.

    `permits` is how many more may start until somebody grants others; infinite where nobody counts. Times are
    `time.monotonic()`. It is used by the thread of the calls alone; other threads may read its counts.
    """

    def __init__(self) -> None:
        self.limit = 0
        self.permits = float("inf")
        self.closed_until = 0.0
        self.in_flight = 0
        self.unwritten = 0
        self.waiting: deque[tuple[Any, Any]] = deque()

    def lets_through(self, now: float) -> bool:
        return (
            bool(self.waiting)
            and now >= self.closed_until
            and self.permits >= 1
            and self.in_flight < self.limit
            and self.in_flight + self.unwritten < max(self.limit + 1, int(MOST_OUTSTANDING * self.limit))
        )

    def close(self, until: float) -> None:
        self.closed_until = max(self.closed_until, until)

    def take(self) -> tuple[Any, Any]:
        """The next call, which starts now."""
        self.in_flight += 1
        self.permits -= 1
        return self.waiting.popleft()

    def came_back(self) -> None:
        self.in_flight -= 1
        self.unwritten += 1
