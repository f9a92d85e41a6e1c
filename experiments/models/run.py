"""One arm executed once, or judged by one metric, and the outputs it is made of."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from experiments.querysets import OutputQuerySet, RunQuerySet


class Arm(models.TextChoices):
    BASELINE = "baseline", "Baseline"
    CANDIDATE = "candidate", "Candidate"


class OutputState(models.TextChoices):
    OPEN = "open", "Open"
    LEASED = "leased", "Leased"
    DONE = "done", "Done"


class Outcome(models.TextChoices):
    """How an output ended. Exactly one of these, once, and never again changed."""

    ANSWERED = "answered", "Answered"
    REFUSED = "refused", "Refused"
    FORMAT_INVALID = "format_invalid", "Not in the format asked for"
    # The system that was asked did not answer, though it was there.
    TARGET_ERROR = "target_error", "Target error"
    # What lies between it and us failed, or a worker of ours.
    INFRASTRUCTURE_ERROR = "infrastructure_error", "Infrastructure error"
    SKIPPED_BY_BUDGET = "skipped_by_budget", "Skipped by budget"


# What ended without an answer of any kind.
WITHOUT_ANSWER = (Outcome.TARGET_ERROR, Outcome.INFRASTRUCTURE_ERROR, Outcome.SKIPPED_BY_BUDGET)
# What is an answer from its beginning to its end, whatever it is worth.
WHOLE_ANSWERS = (Outcome.ANSWERED, Outcome.FORMAT_INVALID)
# Reasons to finish of what is none.
CUT_SHORT = ("length", "content_filter", "refusal")


class Endpoint(models.Model):
    """An address that answers, and how fast it may be asked by all workers together.

    Its row is the lock under which workers divide its calls among them.
    """

    base_url = models.CharField(max_length=500, unique=True)
    # The most calls in flight since it last asked to slow down; nothing where the configuration alone says.
    allowed = models.FloatField(null=True)
    cut_at = models.DateTimeField(null=True)
    # Until when it asked to be left alone.
    closed_until = models.DateTimeField(null=True)
    # By when what has been asked would have been asked at the configured number of requests, and tokens, a minute.
    requests_until = models.DateTimeField(null=True)
    tokens_until = models.DateTimeField(null=True)
    # When it may be asked again as often as ever, see `experiments.running.retries`.
    retries_full_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.base_url


class EndpointShare(models.Model):
    """How many calls one worker may have in flight at an endpoint, until it says so again or the time is over."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="shares")
    worker = models.UUIDField()
    calls = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="endpoint_share_once", fields=["endpoint", "worker"])]

    def __str__(self) -> str:
        return f"{self.endpoint_id}: {self.calls}"


