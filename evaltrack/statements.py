"""Queries that Django writes once, for the few that run at every claim and every submission.

Writing such a query takes Django longer than the database needs to answer it. What is written depends on the
arguments' presence alone, so it is kept, and each run only fills in the values.
"""

import copy
import datetime as dt
import types
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, get_args, get_type_hints

from django.db import connection
from django.db.models import BigIntegerField, DateTimeField, Expression, Field, QuerySet, TextField, UUIDField
from django.db.models.sql import UpdateQuery

FIELDS: dict[type, type[Field]] = {
    int: BigIntegerField,
    str: TextField,
    uuid.UUID: UUIDField,
    dt.datetime: DateTimeField,
}
Arguments = ParamSpec("Arguments")
Row = TypeVar("Row")
Built = TypeVar("Built")
Change = tuple[QuerySet, Mapping[str, Any]]


class Given(Expression):
    """The place of a value that is known only when the statement runs."""

    def __init__(self, name: str, output_field: Field):
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return "%s", [self]


class Written(Generic[Arguments, Built]):
    """Decorates a function that builds a query from keyword arguments.

    The function may depend on nothing but its arguments, and on those only by whether they are None: it is called
    once for each such case. Their types are int, str, UUID or datetime, by annotation.
    """

    def __init__(self, build: Callable[Arguments, Built]):
        self.build: Callable[..., Built] = build
        self.fields = {
            name: FIELDS[given_type(hint)](null=True)
            for name, hint in get_type_hints(build).items()
            if name != "return"
        }
        self.cases: dict[tuple[str, ...], tuple[Any, str, tuple[Any, ...]]] = {}

    def written(self, given: Mapping[str, Any]) -> tuple[Any, str, tuple[Any, ...]]:
        """Django's compiler as it stands after writing, what it wrote, and the parameters for this run."""
        case = tuple([name for name, value in given.items() if value is None])
        if case not in self.cases:
            places = {name: None if name in case else Given(name, self.fields[name]) for name in given}
            compiler = self.compiler(self.build(**places))
            self.cases[case] = (compiler, *compiler.as_sql())
        compiler, sql, template = self.cases[case]
        parameters = [
            part.output_field.get_db_prep_value(given[part.name], connection)
            if isinstance(part, Given)
            else part
            for part in template
        ]
        return compiler, sql, tuple(parameters)

    def compiler(self, built: Built) -> Any:
        raise NotImplementedError


class Statement(Written[Arguments, QuerySet[Any, Row]]):
    """Decorates what builds a queryset, and answers with its rows."""

    def compiler(self, built: QuerySet) -> Any:
        compiler: Any = built.query.get_compiler(built.db)
        compiler.setup_query()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        compiler.queryset, compiler.get_converters = built, lambda columns: converters
        return compiler

    def __call__(self, *args: Arguments.args, **given: Arguments.kwargs) -> list[Row]:
        compiler, sql, parameters = self.written(given)
        # Django's own way from rows to objects, by the SQL that it wrote before.
        again = copy.copy(compiler)
        again.connection = connection
        again.as_sql = lambda *args, **kwargs: (sql, parameters)
        query = copy.copy(compiler.query)
        query.get_compiler = lambda *args, **kwargs: again
        run: Any = QuerySet(compiler.queryset.model, query, compiler.queryset.db)
        return list(compiler.queryset._iterable_class(run))

    def sql(self, *args: Arguments.args, **given: Arguments.kwargs) -> tuple[str, tuple[Any, ...]]:
        """The statement and its parameters, to stand inside another one."""
        return self.written(given)[1:]


class Update(Written[Arguments, Change]):
    """Decorates what builds a queryset and the values that its rows get; answers with how many they were."""

    def compiler(self, built: Change) -> Any:
        rows, values = built
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(values)
        return query.get_compiler(rows.db)

    def __call__(self, *args: Arguments.args, **given: Arguments.kwargs) -> int:
        _, sql, parameters = self.written(given)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.rowcount


def given_type(hint: Any) -> type:
    """`int` of `int | None`."""
    if isinstance(hint, types.UnionType):
        return next(kind for kind in get_args(hint) if kind is not types.NoneType)
    return hint
