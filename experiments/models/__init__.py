"""Rows of experiments, by noun."""

from experiments.models.batch import Batch, BatchState
from experiments.models.experiment import DailyNumber, Experiment, ExperimentStatus, Lane, TestPlan, Tier
from experiments.models.given import GivenValue
from experiments.models.livetest import LiveTest, LiveUnit, TrafficArm
from experiments.models.metric import Comparison, MetricOutcome, MetricResult, Role, SliceResult
from experiments.models.price import Price
from experiments.models.production import (
    AlertState,
    ProductionAlert,
    ProductionMonitor,
    ProductionSample,
    ProductionSilence,
    ProductionWindow,
)
from experiments.models.promotion import PromotionRequest, PromotionStatus
from experiments.models.registry import (
    Component,
    ComponentKind,
    ComponentVersion,
    Deployment,
    Environment,
    Risk,
)
from experiments.models.reply import RawReply
from experiments.models.run import (
    WHOLE_ANSWERS,
    WITHOUT_ANSWER,
    Arm,
    Endpoint,
    EndpointShare,
    Outcome,
    Output,
    OutputState,
    Run,
)
from experiments.models.saved import SavedComparison
from experiments.models.series import MetricPoint, PointSource
from experiments.models.verdict import Evidence, EvidenceKind, GatePolicy, Verdict

__all__ = [
    "WHOLE_ANSWERS",
    "WITHOUT_ANSWER",
    "AlertState",
    "Arm",
    "Batch",
    "BatchState",
    "Comparison",
    "Component",
    "ComponentKind",
    "ComponentVersion",
    "DailyNumber",
    "Deployment",
    "Endpoint",
    "EndpointShare",
    "Environment",
    "Evidence",
    "EvidenceKind",
    "Experiment",
    "ExperimentStatus",
    "GatePolicy",
    "GivenValue",
    "Lane",
    "LiveTest",
    "LiveUnit",
    "MetricOutcome",
    "MetricPoint",
    "MetricResult",
    "Outcome",
    "Output",
    "OutputState",
    "PointSource",
    "Price",
    "ProductionAlert",
    "ProductionMonitor",
    "ProductionSample",
    "ProductionSilence",
    "ProductionWindow",
    "PromotionRequest",
    "PromotionStatus",
    "RawReply",
    "Risk",
    "Role",
    "Run",
    "SavedComparison",
    "SliceResult",
    "TestPlan",
    "Tier",
    "TrafficArm",
    "Verdict",
]
