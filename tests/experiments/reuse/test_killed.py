"""A worker is killed at each line between the lookup of earlier answers and the writing of those that are reused."""

import datetime as dt
import inspect
import os
import signal
import sys
from collections import Counter
from functools import partial

import pytest
from django.db import connection

from evaltrack import bulk, clock
from experiments.models import EndpointShare, Experiment, ExperimentStatus, Outcome, OutputState
from experiments.running import claims, planning, reuse, scheduler
from experiments.running.worker import Worker
from tests.endpoint import serve, wrong_on
from tests.experiments.reuse.playing import submitted_again

EXAMPLES = 4
# Of both arms' outputs so many find an answer, and the others do not.
FOUND, REST = 6, 2
# From the lookup on. Whatever these call is a line of theirs.
CODE = {
    function.__code__
    for function in (
        reuse.Reuse.left, inspect.unwrap(reuse.Reuse.take), reuse.Reuse.found, reuse.Reuse.fits, bulk.update_rows,
    )
}  # fmt: skip
MOST_LINES = 200


def dies_at_line(number, experiment):
    """Claim all of the experiment as a worker does, and be killed before the `number`th line that is new is run."""
    seen = set()

    def trace(frame, event, _):
        if frame.f_code not in CODE:
            return None
        if event == "line":
            seen.add((frame.f_code, frame.f_lineno))
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    with Worker() as worker:
        worker.take_up(experiment)
        worker.paces.look()
        [each] = worker.open.values()
        room = worker.paces.room(each.claimable, among=1)
        sys.settrace(trace)
        each.claim(room, at=clock.now())
        sys.settrace(None)


def in_process(act):
    """How a process ended that did `act` with a connection of its own."""
    connection.close()  # a child must not speak on its parent's
    child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def alike(monkeypatch):
    """Every answer fits every output, so that only what is written down keeps one from being used twice."""
    monkeypatch.setattr(reuse.Reuse, "key", lambda *args: "f" * 64)
    # What is asked now is not reused by those that come later: each finds the same.
    monkeypatch.setattr(reuse.Reuse, "reusable", lambda *args: None)


@pytest.mark.django_db(transaction=True)
def test_a_worker_may_be_killed_at_any_line_between_lookup_and_writing(first, alike, settings):
    with serve(wrong_on("v1.0.0", 1)) as endpoint:
        earlier = first(endpoint, examples=EXAMPLES)
        found = dict(earlier.outputs.order_by("pk")[:FOUND].values_list("pk", "text"))
        earlier.outputs.filter(pk__in=list(found)).update(cache_key="f" * 64)
        asked = len(endpoint.calls)
        experiments: list[Experiment] = []
        left_behind: Counter[str] = Counter()
        for number in range(1, MOST_LINES):
            submitted = submitted_again(earlier)
            planning.start(Experiment.objects.with_names().get(pk=submitted.pk), at=clock.now())
            experiments.append(Experiment.objects.with_names().get(pk=submitted.pk))
            code = in_process(partial(dies_at_line, number, experiments[-1]))
            # As when its lease has ended: the next one finds the endpoint free.
            EndpointShare.objects.all().delete()
            rows = submitted.outputs.values_list("state", "reused_from")
            states = Counter((state, source is not None) for state, source in rows)
            if code == 0:
                assert states == {(OutputState.DONE, True): FOUND, (OutputState.OPEN, False): REST}
                break
            assert code == -signal.SIGKILL, f"line {number}"
            # All of them or none.
            if states == {(OutputState.LEASED, False): FOUND + REST}:
                left_behind["none"] += 1
            else:
                assert states == {(OutputState.DONE, True): FOUND, (OutputState.LEASED, False): REST}
                left_behind["all"] += 1
        else:
            pytest.fail("no worker came to its end")
        assert left_behind["none"] > 20
        assert left_behind["all"] >= 1
        claims.reap(at=clock.now() + dt.timedelta(seconds=settings.LEASE_SECONDS + 1))
        for _ in range(30):
            if not Experiment.objects.in_progress().exists():
                break
            scheduler.drain()
        # None lost: only what nobody had answered before is asked.
        assert len(endpoint.calls) == asked + REST * len(experiments)
    for each in experiments:
        each.refresh_from_db()
        assert each.status == ExperimentStatus.DECIDED
        assert set(each.outputs.values_list("state", "outcome")) == {(OutputState.DONE, Outcome.ANSWERED)}
        reused = each.outputs.filter(reused_from__isnull=False).values_list("reused_from", "text")
        # None used twice, and each whole.
        assert sorted(reused) == sorted(found.items())
