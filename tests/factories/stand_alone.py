"""Campaigns over a few items that were made elsewhere."""

from typing import Any

from annotation import opening
from annotation.items import Item, ResponseItem
from annotation.models import Campaign
from evaltrack import clock
from evaltrack.accounts.models import User


def campaign(
    lead: User, *, items: int = 3, overlap: int = 1, name: str = "Answers", **asked: Any
) -> Campaign:
    """Open, with so many items; `skills` and `language` are what it asks of who judges."""
    row = opening.open_stand_alone(name=name, overlap=overlap, due_at=None, by=lead, at=clock.now(), **asked)
    if items:
        rows = [
            (n, Item(f"item {n}", "What?", (ResponseItem("one", f"{n}"), ResponseItem("two", f"{n}!"))))
            for n in range(items)
        ]
        opening.add_items(row.pk, iter(rows), by=lead, at=clock.now())
        row.refresh_from_db()
    return row
