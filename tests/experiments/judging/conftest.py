"""An experiment whose answers are judged, from its submission to its verdict."""

import pytest

from experiments.models import Experiment
from experiments.running import scheduler
from tests.factories import experiments, judges


@pytest.fixture
def judged(people, impatient):
    """Submit an experiment whose policy names a judge at the same endpoint, and drain."""

    def submit_and_drain(endpoint, *metrics, examples=10, **also) -> Experiment:
        judges.judge(people["owner"], people["platform"], base_url=endpoint.base_url)
        experiment = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=examples, suite=judges.suite(*metrics, **also)
        )
        scheduler.drain()
        return Experiment.objects.with_names().get(pk=experiment.pk)

    return submit_and_drain
