"""Many rows, each with values of its own, written by one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models, transaction


def update_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    also: Mapping[str, Any],
    where: Mapping[str, Any],
) -> int:
    """Update the rows whose key is the first of `columns`, with the other columns' values; how many were there.

    `also` is written to each of them; only rows that hold what `where` says are changed.
    """
    if not rows:
        return 0
    fields = [model._meta.get_field(name) for name in columns]
    key, *valued = fields

    def prepared(field: Any, value: Any) -> Any:
        return field.get_db_prep_save(value, connection=connection)

    def named(field: Any) -> str:
        return connection.ops.quote_name(field.column)

    same = [(model._meta.get_field(name), value) for name, value in also.items()]
    held = [(model._meta.get_field(name), value) for name, value in where.items()]
    table = connection.ops.quote_name(model._meta.db_table)
    fixed = ", ".join(f"{named(field)} = %s" for field, _ in same)
    fixed_values = [prepared(field, value) for field, value in same]
    conditions = "".join(f" AND {table}.{named(field)} = %s" for field, _ in held)
    held_values = [prepared(field, value) for field, value in held]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{str(field.db_type(connection)).split('(')[0]}[]" for field in fields)
            names = ", ".join(named(field) for field in fields)
            assigned = ", ".join(f"{named(field)} = given.{named(field)}" for field in valued)
            lists = [[prepared(field, row[place]) for row in rows] for place, field in enumerate(fields)]
            cursor.execute(
                f"UPDATE {table} SET {assigned}, {fixed} FROM unnest({arrays}) AS given({names}) "
                f"WHERE {table}.{named(key)} = given.{named(key)}{conditions}",
                [*fixed_values, *lists, *held_values],
            )
        else:
            # No way to a server: the driver repeats one row's statement fast.
            assigned = ", ".join(f"{named(field)} = %s" for field in valued)
            cursor.executemany(
                f"UPDATE {table} SET {assigned}, {fixed} WHERE {named(key)} = %s{conditions}",
                [
                    [
                        *(prepared(field, value) for field, value in zip(valued, row[1:], strict=True)),
                        *fixed_values,
                        prepared(key, row[0]),
                        *held_values,
                    ]
                    for row in rows
                ],
            )
        return cursor.rowcount
