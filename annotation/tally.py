"""Pure: votes about pairs as the sums that figures are made of, which add up and can be taken away again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.pairwise import Shared, influence_on_the_mean, together
from evaltrack.stats.panel import Panel

# Of the two systems of a pair, the first is that of the lesser name: with two systems these are the systems. Systems
# themselves are no labels where there are more, as chance would then know which could not be meant.
LABELS = ("first", "second", "tie", "both_bad")
K = len(LABELS)
# The question that every rubric asks; the others are named by their criteria.
MAIN = ""

Ints = NDArray[np.int64]
# Two raters, the lesser first, and how often one said this and the other that.
Pair: TypeAlias = tuple[int, int]
Tables: TypeAlias = Mapping[Pair, Ints]


@dataclass(frozen=True)
class Tally:
    """`panels` by question; `pairs` with a table of labels for each two raters, the lesser first; how much each rater
    judged; how many judgments preferred a side, and how many of them the left one."""

    panels: Mapping[str, Panel] = field(default_factory=dict)
    pairs: Tables = field(default_factory=dict)
    raters: Mapping[int, int] = field(default_factory=dict)
    decisive: int = 0
    left: int = 0

    @property
    def main(self) -> Panel:
        return self.panels.get(MAIN, Panel(K))

    @property
    def n_judgments(self) -> int:
        return sum(self.raters.values())

    def changed(self, before: Tally, after: Tally) -> Tally:
        """With what `after` says of some items in place of `before`."""
        return Tally(
            panels={
                name: self.panels.get(name, Panel(K))
                .minus(before.panels.get(name, Panel(K)))
                .plus(after.panels.get(name, Panel(K)))
                for name in {*self.panels, *after.panels}
            },
            pairs=moved(self.pairs, before.pairs, after.pairs),
            raters=moved(self.raters, before.raters, after.raters),
            decisive=self.decisive + after.decisive - before.decisive,
            left=self.left + after.left - before.left,
        )

    def as_json(self) -> dict[str, Any]:
        """Without `pairs`, of which there may be thousands."""
        return {
            "panels": {name: panel.as_json() for name, panel in sorted(self.panels.items())},
            "raters": {str(rater): count for rater, count in sorted(self.raters.items())},
            "decisive": self.decisive,
            "left": self.left,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Tally:
        if not body:
            return cls()
        return cls(
            panels={name: Panel.from_json(panel) for name, panel in body["panels"].items()},
            raters={int(rater): count for rater, count in body["raters"].items()},
            decisive=body["decisive"],
            left=body["left"],
        )


def moved(now: Mapping[Any, Any], before: Mapping[Any, Any], after: Mapping[Any, Any]) -> dict[Any, Any]:
    """Counts with `after` in place of `before`; those of 0 are left out."""
    found = dict(now)
    for name, count in after.items():
        found[name] = found.get(name, 0) + count
    for name, count in before.items():
        found[name] = found.get(name, 0) - count
    return {name: count for name, count in found.items() if np.any(count)}


class Ballots:
    """Votes in columns: a million of them take some tens of megabytes.

    A rater has one vote for a unit, and a unit belongs to one item.
    """

    def __init__(self, criteria: Iterable[str] = ()) -> None:
        self.items, self.units, self.raters = array("q"), array("q"), array("q")
        # Numbers in `LABELS`; of a criterion that was not asked, -1.
        self.labels = {name: array("b") for name in (MAIN, *criteria)}
        self.left_first = array("b")
        self._numbers: dict[Any, int] = {}

    def add(
        self, item: str, unit: int, rater: int, label: int, *, left_first: bool, answers: Mapping[str, int]
    ) -> None:
        """`left_first` says that the first system of the pair stood left."""
        self.items.append(self._numbers.setdefault(item, len(self._numbers)))
        self.units.append(unit)
        self.raters.append(rater)
        self.left_first.append(left_first)
        for name, column in self.labels.items():
            column.append(label if name == MAIN else answers.get(name, -1))

    def tally(self) -> Tally:
        labels = _ints(self.labels[MAIN])
        decisive = labels < 2
        raters, counts = np.unique(_ints(self.raters), return_counts=True)
        return Tally(
            panels={name: self._panel(name) for name in self.labels},
            pairs=self._pairs(),
            raters=dict(zip(raters.tolist(), counts.tolist(), strict=True)),
            decisive=int(decisive.sum()),
            left=int((decisive & ((labels == 0) == (_ints(self.left_first) == 1))).sum()),
        )

    def spread(self) -> float | None:
        """See `pairwise.influence_on_the_mean`."""
        items, shared = self._shared
        found = influence_on_the_mean(shared, items, K)
        return None if isinstance(found, Undefined) else found

    def _panel(self, question: str) -> Panel:
        label = _ints(self.labels[question])
        asked = label >= 0
        units, first, unit = np.unique(_ints(self.units)[asked], return_index=True, return_inverse=True)
        counts = np.bincount(unit * K + label[asked], minlength=len(units) * K).reshape(len(units), K)
        return Panel.of(counts, _ints(self.items)[asked][first])

    @cached_property
    def _shared(self) -> tuple[Ints, Shared]:
        """Each two votes for a unit, with their item."""
        units = _ints(self.units)
        order = np.argsort(units, kind="stable")
        units = units[order]
        shared = together(units, _ints(self.raters)[order], _ints(self.labels[MAIN])[order])
        return _ints(self.items)[order][np.searchsorted(units, shared.unit)], shared

    def _pairs(self) -> Tables:
        _, shared = self._shared
        if not len(shared.unit):
            return {}
        names = np.unique(_ints(self.raters))
        code = np.searchsorted(names, shared.one) * len(names) + np.searchsorted(names, shared.other)
        pairs, pair = np.unique(code, return_inverse=True)
        cells = (pair * K + shared.said_one) * K + shared.said_other
        tables = np.bincount(cells, minlength=len(pairs) * K * K).reshape(-1, K, K)
        ones, others = names[pairs // len(names)].tolist(), names[pairs % len(names)].tolist()
        return dict(zip(zip(ones, others, strict=True), tables, strict=True))


def _ints(column: array[int]) -> Ints:
    return np.array(column, dtype=np.int64)
