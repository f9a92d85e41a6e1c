"""Acts: issue and revoke API tokens, find the token a request carries.

A token reads `evt_<prefix>_<secret>`: the prefix finds the row, the digest of the secret proves it, and the
fixed beginning lets secret scanners recognise a leak. The secret has 256 random bits, so a plain SHA-256 is
enough: there is nothing to guess.
"""

import datetime as dt
import secrets
from collections.abc import Iterable

from django.db import transaction

from evaltrack.accounts import callers, grants
from evaltrack.accounts.models import ApiToken, User
from evaltrack.accounts.roles import SCOPES
from evaltrack.canonical import sha256_hex
from evaltrack.errors import Invalid
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record

LONGEST_LIFE = dt.timedelta(days=90)


@transaction.atomic
def issue(
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    by: User | None,
    at: dt.datetime,
    life: dt.timedelta = LONGEST_LIFE,
) -> str:
    """A new token for `user`, in full; it cannot be shown again. `by` None: from the command line."""
    wanted = sorted(set(scopes))
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        known = ", ".join(sorted(SCOPES))
        raise Invalid("unknown_scope", f"No such scope: {', '.join(unknown)}. Scopes are {known}.")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=prefix,
        secret_digest=sha256_hex(secret.encode()),
        scopes=wanted,
        created_by=by,
        created_at=at,
        expires_at=at + min(life, LONGEST_LIFE),
    )
    record(
        Event.TOKEN_CREATED,
        by=by or SYSTEM,
        subject=row,
        facts={"user": str(user.public_id), "scopes": wanted},
        at=at,
    )
    return f"evt_{prefix}_{secret}"


@transaction.atomic
def revoke(token: ApiToken, *, by: User, at: dt.datetime) -> None:
    """End a token, one's own or, as an administrator, anybody's. Ending it again changes nothing."""
    if token.user_id != by.pk:
        grants.refuse_to_manage(by)
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at, revoked_by=by):
        record(Event.TOKEN_REVOKED, by=by, subject=token, at=at)


def find(raw: str) -> tuple[ApiToken, dt.datetime] | None:
    """The usable token that `raw` spells, with the time by the database's clock; or None."""
    kind, _, rest = raw.partition("_")
    prefix, _, secret = rest.partition("_")
    if kind != "evt" or not secret:
        return None
    found = callers.bearing(prefix)
    if found is None or not secrets.compare_digest(found[0].secret_digest, sha256_hex(secret.encode())):
        return None
    return found if found[0].usable(found[1]) else None
