"""Text that would tell evaluators which system wrote what, and what the lead decided about it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class FlagKind(models.TextChoices):
    SELF = "self", "Says what wrote it"
    ALIAS = "alias", "Names a system of this campaign"
    MENTION = "mention", "Stands beside what tells"
    REST = "rest", "More names than are told apart"


class Decision(models.TextChoices):
    ACCEPT = "accept", "Harmless"
    REDACT = "redact", "Redacted"
    EXCLUDE = "exclude", "Item excluded"


class Flag(models.Model):
    """A place in a task's prompt or in a response. Undecided, it holds the task back from every evaluator.

    `part` numbers the string that it stands in, among those of the same prompt or response, as
    `annotation.blinding.readable` has them; `start` and `end` count that string's code points. `text` is the name as
    the scanner reads it: it is what is decided in bulk, and a redaction takes it away wherever it stands in the same
    prompt or response.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    task = models.ForeignKey("annotation.Task", on_delete=models.PROTECT, related_name="flags")
    # None: in the task's prompt.
    response = models.ForeignKey(
        "annotation.Response", on_delete=models.PROTECT, null=True, related_name="flags"
    )
    part = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.CharField(max_length=400)
    kind = models.CharField(max_length=7, choices=FlagKind.choices)
    decision = models.CharField(max_length=7, choices=Decision.choices, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="flag_kind_known", condition=Q(kind__in=FlagKind.values)),
            models.CheckConstraint(name="flag_spans_something", condition=Q(end__gt=F("start"))),
            models.CheckConstraint(
                name="flag_decided_by_and_at",
                condition=Q(decision="", decided_by=None, decided_at=None, reason="")
                | Q(decision__in=Decision.values, decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="flag_exclusion_says_why", condition=~Q(decision="exclude") | ~Q(reason="")
            ),
            models.UniqueConstraint(
                name="flag_once_in_prompt", fields=["task", "text"], condition=Q(response=None)
            ),
            models.UniqueConstraint(name="flag_once_in_response", fields=["response", "text"]),
        ]
        indexes = [
            models.Index(name="flag_undecided", fields=["task"], condition=Q(decision="")),
            models.Index(name="flag_redacted", fields=["task"], condition=Q(decision="redact")),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
