"""What several runs said to the same examples, those first on which most runs did worse than the reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.examples import Example
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


def differing(metric: Metric, runs: Sequence[Run]) -> list[Spread]:
    """The examples on which some run differs from the first: most runs worse first, then most better."""
    values = vectors(runs, metric.name)
    table = np.array([values[run.pk, metric.name] for run in runs])
    gains = (table[1:] - table[0]) * (1 if metric.direction == Direction.HIGHER else -1)
    worse, better = (gains < 0).sum(axis=0), (gains > 0).sum(axis=0)
    differs = np.flatnonzero(worse + better)
    ordered = differs[np.lexsort((differs, -better[differs], -worse[differs]))]
    return [
        Spread(
            index=int(index),
            values=tuple(None if np.isnan(value) else float(value) for value in table[:, index]),
            worse=int(worse[index]),
            better=int(better[index]),
        )
        for index in ordered
    ]


def identified(reference: Run, found: Sequence[Spread]) -> list[tuple[str, Spread]]:
    """Each with the id of its example."""
    ids = list(reference.outputs.order_by("position", "repeat").values_list("example_id", flat=True))
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
