"""Act: ask scorers for the values of an experiment that nobody has given yet, a batch at a time, each kept at once.

A worker that dies loses the batch that it waits for. Both arms are asked about in the same batches, so that whatever
changes about a scorer meanwhile meets both alike.
"""

import datetime as dt
import itertools
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from evaltrack import clock
from evaltrack.stats.estimate import Undefined
from experiments import proxies
from experiments.metrics import REGISTRY, scored
from experiments.metrics.base import Metric, Value
from experiments.models import Experiment, GivenValue, Output
from experiments.scorers.base import Given
from experiments.scorers.isolated import STARTING_SECONDS, Isolated
from experiments.scorers.service import Service
from experiments.scoring import ByPosition, Said, answered
from experiments.suite import MetricRule, Suite

log = logging.getLogger(__name__)

BATCH = 20
# So long one turn lasts: other experiments of this worker wait meanwhile, and a task is ended at 120 seconds.
TURN_SECONDS = 20
# So many outputs are read at once.
AT_ONCE = 500


@dataclass(frozen=True)
class Asked:
    """How far it has come in a turn: whether every value is there, or why no verdict may be drawn."""

    is_done: bool
    complaint: str = ""
    batches: int = 0


def rules_of(rules: Suite) -> list[MetricRule]:
    """Those whose values somebody else gives."""
    return [rule for rule in rules.metrics if REGISTRY[rule.metric].scorer]


def ask(experiment: Experiment, rules: Suite, examples: ByPosition) -> Asked:
    """Ask for what is missing, for one turn. Raises Away where a scorer cannot be asked at all."""
    deadline = time.monotonic() + TURN_SECONDS
    asked = Asked(is_done=True)
    for rule in rules_of(rules):
        take_over(experiment, rule)
        asking = Asking(experiment, rule, rules, examples)
        # Each turn asks for one batch at least, however long it took to find out for what.
        if asking.left and asked.batches and time.monotonic() > deadline:
            return replace(asked, is_done=False)
        if asking.left or asking.failed:
            asked = asking.ask(deadline, asked.batches)
        if not asked.is_done:
            return asked
    return asked


class Asking:
    """One metric of one experiment: which values are missing, and how many were asked for in vain."""

    def __init__(self, experiment: Experiment, rule: MetricRule, rules: Suite, examples: ByPosition) -> None:
        self.experiment = experiment
        self.rule = rule
        self.rules = rules
        self.examples = examples
        self.metric: Metric = REGISTRY[rule.metric]
        self.given = GivenValue.objects.filter(output__experiment=experiment, metric=rule.metric)
        self.failed = self.given.exclude(reason="").count()
        self.left = [output.pk for output in self.without() if self.told(output)]
        # What has a row was asked about.
        self.total = self.given.count() + len(self.left)

    def without(self) -> Iterator[Output]:
        """The outputs of both arms without a value, the two of an example beside each other."""
        rows: QuerySet[Output] = Output.objects.of_arms().filter(experiment=self.experiment)
        kept = GivenValue.objects.filter(output=OuterRef("pk"), metric=self.rule.metric)
        return rows.filter(~Exists(kept)).order_by("position", "repeat", "run").iterator(chunk_size=AT_ONCE)

    def told(self, output: Output) -> dict[str, Any] | None:
        read = answered(output, self.examples[output.position], self.rules)
        return scored.to_ask(self.metric, read.under(self.rule.parameters))

    def ask(self, deadline: float, batches: int) -> Asked:
        """Ask until all is there or the turn is over, of which `batches` were asked for before."""
        with opened(self.rule, self.metric.scorer) as scorer:
            while True:
                if self.failed > self.rules.max_error_share * self.total:
                    return Asked(is_done=False, complaint=self.complaint())
                if not self.left or (batches and time.monotonic() > deadline):
                    return Asked(is_done=not self.left, batches=batches)
                book(self.experiment)
                self.ask_for(self.left[:BATCH], scorer)
                batches += 1
                done = self.total - len(self.left)
                log.info("%s: %s gave %d of %d values", self.experiment, self.rule.metric, done, self.total)

    def ask_for(self, batch: Sequence[int], scorer: Isolated | Service) -> None:
        """Ask for a batch, and keep what comes."""
        rows = Output.objects.in_bulk(batch)
        found = {
            batch[place]: replace(each, value=scored.within(self.metric, each.value))
            for place, each in scorer.ask([self.told(rows[pk]) or {} for pk in batch]).items()
        }
        keep(self.rule, found, at=clock.now())
        self.failed += sum(isinstance(each.value, Undefined) for each in found.values())
        self.left = [pk for pk in self.left if pk not in found]

    def complaint(self) -> str:
        last = self.given.exclude(reason="").order_by("pk").last()
        return (
            f"{self.metric.scorer} gave no value of {self.rule.metric} for {self.failed} of {self.total} answers, "
            f"more than the {self.rules.max_error_share:.0%} that the policy allows; "
            f"the last time: {last.reason if last else 'unknown'}"
        )


