"""What a lead has entered of a campaign that is not open yet."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.campaign import Protocol


class Setup(models.Model):
    """A campaign that a lead is setting up: nobody is asked before it is opened.

    `body` is what `POST /api/v1/campaigns` takes, or empty before anything was said; `annotation.setups` writes it
    after the act has taken it.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    protocol = models.CharField(max_length=12, choices=Protocol.choices)
    body = models.JSONField(default=dict)
    # Items that were uploaded and checked. None: there are none, or they are tasks of the campaign by now.
    file = models.BinaryField(null=True)
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    items = models.PositiveIntegerField(default=0)
    # Which systems the items name, up to as many as are looked for in what evaluators read.
    systems = models.JSONField(default=list)
    # Once it is open: a second click finds it here.
    campaign = models.OneToOneField(
        "annotation.Campaign", on_delete=models.PROTECT, null=True, related_name="setup"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="setup_protocol_known", condition=Q(protocol__in=Protocol.values)),
            models.CheckConstraint(
                name="setup_file_is_let_go_once_opened", condition=Q(campaign=None) | Q(file=None)
            ),
        ]

    def __str__(self) -> str:
        return self.body.get("name") or "Untitled campaign"
