"""The worker cluster is killed in the middle of an experiment, more than once, and nothing is lost or doubled."""

from collections import Counter

import pytest

from evaltrack.integrations.gate import MOST_OUTSTANDING
from experiments.models import Experiment, ExperimentStatus, Outcome, OutputState
from tests.endpoint import serve, wrong_on
from tests.experiments.cluster import wait_until
from tests.factories import experiments

CONCURRENCY = 16


@pytest.mark.django_db(transaction=True)
def test_a_killed_cluster_goes_on_where_it_was_with_exactly_500_outputs(owner, platform, custodian, worker):
    # Slow enough to be killed in the middle, quick enough to wait for.
    wrong = wrong_on("v1.0.0", *range(0, 250, 3))
    with serve(wrong, latency_s=0.1) as endpoint:
        experiment = experiments.submitted(
            owner=owner,
            platform=platform,
            custodian=custodian,
            base_url=endpoint.base_url,
            examples=250,
            concurrency=CONCURRENCY,
        )

        def done() -> int:
            return experiment.outputs.filter(state=OutputState.DONE).count()

        kept: dict[int, tuple] = {}
        for at_least in (100, 250):
            with worker() as process:
                wait_until(lambda at_least=at_least: done() >= at_least, process, worker.log)
            before = answers(experiment)
            assert at_least <= len(before) < 500
            # What was recorded before the earlier kill is as it was.
            assert kept.items() <= before.items()
            kept = before

        def decided() -> bool:
            return Experiment.objects.get(pk=experiment.pk).status == ExperimentStatus.DECIDED

        with worker() as process:
            wait_until(decided, process, worker.log)

    outputs = experiment.outputs.values_list("run__arm", "example_id", "state", "outcome")
    assert len(outputs) == 500
    assert Counter((state, outcome) for _, _, state, outcome in outputs) == {
        (OutputState.DONE, Outcome.ANSWERED): 500
    }
    assert len({(arm, example) for arm, example, _, _ in outputs}) == 500
    assert kept.items() <= answers(experiment).items()
    assert experiment.runs.count() == 2
    assert experiment.comparisons.count() == 3
    assert experiment.verdicts.get().outcome == "PASS"
    # Only what was in flight at a kill, or had just come and was not written down, is asked a second time.
    assert 500 <= len(endpoint.calls) <= 500 + 2 * MOST_OUTSTANDING * CONCURRENCY


def answers(experiment: Experiment) -> dict[int, tuple]:
    """Every recorded answer with its time, so that a later change of one would show."""
    rows = experiment.outputs.filter(state=OutputState.DONE).values_list("pk", "text", "finished_at")
    return {pk: (text, at) for pk, text, at in rows}
