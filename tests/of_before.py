"""A database of its own that stands where an older version left it, for tests of migrations.

The other tests' database stays as it is: to lead it back and forth through every migration took minutes.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

Migrate = Callable[[list[tuple[str, str]]], Any]


@pytest.fixture
def empty_database(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Migrate]:
    """`connection` leads to an empty database; what the test gets migrates it and returns its models."""
    # The browser of an earlier test keeps an event loop in this thread, in which nothing runs now.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    usual = connections["default"]
    with django_db_blocker.unblock(), named_database() as name:
        made = type(usual)({**usual.settings_dict, "NAME": name}, "default")
        connections["default"] = made
        try:
            yield migrate
        finally:
            made.close()
            connections["default"] = usual


def migrate(targets: list[tuple[str, str]]) -> Any:
    return MigrationExecutor(connection).migrate(targets).apps


@contextlib.contextmanager
def named_database() -> Iterator[str]:
    if connection.vendor == "sqlite":
        yield ":memory:"
        return
    name = f"before_{uuid.uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
