"""Pure: where disagreement comes from, in three lists: evaluators, items, and parts of rubric and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotation.quality.behaviour import SEED, Columns, Ints
from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.panel import Panel
from evaltrack.stats.patterns import distinct_rows
from evaltrack.stats.raters import Origins, alphas_left_out, origins
from evaltrack.stats.remembered import remembered

MOST_OF_A_LIST = 10
MOST_REMEMBERED = 512  # parts of rubric and data
# Parts that are compared: each has a bootstrap.
MOST_PARTS = 30
Statistic = Estimate | Undefined

SENTENCES = {
    "raters": "Most of what is not chance goes with who judges: look at the evaluators first.",
    "items": "Most of what is not chance goes with the items: some are hard, whoever judges them.",
    "rubric": "Most of what is not chance goes with parts of the rubric and the data: the guidance fits some less.",
}
NO_SENTENCE = "None of the three surely explains more than the others: what is left may be chance."


@dataclass(frozen=True)
class WithoutOne:
    """How much higher alpha would be without one evaluator; below 0 they hold it up."""

    rater: int
    alpha: float | Undefined
    gain: float | None


@dataclass(frozen=True)
class ItemAgreement:
    task: int
    agreement: float
    judgments: int


@dataclass(frozen=True)
class Part:
    """A version of the rubric, a criterion, or a stratum, as `kind` says."""

    kind: str
    name: str
    alpha: Statistic
    judgments: int


@dataclass(frozen=True)
class Disagreement:
    alpha: float | Undefined
    raters: list[WithoutOne] = field(default_factory=list)
    items: list[ItemAgreement] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    origins: Origins | Undefined = field(default_factory=lambda: Undefined("there are no judgments"))

    @property
    def sentence(self) -> str:
        if isinstance(self.origins, Undefined):
            return f"Which of the three explains most cannot be said: {self.origins.reason}."
        return SENTENCES[self.origins.most] if self.origins.most else NO_SENTENCE

    def as_json(self, *, named: Mapping[int, str], tasks: Mapping[int, Mapping[str, str]]) -> dict[str, Any]:
        """`named` has what evaluators are called, `tasks` the public id and the item of each task in the list."""
        return {
            "alpha": number(self.alpha),
            "raters": [
                {"evaluator": named[each.rater], "alpha_without": number(each.alpha), "gain": each.gain}
                for each in self.raters
            ],
            "items": [
                {
                    **tasks[each.task],
                    "agreement": rounded(each.agreement),
                    "judgments": each.judgments,
                }
                for each in self.items
            ],
            "rubric": [
                {
                    "kind": each.kind,
                    "name": each.name,
                    "alpha": each.alpha.as_json(),
                    "judgments": each.judgments,
                }
                for each in self.parts
            ],
            "origins": self.origins.as_json(),
            "sentence": self.sentence,
        }


def number(value: float | Undefined) -> dict[str, Any]:
    return value.as_json() if isinstance(value, Undefined) else {"value": rounded(value)}


def disagreement(
    of: Columns, *, strata: Sequence[str], versions: Sequence[str], criteria: Mapping[str, Ints]
) -> Disagreement:
    """`strata` and `versions` name each judgment's stratum and version of the rubric; `criteria` has each criterion's
    labels, -1 where it was not answered."""
    kept = of.is_counted
    if not of.has_labels or not kept.any():
        return Disagreement(Undefined("there are no judgments whose answers can be compared"))
    rater, task, label = of.rater[kept], of.task[kept], of.label[kept]
    scale = np.arange(1.0, of.k + 1) if of.is_scale else None
    alpha, without = alphas_left_out(task, rater, label, values=scale, k=of.k)
    values = label.astype(np.float64)
    return Disagreement(
        alpha=alpha,
        raters=_raters(alpha, without),
        items=_items(of, task, label),
        parts=_parts(of, strata=strata, versions=versions, criteria=criteria),
        origins=origins(rater, task, values, of.group[kept], nominal=not of.is_scale),
    )


def _raters(alpha: float | Undefined, without: Mapping[int, float | Undefined]) -> list[WithoutOne]:
    found = [
        WithoutOne(
            rater,
            left,
            None if isinstance(left, Undefined) or isinstance(alpha, Undefined) else rounded(left - alpha),
        )
        for rater, left in without.items()
    ]
    told = [each for each in found if each.gain is not None]
    return sorted(told, key=lambda each: (-(each.gain or 0.0), each.rater))[:MOST_OF_A_LIST]


def _counts(task: Ints, label: Ints, k: int) -> tuple[Ints, Ints]:
    names, row = np.unique(task, return_inverse=True)
    return names, np.bincount(row * k + label, minlength=len(names) * k).reshape(-1, k)


def _items(of: Columns, task: Ints, label: Ints) -> list[ItemAgreement]:
    """Those of which two judgments are least alike on average; where these are equal, those that more have judged."""
    names, counts = _counts(task, label, of.k)
    points = np.arange(of.k)
    apart = np.abs(points[:, None] - points[None, :]) / (of.k - 1) if of.is_scale else 1 - np.eye(of.k)
    size = counts.sum(axis=1)
    several = size >= 2
    names, counts, size = names[several], counts[several], size[several]
    alike = 1 - ((counts @ apart) * counts).sum(axis=1) / (size * (size - 1))
    order = np.lexsort((names, -size, alike))[:MOST_OF_A_LIST]
    return [
        ItemAgreement(int(names[each]), float(alike[each]), int(size[each]))
        for each in order
        if alike[each] < 1
    ]


def _parts(
    of: Columns, *, strata: Sequence[str], versions: Sequence[str], criteria: Mapping[str, Ints]
) -> list[Part]:
    """Those with the lowest agreement first; what there is one of, says nothing."""
    found: list[Part] = []
    for kind, names in (("version", np.array(versions)), ("stratum", np.array(strata))):
        of_counted, sizes = np.unique(names[of.is_counted], return_counts=True)
        if len(of_counted) < 2:
            continue
        largest = of_counted[np.argsort(-sizes, kind="stable")][:MOST_PARTS]
        for name in largest.tolist():
            here = of.is_counted & (names == name)
            found.append(_part(kind, name, of, of.task[here], of.label[here]))
    for name, labels in list(criteria.items())[:MOST_PARTS]:
        here = of.is_counted & (labels >= 0)
        found.append(_part("criterion", name, of, of.task[here], labels[here]))

    def order(each: Part) -> tuple[bool, float]:
        undefined = isinstance(each.alpha, Undefined)
        return undefined, 0.0 if isinstance(each.alpha, Undefined) else each.alpha.value

    return sorted(found, key=order)


def _part(kind: str, name: str, of: Columns, task: Ints, label: Ints) -> Part:
    if not len(task):
        return Part(kind, name, Undefined("it was not answered yet"), 0)
    k = max(of.k, int(label.max()) + 1)
    alpha = _alpha(*distinct_rows(_counts(task, label, k)[1]), of.is_scale)
    return Part(kind, name, alpha, len(task))


@remembered(MOST_REMEMBERED)
def _alpha(units: Ints, times: Ints, is_scale: bool) -> Statistic:
    """Of units as counts of labels, each so many times."""
    panel = Panel(
        units.shape[1],
        {(tuple(unit),): many for unit, many in zip(units.tolist(), times.tolist(), strict=True)},
    )
    return panel.alpha("interval" if is_scale else "nominal", seed=SEED)
