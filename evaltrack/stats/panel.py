"""Ratings by any number of people as what they amount to: kinds of items, and how many items are of each kind.

Every coefficient of agreement depends on nothing else. A kind is what the units of an item were given: of each unit,
how many raters gave each label. A million judgments of items with one unit are some dozens of kinds, so that values
and intervals take milliseconds; and a new judgment moves one item from one kind to another. Counts are whole numbers:
the same whatever the order in which judgments arrived, were amended or added up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from evaltrack.stats.agreement import PreferenceAgreement, agreement_of, preference_kappas
from evaltrack.stats.alpha import Level, alphas, with_interval
from evaltrack.stats.coefficients import BY_CHANCE, NO_PAIR, Chance, features_of, of_items
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.kappa import Weights
from evaltrack.stats.kinds import Kind, Kinds
from evaltrack.stats.patterns import Counts, whole
from evaltrack.stats.preference.net import mean_of_sums, share_of_sums
from evaltrack.stats.resampling import one_label
from evaltrack.stats.sequential.asymptotic import linear_any_time

Coefficient = Literal["percent", "alpha", "fleiss", "gwet", "preference"]
Vector = NDArray[np.float64]
# A coefficient for each row of how many items each kind has.
Functional: TypeAlias = Callable[[Vector], Vector]

JACKKNIFE_CELLS = 2_000_000  # numbers held in memory at once
# From so many items on, of which so many are not wholly of the usual label, limits are normal: `docs/statistics.md`
# has their coverage.
MANY, MANY_ODD = 1_000, 50
MOST_KINDS = 2_000  # of more, leaving out each in turn takes longer than to draw
Z = float(special.ndtri(1 - TAIL))


@dataclass(frozen=True, eq=False)
class Panel:
    """`kinds` says how many items are of each kind; k labels are numbered from 0.

    A unit has at least one rating, an item at least one unit.
    """

    k: int
    kinds: Mapping[Kind, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ValueError("one label leaves nothing to agree on")
        for kind, items in self.kinds.items():
            if items < 1 or not kind or list(kind) != sorted(kind):
                raise ValueError(f"{items} items of the kind {kind} are none")
            if any(len(unit) != self.k or min(unit) < 0 or not any(unit) for unit in kind):
                raise ValueError(f"{self.k} labels have {self.k} counts, of which one at least is not 0")

    @classmethod
    def of(cls, counts: ArrayLike, items: ArrayLike | None = None) -> Panel:
        """Of a matrix of counts, units × labels; `items` numbers the item of each unit, which is the unit itself
        without it. Units without ratings are dropped."""
        table = whole(counts, "counts of ratings")
        if table.ndim != 2:
            raise ValueError(
                f"ratings are counted in a table of units and labels, not of shape {table.shape}"
            )
        item = np.arange(len(table)) if items is None else whole(items, "item numbers")
        if item.shape != (len(table),):
            raise ValueError(f"{item.shape} is no item for each of {len(table)} units")
        rated = table.sum(axis=1) > 0
        table, item = table[rated], item[rated]
        if not len(table):
            return cls(table.shape[1])
        patterns, pattern = np.unique(table, axis=0, return_inverse=True)
        unit = [tuple(row) for row in patterns.tolist()]
        # The units of an item side by side and ascending, as `np.unique` has ordered the patterns.
        order = np.lexsort((pattern, item))
        pattern = pattern[order]
        starts = np.flatnonzero(np.diff(item[order], prepend=-1))
        found: Counter[Kind] = Counter()
        sizes = np.diff(np.append(starts, len(pattern)))
        for number, times in Counter(pattern[starts[sizes == 1]].tolist()).items():
            found[(unit[number],)] = times
        several = sizes > 1
        for start, size in zip(starts[several].tolist(), sizes[several].tolist(), strict=True):
            found[tuple(unit[number] for number in pattern[start : start + size].tolist())] += 1
        return cls(table.shape[1], dict(found))

    def plus(self, other: Panel) -> Panel:
        """The items of both, of which none may stand in the other."""
        return self._changed(other, 1)

    def minus(self, other: Panel) -> Panel:
        """Without the items of `other`; ValueError where it has some that are not here."""
        return self._changed(other, -1)

    def _changed(self, other: Panel, sign: int) -> Panel:
        if self.k != other.k:
            raise ValueError("only ratings with the same labels add up")
        kinds = Counter(self.kinds)
        for kind, items in other.kinds.items():
            kinds[kind] += sign * items
            if kinds[kind] < 0:
                raise ValueError(f"{-kinds[kind]} items of the kind {kind} are not there to be taken away")
        return Panel(self.k, {kind: items for kind, items in kinds.items() if items})

    def as_json(self) -> dict[str, Any]:
        """Kinds as text: "2,0,1;0,3,0" is an item of two units."""
        text = {";".join(",".join(map(str, unit)) for unit in kind): n for kind, n in self.kinds.items()}
        return {"labels": self.k, "kinds": dict(sorted(text.items()))}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Panel:
        kinds = {
            tuple(tuple(map(int, unit.split(","))) for unit in text.split(";")): items
            for text, items in body["kinds"].items()
        }
        return cls(body["labels"], kinds)

    # ── What there is ────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def items(self) -> int:
        return sum(self.kinds.values())

    @cached_property
    def totals(self) -> Counts:
        """How often each label was given."""
        return self._whole.units @ self._whole.counts

    @cached_property
    def paired(self) -> tuple[int, int]:
        """How many units have two ratings or more, and how many items have such a unit."""
        return int(self._paired.units.sum()), int(self._paired.times.sum())

    @cached_property
    def _whole(self) -> Kinds:
        return Kinds.of(self.k, self.kinds)

    @cached_property
    def _paired(self) -> Kinds:
        """Units with two ratings or more, and items with such a unit: all that alpha looks at."""
        kinds: Counter[Kind] = Counter()
        for kind, items in self.kinds.items():
            if left := tuple(unit for unit in kind if sum(unit) >= 2):
                kinds[left] += items
        return Kinds.of(self.k, kinds)

    # ── How far people agree ─────────────────────────────────────────────────────────────────────────────

    def percent(self) -> Estimate | Undefined:
        """The share of pairs of ratings of a unit that are the same, each pair counting once.

        Wilson's interval where no item has two pairs, else a cluster-robust t interval by item.
        """
        agreed, pairs = self._pairs.T
        return share_of_sums(agreed, pairs, self._whole.times, noun="item", counted="pairs of judgments")

    def mean(self, scores: ArrayLike, *, noun: str, counted: str) -> Estimate | Undefined:
        """The mean over all ratings of what labels score, from −1 to 1, with a cluster-robust t interval by item
        (`preference.net_preference`); the nouns name items and ratings in its words."""
        there, score = self._whole, np.asarray(scores, np.float64)
        if score.shape != (self.k,) or (np.abs(score) > 1).any():
            raise ValueError(f"{self.k} labels have as many scores, from -1 to 1")
        sums, sizes = there.made_of @ (there.counts @ score), there.made_of @ there.counts.sum(axis=1)
        return mean_of_sums(sums, sizes, there.times, noun=noun, counted=counted)

    def alpha(self, level: Level, *, seed: int, values: ArrayLike | None = None) -> Estimate | Undefined:
        """Krippendorff's alpha (2004), with a bootstrap interval over items; what the labels stand for are `values`,
        ascending, or their numbers. Gaps as in `agreement.krippendorff_alpha`."""
        found = self._alpha_of(level, values)
        if isinstance(found, Undefined):
            return found
        counts, scale = found
        if self._has_many:
            return self._by_jackknife(self._alphas(level, scale_of(values, self.k)), self.paired[0])
        there = self._paired
        value = float(alphas(there.units[None, :].astype(np.float64), counts, scale, level)[0])
        by_item = there.times, there.made_of.toarray()
        return with_interval(value, counts, there.units, scale, level, seed=seed, items=by_item)

    def _alpha_of(self, level: Level, values: ArrayLike | None) -> tuple[Any, Vector] | Undefined:
        """The counts of the labels that occur in units with two ratings, and what these stand for."""
        there, scale = self._paired, scale_of(values, self.k)
        if not there.units.sum():
            return NO_PAIR
        used = np.flatnonzero(there.units @ there.counts)
        if len(used) == 1:
            return one_label(int(there.units.sum()), "units")
        return sparse.csr_array(there.counts[:, used].astype(np.float64)), scale[used]

    def beyond_chance(self, chance: Chance, *, seed: int, weights: Weights = None) -> Estimate | Undefined:
        """`coefficients.gwet_ac`, `fleiss_kappa` or `brennan_prediger`, with a bootstrap interval over items."""
        there = self._whole
        if self._has_many and weights is None:
            return self._by_jackknife(self._beyond_chance(chance), self.paired[0])
        by_item = there.times, there.made_of
        return of_items(chance, there.counts, there.units, weights, seed, by_item)

    def preference(self, *, seed: int) -> PreferenceAgreement:
        """`agreement.preference_kappa` between raters; the last two labels are "tie" and "both bad"."""
        clusters: Counter[tuple[int, int, int, int, int]] = Counter()
        for row, times in zip(self._preferences.tolist(), self._whole.times.tolist(), strict=True):
            clusters[tuple(row)] += times
        nothing = "no task has two judgments by different raters"
        if not self._has_many:
            return agreement_of(clusters, what="items", nothing=nothing, seed=seed)
        counted = [int(count) for count in self._whole.times @ self._preferences]
        return PreferenceAgreement(self._by_jackknife(self._preference, counted[1]), *counted)

    @cached_property
    def _pairs(self) -> Counts:
        """Pairs of ratings that agree, and all pairs, of each kind of item."""
        c = self._whole.counts
        size = c.sum(axis=1)
        of_unit = np.column_stack([(c * (c - 1)).sum(axis=1), size * (size - 1)]) // 2
        return self._whole.made_of @ of_unit

    @cached_property
    def _preferences(self) -> Counts:
        """Agreeing and all pairs, ties, "both bad" and ratings, of each kind of item."""
        there = self._whole
        c = there.counts
        return np.column_stack(
            [self._pairs, there.made_of @ np.stack([c[:, -2], c[:, -1], c.sum(axis=1)], 1)]
        )

    # ── At every look ────────────────────────────────────────────────────────────────────────────────────

    def any_time(self, coefficient: Coefficient, *, planned: int) -> Estimate | Undefined:
        """The coefficient with an interval that holds at every look (`sequential.linear_any_time`); alpha nominal.

        `planned` is the number of items at which the interval is to be narrowest, fixed before the first look. `n`
        counts items with two ratings of a unit. Without an interval below 50 of them, and while the error has not
        been seen.
        """
        found = self._functional(coefficient)
        if isinstance(found, Undefined):
            return found
        value = self._value(found)
        items = int(self._whole.times[self._pairs[:, 1] > 0].sum())
        if math.isnan(value):
            return Undefined("the labels that were used leave nothing to agree on beyond chance")
        spread = math.sqrt(items) * self._jackknife(found)
        shown = linear_any_time(value, spread, items, planned=planned)
        if shown.ci_high is None or shown.ci_high <= 1:
            return shown
        return replace(shown, ci_high=max(1.0, shown.value))

    def standard_error(self, coefficient: Coefficient) -> float | Undefined:
        """By the jackknife over items."""
        found = self._functional(coefficient)
        return found if isinstance(found, Undefined) else self._jackknife(found)

    def _value(self, of: Functional) -> float:
        return float(of(self._whole.times[None, :].astype(np.float64))[0])

    def _jackknife(self, of: Functional) -> float:
        """√ of (n − 1)/n Σ (θ₋ᵢ − θ̄)² over the n items, of which those of a kind are alike."""
        times = self._whole.times.astype(np.float64)
        n = float(times.sum())
        if n < 2:
            return 0.0
        step = max(1, JACKKNIFE_CELLS // len(times))
        rows = range(0, len(times), step)
        without = np.concatenate(
            [of(times - np.eye(min(step, len(times) - row), len(times), row)) for row in rows]
        )
        known = ~np.isnan(without)
        if not known.any():
            return 0.0
        mean = float(times[known] @ without[known]) / float(times[known].sum())
        squares = float(times[known] @ (without[known] - mean) ** 2)
        # What rounding leaves of nothing is nothing.
        return math.sqrt((n - 1) / n * squares) if squares > 1e-24 * n else 0.0

    def _functional(self, coefficient: Coefficient) -> Functional | Undefined:
        """The coefficient as a function of how many items each kind has, one row for each answer."""
        pairs = self._pairs
        if not pairs[:, 1].any():
            return NO_PAIR
        if coefficient == "percent":
            return self._percents
        if np.count_nonzero(self.totals) == 1:
            return one_label(int(self._paired.units.sum()), "units")
        if coefficient == "alpha":
            return self._alphas("nominal", scale_of(None, self.k))
        if coefficient == "preference":
            return self._preference
        if coefficient not in BY_CHANCE:
            raise ValueError(
                f"a coefficient is percent, alpha, fleiss, gwet or preference, not {coefficient!r}"
            )
        return self._beyond_chance(coefficient)

    def _percents(self, rows: Vector) -> Vector:
        agreed, pairs = (rows @ self._pairs).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(pairs > 0, agreed / pairs, np.nan)

    def _alphas(self, level: Level, scale: Vector) -> Functional:
        there = self._whole
        paired = there.counts[there.counts.sum(axis=1) >= 2]
        used = np.flatnonzero(paired.sum(axis=0))
        made_of = there.made_of.toarray()[:, there.counts.sum(axis=1) >= 2].astype(np.float64)
        counts = sparse.csr_array(paired[:, used].astype(np.float64))
        return lambda rows: alphas(rows @ made_of, counts, scale[used], level)

    def _beyond_chance(self, chance: Chance) -> Functional:
        features, values_of = features_of(chance, self._whole.counts)
        by_kind = self._whole.made_of @ features
        return lambda rows: values_of(rows @ by_kind)

    @property
    def _preference(self) -> Functional:
        sums = self._preferences.astype(np.float64)
        return lambda rows: preference_kappas(rows @ sums)[0]

    @cached_property
    def _has_many(self) -> bool:
        """Whether there is so much of everything that the normal approximation holds, and a bootstrap only costs."""
        there = self._whole
        usual = there.counts[:, int(np.argmax(self.totals))] == there.counts.sum(axis=1)
        odd = (there.made_of @ (~usual).astype(np.int64)) > 0
        enough = self.paired[1] >= MANY and int(there.times[odd].sum()) >= MANY_ODD
        return enough and len(there.times) <= MOST_KINDS

    def _by_jackknife(self, of: Functional, n: int) -> Estimate:
        value, half = self._value(of), Z * self._jackknife(of)
        low, high = max(-1.0, value - half), min(max(1.0, value), value + half)
        return Estimate(value, low, high, n, "jackknife over items", clusters=self.paired[1])


def scale_of(values: ArrayLike | None, k: int) -> Vector:
    """What k labels stand for, ascending; their numbers where nothing is said."""
    scale = np.arange(k, dtype=np.float64) if values is None else np.asarray(values, np.float64)
    if scale.shape != (k,) or (np.diff(scale) <= 0).any():
        raise ValueError(f"{k} labels stand for as many ascending values")
    return scale
