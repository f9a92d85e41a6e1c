"""What a coefficient of agreement lets one rely on, in words that its lower limit has earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.patterns import distinct_rows

# Krippendorff 2004: rely from 0.800 on, draw tentative conclusions from 0.667 on, and discard what lies below.
RELIABLE, TENTATIVE = 0.800, 0.667
FEWEST_UNITS = 30
FEWEST_OFF_MAJORITY = 5

Word = Literal["reliable", "tentative", "unreliable", "unsettled", "too little evidence", "undefined"]


@dataclass(frozen=True, slots=True)
class Reliance:
    """One word for a badge, and the sentence that says why."""

    word: Word
    sentence: str

    def as_json(self) -> dict[str, str]:
        return {"word": self.word, "sentence": self.sentence}


def units_off_majority(counts: ArrayLike, *, times: ArrayLike | None = None) -> int:
    """How many units with two ratings have one that is not the commonest label of all; `counts` is units × labels.

    Where they are few, a coefficient rests on them alone, whatever the number of units.
    """
    table, multiplicity = distinct_rows(counts, times)
    size = table.sum(axis=1)
    table, multiplicity, size = table[size >= 2], multiplicity[size >= 2], size[size >= 2]
    if not len(table):
        return 0
    commonest = int(np.argmax(multiplicity @ table))
    return int(multiplicity[table[:, commonest] < size].sum())


def reliance(agreement: Estimate | Undefined, *, off_majority: int) -> Reliance:
    """How far data with this agreement (alpha, kappa …) may be relied on, by its lower limit (Krippendorff 2004).

    From 0.800 on "reliable", from 0.667 on "tentative". Below it the data are "unreliable" where the upper limit also
    lies below 0.667, and else "unsettled": more units may lift them. A point estimate earns no word, nor does one of
    fewer than 30 units, or of fewer than 5 off the majority label (`units_off_majority`).
    """
    if off_majority != int(off_majority) or off_majority < 0:
        raise ValueError(f"{off_majority} is no number of units")
    if isinstance(agreement, Undefined):
        return Reliance("undefined", f"Agreement has no value: {agreement.reason}.")
    units = agreement.n if agreement.clusters is None else agreement.clusters
    what = "units" if agreement.clusters is None else "items"
    if units < FEWEST_UNITS:
        return _too_little(f"{units} {what} were rated twice; {FEWEST_UNITS} are needed")
    if off_majority < FEWEST_OFF_MAJORITY:
        return _too_little(
            f"{off_majority} units have another than the commonest label; {FEWEST_OFF_MAJORITY} are needed"
        )
    low, high = agreement.ci_low, agreement.ci_high
    if low is None or high is None:
        return _too_little(str(agreement.ci_undefined))
    limit = f"the lower {100 * agreement.confidence:g} % limit of agreement is {_cut(low)}"
    if low >= RELIABLE:
        return Reliance("reliable", f"Reliable: {limit}, at least {RELIABLE:.3f}.")
    if low >= TENTATIVE:
        return Reliance("tentative", f"For tentative conclusions: {limit}, between 0.667 and 0.800.")
    if high < TENTATIVE:
        return Reliance("unreliable", f"Not to be relied on: {limit} and the upper one {_cut(high)}.")
    return Reliance(
        "unsettled",
        f"Not yet to be relied on: {limit} and the upper one {_cut(high)}; more units would tell.",
    )


def _too_little(reason: str) -> Reliance:
    return Reliance("too little evidence", f"Too little evidence for a word: {reason}.")


def _cut(limit: float) -> str:
    """Three digits, cut and not rounded: 0.7999 must not read as 0.800."""
    return f"{np.floor(limit * 1000 + 1e-9) / 1000:.3f}"
