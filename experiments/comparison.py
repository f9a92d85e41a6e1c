"""Pure: candidate against baseline on one metric: the interval that decides, and the tests shown beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats import independent, intervals, labels, paired, planning
from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined, rounded
from experiments.metrics import classification
from experiments.metrics.base import Direction, Kind, Metric
from experiments.suite import MetricRule

# More missing pairs than this, and the difference says little about the examples that were asked.
MOST_MISSING = 0.05
# The interval of one arm's figure is for reading; it has no plan to take a seed from.
LABEL_SEED = 0
LABELS_PAIRED = Undefined("figures of labels are compared on the same examples only")

Statistic = Estimate | Undefined
Vector = NDArray[np.float64]
Values = Sequence[float | None] | Vector
Groups = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """What two runs say about each other on one metric.

    `delta` is candidate minus baseline in the metric's unit; `oriented` the same with better upwards.
    `p_worse` is the one-sided p of H0 "not worse than the margin", before any correction. `alike` counts the
    examples, or their groups, if both arms have the same value on every example, and is 0 otherwise. `varies` says
    how much the differences vary, for a plan of the next experiment.
    """

    rule: MetricRule
    metric: Metric
    design: str
    n: int
    missing: int
    baseline: Statistic
    candidate: Statistic
    delta: Statistic
    oriented: Statistic
    tests: dict[str, TestResult | Undefined]
    decided_by: str
    p_worse: float | None
    alike: int = 0
    varies: planning.PairedShares | planning.PairedMeans | None = None

    @property
    def advice(self) -> str:
        """What would settle the comparison: the difference that n examples can show, and the n that would do."""
        if self.varies is None or isinstance(self.oriented, Undefined):
            return ""
        detectable = self.varies.detectable(self.n)
        needed = replace(self.varies, margin=self.rule.margin).needed(self.oriented.value)
        sentences = []
        if isinstance(detectable, planning.Plan):
            size = (
                f"{detectable.difference * 100:.1f} points"
                if self.metric.kind == Kind.BINARY
                else f"{detectable.difference:.3g} {self.metric.unit}"
            )
            sentences.append(f"{self.n} examples show a difference from {size.strip()} up (80 % power).")
        if isinstance(needed, planning.Plan):
            more = needed.n - self.n
            sentences.append(
                f"About {more:,} more examples would settle it if the difference is what was seen."
                if more > 0
                else "A run of the same size may settle it."
            )
        return " ".join(sentences)


def compare(
    rule: MetricRule,
    metric: Metric,
    *,
    baseline: Values,
    candidate: Values,
    design: str,
    seed: int,
    confidence: float = CONFIDENCE,
    groups: Groups | None = None,
) -> Compared:
    """Compare two vectors of per-example values, in the same order of examples; None or NaN is no value.

    `confidence` is that of the deciding interval; those of the arms have 95 %. `groups` numbers the group of each
    example, in a paired design: what comes from one document or conversation is no more than one independent thing.
    """
    ours, theirs, missing = both(baseline, candidate, design=design)
    groups = groups_left(groups, baseline, candidate)
    n = min(len(ours), len(theirs))
    delta, tests, decided_by = difference(
        metric, ours, theirs, design=design, seed=seed, confidence=confidence, groups=groups
    )
    better, worse = (ours, theirs) if metric.direction == Direction.HIGHER else (theirs, ours)
    oriented = delta if metric.direction == Direction.HIGHER else negated(delta)
    p_worse = one_sided(metric, better, worse, rule.margin, design=design, seed=seed, groups=groups)
    return Compared(
        rule=rule,
        metric=metric,
        design=design,
        n=n,
        missing=missing,
        baseline=summary(metric, theirs),
        candidate=summary(metric, ours),
        delta=delta,
        oriented=oriented,
        tests=tests,
        decided_by=decided_by,
        p_worse=p_worse.p_value if isinstance(p_worse, TestResult) else None,
        alike=units_alike(ours, theirs, design=design, groups=groups),
        varies=variation(metric, ours, theirs, design=design, level=rounded(1 - confidence), groups=groups),
    )


def both(baseline: Values, candidate: Values, *, design: str) -> tuple[Vector, Vector, int]:
    """What the design compares of candidate and baseline, and how many examples have a value in one arm only.

    A metric that is undefined for an example in both arms does not apply to it; a gap is one-sided.
    """
    ours, theirs = np.array(candidate, dtype=float), np.array(baseline, dtype=float)
    if len(ours) != len(theirs):
        raise ValueError(
            f"{len(ours)} values of the candidate do not pair with {len(theirs)} of the baseline"
        )
    has_ours, has_theirs = ~np.isnan(ours), ~np.isnan(theirs)
    missing = int((has_ours != has_theirs).sum())
    if design == "paired":
        has_ours = has_theirs = has_ours & has_theirs
    return ours[has_ours], theirs[has_theirs], missing


def groups_left(groups: Groups | None, baseline: Values, candidate: Values) -> Groups | None:
    """The groups of the examples with a value in both arms; None where each of them is one of its own."""
    if groups is None:
        return None
    valued = ~np.isnan(np.array(candidate, dtype=float)) & ~np.isnan(np.array(baseline, dtype=float))
    left = np.asarray(groups)[valued]
    return None if len(np.unique(left)) == len(left) else left


def units_alike(ours: Vector, theirs: Vector, *, design: str, groups: Groups | None) -> int:
    """How many examples or groups there are, if both arms have the same value on every example; otherwise 0."""
    if design == "paired":
        alike = np.array_equal(ours, theirs)
    else:
        alike = len(np.unique(np.concatenate([ours, theirs]))) == 1
    units = min(len(ours), len(theirs)) if groups is None else len(np.unique(groups))
    return units if alike else 0


def summary(metric: Metric, values: Any) -> Statistic:
    """One arm's number with its interval."""
    if metric.quantile is not None:
        return intervals.quantile(values, metric.quantile)
    if metric.figure is not None:
        return labels.figure(labelled(values), *metric.figure, seed=LABEL_SEED)
    if metric.kind == Kind.BINARY:
        return intervals.wilson(int(values.sum()), len(values))
    return intervals.mean_t(values)


