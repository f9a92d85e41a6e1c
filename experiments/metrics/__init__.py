"""Pure metric functions, found by name."""

from experiments.metrics import operational, text
from experiments.metrics.base import Metric

REGISTRY: dict[str, Metric] = {metric.name: metric for metric in [*text.METRICS, *operational.METRICS]}
