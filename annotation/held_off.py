"""Adjectives: who is given nothing, as a lead has paused them."""

from django.db.models import Exists, OuterRef, Q

from annotation.models import Pause
from evaltrack.accounts.models import User


def kept_from(evaluator: User | int) -> Q:
    """Campaigns whose tasks a pause keeps from the evaluator: one row at most for each, by a partial index."""
    in_force = Pause.objects.filter(evaluator=evaluator, ended_at=None)
    return Q(Exists(in_force.filter(Q(campaign=OuterRef("pk")) | Q(everywhere=True))))


def unseen_kept_back() -> Q:
    """Assignments that were fetched ahead and are not shown, as their evaluator has been paused since."""
    in_force = Pause.objects.filter(evaluator=OuterRef("evaluator"), ended_at=None)
    here = Q(campaign=OuterRef("campaign")) | Q(everywhere=True)
    return Q(state="prefetched") & Q(Exists(in_force.filter(here)))


def paused_in(campaign: int) -> Q:
    """People who are given nothing of the campaign."""
    in_force = Pause.objects.filter(evaluator=OuterRef("pk"), ended_at=None)
    return Q(Exists(in_force.filter(Q(campaign=campaign) | Q(everywhere=True))))
