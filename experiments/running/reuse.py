"""Act: answers of earlier experiments take the place of calls, where the plan allows it.

No answer is kept apart for that: an output with a whole answer has a key, under which later experiments find it. What
must not be reused has none, so that whoever looks cannot take it.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from evaltrack.bulk import update_rows
from evaltrack.canonical import digest, sha256_hex
from evaltrack.integrations.model_api import Answer, Question
from experiments.models import WHOLE_ANSWERS, Experiment, Outcome, Output, OutputState, Run
from experiments.running.claims import Claimed
from experiments.running.held import Held
from experiments.targets.base import Target

# Changes with what evaltrack makes of a reply: what was read by another rule is another answer.
FORMAT = "evaltrack-answer-v1"
# What an answer is, wherever it is used.
COPIED = (
    "outcome", "text", "contexts", "citations", "finish_reason", "input_tokens", "output_tokens",
    "request_digest", "endpoint_model", "endpoint_fingerprint", "raw_reply_id",
)  # fmt: skip
AT_ONCE = 200
# Of so many answers for each output that looks for one the newest are read; who finds none among them asks.
MOST_FOUND = 10
# Where to look for what a model last called itself.
RUNS_LOOKED_AT = 20

# An endpoint, and the model that is asked for there.
Asked = tuple[int | None, str]


@dataclass
class Reuse:
    """What one worker may reuse in one experiment."""

    experiment: Experiment
    # The experiments whose answers are in this one already, or are its own.
    not_of: list[int]
    # Run id → the target that it asks, of those that may reuse, and no others.
    targets: dict[int, Target]
    # Run id → what of a key is the same for all of its questions.
    scopes: dict[int, dict[str, Any]]
    # How old an answer may be.
    age: dt.timedelta
    # Run id → who is asked there.
    asked: dict[int, Asked]
    # What the model last called itself that answers there; None where nobody has heard it.
    named: dict[Asked, str | None]
    # Outputs that were ended by an earlier answer.
    count: int = 0
    # Digests of a scope with an address and headers: as a rule there is one for each run.
    digests: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def key(self, claimed: Claimed, question: Question, request_digest: str) -> str | None:
        """By what an answer to this question is found; None where it is always asked.

        Whatever could make the answer another one is in it, but for what stands behind the address.
        """
        run = claimed.run_id
        if run not in self.targets:
            return None
        sent = (run, question.url, question.api_key_env, question.headers)
        if sent not in self.digests:
            # Of variables the names, never what they hold.
            headers = [[each.name, each.text, each.env] for each in question.headers]
            self.digests[sent] = digest(
                self.scopes[run] | {"url": question.url, "key": question.api_key_env, "headers": headers}
            )
        return sha256_hex(f"{self.digests[sent]} {claimed.repeat} {request_digest}".encode())

    def reusable(self, key: str | None, run_id: int, answer: Answer, outcome: Outcome) -> str | None:
        """The key under which an answer may be reused; None where it may not."""
        if key is None or outcome not in WHOLE_ANSWERS or answer.is_refusal:
            return None
        return key if self.targets[run_id].is_whole(answer) else None

    def hear(self, run_id: int, answer: Answer) -> None:
        """What is behind the address is heard from what answers now."""
        if run_id in self.asked and not answer.is_refusal:
            self.named[self.asked[run_id]] = answer.model

    def left(
        self, asked: Sequence[tuple[Held, Question]], *, token: uuid.UUID, at: dt.datetime
    ) -> list[tuple[Held, Question]]:
        """End claimed outputs with earlier answers to the same; the others, which have to be asked.

        Each answer is used once in an experiment, so that arms which ask the same do not share one.
        """
        looking = [(held.claimed, held.cache_key) for held, _ in asked if held.cache_key is not None]
        ended: set[int] = set()
        for start in range(0, len(looking), AT_ONCE):
            ended |= self.take(looking[start : start + AT_ONCE], token=token, at=at)
        self.count += len(ended)
        return [(held, question) for held, question in asked if held.claimed.id not in ended]

    @transaction.atomic
    def take(self, looking: Sequence[tuple[Claimed, str]], *, token: uuid.UUID, at: dt.datetime) -> set[int]:
        # Of two workers the second waits here, and sees which answers the first has used.
        Experiment.objects.select_for_update().only("pk").get(pk=self.experiment.pk)
        found = self.found([key for _, key in looking], at=at)
        given: dict[Claimed, int] = {}
        for claimed, key in looking:
            fitting = (each for each in found[key] if self.fits(claimed, each))
            if (answer := next(fitting, None)) is not None:
                found[key].remove(answer)
                given[claimed] = answer.pk
        answers = Output.objects.only(*COPIED).in_bulk(list(given.values()))
        rows = [
            (claimed.id, claimed.attempts - 1, pk, *(getattr(answers[pk], name) for name in COPIED))
            for claimed, pk in given.items()
        ]
        update_rows(
            Output,
            ("id", "attempts", "reused_from", *COPIED),
            rows,
            also={
                "state": OutputState.DONE,
                "lease_token": None,
                "lease_until": None,
                "not_before": None,
                "cost_micro": 0,
                "error": "",
                "finished_at": at,
            },
            where={"lease_token": token},
        )
        return {claimed.id for claimed in given}

    def found(self, keys: Sequence[str], *, at: dt.datetime) -> Mapping[str, list[Output]]:
        """Answers by key, the newest first: of other experiments, and not used in this one."""
        used = Output.objects.filter(experiment=self.experiment, reused_from=OuterRef("pk"))
        rows = (
            # None from after `at`, which other workers may have written since: it is the time of what reuses it.
            Output.objects.filter(cache_key__in=set(keys), finished_at__range=(at - self.age, at))
            .exclude(experiment__in=self.not_of)
            .exclude(Exists(used))
            .order_by("-finished_at", "-pk")
            .only("cache_key", "finished_at", "endpoint_model")
        )
        found: dict[str, list[Output]] = defaultdict(list)
        for row in rows[: MOST_FOUND * len(keys)]:
            found[str(row.cache_key)].append(row)
        return found

    def fits(self, claimed: Claimed, answer: Output) -> bool:
        """Whether an answer is of the model that answers there today, as far as that was heard."""
        return self.named[self.asked[claimed.run_id]] in (None, answer.endpoint_model)


def of(experiment: Experiment, runs: Sequence[Run], targets: Mapping[int, Target]) -> Reuse | None:
    """What may be reused for the open outputs of `runs`; None where nothing may, by what their records locked."""
    caching = {run.pk: run for run in runs if "cache" in run.record}
    if not caching:
        return None
    # Of one plan, and so the same in all of its runs.
    rule = next(iter(caching.values())).record["cache"]
    asked = {pk: (run.endpoint_id, targets[pk].model) for pk, run in caching.items()}
    return Reuse(
        experiment=experiment,
        not_of=[experiment.pk, *(before.pk for before in looks_before(experiment))],
        targets={pk: targets[pk] for pk in caching},
        scopes={
            pk: {
                "format": FORMAT,
                # Whoever sees one experiment of a component sees the others, and whose the examples are is the same.
                "component": experiment.component_id,
                "dataset": experiment.dataset_version.dataset_id,
                "salt": rule["salt"],
                "reads": targets[pk].reads,
            }
            for pk in caching
        },
        age=dt.timedelta(days=rule["max_age_days"]),
        asked=asked,
        named={each: last_named(*each) for each in set(asked.values())},
    )


def looks_before(experiment: Experiment) -> list[Experiment]:
    """Those that this one extends: their answers are in it, kept or reused there."""
    before = experiment.extends
    return [before, *looks_before(before)] if before else []


def last_named(endpoint: int | None, model: str) -> str | None:
    """What the model called itself in the newest answer that anybody got from it there; None where there was none."""
    runs = Run.objects.filter(endpoint=endpoint, record__model=model).order_by("-pk")
    for pk in runs.values_list("pk", flat=True)[:RUNS_LOOKED_AT]:
        own = Output.objects.filter(run=pk, outcome__in=WHOLE_ANSWERS, reused_from=None)
        newest = own.order_by("-finished_at").values_list("endpoint_model", flat=True).first()
        if newest is not None:
            return newest
    return None
