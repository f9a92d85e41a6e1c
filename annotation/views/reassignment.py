"""The lead's button that gives a late task to somebody else."""

import uuid

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from annotation import lookup, reassignment
from annotation.views.told import told
from evaltrack import clock
from evaltrack.accounts import roster
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def reassign(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    holder, to, ordinal = (request.POST.get(name, "") for name in ("holder", "to", "ordinal"))

    def act() -> None:
        reassignment.reassign(
            campaign.pk,
            lookup.task_named(request.POST.get("task", ""), campaign=campaign),
            ordinal=int(ordinal) if ordinal.isdecimal() and len(ordinal) < 5 else -1,
            taken_from=roster.judge_named(holder) if holder else None,
            to=roster.evaluator_named(to) if to else None,
            by=request.user,
            at=clock.now(),
        )

    done = f"The task is kept for {to}, who is told." if to else "The task is back in the pool."
    return told(request, campaign, act, done)
