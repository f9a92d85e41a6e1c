"""Shapes of the experiments API. Serializers check shape; acts check rules."""

from experiments.api.serializers.components import (
    BacktestIn,
    ComponentIn,
    ComponentOut,
    TestedOut,
    VersionIn,
    VersionOut,
)
from experiments.api.serializers.experiments import (
    ComparisonOut,
    ExperimentIn,
    ExperimentOut,
    ExperimentSummary,
    ExtensionIn,
    RunOut,
    VerdictOut,
)
from experiments.api.serializers.production import (
    LiveTestIn,
    LiveTestOut,
    ProductionOut,
    QualityOut,
    Reason,
    SamplesTaken,
    WatchedOut,
)
from experiments.api.serializers.promotions import PromotionIn, PromotionOut
from experiments.api.serializers.run_queue import RunQueueOut
from experiments.api.serializers.series import PointOut

__all__ = [
    "BacktestIn",
    "ComparisonOut",
    "ComponentIn",
    "ComponentOut",
    "ExperimentIn",
    "ExperimentOut",
    "ExperimentSummary",
    "ExtensionIn",
    "LiveTestIn",
    "LiveTestOut",
    "PointOut",
    "ProductionOut",
    "PromotionIn",
    "PromotionOut",
    "QualityOut",
    "Reason",
    "RunOut",
    "RunQueueOut",
    "SamplesTaken",
    "TestedOut",
    "VerdictOut",
    "VersionIn",
    "VersionOut",
    "WatchedOut",
]
