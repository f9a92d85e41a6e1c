"""From finished outputs to a verdict."""

from experiments.models import ExperimentStatus
from tests.factories import experiments


def test_a_clearly_better_candidate_passes(owner, platform, custodian):
    experiment = experiments.measured(owner=owner, platform=platform, custodian=custodian)
    verdict = experiment.verdicts.first()
    assert (experiment.status, verdict.outcome, verdict.provisional) == (
        ExperimentStatus.DECIDED,
        "PASS",
        False,
    )


def test_a_clearly_worse_candidate_fails(owner, platform, custodian):
    experiment = experiments.measured(
        owner=owner, platform=platform, custodian=custodian, better=False, examples=90
    )
    assert experiment.verdicts.first().outcome == "FAIL"
