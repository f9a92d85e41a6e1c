"""What endpoints answered is stored beside the outputs that it ended, where their plan has it kept."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from evaltrack.bulk import insert_rows
from experiments import suite
from experiments.models import Experiment, RawReply, Run


def kept_of(experiment: Experiment, runs: Iterable[Run]) -> frozenset[int]:
    """The keys of the runs whose raw replies are kept. Of judges none: what they say is kept as text already."""
    keeps = suite.parse(experiment.policy.body).keep_replies
    return frozenset(run.pk for run in runs if keeps and not run.is_judging)


def insert(replies: Sequence[RawReply]) -> None:
    """Store those that are not there. Within the transaction that names them in outputs."""
    # In one order, as whoever inserts what another is about to waits for it.
    rows = sorted((each.as_row() for each in replies), key=itemgetter("digest"))
    insert_rows(RawReply, rows, unless_there=True)
