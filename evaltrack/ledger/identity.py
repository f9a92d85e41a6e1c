"""Who acts, as the ledger knows them: an opaque id and a role in the hashed bytes, a name beside them."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Identity:
    uuid: UUID
    role: str
    name: str

    def ledger_identity(self) -> "Identity":
        return self


class Actor(Protocol):
    """Whatever can act: a user, a machine's token, or an `Identity` itself."""

    def ledger_identity(self) -> Identity: ...


# What workers do by themselves: a deadline that passes, a verdict that follows from its evidence.
SYSTEM = Identity(UUID("5e7ab1e0-0000-4000-8000-000000000001"), "system", "evaltrack")
