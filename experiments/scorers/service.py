"""A service by HTTP that gives values: a batch of answers as JSON there, a list of values back.

POST url
{"metric": "…", "arguments": {…}, "examples": [{"input": …, "answer": …, "expected": …, "contexts": …, …}]}

{"values": [0.5, {"undefined": "why"}], "version": "toxicity 2.1"}
"""

import json
import time
from collections.abc import Sequence
from typing import Any, Self

from django.conf import settings

from evaltrack.integrations.model_api import (
    Answer,
    CallFailed,
    Failure,
    ModelCaller,
    NotAnAnswer,
    Question,
    storable,
)
from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Value
from experiments.scorers.base import Away, Given
from experiments.suite import MetricRule

TRIES = 3
PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0
LONGEST_REASON = 200
# What somebody has to mend before any call goes well.
OF_THE_ADDRESS = tuple(f"HTTP {status}" for status in (401, 402, 403, 404, 405, 407, 410))


class Service:
    """The scorer of one rule of a suite. Use as a context manager."""

    def __init__(self, rule: MetricRule) -> None:
        self.rule = rule
        self.caller = ModelCaller(private=settings.PRIVATE_ADDRESSES)

    def __enter__(self) -> Self:
        self.caller.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.caller.__exit__(*exception)

    def ask(self, records: Sequence[dict[str, Any]]) -> dict[int, Given]:
        """A value or a reason for each of `records`. Raises Away where nobody answers, or nobody may ask."""
        for left in reversed(range(TRIES)):
            answer = self.call(records)
            if isinstance(answer, Answer):
                found = json.loads(answer.text)
                return {
                    place: Given(value_of(each), found["version"])
                    for place, each in enumerate(found["values"])
                }
            if not left or answer.failure in (Failure.REJECTED, Failure.NONSENSE):
                return self.without(answer, len(records))
            time.sleep(min(answer.wait_s or PAUSE_S, LONGEST_PAUSE_S))
        raise AssertionError("the last try returns")

    def without(self, failed: CallFailed, count: int) -> dict[int, Given]:
        absent = failed.failure in (Failure.UNREACHABLE, Failure.THROTTLED)
        if absent or failed.detail.startswith(
            (*OF_THE_ADDRESS, str(self.rule.parameters.get("api_key_env")))
        ):
            raise Away(f"{self.rule.parameters['url']}: {failed.detail[:LONGEST_REASON]}.")
        reason = Undefined(storable(f"the service gave no values: {failed.detail}")[:LONGEST_REASON])
        return dict.fromkeys(range(count), Given(reason, ""))

    def call(self, records: Sequence[dict[str, Any]]) -> Answer | CallFailed:
        given = self.rule.parameters
        question = Question(
            url=given["url"],
            body={
                "metric": given.get("name", ""),
                "arguments": given.get("arguments", {}),
                "examples": list(records),
            },
            read=lambda found: as_answer(found, len(records)),
            timeout_ms=settings.SCORER_SECONDS * 1000,
            api_key_env=given.get("api_key_env", ""),
        )
        self.caller.start(0, question)
        while not (came := self.caller.collect(timeout_s=1.0)):
            pass
        return came[0][1]


def as_answer(found: Any, count: int) -> Answer:
    """What came, if it is a list of as many values as answers were sent."""
    values = found.get("values") if isinstance(found, dict) else None
    if not isinstance(values, list) or len(values) != count:
        raise NotAnAnswer(f'no object with "values", a list of {count}')
    version = found.get("version", "")
    if not isinstance(version, str):
        raise NotAnAnswer('a "version" that is no text')
    return Answer(text=json.dumps({"values": values, "version": storable(version)[:300]}))


def value_of(given: Any) -> Value:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    reason = given.get("undefined") if isinstance(given, dict) else None
    if isinstance(reason, str) and reason:
        return Undefined(storable(f"the service: {reason}")[:LONGEST_REASON])
    return Undefined("the service gave no number")
