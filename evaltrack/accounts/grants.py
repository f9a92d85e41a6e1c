"""Acts: grant and revoke roles, sign the confidentiality agreement."""

import datetime as dt

from django.db import transaction

from evaltrack.accounts import agreements
from evaltrack.accounts.models import AgreementAcceptance, RoleGrant, User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Refused, Stale
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record


@transaction.atomic
def grant(user: User, role: Role, *, by: User | None, at: dt.datetime) -> RoleGrant:
    """Give `user` the role. `by` is None only at installation, from the command line."""
    if by is not None:
        refuse_to_manage(by)
        if by == user:
            raise Refused("own_role", "You cannot grant a role to yourself; ask another administrator.")
    if existing := user.role_grants.filter(role=role, revoked_at=None).first():
        return existing
    row = RoleGrant.objects.create(user=user, role=role, granted_by=by, granted_at=at)
    record(
        Event.ROLE_GRANTED,
        by=by or SYSTEM,
        subject=user,
        facts={"role": str(role), "grant": str(row.public_id)},
        at=at,
    )
    return row


@transaction.atomic
def revoke(grant_id: int, *, by: User, at: dt.datetime) -> RoleGrant:
    refuse_to_manage(by)
    row = RoleGrant.objects.select_for_update().select_related("user").get(pk=grant_id)
    if row.user_id == by.pk:
        raise Refused("own_role", "You cannot revoke a role of your own; ask another administrator.")
    if row.revoked_at is not None:
        raise Conflict("already_revoked", "This role was revoked before.")
    row.revoked_at, row.revoked_by = at, by
    row.save(update_fields=["revoked_at", "revoked_by"])
    record(
        Event.ROLE_REVOKED,
        by=by,
        subject=row.user,
        facts={"role": row.role, "grant": str(row.public_id)},
        at=at,
    )
    return row


@transaction.atomic
def accept_agreement(user: User, *, at: dt.datetime, digest: str | None = None) -> AgreementAcceptance:
    """Sign the agreement in force. `digest`: that of the text on the page; a newer one is not signed unread."""
    agreement = agreements.in_force()
    if agreement is None:
        raise Conflict(
            "no_agreement", "No confidentiality agreement is published yet; ask an evaluation lead."
        )
    if digest is not None and digest != agreement.digest:
        raise Stale(
            "agreement_changed", "The text has changed while you read it. Read what is new, then sign."
        )
    row, created = AgreementAcceptance.objects.get_or_create(
        user=user,
        agreement=agreement,
        defaults={"accepted_at": at, "text_digest": agreement.digest, "signed_as": str(user)[:310]},
    )
    user.has_signed = True
    if created:
        facts = {"version": agreement.version, "digest": agreement.digest}
        record(Event.AGREEMENT_ACCEPTED, by=user, subject=row, facts=facts, at=at)
    return row


def password_was_set(person: User, *, by: User, at: dt.datetime) -> None:
    """Write down that somebody set a person's password; call it in the transaction that set it."""
    if person != by:
        record(Event.PASSWORD_SET, by=by, subject=person, at=at)


def has_accepted_agreement(user: User) -> bool:
    """Whether the person has signed the agreement in force."""
    if user.has_signed is not None:
        return user.has_signed
    agreement = agreements.in_force()
    return agreement is not None and user.agreements.filter(agreement=agreement).exists()


def refuse_to_manage(by: User) -> None:
    if not by.can(Permission.MANAGE_PEOPLE):
        raise Refused("not_administrator", "Only an administrator grants and revokes roles and tokens.")
