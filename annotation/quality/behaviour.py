"""Pure: what judgments in columns say about each evaluator: how often they are right, and how they work.

Nothing here excludes anybody: `signals` puts into words what a person should look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.kappa import cohen_kappa
from evaltrack.stats.raters import (
    Ability,
    GoldAccuracy,
    Indication,
    Leaning,
    WithOthers,
    abilities,
    agreeing,
    central_tendency,
    change_within,
    entropies,
    gold_accuracies,
    leanings,
    longest_runs,
    missed,
    overuse,
    pace,
    severity,
    sides,
    sittings,
    tables_with_others,
    unread,
    variety,
    with_others,
)
from evaltrack.stats.remembered import remembered

# Below this accuracy on gold somebody is raised, once it is nearly certain.
GOLD_THRESHOLD = 0.7
# The same of accuracy without gold, which rests on what others say.
ABILITY_THRESHOLD = 0.6
# A sitting ends after so many seconds without a judgment.
PAUSE = 1800.0
# An answer in less than this share of somebody's own usual time for such a length.
HURRIED = 1 / 3
# Runs of so many judgments are weighed by formula: drawing orders of them takes seconds where people are many.
MANY_IN_RUNS = 50
# Of the usual entropy of answers, the share below which somebody is raised.
LITTLE_VARIETY = 0.5
SHORTEST_SECONDS = 0.001
# Tables of evaluators beside the others, whose intervals were drawn.
MOST_REMEMBERED = 4096
SEED = 20_251_122

NOT_GOLD, GOLD, CHECK = 0, 1, 2
LEFT, RIGHT, TIE, BOTH_BAD = range(4)

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """Final judgments, one in each row, in the order in which they were given.

    `at` and `seconds` are when each was given and how long it took; `words` how long its text is. `label` is what was
    said in terms of what was judged, below `k`, or -1 where answers have no labels; `key` what was pressed, by
    place: for pairs left, right, tie and both bad. `is_scale` says that labels are points of a scale. `is_counted`
    marks what figures about agreement are made of, and never gold; `group` is the part of rubric and data. `gold` is
    NOT_GOLD, GOLD or CHECK, and `is_right` whether its known answer was given.
    """

    rater: Ints
    task: Ints
    group: Ints
    at: Vector
    seconds: Vector
    words: Vector
    label: Ints
    key: Ints
    is_counted: Bools
    gold: Ints
    is_right: Bools
    k: int
    is_scale: bool

    @property
    def has_labels(self) -> bool:
        return bool((self.label >= 0).all())


@dataclass(frozen=True)
class Measured:
    """What is known of one evaluator; each is None where the protocol has no such thing, or too little is known."""

    rater: int
    judgments: int
    counted: int
    median_seconds: float
    seconds_per_100_words: float
    hurried: float
    gold: GoldAccuracy | None = None
    gold_answered: int = 0
    gold_right: int = 0
    ability: Ability | Undefined | None = None
    others: WithOthers | None = None
    table: Ints | None = None
    is_scale: bool = False
    left: Leaning | None = None
    indications: dict[str, Indication] = field(default_factory=dict)

    @property
    def kappa(self) -> Estimate | Undefined | None:
        """Agreement beyond chance with the commonest answer of the others; on a scale with quadratic weights."""
        if self.table is None:
            return None
        return _kappa(self.table, self.is_scale)

    def as_json(self) -> dict[str, Any]:
        kappa = self.kappa
        return {
            "judgments": self.judgments,
            "judgments_counted": self.counted,
            "gold": self.gold
            and {"answered": self.gold_answered, "right": self.gold_right, **self.gold.as_json()},
            "accuracy_without_gold": self.ability and self.ability.as_json(),
            "agreement_with_others": self.others and self.others.agreement.as_json(),
            "kappa_with_others": kappa and kappa.as_json(),
            "left_picks": self.left and _without_rater(self.left.as_json()),
            "median_seconds": rounded(self.median_seconds),
            "seconds_per_100_words": rounded(self.seconds_per_100_words),
            "hurried_share": rounded(self.hurried),
            "indications": {
                name: _without_rater(each.as_json()) for name, each in sorted(self.indications.items())
            },
        }


@remembered(MOST_REMEMBERED)
def _kappa(table: Ints, is_scale: bool) -> Estimate | Undefined:
    return cohen_kappa(table, seed=SEED, weights="quadratic" if is_scale else None)


def _without_rater(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "rater"}


def measured(of: Columns, *, for_signals: bool = False) -> dict[int, Measured]:
    """Each evaluator, by number. `for_signals`: without what takes longest and can raise nobody here."""
    found: dict[int, dict[str, Any]] = {
        rater: {"rater": rater, **own} for rater, own in _own_pace(of).items()
    }
    if of.has_labels and len(of.rater):
        for rater, told in _accuracy(of).items():
            found[rater].update(told)
    known: dict[int, dict[str, Indication]] = {rater: {} for rater in found}
    for name, several in _indications(of, for_signals=for_signals):
        for each in several:
            known[each.rater][name] = each
    return {rater: Measured(**told, indications=known[rater]) for rater, told in found.items()}


def _own_pace(of: Columns) -> dict[int, dict[str, Any]]:
    by_length = 100 * of.seconds / np.maximum(of.words, 1)
    found = {}
    for rater in np.unique(of.rater).tolist():
        mine = of.rater == rater
        usual = float(np.median(by_length[mine]))
        found[rater] = {
            "judgments": int(mine.sum()),
            "counted": int(of.is_counted[mine].sum()),
            "median_seconds": float(np.median(of.seconds[mine])),
            "seconds_per_100_words": usual,
            "hurried": float((by_length[mine] < HURRIED * usual).mean()),
        }
    return found


def _accuracy(of: Columns) -> dict[int, dict[str, Any]]:
    """On gold, and beside the others."""
    raters = np.unique(of.rater).tolist()
    found: dict[int, dict[str, Any]] = {rater: {"is_scale": of.is_scale} for rater in raters}
    is_gold = of.gold == GOLD
    if is_gold.any():
        answered = [int((is_gold & (of.rater == rater)).sum()) for rater in raters]
        right = [int((is_gold & of.is_right & (of.rater == rater)).sum()) for rater in raters]
        report = gold_accuracies(right, answered, threshold=GOLD_THRESHOLD)
        for rater, each, good, many in zip(raters, report.raters, right, answered, strict=True):
            found[rater].update(gold=each, gold_right=good, gold_answered=many)
    rater, task, label = (column[of.is_counted] for column in (of.rater, of.task, of.label))
    if not len(rater):
        return found
    if not of.is_scale:
        skilled = abilities(task, rater, label, k=of.k)
        for name in np.unique(rater).tolist():
            found[name]["ability"] = skilled if isinstance(skilled, Undefined) else None
        for able in () if isinstance(skilled, Undefined) else skilled:
            found[able.rater]["ability"] = able
    for name, table in tables_with_others(rater, task, label, k=of.k).items():
        found[name]["table"] = table
    for beside in with_others(rater, task, label, k=of.k):
        found[beside.rater]["others"] = beside
    if not of.is_scale:
        preferred = of.key <= RIGHT
        for leaning in leanings(of.rater[preferred], of.key[preferred] == LEFT):
            found[leaning.rater]["left"] = leaning
    return found


def _indications(of: Columns, *, for_signals: bool) -> Iterable[tuple[str, Iterable[Indication]]]:
    """Everything that is raised by how often it would be so by chance."""
    if not len(of.rater):
        return
    seconds = np.maximum(of.seconds, SHORTEST_SECONDS)
    fast = pace(of.rater, of.task, seconds)
    yield "pace", () if isinstance(fast, Undefined) else fast
    yield "unread", unread(of.rater, of.seconds, of.words)
    sitting = sittings(of.rater, of.at, pause=PAUSE)
    # Longer texts take longer, so that their order is not taken for a change.
    log = np.log(seconds / np.maximum(of.words, 1))
    yield "time_in_sitting", change_within(of.rater, sitting, of.at, log)
    checks = of.gold == CHECK
    if checks.any():
        yield "checks", missed(of.rater[checks], ~of.is_right[checks])
    if not of.has_labels:
        return
    yield "runs", longest_runs(of.rater, of.key, seed=SEED, many=MANY_IN_RUNS)
    if not for_signals or _somebody_varies_little(of):
        varied = variety(of.rater, of.task, of.label, k=of.k, seed=SEED)
        yield "variety", () if isinstance(varied, Undefined) else varied
    settled, agree = agreeing(of.task[of.is_counted], of.label[of.is_counted], k=of.k)
    counted = np.flatnonzero(of.is_counted)[settled]
    yield (
        "agreement_in_sitting",
        change_within(of.rater[counted], sitting[counted], of.at[counted], agree[settled]),
    )
    if of.is_scale:
        yield "severity", severity(of.rater, of.task, of.label + 1)
        yield "central_tendency", central_tendency(of.rater, of.task, of.label + 1, seed=SEED)
    else:
        preferred = of.key <= RIGHT
        yield "left", sides(of.rater[preferred], of.key[preferred] == LEFT)
        yield "ties", overuse(of.rater, of.task, of.label == TIE)
        yield "both_bad", overuse(of.rater, of.task, of.label == BOTH_BAD)


def _somebody_varies_little(of: Columns) -> bool:
    """Whether anybody could be raised for it, before it is drawn how often that would be so by chance."""
    found = list(entropies(of.rater, of.task, of.label, k=of.k).values())
    return bool(found) and min(found) <= LITTLE_VARIETY * median(found)
