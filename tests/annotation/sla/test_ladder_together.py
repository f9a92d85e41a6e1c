"""Workers at the same moment, and workers that die: real connections and real processes, on PostgreSQL."""

import os
import signal
import sys
from collections import Counter
from functools import partial

import pytest
from django.db import connection

from annotation import assignment
from annotation.models import Escalation, Level
from annotation.sla import escalation
from evaltrack.notifications import outbox
from evaltrack.notifications.models import Notification
from tests.annotation.together import together
from tests.factories import sla as slas

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

OPENED = slas.berlin("2026-03-27T16:00")
LATE = slas.berlin("2026-04-20T12:00")
# Where rows are written: a death elsewhere comes between two of these lines.
WRITING = {module.__file__ for module in (escalation, assignment, outbox)}
MOST_LINES = 2_000


@pytest.fixture
def late_campaigns(transactional_db, lead, evaluator_one):
    """Six campaigns of different sizes that are late."""
    slas.policy(lead)
    return [slas.campaign(lead, at=OPENED, items=size) for size in (1, 2, 3, 5, 8, 40)]


def steps():
    return Counter(Escalation.objects.values_list("level", "task__campaign"))


def told():
    return Counter(Notification.objects.values_list("recipient__username", "dedupe_key"))


def escalates():
    return escalation.escalate_overdue(at=LATE)


def test_four_workers_take_each_step_once(late_campaigns, lead, evaluator_one):
    counts = together(*[escalates] * 4)
    # What a worker passed over, as another had it, that one has done.
    assert sum(counts) == 2 * 59
    assert steps() == {
        (level, row.pk): row.task_count for level in (Level.REMIND, Level.WIDEN) for row in late_campaigns
    }
    kinds = Counter((name, key.partition(":")[0]) for name, key in told())
    assert kinds["lead", "tasks-overdue"] == kinds["evaluator_one", "tasks-late"] == 6
    assert set(told().values()) == {1}
    assert escalates() == 0


def in_process(act):
    """How a process ended that did `act` with a connection of its own."""
    connection.close()  # a child must not speak on its parent's
    return ended(started(act))


def started(act):
    child = os.fork()
    if child:
        return child
    try:
        act()
        os._exit(0)
    finally:
        os._exit(1)


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dies_at_line(number):
    """Escalate, and die before our `number`th line is run."""
    left = number

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename not in WRITING:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    escalates()
    sys.settrace(None)


def test_a_worker_may_die_between_any_two_lines(transactional_db, lead, evaluator_one):
    slas.policy(lead)
    campaign = slas.campaign(lead, at=OPENED, items=3)
    before, killed = told(), 0
    for number in range(1, MOST_LINES):
        if (code := in_process(partial(dies_at_line, number))) == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        # Steps and messages, or neither.
        assert bool(steps()) == (told() != before), f"line {number}"
    assert killed > 50
    assert steps() == {(Level.REMIND, campaign.pk): 3, (Level.WIDEN, campaign.pk): 3}
    new = told() - before
    assert sorted((name, key.partition(":")[0]) for name, key in new) == [
        ("evaluator_one", "tasks-late"),
        ("lead", "tasks-overdue"),
    ]
    assert set(new.values()) == {1}


def test_workers_that_die_while_others_go_on_leave_nothing_undone(late_campaigns):
    """Four processes at a time, of which each dies somewhere, until one finds nothing left to do."""
    connection.close()
    codes = {-signal.SIGKILL}
    for number in range(20, 6_000, 29):
        children = [started(partial(dies_at_line, number + 7 * offset)) for offset in range(4)]
        codes = {ended(child) for child in children}
        assert codes <= {0, -signal.SIGKILL}
        if codes == {0}:
            break
    assert codes == {0}
    assert escalates() == 0
    assert sum(steps().values()) == 2 * 59
    assert set(told().values()) == {1}
