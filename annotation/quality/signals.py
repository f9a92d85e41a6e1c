"""Pure: what about an evaluator's work deserves a look, in words, and how often it would be so by chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from scipy import special

from annotation.quality.behaviour import ABILITY_THRESHOLD, GOLD_THRESHOLD, LITTLE_VARIETY, Measured
from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.multiplicity import benjamini_hochberg
from evaltrack.stats.raters import Indication

# Of what is raised in one kind, this share is false at most, however many evaluators there are.
RAISED = 0.05


@dataclass(frozen=True)
class Signal:
    """`by_chance` is how often somebody who does nothing unusual would be as far out; `adjusted`, the share of false
    ones among all evaluators who are raised at this or farther out."""

    kind: str
    sentence: str
    by_chance: float
    adjusted: float
    n: int

    @property
    def odds(self) -> str:
        return odds(self.by_chance)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "sentence": self.sentence,
            "by_chance": rounded(self.by_chance),
            "adjusted": rounded(self.adjusted),
            "n": self.n,
        }


def odds(chance: float) -> str:
    """How often something happens by chance, as people say it."""
    if chance < 0.001:
        return "less than once in 1,000"
    return f"once in {round(1 / chance):,}" if chance < 0.5 else "more often than not"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def range_of(estimate: Estimate) -> str:
    if estimate.ci_low is None or estimate.ci_high is None:
        return percent(estimate.value)
    return f"{percent(estimate.value)}, {percent(estimate.ci_low)} to {percent(estimate.ci_high)}"


def _left(who: Measured, found: Indication) -> str:
    side, share = ("left", found.score) if found.score > 0.5 else ("right", 1 - found.score)
    shown = percent(share)
    if who.left and isinstance(who.left.seen, Estimate):
        seen = who.left.seen
        if side == "right" and seen.ci_low is not None and seen.ci_high is not None:
            seen = Estimate(1 - seen.value, 1 - seen.ci_high, 1 - seen.ci_low, seen.n, seen.method)
        shown = range_of(seen)
    return f"picks the {side} side more often than chance would: {shown}"


def _pace(who: Measured, found: Indication) -> str:
    return (
        f"is much faster than the others on the same items: {-found.score:.1f} robust standard deviations, with "
        f"{who.median_seconds:.0f} s for half of the items"
    )


def _severity(who: Measured, found: Indication) -> str:
    way = "higher" if found.score > 0 else "lower"
    return f"rates {way} than the others on the same items, by {abs(found.score):.1f} points"


Sentence = Callable[[Measured, Indication], str]

# What is raised, in which direction of its score, and what it is called.
KINDS: Mapping[str, tuple[Callable[[float], bool], Sentence]] = {
    "checks": (
        lambda score: score > 0,
        lambda who, it: f"missed {round(it.score * it.n)} of {it.n} attention checks",
    ),
    "left": (lambda score: True, _left),
    "unread": (
        lambda score: score > 0,
        lambda who, it: (
            f"answered {percent(it.score)} of the items faster than their text can be read (0.3 s a word)"
        ),
    ),
    "pace": (lambda score: score < 0, _pace),
    "repeats": (
        lambda score: score > 0,
        lambda who, it: (
            f"answered repeated items otherwise the second time, more often than the others by {100 * it.score:.0f} "
            "points"
        ),
    ),
    "runs": (
        lambda score: True,
        lambda who, it: f"gave one and the same answer {it.score:.0f} times in a row",
    ),
    "variety": (
        lambda score: True,
        lambda who, it: f"varies the answers less than the others do on the same items ({it.score:.2f} bits)",
    ),
    "ties": (
        lambda score: score > 0,
        lambda who, it: (
            f"says “tie” more often than the others on the same items, by {100 * it.score:.0f} points"
        ),
    ),
    "both_bad": (
        lambda score: score > 0,
        lambda who, it: (
            f"says “both bad” more often than the others on the same items, by {100 * it.score:.0f} points"
        ),
    ),
    "severity": (lambda score: True, _severity),
    "central_tendency": (
        lambda score: score < 1,
        lambda who, it: (
            f"keeps to the middle of the scale: the ratings vary {it.score:.2f} times as much as the others'"
        ),
    ),
    "time_in_sitting": (
        lambda score: score < 0,
        lambda who, it: (
            f"takes {percent(1 - math.exp(it.score))} less time in the second half of a sitting than in the first"
        ),
    ),
    "agreement_in_sitting": (
        lambda score: score < 0,
        lambda who, it: (
            f"agrees less with the others in the second half of a sitting than in the first, "
            f"by {-100 * it.score:.0f} points"
        ),
    ),
}


def signals(found: Mapping[int, Measured]) -> dict[int, list[Signal]]:
    """Of each evaluator what is raised, what is least likely by chance first."""
    raised: dict[int, list[Signal]] = {rater: [] for rater in found}
    varied = [who.indications["variety"].score for who in found.values() if "variety" in who.indications]
    # One person who always says "tie" makes everybody else look less varied than they could be.
    little = LITTLE_VARIETY * median(varied) if varied else 0.0
    by_ability = _of_ability(found)
    for rater, who in found.items():
        if who.gold and who.gold.standing == "below":
            raised[rater].append(_of_gold(who))
        if rater in by_ability:
            raised[rater].append(by_ability[rater])
        for kind, (counts, sentence) in KINDS.items():
            each = who.indications.get(kind)
            if kind == "variety" and each and each.score > little:
                continue
            if each and counts(each.score) and each.adjusted < RAISED:
                raised[rater].append(
                    Signal(kind, sentence(who, each), each.false_positives, each.adjusted, each.n)
                )
        raised[rater].sort(key=lambda signal: (signal.adjusted, signal.kind))
    return raised


def _of_gold(who: Measured) -> Signal:
    assert who.gold is not None
    return Signal(
        "gold",
        f"gave the known answer to {who.gold_right} of {who.gold_answered} gold items; that their accuracy is below "
        f"{percent(GOLD_THRESHOLD)} has a probability of {percent(min(who.gold.below, 0.999))}",
        who.gold.false_positives,
        # A posterior probability among all of them: no further adjustment is due (Gelman, Hill & Yajima 2012).
        who.gold.false_positives,
        who.gold_answered,
    )


def _of_ability(found: Mapping[int, Measured]) -> dict[int, Signal]:
    """Who, as the others say, is right less often than the threshold: one-sided, by the standard error."""
    known, p = [], []
    for rater, who in found.items():
        able = who.ability
        if able is None or isinstance(able, Undefined) or isinstance(able.seen, Undefined):
            continue
        assert able.standard_error is not None
        known.append((rater, able.seen))
        p.append(float(special.ndtr((able.seen.value - ABILITY_THRESHOLD) / able.standard_error)))
    adjusted = benjamini_hochberg(p) if p else []
    return {
        rater: Signal(
            "accuracy_without_gold",
            f"is right in {range_of(seen)}, as far as the others' answers tell; that is below "
            f"{percent(ABILITY_THRESHOLD)}",
            chance,
            share,
            seen.n,
        )
        for (rater, seen), chance, share in zip(known, p, adjusted, strict=True)
        if share < RAISED
    }
