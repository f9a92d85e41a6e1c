"""Rows of human evaluation, by noun."""

from annotation.models.adjudication import (
    Adjudication,
    AdjudicationState,
    Cause,
    Hearing,
    HearingState,
    WaitingConflict,
)
from annotation.models.agreement import AgreementPair, AgreementState
from annotation.models.campaign import Campaign, CampaignStatus, Protocol, Rubric
from annotation.models.course import Course, Lesson, LessonKind, Qualification, Question, Sitting
from annotation.models.escalation import Escalation, Level, Priority, SlaPolicy
from annotation.models.flag import Decision, Flag, FlagKind
from annotation.models.gold import Appeal, Gold, Outcome
from annotation.models.guess import Guess, Guessed
from annotation.models.imported import (
    ImportedChoice,
    ImportedJudgment,
    ImportedRater,
    ImportedSource,
    ImportFormat,
    JudgmentImport,
)
from annotation.models.judgment import Choice, Judgment, JudgmentState
from annotation.models.media import Media
from annotation.models.pause import Pause, PauseOutcome
from annotation.models.setup import Setup
from annotation.models.standing import StandingCount
from annotation.models.task import (
    Assignment,
    AssignmentState,
    Draft,
    Format,
    Response,
    Slot,
    SlotState,
    Task,
)

__all__ = [
    "Adjudication",
    "AdjudicationState",
    "AgreementPair",
    "AgreementState",
    "Appeal",
    "Assignment",
    "AssignmentState",
    "Campaign",
    "CampaignStatus",
    "Cause",
    "Choice",
    "Course",
    "Decision",
    "Draft",
    "Escalation",
    "Flag",
    "FlagKind",
    "Format",
    "Gold",
    "Guess",
    "Guessed",
    "Hearing",
    "HearingState",
    "ImportFormat",
    "ImportedChoice",
    "ImportedJudgment",
    "ImportedRater",
    "ImportedSource",
    "Judgment",
    "JudgmentImport",
    "JudgmentState",
    "Lesson",
    "LessonKind",
    "Level",
    "Media",
    "Outcome",
    "Pause",
    "PauseOutcome",
    "Priority",
    "Protocol",
    "Qualification",
    "Question",
    "Response",
    "Rubric",
    "Setup",
    "Sitting",
    "SlaPolicy",
    "Slot",
    "SlotState",
    "StandingCount",
    "Task",
    "WaitingConflict",
]
