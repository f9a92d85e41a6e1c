"""Pure metric functions, found by name; one file for each family."""

from experiments.metrics import (
    citations,
    classification,
    composite,
    facts,
    fairness,
    format,
    judged,
    language,
    operational,
    rag,
    reference,
    safety,
)
from experiments.metrics.base import Metric

# In the words of a heading.
FAMILIES: dict[str, list[Metric]] = {
    "Facts": facts.METRICS,
    "Labels": classification.METRICS,
    "Closeness to a reference": reference.METRICS,
    "Answers from passages": [*rag.METRICS, *citations.METRICS],
    "Form": [*format.METRICS, *language.METRICS],
    "By a judge": judged.METRICS,
    "Safety": [*safety.METRICS, *fairness.METRICS],
    "Speed and size": operational.METRICS,
    "Several in one": composite.METRICS,
}
REGISTRY: dict[str, Metric] = {metric.name: metric for family in FAMILIES.values() for metric in family}
