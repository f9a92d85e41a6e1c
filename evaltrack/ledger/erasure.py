"""Erasing what stands beside the hashed bytes: names and statements. The proofs stay valid."""

import datetime as dt
from uuid import UUID

from django.db import models, transaction
from django.db.models import Model, Q

from evaltrack.errors import NotFound
from evaltrack.ledger.append_only import clear_refusals
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import Actor
from evaltrack.ledger.models import Disclosure, LedgerEntry
from evaltrack.ledger.record import record


@transaction.atomic
def erase_statement(index: int, field: str, *, by: Actor, at: dt.datetime) -> LedgerEntry:
    """Delete what somebody typed, with its salt; the returned entry says that this was done, and by whom."""
    deleted, _ = Disclosure.objects.filter(entry_index=index, field=field).delete()
    if not deleted:
        raise NotFound("no_statement", f"Entry {index} has no {field} that could be erased.")
    entry = LedgerEntry.objects.get(index=index)
    return record(
        Event.PERSONAL_DATA_ERASED, by=by, subject=entry, at=at, facts={"index": index, "statement": field}
    )


@transaction.atomic
def erase_names(person: Model, *, by: Actor, at: dt.datetime) -> LedgerEntry:
    """Take a person's name from all entries; sentences then show the role and the start of the id."""
    # First, so that this entry is among those that lose the name.
    erasure = record(Event.PERSONAL_DATA_ERASED, by=by, subject=person, at=at)
    kind, public_id = erasure.subject_type, erasure.subject_id
    as_subject = Q(subject_type=kind, subject_id=public_id)
    for entry in LedgerEntry.objects.filter(as_subject | Q(actor=UUID(public_id))):
        kept = dict(entry.names)
        if str(entry.actor) == public_id:
            kept.pop("actor", None)
        if (entry.subject_type, entry.subject_id) == (kind, public_id):
            kept.pop("subject", None)
        if kept != entry.names:
            write_names(entry.index, kept)
    erasure.refresh_from_db()
    return erasure


def write_names(index: int, names: dict[str, str]) -> None:
    """The one change that the triggers let through: fewer names than before."""
    with clear_refusals():
        models.QuerySet(LedgerEntry).filter(index=index).update(names=names)
