"""Policies by office hours, and campaigns under them."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from annotation import opening
from annotation.items import Item, ResponseItem
from annotation.models import Campaign, SlaPolicy
from annotation.sla import sla_policies
from evaltrack import clock
from evaltrack.accounts.models import User

# Monday to Friday from 9 to 17 in Berlin.
OFFICE: dict[str, Any] = {
    "calendar": {
        "time_zone": "Europe/Berlin",
        "hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": ["2026-04-03", "2026-04-06"],
    },
    "priorities": {
        "urgent": {"due_hours": 4, "warn_hours": 1},
        "normal": {"due_hours": 16, "warn_share": 0.75},
        "low": {"due_hours": 40},
    },
    "ladder": {"remind": 1, "widen": 4, "proxy": 8},
}


def berlin(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def policy(lead: User, *, name: str = "office", **changes: Any) -> SlaPolicy:
    return sla_policies.define(name, OFFICE | changes, by=lead, at=clock.now())


def campaign(
    lead: User, *, at: dt.datetime | None = None, items: int = 3, sla: str = "office", **given: Any
) -> Campaign:
    """A campaign over items made elsewhere that opened at `at`."""
    at = at or clock.now()
    asked = {"overlap": 2, "due_at": None} | given
    row = opening.open_stand_alone(name="Answers", by=lead, at=at, sla=sla, **asked)
    pair = (ResponseItem("one", "1"), ResponseItem("two", "2"))
    rows = ((number, Item(f"item {number}", "What?", pair)) for number in range(items))
    opening.add_items(row.pk, rows, by=lead, at=at)
    row.refresh_from_db()
    return row
