"""Acts: what calls may cost at most is reserved before they are made, so that a budget is never overdrawn.

`Experiment.committed_micro` is what was spent and what is reserved, of all workers together. Only experiments with a
budget count it. What a worker had reserved when it died stays: its calls may have been paid for.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from itertools import accumulate

from django.db import transaction
from django.db.models import F

from experiments.models import Experiment, Outcome, Output, OutputState

SKIPPED = {
    "state": OutputState.DONE,
    "outcome": Outcome.SKIPPED_BY_BUDGET,
    "error": "the budget was spent before this could be asked",
}


@transaction.atomic
def reserve(experiment: Experiment, amounts: Sequence[int]) -> int:
    """Reserve the first amounts that fit; how many."""
    row = Experiment.objects.select_for_update().get(pk=experiment.pk)
    if row.budget_micro is None:
        return len(amounts)
    left = row.budget_micro - row.committed_micro
    fit = sum(total <= left for total in accumulate(amounts))
    change(experiment, sum(amounts[:fit]))
    return fit


def change(experiment: Experiment, micro: int) -> None:
    """What is committed changes by so much: what an answer has cost instead of what was reserved for it."""
    if micro:
        Experiment.objects.filter(pk=experiment.pk).update(committed_micro=F("committed_micro") + micro)


@transaction.atomic
def skip(experiment: Experiment, output_ids: list[int], *, token: uuid.UUID, at: dt.datetime) -> int:
    """End claimed outputs that were not asked while nothing else is in flight, anywhere; how many."""
    if experiment.outputs.filter(state=OutputState.LEASED).exclude(lease_token=token).exists():
        return 0
    return Output.objects.filter(pk__in=output_ids, lease_token=token).update(
        **SKIPPED, finished_at=at, lease_token=None, lease_until=None, attempts=F("attempts") - 1
    )


def skip_rest(experiment: Experiment, *, at: dt.datetime) -> int:
    """End what was not asked while nothing is in flight, anywhere; how many."""
    if experiment.outputs.filter(state=OutputState.LEASED).exists():
        return 0
    return experiment.outputs.asked_for().filter(state=OutputState.OPEN).update(**SKIPPED, finished_at=at)


def added(one: int | None, other: int | None) -> int | None:
    """What two calls have cost together; of an unknown cost nothing can be said but the other."""
    return one if other is None else other + (one or 0)
