"""What the database has kept, beside what the clients were told. Runs in a process of the application.

python -m tests.in_application tests.annotation.faults.kept CAMPAIGN < history.json
"""

import datetime as dt
import json
import sys
from collections import Counter
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotation import assignment, querysets
from annotation.models import Assignment, Campaign, Judgment, JudgmentState, Slot, SlotState
from annotation.protocols.pairwise import as_shown
from evaltrack import clock

STANDING = (JudgmentState.PROVISIONAL, JudgmentState.FINAL)


def compared(campaign: Campaign, history: dict[str, dict[str, Any]]) -> dict[str, int]:
    """What is wrong, counted by kind."""
    wrong: Counter[str] = Counter()
    stored = {
        str(row.public_id): row
        for row in Judgment.objects.filter(campaign=campaign).select_related("evaluator", "assignment")
    }
    for judgment_id, sent in history.items():
        row = stored.get(judgment_id)
        if sent["acknowledged"] or sent["surplus"]:
            wrong["lost"] += row is None
        if row is None:
            continue
        wrong["of somebody else"] += row.evaluator.username != f"bench-{sent['evaluator']}"
        wrong["of another assignment"] += str(row.assignment.public_id) != sent["assignment"]
        wrong["says something else"] += as_shown(str(row.choice), row.places) != sent["preference"]
        if sent["undo_acknowledged"]:
            wrong["stands though undone"] += row.state != JudgmentState.UNDONE
        elif sent["acknowledged"]:
            allowed = (*STANDING, JudgmentState.UNDONE) if sent["undo_sent"] else STANDING
            wrong["does not stand though acknowledged"] += row.state not in allowed
    wrong["never sent"] = len(set(stored) - set(history))
    return dict(wrong)


def inconsistent(campaign: Campaign) -> dict[str, int]:
    """Rows that contradict each other, asked of the rows themselves and not of the constraints."""
    standing = querysets.standing_judgments().filter(campaign=campaign).order_by()

    def repeated(*fields: str, among: QuerySet[Judgment] = standing) -> int:
        return among.values(*fields).annotate(n=Count("pk")).filter(n__gt=1).count()

    of_slot = querysets.standing_judgments().filter(slot=OuterRef("pk"))
    slots = Slot.objects.filter(campaign=campaign)
    done = slots.filter(state=SlotState.DONE)
    mine = of_slot.filter(evaluator=OuterRef("holder"))
    held = Assignment.objects.filter(querysets.HELD, slot=OuterRef("pk"), public_id=OuterRef("token"))
    held_slot = Slot.objects.filter(pk=OuterRef("slot"), token=OuterRef("public_id"), state=SlotState.HELD)
    tasks = campaign.tasks.annotate(n=Count("judgments", filter=Q(judgments__state__in=STANDING)))
    return {
        "slots with two judgments": repeated("slot"),
        "task judged twice by one evaluator": repeated("task", "evaluator"),
        "judgment_id stored twice": repeated("public_id", among=Judgment.objects.order_by()),
        "overlap exceeded": tasks.filter(n__gt=campaign.overlap).count(),
        "slot done without a judgment": done.exclude(Exists(mine)).count(),
        "slot judged and not done": slots.exclude(state=SlotState.DONE).filter(Exists(of_slot)).count(),
        "slot held without an assignment": slots.filter(state=SlotState.HELD).exclude(Exists(held)).count(),
        "slot held without an end": slots.filter(state=SlotState.HELD, lease_until=None).count(),
        "assignment without its slot": (
            Assignment.objects.filter(querysets.HELD, campaign=campaign).exclude(Exists(held_slot)).count()
        ),
    }


def main() -> None:
    campaign = Campaign.objects.get(public_id=sys.argv[1])
    history = json.load(sys.stdin)
    wrong = {**compared(campaign, history), **inconsistent(campaign)}
    # Whatever is still held comes back when its lease ends, however late somebody looks.
    late = clock.now() + dt.timedelta(days=1)
    while assignment.expire_leases(at=late):
        pass
    slots = Slot.objects.filter(campaign=campaign)
    wrong["slots stranded"] = slots.exclude(state__in=[SlotState.OPEN, SlotState.DONE]).count()
    judged = Judgment.objects.filter(campaign=campaign)
    print(
        json.dumps(
            {
                "wrong": {kind: number for kind, number in wrong.items() if number},
                "checks": len(wrong),
                "judgments": dict(judged.order_by().values_list("state").annotate(n=Count("pk"))),
                "slots": dict(slots.order_by().values_list("state").annotate(n=Count("pk"))),
                "leases_ended": Assignment.objects.filter(campaign=campaign, state="expired").count(),
            }
        )
    )


if __name__ == "__main__":
    main()
