"""The months of the time series, as partitions on PostgreSQL. Elsewhere there are none, and nothing to do."""

import datetime as dt
import logging
from collections.abc import Iterable

from django.db import DatabaseError, ProgrammingError, connection, transaction

from experiments.models import MetricPoint

log = logging.getLogger(__name__)

TABLE = MetricPoint._meta.db_table
DEFAULT = f"{TABLE}_default"
AHEAD = 3
# So that one month at a time is made, whichever worker comes first; any number that nothing else takes.
LOCK = 7_305_118
# Whoever holds a lock for longer is let go on, and the month is made the next time.
PATIENCE = "2s"


def keep(*, at: dt.datetime) -> list[dt.date]:
    """Make this month and the next ones, and those of points for which there was none; which were made."""
    if connection.vendor != "postgresql":
        return []
    month = first_of(at)
    ahead = [month]
    for _ in range(AHEAD):
        ahead.append(following(ahead[-1]))
    return make({*ahead, *strays()})


def make(months: Iterable[dt.date]) -> list[dt.date]:
    """Those that there are not yet, each in its own transaction. One that cannot be made is left for the next time.

    Without its month a point lies in the partition for all others: it is found as well, with more to read.
    """
    if connection.vendor != "postgresql":
        return []
    made = []
    for month in sorted(set(months) - existing()):
        try:
            if attach(month):
                made.append(month)
        except DatabaseError as error:
            log.warning(
                "the month %s of the series could not be made: %s; it is tried again every day, or run "
                "manage.py partition_series as the owner of the tables",
                f"{month:%Y-%m}",
                str(error).strip(),
            )
    return made


@transaction.atomic
def attach(month: dt.date) -> bool:
    """Whether it was made here.

    `CREATE TABLE … PARTITION OF` would lock the whole table against everybody. Attaching one that exists lets others
    read and write, and locks what is in no month for a moment. Points of this month that lie there are moved first;
    meanwhile others read them, and only who writes to no month waits.
    """
    name, after = f"{TABLE}_{month:%Y_%m}", following(month)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0] or month in existing():
            return False
        cursor.execute(f'CREATE TABLE "{name}" (LIKE "{TABLE}" INCLUDING ALL)')
        cursor.execute(f'LOCK TABLE "{DEFAULT}" IN SHARE ROW EXCLUSIVE MODE')
        cursor.execute(
            f'WITH moved AS (DELETE FROM "{DEFAULT}" WHERE "at" >= %s AND "at" < %s RETURNING *)'
            f' INSERT INTO "{name}" SELECT * FROM moved',
            [midnight(month), midnight(after)],
        )
        cursor.execute(
            f'ALTER TABLE "{TABLE}" ATTACH PARTITION "{name}"'
            f" FOR VALUES FROM ('{midnight(month)}') TO ('{midnight(after)}')"
        )
    return True


def existing() -> set[dt.date]:
    """The months that there are, by the names of their tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = to_regclass(%s) AND relname <> %s",
            [f'"{TABLE}"', DEFAULT],
        )
        return {month_of(name) for (name,) in cursor.fetchall()}


def strays() -> set[dt.date]:
    """The months of points that lie in none; none where the role may not look, as then it may not move them."""
    look = f"""SELECT DISTINCT date_trunc('month', "at" AT TIME ZONE 'UTC')::date FROM "{DEFAULT}\""""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(look)
            return {month for (month,) in cursor.fetchall()}
    except ProgrammingError as error:
        log.warning("the points of no month cannot be looked at: %s", str(error).strip())
        return set()


def month_of(name: str) -> dt.date:
    return dt.datetime.strptime(name.removeprefix(f"{TABLE}_"), "%Y_%m").date()


def first_of(at: dt.datetime) -> dt.date:
    return at.astimezone(dt.UTC).date().replace(day=1)


def following(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=32)).replace(day=1)


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, dt.UTC)
