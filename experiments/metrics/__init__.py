"""Pure metric functions, found by name; one file for each family, and those of plug-ins."""

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
    plugins,
    rag,
    reference,
    safety,
    scored,
)
from experiments.metrics.base import Metric
from experiments.metrics.registry import Registry

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
    "Ragas, in an interpreter of its own": scored.RAGAS,
    "DeepEval, in an interpreter of its own": scored.DEEPEVAL,
    "A service by HTTP": scored.SERVICE,
}
# First parts of names, which a plug-in may not have.
RESERVED = ("deepeval", "evaltrack", "http", "isolated", "ragas")
# Loaded once, with the process: what is installed afterwards needs a restart.
PLUGINS = plugins.load(RESERVED)
REGISTRY = Registry(
    [*(metric for family in FAMILIES.values() for metric in family), *PLUGINS.metrics.values()],
    PLUGINS.problems,
)
