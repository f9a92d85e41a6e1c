"""What judgments amount to, kept so that figures need not read them all: derived, and made anew at any time."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class AgreementState(models.Model):
    """Of a campaign about pairs, the sums of the judgments that are marked as counted; of imports and of many
    ratings, rankings or spans, the figures themselves.

    `body` is an `annotation.agreement.tally.Tally`, or what `kept_figures` and `kept_findings` write. Sums are
    written by the roll-up alone, under a lock of this row; whatever takes counted judgments out of the figures sets
    `is_stale` in its own transaction.
    """

    campaign = models.OneToOneField(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="agreement_state"
    )
    is_stale = models.BooleanField(default=True)
    body = models.JSONField(default=dict)
    n_judgments = models.PositiveIntegerField(default=0)
    # How far a single item's influence on the mean kappa over pairs varies, as of when all judgments were read last,
    # and how many there were then.
    spread = models.FloatField(null=True)
    n_when_read = models.PositiveIntegerField(default=0)
    # Where the rubric was revised: agreement by each version, as of then.
    by_rubric = models.JSONField(default=list)
    counted_at = models.DateTimeField(null=True)
    # The coefficient that decides, its interval and whether judgments are usable, as of the last roll-up: for lists.
    deciding = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(name="agreement_stale", fields=["campaign"], condition=Q(is_stale=True))]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.n_judgments} judgments"


class AgreementPair(models.Model):
    """Two evaluators on the tasks that both judged: how often one said this and the other that.

    `table` has a row for each label of the first, of whom the key is the lesser.
    """

    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="agreement_pairs", db_index=False
    )
    one = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    other = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    table = models.JSONField()
    n = models.PositiveIntegerField()
    # None where both used one and the same label.
    kappa = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="agreement_pair_once", fields=["campaign", "one", "other"]),
            models.CheckConstraint(name="agreement_pair_in_order", condition=Q(one__lt=F("other"))),
        ]
        indexes = [models.Index(name="agreement_pair_by_size", fields=["campaign", "-n"])]

    def __str__(self) -> str:
        return f"{self.one_id}, {self.other_id}"
