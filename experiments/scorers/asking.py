"""Act: ask scorers for the values of an experiment that nobody has given yet, a batch at a time, each kept at once.

A worker that dies loses the batch that it waits for. Both arms are asked about in the same batches, so that whatever
changes about a scorer meanwhile meets both alike.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from datasets.examples import Example
from evaltrack import clock
from evaltrack.stats.estimate import Undefined
from experiments import proxies
from experiments.metrics import REGISTRY, scored
from experiments.metrics.base import Value
from experiments.models import Arm, Experiment, GivenValue, Output
from experiments.scorers.base import Given
from experiments.scorers.isolated import STARTING_SECONDS, Isolated
from experiments.scorers.service import Service
from experiments.scoring import answered
from experiments.suite import MetricRule, Suite

log = logging.getLogger(__name__)

BATCH = 20
# So long one turn lasts: other experiments of this worker wait meanwhile, and a task is ended at 120 seconds.
TURN_SECONDS = 20

Outputs = Mapping[Arm, Sequence[Output]]


@dataclass(frozen=True)
class Asked:
    """How far it has come: whether every value is there, or why no verdict may be drawn."""

    is_done: bool
    complaint: str = ""


def rules_of(rules: Suite) -> list[MetricRule]:
    """Those whose values somebody else gives."""
    return [rule for rule in rules.metrics if REGISTRY[rule.metric].scorer]


def ask(experiment: Experiment, rules: Suite, outputs: Outputs, examples: Mapping[str, Example]) -> Asked:
    """Ask for what is missing, for one turn. Raises Away where a scorer cannot be asked at all."""
    deadline = time.monotonic() + TURN_SECONDS
    for rule in rules_of(rules):
        take_over(experiment, rule, outputs)
        asked = ask_for(experiment, rule, rules, outputs, examples, deadline=deadline)
        if not asked.is_done:
            return asked
    return Asked(is_done=True)


def ask_for(
    experiment: Experiment,
    rule: MetricRule,
    rules: Suite,
    outputs: Outputs,
    examples: Mapping[str, Example],
    *,
    deadline: float,
) -> Asked:
    metric = REGISTRY[rule.metric]
    told = {
        output.pk: (output, record)
        for output in in_pairs(outputs)
        if (
            record := scored.to_ask(
                metric, answered(output, examples[output.example_id]).under(rule.parameters)
            )
        )
    }
    known = dict(given_of(rule, outputs).values_list("output", "reason"))
    failed = sum(1 for pk, reason in known.items() if reason and pk in told)
    left = [each for pk, each in told.items() if pk not in known]
    with opened(rule, metric.scorer) as scorer:
        while True:
            if failed > rules.max_error_share * len(told):
                commonest = given_of(rule, outputs).exclude(reason="").order_by("pk").last()
                return Asked(
                    is_done=False,
                    complaint=(
                        f"{metric.scorer} gave no value of {rule.metric} for {failed} of {len(told)} answers, "
                        f"more than the {rules.max_error_share:.0%} that the policy allows; the last time: "
                        f"{commonest.reason if commonest else 'unknown'}"
                    ),
                )
            if not left:
                return Asked(is_done=True)
            if time.monotonic() > deadline:
                return Asked(is_done=False)
            book(experiment)
            batch = left[:BATCH]
            found = {
                place: replace(each, value=scored.within(metric, each.value))
                for place, each in scorer.ask([record for _, record in batch]).items()
            }
            keep(rule, {batch[place][0]: each for place, each in found.items()}, at=clock.now())
            failed += sum(isinstance(each.value, Undefined) for each in found.values())
            left = [each for place, each in enumerate(batch) if place not in found] + left[BATCH:]
            log.info("%s: %s gave %d of %d values", experiment, rule.metric, len(told) - len(left), len(told))


def opened(rule: MetricRule, scorer: str) -> Isolated | Service:
    return Service(rule) if scorer == scored.HTTP else Isolated(rule, scorer)


def in_pairs(outputs: Outputs) -> list[Output]:
    """Those of both arms, the two of an example beside each other."""
    everything = [output for arm in Arm for output in outputs[arm]]
    return sorted(everything, key=lambda output: (output.position, output.repeat, output.run_id))


def given_of(rule: MetricRule, outputs: Outputs) -> Any:
    runs = {output.run_id for several in outputs.values() for output in several}
    return GivenValue.objects.filter(output__run__in=runs, metric=rule.metric)


def keep(rule: MetricRule, found: Mapping[Output, Given], *, at: dt.datetime) -> None:
    """Write down what was given. Whoever was faster with one is right, and ours is dropped."""
    GivenValue.objects.bulk_create(
        [
            GivenValue(
                output=output,
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


def take_over(experiment: Experiment, rule: MetricRule, outputs: Outputs) -> None:
    """What was given for answers that are kept from an earlier look is kept too: asked again, it might be another."""
    before = experiment.extends
    if before is None or proxies.definition(before, rule.metric) != proxies.definition(
        experiment, rule.metric
    ):
        return
    earlier = {
        (row.output.run.arm, row.output.position, row.output.repeat): row
        for row in GivenValue.objects.filter(output__experiment=before, metric=rule.metric).select_related(
            "output__run"
        )
    }
    GivenValue.objects.bulk_create(
        [
            GivenValue(
                output=output,
                metric=rule.metric,
                value=row.value,
                reason=row.reason,
                versions=row.versions,
                given_at=row.given_at,
            )
            for arm, several in outputs.items()
            for output in several
            if (row := earlier.get((arm, output.position, output.repeat)))
        ],
        ignore_conflicts=True,
    )


def book(experiment: Experiment) -> None:
    """Nobody else takes it up while a batch may last."""
    until = clock.now() + dt.timedelta(seconds=settings.SCORER_SECONDS + STARTING_SECONDS)
    Experiment.objects.in_progress().filter(pk=experiment.pk).update(next_attempt_at=until)


def attach(rules: Suite, outputs: Iterable[Output]) -> None:
    """Lay beside each output what scorers gave for it, where `experiments.scoring` reads it."""
    names = [rule.metric for rule in rules_of(rules)]
    rows = list(outputs)
    if not names or not rows:
        return
    found: dict[int, dict[str, Value]] = {}
    given = GivenValue.objects.filter(output__run__in={row.run_id for row in rows}, metric__in=names)
    for output, metric, value, reason in given.values_list("output", "metric", "value", "reason"):
        found.setdefault(output, {})[metric] = Undefined(reason) if value is None else value
    for row in rows:
        row.given_values = found.get(row.pk, {})  # type: ignore[attr-defined]
