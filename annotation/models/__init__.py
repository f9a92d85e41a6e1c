"""Rows of human evaluation, by noun."""

from annotation.models.campaign import Campaign, CampaignStatus, Protocol, Rubric
from annotation.models.judgment import Choice, Judgment, JudgmentState
from annotation.models.media import Media
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
    "Draft",
    "Escalation",
    "Format",
    "Judgment",
    "JudgmentState",
    "Media",
    "Protocol",
    "Response",
    "Rubric",
    "Slot",
    "SlotState",
    "Task",
]
