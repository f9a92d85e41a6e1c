"""Acts: state what a model costs; find what it costs now, and what an experiment may cost."""

import datetime as dt
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Avg, Count, Q, Sum

from datasets.sampling import tier_size
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, Refusal, refuse_if
from evaltrack.integrations import hosts
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import policies, suite, targets
from experiments.judging import forms, judges
from experiments.models import ComponentVersion, Experiment, Outcome, Price, Run
from experiments.targets.base import Target
from experiments.tariff import Tariff

# An estimate looks at so many answers of the latest run of the version, or else of the component, whose cost is
# known, among so many runs: what else was ever asked must not be read for it.
ANSWERS_LOOKED_AT = 500
RUNS_LOOKED_AT = 5


@transaction.atomic
def state(
    *,
    model: str,
    host: str = "",
    tariff: Tariff,
    valid_from: dt.datetime,
    by: User,
    at: dt.datetime,
) -> Price:
    """State a price from `valid_from` on. The same again answers with the first."""
    refuse_if(policies.pricing(by))
    host = host.lower()
    if host and not hosts.is_host(host):
        # Such a price would never be found.
        raise Invalid(
            "bad_host",
            f"{host!r} is no host. Name it alone, such as api.example.org: without https://, a port or a path.",
            {"host": ["is no host"]},
        )
    asked = {"model": model, "host": host, "valid_from": valid_from}
    try:
        with transaction.atomic():
            row = Price.objects.create(**asked, **vars(tariff), stated_by=by, stated_at=at)
    except IntegrityError:
        row = Price.objects.get(**asked)
        if tariff_of(row) != tariff:
            raise Conflict(
                "price_stated",
                f"{row} is stated otherwise already. Prices never change; state one from a later time on.",
            ) from None
        return row
    record(
        Event.PRICE_STATED,
        by=by,
        subject=row,
        facts={**asked, "valid_from": valid_from.isoformat(), **vars(tariff)},
        at=at,
    )
    return row


def tariff_of(row: Price) -> Tariff:
    return Tariff(**{name: getattr(row, name) for name in Tariff.__dataclass_fields__})


def in_force(target: Target, *, at: dt.datetime) -> Tariff | None:
    """What asking the target costs at a time: the price stated for its host, else the one for anywhere."""
    if not target.is_asked or not target.model:
        return None
    place = hosts.place_of(target.base_url)
    stated = Price.objects.filter(
        model=target.model, host__in=["", place[0] if place else ""], valid_from__lte=at
    )
    row = stated.order_by("-host", "-valid_from").first()
    return tariff_of(row) if row else None


def capping(version: ComponentVersion, *, at: dt.datetime) -> Refusal | None:
    """None where the cost of each call has an upper bound that is known before it is made."""
    target = targets.parse(version.configuration)
    if not target.is_asked:
        return None
    if target.is_batched:
        return Refusal(
            "batch_uncapped",
            f"{version} is asked in batches, which are paid for whole: no budget can be kept. Leave the budget out.",
        )
    return uncapped(target, in_force(target, at=at))


def uncapped(target: Target, tariff: Tariff | None) -> Refusal | None:
    """Why no budget can be kept at a price; None where it can."""
    if tariff is None:
        return Refusal(
            "price_unknown",
            f"Nobody has stated what {target.model or target.base_url} costs, so no budget can be kept. "
            "State its price, or leave the budget out.",
        )
    if tariff.most_output(target.parameters) is None:
        return Refusal(
            "output_unlimited",
            f"Nothing limits how much {target.model} answers, so no budget can be kept. "
            "Set max_tokens among the parameters, or state the most that the model can answer with its price.",
        )
    return None


@dataclass(frozen=True)
class Cost:
    """In micro-dollars. `unknown` counts answers whose cost nobody knows; `of_judges` is the part of `spent` that
    judges have cost, and `unknown_of_judges` that of `unknown`."""

    spent: int
    unknown: int
    answered: int
    of_judges: int = 0
    unknown_of_judges: int = 0


def cost_of(experiment: Experiment) -> Cost:
    """What the answers have cost that were asked for here, and not kept from an earlier look."""
    plan = getattr(experiment, "plan", None)
    if plan is None:
        return Cost(0, 0, 0)
    # A judge's reply that could not be read is paid for too, while the output is open or where it ended without one.
    asked = experiment.outputs.asked_for().filter(
        Q(finished_at__gte=plan.locked_at) | Q(finished_at=None, cost_micro__isnull=False)
    )
    judged, answered = Q(run__judges__isnull=False), Q(text__gt="")
    unknown = answered & Q(cost_micro=None)
    found = asked.aggregate(
        spent=Sum("cost_micro", default=0),
        unknown=Count("pk", filter=unknown),
        answered=Count("pk", filter=answered),
        of_judges=Sum("cost_micro", filter=judged, default=0),
        unknown_of_judges=Count("pk", filter=judged & unknown),
    )
    return Cost(**found)


def expected(experiment: Experiment) -> int | None:
    """What the experiment will cost by what its versions and judges have cost before; None where one of them is
    unknown."""
    rules = suite.parse(experiment.policy.body)
    everything = experiment.dataset_version.example_count
    examples = tier_size(experiment.tier, everything)
    if before := experiment.extends:
        examples -= tier_size(before.tier, everything)  # those answers are kept
    calls = examples * rules.repeats
    parts = [
        estimate(version, calls=calls)
        for version in (experiment.candidate, experiment.baseline)
        if targets.parse(version.configuration).is_asked
    ]
    asked = judges.of(rules)
    for rule in judges.judged_rules(rules):
        # The answers of both arms one by one, or a pair of them in both orders.
        parts.append(estimate(asked[rule.metric], calls=2 * forms.samples(rule) * calls))
    return sum(known) if len(known := [part for part in parts if part is not None]) == len(parts) else None


def estimate(version: ComponentVersion, *, calls: int) -> int | None:
    """What so many calls of a version will cost, by what it, or else its component, has cost before."""
    priced = Run.objects.filter(finished_at__isnull=False, record__price__input_micro__isnull=False)
    for runs in (priced.filter(version=version), priced.filter(version__component=version.component_id)):
        for run in runs.order_by("-pk")[:RUNS_LOOKED_AT]:
            # One that was reused cost nothing where it was, which says nothing of what a call costs.
            answered = run.outputs.filter(outcome=Outcome.ANSWERED, reused_from=None)[:ANSWERS_LOOKED_AT]
            if (mean := answered.aggregate(mean=Avg("cost_micro"))["mean"]) is not None:
                return round(mean * calls)
    return None
