"""Rows of human evaluation, by noun."""

from annotation.models.campaign import Campaign, CampaignStatus, Protocol, Rubric
from annotation.models.judgment import Choice, Judgment
from annotation.models.task import Assignment, AssignmentState, Escalation, Slot, SlotState, Task

__all__ = [
    "Assignment",
    "AssignmentState",
    "Campaign",
    "CampaignStatus",
    "Choice",
    "Escalation",
    "Judgment",
    "Protocol",
    "Rubric",
    "Slot",
    "SlotState",
    "Task",
]
