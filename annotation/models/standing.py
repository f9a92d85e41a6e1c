"""How far a campaign has come, counted each minute instead of at each look: derived."""

from django.db import models


class StandingCount(models.Model):
    """What `annotation.sla.standing` counted about a campaign, and when."""

    campaign = models.OneToOneField("annotation.Campaign", on_delete=models.PROTECT, related_name="standing")
    wanted = models.PositiveIntegerField()
    done = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    missing = models.PositiveIntegerField()
    ahead = models.PositiveIntegerField()
    # One of both: when it will be done, or why that cannot be said.
    finished_at = models.DateTimeField(null=True)
    unforeseen = models.TextField(blank=True)
    # How many may judge it, and how many tasks all of them have skipped or judged while they miss judgments.
    judges = models.PositiveIntegerField(default=0)
    stuck = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.done} of {self.wanted}"
