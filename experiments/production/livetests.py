"""Acts: begin and end a live test, and put what its units met into it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import numbering, policies, suite
from experiments.metrics import REGISTRY
from experiments.models import Component, Experiment, LiveTest, LiveUnit
from experiments.production import effects
from experiments.production.places import locked_monitor


@transaction.atomic
def begin(
    experiment: Experiment,
    *,
    metric: str,
    treatment_share: float,
    planned_units: int,
    by: User,
    at: dt.datetime,
) -> LiveTest:
    """Compare the candidate of `experiment` with its baseline on live traffic, by a metric of its policy."""
    component = Component.objects.select_for_update().get(pk=experiment.component_id)
    refuse_if(policies.live_testing(by, experiment, experiment.verdicts.first()))
    rules = {rule.metric: rule for rule in suite.parse(experiment.policy.body).metrics}
    if metric not in rules or not REGISTRY[metric].is_mean:
        known = ", ".join(name for name in rules if REGISTRY[name].is_mean)
        raise Invalid("bad_metric", f"metric is one of {known}.", {"metric": [f"is one of {known}"]})
    try:
        with transaction.atomic():
            row = LiveTest.objects.create(
                public_id=numbering.next_public_id(numbering.LIVE_TEST, at=at),
                component=component,
                experiment=experiment,
                metric=metric,
                margin=rules[metric].margin,
                treatment_share=treatment_share,
                planned_units=planned_units,
                started_by=by,
                started_at=at,
            )
    except IntegrityError:
        raise Conflict(
            "live_test_running", f"A live test of {component} is running already; end it first."
        ) from None
    facts = {
        "experiment": experiment.public_id,
        "metric": metric,
        "margin": row.margin,
        "treatment_share": treatment_share,
        "planned_units": planned_units,
    }
    record(Event.LIVE_TEST_STARTED, by=by, subject=row, facts=facts, at=at)
    return row


@transaction.atomic
def end(test_id: int, *, reason: str, by: User, at: dt.datetime) -> LiveTest:
    """Stop counting, and keep what was found."""
    component = Component.objects.get(live_tests=test_id)
    # What comes in meanwhile waits, and then finds the test ended.
    locked_monitor(component)
    row = LiveTest.objects.select_related("component", "experiment").get(pk=test_id)
    refuse_if(policies.changing(by, row.component))
    reason = reasons.checked(reason)
    if row.ended_at is not None:
        raise Conflict("already_ended", f"{row} has ended already.")
    found = effects.of(row)
    row.ended_by, row.ended_at, row.ending_reason, row.conclusion = by, at, reason, found.as_json()
    row.save(update_fields=["ended_by", "ended_at", "ending_reason", "conclusion"])
    facts = {"outcome": found.outcome, "units": found.ratio_units}
    record(Event.LIVE_TEST_ENDED, by=by, subject=row, facts=facts, statements={"reason": reason}, at=at)
    return row


@dataclass(frozen=True)
class Met:
    """A unit met an arm: the value that came of it, None where the metric is undefined, and what was known before."""

    unit: str
    arm: str
    value: float | None
    before: float | None


def meet(test: LiveTest, meetings: Iterable[Met]) -> None:
    """Inside the intake, under its lock."""
    several: dict[str, list[Met]] = {}
    for met in meetings:
        several.setdefault(met.unit, []).append(met)
    known = {row.unit: row for row in LiveUnit.objects.filter(test=test, unit__in=several)}
    new = []
    for unit, found in several.items():
        if (row := known.get(unit)) is None:
            row = LiveUnit(test=test, unit=unit, arm=found[0].arm, before=found[0].before)
            new.append(row)
        values = [met.value for met in found if met.value is not None]
        row.n, row.total = row.n + len(values), row.total + sum(values)
        row.crossed = row.crossed or any(met.arm != row.arm for met in found)
    LiveUnit.objects.bulk_create(new, batch_size=200)
    LiveUnit.objects.bulk_update(known.values(), ["n", "total", "crossed"], batch_size=200)
