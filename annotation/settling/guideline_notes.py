"""What senior evaluators found unclear in a rubric, for whoever writes its next version."""

import uuid
from collections.abc import Iterable

from django.db.models import QuerySet

from annotation.models import Adjudication, AdjudicationState, Campaign, Rubric
from evaltrack.errors import Invalid


def open_notes(campaign: Campaign) -> QuerySet[Adjudication]:
    """Of every campaign by this rubric, whichever its version: a rubric's next version is for all of them."""
    return (
        Adjudication.objects.filter(
            guideline_unclear=True,
            answered_in=None,
            state=AdjudicationState.STANDING,
            task__excluded_at=None,
            rubric__name=campaign.rubric.name,
        )
        .select_related("campaign", "task", "rubric")
        .order_by("-adjudicated_at", "-pk")
    )


def mark_answered(campaign: Campaign, notes: Iterable[uuid.UUID], *, by: Rubric) -> int:
    """That version of the rubric answers these notes. Inside the caller's transaction."""
    wanted = set(notes)
    if not wanted:
        return 0
    # By the rubric's name, which the new version has too.
    found = open_notes(campaign).filter(public_id__in=wanted)
    if missing := wanted - set(found.values_list("public_id", flat=True)):
        sentence = f"{min(map(str, missing))} is no open note about this rubric"
        raise Invalid(
            "no_such_note", f"A note that is to be answered: {sentence}.", {"answers_notes": [sentence]}
        )
    return Adjudication.objects.filter(pk__in=found.values("pk")).update(answered_in=by)
