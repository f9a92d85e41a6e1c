"""Every kind of ledger entry, and the sentence that people read.

Decisions only. Claims, judgments, skips, escalations and outputs are never entries: a campaign that
closes enters with the Merkle root of its judgments, so each can still be proven.
"""

from django.db import models


class Event(models.TextChoices):
    ROLE_GRANTED = "role_granted", "Role granted"
    ROLE_REVOKED = "role_revoked", "Role revoked"
    ACCOUNT_CREATED = "account_created", "Account created"
    PASSWORD_SET = "password_set", "Password set"
    TOKEN_CREATED = "token_created", "Token created"
    TOKEN_REVOKED = "token_revoked", "Token revoked"
    AGREEMENT_PUBLISHED = "agreement_published", "Agreement published"
    AGREEMENT_ACCEPTED = "agreement_accepted", "Agreement accepted"
    DATASET_PUBLISHED = "dataset_published", "Dataset published"
    COMPONENT_VERSION_REGISTERED = "component_version_registered", "Component version registered"
    GATE_POLICY_ACTIVATED = "gate_policy_activated", "Gate policy activated"
    PRICE_STATED = "price_stated", "Price stated"
    EXPERIMENT_SUBMITTED = "experiment_submitted", "Experiment submitted"
    PLAN_LOCKED = "plan_locked", "Plan locked"
    OUTPUTS_UPLOADED = "outputs_uploaded", "Outputs uploaded"
    EXPERIMENT_PAUSED = "experiment_paused", "Experiment paused"
    EXPERIMENT_RESUMED = "experiment_resumed", "Experiment resumed"
    EXPERIMENT_DECIDED = "experiment_decided", "Experiment decided"
    EXPERIMENT_UNDECIDED = "experiment_undecided", "Experiment undecided"
    EXPERIMENT_CANCELLED = "experiment_cancelled", "Experiment cancelled"
    CAMPAIGN_OPENED = "campaign_opened", "Campaign opened"
    CAMPAIGN_PAUSED = "campaign_paused", "Campaign paused"
    CAMPAIGN_RESUMED = "campaign_resumed", "Campaign resumed"
    CAMPAIGN_EXTENDED = "campaign_extended", "Campaign extended"
    OVERLAP_RAISED = "overlap_raised", "Overlap raised"
    SKILLS_WAIVED = "skills_waived", "Skills waived"
    CAMPAIGN_CLOSED = "campaign_closed", "Campaign closed"
    JUDGMENTS_IMPORTED = "judgments_imported", "Judgments imported"
    RUBRIC_REVISED = "rubric_revised", "Rubric revised"
    HUMAN_EVIDENCE_RECORDED = "human_evidence_recorded", "Human evidence recorded"
    PROXY_EVIDENCE_RECORDED = "proxy_evidence_recorded", "Proxy evidence recorded"
    TASK_EXCLUDED = "task_excluded", "Task excluded"
    TASK_ADJUDICATED = "task_adjudicated", "Task adjudicated"
    TASK_REASSIGNED = "task_reassigned", "Task reassigned"
    TEXT_REDACTED = "text_redacted", "Text redacted"
    CAMPAIGN_UNBLOCKED = "campaign_unblocked", "Campaign unblocked"
    QUALIFICATION_GRANTED = "qualification_granted", "Qualification granted"
    QUALIFICATION_REVOKED = "qualification_revoked", "Qualification revoked"
    EVALUATOR_PAUSED = "evaluator_paused", "Evaluator paused"
    EVALUATOR_RESUMED = "evaluator_resumed", "Evaluator resumed"
    PAUSE_APPEAL_ANSWERED = "pause_appeal_answered", "Appeal against a pause answered"
    PROMOTION_REQUESTED = "promotion_requested", "Promotion requested"
    PROMOTION_APPROVED = "promotion_approved", "Promotion approved"
    PROMOTION_REJECTED = "promotion_rejected", "Promotion rejected"
    PROMOTION_WITHDRAWN = "promotion_withdrawn", "Promotion withdrawn"
    PRODUCTION_CHANGED = "production_changed", "Production changed"
    PRODUCTION_REGRESSED = "production_regressed", "Production regressed"
    LIVE_TEST_STARTED = "live_test_started", "Live test started"
    LIVE_TEST_ENDED = "live_test_ended", "Live test ended"
    CHANNEL_ADDED = "channel_added", "Channel added"
    CHANNEL_CHANGED = "channel_changed", "Channel changed"
    CHANNEL_REMOVED = "channel_removed", "Channel removed"
    INTEGRITY_CHECK_FAILED = "integrity_check_failed", "Integrity check failed"
    PERSONAL_DATA_ERASED = "personal_data_erased", "Personal data erased"

    @property
    def sentence(self) -> str:
        """A template: `{actor}` and `{subject}` are names, everything else is one of the required facts."""
        return SENTENCES[self]

    @property
    def required_facts(self) -> frozenset[str]:
        """The facts without which an entry of this kind would prove nothing."""
        return REQUIRED_FACTS.get(self, frozenset())


