"""Rows of human evaluation, by noun."""

from annotation.models.campaign import Campaign, CampaignStatus, Protocol, Rubric
from annotation.models.flag import Decision, Flag, FlagKind
from annotation.models.judgment import Choice, Judgment, JudgmentState
from annotation.models.task import (
    Assignment,
    AssignmentState,
    Draft,
    Escalation,
    Format,
    Response,
    Slot,
    SlotState,
    Task,
)

__all__ = [
    "Assignment",
    "AssignmentState",
    "Campaign",
    "CampaignStatus",
    "Choice",
    "Decision",
    "Draft",
    "Escalation",
    "Flag",
    "FlagKind",
    "Format",
    "Judgment",
    "JudgmentState",
    "Protocol",
    "Response",
    "Rubric",
    "Slot",
    "SlotState",
    "Task",
]
