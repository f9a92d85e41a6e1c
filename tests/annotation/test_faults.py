"""Nothing acknowledged is lost and nothing is doubled, while workers are killed and the database crashes.

`python -m benchmarks.faults` does the same with 100,000 judgments.
"""

import pytest

from tests import postgresql
from tests.annotation.faults.evaluator import Odds
from tests.annotation.faults.run import Plan, run

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(postgresql.programs() is None, reason=postgresql.INSTALL),
]


# Often enough that each happens in a short run.
ODDS = Odds(replay=0.15, late_replay=0.1, hang_up=0.1, two_tabs=0.15, overstay=0.05, undo=0.1, prefetch=0.2)
PLAN = Plan(tasks=75, overlap=2, evaluators=8, lease_s=1, kill_every_s=4, restarts=1, odds=ODDS)


def test_what_was_acknowledged_is_kept_once_whatever_breaks():
    # Its own cluster: a crash of the suite's would end the suite.
    found = run(PLAN)
    assert found["wrong"] == {}
    assert found["told wrongly"] == []
    assert found["slots"] == {"done": 150}
    # A run in which nothing broke, or nobody was told anything, would prove nothing.
    assert found["acknowledged"] > 75
    injected = {"replay", "late_replay", "hang_up", "two_tabs", "overstay", "undo", "worker killed"}
    assert injected <= {fault for fault, number in found["faults"].items() if number}
    assert found["faults"]["database crashed"] == 1
