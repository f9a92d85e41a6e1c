"""Stand-ins for rows of the apps above, which the ledger knows only by their public ids."""

import datetime as dt
from dataclasses import dataclass, field
from types import SimpleNamespace
from uuid import UUID, uuid4

from evaltrack.ledger.identity import Identity

AT = dt.datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=dt.UTC)


@dataclass
class Promotion:
    public_id: UUID = field(default_factory=uuid4)
    name: str = "the promotion of Summariser 3"
    _meta = SimpleNamespace(label_lower="experiments.promotionrequest")

    def __str__(self) -> str:
        return self.name


@dataclass
class Person:
    public_id: UUID
    name: str
    role: str
    _meta = SimpleNamespace(label_lower="accounts.user")

    def ledger_identity(self) -> Identity:
        return Identity(self.public_id, self.role, self.name)

    def __str__(self) -> str:
        return f"{self.name} <{self.name.split()[0].lower()}@example.org>"


approver = Person(UUID("11111111-1111-4111-8111-111111111111"), "Ann Approver", "approver")
admin = Person(UUID("22222222-2222-4222-8222-222222222222"), "Ada Admin", "admin")
