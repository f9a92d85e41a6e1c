"""How long the database may take for a statement."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def limited(milliseconds: int) -> Iterator[None]:
    """On PostgreSQL no statement within takes longer. SQLite has no such limit, and there a transaction would keep
    writers waiting."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {int(milliseconds)}")
        yield
