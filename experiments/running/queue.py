"""The run queue at a moment: what is unfinished, in the order in which it is asked next, lane by lane. Reads alone.

Of outputs only those are read that are open, leased, or ended within the last minute. Each of these has an index, so
what was done before costs nothing. Numbers are those of everybody; names only of what the reader may see.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from evaltrack.accounts.models import User
from experiments.models import Experiment, ExperimentStatus, Lane, Outcome, Output, OutputState, Run
from experiments.progress import WINDOW
from experiments.running import endpoints
from experiments.running.endpoints import EndpointStanding
from experiments.running.urgency import urgency

# What an experiment is in the queue: its status, unless somebody has paused it.
STATES = ("queued", "running", "waiting", "paused")
SLIM = (
    "lane", "status", "paused_at", "component_id", "failed_attempts", "next_attempt_at", "submitted_at", "started_at",
)  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """Outputs: `open` ones are to be asked for, `brought` ones awaited from outside, `claimed` ones in the hands of
    workers, `lately` those that ended within the last minute, `seconds` long or since the start."""

    open: int = 0
    brought: int = 0
    claimed: int = 0
    lately: int = 0
    seconds: float = WINDOW.total_seconds()

    @property
    def left(self) -> int:
        return self.open + self.brought + self.claimed

    @property
    def remaining_s(self) -> int | None:
        """At this pace; None where nothing came, so that it tells nothing, and where it hangs on uploads."""
        asked = self.open + self.claimed
        return (
            round(asked * self.seconds / self.lately) if asked and self.lately and not self.brought else None
        )


@dataclass(frozen=True)
class LaneDepth:
    """`counts`: experiments by state, of `STATES`. `oldest_s`: the age of the oldest that is queued or waits."""

    lane: Lane
    counts: Mapping[str, int]
    pace: Pace
    oldest_s: float | None


@dataclass(frozen=True)
class Standing:
    """One experiment, `place` counted from 1 in the order in which experiments are asked next, of everybody."""

    experiment: Experiment
    place: int
    pace: Pace


@dataclass(frozen=True)
class RunQueue:
    """`visible`: the standings that the reader may see, the next one first."""

    at: dt.datetime
    lanes: Sequence[LaneDepth]
    visible: Sequence[Standing]
    unfinished: int
    endpoints: Sequence[EndpointStanding] = field(default=())


@dataclass(frozen=True)
class Outputs:
    """Numbers of outputs by experiment id; `claimed_by_run` by run id."""

    open: Mapping[int, int]
    brought: Mapping[int, int]
    claimed: Mapping[int, int]
    claimed_by_run: Mapping[int, int]
    lately: Mapping[int, int]


def of(*, at: dt.datetime, seen_by: User | None = None) -> RunQueue:
    """The queue as `seen_by` may see it; without one, its numbers alone."""
    unfinished = list(Experiment.objects.in_progress().only(*SLIM))
    runs = list(runs_of_unfinished())
    counted, lately_by_lane = count(runs, at=at)
    paces = {row.pk: pace_of(row, counted, at=at) for row in unfinished}
    ordered = in_order(unfinished, paces, at=at)
    going = {
        row.pk
        for row in unfinished
        if row.status == ExperimentStatus.RUNNING and not row.paused_at and paces[row.pk].left
    }
    lanes = [depth(lane, ordered, paces, lately_by_lane[lane], at=at) for lane in Lane]
    if seen_by is None:
        everything = {row.pk for row in unfinished}
        return RunQueue(at, lanes, (), len(ordered), asked_endpoints(runs, counted, everything, going, at=at))
    seen = set(Experiment.objects.in_progress().visible_to(seen_by).values_list("pk", flat=True))
    return RunQueue(
        at,
        lanes,
        [Standing(row, place, paces[row.pk]) for place, row in enumerate(ordered, 1) if row.pk in seen],
        len(ordered),
        asked_endpoints(runs, counted, seen, going, at=at),
    )


def runs_of_unfinished() -> QuerySet[Run]:
    rows = Run.objects.filter(experiment__in=Experiment.objects.in_progress())
    return rows.only("experiment_id", "endpoint_id", "version_id", "brought_at", "in_batches", "judges_id")


def count(runs: Iterable[Run], *, at: dt.datetime) -> tuple[Outputs, Mapping[str, int]]:
    """The outputs that are not done, and those of the last minute, by lane too."""
    experiment_of = {run.pk: run.experiment_id for run in runs}
    outputs = Output.objects.order_by()
    opened = Counter(
        dict(outputs.filter(state=OutputState.OPEN).values_list("experiment").annotate(several=Count("*")))
    )
    by_run = dict(outputs.filter(state=OutputState.LEASED).values_list("run").annotate(several=Count("*")))
    claimed: Counter[int] = Counter()
    for run, several in by_run.items():
        if run in experiment_of:
            claimed[experiment_of[run]] += several
    awaited = {run.pk: run.experiment_id for run in runs if run.is_brought and run.brought_at is None}
    brought: dict[int, int] = {}
    if awaited:
        waiting = outputs.filter(
            state=OutputState.OPEN, experiment__in=set(awaited.values()), run__in=list(awaited)
        )
        brought = dict(waiting.values_list("experiment").annotate(several=Count("*")))
    lately = ended_lately(at=at)
    lanes: Counter[str] = Counter()
    for experiment, lane in Experiment.objects.filter(pk__in=list(lately)).values_list("pk", "lane"):
        lanes[lane] += lately[experiment]
    return Outputs(opened, brought, claimed, by_run, lately), lanes


def ended_lately(*, at: dt.datetime) -> dict[int, int]:
    """By experiment. Answers that an extension has kept were there before it began; what a budget left over was never
    asked for."""
    # Not a join: a database may begin it with the experiments, and read all outputs of each.
    began = Experiment.objects.filter(pk=OuterRef("experiment")).values("started_at")
    ended = Output.objects.order_by().filter(finished_at__gt=at - WINDOW, finished_at__gte=Subquery(began))
    asked = ended.exclude(outcome=Outcome.SKIPPED_BY_BUDGET)
    # An expression: to group by the bare column, SQLite walks all outputs in the order of its index.
    counted = asked.annotate(of=F("experiment_id") + 0).values_list("of").annotate(several=Count("*"))
    return dict(counted)


def pace_of(row: Experiment, counted: Outputs, *, at: dt.datetime) -> Pace:
    brought = counted.brought.get(row.pk, 0)
    running = (at - row.started_at).total_seconds() if row.started_at else 0.0
    return Pace(
        open=counted.open.get(row.pk, 0) - brought,
        brought=brought,
        claimed=counted.claimed.get(row.pk, 0),
        lately=counted.lately.get(row.pk, 0),
        seconds=max(1.0, min(running, WINDOW.total_seconds())),
    )


def in_order(rows: Iterable[Experiment], paces: Mapping[int, Pace], *, at: dt.datetime) -> list[Experiment]:
    """As workers go: by urgency, within a lane the component of which least is in flight; then what waits until a
    later time, and at the end what is paused."""
    held: Counter[int] = Counter()
    rows = list(rows)
    for row in rows:
        held[row.component_id] += paces[row.pk].claimed

    def place(row: Experiment) -> tuple:
        oldest = (row.submitted_at, row.pk)
        if row.paused_at:
            return (2, row.paused_at, *oldest)
        if row.next_attempt_at and row.next_attempt_at > at:
            return (1, row.next_attempt_at, *oldest)
        return (0, urgency(row), held[row.component_id], *oldest)

    return sorted(rows, key=place)


def state_of(row: Experiment) -> str:
    return "paused" if row.paused_at else str(row.status)


def depth(
    lane: Lane,
    rows: Iterable[Experiment],
    paces: Mapping[int, Pace],
    lately: int,
    *,
    at: dt.datetime,
) -> LaneDepth:
    own = [row for row in rows if row.lane == lane]
    # What is paused is not asked, so it is no part of what is left to do.
    going = [row for row in own if not row.paused_at]
    waiting = [
        row.submitted_at for row in going if row.status in {ExperimentStatus.QUEUED, ExperimentStatus.WAITING}
    ]
    counts = Counter(state_of(row) for row in own)
    return LaneDepth(
        lane=lane,
        counts={state: counts[state] for state in STATES},
        pace=Pace(
            open=sum(paces[row.pk].open for row in going),
            brought=sum(paces[row.pk].brought for row in going),
            claimed=sum(paces[row.pk].claimed for row in own),
            lately=lately,
        ),
        oldest_s=(at - min(waiting)).total_seconds() if waiting else None,
    )


def asked_endpoints(
    runs: Sequence[Run], counted: Outputs, seen: Set[int], going: Set[int], *, at: dt.datetime
) -> list[EndpointStanding]:
    """Those that experiments which are `seen` ask. Limits and what is in flight there are those of everybody."""
    asked: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    claimed: Counter[int] = Counter()
    shown = {run.endpoint_id for run in runs if run.experiment_id in seen}
    for run in runs:
        if run.endpoint_id is not None and run.endpoint_id in shown:
            asked[run.endpoint_id][run.experiment_id].add(run.version_id)
            claimed[run.endpoint_id] += counted.claimed_by_run.get(run.pk, 0)
    return endpoints.standing(asked, claimed, going=going, at=at)
