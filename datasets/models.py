"""Golden datasets: a name, and frozen versions of it whose identity is the digest of their rows."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Sensitivity(models.TextChoices):
    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"
    CONFIDENTIAL = "confidential", "Confidential"
    RESTRICTED = "restricted", "Restricted"


class VersionState(models.TextChoices):
    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"


class Dataset(models.Model):
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    use_case = models.TextField(blank=True)
    sensitivity = models.CharField(max_length=20, choices=Sensitivity.choices, default=Sensitivity.INTERNAL)
    custodian = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="datasets")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="dataset_sensitivity_known", condition=Q(sensitivity__in=Sensitivity.values)
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class DatasetVersion(models.Model):
    """A numbered content of a dataset. The rows lie in the object store, in packs that the manifest lists.

    `digest` covers the rows and their order, not the packing, so that moving or repacking never changes it.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.DRAFT)
    digest = models.CharField(max_length=64)
    manifest = models.CharField(max_length=64)
    example_count = models.PositiveIntegerField()
    coverage = models.JSONField(default=dict)
    limitations = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    published_at = models.DateTimeField(null=True)
    # A sealed hold-out: how many experiments of one component may look at it. None: it is not sealed.
    looks_allowed = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="dataset_version_once", fields=["dataset", "version"]),
            models.CheckConstraint(
                name="dataset_version_state_known", condition=Q(state__in=VersionState.values)
            ),
            models.CheckConstraint(
                name="dataset_version_sealed_with_looks",
                condition=Q(looks_allowed=None) | Q(looks_allowed__gt=0),
            ),
            models.CheckConstraint(
                name="dataset_version_published_by_and_at",
                condition=Q(state=VersionState.DRAFT, published_at=None, published_by=None)
                | Q(state=VersionState.PUBLISHED, published_at__isnull=False, published_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset}@{self.version}"

    @property
    def public_id(self) -> str:
        return f"{self.dataset.slug}/{self.version}"

    @property
    def is_sealed(self) -> bool:
        return self.looks_allowed is not None
