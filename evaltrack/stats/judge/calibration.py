"""How a judge that is no person errs: each way, against people among themselves, and by position.

With `bias` this is the report on a judge. It may be right as often as people are and yet decide comparisons wrongly;
what bears on a comparison is `bias.favour` and the position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.intervals import wilson
from evaltrack.stats.judge.bias import both_labels, mean_within
from evaltrack.stats.patterns import whole


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
    true, said = both_labels(truth, judged)
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
    """Agreement of judge and person against that of two people, with intervals over items.

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
        mean_within(with_judge, 0, 1),
        mean_within(among_people, 0, 1),
        mean_within(with_judge - among_people, -1, 1),
    )


@dataclass(frozen=True, slots=True)
class Swaps:
    """How a judge's preferences bear an exchange of the two responses.

    `consistent` is the share of pairs on which it says the same in both orders, `first` how often, of the others, it
    leaned to the response that stood first, `test` the two-sided binomial test of no such leaning.
    """

    consistent: Estimate | Undefined
    first: Estimate | Undefined
    test: TestResult | Undefined

    def as_json(self) -> dict[str, Any]:
        return {
            "consistent": self.consistent.as_json(),
            "first": self.first.as_json(),
            "test": self.test.as_json(),
        }


def position_swaps(shown: ArrayLike, swapped: ArrayLike) -> Swaps | Undefined:
    """Preferences for the same pairs in two orders: 1 for the response that stood first in `shown`, −1 or 0 (tie).

    Both columns speak of the response, not of the place: a consistent judge has the same number in both. Undefined
    without pairs.
    """
    one, other = both_labels(shown, swapped)
    if not (np.isin(one, (-1, 0, 1)).all() and np.isin(other, (-1, 0, 1)).all()):
        raise ValueError("a preference is 1, 0 or -1")
    if not len(one):
        return Undefined("no pair was judged in both orders")
    lean = np.sign(one - other)
    first, second = int((lean > 0).sum()), int((lean < 0).sum())
    consistent = wilson(int((lean == 0).sum()), len(lean))
    if first + second == 0:
        none = Undefined("the judge said the same in both orders of every pair")
        return Swaps(consistent, none, none)
    p = min(1.0, 2 * float(special.bdtr(float(min(first, second)), first + second, 0.5)))
    return Swaps(consistent, wilson(first, first + second), TestResult(None, p))