SENTENCES = {
    Event.ROLE_GRANTED: "{actor} gave {subject} the role {role}",
    Event.ROLE_REVOKED: "{actor} took the role {role} from {subject}",
    Event.ACCOUNT_CREATED: "{actor} created the account {subject}",
    Event.PASSWORD_SET: "{actor} set the password of {subject}",
    Event.TOKEN_CREATED: "{actor} created the token {subject}",
    Event.TOKEN_REVOKED: "{actor} revoked the token {subject}",
    Event.AGREEMENT_PUBLISHED: "{actor} put {subject} into force",
    Event.AGREEMENT_ACCEPTED: "{actor} accepted the agreement {subject}",
    Event.DATASET_PUBLISHED: "{actor} published the dataset {subject}",
    Event.COMPONENT_VERSION_REGISTERED: "{actor} registered the component version {subject}",
    Event.GATE_POLICY_ACTIVATED: "{actor} put the gate policy {subject} into force",
    Event.EXPERIMENT_SUBMITTED: "{actor} submitted {subject}",
    Event.PLAN_LOCKED: "{actor} locked the plan of {subject}",
    Event.OUTPUTS_UPLOADED: "{actor} brought the outputs of the {arm} of {subject}",
    Event.EXPERIMENT_DECIDED: "{actor} recorded the verdict on {subject}: {outcome}",
    Event.EXPERIMENT_UNDECIDED: "{actor} left {subject} undecided",
    Event.PRICE_STATED: "{actor} stated what {subject}, a model, costs",
    Event.EXPERIMENT_PAUSED: "{actor} paused {subject}",
    Event.EXPERIMENT_RESUMED: "{actor} resumed {subject}",
    Event.EXPERIMENT_CANCELLED: "{actor} cancelled {subject}",
    Event.CAMPAIGN_OPENED: "{actor} opened {subject}",
    Event.CAMPAIGN_PAUSED: "{actor} paused {subject}",
    Event.CAMPAIGN_RESUMED: "{actor} resumed {subject}",
    Event.CAMPAIGN_EXTENDED: "{actor} gave people more time for {subject}: until {due_after}",
    Event.OVERLAP_RAISED: "{actor} raised the overlap of {subject} from {before} to {after}",
    Event.SKILLS_WAIVED: "{actor} asked for no skills in {subject} any more",
    Event.CAMPAIGN_CLOSED: "{actor} closed {subject}",
    Event.JUDGMENTS_IMPORTED: "{actor} imported {judgments} judgments that were made elsewhere into {subject}",
    Event.RUBRIC_REVISED: "{actor} revised the rubric of {subject} from {before} to {after}",
    Event.HUMAN_EVIDENCE_RECORDED: "{actor} recorded human evidence for {subject}",
    Event.PROXY_EVIDENCE_RECORDED: "{actor} recorded proxy evidence for {subject}",
    Event.TASK_EXCLUDED: "{actor} excluded an item of {subject}",
    Event.TASK_ADJUDICATED: "{actor} settled a conflict in {subject} ({cause})",
    Event.TASK_REASSIGNED: "{actor} gave a task of {subject} to the {to}",
    Event.TEXT_REDACTED: "{actor} redacted text that names a system in {subject} (places: {flags})",
    Event.CAMPAIGN_UNBLOCKED: "{actor} unblocked {subject} with a proxy metric",
    Event.QUALIFICATION_GRANTED: "{actor} let {subject} judge by a rubric without its test",
    Event.QUALIFICATION_REVOKED: "{actor} took from {subject} the qualification for a rubric",
    Event.EVALUATOR_PAUSED: "{actor} gave {subject} no further tasks",
    Event.EVALUATOR_RESUMED: "{actor} gave {subject} tasks again",
    Event.PAUSE_APPEAL_ANSWERED: "{actor} answered the appeal of {subject} against a pause: {outcome}",
    Event.PROMOTION_REQUESTED: "{actor} requested {subject}",
    Event.PROMOTION_APPROVED: "{actor} approved {subject}",
    Event.PROMOTION_REJECTED: "{actor} rejected {subject}",
    Event.PROMOTION_WITHDRAWN: "{actor} withdrew {subject}",
    Event.PRODUCTION_CHANGED: "{actor} changed what is in production: {subject}",
    Event.PRODUCTION_REGRESSED: "{actor} confirmed that {metric} fell in production under {subject}",
    Event.LIVE_TEST_STARTED: "{actor} started {subject} on live traffic",
    Event.LIVE_TEST_ENDED: "{actor} ended {subject}: {outcome}",
    Event.CHANNEL_ADDED: "{actor} let messages go out to the channel {subject} at {host}",
    Event.CHANNEL_CHANGED: "{actor} changed the channel {subject}: {change}",
    Event.CHANNEL_REMOVED: "{actor} removed the channel {subject}",
    Event.INTEGRITY_CHECK_FAILED: "{actor} found that the integrity of {subject} is broken",
    Event.PERSONAL_DATA_ERASED: "{actor} erased personal data that stood beside {subject}",
}

