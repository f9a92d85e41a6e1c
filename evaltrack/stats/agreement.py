"""How far any number of people agree: Krippendorff's alpha, and kappa of pairwise preferences.

A coefficient is 1 at complete agreement and 0 at the agreement that chance alone would give. Intervals come
from a bootstrap of whole units, never of single ratings: the ratings of one unit belong together. Two raters and
one table: `kappa`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import krippendorff
import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.alpha import Level, alphas, coded, pattern_counts, with_interval
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.resampling import bootstrap_estimate, one_label, resampled

TIE = "tie"
BOTH_BAD = "both_bad"

PACKAGE_CELLS = 2_000_000  # krippendorff.alpha holds units × values × values numbers


def krippendorff_alpha(
    units: Mapping[Hashable, Sequence[Any]] | Iterable[Sequence[Any]],
    *,
    level: Level,
    seed: int,
    item_of: Mapping[Hashable, Hashable] | None = None,
) -> Estimate | Undefined:
    """Krippendorff's alpha of any number of raters, with a bootstrap interval over units (Krippendorff 2004).

    `units` holds the ratings of each unit, in any order; None is a missing rating, and units with fewer than
    two ratings pair with nothing and are left out. `level` is the level of measurement: "nominal" takes any
    labels, the others numbers ("ratio" from 0 up). `n` counts the units used.

    The interval resamples units, or the items that `item_of` names for each unit's key: units that share a prompt
    are not independent. `clusters` then counts those items.

    Undefined without a unit that two people rated, and when only one value occurs. Without an interval below
    ten units or items. Chance disagreement is recomputed in each draw; holding it fixed covers too little (Zapf
    et al. 2016). Where labels are rare the bootstrap does so too, and is widened to a `posterior`.
    """
    named = units.items() if isinstance(units, Mapping) else enumerate(units)
    pairable = {key: kept for key, unit in named if len(kept := [r for r in unit if r is not None]) >= 2}
    n = len(pairable)
    if n == 0:
        return Undefined("no unit has two ratings")
    values, numbered = coded(list(pairable.values()), level)
    if len(values) == 1:
        return one_label(n, "units")
    pattern_of = {key: tuple(sorted(unit)) for key, unit in zip(pairable, numbered, strict=True)}
    patterns = Counter(pattern_of.values())
    distinct = sorted(patterns)
    multiplicity = np.array([patterns[pattern] for pattern in distinct])
    counts = pattern_counts(distinct, len(values))
    if n * len(values) ** 2 <= PACKAGE_CELLS:
        by_unit = np.repeat(counts.toarray(), multiplicity, axis=0)
        value = float(
            krippendorff.alpha(value_counts=by_unit, value_domain=values, level_of_measurement=level)
        )
    else:
        value = float(alphas(multiplicity[None, :].astype(np.float64), counts, values, level)[0])
    items = None if item_of is None else _by_item(pattern_of, distinct, item_of)
    return with_interval(value, counts, multiplicity, values, level, seed=seed, items=items)


def _by_item(
    pattern_of: Mapping[Hashable, tuple[int, ...]],
    distinct: Sequence[tuple[int, ...]],
    item_of: Mapping[Hashable, Hashable],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How often each kind of item occurs, and how many units of each pattern an item of that kind has."""
    column = {pattern: number for number, pattern in enumerate(distinct)}
    items: dict[Hashable, list[int]] = defaultdict(lambda: [0] * len(distinct))
    for key, pattern in pattern_of.items():
        items[item_of[key]][column[pattern]] += 1
    kinds = Counter(tuple(item) for item in items.values())
    # In the order of their patterns, where items are single units: they then have the draws of units.
    ordered = sorted(kinds, reverse=True)
    return np.array([kinds[kind] for kind in ordered]), np.array(ordered, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PreferenceAgreement:
    """Kappa of pairwise preferences beside the counts that it is made of.

    `comparable` counts pairs of judgments of one task, `agree` those of them with the same label. `ties` and
    `both_bad` are counted among all `judgments` in scope, comparable or not: they set the agreement by
    chance.
    """

    kappa: Estimate | Undefined
    agree: int
    comparable: int
    ties: int
    both_bad: int
    judgments: int

    def as_json(self) -> dict[str, Any]:
        return {
            "kappa": self.kappa.as_json(),
            "agree": self.agree,
            "comparable": self.comparable,
            "ties": self.ties,
            "both_bad": self.both_bad,
            "judgments": self.judgments,
        }


def preference_kappa(
    judgments: Iterable[tuple[Hashable, Hashable, Hashable]],
    *,
    between: Literal["raters", "self"],
    seed: int,
    item_of: Mapping[Hashable, Hashable] | None = None,
) -> PreferenceAgreement:
    """Kappa of pairwise preferences, between different raters or of each rater with herself.

    A judgment is (task, rater, label). A task compares two responses; the label is the key of the preferred
    one, "tie" or "both_bad". Two judgments of one task are comparable if they come from different raters
    (`between="raters"`) or from the same one ("self"), and agree if their labels are equal. With t and b the
    shares of ties and of "both bad" among all judgments, κ = (pA − pE)/(1 − pE) and

        pE = t² + b² + 2((1 − t − b)/2)²,

    as by chance either response is preferred equally often (Bojar et al. 2016, who have no "both bad").

    The interval resamples tasks, or the items that `item_of` names for each task: tasks that share a prompt
    are not independent. `n` of the estimate counts comparable pairs, `clusters` the tasks or items with such
    pairs. Undefined without comparable pairs, and when all judgments are ties or all are "both bad".
    """
    if between not in ("raters", "self"):
        raise ValueError(f'agreement is between "raters" or "self", not {between!r}')
    tasks: dict[Hashable, Counter[tuple[Hashable, Hashable]]] = defaultdict(Counter)
    for task, rater, label in judgments:
        tasks[task][rater, label] += 1
    clusters: dict[Hashable, Contribution] = defaultdict(lambda: (0, 0, 0, 0, 0))
    for task, given in tasks.items():
        cluster = task if item_of is None else item_of[task]
        one, other = clusters[cluster], _task_counts(task, given, between)
        clusters[cluster] = (
            one[0] + other[0],
            one[1] + other[1],
            one[2] + other[2],
            one[3] + other[3],
            one[4] + other[4],
        )
    whom = "different raters" if between == "raters" else "the same rater"
    return agreement_of(
        clusters.values(),
        what="tasks" if item_of is None else "items",
        nothing=f"no task has two judgments by {whom}",
        seed=seed,
    )


# Pairs that agree, comparable pairs, ties, "both bad" and judgments of a cluster.
Contribution = tuple[int, int, int, int, int]


def agreement_of(
    clusters: Iterable[Contribution], *, what: str, nothing: str, seed: int
) -> PreferenceAgreement:
    """Kappa from what independent clusters of judgments contribute, `what` of which are resampled; `nothing` says
    why it is undefined without comparable pairs."""
    patterns = Counter(clusters)
    distinct = sorted(patterns)
    table = np.array(distinct, dtype=np.int64).reshape(-1, 5)
    multiplicity = np.array([patterns[pattern] for pattern in distinct], dtype=np.int64)
    agree, comparable, ties, both_bad, total = (int(count) for count in multiplicity @ table)
    counted = {
        "agree": agree,
        "comparable": comparable,
        "ties": ties,
        "both_bad": both_bad,
        "judgments": total,
    }
    if comparable == 0:
        return PreferenceAgreement(Undefined(nothing), **counted)
    if total in (ties, both_bad):
        return PreferenceAgreement(one_label(comparable, "pairs"), **counted)
    value, by_chance = (float(share[0]) for share in preference_kappas(np.array([multiplicity @ table])))
    with_pairs = int(multiplicity[table[:, 1] > 0].sum())
    draws = np.concatenate([preference_kappas(w @ table)[0] for w in resampled(multiplicity, 5, seed)])
    kappa = bootstrap_estimate(
        value,
        draws,
        with_pairs,
        1 - by_chance,
        f"bootstrap over {what}",
        n=comparable,
        clusters=with_pairs,
        seed=seed,
    )
    return PreferenceAgreement(kappa, **counted)


def _task_counts(task: Hashable, given: Counter[tuple[Hashable, Hashable]], between: str) -> Contribution:
    """What one task contributes."""
    if given.total() == 1:  # most tasks, where judgments were made elsewhere
        ((_, label),) = given
        return 0, 0, int(label == TIE), int(label == BOTH_BAD), 1
    by_rater: Counter[Hashable] = Counter()
    by_label: Counter[Hashable] = Counter()
    for (rater, label), count in given.items():
        by_rater[rater] += count
        by_label[label] += count
    if len(by_label.keys() - {TIE, BOTH_BAD}) > 2:
        raise ValueError(f"task {task!r} compares two responses, but more than two were preferred")

    def pairs(counts: Counter[Any]) -> int:
        return sum(math.comb(count, 2) for count in counts.values())

    judgments = by_rater.total()
    agree, comparable = pairs(given), pairs(by_rater)
    if between == "raters":
        agree, comparable = pairs(by_label) - agree, math.comb(judgments, 2) - comparable
    return agree, comparable, by_label[TIE], by_label[BOTH_BAD], judgments


def preference_kappas(sums: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kappa (NaN where undefined) and agreement by chance, from rows of the five sums of `_task_counts`."""
    agree, comparable, ties, both_bad, judgments = sums.T.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        t, b = ties / judgments, both_bad / judgments
        by_chance = t**2 + b**2 + (1 - t - b) ** 2 / 2
        kappas = np.where(by_chance < 1, (agree / comparable - by_chance) / (1 - by_chance), np.nan)
    return kappas, by_chance