def difference(
    metric: Metric,
    ours: Any,
    theirs: Any,
    *,
    design: str,
    seed: int,
    confidence: float = CONFIDENCE,
    groups: Groups | None = None,
) -> tuple[Statistic, dict[str, TestResult | Undefined], str]:
    """The deciding interval, every test, and the name of the test that goes with the interval.

    The specification's test (two-proportion z, Welch's t) is always there; where the same examples were
    answered by both arms it wastes their pairing, so the paired one decides; where examples come in groups, the
    one that knows of them, but for quantiles.
    """
    if metric.quantile is not None:
        if design == "paired":
            return (
                paired.quantile_difference(ours, theirs, metric.quantile, seed=seed, confidence=confidence),
                {},
                "paired_bootstrap",
            )
        return Undefined("quantiles are compared on the same examples only"), {}, "paired_bootstrap"
    if metric.figure is not None:
        if design == "independent":
            return LABELS_PAIRED, {}, "paired_bootstrap"
        both_sides = labelled(ours), labelled(theirs)
        delta = labels.difference(
            *both_sides, *metric.figure, seed=seed, confidence=confidence, groups=groups
        )
        return delta, {}, "paired_bootstrap"
    if metric.kind == Kind.BINARY:
        counts = int(ours.sum()), len(ours), int(theirs.sum()), len(theirs)
        tests: dict[str, TestResult | Undefined] = {"two_proportion_z": independent.two_proportion_z(*counts)}
        if design == "independent":
            return independent.miettinen_nurminen(*counts, confidence=confidence), tests, "two_proportion_z"
        if groups is not None:
            return by_groups(ours, theirs, groups, tests, confidence, shares=True)
        return (
            paired.tango_difference(ours, theirs, confidence=confidence),
            tests | {"mcnemar_mid_p": paired.mcnemar_mid_p(ours, theirs)},
            "mcnemar_mid_p",
        )
    tests = {"welch_t": independent.welch_t(ours, theirs)}
    if design == "independent":
        return independent.welch_difference(ours, theirs, confidence=confidence), tests, "welch_t"
    if groups is not None:
        return by_groups(ours, theirs, groups, tests, confidence)
    return (
        paired.mean_difference_t(ours, theirs, confidence=confidence),
        tests | {"paired_t": paired.paired_t(ours, theirs)},
        "paired_t",
    )


