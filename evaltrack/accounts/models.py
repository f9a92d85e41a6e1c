"""Who may act: people, the roles they were granted, and the tokens of machines."""

import datetime as dt
import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from evaltrack.accounts.roles import PERMISSIONS, Permission, Role
from evaltrack.ledger.identity import Identity


class User(AbstractUser):
    """A person, or a machine such as a CI system (`is_machine`: no password, acts by token alone)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    is_machine = models.BooleanField(default=False)

    # Whether the agreement in force is signed, where the query that found this person has asked.
    has_signed: bool | None = None

    class Meta:
        constraints = [
            # Every permission comes from a role; a superuser would pass each check without one.
            models.CheckConstraint(name="user_is_never_superuser", condition=Q(is_superuser=False)),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def roles(self) -> set[Role]:
        """Roles in force. Read once per user object: a request asks for them many times."""
        if not hasattr(self, "_roles"):
            grants = self.role_grants.filter(revoked_at=None)
            self._roles = {Role(role) for role in grants.values_list("role", flat=True)}
        return self._roles

    def can(self, permission: Permission) -> bool:
        return self.is_active and any(permission in PERMISSIONS[role] for role in self.roles)

    def ledger_identity(self) -> Identity:
        role = "machine" if self.is_machine else "_and_".join(sorted(self.roles)) or "none"
        return Identity(uuid=self.public_id, role=role, name=str(self))


class RoleGrant(models.Model):
    """A role somebody holds or held. Ended by revoking, never deleted: an auditor asks who could do what, when."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="role_grant_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="role_grant_revoked_by_and_at",
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="role_grant_not_to_oneself", condition=Q(granted_by=None) | ~Q(granted_by=F("user"))
            ),
            models.UniqueConstraint(
                name="role_grant_once", fields=["user", "role"], condition=Q(revoked_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.user}"


class ApiToken(models.Model):
    """A bearer token. Only the digest of its secret is kept; the token itself is shown once."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    secret_digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    # The database's time at which this row was read, where the query has asked for it.
    read_at: dt.datetime | None = None

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="api_token_expires_later", condition=Q(expires_at__gt=F("created_at"))
            ),
            models.CheckConstraint(
                name="api_token_revoked_by_and_at",
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def usable(self, at: dt.datetime) -> bool:
        return self.revoked_at is None and at < self.expires_at and self.user.is_active


class AgreementAcceptance(models.Model):
    """An evaluator's signature under one version of the confidentiality agreement."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="agreements")
    version = models.CharField(max_length=20)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="agreement_accepted_once", fields=["user", "version"])]

    def __str__(self) -> str:
        return f"Agreement {self.version}: {self.user}"


class IdempotentRequest(models.Model):
    """The first answer to a request that carried an `Idempotency-Key`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="idempotency_key_once", fields=["user", "key"])]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.key}"
