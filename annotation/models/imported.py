"""Judgments that were made elsewhere, and the people and systems that they name.

They stand in rows of their own: what counts the work of evaluators reads `Judgment`, and so cannot take these in by
forgetting a condition. Nobody here can sign in, and nothing of it is in a queue.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ImportFormat(models.TextChoices):
    NDJSON = "ndjson", "NDJSON, a judgment a line"
    APPRAISE = "appraise", "CSV as Appraise writes it"
    LABEL_STUDIO = "label_studio", "JSON as Label Studio exports it"
    ARGILLA = "argilla", "JSON as Argilla exports it"

    @property
    def unit(self) -> str:
        """What the number of a judgment's `line` counts."""
        return {"label_studio": "task", "argilla": "record"}.get(self.value, "line")


class JudgmentImport(models.Model):
    """One file of judgments, taken in as a whole."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="imports")
    format = models.CharField(max_length=12, choices=ImportFormat.choices)
    # What was said of the file: which fields and answers mean what. See `annotation.formats.mapping`.
    options = models.JSONField(default=dict)
    # Of the file as it came.
    sha256 = models.CharField(max_length=64)
    # Added; skipped, as the rater had given no answer; and known already, by their ids or times.
    judgments = models.PositiveIntegerField()
    skipped = models.PositiveIntegerField()
    known = models.PositiveIntegerField()
    # What else the file held, counted by why it is no judgment here; the skipped ones are among it.
    left_out = models.JSONField(default=dict)
    imported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            # A file that is sent again adds nothing.
            models.UniqueConstraint(name="import_file_once", fields=["campaign", "sha256"]),
            models.CheckConstraint(name="import_format_known", condition=Q(format__in=ImportFormat.values)),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def left_out_in_words(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in sorted(self.left_out.items()))


class ImportedRater(models.Model):
    """Somebody who judged elsewhere: a number within the campaign. The name is not kept, only a digest of it that
    is keyed with the campaign's seed, by which a later file's judgments find their rater."""

    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="imported_raters"
    )
    key = models.CharField(max_length=64)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="imported_rater_once", fields=["campaign", "key"]),
            models.UniqueConstraint(name="imported_rater_numbered_once", fields=["campaign", "number"]),
        ]

    def __str__(self) -> str:
        return self.pseudonym

    @property
    def pseudonym(self) -> str:
        return f"imported-{self.number}"


class ImportedSource(models.Model):
    """A system that imported judgments name."""

    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="imported_sources"
    )
    name = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="imported_source_once", fields=["campaign", "name"]),
        ]

    def __str__(self) -> str:
        return self.name


class ImportedChoice(models.TextChoices):
    LEFT = "left", "The response that was named first"
    RIGHT = "right", "The response that was named second"
    TIE = "tie", "Tie"
    BOTH_BAD = "both_bad", "Both bad"


class ImportedJudgment(models.Model):
    """What somebody said elsewhere about an item's responses by two systems, in the order in which they stood.

    One rater may judge the same pair again and again: that is how far they agree with themselves. `identity` tells
    a repeat from the same judgment sent twice, where the file names judgments or their times; else it is None.
    """

    # Named `batch`, as `import` is a word of the language.
    batch = models.ForeignKey(JudgmentImport, on_delete=models.PROTECT, related_name="rows")
    # The index of the constraint serves this one.
    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="imported_judgments", db_index=False
    )
    line = models.PositiveIntegerField()
    rater = models.ForeignKey(ImportedRater, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = models.CharField(max_length=200)
    left = models.ForeignKey(ImportedSource, on_delete=models.PROTECT, related_name="+", db_index=False)
    right = models.ForeignKey(ImportedSource, on_delete=models.PROTECT, related_name="+", db_index=False)
    choice = models.CharField(max_length=8, choices=ImportedChoice.choices)
    # By criterion of the rubric, as `choice`.
    answers = models.JSONField(default=dict)
    judged_at = models.DateTimeField(null=True)
    identity = models.CharField(max_length=64, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="imported_judgment_once", fields=["campaign", "identity"]),
            models.CheckConstraint(
                name="imported_judgment_choice_known", condition=Q(choice__in=ImportedChoice.values)
            ),
            models.CheckConstraint(name="imported_judgment_of_two_systems", condition=~Q(left=F("right"))),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}, line {self.line}"
