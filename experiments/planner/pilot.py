"""What a component's own experiments show of what a plan has to assume. For reading alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaltrack.errors import NotFound
from evaltrack.stats import intervals
from evaltrack.stats.estimate import Estimate
from evaltrack.templatetags.evaltrack import signed
from experiments.comparison import both
from experiments.metrics import REGISTRY
from experiments.metrics.base import Direction, Kind
from experiments.models import (
    Arm,
    Comparison,
    Component,
    Evidence,
    EvidenceKind,
    Experiment,
    ExperimentStatus,
    MetricResult,
)
from experiments.planner.words import percent, plain, points
from experiments.suite import HumanRule

SCORED = (ExperimentStatus.DECIDED, ExperimentStatus.AWAITING_PEOPLE)
DECIDING = ("baseline", "candidate")
ASSUMED = ("discordant", "baseline", "spread", "sd")
FEWEST = 2  # examples, to say anything about how they vary


@dataclass(frozen=True)
class Shown:
    """A value as it is typed into the form, empty where none is proposed, and what the experiment shows of it.

    `most` is the upper limit of its interval, where a larger value would need more examples.
    """

    text: str
    sentence: str
    most: float | None = None


@dataclass(frozen=True)
class Pilot:
    """What one experiment shows, by the name of the field; `missing` says why something is not there."""

    experiment: Experiment
    shown: dict[str, Shown]
    missing: dict[str, str]
    unit: str = ""


def metrics_of(component: Component, public_id: str = "") -> dict[str, str]:
    """The metrics that a plan can be made for, with their kinds: of the newest scored experiment, or the named one.

    Percentiles and figures of labels are left out: their interval is a bootstrap, which no formula plans. So is what
    is known of whole runs alone.
    """
    newest = newest_scored(component, public_id)
    rows = newest.comparisons.values_list("metric", "kind") if newest else []
    return {name: kind for name, kind in rows if name in REGISTRY and REGISTRY[name].is_mean}


def newest_scored(component: Component, public_id: str, **further: object) -> Experiment | None:
    """The newest experiment with comparisons, or the one that is named; NotFound where that shows nothing."""
    scored = component.experiments.filter(status__in=SCORED, comparisons__isnull=False, **further).distinct()
    found = (scored.filter(public_id=public_id) if public_id else scored).order_by("-submitted_at", "-pk")
    first = found.select_related("dataset_version__dataset").first()
    if first is None and public_id:
        raise NotFound("no_such_pilot", f"{component} has no scored experiment {public_id!r} to learn from.")
    return first


def of_metric(
    component: Component, metric: str, public_id: str = "", *, kinds: tuple[str, ...]
) -> Pilot | None:
    """What the newest scored experiment with this metric, or the named one, shows of it.

    Of a metric of none of the `kinds` that is how many examples there were: a share and a mean have other units.
    """
    experiment = newest_scored(component, public_id, comparisons__metric=metric)
    if experiment is None:
        return None
    row = experiment.comparisons.get(metric=metric)
    if row.kind not in kinds:
        what = f"{metric} is a {'share and no mean' if row.kind == Kind.BINARY else 'mean and no share'}"
        unlike = dict.fromkeys(ASSUMED, what)
        return Pilot(experiment, {"n": examples_of(row)}, unlike)
    rows = MetricResult.objects.filter(run__experiment=experiment, metric=metric)
    vectors = dict(rows.values_list("run__arm", "values"))
    ours, theirs, _ = both(vectors[Arm.BASELINE], vectors[Arm.CANDIDATE], design="paired")
    missing: dict[str, str] = {}
    shown = dict(of_row(row)) | dict(of_vectors(row, ours, theirs, missing))
    return Pilot(experiment, shown, missing, row.unit)


def of_row(row: Comparison) -> Iterator[tuple[str, Shown]]:
    """What the policy tolerates and what was seen."""
    is_share = row.kind == Kind.BINARY
    shown = points(row.margin) if is_share else f"{plain(row.margin)} {row.unit}".strip()
    yield (
        "margin",
        Shown(
            typed(row.margin * (100 if is_share else 1)),
            f"its policy tolerates {shown if row.margin else 'no loss'}",
        ),
    )
    # With a margin the question is whether a candidate that is as good will pass.
    yield "difference", Shown("0" if row.margin else "", f"{seen(row)}; plan for what matters, not for that")
    yield "n", examples_of(row)


def examples_of(row: Comparison) -> Shown:
    return Shown(str(max(row.n, 1)), f"it has {row.n:,}")


def seen(row: Comparison) -> str:
    if "undefined" in row.delta:
        return "it has no difference"
    sign = 1 if row.direction == Direction.HIGHER else -1
    low, high = row.delta["ci_low"], row.delta["ci_high"]
    between = ""
    if low is not None:
        ends = sorted((sign * low, sign * high))
        between = f" ({signed(ends[0], row.kind)} to {signed(ends[1], row.kind)})"
    return f"it saw {signed(sign * row.delta['value'], row.kind)}{between}"


def of_vectors(
    row: Comparison, ours: np.ndarray, theirs: np.ndarray, missing: dict[str, str]
) -> Iterator[tuple[str, Shown]]:
    """What the values by example show, in pairs."""
    n = len(ours)
    if n < FEWEST:
        missing |= dict.fromkeys(ASSUMED, f"it has {n} examples in common")
        return
    if row.kind == Kind.BINARY:
        yield "discordant", discordance(int((ours != theirs).sum()), n)
        right = intervals.wilson(int(theirs.sum()), n)
        if isinstance(right, Estimate) and 0 < right.value < 1:
            yield "baseline", Shown(typed(100 * right.value), f"{int(theirs.sum())} of {n:,} were right")
        else:
            missing["baseline"] = f"all {n} of the baseline were {'right' if theirs.all() else 'wrong'}"
        return
    spread = float((ours - theirs).std(ddof=1))
    sd = math.sqrt((float(ours.var(ddof=1)) + float(theirs.var(ddof=1))) / 2)
    for name, value, what in (
        ("spread", spread, f"over {n:,} differences"),
        ("sd", sd, f"over {n:,} scores on each side"),
    ):
        if value > 0:
            yield name, Shown(typed(value), what)
        else:
            missing[name] = f"none of its {n} examples differ"


def discordance(differ: int, n: int) -> Shown:
    """The share on which the two differ; where they never do, as many as could differ unseen."""
    found = intervals.wilson(differ, n)
    assert isinstance(found, Estimate)
    assert found.ci_low is not None
    assert found.ci_high is not None
    if not differ:
        return Shown(
            typed(100 * found.ci_high),
            f"none of {n:,} differ, which {percent(found.ci_high, 2)} may do unseen",
        )
    return Shown(
        typed(100 * found.value),
        f"{differ:,} of {n:,} differ, with an interval "
        f"from {percent(found.ci_low, 2)} to {percent(found.ci_high, 2)}",
        found.ci_high,
    )


def of_people(component: Component, rule: HumanRule | None, *, items: bool) -> Pilot | None:
    """What the newest closed judgments of people show; n counts their `items`, or the judgments."""
    heard = Evidence.objects.filter(experiment__component=component, kind=EvidenceKind.HUMAN)
    newest = heard.select_related("experiment").order_by("-recorded_at", "-pk").first()
    if newest is None:
        return None
    body, missing = newest.body, dict[str, str]()
    told = f"{body['judgments']:,} judgments of {body['items']:,} items"
    shown = {"n": Shown(str(max(body["items" if items else "judgments"], 1)), told)}
    if body["items"]:
        shown["votes"] = Shown(str(max(1, round(body["judgments"] / body["items"]))), told)
    counts = body.get("counts")
    total = sum(counts.values()) if counts else 0
    if counts and total:
        neither = total - sum(counts.get(name, 0) for name in DECIDING)
        ties = Shown(typed(min(100 * neither / total, 99)), f"{neither:,} of {total:,} were ties or both bad")
        shown["ties"] = ties
    else:
        missing["ties"] = "its evidence does not count ties"
    found = body["agreement"]
    named = rule.coefficient if rule else "the coefficient of its policy"
    if "undefined" in found:
        missing["kappa"] = f"{named} is undefined there"
    else:
        shown["kappa"] = Shown(
            typed(min(max(found["value"], -0.99), 0.99)),
            f"its {named.replace('_', ' ')} is {found['value']:.2f}",
        )
    return Pilot(newest.experiment, shown, missing)


def typed(value: float) -> str:
    """As somebody would write it: short, without an exponent and without separators."""
    return plain(value, 3).replace(",", "") if abs(value) >= 1e-9 else "0"
