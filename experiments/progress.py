"""How far an experiment is, how fast it goes, and when it will have asked everything."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q

from experiments.models import Experiment, OutputState

# The pace is that of the last minute.
WINDOW = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Progress:
    """Outputs. `per_minute` is 0 where none came in the last minute; `remaining_s` None where that tells nothing."""

    total: int
    done: int
    per_minute: int = 0
    remaining_s: int | None = None


def of(experiment: Experiment, *, at: dt.datetime) -> Progress:
    since = at - WINDOW
    if experiment.started_at and experiment.started_at > since:
        since = experiment.started_at
    # What is reused tells nothing of how long the others take.
    asked = Q(state=OutputState.DONE, reused_from=None)
    found = experiment.outputs.aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(state=OutputState.DONE)),
        lately=Count("pk", filter=asked & Q(finished_at__gt=since)),
    )
    total, done, lately = found["total"], found["done"], found["lately"]
    seconds = (at - since).total_seconds()
    if not lately or seconds <= 0 or done == total:
        return Progress(total, done)
    rate = lately / seconds
    return Progress(total, done, round(rate * 60), round((total - done) / rate))
