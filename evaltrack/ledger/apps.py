"""The append-only audit ledger."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db import connections
from django.db.models.signals import post_migrate

from evaltrack.ledger import checks, triggers


class LedgerConfig(AppConfig):
    name = "evaltrack.ledger"
    label = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        post_migrate.connect(restore_triggers, sender=self)
        register(checks.triggers_installed, Tags.database)
        register(checks.runtime_role_owns_nothing, Tags.database, deploy=True)


def restore_triggers(*, using: str, **_: Any) -> None:
    """Django alters a SQLite table by building a new one, and the old one's triggers go without a word."""
    connection = connections[using]
    if triggers.ENTRIES in connection.introspection.table_names() and triggers.missing(connection):
        triggers.install(connection)
