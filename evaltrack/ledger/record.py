"""Writing an entry: the one door into the ledger."""

import datetime as dt
import hashlib
import secrets
from typing import Any
from uuid import uuid4

from django.db import connection
from django.db.models import Model
from django.db.transaction import TransactionManagementError

from evaltrack.canonical import canonical_json
from evaltrack.errors import Invalid
from evaltrack.ledger import facts as fact_rules
from evaltrack.ledger import merkle
from evaltrack.ledger.events import Event
from evaltrack.ledger.facts import Unwritable
from evaltrack.ledger.identity import Actor
from evaltrack.ledger.models import Disclosure, LedgerEntry

SCHEMA_VERSION = 1
# "evaltrac" as a number: the key of the lock that orders all writers of the ledger.
ADVISORY_LOCK = 0x6576616C74726163


def record(
    event: Event,
    *,
    by: Actor,
    subject: Model,
    at: dt.datetime,
    facts: dict[str, Any] | None = None,
    statements: dict[str, str] | None = None,
) -> LedgerEntry:
    """Append what `by` did to `subject` (a row with `public_id`); call it last in the act's transaction.

    `facts` are hashed as they are and can never be erased: ids, digests, outcomes, no names, no prose.
    `statements` are what people typed, such as a reason: the hashed bytes hold a salted commitment to
    each, and the text stands in a `Disclosure`, which can be deleted.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError(
            f"record({event}) was called outside a transaction: the entry and the change that it describes "
            "must stand or fall together. Wrap the act in transaction.atomic."
        )
    event = Event(event)
    given = fact_rules.checked_facts(facts or {})
    if missing := event.required_facts - given.keys():
        raise Unwritable(f"{event} needs the facts {', '.join(sorted(missing))}.")
    if at.tzinfo is None:
        raise Unwritable(f"at is {at}, without a time zone; pass what clock.now() gave.")
    actor = by.ledger_identity()
    fact_rules.check_role(actor.role)
    subject_type, subject_id = subject_of(subject)
    disclosures = [disclosure(field, value) for field, value in (statements or {}).items()]
    event_id = uuid4()

    index = next_index()
    canonical = canonical_json(
        {
            "schema_version": SCHEMA_VERSION,
            "index": index,
            "event": event.value,
            "event_id": str(event_id),
            "recorded_at": rfc3339(at),
            "actor": {"id": str(actor.uuid), "role": actor.role},
            "subject": {"type": subject_type, "id": subject_id},
            "facts": given,
            "statements": {row.field: commitment(row.salt, row.value) for row in disclosures},
        }
    )
    entry = LedgerEntry(
        index=index,
        event_id=event_id,
        event=event,
        schema_version=SCHEMA_VERSION,
        recorded_at=at,
        actor=actor.uuid,
        actor_role=actor.role,
        subject_type=subject_type,
        subject_id=subject_id,
        canonical=canonical,
        leaf_hash=merkle.leaf_hash(canonical).hex(),
        names={"actor": actor.name, "subject": str(subject)},
    )
    entry.save()
    for row in disclosures:
        row.entry_index = index
        row.save()
    return entry


def next_index() -> int:
    """The index of the next entry; whoever asked holds the ledger until the transaction ends.

    Never a sequence: a rollback would leave a gap, and numbers would not follow the order of commits.
    On SQLite the transaction is IMMEDIATE, so there is no other writer already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    return LedgerEntry.objects.size()


def subject_of(subject: Model) -> tuple[str, str]:
    public_id = getattr(subject, "public_id", None)
    if public_id is None:
        raise Unwritable(f"{type(subject).__name__} has no public_id, so no entry can name it.")
    fact_rules.check_text(str(public_id), "the subject's public_id")
    return subject._meta.label_lower, str(public_id)


def disclosure(field: str, value: str) -> Disclosure:
    """People type statements, so one that cannot be stored is their error and not the program's."""
    try:
        value.encode()
    except UnicodeEncodeError:
        value = "\0"
    if "\0" in value:
        sentence = "This text holds characters that cannot be stored. Type it again without them."
        raise Invalid("unwritable_text", sentence, {field: [sentence]})
    return Disclosure(field=field, salt=secrets.token_bytes(32), value=value)


def commitment(salt: bytes | memoryview, value: str) -> str:
    """SHA-256(salt || value): binds to the value and, without the salt, says nothing about it."""
    return hashlib.sha256(bytes(salt) + value.encode()).hexdigest()


def rfc3339(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
