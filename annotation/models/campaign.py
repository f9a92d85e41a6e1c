"""A human evaluation: what is asked, of how many, until when."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotation.models.escalation import Priority


class Protocol(models.TextChoices):
    PAIRWISE = "pairwise", "Blind pairwise comparison"
    RATING = "rating", "Rating on a scale"
    RANKING = "ranking", "Ranking of several responses"
    SPANS = "spans", "Marking of errors in the text"


class CampaignStatus(models.TextChoices):
    OPEN = "open", "Open"
    PAUSED = "paused", "Paused"
    CLOSED = "closed", "Closed"


class Rubric(models.Model):
    """What evaluators are asked and how to answer. A change is a new version.

    `body` holds what a rubric may have beyond its question; `annotation.rubrics` says in which shape.
    """

    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    # Of all its versions: what asks for a rating asks for nothing else later.
    protocol = models.CharField(max_length=12, choices=Protocol.choices, default=Protocol.PAIRWISE)
    question = models.CharField(max_length=300)
    guidance = models.TextField()
    body = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="rubric_version_once", fields=["name", "version"]),
            models.CheckConstraint(name="rubric_protocol_known", condition=Q(protocol__in=Protocol.values)),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Campaign(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Shown to evaluators: it must not tell which systems are compared.
    name = models.CharField(max_length=120)
    protocol = models.CharField(max_length=12, choices=Protocol.choices, default=Protocol.PAIRWISE)
    # None: stand-alone, over responses that were made elsewhere.
    experiment = models.ForeignKey(
        "experiments.Experiment", on_delete=models.PROTECT, null=True, related_name="campaigns"
    )
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="campaigns")
    # Where the rubric was revised while people judged: by which they judged before, and since when they do not.
    earlier_rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, null=True, related_name="+")
    revised_at = models.DateTimeField(null=True)
    # What was judged by versions below this one is asked again.
    asks_again_below = models.PositiveIntegerField(null=True)
    # None: whoever may judge may judge here. Else only who has qualified in it.
    course = models.ForeignKey(
        "annotation.Course", on_delete=models.PROTECT, null=True, related_name="campaigns"
    )
    overlap = models.PositiveSmallIntegerField()
    # Adaptive overlap: up to so many, until the label of a task is so probable. Else these three are None.
    max_overlap = models.PositiveSmallIntegerField(null=True)
    confidence = models.FloatField(null=True)
    # The random share of tasks that is always asked of `max_overlap`.
    calibration_share = models.FloatField(null=True)
    # Up to when judgments that became final have been looked at, to ask further people.
    extended_at = models.DateTimeField(null=True)
    # Of a large one: up to when judgments that became final were compared with one another, to find conflicts.
    conflicts_seen_at = models.DateTimeField(null=True)
    # How many tasks count: changed when tasks are added or left out, never by a claim or a judgment.
    task_count = models.PositiveIntegerField(default=0)
    seed = models.CharField(max_length=64)
    # On a random share of judgments it is asked which response is thought to be in production: by this source.
    guess_share = models.FloatField(default=0)
    production = models.CharField(max_length=200, blank=True)
    # So large a share of what an evaluator is given is what they have judged so many hours before, places exchanged.
    repeat_share = models.FloatField(default=0)
    repeat_after_hours = models.PositiveSmallIntegerField(default=48)
    # Judged by programs, to have something to show. Never evidence, and labelled wherever it appears.
    is_simulated = models.BooleanField(default=False)
    priority = models.CharField(max_length=6, choices=Priority.choices, default=Priority.NORMAL)
    # None: opened before there were policies; what holds without one holds for it.
    sla = models.ForeignKey(
        "annotation.SlaPolicy", on_delete=models.PROTECT, null=True, related_name="campaigns"
    )
    due_at = models.DateTimeField()
    # How often a lead gave people more time. Each time the ladder begins anew.
    extensions = models.PositiveSmallIntegerField(default=0)
    # What is asked of who judges, set at the opening: every one of these skills, and this language if there is one.
    skills = models.ManyToManyField("accounts.Skill", related_name="campaigns")
    language = models.CharField(max_length=35, blank=True)
    # Since when people are so late that skills are not asked for any more, as the SLA policy allows.
    skills_waived_at = models.DateTimeField(null=True)

    status = models.CharField(max_length=8, choices=CampaignStatus.choices, default=CampaignStatus.OPEN)
    # None: opened by the gate policy.
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    opened_at = models.DateTimeField()
    # Said to evaluators, so it must not tell which systems are compared.
    pause_reason = models.TextField(blank=True)
    # Evaluators are told on their own page how they did on gold, once this is set or the campaign is closed.
    gold_released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    gold_released_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    unblocked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    unblocked_at = models.DateTimeField(null=True)
    unblocking_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="campaign_status_known", condition=Q(status__in=CampaignStatus.values)
            ),
            models.CheckConstraint(name="campaign_protocol_known", condition=Q(protocol__in=Protocol.values)),
            models.CheckConstraint(name="campaign_priority_known", condition=Q(priority__in=Priority.values)),
            models.CheckConstraint(name="campaign_asks_somebody", condition=Q(overlap__gte=1)),
            models.CheckConstraint(
                name="campaign_guesses_about_something",
                condition=Q(guess_share=0, production="")
                | Q(guess_share__gt=0, guess_share__lte=1, protocol="pairwise") & ~Q(production=""),
            ),
            models.CheckConstraint(
                name="campaign_repeats_a_part", condition=Q(repeat_share__gte=0, repeat_share__lte=0.5)
            ),
            models.CheckConstraint(
                name="campaign_revised_from_and_at",
                condition=Q(earlier_rubric=None, revised_at=None, asks_again_below=None)
                | Q(earlier_rubric__isnull=False, revised_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_overlap_fixed_or_adaptive",
                condition=Q(max_overlap=None, confidence=None, calibration_share=None)
                | Q(
                    overlap__gte=2,
                    max_overlap__isnull=False,
                    max_overlap__gt=F("overlap"),
                    confidence__isnull=False,
                    confidence__gt=0.5,
                    confidence__lt=1,
                    calibration_share__isnull=False,
                    calibration_share__gte=0,
                    calibration_share__lte=1,
                ),
            ),
            # An experiment's figures are planned beforehand, and so is whom they ask.
            models.CheckConstraint(
                name="campaign_of_experiment_is_fixed", condition=Q(experiment=None) | Q(max_overlap=None)
            ),
            models.CheckConstraint(
                name="campaign_closed_by_and_at",
                condition=Q(status__in=["open", "paused"], closed_by=None, closed_at=None)
                | Q(status="closed", closed_by__isnull=False, closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_paused_says_why",
                condition=Q(status="paused") & ~Q(pause_reason="") | ~Q(status="paused") & Q(pause_reason=""),
            ),
            models.CheckConstraint(
                name="campaign_gold_released_by_and_at",
                condition=Q(gold_released_by=None, gold_released_at=None)
                | Q(gold_released_by__isnull=False, gold_released_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_unblocked_by_and_at_and_why",
                condition=Q(unblocked_by=None, unblocked_at=None, unblocking_reason="")
                | Q(unblocked_by__isnull=False, unblocked_at__isnull=False) & ~Q(unblocking_reason=""),
            ),
            models.UniqueConstraint(
                name="campaign_one_per_experiment", fields=["experiment"], condition=Q(is_simulated=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/campaigns/{self.public_id}/"

    def experiment_fact(self) -> dict[str, str]:
        """What the ledger says about what the campaign is for: nothing where it stands alone."""
        return {"experiment": self.experiment.public_id} if self.experiment else {}