class Run(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    experiment = models.ForeignKey("experiments.Experiment", on_delete=models.PROTECT, related_name="runs")
    # Empty for the run of a judge, which has the run that it judges, and the metric for which it does.
    arm = models.CharField(max_length=10, choices=Arm.choices, blank=True)
    judges = models.ForeignKey("self", on_delete=models.PROTECT, related_name="judgings", null=True)
    metric = models.CharField(max_length=60, blank=True)
    version = models.ForeignKey("experiments.ComponentVersion", on_delete=models.PROTECT, related_name="runs")
    # None: nobody is called, the outputs are brought.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="runs", null=True)
    # Its outputs are asked for in files, rather than one by one.
    in_batches = models.BooleanField(default=False)
    record = models.JSONField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Who said, and when, that all the outputs that are brought were there.
    brought_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    brought_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="run_one_per_arm", fields=["experiment", "arm"], condition=Q(judges=None)
            ),
            models.UniqueConstraint(
                name="run_judged_once_by_metric",
                fields=["judges", "metric"],
                condition=Q(judges__isnull=False),
            ),
            # A judge has no arm: whoever asks for an arm's outputs never gets a judge's.
            models.CheckConstraint(
                name="run_is_of_an_arm_or_a_judge",
                condition=Q(judges=None, arm__in=Arm.values, metric="")
                | Q(judges__isnull=False, arm="", endpoint__isnull=False) & ~Q(metric=""),
            ),
            models.CheckConstraint(
                name="run_brought_by_and_at",
                condition=Q(brought_by=None, brought_at=None)
                | Q(brought_by__isnull=False, brought_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_asked_is_not_brought", condition=Q(endpoint=None) | Q(brought_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id} {self.arm or self.metric}"

    @property
    def is_judging(self) -> bool:
        return self.judges_id is not None

    @property
    def reuses(self) -> int:
        """How many of its answers were given in earlier experiments, as its record has it once it is finished."""
        return int(self.record.get("cache", {}).get("reused", 0))

    @property
    def is_brought(self) -> bool:
        """Whether its outputs are uploaded, rather than asked for."""
        return self.endpoint_id is None

    @property
    def collected_by(self) -> str:
        """Who collected the outputs: our runner, or whoever brought them."""
        if not self.is_brought:
            return str(self.record["collected_by"])
        return str(self.brought_by or "nobody yet")


class Output(models.Model):
    """What one arm said to one example, or a judge about that; until then, the work item that asks for it.

    The run of a judge has for each output that it judges as many as `judging.forms.calls` says, at the same position
    and with `repeat` counting on (`judging.layout.repeat_of`).

    `order` interleaves the arms: both answer an example at about the same moment, in random order, so that a
    drift of the endpoint meets both alike.
    """

    # Found by the key of `output_once`, which begins with it.
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="outputs", db_index=False)
    experiment = models.ForeignKey("experiments.Experiment", on_delete=models.PROTECT, related_name="outputs")
    position = models.PositiveIntegerField()
    repeat = models.PositiveSmallIntegerField(default=0)
    example_id = models.CharField(max_length=200)
    order = models.PositiveIntegerField()

    state = models.CharField(max_length=8, choices=OutputState.choices, default=OutputState.OPEN)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)

    outcome = models.CharField(max_length=24, choices=Outcome.choices, blank=True)
    text = models.TextField(blank=True)
    error = models.TextField(blank=True)
    # Texts: what the system had found before it answered, and what its answer refers to. None: not told.
    contexts = models.JSONField(null=True)
    citations = models.JSONField(null=True)
    finish_reason = models.CharField(max_length=40, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    # From when it was laid out, and could first be asked for, until the call was made that brought the answer:
    # queueing, earlier tries and pauses. None: there was no such call of ours, or it is not known when.
    waited_ms = models.PositiveBigIntegerField(null=True)
    # Millionths of a US dollar, with tries of a judge that could not be read; None where the price or the tokens are
    # not known.
    cost_micro = models.PositiveBigIntegerField(null=True)
    request_digest = models.CharField(max_length=64, blank=True)
    endpoint_model = models.CharField(max_length=200, blank=True)
    endpoint_fingerprint = models.CharField(max_length=200, blank=True)
    # What later experiments find it by to reuse it. None: it may not be reused.
    cache_key = models.CharField(max_length=64, null=True)
    # The output of an earlier experiment whose answer this is. None: its own, or nobody's yet.
    # Outputs are never deleted, so nobody looks for those that reuse one, and the constraint's index is enough.
    reused_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="reused_in", null=True, db_index=False
    )
    # What the endpoint answered, whole, where the policy has it kept. Many outputs may have the same.
    raw_reply = models.ForeignKey(
        "experiments.RawReply", on_delete=models.PROTECT, related_name="outputs", null=True, db_index=False
    )
    finished_at = models.DateTimeField(null=True)

    objects = OutputQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="output_once", fields=["run", "position", "repeat"]),
            models.CheckConstraint(name="output_state_known", condition=Q(state__in=OutputState.values)),
            models.CheckConstraint(
                name="output_outcome_known", condition=Q(outcome__in=["", *Outcome.values])
            ),
            models.CheckConstraint(
                name="output_leased_has_token",
                condition=Q(state="leased", lease_token__isnull=False, lease_until__isnull=False)
                | ~Q(state="leased") & Q(lease_token=None, lease_until=None),
            ),
            models.CheckConstraint(
                name="output_done_has_outcome",
                condition=Q(state="done", finished_at__isnull=False) & ~Q(outcome="")
                | ~Q(state="done") & Q(outcome="", finished_at=None),
            ),
            models.CheckConstraint(
                name="output_reusable_is_a_whole_answer",
                condition=Q(cache_key=None)
                | Q(state="done", outcome__in=WHOLE_ANSWERS) & ~Q(finish_reason__in=CUT_SHORT),
            ),
            # Whoever looks for an answer finds the one that was given, and its age.
            models.CheckConstraint(
                name="output_reused_is_not_reused_on", condition=Q(reused_from=None) | Q(cache_key=None)
            ),
            models.CheckConstraint(
                name="output_reused_took_nothing",
                condition=Q(reused_from=None)
                | Q(state="done", outcome__in=WHOLE_ANSWERS, latency_ms=None, waited_ms=None)
                & Q(cost_micro=0, cost_micro__isnull=False),
            ),
            models.CheckConstraint(
                name="output_raw_reply_ended_it", condition=Q(raw_reply=None) | Q(state="done")
            ),
            # Two outputs that share an answer would not differ by chance: arms and repeats have to be independent.
            models.UniqueConstraint(
                name="output_reuses_an_answer_once",
                fields=["experiment", "reused_from"],
                condition=Q(reused_from__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="output_reusable", fields=["cache_key"], condition=Q(cache_key__isnull=False)),
            models.Index(name="output_open", fields=["experiment", "order"], condition=Q(state="open")),
            models.Index(name="output_leased", fields=["lease_until"], condition=Q(state="leased")),
            # What ended lately, of all experiments. It grows at its end alone, which costs a writer little.
            models.Index(
                name="output_finished", fields=["finished_at"], condition=Q(finished_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.example_id}"

    @property
    def waited_s(self) -> float | None:
        return None if self.waited_ms is None else self.waited_ms / 1000
