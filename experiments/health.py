"""What a golden dataset still tells: which examples divide systems, and which references look wrong. Reads alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from datasets.models import DatasetVersion
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import wilson
from evaltrack.stats.items import FEWEST_SYSTEMS, Items, analysed
from experiments.metrics import REGISTRY
from experiments.metrics.base import Kind
from experiments.metrics.text import normalized
from experiments.models import Experiment, MetricResult, Output, Run

# The newest versions that answered; older ones say what was hard once.
MOST_SYSTEMS = 50
# So large a share of the systems that all fail an example in the same words speaks against its reference.
SAME_WORDS = 2 / 3
MOST_SHOWN = 50
SATURATED = 0.95


@dataclass(frozen=True)
class Doubtful:
    """An example whose reference may be wrong: `answer` is what `share` of systems say, None where they differ."""

    example: str
    mean: float
    discrimination: float | None
    answer: str | None
    share: float


@dataclass(frozen=True)
class Health:
    """`best` is the share that the best system passes; `always` and `never` are ids of examples."""

    metric: str
    systems: int
    examples: int
    always: list[str]
    never: list[str]
    telling: int
    best: Estimate | Undefined
    saturated: bool
    doubtful: list[Doubtful]

    @property
    def enough(self) -> bool:
        return self.systems >= FEWEST_SYSTEMS


def metrics_of(version: DatasetVersion, *, seen_by: User) -> list[str]:
    """Those that score an example right or wrong, and were measured on this version."""
    rows = MetricResult.objects.filter(run__in=runs(version, seen_by=seen_by), kind=Kind.BINARY)
    return sorted(set(rows.values_list("metric", flat=True)) & set(REGISTRY))


def runs(version: DatasetVersion, *, seen_by: User) -> list[Run]:
    """The newest finished run of each system, the newest first. Whoever keeps datasets needs those of everybody."""
    experiments = Experiment.objects.filter(dataset_version=version)
    if not seen_by.can(Permission.MANAGE_DATASETS):
        experiments = experiments.visible_to(seen_by)
    rows = Run.objects.filter(experiment__in=experiments, metrics__isnull=False).distinct()
    newest: dict[int, Run] = {}
    for row in rows.order_by("-started_at", "-pk"):
        if len(newest) < MOST_SYSTEMS:
            newest.setdefault(row.version_id, row)
    return list(newest.values())


def of(version: DatasetVersion, metric: str, *, seen_by: User) -> Health:
    chosen = runs(version, seen_by=seen_by)
    values = dict(MetricResult.objects.filter(run__in=chosen, metric=metric).values_list("run", "values"))
    measured = [run for run in chosen if run.pk in values]
    asked = examples_of(measured)
    names = sorted({name for several in asked.values() for name in several})
    place = {name: number for number, name in enumerate(names)}
    matrix = np.full((len(measured), len(names)), np.nan)
    for row, run in enumerate(measured):
        matrix[row, [place[name] for name in asked[run.pk]]] = values[run.pk]
    items = analysed(matrix)
    best = max((share(row) for row in matrix), key=value_of, default=Undefined("no system was measured"))
    divided = (items.mean > 0) & (items.mean < 1)
    return Health(
        metric=metric,
        systems=len(measured),
        examples=len(names),
        always=[name for name in names if items.mean[place[name]] == 1],
        never=[name for name in names if items.mean[place[name]] == 0],
        telling=int(divided.sum()),
        best=best,
        saturated=isinstance(best, Estimate) and best.ci_low is not None and best.ci_low >= SATURATED,
        doubtful=doubtful(items, names, measured) if len(measured) >= FEWEST_SYSTEMS else [],
    )


def share(row: np.ndarray) -> Estimate | Undefined:
    seen = row[~np.isnan(row)]
    return wilson(int(seen.sum()), len(seen))


def value_of(found: Estimate | Undefined) -> float:
    return found.value if isinstance(found, Estimate) else -1.0


def examples_of(measured: Iterable[Run]) -> dict[int, list[str]]:
    """The ids of each run's examples, in the order of its values."""
    found: dict[int, list[str]] = {run.pk: [] for run in measured}
    rows = Output.objects.filter(run__in=list(found), repeat=0).order_by("run", "position")
    for run, example in rows.values_list("run", "example_id"):
        found[run].append(example)
    return found


def doubtful(items: Items, names: list[str], measured: list[Run]) -> list[Doubtful]:
    """What all fail in the same words, and what the better systems fail; the most suspicious first."""
    suspects = [
        place
        for place in range(len(names))
        if items.systems[place] >= FEWEST_SYSTEMS
        and (items.mean[place] == 0 or items.discrimination[place] < 0)
    ]
    said = answers([names[place] for place in suspects], measured)
    found = []
    for place in suspects:
        answer, times = said[names[place]].most_common(1)[0] if said[names[place]] else ("", 0)
        agreed = times / items.systems[place]
        alike = items.mean[place] == 0 and agreed >= SAME_WORDS
        if alike or items.discrimination[place] < 0:
            correlation = items.discrimination[place]
            found.append(
                Doubtful(
                    example=names[place],
                    mean=float(items.mean[place]),
                    discrimination=None if np.isnan(correlation) else float(correlation),
                    answer=answer if alike else None,
                    share=float(agreed),
                )
            )
    return sorted(found, key=lambda each: (each.answer is None, each.discrimination or 0.0))[:MOST_SHOWN]


def answers(examples: list[str], measured: list[Run]) -> dict[str, Counter[str]]:
    """What systems said to these examples, case and punctuation left out; nothing where there was no answer."""
    said: dict[str, Counter[str]] = {example: Counter() for example in examples}
    rows = Output.objects.filter(run__in=measured, example_id__in=examples, outcome="answered", repeat=0)
    for example, text in rows.values_list("example_id", "text"):
        if words := normalized(text or "")[:500]:
            said[example][words] += 1
    return said
