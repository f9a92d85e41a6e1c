"""Who is asking, with everything that their rights depend on, in one query: it runs at every request."""

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Now

from evaltrack import clock
from evaltrack.accounts.grants import AGREEMENT_VERSION
from evaltrack.accounts.models import AgreementAcceptance, ApiToken, User
from evaltrack.accounts.roles import Role


def signed_in(user_id: int) -> User | None:
    """The person of a session."""
    rows = list(with_rights(User.objects.filter(pk=user_id), user=""))
    return known(rows[0], rows) if rows else None


def bearing(prefix: str) -> tuple[ApiToken, dt.datetime] | None:
    """The token with this prefix, and the database's time."""
    tokens = ApiToken.objects.filter(prefix=prefix).select_related("user")
    rows = list(with_rights(tokens, user="user__"))
    if not rows:
        return None
    known(rows[0].user, rows)
    return rows[0], rows[0].read_at


def with_rights(rows: QuerySet, *, user: str) -> QuerySet:
    """A row for each role in force, or one; `user` is the path from the row to the person."""
    # SQLite is a file of this machine: its clock is this machine's.
    read_at = Now() if connection.vendor == "postgresql" else Value(clock.now(), DateTimeField())
    signatures = AgreementAcceptance.objects.filter(version=AGREEMENT_VERSION, user=OuterRef(f"{user}pk"))
    in_force = FilteredRelation(f"{user}role_grants", condition=Q(**{f"{user}role_grants__revoked_at": None}))
    return rows.annotate(
        in_force=in_force, role=F("in_force__role"), has_signed=Exists(signatures), read_at=read_at
    )


def known(user: User, rows: list[Any]) -> User:
    """The person with what the rows say about them."""
    user._roles = {Role(row.role) for row in rows if row.role}
    user.has_signed = rows[0].has_signed
    return user
