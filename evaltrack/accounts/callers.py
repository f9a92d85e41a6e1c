"""Who is asking, with everything that their rights depend on, in one query: it runs at every request."""

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from evaltrack import clock
from evaltrack.accounts.models import Agreement, AgreementAcceptance, ApiToken, User
from evaltrack.accounts.roles import Role
from evaltrack.statements import Statement


def signed_in(user_id: int) -> User | None:
    """The person of a session."""
    rows = people(user_id=user_id, now=own_clock())
    return known(rows[0], rows) if rows else None


def bearing(prefix: str) -> tuple[ApiToken, dt.datetime] | None:
    """The token with this prefix, and the database's time."""
    rows: list[Any] = tokens(prefix=prefix, now=own_clock())
    if not rows:
        return None
    known(rows[0].user, rows)
    return rows[0], rows[0].read_at


def own_clock() -> dt.datetime | None:
    """None where the query itself asks for the time; SQLite's is this machine's."""
    return None if connection.vendor == "postgresql" else clock.now()


@Statement
def people(*, user_id: int, now: dt.datetime | None) -> QuerySet[User]:
    return with_rights(User.objects.filter(pk=user_id).select_related("profile"), user="", now=now)


@Statement
def tokens(*, prefix: str, now: dt.datetime | None) -> QuerySet[ApiToken]:
    found = ApiToken.objects.filter(prefix=prefix).select_related("user__profile")
    return with_rights(found, user="user__", now=now)


def with_rights(rows: QuerySet, *, user: str, now: dt.datetime | None) -> QuerySet:
    """A row for each role in force, or one; `user` is the path from the row to the person."""
    newest = Subquery(Agreement.objects.order_by("-pk").values("pk")[:1])
    signatures = AgreementAcceptance.objects.filter(agreement=newest, user=OuterRef(f"{user}pk"))
    in_force = FilteredRelation(f"{user}role_grants", condition=Q(**{f"{user}role_grants__revoked_at": None}))
    return rows.annotate(
        in_force=in_force, role=F("in_force__role"), has_signed=Exists(signatures), read_at=now or Now()
    )


def known(user: User, rows: list[Any]) -> User:
    """The person with what the rows say about them."""
    user._roles = {Role(row.role) for row in rows if row.role}
    user.has_signed = rows[0].has_signed
    return user