def by_groups(
    ours: Any,
    theirs: Any,
    groups: Groups,
    tests: dict[str, TestResult | Undefined],
    confidence: float,
    *,
    shares: bool = False,
) -> tuple[Statistic, dict[str, TestResult | Undefined], str]:
    delta = paired.mean_difference_clustered(ours, theirs, list(groups), confidence=confidence)
    first = np.unique(groups, return_index=True)[1]
    if shares and len(first) >= paired.FEWEST_CLUSTERS and np.array_equal(ours, theirs):
        # Where no group differs t has nothing to go by. Each says once that the arms agree.
        told = paired.tango_difference(ours[first], theirs[first], confidence=confidence)
        if isinstance(told, Estimate):
            delta = replace(told, n=len(ours), clusters=len(first))
    return delta, tests | {"clustered_t": paired.clustered_t(ours, theirs, list(groups))}, "clustered_t"


def one_sided(
    metric: Metric,
    better: Any,
    worse: Any,
    margin: float,
    *,
    design: str,
    seed: int,
    groups: Groups | None = None,
) -> TestResult | Undefined:
    """p of H0 "the candidate is not worse than the margin", with better values upwards."""
    if metric.quantile is not None:
        if design == "independent":
            return Undefined("quantiles are compared on the same examples only")
        return paired.quantile_p_below(better, worse, metric.quantile, margin, seed=seed)
    if metric.figure is not None:
        if design == "independent":
            return LABELS_PAIRED
        both_sides = labelled(better), labelled(worse)
        return labels.p_below(*both_sides, *metric.figure, margin, seed=seed, groups=groups)
    if groups is not None:
        return paired.clustered_p_below(better, worse, list(groups), margin)
    module = paired if design == "paired" else independent
    return module.p_below(better, worse, margin)


def negated(statistic: Statistic) -> Statistic:
    if isinstance(statistic, Undefined):
        return statistic
    low, high = statistic.ci_low, statistic.ci_high
    return replace(
        statistic,
        value=-statistic.value,
        ci_low=None if high is None else -high,
        ci_high=None if low is None else -low,
    )


def variation(
    metric: Metric, ours: Any, theirs: Any, *, design: str, level: float, groups: Groups | None = None
) -> planning.PairedShares | planning.PairedMeans | None:
    """How much the differences vary, as a plan assumes it; None where no plan is made."""
    if not metric.is_mean or design != "paired" or len(ours) < 2:
        return None
    if groups is not None:
        spread = paired.spread_by_clusters(ours, theirs, list(groups))
        return None if isinstance(spread, Undefined) else planning.PairedMeans(spread, level=level)
    if metric.kind == Kind.BINARY:
        return planning.PairedShares(float((ours != theirs).mean()), level=level)
    return planning.PairedMeans(float((ours - theirs).std(ddof=1)), level=level)


def labelled(values: Any) -> labels.Labelled:
    """The labels behind the values of a metric of labels."""
    codes = np.asarray(values).astype(np.int64)
    return labels.Labelled(codes // classification.BASE, codes % classification.BASE, classification.NO_LABEL)
