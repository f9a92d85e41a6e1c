"""What is to be judged, the queue of required judgments, and who was given what."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Format(models.TextChoices):
    """How a prompt or a response is drawn; the renderer knows the same words."""

    TEXT = "text", "Plain text"
    MARKDOWN = "markdown", "Markdown with code and formulas"
    CODE = "code", "Code"
    JSON = "json", "JSON"
    CHAT = "chat", "A conversation, with tool calls"
    PASSAGES = "passages", "Retrieved passages"


class Task(models.Model):
    """An item with its responses, in no order. Which of them stands where on the screen is the slot's matter.

    `key` is the digest of item and sources: the same is asked once.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="tasks", db_index=False
    )
    item = models.CharField(max_length=200)
    key = models.CharField(max_length=64)
    # The systems and the stratum: within it places are balanced.
    group = models.CharField(max_length=64)
    prompt = models.TextField()
    prompt_format = models.CharField(max_length=8, choices=Format.choices, default=Format.TEXT)
    stratum = models.CharField(max_length=80, blank=True)
    # What comes with the prompt, for both responses: see `annotation.attached`.
    contexts = models.JSONField(default=list)
    media = models.JSONField(default=list)
    due_at = models.DateTimeField()
    # Drawn: asked of the most people from the beginning, whatever they say.
    is_calibration = models.BooleanField(default=False)
    # Of adaptive overlap: when it was settled that nobody further is asked, and how probable the label was then.
    settled_at = models.DateTimeField(null=True)
    certainty = models.FloatField(null=True)
    # Left out by the lead, as nobody will judge it: neither in the queue nor in any figure.
    excluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    excluded_at = models.DateTimeField(null=True)
    exclusion_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="task_once", fields=["campaign", "key"]),
            models.CheckConstraint(
                name="task_prompt_format_known", condition=Q(prompt_format__in=Format.values)
            ),
            models.CheckConstraint(
                name="task_settled_at_a_certainty",
                condition=Q(settled_at=None, certainty=None)
                | Q(
                    is_calibration=False,
                    settled_at__isnull=False,
                    certainty__isnull=False,
                    certainty__gt=0,
                    certainty__lte=1,
                ),
            ),
            models.CheckConstraint(
                name="task_excluded_by_and_at_and_why",
                condition=Q(excluded_by=None, excluded_at=None, exclusion_reason="")
                | Q(excluded_by__isnull=False, excluded_at__isnull=False) & ~Q(exclusion_reason=""),
            ),
        ]
        indexes = [
            models.Index(name="task_due", fields=["due_at"]),
            # In the order in which they were added.
            models.Index(name="task_in_order", fields=["campaign", "id"]),
            # What else was said of an item, when something new was.
            models.Index(name="task_of_item", fields=["item", "campaign"]),
            models.Index(
                name="task_undecided",
                fields=["campaign"],
                condition=Q(settled_at=None, is_calibration=False, excluded_at=None),
            ),
            models.Index(name="task_excluded", fields=["campaign"], condition=Q(excluded_at__isnull=False)),
            models.Index(name="task_group", fields=["campaign", "group"]),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Response(models.Model):
    """What one system answered to a task's prompt: an output, or a text that was made elsewhere.

    `ordinal` is drawn, and `source` names the system: neither reaches who judges.
    """

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="responses")
    ordinal = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=200)
    output = models.ForeignKey("experiments.Output", on_delete=models.PROTECT, null=True, related_name="+")
    text = models.TextField(blank=True)
    format = models.CharField(max_length=8, choices=Format.choices, default=Format.MARKDOWN)
    # What this system retrieved and made, beside its text.
    contexts = models.JSONField(default=list)
    media = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="response_once", fields=["task", "ordinal"]),
            models.UniqueConstraint(name="response_one_per_system", fields=["task", "source"]),
            models.CheckConstraint(name="response_format_known", condition=Q(format__in=Format.values)),
            models.CheckConstraint(name="response_text_stands_once", condition=Q(output=None) | Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}/{self.ordinal}"

    @property
    def content(self) -> str:
        return self.text if self.output is None else self.output.text


class SlotState(models.TextChoices):
    # Its text may name a system: nobody is given it before the lead has looked.
    REVIEW = "review", "Waits for the lead's check"
    OPEN = "open", "Open"
    HELD = "held", "Held"
    DONE = "done", "Done"
    WITHDRAWN = "withdrawn", "Withdrawn"


# A slot of this ordinal or a higher one asks somebody for the second time what they said in the slot of the ordinal
# that is so much lower. It is nobody else's: given back, it is withdrawn.
FIRST_REPEAT = 1_000


