"""How many answers of an experiment were given in earlier ones, and whether they are those that they name."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min

from experiments.models import Arm, Experiment, Output, Run
from experiments.running.reuse import COPIED

CHUNK = 500


@dataclass(frozen=True)
class OfRun:
    """`oldest` is when the oldest of the reused answers was given; None where none is."""

    reused: int = 0
    oldest: dt.datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {"reused": self.reused, "oldest": self.oldest.isoformat() if self.oldest else None}


@dataclass(frozen=True)
class Reused:
    """By arm, of those that may reuse; `answers` is how many outputs both arms have."""

    arms: Mapping[str, OfRun]
    answers: int

    @property
    def count(self) -> int:
        return sum(each.reused for each in self.arms.values())

    @property
    def oldest(self) -> dt.datetime | None:
        return min((each.oldest for each in self.arms.values() if each.oldest), default=None)

    def as_json(self) -> dict[str, Any]:
        by_arm = {arm: each.as_json() for arm, each in self.arms.items()}
        return {"reused": self.count, "answers": self.answers, "arms": by_arm}


def of(experiment: Experiment, runs: Iterable[Run]) -> Reused | None:
    """None where nothing may be reused."""
    caching = [run for run in runs if "cache" in run.record and run.arm]
    if not caching:
        return None
    found = counted(caching)
    plan = experiment.plan.body
    return Reused({run.arm: found[run.pk] for run in caching}, plan["examples"] * plan["repeats"] * len(Arm))


def counted(runs: Iterable[Run]) -> dict[int, OfRun]:
    found = {run.pk: OfRun() for run in runs}
    # By the experiment, which is what the index has.
    rows = Output.objects.filter(
        experiment__in={run.experiment_id for run in runs}, run__in=found, reused_from__isnull=False
    )
    for pk, n, oldest in (
        rows.values("run")
        .annotate(n=Count("pk"), oldest=Min("reused_from__finished_at"))
        .values_list("run", "n", "oldest")
        .order_by()
    ):
        found[pk] = OfRun(n, oldest)
    return found


def keep(runs: Iterable[Run]) -> None:
    """Write into each run's record, beside what it may reuse, what it has."""
    caching = [run for run in runs if "cache" in run.record]
    for pk, each in counted(caching).items() if caching else ():
        run = next(run for run in caching if run.pk == pk)
        run.record = {**run.record, "cache": run.record["cache"] | each.as_json()}
        run.save(update_fields=["record"])


def differ(runs: Mapping[Arm, Run]) -> Iterator[str]:
    """A sentence for each record that counts otherwise, and each answer that is not the one it names. For reading."""
    for arm, run in runs.items():
        rows = Output.objects.filter(
            experiment=run.experiment_id, run=run, reused_from__isnull=False
        ).select_related("reused_from")
        count, oldest = 0, None
        for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
            given = row.reused_from
            assert given is not None
            assert given.finished_at is not None
            count, oldest = count + 1, min(oldest or given.finished_at, given.finished_at)
            if any(getattr(row, name) != getattr(given, name) for name in COPIED):
                yield f"An output of the {arm} is not the answer that it is said to reuse."
            if row.finished_at is None or given.finished_at > row.finished_at:
                yield f"An output of the {arm} reuses an answer that came after it."
        kept = run.record.get("cache")
        if kept is None and count:
            yield f"The {arm} reuses answers, which its record does not allow."
        wanted = OfRun(count, oldest).as_json()
        if kept is not None and {name: kept.get(name) for name in wanted} != wanted:
            yield f"What the record of the {arm} says of reused answers is not what its outputs show."
