"""Kappa of pairwise preferences as the Conference on Machine Translation published it, to compare with its figures.

It differs from `agreement.preference_kappa` in what it compares: only judgments that list the two systems in the same
order. And where that one is strict, it is not: its figure between raters includes a rater's own repeats, which
flatters it; and its figure of raters with themselves takes the share of ties from those who repeated something alone
(Bojar et al. 2016 and the scripts of that year).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import Literal

from evaltrack.stats.agreement import BOTH_BAD, TIE, Contribution, PreferenceAgreement, agreement_of

Vote = tuple[Hashable, Hashable, Hashable, Hashable, Hashable]


def preference_kappa_same_order(
    judgments: Iterable[Vote], *, between: Literal["raters", "self"], seed: int
) -> PreferenceAgreement:
    """Kappa of judgments (item, left, right, rater, label) that list the same systems in the same order.

    The label is the preferred system, "tie" or "both_bad"; κ and the agreement by chance are those of
    `preference_kappa`. Between "raters" all judgments of one ordered pair on an item are compared, a rater's own
    repeats too, and ties are counted among all judgments. With "self", item by item, the raters count who judged
    at least one ordered pair there twice: their repeats are compared, and ties are counted among all that they said
    of that item.

    The interval resamples items. Undefined as in `preference_kappa`.
    """
    if between not in ("raters", "self"):
        raise ValueError(f'agreement is between "raters" or "self", not {between!r}')
    alike: dict[Hashable, dict[Hashable, dict[Hashable, Counter[Hashable]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Counter))
    )
    for item, left, right, rater, label in judgments:
        alike[item][rater if between == "self" else None][left, right][label] += 1
    contributions = []
    for by_rater in alike.values():
        total: Contribution = (0, 0, 0, 0, 0)
        for pairs in by_rater.values():
            if between == "raters" or any(given.total() >= 2 for given in pairs.values()):
                total = _added(total, pairs.values())
        contributions.append(total)
    whom = "different raters" if between == "raters" else "the same rater"
    return agreement_of(
        contributions,
        what="items",
        nothing=f"no item has two judgments by {whom} that list two systems in the same order",
        seed=seed,
    )


def _added(total: Contribution, pairs: Iterable[Counter[Hashable]]) -> Contribution:
    agree, comparable, ties, both_bad, judgments = total
    for given in pairs:
        agree += sum(math.comb(count, 2) for count in given.values())
        comparable += math.comb(given.total(), 2)
        ties += given[TIE]
        both_bad += given[BOTH_BAD]
        judgments += given.total()
    return agree, comparable, ties, both_bad, judgments
