"""Nothing acknowledged is lost and nothing is doubled, while workers are killed and the database crashes.

`python -m benchmarks.faults` does the same with 100,000 judgments.
"""

import pytest

from tests import postgresql
from tests.annotation.faults.run import Plan, run

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(postgresql.programs() is None, reason=postgresql.INSTALL),
]


def test_what_was_acknowledged_is_kept_once_whatever_breaks():
    # Its own cluster: a crash of the suite's would end the suite.
    found = run(Plan(tasks=150, overlap=2, evaluators=8, lease_s=1, kill_every_s=4, restarts=1))
    assert found["wrong"] == {}
    assert found["told wrongly"] == []
    assert found["slots"] == {"done": 300}
    assert found["acknowledged"] >= 300 - found["answers"].get("no answer", 0) - found["faults"]["hang_up"]
    # A run in which nothing broke would prove nothing.
    injected = {"replay", "late_replay", "hang_up", "two_tabs", "overstay", "undo", "worker killed"}
    assert injected <= found["faults"].keys()
    assert found["faults"]["database crashed"] == 1
