"""What a scraper is told of the queue of judgments: numbers alone, of nobody and of no campaign."""

import datetime as dt

from django.db.models import Count, Exists, Min, OuterRef, Q

from annotation.models import Slot, SlotState
from annotation.querysets import FIRST_TIME, asking_campaigns
from evaltrack.openmetrics import Gauge


def of_review_queue(at: dt.datetime) -> list[Gauge]:
    """Of campaigns that ask people now."""
    asking = asking_campaigns()
    counts, late, first_due = {}, 0, []
    # State by state, as each has an index of its own; only what is held can be asked for the second time.
    for state in (SlotState.OPEN, SlotState.HELD, SlotState.REVIEW):
        rows = Slot.objects.filter(state=state, campaign__in=asking)
        rows = rows.filter(FIRST_TIME) if state == SlotState.HELD else rows
        found = rows.aggregate(
            count=Count("*"), late=Count("due_at", filter=Q(due_at__lt=at)), due=Min("due_at")
        )
        counts[state.value] = found["count"]
        late += found["late"]
        first_due += [found["due"]] if found["due"] else []
    owing = asking.filter(Exists(Slot.objects.filter(state=SlotState.OPEN, campaign=OuterRef("pk"))))
    opened = owing.aggregate(first=Min("opened_at"))["first"]
    overdue = (at - min(first_due)).total_seconds() if first_due else 0.0
    return [
        Gauge(
            "evaltrack_review_queue_judgments",
            "Judgments that are owed: free, held under a lease, or kept for the lead's check.",
            [((("state", state),), several) for state, several in counts.items()],
        ),
        Gauge("evaltrack_review_queue_overdue", "Those of them that were due before.", [((), late)]),
        Gauge(
            "evaltrack_review_queue_most_overdue_seconds",
            "For how long the first of them has been overdue; 0 where none is.",
            [((), max(0.0, overdue))],
        ),
        Gauge(
            "evaltrack_review_queue_oldest_seconds",
            "Age of the oldest campaign with a free judgment; 0 where there is none.",
            [((), (at - opened).total_seconds() if opened else 0.0)],
        ),
    ]
