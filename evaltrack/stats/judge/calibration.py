"""How a judge that is no person errs: each way, against people among themselves, by stratum, by system, by position.

A judge may be right as often as people are and yet decide comparisons wrongly, as when it prefers the style of one
system. So the report has parts, and the ones that bear on a comparison are those by system and by position.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, TestResult, Undefined, rounded
from evaltrack.stats.independent import welch_difference, welch_t
from evaltrack.stats.intervals import mean_t, real_values, wilson
from evaltrack.stats.multiplicity import benjamini_hochberg
from evaltrack.stats.paired import mean_difference_t
from evaltrack.stats.patterns import whole

FEWEST_IN_STRATUM = 10

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rates:
    """How often the judge finds what is there (sensitivity), and clears what is not (specificity)."""

    sensitivity: Estimate | Undefined
    specificity: Estimate | Undefined

    def as_json(self) -> dict[str, Any]:
        return {"sensitivity": self.sensitivity.as_json(), "specificity": self.specificity.as_json()}


def error_rates(truth: ArrayLike, judged: ArrayLike) -> Rates:
    """Sensitivity and specificity with Wilson's intervals, from what people and the judge said: 1 or 0 per example.

    Undefined without examples of the kind.
    """
    true, said = _both(truth, judged)
    if not (np.isin(true, (0, 1)).all() and np.isin(said, (0, 1)).all()):
        raise ValueError("sensitivity and specificity need labels that are 1 or 0")
    there = true == 1
    found, of_positive = int(said[there].sum()), int(there.sum())
    cleared, of_negative = int((said[~there] == 0).sum()), int((~there).sum())
    return Rates(
        wilson(found, of_positive) if of_positive else Undefined("no example is positive"),
        wilson(cleared, of_negative) if of_negative else Undefined("no example is negative"),
    )


@dataclass(frozen=True, slots=True)
class BesidePeople:
    """On the same items: how often the judge agrees with a person, and a person with another; and the difference.

    A judge cannot agree with people more than they do with each other, except where it makes fewer slips than they.
    """

    judge: Estimate | Undefined
    people: Estimate | Undefined
    difference: Estimate | Undefined

    def as_json(self) -> dict[str, Any]:
        return {
            "judge": self.judge.as_json(),
            "people": self.people.as_json(),
            "difference": self.difference.as_json(),
        }


def beside_people(items: ArrayLike, labels: ArrayLike, judged: ArrayLike) -> BesidePeople:
    """Agreement of judge and person against that of two people, with t intervals over items.

    Human judgment i says that item `items[i]` has label `labels[i]`, by different people within an item; `judged`
    has the judge's label of each item, in the order of their numbers from 0. Labels are numbers. Only items with two
    human labels count, the same ones on both sides. Undefined without such items.
    """
    item, label, said = (
        whole(items, "item numbers"),
        whole(labels, "label numbers"),
        whole(judged, "label numbers"),
    )
    if item.ndim != 1 or item.shape != label.shape or said.ndim != 1:
        raise ValueError(f"{label.shape} labels do not stand beside {item.shape} items")
    if item.max(initial=-1) >= len(said):
        raise ValueError("the judge has labelled each item that people have")
    k = int(max(label.max(initial=0), said.max(initial=0))) + 1
    counts = np.bincount(item * k + label, minlength=len(said) * k).reshape(len(said), k)
    size = counts.sum(axis=1)
    kept = size >= 2
    if not kept.any():
        none = Undefined("no item has two human labels")
        return BesidePeople(none, none, none)
    c, m = counts[kept], size[kept]
    with_judge = np.take_along_axis(c, said[kept, None], axis=1)[:, 0] / m
    among_people = (c * (c - 1)).sum(axis=1) / (m * (m - 1))
    return BesidePeople(
        _within(mean_t(with_judge), 0.0),
        _within(mean_t(among_people), 0.0),
        _within(mean_difference_t(with_judge, among_people), -1.0),
    )


def _within(shown: Estimate | Undefined, lowest: float) -> Estimate | Undefined:
    """Limits no lower than a share (or a difference of two) can be, and no higher."""
    if isinstance(shown, Undefined) or shown.ci_low is None or shown.ci_high is None:
        return shown
    return replace(shown, ci_low=max(shown.ci_low, lowest), ci_high=min(shown.ci_high, 1.0))


@dataclass(frozen=True, slots=True)
class StratumBias:
    """Judge − people in one stratum, and how far that lies from the bias elsewhere.

    `adjusted` is Welch's p of no difference from elsewhere, adjusted over the strata (Benjamini & Hochberg 1995); None
    where there is none.
    """

    stratum: Hashable
    bias: Estimate
    apart: Estimate | Undefined
    adjusted: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            "stratum": str(self.stratum),
            "bias": self.bias.as_json(),
            "apart": self.apart.as_json(),
            "adjusted": None if self.adjusted is None else rounded(self.adjusted),
        }


def bias(truth: ArrayLike, judged: ArrayLike) -> Estimate | Undefined:
    """Mean of judge − people over examples that both labelled, in the unit of the labels, with the paired t interval."""
    true, said = _both(truth, judged)
    return mean_difference_t(said, true)


def bias_by_stratum(
    truth: ArrayLike, judged: ArrayLike, strata: Sequence[Hashable]
) -> tuple[StratumBias, ...]:
    """The judge's bias in each stratum (a length, a language, a system), in the order in which they first occur.

    Strata with fewer than 10 examples have a value without an interval, and no p. A bias that is the same everywhere
    cancels from comparisons and may be corrected; one that differs does neither.
    """
    true, said = _both(truth, judged)
    if len(strata) != len(true):
        raise ValueError(f"{len(strata)} strata do not stand beside {len(true)} examples")
    error = said - true
    number: dict[Hashable, int] = {}
    place = np.array([number.setdefault(stratum, len(number)) for stratum in strata], dtype=np.int64)
    found: list[tuple[Hashable, Estimate, Estimate | Undefined, TestResult | Undefined]] = []
    for stratum, own in number.items():
        here, elsewhere = error[place == own], error[place != own]
        shown = mean_difference_t(said[place == own], true[place == own])
        assert isinstance(shown, Estimate)  # a stratum has an example
        if len(here) < FEWEST_IN_STRATUM:
            reason = f"{len(here)} examples do not support an interval: {FEWEST_IN_STRATUM} are needed"
            shown = Estimate(shown.value, None, None, shown.n, shown.method, reason)
            found.append((stratum, shown, Undefined(reason), Undefined(reason)))
        else:
            found.append((stratum, shown, welch_difference(here, elsewhere), welch_t(here, elsewhere)))
    p = [test.p_value for *_, test in found if isinstance(test, TestResult)]
    adjusted = iter(benjamini_hochberg(p))
    return tuple(
        StratumBias(stratum, shown, apart, next(adjusted) if isinstance(test, TestResult) else None)
        for stratum, shown, apart, test in found
    )


def favour(
    truth: ArrayLike,
    judged: ArrayLike,
    other_truth: ArrayLike,
    other_judged: ArrayLike,
    *,
    paired: bool = True,
) -> Estimate | Undefined:
    """By how much more the judge overrates one system than the other: the interaction of system and judge's error.

    The mean of (judge − people) of the first less that of the second; above 0 the judge favours the first. This is what
    the judge adds to the difference of the two systems. `paired` where both answered the same examples, in the same
    order (paired t); Welch's t otherwise.
    """
    true, said = _both(truth, judged)
    other_true, other_said = _both(other_truth, other_judged)
    ours, theirs = said - true, other_said - other_true
    return mean_difference_t(ours, theirs) if paired else welch_difference(ours, theirs)


@dataclass(frozen=True, slots=True)
class Swaps:
    """How a judge's preferences bear an exchange of the two responses.

    `consistent` is the share of pairs on which it says the same in both orders, `first` how often, of the others, it
    leaned to the response that stood first, `test` the two-sided binomial test of no such leaning.
    """

    consistent: Estimate
    first: Estimate | Undefined
    test: TestResult | Undefined

    def as_json(self) -> dict[str, Any]:
        return {
            "consistent": self.consistent.as_json(),
            "first": self.first.as_json(),
            "test": self.test.as_json(),
        }


def position_swaps(shown: ArrayLike, swapped: ArrayLike) -> Swaps | Undefined:
    """Preferences for the same pairs in two orders: 1 for the response that `shown` has first, −1 for the other, 0 tie.

    Both columns speak of the response, not of the place: a consistent judge has the same number in both. Undefined
    without pairs.
    """
    one, other = _both(shown, swapped)
    if not (np.isin(one, (-1, 0, 1)).all() and np.isin(other, (-1, 0, 1)).all()):
        raise ValueError("a preference is 1, 0 or -1")
    if not len(one):
        return Undefined("no pair was judged in both orders")
    lean = np.sign(one - other)
    first, second = int((lean > 0).sum()), int((lean < 0).sum())
    consistent = wilson(int((lean == 0).sum()), len(lean))
    assert isinstance(consistent, Estimate)
    if first + second == 0:
        none = Undefined("the judge said the same in both orders of every pair")
        return Swaps(consistent, none, none)
    p = min(1.0, 2 * float(special.bdtr(float(min(first, second)), first + second, 0.5)))
    return Swaps(consistent, wilson(first, first + second), TestResult(None, p))


def _both(one: ArrayLike, other: ArrayLike) -> tuple[Vector, Vector]:
    ours, theirs = real_values(one), real_values(other)
    if len(ours) != len(theirs):
        raise ValueError(f"{len(theirs)} labels of the one do not stand beside {len(ours)} of the other")
    return ours, theirs
