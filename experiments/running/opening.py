"""Everything that asking for the outputs of an experiment needs, made ready when a worker takes it up."""

import datetime as dt
import time
import uuid

from datasets.shelf import Shelf
from evaltrack.errors import refuse_if
from experiments import policies, pricing, targets
from experiments.judging import asking
from experiments.models import Experiment, Run
from experiments.running import replies, reuse
from experiments.running.collection import Collection
from experiments.tariff import Tariff


def opened(experiment: Experiment, token: uuid.UUID, *, at: dt.datetime, shelf: Shelf) -> Collection:
    """What a worker claims from, under `token`.

    Raises Refused where an address or a key is not allowed, or no budget is kept.
    """
    rows = Run.objects.asked().unfinished().filter(experiment=experiment)
    runs = list(rows.select_related("version"))
    asked = {run.pk: targets.parse(run.version.configuration) for run in runs}
    for target in asked.values():
        refuse_if(policies.asking(target))
    endpoint_of = {run.pk: run.endpoint_id for run in runs if run.endpoint_id is not None}
    tariffs = {run.pk: tariff for run in runs if (tariff := Tariff.of(run.record.get("price")))}
    if experiment.budget_micro is not None:
        # The price is that of the plan, which may be another one than when the budget was granted.
        for run, target in asked.items():
            refuse_if(pricing.uncapped(target, tariffs.get(run)))
    examples = shelf.examples(experiment.dataset_version)
    judging = asking.of(experiment, runs)
    reusing = reuse.of(experiment, runs, asked)
    # Deadlines go by the database's clock, and durations by the one that nobody sets.
    now = time.monotonic()
    laid_out = {run.pk: now - (at - run.started_at).total_seconds() for run in runs}
    return Collection(
        experiment,
        token,
        asked,
        endpoint_of,
        examples,
        tariffs,
        laid_out,
        judging,
        reusing,
        replies.kept_of(experiment, runs),
    )
