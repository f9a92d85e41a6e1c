"""The ledger's rows: entries, signed checkpoints, and what may be erased beside them."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn
from uuid import UUID

from django.db import models
from django.db.models import Q

from evaltrack.ledger.append_only import AppendOnlyQuerySet, WrittenOnce, WrittenOnceQuerySet, refuse
from evaltrack.ledger.events import Event

PAGE = 2_000


class EntryQuerySet(AppendOnlyQuerySet["LedgerEntry"]):
    def about(self, subject_type: str, subject_id: str | UUID) -> "EntryQuerySet":
        """What happened to one thing, oldest first. `subject_type` is as in "experiments.experiment"."""
        return self.filter(subject_type=subject_type, subject_id=str(subject_id)).order_by("index")

    def size(self) -> int:
        """How many entries the ledger has: indices start at 0 and have no gaps."""
        last = self.order_by("-index").values_list("index", flat=True).first()
        return 0 if last is None else last + 1

    def leaf_hashes(self, size: int) -> Iterator[bytes]:
        """The first `size` leaf hashes in order, streaming: the input of every function in `merkle`.

        Pages by index instead of one cursor: a long read would keep a transaction open.
        """
        for start in range(0, size, PAGE):
            page = self.filter(index__gte=start, index__lt=min(start + PAGE, size)).order_by("index")
            for leaf in page.values_list("leaf_hash", flat=True):
                yield bytes.fromhex(leaf)


class LedgerEntry(WrittenOnce):
    """One decision. `canonical` holds the very bytes that were hashed; the columns repeat them for queries.

    No foreign keys: an entry outlives what it describes. `names` stand beside the hashed bytes and are
    the only part that can be erased; they prove nothing.
    """

    # An INTEGER PRIMARY KEY is SQLite's row id itself, so there is no second key to overwrite a row by.
    index = models.IntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    event = models.CharField(max_length=40, choices=Event)
    schema_version = models.PositiveSmallIntegerField()
    recorded_at = models.DateTimeField()
    actor = models.UUIDField()
    # Somebody may hold several roles at once.
    actor_role = models.CharField(max_length=120)
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=200)
    canonical = models.BinaryField()
    leaf_hash = models.CharField(max_length=64)
    names = models.JSONField(default=dict)

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["index"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(name="ledger_entry_index_from_zero", condition=Q(index__gte=0)),
            models.CheckConstraint(name="ledger_entry_event_known", condition=Q(event__in=Event.values)),
        ]
        indexes = [
            models.Index(name="ledger_entry_about", fields=["subject_type", "subject_id", "index"]),
            models.Index(name="ledger_entry_actor", fields=["actor", "index"]),
        ]

    def __str__(self) -> str:
        return f"entry {self.index}"

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        refuse("an entry cannot be deleted")

    @property
    def public_id(self) -> UUID:
        return self.event_id

    @property
    def content(self) -> dict[str, Any]:
        """What was hashed, read from the hashed bytes."""
        return json.loads(bytes(self.canonical))

    @property
    def facts(self) -> dict[str, Any]:
        return self.content["facts"]

    @property
    def actor_name(self) -> str:
        return self.names.get("actor") or f"{self.actor_role} {str(self.actor)[:8]}"

    @property
    def subject_name(self) -> str:
        return self.names.get("subject") or f"{self.subject_type.rpartition('.')[2]} {self.subject_id[:8]}"

    @property
    def sentence(self) -> str:
        """The entry for people. It must also be shown when somebody has altered the row."""
        try:
            words = {**self.facts, "actor": self.actor_name, "subject": self.subject_name}
            if words.get("provisional") is True:
                words["outcome"] = f"{words['outcome']} (provisional, PROXY)"
            return Event(self.event).sentence.format_map(words)
        except (ValueError, LookupError, TypeError):
            return "This entry cannot be read: it was altered after it was written"


class DisclosureQuerySet(WrittenOnceQuerySet["Disclosure"]):
    """Deletable, for erasure."""


class Disclosure(WrittenOnce):
    """A statement that a person typed, with the salt of its commitment in the entry.

    It can be deleted, never changed: erasing value and salt leaves the entry and every proof valid,
    and without the salt nobody can find the value by guessing.
    """

    entry_index = models.IntegerField()
    field = models.CharField(max_length=40)
    salt = models.BinaryField()
    value = models.TextField()

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="ledger_disclosure_once", fields=["entry_index", "field"]),
        ]

    def __str__(self) -> str:
        return f"{self.field} of entry {self.entry_index}"


class CheckpointQuerySet(AppendOnlyQuerySet["Checkpoint"]):
    """Nothing but what every append-only table has."""


class Checkpoint(WrittenOnce):
    """The signed root of the first `size` entries. Worth something once somebody else holds a copy."""

    size = models.IntegerField()
    root = models.CharField(max_length=64)
    note = models.TextField()
    issued_at = models.DateTimeField()

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="ledger_checkpoint_size_from_zero", condition=Q(size__gte=0)),
        ]

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        refuse("a checkpoint cannot be deleted")
