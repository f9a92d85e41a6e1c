"""Pure: candidate against baseline within each tag of the dataset.

Exploratory: slices say where to look, and never decide. They are chosen after the fact and there are many of
them, so their p-values are adjusted to a false discovery rate over all slices and metrics of the experiment.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from evaltrack.stats.estimate import TestResult, rounded
from experiments.comparison import Statistic, Values, both, difference, groups_left, summary
from experiments.metrics.base import Metric

# Fewer examples than this say nothing about a slice.
FEWEST = 10
MOST_TAGS = 50


@dataclass(frozen=True)
class Measured:
    """One metric of both arms, by example; both vectors are in the order of the examples."""

    metric: Metric
    baseline: Values
    candidate: Values


@dataclass(frozen=True)
class Slice:
    """The examples with one tag by one metric. `p_adjusted` is Benjamini and Hochberg's; None without a test."""

    tag: str
    n: int
    baseline: Statistic
    candidate: Statistic
    delta: Statistic
    p_adjusted: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            "tag": self.tag,
            "n": self.n,
            "baseline": self.baseline.as_json(),
            "candidate": self.candidate.as_json(),
            "delta": self.delta.as_json(),
            "p_adjusted": None if self.p_adjusted is None else rounded(self.p_adjusted),
        }


def telling(tags: Sequence[Sequence[str]]) -> list[str]:
    """The tags worth a slice: on enough examples and not on all; the most frequent ones, in alphabetical order."""
    counted = Counter(tag for of_one in tags for tag in set(of_one))
    fit = [(-count, tag) for tag, count in counted.items() if FEWEST <= count < len(tags)]
    return sorted(tag for _, tag in sorted(fit)[:MOST_TAGS])


def sliced(
    measured: Sequence[Measured],
    tags: Sequence[Sequence[str]],
    *,
    design: str,
    groups: Sequence[int] | None = None,
) -> dict[str, list[Slice]]:
    """The slices of each metric, by the metric's name. `tags` are those of each example, `groups` their groups.

    Quantiles are left out: within a slice there are too few values in a tail to say anything. So are figures of
    labels and what is known of whole runs: the values of a part do not give them.
    """
    masks = {tag: np.array([tag in of_one for of_one in tags], dtype=bool) for tag in telling(tags)}
    found: list[tuple[str, Slice, float | None]] = []
    for each in measured:
        if not each.metric.is_mean:
            continue
        old, new = (np.array(values, dtype=float) for values in (each.baseline, each.candidate))
        for tag, mask in masks.items():
            ours, theirs, _ = both(old[mask], new[mask], design=design)
            if min(len(ours), len(theirs)) < FEWEST:
                continue
            within = None if groups is None else groups_left(np.asarray(groups)[mask], old[mask], new[mask])
            delta, tests, decided_by = difference(
                each.metric, ours, theirs, design=design, seed=0, groups=within
            )
            test = tests[decided_by]
            part = Slice(
                tag=tag,
                n=min(len(ours), len(theirs)),
                baseline=summary(each.metric, theirs),
                candidate=summary(each.metric, ours),
                delta=delta,
                p_adjusted=None,
            )
            found.append((each.metric.name, part, test.p_value if isinstance(test, TestResult) else None))
    return by_metric(measured, adjusted(found))


def adjusted(found: Sequence[tuple[str, Slice, float | None]]) -> list[tuple[str, Slice]]:
    """Benjamini and Hochberg 1995, over every slice that was tested."""
    tested = [p for _, _, p in found if p is not None]
    corrected = iter(false_discovery_control(tested, method="bh") if tested else [])
    return [
        (name, part if p is None else replace(part, p_adjusted=float(next(corrected))))
        for name, part, p in found
    ]


def by_metric(measured: Sequence[Measured], found: Sequence[tuple[str, Slice]]) -> dict[str, list[Slice]]:
    return {each.metric.name: [part for name, part in found if name == each.metric.name] for each in measured}
