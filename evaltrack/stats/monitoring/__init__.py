"""Production: was traffic split as planned, what did the change do, did a metric fall, and when?"""

from evaltrack.stats.monitoring.anchors import Moved, apart_from_raters
from evaltrack.stats.monitoring.changes import Change, change_point
from evaltrack.stats.monitoring.charts import (
    Cusum,
    Ewma,
    Signal,
    cusum,
    cusum_run_length,
    cusum_threshold,
    ewma,
    ewma_run_length,
    ewma_width,
)
from evaltrack.stats.monitoring.drops import Drop, drop, mean_drop, relative_change, share_drop
from evaltrack.stats.monitoring.effects import Adjusted, Arm, cuped, effect_any_time
from evaltrack.stats.monitoring.traffic import SampleRatio, sample_ratio, sample_ratio_any_time

__all__ = [
    "Adjusted",
    "Arm",
    "Change",
    "Cusum",
    "Drop",
    "Ewma",
    "Moved",
    "SampleRatio",
    "Signal",
    "apart_from_raters",
    "change_point",
    "cuped",
    "cusum",
    "cusum_run_length",
    "cusum_threshold",
    "drop",
    "effect_any_time",
    "ewma",
    "ewma_run_length",
    "ewma_width",
    "mean_drop",
    "relative_change",
    "sample_ratio",
    "sample_ratio_any_time",
    "share_drop",
]
