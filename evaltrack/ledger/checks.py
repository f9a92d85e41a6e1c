"""System checks: is the ledger still protected? They run with `check --database default`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import connections

from evaltrack.ledger import triggers


def triggers_installed(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The ledger is not protected: {', '.join(missing)} missing, altered or switched off.",
            hint="Find out who changed it, run `manage.py migrate --skip-checks` to put the triggers back, "
            "then `manage.py verify_ledger --against` a checkpoint that is kept elsewhere.",
            id="ledger.E001",
        )
        for alias in databases or []
        if (missing := triggers.missing(connections[alias]))
    ]


def runtime_role_owns_nothing(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Whoever owns a table can disable its triggers; the running application should not be able to."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, rolsuper OR pg_has_role(current_user, relowner, 'MEMBER')"
                " FROM pg_roles, pg_class WHERE rolname = current_user AND pg_class.oid = to_regclass(%s)",
                [triggers.ENTRIES],
            )
            row = cursor.fetchone()
        if row and row[1]:
            found.append(
                Warning(
                    f"The database role {row[0]} could switch the ledger's triggers off.",
                    hint="Run migrations as the owner of the tables, and the application as another role "
                    "that has SELECT and INSERT on the ledger's tables, DELETE on ledger_disclosure, and "
                    "UPDATE of the column names on ledger_ledgerentry.",
                    id="ledger.W001",
                )
            )
    return found
