"""Many rows, each with values of its own, written by one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models, transaction


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model, without giving them their keys.

    Most columns of many rows have the same value, often none; it is sent once. A tenth of the time of
    `bulk_create`, which asks each field of each row.
    """
    if not rows:
        return
    model = type(rows[0])
    same, varied = {}, {}
    for field in model._meta.concrete_fields:
        if field.auto_created:
            continue
        values = [getattr(row, field.attname) for row in rows]
        if all(value is values[0] or value == values[0] for value in values):
            same[field] = values[0]
        else:
            varied[field] = values
    if not varied:
        field, value = same.popitem()
        varied[field] = [value] * len(rows)
    fields = [*same, *varied]
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    constants = [field.get_db_prep_save(value, connection=connection) for field, value in same.items()]
    lists = [
        [field.get_db_prep_save(value, connection=connection) for value in values]
        for field, values in varied.items()
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            chosen = [f"%s::{type_of(field)}" for field in same]
            chosen += [f"given.c{place}" for place in range(len(varied))]
            arrays = ", ".join(f"%s::{type_of(field)}[]" for field in varied)
            names = ", ".join(f"c{place}" for place in range(len(varied)))
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {', '.join(chosen)} FROM unnest({arrays}) AS given({names})",
                [*constants, *lists],
            )
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})",
                [[*constants, *values] for values in zip(*lists, strict=True)],
            )


def type_of(field: Any) -> str:
    """PostgreSQL's type of a column, without its length."""
    return str(field.db_type(connection)).split("(")[0]


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
            arrays = ", ".join(f"%s::{type_of(field)}[]" for field in fields)
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
