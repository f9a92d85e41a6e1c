"""Pure: votes about pairs as the sums that figures are made of, which add up and can be taken away again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.pairwise import Shared, pulls_on_the_mean, spread_of, together
from evaltrack.stats.panel import Panel

# Of the two systems of a pair, the first is that of the lesser name: with two systems these are the systems. Systems
# themselves are no labels where there are more, as chance would then know which could not be meant.
LABELS = ("first", "second", "tie", "both_bad")
K = len(LABELS)
# The question that every rubric asks; the others are named by their criteria.
MAIN = ""
# Of more strata none is told apart: each has a bootstrap, and intervals would miss by chance in several.
MOST_STRATA = 30
# Votes of which each two of a unit are held in memory together.
AT_ONCE = 100_000

Ints = NDArray[np.int64]
# Two raters, the lesser first, and how often one said this and the other that.
Pair: TypeAlias = tuple[int, int]
Tables: TypeAlias = Mapping[Pair, Ints]
# By name; None where they are too many.
Strata: TypeAlias = Mapping[str, Panel] | None


@dataclass(frozen=True)
class Tally:
    """`panels` by question; `strata`, those of the main question by the task's stratum where it has a name; `pairs`
    with a table of labels for each two raters, the lesser first; how much each rater judged; how many judgments
    preferred a side, and how many of them the left one."""

    panels: Mapping[str, Panel] = field(default_factory=dict)
    strata: Strata = field(default_factory=dict)
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
            panels=exchanged(self.panels, before.panels, after.panels),
            strata=exchanged_strata(self.strata, before.strata, after.strata),
            pairs=moved(self.pairs, before.pairs, after.pairs),
            raters=moved(self.raters, before.raters, after.raters),
            decisive=self.decisive + after.decisive - before.decisive,
            left=self.left + after.left - before.left,
        )

    def as_json(self) -> dict[str, Any]:
        """Without `pairs`, of which there may be thousands."""
        return {
            "panels": as_kept(self.panels),
            "strata": None if self.strata is None else as_kept(self.strata),
            "raters": {str(rater): count for rater, count in sorted(self.raters.items())},
            "decisive": self.decisive,
            "left": self.left,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Tally:
        if not body:
            return cls()
        return cls(
            panels=from_kept(body["panels"]),
            strata=None if body["strata"] is None else from_kept(body["strata"]),
            raters={int(rater): count for rater, count in body["raters"].items()},
            decisive=body["decisive"],
            left=body["left"],
        )


def as_kept(panels: Mapping[str, Panel]) -> dict[str, Any]:
    return {name: panel.as_json() for name, panel in sorted(panels.items())}


def from_kept(panels: Mapping[str, Any]) -> dict[str, Panel]:
    return {name: Panel.from_json(panel) for name, panel in panels.items()}


def exchanged(
    now: Mapping[str, Panel], before: Mapping[str, Panel], after: Mapping[str, Panel]
) -> dict[str, Panel]:
    """Panels with `after` in place of `before`."""
    nothing = Panel(K)
    return {
        name: now.get(name, nothing).minus(before.get(name, nothing)).plus(after.get(name, nothing))
        for name in {*now, *after}
    }


def exchanged_strata(now: Strata, before: Strata, after: Strata) -> Strata:
    """The same; once they are too many they stay so, as nothing is ever taken away here."""
    if now is None or before is None or after is None:
        return None
    found = exchanged(now, before, after)
    return found if len(found) <= MOST_STRATA else None


def moved(now: Mapping[Any, Any], before: Mapping[Any, Any], after: Mapping[Any, Any]) -> dict[Any, Any]:
    """Counts with `after` in place of `before`; those of 0 are left out."""
    found = dict(now)
    for name, count in after.items():
        found[name] = found.get(name, 0) + count
    for name, count in before.items():
        found[name] = found.get(name, 0) - count
    return {name: count for name, count in found.items() if np.any(count)}


class Ballots:
    """Votes in columns, eleven bytes each and one for each further question; of a unit twelve.

    A rater has one vote for a unit; a unit belongs to one item, and its votes come one after another.
    """

    def __init__(self, criteria: Iterable[str] = ()) -> None:
        # By unit: its item, its stratum (-1 without a name), and where its votes begin.
        self.items, self.strata, self.starts = array("i"), array("i"), array("i")
        self.raters = array("i")
        # Numbers in `LABELS`; of a criterion that was not asked, -1.
        self.labels = {name: array("b") for name in (MAIN, *criteria)}
        self.left_first = array("b")
        self._numbers: dict[str, int] = {}
        self._named: dict[str, int] = {}
        self._unit: int | None = None

    def add(
        self,
        *,
        item: str,
        stratum: str,
        unit: int,
        rater: int,
        label: int,
        left_first: bool,
        answers: Mapping[str, int],
    ) -> None:
        """`left_first` says that the first system of the pair stood left."""
        if unit != self._unit:
            self._unit = unit
            self.items.append(self._numbers.setdefault(item, len(self._numbers)))
            self.strata.append(self._named.setdefault(stratum, len(self._named)) if stratum else -1)
            self.starts.append(len(self.raters))
        self.raters.append(rater)
        self.left_first.append(left_first)
        for name, column in self.labels.items():
            column.append(label if name == MAIN else answers.get(name, -1))

    def tally(self) -> Tally:
        labels = np.array(self.labels[MAIN])
        decisive, left = labels < 2, (labels == 0) == (np.array(self.left_first) == 1)
        raters, counts = np.unique(np.array(self.raters), return_counts=True)
        return Tally(
            panels={name: self._panel(name) for name in self.labels},
            strata=self._strata(),
            pairs=self._pairs(),
            raters=dict(zip(raters.tolist(), counts.tolist(), strict=True)),
            decisive=int(decisive.sum()),
            left=int((decisive & left).sum()),
        )

    def spread(self) -> float | None:
        """How far items vary in what they pull at the mean kappa over pairs: see `pairwise.spread_of`."""
        codes, tables = self._tables
        pulls, shares = np.zeros(len(self._numbers)), np.zeros(len(self._numbers), dtype=bool)
        for unit, code, shared in self._shared():
            item = np.array(self.items)[unit]
            pair = np.searchsorted(codes, code)
            pull = pulls_on_the_mean(tables, pair, shared.said_one, shared.said_other)
            pulls += np.bincount(item, weights=pull, minlength=len(pulls))
            shares[item] = True
        found = spread_of(pulls[shares])
        return None if isinstance(found, Undefined) else found

    @cached_property
    def _unit_of(self) -> NDArray[np.int32]:
        sizes = np.diff(np.append(np.array(self.starts), len(self.raters)))
        return np.repeat(np.arange(len(self.starts), dtype=np.int32), sizes)

    def _panel(self, question: str) -> Panel:
        return Panel.of(self._counts(question), np.array(self.items))

    def _strata(self) -> Strata:
        if not self._named or len(self._named) > MOST_STRATA:
            return None if self._named else {}
        counts, items, of_unit = self._counts(MAIN), np.array(self.items), np.array(self.strata)
        return {
            name: Panel.of(counts[of_unit == number], items[of_unit == number])
            for name, number in self._named.items()
        }

    def _counts(self, question: str) -> Ints:
        """How often each label was given, of each unit."""
        label = np.array(self.labels[question])
        asked, units = label >= 0, len(self.starts)
        cells = self._unit_of[asked].astype(np.int64) * K + label[asked]
        return np.bincount(cells, minlength=units * K).reshape(units, K)

    @cached_property
    def _raters(self) -> Ints:
        return np.unique(np.array(self.raters)).astype(np.int64)

    def _shared(self) -> Iterator[tuple[Ints, Ints, Shared]]:
        """Each two votes for a unit, some units at a time: the unit, the number of the two raters, and both."""
        starts = np.append(np.array(self.starts, dtype=np.int64), len(self.raters))
        names, first = self._raters, 0
        while first < len(starts) - 1:
            last = max(first + 1, int(np.searchsorted(starts, starts[first] + AT_ONCE, side="right")) - 1)
            here = slice(int(starts[first]), int(starts[last]))
            shared = together(
                self._unit_of[here].astype(np.int64),
                np.array(self.raters[here], dtype=np.int64),
                np.array(self.labels[MAIN][here], dtype=np.int64),
            )
            first = last
            one, other = np.searchsorted(names, shared.one), np.searchsorted(names, shared.other)
            yield shared.unit, one * len(names) + other, shared

    @cached_property
    def _tables(self) -> tuple[Ints, Ints]:
        """The numbers of the pairs of raters that share a unit, ascending, and the table of each."""
        cells: list[Ints] = []
        for _, code, shared in self._shared():
            cell, counts = np.unique((code * K + shared.said_one) * K + shared.said_other, return_counts=True)
            cells.append(np.stack([cell, counts]))
        if not cells:
            return np.empty(0, dtype=np.int64), np.empty((0, K, K), dtype=np.int64)
        cell, count = np.concatenate(cells, axis=1)
        codes, pair = np.unique(cell // (K * K), return_inverse=True)
        tables = np.zeros((len(codes), K * K), dtype=np.int64)
        np.add.at(tables, (pair, cell % (K * K)), count)
        return codes, tables.reshape(-1, K, K)

    def _pairs(self) -> Tables:
        codes, tables = self._tables
        names = self._raters
        ones, others = names[codes // max(len(names), 1)].tolist(), names[codes % max(len(names), 1)].tolist()
        return dict(zip(zip(ones, others, strict=True), tables, strict=True))
