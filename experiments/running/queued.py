"""Unfinished experiments in full: names, progress, age, and what each of them waits for in words. Reads alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F

from experiments.models import Arm, Experiment, ExperimentStatus, Run
from experiments.running import endpoints
from experiments.running.queue import Standing
from experiments.running.urgency import FAILING


@dataclass(frozen=True)
class WaitsFor:
    """A sentence, and until when or since when it holds, where that is known. It may quote an endpoint: pages show it
    as untrusted text."""

    text: str
    until: dt.datetime | None = None
    since: dt.datetime | None = None


@dataclass(frozen=True)
class Queued:
    """`total`: outputs of both arms; None before they are laid out, and while judges are asked, of whose outputs the
    plan does not tell the number. `age_s`: since it was submitted."""

    standing: Standing
    experiment: Experiment
    runs: Sequence[Run]
    total: int | None
    age_s: float
    waits_for: WaitsFor

    @property
    def is_judged(self) -> bool:
        return is_judged(self.runs)

    @property
    def done(self) -> int:
        return max(0, (self.total or 0) - self.standing.pace.left)


def in_full(standings: Sequence[Standing], *, worker_problem: str, at: dt.datetime) -> list[Queued]:
    """A page of standings, in two queries. `worker_problem` is what `heartbeat.problem` says."""
    ids = [each.experiment.pk for each in standings]
    rows = Experiment.objects.filter(pk__in=ids).select_related(
        "component", "candidate", "baseline", "paused_by"
    )
    rows = rows.annotate(examples=F("plan__body__examples"), repeats=F("plan__body__repeats"))
    found = {row.pk: row for row in rows.defer("candidate__configuration", "baseline__configuration")}
    runs: dict[int, list[Run]] = defaultdict(list)
    for run in Run.objects.filter(experiment__in=ids).select_related("endpoint").defer("record"):
        runs[run.experiment_id].append(run)
    return [
        described(each, row, runs[row.pk], worker_problem=worker_problem, at=at)
        for each in standings
        if (row := found.get(each.experiment.pk))
    ]


def described(
    standing: Standing, row: Experiment, runs: Sequence[Run], *, worker_problem: str, at: dt.datetime
) -> Queued:
    examples, repeats = getattr(row, "examples", None), getattr(row, "repeats", None)
    known = examples is not None and not is_judged(runs)
    return Queued(
        standing=standing,
        experiment=row,
        runs=runs,
        total=int(examples) * int(repeats or 1) * len(Arm) if known and examples is not None else None,
        age_s=(at - row.submitted_at).total_seconds(),
        waits_for=waits_for(standing, row, runs, worker_problem=worker_problem, at=at),
    )


def is_judged(runs: Iterable[Run]) -> bool:
    return any(run.is_judging for run in runs)


# ── In words ─────────────────────────────────────────────────────────────────────────────────────────


def waits_for(
    standing: Standing, row: Experiment, runs: Sequence[Run], *, worker_problem: str, at: dt.datetime
) -> WaitsFor:
    """The first of these that holds."""
    pace = standing.pace
    later = row.next_attempt_at if row.next_attempt_at and row.next_attempt_at > at else None
    if row.paused_at:
        return WaitsFor(f"Paused by {row.paused_by}: somebody has to resume it.", since=row.paused_at)
    if row.status == ExperimentStatus.WAITING:
        return WaitsFor(row.reason, until=later)
    if worker_problem and not pace.claimed:
        return WaitsFor("No worker is heard of: start one with manage.py worker.")
    if runs and not pace.left:
        return WaitsFor("Nothing: all is answered, and what comes of it is being computed.")
    if later:
        return WaitsFor("A step failed, and is tried again.", until=later)
    if row.status == ExperimentStatus.QUEUED:
        return WaitsFor("A worker to take it up when it looks next.")
    return asking(standing, row, runs, at=at)


def asking(standing: Standing, row: Experiment, runs: Sequence[Run], *, at: dt.datetime) -> WaitsFor:
    """Of a running experiment with something left to ask or to bring."""
    pace = standing.pace
    asked = [run.endpoint for run in runs if run.endpoint]
    hosts = ", ".join(sorted({endpoints.host_of(each.base_url) for each in asked}))
    if row.budget_micro is not None and row.committed_micro >= row.budget_micro and pace.open:
        return WaitsFor("Its budget is spent or reserved: what it does not reach is skipped.")
    if pace.claimed:
        if all(run.in_batches or run.is_brought for run in runs):
            return WaitsFor(f"A batch at {hosts} to end.")
        return WaitsFor("Nothing: it is asked now.")
    if not pace.open:
        return WaitsFor("Outputs that somebody has yet to bring.")
    closed = [endpoints.closed(each, at=at) for each in asked]
    if closed and all(closed):
        return WaitsFor(f"{hosts} asked to be left alone.", until=min(filter(None, closed)))
    if row.failed_attempts >= FAILING:
        return WaitsFor(
            f"Its turn: it failed {row.failed_attempts} times in a row, and stands behind the others."
        )
    if standing.place > 1:
        return WaitsFor("Its turn: what stands before it is asked first.")
    return WaitsFor("A free call at its endpoint.")
