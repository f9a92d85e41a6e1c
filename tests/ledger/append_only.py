"""Lets tests with real transactions empty the append-only tables between them.

`transactional_db` and `live_server` end with Django's flush, which truncates or deletes, and the
ledger's triggers refuse that. Only the flush command is wrapped, only in a test process: the product
has no way around its triggers. Import the fixture into a conftest and it is on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management.commands import flush
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from evaltrack.ledger import triggers


@contextmanager
def without_triggers(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """What an owner of the database could do: for flushing, and for playing the attacker."""
    triggers.remove(connection)
    try:
        yield
    finally:
        triggers.install(connection)


@pytest.fixture(scope="session", autouse=True)
def flush_lifts_ledger_triggers() -> Iterator[None]:
    original = flush.Command.handle

    def handle(self, **options):
        with without_triggers(connections[options["database"]]):
            return original(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", handle)
        yield
