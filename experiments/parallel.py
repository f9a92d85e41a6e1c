"""What several runs said to the same examples, those first on which most runs did worse than the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from datasets.examples import Example
from evaltrack.vectors import without_gaps
from experiments import examples
from experiments.metrics.base import Direction, Metric
from experiments.models import Output, Run
from experiments.multirun import vectors


@dataclass(frozen=True)
class Spread:
    """An example by one metric over several runs, the reference first; `index` is its place in the runs."""

    index: int
    values: tuple[float | None, ...]
    worse: int
    better: int


@dataclass(frozen=True)
class Shown:
    spread: Spread
    example_id: str
    example: Example | None
    said: list[tuple[Run, Output, float | None]]

    @property
    def expected(self) -> str:
        return examples.expectation(self.example)


@dataclass(frozen=True)
class Spreads(Sequence[Spread]):
    """Examples in an order; each is made where it is read, as a page shows few of them."""

    table: np.ndarray
    worse: np.ndarray
    better: np.ndarray
    order: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, place: int) -> Spread: ...

    @overload
    def __getitem__(self, place: slice) -> list[Spread]: ...

    def __getitem__(self, place: int | slice) -> Spread | list[Spread]:
        if isinstance(place, slice):
            return [self.at(index) for index in self.order[place]]
        return self.at(self.order[place])

    def at(self, index: int) -> Spread:
        values = tuple(without_gaps(self.table[:, index]))
        return Spread(int(index), values, int(self.worse[index]), int(self.better[index]))


def differing(metric: Metric, runs: Sequence[Run]) -> Spreads:
    """The examples on which some run differs from the first: most runs worse first, then most better."""
    values = vectors(runs, metric.name)
    table = np.array([examples.by_example(values[run.pk, metric.name], metric.kind) for run in runs])
    gains = (table[1:] - table[0]) * (1 if metric.direction == Direction.HIGHER else -1)
    worse, better = (gains < 0).sum(axis=0), (gains > 0).sum(axis=0)
    differs = np.flatnonzero(worse + better)
    order = differs[np.lexsort((differs, -better[differs], -worse[differs]))]
    return Spreads(table, worse, better, order)


def identified(reference: Run, found: Sequence[Spread]) -> list[tuple[str, Spread]]:
    """Each with the id of its example."""
    ids = list(reference.outputs.one_each().values_list("example_id", flat=True))
    return [(ids[spread.index], spread) for spread in found]


def shown(runs: Sequence[Run], found: Sequence[Spread], *, reads_examples: bool) -> list[Shown]:
    """The examples of one page with what each run said."""
    if not found:
        return []
    places = examples.places(runs[0])
    at = {spread.index: places[spread.index] for spread in found}
    rows = Output.objects.filter(run__in=runs, position__in=[position for position, _ in at.values()])
    said = {(row.run_id, row.position, row.repeat): row for row in rows}
    first = {index: said[(runs[0].pk, *place)] for index, place in at.items()}
    wanted = {output.example_id for output in first.values()}
    texts = examples.read(runs[0].experiment, wanted) if reads_examples else {}
    return [
        Shown(
            spread=spread,
            example_id=first[spread.index].example_id,
            example=texts.get(first[spread.index].example_id),
            said=[
                (run, said[(run.pk, *at[spread.index])], value)
                for run, value in zip(runs, spread.values, strict=True)
            ],
        )
        for spread in found
    ]
