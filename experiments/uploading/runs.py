"""Acts: open a run for the outputs that somebody brings, and say that they are all there."""

import datetime as dt

from django.db import transaction
from django_q.tasks import async_task

from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import policies, targets, verdicts
from experiments.models import Arm, Experiment, ExperimentStatus, Outcome, OutputState, Run
from experiments.running import planning
from experiments.uploading import waiting

MOST_NAMED = 10
# What an output says for which nobody brought anything.
MISSING = "missing: no output was uploaded"


def open_run(experiment: Experiment, arm: Arm, *, by: User, at: dt.datetime) -> Run:
    """The run of an arm whose outputs are brought. Opening it again answers with the same one.

    The plan is locked first, if no worker has: which examples are asked for is a part of it. Raises Unavailable
    while the dataset's store does not answer; nothing has changed then.
    """
    refuse_if(policies.changing(by, experiment.component))
    version = experiment.candidate if arm == Arm.CANDIDATE else experiment.baseline
    if targets.parse(version.configuration).is_asked:
        raise Invalid(
            "not_uploaded",
            f"The {arm} of {experiment} is {version}, which evaltrack asks itself. Outputs are brought for versions "
            'whose target is {"kind": "uploaded"}.',
            {"arm": ["is not uploaded"]},
        )
    if not experiment.runs.exists():
        refuse_ended(experiment)
        lay_out(experiment, at=at)
    return Run.objects.select_related("experiment", "version__component", "brought_by").get(
        experiment=experiment, arm=arm
    )


def lay_out(experiment: Experiment, *, at: dt.datetime) -> None:
    try:
        planning.start(experiment, at=at)
    except Conflict:
        # A worker was faster, and has laid out the same work; or somebody has cancelled it.
        experiment.refresh_from_db()
        if not experiment.runs.exists():
            refuse_ended(experiment)
            raise
    awaited = waiting.awaited(experiment)
    if len(awaited) == len(Arm):
        waiting.wait(experiment, awaited, at=at)
    else:
        async_task("experiments.jobs.drain")


def refuse_ended(experiment: Experiment) -> None:
    if experiment.status in {ExperimentStatus.CANCELLED, ExperimentStatus.UNDECIDED}:
        raise Conflict(
            "already_ended",
            f"{experiment} is {experiment.status} and takes no outputs any more; run it again.",
        )


def locked(run: Run) -> Run:
    """The run, held until the transaction ends: of two who bring outputs at once the second waits."""
    found = (
        Run.objects.select_for_update(of=("self",), no_key=True)
        .select_related("experiment__component__owner", "experiment__dataset_version__dataset", "version")
        .get(pk=run.pk)
    )
    if not found.is_brought:
        raise Conflict(
            "not_uploaded",
            f"The {found.arm} of {found.experiment} is asked by evaltrack itself; nothing is uploaded for it.",
        )
    return found


@transaction.atomic
def finish(run: Run, *, missing_are_errors: bool, by: User, at: dt.datetime) -> Run:
    """Say that every output is there, or that those that are missing count as errors. Then the experiment goes on.

    Finishing again changes nothing.
    """
    run = locked(run)
    experiment = run.experiment
    refuse_if(policies.changing(by, experiment.component))
    if run.brought_at is not None:
        return run
    refuse_ended(experiment)
    open_ones = run.outputs.filter(state=OutputState.OPEN)
    if missing_are_errors:
        open_ones.update(state=OutputState.DONE, outcome=Outcome.TARGET_ERROR, error=MISSING, finished_at=at)
    elif missing := open_ones.count():
        named = list(open_ones.order_by("position").values_list("example_id", flat=True)[:MOST_NAMED])
        raise Conflict(
            "outputs_missing",
            f"{missing:,} of {run.outputs.count():,} examples have no output of the {run.arm} yet: "
            f"{', '.join(named)}{' and others' if missing > len(named) else ''}. Upload them, or finish with "
            '{"missing": "error"}, which counts each as a call that failed.',
            missing=missing,
            examples=named,
        )
    run.brought_by, run.brought_at = by, at
    run.save(update_fields=["brought_by", "brought_at"])
    Experiment.objects.in_progress().filter(pk=experiment.pk).update(next_attempt_at=None)
    async_task("experiments.jobs.drain")
    errors = run.outputs.filter(outcome=Outcome.TARGET_ERROR).count()
    record(
        Event.OUTPUTS_UPLOADED,
        by=by,
        subject=experiment,
        facts={
            "arm": run.arm,
            "outputs": run.outputs.count(),
            "errors": errors,
            "outputs_root": verdicts.outputs_root(run),
        },
        at=at,
    )
    return run
