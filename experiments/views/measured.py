"""Comparisons as an experiment's page draws them: axes, missing values, slices."""

from collections.abc import Iterable
from typing import Any

from evaltrack.errors import NotFound
from evaltrack.stats.estimate import from_json
from evaltrack.templatetags.intervals import shared_scale
from experiments import gaps, gates
from experiments.metrics import REGISTRY
from experiments.metrics.base import Direction
from experiments.models import Arm, Comparison, GivenValue, MetricOutcome, MetricResult, Role

# The false discovery rate up to which a slice is said to stand out.
EXPLORATORY_LEVEL = 0.05


def with_scales(rows: Iterable[Comparison]) -> list[Comparison]:
    """Comparisons, each with its word and the axis of its picture. Metrics of one kind and unit share an axis."""
    comparisons = list(rows)
    for row in comparisons:
        metric = REGISTRY.get(row.metric)
        row.can_be_planned = metric is not None and metric.is_mean  # type: ignore[attr-defined]
        row.word = gates.word(row.outcome, from_json(row.delta), row.margin, row.direction)  # type: ignore[attr-defined]
        alike = [other for other in comparisons if (other.kind, other.unit) == (row.kind, row.unit)]
        row.scale = shared_scale(  # type: ignore[attr-defined]
            [other.delta for other in alike], [other.margin for other in alike]
        )
    return comparisons


def with_gaps(comparisons: list[Comparison]) -> None:
    """Gives each the sentences about examples without a value, by arm; of all arms one where they say the same."""
    if not comparisons:
        return
    rows = MetricResult.objects.filter(run__experiment=comparisons[0].experiment_id)
    words: dict[str, list[tuple[str, str]]] = {}
    found = (
        rows.exclude(undefined=None)
        .order_by("run__arm")
        .select_related("run")
        .only("metric", "undefined", "run__arm", "run__experiment")
    )
    asked = comparisons[0].experiment.plan.body["examples"]
    for row in found:
        if sentence := gaps.in_words(row.undefined, asked):
            words.setdefault(row.metric, []).append((row.run.arm, sentence))
    for comparison in comparisons:
        said = words.get(comparison.metric, [])
        alike = len(said) == len(Arm) and said[0][1] == said[1][1]
        comparison.gaps = [("both arms", said[0][1])] if alike else said  # type: ignore[attr-defined]


def with_givers(comparisons: list[Comparison]) -> None:
    """Gives each what said its values, as it called itself, where that was not evaltrack."""
    names = [row.metric for row in comparisons if getattr(REGISTRY.get(row.metric), "scorer", "")]
    found: dict[str, list[str]] = {}
    if names:
        given = GivenValue.objects.filter(
            output__experiment=comparisons[0].experiment_id, metric__in=names
        ).exclude(versions="")
        for metric, versions in given.order_by().values_list("metric", "versions").distinct():
            found.setdefault(metric, []).append(versions)
    for row in comparisons:
        row.givers = sorted(found.get(row.metric, []))  # type: ignore[attr-defined]
        row.is_given = row.metric in names  # type: ignore[attr-defined]


def most_telling(comparisons: list[Comparison]) -> Comparison | None:
    """The metric whose losses are shown: a gating one, and of these the first that failed."""
    gating = [row for row in comparisons if row.role == Role.GATING]
    return next((row for row in gating if row.outcome == MetricOutcome.FAIL), next(iter(gating), None))


def sliced(comparisons: list[Comparison], metric: str | None) -> dict[str, Any] | None:
    """One metric by tag, the largest loss first; of the metrics that have slices, the first unless one is named."""
    having = {row.metric: row for row in comparisons if hasattr(row, "slices")}
    if not having:
        return None
    row = having.get(metric or next(iter(having)))
    if row is None:
        raise NotFound("no_such_metric", f"There are no slices of {metric!r}.")
    sign = 1 if row.direction == Direction.HIGHER else -1
    parts = sorted(row.slices.parts, key=lambda part: sign * part["delta"].get("value", float("inf")))
    for part in parts:
        sure = part["p_adjusted"] is not None and part["p_adjusted"] < EXPLORATORY_LEVEL
        part["stands_out"] = sure and ("better" if sign * part["delta"]["value"] > 0 else "worse")
    return {
        "row": row,
        "metrics": list(having),
        "parts": parts,
        "scale": shared_scale([part["delta"] for part in parts], [row.margin]),
    }
