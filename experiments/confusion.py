"""Which label was expected and which was given, counted by arm. For reading alone."""

from dataclasses import dataclass

import numpy as np

from experiments.metrics import classification
from experiments.metrics.base import Kind
from experiments.models import Arm, Experiment, MetricResult

# Steps of the shade; the numbers stand in the cells.
SHADES = 5


@dataclass(frozen=True)
class Cell:
    """How many examples, and which of the shades: by their share of the examples of the row."""

    count: int
    shade: int
    is_right: bool


@dataclass(frozen=True)
class Line:
    """One expected label. The last cell is "none of them"."""

    label: str
    cells: list[Cell]
    total: int


@dataclass(frozen=True)
class Confusion:
    """The tables of the metrics with the same labels: by arm, the baseline first."""

    metrics: list[str]
    labels: list[str]
    arms: dict[str, list[Line]]

    @property
    def name(self) -> str:
        return self.metrics[0]

    @property
    def has_none(self) -> bool:
        """Whether any answer is none of the labels: else the column says nothing."""
        return any(line.cells[-1].count for lines in self.arms.values() for line in lines)


def of(experiment: Experiment) -> list[Confusion]:
    """One for each list of labels in the plan; none before the answers are scored."""
    plan = getattr(experiment, "plan", None)
    if plan is None:
        return []
    parameters = {rule["metric"]: rule.get("parameters", {}) for rule in plan.body["policy"]["metrics"]}
    rows = MetricResult.objects.filter(run__experiment=experiment, kind=Kind.LABELS).order_by("pk")
    vectors: dict[str, dict[str, np.ndarray]] = {}
    for metric, arm, values in rows.values_list("metric", "run__arm", "values"):
        vectors.setdefault(metric, {})[arm] = values
    found: list[Confusion] = []
    seen: list[dict] = []
    for metric, by_arm in vectors.items():
        given = parameters.get(metric, {})
        if given in seen:
            found[seen.index(given)].metrics.append(metric)
            continue
        seen.append(given)
        labels = given.get("labels", [])
        tables = {arm.value: classification.table(by_arm[arm], len(labels)) for arm in Arm if arm in by_arm}
        found.append(Confusion([metric], labels, {arm: lines(labels, each) for arm, each in tables.items()}))
    return found


def lines(labels: list[str], table: np.ndarray) -> list[Line]:
    found = []
    for place, (label, row) in enumerate(zip(labels, table.tolist(), strict=True)):
        total = sum(row)
        cells = [Cell(count, shade(count, total), column == place) for column, count in enumerate(row)]
        found.append(Line(label, cells, total))
    return found


def shade(count: int, total: int) -> int:
    """0 for none, then 1 to SHADES in equal steps of the share."""
    return 0 if count == 0 else min(SHADES, 1 + count * SHADES // total)
