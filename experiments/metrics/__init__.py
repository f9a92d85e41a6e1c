"""Pure metric functions, found by name; one file for each family."""

from experiments.metrics import facts, format, operational, reference
from experiments.metrics.base import Metric

# In the words of a heading.
FAMILIES: dict[str, list[Metric]] = {
    "Facts": facts.METRICS,
    "Closeness to a reference": reference.METRICS,
    "Form": format.METRICS,
    "Speed and size": operational.METRICS,
}
REGISTRY: dict[str, Metric] = {metric.name: metric for family in FAMILIES.values() for metric in family}
