"""Act: an experiment waits for outputs that somebody has to bring; whoever finishes bringing them wakes it."""

import datetime as dt

from django.db import transaction
from django.db.models import Count, Q

from experiments import lifecycle
from experiments.models import Experiment, ExperimentStatus, OutputState, Run

# Finishing an upload makes the experiment due at once. That a worker looks again all the same costs a query an hour.
LOOKED_AT_AGAIN = dt.timedelta(hours=1)


def awaited(experiment: Experiment) -> list[Run]:
    """The runs whose outputs somebody has yet to bring, with the numbers of `examples` and of `missing` ones."""
    counted = experiment.runs.awaited().annotate(
        examples=Count("outputs"), missing=Count("outputs", filter=~Q(outputs__state=OutputState.DONE))
    )
    return list(counted.select_related("version").order_by("arm"))


@transaction.atomic
def wait(experiment: Experiment, runs: list[Run], *, at: dt.datetime) -> None:
    """Wait for the outputs of `runs`; call it where nothing is left to ask."""
    lifecycle.EXPERIMENT.advance(
        experiment,
        to=ExperimentStatus.WAITING,
        reason=" ".join(sentence(run) for run in runs),
        next_attempt_at=at + LOOKED_AT_AGAIN,
        failed_attempts=0,
    )
    # Whoever finished an upload after `runs` were read has made it due before the line above, and unseen.
    if len(awaited(experiment)) < len(runs):
        Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)


def sentence(run: Run) -> str:
    # Without how many are missing: this is written once, and outputs come in between.
    at = f"/api/v1/runs/{run.public_id}"
    return (
        f"The outputs of the {run.arm} are brought from outside: "
        f"upload them with POST {at}/outputs, then say with POST {at}/finish that they are all there."
    )