class Slot(models.Model):
    """One required judgment of a task: the queue, and nothing but the queue.

    `order_key` is a seeded shuffle fixed when the campaign opens, so that order costs nothing at claim time.
    `places` says which response stands where: "10" puts the response 1 into the first place. A slot that comes
    back keeps it. Withdrawn is what nobody has to judge any more: it stays so.
    """

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="slots")
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="slots")
    ordinal = models.PositiveSmallIntegerField()
    # Smaller is sooner; the lead's, within equal due times.
    priority = models.SmallIntegerField(default=0)
    order_key = models.PositiveBigIntegerField()
    places = models.CharField(max_length=9)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=SlotState.choices, default=SlotState.OPEN)
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    # The holder's assignment; results are accepted only under it.
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # By a lead, for a certain evaluator: until then the queue gives it to nobody else.
    reserved_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    reserved_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="slot_once", fields=["task", "ordinal"]),
            models.UniqueConstraint(
                name="slot_one_judgment_each",
                fields=["holder", "task"],
                condition=Q(holder__isnull=False, ordinal__lt=FIRST_REPEAT),
            ),
            models.UniqueConstraint(
                name="slot_one_repeat_each",
                fields=["holder", "task"],
                condition=Q(holder__isnull=False, ordinal__gte=FIRST_REPEAT),
            ),
            models.CheckConstraint(
                name="slot_repeat_is_nobody_elses",
                condition=Q(ordinal__lt=FIRST_REPEAT) | Q(state__in=["held", "done", "withdrawn"]),
            ),
            models.CheckConstraint(name="slot_state_known", condition=Q(state__in=SlotState.values)),
            models.CheckConstraint(name="slot_places_known", condition=~Q(places="")),
            models.CheckConstraint(
                name="slot_held_has_holder",
                condition=Q(
                    state__in=["review", "open", "withdrawn"], holder=None, token=None, lease_until=None
                )
                | Q(state="held", holder__isnull=False, token__isnull=False, lease_until__isnull=False)
                | Q(state="done", holder__isnull=False, token=None, lease_until=None),
            ),
            models.CheckConstraint(
                name="slot_reserved_for_and_until",
                condition=Q(reserved_for=None, reserved_until=None)
                | Q(reserved_for__isnull=False, reserved_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="slot_reserved",
                fields=["reserved_until"],
                condition=Q(reserved_until__isnull=False),
            ),
            models.Index(
                name="slot_open",
                fields=["campaign", "due_at", "priority", "order_key"],
                condition=Q(state="open"),
            ),
            models.Index(name="slot_review", fields=["campaign"], condition=Q(state="review")),
            models.Index(name="slot_lease", fields=["lease_until"], condition=Q(state="held")),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}/{self.ordinal}"

    @property
    def is_repeat(self) -> bool:
        return self.ordinal >= FIRST_REPEAT


class AssignmentState(models.TextChoices):
    PREFETCHED = "prefetched", "Fetched ahead, not seen"
    SHOWN = "shown", "Shown"
    SUBMITTED = "submitted", "Submitted"
    SKIPPED = "skipped", "Skipped"
    RELEASED = "released", "Released"
    EXPIRED = "expired", "Expired"
    REASSIGNED = "reassigned", "Reassigned by a lead"


class Assignment(models.Model):
    """One claim of a slot by one person. Its id is random and says nothing; it is the fencing token."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="assignments")
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="assignments")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="assignments")
    evaluator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments"
    )
    state = models.CharField(max_length=10, choices=AssignmentState.choices, default=AssignmentState.SHOWN)
    # What the answer to this assignment will be called: a new one after each undo.
    judgment_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    claimed_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    skip_reason = models.CharField(max_length=300, blank=True)
    # The running number among the claims of an evaluator who has a limit; only to tell apart two at once.
    number = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            # Two claims at once have seen the same work of today, so they want the same number: one of them waits,
            # and counts again.
            models.UniqueConstraint(
                name="assignment_numbered_once",
                fields=["evaluator", "number"],
                condition=Q(number__isnull=False),
            ),
            models.CheckConstraint(
                name="assignment_state_known", condition=Q(state__in=AssignmentState.values)
            ),
            models.CheckConstraint(
                name="assignment_ended_at",
                condition=Q(state__in=["prefetched", "shown"], ended_at=None)
                | ~Q(state__in=["prefetched", "shown"]) & Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="assignment_shown_at",
                condition=~Q(state__in=["shown", "submitted", "skipped"]) | Q(shown_at__isnull=False),
            ),
            # Two tabs of one evaluator must not hold two tasks.
            models.UniqueConstraint(
                name="assignment_one_shown", fields=["evaluator", "campaign"], condition=Q(state="shown")
            ),
            models.UniqueConstraint(
                name="assignment_one_prefetched",
                fields=["evaluator", "campaign"],
                condition=Q(state="prefetched"),
            ),
        ]
        indexes = [
            models.Index(
                name="assignment_skipped", fields=["evaluator", "task"], condition=Q(state="skipped")
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Draft(models.Model):
    """What somebody has typed and chosen so far: kept until the assignment ends."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="draft")
    body = models.JSONField()
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"draft of {self.assignment_id}"
