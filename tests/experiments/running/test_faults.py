"""Workers killed, a database that crashes, a store that goes away, and an endpoint that misbehaves, all at once."""

import pytest

from tests import postgresql
from tests.experiments.running.faults.run import Plan, run


@pytest.mark.postgresql
@pytest.mark.skipif(postgresql.programs() is None, reason=f"needs a PostgreSQL server: {postgresql.INSTALL}")
def test_an_experiment_under_faults_ends_whole_with_no_answer_lost_or_recorded_twice():
    plan = Plan()
    found = run(plan)
    assert found["wrong"] == []
    assert found["status"] == "decided"
    assert found["faults"]["worker killed"] >= 2
    assert found["faults"]["database crashed"] == 1
    assert found["faults"]["store away"] == 1
    assert found["most_in_flight"] <= plan.concurrency * 2
    assert found["outcomes"]["answered"] >= 0.95 * 2 * plan.examples