def opened(rule: MetricRule, scorer: str) -> Isolated | Service:
    return Service(rule) if scorer == scored.HTTP else Isolated(rule, scorer)


def keep(rule: MetricRule, found: Mapping[int, Given], *, at: dt.datetime) -> None:
    """Write down what was given. Whoever was faster with one is right, and ours is dropped."""
    GivenValue.objects.bulk_create(
        [
            GivenValue(
                output_id=output,
                metric=rule.metric,
                value=None if isinstance(each.value, Undefined) else each.value,
                reason=each.value.reason if isinstance(each.value, Undefined) else "",
                versions=each.versions,
                given_at=at,
            )
            for output, each in found.items()
        ],
        ignore_conflicts=True,
    )


def take_over(experiment: Experiment, rule: MetricRule) -> None:
    """What was given for answers that are kept from an earlier look is kept too: asked again, it might be another."""
    before = experiment.extends
    if before is None or proxies.definition(before, rule.metric) != proxies.definition(
        experiment, rule.metric
    ):
        return
    places = ("run__arm", "position", "repeat")
    ours = {
        place: pk
        for pk, *place_of in experiment.outputs.of_arms().values_list("pk", *places)
        for place in [tuple(place_of)]
    }
    given = GivenValue.objects.filter(output__experiment=before, metric=rule.metric).select_related(
        "output__run"
    )
    GivenValue.objects.bulk_create(
        (
            GivenValue(
                output_id=ours[row.output.run.arm, row.output.position, row.output.repeat],
                metric=rule.metric,
                value=row.value,
                reason=row.reason,
                versions=row.versions,
                given_at=row.given_at,
            )
            for row in given
        ),
        ignore_conflicts=True,
        batch_size=AT_ONCE,
    )


def book(experiment: Experiment) -> None:
    """Nobody else takes it up while a batch may last."""
    until = clock.now() + dt.timedelta(seconds=settings.SCORER_SECONDS + STARTING_SECONDS)
    Experiment.objects.in_progress().filter(pk=experiment.pk).update(next_attempt_at=until)


def with_given(rules: Collection[MetricRule], outputs: Iterable[Said]) -> Iterable[Said]:
    """The outputs, each with what scorers gave for it beside it, where `experiments.scoring` reads it."""
    names = [rule.metric for rule in rules if REGISTRY[rule.metric].scorer]
    return Told(names, outputs) if names else outputs


class Told:
    """Outputs with what was given for them, read anew each time, a few at a time."""

    def __init__(self, names: Sequence[str], outputs: Iterable[Said]) -> None:
        self.names = names
        self.outputs = outputs

    def __iter__(self) -> Iterator[Said]:
        rows = iter(self.outputs)
        while block := list(itertools.islice(rows, AT_ONCE)):
            found: dict[int, dict[str, Value]] = {}
            given = GivenValue.objects.filter(output__in=[row.pk for row in block], metric__in=self.names)
            for output, metric, value, reason in given.values_list("output", "metric", "value", "reason"):
                found.setdefault(output, {})[metric] = Undefined(reason) if value is None else value
            for row in block:
                row.given_values = found.get(row.pk, {})
                yield row
