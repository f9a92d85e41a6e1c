"""The one clock: deadlines and leases of all machines are compared by the database's time."""

import datetime as dt

from django.db import connection


def now() -> dt.datetime:
    """The database's time, read once at the head of an act and passed on from there.

    Hosts disagree about the time; a lease that one of them set must not be over for another.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            return cursor.fetchone()[0]
    # SQLite is a file of this machine: its clock is this machine's.
    return dt.datetime.now(dt.UTC)