REQUIRED_FACTS = {
    Event.ROLE_GRANTED: frozenset({"role"}),
    Event.ROLE_REVOKED: frozenset({"role"}),
    Event.AGREEMENT_PUBLISHED: frozenset({"version", "digest"}),
    Event.AGREEMENT_ACCEPTED: frozenset({"version", "digest"}),
    Event.CHANNEL_ADDED: frozenset({"kind", "topics", "host"}),
    Event.CHANNEL_CHANGED: frozenset({"change", "topics", "host"}),
    Event.OUTPUTS_UPLOADED: frozenset({"arm", "outputs", "outputs_root"}),
    Event.EXPERIMENT_DECIDED: frozenset({"outcome", "provisional", "evidence_digest"}),
    Event.TASK_ADJUDICATED: frozenset({"task", "adjudication", "cause", "outcome_digest"}),
    Event.TASK_REASSIGNED: frozenset({"task", "to"}),
    Event.TEXT_REDACTED: frozenset({"flags", "places_digest"}),
    Event.CAMPAIGN_EXTENDED: frozenset({"due_before", "due_after"}),
    Event.OVERLAP_RAISED: frozenset({"before", "after"}),
    Event.SKILLS_WAIVED: frozenset({"skills"}),
    Event.CAMPAIGN_CLOSED: frozenset({"judgments_root"}),
    Event.JUDGMENTS_IMPORTED: frozenset({"import", "sha256", "judgments"}),
    Event.RUBRIC_REVISED: frozenset({"before", "after", "asks_again"}),
    Event.QUALIFICATION_GRANTED: frozenset({"qualification", "course"}),
    Event.QUALIFICATION_REVOKED: frozenset({"qualification", "course"}),
    Event.EVALUATOR_PAUSED: frozenset({"pause", "campaign", "everywhere"}),
    Event.EVALUATOR_RESUMED: frozenset({"pause", "campaign", "everywhere"}),
    Event.PAUSE_APPEAL_ANSWERED: frozenset({"pause", "campaign", "everywhere", "outcome"}),
    Event.PRODUCTION_REGRESSED: frozenset({"metric", "value"}),
    Event.LIVE_TEST_STARTED: frozenset(
        {"experiment", "metric", "margin", "treatment_share", "planned_units"}
    ),
    Event.LIVE_TEST_ENDED: frozenset({"outcome"}),
}
