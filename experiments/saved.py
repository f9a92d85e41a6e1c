"""Acts: save a comparison of several runs under a name, and forget it."""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction

from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, NotFound, Refused
from experiments import multirun
from experiments.models import Component, SavedComparison
from experiments.models.saved import LONGEST_NAME

MOST = 100


@transaction.atomic
def save(
    component: Component,
    *,
    name: str,
    reference: str,
    runs: Sequence[str],
    metric: str,
    by: User,
    at: dt.datetime,
) -> SavedComparison:
    """Saving the same runs under the same name again changes nothing; other runs take another name."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise Invalid("bad_name", f"A saved comparison has a name of 1 to {LONGEST_NAME} characters.")
    found = [multirun.name_of(run) for run in multirun.named(component, [reference, *runs])]
    if len(found) < 2:
        raise Invalid("too_few_runs", "A comparison has two runs or more.")
    Component.objects.select_for_update().get(pk=component.pk)
    if component.saved_comparisons.count() >= MOST:
        raise Conflict("too_many_saved", f"{component} has {MOST} saved comparisons; forget one first.")
    row, is_new = component.saved_comparisons.get_or_create(
        name=name,
        defaults={
            "reference": found[0],
            "runs": found[1:],
            "metric": metric,
            "saved_by": by,
            "saved_at": at,
        },
    )
    if not is_new and [row.reference, *row.runs] != found:
        raise Conflict("name_taken", f"{component} has a comparison named {name!r} of other runs.")
    return row


@transaction.atomic
def forget(component: Component, public_id: str, *, by: User) -> SavedComparison:
    """Whoever saved it, or who owns the component, takes it away."""
    try:
        row = component.saved_comparisons.select_related("saved_by").get(public_id=uuid.UUID(public_id))
    except (ValueError, SavedComparison.DoesNotExist):
        raise NotFound("no_such_comparison", f"{component} has no such saved comparison.") from None
    if by.pk not in (row.saved_by_id, component.owner_id):
        raise Refused("not_yours", f"{row} was saved by {row.saved_by}; ask them, or {component.owner}.")
    row.delete()
    return row
