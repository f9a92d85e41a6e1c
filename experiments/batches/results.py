"""Act: write what a batch has answered, line by line, each once."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from evaltrack.integrations.model_api import Answer, Failure, NotAnAnswer, storable
from experiments import targets
from experiments.batches import rows
from experiments.models import Batch, Output
from experiments.running import claims
from experiments.targets import openai_chat
from experiments.tariff import Tariff

AT_ONCE = 200
# What may go better in another batch.
PASSING = {408, 409, 425, 429}


@dataclass(frozen=True)
class Failed:
    """`again`: it may be asked for again."""

    error: str
    again: bool


def take(batch: Batch, lines: Iterable[dict[str, Any]], *, at: dt.datetime) -> int:
    """How many outputs were written. Lines that answer nothing of this batch, or a second time, change nothing."""
    found = ((output_id, read(line)) for line in lines if (output_id := named(line)) is not None)
    return sum(write(batch, several, at=at) for several in batches(found))


def batches(found: Iterator[tuple[int, Answer | Failed]]) -> Iterator[list[tuple[int, Answer | Failed]]]:
    while several := list(islice(found, AT_ONCE)):
        yield several


def named(line: dict[str, Any]) -> int | None:
    name = line.get("custom_id")
    return (
        int(name)
        if isinstance(name, str) and name.isascii() and name.isdecimal() and len(name) < 19
        else None
    )


def read(line: dict[str, Any]) -> Answer | Failed:
    response, error = line.get("response"), line.get("error")
    if not isinstance(response, dict):
        said = error if isinstance(error, dict) else {}
        code = storable(str(said.get("code") or "no response"))[:100]
        return Failed(
            f"{Failure.BROKEN}: {code}: {storable(str(said.get('message') or ''))[:300]}", again=True
        )
    status = response.get("status_code")
    if status != 200:
        passing = not isinstance(status, int) or status >= 500 or status in PASSING
        detail = storable(str(response.get("body")))[:200]
        kind = Failure.BROKEN if passing else Failure.REJECTED
        return Failed(f"{kind}: HTTP {storable(str(status))[:10]}: {detail}", again=passing)
    try:
        # When the endpoint came to it, and how long that took, it does not say.
        return replace(openai_chat.answer(response.get("body")), latency_ms=None)
    except NotAnAnswer as nothing:
        return Failed(f"{Failure.NONSENSE}: {nothing}", again=False)


def write(batch: Batch, several: list[tuple[int, Answer | Failed]], *, at: dt.datetime) -> int:
    first = dict(reversed(several))  # of two lines for one output the first
    target = targets.parse(batch.run.version.configuration)
    tariff = Tariff.of(batch.run.record.get("price"))
    bound = Output.objects.filter(pk__in=first, lease_token=batch.key)
    answers = []
    for output_id, request_digest, attempts in bound.values_list("pk", "request_digest", "attempts"):
        result = first[output_id]
        if isinstance(result, Answer):
            cost = tariff.cost(result) if tariff else None
            outcome = claims.outcome_of(result, by=target)
            answers.append(claims.Answered(output_id, result, outcome, request_digest, cost))
        elif not result.again or attempts >= rows.MOST_ATTEMPTS:
            rows.fail(batch, output_id, result.error, at=at)
        # What may be asked for again stays with the batch until it ends.
    return claims.record_answers(answers, token=batch.key, at=at)
