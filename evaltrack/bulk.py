"""Many rows, each with values of its own, written by one statement.

Most columns of many rows have the same value, often none: it is prepared and sent once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models, transaction

# Values that these fields would hand on to the driver untouched, one call for each.
TEXT: set[type] = {str, type(None)}
NUMBER: set[type] = {int, type(None)}
TAKEN_AS_THEY_ARE: Mapping[type, set[type]] = {
    models.CharField: TEXT,
    models.TextField: TEXT,
    models.IntegerField: NUMBER,
    models.PositiveIntegerField: NUMBER,
    models.BigAutoField: NUMBER,
    models.BigIntegerField: NUMBER,
    models.PositiveBigIntegerField: NUMBER,
}


def insert_rows(
    model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, unless_there: bool = False
) -> None:
    """Insert new rows without giving them their keys: of each its columns by name (`run_id`), of others the default.

    `unless_there`: what is unique, and there already, stays as it is.

    A tenth of the time of `bulk_create`, which asks each field of each row.
    """
    if not rows:
        return
    told = set[str]().union(*rows)
    fields = [field for field in model._meta.concrete_fields if not field.auto_created]
    same, varied = divided({field: values_of(field, rows, is_told=field.attname in told) for field in fields})
    if not varied:
        # An array at least has to say how many there are.
        field = next(iter(same))
        varied[field] = [same.pop(field)] * len(rows)
    names = ", ".join(column(field) for field in [*same, *varied])
    otherwise = " ON CONFLICT DO NOTHING" if unless_there else ""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            constants = [f"%s::{type_of(field)}" for field in same]
            given = [f"given.{column(field)}" for field in varied]
            cursor.execute(
                f"INSERT INTO {table(model)} ({names}) SELECT {', '.join([*constants, *given])} "
                f"FROM {arrays(varied)}{otherwise}",
                [*same.values(), *varied.values()],
            )
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(
                f"INSERT INTO {table(model)} ({names}) VALUES ({marks}){otherwise}",
                [[*same.values(), *values] for values in zip(*varied.values(), strict=True)],
            )


def values_of(field: Any, rows: Sequence[Mapping[str, Any]], *, is_told: bool) -> list[Any]:
    # A field without a default has a class in the place of one, which could be called as well.
    if not is_told and not (field.has_default() and callable(field.default)):
        return [field.get_default()] * len(rows)
    name = field.attname
    return [row[name] if name in row else field.get_default() for row in rows]


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
    key, *valued = [model._meta.get_field(name) for name in columns]
    keys, *values = [list(each) for each in zip(*rows, strict=True)]
    same, varied = divided(dict(zip(valued, values, strict=True)))
    same |= {field: prepared(field, value) for field, value in named(model, also).items()}
    held = {field: prepared(field, value) for field, value in named(model, where).items()}
    conditions = "".join(f" AND {table(model)}.{column(field)} = %s" for field in held)
    fixed = [f"{column(field)} = %s" for field in same]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            assigned = ", ".join([*fixed, *(f"{column(field)} = given.{column(field)}" for field in varied)])
            listed = {key: all_prepared(key, keys), **varied}
            cursor.execute(
                f"UPDATE {table(model)} SET {assigned} FROM {arrays(listed)} "
                f"WHERE {table(model)}.{column(key)} = given.{column(key)}{conditions}",
                [*same.values(), *listed.values(), *held.values()],
            )
        else:
            # No way to a server: the driver repeats one row's statement fast.
            assigned = ", ".join([*fixed, *(f"{column(field)} = %s" for field in varied)])
            cursor.executemany(
                f"UPDATE {table(model)} SET {assigned} WHERE {column(key)} = %s{conditions}",
                [
                    [*same.values(), *own, each, *held.values()]
                    for each, *own in zip(all_prepared(key, keys), *varied.values(), strict=True)
                ],
            )
        return cursor.rowcount


def divided(columns: Mapping[Any, list[Any]]) -> tuple[dict[Any, Any], dict[Any, list[Any]]]:
    """As the database takes them: of fields with one value for all rows that value, of the others each row's."""
    same, varied = {}, {}
    for field, values in columns.items():
        if are_same(values):
            same[field] = prepared(field, values[0])
        else:
            varied[field] = all_prepared(field, values)
    return same, varied


def are_same(values: list[Any]) -> bool:
    """Whether a column holds the same in all rows. Of lists and objects only one and the same: [1] equals [True]."""
    first = values[0]
    if isinstance(first, list | tuple | dict) or len(set(map(type, values))) > 1:
        return all(value is first for value in values)
    return values.count(first) == len(values)


def named(model: type[models.Model], values: Mapping[str, Any]) -> dict[Any, Any]:
    return {model._meta.get_field(name): value for name, value in values.items()}


def prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection=connection)


def all_prepared(field: Any, values: list[Any]) -> list[Any]:
    stored = field.target_field if field.many_to_one else field
    if set(map(type, values)) <= TAKEN_AS_THEY_ARE.get(type(stored), set()):
        return values
    return [prepared(field, value) for value in values]


def table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def column(field: Any) -> str:
    return connection.ops.quote_name(str(field.column))


def arrays(fields: Mapping[Any, Any]) -> str:
    """Rows made of one array for each field, as PostgreSQL reads them."""
    typed = ", ".join(f"%s::{type_of(field)}[]" for field in fields)
    return f"unnest({typed}) AS given({', '.join(column(field) for field in fields)})"


def type_of(field: Any) -> str:
    """PostgreSQL's type of a column, without its length."""
    return str(field.db_type(connection)).split("(")[0]
