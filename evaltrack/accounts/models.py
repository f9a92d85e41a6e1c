"""Who may act: people, the roles they were granted, and the tokens of machines."""

import datetime as dt
import secrets
import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from evaltrack.accounts.roles import PERMISSIONS, Permission, Role
from evaltrack.ledger.identity import Identity

# Without vowels, so that no word comes out, and without what looks alike.
PSEUDONYM_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"


def new_pseudonym() -> str:
    return "E-" + "".join(secrets.choice(PSEUDONYM_LETTERS) for _ in range(6))


class User(AbstractUser):
    """A person, or a machine such as a CI system (`is_machine`: no password, acts by token alone)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Drawn, and made of nothing: what leads and exports call an evaluator.
    pseudonym = models.CharField(max_length=12, default=new_pseudonym, unique=True, editable=False)
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


class Agreement(models.Model):
    """A version of the confidentiality agreement. The newest is in force; none is ever changed."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.CharField(max_length=20, unique=True)
    text = models.TextField()
    digest = models.CharField(max_length=64)
    # None: it came with the installation.
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="agreement_says_something", condition=~Q(text=""))]

    def __str__(self) -> str:
        return f"Agreement {self.version}"


class AgreementAcceptance(models.Model):
    """An evaluator's signature under one version of the confidentiality agreement."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="agreements")
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="acceptances")
    # What was on the page, whatever becomes of the row that it came from.
    text_digest = models.CharField(max_length=64)
    # The name as the person saw it on the button.
    signed_as = models.CharField(max_length=310)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="agreement_accepted_once", fields=["user", "agreement"])]

    def __str__(self) -> str:
        return f"{self.agreement}: {self.user}"


class Profile(models.Model):
    """How and how much an evaluator works. Who has none has said nothing, and has no limit."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="profile")
    time_zone = models.CharField(max_length=64, default="UTC")
    # By weekday, "mon" to "sun": [from, to]. `accounts.hours` says in which shape.
    hours = models.JSONField(default=dict)
    single_keys = models.BooleanField(default=True)
    # What one asks of oneself, and what the lead allows: the lower one holds.
    own_judgments_per_day = models.PositiveIntegerField(null=True)
    own_minutes_per_day = models.PositiveIntegerField(null=True)
    judgments_per_day = models.PositiveIntegerField(null=True)
    minutes_per_day = models.PositiveIntegerField(null=True)
    limited_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    limited_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="profile_limits_allow_something",
                condition=(Q(own_judgments_per_day=None) | Q(own_judgments_per_day__gte=1))
                & (Q(own_minutes_per_day=None) | Q(own_minutes_per_day__gte=1))
                & (Q(judgments_per_day=None) | Q(judgments_per_day__gte=1))
                & (Q(minutes_per_day=None) | Q(minutes_per_day__gte=1)),
            ),
            models.CheckConstraint(
                name="profile_limited_by_and_at",
                condition=Q(limited_by=None, limited_at=None, judgments_per_day=None, minutes_per_day=None)
                | Q(limited_by__isnull=False, limited_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Profile of {self.user_id}"


class SpokenLanguage(models.Model):
    """A language that somebody says they read well, as a BCP 47 tag; a lead may confirm it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="languages")
    tag = models.CharField(max_length=35)
    declared_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="language_declared_once", fields=["user", "tag"]),
            models.CheckConstraint(
                name="language_confirmed_by_and_at",
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="language_not_confirmed_by_oneself",
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("user")),
            ),
        ]

    def __str__(self) -> str:
        return self.tag


class Skill(models.Model):
    """What a campaign can ask of who judges it: a short name for programs, and one for people."""

    slug = models.SlugField(max_length=40, unique=True)
    label = models.CharField(max_length=80)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.label


class SkillGrant(models.Model):
    """A skill that somebody has or had. Ended by revoking, never deleted, as with roles."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="skill_grants")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="grants")
    # None: granted by the system, for a test that was passed.
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="skill_granted_once", fields=["user", "skill"], condition=Q(revoked_at=None)
            ),
            models.CheckConstraint(
                name="skill_grant_revoked_by_and_at",
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="skill_not_granted_to_oneself",
                condition=Q(granted_by=None) | ~Q(granted_by=F("user")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill}: {self.user_id}"


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
